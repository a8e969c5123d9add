"""What simple models make of data is fitted once, kept, and says nothing on the way."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.neighbors import KNeighborsRegressor

from headway.data.dataset import Examples
from headway.doctor.measures.simple import as_targets, features, simple

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(90, 4)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 1)
ORDER = np.random.default_rng(0).permutation(90)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder in which nothing lies yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "headway" / "simple"


def same(one, other):
    assert one.error == other.error
    for part in ("saved", "right", "margin"):
        a, b = getattr(one, part), getattr(other, part)
        assert list(a) == list(b)
        assert all(np.array_equal(a[name], b[name]) and a[name].dtype == b[name].dtype for name in a)


@pytest.mark.parametrize(("y", "classes"), [(LABELS, 3), (X[:, :1] ** 2, None)], ids=["labels", "amounts"])
def test_what_was_fitted_once_is_read_as_it_was(cache, y, classes):
    first = simple(Examples(X, y), classes)
    (file,) = cache.iterdir()
    written = file.stat().st_mtime_ns
    same(simple(Examples(X, y), classes), first)
    assert file.stat().st_mtime_ns == written
    file.write_bytes(b"no archive")
    same(simple(Examples(X, y), classes), first)
    assert bool(first.right) == bool(first.margin) == (classes is not None)


def test_other_examples_and_other_classes_are_fitted_anew(cache):
    simple(Examples(X, LABELS), 3)
    for x, y, classes in ((-X, LABELS, 3), (X, LABELS[::-1].copy(), 3), (X, LABELS, 4), (X[:89], LABELS[:89], 3)):
        before = len(list(cache.iterdir()))
        simple(Examples(x, y), classes)
        assert len(list(cache.iterdir())) == before + 1


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("linear", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)),
        ("neighbours", KNeighborsRegressor(10)),
        ("trees", ExtraTreesRegressor(20, min_samples_leaf=3, max_features=0.5, random_state=0)),
    ],
    ids=["linear", "neighbours", "trees"],
)
def test_labels_are_guessed_as_scikit_learn_guesses_them_out_of_fold(name, model):
    found = simple(Examples(X, LABELS), 3)
    table, labels = features(X[ORDER]), LABELS[ORDER]
    hot = as_targets(Examples(X, labels), 3)
    for fold in range(3):
        there = np.arange(90) % 3 == fold
        fitted = model.fit(table[~there], labels[~there] if name == "linear" else hot[~there])
        made = fitted.predict_proba(table[there]) if name == "linear" else fitted.predict(table[there])
        assert np.array_equal(found.right[name][there], made.argmax(axis=1) == labels[there])
        top = np.sort(made, axis=1)
        assert found.margin[name][there] == pytest.approx(top[:, -1] - top[:, -2])
        constant = np.sum((hot[there] - hot[~there].mean(axis=0)) ** 2, axis=1)
        left = np.sum((hot[there] - made) ** 2, axis=1)
        assert found.saved[name][there] == pytest.approx(constant - left)


def test_a_class_with_one_example_is_no_reason_to_warn():
    labels = LABELS.copy()
    labels[np.flatnonzero(labels == 2)[1:]] = 0
    assert np.count_nonzero(labels == 2) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert simple(Examples(X, labels), 3).right["linear"].mean() > 0.5


def test_another_process_that_looks_at_the_same_data_imports_neither_scikit_learn_nor_scipy_s_minimizer():
    told = """if True:
        import sys
        from headway.doctor.before import Before
        from headway.training.named import named
        case = Before.before(named("digits-mlp").recipe)
        print(case.simple.shares(), case.simple_held_out.shares(), case.constant)
        print("sklearn" in sys.modules, "scipy.optimize" in sys.modules)
    """
    runs = [subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True) for _ in range(2)]
    first, second = (run.stdout.splitlines() for run in runs)
    assert (first[0], first[1], second[1]) == (second[0], "True True", "False False")
