"""When `dvc.lock` is written, what for, and what it keeps: without DVC (test_dvc.py sets it beside DVC's own)."""

from __future__ import annotations

import shutil
import sys
from unittest.mock import Mock

import orjson
import pytest

from prodabuild.digest import md5
from prodabuild.engine.dvcfile import Entry, read_lock, read_stages, write_lock
from prodabuild.events import Event, Note, StageFinished
from prodabuild.project import Options, Project
from prodabuild.project.pipeline import Command, read_command
from tests.conftest import Repo, Versioned, settle

KINDS = "knowledge/zoo/kinds.yaml"
LOCK = "dvc.lock"
UPDATED = "dvc.lock was updated\n"


@pytest.fixture
def piped(versioned: Versioned) -> Repo:
    return versioned.repo


def entry(repo: Repo, stage: str) -> Entry | None:
    return read_lock(repo.path / LOCK).entry(stage)


def pretend(repo: Repo) -> None:
    """Add the entries that a training and a test on this data would have left."""
    lock = read_lock(repo.path / LOCK)
    data = lock.entry("data")
    assert data is not None
    made = ("build/base", "build/model", "build/results")
    outs = {out["path"]: out for out in data["outs"]} | {
        path: {"path": path, "hash": "md5", "md5": f"{number:032}.dir", "size": 1, "nfiles": 1}
        for number, path in enumerate(made)
    }
    model = {
        "cmd": next(stage.cmd for stage in read_stages(repo.path / "dvc.yaml") if stage.name == "model"),
        "deps": [outs["build/dataset"]],
        "params": {"proda.yaml": {"model": {"base": "scratch:micro"}}},
        "outs": [outs["build/base"], outs["build/model"]],
    }
    results = {
        "cmd": "prodabuild test",
        "deps": [outs[path] for path in ("build/base", "build/model", "build/suites")],
        "params": {"proda.yaml": {"tests": {"chains": {"from": "chains", "sealed": 0.5}}}},
        "outs": [outs["build/results"]],
    }
    write_lock(repo.path / LOCK, lock, {"model": model, "results": results}, repo.path / ".prodabuild")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("prodabuild compile", Command("model")),
        ("prodabuild compile --to data", Command("data")),
        (".venv/bin/prodabuild compile --to=data -j 4 -qk --json --locked\n", Command("data")),
        ("python3.12 -m prodabuild test --jobs=2 -j3 --verbose", Command("results")),
        ("prodabuild test --device cpu", Command("results", "cpu")),
        ("prodabuild plan", None),
        ("prodabuild compile --to data && rm -r x", None),
        ("prodabuild compile -C elsewhere", None),
        ("prodabuild compile --to moon", None),
        ("cd x; prodabuild compile", None),
        ("python train.py", None),
        ("'unfinished", None),
        ("prodabuild", None),
    ],
)
def test_a_stage_of_ours_is_known_by_its_command(text: str, command: Command | None) -> None:
    assert read_command(text) == command


def test_without_dvc_or_a_stage_of_ours_nothing_is_written(piped: Repo) -> None:
    dvc = piped.path / ".dvc"
    dvc.rename(piped.path / "kept")
    piped.data()
    assert not (piped.path / LOCK).exists()
    assert (piped.path / ".prodabuild/cache").is_dir()
    (piped.path / "kept").rename(dvc)
    for text in ("", "stages: {}\n", "stages: {other: {cmd: make, outs: [build/dataset]}}\n"):
        piped.write("dvc.yaml", text)
        piped.data()
        assert not (piped.path / LOCK).exists()
    (piped.path / "dvc.yaml").unlink()
    piped.data()
    assert not (piped.path / LOCK).exists()


@pytest.mark.engine
def test_a_second_run_changes_no_byte_and_a_lost_lock_is_written_again(piped: Repo) -> None:
    assert piped.run("compile", "--to", "data").err.endswith(UPDATED)
    lock, wrote = piped.read(LOCK), (piped.path / LOCK).stat().st_mtime_ns
    assert UPDATED not in piped.run("compile", "--to", "data").err
    assert (piped.path / LOCK).stat().st_mtime_ns == wrote
    (piped.path / LOCK).unlink()
    shutil.rmtree(piped.path / ".prodabuild")
    shutil.rmtree(piped.path / "build")
    piped.data()
    assert piped.read(LOCK) == lock


