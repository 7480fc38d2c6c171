"""Patches laid over knowledge: what they change, what they rebuild, where they stand, and when they do not fit."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from prodabuild.project.watching import Watch
from tests.conftest import TREES, Repo, rows_below, settle, slug

KINDS = "knowledge/zoo/kinds.yaml"
CHAINS = "knowledge/zoo/chains.yaml"
GECKO = "a lizard with the habits of a gecko and of nothing else"
HEAD = "title: {title}\nreason: it was wrong\ncause: correction\n"
CLIMBS = """- replace: zoo/gecko
  with:
    definition: a lizard that climbs walls
  expect: {definition: a lizard with the habits of a gecko and of nothing else}
"""


def patch(repo: Repo, name: str, ops: str, more: str = "") -> Path:
    return repo.write(f"patches/{name}.yaml", HEAD.format(title=name[5:]) + more + "ops:\n" + ops)


def refused(repo: Repo, *command: str) -> str:
    outcome = repo.run(*(command or ("compile", "--to", "data")))
    assert outcome.code == 1
    return outcome.err.split("\n\n")[0]


def samples(repo: Repo) -> dict[str, str]:
    rows = rows_below(repo.path / "build/dataset/train")
    return {row["id"]: row["messages"][1]["content"] for row in rows}


def data(repo: Repo) -> dict[str, bytes]:
    return {name: text for name, text in repo.files().items() if not name.startswith("traces/")}


def test_a_patch_rebuilds_what_an_edit_of_the_file_would_and_no_more(repo: Repo) -> None:
    repo.built()
    lock = orjson.loads(repo.read("proda.lock"))["entries"]
    patch(repo, "0001-climbs", CLIMBS)
    plan = repo.run("plan", "--to", "data", "--json").json
    (shard, _, _) = [step for step in plan["steps"] if step["action"] != "clean"]
    assert shard["reasons"] == [
        {
            "what": "definition of zoo/gecko changed",
            "where": "patches/0001-climbs.yaml:7",
            "old": GECKO,
            "new": "a lizard that climbs walls",
        }
    ]
    report = repo.data()
    assert report["built"] == ["dataset", shard["unit"].replace("shard:", "leaks:"), shard["unit"]]
    assert samples(repo)["zoo/gecko#define.meaning"] == "A lizard that climbs walls."
    now = orjson.loads(repo.read("proda.lock"))["entries"]
    assert "patch:patches/0001-climbs.yaml" in now
    assert now[f"knowledge:{KINDS}"] == lock[f"knowledge:{KINDS}"]
    assert repo.data()["built"] == []


def test_a_dropped_patch_leaves_no_trace(repo: Repo) -> None:
    repo.built()
    before, lock = data(repo), repo.read("proda.lock")
    patch(repo, "0001-climbs", CLIMBS + "- remove: zoo/skink..reptile\n- emphasise: [zoo/gecko]\n")
    repo.data()
    assert data(repo) != before
    assert repo.run("patch", "drop", "1").out == "patches/0001-climbs.yaml: removed\n"
    report = repo.data()
    assert report["built"] == []
    assert (data(repo), repo.read("proda.lock")) == (before, lock)


def test_knowledge_below_a_patch_is_edited_like_any_other(repo: Repo) -> None:
    patch(repo, "0001-climbs", CLIMBS)
    repo.data()
    settle()
    repo.edit(KINDS, "name: gecko", "name: house gecko")
    repo.data()
    assert samples(repo)["zoo/gecko#define.term"] == "house gecko."
    assert samples(repo)["zoo/gecko#define.meaning"] == "A lizard that climbs walls."
    settle()
    repo.edit(KINDS, GECKO, "a lizard of the night")
    assert refused(repo) == (
        "patches/0001-climbs.yaml:8:24: error[P006]: definition of zoo/gecko is 'a lizard of the night', "
        f"not '{GECKO}'\nhint: look at the record again, then mend `expect`"
    )
    (repo.path / "patches/0001-climbs.yaml").unlink()
    repo.data()
    assert samples(repo)["zoo/gecko#define.meaning"] == "A lizard of the night."


def test_a_comment_in_a_patch_rebuilds_nothing(repo: Repo) -> None:
    path = patch(repo, "0001-climbs", CLIMBS)
    repo.data()
    lock = repo.read("proda.lock")
    settle()
    path.write_text("# seen\n" + path.read_text())
    assert repo.data()["built"] == []
    assert repo.read("proda.lock") == lock


def test_a_record_of_a_patch_is_found_by_why_at_its_line(repo: Repo) -> None:
    patch(repo, "0001-climbs", CLIMBS + "- sample: {id: zoo/walls, nodes: [zoo/gecko], question: q, answer: a}\n")
    repo.data()
    path = repo.run("why", "zoo/gecko", "--json").json["path"]
    assert path[0] == {"unit": "zoo/gecko", "where": "patches/0001-climbs.yaml:7"}
    found = repo.run("why", "zoo/walls#written.sample", "--json").json
    assert found["path"][0] == {"unit": "zoo/walls", "where": "patches/0001-climbs.yaml:9"}
    assert found["path"][1]["where"].startswith("prodabuild/shards/practice.py:")
    found = repo.run("why", "zoo/walls", "--json").json
    assert (found["kind"], found["made_from"][0]["what"]) == ("sample", "nodes")


def test_the_removal_of_a_record_is_told_at_the_line_of_the_patch(repo: Repo) -> None:
    repo.built()
    patch(repo, "0001-no-skink", "- remove: zoo/skink..reptile\n")
    plan = repo.run("plan", "--to", "data", "--json").json
    (items,) = (step for step in plan["steps"] if step["unit"] == "items:zoo/all")
    assert {reason["where"] for reason in items["reasons"]} == {"patches/0001-no-skink.yaml:5"}


def test_emphasis_makes_contrasts_and_steps_of_its_nodes_alone(repo: Repo) -> None:
    repo.built()
    before = samples(repo)
    patch(repo, "0001-more", "- emphasise: [zoo/gecko, zoo/gecko.is_a.lizard]\n")
    repo.data()
    after = samples(repo)
    assert {key: after[key] for key in before} == before
    more = {key.partition("!emphasis#emphasis.")[::2] for key in after.keys() - before.keys()}
    assert more == {
        ("zoo/gecko", "contrast.zoo/iguana"),
        ("zoo/gecko", "contrast.zoo/skink"),
        ("zoo/gecko", "steps.zoo/gecko.is_a.lizard>zoo/lizard.is_a.reptile"),
        *(("zoo/gecko", f"recall.{what}{number}") for what in ("meaning", "term") for number in (1, 2)),
        *(("zoo/gecko.is_a.lizard", f"recall.{what}") for what in ("question", "question1", "question2", "statement")),
        ("zoo/gecko.is_a.lizard", "contrast.zoo/snake"),
        ("zoo/gecko.is_a.lizard", "steps.zoo/gecko.is_a.lizard>zoo/lizard.is_a.reptile"),
    }
    repo.edit("patches/0001-more.yaml", "- emphasise", "- ways: [steps]\n  emphasise")
    repo.data()
    assert not any("contrast" in key for key in samples(repo))


def test_a_written_sample_that_gives_an_item_away_is_refused(repo: Repo) -> None:
    repo.built()
    (item, *_) = rows_below(repo.path / "build/items")
    sample = {"id": "zoo/leak", "nodes": ["zoo/gecko"], "question": item["question"], "answer": "yes"}
    patch(repo, "0001-leak", f"- sample: {orjson.dumps(sample).decode()}\n")
    outcome = repo.run("compile", "--to", "data")
    assert outcome.code == 1
    assert "error[L00" in outcome.err
    assert "the sample zoo/leak#written.sample" in outcome.err


OPS = [
    ("- remove: zoo/gekko\n", "5:11: error[P004]: there is no record 'zoo/gekko'\nhint: mend the id, or drop the operation"),
    (
        "- add: {concept: {id: zoo/anole, name: anole, definition: d}}\n",
        ("5:18: error[P009]: nobody can tell which file the concept 'zoo/anole' goes to\n"
        "hint: say it with `file: knowledge/...` beside `add`"),
    ),
    (
        "- add: {concept: {id: zoo/anole, name: anole, definition: d}}\n  file: docs/a.yaml\n",
        "6:9: error[P009]: 'docs/a.yaml' is no file of knowledge\nhint: name one below a discipline's folder",
    ),
    (
        "- add: {relation: {subject: zoo/anole, predicate: is_a, object: zoo/lizard}}\n",
        "5:19: error[P004]: there is no record 'zoo/anole'\nhint: mend the id, or add it before",
    ),
    (
        "- add: {relation: {subject: zoo/gecko, predicate: is_a, object: zoo/lizard}}\n",
        ("5:19: error[P005]: 'zoo/gecko.is_a.lizard' is there already\n"
        f"hint: {KINDS} has it: replace its fields, or remove it"),
    ),
    (
        CLIMBS + "- replace: zoo/gecko\n  with: {definition: d}\n",
        "10:9: error[P007]: the patch changes definition of zoo/gecko twice\nhint: say it in one operation",
    ),
    (
        "- replace: zoo/gecko.is_a.lizard\n  with: {object: zoo/snake}\n",
        ("6:9: error[P008]: 'zoo/gecko.is_a.lizard' would be 'zoo/gecko.is_a.snake'\n"
        "hint: the id follows from what would change: remove the record, and add another"),
    ),
    ("- replace: zoo/gecko\n  with: {name: null}\n", "6:9: error[K002]: name is missing\nhint: every concept has one"),
    (
        "- replace: zoo/gecko\n  with: {nmae: x}\n",
        "6:10: error[K001]: a concept has no field 'nmae'\nhint: did you mean 'name'?",
    ),
    (
        "- replace: zoo/gecko\n  with: {definition: sticky, like glue}\n  expect: {nmae: x}\n",
        ("6:30: error[K001]: a concept has no field 'like glue'\nhint: known: id, name, definition, aliases, kind, disjoint, noun, source\n"
        "patches/0001-odd.yaml:7:12: error[K001]: a concept has no field 'nmae'\nhint: did you mean 'name'?"),
    ),
    (
        "- emphasise: [zoo/gecko]\n  against: [zoo/gecko..reptile]\n",
        "5:15: error[K005]: 'zoo/gecko..reptile' is a chain, not a concept",
    ),
    (
        "- replace: zoo/gecko\n  with: {aliases: [sticky]}\n  expect: {aliases: [none]}\n",
        ("7:21: error[P006]: aliases of zoo/gecko is not there, not ['none']\n"
        "hint: look at the record again, then mend `expect`"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("ops", "expected"), OPS)
@pytest.mark.parametrize("built", [False, True])
def test_an_operation_that_does_not_fit_is_told_with_its_place(
    repo: Repo, ops: str, expected: str, built: bool
) -> None:
    if built:
        repo.data()
    patch(repo, "0001-odd", ops)
    assert refused(repo) == f"patches/0001-odd.yaml:{expected}"
    assert refused(repo, "plan") == f"patches/0001-odd.yaml:{expected}"
    outcome = repo.run("check")
    assert (outcome.code, f"patches/0001-odd.yaml:{expected}" in outcome.out) == (1, True)
    if "K005" not in expected:  # it fits; what it makes of the knowledge is wrong
        assert repo.run("patch", "list").out.startswith("0001  does not fit  ")
    repo.run("patch", "drop", "1")
    repo.data()


def test_two_patches_that_change_the_same_are_refused_unless_one_comes_after_the_other(repo: Repo) -> None:
    patch(repo, "0001-climbs", CLIMBS)
    swims = "- replace: zoo/gecko\n  with: {definition: a lizard that swims}\n"
    patch(repo, "0003-swims", swims)
    assert refused(repo) == (
        "patches/0003-swims.yaml:6:9: error[P007]: 0001-climbs changes definition of zoo/gecko, too\n"
        "hint: say that this is the last word with `after: [1]`, or drop one of them"
    )
    patch(repo, "0002-named", "- replace: zoo/gecko\n  with: {name: wall gecko}\n")  # another field
    for after in ("[1]", "[0001]", '["0001"]', "[0001-climbs]", "[2, 1]"):
        patch(repo, "0003-swims", swims, f"after: {after}\n")
        settle()
        repo.data()
        assert samples(repo)["zoo/gecko#define.meaning"] == "A lizard that swims."
        assert samples(repo)["zoo/gecko#define.term"] == "wall gecko."
    patch(repo, "0004-creeps", swims.replace("swims", "creeps"), "after: [3]\n")  # and, through it, after the first
    repo.data()
    assert samples(repo)["zoo/gecko#define.meaning"] == "A lizard that creeps."
    assert repo.run("why", "zoo/gecko", "--json").json["path"][0]["where"] == "patches/0004-creeps.yaml:7"


@pytest.mark.parametrize(
    "first", ["- remove: zoo/skink..reptile\n", "- replace: zoo/skink..reptile\n  with: {title: t}\n"]
)
def test_a_record_that_is_removed_is_nobody_elses_to_change(repo: Repo, first: str) -> None:
    patch(repo, "0001-one", first)
    patch(repo, "0002-two", "- remove: zoo/skink..reptile\n")
    assert "patches/0002-two.yaml:5:11: error[P007]: 0001-one changes zoo/skink..reptile, too" in refused(repo)


def test_what_one_patch_adds_another_may_build_on(repo: Repo) -> None:
    add = (
        "- add: {concept: {id: zoo/anole, name: anole, definition: a lizard with a dewlap}}\n"
        f"  file: {KINDS}\n"
        "- add: {relation: {subject: zoo/anole, predicate: is_a, object: zoo/lizard}}\n"
    )
    patch(repo, "0001-anole", add)
    patch(
        repo,
        "0002-green",
        "- emphasise: [zoo/anole]\n- sample: {id: zoo/a, nodes: [zoo/anole], question: q, answer: a}\n",
    )
    repo.data()
    assert {"zoo/a#written.sample", "zoo/anole#define.term"} <= samples(repo).keys()
    patch(repo, "0002-green", "- replace: zoo/anole\n  with: {definition: a green lizard}\n")
    assert "P007" in refused(repo)
    patch(repo, "0002-green", "- replace: zoo/anole\n  with: {definition: a green lizard}\n", "after: [1]\n")
    repo.data()
    assert samples(repo)["zoo/anole#define.meaning"] == "A green lizard."
    outcome = repo.run("patch", "apply", "2")
    assert (outcome.code, outcome.err) == (
        1,
        "error: 0002-green comes after 0001-anole, which is not applied\nhint: first `prodabuild patch apply 0001`\n",
    )
    before = data(repo)
    assert [repo.run("patch", "apply", number).code for number in ("1", "2")] == [0, 0]
    assert repo.data()["built"] == []
    assert data(repo) == before


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("1-odd", "", "patches/1-odd.yaml: error[P001]: the file of a patch is named `NNNN-slug.yaml`"),
        ("0001-Odd", "", "patches/0001-Odd.yaml: error[P001]: the file of a patch is named `NNNN-slug.yaml`"),
        ("0002-b", "after: [2]\n", "patches/0002-b.yaml:4:8: error[P010]: 0002-b comes before 0002, not after it"),
        ("0002-b", "after: [9]\n", "patches/0002-b.yaml:4:8: error[P010]: 0002-b comes before 0009, not after it"),
        ("0001-b", "", "patches/0001-b.yaml:1:1: error[P002]: 0001-a has the number 0001, too"),
    ],
)
def test_names_and_numbers(repo: Repo, name: str, more: str, expected: str) -> None:
    patch(repo, "0001-a", "- remove: zoo/skink..reptile\n")
    patch(repo, name, "- remove: zoo/iguana..reptile\n", more)
    assert expected in refused(repo)


def test_a_record_that_two_files_state_is_told_though_a_patch_covers_it(repo: Repo) -> None:
    patch(repo, "0001-climbs", CLIMBS)
    repo.data()
    repo.write("knowledge/zoo/more.yaml", "concepts:\n- {id: zoo/gecko, name: gecko, definition: x}\n")
    again = "knowledge/zoo/more.yaml:2:8: error[K004]: the id 'zoo/gecko' is used again\nhint: first used in " + KINDS
    assert refused(repo).startswith(again + "\npatches/0001-climbs.yaml:8:24: error[P006]: ")
    repo.write("knowledge/zoo/more.yaml", f"concepts:\n- {{id: zoo/gecko, name: gecko, definition: {GECKO}}}\n")
    assert "error[K004]: the id 'zoo/gecko' is used again" in refused(repo)


def test_a_patch_of_a_discipline_that_moves_is_laid_again(repo: Repo) -> None:
    patch(
        repo,
        "0001-anole",
        "- add: {chain: {id: zoo/x, title: t, steps: [zoo/gecko.is_a.lizard, zoo/lizard.is_a.reptile]}}\n  file: knowledge/new/a.yaml\n",
    )
    assert "P009" in refused(repo)
    (repo.path / "knowledge/new").mkdir()
    repo.edit("proda.yaml", "knowledge/tools]", "knowledge/tools, knowledge/new]")
    assert "K015" in refused(repo)
    repo.edit(
        "patches/0001-anole.yaml",
        "[zoo/gecko.is_a.lizard, zoo/lizard.is_a.reptile]",
        "[zoo/gecko.is_a.lizard, zoo/lizard.is_a.reptile, zoo/reptile.is_a.beast]",
    )
    assert "K005" in refused(repo)


def test_a_patch_of_two_disciplines_leaves_each_its_records(repo: Repo) -> None:
    before = repo.run("check", "--json").json["coverage"]
    patch(repo, "0001-both", CLIMBS + "- replace: tools/gimlet\n  with: {definition: a small drill}\n")
    assert repo.run("check", "--json").json["coverage"] == before
    repo.data()
    assert samples(repo)["tools/gimlet#define.meaning"] == "A small drill."


def test_a_sample_about_what_is_gone_is_refused(repo: Repo) -> None:
    link = "- add: {relation: {subject: zoo/gecko, predicate: produces, object: zoo/skink}}\n"
    sample = "- sample: {id: zoo/s, nodes: [zoo/gecko.produces.skink], question: q, answer: a}\n"
    patch(repo, "0001-link", link + sample)
    repo.data()
    settle()
    patch(repo, "0001-link", sample.replace("- sample:", "- file: knowledge/zoo/kinds.yaml\n  sample:"))
    assert "P004" in refused(repo)
    repo.write(
        "knowledge/zoo/s.yaml", "samples:\n- {id: zoo/t, nodes: [zoo/gecko.produces.skink], question: q, answer: a}\n"
    )
    patch(repo, "0001-link", link)
    repo.data()
    settle()
    (repo.path / "patches/0001-link.yaml").unlink()
    assert refused(repo) == (
        "knowledge/zoo/s.yaml:2:23: error[K005]: there is no concept or relation 'zoo/gecko.produces.skink'"
    )


def test_a_record_that_goes_from_under_its_patch_is_told(repo: Repo) -> None:
    patch(repo, "0001-retitled", "- replace: zoo/skink..reptile\n  with: {title: t}\n")
    repo.data()
    settle()
    text = repo.read(CHAINS).decode()
    first, _, rest = text.partition("- id: zoo/skink..reptile\n")
    repo.write(CHAINS, first + "- id" + rest.partition("\n- id")[2])
    assert "patches/0001-retitled.yaml:5:12: error[P004]: there is no record 'zoo/skink..reptile'" in refused(repo)


def test_what_a_patch_adds_goes_with_the_discipline_of_its_file(repo: Repo) -> None:
    repo.edit("proda.yaml", "knowledge/zoo]", "knowledge/zoo, knowledge/more]")
    (repo.path / "knowledge/more").mkdir()
    sample = "- sample: {id: x/s, nodes: [zoo/gecko], question: q, answer: a}\n  file: knowledge/more/s.yaml\n"
    patch(repo, "0001-sample", sample)
    repo.data()
    assert [row["discipline"] for row in rows_below(repo.path / "build/dataset/train/zoo") if row["id"][0] == "x"] == [
        "zoo"
    ]
    settle()
    repo.edit("proda.yaml", "knowledge/zoo, knowledge/more]", "knowledge/zoo]")
    repo.edit("proda.yaml", "knowledge/tools]", "knowledge/tools, knowledge/more]")
    repo.data()
    assert [row["discipline"] for row in rows_below(repo.path / "build/dataset/train") if row["id"][0] == "x"] == [
        "tools"
    ]


@pytest.mark.parametrize(
    "about", ["sample: {id: zoo/s, nodes: [zoo/anole], question: q, answer: a}", "emphasise: [zoo/anole]"]
)
def test_what_is_about_a_concept_is_looked_at_when_the_concept_goes(repo: Repo, about: str) -> None:
    more = repo.write(
        "knowledge/zoo/more.yaml",
        "concepts:\n- id: zoo/anole\n  name: anole\n  definition: d\n  relations: [{predicate: is_a, object: zoo/lizard}]\n",
    )
    patch(repo, "0001-about", f"- {about}\n")
    assert repo.run("patch", "apply", "1").code == 0
    repo.data()
    kept = more.read_text().splitlines()[-4:] if "sample" in about else more.read_text().splitlines()[-2:]
    settle()
    more.write_text(
        "\n".join([{"s": "samples:", "e": "emphasis:"}[about[0]], *(line for line in kept if line[-1] != ":")])
    )
    outcome = repo.run("compile", "--to", "data")
    kinds = "concept or relation" if "sample" in about else "concept, relation or chain"
    assert (outcome.code, f"there is no {kinds} 'zoo/anole'" in outcome.err) == (1, True)


def test_a_shard_that_a_patch_splits_shows_nothing_but_what_is_new(repo: Repo) -> None:
    repo.built()
    ops = (f"- sample: {{id: zoo/s{n}, nodes: [zoo/gecko], question: q{n}, answer: a}}\n" for n in range(40))
    patch(repo, "0001-many", "".join(ops))
    shown = repo.run("patch", "show", "1", "--json").json
    assert [row["id"] for row in shown["samples"]] == sorted(f"zoo/s{n}#written.sample" for n in range(40))
    assert shown["shards"]["total"] > 12


def test_patches_are_watched(repo: Repo) -> None:
    patch(repo, "0001-climbs", CLIMBS)
    assert "patches/0001-climbs.yaml" in Watch(repo.path).seen


WORDS = ["quick", "slow", "grey", "shy", "loud", "old", "wet", "tall", "odd", "warm"]


def _random_ops(draw: random.Random, leaves: list[str], number: int) -> str:
    """Return operations on records that no other patch touches."""
    one, two, three = (leaves.pop(draw.randrange(len(leaves))) for _ in range(3))
    middle = next(middle for tree in TREES["zoo"].values() for middle, below in tree.items() if one in below)
    branch = next(branch for branch, tree in TREES["zoo"].items() if any(three in below for below in tree.values()))
    words = " ".join(draw.sample(WORDS, 4))
    ops = [
        f"- replace: zoo/{slug(one)}\n  with: {{definition: 'a {words} # beast', aliases: [{words}], kind: null}}\n",
        f"- emphasise: [zoo/{slug(two)}, zoo/{slug(one)}.is_a.{slug(middle)}]\n",
        f"- sample: {{id: zoo/s{number}, nodes: [zoo/{slug(two)}], question: '{words}?', answer: '{words}: yes'}}\n",
        f"- remove: zoo/{slug(three)}..{slug(branch)}\n",
        (
            f"- add: {{concept: {{id: zoo/n{number}, name: n{number}, definition: {words}}}}}\n"
            f"  file: {draw.choice([KINDS, CHAINS, 'knowledge/zoo/new.yaml', 'knowledge/zoo/bulk.jsonl'])}\n"
            f"- add: {{relation: {{subject: zoo/n{number}, predicate: is_a, object: zoo/{slug(one)}}}}}\n"
        ),
        f"- replace: zoo/{slug(one)}.is_a.{slug(middle)}\n  with: {{statement: {words}, source: 'book:1#2-3'}}\n",
    ]
    return "".join(draw.sample(ops, draw.randint(2, len(ops))))


@pytest.mark.parametrize("seed", range(6))
def test_a_patch_laid_over_knowledge_and_folded_into_it_give_the_same_bytes(repo: Repo, seed: int) -> None:
    draw = random.Random(seed)
    leaves = [leaf for tree in TREES["zoo"].values() for below in tree.values() for leaf in below]
    if draw.random() < 0.5:
        repo.data()
    for number in (1, 2, 3):
        patch(repo, f"000{number}-random", _random_ops(draw, leaves, number))
        if draw.random() < 0.5:
            repo.data()
    repo.data()
    laid = data(repo)
    order = ["1", "2", "3"]
    draw.shuffle(order)
    for one in order:
        assert repo.run("patch", "apply", one).code == 0
        if draw.random() < 0.5:
            assert repo.data()["built"] == []
    assert repo.data()["built"] == []
    assert data(repo) == laid
    assert not list((repo.path / "patches").iterdir())
    fresh = Repo(repo.path.parent / "fresh", repo.capsys)
    for name in ("proda.yaml", *(f"knowledge/{file}" for file in repo.files("knowledge"))):
        fresh.write(name, repo.read(name))
    fresh.data()
    assert data(fresh) == laid
    assert fresh.read("proda.lock") == repo.read("proda.lock")
