"""Remedies where the gradient is lost on its way: vanishing and exploding gradients, dead and saturated units."""

import math

from headway.doctor.remedies.blocks import activations, branches, depth_of, weighted
from headway.doctor.remedies.remedy import NORM, NOTHING, Patient, Remedy
from headway.learning.clipping import ClipByNorm
from headway.network.activations import ELU, GELU, Identity, LeakyReLU, ReLU
from headway.network.compose import Sequential, last_address
from headway.network.convolution import Conv
from headway.network.dense import Dense
from headway.network.initialization import Zeros
from headway.network.layer import Activation, Layer
from headway.network.normalization import LayerNorm, Normalization
from headway.network.residual import Residual
from headway.spec.edit import Edit, InsertAfter, Remove, Replace, Set, Wrap
from headway.spec.error import join_address
from headway.spec.select import get

FLOW = "‖dL/dh‖ by depth stays as it is, or becomes even while the held-out loss stays as it is."


def against_vanishing(patient: Patient) -> tuple[Remedy, ...]:
    """ReLU with He's initialization, residual connections, normalization."""
    return (relu_and_he(patient), residual(patient), normalization_after(patient), normalization_before(patient))


def relu_and_he(patient: Patient) -> Remedy:
    """ReLU in the place of each hidden activation, behind the weights that suit it."""
    relu = [Replace(block.activation_at, by=ReLU()) for block in patient.blocks]
    he = [Set(f"{block.at}/init", value=None) for block in patient.blocks if block.dense.init is not None]
    return Remedy(
        (*relu, *he),
        name="relu-and-he",
        edge=("relu", "solves", "vanishing-gradient"),
        reason="ReLU's slope is 1 where it is active, and He's variance keeps the signal's size (He et al. 2015).",
        cost="nothing; units can die",
        refuted_by=FLOW,
    )


def residual(patient: Patient) -> Remedy:
    """A way around each block that keeps its shape."""
    edits: list[Edit] = []
    for block in (block for block in patient.blocks if block.keeps_shape):
        body = Sequential((Identity(), block.activation))
        edits += [Wrap(block.at, by=Residual(body), slot="body/0"), Remove(block.activation_at)]
    return Remedy(
        tuple(edits),
        name="residual",
        edge=("gradient-highway", "solves", "vanishing-gradient"),
        reason="∂(x + F)/∂x = I + ∂F/∂x: the gradient passes beside every layer (He et al. 2016).",
        cost="an addition a layer",
        refuted_by=FLOW,
    )


def normalization_after(patient: Patient) -> Remedy:
    """A norm behind each hidden activation."""
    return Remedy(
        tuple(InsertAfter(block.activation_at, new=LayerNorm()) for block in patient.blocks),
        name="normalization-after",
        edge=("normalization", "stabilizes", "neural-network"),
        reason="Behind each activation: every layer's inputs have mean 0 and spread 1 again (Ba et al. 2016).",
        cost=NORM,
        refuted_by=FLOW,
    )


def normalization_before(patient: Patient) -> Remedy:
    """A norm between each hidden dense layer and its activation."""
    return Remedy(
        tuple(InsertAfter(block.at, new=LayerNorm()) for block in patient.blocks),
        name="normalization-before",
        edge=("normalization", "stabilizes", "neural-network"),
        reason="Before each activation: its inputs have mean 0 and spread 1, where it has a slope.",
        cost=NORM,
        refuted_by=FLOW,
    )


def against_exploding(patient: Patient) -> tuple[Remedy, ...]:
    """Residual branches made smaller, zero at first or normalized; a bound on the gradient; other first weights."""
    return (branches_scaled(patient), branches_zero(patient), norm_in_branches(patient), default_weights(patient),
            normalization_before(patient), clipping(patient))  # fmt: skip


def branches_scaled(patient: Patient) -> Remedy:
    """Every residual branch times 1/√n, n the number of them."""
    network = patient.recipe.network
    count = depth_of(network, patient.inputs)
    unscaled = [at for at, branch in branches(network, "network") if branch.scale == 1]
    return Remedy(
        tuple(Set(f"{at}/scale", value=float(f"{1 / math.sqrt(count):.3g}")) for at in unscaled if count > 1),
        name="branches-scaled",
        edge=("residual-connection", "can-cause", "exploding-gradient"),
        reason=f"A sum with a branch as large as its input doubles the variance: {count} of them make it 2^{count} "
        f"times as large, with branches times 1/√{count} less than e times (Hayou et al. 2021).",
        cost=NOTHING,
        refuted_by="‖h‖ and ‖dL/dh‖ still grow from block to block, or no longer do and the loss is no lower.",
    )


