"""ProDa's cores: ids are positions that collide and go astray; words tell what belongs together."""

from __future__ import annotations

import copy
import random
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from prodabuild.sources.proda import import_proda
from prodabuild.sources.proda_core import read_core
from prodabuild.sources.proda_links import find_parents, longest_run
from prodabuild.sources.vocabulary import Document, Extracts, Request
from tests.conftest import Repo
from tests.sources.samples import SAMPLES

Core = dict[str, Any]
# name of the process, what its text says, its statements: (subject, predicate, object, quote)
TEXTS: list[tuple[str, list[str], list[tuple[str, str, str, str]]]] = [
    (
        "Photosynthesis",
        ["Chlorophyll absorbs sunlight", "Sunlight splits water", "Water sets oxygen free", "Oxygen leaves the leaf"],
        [
            ("chlorophyll", "absorbs", "sunlight", "chlorophyll, which absorbs sunlight"),
            ("sunlight", "splits", "water", "its energy splits water"),
            ("water", "gives off", "oxygen", "and oxygen is set free"),
        ],
    ),
    (
        "Respiration",
        ["Oxygen reaches the cell", "The cell burns glucose", "Glucose yields energy", "Energy moves the muscle"],
        [
            ("oxygen", "reaches", "cell", "oxygen that reaches the cell"),
            ("cell", "burns", "glucose", "there the cell burns glucose"),
            ("glucose", "yields", "energy", "glucose yields its energy"),
        ],
    ),
    (
        "Rain",
        ["Sunlight warms the sea", "The sea gives off vapour", "Vapour forms a cloud", "The cloud lets rain fall"],
        [
            ("sunlight", "warms", "sea", "when sunlight warms the sea"),
            ("sea", "gives off", "vapour", "the sea gives off vapour"),
            ("vapour", "forms", "cloud", "vapour forms a cloud"),
        ],
    ),
    (
        "Steam engine",
        ["A furnace heats water", "Water turns into steam", "Steam pushes the piston", "The piston turns the wheel"],
        [
            ("furnace", "heats", "water", "the furnace heats the water"),
            ("water", "turns into", "steam", "until water turns into steam"),
            ("steam", "pushes", "piston", "the steam pushes a piston"),
        ],
    ),
    (
        "Steam turbine",
        ["A reactor heats water", "Water turns into steam", "Steam spins the rotor", "The rotor drives a generator"],
        [
            ("reactor", "heats", "water", "the reactor heats the water of the circuit"),
            ("steam", "spins", "rotor", "jets of steam spin the rotor"),
            ("rotor", "drives", "generator", "whose rotor drives a generator"),
        ],
    ),
]


def chunk(number: int) -> Core:
    """Return what ProDa extracts from one document: every level numbered from one."""
    name, steps, rows = TEXTS[number]
    statements = [
        {
            "statement_id": f"stmt-{n:03}",
            "parent_chain_id": "chain-001",
            "subject": subject,
            "predicate": predicate,
            "object": target,
            "source_quote": quote,
        }
        for n, (subject, predicate, target, quote) in enumerate(rows, 1)
    ]
    terms = dict.fromkeys(end for row in rows for end in (row[0], row[2]))
    concepts = [
        {
            "concept_id": f"concept-{n:03}",
            "term": term,
            "type": "thing",
            "definition": f"what is called {term}",
            "parent_statement_ids": [
                row["statement_id"] for row in statements if term in (row["subject"], row["object"])
            ],
            "CID": [],
        }
        for n, term in enumerate(terms, 1)
    ]
    chain = {
        "chain_id": "chain-001",
        "domain_context": "science",
        "process_name": name,
        "narrative_summary": ". ".join(steps),
        "preconditions": [],
        "negative_constraints": [],
        "steps": steps,
    }
    return {"l1_concepts": concepts, "l2_statements": statements, "l3_chains": [chain]}


def merged(cores: list[Core]) -> Core:
    """Return what becomes of chunks in one core: rows are renumbered, and links are not carried along."""
    cores = copy.deepcopy(cores)
    rows = {level: [row for core in cores for row in core[level]] for level in cores[0]}
    for number, row in enumerate(rows["l3_chains"], 1):
        row["chain_id"] = f"chain-{number:03}"
    for number, row in enumerate(rows["l2_statements"], 1):
        row["statement_id"] = f"stmt-{number:03}"
    seen: dict[str, Any] = {}
    for row in rows["l1_concepts"]:
        seen.setdefault(row["term"], row)
    for number, row in enumerate(seen.values(), 1):
        row["concept_id"] = f"concept-{number:03}"
    return {**rows, "l1_concepts": list(seen.values())}


