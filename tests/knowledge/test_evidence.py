"""No claim is called false for which something in the knowledge speaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from prodabuild.engine.view import View
from prodabuild.knowledge.evidence import genus_of, head_of, may_hold, singular
from prodabuild.knowledge.reading import Knowledge
from prodabuild.manifest.load import read_manifest
from prodabuild.project import Options
from prodabuild.project.session import reading
from tests.conftest import Repo, rows_below

# id: (name, definition, aliases, is_a)
CONCEPTS: dict[str, tuple[str, str, str, str]] = {
    "particle": ("particle", "a body of next to no extent", "", ""),
    "elementary": ("elementary particle", "a particle less complex than an atom", "fundamental particle", "particle"),
    "lepton": ("lepton", "an elementary particle of weak interactions, such as the muon", "", "elementary"),
    "hadron": ("hadron", "something large that interacts strongly", "", "elementary"),
    "fermion": ("fermion", "any particle that obeys an exclusion principle", "", "elementary"),
    "antiparticle": ("antiparticle", "something of the same mass with opposite values", "", "elementary"),
    "boson": ("boson", "whatever obeys certain statistics", "", "particle"),
    "photon": ("photon", "a quantum of radiation; an elementary particle that is its own opposite", "", "boson"),
    "muon": ("muon", "a thing of negative charge", "", "boson"),
    "antimuon": ("antimuon", "the antiparticle of a muon", "", "lepton"),
    "quark": ("quark", "a hypothetical particle in nuclei", "", "elementary"),
    "geyser": ("geyser", "a hot thing", "", "hadron"),
    "geysir": ("geysir (spring)", "a spouting thing", "geysers", "particle"),
    "wheel": ("wheel", "a round thing", "", "hadron"),
    "car": ("car", "a thing on roads", "", "hadron"),
}


def declared() -> str:
    lines = ["concepts:"]
    for key, (name, definition, alias, parent) in CONCEPTS.items():
        lines.append(f"- id: zoo/{key}\n  name: {name}\n  definition: {definition}")
        lines += [f"  aliases: [{alias}]"] if alias else []
        lines += [f"  relations:\n  - {{predicate: is_a, object: zoo/{parent}}}"] if parent else []
    lines.append("relations:\n- {subject: zoo/wheel, predicate: part_of, object: zoo/car}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def knowledge(repo: Repo) -> Iterator[Knowledge]:
    repo.write("knowledge/zoo/particles.yaml", declared())
    with reading(repo.path, read_manifest(repo.path), Options()) as session:
        view = View("shard:zoo", session.reader(), session.space.scratch)
        with closing(Knowledge(view, 7)) as found:
            yield found


@pytest.mark.parametrize(
    ("subject", "predicate", "other", "because"),
    [
        ("photon", "is_a", "boson", "it is stated"),
        ("photon", "is_a", "particle", "it follows"),
        ("photon", "is_a", "elementary", "its definition says so"),
        ("antimuon", "is_a", "antiparticle", "its definition says so"),
        ("quark", "is_a", "elementary", "its definition has the head noun"),
        ("quark", "is_a", "fermion", "that takes in any particle"),
        ("muon", "is_a", "lepton", "the definition of that names it"),
        ("geyser", "is_a", "geysir", "that goes by the same name, in the plural"),
        ("wheel", "is_a", "car", "a transitive predicate leads there"),
        ("car", "has_part", "wheel", "its inverse is stated"),
        ("car", "is_a", "car", "it is itself"),
    ],
)
def test_what_something_speaks_for_may_hold(
    knowledge: Knowledge, subject: str, predicate: str, other: str, because: str
) -> None:
    assert may_hold(knowledge, f"zoo/{subject}", predicate, f"zoo/{other}"), because


@pytest.mark.parametrize(
    ("subject", "other"),
    [("antimuon", "hadron"), ("geyser", "boson"), ("elementary", "lepton"), ("car", "wheel")],
)
def test_what_nothing_speaks_for_does_not(knowledge: Knowledge, subject: str, other: str) -> None:
    assert not may_hold(knowledge, f"zoo/{subject}", "is_a", f"zoo/{other}")


def test_no_recipe_and_no_item_calls_wrong_what_something_speaks_for(repo: Repo) -> None:
    repo.edit("proda.yaml", "recipes: [define, relate, choose, judge]", "recipes: [choose, judge, pick, contrast]")
    repo.write("knowledge/zoo/particles.yaml", declared())
    repo.data()
    rows = {
        row["id"]: [message["content"] for message in row["messages"]]
        for row in rows_below(repo.path / "build/dataset/train")
    }
    claims = [question for key, (question, _) in rows.items() if key.endswith("#judge.false")]
    for false in (
        "A photon is a kind of elementary particle",
        "An antimuon is a kind of antiparticle",
        "A quark is a kind of fermion",
    ):
        assert f"True or false: {false}." not in claims
    for key, (question, answer) in rows.items():
        if key.startswith("zoo/photon.is_a") and "Choose from" in question:
            assert "elementary particle" not in question, answer
        if key.startswith("zoo/quark.is_a") and "Choose from" in question:
            assert "fermion" not in question, answer


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("leptons", "lepton"), ("bodies", "body"), ("branches", "branch"), ("boxes", "box"), ("women", "woman"),
        ("children", "child"), ("larvae", "larva"), ("glass", "glass"), ("areas", "area"), ("virus", "virus"), ("analysis", "analysis"),
        ("gas", "gas"), ("houses", "house"), ("Leptons", "lepton"), ("समोसे", "समोसे"),
    ],
)  # fmt: skip
def test_words_are_compared_in_the_singular(plural: str, one: str) -> None:
    assert singular(plural) == (one,)


def test_what_a_name_is_about() -> None:
    assert head_of(singular("elementary particles")) == ("particle",)
    assert head_of(singular("body of water")) == ("body",)
    assert head_of(singular("基本粒子")) == tuple("基本粒子")


def test_what_a_definition_says_that_something_is() -> None:
    assert genus_of("a quantum of radiation; an elementary particle that is large") == (
        "a", "quantum", "", "an", "elementary", "particle",
    )  # fmt: skip
    assert genus_of("any of various small lizards with wings") == ("any", "of", "various", "small", "lizard")
