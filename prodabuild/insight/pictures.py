"""Footprints as a drawing: spectra beside their null, and figures by depth. Nothing in it but figures and names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

import numpy as np

from prodabuild.insight.summary import measures_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.insight.changes import Array
    from prodabuild.insight.footprint import Footprint, Row

WIDTH, HEIGHT, MARGIN, LEGEND = 460, 300, 56, 16
COLOURS = ("#1f4e9c", "#c0504d", "#4f8a3d", "#8064a2", "#d98b1f", "#2a9d9d", "#a0522d", "#6b6b6b", "#b03a87", "#7a7a12")
FLAT = 1e-6  # of the energy: below it a spectrum is not drawn
DEPTH = ("norm", "erank_2")
SCALES = ("norm",)  # figures that have no null


class Line(NamedTuple):
    """A curve; `dashed` is a null, `dotted` a floor; `band` is how far its points deviate over runs."""

    label: str
    colour: str
    points: tuple[tuple[float, float], ...]
    style: str = ""
    band: tuple[float, ...] = ()


def draw(footprints: Sequence[Footprint]) -> str:
    """Return an SVG: a panel of spectra by type of module, and below it panels by layer."""
    panels = [_scree(footprints), *(_depth(footprints, name) for name in DEPTH)]
    panels = [panel for panel in panels if panel]
    rows = max([0, *(len(_labels(footprints)),)]) * LEGEND
    height = HEIGHT * len(panels) + rows + MARGIN
    body = "\n".join(f'<g transform="translate(0 {HEIGHT * at})">\n{panel}\n</g>' for at, panel in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="11">\n<rect width="{WIDTH}" height="{height}" fill="white"/>\n{body}\n'
        f'<g transform="translate({MARGIN} {HEIGHT * len(panels) + LEGEND})">\n{_legend(footprints)}\n</g>\n</svg>\n'
    )


def _labels(footprints: Sequence[Footprint]) -> list[str]:
    return list(dict.fromkeys(row.kind for each in footprints for row in each.rows))


def _legend(footprints: Sequence[Footprint]) -> str:
    words = [
        f'<rect y="{at * LEGEND - 8}" width="10" height="10" fill="{_colour(at)}"/>'
        f'<text x="16" y="{at * LEGEND + 1}">{escape(label)}</text>'
        for at, label in enumerate(_labels(footprints))
    ]
    return "\n".join(words)


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
        lines.append(Line(kind, _colour(at), _logs(_mean(spectra))))
        lines.append(Line(kind, _colour(at), _logs(_mean([row.null.spectrum for row in rows])), "6 3"))
        lines += [Line(kind, _colour(at), points, "1 3") for points in _floor(rows, len(_mean(spectra)))]
    title = "singular values over the norm, by rank; dashed: the null; dotted: the floor of rounding"
    return _panel(title, lines, "log10 of the direction", "log10")


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


def _depth(footprints: Sequence[Footprint], name: str) -> str:
    """Return a figure by layer for each type, over its null where it has one; of several runs mean and deviation."""
    lines = []
    for at, kind in enumerate(_labels(footprints)):
        profiles = [_profile(each, kind, name) for each in footprints]
        layers = [layer for layer in profiles[0] if all(layer in profile for profile in profiles)]
        if len(layers) < 2:
            continue
        values = np.array([[profile[layer] for layer in layers] for profile in profiles])
        points = tuple(zip(map(float, layers), map(float, values.mean(axis=0)), strict=True))
        lines.append(Line(kind, _colour(at), points, "", tuple(values.std(axis=0, ddof=1)) if profiles[1:] else ()))
    if not lines:
        return ""
    if name not in SCALES:
        ends = [point[0] for line in lines for point in line.points]
        lines.append(Line("null", "#888", ((min(ends), 1.0), (max(ends), 1.0)), "6 3"))
    over = "" if name in SCALES else " over its null"
    return _panel(f"{name}{over}, by layer{'; bands: one deviation' if footprints[1:] else ''}", lines, "layer", "")


def _profile(footprint: Footprint, kind: str, name: str) -> dict[int, float]:
    found = {}
    for layer, rows in footprint.by_layer().items():
        own = [row for row in rows if row.kind == kind]
        measure = measures_of(own, footprint).get(name) if own else None
        if measure is not None and (name in SCALES or measure.null):
            found[layer] = measure.value / (measure.null or 1.0)
    return found


def _panel(title: str, lines: Sequence[Line], across: str, up: str) -> str:
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    deviations = [band for line in lines for band in line.band] or [0.0]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points) - max(deviations), max(y for _, y in points) + max(deviations)
    frame = _Frame(left, right, low, high) if up else _Frame(left, right, min(0.0, low), high)
    ticks = "".join(
        f'<text x="{MARGIN - 6}" y="{frame.y(y) + 4:.1f}" text-anchor="end">{y:.3g}</text>'
        f'<text x="{frame.x(x):.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{x:.3g}</text>'
        for x, y in (frame.at(share) for share in (0.0, 0.5, 1.0))
    )
    curves = "\n".join(_curve(line, frame) for line in lines)
    return (
        f'<path d="M{MARGIN} {MARGIN / 2:.0f}V{HEIGHT - MARGIN}H{WIDTH - 16}" fill="none" stroke="#888"/>\n{curves}\n'
        f'{ticks}\n<text x="{WIDTH / 2:.0f}" y="{HEIGHT - MARGIN + 32}" text-anchor="middle">{across}</text>\n'
        f'<text x="{MARGIN / 2:.0f}" y="{MARGIN / 2 - 10:.0f}">{escape(title)}</text>'
    )


class _Frame(NamedTuple):
    left: float
    right: float
    low: float
    high: float

    def at(self, share: float) -> tuple[float, float]:
        return self.left + share * (self.right - self.left), self.low + share * (self.high - self.low)

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
    edge = [(x, y + band) for (x, y), band in zip(line.points, line.band, strict=True)]
    back = [(x, y - band) for (x, y), band in zip(line.points, line.band, strict=True)][::-1]
    area = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in [*edge, *back])
    return f'<polygon points="{area}" fill="{line.colour}" fill-opacity="0.15"/>\n{curve}'
