"""What a layer may know beside its parameters and input: mode, random keys, and who looks at its output."""

import dataclasses
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from headway.network.recompute import Recompute
from headway.spec.error import HeadwayError, join_address


@runtime_checkable
class ScanningTap(Protocol):
    """A tap that sees every turn of a scan over the copies of a repeated layer."""

    def __call__(self, address: str, value: jax.Array) -> jax.Array: ...

    def scan(self, turn: "Turn", x: jax.Array, copies: Any, loop: "Loop", address: str) -> tuple[jax.Array, Any]:
        """The loop of `turn` from x over the copies of the repeated layer at `address`."""


UNROLLED = 4
"""How many copies stand in a turn of a loop; with recompute it is one, since a scan alone saves memory.

XLA on CPU is faster where no loop carries what the backward pass needs: see docs/log.md.
"""
Tap = Callable[[str, jax.Array], jax.Array]
"""Called with the address and the output of every layer; returns the output to go on with."""
Turn = Callable[[Tap, jax.Array, Any], tuple[jax.Array, Any]]
"""One copy of a repeated layer: a tap, x, and what is the copy's own → y, and the copy's new state."""


@dataclass(frozen=True)
class Loop:
    """A scan over so many copies of a layer, each computed again in the backward pass where `recompute` is given."""

    times: int
    recompute: Recompute | None = None

    def __call__(self, copy: Callable[..., Any], x: jax.Array, copies: Any) -> tuple[jax.Array, Any]:
        """`jax.lax.scan` of `copy` from x over what is each copy's own."""
        if self.recompute is not None:
            return jax.lax.scan(self.recompute.around(copy), x, copies, self.times)
        return jax.lax.scan(copy, x, copies, self.times, unroll=min(self.times, UNROLLED))


Scan = Callable[[Turn, jax.Array, Any, Loop, str], tuple[jax.Array, Any]]
"""A `Loop` of a `Turn` from x over the copies of the repeated layer at an address."""


@dataclass(frozen=True)
class Context:
    """What a layer may know beside its parameters and input. Built by the framework, only read by layers.

    mode        "train" or "eval": dropout and batch statistics differ.
    keys        one random key per example of the batch, a function of (seed, epoch, place): see `example_keys`.
    tap         called with (address, output) of every layer; returns the output to go on with. One that is a
                `ScanningTap` sees the copies of a repeated layer inside their scan; for others they are run one by one.
    computes    the dtype in which the layer at an address computes; None: that of what it is given.
    salts       address → the number that makes a layer's keys its own.
    recompute   what the backward pass computes again in the copies of a repeated layer; None: nothing.
    lay         called with an activation [examples, …] and the names of its further dimensions; lays it out on a mesh.
    staged      runs the copies of a repeated layer in stages on a mesh; None: one copy after the other.
    flattens    whether products may see [batch, time, …] as rows: XLA on CPU is faster so, but where a mesh divides the
                time it would have to gather it.
    mask        [batch, time], False where a sequence is padding; None: nowhere. `Masked` sets it for what is inside.
    """

    mode: Literal["train", "eval"] = "eval"
    keys: jax.Array | None = None
    tap: Tap = lambda address, value: value
    computes: Callable[[str], Any] | None = None
    address: str = ""
    salts: Mapping[str, Any] = field(default_factory=dict)
    recompute: Recompute | None = None
    lay: Callable[..., jax.Array] = lambda value, *names: value
    staged: Callable[..., jax.Array] | None = None
    flattens: bool = True
    mask: jax.Array | None = None

    def mask_of(self, x: jax.Array) -> jax.Array | None:
        """The mask for a sequence x [batch, time, …]; one of another length cannot be meant for it."""
        if self.mask is not None and self.mask.shape != x.shape[:2]:
            raise HeadwayError(self.address, f"the mask is for sequences {self.mask.shape}, (batch, time)",
                               f"shape {x.shape}", "End Masked(…) before the layer that changes the time.")  # fmt: skip
        return self.mask

    def rows(self, x: jax.Array) -> jax.Array:
        """x [batch, …, features] as rows [n, features] for a product with a matrix, where it may be."""
        return x.reshape(-1, x.shape[-1]) if self.flattens else x

    def at(self, key: str) -> "Context":
        """The context of the child at segment `key`."""
        return dataclasses.replace(self, address=join_address(self.address, key))

    def cast(self, value: jax.Array) -> jax.Array:
        """The value in the dtype in which this layer computes; whole numbers stay what they are."""
        if self.computes is None or not jnp.issubdtype(value.dtype, jnp.floating):
            return value
        return value.astype(self.computes(self.address))

    def kept(self, kind: str, y: jax.Array) -> jax.Array:
        """The output of this layer, of such a kind, named where the backward pass is not to compute it again."""
        if self.recompute is None or not self.recompute.keeps(self.address, kind):
            return y
        return self.recompute.named(y)

    def example_keys(self) -> jax.Array:
        """One random key per example for this layer: the same whatever the batch or device it falls on."""
        if self.keys is None:
            raise HeadwayError(self.address, "this layer draws random numbers in training", "no keys", "Pass keys=.")
        return jax.vmap(lambda key: jax.random.fold_in(key, self.salts[self.address]))(self.keys)


def salt(place: str) -> int:
    """A fixed 32-bit number for a name, to fold into a random key."""
    return zlib.crc32(place.encode())
