"""Design a learning-rate schedule: a function of the step, held against what a search finds, on hidden seeds."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.labs.grading import malformed
from headway.labs.lab import Blank, Grade, Lab, Part, Task, Values, hidden_seeds
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.schedules.schedule import Schedule
from headway.models.transformer import language_model, post_ln
from headway.network.layer import apply, initialize
from headway.spec.error import HeadwayError
from headway.spec.json import from_dict

Array = np.ndarray
STEPS = 200
NEAR, FAR = 1.25, 1000.0
"""So many times the searched loss is near enough; a constant rate has 1.4 at best. Past FAR it diverges."""
SYMBOLS, LENGTH, BATCH, JUDGED = 6, 4, 32, 128
PEAKS = (0.016, 0.022)
"""Rates at which Post-LN learns with a warm-up, and most often does not without one."""
SHARE = 0.25
"""Which part of the way back from the searched schedule to guessing is near enough."""
GUESS = float(np.log(SYMBOLS))
"""The loss of guessing."""
TEXT = f"""\
Write two schedules: functions that give the learning rate of each of {STEPS} updates, from step 0 to step {STEPS - 1}.

quadratic   SGD on ½ Σ λ w², ten directions with λ from `flattest` to 1, each w at 1 at first; every gradient comes with
            noise. What counts is the expected loss at the end.
copying     Adam on a transformer of four Post-LN blocks that learns to say a string of {LENGTH} symbols again. The rate
            is to be high: it must come to `peak`. When, and how it gets there and away, is yours.

They are judged on three seeds you do not know, beside the best schedule that a search finds: the loss of the quadratic
within {NEAR} times, that of the transformer within {SHARE:.0%} of the way from there to guessing, {GUESS:.2f}. To try
them on a seed of your own: python answer.py. In place of a function a schedule will do, such as hw.OneCycle(0.1), or
one in a file, hw.load("schedule.json")."""
QUADRATIC = """\
def quadratic(step, steps):
    return {} * (1 - step / steps)"""
COPYING = """\
def copying(step, steps):
    warm = 0.5 * steps
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2"""
UNTOUCHED = "def {}(step, steps):\n    return None"
GIVEN = """\
import math

