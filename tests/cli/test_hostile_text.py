"""Text of others in every field of a repository: what any command prints of it is seen, and acts on nothing."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import termios
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from markdown_it import MarkdownIt

from prodabuild.cli.console import shown
from prodabuild.cli.junit import junit
from prodabuild.cli.scores import markdown, table
from prodabuild.cli.tables import Titled, markdown_table
from prodabuild.evaluation.gates import GateResult, Verdict
from prodabuild.evaluation.results import ItemResult
from prodabuild.insight.curves import Chart, Map, draw
from prodabuild.knowledge.records import tidied
from prodabuild.manifest.load import read_manifest
from prodabuild.project.card import card
from prodabuild.project.outcome import TestedItem, TestReport
from tests.conftest import ROOT, Outcome, Repo

# A terminal's commands, another line, directions, nothing to see, half of another language, a workflow's command.
SIGNS = "\x1b]0;t\x07\x9b31m\x7f\u202e\u2066\u2028\u2029\x85\u200b\u200d\ufeff\u00ad\U000e0041\u3164"
MARKUP = (
    "[red]R[/red] :boom: <img src=x onerror=y> **b** ![i](http://e.example) `c` @you #1 | $x$ https://u:pw@h.example"
)
EVIL = f"{SIGNS} {MARKUP}\n::error::Injected\n##[error]Injected"
NAME = "\x1b[31m<b>\u202e\nInjected"  # of a file
REF = "b\u202e<b>`|@you"


def yaml_text(text: str) -> str:
    """Return a scalar of YAML, everything unusual in it escaped."""
    found: str = yaml.safe_dump(text, default_style='"', allow_unicode=False, width=10**6)
    return found.strip()


def git(repo: Repo, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    subprocess.run(["git", *who, *words], cwd=repo.path, check=True, capture_output=True)


@pytest.fixture
def hostile(repo: Repo) -> Repo:
    """The small repo, with a commit before the text of others came, and it in every field that holds any."""
    repo.write(".gitignore", "/build/\n/.prodabuild/\n")
    repo.built()
    git(repo, "init", "--quiet", "-b", "main")
    git(repo, "add", "-A")
    git(repo, "commit", "--quiet", "-m", "before")
    evil = yaml_text(EVIL)
    repo.write(
        "knowledge/zoo/evil.yaml",
        f"concepts:\n- id: zoo/evil\n  name: {evil}\n  definition: {yaml_text('a lizard ' + EVIL)}\n"
        f"  aliases: [{yaml_text('other ' + EVIL)}]\n  source: {{document: {yaml_text('a ' + MARKUP)}}}\n"
        "  relations:\n  - {predicate: is_a, object: zoo/lizard}\n",
    )
    repo.write(f"sources/{NAME}.md", "a text")
    repo.edit("knowledge/zoo/chains.yaml", "title: from gecko to reptile", f"title: {evil}")
    repo.write(
        "proda.yaml",
        repo.read("proda.yaml").decode()
        + f"licences:\n  {yaml_text(MARKUP)}: {{name: {evil}, link: {yaml_text('javascript:' + EVIL)}}}\n",
    )
    repo.write(
        "patches/0001-evil.yaml",
        f"title: {evil}\nreason: {evil}\ncause: correction\nops:\n- replace: zoo/gecko\n  with:\n    definition: {evil}\n"
        f"- sample: {{id: zoo/gecko!x, nodes: [zoo/gecko], question: {evil}, answer: {evil}}}\n",
    )
    git(repo, "add", "-A")
    git(repo, "commit", "--quiet", "-m", EVIL.replace("\x00", ""))
    git(repo, "branch", REF)
    return repo


def unseen(text: str) -> list[str]:
    """Return the characters of a text that do not show, by their names: by Unicode's own account of them."""
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return sorted({f"U+{ord(mark):04X}" for mark in text if mark != "\n" and unicodedata.category(mark) in kinds})


def harmless(outcome: Outcome) -> None:
    for text in (outcome.out, outcome.err):
        assert unseen(text) == []
        assert [line for line in text.splitlines() if re.match(r"\s*(Injected|::error::|##\[)", line)] == []
        assert "://u:pw@" not in text or text.startswith("{")
    assert "Traceback" not in outcome.err
    assert outcome.code != 70, outcome.err


