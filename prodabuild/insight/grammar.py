"""Grammars with chances (PCFG) in Chomsky's normal form, as streams: strings laid end to end, each closed by an end.

Inside and prefix probabilities are exact; drawing a string needs a stack of its own, so that no depth is too much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from prodabuild.errors import ProjectError
from prodabuild.insight.draws import Floats, Ints, uniforms
from prodabuild.insight.entropy import Rate, entropy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST = 100_000  # symbols of one string; a consistent grammar draws a longer one about never


@dataclass(frozen=True)
class Grammar:
    """`pairs[a, b, c]` is the chance that `a` becomes `b c`, `words[a, t]` that it becomes the symbol `t`; 0 begins.

    `ambiguous`: a string may have several derivations. The symbol after the last one ends a string.
    """

    pairs: Floats
    words: Floats
    ambiguous: bool = True

    def __post_init__(self) -> None:
        total = self.pairs.sum((1, 2)) + self.words.sum(1)
        if abs(total - 1).max() > 1e-9 or min(self.pairs.min(), self.words.min()) < 0:
            raise ProjectError("the chances of a nonterminal's rules do not add up to 1", "mend the grammar")
        if self.radius >= 1:
            hint = "make rules that branch less likely"
            raise ProjectError(f"the grammar may grow for ever: its spectral radius is {self.radius:.3f}", hint)

    @property
    def symbols(self) -> int:
        """Return how many symbols there are, the end included."""
        return int(self.words.shape[1]) + 1

    @cached_property
    def expected(self) -> Floats:
        """Return how many of each nonterminal a rewriting of each one is expected to give."""
        return np.asarray(self.pairs.sum(2) + self.pairs.sum(1))

    @cached_property
    def radius(self) -> float:
        """Return the spectral radius of that matrix: below 1, every derivation ends."""
        return float(abs(np.linalg.eigvals(self.expected)).max())

    @cached_property
    def length(self) -> float:
        """Return the expected number of symbols of a string, without its end."""
        return float(self._visits @ self.words.sum(1))

    @cached_property
    def derivation_entropy(self) -> float:
        """Return the entropy of a derivation: at least that of its string, and equal where none is ambiguous."""
        return float(self._visits @ entropy(np.concatenate([self.flat, self.words], axis=1)))

    @property
    def rate(self) -> Rate:
        """Return the entropy a symbol, ends counted: exact where no string is ambiguous, else bounded from above."""
        high = self.derivation_entropy / (self.length + 1)
        return Rate(0.0 if self.ambiguous else high, high)

    @property
    def varentropy(self) -> None:
        """Return None: it is estimated from samples."""
        return

    def opening(self, length: int) -> None:
        """Return None: it is estimated from samples."""
        return

    def floors(self) -> dict[str, float]:
        """Return what is reached by guessing evenly, and by how frequent each symbol is."""
        counts = np.append(self._visits @ self.words, 1.0)
        return {"uniform": math.log2(self.symbols), "order 0": float(entropy(counts / counts.sum()))}

    def sample(self, count: int, length: int, *key: str | int) -> Ints:
        """Return rows that each begin with a string and are cut at a length."""
        return np.array([self._row(length, *key, row) for row in range(count)], dtype=np.int64)

    def surprisal(self, rows: Ints) -> Floats:
        """Return the bits of each symbol, from the chances of prefixes."""
        return np.array([self._stream(row.tolist()) for row in rows])

    def inside(self, string: Sequence[int]) -> float:
        """Return the chance of a string: the sum over all its derivations."""
        chart, chance = _Chart(self), 1.0
        for symbol in string:
            chance *= chart.add(symbol)
        return chance * chart.whole

    @cached_property
    def _visits(self) -> Floats:
        """Return how often each nonterminal is expected in a derivation."""
        return np.asarray(np.linalg.inv(np.eye(len(self.pairs)) - self.expected)[0])

    @cached_property
    def flat(self) -> Floats:
        """Return the chances of pairs, a row for each nonterminal."""
        return self.pairs.reshape(len(self.pairs), -1)

    @cached_property
    def corners(self) -> Floats:
        """Return how often each nonterminal is expected leftmost below each one, at whatever depth."""
        return np.asarray(np.linalg.inv(np.eye(len(self.pairs)) - self.pairs.sum(2)))

    def _row(self, length: int, *key: str | int) -> list[int]:
        found: list[int] = []
        string = 0
        while len(found) < length:
            found += [*self._string(*key, string), self.symbols - 1]
            string += 1
        return found[:length]

    def _string(self, *key: str | int) -> list[int]:
        stack, found = [0], []
        heights, size, block = self._heights, len(self.pairs), 0
        draws: list[float] = []
        while stack:
            if not draws:
                draws = uniforms((64,), *key, block)[::-1].tolist()
                block += 1
            head = stack.pop()
            rule = int(np.searchsorted(heights[head], draws.pop(), side="right"))
            if rule < size * size:
                stack += [rule % size, rule // size]
            else:
                found.append(rule - size * size)
            if len(found) + len(stack) > LONGEST:
                raise ProjectError(f"a string of over {LONGEST} symbols was drawn", "make branching less likely")
        return found

    @cached_property
    def _heights(self) -> Floats:
        heights = np.concatenate([self.flat, self.words], axis=1).cumsum(1)
        return np.asarray(heights / heights[:, -1:])

    def _stream(self, row: Sequence[int]) -> list[float]:
        found: list[float] = []
        chart = _Chart(self)
        for symbol in row:
            if symbol == self.symbols - 1:
                chance, chart = chart.whole, _Chart(self)
            else:
                chance = chart.add(symbol)
            found.append(-math.log2(chance) if chance > 0 else math.inf)
        return found


class _Chart:
    """Inside chances of all spans of a string that grows, each over the chance that a string begins with the symbols
    of the span after those before it: so none is too small for a number. `whole` is the chance to end here."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._spans: list[list[Floats]] = []  # by first symbol, then by length less 1: a vector over nonterminals
        self.whole = 0.0

    def add(self, symbol: int) -> float:
        """Read one symbol more; return its chance after those before it."""
        pairs, words = self._grammar.flat, self._grammar.words
        self._spans.append([])
        end = len(self._spans)
        beyond: dict[int, Floats] = {}  # by first symbol: the chance to begin with what is left of the string
        for start in range(end - 1, -1, -1):
            if start == end - 1:
                span, open_ = words[:, symbol], words[:, symbol]
            else:
                left = np.array(self._spans[start])
                right = np.array([self._spans[at][end - at - 1] for at in range(start + 1, end)])
                span = pairs @ (left.T @ right).ravel()
                later = np.array([beyond[at] for at in range(start + 1, end)])
                open_ = pairs @ (left.T @ later).ravel()
            self._spans[start].append(span)
            beyond[start] = self._grammar.corners @ open_
        chance = float(beyond[0][0])
        for spans in self._spans if chance > 0 else ():
            spans[-1] = spans[-1] / chance
        self.whole = float(self._spans[0][-1][0])
        return chance


