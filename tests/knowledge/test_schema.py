"""Schemas for editors: they take what the readers take, and refuse what one file shows to be wrong."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from prodabuild.knowledge import declarations
from prodabuild.knowledge.declarations import parse_predicates
from prodabuild.knowledge.files import parse
from prodabuild.knowledge.records import FIELDS
from prodabuild.knowledge.schema import SHAPES, knowledge_schema, patch_schema, predicates_schema
from prodabuild.yamlio import load
from tests.conftest import ROOT, TREES, Repo, knowledge

CONCEPT = "concepts:\n- id: a/b\n  name: b\n  definition: c\n"
PREDICATE = (
    "predicates:\n  eats:\n    forward: '{a subject} eats {a object}'\n    question: What does {a subject} eat?\n"
)
PREDICATE += "    inverse_question: What eats {a object}?\n    path: something that eats\n"


@pytest.mark.parametrize("schema", [patch_schema(), knowledge_schema(), predicates_schema()])
def test_schemas_are_sound(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)


def test_every_check_of_a_field_has_its_shape() -> None:
    checks = [field.check for table in FIELDS.values() for field in table.values()]
    checks += [field.check for field in declarations.FIELDS.values()]
    assert {check.__name__ for check in checks} == SHAPES.keys()


def test_the_schema_takes_the_knowledge_that_is_here() -> None:
    validator = jsonschema.Draft7Validator(knowledge_schema())
    texts = [file.read_text("utf-8") for file in sorted((ROOT / "knowledge").glob("*/c*.yaml"))]
    texts += [text for discipline in TREES for text in knowledge(discipline)]
    assert len(texts) > 20
    assert [error.message for text in texts for error in validator.iter_errors(load(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        CONCEPT,
        CONCEPT + "  relations:\n",
        CONCEPT + "  relations:\n  - {predicate: is_a, object: a/c}\n",
        CONCEPT + "  relations:\n  - {subject: a/b, predicate: is_a, object: a/c}\n",
        CONCEPT + "  noun: mass\n",
        CONCEPT + "  noun: masses\n",
        CONCEPT + "  nmae: d\n",
        CONCEPT + "  aliases: d\n",
        CONCEPT + "  source: {document: d, span: [1, 2]}\n",
        CONCEPT + "  source: {document: d, span: [1, 2, 3]}\n",
        CONCEPT + '  source: "d\\ne"\n',
        CONCEPT.replace("a/b", "a b"),
        CONCEPT.replace("name: b", "name: 7"),
        CONCEPT.replace("definition: c", "definition: ' '"),
        "chain: []\n",
        "chains: [{id: a, title: b, steps: [c]}]\n",
        "emphasis: [{node: a, ways: [steps]}]\nsamples: [{id: a, nodes: [b], question: c, answer: d}]\n",
        "relations: {a: b}\n",
    ],
)
def test_the_schema_of_records_agrees_with_their_reader(text: str) -> None:
    validator = jsonschema.Draft7Validator(knowledge_schema())
    assert validator.is_valid(load(text)) == (not parse(text.encode(), "knowledge/a.yaml")[1])


@pytest.mark.parametrize(
    "text",
    [
        PREDICATE,
        PREDICATE + "    acyclic: true\n    compose: {is_a: eats}\n",
        PREDICATE + "    acyclic: 1\n",
        PREDICATE + "    paht: x\n",
        PREDICATE.replace("    path: something that eats\n", ""),
        PREDICATE.replace("eats:", "eats#:"),
        "predicates:\n  is_a: {disjoint: [part_of]}\n",
        "predicates: []\n",
        "rules: {}\n",
    ],
)
def test_the_schema_of_predicates_agrees_with_their_reader(text: str) -> None:
    validator = jsonschema.Draft7Validator(predicates_schema())
    assert validator.is_valid(load(text)) == (not parse_predicates(text.encode(), "knowledge/predicates.yaml")[1])


def test_a_new_patch_names_the_schema_that_the_repo_has(repo: Repo) -> None:
    line = "# yaml-language-server: $schema=../schema/patch.schema.json\n"
    repo.run("patch", "new", "Owls")
    assert not repo.read("patches/0001-owls.yaml").decode().startswith("#")
    repo.write("schema/patch.schema.json", repo.run("schema", "patch").out)
    repo.run("patch", "new", "Geckos climb", "--record", "zoo/gecko")
    text = repo.read("patches/0002-geckos-climb.yaml").decode()
    assert text.startswith(line + "title: Geckos climb\n")
    filled = load(text.replace("reason:", "reason: r"))
    assert jsonschema.Draft7Validator(patch_schema()).is_valid(filled)
