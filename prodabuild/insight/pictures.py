"""Footprints as a drawing: spectra beside their null, and figures by depth. Nothing in it but figures and names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from prodabuild.escaping import xml_text
from prodabuild.insight.curves import steps
from prodabuild.insight.summary import measures_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.insight.changes import Array
    from prodabuild.insight.footprint import Footprint, Row

WIDTH, HEIGHT, MARGIN, LEGEND = 560, 300, 60, 16
COLUMNS = 3  # of the legend
COLOURS = ("#1f4e9c", "#c0504d", "#4f8a3d", "#8064a2", "#d98b1f", "#2a9d9d", "#a0522d", "#6b6b6b", "#b03a87", "#7a7a12")
FLAT = 1e-6  # of the energy: below it a spectrum is not drawn
NULL, FLOOR = "6 3", "1 3"  # dashed, dotted


class Depth(NamedTuple):
    """A figure that is drawn by layer, and what it is drawn as: itself, over its null, or beside its null."""

    name: str
    title: str
    null: str = ""


SIZE = Depth("size", "size: norm of the update over that of the base")
NORM = Depth("norm", "norm of the update")
DEPTH = (
    Depth("erank_2", "erank_2 over its null", "over"),
    Depth("erank_1_change", "erank_1 change of the base", "beside"),
)


class Line(NamedTuple):
    """A curve; dashed it is a null, dotted a floor; `band` is how far its points deviate over runs."""

    colour: str
    points: tuple[tuple[float, float], ...]
    style: str = ""
    band: tuple[float, ...] = ()


def draw(footprints: Sequence[Footprint]) -> str:
    """Return an SVG: a panel of spectra by type of module, and below it panels by layer."""
    beside = all(row.beside for each in footprints for row in each.rows if row.figures)
    panels = [_scree(footprints), *(_depth(footprints, each) for each in (SIZE if beside else NORM, *DEPTH))]
    panels = [panel for panel in panels if panel]
    entries = _legend(footprints)
    height = HEIGHT * len(panels) + LEGEND * (len(entries) // COLUMNS + 3)
    body = "\n".join(f'<g transform="translate(0 {HEIGHT * at})">\n{panel}\n</g>' for at, panel in enumerate(panels))
    words = "\n".join(
        f'<g transform="translate({MARGIN + at % COLUMNS * (WIDTH - MARGIN) // COLUMNS} '
        f'{HEIGHT * len(panels) + LEGEND * (at // COLUMNS + 1)})">{entry}</g>'
        for at, entry in enumerate(entries)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="11">\n<rect width="{WIDTH}" height="{height}" fill="white"/>\n{body}\n{words}\n</svg>\n'
    )


def _labels(footprints: Sequence[Footprint]) -> list[str]:
    return list(dict.fromkeys(row.kind for each in footprints for row in each.rows))


def _legend(footprints: Sequence[Footprint]) -> list[str]:
    entries = [
        f'<rect y="-8" width="10" height="10" fill="{_colour(at)}"/><text x="30" y="1">{xml_text(label)}</text>'
        for at, label in enumerate(_labels(footprints))
    ]
    for style, label in ((NULL, "null"), (FLOOR, "floor of rounding")):
        dashes = f'<path d="M0 -3H24" stroke="#555" stroke-dasharray="{style}"/>'
        entries.append(f'{dashes}<text x="30" y="1">{label}</text>')
    return entries


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _scree(footprints: Sequence[Footprint]) -> str:
    """Return singular values over the root of their energy by direction, both axes logarithmic."""
    lines = []
    for at, kind in enumerate(_labels(footprints)):
        rows = [row for each in footprints for row in each.rows if row.kind == kind and row.figures]
        if not rows:
            continue
        spectra = [row.spectrum / row.energy**0.5 for row in rows]
        lines.append(Line(_colour(at), _logs(_mean(spectra))))
        lines.append(Line(_colour(at), _logs(_mean([row.null.spectrum for row in rows])), NULL))
        lines += [Line(_colour(at), points, FLOOR) for points in _floor(rows, len(_mean(spectra)))]
    return _panel("singular values over the norm of the update", lines, "direction", _decades)


def _floor(rows: Sequence[Row], directions: int) -> list[tuple[tuple[float, float], ...]]:
    """Return the level of rounding where a spectrum comes near it."""
    level = float(np.mean([row.floor / row.energy**0.5 for row in rows]))
    if level**2 < FLAT:
        return []
    return [((0.0, math.log10(level)), (math.log10(max(directions, 2)), math.log10(level)))]


def _mean(spectra: Sequence[Array]) -> Array:
    length = min(len(values) for values in spectra)
    found: Array = np.mean([values[:length] for values in spectra], axis=0)
    return found


def _logs(values: Array) -> tuple[tuple[float, float], ...]:
    kept = values[values > FLAT**0.5 * values[0]]
    return tuple((math.log10(at), math.log10(value)) for at, value in enumerate(map(float, kept), 1))


def _depth(footprints: Sequence[Footprint], depth: Depth) -> str:
    """Return a figure by layer for each type; of several runs mean and deviation."""
    lines = []
    for at, kind in enumerate(_labels(footprints)):
        profiles = [_profile(each, kind, depth) for each in footprints]
        layers = [layer for layer in profiles[0] if all(layer in profile for profile in profiles)]
        if len(layers) < 2:
            continue
        values, nulls = np.moveaxis(np.array([[profile[layer] for layer in layers] for profile in profiles]), 2, 0)
        band = tuple(map(float, values.std(axis=0, ddof=1))) if profiles[1:] else ()
        lines.append(Line(_colour(at), _points(layers, values), "", band))
        if depth.null == "beside":
            lines.append(Line(_colour(at), _points(layers, nulls), NULL))
    if not lines:
        return ""
    if depth.null == "over":
        ends = [point[0] for line in lines for point in line.points]
        lines.append(Line("#888", ((min(ends), 1.0), (max(ends), 1.0)), NULL))
    bands = f"; bands: one deviation of {len(footprints)} runs" if footprints[1:] else ""
    return _panel(f"{depth.title}, by layer{bands}", lines, "layer", _evenly)


def _points(layers: Sequence[int], values: Array) -> tuple[tuple[float, float], ...]:
    return tuple(zip(map(float, layers), map(float, values.mean(axis=0)), strict=True))


def _profile(footprint: Footprint, kind: str, depth: Depth) -> dict[int, tuple[float, float]]:
    """Return by layer a figure (over its null where it is drawn so), and its null."""
    found = {}
    for layer, rows in footprint.by_layer().items():
        own = [row for row in rows if row.kind == kind]
        measure = measures_of(own, footprint).get(depth.name) if own else None
        if measure is not None and (measure.null or depth.null != "over"):
            null = measure.null or 0.0
            found[layer] = (measure.value / null if depth.null == "over" else measure.value, null)
    return found


Ticks = Callable[[float, float, int], list[tuple[float, str]]]


def _decades(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Return ticks of a logarithmic axis: powers of ten, and between them where there are few."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    factors = (1, 2, 5) if high - low < most / 3 else (1, 3) if high - low < most / 2 else (1,)
    found = [(power + math.log10(factor), f"{factor * 10.0**power:g}") for power in powers for factor in factors]
    return [tick for tick in found if low - 1e-9 <= tick[0] <= high + 1e-9]


def _evenly(low: float, high: float, most: int) -> list[tuple[float, str]]:
    return [(value, f"{value:g}") for value in steps(low, high, most)]


def _panel(title: str, lines: Sequence[Line], across: str, ticks: Ticks) -> str:
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    edges = [y for line in lines for side in (-1, 1) for y in _edge(line, side)]
    low, high = min(edges), max(edges)
    if ticks is _evenly:
        low, high = min(low, 0.0), max(high, 0.0)
    frame = _Frame(min(x for x, _ in points), max(x for x, _ in points), low, high)
    sides = [
        f'<path d="M{MARGIN - 3} {frame.y(y):.1f}h3" stroke="#888"/>'
        f'<text x="{MARGIN - 6}" y="{frame.y(y) + 4:.1f}" text-anchor="end">{text}</text>'
        for y, text in ticks(low, high, 6)
    ]
    feet = [
        f'<path d="M{frame.x(x):.1f} {HEIGHT - MARGIN}v3" stroke="#888"/>'
        f'<text x="{frame.x(x):.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{text}</text>'
        for x, text in ticks(frame.left, frame.right, 8)
        if ticks is _decades or x == int(x)
    ]
    return "\n".join(
        [
            f'<path d="M{MARGIN} {MARGIN / 2:.0f}V{HEIGHT - MARGIN}H{WIDTH - 16}" fill="none" stroke="#888"/>',
            *(_curve(line, frame) for line in lines), *sides, *feet,
            f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - MARGIN + 32}" text-anchor="middle">{across}</text>',
            f'<text x="{MARGIN}" y="{MARGIN / 2 - 10:.0f}">{xml_text(title)}</text>',
        ]
    )  # fmt: skip


def _edge(line: Line, side: int) -> list[float]:
    """Return the heights of a curve, or of an edge of its band."""
    bands = line.band or (0.0,) * len(line.points)
    return [y + side * band for (_, y), band in zip(line.points, bands, strict=True)]


class _Frame(NamedTuple):
    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        return MARGIN + (WIDTH - MARGIN - 16) * (value - self.left) / ((self.right - self.left) or 1)

    def y(self, value: float) -> float:
        bottom, top = HEIGHT - MARGIN, MARGIN / 2
        return bottom - (bottom - top) * (value - self.low) / ((self.high - self.low) or 1)


def _curve(line: Line, frame: _Frame) -> str:
    points = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in line.points)
    dashes = f' stroke-dasharray="{line.style}"' if line.style else ""
    curve = f'<polyline points="{points}" fill="none" stroke="{line.colour}"{dashes}/>'
    if not line.band:
        return curve
    across = [x for x, _ in line.points]
    edge, back = (list(zip(across, _edge(line, side), strict=True)) for side in (1, -1))
    area = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in [*edge, *back[::-1]])
    return f'<polygon points="{area}" fill="{line.colour}" fill-opacity="0.15"/>\n{curve}'
