"""`push` and `pull`, through the command line, over real remotes of DVC."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from prodabuild.digest import md5, sha256
from prodabuild.engine import lockfile
from tests.conftest import CONFIG, Repo, Versioned

pytest.importorskip("dvc")
KINDS = "knowledge/zoo/kinds.yaml"
OLD, NEW = "a lizard with the habits of a gecko", "a lizard that sticks"
STICKY, WET = NEW, "a lizard that is wet"


@pytest.fixture
def stored(versioned: Versioned, tmp_path: Path) -> Versioned:
    """A built and committed version, and a remote that is empty."""
    remote(versioned, str(tmp_path / "remote"))
    versioned.repo.built()
    versioned.commit()
    return versioned


def remote(versioned: Versioned, url: str) -> None:
    versioned.repo.write(".dvc/config", f"{CONFIG}    remote = store\n['remote \"store\"']\n    url = {url}\n")


def below(folder: Path) -> dict[str, bytes]:
    """Return the objects of a cache or a remote."""
    return {path.parent.name + path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def cache(repo: Repo) -> dict[str, bytes]:
    return below(repo.path / ".dvc/cache/files/md5")


def test_a_version_goes_to_the_remote_and_into_a_clone_that_then_builds_nothing(
    stored: Versioned, tmp_path: Path
) -> None:
    objects = cache(stored.repo)
    total = f"{sum(map(len, objects.values())) / 1000:.1f} kB"
    pushed = stored.repo.run("push")
    assert (pushed.code, pushed.err) == (0, "")
    assert pushed.out == (
        f"pushed {len(objects)} objects ({total}) to store ({tmp_path}/remote)\n"
        f"read back whole; {len(objects)} objects are there\n"
    )
    assert below(tmp_path / "remote/files/md5") == objects
    again = stored.repo.run("push")
    assert (again.code, again.out) == (
        0,
        f"nothing to push: {len(objects)} objects are there, store ({tmp_path}/remote)\n",
    )

    clone = stored.clone(tmp_path / "clone")
    outcome = clone.repo.run("pull")
    files = len(stored.repo.files())
    assert outcome.code == 0
    assert outcome.out == (
        f"pulled {len(objects)} objects ({total}) from store ({tmp_path}/remote)\n"
        f"each is what its name says; {len(objects)} objects are here\n"
        f"{files} files laid in build/: the next `prodabuild compile` restores them\n"
    )
    assert (cache(clone.repo), clone.repo.files()) == (objects, stored.repo.files())
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in clone.path.glob(".dvc/cache/files/md5/*/*"))
    assert clone.repo.data()["built"] == []
    assert clone.dvc("status", "data") == "Data and pipelines are up to date.\n"
    assert clone.git("status", "--porcelain") == ""
    assert clone.repo.run("pull", "--json").json == {
        "schema": 1, "remote": "store", "url": f"{tmp_path}/remote", "versions": ["the work tree"],
        "objects": len(objects), "moved": 0, "bytes": 0, "missing": [], "damaged": [],
    }  # fmt: skip


def test_what_we_push_dvc_pulls_and_the_other_way_round(stored: Versioned, tmp_path: Path) -> None:
    stored.repo.run("push")
    clone = stored.clone(tmp_path / "theirs")
    clone.dvc("pull", "data")
    assert clone.repo.files() == stored.repo.files()
    shutil.rmtree(tmp_path / "remote")
    stored.dvc("push", "data")
    other = stored.clone(tmp_path / "ours")
    outcome = other.repo.run("pull")
    assert (outcome.code, other.repo.data()["built"]) == (0, [])


def test_all_versions_go_and_come(stored: Versioned, tmp_path: Path) -> None:
    stored.git("tag", "first")
    stored.repo.edit(KINDS, OLD, STICKY)
    stored.repo.data()
    stored.commit()
    stored.git("checkout", "--quiet", "-b", "side", "first")
    stored.repo.edit(KINDS, OLD, WET)
    stored.repo.data()
    assert stored.repo.run("push", "--json").json["versions"] == ["the work tree"]  # not committed, as with DVC
    stored.git("stash")
    pushed = stored.repo.run("push", "--all-versions", "--json").json
    assert pushed["versions"] == ["the work tree", "main", "stash@{0}"]
    assert below(tmp_path / "remote/files/md5") == cache(stored.repo)

    stored.git("push", "--quiet", "--mirror", str(bare(tmp_path)))
    clone = Versioned(Repo(tmp_path / "clone", stored.repo.capsys), stored.environment)
    subprocess.run(["git", "clone", "--quiet", str(tmp_path / "bare.git"), str(clone.path)], check=True)
    assert clone.repo.run("pull", "--all-versions").code == 0
    for ref, trust in (("first", "lock"), ("origin/main", "all"), ("origin/side", "lock")):  # HEAD is side
        clone.git("checkout", "--quiet", "--force", ref)
        assert clone.repo.run("pull", "--json").json["moved"] == 0  # it lays out what is here
        assert clone.repo.data("--trust", trust)["built"] == []


def bare(tmp_path: Path) -> Path:
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch", "side", str(tmp_path / "bare.git")], check=True
    )
    return tmp_path / "bare.git"


def test_a_relative_url_means_the_same_folder_from_everywhere(stored: Versioned, tmp_path: Path) -> None:
    """DVC 3.67 sends old commits to a folder below the root of the file system, and says that all is well."""
    remote(stored, "../../remote")
    stored.commit()
    stored.git("tag", "first")
    stored.repo.edit(KINDS, OLD, STICKY)
    stored.repo.data()
    stored.commit()
    assert stored.repo.run("push", "--all-versions").code == 0
    objects = below(tmp_path / "remote/files/md5")
    assert objects == cache(stored.repo)

    (tmp_path / "deep/er").mkdir(parents=True)
    stored.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "deep/er/tree"), "first")
    tree = Repo(tmp_path / "deep/er/tree", stored.repo.capsys)
    outcome = tree.run("pull", "--json")
    assert (outcome.code, outcome.json["url"]) == (0, f"{tmp_path}/remote")
    assert tree.data()["built"] == []
    tree.write(".dvc/config.local", "['remote \"store\"']\n    url = ../mine\n")  # written here, for here
    outcome = tree.run("push", "--json")
    assert (outcome.code, outcome.json["url"]) == (0, f"{tree.path}/mine")

    temporary = stored.path / ".dvc/tmp/exps/standalone/tmpabc"  # where `dvc exp run --temp` works
    stored.git("clone", "--quiet", str(stored.path), str(temporary))
    outcome = Repo(temporary, stored.repo.capsys).run("pull", "--json")
    assert (outcome.code, outcome.json["url"]) == (0, f"{tmp_path}/remote")


def test_what_other_stages_and_dvc_files_keep_travels_and_is_missed_by_nobody(
    stored: Versioned, tmp_path: Path
) -> None:
    stored.repo.write("more/big.bin", b"big")
    stored.dvc("add", "more/big.bin")
    text = stored.repo.read("dvc.yaml").decode()
    foreign = "stages:\n  count:\n    cmd: wc -l build/dataset/README.md > count.txt\n    outs:\n    - count.txt\n"
    stored.repo.write("dvc.yaml", text.replace("stages:\n", foreign))
    stored.dvc("repro", "count")
    stored.commit()
    assert stored.repo.run("push").code == 0
    there = below(tmp_path / "remote/files/md5")
    assert {md5(b"big"), md5(stored.repo.read("count.txt"))} <= there.keys()
    (tmp_path / f"remote/files/md5/{md5(b'big')[:2]}/{md5(b'big')[2:]}").unlink()
    clone = stored.clone(tmp_path / "clone")
    assert clone.repo.run("pull").code == 0
    assert md5(clone.repo.read(".git/HEAD")) not in there  # only what the locks name
    clone.dvc("checkout", "count")
    assert clone.repo.read("count.txt") == stored.repo.read("count.txt")


# -- what goes wrong -----------------------------------------------------------------------------------------------


def refused(repo: Repo, *arguments: str) -> tuple[int, str]:
    outcome = repo.run(*arguments)
    assert outcome.out == ""
    return outcome.code, outcome.err


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_without_a_remote_it_says_how_to_get_one(stored: Versioned, tmp_path: Path, verb: str) -> None:
    add = "`dvc remote add --default store URL` (an absolute path, s3://..., ssh://...)"
    stored.repo.write(".dvc/config", CONFIG)
    assert refused(stored.repo, verb) == (5, f"error: no remote is configured\nhint: {add}\n")
    assert refused(stored.repo, verb, "--remote", "x") == (2, f"error: there is no remote 'x'\nhint: {add}\n")
    two = "".join(f"['remote \"{name}\"']\n    url = {tmp_path}/{name}\n" for name in "ab")
    stored.repo.write(".dvc/config", CONFIG + two)
    assert refused(stored.repo, verb) == (
        5,
        "error: no default remote is configured\nhint: `dvc remote default NAME`, or --remote: a, b\n",
    )
    assert refused(stored.repo, verb, "--remote", "c") == (
        2,
        "error: there is no remote 'c'\nhint: those configured: a, b\n",
    )
    shutil.rmtree(stored.path / ".dvc")
    shutil.copytree(stored.path / "build", stored.path / "kept")
    assert stored.repo.data()["built"] != [] or verb
    assert refused(stored.repo, verb) == (
        5,
        f"error: this repository has no .dvc: no remote is configured\nhint: run `dvc init`, then {add}\n",
    )


@pytest.mark.parametrize(("verb", "lacks"), [("push", "gone"), ("pull", "gone/remote")])
def test_a_folder_that_is_not_mounted_is_not_made(stored: Versioned, tmp_path: Path, verb: str, lacks: str) -> None:
    remote(stored, str(tmp_path / "gone/remote"))
    assert refused(stored.repo, verb) == (
        5,
        f"error: the remote 'store' is {tmp_path}/gone/remote, and {tmp_path}/{lacks} is not there\nhint: mount or make that folder, or mend the URL: `dvc remote modify store url URL`\n",
    )
    assert not (tmp_path / "gone").exists()


def test_a_remote_that_does_not_answer(stored: Versioned) -> None:
    remote(stored, "http://127.0.0.1:9/store")
    code, error = refused(stored.repo, "push")
    assert code == 5
    assert error.startswith("error: http://127.0.0.1:9/store cannot be used: ")
    assert error.endswith("hint: mend that and run the command again: what arrived is kept\n")


def test_a_kind_of_remote_whose_library_is_not_installed(stored: Versioned) -> None:
    remote(stored, "s3://bucket/path")
    assert refused(stored.repo, "push") == (
        5,
        """error: the remote cannot be used: s3 is supported, but requires 'dvc-s3' to be installed
