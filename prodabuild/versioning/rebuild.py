"""Build a past version again, beside the work tree, and compare every digest of its lock."""

from __future__ import annotations

import posixpath
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from prodabuild.digest import canonical, sha256
from prodabuild.engine import journal, lockfile
from prodabuild.engine.clone import claim
from prodabuild.engine.dvcfile import lock_outs
from prodabuild.engine.store import place, remove_file
from prodabuild.errors import OutsideError, ProjectError, UsageError
from prodabuild.events import Note, StageFinished, silent
from prodabuild.insight.experiments import MEASURED, parse_unit
from prodabuild.paths import read_whole
from prodabuild.project import Options, Project
from prodabuild.project.environment import Difference, differences, settle
from prodabuild.project.locking import ACCEPTED, LOCK
from prodabuild.project.outcome import SCHEMA
from prodabuild.project.pipeline import BUILD
from prodabuild.project.redo import PRIVATE, exclusive
from prodabuild.project.session import STATE, device_of, workspace
from prodabuild.versioning.copies import take_back
from prodabuild.versioning.equivalence import ScoreMove, Verdict, score_moves, verdict_of
from prodabuild.versioning.git import Ref, commit_of
from prodabuild.versioning.named import Version, objects_of, version_at
from prodabuild.versioning.worktree import checked_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prodabuild.engine.lockfile import Entries
    from prodabuild.engine.store import Store
    from prodabuild.events import Emit, Event
    from prodabuild.project.stages import Target


_NO_SOURCES = (PRIVATE, BUILD, ".git", ".dvc")  # what is built, and what git and DVC keep


