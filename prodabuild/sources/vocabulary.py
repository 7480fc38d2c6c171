"""What every importer returns: concepts and relations as mappings of record fields, by discipline and file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Extract:
    """The records taken for one discipline: file stem -> concepts, and every relation between them."""

    concepts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    relations: list[dict[str, Any]] = field(default_factory=list)


Extracts = dict[str, Extract]
