"""Pipelines: the copies of a repeated block in stages on different devices, batches in parts that follow each other."""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from headway.network.compose import Repeat
from headway.network.layer import Layer
from headway.scale.mesh import EXAMPLES, Mesh
from headway.scale.sharding import laid
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import children

Stage = Callable[[Any, Any], jax.Array]
"""Some copies in a row: what travels (x, random keys, mask), and the copies' own values → y."""


def staged(mesh: Mesh) -> Callable[[Stage, Any, Any], jax.Array]:
    """Runs all copies of a repeated block, [copies, …] of each value, divided in stages along the mesh (Huang et al.
    2019, *GPipe*).

    Each turn of a loop hands every part of the batch to the next stage, all stages at work on one part each: with m
    parts and s stages there are m + s - 1 turns, of which each stage is idle in s - 1. Backward it runs in reverse.
    """
    kind: Any = PartitionSpec
    lying = NamedSharding(mesh.on_devices(), kind("stage", EXAMPLES))

    def lay(x: jax.Array) -> jax.Array:
        return cast(jax.Array, laid(x, lying))

    def run(stage: Stage, travels: Any, copies: Any) -> jax.Array:
        own = jax.tree.map(lambda v: v.reshape(mesh.stage, -1, *v.shape[1:]), copies)
        # Neighbours go into different parts, so that each part lies on all devices of `data` and `fsdp`.
        parts = jax.tree.map(lambda v: jnp.moveaxis(v.reshape(-1, mesh.parts_in_flight, *v.shape[1:]), 1, 0), travels)
        first = jax.tree.map(lambda part: jnp.broadcast_to(part[0], (mesh.stage, *part.shape[1:])), parts)

        def turn(at: Any, i: jax.Array) -> tuple[Any, jax.Array]:
            entering = jax.tree.map(lambda part: part[jnp.minimum(i, mesh.parts_in_flight - 1)], parts)
            at = jax.tree.map(lambda new, old: lay(jnp.concatenate([new[None], old[:-1]])), entering, at)
            y = lay(jax.vmap(stage, spmd_axis_name="stage")(at, own))
            return (y, *at[1:]), y[-1]

        _, left = jax.lax.scan(turn, first, jnp.arange(mesh.parts_in_flight + mesh.stage - 1))
        return jnp.moveaxis(left[mesh.stage - 1 :], 0, 1).reshape(travels[0].shape)

    return run


def expect_stages(network: Layer, inputs: tuple[int, ...], mesh: Mesh) -> None:
    """Refuse stages of a network whose repeated blocks do not fall into so many, or keep a state."""
    if mesh.stage == 1:
        return
    blocks = repeated(network)
    if not blocks:
        raise HeadwayError("mesh/stage", "divides the copies of a Repeat", "a network without one",
                           "Write Repeat(block, times=…), or set stage=1.")  # fmt: skip
    for address, block in blocks.items():
        if block.times % mesh.stage:
            raise HeadwayError("mesh/stage", f"must divide the {block.times} copies at {address!r}", mesh.stage,
                               "Choose a divisor.")  # fmt: skip
    if network.state(inputs):
        raise HeadwayError("mesh/stage", "needs blocks that normalize every example by itself",
                           "a network with running statistics", "Use LayerNorm, or set stage=1.")  # fmt: skip


def repeated(network: Layer, address: str = "") -> dict[str, Repeat]:
    """Address → the outermost repeated blocks."""
    if isinstance(network, Repeat):
        return {address: network}
    inside = ((join_address(address, key), child) for key, child in children(network).items())
    return {
        at: block for key, child in inside if isinstance(child, Layer) for at, block in repeated(child, key).items()
    }
