"""Hidden Markov sources: the state is never seen. The entropy rate is bracketed, for no formula gives it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prodabuild.insight.draws import Floats, Ints, choose, dirichlet, uniforms
from prodabuild.insight.entropy import Rate, bits, entropy, refuse_parted, stationary

CELLS = 1 << 18  # of the table of words that the bracket is read from


@dataclass(frozen=True)
class Hidden:
    """The chance, in each state, of each symbol together with the state that follows."""

    steps: Floats  # symbols x states x states

    @property
    def symbols(self) -> int:
        """Return how many symbols there are."""
        return len(self.steps)

    @property
    def varentropy(self) -> None:
        """Return None: it is estimated from samples."""
        return

    @cached_property
    def states(self) -> Floats:
        """Return how much of the time is spent in each state; raises `ProjectError` where that hangs on the start."""
        moves = self.steps.sum(0)
        refuse_parted(moves)
        return stationary(moves)

    @cached_property
    def rate(self) -> Rate:
        """Return the bracket: the entropy after the longest words in reach, the state before them known or not."""
        known = self._conditional(np.diag(self.states)[:, None, :])[-1]
        return Rate(known, max(known, self._conditional(self.states[None, None, :])[-1]))

    def opening(self, length: int) -> None:
        """Return None: it is estimated from samples."""
        return

    def floors(self) -> dict[str, float]:
        """Return what predictors reach that see no symbol, one, two and so on, three at most."""
        found = self._conditional(self.states[None, None, :])[:4]
        return {"uniform": math.log2(self.symbols)} | {f"order {order}": rate for order, rate in enumerate(found)}

    def sample(self, count: int, length: int, *key: str | int) -> Ints:
        """Return rows that begin in a state drawn from how much of the time is spent in each."""
        size = len(self.states)
        joint = self.steps.transpose(1, 0, 2).reshape(size, -1)
        draws = uniforms((length + 1, count), *key)
        state = choose(np.broadcast_to(self.states, (count, size)), draws[0])
        rows = np.empty((count, length), dtype=np.int64)
        for at in range(length):
            rows[:, at], state = np.divmod(choose(joint[state], draws[at + 1]), size)
        return rows

    def surprisal(self, rows: Ints) -> Floats:
        """Return the bits of each symbol, by the forward recursion."""
        found = np.empty(rows.shape)
        belief = np.broadcast_to(self.states, (len(rows), len(self.states)))
        for at in range(rows.shape[1]):
            joint = np.einsum("ni,nij->nj", belief, self.steps[rows[:, at]])
            chance = joint.sum(1)
            found[:, at] = bits(chance)
            belief = joint / np.where(chance > 0, chance, 1.0)[:, None]
        return found

    def _conditional(self, start: Floats) -> list[float]:
        """Return the entropy of the next symbol after no symbol, one and so on; `start` is what is known first."""
        weights = start  # what is known x words x states
        known = float(entropy(start.sum(2).ravel()))
        found: list[float] = []
        while not found or weights.size * self.symbols <= CELLS:
            weights = np.einsum("kwi,sij->kwsj", weights, self.steps).reshape(len(start), -1, start.shape[2])
            block = float(entropy(weights.sum(2).ravel()))
            found.append(block - known)
            known = block
        return found


def through_channel(moves: Floats, channel: Floats) -> Hidden:
    """Return a chain whose next state is seen through a noisy channel."""
    return Hidden(np.einsum("ij,js->sij", moves, channel))


def noisy(flip: float, noise: float) -> Hidden:
    """Return the symmetric chain of two states, each seen wrong in a share of the places."""
    moves, channel = (np.array([[1 - share, share], [share, 1 - share]]) for share in (flip, noise))
    return through_channel(moves, channel)


def random_hidden(states: int, symbols: int, *key: str | int) -> Hidden:
    """Return a hidden chain drawn from the key; symbols and moves are drawn apart."""
    moves = dirichlet((states, states), 1, *key, "moves")
    return through_channel(moves, dirichlet((states, symbols), 1, *key, "symbols"))
