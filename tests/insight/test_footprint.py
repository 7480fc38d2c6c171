"""Footprints of adapters whose figures are known, summed up and banded."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from prodabuild.insight.changes import Array
from prodabuild.insight.footprint import Footprint, make_footprint
from prodabuild.insight.pictures import draw
from prodabuild.insight.summary import bands, by_kind, by_layer, half_of, measures_of, noisy, to_json
from tests.insight.weights import normal, save, save_adapter

ROWS, COLUMNS, RANK = 48, 40, 4


def orthonormal(seed: int, length: int) -> Array:
    found: Array = np.linalg.qr(normal(seed, length, RANK))[0]
    return found


def factors(seed: int, values: list[float]) -> tuple[Array, Array]:
    """Return factors whose product, times two, has these singular values."""
    return orthonormal(seed, COLUMNS).T, orthonormal(seed + 1, ROWS) * np.array(values) / 2


def adapter(folder: Path, modules: dict[str, list[float]], kind: str = "F32") -> Path:
    tensors: dict[str, Array] = {}
    for seed, (name, values) in enumerate(modules.items()):
        tensors[f"{name}.lora_A.weight"], tensors[f"{name}.lora_B.weight"] = factors(2 * seed, values)
    return save_adapter(folder, tensors, kind)


def footprint(folder: Path, base: Path | None = None) -> Footprint:
    return make_footprint(folder.name, folder, base, lambda done, total: None)


TWO = {"layers.0.q_proj": [3.0, 1, 1, 1], "layers.1.q_proj": [2.0, 2, 2, 2], "layers.1.up_proj": [2.0, 0, 0, 0]}


def test_rows_have_the_figures_of_their_spectra(tmp_path: Path) -> None:
    rows = {row.name: row for row in footprint(adapter(tmp_path, TWO)).rows}
    first, second, third = (rows[name].figures for name in TWO)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.erank_1 == pytest.approx(3.46410, abs=1e-4)
    assert first.participation == pytest.approx(1.71429, abs=1e-4)
    assert second.stable == pytest.approx(4, abs=1e-4)
    assert third.erank_2 == pytest.approx(1, abs=1e-4)
    assert rows["layers.0.q_proj"].energy == pytest.approx(12, rel=1e-5)
    assert rows["layers.0.q_proj"].tail is None
    assert rows["layers.0.q_proj"].null.mean.stable < RANK


def test_energy_is_shared_out_over_types_and_layers(tmp_path: Path) -> None:
    found = footprint(adapter(tmp_path, TWO))
    assert found.energy == pytest.approx(12 + 16 + 4, rel=1e-5)
    kinds, layers = by_kind(found), by_layer(found)
    assert kinds["q_proj"]["share"].value == pytest.approx(28 / 32)
    assert kinds["q_proj"]["share"].null == pytest.approx(2 / 3)
    assert kinds["q_proj"]["norm"].value == pytest.approx(28**0.5)
    assert layers["0"]["share"].value == pytest.approx(12 / 32)
    assert layers["1"]["erank_2"].value == pytest.approx((4 + 1) / 2, rel=1e-3)
    spread = found.spread()
    assert spread is not None
    assert spread.effective == pytest.approx(np.exp(-(0.375 * np.log(0.375) + 0.625 * np.log(0.625))), rel=1e-5)
    assert spread.even == pytest.approx(np.exp(-(np.log(1 / 3) / 3 + 2 * np.log(2 / 3) / 3)), rel=1e-5)
    assert half_of(found) == ["layers.1.q_proj"]


def test_what_nothing_changed_has_no_figures(tmp_path: Path) -> None:
    found = footprint(adapter(tmp_path, {"layers.0.q_proj": [0.0] * 4}))
    assert (found.energy, found.spread(), half_of(found)) == (0, None, [])
    assert found.rows[0].figures is None
    assert "erank_1" not in measures_of(found.rows, found)
    assert to_json([found])["runs"][0]["norm"] == 0
    assert draw([found]).startswith("<svg")


def test_the_null_of_a_change_is_beside_it_and_beside_the_base(tmp_path: Path) -> None:
    base = save(
        tmp_path / "base/model.safetensors", {f"{name}.weight": normal(50, ROWS, COLUMNS) for name in TWO}
    ).parent
    found = footprint(adapter(tmp_path / "adapter", TWO), base)
    for row in found.rows:
        assert row.beside is not None
        assert row.beside.null.size == pytest.approx(row.beside.effect.size)
        assert row.null.low.stable <= row.null.mean.stable <= row.null.high.stable
    measures = by_kind(found)["q_proj"]
    norm = np.linalg.norm(normal(50, ROWS, COLUMNS))
    assert measures["size"].value == pytest.approx((28 / (2 * norm**2)) ** 0.5, rel=1e-5)
    assert measures["overlap"].null is not None


def test_a_random_adapter_is_told_apart_from_nothing(tmp_path: Path) -> None:
    tensors = {"layers.0.q_proj.lora_A.weight": normal(1, 16, 300), "layers.0.q_proj.lora_B.weight": normal(2, 200, 16)}
    found = footprint(save_adapter(tmp_path, tensors, r=16))
    for name in ("erank_1", "erank_2", "stable", "participation", "rank_90", "top"):
        measure = measures_of(found.rows, found)[name]
        assert measure.null is not None
        assert measure.value == pytest.approx(measure.null, rel=0.12)


def test_weights_of_one_run_in_bf16_are_flagged(tmp_path: Path) -> None:
    weights = 0.02 * normal(1, 64, 64)
    save(tmp_path / "base/model.safetensors", {"layers.0.q_proj.weight": weights}, "BF16")
    save(tmp_path / "tuned/model.safetensors", {"layers.0.q_proj.weight": weights + 1e-4 * normal(2, 64, 64)}, "BF16")
    found = footprint(tmp_path / "tuned", tmp_path / "base")
    assert noisy(found) == ["layers.0.q_proj"]
    assert found.rows[0].noise > 0.05


def test_runs_are_banded_run_by_run(tmp_path: Path) -> None:
    spectra = [[3.0, 1, 1, 1], [2.0, 2, 2, 2], [4.0, 0, 0, 0]]
    runs = [
        footprint(adapter(tmp_path / str(at), {"layers.0.q_proj": values, "layers.1.q_proj": values}))
        for at, values in enumerate(spectra)
    ]
    band = bands(runs, by_kind)["q_proj"]["stable"]
    values = [4 / 3, 4, 1]
    assert band.mean == pytest.approx(np.mean(values), rel=1e-4)
    assert band.deviation == pytest.approx(np.std(values, ddof=1), rel=1e-4)  # three runs, however many modules
    assert band.runs == 3
    assert band.null == pytest.approx(runs[0].rows[0].null.mean.stable)
    document = to_json(runs)
    assert document["bands"]["types"]["q_proj"]["stable"]["runs"] == 3
    assert len(document["runs"]) == 3


def test_only_what_all_runs_have_is_banded(tmp_path: Path) -> None:
    one = footprint(adapter(tmp_path / "one", {"layers.0.q_proj": [1.0] * 4, "layers.0.up_proj": [1.0] * 4}))
    two = footprint(adapter(tmp_path / "two", {"layers.0.q_proj": [2.0] * 4}))
    assert list(bands([one, two], by_kind)) == ["q_proj"]


def test_the_drawing_is_of_the_figures(tmp_path: Path) -> None:
    runs = [footprint(adapter(tmp_path / name, TWO)) for name in ("a", "b")]
    alone, both = draw(runs[:1]), draw(runs)
    assert alone == draw(runs[:1])
    assert (alone.count("<polygon"), both.count("<polygon")) == (0, 2)  # q_proj has two layers, up_proj one
    assert all(f">{kind}</text>" in alone for kind in ("q_proj", "up_proj", "null", "norm of the update, by layer"))
    assert "nan" not in both
    assert "erank_1 change" not in alone


def test_beside_a_base_size_and_what_the_base_becomes_are_drawn(tmp_path: Path) -> None:
    base = save(tmp_path / "base/model.safetensors", {f"{name}.weight": normal(5, ROWS, COLUMNS) for name in TWO})
    drawn = draw([footprint(adapter(tmp_path / "adapter", TWO), base.parent)])
    root = ElementTree.fromstring(drawn)
    words = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert [word for word in words if word.endswith("by layer")] == [
        "size: norm of the update over that of the base, by layer",
        "erank_2 over its null, by layer",
        "erank_1 change of the base, by layer",
    ]
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    groups = [
        tuple(map(float, group.attrib["transform"][10:-1].split())) for group in root if "transform" in group.attrib
    ]
    assert all(x < width and y < height for x, y in groups)


def test_axes_have_round_numbers(tmp_path: Path) -> None:
    drawn = draw([footprint(adapter(tmp_path, {f"layers.{at}.q_proj": [1.0, 0.1, 0.01, 0.002] for at in range(4)}))])
    words = re.findall(r'text-anchor="(end|middle)">([^<]*)<', drawn)
    assert [word for side, word in words if side == "end"][:3] == ["0.003", "0.01", "0.03"]
    assert [word for side, word in words if side == "middle"][:4] == ["1", "2", "direction", "0"]
    assert [word for side, word in words if side == "middle"][3:8] == ["0", "1", "2", "3", "layer"]
