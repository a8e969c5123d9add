"""An optimizer that climbs moves against the one inside it; a scaled loss is the loss in another unit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.synthetic import Blobs
from headway.doctor.faults.oddities import Ascent, ScaledCrossEntropy
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.optimizer import Optimizer, apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.decay import Cosine


def steps(optimizer: Optimizer, gradients: list[np.ndarray]) -> list[np.ndarray]:
    optimizer, params, found = optimizer.resolved(10, 5), {"w": jnp.ones((2, 2))}, []
    rule = optimizer.transformation()
    state = rule.init(params)
    for gradient in gradients:
        changes, state = rule.update({"w": jnp.asarray(gradient)}, state, params)
        params = apply_updates(params, changes)
        found.append(np.asarray(changes["w"]))
    return found


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), Adam(1e-2), SGD(Cosine(0.5))])
def test_every_step_of_ascent_is_that_of_the_optimizer_backwards(optimizer: Optimizer):
    gradients = [np.random.default_rng(i).normal(size=(2, 2)).astype(np.float32) for i in range(4)]
    for up, down in zip(steps(Ascent(optimizer), gradients), steps(optimizer, gradients), strict=True):
        np.testing.assert_allclose(up, -down, rtol=1e-6)


def test_ascent_has_the_rate_of_the_optimizer_inside():
    assert Ascent(SGD(0.1)).times(3.0) == Ascent(SGD(0.1 * 3.0))
    assert Ascent(Adam(0.2)).rate(0) == 0.2
    assert "upwards" in Ascent(Adam(0.2)).title()


def test_a_scaled_loss_and_its_gradient_are_those_of_the_loss_times_the_factor():
    z, y = jax.random.normal(jax.random.key(0), (6, 4)), jnp.asarray(Blobs(6, classes=4).load().y)
    scaled, plain = ScaledCrossEntropy(factor=1e-3), CrossEntropy()
    np.testing.assert_allclose(scaled(z, y), 1e-3 * plain(z, y), rtol=1e-6)
    np.testing.assert_allclose(jax.grad(scaled)(z, y), 1e-3 * jax.grad(plain)(z, y), rtol=1e-5)
