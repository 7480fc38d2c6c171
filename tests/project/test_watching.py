"""What a watch looks at: every input of the build, nothing else, whatever state the manifest is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from prodabuild.project import Options, Project, watching
from prodabuild.project.session import reading
from prodabuild.project.watching import Change, Watch, running
from tests.conftest import Repo

MANIFEST = """version: 1
name: build
disciplines:
  zoo: {knowledge: [knowledge/zoo, knowledge/more.yaml]}
compile: {recipes: [define, recipes/own.py:brief]}
model: {base: "path:models/base"}
tests:
  general: {tasks: [tests/tasks/general.yaml]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "knowledge/zoo/kinds.yaml", "knowledge/zoo/deep/er.jsonl", "knowledge/more.yaml", "knowledge/predicates.yaml",
        "knowledge/other/not.yaml", "models/base/model.safetensors", "models/not.bin", "lib/words.py", "lib/not.py",
        "tests/tasks/general.yaml", "tests/tasks/rows.jsonl", "tests/tasks/note.md", "README.md", "proda.lock",
        "build/dataset/train/zoo/all.jsonl", ".prodabuild/state.db", "knowledge/zoo/.hidden.yaml",
        "recipes/__pycache__/own.pyc", "venv/x.yaml",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "recipes/own.py").write_text("from lib import words\n")
    (tmp_path / "proda.yaml").write_text(MANIFEST)
    return tmp_path


SEEN = {
    "proda.yaml", "knowledge/zoo/kinds.yaml", "knowledge/zoo/deep/er.jsonl", "knowledge/more.yaml",
    "knowledge/predicates.yaml", "models/base/model.safetensors", "recipes/own.py", "lib/words.py",
    "tests/tasks/general.yaml", "tests/tasks/rows.jsonl",
}  # fmt: skip


def edited(monkeypatch: pytest.MonkeyPatch, watch: Watch, *texts: tuple[Path, str]) -> tuple[Change, ...]:
    """Write files, one each time that the watch sleeps, and return what it tells."""
    waiting = iter(texts)

    def sleep(_: float) -> None:
        if found := next(waiting, None):
            found[0].parent.mkdir(parents=True, exist_ok=True)
            found[0].write_text(found[1])

    monkeypatch.setattr(watching, "sleep", sleep)
    return watch.wait()


def test_it_sees_the_inputs_and_nothing_else(root: Path) -> None:
    assert set(Watch(root).seen) == SEEN


def test_it_sees_every_source_that_a_build_reads(repo: Repo) -> None:
    repo.built()
    project = Project.open(repo.path)
    with reading(project.root, project.manifest, Options(to="data", device="cpu")) as session:
        inputs = {name for name in session.state.file_rows() if not name.startswith("prodabuild/")}
    assert inputs
    assert inputs <= set(Watch(repo.path).seen)


@pytest.mark.parametrize("name", sorted(SEEN))
def test_an_edit_of_any_of_them_is_told(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    watch = Watch(root)
    assert edited(monkeypatch, watch, (root / name, "# now\n" + (root / name).read_text())) == (
        Change(name, "changed"),
    )


def test_a_save_in_many_writes_is_told_once_it_has_come_to_rest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds, more = root / "knowledge/zoo/kinds.yaml", root / "knowledge/zoo/new/more.yaml"
    watch = Watch(root)
    found = edited(monkeypatch, watch, (kinds, "a"), (kinds, "ab"), (more, "x"), (kinds, "abc"), (more, "xy"))
    assert found == (Change("knowledge/zoo/kinds.yaml", "changed"), Change("knowledge/zoo/new/more.yaml", "new"))


def test_a_file_that_never_rests_is_told_all_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(root)
    writes = [(root / "knowledge/more.yaml", "x" * n) for n in range(1, 4 * watching.PATIENCE)]
    assert edited(monkeypatch, watch, *writes) == (Change("knowledge/more.yaml", "changed"),)


def test_a_manifest_that_cannot_be_read_leaves_what_was_looked_at(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(root)
    assert edited(monkeypatch, watch, (root / "proda.yaml", "a: [\n")) == (Change("proda.yaml", "changed"),)
    assert set(watch.seen) == SEEN
    mistaken = MANIFEST.replace("disciplines", "dsciplines").replace("knowledge/zoo,", "knowledge/other,")
    edited(monkeypatch, watch, (root / "proda.yaml", mistaken))
    zoo = {name for name in SEEN if name.startswith("knowledge/zoo")}
    assert set(watch.seen) == SEEN - zoo | {"knowledge/other/not.yaml"}


def test_what_is_not_there_yet_is_seen_when_it_comes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "proda.yaml").write_text(MANIFEST.replace("knowledge/more.yaml", "facts/law"))
    watch = Watch(root)
    assert edited(monkeypatch, watch, (root / "facts/law/a.yaml", "")) == (Change("facts/law/a.yaml", "new"),)


@pytest.mark.parametrize(
    "path", ["/etc", "..", "../x", ".", "", "build", "build/x", "proda.lock", ".git", "a\\0b", "x" * 5000]
)
def test_texts_that_lead_elsewhere_are_passed_over(root: Path, path: str) -> None:
    (root / "proda.yaml").write_text(f'a: ["{path}"]\nb: {{c: 1, d: null}}\n')
    assert set(Watch(root).seen) == {"proda.yaml", "knowledge/predicates.yaml"}


def test_what_this_process_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    before = running()
    assert any(name.endswith("shards/recipes.py") for name in before)
    assert running() == before
    monkeypatch.setattr(watching, "versions", lambda: {"orjson": "99"})
    assert running() != before
