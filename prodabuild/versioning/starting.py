"""A new data repo from a template: its files, git, the merge driver. What is there already is never written over."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from prodabuild import __version__
from prodabuild.engine.clone import PRIVATE
from prodabuild.engine.store import place, remove_file
from prodabuild.errors import ProjectError
from prodabuild.knowledge.schema import patch_schema
from prodabuild.manifest.schema import manifest_schema, schema_text
from prodabuild.paths import is_regular, read_regular
from prodabuild.versioning.driver import ATTRIBUTES, LINES, install
from prodabuild.versioning.git import git, in_git

TEMPLATES = ("minimal", "wordnet", "csv")
_FOLDER = Path(__file__).parent / "templates"
_EVERY = "every"  # the files that all templates share
_DOT = "dot-"  # stands for the dot of a hidden file, which would hide it, or work, in this repository
_TOP = (".github/", ".pre-commit-config.yaml")  # read at the top of a git repository alone
_NAMED = 5  # files that a message names


class Started(NamedTuple):
    """A new data repo: its files, and whether git was set up for it (or it lies in a repository that was there)."""

    folder: Path
    name: str
    files: tuple[str, ...]
    new_git: bool


def start(folder: Path, template: str, program: str) -> Started:
    """Begin a data repo in a folder; raises `ProjectError`, and nothing is written, where one of its files is there.

    `program` is how the shell calls prodabuild, for git.
    """
    above = next(path for path in (folder, *folder.parents) if path.is_dir())
    git(above, "--version")
    inside = in_git(above)
    top = not inside or (folder / ".git").exists()
    name = re.sub("[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "data"
    files = {file: data for file, data in files_of(template, name).items() if top or not file.startswith(_TOP)}
    _refuse_present(folder, files, inside)
    _write(folder, files)
    if not inside:
        git(folder, "init", "--quiet", "--initial-branch", "main")
    install(folder, program)
    return Started(folder, name, tuple(sorted(files)), not inside)


def files_of(template: str, name: str) -> dict[str, bytes]:
    """Return the files of a new data repo of this name, by path."""
    found = {
        "schema/proda.schema.json": schema_text(manifest_schema()).encode(),
        "schema/patch.schema.json": schema_text(patch_schema()).encode(),
        ATTRIBUTES: "\n".join([*LINES, ""]).encode(),
    }
    for part in (_EVERY, template):
        for path in sorted((_FOLDER / part).rglob("*")):
            if path.is_file():
                words = path.relative_to(_FOLDER / part).as_posix().split("/")
                inside = "/".join(f".{word.removeprefix(_DOT)}" if word.startswith(_DOT) else word for word in words)
                found[inside] = path.read_bytes().replace(b"PRODABUILD", __version__.encode())
    for file in ("proda.yaml", "README.md"):
        found[file] = found[file].replace(b"REPO_NAME", name.encode())
    return found


def _refuse_present(folder: Path, files: dict[str, bytes], inside: bool) -> None:
    """Raise `ProjectError` where a file would stand in the place of another, or of a folder on the way.

    What a start that was killed has written, its files as they are here, is no other file.
    """
    written = {file for file, data in files.items() if _is(folder / file, data)}
    if not inside or len(written) < len(files):
        files = {file: data for file, data in files.items() if file not in written}
    places = {path for file in files for path in (Path(file), *Path(file).parents)}
    taken = sorted(
        path.as_posix()
        for path in places
        if (folder / path).is_symlink() or ((folder / path).exists() and not (folder / path).is_dir())
    )
    taken += [file for file in files if (folder / file).is_dir()]
    if taken:
        more = f" and {len(taken) - _NAMED} more" if len(taken) > _NAMED else ""
        raise ProjectError(
            f"there is already {', '.join(taken[:_NAMED])}{more}: nothing was written",
            "name a folder without them, or move them away",
        )


def _is(path: Path, data: bytes) -> bool:
    """Tell whether a file with these bytes is there."""
    return not path.is_symlink() and is_regular(path) and read_regular(path) == data


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files that are not there; all of them, or none."""
    written: list[str] = []
    scratch = folder / PRIVATE / "tmp"
    try:
        for file, data in files.items():
            if not os.path.lexists(folder / file):
                place(folder, file, data, scratch)
                written.append(file)
    except OSError:
        for file in written:
            remove_file(folder, file)
        raise
    finally:
        for made in (scratch, scratch.parent):
            with suppress(OSError):  # there are others' files in it, or it was never made
                made.rmdir()
