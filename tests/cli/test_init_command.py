"""`prodabuild init`: each template is green at once, writes over nothing, and is what DVC and GitHub can read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from prodabuild.cli.main import COMMANDS
from prodabuild.versioning.driver import installed
from prodabuild.versioning.starting import TEMPLATES, files_of
from tests.conftest import ROOT, Repo, Versioned

SOUND = {
    "minimal": "no problems in 1 discipline: 16 concepts, 12 relations, 8 chains\n",
    "wordnet": "no problems in 1 discipline: 48 concepts, 45 relations, 28 chains\n",
    "csv": "no problems in 1 discipline: 28 concepts, 24 relations, 16 chains\n",
}
ITEMS = {"minimal": 4, "wordnet": 18, "csv": 8}


@pytest.fixture
def empty(versioned: Versioned, tmp_path: Path) -> Versioned:
    """An empty folder outside of any git repository."""
    path = tmp_path / "My Kitchen"
    path.mkdir()
    return Versioned(Repo(path, versioned.repo.capsys), versioned.environment)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_repo_is_green_at_once(empty: Versioned, template: str) -> None:
    outcome = empty.repo.run("init", "--template", template)
    files = [
        path for path in empty.path.rglob("*") if path.is_file() and ".git" not in path.relative_to(empty.path).parts
    ]
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"my-kitchen: {len(files)} files from the template {template}\nnext:\n"
        '  prodabuild compile --to data\n  git add --all && git commit --message "A first version"\n'
    )
    checked = empty.repo.run("check", "-W", "error", "-W", "ignore:T004")
    assert (checked.code, checked.out, checked.err) == (0, SOUND[template], "")
    report = empty.repo.data()
    assert report["items"] == ITEMS[template]
    assert (empty.path / "dvc.lock").is_file()  # every parameter and dependency of dvc.yaml is there
    assert "warning" not in empty.repo.history[-1].err.replace("warning: too few chains to balance", "")
    empty.commit()
    assert empty.git("status", "--porcelain") == ""
    assert empty.git("ls-files", "build", ".prodabuild", ".dvc/cache") == ""
    assert empty.repo.run("compile", "--to", "data", "--locked").code == 0
    assert installed(empty.path).named
    assert empty.git("config", "merge.prodabuild.driver").endswith("lock --merge %O %A %B %P\n")


def test_importing_the_table_again_changes_nothing(empty: Versioned) -> None:
    empty.repo.run("init", "--template", "csv")
    again = empty.repo.run("import", "csv", "sources/instruments.csv", "--mapping", "sources/instruments.yaml")
    assert (again.code, again.out) == (0, "nothing changed: 68 records are as in the source\n")


def test_no_file_is_written_over(empty: Versioned) -> None:
    empty.repo.write("README.md", "mine")
    outcome = empty.repo.run("init")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        "error: there is already README.md: nothing was written\nhint: name a folder without them, or move them away\n"
    )
    assert [path.name for path in empty.path.iterdir()] == ["README.md"]
    (empty.path / "README.md").unlink()
    empty.repo.write("knowledge", "a file")
    assert "there is already knowledge:" in empty.repo.run("init").err
    (empty.path / "knowledge").unlink()
    (empty.path / "proda.yaml").mkdir()
    assert "there is already proda.yaml:" in empty.repo.run("init").err
    (empty.path / "proda.yaml").rmdir()
    (empty.path / "dvc.yaml").symlink_to("nowhere")
    assert "there is already dvc.yaml:" in empty.repo.run("init").err
    assert empty.repo.run("init", "sub").code == 0
    second = empty.repo.run("init", "sub")
    assert (second.code, second.err.count("\n")) == (1, 2)


def test_a_full_disk_leaves_nothing_half_written(empty: Versioned, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.open

    def limited(path: Path, *words: object, **others: object) -> object:
        if path.name == "README.md":
            raise OSError(28, "No space left on device", str(path))
        return plain(path, *words, **others)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", limited)
    assert empty.repo.run("init").code == 5
    assert [path for path in empty.path.rglob("*") if path.is_file()] == []


def test_in_a_repository_that_is_there_git_is_left_as_it_is(versioned: Versioned) -> None:
    outcome = versioned.repo.run("init", "kitchen")
    assert outcome.out.startswith("kitchen: 12 files from the template minimal, in the git repository that is there\n")
    assert "  cd kitchen\n" in outcome.out
    assert not (versioned.path / "kitchen/.git").exists()
    assert not (versioned.path / "kitchen/.github").exists()  # GitHub reads them at the top alone
    assert versioned.repo.run("init", "x", "--json").json["files"] == sorted(
        file for file in files_of("minimal", "x") if not file.startswith((".github", ".pre-commit"))
    )


@pytest.mark.engine
@pytest.mark.parametrize("template", TEMPLATES)
def test_dvc_reads_what_was_written(empty: Versioned, template: str) -> None:
    empty.repo.run("init", "--template", template)
    empty.repo.data()
    assert empty.dvc("status", "data") == "Data and pipelines are up to date.\n"
    assert empty.dvc("config", "core.analytics") == "false\n"
    written = {file: data for file, data in empty.repo.files(".dvc").items() if not file.startswith(("cache", "tmp"))}
    other = Versioned(Repo(empty.path.parent / "other", empty.repo.capsys), empty.environment)
    other.path.mkdir()
    other.git("init", "--quiet")
    other.dvc("init", "--quiet")
    other.dvc("config", "core.analytics", "false")
    other.dvc("config", "core.check_update", "false")
    theirs = {file: data for file, data in other.repo.files(".dvc").items() if not file.startswith("tmp")}
    assert written == theirs


def workflow(name: str) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(files_of("minimal", "x")[f".github/workflows/{name}.yml"])
    return document


def steps(name: str) -> list[dict[str, str]]:
    (job,) = workflow(name)["jobs"].values()
    found: list[dict[str, str]] = job["steps"]
    return found


def play(empty: Versioned, env: dict[str, str]) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the steps of the check one by one, as GitHub does: each with `bash -e`, the install left out."""
    done = {}
    for step in steps("check"):
        if "run" in step and step["name"] != "Install":
            words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done[step["name"]] = subprocess.run(
                words, cwd=empty.path, env=empty.environment | env, capture_output=True, text=True, check=False
            )
    return done