COMMANDS = [
    ("check",), ("check", "--strict", "--coverage"), ("plan", "-v"), ("plan", "--to", "results"),
    ("why", "zoo/evil"), ("why", "zoo/gecko"), ("why", "model"), ("why", EVIL), ("patch", "list"), ("patch", "show", "1"),
    ("patch", "show", "1", "-v"), ("patch", "show", EVIL), ("diff", "HEAD~1"), ("diff", "HEAD~1", "-v"), ("diff", REF),
    ("diff", "HEAD~1", REF), ("diff", EVIL), ("lock", "--merge"), ("gc",), ("doctor",), ("verify",), ("rebuild", EVIL),
    ("compile", "--to", "data"), ("export", "messages"), ("export", "hf"), ("export", EVIL), ("push",), ("pull",),
    ("import", "csv", f"sources/{NAME}.md"), ("footprint", EVIL), ("footprint", "--compare", EVIL),
    ("probe", "source", EVIL), ("probe", "verify", f"sources/{NAME}.md"), ("probe", "freeze", EVIL),
    ("patch", "new", EVIL), ("patch", "new", "x", "--record", "zoo/evil"), ("patch", "drop", EVIL), ("patch", "try", EVIL),
    ("compile", "--log", EVIL), ("init", EVIL), (EVIL,), ("plan", EVIL), ("test", "--failed"), ("debug",),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=[f"{n}-{words[0]}"[:12] for n, words in enumerate(COMMANDS)])
def test_no_command_prints_what_acts(hostile: Repo, words: tuple[str, ...]) -> None:
    harmless(hostile.run(*words))
    outcome = hostile.run(*words, "--json")
    harmless(outcome)
    assert outcome.json["schema"] == 1


@pytest.mark.parametrize("form", ["github", "sarif", "json"])
def test_no_format_of_problems_is_broken(hostile: Repo, form: str) -> None:
    hostile.edit("knowledge/zoo/kinds.yaml", "object: zoo/snake", f"object: {yaml_text('zoo/' + EVIL)}")
    outcome = hostile.run("check", "--format", form)
    harmless(
        Outcome(outcome.code, re.sub("^::(error|warning) file=", "", outcome.out, flags=re.MULTILINE), outcome.err)
    )
    assert outcome.code == 1
    if form == "sarif":
        texts = [result["message"]["text"] for result in outcome.json["runs"][0]["results"]]
        assert not any("](" in text for text in texts)
    if form == "json":
        assert any(
            EVIL in problem["message"] or repr(EVIL)[1:-1] in problem["message"] for problem in outcome.json["problems"]
        )


def test_json_has_the_true_text(hostile: Repo) -> None:
    (patch,) = hostile.run("patch", "list", "--json").json["patches"]
    assert patch["title"] == EVIL
    (record, *_) = (row for row in hostile.run("diff", "HEAD~1", "--json").json["records"] if row["id"] == "zoo/evil")
    assert (record["new"]["name"], record["where"].rpartition(":")[0]) == (
        tidied({"name": EVIL})["name"],
        "knowledge/zoo/evil.yaml",
    )


