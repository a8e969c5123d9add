"""One update: draw a batch, differentiate it in one pass or several, clip, update."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp

from headway.data.augment import augmented
from headway.data.batches import Place, batch_indices, example_keys, place
from headway.data.dataset import Arrays
from headway.learning.clipping import global_norm
from headway.learning.losses import WeightedSum
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.targets import at_least_float32
from headway.network.context import Context, Tap, salt
from headway.network.layer import initialize, observe
from headway.scale.precision import Float16, settled
from headway.scale.sharding import between_blocks, laid, of_gradients, over_data, shardings
from headway.signals.probe import Probes, before_parameters, limits_of, watched
from headway.signals.statistics import of_learned, pooled, unscaled
from headway.spec.numbers import join, split
from headway.training.job import Job, Update
from headway.training.parts import sums_in_parts

TrainingState = dict[str, Any]
MEASURES = ("loss", "gradient_norm", "clipped_norm", "learning_rate")
"""What is measured at every update.

loss             of its batch, before the update, without penalties
gradient_norm    ‖g‖ of the gradient of loss and penalties together
clipped_norm     ‖g‖ after clipping: the same where nothing clips
learning_rate    η
"""


class Batch(NamedTuple):
    """Examples x [batch, …] with targets y, one random key each, and weights of examples or places (None: all 1)."""

    x: jax.Array
    y: jax.Array
    keys: jax.Array | None = None
    weights: jax.Array | None = None


def initial_state(update: Update, inputs: tuple[int, ...], start: Mapping[str, Any] | None = None) -> TrainingState:
    """Parameters, network state and optimizer state before the first update; the former two as in `start`, or drawn."""
    structure, numbers = split(update)
    return cast(TrainingState, _initial_state(structure, numbers, inputs, start))


def first_shapes(job: Job) -> TrainingState:
    """The shapes and dtypes of the state before the first update; nothing is computed."""
    shapes: TrainingState = jax.eval_shape(lambda: initial_state(job.update, job.dataset.input_shape))
    return shapes


def on_mesh(
    update: Update, state: TrainingState, inputs: tuple[int, ...], lay: Callable[..., Any] = jax.device_put
) -> TrainingState:
    """The state with every array on the devices that hold it; without a mesh as it is. In a step, `lay` is `laid`."""
    if update.mesh is None:
        return state
    placed: TrainingState = lay(state, shardings(state, update.network.declare(inputs), update.mesh))
    return placed


@functools.partial(jax.jit, static_argnames=("structure", "inputs"))
def _initial_state(structure: Update, numbers: Mapping[str, Any], inputs: tuple[int, ...], start: Any) -> TrainingState:
    update = join(structure, numbers)
    if start is None:
        params, network = initialize(structure.network, inputs, _key(update, "initialization"))
    else:
        params, network = start["params"], start["network"]
    state = {"params": params, "network": network, "optimizer": transformation(update, inputs).init(params)}
    if update.average is not None:
        state["average"] = update.average.begin(values_of(state))
    if isinstance(update.precision, Float16):
        state["scaling"] = update.precision.start()
    return on_mesh(update, state, inputs, laid)


def values_of(state: TrainingState) -> dict[str, Any]:
    """What is judged, kept and predicted with: parameters and network state, or their average where there is one."""
    if "average" in state:
        values: dict[str, Any] = state["average"]["values"]
        return values
    return {"params": state["params"], "network": state["network"]}


def step(update: Update, state: TrainingState, batch: Batch) -> tuple[TrainingState, dict[str, jax.Array]]:
    """One update, compiled: the state after it, and its MEASURES."""
    structure, numbers = split(update)
    return _step(structure, numbers, state, batch)


@functools.partial(jax.jit, static_argnames="structure")
def _step(structure: Update, numbers: Mapping[str, Any], state: TrainingState, batch: Batch) -> Any:
    return update_once(join(structure, numbers), state, batch)


class Differentiated(NamedTuple):
    """What a batch, or a part of it, says of the parameters.

    loss, weight    L = Σ w l / Σ w, or Σ w l where the loss is a sum, and Σ w
    gradients       dL/dθ
    seen            what it shows of the network's next state
    signals         [layers, len(PROBED)], a row a slot
    """

    loss: jax.Array
    weight: jax.Array
    gradients: Any
    seen: Any
    signals: jax.Array


def differentiate(
    update: Update, state: TrainingState, batch: Batch, slots: Sequence[jax.Array] = ()
) -> Differentiated:
    """One pass forward and one back. With a slot for every watched layer: also its signals."""

    def objective(params: Any, slots: Any) -> tuple[jax.Array, Any]:
        params = update.optimizer.held(params, update.network.declare(batch.x.shape[1:]))
        tap = Probes(slots, limits_of(update.network), before_parameters(update.network)) if slots else Context.tap
        sums, seen = forward(update, params, state["network"], batch, tap)
        loss = update.loss.value(sums)
        return loss if scale is None else loss * scale, (loss, sums.weight, seen)

    scale = state["scaling"]["scale"] if "scaling" in state else None
    differentiated = jax.value_and_grad(objective, (0, 1), has_aux=True)
    (_, (loss, weight, seen)), (gradients, rows) = differentiated(state["params"], tuple(slots))
    signals = jnp.stack(rows) if slots else jnp.zeros(0)
    if update.mesh is not None:
        gradients = laid(gradients, of_gradients(update.network.declare(batch.x.shape[1:]), update.mesh))
    if scale is not None:
        gradients = jax.tree.map(lambda g: g / scale, gradients)
        signals = unscaled(signals, scale) if slots else signals
    return Differentiated(loss, weight, gradients, seen, signals)


def forward(update: Update, params: Any, network: Any, batch: Batch, tap: Tap = Context.tap) -> tuple[WeightedSum, Any]:
    """The loss of a batch in training as its sums, and what the batch shows of the network's next state."""
    computes, recompute = update.precision.computes(), update.recompute
    lay = between_blocks(update.mesh) if update.mesh else Context.lay
    context = Context("train", batch.keys, tap, computes=computes, recompute=recompute, lay=lay)
    if update.loss_parts > 1 and (tap is Context.tap or isinstance(tap, Probes)):
        return sums_in_parts(update.network, update.loss, update.loss_parts, (params, network), batch, context)
    outputs, seen = observe(update.network, params, batch.x, network, context)
    return update.loss.sums(outputs, batch.y, batch.weights), seen


