"""Labels: whether they belong to their inputs, how noisy they are, and how unequal their classes."""

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.measures.parting import shares
from headway.doctor.measures.simple import Simple
from headway.doctor.rules.rule import rule

NOTHING, SOMETHING = 2.0, 4.0
"""Standard errors of what is saved: below the first there is nothing to be seen, above the second something is."""
MUCH = 0.1
"""The share of the best constant's error that counts as much of a signal."""
NOISE = 0.1
RARE = 10.0
"""How many times as common as another a class must be for their labels to be called unequal."""


@rule(
    "labels-shuffled", "labels that belong to other inputs", concept="label-noise", stage="data and pairing",
    needs="simple simple_held_out",
)  # fmt: skip
def labels_shuffled(case: Known) -> Seen:
    """Training targets say nothing of their inputs, while those that were held out do.

    A linear model, neighbours and trees are asked, each on examples that it was not fitted to, within each part. The
    same inputs and targets in another order, as after sorting one of them, look like this (Zhang et al. 2017,
    *Understanding deep learning requires rethinking generalization*: such labels are learned by heart all the same).
    """
    train, held = case.simple, case.simple_held_out
    said = (f"Of the best constant's error simple models save {train.shares()} in the training part, and "
            f"{held.shares()} in what was held out.",)  # fmt: skip
    nothing = train.deviations < NOTHING or train.share < 0.1 * held.share
    if nothing and held.deviations > SOMETHING and held.share > MUCH:
        return Seen("found", said, ("data",))
    return Seen("ruled out", said)


@rule(
    "no-signal", "nothing to learn", concept="generalization", stage="data and pairing", needs="simple dataset",
    follows="labels-shuffled data-faults",
)  # fmt: skip
def no_signal(case: Known) -> Seen:
    """No simple model does better than a constant, in training and on held-out data alike: nothing is prescribed.

    It is found for inputs without order alone: what lies in the order of pixels or of a sequence may be hidden from
    simple models. So may a parity of many inputs, which no descent learns from few examples either (Shalev-Shwartz et
    al. 2017, *Failures of gradient-based deep learning*).
    """
    parts: list[Simple] = [part for part in (case.simple, case.simple_held_out) if part is not None]
    said = (f"Of the best constant's error simple models save {parts[0].shares()}.",)
    if any(part.deviations >= NOTHING for part in parts) or case.simple.share > MUCH:
        return Seen("ruled out", said)
    flat = len(case.dataset.input_shape) == 1
    return Seen(case.word if flat else "noticed", (*said, "Another network or rate cannot help."), ("data",))


@rule(
    "label-noise", "labels that are wrong", concept="label-noise", stage="data and pairing",
    needs="simple simple_held_out dataset", follows="labels-shuffled no-signal",
)  # fmt: skip
def label_noise(case: Known) -> Seen:
    """Models of the training part are surer of held-out labels than of training labels they have not seen.

    With a share ρ of labels drawn at random, what is saved of the constant's error falls to (1 − ρ)² of what the true
    labels allow (Frénay & Verleysen 2014, *Classification in the presence of label noise*). It is an estimate, and
    noise in all parts alike does not show; a network can learn in spite of it: noticed alone.
    """
    if case.dataset.classes is None:
        return Seen("ruled out", ("Targets are amounts.",))
    train, held = case.simple, case.simple_held_out
    ratio = max(0.0, train.share) / max(held.share, 1e-30)
    noise = 1 - float(np.sqrt(min(1.0, ratio)))
    said = (f"Simple models save {train.share:.0%} in the training part and {held.share:.0%} in what was held out, as "
            f"if {noise:.0%} of the training labels were drawn at random.",)  # fmt: skip
    sure = held.share - train.share > 3 * np.hypot(train.doubt, held.doubt)
    return Seen("noticed" if sure and noise > NOISE else "ruled out", said)


@rule(
    "imbalance", "unequal classes", concept="classification", stage="data and pairing", needs="dataset",
)  # fmt: skip
def imbalance(case: Known) -> Seen:
    """The commonest class is ten times as common as another: noticed, and harm where that one is never predicted.

    A network that always says the commonest class has little loss left (He & Garcia 2009, *Learning from imbalanced
    data*). After a run, classes with ten or more held-out examples are looked up among its predictions.
    """
    if case.dataset.classes is None or case.dataset.train.y.ndim > 1:
        return Seen("ruled out", ("Targets are no classes of whole examples.",))
    part = shares(case.dataset.train.y, len(case.dataset.classes))
    rare = [i for i in np.argsort(part) if part[i] * RARE < part.max()]
    said = [f"Classes are between {part.min():.1%} and {part.max():.1%} of the training examples."]
    if not rare:
        return Seen("ruled out", tuple(said))
    missed = [i for i in rare if i in (case.never_predicted or ())]
    where = tuple(case.dataset.classes[i] for i in (missed or rare))
    if missed:
        said.append(f"Never predicted for {case.split} examples: {', '.join(where[:4])}.")
    return Seen("found" if missed else "noticed", tuple(said), where)
