"""Collectives of a compiled program: their kinds, how often, how many bytes, along which sides of the mesh.

Read from the text of XLA's program after it was divided. What stands in the body of a loop counts as often as the loop
turns, where that is known; else once, as in the loop over the updates of a chunk.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
BITS = {"pred": 8, "s8": 8, "u8": 8, "bf16": 16, "f16": 16, "s16": 16, "u16": 16, "s64": 64, "u64": 64, "f64": 64}
"""Bits of the numbers that are not of 32."""
NAMED = re.compile(r"^\s*(?:ROOT )?%?([\w.-]+) = (.*?) ([\w-]+)\((.*)$")
HEAD = re.compile(r"^(ENTRY )?%?([\w.-]+) \(.* -> .*\{$")
DONE = re.compile(r"^\s*(?:ROOT )?%?[\w.-]+ = (.*?) [\w-]+-done\((?:[^%]*%)?([\w.-]+)\)")
CALLED = re.compile(r"(?:to_apply|calls|body|condition|true_computation|false_computation)=%?([\w.-]+)")
BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
TURNS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
PART = re.compile(r'channel_id=(\d+).*chain_id="(\d+)"')
"""What the lines of one collective have in common, which a TPU computes in parts between other work."""
MESH = re.compile(r"replica_groups=mesh\[([^\]]*)\](?:, device_ids=\((.*?)\))? \{([^}]*)\}")
ARRAY = re.compile(r"([a-z]+\d*)\[([\d,]*)\]")


@dataclass(frozen=True)
class Collective:
    """Collectives of one kind along the same sides of the mesh.

    count    how many there are in one run of the program
    bytes    of what comes out of them on one device, all of them together; of a reduce-scatter, of what goes into it
    sides    the sides of the mesh along which devices take part; None where the groups are no sides of it
    """

    kind: str
    sides: tuple[str, ...] | None
    count: int
    bytes: int


def collectives(text: str, sizes: Mapping[str, int]) -> list[Collective]:
    """Of a compiled program, for a mesh of these sizes by side; the most bytes first."""
    entry, computations = _computations(text)
    given = {done[2]: done[1] for lines in computations.values() for done in map(DONE.match, lines) if done}
    times = _times(entry, computations)
    found: dict[tuple[str, tuple[str, ...] | None], Collective] = {}
    parts = set[tuple[str, ...]]()
    for name, lines in computations.items():
        if not times[name]:
            continue
        for line in lines:
            named = NAMED.match(line)
            kind = named[3].removesuffix("-start") if named else ""
            part = PART.search(line)
            if named is None or kind not in KINDS or (part and part.groups() in parts):
                continue
            parts |= {part.groups()} if part else set()
            groups = groups_of(line, math.prod(sizes.values()))
            key = (kind, sides_of(groups, sizes))
            before = found.get(key, Collective(*key, 0, 0))
            size = bytes_of(given.get(named[1], named[2])) * times[name]
            size *= len(groups[0]) if kind == "reduce-scatter" else 1
            found[key] = replace(before, count=before.count + times[name], bytes=before.bytes + size)
    return sorted(found.values(), key=lambda one: -one.bytes)


def _computations(text: str) -> tuple[str, dict[str, list[str]]]:
    """The name of the one that is run, and the lines of all by name."""
    entry, inside, found = "", "", dict[str, list[str]]()
    for line in text.splitlines():
        if head := HEAD.match(line):
            inside = head[2]
            entry = inside if head[1] else entry
            found[inside] = []
        elif inside:
            found[inside].append(line)
    return entry, found


def _times(entry: str, computations: Mapping[str, list[str]]) -> Counter[str]:
    """Computation → how often it runs; of branches all count, as if each were taken."""
    calls = defaultdict[str, list[tuple[str, int]]](list)
    for name, lines in computations.items():
        for line in lines:
            turns = _turns(line, computations) if " while(" in line else 1
            inner = [*CALLED.findall(line), *(b.strip(" %") for one in BRANCHES.findall(line) for b in one.split(","))]
            calls[name] += [(to, turns) for to in inner]
    times = Counter({entry: 1})
    for name in _in_order(entry, calls):
        for to, each in calls[name]:
            times[to] += times[name] * each
    return times


def _turns(line: str, computations: Mapping[str, list[str]]) -> int:
    """How often a loop turns, as the compiler says; else up to which number it counts, a scan from 0; else 1."""
    if told := TURNS.search(line):
        return int(told[1])
    condition = re.search(r"condition=%?([\w.-]+)", line)
    inside = "\n".join(computations.get(condition[1], ())) if condition else ""
    limit = re.search(r"ROOT .* compare\(%?[\w.-]+, %?([\w.-]+)\), direction=LT", inside)
    number = limit and re.search(rf"%?{re.escape(limit[1])} = s32\[\]\S* constant\((\d+)\)", inside)
    return int(number[1]) if number else 1


def _in_order(entry: str, calls: Mapping[str, list[tuple[str, int]]]) -> list[str]:
    """Computations, each behind all that call it: XLA's call graph has no circles."""
    order, seen = list[str](), set[str]()

    def visit(name: str) -> None:
        if name not in seen:
            seen.add(name)
            for to, _ in calls.get(name, []):
                visit(to)
            order.append(name)

    visit(entry)
    return order[::-1]


