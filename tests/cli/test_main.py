"""The entry point: exit codes, help, versions, start-up, what is printed where."""

from __future__ import annotations

import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from prodabuild import __version__
from prodabuild.cli.main import COMMANDS, cli
from prodabuild.engine.guard import writing
from prodabuild.errors import OutsideError
from prodabuild.events import silent
from prodabuild.project import Project
from tests.conftest import CHECKED, ROOT, Repo
from tests.insight.test_claims import CARD
from tests.sources.samples import SAMPLES

WORDNET = ROOT / "tests/sources/wordnet"
KINDS = "knowledge/zoo/kinds.yaml"


def test_no_command_shows_the_help(repo: Repo) -> None:
    outcome = repo.run("--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert (
        outcome.out
        == """Usage: prodabuild [OPTIONS] COMMAND [ARGS]...

  `make` for what a language model is taught.

  Examples:
    prodabuild check            is the knowledge sound?
    prodabuild plan             what would be built, and why?

Options:
  -V, --version  Show the version and exit.
  -C DIRECTORY   Run in this data repo.
  --json         Print one JSON document on stdout.
  -q, --quiet    Print results and errors only.
  -v, --verbose  Print more.
  -h, --help     Show this message and exit.

Commands:
  init       Begin a data repo that builds at once.
  check      Check the manifest and every record.
  plan       Show what a compile would do and why; change nothing.
  why        Tell where a THING comes from and what it ends in.
  compile    Build what changed: shards, test items, dataset, base, adapter.
  test       Test the model beside its base; exit 3 when a gate fails.
  debug      Ask the model why its dev items fail; draft patches.
  patch      Begin, look at, try, accept, apply or drop a reviewed change.
  diff       Tell what differs between two versions.
  lock       Merge proda.lock, dvc.lock and metrics.json.
  export     Write the data in a format that other trainers read.
  import     Write knowledge from a structured vocabulary.
  push       Send what was built to a remote of DVC, and read it back.
  pull       Fetch what was built from a remote of DVC.
  rebuild    Build a past version again and compare every digest.
  verify     Read everything that was built and heal what is damaged.
  gc         Tell what no version needs; with --force, remove it.
  doctor     Tell what is lacking here, and how to mend it.
  footprint  Show what training did to the weights.
  probe      Measure models on sources whose entropy is known.
  schema     Print a JSON Schema, for editors.
"""
    )


def test_the_version(repo: Repo) -> None:
    assert repo.run("--version").out == f"prodabuild, version {__version__}\n"


def test_python_m_runs_the_same_program(repo: Repo) -> None:
    repo.built()
    outcome = repo.spawn("check")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == CHECKED


def test_a_misspelt_command_exits_2_and_is_put_right(repo: Repo) -> None:
    outcome = repo.run("complie")
    assert outcome.code == 2
    assert outcome.err == (
        "Usage: prodabuild [OPTIONS] COMMAND [ARGS]...\nTry 'prodabuild --help' for help.\n\n"
        "Error: No such command 'complie'. did you mean 'compile'?\n"
    )


@pytest.mark.parametrize("arguments", [("compile", "--to", "moon"), ("plan", "--fast"), ("compile", "-j", "0")])
def test_a_wrong_command_line_exits_2(repo: Repo, arguments: tuple[str, ...]) -> None:
    outcome = repo.run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"Usage: prodabuild {arguments[0]}")


