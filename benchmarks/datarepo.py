"""A data repo under measurement: compile its data as a whole process, forget what was built, edit one definition."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from measure import checked, middle, own_environment, quiet_disk, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from measure import Measured

COMPILE = (sys.executable, "-m", "prodabuild", "compile", "--to", "data", "--json", "-q")
MADE = ("build", ".prodabuild", "proda.lock")
PHASES = ("full", "noop", "one_edit")


class Compiled(NamedTuple):
    """One compile: what it took, and the report it printed."""

    took: Measured
    report: dict[str, Any]


def prodabuild(repo: Path, *arguments: str) -> Measured:
    """Run a command of prodabuild in a repo; raises RuntimeError when it fails."""
    return checked([sys.executable, "-m", "prodabuild", *arguments], repo, own_environment())


def compile_data(repo: Path, limit_mb: float | None = None) -> Compiled:
    """Compile the training data; raises RuntimeError when that fails or needs more memory than allowed."""
    quiet_disk()
    took = run(COMPILE, repo, own_environment(), limit_mb=limit_mb)
    if took.code:
        raise RuntimeError(f"exit code {took.code} at {took.tree_mb:.0f} MB: {took.err[-2000:]}")
    return Compiled(took, json.loads(took.out))


def forget(repo: Path) -> None:
    """Remove everything that was built, and all memory of it."""
    for name in MADE:
        path = repo / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def knowledge(repo: Path) -> list[Path]:
    """Return the files of knowledge, sorted."""
    return sorted(path for path in (repo / "knowledge").rglob("*") if path.is_file())


def edited_file(repo: Path) -> Path:
    """Return the file whose first concept is to be edited: in the middle of those that hold concepts."""
    holding = [path for path in knowledge(repo) if b'"level":"concept"' in path.read_bytes()]
    return holding[len(holding) // 2]


def edit_definition(file: Path, number: int) -> str:
    """Change the definition of the first concept of a JSONL file, in place; return the concept's id."""
    lines = file.read_text("utf-8").splitlines()
    for at, line in enumerate(lines):
        record = json.loads(line)
        if record["level"] == "concept":
            record["definition"] = record["definition"].partition(" (edit")[0] + f" (edit {number})"
            lines[at] = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
            file.write_text("\n".join(lines) + "\n", "utf-8")
            return str(record["id"])
    raise ValueError(f"{file} has no concept")


def cycle(repo: Path, number: int, limit_mb: float | None = None) -> dict[str, Compiled]:
    """Build everything, build again, edit one definition and build again."""
    forget(repo)
    full = compile_data(repo, limit_mb)
    noop = compile_data(repo, limit_mb)
    edit_definition(edited_file(repo), number)
    return {"full": full, "noop": noop, "one_edit": compile_data(repo, limit_mb)}


def figures(phase: str, runs: Sequence[Measured]) -> dict[str, Any]:
    """Return medians and minimum of one phase, with its name before each key."""
    return {
        f"{phase}_s": middle(took.wall_s for took in runs),
        f"{phase}_min_s": round(min(took.wall_s for took in runs), 3),
        f"{phase}_cpu_s": middle(took.cpu_s for took in runs),
        f"{phase}_rss_mb": middle((took.rss_mb for took in runs), 1),
        f"{phase}_tree_mb": middle((took.tree_mb for took in runs), 1),
    }


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below a folder, by relative path."""
    files: Iterable[Path] = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
