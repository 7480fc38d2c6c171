"""Recipes of the data repo at work: their samples, and what is said when they fail."""

from __future__ import annotations

import pytest

from tests.conftest import Repo, rows_below

CASES = "recipes/cases.py"
KINDS = "knowledge/zoo/kinds.yaml"
HEAD = "from prodabuild.shards.sample import Sample\n\n\n"
EACH = 'yield Sample("line", "Which?", concept.definition, (concept.id,))'


def declare(repo: Repo, body: str, level: str = "concept", shard_size: int = 16) -> None:
    repo.write(CASES, f"{HEAD}def brief({level}):\n    {body}\n")
    repo.edit("proda.yaml", "recipes: [define, relate, choose, judge], shard_size: 16", f"recipes: [{CASES}:brief], shard_size: {shard_size}")  # fmt: skip


def failure(repo: Repo, *arguments: str) -> str:
    outcome = repo.run("compile", "--to", "data", "-q", *arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert "Traceback" not in outcome.err
    assert "bug" not in outcome.err
    return outcome.err


def line_of(repo: Repo, file: str, text: str) -> int:
    return repo.read(file).decode().splitlines().index(text) + 1


def test_samples_carry_the_name_of_the_function(repo: Repo) -> None:
    declare(repo, f"if concept.id == 'zoo/gecko':\n        {EACH}")
    assert repo.data()["samples"] == 1
    (row,) = rows_below(repo.path / "build/dataset/train")
    assert row == {
        "id": "zoo/gecko#brief.line",
        "discipline": "zoo",
        "recipe": "brief",
        "nodes": ["zoo/gecko"],
        "messages": [
            {"role": "user", "content": "Which?"},
            {"role": "assistant", "content": "a lizard with the habits of a gecko and of nothing else"},
        ],
    }


def test_own_recipes_stand_beside_those_that_ship(repo: Repo) -> None:
    declare(repo, 'return [Sample(str(n), "Which?", "This.", [relation.id]) for n in range(2)]', "relation")
    repo.edit("proda.yaml", f"[{CASES}:brief]", f"[define, {CASES}:brief, judge]")
    report = repo.data()
    counts = dict.fromkeys(("define", "brief", "judge"), 0)
    for row in rows_below(repo.path / "build/dataset/train"):
        counts[row["recipe"]] += 1
    assert counts == {"define": 2 * 72, "brief": 2 * 64, "judge": 2 * 58}
    assert report["samples"] == sum(counts.values())


RAISED = {
    "an exception": ("1 / 0", "5:5", "ZeroDivisionError: division by zero"),
    "one of its own": (
        'class Odd(Exception): ...\n    raise Odd("two\\nlines")',
        "6:5",
        "recipes.cases.brief.<locals>.Odd: two lines",
    ),
    "in what it calls": ("concept.knowledge.relation(concept.id)", "5:5", None),
    "one that cannot be told": (
        "class Odd(Exception):\n        def __str__(self): 1 / 0\n    raise Odd",
        "7:5",
        "recipes.cases.brief.<locals>.Odd: <exception str() failed>",
    ),
    "leaving": ("raise SystemExit(0)", "5:5", "SystemExit: 0"),
    "after a sample": (f"{EACH}\n    raise KeyError('x')", "6:5", "KeyError: 'x'"),
    "endless calls": ("def f(): f()\n    f()", "5:14", "RecursionError: maximum recursion depth exceeded"),
    "what its imports lack": ("import recipes.absent", "5:5", "ModuleNotFoundError: No module named 'recipes.absent'"),
}


@pytest.mark.parametrize("case", RAISED)
def test_an_exception_names_recipe_record_type_text_and_line(repo: Repo, case: str) -> None:
    body, place, text = RAISED[case]
    declare(repo, body)
    record = f"zoo/adder ({KINDS}:{line_of(repo, KINDS, '- id: zoo/adder')})"
    repo.edit("proda.yaml", "  tools: {knowledge: [knowledge/tools]}\n", "")
    repo.edit("proda.yaml", "shard_size: 16", "shard_size: 500")
    err = failure(repo)
    assert err.startswith(f"{CASES}:{place}: error[R003]: the recipe 'brief' on {record}: {text or ''}")
    if text:
        assert err.endswith(f": {text}\nhint: a recipe is run on every record of its level\n\n1 error\n")


YIELDED = {
    "no sample": ('yield ("line", "Which?", "This.", (concept.id,))', "yields a value of type tuple, not a Sample"),
    "nothing": ("yield", "yields None, not a Sample"),
    "an empty question": ('yield Sample("line", " ", "This.", ())', "yields a Sample whose question is empty"),
    "an empty answer": ('yield Sample("line", "Which?", "", ())', "yields a Sample whose answer is empty"),
    "an empty variant": ('yield Sample("", "Which?", "This.", ())', "yields a Sample whose variant is empty"),
    "a name for a text": ('yield Sample("line", "Which?", concept.name, ())', "yields a Sample whose answer is a value of type Name, not text"),
    "half a character": ('yield Sample("line", "Which?", "\\ud83d", ())', "yields a Sample whose answer holds half a character (a lone surrogate)"),
    "an id for ids": ('yield Sample("line", "Which?", "This.", concept.id)', "yields a Sample whose nodes are no tuple of ids"),
    "a record for an id": ('yield Sample("line", "Which?", "This.", (concept,))', "yields a Sample whose nodes are no tuple of ids"),
    "no record": ('yield Sample("line", "Which?", "This.", ("zoo/dodo",))', "yields a Sample whose node 'zoo/dodo' is no record"),
    "a variant twice": (f"{EACH}; {EACH}", "yields the variant 'line' twice"),
    "from another generator": ('yield from (Sample("line", "Which?", "", ()) for _ in "a")', "yields a Sample whose answer is empty"),
}  # fmt: skip


@pytest.mark.parametrize("case", YIELDED)
def test_what_is_no_sample_is_refused_at_its_yield(repo: Repo, case: str) -> None:
    body, text = YIELDED[case]
    declare(repo, f"pass\n    {body}")
    record = f"tools/beetle_mallet (knowledge/tools/kinds.yaml:{line_of(repo, 'knowledge/tools/kinds.yaml', '- id: tools/beetle_mallet')})"  # fmt: skip
    assert failure(repo) == (
        f"{CASES}:6: error[R004]: the recipe 'brief' on {record}: {text}\n"
        "hint: yield Sample(variant, question, answer, nodes), each variant once a record\n\n1 error\n"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("return None", "returns None, not samples: it is to `yield` each"),
        ('return Sample("line", "Which?", "This.", ())', "returns a value of type Sample, not samples: it is to `yield` each"),
        ("return [concept]", "yields a value of type Concept, not a Sample"),
    ],
)  # fmt: skip
def test_what_yields_nothing_is_refused_at_its_definition(repo: Repo, body: str, text: str) -> None:
    declare(repo, body)
    assert failure(repo).startswith(f"{CASES}:4: error[R004]: the recipe 'brief' on tools/beetle_mallet (knowledge/tools/kinds.yaml:20): {text}\n")  # fmt: skip


