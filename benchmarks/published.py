"""Memory that others published, beside what the planner says of it: `python -m benchmarks.published` for docs/scale.md.

The figures are of other programs: PyTorch's FSDP2 and Megatron, with kernels and an arithmetic of their own. Held
against them, for the configurations in `benchmarks.figures`, is what the planner says by tracing (tier 0), by the CPU's
compiler (tier 1) and by the vendor's (tier 2, where it is installed: `python -m benchmarks.published 2`). The result is
stored in `benchmarks/results/published.json`.
"""

import functools
import importlib.metadata
import json
import math
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import ENTRIES, Published
from benchmarks.report import markdown, marks, put
from headway.claims.evidence import versions
from headway.plan.compiled import TooLargeError, compiled
from headway.plan.devices import DEVICES, Device
from headway.plan.held import totals
from headway.plan.plan import plan
from headway.plan.vendor import COMPILERS, expect_compiler
from headway.scale.mesh import Mesh
from headway.spec.error import HeadwayError

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/published.json", ROOT / "docs/scale.md"
BLOCK = marks("published")
KIND, CUDNN = DEVICES["H100"], "nvidia-cudnn-cu13"
WORKSPACES = 3 * 2**25
"""Bytes of three workspaces of cuBLAS, as the environment of Megatron's tests sizes them (`:4096:8`)."""


def said(entry: Published) -> dict[str, Any]:
    """The figures of an entry, and where they stand."""
    return {"peak": entry.peak, "state": entry.state, "printed": entry.printed, "sources": list(entry.sources)}


def traced(entry: Published) -> dict[str, int]:
    """Tier 0, in bytes on one device: parts of the training state, what is kept for the backward pass, their sum.

    `theirs` is what the parameters on the device take by Megatron's arithmetic: 2 bytes of bfloat16 and 4 of gradient
    for each, and 12 of float32 weight and moments, of which a device may have its share alone. Here they are 4 + 4 of
    float32 weight and gradient and 8 of moments, and weights of 16 bits come and go.
    """
    made = plan(entry.recipe, entry.mesh, compile=False)
    parts = {part: here for part, (here, _) in totals(made.arrays).items()}
    own = sum(math.prod(one.own) for one in made.arrays if one.part == "params")
    theirs = 6 * own + 12 * own // (entry.mesh.fsdp if entry.shared else 1)
    return parts | {"parameters": own, "theirs": theirs, "activations": made.activations, "peak": made.peak}


def by_compiler(entry: Published, vendor: Device | None = None) -> dict[str, Any]:
    """Tier 1 or 2: what the compiled chunk of updates takes on one device, in bytes, or why it is refused."""
    began = time.monotonic()
    try:
        made = compiled(entry.recipe, entry.mesh, vendor)
    except TooLargeError as error:
        return {"refused": str(error.got)}
    told = {name: getattr(made, name) for name in ("peak", "arguments", "results", "shared", "temporary")}
    return told | {"seconds": round(time.monotonic() - began, 1)}


TIERS: dict[str, Callable[[Published], dict[str, Any]]] = {
    "tier 0": traced,
    "tier 1": by_compiler,
    "tier 2": functools.partial(by_compiler, vendor=KIND),
}
"""Who says it: the tracer, the CPU's compiler, the vendor's."""


def missing() -> str:
    """Why the vendor's compiler cannot be asked here; nothing where it can."""
    try:
        expect_compiler(KIND, 8)
    except HeadwayError as error:
        return str(error)
    return ""


def installed(*packages: str) -> dict[str, str]:
    """Versions of Headway, JAX and, where they are here, NVIDIA's compiler, its kernels of attention, and others."""
    names = {one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}
    there = {name: names[name] for name in (*COMPILERS["plan-cuda"], CUDNN, *packages) if name in names}
    return versions("jaxlib") | there


def measure(before: Mapping[str, Any], tiers: Sequence[str]) -> dict[str, Any]:
    """Every entry by these tiers; what others had said stays as it was stored."""
    found: dict[str, Any] = {}
    for name, entry in ENTRIES.items():
        stored = before.get("entries", {}).get(name, {})
        found[name] = stored | {"published": said(entry)} | {tier: TIERS[tier](entry) for tier in tiers}
        print(name, {tier: found[name][tier] for tier in tiers}, flush=True)
    used = before.get("versions", {}) | dict.fromkeys(tiers, installed())
    return {"entries": found, "versions": used}


