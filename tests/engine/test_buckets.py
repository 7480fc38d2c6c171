from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prodabuild.engine.buckets import BITS, bounds, bucket_of, layout, prefix_of, unit_name

hashes = st.sets(st.integers(0, 2**BITS - 1), max_size=200)


def contents(keys: set[int], prefixes: list[str]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {prefix: set() for prefix in prefixes}
    for key in keys:
        prefix = bucket_of(key, prefixes)
        assert prefix is not None
        found[prefix].add(key)
    return found


@given(hashes, st.integers(1, 20))
def test_every_key_has_one_bucket_and_no_bucket_is_too_full_or_empty(keys: set[int], size: int) -> None:
    prefixes = layout(sorted(keys), size)
    assert prefixes == sorted(prefixes)
    for prefix, held in contents(keys, prefixes).items():
        low, high = bounds(prefix)
        assert held
        assert all(low <= key <= high for key in held)
        assert len(held) <= size


@given(hashes, st.integers(0, 2**BITS - 1), st.integers(1, 20))
def test_adding_a_key_touches_one_bucket_or_splits_it(keys: set[int], new: int, size: int) -> None:
    before, after = layout(sorted(keys), size), layout(sorted(keys | {new}), size)
    was, now = contents(keys, before), contents(keys | {new}, after)
    touched = bucket_of(new, before)
    for prefix, held in was.items():
        if prefix == touched:
            moved = set().union(*(now[other] for other in after if other.startswith(prefix)))
            assert moved == held | {new}
        elif new not in held:
            assert now.get(prefix) == held


@given(hashes, st.integers(1, 20))
def test_the_layout_has_no_history(keys: set[int], size: int) -> None:
    grown: set[int] = set()
    for key in sorted(keys, key=lambda key: key % 97):
        grown.add(key)
    assert layout(sorted(grown), size) == layout(sorted(keys), size)


def test_unit_names_are_readable_and_turn_back() -> None:
    assert unit_name("shard:chemistry", "0110") == "shard:chemistry/0110"
    assert unit_name("shard:chemistry", "") == "shard:chemistry/all"
    assert prefix_of("shard:chemistry/0110") == ("shard:chemistry", "0110")
    assert prefix_of("items:law/all") == ("items:law", "")