@pytest.mark.engine
def test_the_check_of_a_pull_request_runs_as_it_stands(empty: Versioned, tmp_path: Path) -> None:
    empty.repo.run("init")
    empty.repo.data()
    empty.commit()
    empty.git("checkout", "--quiet", "-b", "edit")
    empty.repo.edit("knowledge/cooking/food.yaml", "baked on a griddle", "baked on a hot stone")
    empty.repo.data()
    empty.commit()
    empty.git("checkout", "--quiet", "main")
    empty.git("merge", "--quiet", "--no-ff", "--no-edit", "edit")
    runner = Versioned(Repo(tmp_path / "runner", empty.repo.capsys), empty.environment)
    empty.git("clone", "--quiet", str(empty.path), str(runner.path))
    env = {"VERSION": runner.git("rev-parse", "HEAD").strip(), "RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}  # fmt: skip
    done = play(runner, env)
    assert {name: each.returncode for name, each in done.items()} == dict.fromkeys(done, 0), done
    assert done["Is the knowledge sound?"].stdout == SOUND["minimal"]
    assert "definition of cooking/tortilla changed" in done["What is to be built?"].stdout
    told = (tmp_path / "temp/diff/diff.md").read_text()
    assert told == (tmp_path / "summary").read_text()
    assert told.startswith("<!-- prodabuild diff: my-kitchen -->\n")
    assert "- definition: a thin round of maize or wheat baked on a griddle\n" in told
    assert "### Samples" in told
    assert "### Not told" not in told

    runner.repo.edit("knowledge/cooking/food.yaml", "egg yolk, oil", "egg yolk and oil")  # the lock is not built anew
    runner.git("add", "--all")
    runner.git("commit", "--quiet", "--message", "no build")
    done = play(runner, env | {"VERSION": runner.git("rev-parse", "HEAD").strip()})
    failed = {name: each.stdout for name, each in done.items() if each.returncode}
    assert failed == {
        "Is proda.lock committed as it was built?": (
            "::error file=proda.lock::run `prodabuild compile --to data` and commit proda.lock\n"
        )
    }


GH = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
*state=open*) echo 7 ;;
*comments*--jq*) cat {mine} ;;
esac
"""


def test_the_comment_is_written_once_and_then_anew(empty: Versioned, tmp_path: Path) -> None:
    (step,) = [step for step in steps("comment") if "run" in step]
    log, mine, gh = tmp_path / "log", tmp_path / "mine", tmp_path / "bin/gh"
    gh.write_text(GH.format(log=log, mine=mine))
    gh.chmod(0o755)
    env = empty.environment | {"REPO": "o/r", "SHA": "abc", "HEAD": "o:edit"}
    said = []
    for known, head in (
        ("", "<!-- prodabuild diff: x -->\n"),
        ("41\n", "<!-- prodabuild diff: x -->\n"),
        ("", "$(touch owned)\n"),
    ):
        mine.write_text(known)
        empty.repo.write("diff/diff.md", head + "words")
        log.unlink(missing_ok=True)
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=empty.path, env=env, check=False, capture_output=True)  # fmt: skip
        said.append((done.returncode, log.read_text().splitlines()[-1] if log.exists() else ""))
    assert said == [
        (0, "api --silent --method POST repos/o/r/issues/7/comments -F body=@body.md"),
        (0, "api --silent --method PATCH repos/o/r/issues/comments/41 -F body=@body.md"),
        (1, ""),
    ]
    assert not (empty.path / "owned").exists()


def test_workflows_give_no_secret_to_the_code_of_a_pull_request() -> None:
    check, comment = workflow("check"), workflow("comment")
    assert check["permissions"] == {"contents": "read"}
    assert set(check[True]) == {"pull_request", "push"}  # YAML 1.1 reads `on` so
    assert set(comment[True]) == {"workflow_run"}
    text = files_of("minimal", "x")[".github/workflows/comment.yml"].decode()
    assert "checkout@" not in text
    for name in ("check", "comment"):
        assert [step for step in steps(name) if "${{" in step.get("run", "")] == []  # no words of strangers in a shell


def test_a_check_of_a_pull_request_restores_nothing_that_was_built_elsewhere() -> None:
    commands = [line.strip() for step in steps("check") for line in step.get("run", "").splitlines()]
    builds = [
        line for line in commands if line.startswith(("prodabuild compile", "prodabuild plan", "prodabuild test"))
    ]
    assert builds == [
        "prodabuild compile --to data --trust none",
        "prodabuild plan --to data --no-own-code --trust none",
        "prodabuild compile --to data --no-own-code --trust none",
    ]


def test_every_command_of_the_files_that_run_some_is_there() -> None:
    files = files_of("minimal", "x")
    text = b"".join(files[file] for file in (".github/workflows/check.yml", ".pre-commit-config.yaml", "README.md"))
    called = set(re.findall(r"prodabuild ([a-z]+)\b", text.decode())) - {"turns"}
    assert called <= {*COMMANDS}, called
    assert called >= {"check", "plan", "compile", "diff"}
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_bytes())
    assert [(hook["id"], hook["entry"]) for hook in hooks] == [("prodabuild-check", "prodabuild check")]
    (own,) = yaml.safe_load(files[".pre-commit-config.yaml"])["repos"]
    assert own["hooks"][0]["entry"] == "prodabuild check"


@pytest.mark.engine
def test_templates_are_in_the_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True, env={**os.environ})
    (wheel,) = tmp_path.glob("*.whl")
    from zipfile import ZipFile

    packed = {name for name in ZipFile(wheel).namelist() if name.startswith("prodabuild/versioning/templates/")}
    here = ROOT / "prodabuild/versioning/templates"
    assert packed == {path.relative_to(ROOT).as_posix() for path in here.rglob("*") if path.is_file()}


@pytest.mark.parametrize("template", TEMPLATES)
def test_only_the_name_of_the_repo_is_put_into_the_files(template: str) -> None:
    files = files_of(template, "kitchen")
    assert b"name: kitchen\n" in files["proda.yaml"]
    assert files["README.md"].startswith(b"# kitchen\n")
    assert b"hf:ORG/NAME@" in files["proda.yaml"]
    assert not [file for file, data in files.items() if b"REPO_NAME" in data or b"ORG/kitchen" in data]


def test_the_workflow_runs_no_code_of_a_pull_request() -> None:
    job = yaml.safe_load(files_of("minimal", "x")[".github/workflows/check.yml"])["jobs"]["check"]
    steps = {step["name"]: step["run"] for step in job["steps"] if "prodabuild " in step.get("run", "")}
    ours = [line.strip() for name, run in steps.items() if "before" not in name for line in run.splitlines()]
    building = [line for line in ours if re.match("prodabuild (plan|compile|test|export)", line)]
    assert [line for line in building if "--no-own-code" not in line] == []
    assert len(building) == 2
