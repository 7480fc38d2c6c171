"""The file of a footprint: everything that tables and pictures are made of is read back from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from prodabuild.digest import canonical
from prodabuild.insight.footprint import Footprint, make_footprint
from prodabuild.insight.keeping import from_document, to_document
from prodabuild.insight.pictures import draw
from prodabuild.insight.summary import to_json
from tests.insight.weights import normal, save, save_adapter

WEIGHT = "layers.0.q_proj"


def footprint(folder: Path, rank: int, factor: float = 1.0) -> Footprint:
    weights = {f"{WEIGHT}.weight": normal(5, 80, 120)}
    base = save(folder / "base/model.safetensors", weights).parent
    values = np.linspace(1, 0.01, rank) ** -0.5  # their squares have a power law for their tail
    parts = {
        f"{WEIGHT}.lora_A.weight": np.eye(rank, 120),
        f"{WEIGHT}.lora_B.weight": factor * np.eye(80, rank) * values,
    }
    return make_footprint("run", save_adapter(folder / "adapter", parts, r=rank), base, lambda done, total: None)


def kept(found: Footprint) -> Footprint:
    return from_document(orjson.loads(canonical(to_document(found))), "run", str(found.base))


@pytest.mark.parametrize("rank", [4, 60])  # a tail has enough points for an exponent, or not
def test_all_of_it_is_read_back_to_six_digits(tmp_path: Path, rank: int) -> None:
    found = footprint(tmp_path, rank)
    before, after = (to_json([each])["runs"][0] for each in (found, kept(found)))
    assert before["modules"][0]["tails"].keys() == {"change", "null", "before", "after"}
    assert (before["modules"][0]["figures"].get("alpha") is not None) == (rank == 60)
    old, new = flat(before), flat(after)
    assert {name: one for name, one in new.items() if not isinstance(one, float)} == {
        name: one for name, one in old.items() if not isinstance(one, float)
    }
    for name, one in old.items():
        assert not isinstance(one, float) or new[name] == pytest.approx(one, rel=2e-5, abs=1e-9), name
    assert draw([kept(found)]).startswith("<svg")


def flat(value: object, name: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        return {key: one for part, each in value.items() for key, one in flat(each, f"{name}.{part}").items()}
    if isinstance(value, list):
        return {key: one for at, each in enumerate(value) for key, one in flat(each, f"{name}.{at}").items()}
    return {name: value}


def test_the_file_tells_the_size_of_the_whole(tmp_path: Path) -> None:
    document = to_document(footprint(tmp_path, 4))
    size = document["figures"]["size"]["value"]
    assert size == document["modules"][0]["beside"]["effect"]["size"] == float(f"{size:.6g}")


def test_where_nothing_changed_there_is_no_size(tmp_path: Path) -> None:
    found = footprint(tmp_path, 4, factor=0.0)
    assert "size" not in to_document(found)["figures"]
    assert kept(found).rows[0].figures is None
