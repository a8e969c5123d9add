"""Updates on 8 virtual devices and on one, side by side: a process of its own, which prints what came out as JSON."""

import json
import os

os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"

import jax
import numpy as np

from headway.data.dataset import arrays
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.models.transformer import sequence_classifier
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.network.recompute import RecomputeAll
from headway.network.values import flatten
from headway.scale.mesh import Mesh
from headway.scale.sharding import placements
from headway.spec.error import HeadwayError
from headway.spec.numbers import split
from headway.training.chunk import run_chunk
from headway.training.job import prepare
from headway.training.recipe import Recipe
from headway.training.step import initial_state
from tests.drills import apart

NETWORKS = {
    "mlp": (Sequential((Dense(12), ReLU(), Dropout(0.2), Dense(6), ReLU(), Dense(3))), (5,), None),
    "convnet": (
        Sequential((Conv(4), BatchNorm(), ReLU(), Conv(6), BatchNorm(), ReLU(), Flatten(), Dense(3))),
        (6, 2),
        None,
    ),
    "transformer": (sequence_classifier(10, 3, width=8, heads=2, blocks=2), (6,), 10),
}
MESHES = {"mlp": Mesh(8), "convnet": Mesh(4, tensor=2), "transformer": Mesh(4, tensor=2)}
UPDATES = 4
# Not Adam: where the gradient is 0 but for rounding (a bias in front of BatchNorm, the bias of keys) it moves a weight
# by its whole rate in a direction that rounding chose.
OPTIMIZER = SGD(0.1, momentum=0.9)


def compared(name: str) -> dict[str, object]:
    """What a few updates come to on one device and on a mesh."""
    network, shape, tokens = NETWORKS[name]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, *shape)).astype(np.float32) if tokens is None else rng.integers(0, tokens, (48, *shape))
    data = arrays(x, np.arange(48) % 3, tokens=tokens, validation=None, test=None)
    recipe = Recipe(network, loss=CrossEntropy(), optimizer=OPTIMIZER, clip=ClipByNorm(0.5), batch_size=16,
                    recompute=RecomputeAll() if name == "transformer" else None)  # fmt: skip
    came = []
    for mesh in (None, MESHES[name]):
        job = prepare(recipe, data, mesh=mesh)
        first = initial_state(job.update, data.input_shape)
        state, (measures, _) = run_chunk(*split(job.update), first, data.train.arrays, (0, 0), UPDATES)
        came.append((first, state, np.asarray(measures)[:UPDATES]))
    one, many = came
    params, moments = many[1]["params"], many[1]["optimizer"]["v"]
    alike = jax.tree.map(lambda p, m: p.sharding.is_equivalent_to(m.sharding, p.ndim), params, moments)
    placed = placements(network.declare(data.input_shape), MESHES[name])
    return {
        "loss": one[2][:, 0].tolist(),
        "initial": apart(many[0], one[0]),
        "measures": float(np.abs(many[2] / one[2] - 1).max()),
        "state": apart(many[1], one[1]),
        "devices": len(jax.tree.leaves(params)[0].sharding.device_set),
        "held": {a: list(p.addressable_shards[0].data.shape) for a, p in flatten(params).items()},
        "whole": {a: list(p.shape) for a, p in flatten(params).items()},
        "alike": flatten(alike),
        "axes": {address: placement.axes for address, placement in placed.items()},
    }


def refused() -> dict[str, str]:
    """What a batch that does not divide, and a mesh that is too large, are told."""
    said = {}
    for name, mesh in {"batch": Mesh(3), "devices": Mesh(8, tensor=2)}.items():
        try:
            mesh.expect(16, 1)
            mesh.on_devices()
        except HeadwayError as error:
            said[name] = str(error)
    return said


if __name__ == "__main__":
    print(json.dumps({name: compared(name) for name in NETWORKS} | {"refused": refused()}))
