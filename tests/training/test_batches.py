from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prodabuild.training.batches import plan_epoch
from prodabuild.training.encode import Example

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=80)


@given(lengths, st.integers(60, 300), st.integers(0, 99), st.integers(0, 9))
def test_every_example_once_and_every_batch_within_its_budget(
    sizes: list[int], budget: int, seed: int, epoch: int
) -> None:
    examples = [Example(tuple(range(size)), 0) for size in sizes]
    batches = plan_epoch(examples, budget, seed, epoch)
    assert sorted(position for batch in batches for position in batch) == list(range(len(sizes)))
    assert all(max(sizes[position] for position in batch) * len(batch) <= budget for batch in batches)
    assert plan_epoch(examples, budget, seed, epoch) == batches


def test_epochs_differ_and_padding_is_little() -> None:
    examples = [Example(tuple(range(5 + number % 40)), 0) for number in range(2000)]
    first, second = (plan_epoch(examples, 1024, 7, epoch) for epoch in (0, 1))
    assert first != second
    padded = sum(max(len(examples[at].ids) for at in batch) * len(batch) for batch in first)
    assert padded < 1.05 * sum(len(example.ids) for example in examples)
