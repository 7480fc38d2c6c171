"""The record of a run as a table and as a picture: nothing in them but steps, losses, rates and tokens."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.training.loop import Log

WIDTH, HEIGHT, MARGIN = 640, 320, 48
POINTS = 400  # more steps than this are averaged into as many
SMOOTHING = 0.95


def loss_csv(logs: Sequence[Log]) -> bytes:
    """Return one line a step."""
    lines = (f"{log.step},{log.loss:.6g},{log.learning_rate:.6g},{log.tokens}" for log in logs)
    return "\n".join(["step,loss,learning_rate,tokens", *lines, ""]).encode()


def loss_svg(logs: Sequence[Log]) -> bytes:
    """Return the loss by step, and its running mean, as a drawing."""
    raw = [(log.step, log.loss) for log in logs]
    smooth = list(zip((step for step, _ in raw), _smoothed([loss for _, loss in raw]), strict=True))
    top = max((loss for _, loss in raw), default=1.0) or 1.0
    last = max(1, len(logs))
    left, bottom = MARGIN, HEIGHT - MARGIN
    ticks = "".join(
        f'<text x="{left - 6}" y="{_y(top * share, top) + 4:.1f}" text-anchor="end">{top * share:.3g}</text>'
        f'<text x="{_x(last * share, last):.1f}" y="{bottom + 18}" text-anchor="middle">{round(last * share)}</text>'
        for share in (0.0, 0.5, 1.0)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
        f'<path d="M{left} {MARGIN}V{bottom}H{WIDTH - MARGIN}" fill="none" stroke="#888"/>\n'
        f'<polyline points="{_points(raw, last, top)}" fill="none" stroke="#b8cbe8"/>\n'
        f'<polyline points="{_points(smooth, last, top)}" fill="none" stroke="#1f4e9c" stroke-width="2"/>\n'
        f'{ticks}\n<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">step</text>\n'
        f'<text x="{left}" y="{MARGIN - 14}">loss a supervised token, and its running mean</text>\n</svg>\n'
    ).encode()


def _smoothed(losses: Sequence[float]) -> Iterator[float]:
    """Return the running mean of losses, each step back counting a little less."""
    sums = accumulate(losses, lambda total, loss: total * SMOOTHING + loss)
    weights = accumulate(losses, lambda total, _: total * SMOOTHING + 1, initial=0.0)
    next(weights)
    return (total / weight for total, weight in zip(sums, weights, strict=True))


def _points(curve: Sequence[tuple[int, float]], last: int, top: float) -> str:
    size = -(-len(curve) // POINTS) or 1
    groups = (curve[at : at + size] for at in range(0, len(curve), size))
    means = (
        (sum(step for step, _ in group) / len(group), sum(loss for _, loss in group) / len(group)) for group in groups
    )
    return " ".join(f"{_x(step, last):.1f},{_y(loss, top):.1f}" for step, loss in means)


def _x(step: float, last: int) -> float:
    return MARGIN + (WIDTH - 2 * MARGIN) * step / last


def _y(loss: float, top: float) -> float:
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * loss / top