hint: `pip install` what it names
""",
    )


def test_before_anything_is_built(versioned: Versioned, tmp_path: Path) -> None:
    remote(versioned, str(tmp_path / "remote"))
    assert refused(versioned.repo, "push") == (
        1,
        "error: no lock names anything that was built\nhint: run `prodabuild compile`, then push\n",
    )
    assert refused(versioned.repo, "pull")[0] == 1


def test_what_is_nowhere_is_named(stored: Versioned, tmp_path: Path) -> None:
    name = "dataset/train/zoo/010.jsonl"
    found = md5(stored.repo.read(f"build/{name}"))
    lost = stored.path / f".dvc/cache/files/md5/{found[:2]}/{found[2:]}"
    lost.unlink()
    (stored.path / "build" / name).unlink()
    outcome = stored.repo.run("push")
    assert (outcome.code, outcome.out.splitlines()[2:]) == (
        5,
        [f"missing  build/{name}", "1 object could not be pushed: `prodabuild compile` makes them"],
    )
    clone = stored.clone(tmp_path / "clone")
    outcome = clone.repo.run("pull", "--json")
    assert (outcome.code, outcome.json["missing"]) == (5, [f"build/{name}"])
    assert clone.repo.data()["built"] == ["shard:zoo/010"]


def test_a_cache_that_was_cleared_is_filled_from_build(stored: Versioned, tmp_path: Path) -> None:
    shutil.rmtree(stored.path / ".dvc/cache")
    stored.repo.write("dvc.yaml", "stages: {}\n")
    (stored.path / "dvc.lock").unlink()
    assert stored.repo.run("push").code == 0
    assert set(below(tmp_path / "remote/files/md5").values()) == set(stored.repo.files().values()) - {
        stored.repo.read("build/traces/data.journal")
    }


def test_a_damaged_object_is_not_sent(stored: Versioned, tmp_path: Path) -> None:
    path = next(path for path in stored.path.glob(".dvc/cache/files/md5/*/*") if path.stat().st_size > 10)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[::-1])
    code, error = refused(stored.repo, "push")
    assert (code, error.splitlines()[1]) == (
        5,
        "hint: run `prodabuild verify`: it heals what can be healed; nothing was sent",
    )
    assert not (tmp_path / "remote").exists()


def test_what_the_remote_holds_cut_short_is_sent_again_and_what_rots_there_is_not_taken(
    stored: Versioned, tmp_path: Path
) -> None:
    stored.repo.run("push")
    whole = below(tmp_path / "remote/files/md5")
    cut = next(
        path for path in (tmp_path / "remote/files/md5").rglob("*") if path.is_file() and path.stat().st_size > 9
    )
    cut.chmod(0o644)
    cut.write_bytes(b"cut")
    assert stored.repo.run("push", "--json").json["moved"] == 1
    assert below(tmp_path / "remote/files/md5") == whole
    cut.chmod(0o644)
    cut.write_bytes(cut.read_bytes()[::-1])
    clone = stored.clone(tmp_path / "clone")
    outcome = clone.repo.run("pull", "--json")
    assert (outcome.code, len(outcome.json["damaged"])) == (5, 1)
    assert cache(clone.repo).keys() == whole.keys() - {cut.parent.name + cut.name}


def test_a_remote_that_gives_back_other_bytes_than_it_was_sent(
    stored: Versioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prodabuild.versioning.remote.read_back", lambda *_: "0" * 32)
    code, error = refused(stored.repo, "push")
    assert (code, error.splitlines()[0]) == (
        5,
        f"error: {tmp_path}/remote gave back other bytes than it was sent",
    )


def test_an_object_that_is_empty_here_and_at_the_remote_is_never_taken_for_whole(
    stored: Versioned, tmp_path: Path
) -> None:
    stored.repo.run("push")
    clone = stored.clone(tmp_path / "clone")
    assert clone.repo.run("pull").code == 0
    name = "dataset/train/zoo/010.jsonl"
    found = md5(stored.repo.read(f"build/{name}"))
    here = clone.path / f".dvc/cache/files/md5/{found[:2]}/{found[2:]}"
    here.chmod(0o644)
    here.write_bytes(b"")
    healed = clone.repo.run("pull", "--json").json
    assert (healed["moved"], healed["missing"], healed["damaged"]) == (1, [], [])
    assert here.read_bytes() == stored.repo.read(f"build/{name}")
    for path in (here, tmp_path / f"remote/files/md5/{found[:2]}/{found[2:]}"):
        path.chmod(0o644)
        path.write_bytes(b"")
    outcome = clone.repo.run("pull")
    assert outcome.code == 5
    assert f"damaged at the remote: build/{name}\n" in outcome.out
    assert not here.exists()
    (tmp_path / f"remote/files/md5/{found[:2]}/{found[2:]}").unlink()
    here.write_bytes(b"cut")
    assert clone.repo.run("pull", "--json").json["missing"] == [f"build/{name}"]
    assert not here.exists()


@pytest.mark.parametrize("name", ["dataset", "suites"])
def test_a_list_of_a_folder_that_is_empty_or_names_paths_outside_is_no_list(stored: Versioned, name: str) -> None:
    lock = stored.repo.read("dvc.lock").decode()
    tree = lock.partition(f"path: build/{name}\n      hash: md5\n      md5: ")[2][:32]
    path = stored.path / f".dvc/cache/files/md5/{tree[:2]}/{tree[2:]}.dir"
    path.chmod(0o644)
    stored.repo.run("push")
    for data in (b"", b'[{"md5": "ab/abs", "relpath": "../../x"}]', b"[" * 100_000):
        path.chmod(0o644) if path.exists() else None
        path.write_bytes(data)
        assert stored.repo.run("pull", "--json").json["moved"] == 1
        assert md5(path.read_bytes()) == tree


def test_without_traces_it_says_what_the_next_compile_does(stored: Versioned, tmp_path: Path) -> None:
    stored.repo.write("dvc.yaml", "stages: {}\n")
    (stored.path / "dvc.lock").unlink()
    stored.commit()
    stored.repo.run("push")
    clone = stored.clone(tmp_path / "clone")
    last = clone.repo.run("pull").out.splitlines()[-1]
    files = len(stored.repo.files()) - 1
    assert last == (
        f"{files} files laid in build/; no traces came with them: the next `prodabuild compile` builds and trains again "
        "(let dvc.yaml name build/traces/data.journal and its like)"
    )
    assert clone.repo.data()["restored"] == []


def test_a_branch_that_is_not_trusted_is_said_to_be_built(stored: Versioned, tmp_path: Path) -> None:
    stored.git("checkout", "--quiet", "-b", "side")
    stored.repo.edit(KINDS, OLD, NEW)
    stored.repo.data()
    stored.commit()
    stored.repo.run("push", "--all-versions")
    stored.git("checkout", "--quiet", "main")
    clone = stored.clone(tmp_path / "clone")
    clone.git("checkout", "--quiet", "side")
    last = clone.repo.run("pull").out.splitlines()[-1]
    assert last.endswith(
        "laid in build/; the next `prodabuild compile` restores what origin/main names and builds the rest "
        "(--trust all restores all)"
    )
    report = clone.repo.data()
    assert len(report["built"]) < 6
    assert len(report["restored"]) > 20
    clone.git("remote", "remove", "origin")
    clone.git("branch", "--quiet", "-D", "main")
    shutil.rmtree(clone.path / "build")
    assert (
        clone.repo.run("pull")
        .out.splitlines()[-1]
        .endswith("; the next `prodabuild compile` builds all: no branch is trusted (--trust all restores all)")
    )


def test_what_was_laid_for_a_unit_that_there_is_not_goes_with_the_next_build(stored: Versioned) -> None:
    stray = b"somebody else wrote this"
    row = {"path": "dataset/train/zoo/stray.jsonl", "md5": md5(stray), "sha256": sha256(stray), "size": len(stray)}
    entries = lockfile.read(stored.path / "proda.lock") | {"shard:zoo/stray": row}
    stored.repo.write("proda.lock", lockfile.render(entries))
    stored.repo.write(f".dvc/cache/files/md5/{md5(stray)[:2]}/{md5(stray)[2:]}", stray)
    stored.repo.run("push")
    assert stored.repo.run("pull").code == 0
    assert stored.repo.read("build/dataset/train/zoo/stray.jsonl") == stray
    stored.repo.data()
    assert not (stored.path / "build/dataset/train/zoo/stray.jsonl").exists()


@pytest.mark.parametrize("branch", [b"a\xe2\x80\xa8b", b"caf\xff", b"x\xc2\x85y"])
def test_a_branch_may_have_any_name(stored: Versioned, branch: bytes) -> None:
    commit = stored.git("rev-parse", "HEAD").strip().encode()
    packed = b"# pack-refs with: peeled fully-peeled sorted \n" + commit + b" refs/heads/" + branch + b"\n"
    stored.repo.write(".git/packed-refs", packed)
    stored.repo.edit(KINDS, OLD, NEW)
    stored.repo.data()
    stored.git("commit", "--quiet", "--all", "--message", "more")
    for words in (["push", "--all-versions"], ["pull", "--all-versions"], ["gc"], ["verify"], ["rebuild", "HEAD"]):
        outcome = stored.repo.run(*words)
        assert outcome.code == 0, (words, outcome.err)
    assert len(stored.repo.run("push", "--all-versions", "--json").json["versions"]) == 2


SECRET = "http://user:secret@127.0.0.1:9/x?token=secret"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (SECRET, "push"),
        ("https://secret@127.0.0.1:9/x", "push --json"),
        ("http://u:se/secret@127.0.0.1:9/x", "push"),
        (SECRET, "pull --json"),
        (SECRET, "rebuild HEAD -v"),
        (SECRET, "verify"),
    ],
)
def test_no_command_prints_the_secrets_of_a_remote(versioned: Versioned, url: str, words: str) -> None:
    pytest.importorskip("dvc")
    versioned.repo.built()
    versioned.commit()
    versioned.repo.write(".dvc/config", f"[core]\n    remote = store\n['remote \"store\"']\n    url = {url}\n")
    shutil.rmtree(versioned.path / ".dvc/cache")
    shutil.rmtree(versioned.path / "build")
    outcome = versioned.repo.spawn(*words.split())
    assert "secret" not in outcome.out + outcome.err
    assert ("***@127.0.0.1" in outcome.out + outcome.err) == words.startswith("pu")
    assert outcome.code in (0, 5)
