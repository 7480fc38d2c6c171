"""The engine's page: its example, taken from the text, builds as it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_the_example_builds_what_changed(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/concepts/engine.md").read_text("utf-8"), re.DOTALL)
    (tmp_path / "one.txt").write_text("a\nb\nc\n")
    (tmp_path / "two.txt").write_text("d\n")

    def run() -> str:
        command = [sys.executable, "-c", code, str(tmp_path)]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    first = run()
    assert "'shout:two/all'" in first
    assert first.count("'shout:one/") > 1
    assert (tmp_path / "out/shout/two/all.txt").read_text() == "D"
    assert run() == "[]\n"
    (tmp_path / "two.txt").write_text("e\n")
    assert run() == "['shout:two/all']\n"
    (tmp_path / "one.txt").unlink()
    assert run() == "[]\n"
    assert not (tmp_path / "out/shout/one").exists()


def test_it_is_one_page() -> None:
    text = (ROOT / "docs/concepts/engine.md").read_text("utf-8")
    assert len(text.partition("```python")[0].splitlines()) <= 60
