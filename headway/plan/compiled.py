"""The trainer's program compiled for a mesh of virtual devices, in a process of its own: what that says it takes.

It is the program that a run runs, with its shardings; the compiler is that of a CPU. In float32 that is close to what
the compilers of accelerators make of it; in 16 bits it is more, since a CPU computes these in 32.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import headway.spec.json as spec_json
from headway.plan.collectives import Collective, collectives
from headway.scale.local import virtual
from headway.scale.mesh import Mesh
from headway.spec.error import HeadwayError
from headway.training.recipe import Recipe

LIMIT = 1800.0
"""Seconds that a compilation may take."""


@dataclass(frozen=True)
class Compiled:
    """The trainer's chunk of updates on one device, in bytes: arguments (state, data set), and results.

    shared        what of the results lies in the arguments' places: nothing, since a chunk leaves its snapshot as it is
    temporary     beside arguments and results, at its peak
    collectives   what devices say to each other in one update
    warnings      what the compiler wrote while it worked
    seconds       of tracing, lowering and compiling
    """

    arguments: int
    results: int
    shared: int
    temporary: int
    collectives: tuple[Collective, ...]
    warnings: tuple[str, ...]
    seconds: float

    @property
    def peak(self) -> int:
        """Arguments, results that lie elsewhere, and temporaries: an upper bound of what is held at once."""
        return self.arguments + self.results - self.shared + self.temporary


def compiled(recipe: Recipe, mesh: Mesh) -> Compiled:
    """Compile the recipe's update for this mesh. Needs no such devices, and no more memory than the compiler itself."""
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "asked.json", Path(folder) / "told.json"
        asked.write_text(json.dumps([spec_json.to_dict(recipe), spec_json.to_dict(mesh)]))
        words = [sys.executable, "-m", "headway.plan.compiled", str(asked), str(told)]
        done = subprocess.run(words, env=os.environ | virtual(mesh.devices), text=True, capture_output=True,
                              timeout=LIMIT)  # fmt: skip
        if done.returncode or not told.exists():
            raise HeadwayError("plan", "must be compiled", (done.stderr.strip().splitlines() or ["nothing"])[-1],
                               "See what `headway show --mesh` says of it.")  # fmt: skip
        found = json.loads(told.read_text())
    found["collectives"] = tuple(Collective(**one | {"sides": one["sides"] and tuple(one["sides"])})
                                 for one in found["collectives"])  # fmt: skip
    said = tuple(line for line in done.stderr.splitlines() if "warning" in line.lower() or "SPMD" in line)
    return Compiled(warnings=said, **found)


def here(recipe: Recipe, mesh: Mesh) -> dict[str, Any]:
    """The same in this process, which has the devices; nothing is allocated.

    Without signals: a watched update is a second form of the same in the program.
    """
    import jax

    from headway.scale.sharding import like_everywhere, shardings
    from headway.spec.numbers import split
    from headway.training.chunk import run_chunk
    from headway.training.job import prepare
    from headway.training.step import first_shapes

    began = time.monotonic()
    job = prepare(replace(recipe, watch=None), anyway=True, mesh=mesh)
    shape: Any = jax.ShapeDtypeStruct
    state = first_shapes(job)
    laid = shardings(state, job.update.network.declare(job.dataset.input_shape), mesh)
    state = jax.tree.map(lambda leaf, sharding: shape(leaf.shape, leaf.dtype, sharding=sharding), state, laid)
    structure, numbers = split(job.update)
    examples = like_everywhere(job.dataset.train.arrays, mesh)
    made: Any = run_chunk.lower(structure, numbers, state, examples, (0, 0), 1).compile()
    memory = made.memory_analysis()
    return {
        "arguments": memory.argument_size_in_bytes, "results": memory.output_size_in_bytes,
        "shared": memory.alias_size_in_bytes, "temporary": memory.temp_size_in_bytes,
        "collectives": [asdict(one) for one in collectives(made.as_text(), mesh.sizes)],
        "seconds": time.monotonic() - began,
    }  # fmt: skip


if __name__ == "__main__":
    recipe, mesh = (spec_json.from_dict(one) for one in json.loads(Path(sys.argv[1]).read_text()))
    assert isinstance(recipe, Recipe)
    assert isinstance(mesh, Mesh)
    Path(sys.argv[2]).write_text(json.dumps(here(recipe, mesh)))
