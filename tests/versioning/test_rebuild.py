"""`rebuild REF`: past versions come out the same, and beside the work tree."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from prodabuild.digest import md5
from prodabuild.engine import journal
from tests.conftest import CONFIG, Repo, Versioned, knowledge
from tests.training.conftest import teach

KINDS = "knowledge/zoo/kinds.yaml"
OLD, NEW = "a lizard with the habits of a gecko", "a lizard that sticks"
PATCH = """title: Geckos climb
reason: people asked
cause: correction
ops:
- replace: zoo/gecko
  with: {definition: a lizard that climbs panes of glass}
"""


def release(versioned: Versioned, name: str) -> None:
    versioned.repo.data()
    versioned.commit()
    versioned.git("tag", name)


def history(versioned: Versioned) -> list[str]:
    """Make ten versions as years of work would, and return their tags."""
    repo = versioned.repo
    release(versioned, "v1")
    repo.edit(KINDS, OLD, NEW)
    release(versioned, "v2")
    repo.write("patches/0001-geckos-climb.yaml", PATCH)
    release(versioned, "v3")
    concepts, chains = knowledge("tools")
    repo.write("knowledge/works/kinds.yaml", concepts.replace("tools", "works"))
    repo.write("knowledge/works/chains.yaml", chains.replace("tools", "works"))
    line = "  tools: {knowledge: [knowledge/tools]}\n"
    repo.edit("proda.yaml", line, line + "  works: {knowledge: [knowledge/works]}\n")
    release(versioned, "v4")
    versioned.git("mv", KINDS, "knowledge/zoo/animals.yaml")
    release(versioned, "v5")
    repo.edit("proda.yaml", "scratch:micro", "scratch:micro\n  train: {epochs: 2}")
    release(versioned, "v6")
    repo.edit("proda.yaml", "judge]", "judge, reverse]")
    release(versioned, "v7")
    (repo.path / "patches/0001-geckos-climb.yaml").unlink()
    release(versioned, "v8")
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 8")
    release(versioned, "v9")
    repo.edit("proda.yaml", "  works: {knowledge: [knowledge/works]}\n", "")
    shutil.rmtree(repo.path / "knowledge/works")
    release(versioned, "v10")
    return [f"v{number}" for number in range(1, 11)]


def untouched(repo: Repo) -> dict[str, Any]:
    """Return all that a rebuild has to leave as it is, with times."""
    return {
        path.relative_to(repo.path).as_posix(): path.stat().st_mtime_ns
        for path in repo.path.rglob("*")
        if path.is_file() and not {".git", "cache"} & set(path.relative_to(repo.path).parts)
    }


def rebuilt(repo: Repo, *arguments: str) -> dict[str, Any]:
    outcome = repo.run("rebuild", "--json", *arguments)
    assert outcome.code == 0, outcome.err
    document = outcome.json
    assert document["identical"]
    assert all(artifact["equal"] for artifact in document["artifacts"])
    return document


@pytest.mark.engine
def test_ten_versions_come_out_the_same_from_the_cache_and_from_nothing(versioned: Versioned) -> None:
    tags = history(versioned)
    locks = {tag: orjson.loads(versioned.git("show", f"{tag}:proda.lock"))["entries"] for tag in tags}
    assert len({str(lock) for lock in locks.values()}) == 10
    before = untouched(versioned.repo)
    for tag in tags:
        restored = rebuilt(versioned.repo, tag)
        assert (restored["built"], restored["environment"]) == (0, [])
        assert {artifact["name"] for artifact in restored["artifacts"]} == locks[tag].keys()
    for tag in tags:
        built = rebuilt(versioned.repo, tag, "--from-scratch")
        assert (built["restored"], built["built"] > 20) == (0, True)
    assert untouched(versioned.repo) == before
    assert versioned.git("worktree", "list").count("\n") == 1


def test_a_rebuild_restores_and_leaves_everything_as_it_was(versioned: Versioned) -> None:
    release(versioned, "v1")
    versioned.repo.edit(KINDS, OLD, NEW)
    versioned.repo.data()
    versioned.repo.write(KINDS, versioned.repo.read(KINDS) + b"# in hand\n")
    before, objects = untouched(versioned.repo), versioned.repo.files(".dvc/cache")
    outcome = versioned.repo.run("rebuild", "v1", "-q")
    commit = versioned.git("rev-parse", "--short=12", "v1").strip()
    assert (outcome.code, outcome.err) == (0, "")
    assert re.sub(r"\d+\.\d s", "T s", outcome.out) == (
        f"""dataset     1 of 1 equal
index       1 of 1 equal
items       2 of 2 equal
knowledge   4 of 4 equal
leaks       12 of 12 equal
manifest    1 of 1 equal
predicates  1 of 1 equal
shard       12 of 12 equal
suite       1 of 1 equal

