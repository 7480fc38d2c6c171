"""What an edit can have broken: the narrow check says what the check of everything says, whatever the edit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prodabuild.digest import canonical
from prodabuild.engine.facts import Delta, Fact, diff
from prodabuild.engine.state import State
from prodabuild.knowledge import edits
from prodabuild.knowledge.check import check_all
from prodabuild.knowledge.edits import check_delta
from prodabuild.knowledge.predicates import BUILTIN, PREDICATE
from prodabuild.knowledge.records import FOLDERS, Level, to_fact
from prodabuild.problems import Problem, place_of
from prodabuild.project.documents import document_fact
from tests.conftest import Repo

World = dict[str, tuple[Level, dict[str, Any]]]
CONCEPTS = [f"z/{letter}" for letter in "abcdefghij"]
NAMES = [*"abcdefghij", "ram", "ewe"]
USED = ["is_a", "instance_of", "part_of", "has_part", "antonym_of", "causes"]
DOCUMENT = "sources/z.md"
TEXT = "What was said, was said at length and in many words."


def concept(identity: str, **others: Any) -> dict[str, Any]:
    name = identity.rpartition("/")[2]
    return {"id": identity, "name": name, "definition": f"one of the things that people call {name} now", **others}


def sound_world() -> World:
    """Return knowledge with a bit of everything in it, and nothing wrong."""
    world: World = {identity: ("concept", concept(identity)) for identity in CONCEPTS}
    world["z/a"][1]["disjoint"] = ["z/h"]
    world["z/b"][1]["definition"] = "ram"
    world["z/c"][1]["aliases"] = ["ram"]
    world["z/d"][1]["source"] = {"document": DOCUMENT, "quote": "said at length"}
    rows = [
        ("b", "is_a", "a"), ("c", "is_a", "b"), ("d", "instance_of", "c"), ("e", "is_a", "b"),
        ("f", "part_of", "e"), ("g", "part_of", "f"), ("a", "causes", "h"), ("e", "antonym_of", "c"),
        ("c", "antonym_of", "e"), ("i", "is_a", "h"), ("j", "instance_of", "i"), ("e", "has_part", "j"),
    ]  # fmt: skip
    for number, (one, predicate, two) in enumerate(rows):
        key = f"z/r{number}"
        world[key] = ("relation", {"id": key, "subject": f"z/{one}", "predicate": predicate, "object": f"z/{two}"})
    world["z/x"] = ("chain", {"id": "z/x", "title": "x", "steps": ["z/r1", "z/r0"]})
    world["z/y"] = ("chain", {"id": "z/y", "title": "y", "steps": ["z/r5", "z/r4"]})
    return world


def facts_of(world: World, text: str, folders: list[str]) -> dict[str, list[Fact]]:
    predicates = [Fact(PREDICATE + name, canonical(found.facets()), "built-in") for name, found in BUILTIN.items()]
    found = {
        "records": [to_fact(level, data, "records", "z") for level, data in world.values()],
        "built-in": predicates,
        "proda.yaml": [Fact(FOLDERS, canonical({"folders": folders}), "proda.yaml")],
    }
    if text:
        found[f"document:{DOCUMENT}"] = [document_fact(f"document:{DOCUMENT}", text.encode())]
    return found


names = st.sampled_from(NAMES)
ids = st.sampled_from(CONCEPTS)
chosen = st.one_of(
    st.tuples(st.just("remove"), st.integers(0, 40), st.none(), st.none()),
    st.tuples(st.just("name"), ids, names, st.none()),
    st.tuples(st.just("definition"), ids, st.one_of(names, names.map(lambda name: f"the {name}")), st.none()),
    st.tuples(st.just("aliases"), ids, st.lists(names, min_size=1, max_size=2), st.none()),
    st.tuples(st.just("disjoint"), ids, st.lists(ids, min_size=1, max_size=2), st.none()),
    st.tuples(st.just("quote"), ids, st.sampled_from(["at length", "at last", ""]), st.none()),
    st.tuples(st.just("relation"), ids, st.sampled_from([*USED, "is_b"]), ids),
    st.tuples(st.just("object"), st.integers(0, 40), ids, st.none()),
    st.tuples(st.just("predicate"), st.integers(0, 40), st.sampled_from(USED), st.none()),
    st.tuples(st.just("chain"), st.lists(st.integers(0, 11), min_size=2, max_size=3), st.none(), st.none()),
    st.tuples(st.just("concept"), st.sampled_from(["z/k", "z/l"]), ids, st.none()),
    st.tuples(st.just("text"), st.sampled_from([TEXT, "What was said, was said at last.", ""]), st.none(), st.none()),
    st.tuples(st.just("folders"), st.sampled_from([[], ["sources"]]), st.none(), st.none()),
)


class Play:
    """A world that is edited step by step, and the state that follows it as long as it is sound."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.world, self.text, self.folders = sound_world(), TEXT, ["sources"]
        (root / "sources").mkdir()
        self._write()
        self.state = State(root / "none.db", writable=False)
        self.added = 0
        assert self.take() == ([], [])

    def edit(self, edit: tuple[str, Any, Any, Any]) -> None:
        kind, one, two, three = edit
        relations = sorted(key for key, (level, _) in self.world.items() if level == "relation")
        if kind == "remove":
            del self.world[sorted(self.world)[one % len(self.world)]]
        elif kind in ("name", "definition", "aliases", "disjoint") and one in self.world:
            self.world[one][1][kind] = two
        elif kind == "quote" and one in self.world:
            self.world[one][1]["source"] = {"document": DOCUMENT} | ({"quote": two} if two else {})
        elif kind == "relation":
            self.added += 1
            key = f"z/s{self.added}"
            self.world[key] = ("relation", {"id": key, "subject": one, "predicate": two, "object": three})
        elif kind in ("object", "predicate"):
            self.world[relations[one % len(relations)]][1][kind] = two
        elif kind == "chain":
            self.added += 1
            steps = [relations[number % len(relations)] for number in one]
            self.world[f"z/t{self.added}"] = ("chain", {"id": f"z/t{self.added}", "title": "t", "steps": steps})
        elif kind == "concept":
            self.world[one] = ("concept", concept(one))
            self.world[f"{one}r"] = ("relation", {"id": f"{one}r", "subject": one, "predicate": "is_a", "object": two})
        elif kind == "text":
            self.text = one
        elif kind == "folders":
            self.folders = one

    def take(self) -> tuple[list[Problem], list[Problem]]:
        """Record the world; returns what the narrow check and the check of everything say. Unsound, it is taken back."""
        self._write()
        facts = facts_of(self.world, self.text, self.folders)
        gone = [] if self.text else [f"document:{DOCUMENT}"]
        found: tuple[list[Problem], list[Problem]] = ([], [])
        try:
            with self.state.transaction():
                delta = diff(self.state, facts, gone)
                self.state.apply(delta, [], [])
                near = check_delta(self.root, self.state, delta)
                found = (sorted(near, key=place_of), sorted(check_all(self.root, self.state.all_facts), key=place_of))
                if found[1]:
                    raise InterruptedError
        except InterruptedError:
            pass
        return found

    def _write(self) -> None:
        path = self.root / DOCUMENT
        if self.text:
            path.write_text(self.text, "utf-8")
        else:
            path.unlink(missing_ok=True)


