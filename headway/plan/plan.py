"""A plan: what an update will need of every device of a mesh, traced in a second, or compiled in some more."""

from dataclasses import dataclass, replace
from typing import Any

import jax

from headway.plan.compiled import Compiled, TooLargeError, compiled
from headway.plan.devices import Device
from headway.plan.held import Held, held, totals
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
class Plan:
    """What one update takes.

    arrays        the training state and the gradients on one device, exact
    activations   bytes that one device keeps from its forward pass for its backward pass, if the examples are all that
                  divides them; the compiler's figure stands in `made`
    operations    of all devices together, products of matrices and convolutions
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
    made: Compiled | None
    taken: tuple[Taken, ...] = ()
    refused: str = ""

    @property
    def state(self) -> int:
        """Bytes of the training state on one device, without gradients."""
        return sum(one.bytes for one in self.arrays if one.part != "gradients")

    @property
    def peak(self) -> int:
        """Bytes that one device needs: what the compiler says, or state, gradients and activations."""
        if self.made is not None:
            return self.made.peak + (self.made.scratch if self.device is None else 0)
        return self.state + totals(self.arrays)["gradients"][0] + self.activations

    @property
    def fits(self) -> bool | None:
        """Whether the device has that, and a tenth more; None where no device is named."""
        if self.refused:
            return False
        return None if self.device is None else self.peak * (1 + MARGIN) <= self.device.memory

    @property
    def seconds(self) -> dict[str, float]:
        """Lower bounds of the time of an update: of its operations, of reading its state, of its collectives."""
        if self.device is None:
            return {}
        rate = self.device.operations / (2 if isinstance(self.recipe.precision, Float32) else 1)
        found = {
            "operations": self.operations / self.mesh.devices / rate,
            "memory": 2 * self.state / self.device.bandwidth,
        }
        if self.made is not None:
            near = self.mesh.devices <= self.device.neighbours
            speed = self.device.link if near else self.device.network
            found["collectives"] = sum(one.bytes for one in self.made.collectives) / speed
        return found


def plan(
    recipe: Recipe, mesh: Mesh, device: Device | None = None, *, compile: bool = True, vendor: bool = False
) -> Plan:
    """Trace the recipe's own update for this mesh, of which no device need be here; unless told not to, compile it too.

    By the compiler of a CPU, or by that of the device's vendor, which is to be installed. A batch that does not divide,
    and a side of the mesh that divides nothing, are refused.
    """
    if vendor:
        expect_compiler(device, mesh.devices)
    job = prepare(recipe, anyway=True)
    arrays = tuple(held(job, mesh))
    activations = sum(one.bytes for one in kept_arrays(job)) // mesh.parts
    taken = tuple(remembered(device.reported if device else "cpu"))
    found = Plan(recipe, mesh, device, arrays, activations, operations_of(job), None, taken)
    if not compile:
        return found
    try:
        return replace(found, made=compiled(recipe, mesh, device if vendor else None))
    except TooLargeError as error:
        return replace(found, refused=str(error.got))


def operations_of(job: Job) -> int:
    """Floating-point operations of one update, of its products of matrices and its convolutions."""
    drawn: Any = jax.eval_shape(lambda: batch(job, 0))
    return operations(lambda state, drawn: update_once(job.update, state, drawn), first_shapes(job), drawn)
