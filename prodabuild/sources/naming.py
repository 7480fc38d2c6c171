"""An index of terms by everything they may be called: key, id, label, alias."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prodabuild.problems import suggest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prodabuild.sources.terms import Term

HINTS = 20  # names not found that get a hint: looking for ones that are alike takes time
_ARTICLE = re.compile(r"^(a|an|the)\s+", re.IGNORECASE)


def bare(name: str) -> str:
    """Return a name without case, article, bracketed remark and plural: what two writings of it share."""
    text = re.sub(r"\s*\([^()]*\)", "", _ARTICLE.sub("", " ".join(name.split()))).casefold().strip(" .,;:")
    return re.sub(r"(?<=[^aiosu'])s$", "", text)


class Index:
    """Finds terms by name: labels before aliases, what is written exactly so before what differs by case or plural."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._tiers: tuple[dict[str, dict[str, None]], ...] = ({}, {}, {}, {})
        self._labels: list[str] = []
        self._hints = HINTS
        exact, aliases, loose, loose_aliases = self._tiers
        for term in terms:
            self._labels.append(term.label)
            for name in filter(None, (term.key, term.id, term.id.rpartition("/")[2], term.label)):
                exact.setdefault(name, {})[term.key] = None
            loose.setdefault(bare(term.label), {})[term.key] = None
            for alias in term.aliases:
                aliases.setdefault(alias, {})[term.key] = None
                loose_aliases.setdefault(bare(alias), {})[term.key] = None

    def find(self, name: str) -> list[str]:
        """Return the keys of the terms that a name can mean."""
        exact, aliases, loose, loose_aliases = self._tiers
        soft = bare(name)
        return list(
            exact.get(name) or aliases.get(name) or loose.get(soft) or loose_aliases.get(soft) or () if soft else ()
        )

    def alike(self, name: str) -> str | None:
        """Return a hint with the label that looks most like a name."""
        self._hints -= 1
        return suggest(name, self._labels, "concepts") if self._hints >= 0 else None
