"""Links: the least time that collectives take, among neighbours and from machine to machine.

Devices lie in the mesh in the order of their numbers, so that the last side of it joins neighbours, and the first side
machines.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from headway.plan.collectives import Collective
from headway.plan.devices import Device

PHASES = {"all-reduce": 2}
"""All-reduce is a reduce-scatter and an all-gather of the same bytes."""


class Reach(NamedTuple):
    """Of the groups of devices along some sides of a mesh: their devices, and over how many machines they go."""

    devices: int
    machines: int


def reach(sides: Iterable[str], sizes: Mapping[str, int], neighbours: int) -> Reach:
    """Of the groups along these sides, where so many devices next to each other are a machine; the widest of them."""
    named = {*sides}
    along = [i for i, side in enumerate(sizes) if side in named]
    ids = np.moveaxis(np.arange(math.prod(sizes.values())).reshape([*sizes.values()]), along, range(len(along)))
    groups = ids.reshape(math.prod(ids.shape[: len(along)]), -1).T // neighbours
    return Reach(groups.shape[1], max(len(np.unique(group)) for group in groups))


def as_scattered(found: Iterable[Collective], sizes: Mapping[str, int]) -> tuple[Collective, ...]:
    """A CPU's collectives as other compilers have them: its all-reduce along `fsdp`, of which each device then takes
    its part, is a reduce-scatter, and an all-reduce of that part along the other sides.
    """
    return tuple(part for one in found for part in _scattered(one, sizes))


def _scattered(one: Collective, sizes: Mapping[str, int]) -> list[Collective]:
    if one.kind != "all-reduce" or "fsdp" not in (one.sides or ()):
        return [one]
    others = tuple(side for side in one.sides or () if side != "fsdp")
    rest = [replace(one, sides=others, bytes=one.bytes // sizes["fsdp"])] if others else []
    return [replace(one, kind="reduce-scatter", sides=("fsdp",)), *rest]


def least_seconds(found: Iterable[Collective], sizes: Mapping[str, int], device: Device) -> float:
    """Of all of them, one after the other, at the rates of the data sheet and without any delay."""
    return sum(_seconds(one, sizes, device) for one in found)


def _seconds(one: Collective, sizes: Mapping[str, int], device: Device) -> float:
    """B bytes among n devices on m machines, n/m on each: what is the slower of what must pass, near and far.

    Gathered or scattered, n-1 of n parts come to every device, and (m-1)/m of them to every machine, over all of its
    n/m devices' cards at once (hierarchical rings). All to all, every device sends its own (m-1)/m far.
    """
    n, m = reach(sizes if one.sides is None else one.sides, sizes, device.neighbours)
    if n == 1:
        return 0.0
    far = (m - 1) / m / device.network
    if one.kind == "collective-permute":
        return one.bytes / (device.network if m > 1 else device.link)
    if one.kind != "all-to-all":
        far /= n / m
    return PHASES.get(one.kind, 1) * one.bytes * max((n - 1) / n / device.link, far)