def run(folder: Path, cores: dict[str, Core], known: dict[str, str] | None = None) -> Extracts:
    for name, core in cores.items():
        (folder / name).write_bytes(orjson.dumps({"knowledge_core": core}, option=orjson.OPT_INDENT_2))
    paths = tuple(folder / name for name in cores)
    return import_proda(Request(folder, paths, "test", "science", known=known or {}))


def parents(extracts: Extracts) -> dict[tuple[str, str, str], set[str]]:
    """Return, for each relation, the titles of the chains that it is a step of."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for chain in extracts.disciplines["science"].chains or ():
        for subject, predicate, target in chain["steps"]:
            step = (subject.removeprefix("science/"), predicate, target.removeprefix("science/"))
            found.setdefault(step, set()).add(chain["title"])
    return found


# the engine's and the turbine's middle is the same sentence: it stands in one document only
TRUTH = {
    (subject, predicate.replace(" ", "_"), target): {name}
    for name, _, rows in TEXTS[:4]
    for subject, predicate, target, _ in rows
}


def test_five_documents_whose_ids_collide_keep_every_parent(tmp_path: Path) -> None:
    extracts = run(tmp_path, {f"document-{n}.json": chunk(n) for n in range(4)} | {"document-4.json": chunk(4)})
    found = parents(extracts)
    assert {step: found[step] for step in TRUTH} == TRUTH
    # water does not turn into steam in the last document, so that its chain begins with the steam
    assert {step: titles for step, titles in found.items() if step not in TRUTH} == {
        ("steam", "spins", "rotor"): {"Steam turbine"},
        ("rotor", "drives", "generator"): {"Steam turbine"},
    }
    assert [problem.message for problem in extracts.remarks] == [
        "chain-001 'Steam turbine' was cut short: 2 of its 3 statements join"
    ]


def test_five_chunks_that_were_merged_get_their_parents_back(tmp_path: Path) -> None:
    core = merged([chunk(n) for n in range(5)])
    assert {row["parent_chain_id"] for row in core["l2_statements"]} == {"chain-001"}
    extracts = run(tmp_path, {"state.json": core})
    found = parents(extracts)
    assert {step: found[step] for step in TRUTH} == TRUTH
    assert len(found) == len(TRUTH) + 2
    rebuilt = [problem for problem in extracts.remarks if problem.code == "I011" and "belongs to" in problem.message]
    assert len(rebuilt) == 12
    line = next(
        n for n, text in enumerate((tmp_path / "state.json").read_text().splitlines(), 1) if '"stmt-004"' in text
    )
    assert rebuilt[0].render() == (
        f"{tmp_path}/state.json:{line}: warning[I011]: stmt-004 says that it belongs to 'chain-001', "
        "but its words fit 'Respiration'\n"
        "hint: ProDa renames and renumbers rows when it merges chunks, and does not carry the links along"
    )


@pytest.mark.parametrize("renumbered", [True, False])
def test_the_chain_of_each_statement_is_found(tmp_path: Path, renumbered: bool) -> None:
    cores = [chunk(n) for n in range(5)]
    core = (
        merged(cores) if renumbered else {level: [row for each in cores for row in each[level]] for level in cores[0]}
    )
    found = find_parents(core_of(tmp_path, core))
    assert [parent.chain for parent in found if parent] == [n for n in range(5) for _ in range(3)]


def test_every_concept_that_names_another_statement_is_reported(tmp_path: Path) -> None:
    core = merged([chunk(n) for n in range(5)])
    statements = {row["statement_id"]: {row["subject"], row["object"]} for row in core["l2_statements"]}
    wrong = [
        (row["concept_id"], name)
        for row in core["l1_concepts"]
        for name in row["parent_statement_ids"]
        if row["term"] not in statements[name]
    ]
    assert len(wrong) > 10
    remarks = [problem.message for problem in run(tmp_path, {"state.json": core}).remarks]
    assert [(text.split()[0], text.partition(" names ")[2][:8]) for text in remarks if " names " in text] == wrong


def test_ids_do_not_depend_on_the_order_of_documents(tmp_path: Path) -> None:
    cores = {f"document-{n}.json": chunk(n) for n in range(5)}
    first = run(tmp_path, cores)
    names = list(cores)
    random.Random(7).shuffle(names)
    second = run(tmp_path, {name: cores[name] for name in names})

    def ids(extracts: Extracts) -> set[str]:
        found = extracts.disciplines["science"]
        concepts = {concept["id"] for concept in found.concepts["test"]}
        return concepts | {chain["id"] for chain in found.chains or ()}

    assert names != list(cores)
    assert ids(first) == ids(second)
    front = {"document-9.json": chunk(2) | {"l3_chains": []}, **cores}
    assert ids(run(tmp_path, front)) == ids(first)


def core_of(tmp_path: Path, core: Core) -> Any:
    return read_core(Document(tmp_path / "core.json", "core.json", orjson.dumps(core)))


def test_a_link_without_clear_evidence_is_left_out(tmp_path: Path) -> None:
    core = merged([chunk(0), chunk(1)])
    core["l2_statements"][4] |= {"subject": "Chlorophyll", "object": "Glucose", "source_quote": "nobody said so"}
    found = find_parents(core_of(tmp_path, core))
    assert [parent.chain if parent else None for parent in found] == [0, 0, 0, 1, None, 1]
    extracts = run(tmp_path, {"state.json": core})
    assert ("cell", "burns", "glucose") not in parents(extracts)
    relations = {(row["subject"], row["object"]) for row in extracts.disciplines["science"].relations}
    assert ("science/chlorophyll", "science/glucose") in relations
    assert any("stmt-005 says that it belongs to 'chain-001': no chain" in each.message for each in extracts.remarks)


def test_a_statement_between_two_of_a_chain_belongs_to_it(tmp_path: Path) -> None:
    core = merged([chunk(0), chunk(1)])
    core["l3_chains"][1] |= {
        "steps": ["Oxygen reaches the cell", "Energy is set free by glucose"],
        "narrative_summary": "",
    }
    core["l2_statements"][4]["source_quote"] = ""
    found = find_parents(core_of(tmp_path, core))
    assert found[4] is not None
    assert found[4].chain == 1


def test_adjacent_steps_outweigh_words_that_both_chains_share(tmp_path: Path) -> None:
    core = merged([chunk(0), chunk(1)])
    steps = ["The sun warms the dew", "Dew wakes the insects", "Insects feed the birds"]
    core["l3_chains"][0] |= {"steps": steps, "narrative_summary": ". ".join(steps)}
    core["l3_chains"][1] |= {"steps": steps[::-1], "narrative_summary": ". ".join(steps)}
    row = {"parent_chain_id": "chain-002", "predicate": "wakes", "source_quote": "the dew wakes the insects"}
    core["l2_statements"] = [row | {"statement_id": "stmt-001", "subject": "sun", "object": "insects"}]
    (found,) = find_parents(core_of(tmp_path, core))
    assert found == (0, 0.0)


def test_statements_are_put_in_the_order_of_the_steps(tmp_path: Path) -> None:
    core = chunk(0)
    core["l2_statements"].reverse()
    chains = run(tmp_path, {"state.json": core}).disciplines["science"].chains
    assert chains is not None
    (chain,) = chains
    assert [step[0] for step in chain["steps"]] == ["science/chlorophyll", "science/sunlight", "science/water"]


def test_a_chain_is_found_behind_the_items_that_name_it(tmp_path: Path) -> None:
    core = chunk(0)
    core["l2_statements"].pop(0)
    core["l2_statements"].pop(0)
    state = {"benchmark_mcq": [{"chain_id": "chain-001"}], "knowledge_core": core}
    (tmp_path / "state.json").write_bytes(orjson.dumps(state, option=orjson.OPT_INDENT_2))
    remarks = import_proda(Request(tmp_path, (tmp_path / "state.json",), "test", "science")).remarks
    (line,) = [problem.line for problem in remarks if problem.message.startswith("chain-001")]
    lines = (tmp_path / "state.json").read_text().splitlines()
    assert line > lines.index('    "l3_chains": [')
    assert '"chain_id": "chain-001"' in lines[line - 1]


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([("a", "b"), ("b", "c"), ("c", "d")], [0, 1, 2]),
        ([("a", "b"), ("x", "y"), ("b", "c"), ("y", "z"), ("z", "w")], [1, 3, 4]),
        ([("a", "b"), ("c", "d")], [0]),
        ([], []),
    ],
)
def test_the_longest_run_that_joins(links: list[tuple[str, str]], expected: list[int]) -> None:
    assert longest_run(links) == expected


def test_statements_about_no_concept_are_left_out(tmp_path: Path) -> None:
    core = chunk(0)
    core["l2_statements"][0]["subject"] = "phlogiston"
    core["l2_statements"][1]["predicate"] = "..."
    messages = [problem.message for problem in run(tmp_path, {"state.json": core}).remarks]
    assert "stmt-001 was left out: 'phlogiston' names no concept" in messages
    assert "stmt-002 was left out: no predicate in '...'" in messages
    assert "chain-001 'Photosynthesis' was left out: 1 of its 3 statements join" in messages
    assert "'chlorophyll' was left out: nothing relates it to another concept" in messages


def test_predicates_in_words_are_declared_or_built_in(tmp_path: Path) -> None:
    core = chunk(0)
    for row, words in zip(core["l2_statements"], ("is a kind of", "Leads to", "is part of"), strict=True):
        row["predicate"] = words
    extracts = run(tmp_path, {"state.json": core})
    assert [row["predicate"] for row in extracts.disciplines["science"].relations] == ["is_a", "leads_to", "part_of"]
    assert list(extracts.predicates) == ["leads_to"]


def test_a_term_defined_twice_keeps_its_first_definition(tmp_path: Path) -> None:
    one, two = chunk(0), chunk(2)
    two["l1_concepts"][0]["definition"] = "light of the sun"
    extracts = run(tmp_path, {"a.json": one, "b.json": two})
    (concept,) = [row for row in extracts.disciplines["science"].concepts["test"] if row["name"] == "sunlight"]
    assert concept["definition"] == "what is called sunlight"
    assert [problem.code for problem in extracts.remarks] == ["I005"]


def test_quotes_are_looked_up_in_the_documents_that_lie_beside(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    text = "A leaf holds chlorophyll, which\nabsorbs sunlight; its energy splits water."
    (tmp_path / "uploads/0123456789ab__leaf.txt").write_text(text)
    extracts = run(tmp_path, {"state.json": chunk(0)})
    one, two, three = (row["source"] for row in extracts.disciplines["science"].relations)
    name = "uploads/0123456789ab__leaf.txt"
    assert one == {"document": name, "quote": "chlorophyll, which\nabsorbs sunlight"}
    assert two == {"document": name, "quote": "its energy splits water"}
    assert three == "state.json#water gives_off oxygen"
    assert [problem.code for problem in extracts.remarks] == ["I012"]


def test_names_are_written_small_where_the_text_does(tmp_path: Path) -> None:
    core = chunk(0)
    for row in core["l1_concepts"]:
        row["term"] = row["term"].title()
    core["l1_concepts"][3]["term"] = "OXYGEN"
    names = [row["name"] for row in run(tmp_path, {"state.json": core}).disciplines["science"].concepts["test"]]
    assert names == ["chlorophyll", "sunlight", "water", "oxygen"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a": 1,\n}', ":1:8: error[I001]: not JSON: trailing comma"),
        (
            b"[]",
            ":1: error[I001]: no knowledge core of ProDa: an object with the lists l1_concepts, l2_statements, l3_chains",
        ),
        (b'{"knowledge_core": {"l1_concepts": []}}', ":1: error[I001]: no knowledge core of ProDa"),
    ],
)
def test_what_is_no_core_is_one_clear_error(repo: Repo, data: bytes, expected: str) -> None:
    repo.write("state.json", data)
    outcome = repo.run("import", "proda", "state.json")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"state.json{expected}")


def test_rows_without_what_they_need_do_no_harm(tmp_path: Path) -> None:
    core = chunk(0)
    core["l1_concepts"] += ["text", {}, {"term": "", "definition": 3}]
    core["l2_statements"] += [None, {}, {"statement_id": "stmt-009", "subject": "water"}]
    core["l3_chains"] += [7, {"steps": "none"}]
    extracts = run(tmp_path, {"state.json": core})
    assert len(extracts.disciplines["science"].relations) == 3


def test_the_sample_imports_checks_and_compiles(repo: Repo) -> None:
    repo.write("sources/state.json", (SAMPLES / "state.json").read_bytes())
    repo.edit("proda.yaml", "disciplines:\n", "disciplines:\n  physics: {knowledge: [knowledge/physics]}\n")
    outcome = repo.run("import", "proda", "sources/state.json", "--discipline", "physics")
    assert (outcome.code, outcome.err) == (0, "")
    assert repo.run("check").code == 0
    repo.data()
    rows = (repo.path / "build/dataset/train/physics/all.jsonl").read_text()
    assert "A furnace heats a boiler." in rows


def test_no_shape_of_a_row_is_a_bug(tmp_path: Path) -> None:
    odd: list[Any] = [None, 5, "x", [], {}, [5], {"a": 1}, [[[]]], True, 1e9, "9" * 5000]
    fields = {
        "l1_concepts": ("concept_id", "term", "type", "definition", "parent_statement_ids"),
        "l2_statements": ("statement_id", "parent_chain_id", "subject", "predicate", "object", "source_quote"),
        "l3_chains": (
            "chain_id",
            "process_name",
            "narrative_summary",
            "steps",
            "preconditions",
            "negative_constraints",
        ),
    }
    core = {section: [{field: value} for field in names for value in odd] + odd for section, names in fields.items()}
    path = tmp_path / "state.json"
    path.write_bytes(orjson.dumps({"knowledge_core": core}))
    extracts = import_proda(Request(tmp_path, (path,), "test", "zoo"))
    assert extracts.disciplines == {}


def test_long_runs_of_links_are_joined_in_linear_time() -> None:
    started = time.process_time()
    links = [(str(number), str(number + 1)) for number in range(50_000)]
    assert longest_run(links) == list(range(50_000))
    assert time.process_time() - started < 10
