"""`-k`: what does not depend on a failed unit is built, the rest is named and left as it was."""

from __future__ import annotations

import pytest

from tests.conftest import Repo

KINDS = "knowledge/zoo/kinds.yaml"
RECIPE = """from prodabuild.shards.sample import Sample

BAD = ()


def brief(concept):
    if concept.id in BAD:
        raise ValueError("bad")
    yield Sample("line", f"What is {concept.name.text}?", concept.definition, (concept.id,))
"""


@pytest.fixture
def own(repo: Repo) -> Repo:
    repo.write("recipes/cases.py", RECIPE)
    repo.edit("proda.yaml", "judge]", "recipes/cases.py:brief]")
    return repo


def homes(repo: Repo, *records: str) -> list[str]:
    """Return the shards that hold these concepts."""
    files = repo.files("build/dataset/train")
    return sorted(
        f"shard:{name.removesuffix('.jsonl')}"
        for name, data in files.items()
        if any(f'"{record}#'.encode() in data for record in records)
    )


def spoil(repo: Repo) -> None:
    repo.edit("recipes/cases.py", "BAD = ()", 'BAD = ("zoo/gecko", "tools/brace")')


def test_every_failure_is_named_and_the_rest_is_built(own: Repo) -> None:
    own.data()
    bad = homes(own, "zoo/gecko", "tools/brace")
    total = len(own.files("build/dataset/train"))
    before, lock = own.files("build"), own.read("proda.lock")
    spoil(own)
    own.edit(KINDS, "a lizard with the habits of a iguana", "a lizard that sleeps")
    own.edit("proda.yaml", "sealed: 0.5", "sealed: 0.9")
    line = {name: place(own, file, name) for file, name in ((KINDS, "zoo/gecko"), ("knowledge/tools/kinds.yaml", "tools/brace"))}  # fmt: skip
    outcome = own.run("compile", "--to", "data", "-k", "-q")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"recipes/cases.py:8:9: error[R003]: the recipe 'brief' on tools/brace ({line['tools/brace']}): ValueError: bad\n"
        "hint: a recipe is run on every record of its level\n"
        f"recipes/cases.py:8:9: error[R003]: the recipe 'brief' on zoo/gecko ({line['zoo/gecko']}): ValueError: bad\n"
        "hint: a recipe is run on every record of its level\n\n"
        f"2 units failed: {', '.join(bad)}; blocked by that: dataset, {', '.join(leaks(bad))}\n"
    )
    assert own.read("proda.lock") == lock
    after = own.files("build")
    changed = {name.partition("/")[0] for name in after if after[name] != before.get(name)}
    assert changed == {"dataset", "items", "suites", "leaks"}
    assert after["dataset/dataset.json"] == before["dataset/dataset.json"]
    assert [shard for shard in bad if after[path(shard)] != before[path(shard)]] == []
    assert own.run("compile", "--to", "data", "-k").code == 1
    own.edit("recipes/cases.py", 'BAD = ("zoo/gecko", "tools/brace")', "BAD = ()  # mended")
    report = own.data()
    assert report["shards"]["total"] == total
    assert [unit for unit in report["built"] if unit.startswith("shard:")] in ([], homes(own, "zoo/iguana"))
    assert not [unit for unit in (*report["built"], *report["restored"]) if unit.startswith(("items:", "suite:"))]
    assert own.data()["clean"] == 2 * total + 5


def place(repo: Repo, file: str, record: str) -> str:
    return f"{file}:{repo.read(file).decode().splitlines().index(f'- id: {record}') + 1}"


def leaks(shards: list[str]) -> list[str]:
    return [shard.replace("shard:", "leaks:") for shard in shards]


def path(shard: str) -> str:
    return f"dataset/train/{shard.removeprefix('shard:')}.jsonl"


def test_the_document_names_what_failed_and_what_was_blocked(own: Repo) -> None:
    spoil(own)
    document = own.run("compile", "--to", "data", "-k", "--json").json
    assert not (own.path / "proda.lock").exists()
    assert not (own.path / "build/dataset/dataset.json").exists()
    assert [problem["code"] for problem in document["problems"]] == ["R003", "R003"]
    assert {row["message"] for row in document["failed"]} == {problem["message"] for problem in document["problems"]}
    failed = [row["unit"] for row in document["failed"]]
    assert (len(failed), document["error"]["exit"]) == (2, 1)
    assert document["blocked"] == ["dataset", *leaks(failed)]
    own.edit("recipes/cases.py", ', "tools/brace")', ",)")
    document = own.run("compile", "--to", "data", "-k", "--json").json
    assert [row["unit"] for row in document["failed"]] == [unit for unit in failed if unit.startswith("shard:zoo")]
    assert document["blocked"] == ["dataset", *leaks([row["unit"] for row in document["failed"]])]


def test_without_it_the_first_failure_ends_the_build(own: Repo) -> None:
    spoil(own)
    outcome = own.run("compile", "--to", "data")
    assert outcome.code == 1
    assert outcome.err.count("error[R003]") == 1
    assert "items:" not in outcome.err
    assert not (own.path / "proda.lock").exists()
    kept = own.files("build/dataset/train")
    assert 0 < len(kept) < 12
    own.edit("recipes/cases.py", '("zoo/gecko", "tools/brace")', "()  # mended")
    own.data()
