"""The files below a folder as DVC lists them: everything but what `.dvcignore` names (git's patterns)."""

from __future__ import annotations

import os
import re
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FILE = ".dvcignore"
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
            lines = (root / base / FILE).read_bytes().decode("utf-8", "surrogateescape").splitlines()
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
    """Return the expression that a line states, and whether it is negated; None for a comment or an empty line."""
    if not line or line.startswith("#") or len(line) > LONGEST:
        return None
    negated = line.startswith("!")
    line = line.removeprefix("!")
    segments = line.strip("/").split("/")
    anywhere = "" if line.startswith("/") or len(segments) > 1 else "(?:.*/)?"
    expression = _expression(segments)
    try:
        re.compile(expression)
    except re.error:  # `[z-a]`: it matches nothing
        return None
    return re.escape(base) + anywhere + expression + ("/" if line.endswith("/") else "/?"), negated


def _expression(segments: list[str]) -> str:
    """Return the expression of segments: `**` between them is any number of folders.

    What follows a star is taken where it first stands, and not tried again (`(?>`): a pattern with many stars would
    take an age for a long name.
    """
    first, *others = [list(run) for deep, run in groupby(["", *segments], lambda part: part == "**") if not deep]
    expression = "".join(f"{_segment(segment)}/" for segment in first[1:])
    for block in others[:-1]:
        expression += f"(?>(?:[^/]+/)*?{'/'.join(map(_segment, block))}/)"
    if segments[-1] == "**":
        last = others[-1:] if others else []
        expression += "".join(f"(?>(?:[^/]+/)*?{'/'.join(map(_segment, block))}/)" for block in last)
        return expression + ".+"
    return expression + f"(?:.*/)?{'/'.join(map(_segment, others[-1]))}" if others else expression[:-1]


def _segment(segment: str) -> str:
    """Return the expression of a name or a pattern for names."""
    tokens = re.findall(r"\\.|\[!?\]?[^\]]*\]|.", segment, re.DOTALL)
    first, *others = ["".join(map(_token, run)) for star, run in _runs(tokens) if not star]
    middle = "".join(f"(?>[^/]*?{part})" for part in others[:-1] if part)
    return first + middle + (f"[^/]*{others[-1]}" if others else "")


def _runs(tokens: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Return tokens between stars, and the stars; something, maybe nothing, is before and after each star."""
    run: list[str] = []
    for token in tokens:
        if token == "*":
            yield False, run
            yield True, []
            run = []
        else:
            run.append(token)
    yield False, run


def _token(token: str) -> str:
    if token[0] == "[" and len(token) > 1:
        negated = token[1] == "!"
        inside = re.sub(r"[\[\\^&~|]", r"\\\g<0>", token[1 + negated : -1])
        return f"[^/{inside}]" if negated else f"[{inside}]"
    return "[^/]" if token == "?" else re.escape(token[-1])


_BUILT_IN = _rules([pattern for line in (".hg/", ".git/", ".git", ".dvc/") if (pattern := _pattern(line, ""))])
