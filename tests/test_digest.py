from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prodabuild import digest

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values))
def test_key_order_does_not_change_a_value_digest(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert digest.canonical(value) == digest.canonical(turned)
    assert digest.value_digest(value) == digest.value_digest(turned)


def test_digests_are_the_same_for_ever() -> None:
    assert digest.key_hash("chemistry/acid#name") == -6180584462394779428
    assert digest.bucket_hash("chemistry/acid") == 1070105258
    assert digest.seeded(7, "chemistry/acid", "choose") == 5116189450911516883
    assert digest.canonical({"b": 1.5, "a": ["é", None]}) == '{"a":["é",null],"b":1.5}'.encode()


@given(st.text(st.characters(codec="utf-8")))
def test_hashes_fit_where_they_are_kept(key: str) -> None:
    assert -(2**63) <= digest.key_hash(key) < 2**63
    assert 0 <= digest.bucket_hash(key) < 2**32
