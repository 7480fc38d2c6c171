"""The arms of an experiment as tables: every effect beside how far seeds differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prodabuild.cli.tables import columns, markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prodabuild.insight.regimes import Comparison, Effect
    from prodabuild.project.experimenting import Experimented

APART = "*"
DATA = ("samples", "distinct", "records", "tokens")


class Table(NamedTuple):
    """A table with its title; the first column names the rows."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


def text(found: Experimented) -> str:
    """Return what the terminal shows."""
    parts = [[table.title, *columns([table.head, *table.rows], left=1)] for table in _tables(found.comparison)]
    return "\n\n".join("\n".join(part) for part in [*parts, list(_notes(found.comparison))])


def markdown(found: Experimented) -> str:
    """Return what a pull request shows."""
    parts = [["## Arms side by side"]]
    for table in _tables(found.comparison):
        parts.append([f"**{table.title}**", "", *markdown_table(table.head, table.rows, left=1)])
    return "\n\n".join("\n".join(part) for part in [*parts, [" ".join(_notes(found.comparison)), ""]])


def _tables(found: Comparison) -> Iterator[Table]:
    yield Table(
        "what an arm trains on in an epoch, mean over seeds",
        ("arm", *DATA),
        [(arm, *(f"{found.data[arm][key]:.0f}" for key in DATA)) for arm in found.arms],
    )
    yield Table(
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
    yield Table(
        f"effects: difference from {found.arms[0]}, and that in pooled deviations of a seed",
        ("figure", *found.arms[1:]),
        [(name, *map(_cell, effects.values())) for name, effects in found.effects.items()],
    )


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
