"""`prodabuild patch`: reviewed changes to what the model is taught."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from prodabuild.cli.options import common, open_project, owning, shared
from prodabuild.cli.patch_trials import accept, try_
from prodabuild.errors import ExitCode, UsageError
from prodabuild.knowledge.patches import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.knowledge.patches import Patch
    from prodabuild.project import Options
    from prodabuild.project.patching import Listed
    from prodabuild.project.previewing import Difference, Effect

SHOWN = 10  # records, and samples, that are shown unless -v asks for all
MARKS = {"added": "+", "changed": "~", "removed": "-"}


@click.group("patch")
@shared
def command() -> None:
    """Begin, look at, try, accept, apply or drop a reviewed change.

    Each is a file in patches/, laid over knowledge/ in the order of numbers.

    \b
    Examples:
      prodabuild patch new "Geckos climb" --record zoo/gecko
      prodabuild patch show 1
    """


command.add_command(try_)
command.add_command(accept)


@command.command("new")
@click.argument("title")
@click.option("--record", help="Begin with an operation on this record.")
@click.option("--cause", type=click.Choice(CAUSES), default="correction", help="Why the patch is needed.")
@common
def new(folder: Path, console: Console, title: str, record: str | None, cause: str) -> int:
    """Write the beginning of a patch under the next number.

    \b
    Examples:
      prodabuild patch new "Geckos climb"
      prodabuild patch new "Geckos climb" --record zoo/gecko --cause concept_gap
    """
    from prodabuild.project.patching import new_patch

    project = open_project(folder)
    file = new_patch(project.root, project.manifest, _options(console), title, cause, record)
    if console.as_json:
        console.json({"schema": 1, "file": file})
    else:
        console.out(f"{file}: fill it in, then `prodabuild patch show {file[8:12]}`")
    return ExitCode.DONE


@command.command("list")
@common
def list_(folder: Path, console: Console) -> int:
    """List every patch: its number, whether it fits and is built, what it does.

    \b
    Examples:
      prodabuild patch list
      prodabuild patch list --json
    """
    from prodabuild.project.patching import list_patches

    project = open_project(folder)
    found = list_patches(project.root, project.manifest, _options(console))
    if console.as_json:
        console.json({"schema": 1, "patches": [_listed(patch) for patch in found]})
        return ExitCode.DONE
    console.out(_table(found))
    for problem in (problem for patch in found for problem in patch.problems):
        console.note(problem.render())
    return ExitCode.DONE


@command.command("show")
@click.argument("patch")
@click.option("--run-own-code", is_flag=True, help="Run recipes of this repository, to show their samples, too.")
@owning
@common
def show(folder: Path, console: Console, patch: str, run_own_code: bool, own_code: bool) -> int:
    """Show what a patch changes, records and samples, before anything is built; test items are never shown.

    Code of this repository runs only with --run-own-code; without it the recipes whose samples are left out are named.

    \b
    Examples:
      prodabuild patch show 1
      prodabuild patch show 0001-geckos-climb -v
    """
    from prodabuild.project.patching import find_patch, load_patch
    from prodabuild.project.previewing import preview
    from prodabuild.project.redo import finish

    if run_own_code and not own_code:
        raise UsageError("--run-own-code and --no-own-code contradict each other", "leave one out")
    project = open_project(folder)
    finish(project.root, console.emit)
    file = find_patch(project.root, patch)
    found = load_patch(project.root, file)
    options = replace(_options(console), own_code=own_code)
    effect = preview(project.root, project.manifest, options, file, run_own_code)
    if console.as_json:
        console.json(_shown(found, effect))
    else:
        console.out(_show(found, effect, console.verbosity > 0))
    return ExitCode.DONE


@command.command("apply")
@click.argument("patch")
@common
def apply(folder: Path, console: Console, patch: str) -> int:
    """Fold a patch into the files of knowledge, comments and layout kept, and remove it. The data stay the same.

    \b
    Examples:
      prodabuild patch apply 1
      prodabuild patch apply 0001-geckos-climb
    """
    from prodabuild.project.patching import apply_patch

    project = open_project(folder)
    applied = apply_patch(project.root, project.manifest, _options(console), patch)
    if console.as_json:
        console.json({"schema": 1, "patch": applied.name, "files": applied.files})
        return ExitCode.DONE
    console.out([f"{file}: {_counted(ops)}" for file, ops in applied.files.items()])
    console.out(f"patches/{applied.name}.yaml: removed")
    return ExitCode.DONE


@command.command("drop")
@click.argument("patch")
@common
def drop(folder: Path, console: Console, patch: str) -> int:
    """Remove a patch; what it changed is again what knowledge says.

    \b
    Examples:
      prodabuild patch drop 1
      prodabuild patch drop 0001-geckos-climb
    """
    from prodabuild.project.patching import drop_patch

    project = open_project(folder)
    file = drop_patch(project.root, _options(console), patch)
    if console.as_json:
        console.json({"schema": 1, "file": file})
    else:
        console.out(f"{file}: removed")
    return ExitCode.DONE


def _options(console: Console) -> Options:
    from prodabuild.project import Options

    return Options(to="data", device="cpu", emit=console.emit)


def _listed(patch: Listed) -> dict[str, Any]:
    return {
        "number": int(patch.name[:4]),
        "name": patch.name,
        "file": f"patches/{patch.name}.yaml",
        "title": patch.title,
        "cause": patch.cause,
        "ops": patch.ops,
        "state": patch.state,
        "problems": [problem.to_json() for problem in patch.problems],
    }


def _table(found: Sequence[Listed]) -> Iterator[str]:
    if not found:
        yield "no patches"
        return
    rows = [(patch.name[:4], patch.state, _counted(patch.ops), patch.title or patch.name[5:]) for patch in found]
    wide = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  ".join([*(text.ljust(width) for text, width in zip(row, wide, strict=False)), row[3]]).rstrip()


def _counted(ops: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in ops.items())


def _shown(patch: Patch, effect: Effect) -> dict[str, Any]:
    return {
        "schema": 1,
        "patch": {"name": patch.name, "title": patch.title, "reason": patch.reason, "cause": patch.cause},
        "records": [difference._asdict() for difference in effect.records],
        "samples": [difference._asdict() for difference in effect.samples],
        "shards": {"total": effect.total, "touched": list(effect.shards)},
        "items": list(effect.items),
        "not_previewed": list(effect.unseen),
    }


def _show(patch: Patch, effect: Effect, everything: bool) -> Iterator[str]:
    yield f"{patch.name}  {patch.cause}"
    yield f"{patch.title}: {' '.join(patch.reason.split())}"
    yield ""
    yield f"records: {_sum(effect.records)}"
    yield from _differences(effect.records, everything)
    yield ""
    yield f"samples: {_sum(effect.samples)}; {len(effect.shards)} of {effect.total} shards"
    yield from _differences(effect.samples, everything)
    if effect.unseen:
        yield ""
        yield f"not shown: samples of {', '.join(effect.unseen)}, for which code of this repository would have to run"
        yield "hint: read it first; --run-own-code runs it"
    if effect.items:
        yield ""
        yield f"test items: made again in {', '.join(effect.items)}; they are not shown"


def _sum(differences: Sequence[Difference]) -> str:
    counts = Counter(difference.how for difference in differences)
    return ", ".join(f"{counts[how]} {how}" for how in MARKS if counts[how]) or "none change"


def _differences(differences: Sequence[Difference], everything: bool) -> Iterator[str]:
    shown = differences if everything else differences[:SHOWN]
    for found in shown:
        kind = f"{found.what} " if found.where else ""
        yield f"{MARKS[found.how]} {kind}{found.id}" + (f"  {found.where}" if found.where else "")
        for field in dict.fromkeys((*found.old, *found.new)):
            if field in ("id", "nodes") and found.how != "changed":
                continue
            values = (("-", found.old.get(field)), ("+", found.new.get(field)))
            yield from (f"    {mark} {field}: {_value(value)}" for mark, value in values if value is not None)
    if left := len(differences) - len(shown):
        yield f"... and {left} more (-v shows all)"


def _value(value: Any) -> str:
    from prodabuild.knowledge.files import flow

    return value if isinstance(value, str) else flow(value)
