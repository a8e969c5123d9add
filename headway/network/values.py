"""Learned values by address: nested dicts made flat (`{"0/w": …}`) and nested again."""

from collections.abc import Mapping
from typing import Any

from headway.spec.error import join_address


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
