"""A recipe that has met its data: durations counted in updates, and what cannot learn as it stands refused."""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.data.augment import Augmentation, expect_augmentable
from headway.data.dataset import Dataset
from headway.learning.averaging import EMA
from headway.learning.clipping import Clip
from headway.learning.losses import BinaryCrossEntropy, Hinge, Loss, ProbabilityBinaryCrossEntropy
from headway.learning.metrics import BitsPerByte
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.penalties import Penalty
from headway.learning.schedules.schedule import Epochs
from headway.network.compose import expect_copies
from headway.network.initialization import Shape
from headway.network.layer import Context, Layer, initialize, observe
from headway.network.recompute import Recompute
from headway.network.tokens import expect_tokens
from headway.scale.mesh import Mesh
from headway.scale.precision import Float32, Precision
from headway.scale.sharding import expect_divided
from headway.signals.probe import Watch, watched
from headway.spec.error import HeadwayError
from headway.spec.node import Count, Spec, field_names, spec, walk
from headway.training.pairing import mispaired
from headway.training.parts import expect_parts
from headway.training.recipe import Positive, Recipe


@spec
class Update(Spec):
    """What one update computes, the fields of a recipe that are compiled, durations resolved; and on which devices."""

    network: Layer
    _: KW_ONLY
    loss: Loss
    optimizer: Optimizer
    clip: Clip | None
    batch_size: Positive
    accumulate: Positive = 1
    loss_parts: Positive = 1
    seed: Annotated[Count, Field(ge=0, lt=2**31)]
    penalties: tuple[Penalty, ...] = ()
    average: EMA | None = None
    augment: tuple[Augmentation, ...] = ()
    recompute: Recompute | None = None
    watch: Watch | None = None
    precision: Precision = Float32()
    mesh: Mesh | None = None


@dataclass(frozen=True)
class Job:
    """A recipe that has met its data: durations are counts of updates.

    epoch, updates    updates in an epoch and in the whole run
    evaluate_every    updates between evaluations
    watched           addresses of the layers whose signals are measured
    start             the values {"params", "network"} that it begins from; None: those drawn by its seed
    """

    recipe: Recipe
    dataset: Dataset
    update: Update
    epoch: int
    updates: int
    evaluate_every: int
    watched: tuple[str, ...] = ()
    start: dict[str, Any] | None = None


def prepare(recipe: Recipe, data: Dataset | None = None, *, anyway: bool = False, mesh: Mesh | None = None) -> Job:
    """Load the data, resolve durations, and refuse what cannot learn as it stands.

    `anyway` lets a recipe through that is wrong but computable; `mesh` says on which devices it will run.
    """
    if data is None:
        if recipe.data is None:
            raise HeadwayError("data", "a recipe without data needs a data set", None, "Call train(recipe, data=…).")
        data = recipe.data.load()
    found = impossible(recipe, data) or ([] if anyway else mistakes(recipe))
    if found:
        raise found[0]
    expect_augmentable(recipe.augment, data, recipe.loss)
    epoch = math.ceil(len(data.train) / recipe.batch_size)
    updates = in_updates(recipe.length, epoch)
    try:
        optimizer = recipe.optimizer.resolved(updates, epoch)
    except HeadwayError as error:
        raise error.under("optimizer") from None
    if mesh is not None:
        mesh.expect(recipe.batch_size, recipe.accumulate)
        expect_divided(recipe.network.declare(data.input_shape), mesh, data.time)
        mesh.on_devices()
    shared = {name: getattr(recipe, name) for name in field_names(Update) if name != "mesh"}
    update = Update(**shared | {"optimizer": optimizer, "mesh": mesh})
    addresses = _watched(recipe.network, data.input_shape, data.train.x.dtype) if recipe.watch else ()
    return Job(recipe, data, update, epoch, updates, in_updates(recipe.evaluation.every, epoch), addresses)


_watched = functools.lru_cache(watched)
"""A proof prepares the same network for many seeds."""


def describe_update(job: Job) -> str:
    """What an update is made of: its examples and their micro-batches, which layers see only one, what is penalized."""
    recipe, declared = job.recipe, job.recipe.network.declare(job.dataset.input_shape)
    size = recipe.batch_size // recipe.accumulate
    mixing = [address for address, part in walk(recipe.network) if isinstance(part, Layer) and part.mixes_examples]
    parts = f", in {recipe.accumulate} micro-batches of {size}" if recipe.accumulate > 1 else ""
    lines = [f"updates of {recipe.batch_size} examples{parts}"]
    lines += [f"  batch statistics of {size} examples in {', '.join(mixing)}"] if mixing else []
    lines += [f"  {penalty} on {', '.join(penalty.addresses(declared))}" for penalty in recipe.penalties]
    lines += [f"  {recipe.average} of the weights is judged and kept"] if recipe.average else []
    return "\n".join(lines)


def in_updates(duration: int | Epochs, epoch: int) -> int:
    """A duration as a whole number of updates, at least one."""
    return duration.updates(0, epoch) if isinstance(duration, Epochs) else duration


