"""Sixteen bits: what is computed in them, what is lost in them, and what training in them comes to."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Arm, Exact, Measures, Trained
from headway.claims.designs.memory import DESIGNS as MEMORY
from headway.claims.joined import Joined
from headway.claims.traced import products
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy, MeanSquaredError
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.models.transformer import sequence_classifier
from headway.network.dense import Dense
from headway.network.layer import initialize
from headway.scale.precision import BFloat16, Float16, Float32, Precision
from headway.training.job import Update
from headway.training.recipe import Evaluation, Recipe
from headway.training.run import Run
from headway.training.step import Batch, differentiate, forward, initial_state

SIXTEEN = {"bfloat16", "float16"}
SMALL, UPDATES, STEP, LENGTH = 1e-8, 1000, 1e-3, 300


def computed(precision: Precision) -> Measures:
    """The share of a transformer's multiply-adds whose factors, and whose results, are numbers of 16 bits."""
    network = sequence_classifier(10, 3, width=16, heads=2, blocks=2)
    update = Update(network, loss=CrossEntropy(), optimizer=SGD(0.1), clip=None, batch_size=4, seed=0,
                    precision=precision)  # fmt: skip
    drawn = Batch(jnp.zeros((4, 6), int), jnp.zeros(4, int))
    params, _ = jax.eval_shape(lambda: initialize(network, (6,), jax.random.key(0)))
    found = products(lambda params: forward(update, params, {}, drawn)[0], params)
    whole = sum(product.work for product in found)
    factors = sum(product.work for product in found if {*product.factors} <= SIXTEEN)
    made = sum(product.work for product in found if product.made in SIXTEEN)
    return {"factors in 16 bits": factors / whole, "results in 16 bits": made / whole}


def underflowing(precision: Precision) -> Measures:
    """The gradient of a weight that is truly 1e-8, over 1e-8: one dense unit with an input and an error of 1e-4."""
    update = Update(Dense(1), loss=MeanSquaredError(), optimizer=SGD(0.1), clip=None, batch_size=1, seed=0,
                    precision=precision)  # fmt: skip
    state = initial_state(update, (1,), {"params": {"w": jnp.zeros((1, 1)), "b": jnp.zeros(1)}, "network": {}})
    # dL/dw = 2 (y − t) x at y = 0.
    drawn = Batch(jnp.full((1, 1), 1e-4), jnp.full((1, 1), -SMALL / 2e-4))
    found = jax.jit(lambda: differentiate(update, state, drawn))()
    return {"gradient": float(found.gradients["w"][0, 0]) / SMALL}


def range_of(dtype: str) -> Measures:
    """The smallest positive and the largest number, as powers of ten, and 1e-8 in it, over 1e-8."""
    known: Any = jnp.finfo(dtype)  # type: ignore[no-untyped-call]
    return {
        "smallest": float(np.log10(float(known.smallest_subnormal))), "largest": float(np.log10(float(known.max))),
        "small": float(jnp.asarray(SMALL, dtype).astype(jnp.float32)) / SMALL,
    }  # fmt: skip


def worn(dtype: str) -> Measures:
    """A weight of 1 after 1,000 updates of −0.001, held in a dtype."""
    rule, w = SGD(STEP).transformation(), {"w": jnp.ones((), dtype)}

    def once(carried: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        w, memory = carried
        changes, memory = rule.update({"w": jnp.ones((), w["w"].dtype)}, memory, w)
        return (apply_updates(w, changes), memory), None

    (w, _), _ = jax.lax.scan(once, (w, rule.init(w)), None, UPDATES)
    return {"weight": float(w["w"])}


def trained(precision: Precision, *, sham: bool = False) -> Arm:
    """An MLP 64-64-10 on digits, 300 updates of Adam, judged at the end."""
    recipe = Recipe(
        mlp((64,), 10), data=Data(Digits()), loss=CrossEntropy(), optimizer=Adam(3e-3), batch_size=64, length=LENGTH,
        evaluation=Evaluation(LENGTH), precision=precision,
    )  # fmt: skip
    return Arm(recipe, tuned={"optimizer/learning_rate": (1e-3, 3e-3, 1e-2)}, sham=sham)


def ended(run: Run) -> Measures:
    """Training and validation loss at the end."""
    return {f"{name} loss": run.results[name]["loss"] for name in ("train", "validation")}


NUMBERS = Exact(
    "`factors in 16 bits`, `results in 16 bits`: shares of the multiply-adds of a transformer's forward pass; "
    "`gradient`: what is found of a gradient of 1e-8; `small`: 1e-8 held in a dtype, over 1e-8; `smallest`, `largest`: "
    "powers of ten; `weight`: what is 1 at first after 1,000 updates of −0.001.",
    {
        "products, float32": functools.partial(computed, Float32()),
        "products, bfloat16": functools.partial(computed, BFloat16()),
        "products, float16": functools.partial(computed, Float16()),
        "gradient, float16": functools.partial(underflowing, Float16(1.0)),
        "gradient, float16 scaled": functools.partial(underflowing, Float16()),
        "gradient, bfloat16": functools.partial(underflowing, BFloat16()),
    }
    | {f"range of {dtype}": functools.partial(range_of, dtype) for dtype in ("float16", "bfloat16")}
    | {f"weight in {dtype}": functools.partial(worn, dtype) for dtype in ("float32", "bfloat16")},
)
DIGITS = Trained(
    "On digits an MLP 64-64-10, 300 updates of Adam at the best of its rates. `train loss`, `validation loss`: at the "
    "end.",
    {"digits, float32": trained(Float32()), "digits, sham": trained(Float32(), sham=True),
     "digits, bfloat16": trained(BFloat16())},
    ended, quick={"length": 100},
)  # fmt: skip
DESIGNS = {
    "bits": NUMBERS,
    "training": Joined(
        f"{DIGITS.says} `activations`: bytes kept for an example in bfloat16 over float32, of three layers of 128 "
        "units and of four blocks of a transformer of width 32.",
        (MEMORY["kept"], DIGITS),
    ),
}
