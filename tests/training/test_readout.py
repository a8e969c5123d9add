"""Readouts on features that are known, and against scikit-learn on features computed by hand."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from headway.data.bundled import Diabetes, Digits
from headway.data.dataset import Data
from headway.data.synthetic import XOR
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten, MaxPool
from headway.network.dense import Dense
from headway.network.residual import Residual
from headway.scale.precision import BFloat16, Float32
from headway.spec.error import HeadwayError
from headway.training.evaluate import outputs
from headway.training.readout import activations, probe, probe_depths
from headway.training.recipe import Recipe
from headway.training.train import train

PLANE = Sequential((Dense(2), ReLU(), Residual(Dense(2), name="block"), Dense(2)))
CORNERS = Recipe(
    PLANE, data=Data(XOR(2000, noise=0.0)), loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=20, length=1
)
IMAGES = replace(
    CORNERS,
    network=Sequential(
        (
            Sequential((Conv(2), MaxPool()), name="stem"),
            Flatten(),
            Dense(24, name="hidden"),
            ReLU(),
            Dropout(0.5),
            Dense(10),
        )
    ),
    data=Data(Digits(shape="image")),
    length=60,
)


@pytest.fixture(scope="module")
def known():
    """A network whose hidden units are relu(x₁ + x₂) and relu(−x₁ − x₂) of the scaled x; the block passes them on."""
    run = train(CORNERS)
    params = {
        "0": {"w": jnp.array([[1.0, -1.0], [1.0, -1.0]]), "b": jnp.zeros(2)},
        "block": {"body": {"w": jnp.zeros((2, 2)), "b": jnp.zeros(2)}},
        "3": {"w": jnp.zeros((2, 2)), "b": jnp.zeros(2)},
    }
    return replace(run, values={"params": params, "network": {}})


@pytest.fixture(scope="module")
def images():
    return train(IMAGES)


def distant(x, y):
    """Whether |x₁ + x₂| > 1: two half planes with a strip between, which no line parts."""
    return np.abs(x.sum(1)) > 1


def theirs(train_h, train_y, held_out_h, held_out_y, penalty=1.0):
    """Accuracies of scikit-learn's own scaling and regression."""
    scaler = StandardScaler().fit(np.asarray(train_h, np.float64))
    model = LogisticRegression(C=1 / penalty, max_iter=10_000).fit(scaler.transform(train_h), train_y)
    return model.score(scaler.transform(train_h), train_y), model.score(scaler.transform(held_out_h), held_out_y)


def test_labels_that_no_line_parts_are_read_behind_the_layer_that_parts_them(known):
    """With little penalty, so that labels that can be told apart are."""
    profile = probe_depths(known, distant, penalty=1e-4)
    assert [readout.address for readout in profile.readouts] == [None, "0", "1", "block/body", "block", "3"]
    shares = {readout.address: readout.accuracy for readout in profile.readouts}
    chance = profile.readouts[0].chance
    for linear in (None, "0"):
        assert shares[linear] < chance + 0.1, "an affine layer parts nothing that its inputs do not"
    assert profile["1"].train > 0.999, "|x₁ + x₂| is the sum of the two hidden units"
    assert shares["1"] > 0.99
    assert shares["block"] == shares["1"], "a block whose body is 0 changes nothing"
    assert shares["3"] == chance, "weights of 0 lose all"
    assert profile.best.address == "1"
    assert profile["1"] == probe(known, "1", distant, penalty=1e-4)


def test_chance_is_what_the_most_frequent_training_label_gets_right(known):
    data = known.data()
    often = np.mean(distant(data.train.x, None)) > 0.5
    readout = probe(known, None, distant)
    assert readout.chance == pytest.approx(np.mean(distant(data.test.x, None) == often))
    assert (readout.examples, readout.features) == (len(data.test), 2)


@pytest.mark.parametrize("penalty", [1.0, 100.0])
def test_a_readout_of_the_inputs_is_scikit_learn_s_regression_on_them(images, penalty):
    data = images.data()
    flat = [part.x.reshape(len(part), -1) for part in (data.train, data.test)]
    readout = probe(images, None, penalty=penalty)
    expected = theirs(flat[0], data.train.y, flat[1], data.test.y, penalty)
    assert (readout.train, readout.accuracy) == pytest.approx(expected, abs=2 / len(data.test))


