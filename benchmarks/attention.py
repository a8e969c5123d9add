"""Attention of long sequences: some queries after others against all at once: `python -m benchmarks.attention`.

Forward and backward pass of one causal attention of 8 heads of 64, of 4,096 places in all, in one process, the ways in
random order round after round; memory is what the compiler says each takes beside arguments and results. The result is
stored in `benchmarks/results/attention.json`, its block stands in docs/scale.md.
"""

import json
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.measure import machine
from benchmarks.ratios import paired_ratio
from benchmarks.report import markdown, marks, put
from headway.claims.evidence import versions
from headway.network.heads import at_once, in_blocks

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/attention.json", ROOT / "docs/scale.md"
BLOCK = marks("attention")
WAYS = {"at once": at_once, "in blocks": in_blocks}
PLACES, ROUNDS = (256, 512, 1024, 2048), 15
HEADS, WIDTH, TOGETHER = 8, 64, 4096
MEBIBYTE = 2**20


def measure() -> dict[str, Any]:
    """Places → of each way the seconds of every round, and bytes."""
    found: dict[str, Any] = {}
    for places in PLACES:
        q, k, v = jax.random.normal(jax.random.key(0), (3, TOGETHER // places, HEADS, places, WIDTH))
        made = {name: compiled(way, q, k, v) for name, way in WAYS.items()}
        seconds: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(ROUNDS):
            for name in random.sample(list(WAYS), len(WAYS)):
                began = time.perf_counter()
                jax.block_until_ready(made[name](q, k, v))
                seconds[name].append(time.perf_counter() - began)
        sizes = {name: one.memory_analysis().temp_size_in_bytes for name, one in made.items()}
        found[str(places)] = {"seconds": seconds, "bytes": sizes}
        print(places, paired_ratio(seconds["in blocks"], seconds["at once"]), sizes, flush=True)
    return {"places": found, "machine": machine(), "versions": versions("jaxlib")}


def compiled(way: Any, *qkv: jax.Array) -> Any:
    """Value and gradient of a causal attention, compiled and run once."""

    def total(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(way(q, k, v, True, None)))

    made = jax.jit(jax.grad(total, (0, 1, 2))).lower(*qkv).compile()
    jax.block_until_ready(made(*qkv))
    return made


def block(result: Mapping[str, Any]) -> str:
    """What stands in the page."""
    rows = []
    for places, one in result["places"].items():
        seconds, sizes = one["seconds"], one["bytes"]
        ratio = paired_ratio(seconds["in blocks"], seconds["at once"])
        memory = [f"{sizes[name] / MEBIBYTE:,.0f}" for name in WAYS]
        rows.append((f"{int(places):,}", f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]", *memory))
    used = ", ".join(f"{name} {result['versions'][name]}" for name in ("headway", "jax"))
    header = ("places", "time, blocks / at once", "at once, MiB", "blocks, MiB")
    return f"""
{markdown(header, rows)}
{TOGETHER:,} places in all, {HEADS} heads of {WIDTH}, {ROUNDS} rounds; {result["machine"]["processor"]}; {used}.

"""


def written(page: str, result: Mapping[str, Any]) -> str:
    """The page with the block of this result."""
    return put(page, BLOCK, block(result))


if __name__ == "__main__":
    RESULT.write_text(json.dumps(measure(), indent=1) + "\n")
    PAGE.write_text(written(PAGE.read_text(), json.loads(RESULT.read_text())))
