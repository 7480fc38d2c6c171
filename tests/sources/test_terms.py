from __future__ import annotations

from itertools import permutations

from prodabuild.sources.terms import Edge, Records, Term, records_of

TERMS = [
    Term("k1", "C", "code", "a#1", "a language"),
    Term("k2", "C++", "code", "a#2", "a language with classes"),
    Term("k3", "c", "music", "a#3", "a note"),
    Term("k4", "??", "code", "a#4", "two marks"),
]
EDGES = [
    Edge("k1", "precedes", "k2", "a#1"),
    Edge("k3", "sounds_like", "k1", "a#3"),
    Edge("k4", "follows", "k1", "a#4"),
]


def run(terms: list[Term], edges: list[Edge] = EDGES, known: dict[str, str] | None = None) -> Records:
    return records_of(terms, edges, "stem", known or {})


def test_ids_do_not_depend_on_the_order_of_terms() -> None:
    found = [run(list(order)).ids for order in permutations(TERMS)]
    assert all(ids == found[0] for ids in found)
    assert found[0] == {"k1": "code/c_k1", "k2": "code/c", "k3": "music/c_k3", "k4": "code/94091d"}


def test_the_first_of_two_with_one_slug_keeps_it() -> None:
    terms = [TERMS[1], TERMS[3], Term("k0", "C#", "code", "a#0", "another language")]
    ids = run(terms, [Edge("k0", "precedes", "k2", ""), Edge("k4", "follows", "k2", "")]).ids
    assert ids == {"k0": "code/c", "k2": "code/c_015f7e", "k4": "code/94091d"}


def test_known_ids_stay_and_nobody_else_gets_them() -> None:
    ids = run(TERMS, known={"k2": "code/c_k1", "k3": "code/c"}).ids
    assert ids["k2"] == "code/c_k1"
    assert ids["k3"] == "music/c_k3"
    assert len(set(ids.values())) == 4


def test_edges_to_nothing_to_itself_and_twice_are_dropped() -> None:
    edges = [*EDGES, EDGES[0]._replace(source="again"), Edge("k1", "is_a", "k1", ""), Edge("k1", "is_a", "k9", "")]
    relations = run(TERMS, edges).disciplines["code"].relations
    assert [(row["predicate"], row["source"]) for row in relations] == [("precedes", "a#1"), ("follows", "a#4")]


def test_a_concept_without_definition_is_placed_by_its_kinds() -> None:
    terms = [Term(str(n), f"t{n}", "code", "", "" if n == 0 else "d") for n in range(5)]
    concepts = run(terms, [Edge(str(n), "is_a", "0", "") for n in range(1, 5)]).disciplines["code"].concepts["stem"]
    assert concepts[0]["definition"] == "what t1, t2 and t3 are kinds of"


def test_aliases_that_repeat_the_name_are_dropped() -> None:
    terms = [TERMS[1]._replace(aliases=("c++", "cpp", "cpp", "C plus plus")), TERMS[3]]
    (concept, _) = run(terms, [Edge("k4", "follows", "k2", "")]).disciplines["code"].concepts["stem"]
    assert concept["aliases"] == ["cpp", "C plus plus"]


def test_where_most_names_are_plurals_those_that_look_so_are() -> None:
    labels = ("dogs", "animals", "terriers", "mice", "New York dogs")
    terms = [Term(label, label, "zoo", "", "definition") for label in labels]
    edges = [Edge(label, "is_a", "animals", "") for label in labels]
    nouns = {row["name"]: row.get("noun") for row in run(terms, edges).disciplines["zoo"].concepts["stem"]}
    assert nouns == {
        "dogs": "plural",
        "animals": "plural",
        "terriers": "plural",
        "mice": None,
        "New York dogs": "plural",
    }
    few = [*terms[:2], *(Term(label, label, "zoo", "", "d") for label in ("cat", "cow", "hen"))]
    edges = [Edge(term.key, "is_a", "animals", "") for term in few]
    assert not any("noun" in row for row in run(few, edges).disciplines["zoo"].concepts["stem"])