def test_an_async_recipe_is_refused(repo: Repo) -> None:
    declare(repo, "yield concept")
    repo.edit(CASES, "def brief", "async def brief")
    assert "returns a value of type async_generator, not samples" in failure(repo)


def test_a_module_that_fails_while_it_is_loaded_says_where(repo: Repo) -> None:
    declare(repo, EACH)
    repo.edit(CASES, HEAD, "from .wording import ask\n" + HEAD)
    repo.write("recipes/wording.py", "ask = 'a'\nless = int(ask)\n")
    assert failure(repo) == (
        "recipes/wording.py:2:8: error[R003]: the recipe 'brief' cannot be loaded: "
        "ValueError: invalid literal for int() with base 10: 'a'\n"
        "hint: mend what the file does at its top level, or what it imports\n\n1 error\n"
    )


def test_a_package_that_is_not_installed_is_the_project_s_matter(repo: Repo) -> None:
    declare(repo, EACH)
    repo.edit(CASES, HEAD, "import no_such_package\n" + HEAD)
    assert failure(repo).startswith(
        f"{CASES}:1:1: error[R003]: the recipe 'brief' cannot be loaded: "
        "ModuleNotFoundError: No module named 'no_such_package'\n"
    )


def test_in_processes_it_is_the_same(repo: Repo) -> None:
    declare(repo, EACH, shard_size=1)
    assert repo.data("--jobs", "2")["samples"] == 72
    repo.edit(CASES, EACH, "class Odd(Exception):\n        def __init__(self, a, b): ...\n    raise Odd(1, 2)")
    err = failure(repo, "--jobs", "2")
    assert f"{CASES}:7:5: error[R003]: the recipe 'brief' on " in err
    assert err.endswith(".Odd: (1, 2)\nhint: a recipe is run on every record of its level\n\n1 error\n")


def test_what_a_recipe_prints_does_not_spoil_the_document(repo: Repo) -> None:
    declare(repo, f"print(concept.id)\n    {EACH}")
    outcome = repo.run("compile", "--to", "data", "--json")
    assert outcome.json["samples"] == 72
    assert "zoo/gecko\n" in outcome.err
