"""What a stranger may put where a file is read: something that is no file, or a file of odd bytes."""

from __future__ import annotations

import os
import re
import shutil
import socket
import zlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from pathlib import Path

import orjson
from confinement import Scene

from prodabuild.digest import change_digest

Damage = Callable[[Scene, Path], None]
DEEP = 200_000
DIGITS = b"9" * 5_000


def clear(path: Path) -> None:
    """Remove what is at a path, and make the folder above it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)


def fifo(scene: Scene, path: Path) -> None:
    clear(path)
    os.mkfifo(path)


def a_socket(scene: Scene, path: Path) -> None:
    clear(path)
    before = os.getcwd()
    os.chdir(path.parent)  # the name of a socket has 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(before)


def device(scene: Scene, path: Path) -> None:
    clear(path)
    path.symlink_to("/dev/zero")


def folder(scene: Scene, path: Path) -> None:
    clear(path)
    path.mkdir()


def link_to_secret(scene: Scene, path: Path) -> None:
    clear(path)
    kind = path.suffix if path.suffix in (".yaml", ".json", ".jsonl") else ".txt"
    path.symlink_to(scene.around / f"secret{kind}")


def link_loop(scene: Scene, path: Path) -> None:
    clear(path)
    path.symlink_to(path.name)


def linked_parent(scene: Scene, path: Path) -> None:
    above = path.parent if path.parent != scene.repo else path
    clear(above)
    above.symlink_to(scene.around / "victim")


def sparse(scene: Scene, path: Path) -> None:
    clear(path)
    with path.open("wb") as file:
        file.truncate(1 << 40)


def unreadable_name(scene: Scene, path: Path) -> None:
    """Put a file beside it whose name is not UTF-8, and one whose name holds control characters."""
    for name in (b"\xff\xfe\x1b[2J.yaml", b"new\nline\x07.jsonl", "\u202egpj.yaml".encode()):
        Path(os.fsdecode(os.fsencode(path.parent) + b"/" + name)).write_bytes(b"concepts: []\n")


def bytes_of(change: Callable[[bytes], bytes]) -> Damage:
    """Return what changes a file's bytes."""

    def work(scene: Scene, path: Path) -> None:
        data = change(path.read_bytes() if path.is_file() else b'{"patch": "x", "writes": [], "ops": {}}')
        clear(path)
        path.write_bytes(data)

    return work


def nest(data: bytes) -> bytes:
    """Return brackets 200,000 deep, behind the first key of a mapping if there is one."""
    head = re.match(rb"[a-z_]+:|\{\"[a-z_]+\":", data)
    return (head[0] if head else b"") + b" " + b"[" * DEEP + b"]" * DEEP + (b"}" if data[:1] == b"{" else b"") + b"\n"


def repeat_keys(data: bytes) -> bytes:
    """Return the first key of a mapping twice."""
    if data[:1] == b"{":
        return b'{"version": 1, "version": 2, ' + data[1:]
    return data + b"\n" + data


NOT_REGULAR: dict[str, Damage] = {
    "fifo": fifo,
    "socket": a_socket,
    "device": device,
    "folder": folder,
    "link to a secret": link_to_secret,
    "link to itself": link_loop,
    "linked parent": linked_parent,
    "sparse file of 1 TB": sparse,
    "hostile names beside it": unreadable_name,
}
ODD_BYTES: dict[str, Damage] = {
    "empty": bytes_of(lambda data: b""),
    "truncated": bytes_of(lambda data: data[: len(data) // 2]),
    "NUL bytes": bytes_of(lambda data: data[:40] + bytes(64) + data[40:]),
    "not UTF-8": bytes_of(lambda data: data[:60] + b"\xff\xfe\xed\xa0\x80" + data[60:]),
    "deep nesting": bytes_of(nest),
    "huge integer": bytes_of(lambda data: re.sub(rb"[0-9]+", DIGITS, data, count=3) if re.search(rb"[0-9]", data) else DIGITS),
    "a list": bytes_of(lambda data: b"[]\n"),
    "null": bytes_of(lambda data: b"null\n"),
    "a number": bytes_of(lambda data: b"3\n"),
    "values of other types": bytes_of(lambda data: re.sub(rb': ?("[^"]*"|[a-z0-9.]+)', b": null", data)),
    "lists for values": bytes_of(lambda data: re.sub(rb': ?("[^"]*"|[a-z0-9.]+)', b": [{}]", data)),
    "other version": bytes_of(lambda data: re.sub(rb"(version\"?: *)'?[0-9.]+'?", rb"\g<1>999", data, count=1)),
    "duplicate keys": bytes_of(repeat_keys),
    "escape sequences": bytes_of(lambda data: re.sub(rb"[aeiou]", "a\x1b[31m\x07\x9b\u202e".encode(), data, count=80)),
    "one long line": bytes_of(lambda data: data.rstrip() + b" " * (8 << 20) + b"x\n"),
    "zip bomb": bytes_of(lambda data: bomb(data)),
}  # fmt: skip


@cache
def packed_zeros() -> bytes:
    """Return 600 MB of zeros, packed into 600 KB."""
    packer = zlib.compressobj(1)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(600)), packer.flush()])


def bomb(data: bytes) -> bytes:
    """Return a file whose packed names unpack to 600 MB where it is a journal; else packed zeros."""
    for line in data.split(b"\n"):
        body = line.partition(b" ")[2]
        if body.startswith(b"[") and b'"shard:' in body:
            row = orjson.loads(body)
            row[3] = b64encode(packed_zeros()).decode()
            body = orjson.dumps(row)
            return b"\n" + change_digest(body).hex().encode() + b" " + body
    return packed_zeros()


DAMAGES = NOT_REGULAR | ODD_BYTES
