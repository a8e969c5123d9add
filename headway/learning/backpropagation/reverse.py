"""The reverse pass over a network: from the loss back to every parameter and every boundary between layers."""

import dataclasses
from typing import Literal, NamedTuple, Protocol

import jax

import headway.learning.backpropagation.activations
import headway.learning.backpropagation.compose
import headway.learning.backpropagation.layers
import headway.learning.backpropagation.normalization
import headway.learning.backpropagation.sequences  # noqa: F401 (imported for the rules they register)
from headway.learning.backpropagation.losses import loss_gradient
from headway.learning.backpropagation.rule import Local, Record, backward, expect_rules, lacks_rule
from headway.learning.losses import Loss
from headway.network.layer import Context, Layer, Params, State, apply, salts
from headway.spec.error import HeadwayError
from headway.spec.node import KINDS, load_kinds


class Examples(Protocol):
    """A batch such as `headway.Batch`: inputs x [batch, …], targets y, a key and a weight for each example or None."""

    @property
    def x(self) -> jax.Array: ...
    @property
    def y(self) -> jax.Array: ...
    @property
    def keys(self) -> jax.Array | None: ...
    @property
    def weights(self) -> jax.Array | None: ...


class Trained(Protocol):
    """What is trained, such as a `headway.Recipe`: a network and its loss."""

    @property
    def network(self) -> Layer: ...
    @property
    def loss(self) -> Loss: ...


class Gradients(NamedTuple):
    """What one pass forward and one back give.

    loss         L of the batch
    params       dL/dθ, nested like the parameters
    boundaries   address → dL/dh for the output h of every layer, in the order of computation
    inputs       dL/dx of the network's inputs
    """

    loss: jax.Array
    params: Params
    boundaries: dict[str, jax.Array]
    inputs: jax.Array


def forward(network: Layer, params: Params, x: jax.Array, state: State, context: Context) -> tuple[jax.Array, Local]:
    """The network's output for a batch, and what the reverse pass needs to know of how it came about."""
    expect_rules(network)
    record = Record()
    context = dataclasses.replace(context, tap=record.tap, salts=salts(network))
    y, _ = apply(network, params, x, state, context)
    return y, Local(params, state, x, context, record)


def gradients(
    trained: Layer | Trained,
    params: Params,
    batch: Examples,
    *,
    loss: Loss | None = None,
    state: State | None = None,
    mode: Literal["train", "eval"] = "train",
) -> Gradients:
    """dL/dθ and dL/dh of a recipe, or of a network with its `loss`, by backpropagation: the layers' own rules, chained.

    With h_0 = x, h_k = f_k(h_{k−1}; θ_k), L = loss(h_n): dL/dh_{k−1} = (∂h_k/∂h_{k−1})ᵀ dL/dh_k and
    dL/dθ_k = (∂h_k/∂θ_k)ᵀ dL/dh_k, so each factor is multiplied once (Rumelhart, Hinton & Williams 1986;
    Goodfellow et al. 2016, section 6.5). Equal to `jax.grad`; can be compiled. A kind without a rule
    (`kinds_without_rule`) is an error.
    """
    network, loss = (trained, loss) if isinstance(trained, Layer) else (trained.network, loss or trained.loss)
    if loss is None:
        raise HeadwayError("loss", "a network alone has none", None, "Give a recipe, or loss=CrossEntropy().")
    expect_rules(loss)
    z, at = forward(network, params, batch.x, state or {}, Context(mode, batch.keys))
    dx, dtheta = backward(network, at, loss_gradient(loss, z, batch.y, batch.weights))
    boundaries = {address: dh for address, dh in at.record.boundaries.items() if dh is not None}
    return Gradients(loss(z, batch.y, batch.weights), dtheta, boundaries, dx)


def kinds_without_rule() -> tuple[str, ...]:
    """Every kind of layer, join and loss that cannot be differentiated here, by name."""
    load_kinds()
    return tuple(sorted(kind for kind, cls in KINDS.items() if lacks_rule(cls)))
