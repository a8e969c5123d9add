"""Networks at work: what they are made of, and what their depth and width do."""

import jax
import jax.numpy as jnp

import headway as hw


def neural_network() -> None:
    """A network is its layers applied one after the other, nothing more."""
    network = hw.Sequential((hw.Dense(8), hw.ReLU(), hw.Dense(3)))
    params, _ = hw.initialize(network, (4,), jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (2, 4))
    h = jnp.maximum(x @ params["0"]["w"] + params["0"]["b"], 0)
    print("by hand      ", (h @ params["2"]["w"] + params["2"]["b"])[0])
    print("the network's", hw.apply(network, params, x)[0][0])


def layer() -> None:
    """A layer says what shape it makes, declares its parameters, and is a function of a batch."""
    dense = hw.Dense(3)
    print("a batch of (5,) becomes one of", dense.shape((5,)))
    print({name: p.shape for name, p in dense.parameters((5,)).items()})
    params, _ = hw.initialize(dense, (5,), jax.random.key(0))
    print(hw.apply(dense, params, jnp.ones((2, 5)))[0])


def neuron() -> None:
    """One unit: a weighted sum of its inputs plus a bias, and an activation of that."""
    network = hw.Sequential((hw.Dense(4), hw.Sigmoid()))
    params, _ = hw.initialize(network, (3,), jax.random.key(0))
    x = jnp.array([[1.0, -1.0, 2.0]])
    unit = hw.neuron(network, params, "0", 2, x)
    print("w =", unit.weights)
    print(f"w · x + b = {unit.weighted_sum[0]:.4f}, activation {unit.activation[0]:.4f}")
    b = params["0"]["b"][2]
    print(f"by hand     {unit.weights @ x[0] + b:.4f}, activation {jax.nn.sigmoid(unit.weighted_sum[0]):.4f}")


def depth() -> None:
    """The layers with weights on the longest way through a network; with skips there is a shorter way too."""
    for network in (hw.mlp((32,) * 5, 10), hw.plain_convnet(20, 10), hw.residual_convnet(20, 10)):
        made = hw.summary(network, (8, 8, 1))
        print(f"longest way {made.depth:>2} layers, shortest {made.shortest:>2}")


def width() -> None:
    """Parameters and work grow with the square of the width of the layers in the middle."""
    for width in (16, 32, 64, 128):
        made = hw.summary(hw.mlp((width, width), 10), (64,))
        print(f"width {made.width:>3}: {made.parameters:>6,} parameters, {made.flops:>6,} operations an example")


def hierarchical_features() -> None:
    """Spirals around one another: at the input no line parts them, and behind every layer a line parts them better."""
    network = hw.mlp((16, 16, 16), 2, activation=hw.Tanh())
    recipe = hw.Recipe(
        network, data=hw.Data(hw.Spirals()), loss=hw.CrossEntropy(), optimizer=hw.Adam(1e-2), length=hw.Epochs(100)
    )
    print(hw.probe_depths(hw.train(recipe)))
