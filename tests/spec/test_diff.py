import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import HeNormal
from headway.spec.diff import diff
from headway.spec.edit import Edits, InsertAfter, InsertBefore, Remove, Replace, Set
from headway.spec.edit import edit as apply
from headway.spec.json import dumps, loads
from trees import Beam, Stone, Wall, layers, trees, walls


@given(trees, trees)
def test_applying_the_diff_gives_the_other_spec(a, b):
    assert apply(a, diff(a, b)).spec == b


@given(walls, walls)
def test_applying_the_diff_gives_the_other_spec_of_the_same_kind(a, b):
    assert apply(a, diff(a, b)).spec == b
    assert loads(dumps(diff(a, b))) == diff(a, b)


@given(trees)
def test_equal_specs_differ_by_nothing(tree):
    assert diff(tree, tree) == Edits(())


members = st.lists(layers.filter(lambda layer: layer.name is None), min_size=1, max_size=8)


@given(members, layers, st.data())
def test_one_member_more_is_one_insertion_and_back_is_one_removal(old, new, data):
    place = data.draw(st.integers(0, len(old)))
    new = apply(new, Set("name", value=None)).spec
    a, b = Sequential(tuple(old)), Sequential((*old[:place], new, *old[place:]))
    there, back = diff(a, b).edits, diff(b, a).edits
    assert [type(edit) in (InsertBefore, InsertAfter) for edit in there] == [True]
    assert [type(edit) for edit in back] == [Remove]


@given(members, st.data())
def test_one_changed_field_is_one_set(old, data):
    place = data.draw(st.integers(0, len(old)))
    a = Sequential((*old[:place], Dense(7), *old[place:]))
    b = Sequential((*old[:place], Dense(8), *old[place:]))
    assert diff(a, b) == Edits((Set(f"{place}/units", value=8),))


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [
        (ReLU(), Tanh(), [Replace("", by=Tanh())]),
        (Dense(3), Dense(3, init=HeNormal()), [Set("init", value=HeNormal())]),
        (Dense(3, init=HeNormal()), Dense(3), [Set("init", value=None)]),
        (Dense(3, init=HeNormal()), Dense(3, init=HeNormal(1.0)), [Set("init/gain", value=1.0)]),
        (Wall(), Wall((Stone(1),)), [Set("bricks", value=(Stone(1),))]),
        (Wall((Stone(1),)), Wall(), [Set("bricks", value=())]),
        (Wall(shape=(1,)), Wall(shape=(1, 2)), [Set("shape", value=(1, 2))]),
        (Wall(load=1.0), Wall(load=Stone(1)), [Set("load", value=Stone(1))]),
        (Wall(roof=Stone(1)), Wall(roof=Beam(Stone(1))), [Replace("roof", by=Beam(Stone(1)))]),
        (Wall(extra=(Stone(1), Stone(2))), Wall(extra=(Stone(2),)), [Remove("extra/0")]),
        (Sequential((Dense(3, name="a"),)), Sequential((Dense(3, name="b"),)), [Set("a/name", value="b")]),
        (Sequential((Dense(3), ReLU(), Dense(2))), Sequential((Dense(3), Tanh(), Dense(2))), [Replace("1", by=Tanh())]),
        (Sequential((Dense(3), Dense(4))), Sequential((Dense(4), ReLU())),
         [Remove("0"), InsertAfter("1", new=ReLU())]),
        (Sequential((Dense(1), Dense(2), Dense(3))), Sequential((ReLU(), Dense(1), Tanh(), Dense(5), Dense(3))),
         [InsertBefore("0", new=ReLU()), InsertBefore("1", new=Tanh()), Set("1/units", value=5)]),
        (Sequential((Dense(1), ReLU())), Sequential((Dense(1), ReLU(), Dense(2), ReLU())),
         [InsertAfter("1", new=Dense(2)), InsertAfter("1", new=ReLU())]),
        (Sequential((Sequential((Dense(1), ReLU()), name="b"), Tanh())),
         Sequential((Tanh(), Sequential((Dense(1), Tanh()), name="b"), Tanh())),
         [InsertBefore("b", new=Tanh()), Replace("b/1", by=Tanh())]),
    ],
)  # fmt: skip
def test_the_edits_are_the_natural_ones(a, b, edits):
    assert diff(a, b) == Edits(tuple(edits))


def test_what_can_stay_keeps_its_place_so_that_its_weights_can_be_kept():
    a = Sequential((Dense(64), ReLU(), Dense(64), ReLU(), Dense(10)))
    b = Sequential((Tanh(), Dense(64), Tanh(), Dense(32), ReLU(), Dense(10)))
    moved = apply(a, diff(a, b)).moved
    assert [moved[at] for at in ("0", "1", "2", "3", "4")] == ["1", None, "3", "4", "5"]
