"""The trainer's program compiled for a mesh of devices that are not here, in a process of its own: what that takes.

It is the program that a run runs, with its shardings. The compiler is that of a CPU, for virtual devices: in float32
its program is close to those for accelerators, in 16 bits it is larger, since a CPU computes these in 32. Or it is the
compiler of the devices' vendor.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import headway.spec.json as spec_json
from headway.plan.collectives import Collective, collectives
from headway.plan.devices import DEVICES, Device
from headway.plan.vendor import APART, devices_of, expect_compiler, too_large
from headway.scale.local import virtual
from headway.scale.mesh import Mesh, made_of
from headway.spec.error import HeadwayError
from headway.training.recipe import Recipe

LIMIT = 1800.0
"""Seconds that a compilation may take."""
WARNING = re.compile(r"warning|SPMD|^[WE]\d{4} ", re.IGNORECASE)
"""What in a line says that the compiler has something to say."""


class TooLargeError(HeadwayError):
    """The compiler's word that the program does not fit a device."""


@dataclass(frozen=True)
class Compiled:
    """The trainer's chunk of updates on one device, in bytes: arguments (state, data set), and results.

    device        for which kind it was compiled, in its vendor's words
    shared        what of the results lies in the arguments' places: on a mesh the state; on one device nothing, where a
                  chunk leaves the state before it as it is
    temporary     beside arguments and results, at its peak
    collectives   what devices say to each other in one update
    warnings      what the compiler wrote while it worked
    seconds       of tracing, lowering and compiling
    scratch       what the libraries of a CPU take beside that; of other devices nobody says it
    most          what is held at once, where the compiler says it: a TPU's does not count all of it as temporary
    """

    device: str
    arguments: int
    results: int
    shared: int
    temporary: int
    collectives: tuple[Collective, ...]
    warnings: tuple[str, ...]
    seconds: float
    scratch: int = 0
    most: int | None = None

    @property
    def peak(self) -> int:
        """Arguments, results that lie elsewhere, and temporaries, as a GPU sets them aside; no less than `most`."""
        return max(self.most or 0, self.arguments + self.results - self.shared + self.temporary)


def compiled(recipe: Recipe, mesh: Mesh, vendor: Device | None = None) -> Compiled:
    """Compile the recipe's update for this mesh: of virtual devices of a CPU, or of `vendor` by its own compiler.

    Needs no such devices, and no more memory than the compiler itself.
    """
    if vendor is not None:
        expect_compiler(vendor, mesh.devices)
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "asked.json", Path(folder) / "told.json"
        asked.write_text(json.dumps([spec_json.to_dict(recipe), spec_json.to_dict(mesh), vendor and vendor.name]))
        words = [sys.executable, "-m", "headway.plan.compiled", str(asked), str(told)]
        own = virtual(mesh.devices) if vendor is None else virtual(1) | APART
        done = subprocess.run(words, env=os.environ | own, text=True, capture_output=True, timeout=LIMIT)
        if done.returncode or not told.exists():
            raise HeadwayError("plan", "must be compiled", (done.stderr.strip().splitlines() or ["nothing"])[-1],
                               "See what `headway show --mesh` says of it.")  # fmt: skip
        found = json.loads(told.read_text())
    if "refused" in found:
        raise TooLargeError("plan", "must fit a device", found["refused"])
    found["collectives"] = tuple(Collective(**one | {"sides": one["sides"] and tuple(one["sides"])})
                                 for one in found["collectives"])  # fmt: skip
    return Compiled(warnings=tuple(filter(WARNING.search, done.stderr.splitlines())), **found)


def here(recipe: Recipe, mesh: Mesh) -> dict[str, Any]:
    """The same in this process, which has the devices; nothing is allocated.

    Without signals: a watched update is a second form of the same in the program.
    """
    import jax

    from headway.scale.sharding import like_everywhere, shardings
    from headway.training.chunk import lowered
    from headway.training.job import prepare
    from headway.training.scratch import scratch
    from headway.training.step import first_shapes

    began, device = time.monotonic(), mesh.on_devices().devices.flat[0]
    alone = mesh.devices == 1 and device.platform == "cpu"  # a run on one device has no mesh, and another program
    job = prepare(replace(recipe, watch=None), anyway=True, mesh=None if alone else mesh)
    shape: Any = jax.ShapeDtypeStruct
    state, examples = first_shapes(job), like_everywhere(job.dataset.train.arrays, mesh)
    if not alone:
        laid = shardings(state, job.update.network.declare(job.dataset.input_shape), mesh)
        state = jax.tree.map(lambda leaf, sharding: shape(leaf.shape, leaf.dtype, sharding=sharding), state, laid)
    program = lowered(job, state, examples)
    try:
        made: Any = program.compile()
    except jax.errors.JaxRuntimeError as error:
        if too_large(error):
            return {"refused": str(error).partition("\n")[0]}
        raise
    memory, text, on_cpu = made.memory_analysis(), made.as_text(), device.platform == "cpu"
    return {
        "device": device.device_kind,
        "scratch": scratch(text) if on_cpu else 0,
        "arguments": memory.argument_size_in_bytes, "results": memory.output_size_in_bytes,
        "shared": memory.alias_size_in_bytes, "temporary": memory.temp_size_in_bytes,
        "collectives": [asdict(one) for one in collectives(text, mesh.sizes)],
        "seconds": time.monotonic() - began,
        "most": None if on_cpu else memory.peak_memory_in_bytes,
    }  # fmt: skip


def main(asked: Path, told: Path) -> None:
    """In the process of its own: compile what was asked for, and tell."""
    *specs, vendor = json.loads(asked.read_text())
    recipe, mesh = map(spec_json.from_dict, specs)
    assert isinstance(recipe, Recipe)
    assert isinstance(mesh, Mesh)
    with made_of(devices_of(DEVICES[vendor], mesh.devices)) if vendor else nullcontext():
        told.write_text(json.dumps(here(recipe, mesh)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