def branches_zero(patient: Patient) -> Remedy:
    """The last weights of every residual branch 0 at first, where no activation stands behind them."""
    found = []
    for at, branch in branches(patient.recipe.network, "network"):
        last = last_address(branch.body)
        if isinstance(get(branch.body, last), Dense | Conv):
            found.append(Set(join_address(f"{at}/body", join_address(last, "init")), value=Zeros()))
    return Remedy(
        tuple(found),
        name="branches-zero",
        edge=("residual-connection", "can-cause", "exploding-gradient"),
        reason="A branch that begins at 0 leaves the block the identity: nothing grows before something is learned "
        "(Goyal et al. 2017; Zhang et al. 2019).",
        cost=NOTHING,
        refuted_by="The loss at the first update is near chance, and training goes no better for it.",
    )


def norm_in_branches(patient: Patient) -> Remedy:
    """A LayerNorm at the beginning of every residual branch that has none: Pre-LN."""
    bare = [at for at, branch in branches(patient.recipe.network, "network") if not _begins_with_norm(branch.body)]
    return Remedy(
        tuple(Wrap(f"{at}/body", by=Sequential((LayerNorm(), Identity())), slot="1") for at in bare),
        name="norm-in-branches",
        edge=("layernorm", "placement", "pre-ln"),
        reason="x + F(LN(x)): what a branch adds no longer grows with x, so the sum grows like √depth, not 2^depth "
        "(Xiong et al. 2020).",
        cost=NORM,
        refuted_by="‖h‖ still grows geometrically from block to block, or no longer does and the loss is no lower.",
    )


def _begins_with_norm(body: Layer) -> bool:
    first = body.layers[0] if isinstance(body, Sequential) else body
    return isinstance(first, Normalization)


def default_weights(patient: Patient) -> Remedy:
    """First weights of the variance that suits the activation behind them, in the place of chosen ones."""
    chosen = [at for at, layer in weighted(patient.recipe.network, "network") if layer.init is not None]
    return Remedy(
        tuple(Set(f"{at}/init", value=None) for at in chosen),
        name="default-weights",
        edge=("initialization", "sets", "signal-gain"),
        reason="Weights of variance gain / fan_in keep the signal's size from layer to layer, and no two units alike "
        "(Glorot & Bengio 2010; He et al. 2015).",
        cost=NOTHING,
        refuted_by="The signal's size by depth is even at the first update, and training goes no better for it.",
    )


def clipping(patient: Patient) -> Remedy:
    """A bound on the norm of the gradient."""
    return Remedy(
        () if patient.recipe.clip else (Set("clip", value=ClipByNorm(1.0)),),
        name="clipping",
        edge=("gradient-clipping", "prevents", "exploding-gradient"),
        reason="No update goes further than a gradient of norm 1 would, in the same direction (Pascanu et al. 2013).",
        cost="a norm an update",
        refuted_by="Most updates are clipped and the loss falls no further: then the rate was too high.",
    )


def against_dying(patient: Patient) -> tuple[Remedy, ...]:
    """Activations that have a slope everywhere, other first weights, normalization."""
    return (
        *(in_place(patient, *lively) for lively in LIVELY),
        normalization_before(patient),
        default_weights(patient),
    )


LIVELY: tuple[tuple[str, Activation, tuple[str, ...], str], ...] = (
    ("leaky-relu", LeakyReLU(0.1), ("leaky-relu", "prevents", "dying-relu"),
     "Its slope is 0.1 below 0: a unit that is off for every example still learns (Maas et al. 2013)."),
    ("elu", ELU(), (), "Its slope is e^x below 0, and its mean is nearer to 0 (Clevert et al. 2016)."),
    ("gelu", GELU(), ("activation-function", "variant", "gelu"),
     "Its slope is not 0 just below 0 (Hendrycks & Gimpel 2016)."),
)  # fmt: skip
"""What takes the place of ReLU: name, activation, edge, reason."""


def in_place(patient: Patient, name: str, by: Activation, edge: tuple[str, ...], why: str) -> Remedy:
    """Another activation in the place of every hidden ReLU."""
    relus = [at for at, part in activations(patient.recipe.network, "network") if isinstance(part, ReLU)]
    return Remedy(
        tuple(Replace(at, by=by) for at in relus),
        name=name,
        edge=edge,
        reason=why,
        cost=NOTHING if isinstance(by, LeakyReLU) else "an exponential an activation",
        refuted_by="As many units give the same for every example, or fewer do and the loss is no lower.",
    )


def against_initial_scale(patient: Patient) -> tuple[Remedy, ...]:
    """First weights of the right variance, or a norm that takes out whatever variance they have."""
    return (default_weights(patient), normalization_before(patient), branches_scaled(patient))


def against_symmetry(patient: Patient) -> tuple[Remedy, ...]:
    """First weights that tell units apart."""
    return (default_weights(patient),)


def against_saturation(patient: Patient) -> tuple[Remedy, ...]:
    """Normalization before the activations, smaller first weights, or ReLU in their place."""
    return (normalization_before(patient), default_weights(patient), relu_and_he(patient), normalization_after(patient))
