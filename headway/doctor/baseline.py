"""What a network that ignores its inputs can reach: the loss that one has to beat to have learned anything."""

import jax
import jax.numpy as jnp
import numpy as np

from headway.data.dataset import Arrays, Dataset, Examples
from headway.learning.losses import Loss
from headway.network.initialization import Shape
from headway.network.layer import Layer


def constant_of(loss: Loss, network: Layer, data: Dataset, split: str) -> float:
    """The `constant_loss` on a part of a data set, of outputs such as the network's."""
    return constant_loss(loss, network.shape(data.input_shape), data.train, data.splits()[split])


def constant_loss(loss: Loss, outputs: Shape, train: Examples, held_out: Examples) -> float:
    """The loss on `held_out` of the constant output that is best on `train`: [*outputs], or [C] at all [time, C].

    For cross-entropy the entropy of the classes' shares, for the mean squared error the variance. Where the loss
    expects probabilities, the constant is one that softmax gives, or for a single output sigmoid.
    """
    from scipy.optimize import minimize

    squash = jax.nn.sigmoid if outputs == (1,) else jax.nn.softmax
    # One for every place as well would be as many numbers as a small network has, and know where it stands.
    free = outputs[-1:] if train.y.shape[1:] == outputs[:-1] else outputs

    def value(constant: jax.Array, judged: Arrays) -> jax.Array:
        constant = squash(constant) if loss.expects == "probabilities" else constant
        made = jnp.broadcast_to(constant.reshape(free), (len(judged.y), *outputs))
        return loss(made, judged.y, judged.weights)

    on = jax.tree.map(jnp.asarray, train.arrays)
    best = minimize(jax.jit(jax.value_and_grad(lambda c: value(c.astype(jnp.float32), on))),
                    np.zeros(int(np.prod(free)), np.float32), jac=True, method="L-BFGS-B")  # fmt: skip
    return float(jax.jit(value)(np.asarray(best.x, np.float32), held_out.arrays))
