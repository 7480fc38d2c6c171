"""`patch`: what its commands print, write, and refuse."""

from __future__ import annotations

import shutil

from tests.conftest import Repo, rows_below

KINDS = "knowledge/zoo/kinds.yaml"
GECKO = "a lizard with the habits of a gecko and of nothing else"
BEGUN = f"""title: Geckos climb
reason:  # what is wrong, and how you know
cause: concept_gap
# evidence: {{items: [ids of dev items that fail], diagnosis: its digest}}
ops:
- replace: zoo/gecko
  # {KINDS}:139
  with:
    definition: {GECKO}
  expect:
    definition: {GECKO}
"""
SHOWN = f"""0001-geckos-climb  concept_gap
Geckos climb: it was wrong

records: 1 added, 1 changed, 1 removed
~ concept zoo/gecko  patches/0001-geckos-climb.yaml:9
    - definition: {GECKO}
    + definition: a lizard on walls
+ sample zoo/gecko!walls  patches/0001-geckos-climb.yaml:12
    + question: What does a gecko climb?
    + answer: Walls.
- chain zoo/skink..reptile  patches/0001-geckos-climb.yaml:13
    - title: from skink to reptile
    - steps: [zoo/skink.is_a.lizard, zoo/lizard.is_a.reptile]

samples: 1 added, 2 changed; 2 of 12 shards
+ zoo/gecko!walls#written.sample
    + question: What does a gecko climb?
    + answer: Walls.
~ zoo/gecko#define.meaning
    - answer: {GECKO.capitalize()}.
    + answer: A lizard on walls.
~ zoo/gecko#define.term
    - question: Which term means: {GECKO}?
    + question: Which term means: a lizard on walls?

test items: made again in items:zoo/all; they are not shown
"""
MORE = """- sample: {id: zoo/gecko!walls, nodes: [zoo/gecko], question: What does a gecko climb?, answer: Walls.}
- remove: zoo/skink..reptile
"""
FILE = "patches/0001-geckos-climb.yaml"


def begin(repo: Repo) -> None:
    outcome = repo.run("patch", "new", "Geckos climb", "--record", "zoo/gecko", "--cause", "concept_gap")
    assert outcome.out == f"{FILE}: fill it in, then `prodabuild patch show 0001`\n"
    assert repo.read(FILE).decode() == BEGUN
    repo.edit(FILE, "reason:  # what is wrong, and how you know", "reason: it was wrong")
    repo.edit(FILE, f"definition: {GECKO}", "definition: a lizard on walls")
    repo.write(FILE, repo.read(FILE) + MORE.encode())


def test_a_patch_from_its_first_line_to_its_end(repo: Repo) -> None:
    assert repo.run("patch", "list").out == "no patches\n"
    repo.data()
    begin(repo)
    before = repo.files(".prodabuild").keys(), repo.files(), repo.files("patches"), repo.read("proda.lock")
    assert repo.run("patch", "show", "1").out == SHOWN
    assert (repo.files(".prodabuild").keys(), repo.files(), repo.files("patches"), repo.read("proda.lock")) == before
    assert repo.run("patch", "list").out == "0001  not built  1 replace, 1 sample, 1 remove  Geckos climb\n"
    repo.data()
    assert repo.run("patch", "list").out == "0001  built  1 replace, 1 sample, 1 remove  Geckos climb\n"
    assert repo.run("patch", "show", FILE).out == SHOWN  # it is built by now, and its effect is the same
    text = repo.read(KINDS).decode()
    outcome = repo.run("patch", "apply", "0001-geckos-climb")
    assert outcome.out == f"{KINDS}: 1 replace, 1 sample\nknowledge/zoo/chains.yaml: 1 remove\n{FILE}: removed\n"
    assert repo.read(KINDS).decode() == text.replace(GECKO, "a lizard on walls") + (
        "samples:\n- id: zoo/gecko!walls\n  nodes: [zoo/gecko]\n  question: What does a gecko climb?\n  answer: Walls.\n"
    )
    assert repo.data()["built"] == []
    assert "patch:" not in repo.read("proda.lock").decode()


def test_show_of_a_repo_where_nothing_is_built_yet_shows_the_same_samples(repo: Repo) -> None:
    begin(repo)
    assert repo.run("patch", "show", "1").out == SHOWN
    assert not (repo.path / ".prodabuild/state.db").exists()


def test_show_never_tells_a_test_item(repo: Repo) -> None:
    repo.built()
    begin(repo)
    repo.edit(FILE, "  with:\n", "  with:\n    name: wall gecko\n")
    outcome = repo.run("patch", "show", "1", "--json")
    items = rows_below(repo.path / "build/items")
    assert not [row["question"] for row in items if row["question"] in outcome.out]
    assert outcome.json["items"] == ["items:zoo/all"]


def test_documents(repo: Repo) -> None:
    assert repo.run("patch", "new", "Owls", "--json").json == {"schema": 1, "file": "patches/0001-owls.yaml"}
    (row,) = repo.run("patch", "list", "--json").json["patches"]
    assert (row["state"], [problem["code"] for problem in row["problems"]]) == ("does not fit", ["P003", "P003"])
    assert repo.run("patch", "drop", "1", "--json").json == {"schema": 1, "file": "patches/0001-owls.yaml"}
    begin(repo)
    shown = repo.run("patch", "show", "1", "--json").json
    assert shown["patch"]["name"] == "0001-geckos-climb"
    assert (shown["shards"]["total"], len(shown["shards"]["touched"])) == (12, 2)
    assert [row["how"] for row in shown["records"]] == ["changed", "added", "removed"]
    assert repo.run("patch", "list", "--json").json["patches"][0]["ops"] == {"replace": 1, "sample": 1, "remove": 1}
    assert repo.run("patch", "apply", "1", "--json").json == {
        "schema": 1,
        "patch": "0001-geckos-climb",
        "files": {KINDS: {"replace": 1, "sample": 1}, "knowledge/zoo/chains.yaml": {"remove": 1}},
    }


