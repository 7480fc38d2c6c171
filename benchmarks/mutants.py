"""Mutants of files, by a seed: bytes, tokens, lines, nodes of JSON, with what a format needs to be read at all."""

from __future__ import annotations

import json
import random
import re
import struct
from base64 import b64encode
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from prodabuild.digest import change_digest

Rng = random.Random
Mutate = Callable[[Rng, bytes], bytes]
WORDS: tuple[str, ...] = (
    "", "null", "~", "true", "[]", "{}", '""', "0", "-1", "1e999", ".nan", ".inf", "9" * 30, "9" * 5000, "0x10",
    "1_000", "1:30", "2026-11-28", "../../../x", "/etc/passwd", "C:\\x", "a\\u0000b", "\\ud800", "\u202e",
    "\x1b[2J", "\x07", "\x00", "\ufeff", "\u2028", "<<: *a", "&a [*a, *a]", "!!python/object/apply:os.system [x]",
    "!function x.y", "---\n", "...\n", "? ", "- - - - - -", "%TAG", "|2\n x", "{subject.__class__}", "{0}",
    "{{ x.__class__ }}", "x" * 5000, "a " * 2000, "*a" * 60, "(a+)+$", "[z-a]", "**/", "\\", "zoo/macaw",
    "zoo/macaw.is_a.parrot", "is_a", "NaN", "Infinity", "-0", "1.5", "é", "e\u0301", "中文", "\u0301", "ß", "İ", "𝕏",
    "\ud7ff", "<!ENTITY x SYSTEM 'file:///etc/passwd'>", "@prefix : <", "[Term]", "\r", "\r\n", "\t", ";;;;",
    ",,,,", '"', "'", "`", "|", "#", ":", ": ",
)  # fmt: skip
VALUES: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e308, "", "x", "../x", "/x", "a\0b",
    "x" * 3000, [], {}, [[]], [None], {"": {}}, [{}], "9" * 400, "zoo/macaw", "\u202e", "é", ["a", "a"], {"a": 1},
    [0] * 50, "ab" * 16, "ab" * 16 + ".dir", "0" * 64,
)  # fmt: skip


