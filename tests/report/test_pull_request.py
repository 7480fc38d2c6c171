"""A comment in a pull request: nothing that its author wrote is rendered, ends the block it stands in, or hides."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from prodabuild.project.comparison import Comparison, Counted, Pair, Setting, Untold
from prodabuild.project.previewing import Difference
from prodabuild.report.pull_request import LIMIT, markdown, marker


def comparison(*records: Difference, name: str = "small", settings: tuple[Setting, ...] = ()) -> Comparison:
    return Comparison(
        name=name, before="main", after="the work tree", settings=settings, records=records, patches=(),
        counts={"shards": Counted(1, 1, 0, 0, 1)}, samples=(), items={}, coverage={"taught": Pair(0.5, None)},
        figures={}, scores=(), cost={}, untold=(Untold("a part", "it is not at hand", "prodabuild pull"),),
    )  # fmt: skip


def record(text: str) -> Difference:
    return Difference("changed", "concept", "zoo/gecko", "a.yaml:1", {"definition": text}, {"definition": "b"})


def test_what_differs_and_what_is_not_told() -> None:
    assert markdown(comparison(record("a"))) == (
        "<!-- prodabuild diff: small -->\n## `small`: `main` → `the work tree`\n\n"
        "|  | before | after | change |\n| --- | ---: | ---: | ---: |\n"
        "| shards | 1 | 1 | 1 changed |\n| records taught | 50.0 % | ? | ? |\n\n"
        "### Records\n\n1 changed\n\n```diff\n~ concept zoo/gecko a.yaml:1\n- definition: a\n+ definition: b\n```\n\n"
        "### Not told\n\n- a part: `it is not at hand`; `prodabuild pull` may help\n"
    )


@hypothesis_settings(deadline=None)  # a machine that is busy is no mistake
@given(st.text(alphabet="`~-<!>\n\r\t |*_[](){}@#&;/abc\u202e\u200b\x00", max_size=80))
def test_no_text_leaves_the_code_that_it_stands_in(text: str) -> None:
    found = markdown(comparison(record(text), name=text, settings=(Setting("compile.seed", text, 1),)))
    outside = []
    fence = ""
    for line in found.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif opened := re.fullmatch("(`{3,})diff", line):
            fence = opened[1]
        else:
            outside.append(line)
    assert fence == ""
    first, title, *rest = outside
    assert re.fullmatch(r"<!-- prodabuild diff: [\w.-]* -->", first, re.ASCII)
    assert "--" not in first.removeprefix("<!-- ").removesuffix(" -->")
    assert title.endswith(": `main` → `the work tree`")
    assert [line for line in rest if re.search("[<>@]|\u202e|\u200b", line)] == []


def test_a_comment_stays_below_what_github_takes() -> None:
    records = [record(f"{number} " + "`" * 590) for number in range(20)]
    settings = tuple(Setting(f"key{number}", "x" * 590, "y" * 590) for number in range(100))
    found = markdown(comparison(*records, settings=settings))
    assert len(found.encode()) <= LIMIT + 100
    assert found.endswith("\n```\n\nThe rest is left out: `prodabuild diff` shows it.\n")


def test_markers_tell_repos_apart() -> None:
    assert marker("a b--> x") == "<!-- prodabuild diff: a_b___x -->"