def test_the_folders_of_an_entry_are_objects_that_list_what_lies_in_build(piped: Repo) -> None:
    piped.data()
    data = entry(piped, "data")
    assert data is not None
    *folders, traces = data["outs"]
    assert traces["md5"] == md5(piped.read("build/traces/data.journal"))
    for out in folders:
        files = piped.files(out["path"])
        tree = orjson.loads(piped.read(f".dvc/cache/files/md5/{out['md5'][:2]}/{out['md5'][2:]}"))
        listed = {row["relpath"]: piped.read(f".dvc/cache/files/md5/{row['md5'][:2]}/{row['md5'][2:]}") for row in tree}
        assert listed == files
        assert (out["size"], out["nfiles"]) == (sum(map(len, files.values())), len(files))


def test_objects_that_a_cache_lacks_are_taken_from_build(piped: Repo) -> None:
    (piped.path / ".dvc").rename(piped.path / "kept")
    piped.data()
    (piped.path / "kept").rename(piped.path / ".dvc")
    assert piped.data()["built"] == []
    objects = piped.files(".dvc/cache/files/md5")
    assert len([name for name in objects if not name.endswith(".dir")]) == len(set(piped.files().values()))
    shutil.rmtree(piped.path / ".dvc/cache")
    assert piped.data()["built"] == []
    assert piped.files(".dvc/cache/files/md5") == objects


def test_a_run_that_finds_nothing_to_do_writes_nothing_unless_the_record_lost_something(piped: Repo) -> None:
    piped.data()
    settle()
    piped.data()  # files that were too fresh to be trusted are read once more
    traces = piped.path / "build/traces/data.journal"
    whole, lock = traces.read_bytes(), piped.read(LOCK)
    placed = traces.stat().st_ino
    piped.data()
    assert traces.stat().st_ino == placed
    tree = next((piped.path / ".dvc/cache").rglob("*.dir"))
    tree.unlink()
    piped.data()
    assert tree.is_file()
    for lost in (traces, piped.path / LOCK):
        lost.unlink()
        piped.data()
        assert (traces.read_bytes(), piped.read(LOCK)) == (whole, lock)
    traces.write_bytes(b"junk")
    piped.data()
    assert traces.read_bytes() == whole


