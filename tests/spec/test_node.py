import dataclasses
import importlib
import sys

import jax.numpy as jnp
import pytest
from hypothesis import given

from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant, HeNormal, Zeros
from headway.network.layer import apply
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.spec.node import (
    KINDS,
    Spec,
    build,
    children,
    data_fields,
    field_names,
    find_kind,
    held,
    is_concrete,
    spec,
    walk,
)
from trees import Beam, Brick, Stone, Wall, trees

NAMES = {cls.__name__: cls for cls in (Dense, ReLU, Tanh, Sequential, HeNormal, Constant, Stone, Wall, Beam)}


@given(trees)
def test_the_repr_of_a_spec_is_the_call_that_makes_it(tree):
    again = eval(repr(tree), NAMES.copy())
    assert again == tree
    assert hash(again) == hash(tree)


def test_the_repr_leaves_out_what_equals_the_default():
    assert repr(Dense(3, bias=True, name="stem")) == "Dense(3, name='stem')"
    assert repr(Sequential((Dense(3), ReLU()))) == "Sequential((Dense(3), ReLU()))"


def test_a_spec_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Dense(3).units = 4


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Dense(0), "Dense.units: must be greater than or equal to 1; got 0."),
        (lambda: Dense("3"), "Dense.units: must be a valid integer; got '3'."),
        (lambda: Dense(True), "Dense.units: must be a valid integer; got True."),
        (lambda: Dense(3.0), "Dense.units: must be a valid integer; got 3.0."),
        (lambda: Dense(), "Dense.units: a value is required. Write Dense(units=…)."),
        (lambda: Dense(3, unts=4), "Dense.unts: no such field. Did you mean 'units'?"),
        (lambda: Dense(3, True), "Dense: takes one value without a name; got True. Name the others."),
        (lambda: Dense(3, name="2nd"), "Dense.name: must match pattern '^[A-Za-z_][A-Za-z0-9_]*$'; got '2nd'."),
        (lambda: Dense(3, init=ReLU()), "Dense.init: must be an instance of Initializer; got ReLU()."),
        (lambda: Constant(float("inf")), "Constant.value: must be a finite number; got inf."),
        (lambda: Constant(float("nan")), "Constant.value: must be a finite number; got nan."),
        (lambda: Sequential([ReLU()]), "Sequential.layers: must be a tuple; got [ReLU()]. Write (a, b) or (a,)."),
        (lambda: Sequential((ReLU(), 5)), "Sequential.layers.1: must be an instance of Layer; got 5."),
        (lambda: Sequential(()), "Sequential/layers: needs at least one layer; got ()."),
        (lambda: Stone(1, colour="blue"), "Stone.colour: must be 'grey' or 'red'; got 'blue'."),
        (lambda: Wall(load="x"), "Wall.load: must be a valid number or be an instance of Brick; got 'x'."),
        (lambda: Wall(load=-1.0), "Wall.load: must be greater than 0 or be an instance of Brick; got -1.0."),
    ],
)
def test_a_wrong_field_gets_the_standard_message(make, said):
    with pytest.raises(HeadwayError) as error:
        make()
    assert str(error.value) == said


def test_a_whole_number_is_taken_for_a_float():
    assert type(Constant(2).value) is float


def test_fields_stand_in_the_order_of_the_constructor():
    assert field_names(Dense) == ("units", "name", "bias", "init")
    assert data_fields(Stone) == ("weight", "age")
    assert data_fields(Wall) == ("load",)


def test_children_are_addressed_by_index_name_or_field():
    wall = Wall((Stone(1), Stone(2, name="key")), roof=Stone(3), extra=(Stone(4), Stone(5, name="x")), load=Stone(6))
    assert {at: child.size for at, child in children(wall).items()} == {
        "0": 1, "key": 2, "roof": 3, "extra/0": 4, "extra/x": 5, "load": 6,
    }  # fmt: skip


def test_walking_meets_parents_before_children_in_the_order_of_the_fields():
    network = Sequential((Dense(3, init=HeNormal()), Sequential((ReLU(), Tanh(name="t")), name="body"), ReLU()))
    assert [at for at, _ in walk(network)] == ["", "0", "0/init", "body", "body/0", "body/t", "2"]


