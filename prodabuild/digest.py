"""Canonical bytes and digests.

Identity (lock, store) is sha256, with md5 beside it because DVC names objects by it; change detection is xxh3, which is
trusted by clones of one repository and by no other. Text is hashed as written: no Unicode normalisation.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson
import xxhash

from prodabuild.paths import open_regular

if TYPE_CHECKING:
    from pathlib import Path

DIGEST_BYTES = 16


def canonical(value: Any) -> bytes:
    """Return the one JSON encoding of a value: UTF-8, sorted keys, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def kept(value: Any) -> bytes:
    """Return the canonical encoding, copied: what orjson returns holds on to a buffer of kilobytes."""
    return bytes(memoryview(canonical(value)))


def change_digest(data: bytes) -> bytes:
    """Return 16 bytes of xxh3-128: equal bytes have not changed."""
    return xxhash.xxh3_128_digest(data)


def value_digest(value: Any) -> bytes:
    """Return the change digest of a JSON value."""
    return xxhash.xxh3_128_digest(canonical(value))


def key_hash(key: str) -> int:
    """Return a key's signed 64-bit hash (SQLite's integer range)."""
    return xxhash.xxh3_64_intdigest(key.encode()) - (1 << 63)


def bucket_hash(key: str) -> int:
    """Return 32 unsigned bits that place a key in a bucket; stable for ever, so built on sha256."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")


def sha256(data: bytes) -> str:
    """Return the sha256 of bytes in hex: the identity of an artifact."""
    return hashlib.sha256(data).hexdigest()


def md5(data: bytes) -> str:
    """Return the md5 of bytes in hex: DVC's name of an object, not a security claim."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def file_md5(path: Path) -> str:
    """Return the md5 of a regular file of any size; raises OSError, `NotRegularError`."""
    with open_regular(path) as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a regular file of any size; raises OSError, `NotRegularError`."""
    with open_regular(path) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def seeded(*parts: str | int) -> int:
    """Return 64 bits drawn from the parts: the only source of randomness in samples and items."""
    return xxhash.xxh3_64_intdigest("\x1f".join(map(str, parts)).encode())
