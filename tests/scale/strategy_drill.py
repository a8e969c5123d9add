"""Ten updates by every strategy on 8 virtual devices and on one: a process of its own, which prints JSON."""

import json
import os
import re
from collections import Counter
from dataclasses import replace
from typing import Any

os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"

import jax
import numpy as np

from headway.learning.optimizers.adaptive import AdamW
from headway.plan.held import held, totals
from headway.scale.mesh import Mesh
from headway.spec.numbers import split
from headway.training.chunk import run_chunk
from headway.training.job import Job, prepare
from headway.training.step import initial_state
from tests.drills import apart
from tests.scale.test_strategy import CHANGES, DATA, MESHES, RECIPE

UPDATES = 10
COLLECTIVE = re.compile(r"= .*? (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(?:-start)?\(.*")


def ran(job: Job) -> tuple[Any, Any, np.ndarray, Counter[str]]:
    """The state before the first update, that after the last, what was measured, and kind → count of collectives."""
    structure, numbers = split(job.update)
    first = initial_state(job.update, DATA.input_shape)
    made = run_chunk.lower(structure, numbers, first, DATA.train.arrays, (0, 0), UPDATES).compile()
    state, (measures, _) = made(numbers, first, DATA.train.arrays, (0, 0), UPDATES)
    return first, state, np.asarray(measures)[:UPDATES], collectives(made.as_text())


def collectives(text: str) -> Counter[str]:
    """Kind → how many the text of a compiled program has; those of looking up in a table are a kind of their own."""
    found = COLLECTIVE.finditer(text)
    return Counter(f"{one[1]} of a lookup" if "_take" in one[0] else one[1] for one in found)


def compared(name: str, mesh: Mesh) -> dict[str, object]:
    """What the updates come to, what a device holds after them, and what was said of that before."""
    recipe = replace(RECIPE, **CHANGES.get(name, {}))
    one, (first, state, measures, collectives) = (ran(prepare(recipe, DATA, mesh=m)) for m in (None, mesh))
    told = totals(held(prepare(recipe, DATA), mesh))
    adam = prepare(replace(recipe, optimizer=AdamW(1e-3)), DATA, mesh=mesh)
    return {
        "initial": apart(first, one[0]),
        "losses": float(np.abs(measures[:, 0] - one[2][:, 0]).max()),
        "measures": float(np.abs(measures / one[2] - 1).max()),
        "state": apart(state, one[1]),
        "bytes": {part: on_one(tree) for part, tree in state.items() if on_one(tree)},
        "told": {part: here for part, (here, _) in told.items() if part != "gradients"},
        "adam": on_one(initial_state(adam.update, DATA.input_shape)),
        "adam told": sum(one.bytes for one in held(adam, mesh) if one.part != "gradients"),
        "collectives": collectives,
    }


def on_one(tree: object) -> int:
    """The bytes that one device holds."""
    return sum(leaf.addressable_shards[0].data.nbytes for leaf in jax.tree.leaves(tree))


if __name__ == "__main__":
    print(json.dumps({name: compared(name, mesh) for name, mesh in MESHES.items()}))
