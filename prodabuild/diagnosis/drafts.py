"""Drafts of patches from findings. Nothing here can hold the words of a test item: it sees ids and knowledge alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prodabuild.diagnosis.findings import Finding

MOST_NODES = 12  # of one draft: as many as a person reviews at once
WAYS = {"concept_gap": ["recall", "contrast"], "reasoning_gap": ["recall", "contrast", "steps"]}


class Gap(NamedTuple):
    """What lacks: a record, the concepts that the model took for the right one, ids of the items that it broke."""

    cause: str
    discipline: str
    node: str
    hub: str  # the concept that it leads to: gaps around one are mended together
    confused: tuple[str, ...]
    items: tuple[str, ...]


class Draft(NamedTuple):
    """A patch to be reviewed, as data; `slug` names its file."""

    slug: str
    document: dict[str, Any]


def gaps_of(
    findings: Iterable[Finding], hub: Callable[[str], str], confused: Mapping[str, Sequence[str]]
) -> Iterator[Gap]:
    """Return the gaps that findings name; unstable items and suspect tests are nobody's gap."""
    for finding in findings:
        for node in finding.nodes:
            yield Gap(finding.cause, finding.discipline, node, hub(node), tuple(confused.get(node, ())), finding.items)


def draft(gaps: Iterable[Gap], practice: Callable[[Gap], Sequence[str]], diagnosis: str) -> list[Draft]:
    """Return one draft for each cluster of gaps: of one cause and discipline, around one concept where they are many.

    `practice` names the chains without a test item on which a gap in reasoning can be practised. No record is
    emphasised by two drafts.
    """
    found: list[Draft] = []
    taken: set[str] = set()
    for cluster in _clusters(gaps):
        ops = [*_ops(cluster, practice, taken)]
        if ops:
            found.append(_draft(cluster, ops, diagnosis))
    return found


def _clusters(gaps: Iterable[Gap]) -> Iterator[list[Gap]]:
    groups: dict[tuple[str, str], dict[str, list[Gap]]] = {}
    for gap in gaps:
        groups.setdefault((gap.cause, gap.discipline), {}).setdefault(gap.hub, []).append(gap)
    for _, hubs in sorted(groups.items()):
        open_cluster: list[Gap] = []
        for _, around in sorted(hubs.items(), key=lambda pair: (-len(pair[1]), pair[0])):
            for start in range(0, len(around), MOST_NODES):
                part = around[start : start + MOST_NODES]
                if open_cluster and len(open_cluster) + len(part) > MOST_NODES:
                    yield open_cluster
                    open_cluster = []
                open_cluster += part
        if open_cluster:
            yield open_cluster


def _draft(cluster: Sequence[Gap], ops: list[dict[str, Any]], diagnosis: str) -> Draft:
    cause, discipline = cluster[0].cause, cluster[0].discipline
    items = sorted({item for gap in cluster for item in gap.items})
    facts, failed = _count(len(cluster), "fact"), _count(len(items), "failed item")
    hub = cluster[0].hub.rpartition("/")[2].replace("_", " ")
    if cause == "concept_gap":
        title = f"{discipline}: {facts} about {hub} that the model lacks"
        reason = f"probes find that the model does not know {facts} needed by {failed}"
    else:
        title = f"{discipline}: conclusions over {hub} that the model does not draw"
        reason = f"the model knows the facts behind {failed}, and does not join them"
    return Draft(
        re.sub(r"[^a-z0-9]+", "-", f"{discipline} {cause} {hub}".lower()).strip("-")[:60].rstrip("-"),
        {
            "title": title,
            "reason": f"{reason}; expected: these pass, and sealed items over the same records with them",
            "cause": cause,
            "evidence": {"items": items, "diagnosis": diagnosis},
            "ops": ops,
        },
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _ops(cluster: Sequence[Gap], practice: Callable[[Gap], Sequence[str]], taken: set[str]) -> Iterator[dict[str, Any]]:
    ways = WAYS[cluster[0].cause]
    if cluster[0].cause == "concept_gap":
        for gap in (gap for gap in cluster if gap.node not in taken):
            taken.add(gap.node)
            against = {"against": list(gap.confused)} if gap.confused else {}
            yield {"emphasise": [gap.node], "ways": ways, **against}
        return
    nodes = {node for gap in cluster for node in (gap.node, *practice(gap))} - taken
    taken |= nodes
    if nodes:
        yield {"emphasise": sorted(nodes), "ways": ways}
