"""Reasons of a plan in lines: where, what, and the old value over the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REASONS = 3  # that are printed unless -v asks for all


def reason_lines(reasons: Sequence[dict[str, Any]], everything: bool, indent: str) -> Iterator[str]:
    """Return the lines of a step's reasons."""
    shown = reasons if everything else reasons[:REASONS]
    for reason in shown:
        yield indent + "  ".join(part for part in (reason["where"], reason["what"]) if part)
        if isinstance(reason["old"], (str, int, float)) and isinstance(reason["new"], (str, int, float)):
            yield f"{indent}  - {reason['old']}"
            yield f"{indent}  + {reason['new']}"
    if rest := len(reasons) - len(shown):
        yield f"{indent}and {rest} more reason{'s' if rest != 1 else ''}"
