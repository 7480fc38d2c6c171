from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.engine import journal
from prodabuild.engine.state import State, Trace
from tests.engine.toy import Lines, Toy

WORLD: dict[str, Lines] = {"a": {f"k{n:02}": (f"text {n}", f"k{(n + 1) % 16:02}") for n in range(16)}}


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    found = Toy(tmp_path)
    found.run(WORLD)
    return found


def recorded(toy: Toy) -> list[Trace]:
    with toy.state() as state:
        return sorted(state.all_traces())


def test_it_holds_every_trace(toy: Toy) -> None:
    assert sorted(journal.read(toy.root / "state.journal")) == recorded(toy)


def test_a_new_state_that_takes_it_over_builds_nothing(toy: Toy) -> None:
    before = toy.output()
    (toy.root / "state.db").unlink()
    with toy.state() as state, state.transaction():
        state.adopt(journal.read(toy.root / "state.journal"))
    result = toy.run(WORLD)
    assert (result.built, len(result.restored)) == ([], len(before))
    assert toy.output() == before


def test_damaged_and_unfinished_lines_are_passed_over(toy: Toy) -> None:
    path = toy.root / "state.journal"
    traces = recorded(toy)
    lines = [line for line in path.read_bytes().split(b"\n") if line]
    path.write_bytes(b"\n".join([lines[0].replace(b"=", b"+"), *lines[1:-1], b"nonsense", lines[-1][:50]]))
    assert len(list(journal.read(path))) == len(lines) - 2
    journal.append(path, traces[0])
    assert list(journal.read(path))[-1] == traces[0]


def test_none_is_empty(tmp_path: Path) -> None:
    assert list(journal.read(tmp_path / "state.journal")) == []


def test_one_that_outgrew_the_state_is_written_anew(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    path = toy.root / "state.journal"
    traces = recorded(toy)
    for trace in traces * 300:
        journal.append(path, trace)
    long = path.stat().st_size
    state = State(toy.root / "state.db", writable=True)
    journal.compact(path, state)
    assert path.stat().st_size == long
    monkeypatch.setattr(journal, "SPARE_BYTES", 0)
    journal.compact(path, state)
    state.close()
    assert path.stat().st_size < long / 100
    assert sorted(journal.read(path)) == traces
