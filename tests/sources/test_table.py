from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prodabuild.errors import UsageError
from prodabuild.sources.kinds import importer
from prodabuild.sources.vocabulary import Extracts, Request
from tests.conftest import Repo
from tests.sources.samples import SAMPLES

MAPPING = (SAMPLES / "tea.yaml").read_text()


def run(kind: str, *names: str, folder: Path = SAMPLES, **settings: Any) -> Extracts:
    return importer(kind)(Request(folder, tuple(folder / name for name in names), "test", "tea", **settings))


def facts(extracts: Extracts) -> set[tuple[str, str, str]]:
    return {
        (row["subject"].partition("/")[2], row["predicate"], row["object"].partition("/")[2])
        for found in extracts.disciplines.values()
        for row in found.relations
    }


def test_a_mapping_says_which_column_is_what() -> None:
    extracts = run("csv", "tea.csv", mapping="tea.yaml")
    (found,) = [row for row in extracts.disciplines["tea"].concepts["test"] if row["name"] == "gyokuro"]
    assert found == {
        "id": "tea/gyokuro",
        "name": "gyokuro",
        "definition": 'green tea that grew in the shade, "jade dew"',
        "aliases": ["jade dew", "shade tea"],
        "noun": "mass",
        "source": "tea.csv#T4",
    }
    assert {("sencha", "is_grown_in", "uji"), ("sencha", "is_grown_in", "shizuoka")} < facts(extracts)
    assert extracts.keys["tea/gyokuro"] == "T4"


def test_columns_that_are_called_as_fields_need_no_mapping() -> None:
    assert facts(run("tsv", "knots.tsv")) == {
        ("hitch", "is_a", "knot"),
        ("bend", "is_a", "knot"),
        ("clove_hitch", "is_a", "hitch"),
        ("sheet_bend", "is_a", "bend"),
        ("clove_hitch", "slips_on", "spar"),
    }


def test_rows_of_jsonl() -> None:
    extracts = run("jsonl", "clouds.jsonl")
    assert extracts.disciplines["tea"].concepts["test"][0]["aliases"] == ["nimbus"]
    (said,) = [row["statement"] for row in extracts.disciplines["tea"].relations if "statement" in row]
    assert said == "a layer of stratus brings drizzle"


def test_several_tables_ids_and_disciplines_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "things.csv").write_text(
        "Id;Name;What;Where\n12;dog;a pet;zoo\nzoo/cat;cat;another pet;zoo\n13;net;it catches;tools\n"
    )
    (tmp_path / "links.csv").write_text("From,Verb,To,Words\n12,chases,Cats,A dog chases cats.\nnets,catch,dog,\n")
    (tmp_path / "map.yaml").write_text(
        "tables:\n  things.csv:\n    delimiter: ;\n"
        "    concept: {id: Id, name: Name, definition: What, discipline: Where}\n"
        "  l*.csv:\n    relations: [{subject: From, verb: Verb, object: To, statement: Words}]\n"
    )
    extracts = run("csv", "things.csv", "links.csv", folder=tmp_path, mapping="map.yaml")
    assert facts(extracts) == {("12", "chases", "cat"), ("13", "catch", "12")}
    assert [row["source"] for row in extracts.disciplines["zoo"].concepts["test"]] == [
        "things.csv#id:12",
        "things.csv#zoo/cat",
    ]
    assert extracts.disciplines["zoo"].relations[0]["statement"] == "A dog chases cats."


def test_rows_that_repeat_a_concept_must_agree(tmp_path: Path) -> None:
    head = "name,definition,subject,predicate,object\n"
    (tmp_path / "a.csv").write_text(
        head + "dog,a pet,dog,chases,cat\ndog,,dog,chases,mouse\ncat,a pet,,,\nmouse,small,,,\n"
    )
    assert facts(run("csv", "a.csv", folder=tmp_path)) == {("dog", "chases", "cat"), ("dog", "chases", "mouse")}


def test_a_label_comes_before_an_alias_and_an_exact_name_before_a_loose_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "name,definition,aliases,subject,predicate,object\ndog,a pet,,,,\nhound,a hunter,dog,hound,is a,dog\nDogs,a painting,,Dogs,shows,dog\nterrier,a dog,,terrier,is in,Dogs\n"
    )
    assert facts(run("csv", "a.csv", folder=tmp_path)) == {
        ("hound", "is_a", "dog"),
        ("dogs", "shows", "dog"),
        ("terrier", "is_in", "dogs"),
    }


