"""Fit: a network that learns its training examples by heart, or cannot learn them at all."""

from headway.doctor.case import Case
from headway.doctor.finding import Seen, Word
from headway.doctor.measures.neighbours import told_of
from headway.doctor.measures.rerun import ending, regularization
from headway.doctor.measures.trend import SURE
from headway.doctor.measures.units import EXAMPLES
from headway.doctor.rules.rule import FLOW, INITIAL, PAIRING, TREND, rule

WIDER = 0.15
"""The share of the held-out loss to be beaten that more units must save, for the network to have too few."""
BY_HEART, HALF = 0.05, 0.5
"""What is left of the loss of training where examples are known by heart, and of the held-out loss where that harms."""
GAP = 0.25
"""The share of what there is to win that must be lost, to do harm."""
PART, LEAST = 0.8, 0.1
"""Of what simple models tell: the part below which a network tells too little, and the least that it must lack."""
RISE = 0.05
"""The share of the level to be beaten by which the held-out loss rises again, to do harm."""


@rule(
    "overfitting", "overfitting", concept="overfitting", stage="trend", needs="evaluations trend",
    follows="labels-shuffled no-signal",
)  # fmt: skip
def overfitting(case: Case) -> Seen:
    """The held-out loss rises again, its last 3 evaluations by 3 standard errors, while the loss of training falls.

    It does harm where it rises by a twentieth of what the best constant loses, by 3 standard errors of the mean over
    the examples held out, and where no early stopping ends it: a little is what every small data set shows (Goodfellow
    et al. 2016, section 7.8; Prechelt 1998). It also does harm where the training examples are known by heart and half
    of the held-out loss to be beaten, and more, is left at its least.
    """
    assert case.trend is not None
    assert case.losses is not None
    judged = case.course
    if judged is None:
        return Seen("not seen", ("Nothing was held out.",))
    least, at, end = judged.least, judged.best, judged.losses[-1]
    fall, sure = case.trend.since(at)
    evidence: tuple[str, ...] = (
        f"Held-out loss: {least:.3g} at its least, after update {at}, {end:.3g} at the end.",
        f"Loss of training since: {fall:+.3g} ± {sure:.2g}.".replace("-", "−"),
    )
    steps = (at, int(judged.steps[-1]))
    left, stopped = ending(case.losses), case.recipe is not None and case.recipe.stopping is not None
    if not stopped and case.level and left < BY_HEART * case.level and least > HALF * case.level + left:
        return Seen("found", evidence, steps=steps)
    if not judged.rises or fall > -SURE * sure:
        return Seen("ruled out", evidence, steps=steps)
    if case.rise is not None:
        evidence += (
            f"Of the last weights over the best, a held-out example: {case.rise[0]:.3g} ± {case.rise[1]:.2g}.",
        )
    small = judged.rise < RISE * (case.level or least) or (case.rise is not None and case.rise[0] < SURE * case.rise[1])
    return Seen("noticed" if small or stopped else "found", evidence, steps=steps)


@rule(
    "over-regularised", "too much regularization", concept="regularization", stage="first steps",
    needs="measures job", follows=f"{PAIRING} {INITIAL}",
)  # fmt: skip
def over_regularised(case: Case) -> Seen:
    """The same run without dropout, noise, penalties and weight decay saves a tenth more of the held-out loss.

    Asked where there are some and nine tenths of the held-out loss to be beaten are not saved. The loss of training
    does not tell: dropout raises it by itself (Goodfellow et al. 2016, section 7.1; Srivastava et al. 2014).
    """
    assert case.job is not None
    steps = (1, int(case.measures["step"][-1])) if case.measures else (0, 0)
    if not regularization(case.job.recipe):
        return Seen("ruled out", ("Nothing regularizes.",), steps=steps)
    better, evidence = case.without("freed")
    if not better:
        return Seen("ruled out", evidence or ("The held-out loss is low.",), steps=steps)
    return Seen("found", evidence, tuple(edit.at for edit in regularization(case.job.recipe)), steps)


@rule(
    "underfitting", "underfitting", concept="width", stage="trend", needs="recipe dataset final",
    follows=f"{PAIRING} {INITIAL} {FLOW} {TREND}",
)  # fmt: skip
def underfitting(case: Case) -> Seen:
    """The network tells a quarter less of its own training examples than a straight line does, or their neighbours.

    Or less than four fifths of what these do, and a tenth less. Both are fitted in closed form: least squares on the
    inputs, and the five nearest other examples. A network that knows less than these, though its loss falls no more, or
    in the same run with four times the updates saves no quarter more of the held-out loss, has too few units somewhere,
    or the wrong form (Goodfellow et al. 2016, section 5.2). So has one that leaves a quarter of its loss of training,
    and does better in the same run with eight times the units.
    """
    assert case.recipe is not None
    assert case.dataset is not None
    assert case.final is not None
    examples, classes = case.dataset.train[:EXAMPLES], len(case.dataset.classes or ())
    told = told_of(case.recipe, case.final, examples, classes)
    if told is None:
        return Seen("not seen", ("Asked only of one label or some amounts for inputs of one size.",))
    own, line, others = told
    falls = case.trend is not None and case.trend.falls(RISE * (case.level or 0.0))
    evidence: tuple[str, ...] = (
        f"Of what there is to tell of its training examples the network tells {own:.0%}, a line {line:.0%}, the "
        f"nearest others {others:.0%}.".replace("-", "−"),
    )
    most = max(line, others)
    behind = most - own >= GAP or (own < PART * most and most - own >= LEAST)
    if behind and falls:
        # Where more updates cannot be tried, those that were made may be too few.
        short, longer = case.without("prolonged", GAP)
        evidence, falls = (*evidence, *longer), short or not longer
    if behind and not falls:
        return Seen("found", evidence, ("network",))
    asked = case.reached is not None and case.reached >= GAP
    better, again = case.without("wider", WIDER) if asked else (False, ())
    word: Word = "found" if better else "noticed" if behind else "ruled out"
    return Seen(word, (*evidence, *again), ("network",) if better or behind else ())
