"""Remedies of what is fitted: too much, too little, or under too many constraints; and of the network's own form."""

from itertools import pairwise

import numpy as np

from headway.data.augment import Shift
from headway.doctor.remedies.descent import larger_batch, longer
from headway.doctor.remedies.gradient import default_weights, normalization_before
from headway.doctor.remedies.rate import thawed, usual_constants
from headway.doctor.remedies.remedy import NOTHING, RATE_ALONE, Patient, Remedy
from headway.learning.losses import BinaryCrossEntropy, CrossEntropy
from headway.learning.optimizers.descent import Descent
from headway.learning.regularization import Dropout, StochasticDepth
from headway.network.activations import Identity, ReLU
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten, GlobalAveragePool
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm, LayerNorm
from headway.spec.edit import Edit, InsertAfter, Replace, Set
from headway.spec.error import join_address
from headway.spec.node import children, walk

SHRINKING = 10.0
"""How many e-folds a weight decay shrinks over a run what the loss does not hold up."""


def against_overfitting(patient: Patient) -> tuple[Remedy, ...]:
    """What fits the examples less: fewer updates, decay, dropout, smoothed labels, fewer units, altered examples."""
    return (stop_at_best(patient), weight_decay(patient), dropout(patient), label_smoothing(patient),
            narrower(patient), shifted(patient))  # fmt: skip


def weight_decay(patient: Patient) -> Remedy:
    """A decay that shrinks what the loss does not hold up e¹⁰-fold over the run, or ten times the one there is."""
    optimizer, job = patient.recipe.optimizer, patient.case.job
    edits: tuple[Edit, ...] = ()
    if isinstance(optimizer, Descent) and job is not None:
        rates = np.asarray([job.update.optimizer.rate(i) for i in np.linspace(0, job.updates - 1, 20)])
        now = optimizer.weight_decay or 0.0
        strength = max(SHRINKING / max(float(rates.mean()) * job.updates, 1e-12), 10 * now)
        edits = (Set("optimizer/weight_decay", value=float(f"{strength:.2g}")),)
    return Remedy(
        edits,
        name="weight-decay",
        edge=("regularization", "prevents", "overfitting"),
        reason="Weights that only single examples hold up shrink away (Krogh & Hertz 1992; Loshchilov & Hutter 2019).",
        cost=NOTHING,
        refuted_by="The gap between training and held-out loss closes, and the held-out loss is no lower.",
    )


def dropout(patient: Patient) -> Remedy:
    """Half of the hidden units left out of every update."""
    has = any(isinstance(part, Dropout) for _, part in walk(patient.recipe.network))
    return Remedy(
        () if has else tuple(InsertAfter(block.activation_at, new=Dropout(0.5)) for block in patient.blocks),
        name="dropout",
        edge=("dropout", "prevents", "co-adaptation"),
        reason="No unit can rely on another: what is learned must be seen in many ways (Srivastava et al. 2014).",
        cost="slower training",
        refuted_by="The gap between training and held-out loss closes, and the held-out loss is no lower.",
    )


def stop_at_best(patient: Patient) -> Remedy:
    """As many updates as the run had when its held-out loss was least."""
    standing, job = patient.case.standing, patient.case.job
    early = standing is not None and job is not None and 0 < standing.best_step < 0.8 * job.updates
    return Remedy(
        (Set("length", value=standing.best_step),) if standing is not None and early else (),
        name="stop-at-best",
        edge=("regularization", "technique", "early-stopping"),
        reason="What is common to many examples is learned first, what is peculiar to each last (Prechelt 1998).",
        cost=NOTHING,
        refuted_by="On other seeds the held-out loss is least elsewhere.",
    )


def label_smoothing(patient: Patient) -> Remedy:
    """A tenth of every label spread over all classes."""
    loss = patient.recipe.loss
    plain = isinstance(loss, CrossEntropy | BinaryCrossEntropy) and loss.smoothing is None
    return Remedy(
        (Set("loss/smoothing", value=0.1),) if plain else (),
        name="label-smoothing",
        edge=("regularization", "technique", "label-smoothing"),
        reason="No output has to grow without end to be sure of a label, a wrong one neither (Szegedy et al. 2016).",
        cost=NOTHING,
        refuted_by="The outputs are as sure as before, or less so and the held-out loss is no lower.",
    )


