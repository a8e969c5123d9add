"""What networks are made of: layers in a row, units in a layer, ways from input to output, kinds of parameters."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Exact, Measures
from headway.claims.designs.exact import drawn, largest
from headway.models.convnet import residual_convnet
from headway.models.mlp import mlp
from headway.models.transformer import transformer_block
from headway.network.activations import Identity, ReLU, Softmax, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten, MaxPool
from headway.network.dense import Dense
from headway.network.feedforward import FeedForward
from headway.network.initialization import Shape
from headway.network.layer import Activation, Layer, apply, layers
from headway.network.residual import Residual
from headway.network.summary import summary
from headway.network.values import flatten, unstacked
from headway.spec.error import join_address

INPUTS, UNITS, EXAMPLES = 5, 7, 3
NETWORKS: dict[str, tuple[Sequential, Shape]] = {
    "mlp": (mlp((6, 6), 3), (INPUTS,)),
    "residual convnet": (residual_convnet(8, 3, channels=2), (8, 8, 1)),
    "transformer block": (Sequential((transformer_block(2, 8), Flatten(), Dense(3))), (3, 4)),
}


def composed(network: Sequential, inputs: Shape) -> Measures:
    """Who owns the parameters, what the layers called one by one give, and of what kinds layers and parameters are."""
    with jax.enable_x64(True):
        params, state = drawn(network, inputs), network.state(inputs)
        x = h = jnp.asarray(np.random.default_rng(1).normal(size=(EXAMPLES, *inputs)))
        for key, layer in network.members().items():
            h = apply(layer, params.get(key, {}), h, state.get(key))[0]
        apart = largest(apply(network, params, x, state)[0] - h)
    owners = Counter(address for address, _ in owned(network, inputs))
    arrays = flatten(unstacked(params)).keys()
    return {
        "one by one": apart,
        "orphans": len(arrays ^ owners.keys()),
        "owned twice": sum(times > 1 for times in owners.values()),
        "alternates": float(alternates(network)),
        "neither": sum(not of_a_sum for _, of_a_sum in owned(network, inputs)),
    }


def owned(layer: Layer, inputs: Shape, address: str = "") -> Iterator[tuple[str, bool]]:
    """The address of every array that a layer inside declares, and whether it is of a weighted sum, weight or bias."""
    own = layer.parameters(inputs)
    for name in own:
        yield join_address(address, name), any(parameter.decays for parameter in own.values())
    for key, child, received in layer.parts(inputs):
        yield from owned(child, received, join_address(address, key))


def alternates(network: Layer) -> bool:
    """Whether weighted sums and activations take turns, from a sum first to a sum last; moving data does not count."""
    row = [layer for _, layer in layers(network) if not layer.members() and not isinstance(layer, Flatten)]
    return len(row) % 2 == 1 and all(
        isinstance(layer, Activation if place % 2 else Dense | Conv) for place, layer in enumerate(row)
    )


def units(activation: Activation, bias: bool = True) -> Measures:
    """Every unit of a dense layer beside f(w_j · x + b_j) in NumPy; and who moves when one unit's weights are 0."""
    network = Sequential((Dense(UNITS, bias=bias), activation))
    with jax.enable_x64(True):
        params, x = drawn(network, (INPUTS,)), np.random.default_rng(1).normal(size=(EXAMPLES, INPUTS))
        w, b = params["0"]["w"], params["0"].get("b", np.zeros(UNITS))
        sums = np.stack([[row @ w[:, j] + b[j] for j in range(UNITS)] for row in x])
        y = np.asarray(apply(network, params, jnp.asarray(x))[0])
        kept = np.arange(UNITS) != 2
        silent = {"0": {name: values * kept for name, values in params["0"].items()}}
        moved = np.abs(np.asarray(apply(network, silent, jnp.asarray(x))[0]) - y).max(axis=0)
        by_hand = largest(y - np.asarray(activation.function(jnp.asarray(sums))))
    return {"by hand": by_hand, "itself": moved[2], "others": moved[kept].max(), "biases": len(params["0"]) - 1}


def pooling() -> Measures:
    """The neurons of a layer that has no weights."""
    return {"neurons": summary(MaxPool(2), (8, 8, 1)).neurons}


def ways(network: Layer, inputs: Shape) -> Measures:
    """Layers with weights on the longest and the shortest way: as reported, and as powers of the scale of the weights.

    Without biases and with f(c x) = c f(x), c > 0, the output with all weights times c is a sum of powers of c, one a
    way, so that its growth where c is large shows the longest, and where c is small the shortest.
    """
    told = summary(network, inputs)
    with jax.enable_x64(True):
        params, x = drawn(network, inputs), jnp.asarray(np.random.default_rng(1).normal(size=(1, *inputs)))

        def size(c: float) -> float:
            return float(np.log10(np.linalg.norm(apply(network, jax.tree.map(lambda w: c * w, params), x)[0])))

        longest, shortest = size(1e8) - size(1e7), size(1e-7) - size(1e-8)
    return {"reported": told.depth, "longest": longest - told.depth, "shortest": shortest - told.shortest}


def chain(depth: int) -> Sequential:
    """So many dense layers with ReLU between, none with a bias."""
    return Sequential((*[Dense(6, bias=False), ReLU()] * (depth - 1), Dense(3, bias=False)))


BODY = Sequential((Dense(6, bias=False), ReLU(), Dense(6, bias=False)))
WAYS: dict[str, tuple[Layer, Shape]] = {
    **{f"{depth} layers": (chain(depth), (INPUTS,)) for depth in (1, 2, 7, 8)},
    "residual blocks": (Sequential((Dense(6, bias=False), *[Residual(BODY)] * 2, Dense(3, bias=False))), (INPUTS,)),
    "feed-forward": (FeedForward(8, activation=Identity()), (3, 4)),
}
DESIGNS = {
    "composition": Exact(
        "Networks with weights drawn in float64. `one by one`: the largest difference between the network's output and "
        "its layers called one after the other; `orphans`: arrays that no layer declares, or declared ones that are "
        "not there; `owned twice`: arrays of two layers; `alternates`: whether weighted sums and activations take "
        "turns; `neither`: arrays that are neither weights nor biases of a weighted sum.",
        {name: partial(composed, *network) for name, network in NETWORKS.items()},
    ),
    "units": Exact(
        "A dense layer of 7 units and its activation on 3 inputs, in float64. `by hand`: the largest difference from "
        "f(w_j · x + b_j), unit by unit; `itself`, `others`: how far unit 2 and the others move when the weights and "
        "the bias of unit 2 are 0; `biases`: arrays of biases; `neurons`: as the summary counts them.",
        {"tanh": partial(units, Tanh()), "no bias": partial(units, Tanh(), bias=False),
         "softmax": partial(units, Softmax()), "pooling": pooling},
    ),
    "ways": Exact(
        "Networks in float64, all but the feed-forward layer without biases. `reported`: depth as the summary has it; "
        "`longest`, `shortest`: by how much the power of c with which the output grows, all weights times c, is above "
        "the reported way: from c = 1e7 to 1e8, and from 1e-8 to 1e-7.",
        {name: partial(ways, *network) for name, network in WAYS.items()},
    ),
}  # fmt: skip