def impossible(recipe: Recipe, data: Dataset) -> list[HeadwayError]:
    """What cannot be computed at all."""
    network, loss, examples = recipe.network, recipe.loss, data.train
    try:
        outputs = network.shape(data.input_shape)
        expect_tokens(network, data.schema.tokens)
    except HeadwayError as error:
        return [error.under("network")]
    misdirected = unmatched(recipe, network.declare(data.input_shape))
    if misdirected:
        return misdirected
    name, wanted = type(loss).__name__, (*examples.y.shape[1:], len(data.classes or ()))
    if loss.targets == "labels" and data.classes is None:
        return [HeadwayError("loss", f"{name} needs class labels", "a regression data set", "Use MeanSquaredError().")]
    if loss.targets == "values" and data.classes is not None:
        return [
            HeadwayError("loss", f"{name} needs amounts", f"class labels {data.classes[:3]} …", "Use CrossEntropy().")
        ]
    one_output = wanted == (2,) and isinstance(loss, BinaryCrossEntropy | ProbabilityBinaryCrossEntropy | Hinge)
    if data.classes is not None and outputs != wanted and not (one_output and outputs == (1,)):
        if len(wanted) == 2:
            return [HeadwayError("network", f"must give outputs {wanted}, one a class at every place",
                                 f"shape {outputs}", f"End with Dense({wanted[1]}), and keep the time.")]  # fmt: skip
        return [HeadwayError("network", f"must give {wanted[0]} outputs, one a class", f"shape {outputs}",
                             f"End with Dense({wanted[0]}), after Flatten() where need be.")]  # fmt: skip
    try:
        jax.eval_shape(lambda y, weights: loss(jnp.zeros((2, *outputs)), y, weights), *examples[:2].arrays[1:])
    except HeadwayError as error:
        return [error.under("loss")]
    try:
        expect_parts(network, outputs, recipe.loss_parts)
    except HeadwayError as error:
        return [error]
    if recipe.batch_size > len(examples):
        return [HeadwayError("batch_size", f"must be at most the {len(examples)} training examples", recipe.batch_size,
                             f"Set batch_size={len(examples)} or less.")]  # fmt: skip
    if recipe.stopping is not None and data.validation is None:
        return [HeadwayError("stopping", "early stopping needs a validation set", "none", "Set data.validation.")]
    return unsuited(recipe, outputs, data)


def unsuited(recipe: Recipe, outputs: Shape, data: Dataset) -> list[HeadwayError]:
    """Metrics that cannot judge these outputs, and a network that cannot learn from single examples."""
    x, y, weights = data.train[:2].arrays
    for i, metric in enumerate(recipe.evaluation.metrics):
        where = f"evaluation/metrics/{i}"
        if isinstance(metric, BitsPerByte) and (data.schema.tokens != 256 or x.shape != y.shape):
            return [HeadwayError(where, "BitsPerByte needs bytes for tokens, the next one at every place",
                                 f"inputs {data.input_shape}", "Use Perplexity().")]  # fmt: skip
        try:
            jax.eval_shape(lambda y, weights, m=metric: m.sums(jnp.zeros((2, *outputs)), y, weights), y, weights)
        except HeadwayError as error:
            return [error.under(where)]

    def observed(x: jax.Array) -> Any:
        key = jax.random.key(0)
        params, state = initialize(recipe.network, data.input_shape, key)
        return observe(recipe.network, params, x, state, Context("train", jax.random.split(key, 1)))

    try:
        if recipe.batch_size == recipe.accumulate:
            jax.eval_shape(observed, x[:1])
    except HeadwayError as error:
        return [error.under("network")]
    return []


def unmatched(recipe: Recipe, declared: Mapping[str, Any]) -> list[HeadwayError]:
    """Patterns of addresses that match none of the network's parameters that it declares, or none of its layers."""
    parts: dict[str, Callable[..., Any]] = {"optimizer": recipe.optimizer.groups}
    parts |= {f"penalties/{i}": penalty.addresses for i, penalty in enumerate(recipe.penalties)}
    for where, addresses in parts.items():
        try:
            addresses(declared)
        except HeadwayError as error:
            return [error.under(where)]
    try:
        recipe.precision.expect(recipe.network)
    except HeadwayError as error:
        return [error.under("precision")]
    return []


def mistakes(recipe: Recipe) -> list[HeadwayError]:
    """What can be computed but is known to be wrong; `train` refuses it unless told to go on."""
    found = [("network", *one) for one in mispaired(recipe.network, recipe.loss)]
    for address, part in walk(recipe.optimizer, "optimizer"):
        if getattr(part, "learning_rate", None) == 0:
            found.append((f"{address}/learning_rate", "must be above 0 to learn", "0", "Try 1e-3."))
    try:
        expect_copies(recipe.network, recipe.recompute)
    except HeadwayError as error:
        found.append((error.where, error.must, str(error.got), error.fix))
    anyway = "Or train it as it is: anyway=True, --anyway."
    return [HeadwayError(where, must, got, f"{fix} {anyway}") for where, must, got, fix in found]
