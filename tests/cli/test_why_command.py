"""`why`: what it prints of a record, a sample, an item, a unit and an output, and how it refuses."""

from __future__ import annotations

import re

from tests.conftest import ROOT, Repo

KINDS = "knowledge/zoo/kinds.yaml"
UNBUILT = "note: not built yet: base, model, results:chains@base, results:chains"
GECKO = f"""zoo/gecko  concept
{UNBUILT}

  zoo/gecko     knowledge/zoo/kinds.yaml:139
  shard:zoo/00  build/dataset/train/zoo/00.jsonl:14
  dataset       build/dataset

read by 5 units
  shard:zoo/00   definition, name
  items:zoo/all  genus, name, aliases, relations from it
  shard:zoo/011  genus, name, aliases (found through the relations to zoo/lizard)
  shard:zoo/100  genus, name, aliases, relations from it (found through the relations to zoo/lizard)
  and 1 more

mentioned in 9 samples
  zoo/gecko#define.meaning               build/dataset/train/zoo/00.jsonl:14
  zoo/gecko#define.term                  build/dataset/train/zoo/00.jsonl:15
  zoo/skink.is_a.lizard#choose.object    build/dataset/train/zoo/011.jsonl:22
  zoo/gecko.is_a.lizard#relate.question  build/dataset/train/zoo/100.jsonl:18
  and 5 more

asked in 1 test item
  zoo/gecko..reptile  build/items/sealed/zoo/all.jsonl:4

ends in
  suite:chains  build/suites/chains
  index         build/leaks/index
  dataset       build/dataset
"""
SAMPLE = f"""zoo/gecko#define.term  sample
{UNBUILT}

  zoo/gecko     knowledge/zoo/kinds.yaml:139
  define        prodabuild/shards/recipes.py:NN
  shard:zoo/00  build/dataset/train/zoo/00.jsonl:15
  dataset       build/dataset

  user: Which term means: a lizard with the habits of a gecko and of nothing else?
  assistant: gecko.

made from
  nodes (1)
    zoo/gecko  knowledge/zoo/kinds.yaml:139
"""
ITEM = f"""zoo/cobra..reptile  chain
{UNBUILT}

  zoo/cobra..reptile  knowledge/zoo/chains.yaml:107
  items:zoo/all       build/items/dev/zoo/all.jsonl:3
  suite:chains        build/suites/chains/dev.jsonl:3
  index               build/leaks/index

made from
  steps (2)
    zoo/cobra.is_a.snake    knowledge/zoo/kinds.yaml:163
    zoo/snake.is_a.reptile  knowledge/zoo/kinds.yaml:158

read by 1 unit
  items:zoo/all  steps

mentioned in 10 samples of its steps
  zoo/cobra.is_a.snake#relate.question   build/dataset/train/zoo/011.jsonl:5
  zoo/cobra.is_a.snake#relate.statement  build/dataset/train/zoo/011.jsonl:6
  zoo/cobra.is_a.snake#choose.object     build/dataset/train/zoo/011.jsonl:7
  zoo/cobra.is_a.snake#judge.true        build/dataset/train/zoo/011.jsonl:8
  and 6 more

asked in 1 test item
  zoo/cobra..reptile  build/items/dev/zoo/all.jsonl:3

ends in
  suite:chains  build/suites/chains
  index         build/leaks/index
"""
DATASET = f"""dataset  unit  clean
{UNBUILT}

  disciplines  proda.yaml:4
  dataset      build/dataset

made from
  leaks (12)
    leaks:tools/000
    leaks:tools/001
    leaks:tools/01
    leaks:tools/100
    and 8 more
  shards (12)
    shard:tools/000  build/dataset/train/tools/000.jsonl
    shard:tools/001  build/dataset/train/tools/001.jsonl
    shard:tools/01   build/dataset/train/tools/01.jsonl
    shard:tools/100  build/dataset/train/tools/100.jsonl
    and 8 more
  settings (1)
    name  proda.yaml:2  small
  modules of code (N)
    prodabuild                 prodabuild/__init__.py
    prodabuild.digest          prodabuild/digest.py
    prodabuild.engine.buckets  prodabuild/engine/buckets.py
    prodabuild.engine.code     prodabuild/engine/code.py
    and N more
  libraries (2)
    orjson  VERSION
    xxhash  VERSION
"""
STALE = f"""shard:zoo/00  unit  to be built
{UNBUILT}

  disciplines.zoo  proda.yaml:4
  shard:zoo/00     build/dataset/train/zoo/00.jsonl  to be built
  dataset          build/dataset                     may change

to be built, since
  knowledge/zoo/kinds.yaml:141  definition of zoo/gecko changed
    - a lizard with the habits of a gecko and of nothing else
    + a lizard with the toes of a gecko and of nothing else"""


def told(repo: Repo, thing: str, *arguments: str) -> str:
    """Return what `why` says; what moves with our own code and its libraries is left out."""
    outcome = repo.run("why", thing, *arguments)
    assert (outcome.code, outcome.err) == (0, "")
    text = re.sub(r"(orjson|xxhash)  [\d.]+", r"\1  VERSION", outcome.out)
    text = re.sub(r"(modules of code \()\d+(\)(?:\n    pro.*)*\n    and )\d+", r"\1N\2N", text)
    return re.sub(r"(recipes\.py:)\d+", r"\1NN", text)