def rendered(text: str) -> None:
    """Hold that Markdown renders no HTML, link, image or mention of others, and ends no block of code early."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    active = [token for token in (*tokens, *inline) if token.type.startswith(("html", "link", "image"))]
    ours = ("<!-- prodabuild diff: ", "<details>", "</details>")
    assert [token.content for token in active if token.content and not token.content.startswith(ours)] == []
    assert [token.attrs for token in active if token.type in ("link_open", "image")] == []
    assert unseen(text) == []
    words = "".join(token.content for token in inline if token.type == "text")
    assert re.findall("@you|https?:|:boom:|#1|<img", words) == []


def test_markdown_for_a_pull_request_renders_nothing_of_others(hostile: Repo) -> None:
    for words in (("HEAD~1",), ("HEAD~1", REF)):
        outcome = hostile.run("diff", *words, "--md")
        assert (outcome.code, outcome.err) == (0, "")
        rendered(outcome.out)
        assert "Injected" in outcome.out


def test_cards_render_nothing_of_others(hostile: Repo) -> None:
    assert hostile.run("export", "hf", "-q").code == 0
    page = hostile.read("build/export/hf/README.md").decode().split("---\n", 2)[2]
    assert "R" in page
    rendered(page)
    manifest = read_manifest(hostile.path)
    entry = {"sha256": "0" * 64, "made_with": {"torch": "2"}}
    rendered(card(manifest, {"model": entry, "dataset": entry, "patch:0001-evil": {}}))


def test_tables_of_markdown_render_nothing_of_others() -> None:
    rendered("\n".join(markdown_table(("a", "b"), [(EVIL, EVIL)])))
    rendered("\n".join(Titled(EVIL, ("a",), [(EVIL,)]).markdown()))


def test_a_drawing_is_xml_and_holds_words_alone() -> None:
    data = draw(Chart(EVIL, EVIL, {EVIL: [(0.0, 1.0)]}, {EVIL: 1.0}), Map(EVIL, (EVIL,), {EVIL: (1.0,)}))
    tree = ElementTree.fromstring(data)
    assert {element.tag.rpartition("}")[2] for element in tree.iter()} <= {
        "svg",
        "g",
        "text",
        "rect",
        "path",
        "circle",
        "polyline",
    }
    assert unseen(data.decode()) == []


def test_lines_cannot_command_the_runner_of_a_workflow(hostile: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    hostile.edit("patches/0001-evil.yaml", f"title: {yaml_text(EVIL)}", 'title: "::add-mask::x ##[error]y"')
    outcome = hostile.run("patch", "show", "1")
    assert "\n\\x3a:add-mask::x \\x23#[error]y: " in outcome.out


def test_a_terminal_gets_no_markup_and_no_picture_of_others() -> None:
    """Progress and notes are drawn by a library that has a language of its own."""
    code = (
        "from prodabuild.cli.console import Console; from prodabuild.events import *\n"
        f"text = {EVIL!r}\n"
        "console = Console()\n"
        "console.emit(StageStarted(text, 3)); console.emit(Progress(text, 1, 3, text)); console.emit(Note(text, True))\n"
        "console.emit(Note(text)); console.close()"
    )
    drawn = on_pty([sys.executable, "-c", code], 400)
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn).replace("\r", "")  # what the library itself sends
    assert unseen(words) == []
    assert "[red]R[/red] :boom: <img" in words
    assert "\x1b]0" not in drawn


def on_pty(command: list[str], columns: int, cwd: Path = ROOT) -> str:
    """Run a command on a terminal of some columns; return what was drawn."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    drawn = b""
    with contextlib.suppress(OSError):  # how Linux says that the other side is closed
        while chunk := os.read(ours, 4096):
            drawn += chunk
    os.close(ours)
    process.wait()
    return drawn.decode()


COLUMNS = (40, 80, 200)
SCREENS = [
    ("check",), ("doctor",), ("plan", "--fast"), ("compile", "--to", "data", "--max-steps", "3"), ("patch", "apply", "7"), ("why", "nothing"),
    ("probe", "source"), ("diff", "HEAD~1"), ("--help",), ("compile", "--help"), ("test", "--help"), ("import", "csv", "--help"),
]  # fmt: skip


@pytest.mark.parametrize("words", SCREENS, ids=lambda words: "-".join(words))
def test_no_word_breaks_at_any_width(hostile: Repo, words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "prodabuild", *words]
    piped = subprocess.run(
        command,
        cwd=hostile.path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    whole = set((piped.stdout + piped.stderr).split())
    for columns in COLUMNS:
        lines = on_pty(command, columns, hostile.path).replace("\r", "").splitlines()
        assert [
            word for line in lines for word in line.split() if word not in whole and not word.endswith("...")
        ] == [], columns
        assert [
            line for line in lines if len(line) > columns and len(line.split()) > 1 and " " in line.strip()[:columns]
        ] == [], columns


def test_reports_of_tests_hold_words_alone() -> None:
    figures = {
        "n": 1,
        "acc": 0.0,
        "stderr": 0.0,
        "base_acc": 0.0,
        "calibrated": 0.0,
        "interval": (0.0, 1.0),
        "base": None,
    }
    row = ItemResult(EVIL, "0" * 64, "dev", EVIL, False, 1, (-1.0, -0.5))
    item = TestedItem(EVIL, row, {"choices": [EVIL, EVIL], "gold": 0, "question": EVIL})
    verdict = Verdict((GateResult(EVIL, 0.0, 1.0, False, EVIL),))
    report = TestReport(verdict, {EVIL: {"dev": figures}}, {EVIL: {EVIL: figures}}, against=EVIL, items=(item,))
    data = junit(report)
    tree = ElementTree.fromstring(data)
    names = {"testsuites", "testsuite", "properties", "property", "testcase", "failure"}
    assert {element.tag for element in tree.iter()} == names
    assert unseen(data.decode()) == []
    assert "[red]R[/red]" in str(tree.find(".//testcase").get("name"))  # type: ignore[union-attr]
    rendered(markdown(report))
    assert unseen(shown(table(report, 1), None)) == []