def narrower(patient: Patient) -> Remedy:
    """A quarter of the hidden units."""
    wide = [block for block in patient.blocks if block.dense.units >= 16]
    return Remedy(
        tuple(Set(f"{block.at}/units", value=block.dense.units // 4) for block in wide),
        name="a-quarter-of-the-units",
        edge=("neural-network", "has", "width"),
        reason="Fewer weights than the examples need to be learned by heart.",
        cost="less than nothing",
        refuted_by="The training loss rises as much as the held-out loss falls, or more.",
    )


def shifted(patient: Patient) -> Remedy:
    """Images or sequences moved by a place, anew in each epoch."""
    fits = len(patient.inputs) in Shift.takes and patient.data.schema.tokens is None and not patient.recipe.augment
    return Remedy(
        (Set("augment", value=(Shift(1),)),) if fits and min(patient.inputs[:-1]) > 2 else (),
        name="shifted-examples",
        edge=("regularization", "technique", "data-augmentation"),
        reason="What is seen at one place is the same a place further: examples that cost nothing to label.",
        cost="a copy of every batch",
        refuted_by="The held-out loss is no lower: then the place does matter.",
    )


def against_underfitting(patient: Patient) -> tuple[Remedy, ...]:
    """More units, the rate, longer training; what makes fewer of them count: alike, averaged away, frozen, linear."""
    return (wider(patient), default_weights(patient), RATE_ALONE, missing_activations(patient), flattened(patient),
            thawed(patient), usual_constants(patient), longer(patient))  # fmt: skip


ENOUGH = 32
"""Units that a layer has at least that is made wider."""


def wider(patient: Patient) -> Remedy:
    """Twice the hidden units, ENOUGH at least, where the network still fits together."""
    return Remedy(
        tuple(Set(f"{block.at}/units", value=max(ENOUGH, 2 * block.dense.units)) for block in patient.blocks),
        name="more-units",
        edge=("neural-network", "has", "width"),
        reason="The training loss itself stays high: the network cannot express what the examples ask for.",
        cost="at least twice the weights",
        refuted_by="The training loss is as high with more units.",
    )


def flattened(patient: Patient) -> Remedy:
    """All places side by side in the place of their mean."""
    means = [at for at, part in walk(patient.recipe.network, "network") if isinstance(part, GlobalAveragePool)]
    return Remedy(
        tuple(Replace(at, by=Flatten()) for at in means),
        name="flattened",
        reason="A mean over all places does not tell where anything is: what the layers before it did not look for is "
        "lost.",
        cost="as many times the weights behind it as there are places",
        refuted_by="The training loss is as high with all places side by side.",
    )


def against_over_regularisation(patient: Patient) -> tuple[Remedy, ...]:
    """Everything that holds the fit back taken out."""
    recipe, network = patient.recipe, patient.recipe.network
    edits = [Set(f"{at}/rate", value=0.0) for at, part in walk(network, "network")
             if isinstance(part, Dropout | StochasticDepth) and part.rate]  # fmt: skip
    edits += [Set(name, value=()) for name in ("penalties", "augment") if getattr(recipe, name)]
    if getattr(recipe.optimizer, "weight_decay", None):
        edits += [Set("optimizer/weight_decay", value=None), Set("optimizer/decay_only", value=None)]
    if getattr(recipe.loss, "smoothing", None):
        edits.append(Set("loss/smoothing", value=None))
    return (Remedy(
        tuple(edits),
        name="unregularized",
        edge=("regularization", "prevents", "overfitting"),
        reason="What keeps a network from learning its examples by heart keeps it, when too strong, from learning.",
        cost="it may overfit",
        refuted_by="The training loss falls and the held-out loss does not.",
    ),)  # fmt: skip


def against_missing_nonlinearity(patient: Patient) -> tuple[Remedy, ...]:
    """ReLU between layers that nothing parts."""
    return (missing_activations(patient),)


def missing_activations(patient: Patient) -> Remedy:
    """ReLU between any two dense or convolutional layers that have nothing between them, or Identity alone."""
    found: list[Edit] = []
    for container, node in walk(patient.recipe.network, "network"):
        members = [(join_address(container, key), part) for key, part in children(node).items()]
        behind = None  # the dense or convolutional layer that only an Identity, or nothing, has come after
        for (at, one), (_, other) in pairwise(members if isinstance(node, Sequential) else ()):
            behind = one if isinstance(one, Dense | Conv) else behind if isinstance(one, Identity) else None
            if behind is not None and isinstance(other, Dense | Conv | Flatten):
                found.append(Replace(at, by=ReLU()) if isinstance(one, Identity) else InsertAfter(at, new=ReLU()))
    return Remedy(
        tuple(found),
        name="relu-between",
        edge=("layer", "uses", "activation-function"),
        reason="One linear map after another is one linear map: depth without an activation adds nothing.",
        cost=NOTHING,
        refuted_by="A linear model comes as far: then the task is linear.",
    )


def against_memory(patient: Patient) -> tuple[Remedy, ...]:
    """What keeps a network from learning even a few examples by heart."""
    return (wider(patient), normalization_before(patient), default_weights(patient), RATE_ALONE)


def against_mixing(patient: Patient) -> tuple[Remedy, ...]:
    """Norms that see one example at a time, or more examples for those that see a batch."""
    mixing = [at for at, part in walk(patient.recipe.network, "network") if isinstance(part, BatchNorm)]
    return (Remedy(
        tuple(Replace(at, by=LayerNorm()) for at in mixing),
        name="layernorm-for-batchnorm",
        edge=("normalization", "variant", "layernorm"),
        reason="LayerNorm is of each example alone, in training as in evaluation: no batch is too small for it.",
        cost="about twice the operations of BatchNorm in evaluation",
        refuted_by="With larger batches BatchNorm comes as far, or evaluation is as far from training as before.",
    ), larger_batch(patient))  # fmt: skip


def against_decay_groups(patient: Patient) -> tuple[Remedy, ...]:
    """Decay on weights alone, as they declare it."""
    chosen = getattr(patient.recipe.optimizer, "decay_only", None)
    return (Remedy(
        (Set("optimizer/decay_only", value=None),) if chosen else (),
        name="decay-weights-alone",
        edge=("regularization", "technique", "weight-decay"),
        reason="Biases and the scales of norms have no size to be kept small: decay only takes away what they do.",
        cost=NOTHING,
        refuted_by="The held-out loss is the same whatever decays.",
    ),)  # fmt: skip
