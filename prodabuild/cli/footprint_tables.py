"""Footprints as tables: every figure beside what the null gives in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.cli.tables import Titled, spaced
from prodabuild.escaping import markdown_text
from prodabuild.insight.footprint import NOISY
from prodabuild.insight.summary import Band, bands, by_kind, by_layer, half_of, measures_of, noisy, tails_of
from prodabuild.insight.tails import ENOUGH, FITTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prodabuild.insight.footprint import Footprint
    from prodabuild.insight.summary import Measure
    from prodabuild.project.footprinting import FootprintReport

CHANGE = ("share", "norm", "size", "erank_1", "erank_2", "stable", "participation", "rank_90", "alpha")
BESIDE = ("largest", "erank_1_change", "erank_2_change", "intruders", "intruder_energy", "alignment", "overlap")
DEPTH = ("share", "norm", "size", "erank_1", "erank_2", "stable", "intruder_energy")
NULLS = (
    "Cells are figure/null. The null is a product of Gaussian factors of the same shape and rank, of a dense change a",
    "Gaussian matrix; beside the base it is one such draw of the same norm. The null of share is the share of weights.",
)
NO_NULL = ("norm", "size")  # these are the scale that a null is given
TITLES = {"erank_1_change": "erank_1 change", "erank_2_change": "erank_2 change", "intruder_energy": "intruder energy"}
NOTHING = 1e-6  # arithmetic leaves less than this where nothing is
SHOWN = 3  # names of modules in a line


def text(report: FootprintReport, verbosity: int) -> list[str]:
    """Return what the terminal shows."""
    return spaced([list(_lines(report)), *(table.lines() for table in _tables(report, verbosity)), list(NULLS)])


def markdown(report: FootprintReport, verbosity: int) -> list[str]:
    """Return what a pull request shows."""
    lines = (f"{'  ' * (line[0] == ' ')}- {markdown_text(line)}" for line in _lines(report))
    tables = (table.markdown() for table in _tables(report, verbosity))
    return spaced([["## Footprint", "", *lines], *tables, [" ".join(NULLS), ""]])


def drawing(report: FootprintReport) -> bytes:
    """Return the spectra, and the figures by layer."""
    from prodabuild.insight.pictures import draw

    return draw(report.runs).encode()


def _lines(report: FootprintReport) -> Iterator[str]:
    for run in report.runs:
        beside = f"beside {run.base}" if run.base else f"without {report.unmet[run.name]}: give --base FOLDER to add it"
        yield f"{run.name}: {run.kind}, {len(run.rows)} modules, norm {_short(run.energy**0.5)}, {beside}"
        half = _listed(half_of(run))
        yield f"  half of the energy is in {half}{_spread(run)}" if half else "  nothing changed"
        for line in (*_noise(run), _tails(run), *_left_out(run)):
            yield f"  {line}"


def _spread(run: Footprint) -> str:
    spread = run.spread()
    if spread is None:
        return ""
    return (
        f"; over depth it lies as evenly as in {spread.effective:.2f} of {spread.number} layers "
        f"(their weights: {spread.even:.2f})"
    )


def _noise(run: Footprint) -> Iterator[str]:
    if names := noisy(run):
        yield (
            f"rounding is expected to make up {NOISY:.0%} of the change or more in "
            f"{_count(len(names), len(run.rows))}, and to raise their ranks: {_listed(names)}"
        )


def _tails(run: Footprint) -> str:
    told = tails_of(run)
    if not told:
        return f"no exponent of a power law: no tail has {ENOUGH} points"
    points, distance = [tail.points for tail in told], [tail.distance for tail in told]
    return (
        f"alpha by fitter {FITTER} in {_count(len(told), len(run.rows))}: "
        f"tails of {_range(points, 'd')} points, KS distance {_range(distance, '.3f')}"
    )


def _range(values: Sequence[float], form: str) -> str:
    low, high = f"{min(values):{form}}", f"{max(values):{form}}"
    return low if low == high else f"{low} to {high}"


def _left_out(run: Footprint) -> Iterator[str]:
    for reason, names in run.left_out.items():
        yield f"not looked at: {_listed(names)} ({reason})"


def _count(number: int, of: int) -> str:
    return f"{number} of {of} modules"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _tables(report: FootprintReport, verbosity: int) -> Iterator[Titled]:
    runs = report.runs
    kinds, layers = (bands(runs, group) if len(runs) > 1 else group(runs[0]) for group in (by_kind, by_layer))
    over = f", mean ± standard deviation of {len(runs)} runs" if len(runs) > 1 else ""
    sizes = {kind: str(len(rows)) for kind, rows in runs[0].by_kind().items()}
    yield from _both("by type of module", "type", kinds, sizes, over)
    if layers:
        numbers = {str(layer): str(len(rows)) for layer, rows in runs[0].by_layer().items()}
        yield _table(f"by layer{over}", "layer", layers, numbers, DEPTH)
    for run in runs if verbosity > 0 else ():
        modules = {row.name: measures_of([row], run) for row in run.rows}
        yield from _both(f"{run.name} by module", "module", modules, {row.name: "1" for row in run.rows}, "")


def _both(
    title: str, first: str, groups: Mapping[str, Mapping[str, Measure | Band]], sizes: Mapping[str, str], over: str
) -> Iterator[Titled]:
    yield _table(f"the change, {title}{over}", first, groups, sizes, CHANGE)
    beside = {name: group for name, group in groups.items() if BESIDE[0] in group}
    if beside:
        yield _table(f"the base with it, {title}{over}", first, beside, sizes, BESIDE)


def _table(
    title: str,
    first: str,
    groups: Mapping[str, Mapping[str, Measure | Band]],
    sizes: Mapping[str, str],
    wanted: Sequence[str],
) -> Titled:
    names = [name for name in wanted if any(name in group for group in groups.values())]
    rows = [(key, sizes[key], *(_cell(name, group.get(name)) for name in names)) for key, group in groups.items()]
    return Titled(title, (first, "n", *(TITLES.get(name, name) for name in names)), rows)


def _cell(name: str, found: Measure | Band | None) -> str:
    if found is None:
        return "-"
    value = f"{_short(found.mean)}±{_short(found.deviation)}" if isinstance(found, Band) else _short(found.value)
    if name in NO_NULL:
        return value
    return f"{value}/{'-' if found.null is None else _short(found.null)}"


def _short(value: float) -> str:
    size = abs(value)
    if size < NOTHING:
        return "0"
    digits = 0 if size >= 99.5 else 1 if size >= 9.95 else 2 if size >= 0.995 else 3
    return f"{value:.{digits}f}" if size >= 5e-4 else f"{value:.0e}"
