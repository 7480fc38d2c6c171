"""Drafts of patches, written: what to emphasise for each gap, which chains to practise it on. No words of items."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson

from prodabuild.diagnosis.drafts import draft, gaps_of
from prodabuild.knowledge.splits import split_of
from prodabuild.project.patching import write_patch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prodabuild.diagnosis.causes import Evidence
    from prodabuild.diagnosis.drafts import Gap
    from prodabuild.diagnosis.findings import Finding
    from prodabuild.knowledge.reading import Knowledge
    from prodabuild.project.session import Session

CONFUSED = 8  # concepts that the model took for the right one, of each record
PRACTICE = 8  # chains without an item, for each link that is not joined


def write_drafts(
    session: Session, knowledge: Knowledge, findings: Iterable[Finding], evidence: Iterable[Evidence], digest: str
) -> tuple[str, ...]:
    """Write a draft for each cluster of gaps that no patch emphasises yet; returns their files."""
    confused = _confused(evidence)
    known = set(session.state.posting_names("about:"))
    fresh = [finding for finding in findings if not any(f"about:{node}" in known for node in finding.nodes)]

    def hub(node: str) -> str:
        return knowledge.relation(node).triple[2] if knowledge.level(node) == "relation" else node

    free = _free_chains(session, knowledge)
    found = draft(gaps_of(fresh, hub, confused), lambda gap: _practice(knowledge, gap, free), digest[:12])
    return tuple(write_patch(session.root, each.slug, each.document) for each in found)


def _confused(evidence: Iterable[Evidence]) -> dict[str, list[str]]:
    """Return, by record, the concepts that were picked in place of the right one, the most frequent first."""
    counts: dict[str, Counter[str]] = {}
    for row in evidence:
        for node, asked in (*row.relations.items(), *row.concepts.items()):
            counts.setdefault(node, Counter()).update(one.picked for one in asked if not one.passed)
    return {node: sorted(found, key=lambda one: (-found[one], one))[:CONFUSED] for node, found in counts.items()}


def _free_chains(session: Session, knowledge: Knowledge) -> frozenset[str]:
    """Return the chains that no test hangs on: those of the dev split of which no item was made."""
    view = knowledge.view
    assert session.manifest.chain_suite, "what was diagnosed is a suite made from chains"
    suite = session.manifest.chain_suite[0]
    sealed = view.read("manifest", "chains.sealed") or 0.0
    tested = {
        orjson.loads(line)["id"]
        for stored in view.output(f"suite:{suite}")
        if stored.path.endswith("/dev.jsonl")
        for line in view.path(stored).read_bytes().splitlines()
    }
    chains = {chain for name in session.state.posting_names("step:") for chain in view.posting(name)}
    return frozenset(chain for chain in chains - tested if split_of(chain, sealed) == "dev")


def _practice(knowledge: Knowledge, gap: Gap, free: frozenset[str]) -> list[str]:
    """Return chains without a test item that hold a link, or that end where it ends."""
    relation = knowledge.relation(gap.node)
    through = [chain for chain in knowledge.view.posting(f"step:{gap.node}") if chain in free]
    if len(through) < PRACTICE:
        beside = [other for other in knowledge.view.posting(f"to:{relation.triple[2]}") if other != gap.node]
        beside += knowledge.view.posting(f"to:{relation.triple[0]}")
        through += [chain for other in beside for chain in knowledge.view.posting(f"step:{other}") if chain in free]
    return knowledge.draw(dict.fromkeys(through), PRACTICE, gap.node, "practice")
