"""What `check` finds in a data repo: errors, warnings, coverage."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from prodabuild.problems import Problem, place_of
from prodabuild.project.instruments import undeclared
from prodabuild.project.outcome import CheckReport

# What cannot be read may be what others seem to lack: these are told once everything can be read.
LACKS = frozenset(("K005", "K006", "K008", "K009", "K019"))

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from prodabuild.engine.facts import Delta, Fact
    from prodabuild.engine.state import State
    from prodabuild.manifest.model import Manifest
    from prodabuild.project.coverage import Coverage
    from prodabuild.project.inputs import Reading


def examine(
    root: Path, manifest: Manifest, recorded: State, reading: Reading, strict: bool, coverage: bool
) -> CheckReport:
    """Check what the recorded facts and a new reading of the sources state."""
    from prodabuild.knowledge.check import errors, warnings  # a build of nothing need not read the checks
    from prodabuild.knowledge.graph import gather
    from prodabuild.project.coverage import cover, read_reach

    delta, unread = reading.delta, reading.problems
    graph = gather(lambda: facts_now(recorded, delta))
    found: Iterable[Problem] = [
        *undeclared(root, manifest),
        *unfilled(graph.disciplines.values(), manifest),
        *errors(root, graph),
        *warnings(root, graph, strict),
    ]
    if unread:
        found = [*unread, *(problem for problem in found if problem.code not in LACKS)]
    covered: Coverage | None = None
    if coverage:
        edited = any(fact.group for pair in delta.pairs() for fact in pair if fact)
        covered = cover(
            graph, read_reach(root, recorded), edited or bool(recorded.dirty("shards") or recorded.dirty("items"))
        )
    return CheckReport(tuple(sorted(found, key=place_of)), graph.counts(), covered)


def facts_now(recorded: State, delta: Delta) -> Iterator[Fact]:
    """Return the recorded facts as a delta changes them."""
    moved = {*delta.upserts, *delta.removed}
    return chain((fact for fact in recorded.all_facts() if fact.key not in moved), delta.upserts.values())


def unfilled(filled: Iterable[str], manifest: Manifest) -> list[Problem]:
    """Return the disciplines that no record belongs to; `filled` are the others."""
    known = set(filled)
    hint = "add a file with `concepts:` to one of its folders"
    return [
        Problem("K009", f"the discipline {name!r} has no record", settings.knowledge[0], hint=hint)
        for name, settings in manifest.disciplines.items()
        if name not in known
    ]
