"""ninja, doit, Snakemake, DVC and redun, each as its guide says. The module `shared` is declared nowhere."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from matrix.steps import IMPORTS, FileTool

if TYPE_CHECKING:
    from matrix.tool import Tool


class Ninja(FileTool):
    """A build statement a file; the step's source is an implicit input; `restat` stops at an unchanged output."""

    name = "ninja"

    def describe(self) -> None:
        rules = "".join(f"rule {step}\n  command = python3 steps/{step}.py $from $out\n  restat = 1\n" for step in "ab")
        edges = "".join(
            f"build mid/{name}.txt: a in/{name}.txt | steps/a.py\n  from = in/{name}.txt\n"
            f"build out/{name}.txt: b mid/{name}.txt | steps/b.py\n  from = mid/{name}.txt\n"
            for name in self.names
        )
        (self.folder / "build.ninja").write_text(rules + edges, "utf-8")

    def command(self, keep_going: bool) -> list[str]:
        return ["ninja", *(["-k", "0"] if keep_going else [])]


class Doit(FileTool):
    """A task a file with a Python action; the step's source is a `file_dep`."""

    name = "doit"
    call = ""

    def describe(self) -> None:
        (self.folder / "dodo.py").write_text(_DODO, "utf-8")

    def command(self, keep_going: bool) -> list[str]:
        return ["doit", "run", *(["--continue"] if keep_going else [])]


_DODO = """\
from pathlib import Path

from steps.a import a
from steps.b import b


def task(step, source, target, code):
    return {
        "name": source,
        "actions": [(step, [source, target])],
        "file_dep": [source, code],
        "targets": [target],
    }


def task_a():
    for path in sorted(Path("in").glob("*.txt")):
        yield task(a, str(path), f"mid/{path.name}", "steps/a.py")


def task_b():
    for path in sorted(Path("in").glob("*.txt")):
        yield task(b, f"mid/{path.name}", f"out/{path.name}", "steps/b.py")
"""


class Snakemake(FileTool):
    """A rule with a wildcard a step, `script:` as its body (so that the code is tracked), default triggers."""

    name = "snakemake"
    call = "\n\n{step}(snakemake.input[0], snakemake.output[0])\n"

    def describe(self) -> None:
        (self.folder / "Snakefile").write_text(_SNAKEFILE, "utf-8")

    def command(self, keep_going: bool) -> list[str]:
        options = ["--cores", "2", "--rerun-incomplete"]
        return ["snakemake", *options, *(["--keep-going"] if keep_going else [])]


_SNAKEFILE = """\
NAMES = glob_wildcards("in/{name}.txt").name

rule all:
    input:
        expand("out/{name}.txt", name=NAMES)

rule a:
    input:
        "in/{name}.txt"
    output:
        "mid/{name}.txt"
    script:
        "steps/a.py"

rule b:
    input:
        "mid/{name}.txt"
    output:
        "out/{name}.txt"
    script:
        "steps/b.py"
"""


class Dvc(FileTool):
    """A `foreach` stage a step; the step's source is a dependency."""

    name = "dvc"

    def prepare(self, own_steps: bool) -> None:
        super().prepare(own_steps)
        for command in ("git init --quiet", "dvc init --quiet", "dvc config core.check_update false"):
            subprocess.run(command.split(), cwd=self.folder, env=self.env, check=True, capture_output=True)

    def describe(self) -> None:
        stages = "stages:\n" + "".join(
            f"  {step}:\n    foreach: {self.names}\n    do:\n"
            f"      cmd: python3 steps/{step}.py {source}/${{item}}.txt {target}/${{item}}.txt\n"
            f"      deps:\n      - steps/{step}.py\n      - {source}/${{item}}.txt\n"
            f"      outs:\n      - {target}/${{item}}.txt\n"
            for step, source, target in (("a", "in", "mid"), ("b", "mid", "out"))
        )
        (self.folder / "dvc.yaml").write_text(stages, "utf-8")

    def command(self, keep_going: bool) -> list[str]:
        return ["dvc", "repro", *(["--keep-going"] if keep_going else [])]


class Redun(FileTool):
    """A task a step, which redun knows by its source; files by content. Independent tasks always go on."""

    name = "redun"

    def describe(self) -> None:
        self.step.write_text(IMPORTS + _WORKFLOW, "utf-8")

    def command(self, keep_going: bool) -> list[str]:
        return ["redun", "run", "steps/b.py", "main"]


_WORKFLOW = """\
from glob import glob

from redun import task
from redun.file import ContentFile

redun_namespace = "matrix"


@task()
def a(source: ContentFile, target: str) -> ContentFile:
    begin("a", source.path)
    text = source.read()
    time.sleep(float(os.environ.get("SLOW", "0")))
    if "FAIL" in text:
        store(target, "PARTIAL")
        raise RuntimeError("the step fails half way")
    store(target, tidy(text))
    return ContentFile(target)


@task()
def b(source: ContentFile, target: str) -> ContentFile:
    begin("b", source.path)
    store(target, tidy(source.read()).upper())
    return ContentFile(target)


@task(cache=False)
def main() -> list:
    made = []
    for path in sorted(glob("in/*.txt")):
        name = os.path.basename(path)
        made.append(b(a(ContentFile(path), f"mid/{name}"), f"out/{name}"))
    return made
"""

OTHERS: dict[str, type[Tool]] = {tool.name: tool for tool in (Ninja, Doit, Snakemake, Dvc, Redun)}
