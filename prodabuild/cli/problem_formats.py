"""Problems as other programs read them: annotations of GitHub's workflows, SARIF 2.1.0."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from prodabuild import __version__
from prodabuild.escaping import visible
from prodabuild.problems import CODES, severity_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prodabuild.problems import Problem

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_github(problems: Sequence[Problem]) -> Iterator[str]:
    """Return a workflow command for each problem."""
    for problem in problems:
        place = {"file": visible(problem.file), "line": problem.line, "col": problem.column, "title": problem.code}
        fields = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in place.items() if value)
        yield f"::{problem.severity} {fields}::{_escaped(_text(problem))}"


def _escaped(text: str, others: str = "") -> str:
    for mark in "%\r\n" + others:
        text = text.replace(mark, f"%{ord(mark):02X}")
    return text


def to_sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """Return one SARIF document with a run that found these problems."""
    codes = sorted({problem.code for problem in problems})
    rules = [
        {
            "id": code,
            "shortDescription": {"text": CODES[code]},
            "defaultConfiguration": {"level": severity_of(code)},
        }
        for code in codes
    ]
    seen: Counter[str] = Counter()
    run = {
        "tool": {"driver": {"name": "prodabuild", "semanticVersion": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes.index(problem.code), seen) for problem in problems],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(problem: Problem, rule: int, seen: Counter[str]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "artifactLocation": {"uri": quote(problem.file, errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}
    }
    if problem.line:
        place["region"] = {"startLine": problem.line, "startColumn": max(problem.column, 1)}
    same = "\0".join((problem.code, problem.file, problem.message))  # on another line it is no new problem
    seen[same] += 1
    fingerprint = sha256(f"{same}\0{seen[same]}".encode(errors="surrogateescape")).hexdigest()
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": _text(problem).replace("](", "] (")},  # which would be a link
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"problem/v1": fingerprint[:32]},
    }


def _text(problem: Problem) -> str:
    text = visible(problem.message)
    return f"{text}\nhint: {visible(problem.hint)}" if problem.hint else text
