"""Bundled data: equal to what scikit-learn's and mnist1d's own functions give, and cached safely."""

import importlib.util
import subprocess
import sys
import time

import numpy as np
import pytest

from headway.data.bundled import MNIST1D, BreastCancer, Diabetes, Digits, Iris, Wine, cache_folder, cached
from headway.data.dataset import Data


@pytest.mark.parametrize(
    ("source", "loader"),
    [(Iris(), "iris"), (Wine(), "wine"), (BreastCancer(), "breast_cancer"), (Diabetes(), "diabetes")],
)
def test_tables_are_those_of_scikit_learn(source, loader):
    import sklearn.datasets

    options = {"scaled": False} if loader == "diabetes" else {}
    record, table = getattr(sklearn.datasets, f"load_{loader}")(**options), source.load()
    np.testing.assert_array_equal(table.x, record.data)
    np.testing.assert_array_equal(table.y, record.target)
    assert table.feature_names == tuple(record.feature_names)
    assert table.classes == (tuple(record.target_names) if loader != "diabetes" else None)


def test_digits_are_those_of_scikit_learn_with_pixels_from_0_to_1(monkeypatch):
    import sklearn.datasets

    record, image, flat = sklearn.datasets.load_digits(), Digits(shape="image").load(), Digits().load()
    np.testing.assert_array_equal(image.x[..., 0], record.images / 16)
    np.testing.assert_array_equal(flat.x, record.data / 16)
    np.testing.assert_array_equal(image.y, record.target)
    assert (flat.x.min(), flat.x.max()) == (0, 1)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # the file has moved
    np.testing.assert_array_equal(Digits().load().x, flat.x)
    np.testing.assert_array_equal(Digits().load().y, flat.y)


@pytest.mark.parametrize(
    ("source", "shape", "outputs"),
    [(Digits(shape="image"), (8, 8, 1), 10), (Iris(), (4,), 3), (Diabetes(), (10,), 1), (MNIST1D(100), (40, 1), 10)],
)
def test_every_source_becomes_a_data_set(source, shape, outputs):
    schema = Data(source).load().schema
    assert (schema.input_shape, schema.outputs) == (shape, outputs)
    assert len(schema.scaling.mean) == (1 if len(shape) > 1 else shape[0])


def test_flat_digits_have_one_scale_for_all_pixels():
    assert len(Data(Digits()).load().scaling.mean) == 1


def test_an_enlarged_digit_is_the_digit_with_every_pixel_repeated():
    plain, large = Digits(shape="image").load().x, Digits(shape="image", enlarge=2).load().x
    np.testing.assert_array_equal(large, plain.repeat(2, axis=1).repeat(2, axis=2))
    np.testing.assert_array_equal(Digits(enlarge=2).load().x, large.reshape(len(large), 256))


@pytest.mark.parametrize(("examples", "shuffled"), [(5000, False), (100, False), (100, True)])
def test_mnist1d_is_what_the_package_makes_of_the_frozen_seed(examples, shuffled):
    from mnist1d.data import get_dataset_args, make_dataset

    settings = get_dataset_args()
    settings.num_samples, settings.shuffle_seq = examples, shuffled
    before = np.random.get_state()
    theirs = make_dataset(settings)
    np.random.set_state(before)
    ours = MNIST1D(examples, shuffled=shuffled).load()
    for name in ("x", "test_x"):
        np.testing.assert_allclose(getattr(ours, name)[..., 0], theirs[name.replace("test_x", "x_test")], rtol=1e-12)
    np.testing.assert_array_equal(ours.y, theirs["y"])
    np.testing.assert_array_equal(ours.test_y, theirs["y_test"])


def test_mnist1d_draws_new_test_examples_on_the_same_scale_and_order():
    paper, fresh = MNIST1D(100).load(), MNIST1D(100, test_examples=33).load()
    np.testing.assert_array_equal(fresh.x, paper.x)
    assert fresh.test_x.shape == (33, 40, 1)
    assert len(np.unique(np.concatenate([fresh.x, paper.test_x, fresh.test_x]), axis=0)) == 133
    first, longer = MNIST1D(100, test_examples=500), MNIST1D(100, test_examples=500, shuffled=True)
    assert abs(first.load().test_x.mean()) < 0.1
    assert abs(first.load().test_x.std() - 1) < 0.1
    for one, other in [(first.load().x, longer.load().x), (first.load().test_x, longer.load().test_x)]:
        np.testing.assert_allclose(np.sort(one, axis=1), np.sort(other, axis=1))


def test_mnist1d_leaves_the_global_random_numbers_alone():
    np.random.seed(7)
    expected = np.random.rand(2)
    np.random.seed(7)
    first = np.random.rand()
    MNIST1D(20, seed=1234).load()
    assert [first, np.random.rand()] == expected.tolist()


def test_cached_arrays_are_made_once_and_made_again_when_the_file_is_broken():
    made = []

    def make():
        made.append(1)
        return {"x": np.arange(1000.0)}

    file = cache_folder() / "once.npz"
    cached("once", make)
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for times, content in enumerate([whole, b"", whole[:100], whole[:-10], b"no archive", bytes(flipped)]):
        file.write_bytes(content)
        np.testing.assert_array_equal(cached("once", make)["x"], np.arange(1000.0))
        assert len(made) == times + 1
    assert file.read_bytes() == whole
    assert [p.name for p in cache_folder().iterdir() if p.name.startswith("tmp")] == []


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    (tmp_path / "headway").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cached("any", lambda: {"x": np.ones(2)})["x"].tolist() == [1, 1]


def test_the_cache_folder_honours_xdg_and_ignores_relative_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "headway"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / ".cache" / "headway"


def test_processes_that_write_the_cache_at_once_never_show_half_a_file():
    work = """
import numpy as np
from headway.data.bundled import cache_folder, cached
for _ in range(40):
    (cache_folder() / "raced.npz").unlink(missing_ok=True)
    cached("raced", lambda: {"x": np.arange(100_000)})
"""
    file, seen = cache_folder() / "raced.npz", 0
    workers = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(2)]
    while any(worker.poll() is None for worker in workers):
        try:
            with np.load(file) as found:
                assert found["x"][-1] == 99_999
            seen += 1
        except FileNotFoundError:
            time.sleep(0.001)
    assert [worker.wait() for worker in workers] == [0, 0]
    assert seen > 0


def test_heavy_packages_are_loaded_only_where_they_are_needed():
    MNIST1D(100).load()
    work = """
import sys
from headway.data import bundled, files, synthetic
bundled.Digits().load(), bundled.MNIST1D(100).load(), synthetic.XOR().load()
print(*sorted({"jax", "sklearn", "mnist1d", "pyarrow", "matplotlib", "scipy"} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", work], capture_output=True, text=True, check=True).stdout == "\n"
