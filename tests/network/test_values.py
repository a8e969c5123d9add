from hypothesis import given
from hypothesis import strategies as st

from headway.network.values import flatten, nest

names = st.text("abc01", min_size=1, max_size=3)
trees = st.recursive(st.integers(), lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=10)


@given(st.dictionaries(names, trees, max_size=3))
def test_nesting_is_the_inverse_of_flattening(tree):
    assert nest(flatten(tree)) == tree


def test_flat_values_have_their_addresses_in_the_order_of_the_dicts():
    assert list(flatten({"b": {"w": 1, "a": {"c": 2}}, "a": 3, "none": {}})) == ["b/w", "b/a/c", "a"]
