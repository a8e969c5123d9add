"""Labels: whether they belong to their inputs, how noisy they are, and how unequal their classes."""

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.measures.parting import shares
from headway.doctor.measures.simple import Simple
from headway.doctor.rules.rule import rule
from headway.doctor.rules.splits import OTHER

NOTHING, SOMETHING = 2.0, 4.0
"""Standard errors of what is saved: below the first there is nothing to be seen, above the second something is."""
PER_NUMBER = 10
"""So many examples for every number of an input are enough to learn from, if there is something to learn."""
LEARNED = 0.75
"""The share of the loss to be beaten below which a network has learned of its training examples."""
MUCH = 0.1
"""The share of the best constant's error that counts as much of a signal."""
WRONG = (0.05, 0.25)
"""The shares of wrong labels that are noticed, and that do harm."""
RARE = 10.0
"""How many times as common as another a class must be for their labels to be called unequal."""


@rule(
    "labels-shuffled", "labels that belong to other inputs", concept="label-noise", stage="data and pairing",
    needs="simple simple_held_out partings",
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
    if any(part.classes is not None and part.classes > OTHER for part in case.partings.values()):
        return Seen("not seen", (*said, "The parts hold their classes in other shares."))
    if 2 * len(train.saved["linear"]) < len(held.saved["linear"]):
        return Seen("not seen", (*said, "There are less than half as many training examples."))
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

    What lies in the order of pixels or of a sequence may be hidden from simple models; there the network itself must
    have learned a quarter of what there is to know of ten training examples a number of an input, and nothing of
    others. Hidden may also be a parity of many inputs, which no descent learns from few examples either (Shalev-Shwartz
    et al. 2017, *Failures of gradient-based deep learning*).
    """
    parts: list[Simple] = [part for part in (case.simple, case.simple_held_out) if part is not None]
    said = (f"Of the best constant's error simple models save {parts[0].shares()}.",)
    if any(part.deviations >= NOTHING for part in parts) or case.simple.share > MUCH:
        return Seen("ruled out", said)
    if case.simple.share + 2 * case.simple.doubt > MUCH:
        return Seen("not seen", (*said, "They are too few to tell."))
    flat = len(case.dataset.input_shape) == 1
    many = len(case.dataset.train) >= PER_NUMBER * np.prod(case.dataset.input_shape)
    learned = many and case.reached is not None and case.reached < LEARNED
    return Seen(case.word if flat or learned else "noticed", (*said, "Another network or rate cannot help."), ("data",))


@rule(
    "label-noise", "labels that are wrong", concept="label-noise", stage="data and pairing", needs="simple dataset",
    follows="labels-shuffled no-signal",
)  # fmt: skip
def label_noise(case: Known) -> Seen:
    """Where simple models are surest they are still wrong, and being surer yet does not help.

    Classes that overlap leave examples that are easily told, and a model that is too weak gets better the surer it is.
    Labels that were drawn at random are wrong everywhere alike: the surest quarter of the examples and the next have
    the same share of mistakes (Northcutt, Jiang & Chuang 2021, *Confident learning*, tell them apart by the model's own
    confidence). A twentieth is noticed, a quarter is harm.
    """
    if case.dataset.classes is None:
        return Seen("ruled out", ("Targets are amounts.",))
    first, second = (quarter.astype(float) for quarter in case.simple.surest())
    both = np.concatenate([first, second])
    noise, error = 1 - float(both.mean()), float(both.std(ddof=1) / np.sqrt(len(both)))
    said = [f"Of the quarter of the examples that they are surest of simple models get {first.mean():.0%} right, of "
            f"the next {second.mean():.0%}."]  # fmt: skip
    better = first.mean() - second.mean() > 4 * error  # two standard errors of the difference
    commonest = shares(case.dataset.train.y, len(case.dataset.classes)).max()
    if better or both.mean() - 2 * error < commonest + MUCH or noise - 2 * error < WRONG[0]:
        return Seen("ruled out", tuple(said))
    said.append(f"That is as if {noise:.0%} of the labels, ± {2 * error:.0%}, were wrong.")
    return Seen("found" if noise - 2 * error > WRONG[1] else "noticed", tuple(said), ("data",))


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
