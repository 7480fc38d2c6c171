"""Drafts hold ids and knowledge; each is small, and no two of them emphasise the same record."""

from __future__ import annotations

from collections.abc import Sequence

from prodabuild.diagnosis.drafts import MOST_NODES, Draft, Gap, draft, gaps_of
from prodabuild.diagnosis.findings import Finding
from prodabuild.knowledge.patches import read_patch


def gap(number: int, hub: str = "h", cause: str = "concept_gap") -> Gap:
    return Gap(cause, "zoo", f"zoo/r{number}", f"zoo/{hub}", (), (f"zoo/i{number}",))


def emphasised(drafts: Sequence[Draft]) -> list[list[str]]:
    return [[node for op in one.document["ops"] for node in op["emphasise"]] for one in drafts]


def test_gaps_around_one_concept_are_mended_together_as_many_as_can_be_reviewed() -> None:
    found = emphasised(
        draft([gap(number, "big") for number in range(MOST_NODES + 3)] + [gap(99, "small")], lambda _: [], "d")
    )
    assert [len(nodes) for nodes in found] == [MOST_NODES, 4]
    assert found[1][-1] == "zoo/r99"


def test_no_record_is_in_two_drafts() -> None:
    gaps = [gap(1), gap(1, cause="reasoning_gap"), gap(2, cause="reasoning_gap")]
    assert emphasised(draft(gaps, lambda _: ["zoo/chain"], "d")) == [["zoo/r1"], ["zoo/chain", "zoo/r2"]]
    assert len(draft([gap(1), gap(1, cause="reasoning_gap")], lambda _: [], "d")) == 1


def test_a_draft_is_a_sound_patch() -> None:
    finding = Finding("concept_gap", ("zoo/cat.is_a.pet",), "zoo", ("zoo/cat..pet..animal",), 0.9)
    (gap,) = gaps_of([finding], lambda _: "zoo/pet", {"zoo/cat.is_a.pet": ["zoo/tool"]})
    (found,) = draft([gap], lambda _: [], "0123456789ab")
    assert found.slug == "zoo-concept-gap-pet"
    assert found.document == {
        "title": "zoo: 1 fact about pet that the model lacks",
        "reason": "probes find that the model does not know 1 fact needed by 1 failed item; "
        "expected: these pass, and sealed items over the same records with them",
        "cause": "concept_gap",
        "evidence": {"items": ["zoo/cat..pet..animal"], "diagnosis": "0123456789ab"},
        "ops": [{"emphasise": ["zoo/cat.is_a.pet"], "ways": ["recall", "contrast"], "against": ["zoo/tool"]}],
    }
    import orjson

    assert read_patch(orjson.dumps(found.document), f"patches/0001-{found.slug}.yaml")[1] == []


def test_what_names_no_record_is_nobodys_gap() -> None:
    assert list(gaps_of([Finding("unstable", (), "zoo", ("i",), 0.5)], str, {})) == []
