"""Components of the package broken on purpose, one at a time: the claims that depend on each fall, others stand.

A claim stands where its quick look points its way, and has fallen where one of its needs or manipulation checks does
not. That each of them stands while nothing is broken is what `golden/claims.json` says and `test_claims.py` checks.
"""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import headway.learning.losses
import headway.learning.optimizers.adaptive
import headway.learning.optimizers.descent
import headway.network.heads
import headway.training.step
from headway.claims.catalog import claims, design
from headway.learning.backpropagation.rule import RULES
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import CrossEntropy, MeanAbsoluteError, MeanSquaredError, WeightedSum, distribution
from headway.learning.optimizers.adaptive import AdamW, adam
from headway.learning.optimizers.descent import Descent, with_decay
from headway.learning.optimizers.optimizer import GradientTransformation
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine, Step
from headway.learning.schedules.schedule import rate_at
from headway.models.transformer import post_ln, pre_ln
from headway.network.activations import ReLU, Softmax, Tanh
from headway.network.heads import seen
from headway.network.initialization import HeNormal, normal
from headway.network.normalization import BatchNorm, LayerNorm, RMSNorm
from headway.network.recompute import Recompute
from headway.network.residual import Residual
from headway.scale.precision import BFloat16, Float16
from headway.training.loop import Loop
from headway.training.step import values_of

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads((ROOT / "golden" / "claims.json").read_text())
PAGE = ROOT / "docs" / "trust.md"
BEGIN = "<!-- broken on purpose: `python tests/claims/test_mutations.py` -->\n"
END = "<!-- end of broken on purpose -->"
WHOLE = {kind: dict(vars(kind)) for kind in (BatchNorm, CrossEntropy, Descent, Dropout, Float16, Loop, Residual, Step)}
"""The methods of these kinds, as they are while nothing is broken."""


@dataclass(frozen=True)
class Mutation:
    """One component that is broken.

    says     what it does then
    of       the module, class or table that holds it under `name`; `made` is put in its place
    falls    claims that must fall
    stands   claims of the same designs that must not
    """

    says: str
    of: Any
    name: Any
    made: Any
    falls: tuple[str, ...]
    stands: tuple[str, ...] = ()


def without_momentum(self: SGD, gradients: Any, memory: Any, t: Any) -> Any:
    """d = g, v = g."""
    return gradients, {} if self.momentum is None else {"v": gradients}


def coupled(self: AdamW, declared: Any = None) -> GradientTransformation:
    """Adam's direction of the gradient with the weight decay added to it."""

    def update(gradients: Any, state: Any, params: Any = None) -> Any:
        decay, t = 0.0 if self.weight_decay is None else self.weight_decay, state["count"]
        g = with_decay(gradients, decay, params, None)
        d, memory = self.direction(g, state, t + 1)
        return jax.tree.map(lambda d: -self.rate(t) * d, d), {"count": t + 1, **memory}

    return GradientTransformation(WHOLE[Descent]["transformation"](self, declared).init, update)


def in_mode(mode: str) -> Callable[..., Any]:
    """BatchNorm whose output is that of one mode, whatever the mode it is asked in; its state is right."""

    def apply_with_state(self: BatchNorm, params: Any, state: Any, x: Any, context: Any) -> Any:
        whole = WHOLE[BatchNorm]["apply_with_state"]
        y, _ = whole(self, params, state, x, replace(context, mode=mode))
        return y, whole(self, params, state, x, context)[1]

    return apply_with_state


def without_skip(self: Residual, params: Any, state: Any, x: Any, context: Any) -> Any:
    """y = F(x)."""
    y, new = WHOLE[Residual]["apply_with_state"](self, params, state, x, context)
    return y - x, new


def without_stopping(self: Loop, reason: str, message: str) -> None:
    """A run that goes on to its end, and then has the weights of its last update."""
    if reason != "stopped early":
        self.best = values_of(self.state)
        WHOLE[Loop]["end"](self, reason, message)


