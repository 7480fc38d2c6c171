"""`prodabuild lock`: proda.lock and dvc.lock in merges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prodabuild.cli.options import common, program
from prodabuild.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.versioning.merge import Merged

SHOWN = 4  # entries that are named; the others are counted


@click.command("lock")
@click.option("--merge", "merging", is_flag=True, help="Merge the locks that git left in conflict, entry by entry.")
@click.option("--install", "installing", is_flag=True, help="Have git merge locks so by itself, in this clone.")
@click.argument("files", metavar="[BASE OURS THEIRS NAME]", nargs=-1)
@common
def command(folder: Path, console: Console, merging: bool, installing: bool, files: tuple[str, ...]) -> int:
    """Merge proda.lock, dvc.lock and metrics.json.

    What one side changed is taken. What both changed is left out: the next compile writes it. Where both sides accepted
    a version, ours stays and the exit code is 1. With --install git calls `lock --merge %O %A %B %P` for it.

    \b
    Examples:
      prodabuild lock --install
      prodabuild lock --merge
    """
    if merging == installing or (files and not merging) or len(files) not in (0, 4):
        raise UsageError("ask for --install, or for --merge with no file or with four", "see `prodabuild lock --help`")
    if installing:
        return _install(folder.resolve(), console)
    from prodabuild.versioning.driver import merge_files, resolve

    if files:
        base, ours, theirs = (folder / file for file in files[:3])
        found = {files[3]: merge_files(base, ours, theirs, files[3])}
    else:
        found = resolve(folder.resolve())
    return _tell(console, found, by_hand=not files)


def _install(root: Path, console: Console) -> int:
    from prodabuild.versioning.driver import ATTRIBUTES, FILES, install

    changed = install(root, program())
    if console.as_json:
        console.json({"schema": 1, "changed": changed})
        return ExitCode.DONE
    console.out(f"git merges {', '.join(FILES)} entry by entry" + ("" if changed else " already"))
    if ATTRIBUTES in changed:
        console.out(f"{ATTRIBUTES} was written: commit it; each clone runs `prodabuild lock --install` once")
    return ExitCode.DONE


def _tell(console: Console, found: Mapping[str, Merged], by_hand: bool) -> int:
    if console.as_json:
        rows = {
            file: {"stale": list(merged.stale), "conflicts": list(merged.conflicts)} for file, merged in found.items()
        }
        console.json({"schema": 1, "files": rows})
    for file, merged in found.items():
        for line in _lines(file, merged):
            console.error([line])
    if by_hand and not console.as_json:
        console.out(_next(found))
    return ExitCode.PROJECT_WRONG if any(merged.conflicts for merged in found.values()) else ExitCode.DONE


def _lines(file: str, merged: Merged) -> Iterator[str]:
    if merged.stale:
        yield f"{file}: left out, for the next `prodabuild compile` to write: {_named(merged.stale)}"
    for name in merged.conflicts:
        suite = name.partition(":")[2]
        yield f"{file}: error: both sides accepted another version of the suite {suite}; ours stays"
        yield f"hint: `git add {file}` keeps it, `prodabuild test --accept` records what the merge has made"


def _named(names: tuple[str, ...]) -> str:
    """Return the first few entries, those that all else is made into before single shards."""
    order = sorted(names, key=lambda name: (":" in name and not name.startswith(("score:", "results:")), name))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(order[:SHOWN]) + more


def _next(found: Mapping[str, Merged]) -> str:
    if not found:
        return "no lock is in conflict"
    files = " ".join(sorted(found))
    return f"merged {files}: run `prodabuild compile`, then `git add {files}`"
