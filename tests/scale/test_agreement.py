"""A big batch at once, in micro-batches and on several devices: the same updates, those of one plain gradient.

Run as a module it is the drill: everything in float64 on virtual devices; how far it is apart is printed as JSON.
"""

import functools
import json
import os
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from headway.data.batches import batch_indices
from headway.data.dataset import Examples, arrays
from headway.learning.clipping import ClipByNorm, ClipByValue
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import Accuracy
from headway.learning.optimizers.adaptive import Adam, AdamW, Lion, RMSProp
from headway.learning.optimizers.foreign import Optax
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2
from headway.learning.schedules.decay import Linear
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.scale.local import virtual
from headway.scale.mesh import Mesh
from headway.scale.sharding import everywhere
from headway.spec.error import HeadwayError
from headway.spec.node import field_names
from headway.spec.numbers import split
from headway.training.chunk import run_chunk
from headway.training.evaluate import judge, on_device
from headway.training.job import Job, prepare
from headway.training.recipe import Evaluation, Recipe
from headway.training.step import MEASURES, batch, initial_state, on_mesh, step
from kinds import ALL, examples
from tests.drills import ROOT, apart, printed

TOLERANCE = 1e-11
SINGLE = 1e-6
"""Running statistics are float32, and so is the buffer of what the updates of a chunk measure."""
SETUPS: dict[str, dict[str, Any]] = {
    "at once": {},
    "accumulate=2": {"accumulate": 2},
    "accumulate=4": {"accumulate": 4},
    "data=4": {"mesh": Mesh(4)},
    "data=2, accumulate=2": {"mesh": Mesh(2), "accumulate": 2},
}
PARTS = ("params", "optimizer", "measures", "evaluation")
CLIPS = {
    "by norm": (ClipByNorm(0.1), optax.clip_by_global_norm(0.1)),
    "by value": (ClipByValue(0.02), optax.clip(0.02)),
}
DECAY, MOMENTUM, RATE = 0.1, 0.7, Linear(0.05, steps=5, final=0.01)

UPDATES, BATCH, EXAMPLES = 6, 8, 23
RNG = np.random.default_rng(1)
WEIGHTS = RNG.choice([0, 0, 0.1, 1, 5], EXAMPLES)
SINGLES = arrays(RNG.normal(size=(EXAMPLES, 5)), np.arange(EXAMPLES) % 3, weights=WEIGHTS, validation=None,
                 test=(RNG.normal(size=(13, 5)), np.arange(13) % 3, RNG.uniform(0, 3, 13)))  # fmt: skip
DATA = replace(SINGLES, **{name: Examples(part.x.astype(float), part.y, part.weights.astype(float))
                           for name, part in SINGLES.splits().items()})  # fmt: skip
RECIPE = Recipe(Sequential((Dense(4), Tanh(), Dense(3))), loss=CrossEntropy(), optimizer=SGD(RATE, momentum=0.9),
                clip=CLIPS["by norm"][0], batch_size=BATCH, length=UPDATES, watch=None, seed=3,
                evaluation=Evaluation(metrics=(Accuracy(),), batch_size=5))  # fmt: skip
NORMED = replace(RECIPE, network=Sequential((Dense(4), BatchNorm(momentum=MOMENTUM), Tanh(), Dense(3))))


def distance(a: Any, b: Any) -> float:
    """The largest difference of two trees of one form; NaN where there is one."""
    return float(np.max(jax.tree.leaves(jax.tree.map(apart, a, b))))


def rate(i):
    """RATE, as the book writes it."""
    return 0.05 + (0.01 - 0.05) * jnp.minimum(jnp.asarray(i, float) / 5, 1)


def decayed(*direction: optax.GradientTransformation) -> optax.GradientTransformation:
    decay = optax.add_decayed_weights(DECAY, lambda params: jax.tree.map(lambda p: p.ndim == 2, params))
    return optax.chain(*direction, decay, optax.scale_by_learning_rate(rate))


