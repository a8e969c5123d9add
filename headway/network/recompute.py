"""Recompute: what the backward pass computes again instead of keeping it in memory from the forward pass."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, cast

import jax
from jax.ad_checkpoint import checkpoint_name
from pydantic import Field

from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import Spec, spec
from headway.spec.select import matches

F = TypeVar("F", bound=Callable[..., Any])
KEPT = "kept"
"""The name of the values that are kept."""


class Recompute(Spec):
    """What of every copy of a `Repeat` the backward pass computes again: a kind defines `keeps`.

    Of n copies the inputs are kept, and within one copy at a time all else: the memory of n + m values in place of
    n · m, for one more forward pass (Chen et al. 2016). The gradients are the same, dropout included, to rounding.
    """

    def keeps(self, address: str, kind: str) -> bool:
        """Whether the output of the layer of this kind (`Dense`) at this address (`3/*/0`) is kept."""
        raise NotImplementedError

    def expect(self, inside: Mapping[str, str]) -> None:
        """Refuse what names no layer of those inside the repeated bodies, address → kind."""

    def around(self, copy: Callable[..., Any]) -> Callable[..., Any]:
        """The computation of one copy, so that its backward pass begins by computing it again."""
        policy = jax.checkpoint_policies.save_only_these_names(KEPT)
        return again(copy, policy)

    def named(self, value: jax.Array) -> jax.Array:
        """A value that is kept."""
        kept: jax.Array = checkpoint_name(value, KEPT)  # type: ignore[no-untyped-call]
        return kept


@spec
class RecomputeAll(Recompute):
    """Keep the input of every copy alone: the least memory, for one more forward pass."""

    def keeps(self, address: str, kind: str) -> bool:
        return False


@spec
class RecomputeBut(Recompute):
    """Keep the outputs of some layers too, by kind or address: `RecomputeBut(("MultiHeadAttention", "**/body/1"))`.

    Worth it for what is slow to compute and small to keep. What comes before a kept output is computed again only where
    something else needs it: a Dense is not where its own output is kept, the activation behind it is.
    """

    tags: Annotated[tuple[str, ...], Field(min_length=1)]

    def keeps(self, address: str, kind: str) -> bool:
        return tagged(self.tags, address, kind)

    def expect(self, inside: Mapping[str, str]) -> None:
        expect_tags(self.tags, inside)


@spec
class Offload(Recompute):
    """Keep nothing on the device: the input of every copy, and the outputs of some layers, wait on the host's side.

    They are copied there while the forward pass goes on, and back while the backward pass does (as in Rajbhandari et
    al. 2021, *ZeRO-Infinity*). Tags as of `RecomputeBut`; what they name is not computed again.
    """

    tags: tuple[str, ...] = ()

    def keeps(self, address: str, kind: str) -> bool:
        return tagged(self.tags, address, kind)

    def expect(self, inside: Mapping[str, str]) -> None:
        expect_tags(self.tags, inside)

    def around(self, copy: Callable[..., Any]) -> Callable[..., Any]:
        policy = jax.checkpoint_policies.save_and_offload_only_these_names(
            names_which_can_be_saved=[], names_which_can_be_offloaded=[KEPT],
            offload_src="device", offload_dst="pinned_host",
        )  # fmt: skip
        # All that is computed again begins with the named input, so that the unnamed one need not be kept.
        return again(lambda x, own: copy(self.named(x), own), policy)


def again(function: F, policy: Callable[..., bool] | None = None) -> F:
    """The same function, of which the backward pass keeps the arguments alone, and computes what it needs again.

    In a loop nothing can merge the second computation with the first. Elsewhere the compiler does: nothing changes.
    """
    return cast(F, jax.checkpoint(function, policy=policy, prevent_cse=False))


def tagged(tags: tuple[str, ...], address: str, kind: str) -> bool:
    """Whether a layer of this kind at this address is meant."""
    return any(tag == kind or matches(tag, address) for tag in tags)


def expect_tags(tags: tuple[str, ...], inside: Mapping[str, str]) -> None:
    """Refuse a tag that means none of the repeated layers, address → kind."""
    for tag in tags:
        if not any(tagged((tag,), address, kind) for address, kind in inside.items()):
            raise HeadwayError("recompute/tags", "a tag must be the kind or match the address of a repeated layer",
                               repr(tag), did_you_mean(tag, {*inside, *inside.values()}))  # fmt: skip