def bytes_of(shape: str) -> int:
    """`(f32[2,3]{1,0}, bf16[4]{0})` → 32: what an operation gives."""
    sizes = [
        math.prod(int(n) for n in dims.split(",") if n) * BITS.get(kind, 32) // 8 for kind, dims in ARRAY.findall(shape)
    ]
    return sum(sizes)


def groups_of(line: str, devices: int) -> list[tuple[int, ...]]:
    """The groups of devices that take part in an operation, each in order: explicit, or as XLA abbreviates them."""
    if pairs := re.search(r"source_target_pairs=\{(.*?)\}\}", line):
        return [tuple(sorted(map(int, pair.split(",")))) for pair in re.findall(r"\{?(\d+,\d+)\}?", pairs[1])]
    if short := re.search(r"replica_groups=\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?", line):
        ids = _counted(short[2], short[3]).reshape([int(n) for n in short[1].split(",")])
        return [tuple(sorted(map(int, row))) for row in ids]
    if named := MESH.search(line):
        return _along_axes(named)
    listed = re.search(r"replica_groups=\{(\{.*?\})\}", line)
    if listed is None:
        return [tuple(range(devices))]
    return [tuple(sorted(map(int, group.split(",")))) for group in re.findall(r"\{([\d,]+)\}", listed[1])]


def _along_axes(named: re.Match[str]) -> list[tuple[int, ...]]:
    """`mesh['a'=2,'b'=4], device_ids=([4,2]T(1,0)) {'b':(2)2}`: groups along the last half of `b`, of devices so laid.

    An axis may be taken in part: `(2)2` is, of the 4 along it, the factor of 2 behind another of 2.
    """
    sizes = [(name, int(size)) for name, size in re.findall(r"(\w+)'?=(\d+)", named[1])]
    parts = re.findall(r"([a-zA-Z_]\w*)'?(?::\((\d+)\)(\d+))?", named[3])
    factors, taken = list[int](), list[int]()
    for name, size in sizes:
        past = 1
        for before, own in sorted((int(before or 1), int(own or size)) for axis, before, own in parts if axis == name):
            factors += [before // past, own]
            taken.append(len(factors) - 1)
            past = before * own
        factors.append(size // past)
    order = re.match(r"\[([\d,]+)\](?:T\(([\d,]+)\))?", named[2] or "")
    listed = np.array([int(n) for n in re.findall(r"\d+", named[2] or "")])
    ids = _counted(order[1], order[2]) if order else listed if len(listed) else np.arange(math.prod(factors))
    groups = np.moveaxis(ids.reshape(factors), taken, range(-len(taken), 0))
    return [tuple(sorted(map(int, row))) for row in groups.reshape(-1, math.prod(factors[i] for i in taken))]


def _counted(sizes: str, order: str | None) -> np.ndarray:
    """`2,3` and `1,0` → 0, 3, 1, 4, 2, 5: numbers in a grid, read in another order of its axes."""
    grid = [int(n) for n in sizes.split(",")]
    ids = np.arange(math.prod(grid)).reshape(grid)
    return (ids.transpose([int(n) for n in order.split(",")]) if order else ids).ravel()


def sides_of(groups: Iterable[tuple[int, ...]], sizes: Mapping[str, int]) -> tuple[str, ...] | None:
    """The sides of the mesh along which the devices of every group lie: those in which their places differ."""
    grid = np.stack(np.unravel_index(np.arange(math.prod(sizes.values())), [*sizes.values()]), axis=1)
    along = {tuple(np.ptp(grid[list(group)], axis=0) > 0) for group in groups if len(group) > 1}
    if not along:
        return ()
    differs = np.any([*along], axis=0)
    found = tuple(side for side, yes in zip(sizes, differs, strict=True) if yes)
    full = math.prod(sizes[side] for side in found)
    return found if all(len(group) in (2, full) for group in groups) else None