def test_a_readout_behind_a_layer_is_scikit_learn_s_regression_on_its_outputs_in_evaluation(images):
    """Of a run on flat rows, so that the outputs are one line of NumPy; dropout hands them on unchanged."""
    network = Sequential((Dense(24), ReLU(), Dropout(0.5), Dense(10)))
    run = train(replace(IMAGES, network=network, data=Data(Digits())))
    w, b, data = run.params["0"]["w"], run.params["0"]["b"], run.data()
    behind = [np.maximum(part.x @ w + b, 0) for part in (data.train, data.validation)]
    expected = theirs(behind[0], data.train.y, behind[1], data.validation.y)
    for address in ("1", "2"):
        readout = probe(run, address, on="validation")
        assert (readout.train, readout.accuracy) == pytest.approx(expected, abs=2 / len(data.validation))


def test_every_position_and_channel_is_a_feature_and_a_container_reads_as_its_last_layer(images):
    profile = {readout.address: readout for readout in probe_depths(images).readouts}
    features = [8 * 8, 8 * 8 * 2, 4 * 4 * 2, 32, 24, 24, 24, 10]
    assert [readout.features for readout in profile.values()] == features
    assert list(profile) == [None, "stem/0", "stem/1", "1", "hidden", "3", "4", "5"]
    assert probe(images, "stem") == replace(profile["stem/1"], address="stem", layer="Sequential")
    assert probe(images, "") == replace(profile["5"], address="", layer="Sequential")
    assert profile["1"].accuracy == profile["stem/1"].accuracy


@pytest.mark.parametrize("precision", [Float32(), BFloat16()], ids=str)
def test_what_is_read_is_computed_in_the_run_s_precision(images, precision):
    run = replace(images, recipe=replace(images.recipe, precision=precision))
    x = images.data().test.x
    expected = outputs(run.recipe.network, run.values, x, precision=precision)
    np.testing.assert_array_equal(activations(run, images.data().test, ("",))[""], expected)


def test_labels_may_be_given_by_split_as_text_and_are_the_run_s_own_by_default(images):
    splits = images.data().splits()
    by_split = {name: np.array(["even", "odd"])[part.y % 2] for name, part in splits.items()}
    assert probe(images, "3", by_split) == probe(images, "3", lambda x, y: y % 2)
    assert probe(images, "3", {name: part.y for name, part in splits.items()}) == probe(images, "3")


def test_labels_without_connection_to_the_inputs_are_not_read(images):
    rng = np.random.default_rng(0)
    readout = probe(images, "hidden", lambda x, y: rng.integers(0, 2, len(y)))
    assert abs(readout.accuracy - 0.5) < 4 * 0.5 / np.sqrt(readout.examples)


def test_a_profile_is_a_table_of_plain_text(known):
    lines = str(probe_depths(known, distant)).splitlines()
    assert lines[0].split() == ["behind", "layer", "features", "train", "held", "out"]
    assert lines[1].split()[:3] == ["the", "inputs", "2"]
    assert lines[4].split()[:3] == ["block/body", "Dense", "2"]
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[-1].startswith("chance 0.")
    assert lines[-1].endswith(", 300 held-out examples")


@pytest.mark.parametrize(("arguments", "said"), [
    ({"address": "sten/0"}, r"^sten/0: no layer is here\. Did you mean 'stem/0'\?"),
    ({"address": "hidden/w"}, r"^hidden/w: no layer is here"),
    ({"on": "tets"}, r"^on: must be a split of the run's data; got tets\. Did you mean 'test'\?"),
    ({"penalty": 0.0}, r"^penalty: must be above 0.*got 0\.0"),
    ({"labels": {"train": np.arange(1257) % 2}}, r"^labels: needs labels for the split 'test'; got train"),
    ({"labels": lambda x, y: y[:-1]}, r"^labels/train: must be one label for each of the 1257 examples; got .*1256"),
    ({"labels": lambda x, y: x}, r"^labels/train: must be one label"),
    ({"labels": lambda x, y: 0 * y}, r"^labels/y: must have two classes or more"),
    ({"labels": lambda x, y: y / 3}, r"^labels/y\[\d+\]: labels must be text or whole numbers"),
    ({"labels": lambda x, y: y + (len(y) < 1000)}, r"^labels/test\[\d+\]: must be one of the 10 classes; got 10"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused(images, arguments, said):
    with pytest.raises(HeadwayError, match=said):
        probe(images, **{"address": "3"} | arguments)


def test_a_run_on_amounts_needs_labels_and_a_profile_knows_its_addresses(known):
    run = train(replace(CORNERS, network=Dense(1), data=Data(Diabetes()), loss=MeanSquaredError()))
    with pytest.raises(HeadwayError, match=r"^labels: a readout tells classes apart; got a run that learns amounts"):
        probe(run, "")
    assert probe(run, "", lambda x, y: y[:, 0] > 150).features == 1
    with pytest.raises(HeadwayError, match=r"^blok: no readout is here\. Did you mean 'block'\?"):
        probe_depths(known, distant)["blok"]
