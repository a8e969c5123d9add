import functools

import jsonschema
import pytest
from hypothesis import given

from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant, HeNormal, Initializer
from headway.network.layer import Layer
from headway.spec.edit import Edit, Edits, InsertAfter, Remove, Replace, Set, Wrap
from headway.spec.json import to_dict
from headway.spec.node import KINDS, Spec, spec
from headway.spec.schema import json_schema
from headway.training.recipe import Recipe
from trees import Brick, Stone, Wall, bricks, layers


@functools.cache
def validator(root: type[Spec]) -> jsonschema.Draft202012Validator:
    schema = json_schema(root)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_package_s_own_documents_have_a_schema():
    definitions = validator(Recipe).schema["$defs"]
    assert {
        "headway.Recipe",
        "headway.Layer",
        "headway.Sequential",
        "headway.SGD",
        "headway.Loss",
    } <= definitions.keys()


@given(layers)
def test_every_network_is_valid_alone_and_with_its_format(layer):
    validator(Layer).validate(to_dict(layer))
    validator(Layer).validate({"format": 1, "spec": to_dict(layer)})


@given(bricks)
def test_every_sort_of_field_is_valid(brick):
    validator(Brick).validate(to_dict(brick))


@pytest.mark.parametrize(
    "edit",
    [
        Replace("0", by=Dense(3)),
        Wrap("0", by=Sequential((Tanh(),)), slot="0"),
        Edits((Set("a", value=(1, 0.5, None)), Remove("1"), InsertAfter("2", new=ReLU()))),
        Set("0/init", value=HeNormal()),
    ],
    ids=str,
)
def test_edits_are_valid(edit):
    validator(Edit).validate(to_dict(edit))


def dense(**fields):
    return {"kind": "headway/Dense", "units": 3} | fields


def test_what_a_document_may_leave_out_is_not_required():
    validator(Layer).validate({"kind": "headway/Sequential", "layers": [dense(), {"kind": "headway/ReLU"}]})


@pytest.mark.parametrize(
    ("root", "document"),
    [
        (Layer, dense(unts=3)),
        (Layer, dense(units=0)),
        (Layer, dense(units="3")),
        (Layer, dense(name="2nd")),
        (Layer, dense(init={"gain": 2.0})),
        (Layer, dense(init=dense())),
        (Layer, {"kind": "headway/Dense"}),
        (Layer, {"kind": "headway/Dens", "units": 3}),
        (Layer, {"units": 3}),
        (Layer, {"kind": "headway/HeNormal"}),
        (Layer, {"kind": "headway/Sequential", "layers": [3]}),
        (Layer, {"kind": "headway/Sequential", "layers": dense()}),
        (Layer, {"format": 2, "spec": dense()}),
        (Layer, {"format": 1}),
        (Layer, {"format": 1, "spec": dense(), "more": 1}),
        (Initializer, {"kind": "headway/HeNormal", "gain": 0}),
        (Dense, {"kind": "headway/ReLU"}),
        (Stone, to_dict(Stone(1)) | {"colour": "blue"}),
        (Wall, to_dict(Wall()) | {"shape": ["x"]}),
        (Wall, to_dict(Wall()) | {"load": -1}),
    ],
)
def test_a_wrong_document_is_not_valid(root, document):
    assert not validator(root).is_valid(document)


def test_a_definition_explains_its_fields():
    found = validator(Initializer).schema["$defs"]["headway.Constant"]
    assert found["description"] == (Constant.__doc__ or "").partition("\n")[0]
    assert found["required"] == ["kind", "value"]
    assert found["properties"] == {"kind": {"const": "headway/Constant"}, "value": {"type": "number"}}
    gain = validator(Initializer).schema["$defs"]["headway.HeNormal"]["properties"]["gain"]
    assert gain == {"type": "number", "exclusiveMinimum": 0, "default": 2.0}


def test_an_interface_is_any_kind_that_is_registered():
    listed = validator(Brick).schema["$defs"]["trees.Brick"]
    assert listed["anyOf"] == [{"$ref": f"#/$defs/trees.{name}"} for name in ("Beam", "Stone", "Wall")]


class Mortar(Spec):
    """An interface that no kind follows yet."""


def test_an_interface_without_kinds_allows_nothing():
    assert not validator(Mortar).is_valid({"kind": "trees/Mortar"})
    assert not validator(Mortar).is_valid({"spec": {}})


def test_a_field_of_one_kind_allows_only_that_kind_even_twice():
    @spec
    class Pair(Spec):
        """Two stones."""

        stones: tuple[Stone, Stone]

    try:
        pair = Pair((Stone(1), Stone(2)))
        validator(Pair).validate(to_dict(pair))
        assert not validator(Pair).is_valid(to_dict(pair) | {"stones": [to_dict(Stone(1))]})
        assert not validator(Pair).is_valid(to_dict(pair) | {"stones": [to_dict(Stone(1)), to_dict(Wall())]})
    finally:
        del KINDS[Pair.kind]
