"""Findings: the diagnoses of items, brought together by what they name: one missing fact may break forty items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.diagnosis.causes import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prodabuild.diagnosis.causes import Cause, Diagnosis


class Finding(NamedTuple):
    """One cause, the records that it names, the failed items that it explains (by id), how sure it is."""

    cause: Cause
    nodes: tuple[str, ...]
    discipline: str
    items: tuple[str, ...]
    confidence: float


def gather(diagnoses: Iterable[Diagnosis], disciplines: Mapping[str, str]) -> list[Finding]:
    """Return findings, the ones that explain most items first. `disciplines` are those of the items.

    An item with two missing facts is in the findings of both. What names no record is one finding a discipline.
    """
    groups: dict[tuple[Cause, str, str], list[Diagnosis]] = {}
    for diagnosis in diagnoses:
        for node in diagnosis.nodes or ("",):
            groups.setdefault((diagnosis.cause, disciplines[diagnosis.item], node), []).append(diagnosis)
    found = [
        Finding(
            cause,
            (node,) if node else (),
            discipline,
            tuple(sorted(diagnosis.item for diagnosis in group)),
            round(math.fsum(diagnosis.confidence for diagnosis in group) / len(group), 4),
        )
        for (cause, discipline, node), group in groups.items()
    ]
    return sorted(found, key=lambda one: (CAUSES.index(one.cause), -len(one.items), one.discipline, one.nodes))
