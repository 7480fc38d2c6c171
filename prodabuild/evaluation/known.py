"""Likelihoods of (model, request) pairs that were scored before, in a file a model. Safe to delete at any time.

A line carries a digest of itself: one that is cut, edited or rotten counts as never written.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import orjson

from prodabuild.digest import canonical, change_digest
from prodabuild.engine.store import place, remove_file
from prodabuild.evaluation.scoring import Likelihood
from prodabuild.paths import read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prodabuild.engine.view import View
    from prodabuild.evaluation.encoding import Request

KEPT = 16  # models whose likelihoods are kept

Scores = list[list[Likelihood]]


def known_file(view: View) -> Path:
    """Return the file of a model, for a view that has read code, libraries, device and model, and no item yet."""
    return view.known() / "likelihoods" / f"{view.inputs().hex()}.jsonl"


def score_unknown(file: Path, requests: Sequence[Request], score: Callable[[list[Request]], Scores]) -> Scores:
    """Return the likelihoods of requests: those in the file, and those that `score` gives of the rest."""
    known = read(file)
    keys = [_key(request) for request in requests]
    unknown = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
    if unknown:
        known |= dict(zip(unknown, score(list(unknown.values())), strict=True))
        _write(file, known)
    return [known[key] for key in keys]


def read(file: Path) -> dict[str, list[Likelihood]]:
    """Return what a file knows, by request; damaged lines are left out."""
    try:
        lines = read_regular(file).splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return dict(row for line in lines if (row := _parse(line)) is not None)


def _parse(line: bytes) -> tuple[str, list[Likelihood]] | None:
    check, _, body = line.partition(b" ")
    if change_digest(body).hex().encode() != check:
        return None
    try:
        row = orjson.loads(body)
        found = [Likelihood(value, greedy) for value, greedy in row["found"]]
        sound = all(type(value) is float and math.isfinite(value) and type(greedy) is bool for value, greedy in found)
        return (row["request"], found) if sound and isinstance(row["request"], str) else None
    except (ValueError, TypeError, KeyError):
        return None


def _write(file: Path, known: dict[str, list[Likelihood]]) -> None:
    bodies = [
        canonical({"request": key, "found": [list(likelihood) for likelihood in found]})
        for key, found in sorted(known.items())
    ]
    data = b"".join(change_digest(body).hex().encode() + b" " + body + b"\n" for body in bodies)
    place(file.parent.parent, f"{file.parent.name}/{file.name}", data, file.parent)
    old = sorted(file.parent.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    for path in old[:-KEPT]:
        remove_file(file.parent, path.name)


def _key(request: Request) -> str:
    return change_digest(canonical([request.context, request.continuations])).hex()
