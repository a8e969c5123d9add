"""Remedies of descent: warm-up, where norms stand, how long, in what batches and by what rule it goes."""

from dataclasses import replace
from typing import Any

from headway.doctor.remedies.blocks import norms_behind_sums
from headway.doctor.remedies.gradient import clipping, default_weights, normalization_before
from headway.doctor.remedies.rate import rate_that_lasts, thawed, unclipped, unstopped, usual_constants, usual_rate
from headway.doctor.remedies.remedy import NOTHING, RATE_ALONE, Patient, Remedy
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.descent import Descent
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.cycles import OneCycle
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs, Fraction, Schedule
from headway.network.activations import Identity
from headway.network.compose import Sequential
from headway.network.normalization import LayerNorm
from headway.spec.edit import Edit, InsertAfter, Remove, Replace, Set, Wrap
from headway.spec.node import Spec
from headway.spec.select import get
from headway.training.recipe import Recipe


def against_unstable_start(patient: Patient) -> tuple[Remedy, ...]:
    """Warm-up, Pre-LN in place of Post-LN, a bound on the gradient."""
    return (warmup(patient), pre_ln(patient), clipping(patient))


def against_high_rate(patient: Patient) -> tuple[Remedy, ...]:
    """The rate itself; then what lets a network bear a high one."""
    return (RATE_ALONE, usual_rate(patient), usual_constants(patient), warmup(patient), clipping(patient),
            pre_ln(patient))  # fmt: skip


def against_low_rate(patient: Patient) -> tuple[Remedy, ...]:
    """The rate itself and what holds it down; updates whose size is not that of the gradient, and more of them."""
    return (RATE_ALONE, rate_that_lasts(patient), usual_rate(patient), usual_constants(patient), unclipped(patient),
            thawed(patient), adaptive(patient), longer(patient))  # fmt: skip


def against_oscillation(patient: Patient) -> tuple[Remedy, ...]:
    """The rate itself, less momentum, a rate that falls, larger batches."""
    return (RATE_ALONE, usual_constants(patient), usual_rate(patient), decay(patient), larger_batch(patient),
            clipping(patient))  # fmt: skip


def against_plateau(patient: Patient) -> tuple[Remedy, ...]:
    """The rate itself, an adaptive optimizer, a warm-up, normalization."""
    return (RATE_ALONE, adaptive(patient), warmup(patient), normalization_before(patient), default_weights(patient))


def against_non_finite(patient: Patient) -> tuple[Remedy, ...]:
    """The rate, a bound on the gradient, a warm-up, first weights, normalization."""
    return (RATE_ALONE, usual_rate(patient), clipping(patient), warmup(patient), default_weights(patient),
            normalization_before(patient))  # fmt: skip


def against_too_few(patient: Patient) -> tuple[Remedy, ...]:
    """More updates, or larger ones."""
    return (unstopped(patient), longer(patient), RATE_ALONE, rate_that_lasts(patient), usual_rate(patient),
            usual_constants(patient), unclipped(patient), adaptive(patient))  # fmt: skip


def against_schedule(patient: Patient) -> tuple[Remedy, ...]:
    """A schedule as long as the run."""
    return (rate_that_lasts(patient), whole_run(patient), decay(patient))


def against_batch_size(patient: Patient) -> tuple[Remedy, ...]:
    """Larger batches, smaller ones, or the rate that suits this size."""
    return (larger_batch(patient), smaller_batch(patient), RATE_ALONE)


def against_gradient_sign(patient: Patient) -> tuple[Remedy, ...]:
    """An optimizer that goes down the gradient."""
    return (Remedy(
        () if isinstance(patient.recipe.optimizer, Descent) else (Replace("optimizer", by=AdamW(1e-3)),),
        name="descend",
        edge=("optimizer", "updates", "neural-network"),
        reason="The updates go up the gradient: the rule that makes them has a wrong sign. AdamW goes down.",
        cost="two moments a parameter",
        refuted_by="The loss rises as before: then it is the loss that has the wrong sign.",
    ),)  # fmt: skip


def against_unreached(patient: Patient) -> tuple[Remedy, ...]:
    """What is frozen let go."""
    return (thawed(patient),)


def warmup(patient: Patient) -> Remedy:
    """A rate that rises from 0 over the first tenth of the run."""
    at, rate = rate_at_hand(patient.recipe)
    there = rate is None or isinstance(rate, Warmup | OneCycle)
    return Remedy(
        () if there else (Set(at, value=Warmup(Fraction(0.1), then=rate)),),
        name="warm-up",
        edge=("warmup", "stabilizes", "early-training"),
        reason="The first gradients are the largest and the moments of Adam the least sure: small steps until both "
        "have settled (Goyal et al. 2017; Xiong et al. 2020).",
        cost="a tenth of the run at lower rates",
        refuted_by="With the rate tuned for each, the run without warm-up comes as far.",
    )


