"""The leak gate finds what it says it finds: as a search, and in a build."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.digest import canonical
from prodabuild.suites.leaks import Index, index_of, search
from prodabuild.suites.wording import bag, words
from tests.conftest import Repo, rows_below

ITEM = "A gecko is a kind of lizard, and a lizard is a kind of what animal in the end of all? reptile."
COUNT = 20


def found(items: dict[str, str], *samples: str) -> list[tuple[int, str, str]]:
    """Return line, item and code of the leaks of samples, each a text of question and answer."""
    index = Index(index_of(sorted((item, words(text)) for item, text in items.items())))
    rows = [
        {"id": f"s{number}", "messages": [{"content": text}, {"content": ""}]} for number, text in enumerate(samples)
    ]
    return [(leak.line, leak.item, leak.code) for leak in search(index, b"\n".join(map(canonical, rows)))]


def test_a_copy_a_reordering_and_13_words_are_found_12_are_not() -> None:
    text = words(ITEM)
    other = [f"other{number}" for number in range(30)]
    samples = [
        ITEM,
        " ".join(reversed(text)),
        " ".join([*other, *text[4:17], *other]),
        " ".join([*other, *text[4:16], *other]),
        "A gecko is a kind of lizard.",
    ]
    assert found({"x": ITEM, "y": "What is one and one? two."}, *samples) == [
        (1, "x", "L001"),
        (1, "x", "L002"),
        (2, "x", "L002"),
        (3, "x", "L001"),
    ]


def test_one_word_in_five_may_differ() -> None:
    text = [f"w{number}" for number in range(9)]
    item = {"x": " ".join(text)}
    assert found(item, " ".join([*text[:8], "other"])) == [(1, "x", "L002")]  # 8 of 10
    assert found(item, " ".join([*text[:7], "other"])) == []  # 7 of 10


@pytest.mark.parametrize(
    ("item", "changed"),
    [
        ("红月饼是一种蓬松布料，而蓬松布料是一种什么？布料。", "红月饼是一种蓬松布科，而蓬松布料是一种什么？布料。"),
        ("ปลาหมึกเป็นสัตว์ทะเลชนิดหนึ่งและสัตว์ทะเลเป็นอะไร สัตว์", "ปลาหมีกเป็นสัตว์ทะเลชนิดหนึ่งและสัตว์ทะเลเป็นอะไร สัตว์"),
        ("समोसा एक प्रकार का नमकीन है और नमकीन किस प्रकार का है? भोजन।", "समोसा एक प्रकार का नमकीन है और नमकीन किस प्रकार का है? व्यंजन।"),
        ("Cá mập là một loại cá, và cá là một loại gì? động vật.", "Cá mập là một loài cá, và cá là một loại gì? động vật."),
    ],
)  # fmt: skip
def test_a_copy_with_one_sign_changed_is_found_in_any_script(item: str, changed: str) -> None:
    assert "L002" in {code for *_, code in found({"x": item}, changed)}
    assert "L002" in {code for *_, code in found({"x": item}, normalize("NFD", item))}


def test_13_ideographs_in_a_row_are_found_12_are_not() -> None:
    item = "红月饼是一种蓬松布料而蓬松布料是什么"
    other = "天地玄黄宇宙洪荒日昃辰宿列张寒来暑往"
    assert found({"x": item}, f"{other}{item[2:15]}{other}") == [(1, "x", "L001")]
    assert found({"x": item}, f"{other}{item[2:14]}{other}") == []


def test_without_items_nothing_is_found() -> None:
    assert found({}, ITEM) == []


Texts = st.lists(st.sampled_from([f"w{number}" for number in range(8)]), min_size=1, max_size=16).map(" ".join)


@given(st.lists(Texts, min_size=1, max_size=6), st.lists(Texts, min_size=1, max_size=6))
def test_the_search_finds_what_comparing_each_with_each_finds(items: list[str], samples: list[str]) -> None:
    expected = set()
    for line, sample in enumerate(samples, 1):
        for number, item in enumerate(items):
            one, two = bag(words(sample)), bag(words(item))
            if len(one & two) / len(one | two) >= 0.8:
                expected.add((line, str(number), "L002"))
    index = {str(number): item for number, item in enumerate(items)}
    assert {leak for leak in found(index, *samples) if leak[2] == "L002"} == expected


def test_an_item_whose_answer_is_stated_is_not_asked(repo: Repo) -> None:
    repo.built()
    asked = {row["id"] for row in rows_below(repo.path / "build/suites/chains")}
    chain = sorted(asked)[0]
    first, _, last = chain.partition("..")
    folder = first.partition("/")[0]
    repo.write(
        f"knowledge/{folder}/more.yaml",
        f"relations:\n- {{subject: {first}, predicate: part_of, object: {folder}/{last}}}\n",
    )
    repo.data()
    assert chain not in {row["id"] for row in rows_below(repo.path / "build/suites/chains")}


@pytest.fixture
def leaking(repo: Repo) -> Repo:
    """Return a repo with a definition that repeats a test item."""
    repo.built()
    item = next(row for row in rows_below(repo.path / "build/suites/chains") if row["id"] == "zoo/iguana..reptile")
    text = f"{item['question']} {item['choices'][item['gold']]}".rstrip(".")
    repo.edit(
        "knowledge/zoo/kinds.yaml",
        "definition: a lizard with the habits of a gecko and of nothing else",
        f'definition: "{text}"',
    )
    return repo


def test_a_leak_fails_the_build_until_it_is_mended(leaking: Repo) -> None:
    for _ in range(2):
        outcome = leaking.run("compile", "--to", "data", "-q")
        assert outcome.code == 1
        line = next(row for row in outcome.err.splitlines() if "error[" in row)
        place, _, message = line.partition(": error[L001]: ")
        file, _, number = place.rpartition(":")
        row = (leaking.path / file).read_text("utf-8").splitlines()[int(number) - 1]
        assert '"id":"zoo/gecko#define.meaning"' in row
        assert message == (
            "the sample zoo/gecko#define.meaning shares the words "
            "'an iguana is a kind of lizard and a lizard is a kind' with the test item zoo/iguana..reptile"
        )
    assert not Path(leaking.path / "build/model").exists()
    leaking.run("plan", "--to", "data", "--check")
    assert leaking.history[-1].code == 4
    text = leaking.read("knowledge/zoo/kinds.yaml").decode()
    start = text.index('definition: "An iguana')
    leaking.write(
        "knowledge/zoo/kinds.yaml", text[:start] + "definition: a small lizard" + text[text.index("\n", start) :]
    )
    assert leaking.data()["built"]
