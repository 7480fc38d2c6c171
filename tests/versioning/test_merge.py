"""Three sides of a lock made one: what is taken, what is left out, and that what is left is never of two versions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodabuild.digest import md5
from prodabuild.engine import lockfile
from prodabuild.engine.dvcfile import parse_lock
from prodabuild.errors import ProjectError
from prodabuild.versioning.merge import merge, merge_entries

NAMES = ("manifest", "knowledge:a", "knowledge:b", "patch:p", "shard:zoo/0", "shard:zoo/00", "shard:zoo/1", "items:zoo/all",
         "leaks:zoo/0", "suite:chains", "index", "dataset", "base", "model", "probe@base", "probe", "footprint", "results:chains", "score:chains/dev",
         "arm:a/b@1", "run:a/b@1", "measured:a/b@1", "accepted:chains")  # fmt: skip
DVC = """schema: '2.0'
stages:
  data:
    cmd: prodabuild compile --to data
    outs:
    - path: build/dataset
      hash: md5
      md5: {data}
      size: 1
  model:
    cmd: prodabuild compile
    deps:
    - path: build/dataset
      hash: md5
      md5: {used}
      size: 1
    outs:
    - path: build/model
      hash: md5
      md5: {model}
      size: 1
  notes:
    cmd: date > notes
    outs:
    - path: notes
      hash: md5
      md5: {notes}
      size: 1
