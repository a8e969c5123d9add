"""Evaluation against a plain mean over examples."""

import jax
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from headway.data.dataset import Examples
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import initialize
from headway.training.evaluate import judge, outputs
from headway.training.recipe import Evaluation, Recipe

NETWORK = Sequential((Dropout(0.5), Dense(3)))
X = np.random.default_rng(0).normal(size=(23, 4)).astype(np.float32)
Y = (np.arange(23) % 3).astype(np.int32)


@pytest.fixture
def values():
    params, state = initialize(NETWORK, (4,), jax.random.key(0))
    return {"params": params, "network": state}


@pytest.mark.parametrize("batch_size", [1, 5, 23, 1000])
def test_every_example_counts_once_whatever_the_batch_size(batch_size, values):
    recipe = Recipe(NETWORK, loss=CrossEntropy(), optimizer=SGD(0.1),
                    evaluation=Evaluation(metrics=(Accuracy(),), batch_size=batch_size))  # fmt: skip
    z = np.asarray(X @ values["params"]["1"]["w"] + values["params"]["1"]["b"], np.float64)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    found = judge(recipe, values, Examples(X, Y))
    assert found["loss"] == pytest.approx(log_loss(Y, p), rel=1e-5)
    assert found["accuracy"] == pytest.approx(accuracy_score(Y, p.argmax(1)), rel=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_every_place_counts_by_its_weight_whatever_the_batch_size(batch_size, values):
    x, y, weights = X[:20].reshape(5, 4, 4), Y[:20].reshape(5, 4), (np.arange(20) % 3).reshape(5, 4) / 2
    recipe = Recipe(NETWORK, loss=CrossEntropy(), optimizer=SGD(0.1),
                    evaluation=Evaluation(metrics=(Accuracy(),), batch_size=batch_size))  # fmt: skip
    z = np.asarray(X[:20] @ values["params"]["1"]["w"] + values["params"]["1"]["b"], np.float64)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    found = judge(recipe, values, Examples(x, y, weights.astype(np.float32)))
    assert found["loss"] == pytest.approx(log_loss(Y[:20], p, sample_weight=weights.ravel()), rel=1e-5)
    expected = accuracy_score(Y[:20], p.argmax(1), sample_weight=weights.ravel())
    assert found["accuracy"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("count", [0, 1, 5, 7])
def test_outputs_are_those_of_the_network_in_evaluation_mode(count, values):
    expected = X[:count] @ np.asarray(values["params"]["1"]["w"]) + np.asarray(values["params"]["1"]["b"])
    np.testing.assert_allclose(outputs(NETWORK, values, X[:count], batch_size=5), expected, rtol=1e-5, atol=1e-6)