def mutate(rng: Rng, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a mutant of a file's bytes: one to four changes, some of them from other files."""
    whole = _by_lines if data.count(b"\n{") > 1 else _by_nodes
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        change = rng.choice((_token, _token, _token, _line, _line, whole, whole, whole, _bytes, _bytes, _cross(others)))
        data = change(rng, data)
    return data


def _bytes(rng: Rng, data: bytes) -> bytes:
    at, size = _place(rng, data)
    some = bytes(rng.randrange(256) for _ in range(rng.choice((1, 1, 2, 8))))
    return rng.choice((
        data[:at], data[at:], data[:at] + some + data[at:], data[:at] + some + data[at + len(some) :],
        data[:at] + data[at + size :], data[:at] + data[at : at + size] * rng.choice((2, 3, 50)) + data[at + size :],
        data[:at] + b"\xff\xfe" + data[at:], b"",
    ))  # fmt: skip


def _place(rng: Rng, data: bytes) -> tuple[int, int]:
    return rng.randrange(len(data) + 1), rng.choice((1, 2, 5, 20, 100))


def _token(rng: Rng, data: bytes) -> bytes:
    """Replace a word, a number or a quoted text, or put one in."""
    found = list(re.finditer(rb'"[^"\n]*"|[\w./-]+|[^\s\w]', data[:200_000]))
    word = rng.choice(WORDS).encode(errors="surrogatepass")
    if rng.random() < 0.3:
        word = b'"' + word + b'"'
    if not found:
        return word
    match = rng.choice(found)
    return data[: match.start()] + word + data[match.end() if rng.random() < 0.8 else match.start() :]


def _line(rng: Rng, data: bytes) -> bytes:
    """Remove, repeat, swap, indent or truncate lines."""
    lines = data.split(b"\n")
    one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(6)
    if how == 0:
        del lines[one]
    elif how == 1:
        lines[one:one] = [lines[two]] * rng.choice((1, 1, 3, 200))
    elif how == 2:
        lines[one], lines[two] = lines[two], lines[one]
    elif how == 3:
        lines[one] = b" " * rng.choice((1, 2, 4, 60)) + lines[one]
    elif how == 4:
        lines[one] = lines[one].lstrip()
    else:
        lines[one] = lines[one].partition(b":")[0] + b": " + rng.choice(WORDS).encode(errors="surrogatepass")
    return b"\n".join(lines)


def _cross(others: Sequence[bytes]) -> Mutate:
    def change(rng: Rng, data: bytes) -> bytes:
        other = rng.choice(others)
        at, size = _place(rng, other)
        into = _place(rng, data)[0]
        return rng.choice((other, data[:into] + other[at:], data[:into] + other[at : at + 10 * size] + data[into:]))

    return change


def _by_nodes(rng: Rng, data: bytes) -> bytes:
    """Change a node of a JSON document; a file of another format is changed by its tokens."""
    document = _loaded(data)
    return _text(change_node(rng, document)) if document != [0] else _token(rng, data)


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return [0]


def _text(document: object) -> bytes:
    """Return a document as JSON; one that is too deep for that as brackets."""
    try:
        return json.dumps(document, separators=(",", ":")).encode(errors="surrogatepass")
    except RecursionError:
        return b"[" * 2000 + b"]" * 2000


def _by_lines(rng: Rng, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    lines[at] = _by_nodes(rng, lines[at])
    return b"\n".join(lines)


def change_node(rng: Rng, document: Any) -> Any:
    """Change one node of a document: another value, another key, one less, one more, deeper."""
    nodes = list(_nodes(document))[:5000]
    if not nodes or rng.random() < 0.03:
        return deepcopy(rng.choice(VALUES))
    above, key = rng.choice(nodes)
    how = rng.randrange(7)
    if how < 3:
        above[key] = deepcopy(rng.choice(VALUES))
    elif how == 3:
        del above[key]
    elif how == 4 and isinstance(above, dict):
        above[str(rng.choice(VALUES))[:4000]] = above.pop(key)
    elif how == 5:
        other, inner = rng.choice(nodes)
        above[key] = json.loads(_text(other[inner]))
    else:
        value = above[key]
        for _ in range(rng.choice((1, 3, 60, 900))):
            value = [value] if rng.random() < 0.5 else {"a": value}
        above[key] = value
    return document


def _nodes(document: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting:
        above = waiting.pop()
        keys = list(above) if isinstance(above, dict) else range(len(above)) if isinstance(above, list) else ()
        found += [(above, key) for key in keys]
        waiting += [above[key] for key in keys]
    return found


def journal(rng: Rng, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a mutant of a journal: mostly lines whose checksums are right and whose content is odd."""
    if rng.random() < 0.2:
        return mutate(rng, data, others)
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(lines))
        body = lines[at].partition(b" ")[2]
        if body:
            row = change_node(rng, _loaded(body))
            if isinstance(row, list) and len(row) > 3 and rng.random() < 0.2:
                row[3] = b64encode(mutate(rng, b"x\x9c\x03\x00\x00\x00\x00\x01", others)).decode()
            body = _text(row)
            lines[at] = change_digest(body).hex().encode() + b" " + body
    return b"\n".join(lines)


def weights(rng: Rng, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a mutant of a file of safetensors: mostly a header of the right length and odd content."""
    if rng.random() < 0.3:
        return mutate(rng, data, others)
    size = struct.unpack("<Q", data[:8])[0]
    header = mutate(rng, data[8 : 8 + size], others)
    length = len(header) if rng.random() < 0.8 else rng.choice((0, 2**63, 2**64 - 1, len(header) + 1, 10**15))
    return struct.pack("<Q", length) + header + data[8 + size :]
