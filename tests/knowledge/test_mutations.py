"""Mutations: one fault at a time is put into a sound repo, and `check` must find it where it was put.

The repo is real: this repository's physics as YAML and chemistry as JSONL, and a discipline that quotes documents.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from prodabuild.knowledge.files import parse
from prodabuild.problems import CODES
from prodabuild.project import Options, Project
from tests.conftest import ROOT

MANIFEST = """version: 1
name: sound
disciplines:
  physics: {knowledge: [knowledge/physics]}
  chemistry: {knowledge: [knowledge/chemistry]}
  law: {knowledge: [knowledge/law], sources: [sources/law]}
model: {base: scratch:micro}
tests:
  chains: {from: chains, sealed: 0.3}
"""
PREDICATES = """predicates:
  binds:
    forward: "{a subject} {is} binding on {a object}"
    question: "Whom does {a subject} bind?"
    inverse_question: "What binds {a object}?"
    path: something that binds
    inverse: bound_by
    acyclic: true
  bound_by:
    forward: "{a subject} {is} bound by {a object}"
    question: "What {is} {a subject} bound by?"
    inverse_question: "Whom does {a object} bind?"
    path: bound by
    inverse: binds
    acyclic: true
    disjoint: [is_a]
  beside:
    forward: "{a subject} {is} beside {a object}"
    question: "What {is} {a subject} beside?"
    inverse_question: "What is beside {a object}?"
    path: beside
    symmetric: true
    transitive: true
"""
DOCUMENT = """Of contracts

A contract is a promise that the law enforces.
Whoever makes an offer is bound
until it has lapsed.
"""
LAW = """concepts:
- id: law/rule
  name: rule
  definition: what all have to keep to
- id: law/fact
  name: fact
  definition: what has happened, whoever likes it
  disjoint: [law/rule]
- id: law/contract
  name: contract
  definition: a promise that courts stand behind
  source: {document: sources/law/contracts.md, span: [14, 60], quote: A contract is a promise that the law enforces.}
  relations:
  - {predicate: is_a, object: law/rule}
- id: law/offer
  name: offer
  definition: words that make a deal once they are answered with yes
  source: {document: sources/law/contracts.md, quote: Whoever makes an offer is bound until it has lapsed.}
  relations:
  - {predicate: is_a, object: law/fact}
  - {predicate: binds, object: law/maker, source: "sources/law/contracts.md#61-92"}
- id: law/maker
  name: maker
  definition: whoever has spoken first
  source: {document: "isbn:9780198768432", span: [3, 9], quote: not looked at}
- id: law/treaty
  name: treaty
  definition: what two states have sworn each other
  relations:
  - {predicate: is_a, object: law/contract}