v1 ({commit}): 35 of 35 equal, identical
0 built, 29 restored (T s)
"""
    )
    assert (untouched(versioned.repo), versioned.repo.files(".dvc/cache")) == (before, objects)
    assert versioned.git("worktree", "list").count("\n") == 1
    assert not (versioned.path / ".prodabuild/rebuild").exists()


def test_what_cannot_be_the_same_is_shown_and_exits_1(versioned: Versioned) -> None:
    versioned.repo.built()
    lock = versioned.repo.read("proda.lock")
    (digest,) = re.findall(rb'"shard:zoo/010": \{"md5":"[^"]*","path":"[^"]*","sha256":"(\w+)"', lock)
    versioned.repo.write("proda.lock", lock.replace(digest, digest[::-1]))
    versioned.commit()
    outcome = versioned.repo.run("rebuild", "HEAD", "-q", "--from-scratch")
    assert outcome.code == 1
    short = digest.decode()[::-1][:12], digest.decode()[:12]
    assert f"artifact       locked        rebuilt\nshard:zoo/010  {short[0]}  {short[1]}\n" in outcome.out
    assert "34 of 35 equal, 1 differ\n" in outcome.out
    document = versioned.repo.run("rebuild", "HEAD", "--json").json
    assert (document["identical"], [each for each in document["artifacts"] if not each["equal"]]) == (
        False,
        [{"name": "shard:zoo/010", "locked": digest.decode()[::-1], "rebuilt": digest.decode(), "equal": False}],
    )


def test_what_the_cache_lost_comes_from_the_remote_or_is_built(versioned: Versioned, tmp_path: Path) -> None:
    pytest.importorskip("dvc")
    url = f"    remote = store\n['remote \"store\"']\n    url = {tmp_path}/remote\n"
    versioned.repo.write(".dvc/config", CONFIG + url)
    release(versioned, "v1")
    assert versioned.repo.run("push").code == 0
    versioned.repo.edit(KINDS, OLD, NEW)
    release(versioned, "v2")
    versioned.dvc("gc", "--workspace", "--force")
    document = rebuilt(versioned.repo, "v1")
    assert document["built"] == 0
    assert "objects came from the remote\n" in versioned.repo.history[-1].err
    shutil.rmtree(tmp_path / "remote")
    shutil.rmtree(versioned.path / ".dvc/cache")
    assert rebuilt(versioned.repo, "v1")["built"] <= 3  # what both versions have lies in build/
    for left in (".dvc/cache", "build"):
        shutil.rmtree(versioned.path / left)
    document = rebuilt(versioned.repo, "v1")
    assert document["built"] > 12  # the rest has the bytes of what was built just now


def test_a_clone_without_a_state_restores_by_the_traces_that_travelled(versioned: Versioned, tmp_path: Path) -> None:
    release(versioned, "v1")
    versioned.repo.edit(KINDS, OLD, NEW)
    release(versioned, "v2")
    clone = versioned.clone(tmp_path / "clone")
    shutil.copytree(versioned.path / ".dvc/cache", clone.path / ".dvc/cache")
    assert rebuilt(clone.repo, "v1")["built"] == 0


def test_without_dvc_and_in_a_folder_of_a_repository(versioned: Versioned, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "mono/models/zoo", versioned.repo.capsys)
    shutil.rmtree(versioned.path / ".dvc")
    (versioned.path / "dvc.yaml").unlink()
    shutil.rmtree(versioned.path / ".git")
    inner.path.parent.mkdir(parents=True)
    shutil.copytree(versioned.path, inner.path)
    mono = Versioned(inner, versioned.environment)
    mono.call("git", "init", "--quiet", str(tmp_path / "mono"))
    release(mono, "v1")
    inner.edit(KINDS, OLD, NEW)
    release(mono, "v2")
    assert rebuilt(inner, "v1")["built"] == 0
    assert rebuilt(inner, "v1", "--from-scratch")["restored"] == 0


def test_sources_that_dvc_keeps_are_laid_out(versioned: Versioned) -> None:
    """Knowledge in a `.dvc` file: git has none of it."""
    versioned.git("rm", "--cached", "--quiet", "--ignore-unmatch", "-r", "knowledge/tools")
    versioned.dvc("add", "knowledge/tools")
    release(versioned, "v1")
    assert "knowledge/tools/kinds.yaml" not in versioned.git("ls-files")
    assert rebuilt(versioned.repo, "v1", "--from-scratch")["built"] == 29
    assert rebuilt(versioned.repo, "v1")["built"] == 0


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (".prodabuild/state.db", "error: evil.dvc names .prodabuild/state.db: no source lies there\n"),
        ("build/dataset/README.md", "error: evil.dvc names build/dataset/README.md: no source lies there\n"),
        (".git", "error: evil.dvc names .git: no source lies there\n"),
        ("x/../../../evil", "error: '../../evil' leaves the repository\n"),
    ],
)
def test_sources_of_dvc_lie_where_sources_lie(versioned: Versioned, path: str, error: str) -> None:
    versioned.repo.built()
    versioned.repo.write(f".dvc/cache/files/md5/{md5(b'x')[:2]}/{md5(b'x')[2:]}", b"x")
    versioned.repo.write("evil.dvc", f"outs:\n- md5: {md5(b'x')}\n  size: 1\n  hash: md5\n  path: {path}\n")
    versioned.commit()
    outcome = versioned.repo.run("rebuild", "HEAD")
    assert (outcome.code, outcome.err.splitlines(keepends=True)[0]) == (1, error)
    assert not list(versioned.path.parent.glob("evil"))


def test_a_trace_of_this_clone_with_another_object_is_not_restored(versioned: Versioned) -> None:
    """The md5 and the size of another object beside the sha256 that the lock names."""
    release(versioned, "v1")
    path = versioned.path / ".prodabuild/state.journal"
    traces = list(journal.read(path))
    versioned.repo.write(f".dvc/cache/files/md5/{md5(b'lie')[:2]}/{md5(b'lie')[2:]}", b"lie")
    for number, trace in enumerate(traces):
        if trace.unit == "shard:zoo/010":
            (stored,) = trace.files
            traces[number] = trace._replace(files=(stored._replace(md5=md5(b"lie"), size=3),))
    path.write_bytes(b"".join(map(journal.line_of, traces)))
    document = rebuilt(versioned.repo, "v1")
    assert (document["built"], document["restored"]) == (0, 29)  # by the traces that main names


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["v9"], 2, "error: git knows no commit 'v9'\nhint: name a branch, a tag or a commit: `git log --oneline`\n"),
        (["--", "--evil"], 2, "error: git knows no commit '--evil'\nhint: name a branch, a tag or a commit: `git log --oneline`\n"),
        (["empty"], 2, "error: there is no proda.lock at empty\nhint: name a version where it was committed\n"),
    ],
)  # fmt: skip
def test_what_is_no_version(versioned: Versioned, arguments: list[str], code: int, error: str) -> None:
    versioned.commit()
    versioned.git("tag", "empty")
    outcome = versioned.repo.run("rebuild", *arguments)
    assert (outcome.code, outcome.err) == (code, error)


def test_outside_of_git(repo: Repo) -> None:
    shutil.rmtree(repo.path / ".git")
    outcome = repo.run("rebuild", "v1")
    message = "error: this is no git repository: it has no versions\nhint: `git init`, and commit the lock\n"
    assert (outcome.code, outcome.err) == (2, message)


def test_a_version_that_does_not_build_leaves_no_worktree(versioned: Versioned) -> None:
    versioned.repo.built()
    versioned.repo.edit(KINDS, "predicate: is_a", "predicate: is_b")
    versioned.commit()
    outcome = versioned.repo.run("rebuild", "HEAD")
    assert outcome.code == 1
    assert "is_b" in outcome.err
    assert versioned.git("worktree", "list").count("\n") == 1
    assert not (versioned.path / ".prodabuild/rebuild").exists()


def test_what_a_killed_rebuild_left_is_cleared(versioned: Versioned) -> None:
    release(versioned, "v1")
    left = versioned.path / ".prodabuild/rebuild/0123456789ab.999999999"
    versioned.git("worktree", "add", "--quiet", "--detach", str(left), "v1")
    rebuilt(versioned.repo, "v1")
    assert not left.exists()
    assert versioned.git("worktree", "list").count("\n") == 1


def test_libraries_that_are_not_those_of_then_are_named_first(versioned: Versioned) -> None:
    versioned.repo.built()
    made = f'"md5":"{32 * "0"}","path":"x","sha256":"{64 * "0"}","size":1'
    entry = f'"base": {{"made_with":{{"device":"abacus","peft":"0.0.1"}},{made}}},\n"dataset"'.encode()
    versioned.repo.write("proda.lock", versioned.repo.read("proda.lock").replace(b'"dataset"', entry, 1))
    versioned.commit()
    from prodabuild.engine.lockfile import read
    from prodabuild.project.environment import differences

    found = differences(read(versioned.path / "proda.lock"), "cpu")
    assert [(what, then) for what, then, _ in found] == [("device", "abacus"), ("peft", "0.0.1")]
    assert found[0].now == "cpu"


@pytest.mark.train
def test_trained_and_tested_versions_come_out_the_same(versioned: Versioned, base: Path, tmp_path: Path) -> None:
    teach(versioned.repo, base)
    versioned.repo.edit("proda.yaml", "min: 0.99", "min: 0.0")
    assert versioned.repo.run("test").code == 0
    versioned.commit()
    versioned.git("tag", "v1")
    versioned.repo.edit("proda.yaml", "epochs: 6", "epochs: 3")
    versioned.repo.edit(KINDS, OLD, NEW)
    assert versioned.repo.run("test").code == 0
    versioned.commit()
    versioned.git("tag", "v2")
    before = untouched(versioned.repo)
    for tag in ("v1", "v2"):
        restored = rebuilt(versioned.repo, tag)
        assert restored["built"] == 0
        built = rebuilt(versioned.repo, tag, "--from-scratch")
        assert built["restored"] == 0
        names = {artifact["name"] for artifact in built["artifacts"]}
        assert {"model", "base", "results:chains", "score:chains/dev", "score:chains/sealed"} <= names
    assert untouched(versioned.repo) == before
