"""The footprint of what was trained: figures of each module's change, and of module types and layers together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from prodabuild.digest import seeded
from prodabuild.insight.bases import Basis, Effect
from prodabuild.insight.changes import Dense, LowRank
from prodabuild.insight.nulls import null_of
from prodabuild.insight.spectra import Figures, effective_rank, figures_of
from prodabuild.insight.tails import Tail, fit_tail
from prodabuild.insight.updates import open_trained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from prodabuild.insight.changes import Array, Change
    from prodabuild.insight.nulls import Null
    from prodabuild.insight.updates import Module, Update

T = TypeVar("T")
NOISY = 0.01  # from this share of rounding on, entropy ranks are off by a fifth and more


class Beside(NamedTuple):
    """A change beside its base, the same of its null, and the tails of the spectrum before and after it."""

    effect: Effect
    null: Effect
    tail_before: Tail | None
    tail_after: Tail | None


@dataclass(frozen=True)
class Row:
    """The footprint in one module. `figures` are None where nothing changed.

    `noise` is the share of the change's energy that rounding is expected to leave, `floor` a singular value that
    rounding alone hardly reaches, and `above` the number of those that are larger.
    """

    name: str
    layer: int | None
    kind: str
    apart: bool
    rows: int
    columns: int
    rank: int | None
    energy: float
    noise: float
    floor: float
    above: int
    unchanged: float | None
    figures: Figures | None
    null: Null
    tail: Tail | None
    null_tail: Tail | None
    spectrum: Array
    beside: Beside | None


class Spread(NamedTuple):
    """How evenly the energy lies: `effective` is exp of the entropy of the shares of `number` parts."""

    effective: float
    number: int
    even: float


@dataclass(frozen=True)
class Footprint:
    """The rows of one run, and what of it is not looked at, by reason."""

    name: str
    kind: str
    base: str | None
    rows: tuple[Row, ...]
    left_out: Mapping[str, Sequence[str]]

    @property
    def energy(self) -> float:
        """Return the energy of the whole update."""
        return sum(row.energy for row in self.rows)

    def by_kind(self) -> dict[str, list[Row]]:
        """Return the rows of each type of module."""
        return _grouped(self.rows, lambda row: row.kind)

    def by_layer(self) -> dict[int, list[Row]]:
        """Return the rows of each layer, in order."""
        found = _grouped((row for row in self.rows if not row.apart), lambda row: row.layer or 0)
        return dict(sorted(found.items()))

    def spread(self) -> Spread | None:
        """Return how evenly the energy lies over layers; None where there are none, or nothing changed."""
        layers = list(self.by_layer().values())
        energies = np.array([sum(row.energy for row in rows) for rows in layers])
        if not energies.sum():
            return None
        sizes = np.array([sum(row.rows * row.columns for row in rows) for rows in layers])
        return Spread(effective_rank(energies, 1), len(layers), effective_rank(sizes, 1))


def make_footprint(name: str, folder: Path, base: Path | None, tell: Callable[[int, int], None]) -> Footprint:
    """Return the footprint of a folder; `tell` hears how many modules are done. Raises `ProdaError`."""
    trained = open_trained(folder, base)
    rows = []
    for number, module in enumerate(trained.modules, 1):
        rows.append(_row(module, module.read()))
        tell(number, len(trained.modules))
    return Footprint(name, trained.kind, str(base) if base else None, tuple(rows), trained.left_out)


def _row(module: Module, update: Update) -> Row:
    change = update.change
    values = change.values()
    figures = figures_of(values)
    energy = float((values**2).sum())
    null = null_of(*change.extent, change.rank)
    floor = _floor(change, update.noise)
    return Row(
        name=module.name,
        layer=module.layer,
        kind=module.kind,
        apart=module.apart,
        rows=change.extent[0],
        columns=change.extent[1],
        rank=change.rank,
        energy=energy,
        noise=min(1.0, update.noise / energy) if energy else 0.0,
        floor=floor,
        above=int((values > floor).sum()),
        unchanged=update.unchanged,
        figures=figures,
        null=null,
        tail=fit_tail(values**2),
        null_tail=fit_tail(null.spectrum**2),
        spectrum=values,
        beside=_beside(module.name, update, values) if update.before and figures else None,
    )


def _floor(change: Change, noise: float) -> float:
    """Return the edge of a dense matrix of errors; of errors in thin factors, their norm, which is never less."""
    if isinstance(change, LowRank):
        return float(noise**0.5)
    rows, columns = change.extent
    return float((noise / (rows * columns)) ** 0.5 * (rows**0.5 + columns**0.5))


def _beside(name: str, update: Update, values: Array) -> Beside | None:
    assert update.before is not None
    basis = Basis.of(update.before())
    if not basis.values[0]:
        return None
    effect, after = basis.effect(update.change, values)
    null = _of_size(update.change, values, seeded("beside", name))
    return Beside(effect, basis.effect(null, null.values())[0], basis.tail(), after)


def _of_size(change: Change, values: Array, seed: int) -> Change:
    """Return Gaussian factors (or a Gaussian matrix) of the shape and the norm of a change."""
    draw = np.random.default_rng(seed)
    rows, columns = change.extent
    size = np.sqrt((values**2).sum())
    if isinstance(change, Dense):
        entries = draw.standard_normal((rows, columns), np.float32)
        return Dense(entries * np.float32(size / np.linalg.norm(entries)))
    rank = change.left.shape[1]
    found = LowRank(draw.standard_normal((rows, rank)), draw.standard_normal((rank, columns)))
    return LowRank(found.left * (size / found.energy() ** 0.5), found.right)


def _grouped(rows: Iterable[Row], key: Callable[[Row], T]) -> dict[T, list[Row]]:
    found: dict[T, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found
