"""`compile --watch`: build, wait for an edit, build again; one line a rebuild, until Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from prodabuild.cli.failures import tell
from prodabuild.errors import OutsideError, ProdaError, listed, outside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prodabuild.cli.console import Console
    from prodabuild.project import CompileReport
    from prodabuild.project.watching import Change

SHOWN = 3  # files that are named; the others are counted


def rebuild_on_save(folder: Path, console: Console, build: Callable[[], CompileReport]) -> NoReturn:
    """Build now and after each edit. What is wrong with the project is printed, and waited for to be mended.

    Ends with `OutsideError` when prodabuild itself has changed: its old code would build in the name of the new.
    """
    from prodabuild.manifest.load import FILE as MANIFEST
    from prodabuild.project.watching import Watch, running

    started = running()
    watch = Watch(folder.resolve())
    console.stages = console.verbosity > 0
    what = ""
    while True:
        if running() != started:
            raise OutsideError("prodabuild, or a library of it, has changed", "start the watch again")
        _build(console, build, what, is_repo=MANIFEST in watch.seen)
        if not what:
            console.note(f"watching {len(watch.seen)} file{'s' if len(watch.seen) != 1 else ''}; Ctrl-C ends it")
        what = _in_words(watch.wait())


def _build(console: Console, build: Callable[[], CompileReport], what: str, is_repo: bool) -> None:
    try:
        report = build()
    except (ProdaError, OSError) as error:
        if not what and not is_repo:
            raise
        console.close()
        console.out(f"{what}: not built" if what else "not built")
        tell(console, outside(error) if isinstance(error, OSError) else error)
    else:
        console.close()
        console.out(f"{what}: {_done(report)}" if what else _done(report))


def _in_words(changes: Sequence[Change]) -> str:
    """Return which files moved: `knowledge/acids.yaml changed, knowledge/bases.yaml is new`."""
    shown = [f"{file} {'changed' if how == 'changed' else f'is {how}'}" for file, how in changes[:SHOWN]]
    rest = len(changes) - len(shown)
    more = f" and {rest} more file{'s' if rest > 1 else ''}" if rest else ""
    return ", ".join(shown) + more


def _done(report: CompileReport) -> str:
    ways = (("built", report.built), ("restored", report.restored))
    done = [f"{how} {', '.join(listed(units))}" for how, units in ways if units]
    return f"{'; '.join(done) or 'nothing to build'} ({report.seconds:.1f} s)"
