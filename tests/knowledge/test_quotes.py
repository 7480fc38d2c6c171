from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prodabuild.knowledge.quotes import Documents, misquoted

TEXT = "Héllo — one two\nthree four five six.\n"


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources/a.md").write_text(TEXT, "utf-8")
    (tmp_path / "sources/scan.pdf").write_bytes(b"%PDF\xff")
    (tmp_path / "sources/empty.txt").write_bytes(b"")
    return Documents(tmp_path, ["sources"])


A = "sources/a.md"


@pytest.mark.parametrize(
    "source",
    [
        {"document": A},
        {"document": A, "quote": "one two three"},
        {"document": A, "span": [8, 21], "quote": "one two\nthree"},
        {"document": A, "span": [8, 21], "quote": "one  two three"},
        {"document": A, "span": [0, len(TEXT)]},
        {"document": f"{A}#part-2", "quote": "Héllo"},
        {"document": "wordnet-3.0:data.noun", "span": [1, 9**9], "quote": "not looked at"},
        {"document": "https://example.org/a.md", "quote": "nor this"},
    ],
)
def test_what_stands_in_its_document_is_fine(documents: Documents, source: dict[str, Any]) -> None:
    assert misquoted(source, documents) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"document": A, "quote": "one two four"}, ("K040", "quote", f"the quote is not in {A}", None)),
        ({"document": A, "quote": "one two three for"}, ("K040", "quote", f"the quote is not in {A}", "there it says 'one two three four five six.'")),
        ({"document": A, "span": [0, 5], "quote": "Hallo"}, ("K040", "quote", f"the quote is not in {A}", "there it says 'Héllo'")),
        ({"document": A, "span": [0, 5], "quote": "two three"}, ("K041", "span", f"the quote is in {A}, but not at 0-5", "write `span: [12, 21]`")),
        ({"document": A, "span": [0, 99]}, ("K041", "span", f"the span ends at 99, and {A} has 37 characters", None)),
        ({"document": "sources/empty.txt", "quote": "a"}, ("K040", "quote", "the quote is not in sources/empty.txt", None)),
        ({"document": "sources/b.md", "quote": "a"}, ("K042", "document", "there is no document 'sources/b.md'", "put it back, or mend the path")),
        ({"document": "/etc/passwd", "quote": "root"}, ("K042", "document", "'/etc/passwd' is not a path inside the repository", "write it relative to the repository, with forward slashes")),
        ({"document": "../a.md", "quote": "a"}, ("K042", "document", "'../a.md' leaves the repository", "paths may not contain `..`")),
        ({"document": "A Handbook", "quote": "a"}, ("K043", "document", "'A Handbook' is no file of this repository, so that quotes from it are not verified", "name what is elsewhere with a scheme: `isbn:...`, `https://...`")),
        ({"document": "sources", "quote": "a"}, ("K042", "document", "there is no document 'sources'", "put it back, or mend the path")),
        ({"document": "sources/scan.pdf", "quote": "a"}, ("K044", "document", "sources/scan.pdf is not text, so that quotes from it are not verified", "put its text beside it, and quote that")),
    ],
)  # fmt: skip
def test_what_does_not_is_told(documents: Documents, source: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert misquoted(source, documents) == expected


def test_a_link_out_of_the_repo_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "secret.md").write_text("a", "utf-8")
    (tmp_path / "repo/a.md").symlink_to(tmp_path / "secret.md")
    found = misquoted({"document": "a.md", "quote": "a"}, Documents(tmp_path / "repo", []))
    assert found is not None
    assert (found.code, found.message) == ("K042", "'a.md' leads outside the repository")
