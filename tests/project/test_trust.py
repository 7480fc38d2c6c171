"""What was built elsewhere is believed as far as a trusted version names it: real git, real objects, real poison."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from prodabuild.digest import canonical, md5, sha256
from prodabuild.engine import journal, lockfile
from prodabuild.engine.dvcfile import read_lock, write_lock
from prodabuild.engine.state import Trace
from prodabuild.engine.store import Stored, output_digest
from prodabuild.project.trust import trusted_versions
from tests.conftest import Repo, Versioned

KINDS = "knowledge/zoo/kinds.yaml"
OLD, NEW = "a lizard with the habits of a gecko", "a lizard that sticks"
TRACES = "build/traces/data.journal"
LIE = b"a gecko is a bird and nothing else"
POISONED = {"shard": "shard:zoo/010", "items": "items:zoo/all", "dataset": "dataset"}


@pytest.fixture(autouse=True)
def _alone(versioned: Versioned, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in versioned.environment.items():
        if name.startswith(("DVC_", "GIT_")):
            monkeypatch.setenv(name, value)


@pytest.fixture
def home(versioned: Versioned) -> Versioned:
    """The repository that others clone: its data is built, and both locks are committed on main."""
    versioned.repo.built()
    versioned.commit()
    return versioned


def store(repo: Repo, data: bytes) -> str:
    """Put an object into the cache of a repo; returns its name."""
    name = md5(data)
    repo.write(f".dvc/cache/files/md5/{name[:2]}/{name[2:]}", data)
    return name


def poison(repo: Repo, unit: str) -> None:
    """Have traces, locks and objects agree that a unit ends in other bytes, though no source of it changed."""
    traces = [_poisoned(repo, trace) if trace.unit == unit else trace for trace in journal.read(repo.path / TRACES)]
    data = b"".join(map(journal.line_of, traces))
    repo.write(TRACES, data)
    entries = lockfile.read(repo.path / "proda.lock")
    entries[unit] = lockfile.unit_entry(next(trace.files for trace in traces if trace.unit == unit))
    repo.write("proda.lock", lockfile.render(entries))
    lock = read_lock(repo.path / "dvc.lock")
    entry = lock.entry("data")
    assert entry is not None
    for out in entry["outs"]:
        if out["path"] == TRACES:
            out |= {"md5": store(repo, data), "size": len(data)}
    write_lock(repo.path / "dvc.lock", lock, {"data": entry}, repo.path / ".prodabuild/tmp")


def _poisoned(repo: Repo, trace: Trace) -> Trace:
    first, *rest = trace.files
    old = repo.read(f"build/{first.path}")
    head, letter, tail = old.rpartition(b"a")
    data = head + letter.upper() + tail
    name = store(repo, data)
    repo.write(f"build/{first.path}", data)
    files = (Stored(first.path, name, sha256(data), len(data)), *rest)
    return trace._replace(files=files, output=output_digest(files, trace.summary))


def attacked(home: Versioned, tmp_path: Path, unit: str) -> Versioned:
    """Return a victim's clone that has checked out a branch with a poisoned unit, its objects pulled."""
    attacker = home.clone(tmp_path / "attacker")
    for folder in ("build", ".dvc/cache"):
        shutil.copytree(home.path / folder, attacker.path / folder)
    attacker.git("checkout", "--quiet", "-b", "evil")
    poison(attacker.repo, unit)
    attacker.commit()
    home.git("fetch", "--quiet", str(attacker.path), "evil:evil")
    victim = home.clone(tmp_path / "victim")
    shutil.copytree(attacker.path / ".dvc/cache", victim.path / ".dvc/cache")
    victim.git("checkout", "--quiet", "evil")  # it tracks origin/evil now
    shutil.copytree(attacker.path / "build", victim.path / "build")
    return victim


def digest(repo: Repo, unit: str) -> str:
    """Return the digest of what a unit made, by the lock."""
    return str(lockfile.read(repo.path / "proda.lock")[unit]["sha256"])


@pytest.mark.parametrize("unit", POISONED.values(), ids=POISONED)
def test_a_branch_that_poisons_a_unit_is_not_believed(home: Versioned, tmp_path: Path, unit: str) -> None:
    victim = attacked(home, tmp_path, unit)
    evil = digest(victim.repo, unit)
    assert evil != digest(home.repo, unit)
    assert victim.git("status", "--porcelain") == ""
    assert victim.repo.run("verify").code == 4
    assert victim.repo.run("compile", "--to", "data", "--locked").code == 4
    note = (
        f"{TRACES} is not that of origin/main, which is trusted, and not taken in: --trust all restores what it names\n"
    )
    assert note in victim.repo.history[-2].err
    victim.repo.data()
    assert digest(victim.repo, unit) == digest(home.repo, unit)
    assert victim.repo.files("build/dataset") == home.repo.files("build/dataset")
    assert victim.repo.read("proda.lock") == home.repo.read("proda.lock")
    victim.git("checkout", "--quiet", "--", "proda.lock")
    assert victim.repo.run("verify").code == 4
    outcome = victim.repo.run("rebuild", "HEAD", "--json")
    assert outcome.code == 1
    wrong = [artifact["name"] for artifact in outcome.json["artifacts"] if not artifact["equal"]]
    assert wrong == [unit]