def test_a_run_that_was_killed_before_its_record_is_recorded_by_the_next(
    piped: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = "knowledge/zoo/note.txt"
    piped.write(note, "one")
    settle()
    piped.data()
    before = entry(piped, "data")
    piped.write(note, "two")
    settle()
    with monkeypatch.context() as killed:
        killed.setattr("prodabuild.project.project.update_lock", Mock(side_effect=KeyboardInterrupt))
        piped.run("compile", "--to", "data")
    assert entry(piped, "data") == before
    assert piped.data()["built"] == []
    assert entry(piped, "data") != before


def test_locked_and_inside_dvc_the_lock_is_left_alone(piped: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    piped.data()
    (piped.path / LOCK).unlink()
    piped.data("--locked")
    assert not (piped.path / LOCK).exists()
    monkeypatch.setenv("DVC_STAGE", "data")
    piped.data()
    assert not (piped.path / LOCK).exists()


@pytest.mark.engine
def test_a_stage_that_asks_for_another_device_is_not_recorded(piped: Repo) -> None:
    piped.edit("dvc.yaml", "cmd: prodabuild compile --to data", "cmd: prodabuild compile --to data --device cuda")
    piped.edit("dvc.yaml", "cmd: prodabuild compile\n", "cmd: prodabuild compile --device cuda\n")
    piped.data("--device", "cpu")
    assert entry(piped, "data") is not None  # data is the same on every device
    pretend(piped)
    piped.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    before = entry(piped, "model")
    piped.data("--device", "cpu")
    assert entry(piped, "model") == before


@pytest.mark.engine
def test_entries_of_later_stages_are_kept_while_they_are_true(piped: Repo) -> None:
    piped.data()
    pretend(piped)
    kept = piped.read(LOCK)
    shutil.rmtree(piped.path / ".prodabuild")  # as in a fresh clone
    piped.data()
    assert piped.read(LOCK) == kept
    piped.write(KINDS, b"# a comment\n" + piped.read(KINDS))
    piped.data()
    assert piped.read(LOCK) != kept
    assert [entry(piped, name) is not None for name in ("data", "model", "results")] == [True, True, True]
    piped.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    piped.data()
    assert list(read_lock(piped.path / LOCK).stages) == ["data"]


@pytest.mark.engine
def test_an_entry_is_true_while_command_dependencies_and_parameters_are_those_of_now(piped: Repo) -> None:
    piped.data()
    pretend(piped)
    kept = piped.read(LOCK)
    for file, old, new, left in (
        ("proda.yaml", "base: scratch:micro", "base: scratch:micro\n  train: {epochs: 9}", ["data"]),
        ("proda.yaml", "sealed: 0.5", "sealed: 0.50", ["data", "model", "results"]),
        ("proda.yaml", "sealed: 0.5", "sealed: 0.5, gate: {min: 0.9}", ["data", "model"]),
        ("dvc.yaml", "cmd: prodabuild compile\n", "cmd: prodabuild compile -j 1\n", ["data"]),
        ("dvc.yaml", "- build/suites\n    params", "- build/suites\n    - knowledge\n    params", ["data", "model"]),
        ("dvc.yaml", "- build/suites\n    params", "- build/suites\n    - nowhere\n    params", ["data", "model"]),
    ):
        piped.edit(file, old, new)
        piped.data()
        assert list(read_lock(piped.path / LOCK).stages) == left, new
        piped.edit(file, new, old)
        piped.write(LOCK, kept)


def test_only_some_of_the_stages(piped: Repo) -> None:
    text = piped.read("dvc.yaml").decode()
    piped.write("dvc.yaml", text[: text.index("  model:")])
    piped.data()
    assert list(read_lock(piped.path / LOCK).stages) == ["data"]
    piped.write("dvc.yaml", "stages:\n" + text[text.index("  model:") : text.index("  results:")])
    piped.edit(KINDS, "a lizard with the habits of a gecko", "a lizard that sticks")
    before = piped.read(LOCK)
    piped.data()
    assert piped.read(LOCK) == before  # the entry is no longer ours


def test_a_stage_that_cannot_be_known_is_left_to_dvc(piped: Repo) -> None:
    piped.data()
    before = piped.read(LOCK)
    unnamed = "is no file or folder of this repo that DVC could name"
    for old, new, why in (
        ("- build/dataset:", "- build/elsewhere:", "prodabuild does not make build/elsewhere"),
        ("- build/dataset:", "- models/mine:", "prodabuild does not make models/mine"),
        ("- build/dataset:", "- proda.lock:", "prodabuild does not make proda.lock"),
        ("- build/dataset:", "- ../dataset:", "prodabuild does not make ../dataset"),
        ("- name\n", "- name\n      - compile.speed\n", "proda.yaml has no compile.speed"),
        (
            "- proda.yaml:\n      - name",
            "- seed\n    - proda.yaml:\n      - name",
            "it reads parameters from params.yaml",
        ),
        ("- knowledge\n", "- knowledge\n    - s3://bucket/x\n", f"s3://bucket/x {unnamed}"),
        ("- knowledge\n", "- knowledge\n    - .\n", f". {unnamed}"),
        ("- knowledge\n", "- knowledge\n    - build/model\n", "build/model is not built"),
    ):
        piped.edit("dvc.yaml", old, new)
        error = piped.run("compile", "--to", "data").err
        assert error == f"warning: dvc.lock: the stage data is left to `dvc commit`: {why}\n"
        assert piped.read(LOCK) == before
        piped.edit("dvc.yaml", new, old)


def test_files_that_dvcignore_names_are_no_part_of_a_dependency_but_may_be_no_output(piped: Repo) -> None:
    piped.data()
    before = piped.read(LOCK)
    piped.write(".dvcignore", "*.swp\n/.venv\n")
    piped.write("knowledge/zoo/.kinds.swp", "x")
    piped.data()
    assert piped.read(LOCK) == before
    piped.write(".dvcignore", "README.md\n")
    error = piped.run("compile", "--to", "data").err
    assert (
        error == "warning: dvc.lock: the stage data is left to `dvc commit`: .dvcignore names files of build/dataset\n"
    )


@pytest.mark.engine
def test_a_file_that_no_build_reads_is_read_again_only_when_it_changed(piped: Repo) -> None:
    note = piped.write("knowledge/zoo/README.md", "one")
    settle()
    piped.data()
    first = piped.read(LOCK)
    settle()
    note.write_text("two")
    assert piped.run("plan", "--to", "data", "--check").code == 0
    assert piped.data()["built"] == []
    assert piped.read(LOCK) != first
    settle()
    piped.data()
    note.unlink()
    piped.data()
    assert b"nfiles: 4" in piped.read(LOCK)


@pytest.mark.engine
def test_a_file_that_is_named_as_one_of_our_own_modules_is_another_file(piped: Repo) -> None:
    piped.write("prodabuild/digest.py", "x = 1\n")
    piped.edit("dvc.yaml", "- knowledge\n", "- prodabuild/digest.py\n")
    built = piped.data()["built"]
    data = entry(piped, "data")
    assert data is not None
    assert {"path": "prodabuild/digest.py", "hash": "md5", "md5": md5(b"x = 1\n"), "size": 6} in data["deps"]
    piped.write("prodabuild/digest.py", "x = 2\n")
    assert (len(built) > 0, piped.data()["built"]) == (True, [])


@pytest.mark.parametrize("name", [LOCK, "dvc.yaml"])
def test_a_file_of_dvc_that_cannot_be_read_stops_the_build_before_it_begins(piped: Repo, name: str) -> None:
    piped.write(name, "<<<<<<< HEAD\nschema: '2.0'\n")
    outcome = piped.run("compile", "--to", "data")
    assert outcome.code == 1
    assert outcome.err.startswith(f"error: {name} is not YAML: line 2, mapping values are not allowed")
    assert not (piped.path / "build").exists()


@pytest.mark.parametrize("moved", ["manifest", "a new file", "a changed file"])
def test_what_moves_during_a_build_is_in_no_record_of_it(piped: Repo, moved: str) -> None:
    notes: list[str] = []

    def emit(event: Event) -> None:
        if isinstance(event, StageFinished) and event.stage == "shards":
            if moved == "manifest":
                piped.edit("proda.yaml", "sealed: 0.5", "sealed: 0.4")
            elif moved == "a new file":
                piped.write("knowledge/zoo/late.txt", "x")
            else:
                piped.write(KINDS, b"# late\n" + piped.read(KINDS))
        elif isinstance(event, Note):
            notes.append(event.message)

    Project.open(piped.path).compile(Options(to="data", emit=emit))
    if moved == "manifest":
        assert notes == ["dvc.lock: the stage data is left to `dvc commit`: proda.yaml changed while it was built"]
        assert not (piped.path / LOCK).exists()
        return
    first = piped.read(LOCK)
    assert b"nfiles: 4" in first
    piped.data()
    assert piped.read(LOCK) != first  # it named what was built, and so DVC would have seen the change


def test_the_writing_of_the_lock_needs_no_dvc(piped: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dvc", None)  # an import of it would fail
    assert piped.run("compile", "--to", "data").err.endswith(UPDATED)


def test_a_file_that_a_command_writes_itself_is_in_the_entry(piped: Repo) -> None:
    """As `patch accept` does: the record of trials lies in a folder that a stage depends on."""
    from prodabuild.engine.store import tree_of
    from prodabuild.project.dvclock import update_dvc_lock
    from prodabuild.project.session import record_written, writing_session
    from prodabuild.project.travelling import write_traces

    piped.write("patches/trials.jsonl", b"tried\n")
    piped.data()
    project = Project.open(piped.path)
    with writing_session(project.root, project.manifest, Options(to="data"), "a test") as session:
        piped.write("patches/trials.jsonl", b"tried\naccepted\n")
        record_written(session, "patches/trials.jsonl")
        update_dvc_lock(session, "data", write_traces(session, "data"))
    data = entry(piped, "data")
    assert data is not None
    found = {out["path"]: out["md5"] for out in data["deps"]}
    names = ("README.md", "trials.jsonl")
    assert found["patches"] == tree_of((name, md5(piped.read(f"patches/{name}"))) for name in names)[0]