def test_new_counts_on_and_comes_after_a_patch_of_the_same_record(repo: Repo) -> None:
    begin(repo)
    assert repo.run("patch", "new", "Geckos  swim -- too!", "--record", "zoo/gecko").code == 0
    text = repo.read("patches/0002-geckos-swim-too.yaml").decode()
    assert "after: [1]  # 0001-geckos-climb changes the record, too\n" in text
    assert "  # patches/0001-geckos-climb.yaml:9\n  with:\n    definition: a lizard on walls\n" in text
    repo.edit("patches/0002-geckos-swim-too.yaml", "reason:", "reason: r")
    repo.data()
    assert repo.run("patch", "new", "Links", "--record", "zoo/gecko.is_a.lizard").code == 0
    assert (
        repo.read("patches/0003-links.yaml")
        .decode()
        .endswith(
            f"ops:\n- remove: zoo/gecko.is_a.lizard\n  # {KINDS}:143\n- add:\n    relation:\n"
            "      subject: zoo/gecko\n      predicate: is_a\n      object: zoo/lizard\n"
        )
    )


def test_a_patch_that_puts_errors_right_is_shown(repo: Repo) -> None:
    error = "there is no concept 'zoo/axolotl'"
    axolotl = "{id: zoo/axolotl, name: axolotl, definition: it never grows up}"
    repo.data()
    repo.edit(KINDS, "relations:", "relations:\n  - {predicate: is_a, object: zoo/axolotl}")
    repo.write(FILE, f"title: t\nreason: r\ncause: correction\nops:\n- add: {{concept: {axolotl}}}\n  file: {KINDS}\n")
    assert repo.run("check").code == 0
    outcome = repo.run("patch", "show", "1")
    assert (outcome.code, outcome.err) == (
        0, "warning: there are errors without the patch: it is compared with what was built last\n",
    )  # fmt: skip
    assert f"+ concept zoo/axolotl  {FILE}:5\n    + name: axolotl\n" in outcome.out
    shutil.rmtree(repo.path / ".prodabuild")  # nothing was built yet
    outcome = repo.run("patch", "show", "1", "-v")
    assert outcome.code == 0
    assert "+ concept zoo/axolotl" in outcome.out
    repo.edit(FILE, "id: zoo/axolotl", "id: zoo/axolotls")
    outcome = repo.run("patch", "show", "1")
    assert (outcome.code, outcome.out) == (1, "")
    assert error in outcome.err


def test_a_patch_in_two_normal_forms_and_layouts_fits(repo: Repo) -> None:
    twin = "{id: zoo/cafe\u0301, name: cafe, definition: where they meet}"
    relation = "{subject: zoo/caf\u00e9, predicate: is_a, object: zoo/bird}"
    ops = f"- add: {{concept: {twin}}}\n  file: {KINDS}\n- add: {{relation: {relation}}}\n"
    repo.write(FILE, f"title: t\nreason: r\ncause: correction\nops:\n{ops}".replace("\n", "\r\n").encode())
    plain = repo.read(KINDS)
    repo.write(KINDS, b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"))
    assert repo.run("check").code == 0
    assert repo.run("patch", "apply", "1").code == 0
    after = repo.read(KINDS)
    assert after.startswith(b"\xef\xbb\xbf")
    assert after.count(b"\r\n") == after.count(b"\n")
    assert set(plain.splitlines()) < set(after.removeprefix(b"\xef\xbb\xbf").splitlines())
    assert "zoo/caf\u00e9" in after.decode()
    assert repo.run("check").code == 0


def test_what_is_refused(repo: Repo) -> None:
    assert repo.run("patch", "show", "1").err == (
        "error: there is no patch '1'\nhint: there is none: `prodabuild patch new` begins one\n"
    )
    begin(repo)
    assert repo.run("patch", "drop", "0002").err == (
        "error: there is no patch '0002'\nhint: patches: 0001-geckos-climb\n"
    )
    assert repo.run("patch", "new", "?!").code == 2
    assert repo.run("patch", "new", "x", "--record", "zoo/gekko").err == (
        "error: there is no record 'zoo/gekko'\nhint: did you mean 'zoo/gecko'?\n"
    )
    repo.edit(FILE, "expect:", "expect:\n    name: lizard")
    for command in ("show", "apply"):
        outcome = repo.run("patch", command, "1")
        assert (outcome.code, outcome.err) == (
            1,
            (
                f"{FILE}:11:11: error[P006]: name of zoo/gecko is 'gecko', not 'lizard'\n"
                "hint: look at the record again, then mend `expect`\n\n1 error\n"
            ),
        )
    assert repo.read(FILE)
    repo.write("patches/0001-again.yaml", "{}")
    assert repo.run("patch", "drop", "1").err == (
        "error: there are 2 patches 1: 0001-again, 0001-geckos-climb\nhint: name one of them in full\n"
    )
