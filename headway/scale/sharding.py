"""Sharding: which part of each array every device of a mesh holds, by the names of its dimensions."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from headway.network.initialization import Shape
from headway.network.parameter import Parameter
from headway.network.values import address_of, by_address, flatten, nest
from headway.scale.mesh import EXAMPLES, Mesh
from headway.scale.strategy import Rules
from headway.spec.error import HeadwayError

IN_TURNS = {"in": ("features", "hidden"), "out": ("hidden", "features")}
"""Matrices that follow each other lead from features to hidden units, from these to features, and so on."""


class Placement(NamedTuple):
    """How one array lies on a mesh.

    axes       what divides each of its dimensions; None: nothing
    dropped    side of the mesh → why it divides none, where a rule would have had it
    """

    axes: tuple[str | None, ...]
    dropped: Mapping[str, str] = MappingProxyType({})

    def part(self, shape: Shape, mesh: Mesh) -> Shape:
        """The shape of the part that one device holds."""
        return tuple(size // mesh.sizes[axis] if axis else size for size, axis in zip(shape, self.axes, strict=True))


def names_of(declared: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Address → the names of the last dimensions of every parameter that a network declares."""
    named, turns, turn = dict[str, tuple[str, ...]](), dict[str, int](), 0
    for address, parameter in flatten(declared).items():
        layer = address.rpartition("/")[0]
        if parameter.axes == ("in", "out"):
            turns[layer], turn = turn % 2, turn + 1
        names = parameter.axes or ("unnamed",) * len(_copy(parameter).shape)
        named[address] = tuple(IN_TURNS[name][turns.get(layer, 0)] if name in IN_TURNS else name for name in names)
    return named


def _copy(parameter: Parameter) -> Parameter:
    """One copy of a parameter that is repeated, itself where it is not."""
    return _copy(parameter.copies[0]) if parameter.copies else parameter


def placement(shape: Shape, names: tuple[str, ...], mesh: Mesh, rules: Rules) -> Placement:
    """The placement of one array whose last dimensions have these names; the first of those before is `copies`."""
    axes: list[str | None] = [None] * len(shape)
    dropped = dict[str, str]()
    names = (("copies", *[""] * len(shape))[: len(shape) - len(names)]) + names
    for name, axis in rules:
        size = mesh.sizes[axis]
        for i, own in enumerate(names):
            if own == name and size > 1 and not axes[i] and axis not in axes:
                if shape[i] % size == 0:
                    axes[i] = axis
                else:
                    dropped.setdefault(axis, f"{name}: {shape[i]} is no multiple of {axis}={size}")
    return Placement(tuple(axes), {axis: why for axis, why in dropped.items() if axis not in axes})


def placements(declared: Mapping[str, Any], mesh: Mesh, rules: Rules | None = None) -> dict[str, Placement]:
    """Address → placement of every parameter that a network declares; by other rules, of its gradient."""
    named, rules = names_of(declared), mesh.strategy.parameters if rules is None else rules
    return {a: placement(p.shape, named[a], mesh, rules) for a, p in flatten(declared).items()}


def placed_state(state: Any, declared: Mapping[str, Any], mesh: Mesh) -> dict[str, Placement]:
    """Address → placement of every array of a training state, or of the shapes of one.

    What has a parameter's address at the end of its own, and its shape, lies by its names: the parameter itself by the
    rules for parameters, moments and averages by those for the optimizer. The rest is everywhere.
    """
    shapes, strategy = flatten(declared), mesh.strategy
    own, kept = (placements(declared, mesh, rules) for rules in (strategy.parameters, strategy.optimizer))

    def one(parts: list[str], leaf: Any) -> Placement:
        ends = (i for i in range(len(parts)) if "/".join(parts[i:]) in shapes)
        begin = next((i for i in ends if shapes["/".join(parts[i:])].shape == leaf.shape), None)
        if begin is None:
            return Placement((None,) * len(leaf.shape))
        itself = parts[begin - 1 : begin] == ["params"] and "average" not in parts[:begin]
        return (own if itself else kept)["/".join(parts[begin:])]

    return {address: one(address.split("/"), leaf) for address, leaf in by_address(state).items()}


def shardings(state: Any, declared: Mapping[str, Any], mesh: Mesh) -> Any:
    """A sharding for every array of a training state: see `placed_state`."""
    placed, grid = placed_state(state, declared, mesh), mesh.on_devices()
    return jax.tree.map_with_path(lambda path, _: _sharding(grid, *placed[address_of(path)].axes), state)


def of_gradients(declared: Mapping[str, Any], mesh: Mesh) -> dict[str, Any]:
    """A sharding for the gradient of every parameter that a network declares, nested like these."""
    grid = mesh.on_devices()
    placed = placements(declared, mesh, mesh.strategy.gradients)
    return nest({address: _sharding(grid, *place.axes) for address, place in placed.items()})


