"""Learned values by address: nested dicts made flat (`{"0/w": …}`) and nested again, stacked and taken apart."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from headway.spec.edit import Edited, new_address
from headway.spec.error import join_address

COPY = "*"
"""The segment of a repeated layer: the leaves behind it are those of all copies, stacked along their first axis."""


def flatten(tree: Mapping[str, Any], address: str = "") -> dict[str, Any]:
    """{"0": {"w": a}} → {"0/w": a}, in the order of the dicts. Empty dicts leave nothing."""
    flat: dict[str, Any] = {}
    for name, part in tree.items():
        here = join_address(address, name)
        flat |= flatten(part, here) if isinstance(part, Mapping) else {here: part}
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """{"0/w": a} → {"0": {"w": a}}: the inverse of `flatten`."""
    tree: dict[str, Any] = {}
    for address, value in flat.items():
        *path, name = address.split("/")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[name] = value
    return tree


def by_address(tree: Any) -> dict[str, Any]:
    """Address → leaf of any tree that JAX knows, Headway's or another library's."""
    return {address_of(path): leaf for path, leaf in jax.tree.leaves_with_path(tree)}


def address_of(path: Any) -> str:
    """The address of a leaf from its path in a tree."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def formed(flat: Mapping[str, Any], form: Any) -> Any:
    """The leaves by address in the form of another library's tree: the inverse of `by_address`."""
    return jax.tree.map_with_path(lambda path, _: flat[address_of(path)], form)


def stack(trees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Values of equal layers as one tree of stacked leaves."""
    return {
        name: stack([tree[name] for tree in trees])
        if isinstance(part, Mapping)
        else jnp.stack([t[name] for t in trees])
        for name, part in trees[0].items()
    }


def take(tree: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The values of one copy: the inverse of `stack`."""
    return {name: take(p, index) if isinstance(p, Mapping) else p[index] for name, p in tree.items()}


def unstacked(tree: Any, at: Container[str] | None = None, address: str = "") -> Any:
    """{"3": {"*": {"w": [n, …]}}} → {"3": {"0": {"w": …}, "1": …}}: the values of repeated layers copy by copy.

    `at` are the addresses of the repeated layers to take apart; without it, all.
    """
    if not isinstance(tree, Mapping):
        return tree
    found: dict[str, Any] = {}
    for name, part in tree.items():
        if name == COPY and (at is None or address in at):
            leaf = next(iter(flatten(part).values()), None)
            parts = {str(i): take(part, i) for i in range(0 if leaf is None else leaf.shape[0])}
            found |= unstacked(parts, at, address)
        else:
            found[name] = unstacked(part, at, join_address(address, name))
    return found


def restacked(tree: Any, like: Any) -> Any:
    """The inverse of `unstacked`, where `like` is what was taken apart."""
    if not isinstance(like, Mapping):
        return tree
    copies = [restacked(tree[str(i)], like[COPY]) for i in range(len(tree))] if COPY in like else []
    return {COPY: stack(copies)} if copies else {name: restacked(tree[name], part) for name, part in like.items()}


def carried(values: Mapping[str, Any], edited: Edited) -> dict[str, Any]:
    """The values of a network, parameters or state, at their addresses after an edit of it; of parts gone, none."""
    flat = flatten(unstacked(values, edited.written_out))
    moved = {new_address(edited.moved, address): value for address, value in flat.items()}
    return nest({address: value for address, value in moved.items() if address is not None})


def copy_axes(path: Any) -> int:
    """How many of the first axes of the array at a path of JAX's count copies of repeated layers."""
    return sum(getattr(part, "key", None) == COPY for part in path)


def per_copy(function: Callable[..., Any], path: Any) -> Callable[..., Any]:
    """A function of the arrays of one layer, for those at a path of JAX's: of every copy alone where it is repeated."""
    for _ in range(copy_axes(path)):
        function = jax.vmap(function)
    return function