def play(history: list[list[tuple[str, Any, Any, Any]]]) -> Iterator[tuple[list[Problem], list[Problem]]]:
    with tempfile.TemporaryDirectory() as folder:
        game = Play(Path(folder))
        for turn in history:
            before = (deepcopy(game.world), game.text, game.folders)
            for edit in turn:
                game.edit(edit)
            near, whole = game.take()
            yield near, whole
            if whole:
                game.world, game.text, game.folders = before


histories = st.lists(st.lists(chosen, min_size=1, max_size=3), min_size=1, max_size=5)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_an_edit_is_told_the_same_errors_as_the_whole(history: list[list[tuple[str, Any, Any, Any]]]) -> None:
    for near, whole in play(history):
        assert near == whole


@pytest.mark.engine
@settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_any_edit_is_told_the_same_errors_as_the_whole(history: list[list[tuple[str, Any, Any, Any]]]) -> None:
    for near, whole in play(history):
        assert near == whole


KINDS = "knowledge/zoo/kinds.yaml"
GECKO = "definition: a lizard with the habits of a gecko and of nothing else"
# what is edited, and the one code that it brings in
BREAKING = {
    "own name": (GECKO, "definition: the gecko", "K012"),
    "circle of names": (GECKO, "definition: skunk\n  aliases: [lizzie]", "K013"),
    "itself": ("object: zoo/lizard}\n- id: zoo/iguana", "object: zoo/gecko}\n- id: zoo/iguana", "K030"),
    "twice": (GECKO, GECKO + "\n  relations:\n  - {predicate: is_a, object: zoo/snake, id: zoo/one}\n  - {predicate: is_a, object: zoo/snake, id: zoo/two}\n- id: zoo/x\n  name: x\n  definition: unknown to all", "K015"),
    "opposite": (GECKO, GECKO + "\n  relations:\n  - {predicate: antonym_of, object: zoo/snake}\n  - {predicate: part_of, object: zoo/snake}\n- id: zoo/x\n  name: x\n  definition: unknown to all", "K031"),
    "disjoint": ("one of the great families of the zoo, known by its fish shape", "one of the great families of the zoo, known by its fish shape\n  disjoint: [zoo/shark]", "K032"),
    "disjoint with nothing": ("one of the great families of the zoo, known by its fish shape", "one of the great families of the zoo, known by its fish shape\n  disjoint: [zoo/shrak]", "K005"),
}  # fmt: skip


