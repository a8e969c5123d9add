"""A mesh: several devices as a grid, batches divided along some of its sides and arrays along others."""

import functools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import KW_ONLY
from typing import Annotated, get_args

import jax
from jax.sharding import AxisType
from pydantic import Field

from headway.scale.strategy import ZERO_3, Side, Strategy
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, spec

Positive = Annotated[int, Field(ge=1)]
AXES: tuple[str, ...] = get_args(Side)
"""The sides of the grid; devices that are neighbours along the last are neighbours in the list of devices."""
EXAMPLES = ("data", "fsdp")
"""The sides along which batches are divided."""
DEVICES: ContextVar[Sequence[jax.Device] | None] = ContextVar("devices", default=None)
"""What meshes are made of where it is not the devices there are."""


@spec
class Mesh(Spec):
    """stage × data × fsdp × context × tensor devices, and a strategy: what is divided along which of these sides.

    Each batch is divided in data × fsdp parts (Dean et al. 2012), what training keeps also in `fsdp` (Rajbhandari et
    al. 2020, *ZeRO*), sequences in `context` (Jacobs et al. 2023), layers in `tensor` (Shoeybi et al. 2019), and
    the copies of repeated blocks in `stage` (Huang et al. 2019, *GPipe*): a batch goes through the stages in
    `parts_in_flight` parts, so that all of them have something to do. It decides where a run is computed, not what:
    losses, gradients and weights are those of one device, to rounding.
    """

    data: Positive = 1
    _: KW_ONLY
    fsdp: Positive = 1
    context: Positive = 1
    tensor: Positive = 1
    stage: Positive = 1
    parts_in_flight: Positive = 1
    strategy: Strategy = ZERO_3

    @property
    def sizes(self) -> dict[str, int]:
        """Side → how many devices lie along it."""
        return {axis: getattr(self, axis) for axis in AXES}

    @property
    def devices(self) -> int:
        return math.prod(self.sizes.values())

    @property
    def parts(self) -> int:
        """In how many parts a batch is divided."""
        return math.prod(self.sizes[axis] for axis in EXAMPLES)

    @property
    def divides_time(self) -> bool:
        """Whether it divides the places of sequences."""
        return any(name == "time" and self.sizes[side] > 1 for name, side in self.strategy.activations)

    def on_devices(self) -> jax.sharding.Mesh:
        """The first devices there are, of all processes, in this grid; inside `made_of` the first of those."""
        devices = tuple(DEVICES.get() or jax.devices())
        if len(devices) < self.devices:
            fix = f"XLA_FLAGS=--xla_force_host_platform_device_count={self.devices}"
            raise HeadwayError("mesh", f"needs {self.devices} devices, {' × '.join(AXES)}", len(devices),
                               f"Make it smaller; or, to try it on a CPU, set {fix} before the start.")  # fmt: skip
        return _grid(tuple(self.sizes.values()), devices[: self.devices])

    def expect(self, batch_size: int, accumulate: int) -> None:
        """Refuse a batch, or micro-batch, that does not fall into parts of one size."""
        size, parts = batch_size // accumulate, self.parts * self.parts_in_flight
        if size % parts:
            what = "batch" if accumulate == 1 else "micro-batch"
            where = "mesh/data" if self.fsdp * self.parts_in_flight == 1 else "mesh"
            sides = " × ".join((*EXAMPLES, *(["parts_in_flight"] if self.parts_in_flight > 1 else [])))
            raise HeadwayError(where, f"{sides} must divide the {size} examples of a {what}", parts,
                               f"Set batch_size to a multiple of {parts * accumulate}.")  # fmt: skip


@contextmanager
def made_of(devices: Sequence[jax.Device]) -> Iterator[None]:
    """Inside, meshes are made of these devices: of such as are not here, a program can be compiled, and not run."""
    before = DEVICES.set(devices)
    try:
        yield
    finally:
        DEVICES.reset(before)


@functools.cache
def _grid(sizes: tuple[int, ...], devices: tuple[jax.Device, ...]) -> jax.sharding.Mesh:
    # Auto: XLA finds out how the values between are divided, from how parameters and batches are.
    kinds = (AxisType.Auto,) * len(sizes)
    return jax.make_mesh(sizes, AXES, kinds, devices=devices)