def test_who_believes_all_of_it_is_told_by_a_share_that_is_built_again(home: Versioned, tmp_path: Path) -> None:
    victim = attacked(home, tmp_path, "dataset")
    outcome = victim.repo.run("compile", "--to", "data", "--trust", "all")
    assert (outcome.code, outcome.err.splitlines()[-2:]) == (
        1,
        [
            "error: dataset: what was to be restored is not what its sources make",
            "hint: what was built elsewhere is forgotten, so run the command again to build it here; and find out who wrote that into the lock",
        ],
    )
    victim.repo.data("--trust", "all")
    assert digest(victim.repo, "dataset") == digest(home.repo, "dataset")


def test_what_was_let_in_is_found_by_building_all_of_it_again(home: Versioned, tmp_path: Path) -> None:
    victim = attacked(home, tmp_path, "shard:zoo/010")
    project_options = ("--to", "data", "--trust", "all")
    while victim.repo.run("compile", *project_options).code == 1:  # the share may have hit it
        shutil.rmtree(victim.path / ".prodabuild")
        victim.git("checkout", "--quiet", "--force", "evil")
    assert digest(victim.repo, "shard:zoo/010") != digest(home.repo, "shard:zoo/010")
    outcome = victim.repo.run("verify", "--rebuild")
    assert outcome.code == 4
    assert "refuted shard:zoo/010: its sources make other bytes\n" in outcome.out
    assert "29 data units were built again: 28 came out the same\n" in outcome.out
    assert "shard:zoo/010" in victim.repo.data()["built"]
    assert digest(victim.repo, "shard:zoo/010") == digest(home.repo, "shard:zoo/010")


def test_a_poisoned_object_that_was_merged_is_refuted_by_the_share(home: Versioned, tmp_path: Path) -> None:
    """The lock of the trusted branch names it, so it is restored; the dataset is among the share of its stage."""
    home.git("checkout", "--quiet", "-b", "evil")
    poison(home.repo, "dataset")
    home.commit()
    home.git("checkout", "--quiet", "main")
    home.git("merge", "--quiet", "evil")
    clone = home.clone(tmp_path / "clone")
    shutil.copytree(home.path / ".dvc/cache", clone.path / ".dvc/cache")
    assert clone.repo.run("compile", "--to", "data").code == 1
    assert clone.repo.run("rebuild", "HEAD").code == 1


def forged(unit: str, files: tuple[Stored, ...]) -> Trace:
    """Return a trace that states to have read nothing, so that it fits whatever the sources are."""
    from prodabuild.engine.view import inputs_digest

    nothing = inputs_digest([], [])
    return Trace(
        unit, nothing, b"", b"x\x9c\x03\x00\x00\x00\x00\x01", (), output_digest(files), files, b"null", nothing
    )


def test_an_adapter_is_restored_only_where_the_trusted_lock_names_it(home: Versioned, tmp_path: Path) -> None:
    attacker = home.clone(tmp_path / "attacker")
    name = store(attacker.repo, LIE)
    files = (Stored("model/adapter_model.safetensors", name, sha256(LIE), len(LIE)),)
    lines = journal.line_of(forged("model", files)) + journal.line_of(forged("base", files))
    attacker.repo.write("build/traces/model.journal", lines)
    entries = lockfile.read(attacker.path / "proda.lock") | {"model": lockfile.unit_entry(files)}
    attacker.repo.write("proda.lock", lockfile.render(entries))
    attacker.git("checkout", "--quiet", "-b", "evil")
    attacker.commit()
    actions = {
        trust: {
            step["unit"]: step["action"] for step in attacker.repo.run("plan", "--json", "--trust", trust).json["steps"]
        }
        for trust in ("none", "lock", "all")
    }
    assert {trust: found["model"] for trust, found in actions.items()} == {
        "none": "build",
        "lock": "build",
        "all": "restore",
    }


def test_the_trusted_branch_restores_in_a_fresh_clone_without_a_build(home: Versioned, tmp_path: Path) -> None:
    clone = home.clone(tmp_path / "clone")
    shutil.copytree(home.path / ".dvc/cache", clone.path / ".dvc/cache")
    outcome = clone.repo.run("compile", "--to", "data", "--json")
    assert (outcome.json["built"], len(outcome.json["restored"])) == ([], 29)
    assert "trust" not in outcome.err
    assert clone.repo.data()["clean"] == 29


