"""`prodabuild diff` as people read it: exact text, Markdown and JSON; what cannot be told is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import orjson
import pytest

from prodabuild.digest import canonical
from prodabuild.engine import lockfile
from prodabuild.engine.store import Store
from prodabuild.project.locking import FILE_KEYS
from tests.conftest import Repo, Versioned

KINDS = "knowledge/zoo/kinds.yaml"
OLD, NEW = "a lizard with the habits of a gecko and of nothing else", "a lizard that sticks"
PATCH = """title: Iguanas swim
reason: the model
  thinks they fly
cause: correction
ops:
- emphasise: [zoo/iguana]
- sample: {id: zoo/iguana!swim, nodes: [zoo/iguana], question: Do iguanas swim?, answer: "Yes, they do."}
"""


@pytest.fixture
def built(versioned: Versioned) -> Versioned:
    """A repo with a first version on `main`."""
    versioned.repo.built()
    versioned.commit()
    return versioned


def edit(built: Versioned) -> None:
    built.repo.edit(KINDS, OLD, NEW)
    built.repo.data()


def test_an_edit_is_told_with_its_samples_before_and_after(built: Versioned) -> None:
    edit(built)
    outcome = built.repo.run("diff", "main")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        "main -> the work tree\n\n"
        "                     before    after     change\n"
        "shards                   12       12  1 changed\n"
        "samples                 449      449  2 changed\n"
        "test items, dev          12       12       none\n"
        "test items, sealed        8        8       none\n"
        "words                 7 020    7 004        -16\n"
        "records taught      100.0 %  100.0 %       none\n"
        "records tested       43.5 %   43.5 %       none\n"
        "bytes of the data   128 538  128 468        -70\n"
        "\nrecords: 1 changed\n"
        "~ concept zoo/gecko knowledge/zoo/kinds.yaml:139\n"
        f"    - definition: {OLD}\n    + definition: {NEW}\n"
        "\nsamples, some of those that differ: 2 changed\n"
        "~ zoo/gecko#define.meaning\n"
        f"    - answer: A{OLD[1:]}.\n    + answer: A{NEW[1:]}.\n"
        "~ zoo/gecko#define.term\n"
        f"    - question: Which term means: {OLD}?\n    + question: Which term means: {NEW}?\n"
    )


def test_markdown_begins_with_a_marker_and_quotes_in_code(built: Versioned) -> None:
    edit(built)
    built.commit()
    lines = built.repo.run("diff", "main~1", "main", "--md").out.splitlines()
    assert lines[:6] == [
        "<!-- prodabuild diff: small -->",
        "## `small`: `main~1` → `main`",
        "",
        "|  | before | after | change |",
        "| --- | ---: | ---: | ---: |",
        "| shards | 12 | 12 | 1 changed |",
    ]
    at = lines.index("### Records")
    assert lines[at + 2 : at + 8] == [
        "1 changed",
        "",
        "```diff",
        "~ concept zoo/gecko knowledge/zoo/kinds.yaml:139",
        f"- definition: {OLD}",
        f"+ definition: {NEW}",
    ]


def test_json_has_every_record_and_numbers_alone_of_items(built: Versioned) -> None:
    edit(built)
    found = built.repo.run("diff", "main", "--json").json
    assert (found["schema"], found["before"], found["after"]) == (1, "main", "the work tree")
    assert found["records"] == [
        {
            "how": "changed",
            "what": "concept",
            "id": "zoo/gecko",
            "where": f"{KINDS}:139",
            "old": {"definition": OLD},
            "new": {"definition": NEW},
        }
    ]
    assert found["shards"] == {"before": 12, "after": 12, "added": 0, "removed": 0, "changed": 1}
    assert found["samples"] == {"before": 449, "after": 449, "added": 0, "removed": 0, "changed": 2}
    assert found["items"]["dev"] == {"before": 12, "after": 12, "added": 0, "removed": 0, "changed": 0}
    assert found["coverage"]["taught"] == {"before": 1.0, "after": 1.0}
    assert found["untold"] == found["notes"] == []


def test_what_moved_to_another_file_or_was_written_otherwise_is_no_difference(built: Versioned) -> None:
    text = built.repo.read(KINDS).decode()
    head, mark, rest = text.partition("- id: zoo/fish")
    built.repo.write(KINDS, head + "# a comment\n")
    built.repo.write("knowledge/zoo/more.yaml", "concepts:\n" + mark + rest)
    built.repo.data()
    assert built.repo.run("diff", "main").out == "main -> the work tree\nnothing differs\n"
    assert built.repo.run("diff", "main", "--md").out.endswith(
        "`small`: `main` → `the work tree`\n\nNothing differs.\n"
    )


def test_a_test_item_is_never_shown(built: Versioned) -> None:
    items = [row for rows in built.repo.files("build/items").values() for row in rows.splitlines()]
    asked = [orjson.loads(row)["question"] for row in items]
    built.repo.edit("knowledge/zoo/kinds.yaml", "name: gecko", "name: house gecko")
    built.repo.write("proda.yaml", built.repo.read("proda.yaml").replace(b"sealed: 0.5", b"sealed: 0.3"))
    built.repo.data()
    outcomes = [built.repo.run("diff", "main", *words).out for words in ([], ["-v"], ["--md"], ["--json"])]
    assert [question for question in asked for text in outcomes if question in text] == []
    assert "tests.chains.sealed: 0.5 -> 0.3\n" in outcomes[0]
    assert "test items, sealed" in outcomes[0]


def test_patches_and_settings_are_told(built: Versioned) -> None:
    built.repo.write("patches/0001-iguanas-swim.yaml", PATCH)
    built.repo.data()
    built.commit()
    added = built.repo.run("diff", "main~1", "main").out
    assert (
        "\npatches: 1 added\n"
        "+ patch 0001-iguanas-swim patches/0001-iguanas-swim.yaml\n"
        "    + title: Iguanas swim\n"
        "    + reason: the model thinks they fly\n"
        "    + cause: correction\n"
        "    + operations: 1 emphasise, 1 sample\n"
    ) in added
    assert "zoo/iguana!swim#written.sample" in added
    assert "patches: 1 removed\n- patch 0001-iguanas-swim" in built.repo.run("diff", "main", "main~1").out
    built.repo.write("patches/0001-iguanas-swim.yaml", PATCH.replace("fly", "climb"))
    built.repo.edit("proda.yaml", "seed: 7", "seed: 8")
    built.repo.write("knowledge/predicates.yaml", 'predicates:\n  is_a: {forward: "{a subject} {is} some {object}"}\n')
    told = built.repo.run("diff", "main").out
    assert "    - reason: the model thinks they fly\n    + reason: the model thinks they climb\n" in told
    assert (
        "settings:\n  compile.seed: 7 -> 8\n  predicates.is_a.forward: none -> {a subject} {is} some {object}\n" in told
    )


UNEXPLAINED = (
    "changed, and no record, patch, setting or own recipe did: another version of prodabuild built it, or somebody put "
    "it there (`prodabuild rebuild REF` shows which)"
)


@pytest.mark.parametrize("unit", ["shard:zoo/010", "items:zoo/all", "dataset"])
def test_data_that_changed_without_a_reason_is_told(built: Versioned, unit: str) -> None:
    lock = lockfile.read(built.path / "proda.lock")
    name, row = next(iter(lockfile.files_of(lock[unit]).items()))
    other = row | {"sha256": "0" * 64, "md5": "0" * 32}
    files = {"files": {**lockfile.files_of(lock[unit]), name: other}} if "files" in lock[unit] else {}
    built.repo.write("proda.lock", lockfile.render(lock | {unit: files or lock[unit] | other}))
    outcome = built.repo.run("diff", "main")
    assert f"unexplained: {unit} {UNEXPLAINED}\n" in outcome.out
    assert built.repo.run("diff", "main", "--json").json["unexplained"] == [unit]
    assert f"### Unexplained\n\n``{unit} " in built.repo.run("diff", "main", "--md").out


@pytest.mark.parametrize(
    "reason",
    [
        lambda repo: repo.edit(KINDS, OLD, NEW),
        lambda repo: repo.edit("proda.yaml", "seed: 7", "seed: 8"),
        lambda repo: repo.write("patches/0001-iguanas.yaml", PATCH),
    ],
    ids=["record", "setting", "patch"],
)
def test_data_that_changed_with_a_reason_is_not(built: Versioned, reason: Callable[[Repo], object]) -> None:
    reason(built.repo)
    built.repo.data()
    outcome = built.repo.run("diff", "main")
    assert "unexplained" not in outcome.out
    assert built.repo.run("diff", "main", "--json").json["unexplained"] == []


def test_a_version_that_was_not_built_after_its_last_edit_is_told(built: Versioned) -> None:
    built.repo.edit(KINDS, OLD, NEW)
    built.repo.write("patches/0001-iguanas-swim.yaml", PATCH)
    outcome = built.repo.run("diff", "main")
    assert outcome.code == 0
    assert outcome.out.endswith(
        "\nnot told:\n"
        "  proda.lock of the work tree was written before the last edit of knowledge/zoo/kinds.yaml and 1 more:"
        " samples, items and figures are those of the build before it\n"
    )
    assert "records: 1 changed" in outcome.out


def test_lost_objects_are_told_by_part_and_the_rest_is_there(built: Versioned) -> None:
    edit(built)
    shutil.rmtree(built.path / ".dvc/cache/files")  # what `build/` has is found there
    found = built.repo.run("diff", "main", "--json").json
    assert found["untold"] == [
        {
            "part": "samples, words, tokens and what they teach",
            "why": "1 object of main is not at hand",
            "mend": "prodabuild pull --all-versions",
        }
    ]
    assert found["samples"] == {"before": None, "after": 449, "added": None, "removed": None, "changed": None}
    assert found["items"]["dev"]["changed"] == 0
    assert found["coverage"]["taught"] == {"before": None, "after": 1.0}
    assert len(found["records"]) == 1
    text = built.repo.run("diff", "main").out
    assert "samples                   ?      449          ?\n" in text
    assert text.endswith(
        "\nnot told:\n  samples, words, tokens and what they teach: 1 object of main is not at hand"
        " (`prodabuild pull --all-versions` may help)\n"
    )


def test_a_version_without_a_lock_is_compared_by_what_was_written(built: Versioned) -> None:
    built.git("rm", "--quiet", "--cached", "proda.lock")
    built.git("commit", "--quiet", "--message", "no lock")
    outcome = built.repo.run("diff", "main")
    assert outcome.code == 0
    assert "  main has no proda.lock: what was made of it cannot be told\n" in outcome.out
    built.git("checkout", "--quiet", "--orphan", "empty")
    built.git("reset", "--quiet")
    built.git("commit", "--quiet", "--allow-empty", "--message", "nothing")
    assert "records: 184 added\n" in built.repo.run("diff", "empty").out


def results(built: Versioned, acc: float, right: list[bool]) -> None:
    """Write results and scores into the lock, as a test would."""
    items = [
        {"id": f"zoo/{n}", "digest": "d", "split": "dev", "discipline": "zoo", "correct": ok, "pick": 0, "loglikelihoods": [-1.0, -2.0]}
        for n, ok in enumerate(right)
    ]  # fmt: skip
    stored = Store(built.path / ".dvc/cache", built.path / "build").put(
        "results/chains.json", canonical({"items": items})
    )
    entries = lockfile.read(built.path / "proda.lock")
    entries["results:chains"] = dict(zip(FILE_KEYS, stored, strict=True))
    entries["score:chains/dev"] = {"n": len(right), "acc": acc, "stderr": 0.1, "base_acc": 0.25}
    built.repo.write("proda.lock", lockfile.render(entries))


def test_scores_are_paired_where_results_are_at_hand_and_said_to_be_unpaired_where_not(built: Versioned) -> None:
    results(built, 0.4, [True] * 4 + [False] * 6)
    built.commit()
    results(built, 0.9, [True] * 9 + [False])
    (row,) = built.repo.run("diff", "main", "--json").json["scores"]
    assert (row["test"], row["n"], row["difference"], row["p"]) == ("paired", 10, 0.5, 0.0625)
    assert (
        "chains  dev    0.400 (n 10)  0.900 (n 10)  +0.500  +0.200 to +0.800  0.0625  paired, n 10\n"
        in built.repo.run("diff", "main").out
    )
    shutil.rmtree(built.path / ".dvc/cache/files/md5")
    found = built.repo.run("diff", "main", "--json").json
    (row,) = found["scores"]
    assert (row["test"], row["n"], row["difference"]) == ("unpaired", None, 0.5)
    assert 0.015 < row["p"] < 0.025
    assert [each["part"] for each in found["untold"]] == ["the paired test of scores"] * 2
    assert "Unpaired: from the recorded accuracies alone" in built.repo.run("diff", "main", "--md").out


def test_what_is_no_ref_or_no_lock_is_refused(built: Versioned) -> None:
    outcome = built.repo.run("diff", "nowhere")
    assert (outcome.code, outcome.err) == (
        2,
        "error: git knows no commit 'nowhere'\nhint: name a branch, a tag or a commit: `git log --oneline`\n",
    )
    assert built.repo.run("diff", "--output=x").code == 2
    assert built.repo.run("diff", "main", "--md", "--json").code == 2
    built.repo.write("proda.lock", "<<<<<<< HEAD\n")
    outcome = built.repo.run("diff", "main")
    assert (outcome.code, outcome.err.splitlines()[0]) == (1, "error: proda.lock of the work tree:1:1: not a lock")


def test_nothing_is_written_and_nothing_is_built(built: Versioned) -> None:
    edit(built)
    before = {path: path.stat().st_mtime_ns for path in built.path.rglob("*") if ".git" not in path.parts}
    built.repo.run("diff", "main")
    assert {path: path.stat().st_mtime_ns for path in built.path.rglob("*") if ".git" not in path.parts} == before


def test_a_data_repo_in_a_folder_of_a_git_repository(built: Versioned) -> None:
    shutil.rmtree(built.path / ".git")
    built.call("git", "init", "--quiet", "--initial-branch", "main", "..")
    built.repo.write(".gitignore", "/build/\n/.prodabuild/\n/.dvc/cache/\n")
    built.commit()
    edit(built)
    assert (
        "\nrecords: 1 changed\n~ concept zoo/gecko knowledge/zoo/kinds.yaml:139\n" in built.repo.run("diff", "main").out
    )


@pytest.mark.parametrize(
    "row",
    [b"7", b"{", b"{}", b'{"id": 7}', b'{"id": "a", "nodes": [1]}', b'{"id": "a", "nodes": [], "messages": [], "recipe": "x"}',
     b'{"id": "a", "nodes": [], "messages": 7, "recipe": "x"}', b"\\xff", b"[" * 5000],
)  # fmt: skip
def test_an_object_that_holds_something_else_is_as_good_as_lost(built: Versioned, row: bytes) -> None:
    entries = lockfile.read(built.path / "proda.lock")
    for unit in ("shard:zoo/010", "items:zoo/all"):
        stored = Store(built.path / ".dvc/cache", built.path / "build").put(
            lockfile.stored_of(entries[unit])[0].path, row
        )
        entries[unit] = lockfile.unit_entry((stored,))
    built.repo.write("proda.lock", lockfile.render(entries))
    outcome = built.repo.run("diff", "main")
    assert (outcome.code, outcome.err) == (0, "")
    assert "1 object of the work tree is not at hand" in outcome.out
