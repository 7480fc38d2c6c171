"""Drawings of probes: curves beside the lines and bands of a source, and maps of figures by colour. Plain SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Scale = Callable[[float], float]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 360, 56, 120, 34, 44
COLOURS = ("#1f4e9c", "#c0392b", "#2e8b57", "#8e5ea2")
CELL_WIDTH, CELL_HEIGHT, NAMES = 110, 26, 300


@dataclass(frozen=True)
class Chart:
    """Curves by name, lines at a height by name, and the band of heights that is shaded."""

    title: str
    across: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    lines: Mapping[str, float]
    band: tuple[float, float] | None = None
    logarithmic: bool = False


def draw(chart: Chart) -> bytes:
    """Return a chart as SVG; heights begin at 0."""
    points = [point for curve in chart.curves.values() for point in curve]
    top = max([height for _, height in points] + list(chart.lines.values()) + list(chart.band or ())) * 1.05 or 1.0
    xs = sorted({x for x, _ in points})
    place = _across(xs, chart.logarithmic)
    rise = _up(top)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [_head(WIDTH, HEIGHT)]
    if chart.band:
        low, high = rise(max(0.0, chart.band[0])), rise(chart.band[1])
        parts.append(
            f'<rect x="{LEFT}" y="{high:.1f}" width="{right - LEFT}" height="{low - high:.1f}" fill="#e8f1e4"/>'
        )
    parts.append(f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#888"/>')
    for name, height in chart.lines.items():
        y = rise(height)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#888" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{right + 5}" y="{y + 4:.1f}" fill="#555">{_plain(name)} {height:.3g}</text>')
    for (name, curve), colour in zip(chart.curves.items(), COLOURS, strict=False):
        drawn = " ".join(f"{place(x):.1f},{rise(height):.1f}" for x, height in curve)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{place(x):.1f}" cy="{rise(y):.1f}" r="2.5" fill="{colour}"/>' for x, y in curve]
        parts.append(
            f'<text x="{right + 5}" y="{TOP - 20 + 14 * COLOURS.index(colour)}" fill="{colour}">{_plain(name)}</text>'
        )
    for share in (0.0, 0.5, 1.0):
        y = rise(top * share) + 4
        parts.append(f'<text x="{LEFT - 6}" y="{y:.1f}" text-anchor="end">{top * share:.2g}</text>')
    shown = xs if len(xs) <= 8 else [xs[0], xs[len(xs) // 2], xs[-1]]
    parts += [f'<text x="{place(x):.1f}" y="{bottom + 16}" text-anchor="middle">{x:g}</text>' for x in shown]
    middle = (LEFT + right) / 2
    parts.append(f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{_plain(chart.across)}</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 14}">{_plain(chart.title)}</text>\n</svg>\n')
    return "\n".join(parts).encode()


def draw_map(title: str, rows: Mapping[str, Sequence[float]], columns: Sequence[str]) -> bytes:
    """Return figures as a map: white is 0, the deepest red the greatest of them, blue what lies below 0."""
    most = max((abs(value) for row in rows.values() for value in row), default=1.0) or 1.0
    height = TOP + CELL_HEIGHT * (len(rows) + 1) + 10
    parts = [_head(NAMES + CELL_WIDTH * len(columns) + 10, height), f'<text x="10" y="20">{_plain(title)}</text>']
    for number, name in enumerate(columns):
        x = NAMES + CELL_WIDTH * (number + 0.5)
        parts.append(f'<text x="{x:.0f}" y="{TOP + 16}" text-anchor="middle">{_plain(name)}</text>')
    for at, (name, row) in enumerate(rows.items(), 1):
        y = TOP + CELL_HEIGHT * at
        parts.append(f'<text x="10" y="{y + 17}">{_plain(name)}</text>')
        for number, value in enumerate(row):
            x = NAMES + CELL_WIDTH * number
            parts.append(
                f'<rect x="{x}" y="{y}" width="{CELL_WIDTH - 2}" height="{CELL_HEIGHT - 2}" '
                f'fill="{_colour(value / most)}"/>'
            )
            parts.append(f'<text x="{x + CELL_WIDTH / 2:.0f}" y="{y + 17}" text-anchor="middle">{value:.3f}</text>')
    return ("\n".join(parts) + "\n</svg>\n").encode()


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


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
