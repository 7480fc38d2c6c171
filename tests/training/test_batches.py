from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prodabuild.training.batches import Budget, pack, plan_epoch, share, split

pytestmark = pytest.mark.train
sizes = st.lists(st.integers(1, 60), min_size=1, max_size=80)
budgets = st.builds(Budget, st.integers(60, 300), st.integers(60, 300), st.sampled_from([None, 64]))


@settings(deadline=None)
@given(sizes, budgets, st.integers(0, 99), st.integers(0, 9))
def test_every_sample_once_and_every_step_and_part_within_its_budget(
    lengths: list[int], budget: Budget, seed: int, epoch: int
) -> None:
    plan = plan_epoch(lengths, budget, seed, epoch)
    steps = [plan[number] for number in range(len(plan))]
    assert sorted(chain(*steps)) == list(range(len(lengths)))
    again = plan_epoch(lengths, budget, seed, epoch)
    assert [again[number] for number in range(len(again))] == steps
    for step in steps:
        widest = max(lengths[sample] for sample in step)
        assert (sum(lengths[sample] for sample in step) if budget.row else widest * len(step)) <= budget.step
        parts = split(step, lengths, budget)
        assert sorted(chain(*chain(*parts))) == sorted(step)
        for rows in parts:
            filled = [sum(lengths[sample] for sample in row) for row in rows]
            assert (sum(filled) if budget.row else max(filled) * len(filled)) <= budget.part
            assert budget.row is None or max(filled) <= budget.row


def test_epochs_differ_and_padding_is_little() -> None:
    lengths = [5 + number % 40 for number in range(2000)]
    first, second = (plan_epoch(lengths, Budget(1024, 1024), 7, epoch) for epoch in (0, 1))
    assert [first[number] for number in range(len(first))] != [second[number] for number in range(len(second))]
    padded = sum(max(lengths[at] for at in first[step]) * len(first[step]) for step in range(len(first)))
    assert padded < 1.05 * sum(lengths)


def test_rows_are_filled_and_processes_share_a_step_evenly() -> None:
    lengths = [3, 5, 2, 6, 4, 8]
    assert pack(range(6), lengths, 8) == [[5], [3, 2], [1, 0], [4]]
    shares = [share(range(6), lengths, rank, 4) for rank in range(4)]
    assert shares == [[2, 3], [0, 5], [4], [1]]