import headway as hw
from headway.labs.schedule import practice"""
END = """\
if __name__ == "__main__":
    print(practice(quadratic, copying, SEED))"""


def shapes(steps: int) -> dict[str, Array]:
    """What a search tries: parts of the peak over a run, level, falling, and behind warm-ups of several lengths."""
    t = np.arange(steps) / steps
    falls = {"level": np.ones(steps), "cosine": (1 + np.cos(np.pi * t)) / 2, "line": 1 - t, "1/t": 1 / (1 + 10 * t)}
    for part in (0.1, 0.3, 0.5):
        rest = np.clip((t - part) / (1 - part), 0, 1)
        rising = np.minimum(1, (np.arange(steps) + 1) / (part * steps))
        falls |= {f"warm-up {part}": rising, f"warm-up {part}, cosine": rising * (1 + np.cos(np.pi * rest)) / 2}
    return falls


def character(seed: int) -> tuple[float, float]:
    """What the quadratics of a seed have about in common: the smallest curvature, and the noise."""
    rng = np.random.default_rng([seed, 3])
    return round(float(rng.uniform(0.015, 0.05)), 3), round(float(rng.uniform(0.15, 0.5)), 2)


def peak_of(seed: int) -> float:
    """The highest rate that the transformer of a seed is to be trained at."""
    return round(float(np.random.default_rng([seed, 5]).uniform(*PEAKS)), 4)


def quadratic_of(seed: int, hidden: int) -> tuple[Array, float]:
    """The curvatures λ [10] and the noise; a hidden seed other than 0 moves both by up to a fifth."""
    flattest, noise = character(seed)
    rng = np.random.default_rng([seed, hidden])
    moved = rng.uniform(0.8, 1.2, 2) if hidden else np.ones(2)
    return np.geomspace(flattest * moved[0], 1, 10), float(noise * moved[1])


def expected_losses(rates: Array, seed: int, hidden: int = 0) -> tuple[float, float]:
    """½ Σ λ E[w²] after all updates, in two parts: what is left of the beginning, and what noise has left.

    E[w²] ← (1 − ηλ)² E[w²] + η² σ² for w ← w − η (λ w + noise).
    """
    curvatures, noise = quadratic_of(seed, hidden)
    left, noisy = np.ones(10), np.zeros(10)
    with np.errstate(over="ignore", invalid="ignore"):
        for rate in rates:
            shrinks = (1 - rate * curvatures) ** 2
            left, noisy = shrinks * left, shrinks * noisy + (rate * noise) ** 2
        return float(curvatures @ left / 2), float(curvatures @ noisy / 2)


@functools.cache
def searched(seed: int, hidden: int, names: tuple[str, ...] = ()) -> tuple[tuple[float, float], float]:
    """The parts of the expected loss with the best of all shapes, or those named, and the best peak."""
    known = shapes(STEPS)
    peaks = np.geomspace(0.02, 1.9, 24)
    return min(((expected_losses(peak * known[name], seed, hidden), float(f"{peak:.3g}"))
                for name in names or known for peak in peaks), key=lambda one: sum(one[0]))  # fmt: skip


def copied(rates: Array, seeds: tuple[int, ...]) -> Array:
    """The loss on new strings after training at these rates, [seeds]."""
    return np.array([_copied(jnp.asarray(rates, jnp.float32), jax.random.key(seed)) for seed in seeds])


@functools.cache
def best_copied(seed: int) -> float:
    """The least mean loss on the hidden seeds: of a cosine behind long warm-ups, the best of all shapes at any peak."""
    known, peak, hidden = shapes(STEPS), peak_of(seed), hidden_seeds(seed)
    warmed = (known[f"warm-up {part}, cosine"] for part in (0.3, 0.5))
    return float(min(copied(peak * shape / shape.max(), hidden).mean() for shape in warmed))


@jax.jit
def _copied(rates: jax.Array, key: jax.Array) -> jax.Array:
    network, loss = language_model(SYMBOLS + 1, width=16, heads=2, blocks=4, placement=post_ln), CrossEntropy()
    at_first, drawn, new = jax.random.split(key, 3)
    params, _ = initialize(network, (2 * LENGTH,), at_first)
    rule = Adam(1.0).transformation(network.declare((2 * LENGTH,)))

    def wrong(params: Any, key: jax.Array, count: int) -> jax.Array:
        strings = jax.random.randint(key, (count, LENGTH), 0, SYMBOLS)
        whole = jnp.concatenate([strings, jnp.full((count, 1), SYMBOLS), strings], axis=1)
        weights = jnp.broadcast_to(jnp.arange(2 * LENGTH) >= LENGTH, (count, 2 * LENGTH)).astype(jnp.float32)
        return loss(apply(network, params, whole[:, :-1])[0], whole[:, 1:], weights)

    def update(carried: Any, now: Any) -> Any:
        params, memory = carried
        rate, step = now
        gradients = jax.grad(wrong)(params, jax.random.fold_in(drawn, step), BATCH)
        changes, memory = rule.update(gradients, memory, params)
        return (jax.tree.map(lambda w, change: w + rate * change, params, changes), memory), None

    (params, _), _ = jax.lax.scan(update, (params, rule.init(params)), (rates, jnp.arange(STEPS)))
    return wrong(params, new, JUDGED)


def rates_of(value: Any) -> Any:
    """What a learner's value gives at every step: returned numbers as they are, a schedule resolved."""
    if not (isinstance(value, dict) and "kind" in value):
        return value
    schedule = from_dict(value)
    if not isinstance(schedule, Schedule):
        raise HeadwayError("", "must be a schedule or a function", value["kind"])
    return tried(schedule).tolist()


def checked(value: Any) -> tuple[Array | None, str]:
    """Rates [STEPS] and nothing, or nothing and what is wrong with them."""
    if value is None or (isinstance(value, list) and all(rate is None for rate in value)):
        return None, "It returns nothing yet."
    try:
        rates = rates_of(value)
    except HeadwayError as error:
        return None, str(error)
    problems = ((step, malformed(rate, 0.0)) for step, rate in enumerate(rates if isinstance(rates, list) else ()))
    if found := next(((step, problem) for step, problem in problems if problem), None):
        return None, f"At step {found[0]}: {found[1]}"
    if problem := malformed(rates, np.zeros(STEPS)):
        return None, problem
    if min(rates) < 0:
        return None, f"At step {int(np.argmin(rates))} the rate is below 0: that climbs."
    return np.asarray(rates, float), ""


def grade(seed: int, values: Values) -> Grade:
    """Two points for each schedule that is near the searched one, one where it is not far."""
    (quadratic, first), (copying, second) = (checked(values.get(name)) for name in ("quadratic", "copying"))
    return Grade((
        Part("quadratic", 0, 2, first) if quadratic is None else on_quadratic(quadratic, seed),
        Part("copying", 0, 2, second) if copying is None else on_copying(copying, seed),
    ))  # fmt: skip


