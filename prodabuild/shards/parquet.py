"""Rows as Parquet: one schema, stated here, and bytes that depend on the rows and the release of pyarrow alone."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROUP = 4096  # rows of a row group: what is in memory at once


def write_parquet(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    """Write rows that all have the same columns, one row at least."""
    import pyarrow as pa
    from pyarrow import parquet

    group = list(islice(rows, GROUP))
    types = {name: kind for name, kind in _types().items() if name in group[0]}
    schema = pa.schema(list(types.items()))
    with parquet.ParquetWriter(
        path,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=3,
        data_page_version="1.0",
        store_schema=False,
    ) as writer:
        while group:
            if not all(row.keys() == types.keys() for row in group):
                raise ValueError("a row has other columns than the schema: one of its values would be lost")
            writer.write_table(pa.Table.from_pylist(group, schema))
            group = list(islice(rows, GROUP))


def _types() -> dict[str, Any]:
    """Return the type of every column, in their order: inferred ones would hang on the order of rows."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    return {
        "id": text,
        "discipline": text,
        "recipe": text,
        "split": text,
        "nodes": texts,
        "messages": pa.list_(pa.struct([("role", text), ("content", text)])),
        "choices": texts,
        "gold": pa.int64(),
        "provenance": text,
    }