@pytest.mark.parametrize("wall", [Wall((Stone(1, name="a"), Stone(2, name="a"))), Wall((Stone(1, name="roof"),))])
def test_two_parts_must_not_have_one_address(wall):
    with pytest.raises(HeadwayError, match="must not share a name"):
        children(wall)


def test_a_family_is_held_by_segment_and_anything_else_by_its_field():
    family = (Stone(1), Stone(2, name="b"))
    assert held(Wall, "bricks", family) == [("0", family[0]), ("b", family[1])]
    assert held(Wall, "extra", family) == [("extra/0", family[0]), ("extra/b", family[1])]
    assert held(Wall, "shape", (1, 2)) == [("shape", (1, 2))]
    assert held(Wall, "bricks", ()) == [("bricks", ())]


@pytest.mark.parametrize(
    ("cls", "fields", "place"),
    [
        (Dense, {"units": 0}, "net/2/units"),
        (Sequential, {"layers": ()}, "net/2/layers"),
        (Sequential, {"layers": (ReLU(), Zeros())}, "net/2/1"),
        (Sequential, {"layers": (ReLU(), Zeros(), 3)}, "net/2/layers/1"),
        (Wall, {"extra": (Stone(1), ReLU(name="r"))}, "net/2/extra/r"),
        (Wall, {"shape": (1, "x")}, "net/2/shape/1"),
    ],
)
def test_an_error_while_building_names_the_address(cls, fields, place):
    with pytest.raises(HeadwayError) as error:
        build(cls, fields, "net/2")
    assert error.value.where == place


def test_interfaces_are_not_kinds():
    assert is_concrete(Stone)
    assert not is_concrete(Brick)
    assert Brick not in KINDS.values()


def test_two_classes_must_not_share_a_kind():
    here = type("Dense", (Spec,), {"__module__": "headway.elsewhere", "__annotations__": {}})
    with pytest.raises(HeadwayError, match=r"headway/Dense: two kinds must not share a name"):
        spec(here)
    assert find_kind("headway/Dense") is Dense


@pytest.mark.parametrize(
    ("kind", "hint"), [("headway/Dens", "headway/Dense"), ("dense", "headway/Dense"), ("os.system", "The nearest of ")]
)
def test_an_unknown_kind_is_an_error_and_never_an_import(kind, hint):
    with pytest.raises(HeadwayError, match=f"unknown kind.*{hint}"):
        find_kind(kind)


SCALE = '''
from typing import Annotated
from pydantic import Field
from headway.network.layer import Layer
from headway.spec.node import Number, spec

@spec
class Scale(Layer):
    """y = factor x."""

    factor: Annotated[Number, Field(gt=0)]

    def apply(self, params, x, context):
        return self.factor * x
'''


@pytest.fixture
def masonry(tmp_path, monkeypatch):
    """An installed package of another author, with a kind and an entry point that announces it."""
    (tmp_path / "masonry").mkdir()
    (tmp_path / "masonry" / "scale.py").write_text(SCALE)
    (tmp_path / "masonry-1.0.dist-info").mkdir()
    (tmp_path / "masonry-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: masonry\nVersion: 1.0\n")
    (tmp_path / "masonry-1.0.dist-info" / "entry_points.txt").write_text("[headway.kinds]\nmasonry = masonry.scale\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield
    for known, name in ((KINDS, "masonry/Scale"), (sys.modules, "masonry.scale"), (sys.modules, "masonry")):
        known.pop(name, None)


def test_a_kind_of_another_package_is_a_kind_like_any_other(masonry):
    network = loads('{"kind": "headway/Sequential", "layers": [{"kind": "masonry/Scale", "factor": 2}]}')
    scale = network.layers[0]
    assert repr(network) == "Sequential((Scale(2.0),))"
    assert network == Sequential((type(scale)(2.0),))
    assert hash(network) == hash(Sequential((type(scale)(2.0),)))
    assert loads(dumps(network)) == network
    assert dict(walk(network))["0"] == scale
    assert apply(network, {}, jnp.array([[3.0]]))[0] == 6.0
    with pytest.raises(HeadwayError, match=r"Scale.factor: must be greater than 0; got -1.0"):
        type(scale)(-1.0)


def test_a_package_that_announces_nothing_has_no_kinds(masonry):
    with pytest.raises(HeadwayError, match="unknown kind"):
        find_kind("masonry/Plaster")
    with pytest.raises(HeadwayError, match="unknown kind"):
        find_kind("carpentry/Scale")
