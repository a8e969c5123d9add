"""What a plan says of memory, and what a run takes: `python -m benchmarks.plan` for a block of docs/scale.md.

Predicted is what the planner's compiled program needs beside its arguments. Observed is by how much the most memory
that a process held (`VmHWM`) exceeds what it held just before its first chunk of updates, of that program. Each recipe
has a process of its own. The result is stored in `benchmarks/results/plan.json`.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.measure import machine
from benchmarks.report import markdown, marks, put
from headway.claims.evidence import versions
from headway.data.bundled import MNIST1D, Digits
from headway.data.dataset import Data
from headway.data.sequences import CopyTask
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.models.convnet import pooled_convnet, residual_convnet
from headway.models.mlp import mlp
from headway.models.transformer import encoder_decoder, language_model, tied_language_model
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Layer
from headway.network.recompute import RecomputeAll
from headway.network.recurrent import GRU, Last
from headway.plan.compiled import compiled
from headway.scale.mesh import Mesh
from headway.spec.numbers import split
from headway.training.chunk import run_chunk
from headway.training.job import prepare
from headway.training.memory import rise
from headway.training.recipe import Recipe
from headway.training.step import initial_state

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/plan.json", ROOT / "docs/scale.md"
BLOCK = marks("plan")
MEBIBYTE = 2**20
LARGE, BAR = 400, 0.10
"""The MiB from which a prediction is judged in shares, and the share that it may be off."""


def of_copies(network: Layer, length: int, batch_size: int, **fields: Any) -> Recipe:
    """A network on sequences of 2 × `length` tokens."""
    data = Data(CopyTask(length, symbols=15, examples=2 * batch_size), validation=None, test=None)
    return Recipe(network, data=data, loss=CrossEntropy(), optimizer=AdamW(1e-3), batch_size=batch_size, length=2,
                  watch=None, **fields)  # fmt: skip


def of_digits(network: Layer, batch_size: int, **fields: Any) -> Recipe:
    """A network on images of digits."""
    settings: dict[str, Any] = {"optimizer": AdamW(1e-3), "watch": None} | fields
    data = Data(Digits(shape="image", enlarge=2))
    return Recipe(network, data=data, loss=CrossEntropy(), batch_size=batch_size, length=2, **settings)


def gru(units: int) -> Sequential:
    """A layer of gated units over the rows of a sequence, and ten outputs."""
    return Sequential((GRU(units), Last(), Dense(10)))


RECIPES: dict[str, Recipe] = {
    "transformer 4 × 256, 16 × 256 tokens": of_copies(language_model(16, width=256, heads=8, blocks=4), 128, 16),
    "transformer 2 × 512, 8 × 256 tokens": of_copies(language_model(16, width=512, heads=8, blocks=2), 128, 8),
    "transformer 8 × 128, 32 × 128 tokens": of_copies(language_model(16, width=128, heads=4, blocks=8), 64, 32),
    "transformer 8 × 256, 32 × 256 tokens, inputs kept": of_copies(
        language_model(16, width=256, heads=8, blocks=8), 128, 32, recompute=RecomputeAll()
    ),
    "transformer 4 × 256, 32 × 256 tokens, 2 micro-batches": of_copies(
        language_model(16, width=256, heads=8, blocks=4), 128, 32, accumulate=2
    ),
    "tied transformer 4 × 256, 16 × 256 tokens": of_copies(
        tied_language_model(16, width=256, heads=8, blocks=4), 128, 16
    ),
    "encoder and decoder, 2 blocks × 256 each": of_copies(
        encoder_decoder(16, source=128, width=256, heads=8, blocks=2), 128, 16
    ),
    "MLP 4096 × 4096, AdamW": of_digits(mlp((4096, 4096), 10), 512),
    "MLP 6000 × 6000, SGD": of_digits(mlp((6000, 6000), 10), 256, optimizer=SGD(0.1)),
    "MLP of 8 layers of 2048": of_digits(mlp((2048,) * 8, 10), 1000),
    "CNN 256-256 channels": of_digits(pooled_convnet((256, 256), 10), 512),
    "CNN 128-128-128 channels": of_digits(pooled_convnet((128, 128, 128), 10), 1000),
    "residual CNN, depth 14": of_digits(residual_convnet(14, 10, channels=64), 256),
    "GRU 512, 256 × 40 samples": Recipe(gru(512), data=Data(MNIST1D()), loss=CrossEntropy(),
                                     optimizer=AdamW(1e-3), batch_size=256, length=2, watch=None),
}  # fmt: skip


def observe(recipe: Recipe) -> int:
    """Bytes by which a chunk of updates raises the most that this process holds."""
    job = prepare(recipe, anyway=True)
    state = jax.block_until_ready(initial_state(job.update, job.dataset.input_shape))
    examples = jax.tree.map(jax.numpy.asarray, job.dataset.train.arrays)
    structure, numbers = split(job.update)
    program = run_chunk.lower(structure, numbers, state, examples, (0, 0), 2).compile()
    with rise() as found:
        jax.block_until_ready(program(numbers, state, examples, (0, 0), 2))
    assert found.bytes is not None, "this machine does not tell the memory of a process"
    return found.bytes


def measure() -> dict[str, Any]:
    """Of every recipe: bytes predicted and observed."""
    rows = {}
    for name, recipe in RECIPES.items():
        made = compiled(recipe, Mesh())
        words = [sys.executable, "-m", "benchmarks.plan", name]
        done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
        rows[name] = {
            "predicted": made.results - made.shared + made.temporary + made.scratch,
            "observed": int(done.stdout),
        }
        print(name, rows[name], flush=True)
    return {"recipes": rows, "machine": machine(), "versions": versions("jaxlib")}


def block(result: Mapping[str, Any]) -> str:
    """What stands in the page."""
    rows, errors = [], []
    for name, one in result["recipes"].items():
        predicted, observed = one["predicted"] / MEBIBYTE, one["observed"] / MEBIBYTE
        if observed >= LARGE:
            errors.append(predicted / observed - 1)
        off = f"{predicted / observed - 1:+.1%}" if observed >= LARGE else f"{predicted - observed:+.0f} MiB"
        rows.append((name, f"{predicted:,.0f}", f"{observed:,.0f}", off))
    off = f"the median is off by {np.median(errors):+.1%}, the worst by {max(errors, key=abs):+.1%}"
    within = sum(abs(error) <= BAR for error in errors)
    used = ", ".join(f"{name} {result['versions'][name]}" for name in ("headway", "jax"))
    return f"""
{markdown(("recipe", "predicted, MiB", "observed, MiB", "off by"), rows)}
Of {len(errors)} recipes that take {LARGE} MiB or more {within} are within {BAR:.0%}; {off}.
One device, a CPU: {result["machine"]["processor"]}; {used}.

"""


def written(page: str, result: Mapping[str, Any]) -> str:
    """The page with the block of this result."""
    return put(page, BLOCK, block(result))


if __name__ == "__main__":
    if sys.argv[1:]:
        print(observe(RECIPES[sys.argv[1]]))
    else:
        RESULT.write_text(json.dumps(measure(), indent=1) + "\n")
        PAGE.write_text(written(PAGE.read_text(), json.loads(RESULT.read_text())))
