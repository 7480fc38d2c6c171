from __future__ import annotations

import zlib
from base64 import b64encode
from pathlib import Path

import orjson
import pytest

from prodabuild.digest import change_digest
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


def forged(toy: Toy, **changes: object) -> bytes:
    """Return the line of a trace with a sound checksum and some fields replaced."""
    fields = ["version", "unit", "inputs", "names", "after", "output", "files", "summary", "seen"]
    body = orjson.loads(journal.line_of(recorded(toy)[0]).split(b" ", 1)[1])
    data = orjson.dumps([changes.get(field, value) for field, value in zip(fields, body, strict=True)])
    return b"\n" + change_digest(data).hex().encode() + b" " + data


def packed(data: bytes) -> str:
    return b64encode(zlib.compress(data, 9)).decode()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"unit": 7}, "it names no unit"),
        ({"unit": ""}, "it names no unit"),
        ({"unit": "x" * 2000}, "it names no unit"),
        ({"after": 7}, "it names no unit"),
        ({"after": [""]}, "an output that it read has no name"),
        ({"after": [7]}, "an output that it read has no name"),
        ({"inputs": "00"}, "a digest has another length"),
        ({"inputs": "zz"}, "non-hexadecimal number found in fromhex() arg at position 0"),
        ({"seen": ""}, "a digest has another length"),
        ({"names": "!"}, "Only base64 data is allowed"),
        ({"names": packed(b"\xff")}, "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        ({"names": packed(b"a\n\nb")}, "an input has no name"),
        ({"names": packed(b"a" * 1_000_000)}, "its input names are larger than any build makes them"),
        ({"files": [["../x", "0" * 32, "0" * 64, 1]]}, "a file that it made has no sound path or digest"),
        ({"files": [["x", "ab/abs/path", "0" * 64, 1]]}, "a file that it made has no sound path or digest"),
        ({"files": [["x", "0" * 32, "0" * 64, True]]}, "a file that it made has no sound path or digest"),
        ({"output": "0" * 32}, "its output has another digest"),
        ({"summary": "{"}, "unexpected end of data: line 1 column 2 (char 1)"),
    ],
)
def test_a_line_with_a_checksum_that_is_no_trace_is_passed_over_and_told(
    toy: Toy, changes: dict[str, object], why: str
) -> None:
    data = (toy.root / "state.journal").read_bytes()
    told: list[str] = []
    assert sorted(journal.parse(forged(toy, **changes) + data, told.append)) == recorded(toy)
    assert told == [why]


@pytest.mark.parametrize("body", [b"7", b"[]", b"[2]", b"{}", b"[2,1,2,3,4,5,6,7,8,9]", b"[" * 5000, b"null"])
def test_a_line_of_another_shape_is_passed_over(toy: Toy, body: bytes) -> None:
    line = b"\n" + change_digest(body).hex().encode() + b" " + body
    told: list[str] = []
    assert list(journal.parse(line, told.append)) == []
    assert len(told) == 1


def test_a_file_from_elsewhere_holds_no_more_than_a_build_makes(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (toy.root / "state.journal").read_bytes()
    for name in ("MAX_TRACES", "MAX_FILE_INPUTS"):
        with monkeypatch.context() as limited:
            limited.setattr(journal, name, 2)
            told: list[str] = []
            assert len(list(journal.parse(data, told.append))) <= 2
            assert told == ["it holds more than any build makes"]
    monkeypatch.setattr(journal, "MAX_LINE", 50)
    assert list(journal.parse(data)) == []
