"""The loss of each example: their mean is what the evaluation says."""

import jax
import numpy as np
import pytest

from headway.data.bundled import Diabetes, Iris
from headway.data.dataset import Data
from headway.doctor.measures.examples import loss_of, losses_of
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.network.layer import initialize
from headway.training.evaluate import judge
from headway.training.recipe import Recipe


@pytest.mark.parametrize(
    ("source", "outputs", "loss"),
    [(Iris(), 3, CrossEntropy()), (Diabetes(), 1, MeanSquaredError())],
    ids=["iris", "diabetes"],
)
def test_the_mean_of_the_losses_is_the_loss_and_each_is_that_of_its_example(source, outputs, loss):
    data = Data(source).load()
    recipe = Recipe(mlp((4,), outputs), loss=loss, optimizer=SGD(0.1))
    params, state = initialize(recipe.network, data.input_shape, jax.random.key(0))
    values = {"params": params, "network": state}
    losses = losses_of(recipe, values, data.train)
    assert losses.shape == (len(data.train),)
    assert np.mean(losses) == pytest.approx(judge(recipe, values, data.train)["loss"], rel=1e-5)
    assert losses[7] == pytest.approx(judge(recipe, values, data.train[7:8])["loss"], rel=1e-5)


def test_the_loss_of_given_outputs_is_that_written_out():
    data, outputs = Data(Iris()).load(), np.random.default_rng(0).normal(size=(105, 3)).astype(np.float32)
    examples = data.train[:105]
    each = np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(len(examples)), examples.y]
    assert loss_of(CrossEntropy(), outputs, examples) == pytest.approx(each.mean(), rel=1e-5)
