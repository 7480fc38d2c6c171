"""Grammars: known chances and lengths, and prefixes that fit them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from prodabuild.errors import ProjectError
from prodabuild.insight.grammar import brackets, read_rules, splitting

SPLIT = splitting(0.25)


def test_the_splitting_grammar_has_the_figures_of_its_closed_forms() -> None:
    assert SPLIT.length == pytest.approx(1.5)
    assert SPLIT.derivation_entropy == pytest.approx(1.6225562, abs=5e-8)
    assert SPLIT.inside([0, 0, 0]) == pytest.approx(0.052734375, abs=1e-15)
    chances = [SPLIT.inside([0] * length) for length in range(1, 51)]
    catalan = [math.comb(2 * n, n) // (n + 1) * 0.25**n * 0.75 ** (n + 1) for n in range(50)]
    assert chances == pytest.approx(catalan)
    assert -sum(chance * math.log2(chance) for chance in chances) == pytest.approx(1.3039843, abs=1e-7)
    assert SPLIT.rate.low == 0.0
    assert SPLIT.rate.high == pytest.approx(1.6225562 / 2.5, abs=5e-8)


def test_chances_of_all_beginnings_add_up() -> None:
    rows = np.array(list(itertools.product(range(3), repeat=6)))
    for grammar in (
        brackets(1, 0.3, 0.4),
        read_rules({"S": {"A S": 0.3, "S A": 0.2, "a": 0.5}, "A": {"a": 0.6, "b": 0.4}}),
    ):
        assert (2.0 ** -grammar.surprisal(rows).sum(1)).sum() == pytest.approx(1.0)


def test_a_string_and_its_end_cost_what_the_string_is_worth() -> None:
    grammar = brackets(2, 0.3, 0.4)
    string = [0, 1, 3, 2]
    bits = grammar.surprisal(np.array([[*string, grammar.symbols - 1]])).sum()
    assert 2**-bits == pytest.approx(grammar.inside(string))
    assert grammar.inside([0, 1, 2, 3]) == 0.0
    assert 0 < grammar.inside(string) < 1


def test_samples_have_the_rate_and_the_lengths() -> None:
    grammar = brackets(2, 0.3, 0.4)
    rows = grammar.sample(30, 400, "brackets")
    assert (rows == grammar.symbols - 1).mean() == pytest.approx(1 / (grammar.length + 1), rel=0.12)
    assert grammar.surprisal(rows[:, :100]).mean() == pytest.approx(grammar.rate.value, abs=0.08)
    assert rows.tolist() == grammar.sample(30, 400, "brackets").tolist()
    text = "".join("<[>]."[symbol] for symbol in rows[0])
    for whole in text.split(".")[:-1]:
        while "<>" in whole or "[]" in whole:
            whole = whole.replace("<>", "").replace("[]", "")
        assert whole == ""


def test_grammars_that_grow_for_ever_or_do_not_add_up_are_refused() -> None:
    with pytest.raises(ProjectError, match=r"may grow for ever: its spectral radius is 1\.000"):
        splitting(0.5)
    with pytest.raises(ProjectError, match="do not add up to 1"):
        read_rules({"S": {"S S": 0.25, "a": 0.7}})
    with pytest.raises(ProjectError, match="S -> S a is not two nonterminals or one symbol"):
        read_rules({"S": {"S a": 0.25, "a": 0.75}})


def test_a_string_near_the_edge_does_not_exhaust_the_stack() -> None:
    assert splitting(0.499).sample(1, 20_000, "deep").shape == (1, 20_000)


def test_a_string_less_likely_than_any_number_has_its_bits() -> None:
    words = {f"w{number:04}": 0.1 / 1024 for number in range(1024)}
    grammar = read_rules({"S": {"A S": 0.9} | words, "A": dict.fromkeys(words, 1 / 1024)}, ambiguous=False)
    row = np.arange(150)[None]
    bits = -math.log2(0.9 / 1024) * 149 - math.log2(0.1 / 1024)
    assert bits > 1500  # 2**-1074 is the smallest number there is
    ended = np.append(row, [[1024]], axis=1)
    assert grammar.surprisal(ended).sum() == pytest.approx(bits)
    assert grammar.inside(row[0, :3].tolist()) == pytest.approx(0.81 * 0.1 / 1024**3)


def test_chances_below_zero_are_refused() -> None:
    with pytest.raises(ProjectError, match="do not add up to 1"):
        read_rules({"S": {"S S": -0.25, "a": 1.25}})
