"""What chains make no items of is said with its reason, and stops nothing."""

from __future__ import annotations

import pytest

from tests.conftest import CHECKED, Repo, rows_below

# kind: leaves -> 13 concepts, 9 chains that end at 2 kinds, none of them balanced
SMALL = {"fruit": ["apple", "pear", "plum", "fig", "kiwi"], "tree": ["oak", "birch", "elm", "ash"]}


def small() -> str:
    concepts, chains = [], []
    for kind, leaves in SMALL.items():
        concepts.append(f"- {{id: law/{kind}, name: {kind}, definition: what all {kind} has in common}}")
        middle = f"{kind[::-1]}oid"
        concepts.append(f"- {{id: law/{middle}, name: {middle}, definition: a sort of its own}}")
        for leaf in leaves:
            concepts.append(f"- {{id: law/{leaf}, name: {leaf}, definition: something unlike all others}}")
            chains.append(
                f"- {{id: law/{leaf}..{kind}, title: t, steps: [law/{leaf}.is_a.{middle}, law/{middle}.is_a.{kind}]}}"
            )
    relations = [
        f"- {{subject: law/{one}, predicate: is_a, object: law/{other}}}"
        for kind, leaves in SMALL.items()
        for one, other in [(f"{kind[::-1]}oid", kind), *((leaf, f"{kind[::-1]}oid") for leaf in leaves)]
    ]
    parts = {"concepts": concepts, "relations": relations, "chains": chains}
    return "".join(f"{name}:\n" + "\n".join(rows) + "\n" for name, rows in parts.items())


@pytest.fixture
def law(repo: Repo) -> Repo:
    """A repo with one small discipline."""
    repo.edit("proda.yaml", "  zoo: {knowledge: [knowledge/zoo]}\n  tools: {knowledge: [knowledge/tools]}\n", "  law: {knowledge: [knowledge/law]}\n")  # fmt: skip
    repo.edit("proda.yaml", "sealed: 0.5", "sealed: 0")
    repo.write("knowledge/law/all.yaml", small())
    return repo


def test_a_small_repository_has_items_and_a_warning_that_they_are_not_balanced(law: Repo) -> None:
    before = law.run("check")
    assert before.code == 0
    assert "proda.yaml:4:3: warning[T004]: too few chains to balance the dev items of 'law'" in before.out
    outcome = law.run("compile", "--to", "data")
    assert outcome.code == 0
    assert "warning: too few chains to balance their items in law: what comes often may tell an answer\n" in outcome.err
    items = rows_below(law.path / "build/suites/chains")
    assert len(items) == 9
    assert all(len(set(item["choices"])) == 4 for item in items)
    assert law.run("check").out == before.out  # the same of what is built


def test_the_same_is_said_before_and_after_a_build(repo: Repo) -> None:
    first = repo.run("check")
    assert (first.code, first.out) == (0, CHECKED)
    repo.built()
    assert repo.run("check").out == first.out
    assert repo.run("check", "-W", "error:T002").code == 1


def test_a_suite_without_items_is_a_warning_and_the_data_is_built(repo: Repo) -> None:
    for discipline in ("zoo", "tools"):
        (repo.path / "knowledge" / discipline / "chains.yaml").unlink()
    found = repo.run("check").out.splitlines()
    assert found[:2] == [
        "proda.yaml:10:3: warning[T001]: the suite 'chains' has no item: it has no chain",
        "hint: add `chains:` to its knowledge",
    ]
    outcome = repo.run("compile", "--to", "data")
    assert outcome.code == 0
    assert (
        "warning: the suite 'chains' has no item: nothing will be tested, `prodabuild check` says why\n" in outcome.err
    )
    assert (repo.path / "build/dataset/dataset.json").exists()
    assert list(repo.files("build/suites/chains")) == ["items.py"]


def test_a_discipline_without_items_and_a_sealed_share_that_is_empty_have_their_places(repo: Repo) -> None:
    (repo.path / "knowledge/tools/chains.yaml").unlink()
    repo.edit("proda.yaml", "sealed: 0.5", "sealed: 0.0001")
    found = [
        (each["code"], each["line"], each["column"], each["message"])
        for each in repo.run("check", "--json").json["problems"]
    ]
    assert found == [
        ("T002", 5, 3, "the discipline 'tools' makes no test item: it has no chain"),
        ("T003", 10, 26, "a share of 0.0001 is sealed, and no item is: gates look at dev items"),
    ]
    repo.edit("proda.yaml", "sealed: 0.0001", "sealed: 0")
    assert [each["code"] for each in repo.run("check", "--json").json["problems"]] == ["T002"]


def test_a_discipline_whose_chains_all_fall_away_says_for_how_many_and_why(repo: Repo) -> None:
    tools = repo.read("knowledge/tools/chains.yaml").decode().split("- id: ")
    only = [chain for chain in tools[1:] if chain.startswith(("tools/band_saw..", "tools/bow_drill.."))]
    repo.write("knowledge/tools/chains.yaml", "chains:\n" + "".join(f"- id: {chain}" for chain in only))
    (found,) = repo.run("check", "--json").json["problems"]
    assert (found["code"], found["message"]) == (
        "T002",
        "the discipline 'tools' makes no test item: of 2 chains the question gives letters of the answer away",
    )
    assert found["hint"] == "`prodabuild why CHAIN` says why a chain makes no item"


@pytest.mark.parametrize(
    ("chain", "because"),
    [
        ("tools/band_saw..saw", "the question gives letters of the answer away"),
        ("zoo/adder..reptile", "the answer cannot be a wrong option of others three times as often as it is an answer"),
    ],
)
def test_why_says_of_a_chain_why_it_makes_no_item(repo: Repo, chain: str, because: str) -> None:
    for _ in range(2):
        assert f"note: it makes no test item: {because}\n" in repo.run("why", chain).out
        repo.data()


def test_why_says_of_a_chain_what_samples_teach_and_what_follows_from_nothing(repo: Repo) -> None:
    more = "relations:\n- {subject: zoo/gecko, predicate: part_of, object: zoo/reptile}\n- {subject: zoo/gecko, predicate: antonym_of, object: zoo/cobra}\n"
    chain = "chains:\n- {id: zoo/odd, title: t, steps: [zoo/gecko.antonym_of.cobra, zoo/cobra.is_a.snake]}\n"
    repo.write("knowledge/zoo/more.yaml", more + chain)
    taught = "samples teach what it asks: a relation joins its ends, or a step states 13 words of it"
    assert f"note: it makes no test item: {taught}\n" in repo.run("why", "zoo/gecko..reptile").out
    assert "note: it makes no test item: nothing follows from the steps\n" in repo.run("why", "zoo/odd").out


def test_a_lone_chain_stops_nothing(law: Repo) -> None:
    law.write(
        "knowledge/law/all.yaml",
        "concepts:\n"
        + "".join(
            f"- {{id: law/{name}, name: {name}, definition: {text}}}\n"
            for name, text in [("oak", "an x"), ("tall", "a y"), ("wood", "a z")]
        )
        + "relations:\n- {subject: law/oak, predicate: is_a, object: law/tall}\n- {subject: law/tall, predicate: is_a, object: law/wood}\n"
        "chains:\n- {id: law/c, title: t, steps: [law/oak.is_a.tall, law/tall.is_a.wood]}\n",
    )
    assert "note: it makes no test item: the answer cannot be a wrong option of others" in law.run("why", "law/c").out
    assert law.run("compile", "--to", "data", "-q").code == 0