def test_nothing_is_taken_in_and_what_was_is_forgotten_where_nothing_is_believed(
    home: Versioned, tmp_path: Path
) -> None:
    clone = home.clone(tmp_path / "clone")
    shutil.copytree(home.path / ".dvc/cache", clone.path / ".dvc/cache")
    assert clone.repo.data("--trust", "none")["restored"] == []
    again = home.clone(tmp_path / "again")
    shutil.copytree(home.path / ".dvc/cache", again.path / ".dvc/cache")
    assert again.repo.data()["built"] == []
    plan = again.repo.run("plan", "--to", "data", "--trust", "none", "--json").json["steps"]
    assert {step["action"] for step in plan} <= {"build", "maybe"}
    assert len(again.repo.data("--trust", "none")["built"]) == 29
    assert again.repo.data()["clean"] == 29


def test_a_colleagues_branch_restores_what_the_trusted_branch_has_too(home: Versioned, tmp_path: Path) -> None:
    home.git("checkout", "--quiet", "-b", "sauces")
    home.repo.edit(KINDS, OLD, NEW)
    home.repo.data()
    home.commit()
    home.git("checkout", "--quiet", "main")
    clone = home.clone(tmp_path / "clone")
    shutil.copytree(home.path / ".dvc/cache", clone.path / ".dvc/cache")
    clone.git("checkout", "--quiet", "sauces")
    report = clone.repo.data()
    assert "shard:zoo/010" in report["built"] or len(report["built"]) < 5
    assert len(report["restored"]) > 20
    other = home.clone(tmp_path / "other")
    shutil.copytree(home.path / ".dvc/cache", other.path / ".dvc/cache")
    other.git("checkout", "--quiet", "sauces")
    assert other.repo.data("--trust", "all")["built"] == []


def test_a_worktree_restores_a_past_version_of_the_trusted_branch(home: Versioned, tmp_path: Path) -> None:
    home.git("tag", "first")
    home.repo.edit(KINDS, OLD, NEW)
    home.repo.data()
    home.commit()
    home.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"), "first")
    tree = Repo(tmp_path / "tree", home.repo.capsys)
    tree.write(".dvc/config.local", f"[cache]\n    dir = {home.path}/.dvc/cache\n")
    assert tree.data()["built"] == []


# -- which versions are trusted ------------------------------------------------------------------------------------


def refs(versioned: Versioned) -> list[tuple[str, str]]:
    """Return branch and tag of each trusted version."""
    names = dict(
        line.split(" ") for line in versioned.git("tag", "--format=%(objectname) %(refname:short)").splitlines()
    )
    return [(version.ref, names.get(version.commit, version.commit)) for version in trusted_versions(versioned.path)]


def commit(versioned: Versioned, tag: str) -> None:
    versioned.repo.write("proda.lock", lockfile.render({"manifest": {"sha256": sha256(tag.encode())}}))
    versioned.commit()
    versioned.git("tag", tag)


def grown(versioned: Versioned) -> None:
    """Commit two versions on main, and one on a branch that left it at the first."""
    commit(versioned, "one")
    versioned.git("checkout", "--quiet", "-b", "side")
    commit(versioned, "two")
    versioned.git("checkout", "--quiet", "main")
    commit(versioned, "three")


def in_a_clone(clone: Versioned) -> list[tuple[str, str]]:
    clone.git("checkout", "--quiet", "side")
    return [("origin/main", "three"), ("origin/main", "one")]


def at_the_tip(clone: Versioned) -> list[tuple[str, str]]:
    return [("origin/main", "three")]


def at_a_past_version(clone: Versioned) -> list[tuple[str, str]]:
    clone.git("checkout", "--quiet", "one")
    return [("origin/main", "three"), ("origin/main", "one")]


def as_continuous_integration_has_it(clone: Versioned) -> list[tuple[str, str]]:
    """Only the pull request's own commit: no branch is known, so nothing is trusted."""
    clone.git("checkout", "--quiet", "--detach", "two")
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    clone.git("update-ref", "-d", "refs/remotes/origin/HEAD")
    return []


def without_a_remote(clone: Versioned) -> list[tuple[str, str]]:
    clone.git("checkout", "--quiet", "side")
    clone.git("remote", "remove", "origin")
    return [("main", "three"), ("main", "one")]


def with_two_remotes_of_other_names(clone: Versioned) -> list[tuple[str, str]]:
    clone.git("remote", "rename", "origin", "ann")
    clone.git("update-ref", "refs/remotes/ben/main", "two")
    return []


