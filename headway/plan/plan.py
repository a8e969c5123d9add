"""A plan: what an update will need of every device of a mesh, traced in a second, or compiled in some more."""

from dataclasses import dataclass, replace
from typing import Any

import jax

from headway.data.dataset import Dataset
from headway.plan.collectives import Collective
from headway.plan.compiled import Compiled, TooLargeError, compiled
from headway.plan.devices import Device
from headway.plan.expected import expected
from headway.plan.held import Held, held, totals
from headway.plan.links import as_scattered, least_seconds
from headway.plan.operations import operations
from headway.plan.vendor import expect_compiler
from headway.scale.mesh import Mesh
from headway.scale.precision import Float32
from headway.training.job import Job, prepare
from headway.training.memory import Taken, remembered
from headway.training.recipe import Recipe
from headway.training.residuals import kept_arrays
from headway.training.step import batch, first_shapes, update_once

MARGIN = 0.10
"""What a device should have free beside what is planned, for what no compiler tells: the runtime, fragmentation."""


@dataclass(frozen=True)
class Traced:
    """An update as tracing alone tells it, the same on every mesh.

    activations   bytes that the forward pass of a micro-batch keeps for its backward pass, on all devices together
    operations    products of matrices and convolutions
    """

    job: Job
    activations: int
    operations: int

    def on(self, mesh: Mesh, device: Device | None, arrays: tuple[Held, ...] | None = None) -> "Plan":
        """The plan for a mesh, of which the arrays may be known; a mesh that `expect_mesh` refuses is refused."""
        arrays = tuple(held(self.job, mesh)) if arrays is None else arrays
        return Plan(self.job.recipe, mesh, device, arrays, self.activations // mesh.parts, self.operations,
                    expected(self.job, mesh, arrays), None)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What one update takes.

    arrays        the training state and the gradients on one device, exact
    activations   bytes that one device keeps from its forward pass for its backward pass, if the examples are all that
                  divides them; the compiler's figure stands in `made`
    operations    of all devices together, products of matrices and convolutions
    expected      collectives by a formula: those of the compiled program stand in `made`
    made          what the compiler says; None where it was not asked, or refused
    taken         what runs on this kind of device took before, and what the compiler had said of them
    refused       why the compiler refused, where the program does not fit a device
    """

    recipe: Recipe
    mesh: Mesh
    device: Device | None
    arrays: tuple[Held, ...]
    activations: int
    operations: int
    expected: tuple[Collective, ...]
    made: Compiled | None
    taken: tuple[Taken, ...] = ()
    refused: str = ""

    @property
    def state(self) -> int:
        """Bytes of the training state on one device, without gradients."""
        return sum(one.bytes for one in self.arrays if one.part != "gradients")

    @property
    def states(self) -> int:
        """Bytes of the state that are held at once: one device alone holds that before an update too."""
        return self.state * (2 if self.mesh.devices == 1 else 1)

    @property
    def peak(self) -> int:
        """Bytes that one device needs: what the compiler says, or state, gradients and activations."""
        if self.made is not None:
            return self.made.peak + (self.made.scratch if self.device is None else 0)
        return self.states + totals(self.arrays)["gradients"][0] + self.activations

    @property
    def fits(self) -> bool | None:
        """Whether the device has that, and a tenth more; None where no device is named."""
        if self.refused:
            return False
        return None if self.device is None else self.peak * (1 + MARGIN) <= self.device.memory

    @property
    def collectives(self) -> tuple[Collective, ...]:
        """Those of the compiled program, a CPU's as compilers for accelerators would have them; else those expected."""
        if self.made is None:
            return self.expected
        own = self.made.device == "cpu" and any(side == "fsdp" for _, side in self.mesh.strategy.gradients)
        return as_scattered(self.made.collectives, self.mesh.sizes) if own else self.made.collectives

    @property
    def seconds(self) -> dict[str, float]:
        """Lower bounds of the time of an update: of its operations, of reading its state, of its collectives; the last
        an estimate where no program was compiled.
        """
        if self.device is None:
            return {}
        rate = self.device.operations / (2 if isinstance(self.recipe.precision, Float32) else 1)
        return {
            "operations": self.operations / self.mesh.devices / rate,
            "memory": 2 * self.state / self.device.bandwidth,
            "collectives": least_seconds(self.collectives, self.mesh.sizes, self.device),
        }


def plan(
    recipe: Recipe, mesh: Mesh, device: Device | None = None, *, compile: bool = True, vendor: bool = False
) -> Plan:
    """Trace the recipe's own update for this mesh, of which no device need be here; unless told not to, compile it too.

    By the compiler of a CPU, or by that of the device's vendor, which is to be installed. A batch that does not divide,
    and a side of the mesh that divides nothing, are refused.
    """
    if vendor:
        expect_compiler(device, mesh.devices)
    taken = tuple(remembered(device.reported if device else "cpu"))
    found = replace(traced(recipe).on(mesh, device), taken=taken)
    return with_compiled(found, vendor=vendor) if compile else found


def traced(recipe: Recipe, data: Dataset | None = None) -> Traced:
    """Trace the recipe's own update; nothing is compiled, nothing allocated."""
    job = prepare(recipe, data, anyway=True)
    return Traced(job, sum(one.bytes for one in kept_arrays(job)), operations_of(job))


def with_compiled(found: Plan, *, vendor: bool = False) -> Plan:
    """The plan with what a compiler says of it: that of a CPU, or that of the device's vendor."""
    try:
        return replace(found, made=compiled(found.recipe, found.mesh, found.device if vendor else None))
    except TooLargeError as error:
        return replace(found, refused=str(error.got))


def operations_of(job: Job) -> int:
    """Floating-point operations of one update, of its products of matrices and its convolutions."""
    drawn: Any = jax.eval_shape(lambda: batch(job, 0))
    return operations(lambda state, drawn: update_once(job.update, state, drawn), first_shapes(job), drawn)
