from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from prodabuild.knowledge.cycles import Link, find_cycles
from prodabuild.knowledge.places import Places

links = st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg")), max_size=14, unique=True).map(
    lambda rows: [Link(one, two, f"{one}{two}", "p") for one, two in rows]
)


def is_acyclic(rows: list[Link]) -> bool:
    graph: dict[str, set[str]] = {}
    for link in rows:
        graph.setdefault(link.subject, set()).add(link.object)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return False
    return True


def places(rows: list[Link]) -> Places:
    return Places(Path("/nonexistent"), lambda: {link.relation: "a.yaml" for link in rows})


@given(links)
def test_cycles_are_found_as_long_as_there_are_any(rows: list[Link]) -> None:
    cycles = list(find_cycles(rows, places(rows)))
    assert (cycles == []) == is_acyclic(rows)
    for cycle in cycles:
        assert [link.object for link in cycle] == [link.subject for link in cycle[1:] + cycle[:1]]
        assert set(cycle) <= set(rows)
    doubted = {cycle[-1] for cycle in cycles}
    assert is_acyclic([link for link in rows if link not in doubted])
    assert len(doubted) == len(cycles)


def test_the_link_that_leads_down_is_the_one_to_doubt() -> None:
    tree = ["cobra snake", "adder snake", "python snake", "snake reptile", "lizard reptile", "gecko lizard"]
    rows = [Link(row.split()[0], row.split()[1], row, "is_a") for row in [*tree, "reptile cobra"]]
    (cycle,) = find_cycles(rows, places(rows))
    assert [link.relation for link in cycle] == ["cobra snake", "snake reptile", "reptile cobra"]


def test_a_long_way_is_no_cycle_and_a_long_cycle_is_one() -> None:
    way = [Link(f"n{n:05}", f"n{n + 1:05}", f"r{n:05}", "p") for n in range(1500)]
    assert list(find_cycles(way, places(way))) == []
    ring = [*way, Link("n01500", "n00000", "r01500", "p")]
    assert [len(cycle) for cycle in find_cycles(ring, places(ring))] == [1501]
