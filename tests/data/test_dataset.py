"""Data sets: splits that are disjoint, complete, fair and repeatable; scales that only the training part sets."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.data.dataset import Data, Dataset, Examples, Given, Source, Table, arrays
from headway.data.splits import split, split_whole
from headway.spec.error import HeadwayError

rng = np.random.default_rng(0)
X = rng.normal([5, -3, 0], [1, 100, 1e-3], (200, 3))
Y = np.arange(200) % 4


def numbered(n, **settings):
    """A data set whose inputs are the numbers of the examples."""
    return arrays(np.arange(n)[:, None], Y[:n], standardize=False, **settings)


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    fractions=st.tuples(st.floats(0.05, 0.4) | st.none(), st.floats(0.05, 0.4) | st.none()),
    seed=st.integers(0, 9),
)
def test_splits_are_disjoint_complete_and_give_each_group_its_share(sizes, fractions, seed):
    groups = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(groups)
    wanted = [0 if f is None else max(1, round(f * n)) for f in fractions]
    if sum(wanted) >= n:
        with pytest.raises(HeadwayError, match="must leave examples to train on"):
            split(groups, fractions, seed)
        return
    parts = split(groups, fractions, seed)
    assert sorted(np.concatenate(parts)) == list(range(n))
    assert [len(p) for p in parts[:-1]] == wanted
    for part in parts:
        for group, size in enumerate(sizes):
            # A cut is off by less than 1 + C m / n members of a group, and a part has two cuts.
            assert abs(np.sum(groups[part] == group) - len(part) * size / n) <= 2 * (1 + len(sizes) * size / n)


@given(
    sizes=st.lists(st.integers(1, 30), min_size=12, max_size=20),
    fractions=st.tuples(st.sampled_from([0.2, 0.3, None]), st.sampled_from([0.2, 0.3, None])),
    seed=st.integers(0, 9),
)
def test_groups_stay_whole_and_their_parts_come_near_the_fractions(sizes, fractions, seed):
    groups = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    try:
        parts = split_whole(groups, fractions, seed)
    except HeadwayError:  # one group can be longer than a part: then none has its middle there
        assert max(sizes) > 0.2 * len(groups)
        return
    assert sorted(np.concatenate(parts)) == list(range(len(groups)))
    assert sum(len(np.unique(groups[part])) for part in parts) == len(sizes)
    for part, fraction in zip(parts, fractions, strict=False):
        assert abs(len(part) - (fraction or 0) * len(groups)) <= (max(sizes) if fraction else 0)


SEQUENCES = rng.integers(0, 7, (30, 5))


def test_labels_at_every_place_come_with_their_weights_and_groups():
    weights, groups = (SEQUENCES > 2).astype(float), np.arange(30) // 3
    data = arrays(SEQUENCES, 6 - SEQUENCES, tokens=7, weights=weights, groups=groups, classes=tuple("abcdefg"))
    assert [len(part) % 3 for part in data.splits().values()] == [0, 0, 0]
    for part in data.splits().values():
        np.testing.assert_array_equal(part.y, 6 - part.x)
        np.testing.assert_array_equal(part.weights, part.x > 2)
        assert (part.y.dtype, part.weights.dtype) == (np.int32, np.float32)
    plain = arrays(SEQUENCES, 6 - SEQUENCES, tokens=7, groups=groups, classes=tuple("abcdefg"))
    assert plain.fingerprint != data.fingerprint
    assert plain.train.weights is None
    held = arrays(SEQUENCES, SEQUENCES, tokens=7, test=(SEQUENCES[:4], SEQUENCES[:4], weights[:4])).test
    np.testing.assert_array_equal(held.weights, weights[:4])


def test_amounts_in_time_may_be_labelled_at_every_place_too():
    x = rng.normal(size=(40, 6, 2))
    data = arrays(x, (x[..., 0] > 0).astype(int))
    assert (data.train.y.shape[1:], data.schema.outputs) == ((6,), 2)


def test_the_seed_alone_decides_the_split():
    same, again, other = numbered(200, seed=1), numbered(200, seed=1), numbered(200, seed=2)
    assert same.fingerprint == again.fingerprint
    assert same.fingerprint != other.fingerprint
    parts = [set(p.x.ravel()) for p in (same.train, same.validation, same.test)]
    assert set.union(*parts) == set(range(200))
    assert [len(p) for p in parts] == [140, 30, 30]


def test_the_fingerprint_sees_values_types_shapes_and_parts():
    x, y = np.zeros((4, 2), np.float32), np.zeros(4, np.int32)
    schema = numbered(200).schema

    def mark(x, y, part="train"):
        parts = {"train": Examples(x[:0], y[:0]), "validation": None, "test": None, part: Examples(x, y)}
        return Dataset(**parts, schema=schema).fingerprint

    changed = x.copy()
    changed[3, 1] = 1
    others = [mark(changed, y), mark(x.reshape(2, 4), y), mark(x.astype(np.float64), y), mark(x, y, "test")]
    assert len({mark(x, y), *others}) == 5
    assert mark(x, y) == mark(np.asfortranarray(x), y)


def test_scaling_is_fitted_on_the_training_part_alone():
    data = arrays(X, Y, test=(X + 1000, Y), validation=None)
    np.testing.assert_allclose(data.train.x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.x.std(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(data.scaling.mean, X.mean(axis=0))
    np.testing.assert_allclose(data.test.x, (X + 1000 - X.mean(axis=0)) / X.std(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(data.prepare(X), data.train.x)


def test_without_standardization_inputs_stay_as_they_are():
    data = arrays(X, Y, standardize=False, validation=None, test=None)
    np.testing.assert_array_equal(data.train.x, X.astype(np.float32))
    assert data.scaling is None
    assert data.validation is None
    assert data.test is None


def test_classification_and_regression_have_the_types_that_losses_want():
    labelled = arrays(X, np.array(["a", "b"])[Y % 2], feature_names=("u", "v", "w"))
    assert (labelled.train.x.dtype, labelled.train.y.dtype, labelled.train.y.ndim) == (np.float32, np.int32, 1)
    assert (labelled.classes, labelled.schema.outputs, labelled.input_shape) == (("a", "b"), 2, (3,))
    assert labelled.feature_names == ("u", "v", "w")
    amounts = arrays(X, X @ [1, 2, 3])
    assert (amounts.train.y.dtype, amounts.train.y.shape, amounts.classes) == (np.float32, (140, 1), None)
    assert arrays(X, Y, task="regression").schema.task == "regression"
    assert arrays(X, X[:, :2]).schema.outputs == 2


def test_a_column_of_labels_and_text_kept_as_objects_are_taken():
    assert arrays(X, Y[:, None]).train.y.ndim == 1
    assert arrays(X, np.array(["a", "b"], object)[Y % 2]).classes == ("a", "b")


def test_a_source_brings_its_own_test_set_whatever_the_fraction_says():
    data = arrays(X, np.array(["a", "b"])[Y % 2], test=(X[:5], ["b", "a", "b", "a", "b"]))
    assert data.test.y.tolist() == [1, 0, 1, 0, 1]
    assert len(data.train) + len(data.validation) == 200


def test_data_is_a_spec_that_loads_its_source_every_time_alike():
    from headway.data.synthetic import XOR

    data = Data(XOR(40), seed=3)
    assert data == Data(XOR(40), seed=3)
    assert hash(data) == hash(Data(XOR(40), seed=3))
    assert data.load().fingerprint == data.load().fingerprint
    assert repr(data) == "Data(XOR(40), seed=3)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: arrays(X, Y[:3]), r"y: must be one target per input; got 200 inputs, targets of shape \[3\]"),
        (lambda: arrays(X, 3), r"y: must be one target per input"),
        (lambda: arrays(X[:, 0], Y), r"x: must be \[n, features\] or more; got \[200\]. Use x\[:, None\]"),
        (lambda: arrays(X, Y, feature_names=("a",)), "feature_names: must be one name per feature; got 1 names"),
        (lambda: arrays(X, Y, test=(X[:3], Y[:2])), "test_y: must be one target per input"),
        (lambda: arrays(X, Y, test=(X[:3, :2], Y[:3])), r"x: must have the shape \[n, 3\]; got \[3, 2\]"),
        (lambda: arrays(X, Y, test=(X[:3], [0, 1, 9])), r"test_y\[2\]: must be one of the 4 classes; got 9"),
        (lambda: arrays(X[:3], Y[:3]), "every class needs an example to train on"),
        (lambda: arrays(X[:2], [0, 1]), "Data: the splits must leave examples to train on; got 2 of 2 set aside"),
        (lambda: arrays(X, Y, classes=("a", "b", "c", "d", "e")), r"every class needs .* got none of \[4\]"),
        (lambda: arrays(X, Y, validaton=0.1), "Data.validaton: no such field. Did you mean 'validation'"),
        (lambda: arrays(X, Y, validation=0.5, test=0.5), "Data.validation: .* must leave examples to train on; got 1"),
        (lambda: arrays(X, Y, validation=0.0), "Data.validation: must be greater than 0; got 0.0"),
        (
            lambda: arrays(X, Y, weights=np.ones(3)),
            r"weights: must be \[200\], one an example or one a target; got \[3\]",
        ),
        (lambda: arrays(X, Y, weights=np.full(200, -1.0)), "weights: must be 0 or more, and some of them more; got -1"),
        (lambda: arrays(X, Y, weights=np.zeros(200)), "weights: must be 0 or more, and some of them more; got 0 to 0"),
        (lambda: arrays(X, Y, groups=np.arange(3)), r"groups: must be \[200\], one an example; got \[3\]"),
        (lambda: arrays(X, Y, groups=np.arange(200) // 100), "groups: every part needs a whole group; got 2 groups"),
        (lambda: arrays(SEQUENCES, SEQUENCES[:, :4], tokens=7), r"y: must be one label per example; got \[30, 4\]"),
        (
            lambda: arrays(SEQUENCES, SEQUENCES, tokens=7, classes=("a", "b")),
            r"y\[0, \d\]: must be one of the 2 classes",
        ),
        (lambda: arrays(SEQUENCES, SEQUENCES, tokens=6), r"x\[\d+, \d\]: must be one of the token ids 0 to 5; got 6"),
        (lambda: Data(Given()).load(), "Given: these examples were arrays in Python. Pass them again"),
    ],
)
def test_bad_data_is_refused_with_the_place_and_the_fix(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()


def test_a_source_of_ones_own_needs_only_load():
    from headway.spec.node import KINDS, spec

    @spec
    class Ramp(Source):
        def load(self):
            return Table(np.arange(20.0)[:, None], np.arange(20.0))

    try:
        assert len(Data(Ramp(), validation=None).load().train) == 17
    finally:
        del KINDS[Ramp.kind]


def test_examples_and_data_sets_cannot_be_reassigned():
    data = numbered(200)
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.train = data.test
