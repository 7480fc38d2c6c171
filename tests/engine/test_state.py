from __future__ import annotations

from pathlib import Path

from prodabuild.engine.facts import Delta, Fact, Reason
from prodabuild.engine.state import State, Trace


def trace(*after: str) -> Trace:
    return Trace("pick", b"inputs", b"", b"", after, b"output", ())


def test_a_unit_that_was_removed_follows_nothing_when_it_comes_back(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db", writable=True)
    state.add_units(["pick"], "picks", Reason("new"))
    state.record(trace("=half:0"))
    assert state.followers("=half:0") == ["pick"]
    state.remove_units(["pick"])
    state.add_units(["pick"], "picks", Reason("new"))
    state.record(trace("=half:1"))
    assert (state.followers("=half:0"), state.followers("=half:1")) == ([], ["pick"])
    state.close()


def test_names_of_postings_by_their_beginning(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db", writable=True)
    postings = [("document:a", "from:x"), ("document:b",), ("document:a", "documents"), ("document;",), ("documen",)]
    facts = {str(n): Fact(str(n), b"{}", "file", "group", names) for n, names in enumerate(postings)}
    state.apply(Delta(facts, {}, ()), [], [])
    assert state.posting_names("document:") == ["document:a", "document:b"]
    assert state.posting_names("means:") == []
    state.close()
