"""Text of others on its way out: what is escaped, and what is left as it is."""

from __future__ import annotations

import json
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodabuild.errors import OutsideError
from prodabuild.escaping import (
    json_text,
    logged,
    markdown_block,
    markdown_code,
    markdown_text,
    masked,
    visible,
    xml_text,
)

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
SHOWN = range(0x600, 0x606), (0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD), range(0x13430, 0x13439)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb\x07", "a\\x1b[31mb\\x07"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\u200bb\ufeff\u3164", "a\\u200bb\\ufeff\\u3164"),
        ("one\ntwo\tthree\u2028", "one\\ntwo\\tthree\\u2028"),
        ("\udcff.yaml", "\\udcff.yaml"),
        ("\U000e0041", "\\U000e0041"),
        ("été 中文 नमस्ते ٣ 👍", "été 中文 नमस्ते ٣ 👍"),
        ("C:\\x1b is a path", "C:\\x1b is a path"),
    ],
)
def test_what_does_not_show_is_written_by_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_every_character_that_unicode_calls_unseen_is_escaped() -> None:
    signs = {sign for part in SHOWN for sign in part}
    marks = [chr(sign) for sign in range(0x110000) if sign not in signs]
    assert [hex(ord(mark)) for mark in marks if unicodedata.category(mark) in UNSEEN and visible(mark) == mark] == []


@given(st.text())
def test_json_stays_the_document_that_it_is(text: str) -> None:
    written = json_text(orjson.dumps({text: [text]}, option=orjson.OPT_INDENT_2).decode())
    assert orjson.loads(written) == {text: [text]}
    assert visible(written.replace("\n", "")) == written.replace("\n", "")


def test_half_a_character_in_json() -> None:
    assert json.loads(json_text(json.dumps(["\udcff\u202e"], ensure_ascii=False))) == ["\udcff\u202e"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a plain word, Apache-2.0 (R&D) p < 0.05 *", "a plain word, Apache-2.0 (R&D) p < 0.05 *"),
        ("q_proj|x", "q_proj\\|x"),
        ("<b>x", "`<b>x`"),
        ("@you", "`@you`"),
        ("[a](b)", "`[a](b)`"),
        ("https://e.example", "`https://e.example`"),
        (":boom: `x`", "`` :boom: `x` ``"),
        ("two\nlines &lt;", "`two lines &lt;`"),
    ],
)
def test_words_that_markdown_would_render_are_code(text: str, shown: str) -> None:
    assert markdown_text(text) == shown


def test_code_and_blocks_end_where_they_are_to() -> None:
    assert markdown_code("a ``b") == "```a ``b```"
    assert markdown_block(["```", "~~~\nx"], "diff") == ["````diff", "```", "~~~\\nx", "````"]
    assert xml_text('<a b="\'">\x00&') == "&lt;a b=&quot;'&quot;&gt;\\x00&amp;"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("  ::stop-commands::t", "  \\x3a:stop-commands::t"),
        ("a ##[group]x ##vso[y]", "a \\x23#[group]x \\x23#vso[y]"),
        ("knowledge/a.yaml:1:2: error[K001]: a::b", "knowledge/a.yaml:1:2: error[K001]: a::b"),
    ],
)
def test_the_log_of_a_workflow_gets_no_command(line: str, shown: str) -> None:
    assert logged(line) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@host/path", "https://***@host/path"),
        ("ssh://token@host:22/path@2", "ssh://***@host:22/path@2"),
        ("https://u:se@cret@host/x", "https://***@host/x"),
        ("https://u:se/cret@host", "https://***@host"),
        ("https://u:secret secret@host", "https://***@host"),
        ("s3://bucket/k?X-Amz-Signature=secret&n=1", "s3://bucket/k?X-Amz-Signature=***&n=1"),
        ("https://h/x?n=1;sig=secret#top", "https://h/x?n=1;sig=***#top"),
        ("AccountName=a;AccountKey=secret==;", "AccountName=a;AccountKey=***;"),
        ("https://host:8080/path@v1?n=2", "https://host:8080/path@v1?n=2"),
        ("git@host:repo, a=b", "git@host:repo, a=b"),
        ("see https://a:secret@h and ftp://b:secret@i.", "see https://***@h and ftp://***@i."),
    ],
)
def test_secrets_in_urls_are_hidden(url: str, shown: str) -> None:
    assert masked(url) == shown
    assert masked(shown) == shown
    error = OutsideError(f"{url} cannot be used", f"mend {url}")
    assert "secret" not in f"{error} {error.message} {error.hint} {error!r}"
