"""Processes of a computation on several devices, each started with its part of the work; what they find comes as JSON.

`python -m headway.claims.workers replica RANK PORT`, two of which find each other there, or `… devices`,
which wants two devices in its process.
"""

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.models.transformer import sequence_classifier
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Context, Layer, apply, initialize
from headway.network.normalization import BatchNorm
from headway.scale.local import virtual
from headway.scale.mesh import Mesh
from headway.spec.error import HeadwayError
from headway.training.job import Update
from headway.training.step import initial_state

PROCESSES, DEVICES, EXAMPLES, UPDATES, PATIENCE = 2, 2, 64, 5, 240
PLAIN = Sequential((Dense(16), Tanh(), Dense(3)))
NORMED = Sequential((Dense(16), BatchNorm(), Tanh(), Dense(3)))
DEEP = Sequential((Dense(64), Tanh()) * 4)
TEXT = sequence_classifier(64, 3, width=32, heads=2, blocks=2)
Found = dict[str, dict[str, Any]]


def replica(rank: int, port: int) -> Found:
    """One of two processes with a whole copy of the network and a part of every batch; gradients go through gloo."""
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    jax.config.update("jax_cpu_collectives_implementation", "gloo")  # type: ignore[no-untyped-call]
    jax.distributed.initialize(f"127.0.0.1:{port}", PROCESSES, rank)
    half, third = EXAMPLES // 2, EXAMPLES // 3
    return {
        "halves": replicated(PLAIN, rank, half), "unequal parts": replicated(PLAIN, rank, third),
        "halves with batchnorm": replicated(NORMED, rank, half),
    }  # fmt: skip


def replicated(network: Layer, rank: int, cut: int) -> dict[str, Any]:
    """The first gradient, averaged over processes, beside that of the whole batch; and the weights after updates."""
    rng = np.random.default_rng(0)
    x, y, loss = rng.normal(size=(EXAMPLES, 5)), np.arange(EXAMPLES) % 3, CrossEntropy()
    params, state = initialize(network, (5,), jax.random.key(0), jnp.float64)
    rule = SGD(0.1, momentum=0.9).transformation()

    @jax.jit
    def gradient(params: Any, x: Any, y: Any) -> Any:
        return jax.grad(lambda p: loss(apply(network, p, x, state, Context("train"))[0], y))(params)

    mine, memory, apart = slice(cut) if rank == 0 else slice(cut, None), rule.init(params), []
    for _ in range(UPDATES):
        parts = process_allgather(gradient(params, x[mine], y[mine]))
        averaged = jax.tree.map(lambda part: jnp.asarray(part).mean(axis=0), parts)
        apart.append(largest(averaged, gradient(params, x, y)))
        changes, memory = rule.update(averaged, memory, params)
        params = apply_updates(params, changes)
    held = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(params))
    return {"apart": max(apart), "weights": hashlib.sha256(held).hexdigest()}


def devices() -> Found:
    """A network on two devices, by layers or by weights, beside one device; and what is refused."""
    try:
        Mesh(2 * DEVICES).on_devices()
        refused = 0.0
    except HeadwayError:
        refused = 1.0
    return {"layers": shared_out(), "weights": divided(), "more than there are": {"refused": refused}}


def shared_out() -> dict[str, Any]:
    """The first half of the layers on one device, the second on the other; what is between goes across."""
    x = jax.random.normal(jax.random.key(1), (8, 64))
    params, _ = initialize(DEEP, (64,), jax.random.key(0))
    cut = len(DEEP.layers) // 2
    halves = [(Sequential(DEEP.layers[:cut]), 0), (Sequential(DEEP.layers[cut:]), cut)]
    h, held = x, []
    for (part, first), device in zip(halves, jax.devices(), strict=True):
        own = {str(k): params[str(first + k)] for k in range(cut) if str(first + k) in params}
        own, h = jax.device_put((own, h), device)
        h = jax.jit(apply, static_argnums=0)(part, own, h)[0]
        held.append(sum(leaf.nbytes for leaf in jax.tree.leaves(own)))
    expected = jax.jit(apply, static_argnums=0)(DEEP, params, x)[0]
    return {"apart": float(np.abs(np.asarray(h) - np.asarray(expected)).max()), "share": max(held) / sum(held)}


def divided() -> dict[str, Any]:
    """Every matrix of a transformer divided between both devices."""
    tokens = jnp.asarray(np.random.default_rng(0).integers(0, 64, (8, 12)))
    found = []
    for mesh in (None, Mesh(tensor=DEVICES)):
        update = Update(TEXT, loss=CrossEntropy(), optimizer=SGD(0.1), clip=None, batch_size=8, seed=0, mesh=mesh)
        params = initial_state(update, (12,))["params"]
        here = (leaf.addressable_shards[0].data.nbytes for leaf in jax.tree.leaves(params))
        found.append((np.asarray(jax.jit(lambda p: apply(TEXT, p, tokens)[0])(params)), sum(here)))
    (expected, whole), (y, part) = found
    return {"apart": float(np.abs(y - expected).max()), "share": part / whole}


def largest(a: Any, b: Any) -> float:
    """The largest difference of two trees."""
    return max(float(jnp.abs(x - y).max()) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def ask(*works: tuple[str, ...], devices: int = 1) -> list[Found]:
    """What processes with these words find, all at work at once."""
    words = [sys.executable, "-m", "headway.claims.workers"]
    started = [subprocess.Popen([*words, *work], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=os.environ | virtual(devices)) for work in works]  # fmt: skip
    try:
        said = [process.communicate(timeout=PATIENCE) for process in started]
    finally:
        for process in started:
            process.kill()
    for process, (_, errors) in zip(started, said, strict=True):
        if process.returncode:
            raise HeadwayError("workers", "every process must end well", process.returncode, errors[-2000:])
    # Gloo says on the same stream that its processes are connected.
    return [json.loads(found.splitlines()[-1]) for found, _ in said]


if __name__ == "__main__":
    print(json.dumps(devices() if sys.argv[1] == "devices" else replica(int(sys.argv[2]), int(sys.argv[3]))))
