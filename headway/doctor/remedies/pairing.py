"""Remedies of data, outputs and loss: what must fit together before anything can be learned."""

import numpy as np

from headway.data.schema import fit_scaling
from headway.doctor.remedies.blocks import ends
from headway.doctor.remedies.remedy import NOTHING, Patient, Remedy
from headway.learning.losses import BinaryCrossEntropy, CrossEntropy, Loss
from headway.network.activations import Identity, ReLU, Sigmoid, Softmax, Tanh
from headway.network.compose import Sequential
from headway.network.layer import Activation, Layer
from headway.network.normalization import BatchNorm
from headway.network.rescale import Rescale
from headway.spec.edit import Edit, InsertAfter, InsertBefore, Replace, Set, Wrap

BOUNDED = (Softmax, Sigmoid, Tanh, ReLU)


def against_mismatch(patient: Patient) -> tuple[Remedy, ...]:
    """Outputs without bounds, and the loss that takes them."""
    return (linear_end(patient), loss_of_logits(patient))


def linear_end(patient: Patient) -> Remedy:
    """The activation behind the last weights taken out, where the loss takes outputs without bounds."""
    at, last = ends(patient.recipe.network, "network")
    bounded = isinstance(last, Activation) and not isinstance(last, Identity)
    wanted = bounded and patient.recipe.loss.expects != "probabilities"
    name = f"remove-{type(last).__name__.lower()}"
    return Remedy(
        (Replace(at, by=Identity()),) if wanted else (),
        name=name,
        edge=("loss-function", "produces", "gradient"),
        reason=f"{type(patient.recipe.loss).__name__} takes any number for an output. Behind {last} it can have only "
        "some of them, and where it is flat no gradient comes through.",
        cost=NOTHING,
        refuted_by="The loss at the first update is as before, or training goes no better for it.",
    )


def loss_of_logits(patient: Patient) -> Remedy:
    """The loss that takes outputs without bounds, where the network ends in such and the loss takes probabilities."""
    _, last = ends(patient.recipe.network, "network")
    loss = patient.recipe.loss
    wanted = loss.expects == "probabilities" and not isinstance(last, Softmax | Sigmoid)
    outputs = patient.recipe.network.shape(patient.inputs)
    new: Loss = BinaryCrossEntropy() if outputs == (1,) else CrossEntropy()
    return Remedy(
        (Replace("loss", by=new),) if wanted else (),
        name="loss-of-logits",
        edge=("loss-function", "produces", "gradient"),
        reason=f"The outputs are not probabilities: {type(loss).__name__} of them is no log-likelihood, "
        f"{type(new).__name__} makes them so itself.",
        cost=NOTHING,
        refuted_by="The loss at the first update is not near that of a guess.",
    )


def against_reduction(patient: Patient) -> tuple[Remedy, ...]:
    """The mean over a batch in place of the sum."""
    return (Remedy(
        (Set("loss/reduction", value="mean"),) if patient.recipe.loss.reduction == "sum" else (),
        name="mean-loss",
        edge=("loss-function", "produces", "gradient"),
        reason="The gradient of a sum is as many times that of the mean as a batch has examples, and so is the step.",
        cost=NOTHING,
        refuted_by="The rate divided by the size of the batch comes as far.",
    ),)  # fmt: skip


def against_unscaled_features(patient: Patient) -> tuple[Remedy, ...]:
    """Features of mean 0 and spread 1: in the data, by fixed numbers in front of the network, or batch by batch."""
    tokens = patient.data.schema.tokens is not None
    return () if tokens else (standardize(patient), rescaled_inputs(patient), normalized_inputs(patient))


def standardize(patient: Patient) -> Remedy:
    """The data scaled by its training part."""
    data = patient.recipe.data
    return Remedy(
        (Set("data/standardize", value=True),) if data is not None and not data.standardize else (),
        name="standardize",
        reason=SCALES,
        cost=NOTHING,
        refuted_by="The rate tuned for the raw features comes as far.",
    )


SCALES = (
    "Features of unlike scale make a valley that is steep across and flat along: no rate suits both, and the first "
    "units saturate or die (LeCun et al. 1998)."
)


def rescaled_inputs(patient: Patient) -> Remedy:
    """The means and spreads of the training inputs as a fixed layer in front of the network."""
    fitted = fit_scaling(patient.data.train.x.astype(np.float64))
    mean, spread = np.asarray(fitted.mean), np.asarray(fitted.spread)
    layer = Rescale(tuple(_short(1 / spread)), shift=tuple(_short(-mean / spread)))
    return Remedy(
        in_front(patient.recipe.network, layer),
        name="rescaled-inputs",
        reason=SCALES,
        cost="a multiplication and an addition a feature",
        refuted_by="The rate tuned for the raw features comes as far.",
    )


def normalized_inputs(patient: Patient) -> Remedy:
    """A BatchNorm in front of the network."""
    return Remedy(
        in_front(patient.recipe.network, BatchNorm()),
        name="normalized-inputs",
        edge=("normalization", "stabilizes", "training"),
        reason=SCALES,
        cost="two parameters a feature; examples of a batch see each other",
        refuted_by="The rate tuned for the raw features comes as far.",
    )


def against_unscaled_targets(patient: Patient) -> tuple[Remedy, ...]:
    """Fixed units behind the network: the spread of the training targets for a scale, their mean for a shift."""
    amounts = patient.data.classes is None
    y = np.asarray(patient.data.train.y, np.float64).reshape(len(patient.data.train), -1)
    spread = np.where(y.std(axis=0) > 0, y.std(axis=0), 1)
    layer = Rescale(tuple(_short(spread)), shift=tuple(_short(y.mean(axis=0))))
    return (Remedy(
        behind(patient.recipe.network, layer) if amounts else (),
        name="rescaled-outputs",
        edge=("mean-squared-error", "standard-for", "regression"),
        reason="Outputs begin near 0 ± 1: where the targets are far from there, training is spent on a bias, and the "
        "gradient is as large as their distance.",
        cost="a multiplication and an addition an output",
        refuted_by="The constant that is best on the training set is reached as fast without it.",
    ),)  # fmt: skip


def in_front(network: Layer, layer: Layer) -> tuple[Edit, ...]:
    """The edit of a recipe that puts a layer in front of its network."""
    if isinstance(network, Sequential):
        return (InsertBefore(f"network/{next(iter(network.members()))}", new=layer),)
    return (Wrap("network", by=Sequential((layer, Identity())), slot="1"),)


def behind(network: Layer, layer: Layer) -> tuple[Edit, ...]:
    """The edit of a recipe that puts a layer behind its network."""
    if isinstance(network, Sequential):
        return (InsertAfter(f"network/{list(network.members())[-1]}", new=layer),)
    return (Wrap("network", by=Sequential((Identity(), layer)), slot="0"),)


def _short(values: np.ndarray) -> list[float]:
    """Numbers with six digits, as they are read in a recipe."""
    return [float(f"{value:.6g}") for value in values]
