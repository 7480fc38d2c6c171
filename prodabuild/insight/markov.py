"""Machines: each symbol decides the next state. Markov chains of any order, and hidden chains whose rate is exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prodabuild.errors import ProjectError
from prodabuild.insight.draws import Floats, Ints, choose, dirichlet, uniforms
from prodabuild.insight.entropy import Rate, bits, entropy, refuse_parted, stationary

STATES = 1024  # of a machine: its figures take a matrix of all pairs
CELLS = 1 << 18  # of the table that block entropies are read from
WORDS = 1 << 20  # of that which is left out of no figure of a chain: the square of its contexts
ORDERS = 3  # of the blind predictors that are told
HALVINGS = 80
CERTAIN = 1 - 1e-12  # so sure, a state counts as seen
STEEPEST = 4096.0
EXACT = 1e-6  # share of the rate that was asked for by which a tuned one may be off


@dataclass(frozen=True)
class Machine:
    """The chance of each symbol in each state, and the state that follows. It begins as it goes on: stationary."""

    chances: Floats  # states x symbols
    successor: Ints  # states x symbols

    @property
    def symbols(self) -> int:
        """Return how many symbols there are."""
        return int(self.chances.shape[1])

    @cached_property
    def moves(self) -> Floats:
        """Return the chances of going from state to state."""
        return _moves(self.chances, self.successor)

    @cached_property
    def states(self) -> Floats:
        """Return how much of the time is spent in each state; raises `ProjectError` where that hangs on the start."""
        refuse_parted(self.moves)
        return stationary(self.moves)

    @cached_property
    def rate(self) -> Rate:
        """Return the entropy rate: the mean entropy of the next symbol."""
        value = float(self.states @ entropy(self.chances))
        return Rate(value, value)

    @cached_property
    def varentropy(self) -> float:
        """Return the variance of summed surprisal a symbol, by the chain's Poisson equation."""
        size = len(self.chances)
        loss = np.where(self.chances > 0, bits(np.where(self.chances > 0, self.chances, 1.0)), 0.0)
        excess = (self.chances * loss).sum(1) - self.rate.value
        later = np.linalg.solve(np.eye(size) - self.moves + self.states, excess)
        away = loss - self.rate.value
        total = self.chances * (away**2 + 2 * away * later[self.successor])
        return float(max(0.0, self.states @ total.sum(1)))

    def opening(self, length: int) -> float:
        """Return what is paid for not knowing the state: entropies of blocks above the rate, as far as a table goes.

        In a chain that is as far as its order, and nothing is left out.
        """
        weights, block, order = self.states[None, :], 0.0, 0
        while order < length and weights.size * self.symbols <= WORDS:
            weights = self._extend(weights)
            before, block, order = block, float(entropy(weights.sum(1))), order + 1
            if block - before <= self.rate.value + 1e-12:
                break
        return max(0.0, block - order * self.rate.value)

    def floors(self) -> dict[str, float]:
        """Return what predictors reach that see no symbol, one, two and so on."""
        found = {"uniform": math.log2(self.symbols)}
        weights = self.states[None, :]
        before, order = 0.0, 0
        while order <= ORDERS and weights.size * self.symbols <= CELLS:
            weights = self._extend(weights)
            block = float(entropy(weights.sum(1)))
            if block - before <= self.rate.value + 1e-9 and order:
                break
            found[f"order {order}"] = block - before
            before, order = block, order + 1
        return found

    def sample(self, count: int, length: int, *key: str | int) -> Ints:
        """Return rows that begin in a state drawn from how much of the time is spent in each."""
        draws = uniforms((length + 1, count), *key)
        state = choose(np.broadcast_to(self.states, (count, len(self.states))), draws[0])
        rows = np.empty((count, length), dtype=np.int64)
        for at in range(length):
            rows[:, at] = choose(self.chances[state], draws[at + 1])
            state = self.successor[state, rows[:, at]]
        return rows

    def surprisal(self, rows: Ints) -> Floats:
        """Return the bits of each symbol; the state is not seen, and is inferred from the symbols before."""
        found = np.empty(rows.shape)
        belief = np.broadcast_to(self.states, (len(rows), len(self.states)))
        state: Ints | None = None
        for at in range(rows.shape[1]):
            symbol = rows[:, at]
            if state is None:
                belief, chance = self._follow(belief, symbol)
                state = belief.argmax(1) if (belief.max(1) > CERTAIN).all() else None
            else:
                chance = self.chances[state, symbol]
                state = self.successor[state, symbol]
            found[:, at] = bits(chance)
        return found

    def tempered(self, temperature: float) -> Machine:
        """Return the machine whose chances are sharpened (below 1) or flattened (above 1) as in decoding."""
        return Machine(_temper(self.chances, 1 / temperature if temperature else math.inf), self.successor)

    def expected(self, other: Machine) -> float:
        """Return the mean bits, by this machine's chances, of what another one with the same states says."""
        loss = bits(self.chances)
        said = np.where(other.chances > 0, other.chances * np.where(other.chances > 0, loss, 0.0), 0.0)
        return float(other.states @ said.sum(1))

    def _follow(self, belief: Floats, symbol: Ints) -> tuple[Floats, Floats]:
        """Return what is believed of the state after a symbol, and the chance that the symbol had."""
        joint = belief * self.chances[:, symbol].T
        chance = joint.sum(1)
        after = np.zeros((len(self.states), len(belief)))
        np.add.at(after, (self.successor[:, symbol], np.arange(len(belief))), joint.T)
        return after.T / np.where(chance > 0, chance, 1.0)[:, None], chance

    def _extend(self, weights: Floats) -> Floats:
        """Return, for each word one symbol longer, its chance together with each state that it ends in."""
        size = len(self.states)
        longer = np.empty((len(weights), self.symbols, size))
        for symbol in range(self.symbols):
            step = np.zeros((size, size))
            step[np.arange(size), self.successor[:, symbol]] = self.chances[:, symbol]
            longer[:, symbol] = weights @ step
        return longer.reshape(-1, size)


