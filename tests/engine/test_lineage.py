from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prodabuild.engine.lineage import downstream, home_of, inputs_of, readers_of, stands_in
from prodabuild.engine.state import State
from tests.engine.toy import Lines, Settings, Toy

LINES: Lines = {f"k{n}": (f"text {n}", f"k{(n + 1) % 6}") for n in range(6)}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    toy = Toy(tmp_path)
    toy.run({"a": LINES}, Settings(size=1))
    with toy.state() as state:
        yield state


def home(state: State, key: str) -> str:
    fact = state.fact(key)
    assert fact is not None
    found = home_of(state, fact)
    assert found is not None
    return found


def test_every_fact_has_the_home_that_it_stands_in(state: State) -> None:
    parts = state.unit_names("parts")
    for key in LINES:
        fact = state.fact(key)
        assert fact is not None
        assert [part for part in parts if stands_in(part, fact)] == [home_of(state, fact)]
    settings = state.fact("settings")
    assert settings is not None
    assert home_of(state, settings) is None
    assert not any(stands_in(unit, settings) for unit in ("pick", "half:0", *parts))


def test_a_trace_tells_its_inputs_by_kind(state: State) -> None:
    (trace,) = [trace for trace in state.current_traces() if trace.unit == home(state, "k0")]
    assert inputs_of(trace) == ({"k0": ["text", "to"], "k1": ["text"]}, ["to:k0"], [], [])
    (pick,) = [trace for trace in state.current_traces() if trace.unit == "pick"]
    assert inputs_of(pick) == ({"settings": ["pick"]}, [], ["half:0"], [])
    (half,) = [trace for trace in state.current_traces() if trace.unit == "half:0"]
    assert inputs_of(half).listings == ["parts"]


def test_readers_are_told_with_what_they_read(state: State) -> None:
    assert readers_of(state, ["k1#text", "k1#to", "@to:k1", "nothing#at all"]) == {
        home(state, "k0"): ["k1#text"],
        home(state, "k1"): ["@to:k1", "k1#text", "k1#to"],
    }


def test_what_follows_stops_where_it_is_told(state: State) -> None:
    part = next(part for part in state.unit_names("parts") if part.endswith("0"))
    count = f"count:{part.partition(':')[2]}"
    assert downstream(state, [part]) == {count, "half:0", "pick", "end"}
    assert downstream(state, [part], lambda unit: unit != "pick") == {count, "half:0"}
    assert downstream(state, [part, "half:0"]) == {count, "pick", "end"}
