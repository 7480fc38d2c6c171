"""The arms of an experiment as tables: every effect beside how far seeds differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.cli.tables import Titled, spaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.insight.regimes import Comparison, Effect
    from prodabuild.project.experimenting import Experimented

APART = "*"
DATA = ("samples", "distinct", "records", "tokens")


def text(found: Experimented, verbosity: int) -> list[str]:
    """Return what the terminal shows."""
    tables = (table.lines() for table in _tables(found.comparison, verbosity))
    return spaced([*tables, list(_notes(found.comparison))])


def markdown(found: Experimented, verbosity: int) -> list[str]:
    """Return what a pull request shows."""
    tables = (table.markdown() for table in _tables(found.comparison, verbosity))
    return spaced([["## Arms side by side"], *tables, [" ".join(_notes(found.comparison)), ""]])


def drawing(found: Experimented) -> bytes:
    """Return the plot of what each run gained."""
    from prodabuild.insight.regime_picture import draw_regimes

    return draw_regimes(found.comparison).encode()


def _tables(found: Comparison, verbosity: int) -> Iterator[Titled]:
    yield Titled(
        "what an arm trains on in an epoch, mean over seeds",
        ("arm", *DATA),
        [(arm, *(f"{found.data[arm][key]:.0f}" for key in DATA)) for arm in found.arms],
    )
    yield Titled(
        f"figures, mean ± standard deviation of {len(found.seeds)} seeds",
        ("figure", "base", *found.arms),
        [
            (
                name,
                f"{found.base[name]:.3f}" if name in found.base else "-",
                *(f"{cell.mean:.3f}±{cell.deviation:.3f}" for cell in cells.values()),
            )
            for name, cells in found.figures.items()
        ],
    )
    yield Titled(
        f"effects: difference from {found.arms[0]}, and that in pooled deviations of a seed",
        ("figure", *found.arms[1:]),
        [(name, *map(_cell, effects.values())) for name, effects in found.effects.items()],
    )
    if verbosity > 0:
        rows = [(f"{spot.arm}@{spot.seed}", f"{spot.target:+.3f}", f"{spot.other:+.3f}") for spot in found.spots]
        yield Titled("runs: change against the base", ("run", "target", "off_format"), rows)


def _cell(effect: Effect) -> str:
    size = "-" if effect.deviations is None else f"{effect.deviations:+.1f}"
    return f"{effect.difference:+.3f} ({size}){APART if effect.apart else ' '}"


def _notes(found: Comparison) -> Iterator[str]:
    cells = sum(len(effects) for effects in found.effects.values())
    apart = sum(effect.apart for effects in found.effects.values() for effect in effects.values())
    items = ", ".join(f"{name} {number}" for name, number in found.items.items())
    if items:
        yield f"Items: {items}; framed and listed: dev items in formats that no recipe has; off_format: their mean."
    yield "Text is in bits a token of the text that ships with the package; ranks are shares of what their null gives."
    yield (
        f"{APART} the 95 % interval of the difference leaves out 0 (Student, over seeds): {apart} of {cells}. "
        f"Chance alone gives about {cells / 20:.0f}."
    )
