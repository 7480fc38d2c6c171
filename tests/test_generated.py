from __future__ import annotations

import pytest

from scripts.generated import pages
from tests.conftest import ROOT

PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_file_is_what_the_code_says(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == PAGES[name], "run `make generated`"