class Artifact(NamedTuple):
    """One entry of a lock: its digest there and after the rebuild, None where there is none."""

    name: str
    locked: str | None
    rebuilt: str | None

    @property
    def equal(self) -> bool:
        """Tell whether the rebuild made the same."""
        return self.locked == self.rebuilt


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild came to; `environment` says what is not as it was, `built` and `restored` count units."""

    ref: str
    commit: str
    environment: tuple[Difference, ...]
    artifacts: tuple[Artifact, ...]
    scores: tuple[ScoreMove, ...]
    built: int
    restored: int
    seconds: float

    @property
    def identical(self) -> bool:
        """Tell whether every digest is that of the lock."""
        return all(artifact.equal for artifact in self.artifacts)

    @property
    def verdict(self) -> Verdict:
        """Return whether all is the same, or what differs is models of the same data by other kernels, or else."""
        unequal = {each.name: bool(each.locked and each.rebuilt) for each in self.artifacts if not each.equal}
        return verdict_of(unequal, self.environment, self.scores)

    def to_json(self) -> dict[str, Any]:
        """Return the `--json` document."""
        return {
            "schema": SCHEMA,
            "ref": self.ref,
            "commit": self.commit,
            "identical": self.identical,
            "verdict": self.verdict,
            "environment": [difference._asdict() for difference in self.environment],
            "artifacts": [artifact._asdict() | {"equal": artifact.equal} for artifact in self.artifacts],
            "scores": [move._asdict() | {"compatible": move.compatible} for move in self.scores],
            "built": self.built,
            "restored": self.restored,
            "seconds": round(self.seconds, 3),
        }


def rebuild(root: Path, ref: str, options: Options, from_scratch: bool = False) -> RebuildReport:
    """Check a version out, restore what cache or remote has of it, build the rest, compare with its lock.

    Data units that are restored are built again, all of them; what comes out otherwise counts, and follows into what is
    made of it. `from_scratch` restores nothing. The work tree, `build/` and the locks stay as they are.
    """
    started = time.monotonic()
    store, commit = workspace(root).store, commit_of(root, ref)
    version = version_at(root, Ref(ref, commit))
    entries = _locked(version)
    environment = differences(entries, device_of(options))
    for what, then, now in environment:
        options.emit(Note(f"{what} was {then}, here it is {now}: what it shapes may differ", warning=True))
    with checked_out(root, commit) as tree:
        _bring(root, _only(version, ".dvc") if from_scratch else version, store, options.emit)
        _lay_sources(tree, version, store)
        if not from_scratch:
            _lay_traces(root, tree, entries, options)
            options = _settled(tree, options, entries)
        remove_file(tree, LOCK)
        cache = tree / PRIVATE / "cache" if from_scratch else store.root
        done = _build(tree, replace(options, to=target_of(entries), cache=cache, proof=1.0), experiments_of(entries))
        rebuilt = lockfile.read(tree / LOCK)
    counts = (done["built"], done["restored"], time.monotonic() - started)
    artifacts, scores = compare(entries, rebuilt), tuple(score_moves(entries, rebuilt))
    return RebuildReport(ref, commit, environment, artifacts, scores, *counts)


def _settled(tree: Path, options: Options, entries: Entries) -> Options:
    """Return options that restore what was trained in another environment, where the cache has all of it."""
    aim = replace(options, to=target_of(entries), emit=silent)
    return replace(options, made_with=settle(tree, Project.open(tree).manifest, aim).made_with)


def compare(locked: Entries, rebuilt: Entries) -> tuple[Artifact, ...]:
    """Return every entry of either lock with its two digests."""
    before, after = _digests(locked), _digests(rebuilt)
    return tuple(Artifact(name, before.get(name), after.get(name)) for name in sorted(before.keys() | after.keys()))


def _digests(entries: Entries) -> dict[str, str]:
    """Return the digest of each entry; which version was accepted is a decision, and not built."""
    return {
        name: entry.get("sha256") or sha256(canonical(entry))
        for name, entry in entries.items()
        if not name.startswith(ACCEPTED)
    }


def _locked(version: Version) -> Entries:
    if LOCK not in version.files:
        raise UsageError(f"there is no {LOCK} at {version.name}", "name a version where it was committed")
    return lockfile.parse(version.files[LOCK], f"{LOCK} at {version.name}")


def target_of(entries: Entries) -> Target:
    """Return how far a version was built, by its lock."""
    kinds = {name.partition(":")[0] for name in entries}
    order: tuple[tuple[str, Target], ...] = (("results", "results"), ("model", "model"), ("base", "base"))
    return next((target for kind, target in order if kind in kinds), "data")


def experiments_of(entries: Entries) -> list[str]:
    """Return the experiments whose runs a lock holds."""
    return sorted({parse_unit(name).experiment for name in entries if name.startswith(f"{MEASURED}:")})


def _only(version: Version, ending: str) -> Version:
    """Return a version with those of its files alone that end so."""
    return version._replace(files={path: data for path, data in version.files.items() if path.endswith(ending)})


def _bring(root: Path, version: Version, store: Store, emit: Emit) -> None:
    """Fetch what the store lacks of a version from `build/`, or the default remote if there is one that has it."""
    take_back(root, version, store)
    lacking = [name for name in objects_of([version], store).all() if not store.sound(name)]
    if not lacking:
        return
    from prodabuild.versioning.pull import fetch_lacking
    from prodabuild.versioning.remote import open_remote

    try:
        with exclusive(root, "prodabuild rebuild", emit):
            came, _ = fetch_lacking(open_remote(root), store, [version], emit)
    except (OutsideError, UsageError) as error:
        emit(Note(f"{len(lacking)} objects are not in the cache, and come from no remote: {error.message}"))
    else:
        emit(Note(f"{sum(came.values())} objects came from the remote"))


def _lay_sources(tree: Path, version: Version, store: Store) -> None:
    """Lay out what `.dvc` files stand for: sources that git does not hold."""
    for file, data in version.files.items():
        if file.endswith(".dvc"):
            for path, name in _outs_of(data, file, store):
                if store.sound(name):
                    source = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
                    if source.partition("/")[0] in _NO_SOURCES:
                        raise ProjectError(
                            f"{file} names {source}: no source lies there", "correct or remove that file"
                        )
                    data = read_whole(store.object_path(name))
                    place(tree, source, data, tree / PRIVATE / "tmp")


def _outs_of(data: bytes, file: str, store: Store) -> Iterator[tuple[str, str]]:
    for outs in lock_outs(data, file).values():
        for path, name in ((out["path"], out["md5"]) for out in outs):
            if name.endswith(".dir"):
                yield from ((f"{path}/{inside}", found) for inside, found in store.files_of(name).items())
            else:
                yield path, name


def _lay_traces(root: Path, tree: Path, entries: Entries, options: Options) -> None:
    """Tell the version's build of those traces of here that end in what its lock names."""
    here = journal.read(journal.journal_of(root / STATE))
    lines = (journal.line_of(trace) for trace in here if lockfile.names(entries, trace.unit, trace.files))
    claim(tree, options.emit)
    place(tree, journal.journal_of(Path(STATE)).as_posix(), b"".join(lines), tree / PRIVATE / "tmp")


def _build(tree: Path, options: Options, experiments: Iterable[str]) -> Counter[str]:
    """Build a version up to what its lock names, and its experiments; counts units that were built and restored."""
    done: Counter[str] = Counter()

    def emit(event: Event) -> None:
        if isinstance(event, StageFinished):
            done.update(built=event.built, restored=event.restored)
        options.emit(event)

    project = Project.open(tree, inside_dvc=True)  # the record of DVC is not what is compared
    if options.to == "results":
        project.test(replace(options, emit=emit))
    else:
        project.compile(replace(options, emit=emit))
    for name in experiments:
        project.experiment(replace(options, emit=emit), name)
    return done