"""
ENERGY, PARTICLE = "knowledge/physics/energy.yaml", "knowledge/physics/particle.yaml"
CHAINS = "knowledge/physics/chains.yaml"
ACID, LINKS = "knowledge/chemistry/acid.jsonl", "knowledge/chemistry/chains.jsonl"
CASE, OWN, NOTES = "knowledge/law/contracts.yaml", "knowledge/predicates.yaml", "sources/law/contracts.md"


class Fault(NamedTuple):
    """A text and what takes its place; `at` (by default the new text) begins on the line that must be told."""

    code: str
    file: str
    old: str
    new: str
    at: str = ""


def more(file: str, code: str, new: str, at: str = "") -> Fault:
    """Return a fault that stands below all else of a file."""
    return Fault(code, file, "", new, at)


def concept(identity: str, name: str, definition: str, *relations: str) -> str:
    """Return a concept as a line of JSONL, and relations (predicate and object) as lines after it."""
    rows = [{"level": "concept", "id": identity, "name": name, "definition": definition}]
    for relation in relations:
        predicate, target = relation.split()
        rows.append({"level": "relation", "subject": identity, "predicate": predicate, "object": target})
    return "".join(orjson.dumps(row).decode() + "\n" for row in rows)


def relation(subject: str, predicate: str, target: str, identity: str = "") -> str:
    """Return a relation as a line of JSONL."""
    row = {"level": "relation", "subject": subject, "predicate": predicate, "object": target}
    return orjson.dumps(row | ({"id": identity} if identity else {})).decode() + "\n"


IS_HEAT = "  - predicate: is_a\n    object: physics/energy\n    source: wordnet-3.0:data.noun#11466043-11466336\n"
TOP = "  aliases: [free energy]\n  kind: phenomenon\n  noun: mass\n"
STEP = "  - physics/actinic_radiation.is_a.electromagnetic_radiation\n"
FAULTS = [
    # the text of a file
    Fault("Y001", ENERGY, "transferred by a difference", "transferred by a \udcff difference"),
    Fault("Y002", ENERGY, "  name: heat\n", "  name: [heat\n", "  definition: a form of energy that"),
    Fault("Y003", ENERGY, "  name: heat\n", "  name: &h heat\n"),
    Fault("Y004", ENERGY, "  name: heat\n", "  name: heat\n  name: warmth\n", "  name: warmth"),
    Fault("Y005", ENERGY, "  name: heat\n", "  name: !!str heat\n"),
    Fault("Y004", ACID, '"name":"boric acid"', '"name":"boric acid","name":"boric acid"'),
    Fault("Y007", ACID, '"name":"boric acid"', '"name":boric acid'),
    # records by themselves
    Fault("K001", ENERGY, "  name: heat\n", "  name: heat\n  colour: red\n", "  colour: red"),
    Fault("K001", ACID, '"name":"boric acid"', '"name":"boric acid","colour":"white"'),
    Fault("K001", CHAINS, "  title: from absolute zero to", "  titel: from absolute zero to"),
    Fault("K002", ENERGY, "  name: heat\n", "", "- id: physics/heat"),
    Fault("K002", ACID, '"name":"boric acid",', "", '"id":"chemistry/boric_acid"'),
    Fault("K003", ENERGY, "  aliases: [heat energy]\n", "  aliases: heat energy\n"),
    Fault("K003", ENERGY, "energy that is radiated or transmitted in the form of rays or waves or particles", '""', '  definition: ""'),
    Fault("K003", CASE, "span: [14, 60]", "span: [60, 14]"),
    Fault("K003", ACID, '"noun":"mass","source":"wordnet-3.0:data.noun#14783670', '"noun":"some","source":"wordnet-3.0:data.noun#14783670'),
    Fault("K010", PARTICLE, "- id: physics/hadron\n", "- id: physics/ha dron\n"),
    Fault("K010", ACID, '"id":"chemistry/boric_acid"', '"id":"#boric"'),
    Fault("K010", PARTICLE, "- id: physics/hadron\n", '- id: "physics/ha\\u200bdron"\n'),
    Fault("K010", ACID, '"id":"chemistry/boric_acid"', '"id":"chemistry/boric\\u202eacid"'),
    more(CASE, "K011", "concept: []\n"),
    more(ACID, "K011", '{"level": "idea", "id": "chemistry/x"}\n'),
    more(LINKS, "K011", "[1]\n"),
    # ids
    Fault("K004", PARTICLE, "- id: physics/quark\n", "- id: physics/hadron\n", "- id: physics/hadron\n  name: quark"),
    more(ACID, "K004", concept("chemistry/caf\u00e9", "one", "a substance that some drink", "is_a chemistry/acid") + concept("chemistry/cafe\u0301", "two", "what others would rather have"), '{"level":"concept","id":"chemistry/cafe\u0301"'),
    more(CASE, "K004", "chains:\n- {id: law/rule, title: again, steps: [a, b]}\n", "- {id: law/rule, title"),
    more(ACID, "K004", concept("chemistry/acid", "acid once more", "a thing that stands here twice")),
    # references
    Fault("K005", ENERGY, IS_HEAT, IS_HEAT.replace("physics/energy", "physics/enrgy"), "    object: physics/enrgy"),
    Fault("K005", CHAINS, STEP, STEP.replace("actinic", "actnic")),
    Fault("K005", CASE, "disjoint: [law/rule]", "disjoint: [law/rules]"),
    Fault("K005", CASE, "object: law/fact}", "object: law/offer.binds.maker}"),
    more(ACID, "K005", relation("chemistry/acid", "part_of", "chemistry/nothing")),
    more(ACID, "K005", relation("chemistry/nothing", "part_of", "chemistry/acid")),
    Fault("K006", ENERGY, IS_HEAT, IS_HEAT.replace("is_a", "isa"), "  - predicate: isa"),
    more(ACID, "K006", relation("chemistry/acid", "smells_of", "chemistry/boric_acid")),
    Fault("K007", CHAINS, STEP, "  - physics/heat.is_a.energy\n"),
    more(CASE, "K007", "chains:\n- id: law/x\n  title: x\n  steps:\n  - law/contract.is_a.rule\n  - law/treaty.is_a.contract\n", "  - law/treaty.is_a"),
    more(LINKS, "K007", '{"level": "chain", "id": "chemistry/x", "title": "x", "steps": ["chemistry/acetaldehyde.is_a.aldehyde", "chemistry/carboxylic_acid.is_a.acid"]}\n'),
    more(CASE, "K008", "- {id: law/lone, name: lone, definition: what nothing leads to}\n"),
    more(ACID, "K008", concept("chemistry/lone", "lone thing", "what nothing leads to")),
    # definitions
    Fault("K012", ENERGY, "a form of energy that is transferred by a difference in temperature", "Heat", "  definition: Heat"),
    Fault("K012", CASE, "definition: whoever has spoken first", "definition: the maker"),
    Fault("K012", ACID, '"definition":"any of various acids containing boron and oxygen"', '"definition":"a boric acid"'),
    Fault("K013", CASE, "definition: whoever has spoken first\n", "definition: Party\n  aliases: [accepter]\n- id: law/party\n  name: party\n  definition: an accepter\n  relations: [{predicate: is_a, object: law/fact}]\n", "  definition: an accepter"),
    more(ACID, "K013", concept("chemistry/one", "one thing", "two thing", "is_a chemistry/acid") + concept("chemistry/two", "two thing", "three thing", "is_a chemistry/acid") + concept("chemistry/three", "three thing", "the one thing", "is_a chemistry/acid"), '{"level":"concept","id":"chemistry/three"'),
    Fault("K014", ENERGY, "definition: a form of energy that is transferred by", "definition: heat that is transferred by"),
    Fault("K014", CASE, "definition: whoever has spoken first", "definition: 'a maker, as they say'"),
    Fault("K014", ACID, '"definition":"any of various acids containing boron and oxygen"', '"definition":"boric acid is what contains boron and oxygen"'),
    # duplicates
    more(PARTICLE, "K015", "relations:\n- {id: physics/again, subject: physics/heat, predicate: is_a, object: physics/energy}\n", "- {id: physics/again"),
    more(ACID, "K015", relation("chemistry/boric_acid", "is_a", "chemistry/acid", "chemistry/once_more")),
    more(CHAINS, "K015", "- id: physics/same\n  title: the same\n  steps:\n" + STEP + "  - physics/electromagnetic_radiation.is_a.radiation\n", "  title: the same\n  steps:\n"),
    Fault("K016", CASE, "definition: whoever has spoken first", "definition: 'What all have to keep to!'"),
    more(ACID, "K016", concept("chemistry/twin", "twin", "any of various acids containing boron and oxygen", "is_a chemistry/acid")),
    Fault("K017", CASE, "  name: treaty", "  name: Contract"),
    more(ACID, "K017", concept("chemistry/other", "Boric acid", "a substance of another kind, whatever its name", "is_a chemistry/acid")),
    more(ACID, "K017", concept("chemistry/cafe_1", "caf\u00e9", "a substance that some drink", "is_a chemistry/acid") + concept("chemistry/cafe_2", "cafe\u0301", "what others would rather have", "is_a chemistry/acid"), '{"level":"concept","id":"chemistry/cafe_2"'),
    Fault("K046", CASE, "  name: treaty", '  name: "tre\\u200baty"'),
    Fault("K046", ACID, '"name":"boric acid"', '"name":"boric\\u202e acid"'),
    Fault("K018", CASE, "definition: words that make a deal once they are answered with yes\n", "definition: any of various water-soluble compounds with a sour taste and capable of turning litmus red and reacting with a base to form a salt\n"),
    more(ACID, "K018", concept("chemistry/near", "near thing", "any of various water-soluble compounds having sour taste and capable of turning litmus red and reacting with a base to form salt", "is_a chemistry/acid")),
    # chains that conclude nothing
    more(CASE, "K019", "relations:\n- {subject: law/maker, predicate: binds, object: law/treaty}\nchains:\n- id: law/x\n  title: x\n  steps: [law/offer.binds.maker, law/maker.binds.treaty]\n", "  steps: [law/offer"),
    more(LINKS, "K019", relation("chemistry/acid", "antonym_of", "chemistry/oxyacid") + '{"level": "chain", "id": "chemistry/x", "title": "x", "steps": ["chemistry/carboxylic_acid.is_a.acid", "chemistry/acid.antonym_of.oxyacid"]}\n', '{"level": "chain", "id": "chemistry/x"'),
    # predicates
    Fault("K020", OWN, "    path: bound by\n", "    paht: bound by\n"),
    Fault("K020", OWN, "    symmetric: true\n", "    symmetric: 'yes'\n"),
    Fault("K020", OWN, "    path: something that binds\n", "", "  binds:"),
    Fault("K021", OWN, "    disjoint: [is_a]\n", "    disjoint: [is_b]\n"),
    Fault("K021", OWN, "    inverse: binds\n", "    inverse: bindz\n"),
    Fault("K021", OWN, "    disjoint: [is_a]\n", "    compose: {is_a: bound_bye}\n"),
    Fault("K022", OWN, "    inverse: bound_by\n", "    inverse: is_a\n"),
    Fault("K022", OWN, "    symmetric: true\n", "    symmetric: true\n    acyclic: true\n", "    acyclic: true\n    transitive"),
    Fault("K022", OWN, "    symmetric: true\n", "    symmetric: true\n    inverse: binds\n", "    inverse: binds\n    transitive"),
    Fault("K022", OWN, "    inverse: binds\n    acyclic: true\n", "    inverse: binds\n    acyclic: false\n", "    acyclic: false"),
    Fault("K022", OWN, "    transitive: true\n", "    transitive: true\n    compose: {beside: binds}\n", "    compose: {beside: binds}"),
    Fault("K023", OWN, "What {is} {a subject} bound by?", "What {is} {the subject} bound by?"),
    Fault("K023", OWN, "{a subject} {is} bound by {a object}", "{a subject} {is} bound"),
    Fault("K023", OWN, "Whom does {a subject} bind?", "Whom does {a subject} bind"),
    Fault("K023", OWN, "What binds {a object}?", "What binds {a object}, if not {a subject}?"),
    Fault("K023", OWN, "    path: bound by\n", '    path: "{is} bound by"\n'),
    # cycles and contradictions
    Fault("K030", ENERGY, IS_HEAT, IS_HEAT.replace("physics/energy", "physics/heat"), "    object: physics/heat"),
    Fault("K030", ENERGY, TOP, TOP + "  relations:\n  - {predicate: is_a, object: physics/actinic_radiation}\n", "  - {predicate: is_a, object: physics/actinic"),
    more(ACID, "K030", relation("chemistry/acid", "is_a", "chemistry/acetum")),
    more(CASE, "K030", "relations:\n- {subject: law/maker, predicate: binds, object: law/rule}\n- {subject: law/offer, predicate: bound_by, object: law/rule}\n", "- {subject: law/offer, predicate: bound_by"),
    Fault("K031", ENERGY, TOP, TOP + "  relations:\n  - {predicate: is_a, object: physics/heat}\n", "  - {predicate: is_a, object: physics/heat}"),
    more(CASE, "K031", "relations:\n- {subject: law/offer, predicate: bound_by, object: law/maker}\n", "- {subject: law/offer"),
    more(CASE, "K031", "relations:\n- {subject: law/treaty, predicate: bound_by, object: law/contract}\n", "- {subject: law/treaty"),
    more(CASE, "K031", "relations:\n- {subject: law/treaty, predicate: beside, object: law/treaty}\n", "- {subject: law/treaty"),
    more(ACID, "K031", relation("chemistry/acid", "antonym_of", "chemistry/boric_acid")),
    more(ACID, "K031", relation("chemistry/boric_acid", "instance_of", "chemistry/acid")),
    more(CASE, "K032", "relations:\n- {subject: law/treaty, predicate: instance_of, object: law/fact}\n", "- {subject: law/treaty"),
    more(ACID, "K032", concept("chemistry/oath", "oath", "a word that holds", "is_a law/offer", "instance_of law/treaty"), '{"level":"relation","subject":"chemistry/oath","predicate":"instance_of"'),
    more(ACID, "K033", relation("chemistry/acid", "part_of", "chemistry/boric_acid")),
    # quotes
    Fault("K040", CASE, "quote: A contract is a promise that the law enforces.", "quote: A contract is a promise that the king enforces."),
    Fault("K040", CASE, "quote: Whoever makes an offer is bound until it has lapsed.", "quote: Whoever makes an offer is bound until he dies."),
    Fault("K041", CASE, "span: [14, 60]", "span: [0, 46]"),
    Fault("K041", CASE, "#61-92", "#61-9200"),
    Fault("K042", CASE, "source: {document: sources/law/contracts.md, span", "source: {document: sources/law/contract.md, span"),
    Fault("K042", CASE, "sources/law/contracts.md#61-92", "../contracts.md#61-92"),
    Fault("K043", CASE, '"isbn:9780198768432"', "Chitty on Contracts"),
    # an edit to a document, told where it is quoted
    Fault("K040", NOTES, "that the law enforces", "that the law forgives", CASE),
]  # fmt: skip


# what else a fault of one class brings with it
CONSEQUENCES = {
    "K001": {"K002"},
    "K004": {"K030"},
    "K005": {"K008"},
    "K006": {"K005"},
    "K019": {"K031"},
    "K021": {"K022"},
    "K030": {"K005"},
}


def sound_repo(path: Path) -> None:
    """Write the repo into a folder."""
    (path / "proda.yaml").write_text(MANIFEST)
    shutil.copytree(ROOT / "knowledge/physics", path / "knowledge/physics")
    (path / "knowledge/chemistry").mkdir()
    for file in (ROOT / "knowledge/chemistry").glob("*.yaml"):
        rows = [{"level": raw.level, **raw.data} for raw in parse(file.read_bytes(), file.name)[0]]
        lines = (orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode() for row in rows)
        inside = "".join(
            f"{line}\n" for line in lines if not re.search(r"(medicine|materials|environment|earth)\w*/", line)
        )
        (path / f"knowledge/chemistry/{file.stem}.jsonl").write_text(inside, "utf-8")
    for name, text in ((OWN, PREDICATES), (NOTES, DOCUMENT), (CASE, LAW)):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, "utf-8")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("sound")
    sound_repo(path)
    Project.open(path).compile(Options(to="data"))
    yield path
    assert Project.check(path, Options()).problems == ()


def test_the_repo_is_sound(sound: Path) -> None:
    report = Project.check(sound, Options())
    assert report.problems == ()
    assert {name: row["concepts"] for name, row in report.records.items()} == {
        "physics": 128,
        "chemistry": 128,
        "law": 6,
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code} {Path(fault.file).stem}")
def test_a_fault_is_found_where_it_is(sound: Path, fault: Fault) -> None:
    path = sound / fault.file
    before = path.read_bytes()
    text = before.decode()
    assert fault.old in text
    spoilt = text.replace(fault.old, fault.new, 1) if fault.old else text + fault.new
    try:
        path.write_bytes(spoilt.encode("utf-8", "surrogateescape"))
        found = Project.check(sound, Options()).problems
    finally:
        path.write_bytes(before)
    place = CASE if fault.at == CASE else fault.file
    lines = [problem.line for problem in found if (problem.code, problem.file) == (fault.code, place)]
    assert lines, [problem.render() for problem in found]
    assert {problem.code for problem in found} <= {fault.code} | CONSEQUENCES.get(fault.code, set())
    if fault.at != CASE:
        mark = fault.at or fault.new
        (line,) = {spoilt[: spoilt.index(mark)].count("\n") + 1}
        assert min(abs(told - line) for told in lines) <= 1, (line, [problem.render() for problem in found])


def test_faults_are_many_and_of_every_class() -> None:
    counts = Counter(fault.code for fault in FAULTS)
    assert counts.total() >= 60
    assert {code for code in CODES if code[0] in "K"} - counts.keys() == {"K009", "K044", "K045"}