"""


def entries(**given: int) -> dict[str, dict[str, Any]]:
    """Return entries of these digests; `_` stands for what a name cannot hold."""
    names = {name.replace("__", "/").replace("_", ":", 1): digest for name, digest in given.items()}
    return {name: entry(name, digest) for name, digest in names.items()}


def entry(name: str, digest: int) -> dict[str, Any]:
    """Return an entry of this digest; an accepted version names the file of its results."""
    if name.startswith("score:"):
        return {"n": digest, "acc": 0.5}
    if not name.startswith("accepted:"):
        return {"sha256": f"{digest:064}"}
    file = {"path": "results/chains.json", "md5": f"{digest:032}", "sha256": f"{digest:064}", "size": 1}
    return {"acc": {"dev": 0.5}, "patches": {}, "results": file}


def dvc(**given: str) -> bytes:
    """Return a `dvc.lock` whose objects have names made of these words."""
    return DVC.format(**{name: md5(word.encode()) for name, word in given.items()}).encode()


def merged(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    return lockfile.parse(merge_entries(base, ours, theirs).data, "merged")


def test_what_one_side_changed_is_taken_and_what_both_did_is_left_out() -> None:
    base = entries(knowledge_a=0, knowledge_b=0, shard_zoo__0=0, shard_zoo__1=0, dataset=0, model=0)
    ours = base | entries(knowledge_a=1, shard_zoo__0=1, dataset=1, model=1)
    theirs = base | entries(knowledge_b=2, shard_zoo__1=2, dataset=2, model=2)
    found = merge_entries(base, ours, theirs)
    expected = entries(knowledge_a=1, knowledge_b=2, shard_zoo__0=1, shard_zoo__1=2)
    assert (lockfile.parse(found.data, ""), found.stale, found.conflicts) == (expected, ("dataset", "model"), ())
    assert merge_entries(base, theirs, ours) == found
    assert found.data == lockfile.render(expected)


def test_what_one_side_removed_goes_unless_the_other_changed_it() -> None:
    base = entries(knowledge_a=0, knowledge_b=0)
    assert merged(base, entries(knowledge_a=0), base | entries(patch_p=1)) == entries(knowledge_a=0, patch_p=1)
    found = merge_entries(base, entries(knowledge_a=0), base | entries(knowledge_b=2))
    assert (lockfile.parse(found.data, ""), found.stale) == (entries(knowledge_a=0), ("knowledge:b",))


def test_a_model_of_other_data_than_the_merge_has_is_left_out() -> None:
    base = entries(shard_zoo__0=0, dataset=0, base=0)
    ours = base | entries(shard_zoo__0=1, dataset=1)
    theirs = base | entries(model=2, results_chains=2) | {"score:chains/dev": {"n": 1, "acc": 1}}
    found = merge_entries(base, ours, theirs)
    assert lockfile.parse(found.data, "") == ours
    assert found.stale == ("model", "results:chains", "score:chains/dev")
    assert merged(base, base, theirs) == theirs


def test_a_bucket_that_one_side_split_is_left_out_where_the_other_changed_it() -> None:
    base = entries(shard_zoo__0=0, shard_zoo__1=0, shard_tools__0=0)
    ours = entries(shard_zoo__00=1, shard_zoo__01=1, shard_zoo__1=0, shard_tools__0=0)
    theirs = base | entries(shard_zoo__0=2)
    found = merge_entries(base, ours, theirs)
    assert lockfile.parse(found.data, "") == entries(shard_zoo__1=0, shard_tools__0=0)
    assert found.stale == ("shard:zoo/0", "shard:zoo/00", "shard:zoo/01")
    assert merged(base, ours, base) == ours


def test_two_accepted_versions_are_for_people_to_choose_between() -> None:
    base = entries(accepted_chains=0, knowledge_a=0)
    ours, theirs = base | entries(accepted_chains=1), base | entries(accepted_chains=2, knowledge_a=2)
    found = merge_entries(base, ours, theirs)
    assert lockfile.parse(found.data, "") == entries(accepted_chains=1, knowledge_a=2)
    assert (found.stale, found.conflicts) == ((), ("accepted:chains",))


SIDE = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2)).map(
    lambda side: {name: entry(name, digest) for name, digest in side.items()}
)


@settings(deadline=None)  # a machine that is busy is no mistake
@given(SIDE, SIDE, SIDE)
def test_merging_is_symmetric_parses_and_invents_nothing(base: Any, ours: Any, theirs: Any) -> None:
    found, mirrored = merge_entries(base, ours, theirs), merge_entries(base, theirs, ours)
    entries_of, turned = lockfile.parse(found.data, ""), lockfile.parse(mirrored.data, "")
    assert (found.stale, found.conflicts) == (mirrored.stale, mirrored.conflicts)
    for name in NAMES:
        if name not in found.conflicts:
            assert entries_of.get(name) == turned.get(name)
        if name in entries_of:
            assert entries_of[name] in (ours.get(name), theirs.get(name))
        elif name in ours and ours.get(name) == theirs.get(name):
            assert name in found.stale  # made of what is left out
    assert not set(found.stale) & entries_of.keys()


@settings(deadline=None)  # a machine that is busy is no mistake
@given(SIDE, SIDE)
def test_a_side_that_did_nothing_changes_nothing(base: Any, ours: Any) -> None:
    assert merged(base, ours, base) == merged(base, base, ours) == merged(ours, ours, ours) == ours


def test_stages_of_dvc_are_merged_and_one_that_depends_on_what_is_gone_goes() -> None:
    old = {"data": "d0", "used": "d0", "model": "m0", "notes": "n0"}
    base = dvc(**old)
    ours = dvc(**old | {"data": "d1", "used": "d1", "model": "m1"})
    theirs = dvc(**old | {"notes": "n2"})
    found = merge("sub/dvc.lock", base, ours, theirs)
    both = dvc(**old | {"data": "d1", "used": "d1", "model": "m1", "notes": "n2"})
    assert (found.data, found.stale) == (both, ())

    theirs = dvc(**old | {"data": "d2", "used": "d2", "model": "m2"})
    found = merge("dvc.lock", base, ours, theirs)
    assert (list(parse_lock(found.data, "").stages), found.stale) == (["notes"], ("data", "model"))

    head, _, model = dvc(**old).partition(b"  model:")
    without = head + b"  notes:" + model.partition(b"  notes:")[2]
    found = merge(
        "dvc.lock",
        without,
        dvc(**old | {"model": "m9"}),
        without.replace(md5(b"d0").encode(), md5(b"d2").encode()),
    )
    assert (list(parse_lock(found.data, "").stages), found.stale) == (["data", "notes"], ("model",))


def test_nothing_left_is_still_a_lock() -> None:
    versions = [dvc(data=name, used=name, model=name, notes=name) for name in ("a", "b", "c")]
    found = merge("dvc.lock", *versions)
    assert found.data == b"schema: '2.0'\nstages: {}\n"
    assert parse_lock(found.data, "").stages == {}
    assert lockfile.parse(merge("proda.lock", b"", b"", b"").data, "") == {}


def test_metrics_are_merged_by_suite() -> None:
    sides = [orjson.dumps(each) for each in ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 2})]
    assert merge("metrics.json", *sides) == (b'{\n  "b": 2\n}\n', ("a",), ())
    assert merge("metrics.json", b"", b"", sides[0]).data == b'{\n  "a": 1,\n  "b": 1\n}\n'


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("proda.lock", "proda.lock (their side):1:1: not a lock"),
        ("dvc.lock", "dvc.lock (their side) is not as DVC writes it"),
        ("metrics.json", "metrics.json (their side):1:1: not JSON"),
    ],
)
def test_a_side_that_is_no_lock_is_named(name: str, message: str) -> None:
    with pytest.raises(ProjectError) as refused:
        merge(name, b"", b"", b"<<<<<<< HEAD\n")
    assert refused.value.message == message
    hint = f"take one side whole (`git checkout --ours {name}`, or --theirs) and run `prodabuild compile`"
    assert refused.value.hint == hint
