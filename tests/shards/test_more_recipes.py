"""Recipes to opt in to: word for word over the small repo; by rule over this repository's sixteen disciplines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from prodabuild.engine.state import State
from prodabuild.engine.view import input_names
from prodabuild.knowledge.splits import split_of
from prodabuild.shards.phrasing import FACTS, MEANINGS, TERMS
from prodabuild.shards.recipes import RECIPES
from prodabuild.yamlio import load
from tests.conftest import ALL_RECIPES, Repo, rows_below
from tests.shards.test_recipes import RULES, said

NEW = ALL_RECIPES[4:]
DEFAULT = "recipes: [define, relate, choose, judge]"
GECKO = "a lizard with the habits of a gecko and of nothing else"
OWL = ("zoo/owl.is_a.bird", "zoo/owl", "zoo/bird")


Rows = list[dict[str, Any]]


def train(path: Path) -> Rows:
    return rows_below(path / "build/dataset/train")


def of(rows: Rows, *recipes: str) -> Rows:
    return [row for row in rows if row["recipe"] in recipes]


@pytest.fixture(scope="module")
def rows(taught: Path) -> Rows:
    """All samples, read once."""
    return train(taught)


def declare(repo: Repo, *recipes: str, more: str = "") -> None:
    repo.edit("proda.yaml", DEFAULT, f"recipes: [{', '.join(recipes)}]{more}")


def test_all_recipes_that_ship_are_tried_here() -> None:
    assert list(RECIPES) == ALL_RECIPES


def test_concepts_and_relations_read_as_written_here(repo: Repo) -> None:
    declare(repo, *NEW)
    repo.edit("knowledge/zoo/kinds.yaml", "known by its bird shape", "known by its bird shape\n  disjoint: [zoo/fish]")
    repo.data()
    found = {row["id"]: (*said(row), row["nodes"]) for row in train(repo.path)}
    pair = ["zoo/gecko", "zoo/gecko.is_a.lizard", "zoo/lizard", "zoo/iguana"]
    owl = list(OWL)
    assert {key: row for key, row in found.items() if key.startswith(("zoo/gecko#", "zoo/owl.is_a"))} == {
        "zoo/gecko#explain.meaning1": ('Explain the term "gecko".', f"{GECKO[0].upper()}{GECKO[1:]}.", ["zoo/gecko"]),
        "zoo/gecko#explain.meaning2": ('Define "gecko".', f"{GECKO[0].upper()}{GECKO[1:]}.", ["zoo/gecko"]),
        "zoo/gecko#explain.term1": (f"Name what is described here: {GECKO}.", "gecko.", ["zoo/gecko"]),
        "zoo/gecko#explain.term2": (f"What is the word for this: {GECKO}?", "gecko.", ["zoo/gecko"]),
        "zoo/gecko#contrast.meaning": (f"Which of the two means {GECKO}? Choose from: gecko or iguana.", "gecko.", pair),
        "zoo/gecko#contrast.apart": ("What sets a gecko apart from an iguana?", f"Both are a kind of lizard, but \"gecko\" means {GECKO}.", pair),
        "zoo/owl.is_a.bird#reverse.question": ("What is one kind of bird?", "owl.", owl),
        "zoo/owl.is_a.bird#reverse.statement": ("Give one fact that names a bird.", "An owl is a kind of bird.", owl),
        "zoo/owl.is_a.bird#deny.yes": ("Can one say that an owl is a kind of bird?", "Yes: an owl is a kind of bird.", owl),
        "zoo/owl.is_a.bird#deny.disjoint": (
            "Can one say that an owl is a kind of fish?",
            "No: an owl is a kind of bird, and nothing is of both kinds.",
            [*owl, "zoo/fish"],
        ),
        "zoo/owl.is_a.bird#steps.step": ("The next step only: What kind of thing is an owl?", "An owl is a kind of bird.", owl),
        "zoo/owl.is_a.bird#steps.before": ('Where does a step end that "An owl is a kind of bird" can follow?', 'At "owl".', owl),
    }  # fmt: skip
    kind = ["zoo/barn_owl", "zoo/barn_owl.is_a.owl", "zoo/owl", "zoo/cockatoo"]
    assert found["zoo/barn_owl#contrast.kind"] == (
        "Which of the two is a kind of owl? Choose from: barn owl or cockatoo.",
        "barn owl.",
        kind,
    )


@pytest.mark.parametrize("rule", RULES)
def test_samples_keep_to_the_rules_of_language(rows: Rows, rule: str) -> None:
    texts = {text for row in of(rows, *NEW) for text in said(row)}
    assert len(texts) > 20_000
    assert [text for text in texts if re.search(RULES[rule], text)] == []


def test_questions_end_with_a_mark_and_no_answer_begins_another(rows: Rows) -> None:
    assert {question[-1] for question, _ in map(said, rows)} <= {"?", "."}
    answers = sorted({answer for _, answer in map(said, rows)})
    assert {answer[-1] for answer in answers} == {"."}
    assert not [one for one, two in pairwise(answers) if two.startswith(one)]


def test_every_recipe_makes_samples_in_every_discipline_and_every_record_lists_its_samples(rows: Rows) -> None:
    found = {(row["discipline"], row["recipe"]) for row in rows}
    assert len(found) == 16 * len(ALL_RECIPES)
    nodes = Counter(node for row in rows for node in set(row["nodes"]))
    assert set(nodes) == {row["id"].partition("#")[0] for row in rows}
    assert len(nodes) == 1982 + 2081
    assert min(nodes.values()) >= 6  # define and explain ask of every concept, relate and reverse of every relation


def test_no_two_samples_say_the_same_word_for_word(rows: Rows) -> None:
    texts = Counter(tuple(" ".join(text.lower().split()) for text in said(row)) for row in rows)
    assert [text for text, number in texts.items() if number > 1] == []


def test_phrasings_are_drawn_about_equally_often(rows: Rows) -> None:
    chosen = of(rows, "explain", "reverse")
    for phrasings, variants in ((MEANINGS, "meaning"), (TERMS, "term"), (FACTS, "statement")):
        heads = {phrasing.partition("{")[0]: phrasing.rpartition("}")[2] for phrasing in phrasings}
        asked = [said(row)[0] for row in chosen if row["id"].rpartition(".")[2].rstrip("12") == variants]
        number = Counter(
            next(head for head, tail in heads.items() if text.startswith(head) and text.endswith(tail))
            for text in asked
        )
        assert len(number) == len(phrasings)
        assert max(number.values()) < 1.2 * min(number.values())


Options = list[tuple[list[str], str]]


def choices(rows: Rows, recipe: str) -> Options:
    found = []
    for row in of(rows, recipe):
        question, answer = said(row)
        if (listed := question.partition(" Choose from: ")[2]) != "":
            options = re.split(r", | or ", listed.removesuffix("."))
            assert options.count(answer.removesuffix(".")) == 1
            assert len({option.lower() for option in options}) == len(options)
            found.append((options, answer.removesuffix(".")))
    return found


def accuracy(items: Options, score: Callable[[list[str], int], float]) -> float:
    """Return how often the option of the highest score is right, ties broken fairly."""
    right = 0.0
    for options, answer in items:
        scores = [score(options, at) for at in range(len(options))]
        best = [option for option, value in zip(options, scores, strict=True) if value == max(scores)]
        right += (answer in best) / len(best)
    return right / len(items)


@pytest.mark.parametrize("recipe", ["pick", "contrast"])
def test_options_tell_nothing_by_place_length_or_frequency(rows: Rows, recipe: str) -> None:
    items = choices(rows, recipe)
    assert len(items) > 800
    chance = sum(1 / len(options) for options, _ in items) / len(items)
    right = Counter(answer for _, answer in items)
    shown = Counter(option for options, _ in items for option in options)
    baselines: dict[str, Callable[[list[str], int], float]] = {
        "first": lambda _, at: -at,
        "last": lambda _, at: at,
        "longest": lambda options, at: len(options[at]),
        "shortest": lambda options, at: -len(options[at]),
        "most often right": lambda options, at: right[options[at]],
        "most often shown": lambda options, at: shown[options[at]],
    }
    if recipe == "pick":
        baselines["least often right"] = lambda options, at: -right[options[at]]
        baselines["least often shown"] = lambda options, at: -shown[options[at]]
    scores = {name: accuracy(items, score) for name, score in baselines.items()}
    assert {name: score for name, score in scores.items() if abs(score - chance) > 0.06} == {}  # some have no near miss


def test_neither_place_nor_length_tells_the_answer_of_choose(rows: Rows) -> None:
    items = choices(rows, "choose")
    chance = sum(1 / len(options) for options, _ in items) / len(items)
    for score in (lambda _, at: -at, lambda options, at: len(options[at]), lambda options, at: -len(options[at])):
        assert abs(accuracy(items, score) - chance) < 0.05


def test_options_of_pick_are_wrong_so_often_as_they_are_right_times_the_others(rows: Rows) -> None:
    items = choices(rows, "pick")
    right = Counter[str](answer for _, answer in items)
    wrong = Counter[str]()
    for options, answer in items:
        wrong.update({option: 1 for option in options if option != answer})
    asked = {name for name, number in right.items() if number == 1}
    assert len(asked) > 750
    sizes = {answer: len(options) for options, answer in items}
    off = [name for name in asked if wrong[name] != sizes[name] - 1]
    assert len(off) < 0.01 * len(asked)  # concepts of one name


def relations(path: Path) -> set[tuple[str, str, str]]:
    found = set()
    for file in (path / "knowledge").rglob("*.yaml"):
        tree = load(file.read_text("utf-8"))
        for concept in tree.get("concepts", ()):
            found |= {(concept["id"], row["predicate"], row["object"]) for row in concept.get("relations", ())}
        found |= {(row["subject"], row["predicate"], row["object"]) for row in tree.get("relations", ())}
    return found


def test_what_is_denied_follows_from_no_relation_and_what_is_not_is_one(taught: Path, rows: Rows) -> None:
    facts = {said(row)[1].lower() for row in of(rows, "relate") if row["id"].endswith(".statement")}
    denied = of(rows, "deny")
    for row in denied:
        question, answer = said(row)
        claim = question.partition(" that ")[2].removesuffix("?")
        yes = row["id"].endswith("deny.yes")
        assert (f"{claim}.".lower() in facts) == yes == answer.startswith("Yes: ")
        told = answer.rpartition(": ")[2].removesuffix(".").removesuffix(", and nothing is of both kinds").lower()
        assert f"{told}." in facts
    parents: dict[str, set[str]] = {}
    for subject, predicate, target in relations(taught):
        if predicate in ("is_a", "instance_of"):
            parents.setdefault(subject, set()).add(target)

    def above(concept: str) -> set[str]:
        found: set[str] = set()
        todo = [concept]
        while todo:
            fresh = parents.get(todo.pop(), set()) - found
            found |= fresh
            todo += fresh
        return found

    backwards = [row["nodes"] for row in denied if row["id"].endswith("deny.backwards")]
    assert len(backwards) > 500
    assert [nodes for nodes in backwards if nodes[1] in above(nodes[2])] == []


def test_what_cannot_be_proved_false_is_not_denied(repo: Repo) -> None:
    declare(repo, "deny")
    rows = "".join(
        f"- {{id: zoo/{name}, subject: zoo/gecko, predicate: {name}, object: zoo/ant}}\n"
        for name in ("causes", "antonym_of", "precedes")
    )
    repo.write("knowledge/zoo/more.yaml", f"relations:\n{rows}")
    repo.data()
    found = {row["id"].partition("#")[0]: said(row) for row in train(repo.path) if not row["id"].endswith(".yes")}
    assert "zoo/causes" not in found  # it may hold both ways
    assert found["zoo/antonym_of"][1] == "No: a gecko is the opposite of an ant."
    assert found["zoo/precedes"][1] == "No: it is the other way round: a gecko is followed by an ant."


def test_as_much_is_false_as_true_in_every_shard(taught: Path) -> None:
    for file in (taught / "build/dataset/train").rglob("*.jsonl"):
        rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
        for recipe, yes in (("deny", "Yes: "), ("judge", "True.")):
            answers = [said(row)[1] for row in rows if row["recipe"] == recipe]
            assert 2 * sum(answer.startswith(yes) for answer in answers) == len(answers) > 0


def test_no_sample_joins_what_an_item_asks_with_its_answer(taught: Path, rows: Rows) -> None:
    items = rows_below(taught / "build/items")
    assert len(items) > 800
    ends = {(item["nodes"][0], item["nodes"][-1]) for item in items}
    questions = {item["question"].lower() for item in items}
    for row in of(rows, *NEW):
        text = " ".join(said(row)).lower()
        assert text not in questions
        concepts = row["nodes"][:3] if row["recipe"] in ("contrast", "pick") else row["nodes"]  # not wrong options
        assert not [(one, two) for one in concepts for two in concepts if (one, two) in ends]


def test_steps_of_sealed_chains_alone_are_not_taught(taught: Path, rows: Rows) -> None:
    chains = [
        chain
        for file in (taught / "knowledge").rglob("chains.yaml")
        for chain in load(file.read_text("utf-8"))["chains"]
    ]
    open_steps = {step for chain in chains if split_of(chain["id"], 0.3) == "dev" for step in chain["steps"]}
    sealed_only = {step for chain in chains for step in chain["steps"]} - open_steps
    assert len(sealed_only) > 100
    assert {row["id"].partition("#")[0] for row in of(rows, "steps")} == open_steps


def test_no_shard_reads_a_sealed_chain(repo: Repo) -> None:
    declare(repo, *ALL_RECIPES)
    repo.data()
    state = State(repo.path / ".prodabuild/state.db", writable=False)
    read = {name for trace in state.current_traces("shards") for name in input_names(trace)}
    chains = {name.partition("#")[0] for name in read if ".." in name and "#" in name}
    assert "zoo/cobra..reptile" in chains
    assert {split_of(chain, 0.5) for chain in chains} == {"dev"}


def test_why_lists_every_sample_of_a_record_of_each_level(repo: Repo) -> None:
    declare(repo, *ALL_RECIPES)
    repo.data()
    rows = train(repo.path)
    for record in ("zoo/gecko", "zoo/lizard", "zoo/gecko.is_a.lizard", "zoo/lizard.is_a.reptile"):
        (listed,) = repo.run("why", record, "-v", "--json").json["samples"]
        assert {row["what"] for row in listed["first"]} == {row["id"] for row in rows if record in row["nodes"]}
    (listed,) = repo.run("why", "zoo/iguana..reptile", "-v", "--json").json["samples"]
    steps = {"zoo/iguana.is_a.lizard", "zoo/lizard.is_a.reptile"}
    assert {row["what"] for row in listed["first"]} == {
        row["id"] for row in rows if row["id"].partition("#")[0] in steps
    }


EDITS = [
    ("a sibling comes", "knowledge/zoo/kinds.yaml", "- id: zoo/iguana\n", "- id: zoo/agama\n  name: agama\n  definition: a lizard that suns itself\n  relations:\n  - {predicate: is_a, object: zoo/lizard}\n- id: zoo/iguana\n"),
    ("a kind is declared disjoint", "knowledge/zoo/kinds.yaml", "known by its bird shape", "known by its bird shape\n  disjoint: [zoo/fish]"),
    ("a name changes", "knowledge/zoo/kinds.yaml", "name: lizard", "name: saurian"),
    ("a definition changes", "knowledge/zoo/kinds.yaml", GECKO, "a lizard that sticks to walls"),
    ("a relation moves", "knowledge/tools/kinds.yaml", "relations:\n  - {predicate: is_a, object: tools/saw}", "relations:\n  - {predicate: part_of, object: tools/saw}"),
    ("a chain goes", "knowledge/zoo/chains.yaml", "- id: zoo/cobra..reptile\n  title: from cobra to reptile\n  steps:\n  - zoo/cobra.is_a.snake\n  - zoo/snake.is_a.reptile\n", ""),
    ("chains are sealed", "proda.yaml", "sealed: 0.5", "sealed: 0.9"),
]  # fmt: skip


def test_after_each_edit_a_build_is_the_one_from_nothing(repo: Repo, tmp_path: Path) -> None:
    declare(repo, *ALL_RECIPES)
    repo.edit(
        "knowledge/tools/chains.yaml",
        "chains:",
        "chains: []\nrelations:\n- {subject: tools/ripsaw, predicate: part_of, object: tools/drill}\n- {subject: tools/ripsaw, predicate: part_of, object: tools/plane}\nbelow:",
    )
    text = repo.read("knowledge/tools/chains.yaml").decode().partition("below:")[0]
    repo.write("knowledge/tools/chains.yaml", text)
    repo.data()
    for number, (_, file, old, new) in enumerate(EDITS):
        repo.edit(file, old, new)
        repo.data()
        fresh = Repo(tmp_path / f"fresh{number}", repo.capsys)
        for name in ("proda.yaml", *(f"knowledge/{name}" for name in repo.files("knowledge"))):
            fresh.write(name, repo.read(name))
        fresh.data()
        assert repo.files("build/dataset") == fresh.files("build/dataset")