def read_rules(rules: Mapping[str, Mapping[str, float]], ambiguous: bool = True) -> Grammar:
    """Return a grammar from `{"S": {"S S": 0.25, "a": 0.75}}`; names that have no rules are symbols, sorted."""
    names = list(rules)
    known = sorted({word for row in rules.values() for body in row for word in body.split()} - set(names))
    pairs, words = np.zeros((len(names),) * 3), np.zeros((len(names), len(known)))
    for head, row in rules.items():
        for body, chance in row.items():
            parts = body.split()
            if len(parts) == 2 and all(part in names for part in parts):
                pairs[names.index(head), names.index(parts[0]), names.index(parts[1])] += chance
            elif len(parts) == 1 and parts[0] in known:
                words[names.index(head), known.index(parts[0])] += chance
            else:
                raise ProjectError(f"{head} -> {body} is not two nonterminals or one symbol", "split it up")
    return Grammar(pairs, words, ambiguous)


def splitting(split: float) -> Grammar:
    """Return the grammar S -> S S | a: strings of one symbol, most of them ambiguous."""
    return read_rules({"S": {"S S": split, "a": 1 - split}})


def brackets(kinds: int, nest: float, more: float) -> Grammar:
    """Return well-formed brackets of several kinds: a pair holds more with chance `nest`, another follows with `more`.

    No string is ambiguous. A closing bracket is told by the opening one it belongs to, however far back that is.
    """
    pair = {f"L{kind} {rest}{kind}": chance / kinds for kind in range(kinds) for rest, chance in _closings(nest)}
    rules = {"S": {"P S": more} | {body: (1 - more) * chance for body, chance in pair.items()}, "P": pair}
    for kind in range(kinds):
        rules |= {f"L{kind}": {f"<{kind}": 1.0}, f"R{kind}": {f">{kind}": 1.0}, f"Q{kind}": {f"S R{kind}": 1.0}}
    return read_rules(rules, ambiguous=False)


def _closings(nest: float) -> tuple[tuple[str, float], tuple[str, float]]:
    return ("R", 1 - nest), ("Q", nest)
