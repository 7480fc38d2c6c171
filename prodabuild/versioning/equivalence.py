"""Whether a rebuild that is not identical is equivalent: same data and settings, other kernels, scores alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from prodabuild.evaluation.statistics import Interval, unpaired
from prodabuild.project.locking import is_trained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prodabuild.engine.lockfile import Entries

Verdict = Literal["identical", "equivalent", "different"]
SCORE = "score:"


class ScoreMove(NamedTuple):
    """The accuracies of a split in a lock and in its rebuild, with the 95 % interval of their difference."""

    name: str
    locked: float
    rebuilt: float
    interval: Interval

    @property
    def compatible(self) -> bool:
        """Tell whether the interval of the difference holds zero."""
        return self.interval.low <= 0 <= self.interval.high


def score_moves(locked: Entries, rebuilt: Entries) -> Iterator[ScoreMove]:
    """Return the scores that both have."""
    for name in sorted(locked.keys() & rebuilt.keys()):
        if name.startswith(SCORE):
            old, new = locked[name], rebuilt[name]
            _, interval, _ = unpaired(new["acc"], old["acc"], new["n"], old["n"])
            yield ScoreMove(name.removeprefix(SCORE), old["acc"], new["acc"], interval)


def verdict_of(unequal: Mapping[str, bool], surroundings: Iterable[Any], moves: Iterable[ScoreMove]) -> Verdict:
    """Return the verdict on a rebuild.

    `unequal` are the entries with other digests, and whether lock and rebuild both have them; `surroundings` are the
    libraries, device and kernels that are not those of then. Only those explain another model from the same data.
    """
    if not unequal:
        return "identical"
    explained = any(surroundings) and all(both and is_trained(name) for name, both in unequal.items())
    return "equivalent" if explained and all(move.compatible for move in moves) else "different"
