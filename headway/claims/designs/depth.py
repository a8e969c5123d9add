"""What depth makes possible: pieces of a function folded layer by layer, and labels read behind each layer."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Drawn, Measures, as_sham
from headway.data.dataset import Dataset, arrays
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer, Params, apply, initialize
from headway.training.readout import probe
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run
from headway.training.train import train

POINTS = 2**11 + 1
"""On [0, 1]: every bend of a sawtooth of up to 8 layers is one of them, 8 points from the next."""
HIDDEN, WIDTH, UPDATES = 4, 32, 1500
LEARNS, STAYS = Adam(3e-3), SGD(0.0)


def sawtooth(layers: int) -> tuple[Sequential, Params]:
    """Layers of two ReLU units that fold [0, 1]: g(x) = 2 x up to 1/2, and 2 − 2 x from there (Telgarsky 2016)."""
    fold, bend = jnp.array([[2.0], [-4.0]]), jnp.array([0.0, -0.5])
    params: Params = {"0": {"w": jnp.ones((1, 2)), "b": bend}, str(2 * layers): {"w": fold, "b": jnp.zeros(1)}}
    params |= {str(2 * k): {"w": jnp.hstack([fold, fold]), "b": bend} for k in range(1, layers)}
    return Sequential((*[Dense(2), ReLU()] * layers, Dense(1))), params


def folded(layers: int, seed: int) -> Measures:
    """The pieces of a sawtooth; it has no chance in it."""
    return {"pieces": pieces(*sawtooth(layers))}


def flat(units: int, seed: int) -> Measures:
    """The pieces of one hidden layer as drawn, its biases too, so that it bends inside [0, 1]."""
    network = Sequential((Dense(units), ReLU(), Dense(1)))
    params, _ = initialize(network, (1,), jax.random.key(seed))
    params["0"]["b"] = -params["0"]["w"][0] * jax.random.uniform(jax.random.key(seed + 1), (units,))
    return {"pieces": pieces(network, params)}


def pieces(network: Layer, params: Params) -> int:
    """Straight pieces on [0, 1]: stretches of points at which the slope stays."""
    x = jnp.linspace(0, 1, POINTS)[:, None]
    bends = np.abs(np.diff(np.asarray(apply(network, params, x)[0])[:, 0], 2)) > 1e-6
    return 1 + int(np.sum(bends[1:] & ~bends[:-1]) + bends[0])


@cache
def parity(seed: int) -> Dataset:
    """Points of [−1, 1]⁴: a part is whether two coordinates differ in sign, the whole whether the two parts differ."""
    x = np.random.default_rng(seed).uniform(-1, 1, (4000, 4))
    return arrays(x, parts(x)[0] != parts(x)[1], validation=None, test=0.25, standardize=False)


def parts(x: np.ndarray) -> np.ndarray:
    """Both parts of every point, [2, points]."""
    return np.stack([np.sign(x[:, i]) != np.sign(x[:, i + 1]) for i in (0, 2)])


def part_of(i: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The labels of a part."""
    labels: np.ndarray = parts(x)[i]
    return labels


def recipe(optimizer: Optimizer, seed: int) -> Recipe:
    """Four hidden layers of 32 ReLU units that learn the whole."""
    hidden = [part for _ in range(HIDDEN) for part in (Dense(WIDTH), ReLU())]
    return Recipe(
        Sequential((*hidden, Dense(2))), loss=CrossEntropy(), optimizer=optimizer, length=UPDATES, seed=seed,
        evaluation=Evaluation(UPDATES, metrics=(Accuracy(),)),
    )  # fmt: skip


def read(run: Run) -> Measures:
    """At which hidden layer linear readouts of part and whole are best, and how their accuracy changes with depth."""
    curves = np.array([
        [probe(run, str(2 * layer + 1), labels).accuracy for layer in range(HIDDEN)]
        for labels in (None, partial(part_of, 0), partial(part_of, 1))
    ])  # fmt: skip
    whole, part = curves[0], curves[1:].mean(axis=0)
    return {
        "lead": float(whole.argmax() - part.argmax()), "part": part.max(), "whole": whole.max(),
        "rise": float((whole[-1] - whole[0]) - (part[-1] - part[0])),
    }  # fmt: skip


def trained(optimizer: Optimizer, seed: int) -> Measures:
    """The readouts of a network after training, or as drawn where the optimizer's rate is 0."""
    return read(train(recipe(optimizer, seed), data=parity(seed), anyway=True))


def sham(seed: int) -> Measures:
    """The same network by another path of training."""
    return read(as_sham(recipe(LEARNS, seed), parity(seed)))


LAYERS = (1, 2, 4, 8)
DESIGNS = {
    "features": Drawn(
        "`sawtooth L`: L layers of two ReLU units with weights that fold [0, 1]; `one layer`: 16 units as drawn; "
        "`pieces`: straight ones on [0, 1]. The others: 3,000 points of [−1, 1]⁴ to train on and 1,000 to judge; "
        "a part is whether two coordinates differ in sign, the whole whether two parts differ; four hidden layers of "
        "32 ReLU units learn the whole by cross-entropy, 1,500 updates of Adam at 0.003 (`untrained`: at 0). A linear "
        "readout of part and whole is fitted behind every hidden layer: `part`, `whole`: its best accuracy; `lead`: by "
        "how many layers the best readout of the whole comes after that of a part; `rise`: by how much more the "
        "accuracy of the whole rises from the first hidden layer to the last than that of a part.",
        {
            **{f"sawtooth {layers}": partial(folded, layers) for layers in LAYERS}, "one layer": partial(flat, 16),
            "trained": partial(trained, LEARNS), "untrained": partial(trained, STAYS), "sham": sham,
        },
        seeds=40, few=2,
    ),
}  # fmt: skip
