"""The merge as a table: every way in which a record can be before, here and there."""

from __future__ import annotations

from itertools import product

import pytest

from prodabuild.project.merging import Accept, Merge, merge

CASES: dict[tuple[str, str, str], str] = {
    # (last import, here, source now; "-" is absent): what becomes of it
    ("-", "-", "a"): "added",
    ("-", "a", "a"): "same",
    ("-", "b", "a"): "both added",
    ("a", "a", "a"): "same",
    ("a", "a", "b"): "changed",
    ("a", "b", "a"): "edited",
    ("a", "b", "b"): "same",
    ("a", "b", "c"): "both changed",
    ("a", "-", "a"): "deleted",
    ("a", "-", "b"): "deleted here",
    ("a", "a", "-"): "gone",
    ("a", "b", "-"): "gone there",
    ("a", "-", "-"): "same",
    ("-", "a", "-"): "same",
}


def run(before: str, ours: str, theirs: str, accept: Accept | None = None, prune: bool = False) -> Merge:
    """Merge one record `x` beside another that is everywhere, so that the import does not begin anew."""
    base, here, there = ({"y": "y"} | ({"x": text} if text != "-" else {}) for text in (before, ours, theirs))
    return merge(base, here, there, lambda _: (), accept, prune)


def outcome(result: Merge) -> str:
    named = {name: getattr(result, name) for name in ("added", "changed", "removed", "edited", "deleted", "gone")}
    (found,) = [*(name for name, ids in named.items() if ids == ["x"]), *result.conflicts.values()] or ["same"]
    return found


@pytest.mark.parametrize(("case", "expected"), list(CASES.items()))
def test_what_becomes_of_a_record(case: tuple[str, str, str], expected: str) -> None:
    assert outcome(run(*case)) == expected


@pytest.mark.parametrize(
    ("case", "accept", "expected"),
    [
        (("a", "b", "c"), "theirs", "changed"),
        (("a", "b", "c"), "ours", "edited"),
        (("-", "b", "a"), "theirs", "changed"),
        (("-", "b", "a"), "ours", "edited"),
        (("a", "-", "b"), "theirs", "added"),
        (("a", "-", "b"), "ours", "deleted"),
        (("a", "b", "-"), "theirs", "removed"),
        (("a", "b", "-"), "ours", "edited"),
        (("a", "b", "a"), "theirs", "edited"),
        (("a", "-", "a"), "theirs", "deleted"),
    ],
)
def test_accepting_settles_conflicts_only(case: tuple[str, str, str], accept: Accept, expected: str) -> None:
    assert outcome(run(*case, accept=accept)) == expected


def test_pruning_removes_only_what_was_not_edited() -> None:
    assert outcome(run("a", "a", "-", prune=True)) == "removed"
    assert outcome(run("a", "b", "-", prune=True)) == "gone there"


@pytest.mark.parametrize("case", list(product("-ab", "-abc", "-abcd")))
@pytest.mark.parametrize("accept", [None, "ours", "theirs"])
@pytest.mark.parametrize("prune", [False, True])
def test_a_second_merge_does_nothing_more(case: tuple[str, str, str], accept: Accept | None, prune: bool) -> None:
    before, ours, theirs = case
    first = run(before, ours, theirs, accept, prune)
    here = {"y": "y"} | ({"x": ours} if ours != "-" else {})
    there = {"y": "y"} | ({"x": theirs} if theirs != "-" else {})
    here |= {identity: there[identity] for identity in (*first.added, *first.changed)}
    here = {identity: digest for identity, digest in here.items() if identity not in first.removed}
    again = merge(first.baseline, here, there, lambda _: (), accept=None, prune=prune)
    assert (again.added, again.changed, again.removed) == ([], [], [])
    assert again.conflicts == first.conflicts
    assert again.baseline == first.baseline
    if accept is not None:
        assert first.conflicts == {}


def test_nothing_left_of_the_last_import_means_to_begin_anew() -> None:
    assert merge({"x": "a"}, {}, {"x": "a"}, lambda _: ()).added == ["x"]


def test_what_needs_a_record_that_was_deleted_here_is_left_out_with_it() -> None:
    needs = {"x..y": ["x.is_a.y"], "x.is_a.y": ["x", "y"]}
    base, here = {"x": "a", "y": "b"}, {"y": "b"}
    there = {"x": "a", "y": "b", "x.is_a.y": "c", "x..y": "d", "y.is_a.y": "e"}
    result = merge(base, here, there, lambda identity: needs.get(identity, []))
    assert (result.added, result.deleted) == (["y.is_a.y"], ["x"])
    known = {"x": "a", "y": "b", "x.is_a.y": "c", "x..y": "d"}
    back = merge(known, here, {**there, "x": "z"}, lambda identity: needs.get(identity, []), accept="theirs")
    assert back.added == ["x", "x.is_a.y", "x..y", "y.is_a.y"]