def expect_divided(declared: Mapping[str, Any], mesh: Mesh, time: int | None = None) -> None:
    """Refuse a mesh with a side that divides nothing that training keeps, so that its devices do the same work.

    And one that is to divide the `time` places of a sequence, and cannot.
    """
    strategy = mesh.strategy
    sides = [side for name, side in strategy.activations if name == "time" and mesh.sizes[side] > 1]
    parts = math.prod(mesh.sizes[side] for side in sides)
    if time is None and "context" in sides:
        raise HeadwayError("mesh/context", "divides sequences", "inputs that are none", "Set context=1.")
    if time is not None and time % parts:
        raise HeadwayError(f"mesh/{sides[0]}", f"must divide the {time} places of a sequence", parts,
                           "Choose a divisor, or a strategy that leaves time whole: zero-3.")  # fmt: skip
    placed = [one for rules in (strategy.parameters, strategy.optimizer)
              for one in placements(declared, mesh, rules).values()]  # fmt: skip
    for axis in ("fsdp", "tensor"):
        named = any(axis == side for rules in (strategy.parameters, strategy.optimizer) for _, side in rules)
        if named and mesh.sizes[axis] > 1 and not any(axis in one.axes for one in placed):
            why = "; ".join(sorted({one.dropped[axis] for one in placed if axis in one.dropped})) or "no rule fits any"
            raise HeadwayError(f"mesh/{axis}", "must divide a dimension of a parameter", mesh.sizes[axis],
                               f"Choose a number that divides one ({why}), or 1.")  # fmt: skip


def laid(tree: Any, shardings: Any) -> Any:
    """Inside a compiled step: the arrays, which XLA is told to lay out so; a tree of shardings, or one for all."""
    constrain: Any = jax.lax.with_sharding_constraint
    return constrain(tree, shardings)


def over_data(mesh: Mesh, dimension: int) -> NamedSharding:
    """Examples along this dimension, divided among the devices of `data` and `fsdp`."""
    return _sharding(mesh.on_devices(), *[None] * dimension, EXAMPLES)


def of_activations(mesh: Mesh) -> Callable[..., jax.Array]:
    """Lays out values [examples, …], examples divided, and dimensions with these names by the strategy.

    Heads that no side divides evenly are left to XLA, which may divide their width.
    """
    grid = mesh.on_devices()

    def lay(x: jax.Array, *names: str) -> jax.Array:
        sides = sides_along(x.shape[1:], names, mesh)
        if "heads" in names and not any(sides):
            return x
        return cast(jax.Array, laid(x, _sharding(grid, EXAMPLES, *sides)))

    return lay


def sides_along(shape: Shape, names: Sequence[str], mesh: Mesh) -> list[tuple[str, ...]]:
    """The sides of the mesh along which each dimension of an activation is divided, as far as its size lets them."""
    found: list[tuple[str, ...]] = [()] * len(shape)
    for name, side in mesh.strategy.activations:
        taken = any(side in sides for sides in found)
        for i, own in enumerate(names):
            parts = math.prod(mesh.sizes[one] for one in (*found[i], side))
            if own == name and mesh.sizes[side] > 1 and not taken and shape[i] % parts == 0:
                found[i] = (*found[i], side)
    return found


def for_all(mesh: Mesh | None, tree: Any) -> Any:
    """Inside a compiled step: the arrays whole on every device, where every process can read them."""
    return tree if mesh is None else laid(tree, _sharding(mesh.on_devices()))


def everywhere(tree: Any, mesh: Mesh | None) -> Any:
    """The arrays whole on every device of the mesh; without one, on the default device."""
    if mesh is None:
        return jax.tree.map(jax.numpy.asarray, tree)
    here = _sharding(mesh.on_devices())
    if jax.process_count() == 1:
        return jax.device_put(tree, here)
    # Every process has the arrays, of which it hands its devices theirs: nothing goes from one to another.
    arrays = jax.tree.map(np.asarray, tree)
    return jax.tree.map(lambda a: jax.make_array_from_callback(a.shape, here, lambda index: a[index]), arrays)


def like_everywhere(tree: Any, mesh: Mesh) -> Any:
    """The shapes of what `everywhere` gives, without an array."""
    shape: Any = jax.ShapeDtypeStruct
    here = _sharding(mesh.on_devices())
    return jax.tree.map(lambda leaf: shape(leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype), sharding=here), tree)


def on_several(tree: Any) -> bool:
    """Whether any of the arrays lies on more than one device."""
    return any(isinstance(leaf, jax.Array) and len(leaf.sharding.device_set) > 1 for leaf in jax.tree.leaves(tree))


def _sharding(grid: jax.sharding.Mesh, *axes: str | tuple[str, ...] | None) -> NamedSharding:
    spec: Any = PartitionSpec
    return NamedSharding(grid, spec(*axes))
