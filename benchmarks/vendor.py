"""What vendors' compilers say of the language models by size, and how long they take: `python -m benchmarks.vendor`.

Needs `pip install "headway[plan-cuda,plan-tpu]"`, and no devices. Beside each stands what the compiler for a CPU says
of it. Seconds are those of a process of its own, from its start to its answer. The result is stored in
`benchmarks/results/vendor.json`, its block stands in docs/scale.md.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import machine
from benchmarks.published import installed
from benchmarks.report import markdown, marks, put
from headway.plan.compiled import compiled
from headway.plan.devices import booked
from headway.plan.vendor import COMPILERS
from headway.scale.mesh import Mesh
from headway.training.named import named

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/vendor.json", ROOT / "docs/scale.md"
BLOCK = marks("vendor")
ASKED = (
    ("lm-124m", "8xH100", Mesh(fsdp=8)),
    ("lm-1b", "256xH100", Mesh(fsdp=256)),
    ("lm-7b", "256xH100", Mesh(fsdp=256)),
    ("lm-70b", "256xH100", Mesh(fsdp=256)),
    ("lm-70b", "256xH100", Mesh(fsdp=32, tensor=8)),
    ("lm-1b", "256xv5e", Mesh(fsdp=256)),
)
"""Recipe, devices and mesh."""


def measure() -> list[dict[str, Any]]:
    """Of each: what both compilers say, in bytes on a device, and the seconds that they take."""
    rows = []
    for name, devices, mesh in ASKED:
        sides = {side: size for side, size in mesh.sizes.items() if size > 1}
        row: dict[str, Any] = {"recipe": name, "devices": devices, "mesh": sides}
        for who, vendor in (("vendor", booked(devices)[1]), ("cpu", None)):
            began = time.monotonic()
            made = compiled(named(name).recipe, mesh, vendor)
            row[who] = {part: getattr(made, part) for part in ("arguments", "temporary", "peak")}
            row[who]["seconds"] = time.monotonic() - began
        rows.append(row)
        print(row, flush=True)
    return rows


def block(result: Mapping[str, Any]) -> str:
    """What stands in the page."""
    rows = []
    for row in result["rows"]:
        mesh = " × ".join(f"{side} {size}" for side, size in row["mesh"].items())
        figures = [f"{row[who]['peak'] / 1e9:.2f}" for who in ("vendor", "cpu")]
        seconds = [f"{row[who]['seconds']:.0f}" for who in ("vendor", "cpu")]
        rows.append((f"`{row['recipe']}`", row["devices"], mesh, *figures, *seconds))
    used = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    header = ("recipe", "devices", "mesh", "vendor's, GB", "CPU's, GB", "vendor's, s", "CPU's, s")
    return f"""
{markdown(header, rows)}
The peak on a device, and the seconds of compiling; {result["machine"]["processor"]}; {used}.

"""


def written(page: str, result: Mapping[str, Any]) -> str:
    """The page with the block of this result."""
    return put(page, BLOCK, block(result))


if __name__ == "__main__":
    found = {"rows": measure(), "machine": machine(), "versions": installed(*COMPILERS["plan-tpu"])}
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(written(PAGE.read_text(), found))
