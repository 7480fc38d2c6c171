from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from prodabuild.sources.kinds import importer
from prodabuild.sources.vocabulary import Extracts, Request
from tests.conftest import Repo
from tests.sources.samples import SAMPLES

PREFIXES = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix x: <http://example.org/x#> .
"""


def run(kind: str, path: Path, **settings: Any) -> Extracts:
    return importer(kind)(Request(path.parent, (path,), "test", "zoo", **settings))


def turtle(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x.ttl"
    path.write_text(PREFIXES + text)
    return path


def concept(extracts: Extracts, identity: str) -> dict[str, Any]:
    (found,) = [row for row in extracts.disciplines["zoo"].concepts["test"] if row["id"] == identity]
    return found


def triples(extracts: Extracts) -> set[tuple[str, str, str]]:
    rows = extracts.disciplines["zoo"].relations
    return {(row["subject"][4:], row["predicate"], row["object"][4:]) for row in rows}


def test_skos_concepts_and_what_is_broader_narrower_and_related() -> None:
    extracts = run("skos", SAMPLES / "pets.ttl")
    assert concept(extracts, "zoo/cage_bird") == {
        "id": "zoo/cage_bird",
        "name": "cage bird",
        "definition": "a bird that is kept in a cage or an aviary",
        "aliases": ["aviary bird", "pet bird"],
        "source": "pets.ttl#http://example.org/pets#bird",
    }
    assert triples(extracts) == {
        ("cage_bird", "is_a", "pet"),
        ("budgerigar", "is_a", "cage_bird"),
        ("canary", "is_a", "cage_bird"),
        ("cockatiel", "is_a", "cage_bird"),
        ("millet_spray", "is_a", "bird_food"),
        ("crest", "part_of", "cockatiel"),
        ("budgerigar", "related_to", "millet_spray"),
        ("canary", "related_to", "millet_spray"),
    }
    assert extracts.keys["zoo/cage_bird"] == "http://example.org/pets#bird"
    assert extracts.predicates["related_to"]["symmetric"] is True
    assert extracts.remarks == []


def test_labels_of_another_language_and_ids_without_accents() -> None:
    found = concept(run("skos", SAMPLES / "pets.ttl", language="de"), "zoo/kafigvogel")
    assert (found["name"], found["aliases"]) == ("Käfigvogel", ["Ziervogel"])


def test_a_language_that_is_not_there_is_one_clear_error(repo: Repo) -> None:
    repo.write("pets.ttl", (SAMPLES / "pets.ttl").read_bytes())
    outcome = repo.run("import", "skos", "pets.ttl", "--language", "fr")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "pets.ttl: error[I001]: no Concept with a label in 'fr' or without a language\n\n1 error\n"


def test_regional_and_untagged_labels_will_do(tmp_path: Path) -> None:
    text = 'x:a a skos:Concept ; skos:prefLabel "colour"@en-GB, "Farbe"@de ; skos:definition "a hue" .\n'
    text += 'x:b a skos:Concept ; skos:prefLabel "red" ; skos:definition "a colour" ; skos:broader x:a .\n'
    assert triples(run("skos", turtle(tmp_path, text))) == {("red", "is_a", "colour")}


def test_broader_can_be_another_predicate() -> None:
    assert ("canary", "part_of", "cage_bird") in triples(run("skos", SAMPLES / "pets.ttl", broader="part_of"))
    extracts = run("skos", SAMPLES / "pets.ttl", broader="is narrower than")
    assert ("canary", "is_narrower_than", "cage_bird") in triples(extracts)
    assert extracts.predicates["is_narrower_than"]["forward"] == "{a subject} {is} narrower than {a object}"


def test_what_says_which_kind_of_broader_outdoes_what_does_not(tmp_path: Path) -> None:
    text = '@prefix iso: <http://purl.org/iso25964/skos-thes#> .\nx:a a skos:Concept ; skos:prefLabel "house" ;\n'
    text += ' skos:definition "a building" ; iso:narrowerPartitive x:b .\n'
    text += 'x:b a skos:Concept ; skos:prefLabel "roof" ; skos:definition "its top" ; skos:broader x:a .\n'
    assert triples(run("skos", turtle(tmp_path, text))) == {("roof", "part_of", "house")}


def test_owl_classes_restrictions_and_individuals() -> None:
    extracts = run("owl", SAMPLES / "boats.owl")
    assert triples(extracts) == {
        ("sailing_boat", "is_a", "boat"),
        ("catamaran", "is_a", "sailing_boat"),
        ("windward_star", "instance_of", "catamaran"),
        ("catamaran", "has_part", "hull"),
        ("sailing_boat", "is_driven_by", "sail"),
    }
    assert concept(extracts, "zoo/windward_star")["noun"] == "proper"
    assert list(extracts.predicates) == ["is_driven_by"]


def test_owl_properties_say_how_a_predicate_composes(tmp_path: Path) -> None:
    text = 'x:p a owl:ObjectProperty, owl:TransitiveProperty ; rdfs:label "flows into"@en .\n'
    text += "x:RO_0000001 a owl:ObjectProperty .\n"
    for name, target in (("a", "b"), ("b", "c")):
        text += f'x:{name} a owl:Class ; rdfs:label "river {name}" ; rdfs:comment "water" ; rdfs:subClassOf\n'
        text += f"  [ a owl:Restriction ; owl:onProperty x:p ; owl:someValuesFrom x:{target} ] ,\n"
        text += f"  [ a owl:Restriction ; owl:onProperty x:RO_0000001 ; owl:someValuesFrom x:{target} ] .\n"
    text += 'x:c a owl:Class ; rdfs:label "sea" ; rdfs:comment "much water" .\n'
    extracts = run("owl", turtle(tmp_path, text))
    assert extracts.predicates["flows_into"]["compose"] == {"is_a": "flows_into", "flows_into": "flows_into"}
    assert triples(extracts) == {("river_a", "flows_into", "river_b"), ("river_b", "flows_into", "sea")}
    (remark,) = extracts.remarks
    assert remark.message == "the relation http://example.org/x#RO_0000001 was left out: it has no name"


def test_homonyms_get_names_and_ids_of_their_own(tmp_path: Path) -> None:
    text = 'x:i a skos:Concept ; skos:prefLabel "institution" ; skos:definition "a body" .\n'
    text += 'x:g a skos:Concept ; skos:prefLabel "ground" ; skos:definition "earth" .\n'
    text += 'x:b1 a skos:Concept ; skos:prefLabel "bank" ; skos:definition "it lends" ; skos:broader x:i .\n'
    text += 'x:b2 a skos:Concept ; skos:prefLabel "bank" ; skos:definition "it slopes" ; skos:broader x:g .\n'
    extracts = run("skos", turtle(tmp_path, text))
    assert concept(extracts, "zoo/bank_institution")["name"] == "bank (institution)"
    assert concept(extracts, "zoo/bank_ground")["name"] == "bank (ground)"


def test_the_id_of_a_known_iri_stays(tmp_path: Path) -> None:
    text = 'x:a a skos:Concept ; skos:prefLabel "hound" ; skos:definition "a pet" ; skos:broader x:b .\n'
    text += 'x:b a skos:Concept ; skos:prefLabel "animal" ; skos:definition "what moves" .\n'
    known = {"http://example.org/x#a": "zoo/dog", "http://example.org/x#b": "other/animal"}
    extracts = run("skos", turtle(tmp_path, text), known=known)
    assert {row["id"] for row in extracts.disciplines["zoo"].concepts["test"]} == {"zoo/dog", "zoo/animal"}


@pytest.mark.parametrize("suffix", ["rdf", "jsonld", "nt"])
def test_all_formats_state_the_same(tmp_path: Path, suffix: str) -> None:
    import rdflib

    formats = {"rdf": "xml", "jsonld": "json-ld", "nt": "nt"}
    graph = rdflib.Graph().parse(SAMPLES / "pets.ttl")
    with warnings.catch_warnings(action="ignore"):
        graph.serialize(tmp_path / f"pets.{suffix}", format=formats[suffix], encoding="utf-8")
    one, two = run("skos", SAMPLES / "pets.ttl"), run("skos", tmp_path / f"pets.{suffix}")
    assert triples(one) == triples(two)
    assert one.keys == two.keys


@pytest.mark.parametrize(
    ("name", "data", "code", "expected"),
    [
        ("x.ttl", "x:a a skos:Concept ;;; .\n\nx:b x:c foo:d .\n", 1, 'x.ttl:7: error[I001]: not Turtle: Prefix "foo:" not bound\n'),
        ("x.rdf", "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n<a>\n</rdf:RDF>", 1, "x.rdf:3: error[I001]: not RDF/XML: mismatched tag\n"),
        ("x.rdf", '<!DOCTYPE r [\n<!ENTITY a "aaaa">\n<!ENTITY b "&a;&a;">\n]><r/>', 1, "x.rdf:3:1: error[I001]: this entity is not read\nhint: write its value out\n"),
        ("x.rdf", '<!DOCTYPE r [\n<!ENTITY a SYSTEM "file:///etc/passwd">]><r/>', 1, "x.rdf:2:1: error[I001]: this entity is not read\n"),
        ("x.jsonld", '{"@id": "http://a",\n "@context": [{}, "https://example.org/context"]}', 1, "x.jsonld:2:1: error[I001]: the context 'https://example.org/context' is elsewhere: nothing is fetched\n"),
        ("x.jsonld", '{"@id": 1,\n', 1, "x.jsonld:2: error[I001]: not json-ld: "),
        ("x.nt", "<http://a> nothing .\n", 1, "x.nt: error[I001]: not nt: "),
        ("x.ttl", "\xff", 1, "x.ttl:1:1: error[Y001]: byte 0xff is not UTF-8\n"),
        ("x.ttl", "", 1, "x.ttl: error[I001]: no Concept with a label in 'en' or without a language\n"),
        ("x.docx", "", 2, "error: x.docx: no RDF format has this suffix\nhint: known: .ttl, "),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_clear_error(repo: Repo, name: str, data: str, code: int, expected: str) -> None:
    text = PREFIXES + data if name == "x.ttl" and data.startswith("x:") else data
    repo.write(name, text.encode("latin-1"))
    outcome = repo.run("import", "skos", name)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith(expected)


@pytest.mark.parametrize(
    ("kind", "package", "name"),
    [("skos", "rdflib", "pets.ttl"), ("owl", "rdflib", "boats.owl"), ("obo", "fastobo", "cells.obo")],
)
def test_a_package_that_is_missing_is_named_with_how_to_install_it(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, kind: str, package: str, name: str
) -> None:
    repo.write(name, (SAMPLES / name).read_bytes())
    monkeypatch.setitem(sys.modules, package, None)
    outcome = repo.run("import", kind, name)
    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.err.endswith(f"{package!r}, which is not installed\nhint: pip install 'prodabuild[import]'\n")


DEEP = "nested more deeply than it can be read\nhint: name its inner nodes"
XSD = "http://www.w3.org/2001/XMLSchema#"


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("x.ttl", "[" * 100_000, f"x.ttl: error[I001]: {DEEP}"),
        ("x.ttl", "<a> <b> " + "( " * 5000, f"x.ttl: error[I001]: {DEEP}"),
        ("x.ttl", f"<a> <b> {'1' * 5000} .", "x.ttl: error[I001]: not turtle: Exceeds the limit"),
        ("x.ttl", f'<a> <b> "P{"1" * 5000}Y"^^<{XSD}duration> .', "x.ttl: error[I001]: not turtle: "),
        ("x.nt", "<a> " * 20_000, "x.nt: error[I001]: not nt: Invalid line: <a> "),
        ("x.jsonld", "[" * 100_000, "x.jsonld:1: error[I001]: not json-ld: depth limit exceeded"),
        ("x.jsonld", '{"a":' * 500 + "1" + "}" * 500, f"x.jsonld: error[I001]: {DEEP}"),
        ("x.jsonld", '{"@context":{"a":"b:c","b":"a:c"},"a":1}', f"x.jsonld: error[I001]: {DEEP}"),
        ("x.jsonld", "5", "x.jsonld: error[I001]: not json-ld: a document is an object or a list\n"),
        ("x.jsonld", "null", "x.jsonld: error[I001]: not json-ld: a document is an object or a list\n"),
        ("x.jsonld", '{"@context":{"a":{"@id":[]}},"a":1}', "x.jsonld: error[I001]: not json-ld: unhashable type"),
        ("x.jsonld", '{"@context":{"@base":5},"@id":"x"}', "x.jsonld: error[I001]: not json-ld: 'int' object has no"),
        ("x.jsonld", '{"http://a":{"@value":"x","@type":5}}', "x.jsonld: error[I001]: not json-ld: argument of type"),
        ("x.rdf", "<a>" * 20_000, "x.rdf:1: error[I001]: not RDF/XML: no element found"),
        ("x.rdf", ("<!ENTITY " + " " * 300) * 300, "x.rdf:1: error[I001]: not RDF/XML: syntax error"),
        ("x.rdf", "<!ENTITY a " + " " * 100_000, "x.rdf:1: error[I001]: not RDF/XML: syntax error"),
        ("x.rdf", "<!ENTITY %" * 20_000, "x.rdf:1: error[I001]: not RDF/XML: syntax error"),
    ],
)
def test_a_source_made_to_do_harm_is_one_clear_error_soon(repo: Repo, name: str, data: str, expected: str) -> None:
    repo.write(name, data.encode())
    started = time.process_time()
    outcome = repo.run("import", "skos", name)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(expected)
    assert len(outcome.err) < 1000
    assert time.process_time() - started < 20


@pytest.mark.parametrize("suffix", [".ttl", ".jsonld", ".rdf"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, suffix: str) -> None:
    import rdflib

    graph = rdflib.Graph().parse(SAMPLES / "pets.ttl")
    form = {".ttl": "turtle", ".jsonld": "json-ld", ".rdf": "xml"}[suffix]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        data = graph.serialize(format=form)
    path = tmp_path / f"pets{suffix}"
    path.write_text("\ufeff" + data)
    assert triples(run("skos", path)) == triples(run("skos", SAMPLES / "pets.ttl"))


def test_values_that_nobody_asked_for_may_be_wrong(repo: Repo) -> None:
    bad = 'x:d x:made "yesterday"^^<http://www.w3.org/2001/XMLSchema#date> .\n'
    repo.write("pets.ttl", (SAMPLES / "pets.ttl").read_text() + PREFIXES + bad)
    outcome = repo.spawn("import", "skos", "pets.ttl")
    assert (outcome.code, outcome.err) == (0, "")