def as_the_clone_is_set(clone: Versioned) -> list[tuple[str, str]]:
    clone.git("config", "prodabuild.trustedRef", "origin/side")
    return [("origin/side", "two"), ("origin/side", "one")]


def from_inside_a_merged_branch(clone: Versioned) -> list[tuple[str, str]]:
    """What a pull request had on its way was never the tip of main, even if it was merged."""
    clone.git("checkout", "--quiet", "main")
    clone.git("merge", "--quiet", "--strategy", "ours", "--no-edit", "origin/side")
    clone.git("update-ref", "refs/remotes/origin/main", "HEAD")
    clone.git("tag", "four")
    clone.git("checkout", "--quiet", "two")
    return [("origin/main", "four"), ("origin/main", "one")]


@pytest.mark.parametrize(
    "told",
    [
        in_a_clone,
        at_the_tip,
        at_a_past_version,
        as_continuous_integration_has_it,
        without_a_remote,
        with_two_remotes_of_other_names,
        as_the_clone_is_set,
        from_inside_a_merged_branch,
    ],
)
def test_which_versions_are_trusted(
    versioned: Versioned, tmp_path: Path, told: Callable[[Versioned], list[tuple[str, str]]]
) -> None:
    grown(versioned)
    clone = versioned.clone(tmp_path / "clone")
    expected = told(clone)
    assert refs(clone) == expected


def test_nothing_is_trusted_outside_of_git_and_a_branch_that_is_set_must_be_there(versioned: Versioned) -> None:
    grown(versioned)
    versioned.git("config", "prodabuild.trustedRef", "--evil")
    versioned.repo.write(TRACES, b"")
    outcome = versioned.repo.run("plan", "--to", "data")
    assert (outcome.code, outcome.err) == (
        1,
        "error: git knows no commit '--evil'\nhint: `git config prodabuild.trustedRef REF` names the trusted branch\n",
    )
    shutil.rmtree(versioned.path / ".git")
    assert trusted_versions(versioned.path) == []


# -- what arrives malformed ------------------------------------------------------------------------------------------


def bomb() -> bytes:
    """Return the line of a trace whose input names are 600 MB, in 600 KB."""
    import zlib
    from base64 import b64encode

    from prodabuild.digest import change_digest

    packer = zlib.compressobj(9)
    names = b"".join(packer.compress(b"a" * (1 << 20)) for _ in range(600)) + packer.flush()
    trace = forged("model", ())
    body = orjson.loads(journal.line_of(trace).split(b" ", 1)[1])
    body[3] = b64encode(names).decode()
    data = orjson.dumps(body)
    return b"\n" + change_digest(data).hex().encode() + b" " + data


def test_a_file_that_unpacks_to_more_than_any_build_makes_is_passed_over_with_a_word(home: Versioned) -> None:
    shutil.rmtree(home.path / ".prodabuild")
    home.repo.write(TRACES, home.repo.read(TRACES) + bomb())
    outcome = home.repo.run("compile", "--to", "data", "--trust", "all", "--json")
    assert (outcome.code, outcome.json["built"]) == (0, [])
    warning = f"warning: {TRACES}: a line is passed over: its input names are larger than any build makes them\n"
    assert warning in outcome.err


def test_a_lock_and_a_journal_that_name_paths_outside_write_nothing_there(home: Versioned, tmp_path: Path) -> None:
    name = store(home.repo, LIE)
    lines = home.repo.read(TRACES)
    shutil.rmtree(home.path / ".prodabuild")
    for path in ("../../evil", str(tmp_path / "evil"), "dataset/../../evil", "a\x07b"):
        files = (Stored(path, name, sha256(LIE), len(LIE)),)
        lines += journal.line_of(forged("dataset", files))
    home.repo.write(TRACES, lines)
    outcome = home.repo.run("compile", "--to", "data", "--trust", "all")
    assert outcome.code == 0, outcome.err
    assert "4 lines are passed over: a file that it made has no sound path or digest\n" in outcome.err
    assert not list(tmp_path.rglob("evil"))
    entries = lockfile.read(home.path / "proda.lock")
    for path in ("../evil", "/evil", "a/../../evil"):
        row = {"path": path, "md5": name, "sha256": sha256(LIE), "size": len(LIE)}
        home.repo.write("proda.lock", lockfile.render(entries | {"dataset": row}))
        for words in (["compile", "--to", "data"], ["plan"], ["verify"], ["pull"], ["push"]):
            outcome = home.repo.run(*words)
            if words != ["plan"]:
                assert outcome.code == 1, words
                assert re.match(r"error: proda\.lock:2: 'dataset': ", outcome.err), outcome.err
    assert canonical({}) == b"{}"
