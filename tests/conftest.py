"""One fixture tells every story: `repo`, a small data repo that commands run in; `versioned` has git and DVC."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import settings

from prodabuild import digest
from prodabuild.cli.main import run
from prodabuild.engine.clone import claim
from prodabuild.events import silent
from prodabuild.project import Options, Project

os.environ["HF_HUB_OFFLINE"] = "1"
# The same examples on every machine, however busy it is; other ones with --hypothesis-profile=default.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
gc.set_threshold(200_000, 50, 100)  # as the command line has it
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # a shell's job in the background: tests interrupt what they start
    signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).parent.parent
MANIFEST = """version: 1
name: small
disciplines:
  zoo: {knowledge: [knowledge/zoo]}
  tools: {knowledge: [knowledge/tools]}
compile: {seed: 7, recipes: [define, relate, choose, judge], shard_size: 16}
model:
  base: scratch:micro
tests:
  chains: {from: chains, sealed: 0.5}
"""
# discipline -> branch -> middle -> leaves
TREES = {
    "zoo": {
        "bird": {"parrot": ["cockatoo", "macaw", "lory"], "owl": ["barn owl", "snowy owl", "eagle owl"]},
        "fish": {"shark": ["tiger shark", "reef shark", "nurse shark"], "salmon": ["chinook", "sockeye", "coho"]},
        "insect": {"beetle": ["ladybird", "weevil", "scarab"], "ant": ["army ant", "fire ant", "carpenter ant"]},
        "reptile": {"lizard": ["gecko", "iguana", "skink"], "snake": ["cobra", "python", "adder"]},
    },
    "tools": {
        "hammer": {"mallet": ["croquet mallet", "tenderizer", "beetle mallet"], "sledge": ["post maul", "splitting maul", "club hammer"]},
        "saw": {"handsaw": ["ripsaw", "backsaw", "keyhole saw"], "power saw": ["chain saw", "jigsaw", "band saw"]},
        "drill": {"hand drill": ["brace", "gimlet", "bow drill"], "power drill": ["drill press", "hammer drill", "core drill"]},
        "plane": {"bench plane": ["jack plane", "smoother", "jointer"], "moulding plane": ["hollow", "round", "ogee"]},
    },
}  # fmt: skip


def slug(name: str) -> str:
    return name.replace(" ", "_")


def knowledge(discipline: str) -> tuple[str, str]:
    """Return the concepts (with their relations) and the chains of a discipline as YAML."""
    concepts, chains = ["concepts:"], ["chains:"]

    def concept(name: str, parent: str | None, text: str) -> None:
        concepts.append(f"- id: {discipline}/{slug(name)}\n  name: {name}\n  definition: {text}")
        if parent:
            concepts.append(f"  relations:\n  - {{predicate: is_a, object: {discipline}/{slug(parent)}}}")

    for branch, middles in TREES[discipline].items():
        concept(branch, None, f"one of the great families of the {discipline}, known by its {branch} shape")
        for middle, leaves in middles.items():
            concept(middle, branch, f"a {branch} of the sort that people call {middle}")
            for leaf in leaves:
                concept(leaf, middle, f"a {middle} with the habits of a {leaf} and of nothing else")
                ids = [
                    f"{discipline}/{slug(leaf)}.is_a.{slug(middle)}",
                    f"{discipline}/{slug(middle)}.is_a.{slug(branch)}",
                ]
                chains.append(f"- id: {discipline}/{slug(leaf)}..{slug(branch)}\n  title: from {leaf} to {branch}")
                chains.append("  steps:\n" + "\n".join(f"  - {identity}" for identity in ids))
    return "\n".join(concepts) + "\n", "\n".join(chains) + "\n"


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.out)
        return document


@dataclass
class Shelf:
    """What this session has built, by the content that it was built from: the repo as it was then, and the report."""

    path: Path
    reports: dict[str, bytes] = field(default_factory=dict)


SHELVES: list[Shelf] = []


@pytest.fixture(scope="session", autouse=True)
def _shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    SHELVES.append(Shelf(tmp_path_factory.mktemp("built")))
    yield
    SHELVES.pop()


@dataclass
class Repo:
    path: Path
    capsys: pytest.CaptureFixture[str]
    history: list[Outcome] = field(default_factory=list)

    def write(self, name: str, text: str | bytes) -> Path:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        return target

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text("utf-8")
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1))

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def files(self, below: str = "build") -> dict[str, bytes]:
        top = self.path / below
        return {
            file.relative_to(top).as_posix(): file.read_bytes() for file in sorted(top.rglob("*")) if file.is_file()
        }

    def run(self, *arguments: str) -> Outcome:
        """Run a command in this process, in the repo."""
        self.capsys.readouterr()
        before = Path.cwd()
        os.chdir(self.path)
        try:
            code = run(list(arguments))
        finally:
            os.chdir(before)
        out, err = self.capsys.readouterr()
        self.history.append(Outcome(code, out, err))
        return self.history[-1]

    def data(self, *arguments: str) -> dict[str, Any]:
        """Compile the training data and return the report."""
        outcome = self.run("compile", "--to", "data", "--json", *arguments)
        assert outcome.code == 0, outcome.err
        return outcome.json

    def built(self) -> dict[str, Any]:
        """Compile the training data of a repo that was never built: once for the same files, then by a copy.

        For tests of what comes after a build; where the build itself is looked at, or disturbed, use `data`.
        """
        assert not (self.path / ".prodabuild").exists(), "it was built before"
        (shelf,), key = SHELVES, self._content()
        if key in shelf.reports:
            claim(self.path, silent)  # a state is of one clone: the copy becomes this one's
            own = shutil.ignore_patterns("clone.json")
            shutil.copytree(shelf.path / key, self.path, symlinks=True, dirs_exist_ok=True, ignore=own)
        else:
            shelf.reports[key] = orjson.dumps(self.data())
            shutil.copytree(self.path, shelf.path / key, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        report: dict[str, Any] = orjson.loads(shelf.reports[key])
        return report

    def _content(self) -> str:
        """Return a digest of all files but those of git, and of whether there are some of git."""
        files = {name: data for name, data in self.files(".").items() if not name.startswith(".git/")}
        return digest.sha256(repr(((self.path / ".git").exists(), sorted(files.items()))).encode())

    def spawn(self, *arguments: str, env: dict[str, str] | None = None, timeout: float = 120) -> Outcome:
        """Run a command in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "prodabuild", *arguments],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)