# fmt: off
MUTATIONS = (
    Mutation("ReLU lets everything through", ReLU, "function", lambda self, x: x, ("R07", "F06", "R06"), ("R08",)),
    Mutation("Softmax does not divide by the sum", Softmax, "function", lambda self, x: jnp.exp(x), ("F11",), ("R07",)),
    Mutation("cross-entropy is twice as large", CrossEntropy, "per_target",
             lambda self, z, y: 2 * WHOLE[CrossEntropy]["per_target"](self, z, y), ("R13", "F13"), ("R14",)),
    Mutation("squared error is absolute error", MeanSquaredError, "per_target", MeanAbsoluteError.per_target,
             ("R14",), ("R13",)),
    Mutation("label smoothing is ignored", headway.learning.losses, "distribution",
             lambda name, z, y, smoothing: distribution(name, z, y, None), ("F39",)),
    Mutation("backpropagation takes the slope of tanh for 1", RULES, Tanh, lambda f, at, dy: (dy, {}),
             ("R16", "F18")),
    Mutation("He's weights have variance 1 whatever the fan", HeNormal, "draw",
             lambda self, key, shape, fans, dtype: normal(key, shape, 1.0, dtype), ("N02",)),
    Mutation("a residual connection leaves out its skip", Residual, "apply_with_state", without_skip,
             ("R40", "R41", "F24", "F47", "F49", "R38"), ("R36",)),
    Mutation("Pre-LN is built as Post-LN", pre_ln, "__code__", post_ln.__code__, ("R38",), ("R37", "F43")),
    Mutation("LayerNorm does not subtract the mean", LayerNorm, "apply", RMSNorm.apply, ("R37", "F43", "R38"),
             ("R36", "F44")),
    Mutation("BatchNorm evaluates by the batch's statistics", BatchNorm, "apply_with_state", in_mode("train"),
             ("F41",), ("F40", "F44")),
    Mutation("BatchNorm trains by its running statistics", BatchNorm, "apply_with_state", in_mode("eval"),
             ("R36", "F40", "N09"), ("R37",)),
    Mutation("the causal mask is left out", headway.network.heads, "seen",
             lambda scores, causal, mask, begin=0: seen(scores, False, mask), ("N09",), ("F44",)),
    Mutation("dropout drops half, whatever its rate", Dropout, "apply",
             lambda self, params, x, context: WHOLE[Dropout]["apply"](SimpleNamespace(rate=0.5), params, x, context),
             ("F36",), ("N16",)),
    Mutation("dropout acts in evaluation", Dropout, "apply",
             lambda self, params, x, context: WHOLE[Dropout]["apply"](self, params, x, replace(context, mode="train")),
             ("F36", "N16")),
    Mutation("clipping returns what it is given", ClipByNorm, "clip", lambda self, g, params=None: g, ("R19", "F23")),
    Mutation("momentum is 0", SGD, "direction", without_momentum, ("F26", "R22"), ("R21", "F25")),
    Mutation("Adam does not correct its moments' start at 0", headway.learning.optimizers.adaptive, "adam",
             lambda g, memory, t, betas, eps: adam(g, memory, jnp.inf, betas, eps), ("R23", "F28", "R25"),
             ("F27", "F29")),
    Mutation("AdamW's decay goes through the moments", AdamW, "transformation", coupled,
             ("F29", "N06", "C04", "F35"), ("R23", "F25")),
    Mutation("weight decay takes half", headway.learning.optimizers.descent, "with_decay",
             lambda d, decay, params, decays: with_decay(d, decay / 2, params, decays), ("F35",), ("F29", "R21")),
    Mutation("the learning rate is 0.1, whatever it is", Descent, "rate", lambda self, index: 0.1, ("R20", "R25"),
             ("R21", "R23")),
    Mutation("warm-up is skipped", Warmup, "value",
             lambda self, index: 0.0 * index + rate_at(self.then, jnp.maximum(index - self.steps, 0)), ("R27",),
             ("R28", "R29")),
    Mutation("cosine decay stays at the peak", Cosine, "value",
             lambda self, index: jnp.full_like(index, self.peak, dtype=float), ("R28", "F32"), ("R29", "F34")),
    Mutation("step decay drops an update late", Step, "value",
             lambda self, index: WHOLE[Step]["value"](self, index - 1), ("R29",), ("R28", "F32")),
    Mutation("micro-batches are summed, not averaged", headway.training.step, "WeightedSum",
             lambda g, weight: WeightedSum(g, jnp.ones_like(weight)), ("N15",)),
    Mutation("the loss is not scaled in float16", Float16, "start",
             lambda self: WHOLE[Float16]["start"](self) | {"scale": jnp.ones(())}, ("N12",), ("F52",)),
    Mutation("bfloat16 computes in float32", BFloat16, "computes", lambda self: None, ("F52", "X11"), ("N12",)),
    Mutation("nothing is computed again", Recompute, "around", lambda self, copy: copy, ("X12", "C07"), ("C06",)),
    Mutation("early stopping neither stops nor keeps the best weights", Loop, "end", without_stopping, ("R33",)),
)
# fmt: on


@contextlib.contextmanager
def in_place(mutation):
    """With the component broken. JAX keeps what it has compiled by specs, which are equal whether broken or not."""
    for id in mutation.falls + mutation.stands:
        design(claims()[id].design)  # imported before, so that it keeps nothing that is broken
    with pytest.MonkeyPatch.context() as patch:
        put = patch.setitem if isinstance(mutation.of, dict) else patch.setattr
        put(mutation.of, mutation.name, mutation.made)
        jax.clear_caches()
        yield
    jax.clear_caches()


def standing(*ids):
    """Those of the claims whose quick look points their way; arms are measured until a condition is not met."""
    known = {}

    def met(name, condition):
        for arm in condition.arms():
            if (name, arm) not in known:
                known[name, arm] = design(name).measure(arm, range(design(name).few), "quick").numbers
        return condition.points({arm: known[name, arm] for arm in condition.arms()})

    asked = {id: claims()[id] for id in ids}
    return {id for id, claim in asked.items() if all(met(claim.design, c) for c in (*claim.needs, *claim.control))}


def table():
    """The mutations as the page on trust shows them."""
    rows = [f"| {m.says} | {', '.join(m.falls)} | {', '.join(m.stands)} |" for m in MUTATIONS]
    return "\n".join(("| broken so that | these fall | these stand |", "|---|---|---|", *rows, ""))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.says)
def test_a_broken_component_brings_down_the_claims_that_depend_on_it_and_no_others(mutation):
    assert all(GOLDEN[id] for id in mutation.falls + mutation.stands), "they stand while nothing is broken"
    with in_place(mutation):
        assert standing(*mutation.falls, *mutation.stands) == set(mutation.stands)


def test_what_was_broken_is_whole_afterwards():
    assert standing("R07", "R38") == {"R07", "R38"}
    for says in ("ReLU lets everything through", "Pre-LN is built as Post-LN"):
        with in_place(next(mutation for mutation in MUTATIONS if mutation.says == says)):
            assert len(standing("R07", "R38")) == 1
        assert standing("R07", "R38") == {"R07", "R38"}


def test_the_page_on_trust_shows_what_is_broken():
    assert PAGE.read_text().partition(BEGIN)[2].partition(END)[0] == table()


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
