import re
from fnmatch import translate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import HeNormal, Initializer
from headway.network.layer import Activation, Layer
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, walk
from headway.spec.select import fields, get, match_addresses, matches, select
from trees import Stone, Wall, trees

NETWORK = Sequential(
    (Dense(3, init=HeNormal()), ReLU(), Sequential((Dense(4), Tanh(name="act")), name="body"), Dense(2))
)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("", ""), ("**", ""), ("**", "a/b/c"), ("*", "a"), ("a/*", "a/b"), ("a/**", "a"), ("a/**", "a/b/c"),
        ("**/w", "w"), ("**/w", "0/body/w"), ("a/**/z", "a/z"), ("a/**/z", "a/b/c/z"), ("conv*/w", "conv12/w"),
        ("**/conv?/**", "x/conv1"), ("[0-2]", "1"), ("**/a/**/b", "x/a/a/b/b"),
    ],
)  # fmt: skip
def test_a_pattern_matches(pattern, address):
    assert matches(pattern, address)


@pytest.mark.parametrize(
    ("pattern", "address"),
    [
        ("", "a"), ("*", ""), ("*", "a/b"), ("a/*", "a"), ("a/*", "a/b/c"), ("**/w", "0/b"), ("a/**", "b"),
        ("conv*", "conv1/w"), ("conv?", "conv12"), ("[0-2]", "3"), ("A", "a"), ("a*c", "a/c"), ("**w", "0/w"),
    ],
)  # fmt: skip
def test_a_pattern_does_not_match(pattern, address):
    assert not matches(pattern, address)


def as_regular_expression(pattern):
    """The oracle: every segment ends in a slash, so that `**` is any number of them."""
    parts = pattern.split("/") if pattern else []
    return "".join("(?:[^/]*/)*" if p == "**" else translate(p)[4:-3].replace(".*", "[^/]*") + "/" for p in parts)


paths = st.lists(st.sampled_from(["a", "b", "ab", "a1"]), max_size=4).map("/".join)
patterns = st.lists(st.sampled_from(["a", "a*", "*", "**", "*b"]), max_size=4).map("/".join)


@given(patterns, paths)
def test_matching_agrees_with_a_regular_expression(pattern, address):
    expected = re.fullmatch(as_regular_expression(pattern), f"{address}/" if address else "")
    assert matches(pattern, address) == bool(expected)


def test_matched_addresses_keep_their_own_order():
    addresses = ("0/w", "0/b", "1/w", "1/b")
    assert match_addresses(["1/*", "**/w"], addresses, "decay") == ("0/w", "1/w", "1/b")
    assert match_addresses([], addresses, "decay") == ()


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("0/v", "optimizer/decay: a pattern must match something; got '0/v'. Close to it: 0/w, 0/b."),
        ("zzzzz", "optimizer/decay: a pattern must match something; got 'zzzzz'. There is: 0/w, 0/b, 1/gain."),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error_with_the_close_addresses(pattern, said):
    with pytest.raises(HeadwayError) as error:
        match_addresses(["**/w", pattern], ["0/w", "0/b", "1/gain"], "optimizer/decay")
    assert str(error.value) == said


def test_many_addresses_are_counted_rather_than_listed():
    with pytest.raises(HeadwayError, match="There is: 0, 1, 2, 3, 4, 5 and 94 more"):
        match_addresses(["none/such"], map(str, range(100)), "here")


@given(trees)
def test_selecting_everything_is_walking(tree):
    assert select(tree) == tuple(walk(tree))


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (Dense, ["0", "body/0", "3"]),
        ("headway/Dense", ["0", "body/0", "3"]),
        (Activation, ["1", "body/act"]),
        (Initializer, ["0/init"]),
        (Layer, ["", "0", "1", "body", "body/0", "body/act", "3"]),
        (Stone, []),
    ],
)
def test_parts_are_found_by_kind_interface_or_name(kind, found):
    assert [at for at, _ in select(NETWORK, kind)] == found


def test_parts_are_found_by_pattern_and_predicate_together():
    assert select(NETWORK, Dense, at="*") == (("0", Dense(3, init=HeNormal())), ("3", Dense(2)))
    assert select(NETWORK, Dense, where=lambda d: d.units > 3) == (("body/0", Dense(4)),)
    assert select(NETWORK, Dense, at="body/**", where=lambda d: d.units < 3) == ()


@pytest.mark.parametrize(("ask", "said"), [({"at": "stem/**"}, "stem"), ({"kind": "headway/Dens"}, "headway/Dense")])
def test_selecting_with_a_name_that_does_not_exist_is_an_error(ask, said):
    with pytest.raises(HeadwayError, match=said):
        select(NETWORK, **ask)


@given(trees)
def test_every_part_and_field_is_got_by_its_address(tree):
    for address, node in walk(tree):
        assert get(tree, address) == node
    for address, value in fields(tree).items():
        assert isinstance(value, Spec) or get(tree, address) == value


def test_a_family_is_got_by_its_field_and_its_members_by_their_own_address():
    wall = Wall((Stone(1),), extra=(Stone(2),), shape=(3, 4))
    assert get(wall, "bricks") == (Stone(1),)
    assert get(wall, "extra/0") == Stone(2)
    assert get(wall, "extra/0/size") == 2
    assert get(wall, "shape") == (3, 4)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("body/0/unts", "Did you mean 'units'"),
        ("boddy/0/units", "Did you mean 'body'"),
        ("body/7", "Known: 0, act, layers, name"),
        ("0/units/3", "Known: none"),
        ("0/", "Known: bias, init, name, units"),
    ],
)
def test_an_address_that_does_not_exist_names_what_stands_there(address, hint):
    with pytest.raises(HeadwayError, match=hint) as error:
        get(NETWORK, address)
    assert error.value.where == address