PAIRS: dict[type[Optimizer], tuple[Any, optax.GradientTransformation]] = {
    SGD: (SGD(RATE, momentum=0.9), decayed(optax.trace(0.9))),
    Adam: (Adam(RATE, b2=0.95), decayed(optax.scale_by_adam(b2=0.95))),
    AdamW: (AdamW(RATE), decayed(optax.scale_by_adam())),
    RMSProp: (RMSProp(RATE, momentum=0.5),
              decayed(optax.scale_by_rms(0.9, 1e-8, eps_in_sqrt=False), optax.trace(0.5))),
    Lion: (Lion(RATE), decayed(optax.scale_by_lion(0.9, 0.99))),
    Optax: (Optax("lamb", learning_rate=RATE, settings=(("weight_decay", DECAY),)),
            optax.lamb(rate, weight_decay=DECAY)),
}  # fmt: skip
"""Kinds that Optax has too. Of any other an example is applied, by itself, to the plain gradient."""
OPTIMIZERS = [cls for cls in ALL if issubclass(cls, Optimizer)]
CASES = {f"{cls.__name__}, {clip}": (cls, clip) for cls in OPTIMIZERS for clip in CLIPS}


def recipe_of(cls: type[Optimizer], clip: str) -> Recipe:
    """A recipe with this kind of optimizer and clip; it decays by weight decay, or by a penalty where there is none.

    The network is a single layer where the optimizer's patterns of addresses are those of one.
    """
    optimizer, network = PAIRS[cls][0] if cls in PAIRS else examples(cls)[-1], RECIPE.network
    wanted = {"learning_rate": RATE, "weight_decay": DECAY}
    given = {name: value for name, value in wanted.items() if name in field_names(cls)}
    try:
        optimizer.groups(network.declare(DATA.input_shape))
    except HeadwayError:
        network = Dense(3)
    penalties = () if "weight_decay" in given else (L2(DECAY),)
    optimizer = replace(optimizer, **given)
    return replace(RECIPE, network=network, optimizer=optimizer, clip=CLIPS[clip][0], penalties=penalties)


def prepared(recipe: Recipe, mesh: Mesh | None = None, **fields: Any) -> Job:
    return prepare(replace(recipe, **fields), DATA, mesh=mesh)


@functools.cache
def order() -> np.ndarray:
    """Which examples each update is made of, [updates, batch]: whole epochs in a row, cut into batches."""
    epochs = [batch_indices(RECIPE.seed, epoch, 0, EXAMPLES, EXAMPLES).indices for epoch in range(3)]
    return np.concatenate(epochs)[: UPDATES * BATCH].reshape(UPDATES, BATCH)


def forward(p: Any, x: Any, parts: int = 1, statistics: Any = None) -> tuple[jax.Array, jax.Array]:
    """The outputs, and what a BatchNorm is given: it normalizes each of so many parts by its own mean and variance."""
    if "w" in p:
        return x @ p["w"] + p["b"], x
    h = y = x @ p["0"]["w"] + p["0"]["b"]
    if "g" in p.get("1", {}):
        rows = h.reshape(parts, -1, h.shape[-1])
        mean, variance = (rows.mean(1, keepdims=True), rows.var(1, keepdims=True)) if statistics is None else statistics
        y = p["1"]["g"] * ((rows - mean) / jnp.sqrt(variance + 1e-5)).reshape(h.shape) + p["1"]["b"]
    last = p[max(p)]
    return jnp.tanh(y) @ last["w"] + last["b"], h


@functools.partial(jax.jit, static_argnames="parts")
@functools.partial(jax.value_and_grad, has_aux=True)
def plain(p: Any, x: Any, y: Any, w: Any, parts: int = 1) -> tuple[jax.Array, jax.Array]:
    """Σ w l / Σ w of a whole batch, and what a BatchNorm is given."""
    z, h = forward(p, x, parts)
    return jnp.average(optax.softmax_cross_entropy_with_integer_labels(z, y), weights=w), h