PATHS = {
    "zoo/gecko": GECKO,
    "zoo/gecko#define.term": SAMPLE,
    "build/dataset/train/zoo/00.jsonl:15": SAMPLE,
    "zoo/cobra..reptile": ITEM,
    "./build/items/dev/zoo/all.jsonl:3": ITEM,
    "build/suites/chains/dev.jsonl:3": ITEM,
    "dataset": DATASET,
    "build/dataset/": DATASET,
    "build/dataset/README.md:1": DATASET,
}


def test_a_path_in_both_directions(repo: Repo) -> None:
    repo.built()
    for thing, text in PATHS.items():
        assert told(repo, thing) == text


def test_what_is_stale_tells_its_line_with_the_old_over_the_new(repo: Repo) -> None:
    repo.built()
    repo.edit(KINDS, "a lizard with the habits of a gecko", "a lizard with the toes of a gecko")
    text = told(repo, "shard:zoo/00")
    assert text.partition("\n\nmade from")[0] == STALE


def test_reasons_beyond_the_third_are_counted_unless_all_are_asked_for(repo: Repo) -> None:
    repo.built()
    repo.write(KINDS, repo.read(KINDS).replace(b"with the habits", b"with the teeth"))
    short, long = told(repo, "shard:zoo/00"), told(repo, "shard:zoo/00", "-v")
    assert re.findall(r"\n  and (\d+) more reasons?\n", short) == ["2"]
    assert [text.count("definition of") for text in (short, long)] == [3, 5]


def test_a_sample_of_an_own_recipe_leads_to_its_function(repo: Repo) -> None:
    repo.write(
        "recipes/own.py",
        "from prodabuild.shards.sample import Sample\n\n\ndef brief(concept):\n"
        '    yield Sample("line", concept.name.text, concept.definition, (concept.id,))\n',
    )
    repo.edit("proda.yaml", "judge]", "judge, recipes/own.py:brief]")
    repo.data()
    assert "\n  brief         recipes/own.py:4\n" in told(repo, "zoo/gecko#brief.line")
    assert "\n  modules of recipes (1)\n    recipes.own  recipes/own.py\n" in told(repo, "shard:zoo/00")
    repo.edit("proda.yaml", ", recipes/own.py:brief]", "]")
    assert "\n  brief         proda.yaml:6\n" in told(repo, "zoo/gecko#brief.line")


def test_a_record_of_a_vocabulary_names_its_source(repo: Repo) -> None:
    repo.edit(KINDS, "  name: gecko\n", "  name: gecko\n  source: field-guide.txt#120-188\n")
    assert "made from\n  source (1)\n    field-guide.txt  120-188\n" in told(repo, "zoo/gecko")


REFUSALS = [
    ("zoo/geko", "error: there is no unit, record, sample or output 'zoo/geko'\nhint: did you mean 'zoo/gecko' or 'zoo/gecko..reptile'?\n"),
    ("datset", "error: there is no unit, record, sample or output 'datset'\nhint: did you mean 'dataset'?\n"),
    ("build", "error: there is no unit, record, sample or output 'build'\n"),
    ("../build/dataset", "error: there is no unit, record, sample or output '../build/dataset'\nhint: did you mean 'dataset'?\n"),
    ("build/items/dev/zoo/al.jsonl", "error: no unit made build/items/dev/zoo/al.jsonl\nhint: did you mean build/items/dev/zoo/all.jsonl or build/items/dev/tools/all.jsonl or build/items/sealed/zoo/all.jsonl?\n"),
    ("build/nothing/of/the/sort", "error: no unit made build/nothing/of/the/sort\n"),
    ("build/dataset/train/zoo", "error: 6 units made build/dataset/train/zoo\nhint: name one: shard:zoo/00, shard:zoo/010, shard:zoo/011 and 3 more\n"),
    ("build/items/dev/zoo/all.jsonl:99", "error: build/items/dev/zoo/all.jsonl has no line 99\nhint: it has 12 lines\n"),
    ("build/items/dev/zoo/all.jsonl:0", "error: build/items/dev/zoo/all.jsonl has no line 0\nhint: it has 12 lines\n"),
]  # fmt: skip


def test_what_is_not_there(repo: Repo) -> None:
    repo.built()
    for thing, said in REFUSALS:
        outcome = repo.run("why", thing)
        assert (outcome.code, outcome.out, outcome.err) == (1, "", said)


def test_an_output_by_its_absolute_path_from_another_folder(repo: Repo) -> None:
    repo.built()
    path = repo.path / "build/leaks/index"
    outcome = repo.run("why", "-C", str(repo.path), str(path), "--json")
    assert (outcome.code, outcome.json["thing"]) == (0, "index")
    assert not path.is_relative_to(ROOT)


def test_without_a_thing(repo: Repo) -> None:
    outcome = repo.run("why")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.endswith("Error: Missing argument 'THING'.\n")
