"""What a network that ignores its inputs can reach: the loss that one has to beat to have learned anything."""

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.dataset import Examples
from headway.learning.losses import Loss
from headway.network.initialization import Shape


def constant_loss(loss: Loss, outputs: Shape, train: Examples, held_out: Examples) -> float:
    """The loss on `held_out` of the constant output [*outputs] that is best on `train`.

    For cross-entropy the entropy of the classes' shares, for the mean squared error the variance. Where the loss
    expects probabilities, the constant is one that softmax gives, or for a single output sigmoid.
    """
    from scipy.optimize import minimize

    squash = jax.nn.sigmoid if outputs == (1,) else jax.nn.softmax

    def value(constant: jax.Array, y: jax.Array) -> jax.Array:
        constant = squash(constant) if loss.expects == "probabilities" else constant
        made = jnp.broadcast_to(constant.reshape(1, *outputs), (len(y), *outputs))
        return jnp.mean(loss.per_example(made, y))

    y = jnp.asarray(train.y)
    best = minimize(jax.jit(jax.value_and_grad(lambda c: value(c.astype(jnp.float32), y))),
                    np.zeros(int(np.prod(outputs)), np.float32), jac=True, method="L-BFGS-B")  # fmt: skip
    return float(value(jnp.asarray(best.x, jnp.float32), jnp.asarray(held_out.y)))
