"""The benchmarks run, print what they promise, and their checks hold on small sizes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import orjson
import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "benchmarks"
COMMANDS = (
    "agreement",
    "exponents",
    "floors",
    "footprint",
    "fuzz",
    "growth",
    "incremental",
    "items",
    "side_by_side",
    "traps",
    "wordnet",
)


def run(name: str, *arguments: str) -> dict[str, Any]:
    """Run a benchmark with --json; all of its stdout must be the one document."""
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    document: dict[str, Any] = orjson.loads(done.stdout)
    assert {"cpu", "cores", "os", "python"} <= document["machine"].keys()
    return document


@pytest.mark.parametrize("name", COMMANDS)
def test_a_benchmark_says_how_it_is_run(name: str) -> None:
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(option in said for option in ("--json", "--md"))
    assert f"python benchmarks/{name}.py" in said


@pytest.mark.engine
def test_a_deleted_output_is_no_trap() -> None:
    document = run("traps", "--only", "prodabuild", "--case", "5")
    (case,) = document["cases"]
    assert case["outcomes"]["prodabuild"] == {"ok": True, "did": "restored"}
    assert document["yes"] == {"prodabuild": 1}


@pytest.mark.engine
@pytest.mark.parametrize("number", [2, 3, 4, 6, 7, 11])
def test_no_event_is_a_trap(number: int) -> None:
    document = run("traps", "--only", "prodabuild", "--case", str(number))
    (case,) = document["cases"]
    assert case["outcomes"]["prodabuild"]["ok"], case


@pytest.mark.engine
def test_the_engine_makes_every_unit() -> None:
    document = run("side_by_side", "--units", "60", "--runs", "1", "--only", "engine,make,compile")
    assert document["systems"].keys() | document["absent"].keys() == {"engine", "make", "compile"}
    assert document["same_bytes"]
    assert document["shards"] > 30


@pytest.mark.engine
def test_growth_relates_each_size_to_the_smallest() -> None:
    document = run("growth", "--sizes", "300,600", "--runs", "1")
    small, large = document["sizes"]
    assert small["full_ratio"] == small["noop_ratio"] == 1.0
    assert large["samples"] > small["samples"]
    assert small["one_edit_built"] == large["one_edit_built"] == 2


@pytest.mark.engine
def test_no_mutant_of_a_file_is_a_bug_a_hang_or_a_write_outside() -> None:
    document = run("fuzz", "--cases", "300", "--seed", "2")
    assert document["failures"] == []
    assert sum(row["cases"] for row in document["files"]) == 300


def test_a_mutant_is_the_same_again_and_a_failure_says_how_to_repeat_it() -> None:
    import fuzz
    import mutants

    draws = [fuzz.draw(fuzz.rng_of(1, number), number, None) for number in (7, 7, 8)]
    assert draws[0] == draws[1] != draws[2]
    document = b'{"a": [1, {"b": null}], "c": "d"}'
    first = [mutants.mutate(fuzz.rng_of(1, number), document, [b"{}"]) for number in range(500)]
    alone = [mutants.mutate(fuzz.rng_of(1, number), document, [b"{}"]) for number in reversed(range(500))]
    assert first == alone[::-1]
    assert len(set(first)) > 400
    told = fuzz.told(fuzz.Failure(fuzz.Case(7, "lock", ("check",)), ["traceback"]), 1, None)
    assert told.endswith("python benchmarks/fuzz.py --seed 1 --start 7 --cases 1")