def off(predicted: int, published: int) -> str:
    """`41.6 (-50%)`: gigabytes, and how far they are from what was published."""
    return f"{predicted / 1e9:,.1f} ({predicted / published - 1:+.0%})"


def peaks(result: Mapping[str, Any]) -> str:
    """The table of the most that is held at once, by every tier."""
    rows = []
    for name, entry in ENTRIES.items():
        made = [result["entries"][name].get(tier, {}) for tier in TIERS]
        cells = [off(one["peak"], entry.peak) if "peak" in one else "refused" if one else "not asked" for one in made]
        what = f"{link(name, entry.sources[0])}: {entry.model}"
        rows.append((what, sides(entry.mesh), f"{entry.peak / 1e9:,.1f}", *cells))
    header = ("configuration, H100", "mesh", "published, GB", "traced", "CPU's compiler", "NVIDIA's compiler")
    return markdown(header, rows)


def states(result: Mapping[str, Any]) -> str:
    """The table of what is held between two updates, where that was published."""
    rows = []
    for name, entry in ENTRIES.items():
        if entry.state is not None:
            made = result["entries"][name]["tier 0"]
            ours = sum(made[part] for part in ("params", "gradients", "optimizer"))
            left = entry.state - made["theirs"]
            rows.append((name, f"{made['parameters']:,}", f"{entry.state / 1e6:,.1f}", mega(ours, entry.state),
                         mega(made["theirs"], entry.state), f"{left / 1e6:,.1f}"))  # fmt: skip
    header = ("configuration", "parameters on a device", "published, MB", "our arithmetic", "Megatron's arithmetic",
              "left over, MB")  # fmt: skip
    return markdown(header, rows)


def mega(predicted: int, published: int) -> str:
    """`577.0 (-0.8%)`: megabytes, and how far they are from what was published."""
    return f"{predicted / 1e6:,.1f} ({predicted / published - 1:+.1%})"


def sides(mesh: Mesh) -> str:
    """`fsdp 32 × tensor 8`: the sides that divide something."""
    return " × ".join(f"{side} {size}" for side, size in mesh.sizes.items() if size > 1)


def differences() -> str:
    """What differs, once for all entries of which it is said."""
    told = dict.fromkeys(entry.differs for entry in ENTRIES.values())
    return "\n".join(f"- {'; '.join(n for n, e in ENTRIES.items() if e.differs == one)}. {one}" for one in told)


def falls(result: Mapping[str, Any]) -> str:
    """By how much the figure of one model falls between two numbers of devices, where state alone is divided more."""
    few, many = (ENTRIES[name].peak for name in ("8B on 8", "8B on 128"))
    made = [result["entries"][name]["tier 0"] for name in ("8B on 8", "8B on 128")]
    ours = [sum(one[part] for part in ("params", "gradients", "optimizer")) for one in made]
    return (
        f"{(few - many) / 1e9:.1f} GB; traced parameters, gradients and moments by {(ours[0] - ours[1]) / 1e9:.1f} GB"
    )


def link(name: str, source: str) -> str:
    """A name that leads to the file and commit of `owner/repository@commit:path`."""
    found = re.fullmatch(r"([^@]+)@([0-9a-f]{40}):(.+)", source)
    assert found, f"no source: {source}"
    return f"[{name}](https://github.com/{found[1]}/blob/{found[2]}/{found[3]})"


def block(result: Mapping[str, Any]) -> str:
    """What stands in the page."""
    used = dict.fromkeys(f"{name} {version}" for tier in TIERS
                         for name, version in result["versions"].get(tier, {}).items() if name != "python")  # fmt: skip
    return f"""
{peaks(result)}
From 8 to 128 devices the figure of the 8B model falls by {falls(result)}.

Allocated between two updates: parameters, gradients, and what the optimizer keeps.

{states(result)}
Three of the workspaces of 32 MiB that these tests ask of cuBLAS are {WORKSPACES / 1e6:,.1f} MB.

{differences()}

Asked with {", ".join(used)}.

"""


def written(page: str, result: Mapping[str, Any]) -> str:
    """The page with the block of this result."""
    return put(page, BLOCK, block(result))


if __name__ == "__main__":
    stored = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    found = measure(stored, [f"tier {number}" for number in sys.argv[1:] or "01"])
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(written(PAGE.read_text(), json.loads(RESULT.read_text())))
