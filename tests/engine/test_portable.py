from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from prodabuild.digest import canonical
from prodabuild.engine.facts import Delta, Fact
from prodabuild.engine.files import file_digest
from prodabuild.engine.portable import export, parse, recognise
from prodabuild.engine.state import State
from prodabuild.engine.store import Store, Stored
from prodabuild.engine.view import FILE, Reader, View
from tests.engine.toy import Lines, Toy

WORLD: dict[str, Lines] = {"a": {f"k{n:02}": (f"text {n}", f"k{n + 1:02}") for n in range(16)}}


@pytest.fixture
def home(tmp_path: Path) -> Toy:
    toy = Toy(tmp_path / "home")
    toy.root.mkdir()
    toy.run(WORLD)
    return toy


def clone(home: Toy, traces: bytes) -> Toy:
    """Return a repo that has the objects and these traces, and no state."""
    toy = Toy(home.root.parent / "clone", travelled=parse(traces))
    shutil.copytree(home.root / "cache", toy.root / "cache")
    return toy


def test_a_clone_that_holds_the_objects_builds_nothing(home: Toy) -> None:
    other = clone(home, home.traces())
    assert {step.action for step in other.plan(WORLD).steps} == {"restore", "build"}  # the whole may change
    result = other.run(WORLD)
    assert (result.built, len(result.restored)) == ([], len(parse(home.traces())))
    assert other.output() == home.output()
    assert not other.plan(WORLD).stale
    assert other.traces() == home.traces()


def test_what_reads_another_value_is_built(home: Toy) -> None:
    other = clone(home, home.traces())
    edited: dict[str, Lines] = {"a": WORLD["a"] | {"k03": ("another text", "k04")}}
    result = other.run(edited)
    home.run(edited)
    assert other.output() == home.output()
    assert sorted(result.built) == sorted(unit for unit in parse(home.traces()) if unit not in result.restored)
    assert 2 <= len(result.built) < len(parse(home.traces()))
    assert "whole" in result.built


def test_what_has_lost_an_object_is_built(home: Toy) -> None:
    other = clone(home, home.traces())
    other.space().store.discard(parse(home.traces())["whole"].files[0])
    assert other.run(WORLD).built == ["whole"]
    assert other.output() == home.output()


@pytest.mark.parametrize(
    "junk",
    [
        b"<<<<<<<\n",
        b"7\n",
        b'{"unit": "whole"}\n',
        b'{"unit": "u", "inputs": "", "names": 7, "sources": {}, "files": [], "summary": 1}\n',
        b"",
    ],
)
def test_lines_that_are_no_traces_are_as_good_as_none(home: Toy, junk: bytes) -> None:
    assert parse(junk + home.traces() if junk else junk) == {}


def test_a_file_that_was_read_as_it_is_is_compared_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    state = State(tmp_path / "state.db", writable=True)
    fact = Fact(FILE + "weights", canonical({"content": file_digest(file).hex()}), "weights")
    with state.transaction():
        state.apply(Delta(upserts={fact.key: fact}), (), ())
    reader = Reader(state, Store(tmp_path, tmp_path / "build"), {"weights": file})
    view = View("unit", reader, tmp_path)
    view.file("weights")
    trace = view.trace(())
    (portable,) = parse(export(reader, trace)).values()
    assert recognise(reader, portable) == trace
    assert recognise(reader, portable._replace(sources={})) is None
    assert recognise(reader, portable._replace(files=(Stored("x", "0" * 32, "0" * 64, 1),))) is None
    file.write_bytes(b"two")
    assert recognise(reader, portable) is None
    assert recognise(Reader(state, reader.store), portable) is None
    state.close()