def pre_ln(patient: Patient) -> Remedy:
    """The norm inside every residual branch in place of behind the sum, and one more behind the last of them."""
    found, network = norms_behind_sums(patient.recipe.network, "network"), patient.recipe.network
    edits: list[Edit] = []
    for one in found:
        body = Sequential((replace(one.norm, name=None), Identity()))
        edits += [Wrap(f"{one.branch_at}/body", by=body, slot="1"), Remove(one.norm_at)]
    last = outermost(network, found[-1].norm_at) if found else ""
    return Remedy(
        (*edits, *([InsertAfter(last, new=LayerNorm())] if last else [])),
        name="pre-ln",
        edge=("layernorm", "placement", "pre-ln"),
        reason="x + F(LN(x)) leaves the way around the identity, so the gradient at the start is as large in early "
        "blocks as in late ones (Xiong et al. 2020).",
        cost="one more norm behind the last block",
        refuted_by="With the rate tuned for each, Post-LN comes as far.",
    )


def adaptive(patient: Patient) -> Remedy:
    """Adam in the place of plain descent."""
    sgd = isinstance(patient.recipe.optimizer, SGD)
    return Remedy(
        (Replace("optimizer", by=Adam(1e-3)),) if sgd else (),
        name="adam",
        edge=("optimizer", "variant", "adam"),
        reason="Every weight moves by about the rate, however small its gradient (Kingma & Ba 2015).",
        cost="two moments a parameter",
        refuted_by="SGD at its best rate comes as far.",
    )


def decay(patient: Patient) -> Remedy:
    """A constant rate made to fall to 0 along a cosine."""
    rate = patient.recipe.optimizer.main_rate()
    at, _ = rate_at_hand(patient.recipe)
    return Remedy(
        (Set(at, value=Cosine(rate)),) if at and isinstance(rate, int | float) else (),
        name="cosine-decay",
        edge=("lr-schedule", "includes", "cosine-decay"),
        reason="Noise keeps the weights as far from the bottom as the rate is high: a rate that falls lets them "
        "settle (Loshchilov & Hutter 2017).",
        cost=NOTHING,
        refuted_by="The loss swings as before to the end, or a lower constant rate comes as far.",
    )


def whole_run(patient: Patient) -> Remedy:
    """Every schedule whose length is a number of updates made as long as what it runs over."""
    at, rate = rate_at_hand(patient.recipe)
    fixed = getattr(rate, "steps", None) is not None and not isinstance(rate, Warmup)
    return Remedy(
        (Set(f"{at}/steps", value=None),) if fixed else (),
        name="schedule-over-the-run",
        edge=("lr-schedule", "includes", "cosine-decay"),
        reason="The schedule ends before the run does, or would end after it: as long as the run it does both.",
        cost=NOTHING,
        refuted_by="The run comes no further with a rate that lasts to its end.",
    )


LEAST = 200
"""Updates that a run has at least that is made longer."""


def longer(patient: Patient) -> Remedy:
    """Four times the updates, LEAST at least; none where the run did not make those it has."""
    length, job = patient.recipe.length, patient.case.job
    times = max(4, -(-LEAST // job.updates) if job else 0)
    new: Any = Epochs(times * length.count) if isinstance(length, Epochs) else times * length
    return Remedy(
        () if unstopped(patient).edits else (Set("length", value=new),),
        name="longer",
        edge=("optimizer", "updates", "neural-network"),
        reason="The loss was still falling when the run ended.",
        cost=f"{times} times the updates",
        refuted_by="The held-out loss stops falling before the old length is doubled.",
    )


def larger_batch(patient: Patient) -> Remedy:
    """Four times the examples an update, 32 at least, as many as there are at most."""
    parts = patient.recipe.accumulate
    most = len(patient.data.train) // parts * parts
    size = min(max(4 * patient.recipe.batch_size, -(-32 // parts) * parts), most)
    return batch(patient, size, "larger-batch", "A mean over more examples has less noise: its variance is 1/batch.")


def smaller_batch(patient: Patient) -> Remedy:
    """A quarter of the examples an update."""
    size = patient.recipe.accumulate * max(1, patient.recipe.batch_size // patient.recipe.accumulate // 4)
    return batch(patient, size, "smaller-batch", "More updates from the same examples, with noise that helps to leave "
                 "sharp minima (Keskar et al. 2017).")  # fmt: skip


def batch(patient: Patient, size: int, name: str, why: str) -> Remedy:
    """Updates of so many examples."""
    same = size == patient.recipe.batch_size
    return Remedy(
        () if same else (Set("batch_size", value=size),),
        name=name,
        edge=("batch-size", "sets", "gradient-noise"),
        reason=why,
        cost=f"{size / patient.recipe.batch_size:.2g} times the examples an update",
        refuted_by="With the rate tuned for each, the old size comes as far.",
    )


def rate_at_hand(recipe: Recipe) -> tuple[str, Any]:
    """Where the learning rate stands in a recipe, and what it is; ("", None) where the optimizer has no such field."""
    known = getattr(recipe.optimizer, "learning_rate", None)
    return ("optimizer/learning_rate", known) if isinstance(known, int | float | Schedule) else ("", None)


def outermost(network: Spec, address: str) -> str:
    """The outermost member of a sequence that holds the part at this address."""
    at, here = "network", network
    for key in address.removeprefix("network").strip("/").split("/"):
        at = f"{at}/{key}"
        if isinstance(here, Sequential):
            return at
        here = get(here, key)
    return ""