def micro_batches(update: Update, batch: Batch) -> Batch:
    """The batch in `update.accumulate` parts of one size, in order: x [parts, examples, …] and likewise the rest."""
    return jax.tree.map(lambda part: part.reshape(update.accumulate, -1, *part.shape[1:]), batch)


def accumulate(update: Update, state: TrainingState, batch: Batch, slots: Sequence[jax.Array] = ()) -> Differentiated:
    """Every micro-batch differentiated, one after the other, and what all of them together say.

    With W_i = Σ w of part i and L_i its mean: L = Σ W_i L_i / Σ W_i, dL/dθ likewise; both divided once, at the end, and
    summed in float32 at least. `seen` is stacked, [parts, …]; signals are `pooled`.
    """
    if update.accumulate == 1:
        found = differentiate(update, state, batch, slots)
        return found._replace(seen=jax.tree.map(lambda s: s[None], found.seen))
    mean = update.loss.reduction == "mean"

    def add(total: Any, part: Batch) -> tuple[Any, Differentiated]:
        found = differentiate(update, state, part, slots)
        factor = found.weight if mean else 1
        total = jax.tree.map(lambda total, g: total + (factor * g).astype(total.dtype), total, found.gradients)
        return total, found._replace(gradients=None)

    zeros = jax.tree.map(lambda p: jnp.zeros_like(at_least_float32(p)), state["params"])
    gradients, parts = jax.lax.scan(add, zeros, micro_batches(update, batch))
    weight = parts.weight.sum()
    shares = parts.weight / jnp.where(weight == 0, 1, weight) if mean else jnp.ones_like(parts.weight)
    return Differentiated(
        jnp.sum(shares * parts.loss),
        weight,
        jax.tree.map(lambda g: update.loss.value(WeightedSum(g, weight)), gradients),
        parts.seen,
        pooled(parts.signals, shares) if slots else parts.signals,
    )


def update_once(
    update: Update, state: TrainingState, batch: Batch, slots: Sequence[jax.Array] = ()
) -> tuple[TrainingState, dict[str, jax.Array]]:
    """The update itself, as a pure function to be traced. With a slot for every watched layer: also its signals."""
    return descended(update, state, batch, accumulate(update, state, batch, slots))