@pytest.mark.parametrize("case", BREAKING)
def test_compile_refuses_what_check_finds(repo: Repo, case: str) -> None:
    old, new, code = BREAKING[case]
    repo.write("knowledge/zoo/skunk.yaml", "concepts:\n- {id: zoo/skunk, name: skunk, definition: a lizzie}\n")
    repo.edit("knowledge/zoo/skunk.yaml", "a lizzie}", "a lizzie, relations: [{predicate: is_a, object: zoo/bird}]}")
    repo.built()
    repo.edit(KINDS, old, new)
    found = repo.run("check", "--json").json["problems"]
    mistakes = [problem for problem in found if problem["severity"] == "error"]
    assert code in {problem["code"] for problem in mistakes}
    for command in ("compile", "plan"):
        outcome = repo.run(command, "--to", "data", "--json")
        assert outcome.code == 1
        assert outcome.json["problems"] == mistakes


def test_a_new_rule_looks_at_what_was_recorded_under_the_old_ones(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "check_all", lambda root, read: [])
    repo.edit(KINDS, GECKO, "definition: the gecko")
    repo.data()
    monkeypatch.undo()
    assert repo.run("compile", "--to", "data").code == 0
    state = State(repo.path / ".prodabuild/state.db", writable=True)
    with state.transaction():
        (fact,) = [fact for fact in state.all_facts() if fact.key == "module:prodabuild.knowledge.definitions"]
        older = fact._replace(value=b'{"code":"00","imports":[]}')
        state.apply(Delta({older.key: older}, {fact.key: fact}), [], [])
        state._db.execute("DELETE FROM files WHERE name = ?", (fact.source,))
    state.close()
    outcome = repo.run("compile", "--to", "data")
    assert outcome.code == 1
    assert "error[K012]: the definition of 'gecko' is only its own name" in outcome.err
