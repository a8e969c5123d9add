"""Precision: in which numbers a network computes, with weights that stay float32, and the scaling of a float16 loss."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.layer import Layer
from headway.spec.error import HeadwayError
from headway.spec.node import Count, Number, Spec, spec, walk
from headway.spec.select import match_addresses, matches

Scaling = dict[str, jax.Array]
LARGEST = 2.0**24
"""The largest loss scale: beyond it nothing is gained, and a gradient of 0 would double it for ever."""


@dataclass(frozen=True, repr=False)
class Precision(Spec):
    """What a network computes in; its parameters, their updates and the optimizer's moments are float32 in every kind.

    Weights and inputs of a layer are cast where they enter it, its output where it leaves. Statistics are float32 all
    the same: the moments of norms, the softmax of attention, losses, metrics, signals, the gradient's norm. So are the
    sums that a gradient is made of: over all rows for a bias, all places of a token, all times of a recurrent weight.
    """

    measures: ClassVar[tuple[str, ...]] = ()
    """What is measured of every update beside loss, gradient norm and learning rate."""

    def computes(self) -> Callable[[str], Any] | None:
        """The dtype by address, for a `Context`; None casts nothing."""
        raise NotImplementedError

    def expect(self, network: Layer) -> None:
        """Refuse a pattern of exceptions that matches no layer of the network."""


@spec
class Float32(Precision):
    """All in float32, or in the dtype of the parameters and inputs: nothing is cast."""

    def computes(self) -> None:
        return None


@spec
class BFloat16(Precision):
    """Compute in bfloat16: the range of float32 with 8 significant bits, so that no gradient underflows.

    exceptions   patterns of addresses of layers that compute in float32, with all that is inside them
    """

    _: KW_ONLY
    exceptions: tuple[str, ...] = ()

    def computes(self) -> Callable[[str], Any]:
        return functools.partial(dtype_at, self.exceptions, jnp.bfloat16)

    def expect(self, network: Layer) -> None:
        expect_layers(self.exceptions, network)


@spec
class Float16(Precision):
    """Compute in float16 on a scaled loss: below 6e-8 a gradient would be 0 (Micikevicius et al. 2018, section 3.2).

    The scale S stands at the loss alone; the loss that is measured, gradients, their norm and clipping know nothing of
    it. An update whose loss or gradients are not finite is skipped, and all but S stays as it was:
        finite       after `patience` such updates in a row S ← min(2 S, 2^24)
        not finite   S ← max(S / 2, smallest), and the update counts as `skipped`
    At the smallest scale nothing is skipped any more: training stops there. A power of 2 scales without rounding.

    scale        the first S
    exceptions   patterns of addresses of layers that compute in float32, with all that is inside them
    """

    measures: ClassVar[tuple[str, ...]] = ("loss_scale", "skipped")

    scale: Annotated[Number, Field(gt=0, le=LARGEST)] = 2.0**15
    _: KW_ONLY
    patience: Annotated[Count, Field(ge=1)] = 2000
    smallest: Annotated[Number, Field(gt=0)] = 1.0
    exceptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.scale < self.smallest:
            raise HeadwayError("scale", f"must be at least the smallest, {self.smallest:g}", self.scale)

    def computes(self) -> Callable[[str], Any]:
        return functools.partial(dtype_at, self.exceptions, jnp.float16)

    def expect(self, network: Layer) -> None:
        expect_layers(self.exceptions, network)

    def start(self) -> Scaling:
        """Before the first update: S, finite updates in a row since it last changed, and updates skipped so far."""
        return {
            "scale": jnp.asarray(self.scale, jnp.float32),
            "row": jnp.zeros((), jnp.int32),
            "skipped": jnp.zeros((), jnp.int32),
        }

    def after(self, scaling: Scaling, finite: jax.Array) -> Scaling:
        """S and the counts after an update that was finite, or not."""
        s, row = scaling["scale"], scaling["row"] + 1
        grows = row >= self.patience
        grown = jnp.where(grows, jnp.minimum(2 * s, LARGEST), s)
        return {
            "scale": jnp.where(finite, grown, jnp.maximum(s / 2, self.smallest)),
            "row": jnp.where(finite & ~grows, row, 0),
            "skipped": scaling["skipped"] + ~finite,
        }


def dtype_at(exceptions: tuple[str, ...], dtype: Any, address: str) -> Any:
    """float32 where the layer, or one that it is inside of, is an exception; else `dtype`."""
    parts = address.split("/")
    around = [address, *("/".join(parts[:n]) for n in range(len(parts)))]
    return jnp.float32 if any(matches(pattern, a) for pattern in exceptions for a in around) else dtype


def expect_layers(exceptions: tuple[str, ...], network: Layer) -> None:
    """Refuse a pattern that matches the address of no layer."""
    layers = [address for address, node in walk(network) if isinstance(node, Layer)]
    match_addresses(exceptions, layers, "exceptions")


@jax.jit
def all_finite(tree: Any) -> jax.Array:
    """True where no floating-point number in the tree is NaN or infinite."""
    floats = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in floats]))


def settled(
    precision: Float16, before: Mapping[str, Any], after: Mapping[str, Any], seen: Any
) -> tuple[dict[str, Any], dict[str, jax.Array]]:
    """The training state after an update that saw this loss and these gradients: as before it where any is not finite.

    With what is measured of it: the scale, and whether it was skipped.
    """
    finite, scaling = all_finite(seen), before["scaling"]
    kept = {name: jax.tree.map(functools.partial(jnp.where, finite), after[name], before[name]) for name in after}
    measures = {"loss_scale": scaling["scale"], "skipped": ~finite}
    return kept | {"scaling": precision.after(scaling, finite)}, measures
