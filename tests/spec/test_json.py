import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant, HeNormal
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, from_dict, from_value, load, loads, save, to_dict, to_value
from headway.spec.numbers import split
from trees import Stone, Wall, trees

NETWORK = Sequential((Dense(3, init=HeNormal()), ReLU(name="act")))
TEXT = """{
  "format": 1,
  "spec": {
    "kind": "headway/Sequential",
    "layers": [
      {
        "kind": "headway/Dense",
        "units": 3,
        "name": null,
        "bias": true,
        "init": {
          "kind": "headway/HeNormal",
          "gain": 2.0
        }
      },
      {
        "kind": "headway/ReLU",
        "name": "act"
      }
    ],
    "name": null
  }
}"""


def test_a_document_has_its_format_and_every_field():
    assert dumps(NETWORK) == TEXT


@given(trees)
def test_every_spec_comes_back_from_its_document(tree):
    again = loads(dumps(tree))
    assert again == tree
    assert repr(again) == repr(tree)
    assert hash(again) == hash(tree)
    assert from_dict(to_dict(tree)) == tree
    assert from_value(to_value((tree, (1, "a", None)))) == (tree, (1, "a", None))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_bit_of_a_number_comes_back(value):
    again = loads(dumps(Constant(value))).value
    assert (again.hex(), math.copysign(1, again)) == (value.hex(), math.copysign(1, value))


def test_missing_fields_take_their_defaults_and_a_whole_number_serves_as_a_float():
    assert loads('{"kind": "headway/Dense", "units": 3, "init": {"kind": "headway/Constant", "value": 1}}') == Dense(
        3, init=Constant(1.0)
    )


@pytest.mark.parametrize("text", ['{"format": 1, "spec": %s}', '{"spec": %s}', "%s"])
def test_a_document_may_leave_out_its_format_or_be_the_bare_spec(text):
    assert loads(text % json.dumps(to_dict(NETWORK))) == NETWORK


def dense(**fields):
    return {"kind": "headway/Dense", "units": 3} | fields


def network(*layers, **fields):
    return {"kind": "headway/Sequential", "layers": list(layers)} | fields


@pytest.mark.parametrize(
    ("data", "where", "said"),
    [
        ({"format": 2, "spec": dense()}, "format", "must be 1; got 2. A newer Headway"),
        ({"format": True, "spec": dense()}, "format", "must be 1; got True"),
        ({"format": 1, "sepc": dense()}, "sepc", "Did you mean 'spec'"),
        ({"format": 1}, "", 'a spec is an object with a "kind"; got None'),
        ({"network": dense()}, "", "got an object with network"),
        ([dense()], "", 'a spec is an object with a "kind"'),
        (3, "", "got 3"),
        ({"kind": 3}, "", "got {'kind': 3}"),
        ({"kind": "headway/Dens"}, "kind", "unknown kind; got 'headway/Dens'. Did you mean 'headway/Dense'"),
        (network({"kind": "os.system"}), "0/kind", "unknown kind; got 'os.system'"),
        (network(dense(), dense(unts=3)), "1/unts", "no such field. Did you mean 'units'"),
        (network(dense(), dense(name="head", units=0)), "head/units", "greater than or equal to 1; got 0"),
        (network(dense(units="3")), "0/units", "must be a valid integer; got '3'"),
        (network({"kind": "headway/Dense"}), "0/units", "a value is required"),
        (network(dense(init={"gain": 1.0})), "0/init", "got an object with gain"),
        (network(dense(init=dense())), "0/init", "must be an instance of Initializer"),
        (network(dense(), {"kind": "headway/Zeros"}), "1", "must be an instance of Layer"),
        (network(dense(), 3), "layers/1", "must be an instance of Layer; got 3"),
        (network(), "layers", "at least one layer"),
        (network(network(dense(bias=1), name="body")), "body/0/bias", "must be a valid boolean; got 1"),
        (network(dense(name="a"), dense(name="a")), "a", "must not share a name"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_address(data, where, said):
    with pytest.raises(HeadwayError) as error:
        loads(json.dumps(data))
    assert error.value.where == where
    assert said in str(error.value)


@pytest.mark.parametrize("at", ["extra/0/size", "extra/key/size"])
def test_a_mistake_in_a_family_beside_the_first_is_named_by_its_address(at):
    data = to_dict(Wall(extra=(Stone(1), Stone(2, name="key"))))
    data["extra"][at == "extra/key/size"]["size"] = -1
    with pytest.raises(HeadwayError) as error:
        from_dict(data, "net")
    assert error.value.where == f"net/{at}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"kind":\n "headway/Dense",\n "units": }', "line 3, column 11: must be valid JSON (Expecting value)."),
        ("", "line 1, column 1"),
        ('{"kind": "headway/Constant", "value": NaN}', "must be finite; got NaN"),
        ('{"kind": "headway/Constant", "value": -Infinity}', "must be finite; got -Infinity"),
        ('{"kind": "headway/Constant", "value": 1e999}', "value: must be a finite number; got inf"),
        ('{"kind": "headway/Dense", "units": 3, "units": 4}', "units: a field must not be given twice"),
    ],
)
def test_text_that_is_not_json_is_refused_with_its_place(text, said):
    with pytest.raises(HeadwayError) as error:
        loads(text)
    assert said in str(error.value)


def test_a_structure_without_its_numbers_cannot_be_written():
    with pytest.raises(HeadwayError, match="weight: only numbers"):
        dumps(split(Stone(1))[0])


def test_a_saved_spec_is_the_text_of_its_document(tmp_path):
    save(tmp_path / "network.json", NETWORK)
    assert (tmp_path / "network.json").read_text(encoding="utf-8") == TEXT + "\n"
    assert load(tmp_path / "network.json") == load(str(tmp_path / "network.json")) == NETWORK


TOML = """
kind = "headway/Sequential"
[[layers]]
kind = "headway/Dense"
units = 3
init = { kind = "headway/Constant", value = 1e-3 }
[[layers]]
kind = "headway/Tanh"
name = "act"
"""


@pytest.mark.parametrize("header", ["", "format = 1\n[spec]", "[spec]"])
def test_a_spec_is_read_from_toml(header, tmp_path):
    body = TOML.replace("[[layers]]", "[[spec.layers]]") if header else TOML
    (tmp_path / "network.toml").write_text(header + body)
    assert load(tmp_path / "network.toml") == Sequential((Dense(3, init=Constant(0.001)), Tanh(name="act")))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b'{"kind": "headway/Dense",\n "units": }', r"a\.json, line 2, column 11: must be valid JSON"),
        ("a.toml", b'kind = "headway/Dense"\nunits = \n', r"a\.toml: must be valid TOML.*line 2"),
        ("a.toml", b'kind = "headway/Constant"\nvalue = inf', "value: must be a finite number"),
        ("a.toml", b'kind = "headway/Dense"\nunits = 2020-01-01', "units: must be a valid integer"),
        ("a.toml", b'format = 2\n[spec]\nkind = "headway/Dense"\nunits = 2', "format: must be 1; got 2"),
        ("a.json", b'"\xff"', r"a\.json: must be a readable text file in UTF-8"),
        ("a.yaml", b"kind: headway/Dense", r"ends in \.json or \.toml; got a\.yaml"),
        ("absent.json", None, r"absent\.json: must be a readable text file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name, content, said, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(HeadwayError, match=said):
        load(tmp_path / name)


def test_a_spec_is_saved_as_json_only(tmp_path):
    with pytest.raises(HeadwayError, match=r"ends in \.json"):
        save(tmp_path / "network.toml", NETWORK)
    assert not list(tmp_path.iterdir())