@pytest.mark.parametrize("ignored", [False, True])
def test_interrupting_while_modules_are_read_exits_130(ignored: bool) -> None:
    code = (
        "import os, signal, sys\n"
        f"signal.signal(signal.SIGINT, signal.SIG_IGN) if {ignored} else None\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from prodabuild.__main__ import start\n"
        "sys.argv[1:] = ['--version']\n"
        "start()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0 if ignored else 130, "")


def test_a_bug_exits_70_with_a_report_and_no_traceback(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("two and two are five")

    monkeypatch.setattr(Project, "plan", broken)
    outcome = repo.run("plan")
    assert (outcome.code, outcome.out) == (70, "")
    first, second = outcome.err.splitlines()
    assert first == "a bug in prodabuild: RuntimeError: two and two are five"
    report = Path(second.removeprefix("hint: please report it with "))
    assert "two and two are five" in report.read_text()
    report.unlink()


def test_interrupting_exits_130_and_keeps_what_is_done(repo: Repo) -> None:
    with writing(repo.path / ".prodabuild/lock", "somebody", silent):
        process = subprocess.Popen(
            [sys.executable, "-m", "prodabuild", "compile", "--to", "data"],
            cwd=repo.path, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline().startswith("waiting for somebody (process ")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == "\ninterrupted; finished work is kept\n"
        process.stderr.close()


PATCH = """title: Geckos climb
reason: it was wrong
cause: correction
ops:
- emphasise: [zoo/gecko]
"""


def examples() -> list[str]:
    """Return every example that a command's help shows."""
    found = []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
        for each in commands:
            _, _, text = (each.help or "").partition("Examples:\n")
            lines = [line.strip() for line in text.splitlines() if line.strip().startswith("prodabuild ")]
            assert len(lines) == 2, f"{each.name} shows two examples"
            found += lines
    return found


# What trains, or needs what was trained, is run in other tests.
TRAINING = "test|debug|footprint|patch try|patch accept|compile --locked|probe (train|decode|context|ladder|run)"


def keep_versions(repo: Repo) -> None:
    """Make a repo one of git and DVC, with the version `v1` and two remotes."""
    remotes = (f"['remote \"{name}\"']\n    url = {repo.path.parent / name}\n" for name in ("store", "backup"))
    repo.write(".dvc/config", "[core]\n    remote = store\n" + "".join(remotes))
    (repo.path.parent / "store").mkdir()
    repo.write(".gitignore", "/build/\n/.prodabuild/\n/.dvc/cache\n/.dvc/tmp\n")
    repo.data()
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        [*who, "commit", "--quiet", "--message", "one"],
        ["tag", "v1"],
    ):
        subprocess.run(["git", *words], cwd=repo.path, check=True)


def committed(repo: Repo) -> None:
    repo.write(".gitignore", "/build/\n/.prodabuild/\n")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in (("init", "--quiet", "-b", "main"), ("add", "-A"), ("commit", "--quiet", "-m", "a version")):
        subprocess.run(["git", *who, *words], cwd=repo.path, check=True)


@pytest.mark.parametrize(
    "example",
    [line for line in examples() if not re.match(f"prodabuild ({TRAINING})", line)],
)
def test_the_examples_in_the_help_run(repo: Repo, example: str) -> None:
    repo.built()
    shutil.copytree(SAMPLES, repo.path / "sources")
    repo.write("sources/wordnet.yaml", b"disciplines:\n  zoo: {roots: [dog.n.01]}\n")
    (repo.path / "schema").mkdir()
    if re.match("prodabuild (lock|diff)", example):
        committed(repo)
    if example.startswith("prodabuild patch"):
        repo.write("patches/0001-geckos-climb.yaml", PATCH)
    if example.startswith("prodabuild probe"):
        repo.write("claims/repetition.yaml", CARD)
    if example.startswith(("prodabuild push", "prodabuild pull", "prodabuild rebuild", "prodabuild gc")):
        pytest.importorskip("dvc")
        keep_versions(repo)
    command, _, target = (
        example.removeprefix("prodabuild ").replace("/usr/share/wordnet", str(WORDNET)).partition(" > ")
    )
    outcome = repo.run(*shlex.split(command))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out != ""
    assert target in ("", "schema/proda.schema.json", "schema/patch.schema.json")


def test_results_go_to_stdout_and_progress_to_stderr(repo: Repo) -> None:
    outcome = repo.run("compile", "--to", "data")
    assert re.sub(r"\d+\.\d+ s", "T s", outcome.err) == (
        "shards: 12 built in T s\nitems: 2 built in T s\nsuites: 1 built in T s\nindex: 1 built in T s\n"
        "leaks: 12 built in T s\ndataset: 1 built in T s\n"
    )
    first, *rest = outcome.out.splitlines()
    assert re.sub(r"\d+\.\d+ s", "T s", first) == "29 built, 0 clean (T s)"
    assert rest[0] == "449 samples in 12 shards, 20 test items"
    assert rest[1].startswith("dataset ")
    assert rest[2:] == ["proda.lock was updated: commit it with your change"]
    again = repo.run("compile", "--to", "data")
    assert again.err == ""
    assert re.fullmatch(r"nothing changed: 29 units are clean \(\d\.\d\d s\)\n", again.out)


def test_quiet_prints_results_only(repo: Repo) -> None:
    outcome = repo.run("compile", "--to", "data", "-q")
    assert outcome.err == ""
    assert "449 samples" in outcome.out


def test_the_plan_of_an_edit_reads_as_written_here(repo: Repo) -> None:
    repo.built()
    repo.edit(KINDS, "a lizard with the habits of a gecko and of nothing else", "a lizard that sticks to walls")
    outcome = repo.run("plan", "--to", "data")
    assert (outcome.code, outcome.err) == (0, "")
    line = next(n for n, text in enumerate(repo.read(KINDS).decode().splitlines(), 1) if "sticks to walls" in text)
    shard = outcome.out.split()[1]
    assert (
        outcome.out
        == f"""build   {shard}
        {KINDS}:{line}  definition of zoo/gecko changed
          - a lizard with the habits of a gecko and of nothing else
          + a lizard that sticks to walls
maybe   {shard.replace("shard:", "leaks:")}
        {shard} may change
maybe   dataset
        {shard} may change
        {shard.replace("shard:", "leaks:")} may change
1 build, 2 maybe, 26 clean
"""
    )
    repo.data()
    assert repo.run("plan", "--to", "data").out == "nothing to do: 29 units are clean\n"


def test_json_is_one_document_on_stdout(repo: Repo) -> None:
    for command in (["check"], ["plan"], ["compile", "--to", "data"]):
        document = repo.run(*command, "--json").json
        assert document["schema"] == 1
    assert repo.run("check", "--json").json["coverage"] == {
        "tools": {"concepts": 36, "relations": 32, "chains": 24},
        "zoo": {"concepts": 36, "relations": 32, "chains": 24},
    }
    report = repo.run("compile", "--to", "data", "--json").json
    keys = {"schema", "built", "restored", "clean", "shards", "samples", "items", "dataset", "model", "seconds"}
    assert set(report) == keys
    assert (report["samples"], report["items"], report["shards"]) == (449, 20, {"total": 12, "built": 0})


def test_an_error_is_a_document_too(repo: Repo) -> None:
    repo.edit("proda.yaml", "tests:\n  chains: {from: chains, sealed: 0.5}\n", "")
    outcome = repo.run("test", "--json")
    assert outcome.code == 1
    assert outcome.json == {
        "schema": 1,
        "error": {
            "message": "proda.yaml declares no tests",
            "hint": "add a suite: `tests: {chains: {from: chains}}`",
            "exit": 1,
        },
    }


HEAVY = ("torch", "transformers", "peft", "lm_eval", "datasets", "dvc", "rich", "pydantic", "numpy", "pyarrow")


def test_help_imports_nothing_heavy_and_starts_at_once() -> None:
    code = (
        "import sys; from prodabuild.cli.main import run; run(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert done.stderr == "[]\n"
    assert min(seconds) < 0.4  # of a core, however busy the machine is; the goal is 0.15 s


def test_check_plan_and_a_compile_with_nothing_to_do_import_no_heavy_library(repo: Repo) -> None:
    repo.built()
    heavy = tuple(name for name in HEAVY if name not in ("pydantic",))
    code = (
        "import sys; from prodabuild.cli.main import run\n"
        "for words in ('check', 'plan', 'compile --to data'): assert run(words.split()) == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo.path, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize("module", ["click", "orjson", "signal", "yaml"])
def test_modules_in_the_folder_of_a_repo_are_not_imported(repo: Repo, module: str) -> None:
    repo.write(f"{module}.py", "raise SystemExit('code of a stranger')\n")
    outcome = repo.spawn("check")
    assert (outcome.code, outcome.err) == (0, "")


SHARED = [
    (("-C", "repo", "check"), 0),
    (("check", "-C", "repo"), 0),
    (("-C", "repo", "patch", "list"), 0),
    (("patch", "-C", "repo", "list"), 0),
    (("patch", "list", "-C", "repo"), 0),
    (("-C", "repo", "import", "csv", "--help"), 0),
    (("-C", "repo", "check", "-C", "../repo"), 0),
    (("-C", "repo", "probe", "source"), 0),
    (("-C", "nowhere", "check"), 1),
    (("check",), 1),
]


@pytest.mark.parametrize(
    ("words", "code"), SHARED, ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_the_folder_counts_before_and_behind_a_command(repo: Repo, words: tuple[str, ...], code: int) -> None:
    outcome = Repo(repo.path.parent, repo.capsys).run(*words)
    assert outcome.code == code, outcome.err


def test_json_quiet_and_verbose_count_before_a_command(repo: Repo) -> None:
    assert repo.run("--json", "check").json == repo.run("check", "--json").json
    assert repo.run("-q", "compile", "--to", "data").err == ""
    repo.edit(KINDS, "a lizard with the habits of a gecko and of nothing else", "a lizard that sticks to walls")
    assert repo.run("-v", "plan").out == repo.run("plan", "-v").out


FAILING = [
    (("plan", "--fast"), 2, "No such option '--fast'. (Did you mean one of: '--to', '--trust'?)"),
    (("compile", "--to", "moon"), 2, "Invalid value for '--to': 'moon' is not one of 'data', 'model'."),
    (("compile", "-j", "0"), 2, "Invalid value for '-j' / '--jobs': 0 is not in the range x>=1."),
    (("why",), 2, "Missing argument 'THING'."),
    (("patch",), 2, "Missing command."),
    (("nonsense",), 2, "No such command 'nonsense'."),
    (("patch", "nonsense"), 2, "No such command 'nonsense'."),
    (("compile", "--watch"), 2, "--json prints one document, --watch has no end"),
    (("diff", "main", "--md"), 2, "--md and --json ask for two formats"),
    (("check", "-W", "moan"), 2, "-W moan: there is no action 'moan'"),
    (("patch", "show", "9"), 1, "there is no patch '9'"),
    (("debug",), 4, "the results are not those of the present sources"),
    (("compile", "--to", "data", "--locked"), 4, "proda.lock would change: "),
    (("push",), 1, "no lock names anything that was built"),
]


@pytest.mark.parametrize(
    ("words", "code", "message"), FAILING, ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_every_failure_is_one_document(repo: Repo, words: tuple[str, ...], code: int, message: str) -> None:
    outcome = repo.run(*words, "--json")
    assert outcome.code == code, outcome.err
    assert set(outcome.json) == {"schema", "error"}
    assert (outcome.json["schema"], outcome.json["error"]["exit"]) == (1, code)
    assert outcome.json["error"]["message"].startswith(message)
    assert message in outcome.err


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (RuntimeError("two and two are five"), 70, "a bug in prodabuild: RuntimeError: two and two are five"),
        (KeyboardInterrupt(), 130, "interrupted; finished work is kept"),
        (OSError(28, "No space left on device", "x"), 5, "cannot write x: No space left on device"),
        (ModuleNotFoundError("no", name="torch"), 5, "this needs the package 'torch', which is not installed"),
        (OutsideError("https://u:secret@h is not there"), 5, "https://***@h is not there"),
    ],
)
def test_every_exit_code_has_its_document(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, message: str
) -> None:
    def broken(*_: object) -> None:
        raise raised

    monkeypatch.setattr(Project, "plan", broken)
    outcome = repo.run("plan", "--json")
    assert outcome.code == code
    assert outcome.json["error"] | {"hint": None} == {"message": message, "hint": None, "exit": code}
    assert "secret" not in outcome.out + outcome.err
    if code == 70:
        Path(outcome.json["error"]["hint"].removeprefix("please report it with ")).unlink()
