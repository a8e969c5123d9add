"""A mesh: several devices of one process as a grid; batches are divided along one side, weights along the other."""

import functools
from dataclasses import KW_ONLY
from typing import Annotated

import jax
from jax.sharding import AxisType
from pydantic import Field

from headway.spec.error import HeadwayError
from headway.spec.node import Spec, spec

Positive = Annotated[int, Field(ge=1)]


@spec
class Mesh(Spec):
    """data × tensor devices: each batch in `data` parts (Dean et al. 2012), weights in `tensor` (Shoeybi et al. 2019).

    It decides where a run is computed, not what: losses, gradients and weights are those of one device, to rounding.
    """

    data: Positive = 1
    _: KW_ONLY
    tensor: Positive = 1

    @property
    def devices(self) -> int:
        return self.data * self.tensor

    def on_devices(self) -> jax.sharding.Mesh:
        """The first devices there are, in this grid."""
        if len(jax.devices()) < self.devices:
            fix = f"XLA_FLAGS=--xla_force_host_platform_device_count={self.devices}"
            raise HeadwayError("mesh", f"needs {self.devices} devices, data × tensor", len(jax.devices()),
                               f"Make it smaller; or, to try it on a CPU, set {fix} before the start.")  # fmt: skip
        return _grid(self.data, self.tensor)

    def expect(self, batch_size: int, accumulate: int) -> None:
        """Refuse a batch, or micro-batch, that does not fall into `data` parts of one size."""
        self.on_devices()
        size = batch_size // accumulate
        if size % self.data:
            what = "batch" if accumulate == 1 else "micro-batch"
            raise HeadwayError("mesh/data", f"must divide the {size} examples of a {what}", self.data,
                               f"Set batch_size to a multiple of {self.data * accumulate}.")  # fmt: skip


@functools.cache
def _grid(data: int, tensor: int) -> jax.sharding.Mesh:
    # Auto: XLA finds out how the values between are divided, from how parameters and batches are.
    kinds = (AxisType.Auto, AxisType.Auto)
    return jax.make_mesh((data, tensor), ("data", "tensor"), kinds, devices=jax.devices()[: data * tensor])