def descended(
    update: Update, state: TrainingState, batch: Batch, found: Differentiated
) -> tuple[TrainingState, dict[str, jax.Array]]:
    """What is left of an update once its batch is differentiated."""
    loss, _, gradients, seen, signals = found
    gradients = with_penalties(update, gradients, state["params"], batch.x.shape[1:])
    norm = global_norm(gradients)
    clipped = gradients if update.clip is None else update.clip.clip(gradients, state["params"])
    measures = {
        "loss": loss,
        "gradient_norm": norm,
        "clipped_norm": norm if update.clip is None else global_norm(clipped),
        "learning_rate": update.optimizer.rate(state["optimizer"]["count"]),
    }
    optimizer = transformation(update, batch.x.shape[1:])
    changes, memory = optimizer.update(clipped, state["optimizer"], state["params"])
    if signals.size:
        addresses = watched(update.network, batch.x.shape[1:], batch.x.dtype)
        learned = of_learned(addresses, (state["params"], gradients, changes))
        measures["signals"] = jnp.concatenate([signals, learned], axis=1)
    after = {
        "params": apply_updates(state["params"], changes),
        "network": update.network.after(state["network"], seen),
        "optimizer": memory,
    }
    if update.average is not None:
        after["average"] = update.average.after(state["average"], values_of(after))
    if isinstance(update.precision, Float16):
        after, scaling = settled(update.precision, state, after, (loss, gradients))
        measures |= scaling
    return on_mesh(update, after, batch.x.shape[1:], laid), measures


def with_penalties(update: Update, gradients: Any, params: Any, inputs: tuple[int, ...]) -> Any:
    """dL/dθ + dP/dθ, P the `price`."""
    if not update.penalties:
        return gradients
    priced = jax.grad(price, argnums=1)(update, params, inputs)
    return jax.tree.map(lambda g, p: g + p.astype(g.dtype), gradients, priced)


def price(update: Update, params: Any, inputs: tuple[int, ...]) -> Any:
    """The sum P of all penalties. What the optimizer holds fixed has no part in it."""
    declared = update.network.declare(inputs)
    held = update.optimizer.held(params, declared)
    return sum(penalty.value(held, declared) for penalty in update.penalties)


def measured(update: Update) -> tuple[str, ...]:
    """The names of what is measured of every update, in order."""
    return (*MEASURES, *update.precision.measures)


def tried(state: TrainingState) -> jax.Array:
    """The updates so far, with those that were skipped."""
    made: jax.Array = state["optimizer"]["count"]
    return made + state["scaling"]["skipped"] if "scaling" in state else made


def transformation(update: Update, inputs: tuple[int, ...]) -> Any:
    """The optimizer as a gradient transformation of the network's parameters."""
    return update.optimizer.transformation(update.network.declare(inputs))


def batch(job: Job, k: int) -> Batch:
    """The batch of update k, 0 for the first, augmented: a pure function of the recipe's seed and k."""
    examples = job.dataset.train
    structure, numbers = split(job.update)
    return _batch(structure, numbers, examples.arrays, place(k, job.update.batch_size, len(examples)))


@functools.partial(jax.jit, static_argnames="structure")
def _batch(structure: Update, numbers: Mapping[str, Any], examples: Arrays, place: Place) -> Batch:
    return draw_batch(join(structure, numbers), examples, place)


def draw_batch(update: Update, examples: Arrays, place: Place) -> Batch:
    """The batch that starts at `place`, out of these examples."""
    return jax.tree.map(lambda part: part[0], draw_batches(update, examples, place, 1))


def draw_batches(update: Update, examples: Arrays, place: Place, count: int) -> Batch:
    """The `count` batches from `place` on, augmented, as one: x [count, batch, …] and likewise the rest."""
    rows = (count, update.batch_size)
    indices, epochs, positions = batch_indices(update.seed, *place, count * update.batch_size, len(examples.x))
    x, y, weights = jax.tree.map(lambda part: part[indices].reshape(*rows, *part.shape[1:]), examples)
    keys = example_keys(_key(update, "examples"), epochs, positions).reshape(rows)
    if update.augment:
        outputs = update.network.shape(x.shape[2:])
        x, y = jax.vmap(lambda x, y, keys: augmented(update.augment, x, y, keys, outputs))(x, y, keys)
    drawn = Batch(x, y, keys, weights)
    return drawn if update.mesh is None else laid(drawn, over_data(update.mesh, 1))


def _key(update: Update, purpose: str) -> jax.Array:
    return jax.random.fold_in(jax.random.key(update.seed), salt(purpose))
