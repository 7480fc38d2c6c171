"""The files below a folder as DVC lists them: everything but what `.dvcignore` names (git's patterns)."""

from __future__ import annotations

import os
import re
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from prodabuild.paths import read_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE = ".dvcignore"
MAX_BYTES = 1 << 20
LONGEST = 4096  # characters of a pattern: no path is longer


class UnlistedError(Exception):
    """DVC would refuse a folder: something in it is neither a file nor a folder of files."""


class Rules(NamedTuple):
    """Patterns that follow each other, as one: what they match is ignored, or (`negated`) taken back."""

    matches: re.Pattern[str]
    negated: bool


def list_files(root: Path, path: str) -> list[str]:
    """Return the files below a folder of the repo, relative to it, sorted; for a file only "".

    Raises `UnlistedError`, and FileNotFoundError when there is nothing.
    """
    if not os.path.isdir(root / path):
        os.stat(root / path)
        return [""]
    rules = (*_BUILT_IN, *rules_above(root, path))
    if ignored(rules, [path + "/"]):
        return []
    base = "" if path == "." else path + "/"
    return sorted(name.removeprefix(base) for name in _walk(root, base, rules))


def rules_above(root: Path, path: str) -> tuple[Rules, ...]:
    """Return the rules that the folders above a path state for what lies below it."""
    patterns = []
    for folder in reversed(PurePosixPath(path).parents):
        base = "" if folder.as_posix() == "." else f"{folder.as_posix()}/"
        try:
            lines = os.fsdecode(read_source(root, base + FILE, MAX_BYTES)).splitlines()
        except FileNotFoundError:
            continue
        patterns += [pattern for line in lines if (pattern := _pattern(line.strip(), base))]
    return _rules(patterns)


def ignored(rules: tuple[Rules, ...], paths: Iterable[str]) -> bool:
    """Tell whether any of these paths is ignored, or a folder that it lies in. A folder's path ends with a slash."""
    if not rules:
        return False
    found = {path[: match.end()] for path in paths for match in re.finditer("/|$", path)}
    return any(_ignored(rules, path) for path in found)


def _rules(patterns: list[tuple[str, bool]]) -> tuple[Rules, ...]:
    runs = groupby(patterns, key=lambda pattern: pattern[1])
    return tuple(Rules(re.compile("|".join(text for text, _ in run), re.DOTALL), negated) for negated, run in runs)


def _ignored(rules: tuple[Rules, ...], path: str) -> bool:
    verdict = False
    for rule in rules:
        if rule.matches.fullmatch(path):
            verdict = not rule.negated
    return verdict


def _walk(root: Path, base: str, rules: tuple[Rules, ...]) -> Iterator[str]:
    with os.scandir(root / base) as entries:
        for entry in entries:
            folder = entry.is_dir()
            name = base + entry.name + ("/" if folder else "")
            if _ignored(rules, name) or (folder and entry.is_symlink()):  # DVC follows no linked folder
                continue
            if folder:
                if not os.path.isdir(f"{entry.path}/.dvc"):  # another repo
                    yield from _walk(root, name, rules)
            elif entry.name == FILE or not entry.is_file():
                raise UnlistedError(f"DVC takes no {name} into a folder")
            else:
                yield name


def _pattern(line: str, base: str) -> tuple[str, bool] | None:
    """Return the expression that a line states, and whether it is negated.

    None for a comment, an empty line, and what is no pattern: git ignores such lines, too.
    """
    if not line or line.startswith("#") or len(line) > LONGEST:
        return None
    negated = line.startswith("!")
    line = line.removeprefix("!")
    segments = line.strip("/").split("/")
    anywhere = "" if line.startswith("/") or len(segments) > 1 else "(?:.*/)?"
    if line.endswith("/**/"):  # to DVC, the folder itself
        segments.pop()
    expression = re.escape(base) + anywhere + _expression(segments) + ("/" if line.endswith("/") else "/?")
    try:
        re.compile(expression)
    except re.error:
        return None
    return expression, negated


def _expression(segments: list[str]) -> str:
    """Return the expression of a path's segments. `**` is any number of folders; at the end, all that lies below."""
    blocks, below = [""], segments[-1] == "**"
    for number, segment in enumerate(segments):
        if segment != "**":
            blocks[-1] += _segment(segment) + ("/" if number < len(segments) - 1 else "")
        elif number < len(segments) - 1 and segments[number + 1] != "**":
            blocks.append("")
    return _between(blocks, "(?:.*/)?", "(?:.*?/)??") + (".+" if below else "")


def _segment(segment: str) -> str:
    fixed = [""]
    for token in re.findall(r"\\.|\[!?\]?[^\]]*\]|.", segment, re.DOTALL):
        if token == "*":
            fixed.append("")
        else:
            fixed[-1] += _token(token)
    return _between(fixed, "[^/]*", "[^/]*?")


def _between(parts: list[str], wild: str, shortest: str) -> str:
    """Return parts with a wildcard between each two of them.

    All but the last wildcard take as little as they can, and never take that back (an atomic group): a match is found
    in this way if there is one, and the time does not explode with the number of wildcards.
    """
    first, *others = parts
    if not others:
        return first
    return first + "".join(f"(?>{shortest}{part})" for part in others[:-1]) + wild + others[-1]


def _token(token: str) -> str:
    if token[0] == "[" and len(token) > 1:
        negated = token[1] == "!"
        inside = re.sub(r"[\[\\^&~|]", r"\\\g<0>", token[1 + negated : -1])
        return f"[^/{inside}]" if negated else f"[{inside}]"
    return "[^/]" if token == "?" else re.escape(token[-1])


_BUILT_IN = _rules([pattern for line in (".hg/", ".git/", ".git", ".dvc/") if (pattern := _pattern(line, ""))])
