"""Drawings of probes: curves beside the lines and bands of a source, and maps of figures by colour. Plain SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

from prodabuild.escaping import xml_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Scale = Callable[[float], float]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 56, 120, 34, 44
COLOURS = ("#1f4e9c", "#c0392b", "#2e8b57", "#8e5ea2")
CELL, CELL_HEIGHT, LETTER = 64, 26, 7  # of a map: its cells, and what a letter takes
DARK = 0.75  # of the deepest colour: letters on it are white


@dataclass(frozen=True)
class Chart:
    """Curves by name, lines at a height by name, and the band of heights that is shaded."""

    title: str
    across: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    lines: Mapping[str, float]
    band: tuple[float, float] | None = None
    logarithmic: bool = False


@dataclass(frozen=True)
class Map:
    """Figures by row and column: white is 0, the deepest red the greatest of them, blue what lies below 0."""

    title: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[float]]


def draw(*drawings: Chart | Map) -> bytes:
    """Return charts and maps as one SVG, below each other; heights begin at 0."""
    parts, at, wide = [], 0, 0
    for drawing in drawings:
        lines, width, height = _chart(drawing) if isinstance(drawing, Chart) else _map(drawing)
        parts += [f'<g transform="translate(0 {at})">', *lines, "</g>"]
        at, wide = at + height, max(wide, width)
    return "\n".join([_head(wide, at), *parts, "</svg>\n"]).encode()


def _chart(chart: Chart) -> tuple[list[str], int, int]:
    points = [point for curve in chart.curves.values() for point in curve]
    highest = max([height for _, height in points] + list(chart.lines.values()) + list(chart.band or ()))
    heights = steps(0.0, highest * 1.05)
    top = max(heights[-1], highest * 1.05) or 1.0
    xs = sorted({x for x, _ in points})
    place, rise = _across(xs, chart.logarithmic), _up(top)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts, labels = [], []
    if chart.band:
        low, high = rise(max(0.0, chart.band[0])), rise(chart.band[1])
        parts.append(
            f'<rect x="{LEFT}" y="{high:.1f}" width="{right - LEFT}" height="{low - high:.1f}" fill="#e8f1e4"/>'
        )
    parts.append(f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#888"/>')
    for name, height in chart.lines.items():
        parts.append(f'<path d="M{LEFT} {rise(height):.1f}H{right}" stroke="#888" stroke-dasharray="4 3"/>')
        labels.append((rise(height), f"{name} {height:.3g}", "#555"))
    for (name, curve), colour in zip(chart.curves.items(), cycle(COLOURS), strict=False):
        drawn = " ".join(f"{place(x):.1f},{rise(height):.1f}" for x, height in curve)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{place(x):.1f}" cy="{rise(y):.1f}" r="2.5" fill="{colour}"/>' for x, y in curve]
        labels.append((rise(curve[-1][1]) if curve else bottom, name, colour))
    for y, (_, text, colour) in zip(apart([y for y, _, _ in labels]), labels, strict=True):
        parts.append(f'<text x="{right + 8}" y="{y + 4:.1f}" fill="{colour}">{xml_text(text)}</text>')
    for height in heights:
        parts.append(f'<text x="{LEFT - 6}" y="{rise(height) + 4:.1f}" text-anchor="end">{height:g}</text>')
    shown = xs if len(xs) <= 9 else [xs[0], xs[len(xs) // 2], xs[-1]]
    parts += [f'<text x="{place(x):.1f}" y="{bottom + 16}" text-anchor="middle">{x:g}</text>' for x in shown]
    middle = (LEFT + right) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{xml_text(chart.across)}</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 14}">{xml_text(chart.title)}</text>')
    return parts, WIDTH, HEIGHT


def _map(drawn: Map) -> tuple[list[str], int, int]:
    most = max((abs(value) for row in drawn.rows.values() for value in row), default=1.0) or 1.0
    cell = max(CELL, *(LETTER * len(column) + 10 for column in ("", *drawn.columns)))
    names = max(LETTER * len(name) + 20 for name in ("", *drawn.rows))
    parts = [f'<text x="10" y="20">{xml_text(drawn.title)}</text>']
    for number, name in enumerate(drawn.columns):
        x = names + cell * (number + 0.5)
        parts.append(f'<text x="{x:.0f}" y="{TOP + 16}" text-anchor="middle">{xml_text(name)}</text>')
    for at, (name, row) in enumerate(drawn.rows.items(), 1):
        y = TOP + CELL_HEIGHT * at
        parts.append(f'<text x="10" y="{y + 17}">{xml_text(name)}</text>')
        for number, value in enumerate(row):
            x, share = names + cell * number, value / most
            parts.append(
                f'<rect x="{x}" y="{y}" width="{cell - 2}" height="{CELL_HEIGHT - 2}" fill="{_colour(share)}"/>'
            )
            ink = ' fill="white"' if abs(share) > DARK else ""
            parts.append(f'<text x="{x + cell / 2:.0f}" y="{y + 17}" text-anchor="middle"{ink}>{value:.3f}</text>')
    return parts, names + cell * len(drawn.columns) + 10, TOP + CELL_HEIGHT * (len(drawn.rows) + 1) + 10


def steps(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers from `low` to `high`, some `most` of them: multiples of 1, 2 or 5 and a power of ten."""
    size = (high - low) / most or 1.0
    power = 10.0 ** math.floor(math.log10(size))
    step = next(each * power for each in (1, 2, 5, 10, 20) if each * power >= size)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def apart(heights: Sequence[float], gap: float = 14) -> list[float]:
    """Return heights moved down where they would lie closer to one above than a gap."""
    found, last = list(heights), -math.inf
    for at in sorted(range(len(heights)), key=lambda at: heights[at]):
        last = found[at] = max(heights[at], last + gap)
    return found


def _head(width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="{width}" height="{height}" fill="white"/>'
    )


def _across(xs: Sequence[float], logarithmic: bool) -> Scale:
    scale: Scale = (lambda x: math.log2(x + 1)) if logarithmic else (lambda x: x)
    first, last = scale(xs[0]), scale(xs[-1])
    return lambda x: LEFT + (WIDTH - LEFT - RIGHT) * (scale(x) - first) / ((last - first) or 1.0)


def _up(top: float) -> Scale:
    return lambda height: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * height / top


def _colour(share: float) -> str:
    pale = round(255 * (1 - abs(share) * 0.8))
    return f"rgb(255,{pale},{pale})" if share >= 0 else f"rgb({pale},{pale},255)"
