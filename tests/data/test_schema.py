"""Schemas: raw values read strictly, labels as places, scales that can be kept and applied again."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from headway.data.schema import Schema, detect_task, encode, fit_scaling, label_values, numeric
from headway.spec.error import HeadwayError

finite = st.floats(-1e6, 1e6, width=32)


@given(arrays.arrays(np.float64, st.tuples(st.integers(2, 20), st.integers(1, 4)), elements=finite))
def test_scaled_features_have_mean_0_and_spread_1_or_are_constant(x):
    scaled = fit_scaling(x)(x)
    constant = np.ptp(x, axis=0) == 0
    wide = x.std(axis=0) > 1e-6 * np.abs(x).max(axis=0)  # narrower ones are lost in rounding
    np.testing.assert_allclose(scaled[:, wide].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled[:, wide].std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(scaled[:, constant], 0, atol=1e-9)


def test_images_and_pixels_have_one_scale_and_tables_one_per_feature():
    x = np.random.default_rng(0).normal(3, 2, (50, 4, 4, 1))
    assert fit_scaling(x) == fit_scaling(x.reshape(50, 16), one_unit=True)
    assert len(fit_scaling(x).mean) == 1
    assert len(fit_scaling(x.reshape(50, 16)).mean) == 16
    assert (fit_scaling(x).mean[0], fit_scaling(x).spread[0]) == pytest.approx((x.mean(), x.std()))


def test_a_constant_that_binary_cannot_hold_is_only_centred():
    assert fit_scaling(np.full((10, 1), 0.1)).spread == (1.0,)


def test_prepare_applies_the_scale_and_takes_flat_rows_for_images():
    x = np.random.default_rng(0).normal(3, 2, (50, 4, 4, 1))
    schema = Schema((4, 4, 1), 2, ("a", "b"), scaling=fit_scaling(x))
    expected = ((x - x.mean()) / x.std()).astype(np.float32)
    np.testing.assert_allclose(schema.prepare(x), expected, rtol=1e-6)
    np.testing.assert_array_equal(schema.prepare(x.reshape(50, 16)), schema.prepare(x))
    with pytest.raises(HeadwayError, match=r"x: must have the shape \[n, 4, 4, 1\]; got \[50, 4, 4\]"):
        schema.prepare(x[..., 0])


def test_a_schema_comes_back_from_json_exactly():
    schema = Schema((3,), 2, ("a", "b"), ("u", "v", "w"), fit_scaling(np.random.default_rng(0).normal(size=(9, 3))))
    plain = Schema((8, 8, 1), 1, tokens=12)
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    assert Schema.from_json(json.loads(json.dumps(plain.to_json()))) == plain
    assert (schema.task, plain.task) == ("classification", "regression")


def test_token_ids_stay_whole_and_a_strange_one_is_named_by_its_place():
    schema = Schema((3,), 2, ("a", "b"), tokens=256)
    for given_as in (np.uint8, np.int64, np.float64):
        ids = schema.prepare(np.array([[0, 7, 255]], given_as))
        assert ids.dtype == np.int32
        assert ids.tolist() == [[0, 7, 255]]
    for strange in (256, -1, 7.5):
        with pytest.raises(HeadwayError, match=rf"x\[1, 2\]: must be one of the token ids 0 to 255; got {strange}"):
            schema.prepare([[0, 1, 2], [3, 4, strange]])


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (["dog", "cat", "dog"], ["cat", "dog"]),
        ([7, -1, 7, 3], [-1, 3, 7]),
        ([True, False], [False, True]),
        ([2.0, 5.0], [2, 5]),
    ],
)
def test_labels_are_places_among_the_sorted_values(y, names):
    y = np.array(y)
    values = label_values(y)
    assert values.tolist() == names
    got = encode(y, values, "y")
    assert got.dtype == np.int32
    assert [names[place] for place in got] == y.tolist()


def test_named_classes_keep_their_order_for_text_and_for_numbers():
    for y in (np.array(["no", "yes", "no"]), np.array([0, 1, 0])):
        assert encode(y, label_values(y, ("no", "yes")), "y").tolist() == [0, 1, 0]
    y = np.array(["low", "high"])
    assert encode(y, label_values(y, ("low", "mid", "high")), "y").tolist() == [0, 2]


def test_amounts_get_the_shape_of_the_outputs_they_are_compared_with():
    assert encode(np.array([1.5, 2]), None, "y").shape == (2, 1)
    assert encode(np.ones((2, 3)), None, "y").shape == (2, 3)
    assert encode(np.array([1, 2]), None, "y").dtype == np.float32


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["a", "b"], "classification"),
        ([0, 1, 2], "classification"),
        ([True, False], "classification"),
        ([0.0, 1.0], "regression"),
        (np.arange(200) % 20, "classification"),
    ],
)
def test_the_type_of_the_targets_says_the_task(y, task):
    assert detect_task(np.asarray(y)) == task


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: numeric([[1], [1, 2]], "x"), "x: all entries must have one shape; got rows of different lengths"),
        (lambda: numeric([["a"]], "x"), "x: must be an array of real numbers; got dtype <U1"),
        (lambda: numeric([[1j]], "x"), "must be an array of real numbers; got dtype complex128"),
        (lambda: numeric(np.ones((0, 2)), "x"), r"x: needs at least one example; got shape \[0, 2\]"),
        (lambda: numeric([[1, 2], [3, np.nan]], "x", ("a", "b")), r"x\[1, 1\] \(feature 'b'\): .*finite.*; got nan"),
        (lambda: numeric([[1, 1e39]], "x"), r"x\[0, 1\]: must be a finite number; got 1e\+39"),
        (lambda: detect_task(np.arange(100)), "labels or amounts; got 100 different whole numbers in 100 targets"),
        (lambda: label_values(np.ones(5, int)), r"y: must have two classes or more; got only \[1\]"),
        (lambda: label_values(np.eye(3)), r"y: must be one label per example; got \[3, 3\]. One-hot\?"),
        (lambda: label_values(np.array([1, 2.5])), r"y\[1\]: labels must be text or whole numbers; got 2.5"),
        (lambda: label_values(np.array([1, np.nan])), r"y\[1\]: must be a finite number; got nan"),
        (lambda: label_values(np.array([1, None])), "labels must be text or whole numbers; got dtype object"),
        (lambda: label_values(np.array([0, 1]), ("a", "a")), "classes: must be different names"),
        (lambda: encode(np.array([0, 3]), np.arange(3), "y"), r"y\[1\]: must be one of the 3 classes; got 3. Known: 0"),
        (lambda: encode(np.array(["x"]), np.array(["a", "b"]), "test_y"), r"test_y\[0\].*got 'x'. Known: 'a', 'b'"),
        (lambda: encode(np.array([0]), np.array(["a", "b"]), "test_y"), r"test_y\[0\].*got 0"),
        (lambda: encode(np.ones((2, 2, 2)), None, "y"), r"y: targets must be \[n\] or \[n, outputs\]; got \[2, 2, 2\]"),
        (lambda: encode(np.array([1, np.inf]), None, "y"), r"y\[1\]: must be a finite number; got inf"),
    ],
)
def test_bad_values_are_named_with_their_place(call, message):
    with pytest.raises(HeadwayError, match=message):
        call()