def on_quadratic(rates: Array, seed: int) -> Part:
    """The expected loss beside the searched one, and of which of its two parts there is too much."""
    own = np.array([expected_losses(rates, seed, hidden) for hidden in hidden_seeds(seed)])
    best = np.array([searched(seed, hidden)[0] for hidden in hidden_seeds(seed)])
    times = float(np.exp(np.mean(np.log(own.sum(1) / best.sum(1)))))
    if not np.isfinite(times) or times > FAR:
        at = int(np.argmax(rates))
        said = "It diverges: with λ = 1 a rate above 2 leads further out with every step"
        return Part("quadratic", 0, 2, f"{said}, and at step {at} it is {rates[at]:.3g}.")
    if times <= NEAR:
        return Part("quadratic", 2, 2)
    left, noise = own.mean(0) - best.mean(0)
    why = "the flat directions are still on their way: higher rates for longer, before they fall"
    if noise > left:
        why = f"noise holds it up: the rate is still {rates[-1]:.2g} at the end, let it fall towards 0"
    return Part(
        "quadratic", int(times <= 2), 2, f"The loss is {times:.2f} times the searched one. It lost where {why}."
    )


def on_copying(rates: Array, seed: int) -> Part:
    """The loss on new strings beside the searched one at this peak, and what the rates have to do with it."""
    peak = peak_of(seed)
    if abs(max(rates) - peak) > 0.01 * peak:
        return Part("copying", 0, 2, f"The highest rate must be {peak}; here it is {max(rates):.3g}.")
    own, best = float(copied(rates, hidden_seeds(seed)).mean()), best_copied(seed)
    if not np.isfinite(own):
        return Part("copying", 0, 2, "The loss is not finite at the end.")
    share = (own - best) / (GUESS - best)
    if share <= SHARE:
        return Part("copying", 2, 2)
    said = f"The loss is {own:.2f}, that of the searched schedule {best:.2f}, of guessing {GUESS:.2f}."
    return Part("copying", int(share <= 2 * SHARE), 2, f"{said} {where_lost(rates, peak)}")


def where_lost(rates: Array, peak: float) -> str:
    """What a schedule at a high rate does to Post-LN, read from its rates: at its beginning, its end, or in between."""
    soon = int(np.argmax(rates >= peak / 2))
    if soon < STEPS / 20:
        return (f"It lost in the first updates: half of the peak is reached at step {soon}. At first Post-LN has "
                "large gradients near its output: warm up.")  # fmt: skip
    if rates[-1] > peak / 2:
        return f"It lost at the end: the rate is still {rates[-1]:.2g} there. Let it fall after the peak."
    low = f"{np.mean(rates < peak / 10):.0%}"
    return (
        f"It lost in between: the rate is below a tenth of the peak in {low} of the run. Shorten the ways up and down."
    )


def practice(quadratic: Any, copying: Any, seed: int) -> str:
    """What two schedules come to on a seed of the learner's own."""
    left, noise = expected_losses(tried(quadratic), seed)
    loss = copied(tried(copying), (seed,))[0]
    return (f"quadratic: {left + noise:.4f}, of which {left:.4f} is left of the beginning, {noise:.4f} comes of noise\n"
            f"copying: {loss:.3f}; guessing gives {GUESS:.3f}")  # fmt: skip


def tried(schedule: Any) -> Array:
    """The rates of a function or a schedule, [STEPS]."""
    if isinstance(schedule, Schedule):
        return np.asarray(schedule.resolved(STEPS, STEPS).value(jnp.arange(STEPS)))
    return np.array([schedule(step, STEPS) for step in range(STEPS)], float)


def task(seed: int) -> Task:
    """Two functions to be written, and how the quadratic is drawn."""
    calls = tuple((step, STEPS) for step in range(STEPS))
    flattest, noise = character(seed)
    given = f"""{GIVEN}

flattest, noise = {flattest}, {noise}  # of the quadratic: the smallest λ and the noise, give or take a fifth
peak = {peak_of(seed)}  # of the transformer's rates"""
    _, first = searched(seed, 0, ("line",))
    blanks = (
        Blank("quadratic", "the rate of SGD", QUADRATIC.format(first), UNTOUCHED.format("quadratic"), calls),
        Blank("copying", "the rate of Adam", COPYING, UNTOUCHED.format("copying"), calls),
    )
    return Task(given, blanks, lambda values: grade(seed, values), end=END)


LAB = Lab(
    "schedule", "Design a learning-rate schedule",
    "Proposes a schedule for a stated run that comes close to the best one a search finds", TEXT, task,
    claims=("R26", "C09", "F32"),
)  # fmt: skip
