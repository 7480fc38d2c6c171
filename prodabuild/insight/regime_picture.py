"""The plot of an experiment that tells narrow from broad: what runs gained as items are asked, and otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prodabuild.escaping import xml_text
from prodabuild.insight.pictures import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prodabuild.insight.regimes import Comparison, Spot

SIZE, MARGIN, ROW, KEY = 360, 56, 16, 220  # of the plot, its margin, and the key beside it
AIR = 0.1  # of the range, around the dots
TICKS = 5


class Axis:
    """Where values lie on a side of the plot: `flip` for the one that grows upwards."""

    def __init__(self, values: Sequence[float], flip: bool) -> None:
        low, high = min([0.0, *values]), max([0.0, *values])
        air = (high - low or 1.0) * AIR
        self.low, self.high, self._flip = low - air, high + air, flip

    def __call__(self, value: float) -> float:
        """Return where a value lies, in pixels."""
        share = (value - self.low) / (self.high - self.low)
        return MARGIN + SIZE * (1 - share if self._flip else share)

    def ticks(self) -> list[float]:
        """Return the values that are written beside the axis."""
        return [self.low + (self.high - self.low) * at / (TICKS - 1) for at in range(TICKS)]


def draw_regimes(found: Comparison) -> str:
    """Return an SVG: one dot a run, the arms by colour, and a cross where the mean of an arm lies."""
    across = Axis([spot.other for spot in found.spots], flip=False)
    up = Axis([spot.target for spot in found.spots], flip=True)
    parts = [_frame(across, up, "sealed" if "sealed" in found.items else "dev")]
    for at, arm in enumerate(found.arms if found.spots else ()):  # without tests nobody knows what was gained
        spots = [spot for spot in found.spots if spot.arm == arm]
        parts += [_arm(spots, COLOURS[at % len(COLOURS)], across, up), _key(at, arm)]
    width, height = SIZE + 2 * MARGIN + KEY, SIZE + 2 * MARGIN
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'font-size="11">\n<rect width="{width}" height="{height}" fill="white"/>\n{body}\n</svg>\n'
    )


def _frame(across: Axis, up: Axis, target: str) -> str:
    end, middle = MARGIN + SIZE, MARGIN + SIZE // 2
    lines = [
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{SIZE}" height="{SIZE}" fill="none" stroke="#888"/>',
        f'<path d="M{across(0):.1f} {MARGIN}V{end}M{MARGIN} {up(0):.1f}H{end}" stroke="#bbb" stroke-dasharray="3 3"/>',
        f'<text x="{MARGIN}" y="{MARGIN - 20}">one dot a run, a cross at the mean of its arm; 0 is the base</text>',
        f'<text x="{middle}" y="{end + 36}" text-anchor="middle">change of accuracy in other formats</text>',
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">gain on {target} items</text>',
    ]
    lines += [f'<text x="{across(x):.1f}" y="{end + 16}" text-anchor="middle">{x:+.2f}</text>' for x in across.ticks()]
    lines += [f'<text x="{MARGIN - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{y:+.2f}</text>' for y in up.ticks()]
    return "\n".join(lines)


def _arm(spots: Sequence[Spot], colour: str, across: Axis, up: Axis) -> str:
    dots = [
        f'<circle cx="{across(spot.other):.1f}" cy="{up(spot.target):.1f}" r="4" fill="{colour}" fill-opacity="0.7">'
        f"<title>{xml_text(spot.arm)}, seed {spot.seed}</title></circle>"
        for spot in spots
    ]
    x = across(sum(spot.other for spot in spots) / len(spots))
    y = up(sum(spot.target for spot in spots) / len(spots))
    return "\n".join([*dots, f'<path d="M{x - 7:.1f} {y:.1f}h14M{x:.1f} {y - 7:.1f}v14" stroke="{colour}"/>'])


def _key(at: int, arm: str) -> str:
    x, y = SIZE + MARGIN + 20, MARGIN + at * ROW
    return (
        f'<rect x="{x}" y="{y}" width="10" height="10" fill="{COLOURS[at % len(COLOURS)]}"/>'
        f'<text x="{x + 16}" y="{y + 9}">{xml_text(arm)}</text>'
    )
