"""Importing again is a merge: ids stay, local edits survive, what changed on both sides is shown with its place."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import orjson
import pytest

from prodabuild.engine.store import place
from prodabuild.project import filing, importing
from tests.conftest import Repo
from tests.sources.samples import SAMPLES

TEA = ("import", "csv", "sources/tea.csv", "--mapping", "sources/tea.yaml")
FILE = "knowledge/tea/tea.yaml"
RECORD = "sources/tea.import.jsonl"


@pytest.fixture
def tea(repo: Repo) -> Repo:
    """A repo with a table of teas, imported once."""
    repo.write(
        "proda.yaml",
        "version: 1\nname: tea\ndisciplines:\n  tea: {knowledge: [knowledge/tea]}\nmodel: {base: scratch:micro}\n",
    )
    shutil.rmtree(repo.path / "knowledge")
    for name in ("tea.csv", "tea.yaml"):
        repo.write(f"sources/{name}", (SAMPLES / name).read_bytes())
    assert repo.run(*TEA).code == 0
    return repo


def line_of(repo: Repo, text: str, file: str = FILE) -> int:
    (line,) = [n for n, each in enumerate(repo.read(file).decode().splitlines(), 1) if text in each]
    return line


def test_the_first_import_says_what_it_wrote(repo: Repo) -> None:
    repo.write("sources/tea.csv", (SAMPLES / "tea.csv").read_bytes())
    repo.write("sources/tea.yaml", (SAMPLES / "tea.yaml").read_bytes())
    outcome = repo.run(*TEA)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        "knowledge/tea/tea.yaml: 8 concepts, 8 relations\n"
        "knowledge/tea/chains.yaml: 3 chains\n"
        "knowledge/predicates.yaml: is_grown_in declared\n"
        "sources/tea.import.jsonl: what this import wrote; commit it with the rest\n"
    )


def test_importing_the_same_again_changes_no_byte(tea: Repo) -> None:
    before = tea.files(".")
    outcome = tea.run(*TEA)
    assert (outcome.code, outcome.out, outcome.err) == (0, "nothing changed: 19 records are as in the source\n", "")
    assert tea.files(".") == before


def test_what_was_imported_checks(tea: Repo) -> None:
    assert tea.run("check").out == "no problems in 1 discipline: 8 concepts, 8 relations, 3 chains\n"


def test_a_local_edit_survives_and_comments_stay_where_nothing_changes(tea: Repo) -> None:
    tea.edit(
        FILE, "  definition: a town south of Kyoto", "  # near Nara, too\n  definition: a town in Kyoto prefecture"
    )
    tea.edit(FILE, "concepts:\n", "# Ours since May\nconcepts:\n")
    before = tea.read(FILE)
    outcome = tea.run(*TEA)
    assert (outcome.code, outcome.err) == (0, "")
    assert (
        outcome.out == "kept as they are here: 1 edited, 0 deleted\nnothing changed: 18 records are as in the source\n"
    )
    assert tea.read(FILE) == before


def test_a_change_in_the_source_touches_its_record_only(tea: Repo) -> None:
    tea.edit(FILE, "concepts:\n", "# Ours since May\nconcepts:\n")
    tea.edit(FILE, "- id: tea/sencha\n", "# the most common one\n- id: tea/sencha\n")
    tea.edit("sources/tea.csv", "steamed and rolled", "steamed and rolled by hand")
    before = tea.read(FILE).decode()
    outcome = tea.run(*TEA)
    assert (outcome.code, outcome.out) == (0, f"{FILE}: 1 concept changed\n")
    assert tea.read(FILE).decode() == before.replace("steamed and rolled", "steamed and rolled by hand")


def test_a_new_row_goes_beside_its_neighbour(tea: Repo) -> None:
    tea.edit("sources/tea.csv", "T4,", "T9,bancha,green tea of the late harvest,,green tea,,mass\nT4,")
    outcome = tea.run(*TEA)
    assert outcome.code == 0
    assert outcome.out == f"{FILE}: 1 concept added, 1 relation added\nknowledge/tea/chains.yaml: 1 chain added\n"
    text = tea.read(FILE).decode()
    assert text.index("tea/sencha\n") < text.index("id: tea/bancha\n") < text.index("id: tea/gyokuro\n")
    assert "id: tea/bancha..green_tea..tea" in tea.read("knowledge/tea/chains.yaml").decode()


def test_an_id_stays_when_the_label_changes(tea: Repo) -> None:
    tea.edit("sources/tea.csv", "T4,gyokuro", "T4,jade tea")
    outcome = tea.run(*TEA, "--dry-run")
    assert outcome.out.splitlines()[2:] == [
        "~ concept tea/gyokuro",
        "    - name: gyokuro",
        "    + name: jade tea",
        "~ chain tea/gyokuro..green_tea..tea",
        "    - title: from gyokuro to tea",
        "    + title: from jade tea to tea",
        "    - conclusion: Gyokuro is a kind of tea.",
        "    + conclusion: Jade tea is a kind of tea.",
        "a dry run: nothing was written",
    ]


def test_what_changed_on_both_sides_is_listed_with_its_place_until_it_is_settled(tea: Repo) -> None:
    tea.edit(FILE, "a town south of Kyoto", "a town in Kyoto prefecture")
    tea.edit("sources/tea.csv", "a town south of Kyoto", "a town of tea")
    tea.edit("sources/tea.csv", "a prefecture below Mount Fuji", "a prefecture on the coast")
    for expected in (f"{FILE}: 1 concept changed\n", "nothing changed: 18 records are as in the source\n"):
        outcome = tea.run(*TEA)
        assert (outcome.code, outcome.out) == (1, expected)
        assert outcome.err == (
            f"{FILE}:{line_of(tea, 'a town in Kyoto prefecture')}: error[I020]: tea/uji was edited here and changed "
            "in the source; definition in the source: a town of tea\n"
            "hint: keep yours with --accept ours, take the source's with --accept theirs\n\n1 error\n"
        )
    assert tea.run(*TEA, "--accept", "ours").code == 0
    again = tea.run(*TEA)
    assert (again.code, again.err) == (0, "")
    assert b"a town in Kyoto prefecture" in tea.read(FILE)


def test_the_source_wins_where_it_is_accepted(tea: Repo) -> None:
    tea.edit(FILE, "a town south of Kyoto", "a town in Kyoto prefecture")
    tea.edit("sources/tea.csv", "a town south of Kyoto", "a town of tea")
    outcome = tea.run(*TEA, "--accept", "theirs")
    assert (outcome.code, outcome.out) == (0, f"{FILE}: 1 concept changed\n")
    assert b"definition: a town of tea" in tea.read(FILE)


def test_what_is_gone_is_shown_and_pruned_on_demand(tea: Repo) -> None:
    text = tea.read("sources/tea.csv").decode()
    tea.write("sources/tea.csv", "".join(row for row in text.splitlines(True) if not row.startswith("T6")))
    before = tea.read(FILE)
    outcome = tea.run(*TEA)
    assert (outcome.code, outcome.out) == (0, "nothing changed: 16 records are as in the source\n")
    line = line_of(tea, "id: tea/assam")
    assert outcome.err.startswith(
        f"knowledge/tea/chains.yaml:2: warning[I021]: tea/assam..black_tea..tea is gone from the source\n"
        f"hint: --prune removes what was not edited here, and what no other record needs\n{FILE}:{line}: warning[I021]: tea/assam is gone from the source\n"
    )
    assert tea.read(FILE) == before
    outcome = tea.run(*TEA, "--prune")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{FILE}: 1 concept removed, 1 relation removed\nknowledge/tea/chains.yaml: 1 chain removed\n"
    assert b"assam" not in tea.read(FILE) + tea.read(RECORD)
    assert tea.run("check").code == 0


def test_what_was_edited_here_is_not_pruned(tea: Repo) -> None:
    tea.edit(FILE, "black tea from the valley of the Brahmaputra", "black tea of Assam")
    text = tea.read("sources/tea.csv").decode()
    tea.write("sources/tea.csv", "".join(row for row in text.splitlines(True) if not row.startswith("T6")))
    outcome = tea.run(*TEA, "--prune")
    assert outcome.code == 1
    assert "tea/assam was edited here and is gone from the source\n" in outcome.err
    assert b"black tea of Assam" in tea.read(FILE)


def test_what_another_record_needs_is_not_pruned(tea: Repo) -> None:
    tea.edit(
        FILE,
        "- id: tea/sencha\n",
        "- id: tea/ours\n  name: ours\n  definition: a blend\n  relations:\n  - {predicate: is_a, object: tea/assam}\n- id: tea/sencha\n",
    )
    text = tea.read("sources/tea.csv").decode()
    tea.write("sources/tea.csv", "".join(row for row in text.splitlines(True) if not row.startswith("T6")))
    outcome = tea.run(*TEA, "--prune")
    assert outcome.code == 0
    assert outcome.out == f"knowledge/tea/chains.yaml: 1 chain removed\n{FILE}: 1 relation removed\n"
    assert "tea/assam is gone from the source\n" in outcome.err
    assert tea.run("check").code == 0


def test_what_was_deleted_here_stays_deleted_with_what_needs_it(tea: Repo) -> None:
    text = tea.read(FILE).decode()
    start, end = text.index("- id: tea/sencha"), text.index("- id: tea/gyokuro")
    tea.write(FILE, text[:start] + text[end:])
    chains = tea.read("knowledge/tea/chains.yaml").decode()
    tea.write("knowledge/tea/chains.yaml", chains[: chains.index("- id: tea/sencha..")])
    tea.edit("sources/tea.csv", "Uji; Shizuoka", "Uji; Shizuoka; tea")
    outcome = tea.run(*TEA)
    assert (outcome.code, outcome.err) == (0, "")
    assert (
        outcome.out == "kept as they are here: 0 edited, 1 deleted\nnothing changed: 14 records are as in the source\n"
    )
    tea.edit("sources/tea.csv", "steamed and rolled", "steamed")
    outcome = tea.run(*TEA)
    assert outcome.code == 1
    line = line_of(tea, '"id":"tea/sencha"', RECORD)
    assert outcome.err.startswith(
        f"{RECORD}:{line}: error[I020]: tea/sencha was deleted here and changed in the source\n"
    )


def test_a_record_that_is_here_already_is_not_overwritten(tea: Repo) -> None:
    tea.write(FILE, tea.read(FILE) + b"- {id: tea/oolong, name: oolong, definition: ours}\n")
    tea.write("sources/tea.csv", tea.read("sources/tea.csv") + b"T9,oolong,tea that withered halfway,,tea,,mass\n")
    outcome = tea.run(*TEA)
    assert outcome.code == 1
    assert (
        "error[I020]: tea/oolong is here already, and not from this import; definition in the source: tea that"
        in outcome.err
    )
    assert b"definition: ours\n" in tea.read(FILE)


def test_a_record_that_moved_to_another_file_is_found_there(tea: Repo) -> None:
    text = tea.read(FILE).decode()
    at = text.index("- id: tea/uji")
    tea.write(FILE, text[:at])
    tea.write("knowledge/tea/places.yaml", "concepts:\n" + text[at:])
    tea.edit("sources/tea.csv", "a town south of Kyoto", "a town of tea")
    outcome = tea.run(*TEA)
    assert (outcome.code, outcome.out) == (0, "knowledge/tea/places.yaml: 1 concept changed\n")


def test_a_dry_run_shows_changes_and_writes_nothing(tea: Repo) -> None:
    tea.edit("sources/tea.csv", "T8,Shizuoka,a prefecture below Mount Fuji", "T8,Shizuoka,a prefecture on the coast")
    tea.write("sources/tea.csv", tea.read("sources/tea.csv") + b"T9,oolong,tea that withered halfway,,tea,,mass\n")
    before = tea.files(".")
    outcome = tea.run(*TEA, "--dry-run")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"{FILE}: 1 concept added, 1 relation added, 1 concept changed\n"
        "+ concept tea/oolong\n+ relation tea/oolong.is_a.tea\n~ concept tea/shizuoka\n"
        "    - definition: a prefecture below Mount Fuji\n    + definition: a prefecture on the coast\n"
        "a dry run: nothing was written\n"
    )
    assert tea.files(".") == before


def test_a_long_dry_run_is_cut_unless_more_is_asked_for(repo: Repo) -> None:
    for name in ("tea.csv", "tea.yaml"):
        repo.write(f"sources/{name}", (SAMPLES / name).read_bytes())
    assert repo.run(*TEA, "--dry-run").out.endswith("\n... and 9 more (-v shows all)\na dry run: nothing was written\n")
    assert repo.run(*TEA, "--dry-run", "-v").out.count("+ ") == 19
    assert not (repo.path / RECORD).exists()


def test_the_report_as_json(tea: Repo) -> None:
    tea.edit(FILE, "a town south of Kyoto", "a town in Kyoto prefecture")
    tea.edit("sources/tea.csv", "a prefecture below Mount Fuji", "a prefecture on the coast")
    assert tea.run(*TEA, "--json").json == {
        "schema": 1,
        "name": "tea",
        "dry_run": False,
        "files": {FILE: {"concept": 1}},
        "added": 0,
        "changed": 1,
        "removed": 0,
        "same": 17,
        "edited": ["tea/uji"],
        "deleted": [],
        "predicates": [],
        "problems": [],
    }


def test_a_killed_import_is_finished_by_the_next(tea: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    tea.write("sources/tea.csv", tea.read("sources/tea.csv").replace(b"green tea", b"raw tea"))
    seen: list[str] = []

    def killed(root: Path, file: str, data: bytes, scratch: Path) -> None:
        seen.append(file)
        if len(seen) == 2:
            raise KeyboardInterrupt
        place(root, file, data, scratch)

    monkeypatch.setattr(importing, "place", killed)
    assert tea.run(*TEA).code == 130
    monkeypatch.setattr(importing, "place", place)
    assert tea.run(*TEA).code == 0
    found = tea.files(".")
    assert tea.run(*TEA).out == "nothing changed: 19 records are as in the source\n"
    assert tea.files(".") == found


def test_two_imports_share_a_file_of_predicates_and_of_chains(tea: Repo) -> None:
    tea.edit("knowledge/predicates.yaml", "predicates:\n", "# ours\npredicates:\n")
    tea.write(
        "sources/more.csv",
        "name,definition,subject,predicate,object\nmaté,leaves of a holly,maté,is drunk in,gourd\ngourd,a dry fruit,,,\n".encode(),
    )
    outcome = tea.run("import", "csv", "sources/more.csv", "--discipline", "tea")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0] == "knowledge/tea/more.yaml: 2 concepts, 1 relation"
    text = tea.read("knowledge/predicates.yaml").decode()
    assert text.startswith("# ours\npredicates:\n  is_grown_in:\n")
    assert "\n  is_drunk_in:\n" in text
    assert tea.run("check").code == 0
    assert tea.run(*TEA).out == "nothing changed: 19 records are as in the source\n"


def test_files_beside_are_left_alone(tea: Repo) -> None:
    tea.edit("knowledge/predicates.yaml", "predicates:\n", "# see tea/uji\npredicates:\n")
    tea.write("knowledge/other.yaml", "concepts:\n- {id: zoo/owl, name: owl, definition: it hoots, likes: tea}\n")
    assert tea.run(*TEA).out == "nothing changed: 19 records are as in the source\n"


def test_an_unsound_file_in_the_way_is_not_overwritten(tea: Repo) -> None:
    tea.write("knowledge/tea/more.yaml", b"concepts:\n- {id: owl, name: owl, definition: it hoots, likes: mice}\n")
    tea.write(
        "sources/more.csv", b"name,definition,subject,predicate,object\ncup,a vessel,cup,is a,pot\npot,a vessel,,,\n"
    )
    outcome = tea.run("import", "csv", "sources/more.csv", "--discipline", "tea")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("knowledge/tea/more.yaml:2:46: error[K001]: a concept has no field 'likes'\n")
    tea.edit("knowledge/tea/more.yaml", ", likes: mice", "")
    assert tea.run("import", "csv", "sources/more.csv", "--discipline", "tea").code == 0
    assert tea.read("knowledge/tea/more.yaml").startswith(b"concepts:\n- {id: owl, name: owl, definition: it hoots}\n")


def test_bulk_goes_into_files_of_their_own_number(tea: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "BULK", 6)
    bulk = (*TEA, "--name", "bulk", "--into", "bulk", "--format", "jsonl")
    outcome = tea.run(*bulk)
    assert outcome.out.splitlines()[:4] == [
        "bulk/bulk/bulk-000.jsonl: 6 concepts",
        "bulk/bulk/bulk-001.jsonl: 2 concepts, 4 relations",
        "bulk/bulk/bulk-002.jsonl: 4 relations",
        "bulk/bulk/chains.jsonl: 3 chains",
    ]
    tea.edit("sources/tea.csv", "T2,", "T9,oolong,tea that withered halfway,,tea,,mass\nT2,")
    outcome = tea.run(*bulk)
    assert outcome.out == "bulk/bulk/bulk-000.jsonl: 1 concept added\nbulk/bulk/bulk-001.jsonl: 1 relation added\n"
    assert b"tea/oolong" not in tea.read("bulk/bulk/bulk-002.jsonl")
    assert tea.run(*bulk).out == "nothing changed: 21 records are as in the source\n"


def test_the_record_of_an_import_is_of_one_kind_and_folder(tea: Repo) -> None:
    outcome = tea.run(*TEA, "--into", "other")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == (
        f"error: {RECORD} belongs to an import of csv into 'knowledge'\nhint: give this import a name of its own with --name\n"
    )
    assert tea.run(*TEA, "--into", "other", "--name", "other").code == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<<<<<<< ours\n", f"{RECORD}:1:1: error[Y007]: not JSON"),
        (b"{}\n", f"{RECORD}:1: error[I006]: not what an import wrote\nhint: restore it from git\n"),
        (b"", f"{RECORD}: error[I006]: not what an import wrote\n"),
    ],
)
def test_a_broken_record_of_an_import_is_one_clear_error(tea: Repo, data: bytes, expected: str) -> None:
    tea.write(RECORD, data)
    outcome = tea.run(*TEA)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(expected)


def test_unsound_files_are_mended_before_anything_is_merged(tea: Repo) -> None:
    tea.edit(FILE, "  name: Uji\n", "  nmae: Uji\n")
    before = tea.files("knowledge")
    outcome = tea.run(*TEA)
    assert outcome.code == 1
    assert f"{FILE}:{line_of(tea, 'nmae')}:3: error[K001]: a concept has no field 'nmae'\n" in outcome.err
    assert tea.files("knowledge") == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--into", "../elsewhere"), "error: '../elsewhere' leaves the repository\n"),
        (("--into", "/etc"), "error: '/etc' is not a path inside the repository\n"),
        (
            ("--name", "a/b"),
            "error: 'a/b' cannot be the name of an import\nhint: lower-case letters, digits, `_` and `-`: name one with --name\n",
        ),
        (("--discipline", "Green Tea"), "error: 'Green Tea' cannot be the discipline of an import\n"),
    ],
)
def test_a_wrong_place_or_name_is_refused(tea: Repo, arguments: tuple[str, ...], expected: str) -> None:
    outcome = tea.run(*TEA, *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(expected)


def outside_of(repo: Repo) -> dict[str, bytes]:
    """Return every file in the repo and beside it but those of one machine."""
    return {file: data for file, data in repo.files("..").items() if "/.prodabuild/" not in file}


HEAD = b'{"import":{"into":"knowledge","kind":"csv"}}\n'


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'{"import":[]}\n', 1),
        (b'{"import":{"into":"../x","kind":"csv"}}\n', 1),
        (b'{"import":{"into":"knowledge","kind":["csv"]}}\n', 1),
        (HEAD + b"[]\n", 2),
        (HEAD + b'{"id":"tea/assam"}\n', 2),
        (HEAD + b'{"id":"tea/assam","digest":"0123456789abcdeg"}\n', 2),
        (HEAD + b'{"id":"../../x","digest":"0123456789abcdef"}\n', 2),
        (HEAD + b'{"id":"tea/a\\u0000","digest":"0123456789abcdef"}\n', 2),
        (HEAD + b'\n{"id":"tea/assam","digest":"0123456789abcdef","key":5}\n', 3),
    ],
)
def test_a_record_of_an_import_is_read_as_what_it_must_be(tea: Repo, data: bytes, line: int) -> None:
    tea.write(RECORD, data)
    outcome = tea.run(*TEA)
    problem = f"{RECORD}:{line}: error[I006]: not what an import wrote\nhint: restore it from git\n"
    assert (outcome.code, outcome.out, outcome.err) == (1, "", f"{problem}\n1 error\n")


def test_records_of_before_are_read_and_written_without_their_documents(tea: Repo) -> None:
    now = tea.read(RECORD)
    old = now.replace(b'{"import"', b'{"documents":{"tea.csv":"00"},"import"', 1)
    tea.write(RECORD, old)
    assert tea.run(*TEA).out == "nothing changed: 19 records are as in the source\n"
    assert tea.read(RECORD) == now


def test_two_editions_imported_on_two_branches_do_not_conflict_at_the_head(tea: Repo) -> None:
    base = tea.read(RECORD)
    lines = tea.read("sources/tea.csv").decode().splitlines(keepends=True)
    heads = set()
    for number, old in ((1, "leaves"), (-1, "prefecture")):
        edition = lines[:]
        edition[number] = edition[number].replace(old, f"fine {old}")
        assert edition != lines
        tea.write("sources/tea.csv", "".join(edition).encode())
        tea.write(RECORD, base)
        assert tea.run(*TEA).code == 0
        heads.add(tea.read(RECORD).split(b"\n")[0])
    assert heads == {HEAD[:-1]}


@pytest.mark.parametrize(
    "discipline", ["../../x", "/etc", "a/../b", "tea/..", ".git", "a b", "x\u202e", "-x", "a" * 300]
)
def test_a_discipline_of_a_source_names_no_path_outside(repo: Repo, discipline: str) -> None:
    rows = (
        f"name,definition,discipline,subject,predicate,object\ncat,a cat,{discipline},cat,is a,pet\npet,a pet,zoo,,,\n"
    )
    repo.write("t.csv", rows.encode())
    before = outside_of(repo)
    outcome = repo.run("import", "csv", "t.csv")
    assert (outcome.code, outcome.out) == (1, "")
    if len(discipline) < 300:
        assert outcome.err == (
            f"t.csv:2: error[I002]: {discipline!r} cannot be a discipline\n"
            "hint: letters, digits, `_` and `-`: files and ids begin with it\n\n1 error\n"
        )
    assert outside_of(repo) == before


@pytest.mark.parametrize("identity", ["../../x", "#x", "a\u200bb", "/x", "\x1b[2J"])
def test_an_id_of_a_source_is_one(repo: Repo, identity: str) -> None:
    repo.write("t.jsonl", orjson.dumps({"name": "cat", "definition": "a pet", "id": identity}))
    outcome = repo.run("import", "jsonl", "t.jsonl")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"t.jsonl:1: error[I002]: {identity!r} cannot be an id\nhint: no spaces, no `#`\n\n1 error\n"


def test_a_selection_names_no_path_outside(repo: Repo) -> None:
    repo.write("sources/s.yaml", b"disciplines: {../../x: {roots: [dog.n.01]}}\n")
    folder = str(Path(__file__).parent.parent / "sources" / "wordnet")
    before = outside_of(repo)
    outcome = repo.run("import", "wordnet", folder, "--select", "sources/s.yaml")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "error: '../../x' cannot be a discipline\nhint: the source names it so\n"
    assert outside_of(repo) == before


@pytest.mark.parametrize("file", ["/dev/zero", "pipe", "folder"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "obo", "proda", "skos"])
def test_only_regular_files_are_imported(repo: Repo, kind: str, file: str) -> None:
    os.mkfifo(repo.path / "pipe")
    (repo.path / "folder").mkdir()
    outcome = repo.run("import", kind, file)
    what = {"/dev/zero": "a device", "pipe": "a named pipe", "folder": "a folder"}[file]
    assert (outcome.code, outcome.out) in ((1, ""), (2, ""))
    assert outcome.err.startswith(f"error: {file} is {what}, not a regular file\n") or outcome.code == 2


def test_a_linked_record_of_an_import_is_not_followed(tea: Repo) -> None:
    outside = tea.path.parent / "outside.jsonl"
    outside.write_bytes(tea.read(RECORD))
    (tea.path / RECORD).unlink()
    (tea.path / RECORD).symlink_to(outside)
    outcome = tea.run(*TEA)
    assert (outcome.code, outcome.out) == (1, "")
    assert "sources/tea.import.jsonl is a symbolic link" in outcome.err


@pytest.mark.parametrize(("mark", "ending"), [("", "\r\n"), ("\ufeff", "\n"), ("\ufeff", "\r\n")])
def test_importing_again_keeps_line_ends_and_a_byte_order_mark(tea: Repo, mark: str, ending: str) -> None:
    def laid(text: bytes) -> bytes:
        return (mark + text.decode().replace("\n", ending)).encode()

    plain = {file: tea.read(file) for file in (FILE, "knowledge/predicates.yaml", "sources/tea.csv")}
    old, new = b"leaves that are steeped", b"leaves steeped"
    assert old in plain["sources/tea.csv"]
    tea.write(FILE, laid(plain[FILE]))
    tea.write("knowledge/predicates.yaml", laid(plain["knowledge/predicates.yaml"]))
    tea.write("sources/tea.csv", laid(plain["sources/tea.csv"].replace(old, new)))
    assert tea.run(*TEA).code == 0
    assert tea.read(FILE) == laid(plain[FILE].replace(old, new))
    assert tea.read("knowledge/predicates.yaml") == laid(plain["knowledge/predicates.yaml"])
