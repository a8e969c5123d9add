"""Whole runs on 8 virtual devices and on one, side by side: a process of its own, which prints what came out as JSON.

Its one argument is a folder: the runs of `RECIPE` on `MESH` are left there, whole, and stopped amid its epochs.
"""

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"

import jax
import numpy as np

from headway.data.dataset import arrays
from headway.learning.averaging import EMA
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.scale.precision import BFloat16, Float16
from headway.signals.probe import Watch
from headway.training.callbacks import Advanced
from headway.training.recipe import Evaluation, Recipe
from headway.training.replay import replay
from headway.training.run import Run
from headway.training.train import resume, train
from tests.drills import apart
from tests.scale.test_mesh_runs import MESH, RECIPE, measured
from tests.training.test_resume import assert_bit_equal

RNG = np.random.default_rng(0)
AMOUNTS = arrays(RNG.normal(size=(48, 5)).astype(np.float32), np.arange(48) % 3, validation=None, test=None)
# Not Adam: see docs/decisions/0012-a-mesh.md.
MLP = Recipe(Sequential((Dense(12), ReLU(), Dense(3))), loss=CrossEntropy(), optimizer=SGD(0.1, momentum=0.9),
             clip=ClipByNorm(0.5), batch_size=16, length=5, evaluation=Evaluation(5))  # fmt: skip
VARIANTS = {
    "bfloat16": replace(MLP, precision=BFloat16(), watch=None),
    "float16": replace(MLP, precision=Float16(2.0**10), watch=None),
    "accumulated": replace(MLP, accumulate=2, watch=Watch(2)),
    "averaged": replace(MLP, network=Sequential((Dense(12), BatchNorm(), ReLU(), Dense(3))), average=EMA(0.5),
                        watch=Watch(2)),
}  # fmt: skip


def differences(a: Run, b: Run) -> dict[str, float]:
    """How far two runs are apart, part by part."""
    return {
        "history": apart(a.history.columns(), b.history.columns()),
        "evaluations": apart(measured(a), measured(b)),
        "weights": apart((a.values, a.final), (b.values, b.final)),
        "signals": apart(a.history.signals.columns(), b.history.signals.columns()),
    }


def compared(recipe: Recipe) -> dict[str, float]:
    """What a few updates come to on one device and on a mesh."""
    one, many = (train(recipe, data=AMOUNTS, mesh=mesh) for mesh in (None, MESH))
    samples = np.abs(one.history.signals.values)
    return differences(one, many) | {"updates": one.standing.step, "signal": float(samples.sum())}


def spoiled() -> dict[str, object]:
    """A run that comes to numbers that are not finite amid a chunk, on one device and on a mesh: what each keeps."""
    recipe = replace(MLP, optimizer=SGD(1e18), clip=None, length=40, watch=None)
    one, many = (train(recipe, data=AMOUNTS, mesh=mesh) for mesh in (None, MESH))
    pairs = zip(jax.tree.leaves(one.final), jax.tree.leaves(many.final), strict=True)
    relative = [float(np.max(np.abs(a - b) / np.maximum(np.abs(a).max(), 1e-30))) for a, b in pairs]
    return {"steps": [run.standing.step for run in (one, many)], "reasons": [one.standing.reason, many.standing.reason],
            "messages": [one.standing.message, many.standing.message], "relative": max(relative)}  # fmt: skip


def stop(event) -> None:
    if isinstance(event, Advanced):
        signal.raise_signal(signal.SIGINT)


def stored(folder: Path) -> dict[str, object]:
    """A run on the mesh, one stopped at every turn and resumed there, and one that is left stopped."""
    whole = train(RECIPE, out=folder / "whole", mesh=MESH)
    run, stops = train(RECIPE, out=folder / "parts", mesh=MESH, callbacks=(stop,)), [0]
    while run.standing.reason != "finished":
        stops.append(run.standing.step)
        run = resume(folder / "parts", mesh=MESH, callbacks=(stop,) if len(stops) < 4 else ())
    assert_bit_equal(whole, run)
    train(RECIPE, out=folder / "stopped", mesh=MESH, callbacks=(stop,))
    (again,) = replay(RECIPE, [whole.standing.step])
    devices = [len(leaf.sharding.device_set) for leaf in jax.tree.leaves((run.values, again))]
    return {"stops": stops, "devices": sorted(set(devices)), "replayed": apart(again, whole.final)}


if __name__ == "__main__":
    came = {name: compared(recipe) for name, recipe in VARIANTS.items()}
    whole, parts = (train(replace(VARIANTS["averaged"], accumulate=count), data=AMOUNTS) for count in (1, 4))
    came["normalized in parts"] = differences(whole, parts)
    came["spoiled"] = spoiled()
    print(json.dumps(came | {"stored": stored(Path(sys.argv[1]))}))
