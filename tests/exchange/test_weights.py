"""Weights in and out of files, read and written by safetensors itself and by NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from headway.exchange.weights import Transposed, compare_weights, load_weights, save_weights
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.layer import apply, initialize
from headway.network.normalization import BatchNorm
from headway.network.values import flatten
from headway.spec.error import HeadwayError

NETWORK = Sequential((Conv(3), BatchNorm(), Tanh(), Flatten(), Dense(4, name="head")))
SHAPE = (4, 4, 2)


def values_of(seed):
    return dict(zip(("params", "network"), initialize(NETWORK, SHAPE, jax.random.key(seed)), strict=True))


VALUES, OTHER = values_of(0), values_of(1)
THEIRS = {
    "conv.weight": Transposed("0/w", (2, 3, 1, 0)),
    "conv.bias": "0/b",
    "norm.weight": "1/g",
    "norm.bias": "1/b",
    "norm.running_mean": "1/mean",
    "norm.running_var": "1/variance",
    "norm.weight_of_all": "1/weight",
    "fc.weight": Transposed("head/w"),
    "fc.bias": "head/b",
}


@pytest.fixture
def file(tmp_path):
    save_weights(VALUES, tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_a_file_holds_every_array_under_its_address(file):
    found = safetensors.numpy.load_file(file)
    flat = flatten(VALUES["params"]) | flatten(VALUES["network"])
    assert found.keys() == flat.keys()
    same(found, {address: np.asarray(v) for address, v in flat.items()})
    same(load_weights(file, OTHER), VALUES)
    assert jax.tree.structure(load_weights(file, OTHER)) == jax.tree.structure(VALUES)


def test_the_weights_of_pytorch_s_layers_compute_here_what_they_compute_there(tmp_path):
    """Convolution weights are [out, in, height, width] there, those of a linear layer [out, in]."""
    save_weights(VALUES, tmp_path / "torch.safetensors", names=THEIRS)
    there = safetensors.numpy.load_file(tmp_path / "torch.safetensors")
    assert there["conv.weight"].shape == (3, 2, 3, 3)
    x = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    h = np.einsum("nhwcij,ocij->nhwo", windows, there["conv.weight"]) + there["conv.bias"]
    h = (h - there["norm.running_mean"]) / np.sqrt(there["norm.running_var"] + NETWORK.layers[1].epsilon)
    h = np.tanh(h * there["norm.weight"] + there["norm.bias"])
    expected = h.reshape(2, -1) @ there["fc.weight"].T + there["fc.bias"]
    loaded = load_weights(tmp_path / "torch.safetensors", OTHER, names=THEIRS)
    same(loaded, VALUES)
    outputs, _ = apply(NETWORK, loaded["params"], x, loaded["network"])
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)


def test_all_that_does_not_fit_is_in_one_report_and_one_error(tmp_path):
    arrays = {"0/w": np.zeros((3, 3, 2, 3), np.float32), "0/b": np.zeros(5, np.float32), "1/g": np.ones(3, np.float16),
              "1/b": np.zeros(3, np.float32), "1/mean": np.zeros(3, np.float32), "1/variance": np.ones(3, np.float32),
              "1/weight": np.zeros((), np.float32), "head/b": np.zeros(4, np.float32),
              "tail/b": np.ones(4)}  # fmt: skip
    path = tmp_path / "other.safetensors"
    safetensors.numpy.save_file(arrays, path)
    fit = compare_weights(path, VALUES)
    assert not fit
    assert (fit.missing, fit.extra) == (("head/w",), ("tail/b",))
    assert (fit.reshaped, fit.retyped) == ({"0/b": ((5,), (3,))}, {"1/g": ("float16", "float32")})
    every = "missing head/w; unexpected tail/b; 0/b is (5,), not (3,); 1/g is float16, not float32"
    with pytest.raises(HeadwayError) as caught:
        load_weights(path, VALUES)
    assert every in str(caught.value)


def test_a_part_is_loaded_only_where_asked_and_as_strictly(tmp_path, file):
    loaded = load_weights(file, OTHER, only=("0/*", "1/*"))
    same(loaded["params"]["0"], VALUES["params"]["0"])
    same(loaded["params"]["head"], OTHER["params"]["head"])
    same(loaded["network"], VALUES["network"])
    body = {"0/w": np.zeros((3, 3, 2, 3), np.float32), "0/b": np.ones(3, np.float32), "5/w": np.zeros(1, np.float32)}
    safetensors.numpy.save_file(body, tmp_path / "body.safetensors")
    assert (load_weights(tmp_path / "body.safetensors", OTHER, only=("0/*",))["params"]["0"]["b"] == 1).all()
    with pytest.raises(HeadwayError, match="missing 1/g; missing 1/b; missing 1/mean; missing 1/variance; mis"):
        load_weights(tmp_path / "body.safetensors", OTHER, only=("0/*", "1/*"))
    with pytest.raises(HeadwayError, match=r"only: a pattern must match something; got 'haed/\*'. Close to it: head/w"):
        load_weights(file, OTHER, only=("haed/*",))


def test_shapes_alone_make_a_template(file):
    shapes = jax.eval_shape(lambda: values_of(0))
    same(load_weights(file, shapes), VALUES)
    assert compare_weights(file, shapes)
    assert str(compare_weights(file, shapes)) == "all fits"


def test_narrow_weights_come_back_narrow(tmp_path):
    half = jax.tree.map(lambda p: p.astype(jnp.bfloat16), VALUES)
    save_weights(half, tmp_path / "half.safetensors")
    same(load_weights(tmp_path / "half.safetensors", half), half)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (THEIRS | {"fc.bias": "haed/b"}, "names: must name what there is; got haed/b. Did you mean 'head/b'"),
        ({n: at for n, at in THEIRS.items() if n != "fc.bias"}, "names: must name every array. Name 'head/b' too"),
    ],
)
def test_names_that_do_not_cover_the_network_are_refused_in_writing(tmp_path, names, message):
    with pytest.raises(HeadwayError, match=message):
        save_weights(VALUES, tmp_path / "w.safetensors", names=names)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"0/w": Transposed("0/w", (0, 1))}, r"names/0/w: the axes must be those of \(3, 3, 2, 3\); got .*\(0, 1\)"),
        ({"0/b": "1/b"}, "names: two names must not stand for one address; got 1/b"),
        ({"0/b": "0/c"}, "missing 0/b; unexpected 0/c"),
    ],
)
def test_names_that_do_not_fit_the_file_are_refused_in_reading(file, names, message):
    with pytest.raises(HeadwayError, match=message):
        load_weights(file, VALUES, names=names)


def test_what_is_no_file_of_weights_and_what_are_no_values_are_refused(tmp_path):
    with pytest.raises(HeadwayError, match=r"absent\.safetensors: must be a readable safetensors file"):
        load_weights(tmp_path / "absent.safetensors", VALUES)
    with pytest.raises(HeadwayError, match=r"values: must hold params and network; got 0, 1, head. Write \{"):
        save_weights(VALUES["params"], tmp_path / "w.safetensors")
