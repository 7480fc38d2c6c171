"""Weights as they lie on disk: T12, and files that are damaged or of another precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prodabuild.errors import ProjectError
from prodabuild.insight.changes import Array, Dense, energy
from prodabuild.insight.footprint import make_footprint
from prodabuild.insight.spectra import figures_of
from prodabuild.insight.tensors import adapter_tensors, load, model_tensors, rounding_energy
from tests.insight.weights import normal, save, to_bf16


@pytest.mark.parametrize("kind", ["F64", "F32", "F16", "BF16"])
def test_tensors_are_read_as_they_were_written(tmp_path: Path, kind: str) -> None:
    written = {"a": normal(1, 3, 5), "b": normal(2, 4)}
    save(tmp_path / "model.safetensors", written, kind)
    found = model_tensors(tmp_path)
    assert found.keys() == {"a", "b"}
    precision = {"F64": 0, "F32": 2**-24, "F16": 2**-11, "BF16": 2**-8}[kind]
    for name, tensor in found.items():
        assert load(tensor) == pytest.approx(written[name], rel=precision, abs=1e-6 if kind == "F16" else None)


def test_the_library_reads_what_we_read(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    path = save(tmp_path / "model.safetensors", {"a": normal(1, 3, 5), "b": normal(2, 4)})
    (theirs, ours) = safetensors.load_file(path), model_tensors(tmp_path)
    assert all((load(ours[name]) == theirs[name]).all() for name in theirs)


@pytest.mark.parametrize("cut", [4, 40, 200])
def test_a_file_that_is_cut_is_told(tmp_path: Path, cut: int) -> None:
    path = save(tmp_path / "model.safetensors", {"a": normal(1, 8, 8)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ProjectError, match="is cut short"):
        model_tensors(tmp_path)


def test_a_shape_that_is_not_that_of_its_bytes_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "model.safetensors", {"a": normal(1, 8, 8)})
    path.write_bytes(path.read_bytes().replace(b'"shape":[8,8]', b'"shape":[8,9]'))
    with pytest.raises(ProjectError, match=r"a has the shape \[8, 9\] of F32, and 256 bytes"):
        model_tensors(tmp_path)


@pytest.mark.parametrize("shape", [b"[-8,-8]", b'["8",[]]', b"[null,8]"])
def test_a_shape_that_is_none_is_told(tmp_path: Path, shape: bytes) -> None:
    path = save(tmp_path / "model.safetensors", {"a": normal(1, 8, 8)})
    data = path.read_bytes().replace(b"[8,8]", shape)
    length = int.from_bytes(data[:8], "little") + len(shape) - len(b"[8,8]")
    path.write_bytes(length.to_bytes(8, "little") + data[8:])
    with pytest.raises(ProjectError, match="a has no dtype, shape and data_offsets in the header"):
        model_tensors(tmp_path)


def test_a_quantised_tensor_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "model.safetensors", {"a": normal(1, 8, 8)})
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"U32"'))
    with pytest.raises(ProjectError, match="is of type U32"):
        load(model_tensors(tmp_path)["a"])


@pytest.mark.parametrize("entry", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_told(tmp_path: Path, entry: float) -> None:
    save(tmp_path / "model.safetensors", {"a": np.array([[1.0, entry]])})
    with pytest.raises(ProjectError, match="has entries that are not finite"):
        load(model_tensors(tmp_path)["a"])


def test_folders_without_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="has no weights in safetensors"):
        model_tensors(tmp_path)
    with pytest.raises(ProjectError, match="has no adapter_model"):
        adapter_tensors(tmp_path)


@pytest.mark.parametrize(("kind", "rounded"), [("BF16", to_bf16), ("F16", lambda entries: entries.astype(np.float16))])
def test_rounding_leaves_the_energy_that_is_expected(kind: str, rounded: object) -> None:
    assert callable(rounded)
    entries = (0.02 * normal(3, 400, 400)).astype(np.float32)
    left: Array = rounded(entries).astype(np.float64) - entries
    assert rounding_energy(entries, kind) == pytest.approx(energy(left), rel=0.02)
    assert rounding_energy(np.zeros((2, 2)), kind) == 0


def test_small_numbers_of_half_precision_are_rounded_to_the_same_step() -> None:
    entries = (3e-6 * normal(3, 400, 400)).astype(np.float32)
    left = entries.astype(np.float16).astype(np.float64) - entries
    assert rounding_energy(entries, "F16") == pytest.approx(energy(left), rel=0.02)


# share of the change, energy in its 8 directions, erank_1, erank_2, entries that stayed as they were
ROUNDED = [
    (1e-4, 0.085, 713, 427, 0.98),
    (1e-3, 0.457, 677, 152, 0.78),
    (3e-3, 0.804, 568, 30, 0.49),
    (1e-2, 0.974, 264, 10.0, 0.19),
    (3e-2, 0.997, 75, 8.2, 0.07),
]


@pytest.mark.parametrize(("share", "held", "erank_1", "erank_2", "unchanged"), ROUNDED)
def test_a_difference_of_bf16_weights_is_noise_below_a_hundredth(
    tmp_path: Path, share: float, held: float, erank_1: float, erank_2: float, unchanged: float
) -> None:
    size, rank = 1024, 8
    before = to_bf16(0.02 * normal(1, size, size))
    change = normal(2, size, rank) @ normal(3, rank, size)
    change *= share * np.linalg.norm(before) / np.linalg.norm(change)
    after = to_bf16(before + change)
    kept = float(np.mean(after == before))
    assert kept == pytest.approx(unchanged, abs=0.02)

    values = Dense(after - before).values()
    found = figures_of(values)
    assert found is not None
    assert (values[:rank] ** 2).sum() / (values**2).sum() == pytest.approx(held, abs=0.01)
    assert found.erank_1 == pytest.approx(erank_1, rel=0.03)
    assert found.erank_2 == pytest.approx(erank_2, rel=0.06)
    noise = rounding_energy(after, "BF16") / (values**2).sum()
    assert (noise >= 0.01) == (share < 3e-2)  # the flag
    if kept < 0.3:  # where most entries moved, rounding explains what is not in the directions
        assert noise == pytest.approx(1 - held, abs=0.03)


def test_directions_above_the_floor_are_those_that_were_added(tmp_path: Path) -> None:
    size, rank = 256, 8
    before = to_bf16(0.02 * normal(1, size, size))
    change = normal(2, size, rank) @ normal(3, rank, size)
    change *= 3e-2 * np.linalg.norm(before) / np.linalg.norm(change)
    save(tmp_path / "base/model.safetensors", {"layers.0.up_proj.weight": before}, "BF16")
    save(tmp_path / "tuned/model.safetensors", {"layers.0.up_proj.weight": before + change}, "BF16")
    (row,) = make_footprint("tuned", tmp_path / "tuned", tmp_path / "base", lambda done, total: None).rows
    assert row.above == rank
    assert 0 < row.noise < 0.01
    assert row.unchanged == pytest.approx(0.07, abs=0.02)