def fill(path: Path) -> None:
    """Write the small data repo into a folder."""
    (path / "proda.yaml").write_text(MANIFEST)
    for discipline in TREES:
        folder = path / "knowledge" / discipline
        folder.mkdir(parents=True)
        concepts, chains = knowledge(discipline)
        (folder / "kinds.yaml").write_text(concepts)
        (folder / "chains.yaml").write_text(chains)


@pytest.fixture
def repo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Repo:
    path = tmp_path / "repo"
    path.mkdir()
    fill(path)
    return Repo(path, capsys)


CONFIG = "[core]\n    analytics = false\n    check_update = false\n"


@dataclass
class Versioned:
    """A repo with `git` and `dvc` to be called in it."""

    repo: Repo
    environment: dict[str, str]

    @property
    def path(self) -> Path:
        return self.repo.path

    @property
    def lock(self) -> str:
        return self.repo.read("dvc.lock").decode()

    def call(self, *words: str, ok: bool = True) -> Outcome:
        done = subprocess.run(
            words, cwd=self.path, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return Outcome(done.returncode, done.stdout, done.stderr)

    def git(self, *words: str) -> str:
        return self.call("git", *words).out

    def dvc(self, *words: str, ok: bool = True) -> str:
        """Run DVC; returns what it says. Where it is not installed the test is skipped."""
        if find_spec("dvc") is None:
            pytest.skip("DVC is not installed")
        outcome = self.call(sys.executable, "-m", "dvc", *words, ok=ok)
        return outcome.out + outcome.err

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a version")

    def clone(self, path: Path) -> Versioned:
        self.git("clone", "--quiet", str(self.path), str(path))
        return Versioned(Repo(path, self.repo.capsys), self.environment)


@pytest.fixture
def versioned(repo: Repo, tmp_path: Path) -> Versioned:
    """The small repo with this repository's `dvc.yaml`; everything that DVC keeps elsewhere is in `tmp_path`."""
    program = tmp_path / "bin" / "prodabuild"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m prodabuild "$@"\n')
    program.chmod(0o755)
    who = {f"GIT_{role}_{what}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    places = {f"DVC_{kind}_DIR": str(tmp_path / kind) for kind in ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG")}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))},
        **who,
        **places,
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    repo.write(".gitignore", "/build/\n/.prodabuild/\n")
    repo.write(".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
    repo.write(".dvc/config", CONFIG)
    repo.write("dvc.yaml", (ROOT / "dvc.yaml").read_bytes())
    repo.write("patches/README.md", "# Patches\n")
    found = Versioned(repo, environment)
    found.git("init", "--quiet", "--initial-branch", "main")
    return found


@pytest.fixture(scope="session")
def sixteen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository's own knowledge, its training data and test items built."""
    path = tmp_path_factory.mktemp("sixteen")
    shutil.copytree(ROOT / "knowledge", path / "knowledge")
    shutil.copy(ROOT / "proda.yaml", path)
    Project.open(path).compile(Options(to="data", jobs=2))
    return path


ALL_RECIPES = ["define", "relate", "choose", "judge", "explain", "reverse", "contrast", "pick", "deny", "steps"]


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository's own knowledge, built by all recipes that ship, repeats left out."""
    path = tmp_path_factory.mktemp("taught")
    shutil.copytree(ROOT / "knowledge", path / "knowledge")
    text = (ROOT / "proda.yaml").read_text("utf-8")
    old = "recipes: [define, relate, choose, judge]"
    assert old in text
    (path / "proda.yaml").write_text(text.replace(old, f"recipes: [{', '.join(ALL_RECIPES)}]"))
    Project.open(path).compile(Options(to="data", jobs=2))
    return path


def rows_below(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all JSONL files below a folder."""
    return [orjson.loads(line) for file in sorted(folder.rglob("*.jsonl")) for line in file.read_bytes().splitlines()]


def settle() -> None:
    """Wait until a file written now can be told from one hashed before by its time."""
    time.sleep(0.06)