def test_files_of_one_name_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text(
            f"name,definition,subject,predicate,object\n{folder},a word,{folder},is a,number\n"
        )
    (tmp_path / "b.csv").write_text("name,definition\nnumber,how many\n")
    extracts = run("csv", "one/a.csv", "two/a.csv", "b.csv", folder=tmp_path)
    assert sorted(extracts.documents) == ["b.csv", "one/a.csv", "two/a.csv"]
    with pytest.raises(UsageError, match="the same name and folder"):
        run("csv", "b.csv", "b.csv", folder=tmp_path)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("name,definition\n,no name\n", "a.csv:2: error[I002]: name is empty\n"),
        ("name,definition\ndog,a pet,more\n", "a.csv:2: error[I002]: 3 cells under 2 columns\n"),
        ("name,name\n", "a.csv:1: error[I002]: two columns are called 'name'\n"),
        ('name,definition\ndog,"a\npet"x\n', "a.csv:3: error[I001]: not CSV: ',' expected after '\"'\n"),
        ("Name,What\n", "a.csv:1: error[I002]: no column is called name, nor subject: ['Name', 'What']\nhint: write a mapping file and name it with --mapping\n"),
        ("", "a.csv:1: error[I002]: no column is called name, nor subject: []\n"),
        ("name,noun\ndog,cont\n", "a.csv:2: error[I002]: 'cont' is not one of count, mass, plural, proper\nhint: did you mean 'count'?\n"),
        ("name,id\ndog,a b\n", "a.csv:2: error[I002]: 'a b' cannot be an id\nhint: no spaces, no `#`\n"),
        ("name,definition\ndog,a pet\n\ndog,a hound\n", "a.csv:4: error[I003]: 'dog' stands for two concepts: another definition than at a.csv:2\nhint: map a `key` column that tells them apart\n"),
        ("name,subject,predicate,object\ndog,dogg,is a,dog\n", "a.csv:2: error[I003]: no concept is called 'dogg'\nhint: did you mean 'dog'?\n"),
        ("name,subject,predicate,object\ndog,,is a,dog\n", "a.csv:2: error[I002]: subject is empty\n"),
        ("name,subject,predicate,object\ndog,dog,,dog\n", "a.csv:2: error[I002]: predicate is empty\n"),
        ("name,key,aliases,subject,predicate,object\ndog,1,pet,,,\ncat,2,pet,cat,is a,pets\n", "a.csv:3: error[I003]: 'pets' is the name of 2 concepts\nhint: write its key or id\n"),
        ("name\ndo\xff\n", "a.csv:2:3: error[Y001]: byte 0xff is not UTF-8\n"),
    ],
)  # fmt: skip
def test_flaws_of_a_table_have_their_line(repo: Repo, table: str, expected: str) -> None:
    repo.write("a.csv", table.encode("latin-1"))
    outcome = repo.run("import", "csv", "a.csv")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(expected)
    assert not (repo.path / "knowledge/a").exists()


def test_all_flaws_are_shown_at_once(repo: Repo) -> None:
    repo.write("a.csv", "name,definition,subject,predicate,object\n,x,,,\ndog,a pet,dog,is a,wolf\ndog,a hound,,,\n")
    assert repo.run("import", "csv", "a.csv").err.endswith("\n\n3 errors\n")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("[1]\n", "a.jsonl:1: error[I002]: a line is one row: a JSON object\n"),
        (
            '{"name": "dog"}\n{"name": ["a", 1.5]}\n',
            "a.jsonl:2: error[I002]: name is not a text, nor a list of texts\n",
        ),
        ('{"name": "dog"}\n{\n', "a.jsonl:2:2: error[Y007]: not JSON: "),
    ],
)
def test_flaws_of_jsonl_have_their_line(repo: Repo, rows: str, expected: str) -> None:
    repo.write("a.jsonl", rows)
    outcome = repo.run("import", "jsonl", "a.jsonl")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: Tea", "name: Te", "sources/tea.yaml:4:32: error[I002]: tea.csv has no column 'Te'\nhint: did you mean 'Tea'?\n"),
        ("object: Sort of", "object: Kind", "sources/tea.yaml:6:33: error[I002]: tea.csv has no column 'Kind'\nhint: columns: Code, Tea, "),
        ("noun:", "nuon:", "sources/tea.yaml:4:80: error[M012]: unknown key 'nuon'\nhint: did you mean 'noun'?\n"),
        ("predicate: is_a, ", "", "sources/tea.yaml:6:7: error[M014]: a relation has either `predicate`, a name, or `verb`, a column\n"),
        ("tea.csv:", "coffee.csv:", "sources/tea.yaml:2:1: error[I002]: no table is for tea.csv\nhint: tables: coffee.csv\n"),
    ],
)  # fmt: skip
def test_flaws_of_a_mapping_have_their_place(repo: Repo, old: str, new: str, expected: str) -> None:
    assert old in MAPPING
    repo.write("sources/tea.yaml", MAPPING.replace(old, new, 1))
    repo.write("sources/tea.csv", (SAMPLES / "tea.csv").read_bytes())
    outcome = repo.run("import", "csv", "sources/tea.csv", "--mapping", "sources/tea.yaml")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(expected)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("{}", "a table has a `concept`, or `relations`"),
        (
            "{relations: [{predicate: is_a, object: Sort of}]}",
            "without a `concept`, each relation needs a `subject` column",
        ),
    ],
)
def test_a_table_that_states_nothing_is_refused(repo: Repo, table: str, expected: str) -> None:
    repo.write("tea.yaml", f"tables:\n  tea.csv: {table}\n")
    repo.write("tea.csv", b"a\n")
    assert repo.run("import", "csv", "tea.csv", "--mapping", "tea.yaml").err.startswith(
        f"tea.yaml:2:12: error[M014]: {expected}\n"
    )


def test_a_file_or_mapping_that_is_not_there(repo: Repo) -> None:
    outcome = repo.run("import", "csv", "a.csv")
    assert (outcome.code, outcome.err) == (
        1,
        "error: a.csv: No such file or directory\nhint: name the files to import\n",
    )
    repo.write("a.csv", b"name\n")
    outcome = repo.run("import", "csv", "a.csv", "--mapping", "map.yaml")
    assert (outcome.code, outcome.err) == (
        1,
        "error: 'map.yaml' does not exist\nhint: create it, or correct the path\n",
    )