def chain(table: Floats, symbols: int) -> Machine:
    """Return the Markov chain with a row of chances for each context: the last symbols, the latest counting least."""
    contexts = np.arange(len(table))[:, None]
    return Machine(table, (contexts * symbols + np.arange(symbols)) % len(table))


def two_state(up: float, down: float) -> Machine:
    """Return the chain of two symbols that leaves 0 and 1 with these chances."""
    return chain(np.array([[1 - up, up], [down, 1 - down]]), 2)


def random_chain(symbols: int, order: int, rate: float, *key: str | int) -> Machine:
    """Return a chain drawn from the key, its entropy rate tuned to the bit; raises `ProjectError`."""
    if symbols**order > STATES:
        raise ProjectError(f"{symbols} symbols of order {order} are more than {STATES} contexts", "take fewer")
    if not 0 < rate <= math.log2(symbols):
        raise ProjectError(
            f"a rate of {rate} bits does not lie above 0 and up to log2 {symbols}", "mend the entropy asked for"
        )
    drawn = dirichlet((symbols**order, symbols), 2, *key)
    return chain(tune(drawn, chain(drawn, symbols).successor, rate), symbols)


def tune(drawn: Floats, successor: Ints, rate: float) -> Floats:
    """Return a table of chances raised to the power, found by bisection, that gives an entropy rate."""
    low, high = 0.0, 1.0
    while _rate(_temper(drawn, high), successor) > rate:
        low, high = high, high * 2
        if high > STEEPEST:
            raise ProjectError(f"no power of the table has a rate of {rate} bits", "ask for more entropy")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _rate(_temper(drawn, middle), successor) > rate:
            low = middle
        else:
            high = middle
    found = _temper(drawn, high)
    if abs(_rate(found, successor) - rate) > EXACT * rate:  # rounding parts the chain before it is so predictable
        raise ProjectError(f"no power of the table has a rate of {rate} bits", "ask for more entropy")
    return found


def ring(symbols: int, share: float) -> Machine:
    """Return the chain that goes round all symbols, but to any of them in a share of the steps: all are as frequent."""
    table = (1 - share) * np.roll(np.eye(symbols), 1, axis=1) + share / symbols
    return chain(table, symbols)


def golden() -> Machine:
    """Return the golden mean process: no two 1 in a row; 2/3 bit."""
    return Machine(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0, 1], [0, 0]]))


def even() -> Machine:
    """Return the even process: 1 come in runs of even length; 2/3 bit, and no finite context tells all."""
    return Machine(np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([[0, 1], [0, 0]]))


def _moves(chances: Floats, successor: Ints) -> Floats:
    found = np.zeros((len(chances), len(chances)))
    np.add.at(found, (np.arange(len(chances))[:, None], successor), chances)
    return found


def _rate(chances: Floats, successor: Ints) -> float:
    return float(stationary(_moves(chances, successor)) @ entropy(chances))


def _temper(chances: Floats, power: float) -> Floats:
    top = chances.max(1, keepdims=True)
    if math.isinf(power):
        best = np.eye(chances.shape[1])[chances.argmax(1)]
        return np.asarray(best)
    raised = (chances / top) ** power
    return np.asarray(raised / raised.sum(1, keepdims=True))
