"""Real text as rows of bytes, so that a knob turned on a probe can be turned there, too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from prodabuild.insight.draws import uniforms
from prodabuild.insight.entropy import Rate
from prodabuild.training.base import TEXT_FOLDER

if TYPE_CHECKING:
    from prodabuild.insight.draws import Floats, Ints

HELD_OUT = 0.1  # of the text, at its end


class Text:
    """A text whose bytes are symbols. Nobody knows what it allows: its own bits are 0, and all of a loss is excess."""

    varentropy = None

    def __init__(self, data: bytes) -> None:
        used, self._symbols = np.unique(np.frombuffer(data, dtype=np.uint8), return_inverse=True)
        self.symbols = len(used)
        self._border = round(len(self._symbols) * (1 - HELD_OUT))

    @property
    def rate(self) -> Rate:
        """Return all that can be said."""
        return Rate(0.0, math.log2(self.symbols))

    def opening(self, length: int) -> None:
        """Return None: nobody knows what a text allows."""
        return

    def floors(self) -> dict[str, float]:
        """Return what is reached by guessing evenly."""
        return {"uniform": math.log2(self.symbols)}

    def sample(self, count: int, length: int, *key: str | int) -> Ints:
        """Return pieces of the text; those whose key begins with `held out` are from a part that no others are from."""
        begin, end = (self._border, len(self._symbols)) if key[0] == "held out" else (0, self._border)
        starts = begin + (uniforms((count,), *key) * (end - begin - length)).astype(np.int64)
        return np.asarray(self._symbols[starts[:, None] + np.arange(length)], dtype=np.int64)

    def surprisal(self, rows: Ints) -> Floats:
        """Return 0 for every symbol."""
        return np.zeros(rows.shape)


def shipped_text() -> Text:
    """Return the text that ships with the package for bases to read."""
    return Text(b"".join(file.read_bytes() for file in sorted(TEXT_FOLDER.glob("*.txt"))))