def by_hand(recipe: Recipe, params: Any, theirs: Any, clip: str = "by norm") -> dict[str, Any]:
    """What the updates come to without the system: by plain gradients, Optax's clip, and the optimizer `theirs`."""
    memory, update, measures, seen = theirs.init(params), jax.jit(theirs.update), [], []
    penalty = sum(penalty.strength for penalty in recipe.penalties)
    for rows in order():
        (loss, h), g = plain(params, *(array[rows] for array in DATA.train.arrays), recipe.accumulate)
        g = jax.tree.map(lambda g, p: g + penalty * p * (p.ndim == 2), g, params)
        clipped, _ = CLIPS[clip][1].update(g, optax.EmptyState())
        measures.append([loss, optax.global_norm(g), optax.global_norm(clipped)])
        changes, memory = update(clipped, memory, params)
        params = optax.apply_updates(params, changes)
        seen.append([h.mean(0), h.var(0, ddof=1)])
    shares = (1 - MOMENTUM) * MOMENTUM ** np.arange(UPDATES)[::-1] / (1 - MOMENTUM**UPDATES)
    mean, variance = np.tensordot(shares, seen, 1)
    (x, y, w), statistics = DATA.test.arrays, {"mean": mean, "variance": variance, "weight": 1 - MOMENTUM**UPDATES}
    z, _ = forward(params, x, statistics=(mean, variance))
    losses, right = optax.softmax_cross_entropy_with_integer_labels(z, y), z.argmax(1) == y
    judged = {"loss": np.average(losses, weights=w), "accuracy": np.average(right, weights=w)}
    return {"params": params, "optimizer": memory, "measures": np.array(measures), "evaluation": judged,
            "statistics": statistics}  # fmt: skip


@functools.cache
def batches(mesh: Mesh | None) -> list[Any]:
    """The batches as the system draws them: they depend neither on the optimizer nor on the parts."""
    job = prepared(RECIPE, mesh)
    return [batch(job, k) for k in range(UPDATES)]


def first_of(recipe: Recipe) -> dict[str, Any]:
    """The first state; weights and moments in float64."""
    state = initial_state(prepared(recipe).update, DATA.input_shape)
    double = jax.tree.map(lambda a: a.astype(float) if a.dtype == jnp.float32 else a, state)
    return double | {"network": state["network"]}


def made(job: Job, first: dict[str, Any]) -> dict[str, Any]:
    """What the updates come to in the system: the state, what was measured, and what an evaluation says of it."""
    state, measures, mesh = on_mesh(job.update, first, DATA.input_shape), [], job.update.mesh
    for drawn in batches(mesh):
        state, found = step(job.update, state, drawn)
        measures.append([found[name] for name in MEASURES[:3]])
    padded = everywhere(on_device(job.recipe, DATA.test), mesh)
    return state | {"measures": np.array(measures), "evaluation": judge(job.recipe, state, padded)}


def compared(cls: type[Optimizer], clip: str) -> dict[str, Any]:
    """How far every setup is from the plain gradient, and how far that is from Optax."""
    recipe = recipe_of(cls, clip)
    job, first = prepared(recipe), first_of(recipe)
    ours = job.update.optimizer.transformation(recipe.network.declare(DATA.input_shape))
    hand = by_hand(recipe, first["params"], ours, clip)
    _, norms, clipped = hand["measures"].T
    moved = distance(hand["params"], first["params"])
    came: dict[str, Any] = {"clipped": float((clipped / norms).max()), "moved": moved}
    if cls in PAIRS:
        came["Optax"] = distance(by_hand(recipe, first["params"], PAIRS[cls][1], clip)["params"], hand["params"])
    for setup, fields in SETUPS.items():
        found = made(prepared(recipe, **fields), first)
        came[setup] = {part: distance(found[part], hand[part]) for part in PARTS}
    return came


