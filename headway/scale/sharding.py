"""Sharding: which part of each array every device of a mesh holds, by the names of its dimensions."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
from jax.sharding import NamedSharding, PartitionSpec

from headway.network.parameter import Parameter
from headway.network.values import flatten
from headway.scale.mesh import Mesh
from headway.spec.error import join_address

DIVIDED = ("hidden", "heads", "vocabulary")
"""The dimensions that are divided wherever they are: both matrices of a feed-forward part, attention, embeddings."""
IN_TURNS = ("out", "in")
"""Of matrices that follow each other the first is divided by columns, the second by rows, and so on."""


class Placement(NamedTuple):
    """How one array lies on a mesh: what divides each of its dimensions (None: nothing), and why it is not divided."""

    axes: tuple[str | None, ...]
    reason: str = ""


def placements(declared: Mapping[str, Any], mesh: Mesh) -> dict[str, Placement]:
    """Address → placement of every parameter that a network declares.

    A dimension that `tensor` does not divide evenly leaves the array whole on every device.
    """
    found: dict[str, Placement] = {}
    turn, sides = 0, dict[str, str]()
    for address, parameter in flatten(declared).items():
        layer = address.rpartition("/")[0]
        if parameter.axes == ("in", "out"):
            sides[layer] = IN_TURNS[turn % 2]
        placed = placement(parameter, (*DIVIDED, sides.get(layer, "")), mesh)
        found[address] = placed
        if parameter.axes == ("in", "out"):
            divided = "tensor" in placed.axes
            turn, sides[layer] = turn + divided, sides[layer] if divided else ""
    return found


def placement(parameter: Parameter, divided: tuple[str, ...], mesh: Mesh) -> Placement:
    """The placement of one parameter whose dimensions of these names are divided."""
    whole: tuple[str | None, ...] = (None,) * len(parameter.shape)
    before = len(parameter.shape) - len(parameter.axes)
    for i, name in enumerate(parameter.axes, start=before):
        if name in divided and mesh.tensor > 1:
            if parameter.shape[i] % mesh.tensor:
                return Placement(whole, f"{name}: {parameter.shape[i]} is no multiple of tensor={mesh.tensor}")
            return Placement((*whole[:i], "tensor", *whole[i + 1 :]))
    return Placement(whole, "no dimension that is divided")


def shardings(state: Mapping[str, Any], declared: Mapping[str, Any], mesh: Mesh) -> Any:
    """A sharding for every array of a training state: what belongs to a parameter lies as it does, the rest everywhere.

    That is what has the parameter's address at the end of its own, and its shape: moments, averages.
    """
    grid, placed, shapes = mesh.on_devices(), placements(declared, mesh), flatten(declared)

    def one(path: Any, leaf: Any) -> NamedSharding:
        parts = [str(getattr(part, "key", getattr(part, "idx", getattr(part, "name", "")))) for part in path]
        ends = (join_address(*parts[i:]) for i in range(len(parts)))
        address = next((end for end in ends if end in placed and shapes[end].shape == leaf.shape), None)
        return _sharding(grid, *(placed[address].axes if address else ()))

    return jax.tree.map_with_path(one, state)


def laid(tree: Any, shardings: Any) -> Any:
    """Inside a compiled step: the arrays, which XLA is told to lay out so; a tree of shardings, or one for all."""
    constrain: Any = jax.lax.with_sharding_constraint
    return constrain(tree, shardings)


def over_data(mesh: Mesh, dimension: int) -> NamedSharding:
    """Examples along this dimension, divided among the devices of `data`."""
    return _sharding(mesh.on_devices(), *[None] * dimension, "data")


def everywhere(tree: Any, mesh: Mesh | None) -> Any:
    """The arrays whole on every device of the mesh; without one, on the default device."""
    if mesh is None:
        return jax.tree.map(jax.numpy.asarray, tree)
    return jax.device_put(tree, _sharding(mesh.on_devices()))


def _sharding(grid: jax.sharding.Mesh, *axes: str | None) -> NamedSharding:
    spec: Any = PartitionSpec
    return NamedSharding(grid, spec(*axes))
