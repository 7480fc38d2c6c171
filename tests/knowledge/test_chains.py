from __future__ import annotations

from prodabuild.knowledge.chains import Link, by_subject, conclude, derive_chains
from prodabuild.knowledge.language import Name
from prodabuild.knowledge.predicates import BUILTIN

LINKS = [
    Link(f"{a}.{p}.{b}", a, p, b)
    for a, p, b in [
        ("x/a", "is_a", "x/b"),
        ("x/b", "is_a", "x/c"),
        ("x/b", "part_of", "x/d"),
        ("x/c", "antonym_of", "x/e"),
    ]
]
NAMES = {f"x/{name}": Name(name) for name in "abcde"}


def test_what_follows_from_predicates_in_a_row() -> None:
    assert conclude(BUILTIN, ["is_a", "is_a"]) == "is_a"
    assert conclude(BUILTIN, ["instance_of", "is_a", "is_a"]) == "instance_of"
    assert conclude(BUILTIN, ["is_a", "part_of"]) == "part_of"
    assert conclude(BUILTIN, ["antonym_of", "is_a"]) is None
    assert conclude(BUILTIN, ["is_a", "unheard_of"]) is None


def test_chains_join_and_conclude() -> None:
    chains = derive_chains(NAMES, by_subject(LINKS), BUILTIN, ["x/a", "x/b"], most=10)
    assert chains == [
        {
            "id": "x/a..b..c",
            "title": "from a to c",
            "steps": ["x/a.is_a.x/b", "x/b.is_a.x/c"],
            "conclusion": "An a is a kind of c.",
        },
        {
            "id": "x/a..b..d",
            "title": "from a to d",
            "steps": ["x/a.is_a.x/b", "x/b.part_of.x/d"],
            "conclusion": "An a is part of a d.",
        },
    ]


def test_no_first_or_last_concept_is_used_much_more_than_another() -> None:
    links = [Link(f"l{n}", f"x/leaf{n}", "is_a", f"x/mid{n % 4}") for n in range(40)]
    links += [Link(f"m{n}", f"x/mid{n}", "is_a", f"x/top{n % 2}") for n in range(4)]
    names = {concept: Name(concept) for link in links for concept in (link.subject, link.object)}
    chains = derive_chains(names, by_subject(links), BUILTIN, sorted(names), most=20)
    ends = [chain["title"].rpartition(" ")[2] for chain in chains]
    assert abs(ends.count("x/top0") - ends.count("x/top1")) <= 1


def test_chains_stay_when_links_come() -> None:
    links = [Link(f"l{n}", f"x/leaf{n}", "is_a", f"x/mid{n % 4}") for n in range(40)]
    links += [Link(f"m{n}", f"x/mid{n}", "is_a", f"x/top{n % 2}") for n in range(4)]
    more = [*links, *(Link(f"l{n}", f"x/leaf{n}", "is_a", "x/mid0") for n in range(40, 60))]
    names = {concept: Name(concept) for link in more for concept in (link.subject, link.object)}
    before = derive_chains(names, by_subject(links), BUILTIN, sorted(names), most=20)
    assert derive_chains(names, by_subject(more), BUILTIN, sorted(names), most=20) != before
    keep = {chain["id"] for chain in before}
    assert derive_chains(names, by_subject(more), BUILTIN, sorted(names), 20, keep) == before


def test_two_links_between_the_same_concepts_make_one_chain() -> None:
    links = [*LINKS, Link("x/a.part_of.x/b", "x/a", "part_of", "x/b")]
    chains = derive_chains(NAMES, by_subject(links), BUILTIN, ["x/a", "x/b"], most=10)
    assert [chain["id"] for chain in chains] == ["x/a..b..c", "x/a..b..d"]