def normed(setup: str) -> dict[str, float]:
    """How far a BatchNorm is from one by hand that normalizes every micro-batch by itself, and that from the whole."""
    first, job = first_of(NORMED), prepared(NORMED, **SETUPS[setup])
    theirs = optax.sgd(rate, 0.9)
    hand, whole = (by_hand(recipe, first["params"], theirs) for recipe in (job.recipe, NORMED))
    found = made(job, first)
    return {part: distance(found[part], hand[part]) for part in ("params", "measures", "evaluation")} | {
        "statistics": distance(found["network"]["1"], hand["statistics"]),
        "from the whole": distance(hand["params"], whole["params"]),
    }


def looped(setup: str) -> dict[str, float]:
    """How far the program that a run is made of, which draws its batches itself, is from the plain gradient."""
    recipe = recipe_of(AdamW, "by norm")
    first, job = first_of(recipe), prepared(recipe, **SETUPS[setup])
    hand = by_hand(recipe, first["params"], PAIRS[AdamW][1])
    state, mesh = on_mesh(job.update, first, DATA.input_shape), job.update.mesh
    state, (rows, _) = run_chunk(*split(job.update), state, everywhere(DATA.train.arrays, mesh), (0, 0), UPDATES)
    measures = distance(np.asarray(rows)[:UPDATES, :3], hand["measures"])
    return {"params": distance(state["params"], hand["params"]), "measures": measures}


@pytest.fixture(scope="module")
def drill():
    """What it all came to: the devices must be there before JAX starts, so in a process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in virtual(4).items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", str(ROOT / "tests"), prepend=os.pathsep)
        return printed("tests.scale.test_agreement")


def test_a_batch_goes_on_into_the_next_epoch_and_its_parts_weigh_unequally():
    """And one part weighs nothing: what it says counts for nothing, and is no division by 0."""
    rows = order()
    for epoch in (rows.ravel()[:EXAMPLES], rows.ravel()[EXAMPLES : 2 * EXAMPLES]):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(EXAMPLES))
    weights = DATA.train.weights[rows].reshape(UPDATES, 4, 2).sum(2)
    assert (weights.max(1) > 2 * weights.min(1)).all()
    assert weights.min() == 0


def test_a_mean_of_the_means_of_micro_batches_would_be_seen():
    p = {"w": np.zeros((5, 3)), "b": np.zeros(3)}
    for update in order():
        whole, *halves = (plain(p, *(array[rows] for array in DATA.train.arrays))[1]
                          for rows in (update, *np.split(update, 2)))  # fmt: skip
        assert distance(jax.tree.map(lambda a, b: (a + b) / 2, *halves), whole) > 1e-3


@pytest.mark.parametrize("case", CASES)
def test_every_optimizer_agrees_with_the_plain_gradient_in_every_setup(drill, case):
    """Parameters, the optimizer's state, losses, norms and a padded evaluation, with decay and a clip that bites."""
    came = drill[case]
    assert came["clipped"] < 0.9
    assert came["moved"] > 1e-3
    assert came.get("Optax", 0) < TOLERANCE
    assert {(setup, part): came[setup][part] for setup in SETUPS for part in PARTS
            if not came[setup][part] < TOLERANCE} == {}  # fmt: skip


@pytest.mark.parametrize("setup", SETUPS)
def test_the_loop_of_a_run_agrees_with_it_too(drill, setup):
    assert drill["looped"][setup]["params"] < TOLERANCE
    assert drill["looped"][setup]["measures"] < SINGLE


@pytest.mark.parametrize("setup", SETUPS)
def test_batch_norm_normalizes_the_batch_of_all_devices_and_every_micro_batch_by_itself(drill, setup):
    """Running statistics are those of all values of the batch either way; each part by itself makes other weights."""
    came = drill["normed"][setup]
    assert max(came["params"], came["measures"]) < TOLERANCE
    assert max(came["statistics"], came["evaluation"]) < SINGLE
    assert (came["from the whole"] > 1e-3) == ("accumulate" in setup)


if __name__ == "__main__":
    with jax.enable_x64(True):
        found = {case: compared(*pair) for case, pair in CASES.items()}
        others = {"normed": normed, "looped": looped}
        print(json.dumps(found | {name: {setup: of(setup) for setup in SETUPS} for name, of in others.items()}))
