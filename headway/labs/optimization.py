"""Short labs on optimization: one update by three optimizers, three schedules, and when a warm-up is needed."""

import numpy as np

from headway.labs.lab import Lab
from headway.labs.questions import Numbers, Question, Questions

BETA1, BETA2, UPDATE = 0.9, 0.999, 3


def one_weight(rng: np.random.Generator) -> Numbers:
    """A weight, its gradient, and what Adam remembers of two updates before."""
    g = float(rng.choice([-2.0, -1.5, 1.5, 2.0]))
    return {
        "w": float(rng.integers(5, 16) / 10), "g": g, "m": round(0.2 * g * rng.uniform(0.3, 1.5), 2),
        "v": round(float(rng.uniform(0.002, 0.02)), 4), "t": UPDATE, "rate": float(rng.choice([0.1, 0.2])),
        "decay": float(rng.choice([0.3, 0.5])),
    }  # fmt: skip


def step(m: float, v: float, t: int) -> float:
    """m̂ / √v̂: Adam's step at a rate of 1, where neither is 0."""
    return float(m / (1 - BETA1**t) / np.sqrt(v / (1 - BETA2**t)))


def adam_with_penalty(w: float, g: float, m: float, v: float, rate: float, decay: float) -> float:
    """Adam on the gradient of the loss with ½ λ w² added."""
    g = g + decay * w
    return w - rate * step(BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**2, UPDATE)


OPTIMIZERS = Lab(
    "sgd-adam-adamw", "One update by SGD, Adam and AdamW",
    "Write down in one equation each what SGD, Adam and AdamW do",
    """\
One weight w has the gradient g. Before this update, number t, Adam remembers m and v. With β1 = 0.9, β2 = 0.999:

    SGD     w ← w − η g
    Adam    m ← β1 m + (1 − β1) g    v ← β2 v + (1 − β2) g²    w ← w − η m̂ / √v̂
            m̂ = m / (1 − β1^t)       v̂ = v / (1 − β2^t)
    AdamW   as Adam, and w also shrinks: less η λ w of before the update

Say what w is after the update. The rate is η, the decay λ; leave out Adam's ε.""",
    Questions(one_weight, (
        Question("sgd", "w after an update by SGD", lambda w, g, rate: w - rate * g, {
            "It goes up the slope: the gradient is subtracted.": lambda w, g, rate: w + rate * g,
            "The rate is missing.": lambda w, g: w - g,
        }),
        Question("new_m", "m after the update, before it is corrected", lambda m, g: BETA1 * m + (1 - BETA1) * g, {
            "The whole gradient is added: it counts 1 − β1.": lambda m, g: BETA1 * m + g,
            "β1 and 1 − β1 have changed places.": lambda m, g: (1 - BETA1) * m + BETA1 * g,
        }),
        Question("new_v", "v after the update, before it is corrected", lambda v, g: BETA2 * v + (1 - BETA2) * g**2, {
            "It is the square of the gradient that is remembered.": lambda v, g: BETA2 * v + (1 - BETA2) * g,
            "The whole square is added: it counts 1 − β2.": lambda v, g: BETA2 * v + g**2,
        }),
        Question("adam", "w after an update by Adam",
                 lambda w, new_m, new_v, t, rate: w - rate * step(new_m, new_v, t), {
            "m and v are not corrected: both began at 0 and are still too small.":
                lambda w, new_m, new_v, rate: w - rate * new_m / np.sqrt(new_v),
            "The root is missing: m̂ is divided by √v̂.":
                lambda w, new_m, new_v, t, rate: w - rate * new_m / (1 - BETA1**t) / (new_v / (1 - BETA2**t)),
            "It goes up the slope: the step is subtracted.":
                lambda w, new_m, new_v, t, rate: w + rate * step(new_m, new_v, t),
        }),
        Question("adamw", "w after an update by AdamW", lambda adam, w, rate, decay: adam - rate * decay * w, {
            "The decay went into the gradient, and Adam divides it away: AdamW keeps it apart.": adam_with_penalty,
            "The decay is to be multiplied by the rate.": lambda adam, w, decay: adam - decay * w,
            "This is Adam: the decay is missing.": lambda adam: adam,
        }),
    )),
    claims=("R21", "R23", "R24", "F25", "F28", "F29"),
)  # fmt: skip


def three_runs(rng: np.random.Generator) -> Numbers:
    """A peak, lengths, and the updates at which rates are asked for."""
    return {
        "peak": float(rng.choice([0.01, 0.02, 0.04])), "short": 100, "turn": int(rng.choice([30, 40, 60])),
        "at_short": np.sort(rng.choice(np.arange(10, 95), 3, replace=False)), "long": 10_000,
        "warm": int(rng.choice([200, 500])), "fall": int(rng.choice([2000, 3000])),
        "at_long": np.array([rng.integers(50, 180), rng.integers(2000, 6000), rng.integers(8400, 9800)]),
        "tuning": int(rng.choice([400, 800])), "at_tuning": np.sort(rng.choice(np.arange(50, 380), 3, replace=False)),
    }  # fmt: skip


def short_rates(peak: float, short: int, turn: int, at_short: np.ndarray) -> np.ndarray:
    """Along a line up to the peak at `turn` and down to 0 at the end."""
    return peak * np.minimum(at_short / turn, (short - at_short) / (short - turn))


def long_rates(peak: float, long: int, warm: int, fall: int, at_long: np.ndarray) -> np.ndarray:
    """Up in `warm` updates, level, and down in the last `fall`."""
    return peak * np.minimum(np.minimum(at_long / warm, 1), (long - at_long) / fall)


SCHEDULES = Lab(
    "three-schedules", "Schedules for three runs",
    "Draw a schedule for a short run, a long run and a fine-tuning, with reasons",
    """\
Three runs, each with a schedule that suits it; i counts the updates from 0. Give the rates at the updates named.

    short     one cycle: along a line from 0 up to the peak at update `turn`, and along a line down to 0 at update
              `short`. There is no time to lose on a level stretch.
    long      from 0 along a line to the peak at update `warm`, level, and along a line down to 0 in the last `fall` of
              `long` updates. While it is level the run can be made longer without beginning again.
    tuning    from a tenth of the peak along half a cosine to 0 at update `tuning`, without a warm-up: the weights
              are good already, and a high rate would undo what they know.""",
    Questions(three_runs, (
        Question("rates_short", "the rates of the short run at at_short, [3]", short_rates, {
            "It does not come down: behind the turn the rate falls to 0.": lambda peak, turn, at_short:
                peak * np.minimum(at_short / turn, 1),
            "The way up ends at the end of the run: the peak is at `turn`.": lambda peak, short, at_short:
                peak * at_short / short,
            "The way down begins at update 0: it begins at the turn.": lambda peak, short, turn, at_short:
                peak * np.minimum(at_short / turn, 1 - at_short / short),
        }),
        Question("rates_long", "the rates of the long run at at_long, [3]", long_rates, {
            "It falls from the warm-up on: only the last `fall` updates do.": lambda peak, long, warm, at_long:
                peak * np.minimum(at_long / warm, (long - at_long) / (long - warm)),
            "The warm-up is missing.": lambda peak, long, fall, at_long:
                peak * np.minimum(1, (long - at_long) / fall),
            "The decay is missing.": lambda peak, warm, at_long: peak * np.minimum(at_long / warm, 1),
        }),
        Question("rates_tuning", "the rates of the fine-tuning at at_tuning, [3]",
                 lambda peak, tuning, at_tuning: peak / 10 * (1 + np.cos(np.pi * at_tuning / tuning)) / 2, {
            "It begins at a tenth of the peak.": lambda peak, tuning, at_tuning:
                peak * (1 + np.cos(np.pi * at_tuning / tuning)) / 2,
            "This is a line: half a cosine is ½ (1 + cos(π i / tuning)).": lambda peak, tuning, at_tuning:
                peak / 10 * (1 - at_tuning / tuning),
            "This is a quarter of a wave: ½ (1 + cos) runs from 1 to 0 while its angle runs from 0 to π.":
                lambda peak, tuning, at_tuning: peak / 10 * np.cos(np.pi * at_tuning / tuning / 2),
        }),
    )),
    claims=("R26", "R27", "R28", "R29", "C09"),
)  # fmt: skip
WORDS = ("never", "warm-up", "too high")


def curvatures(rng: np.random.Generator) -> Numbers:
    """A loss that is sharp at first and flattens; a rate between the two bounds, and one that is anywhere."""
    first, later, settled = float(rng.choice([40, 50, 80])), float(rng.choice([2, 4, 5])), int(rng.choice([50, 100]))
    rate = round(float(np.exp(rng.uniform(np.log(3 / first), np.log(1.5 / later)))), 3)
    other = float(rng.choice([round(1 / first, 4), round(1.2 / later, 3), round(2.5 / later, 3)]))
    return {"first": first, "later": later, "settled": settled, "rate": rate, "other": other}


def curvature(first: float, later: float, settled: int, i: int) -> float:
    """From the first to the later curvature along a line, level behind."""
    return later + (first - later) * max(0.0, 1 - i / settled)


def safe_from(first: float, later: float, settled: int, rate: float) -> int:
    """The first update at which the rate is within 2 / λ."""
    return next(i for i in range(settled + 1) if rate * curvature(first, later, settled, i) <= 2)


def kind_of(first: float, later: float, other: float) -> str:
    """When a rate needs a warm-up: where it is too high at first and not later."""
    return WORDS[0] if other <= 2 / first else WORDS[1] if other <= 2 / later else WORDS[2]


WARMUP = Lab(
    "when-warm-up", "When a warm-up is needed",
    "Find the learning rates at which a run needs warm-up, and what it prevents there",
    """\
Along its sharpest direction a loss is ½ λ w², and gradient descent does w ← (1 − η λ) w: it grows where η λ is above 2.
In the beginning λ is `first`; by update `settled` it has come down, along a line, to `later`, where it stays.""",
    Questions(curvatures, (
        Question("safe_first", "the largest rate that is safe at update 0", lambda first: 2 / first, {
            "At 1 / λ it arrives in one step; it grows only beyond twice that.": lambda first: 1 / first,
            "That is the bound later, when the loss is flat: at update 0 λ is `first`.": lambda later: 2 / later,
        }),
        Question("safe_later", "the largest rate that is safe once λ has settled", lambda later: 2 / later, {
            "At 1 / λ it arrives in one step; it grows only beyond twice that.": lambda later: 1 / later,
            "That is the bound at update 0: now λ is `later`.": lambda first: 2 / first,
        }),
        Question("growth", "|w| after update 0 at the rate `rate`, over |w| before",
                 lambda first, rate: abs(1 - rate * first), {
            "1 is missing: w ← w − η λ w.": lambda first, rate: rate * first,
            "This is the factor with the later λ.": lambda later, rate: abs(1 - rate * later),
            "The sign is wrong: η λ w is subtracted.": lambda first, rate: 1 + rate * first,
        }),
        Question("from_update", "the first update at which `rate` is safe: so long must a warm-up hold it back",
                 safe_from, {
            "All the time until λ has settled is more than is needed: when is λ below 2 / η?": lambda settled: settled,
            "That is where η λ falls below 1; below 2 is enough.": lambda first, later, settled, rate:
                settled if rate * later > 1 else safe_from(first, later, settled, 2 * rate),
        }),
        Question("other_needs", f'when `other` is safe: with a warm-up "{WORDS[1]}", needs none "{WORDS[0]}", '
                 f'not even with one "{WORDS[2]}"', kind_of, {
            "It is safe at update 0 already, or not even later: compare it with both bounds.": lambda: WORDS[1],
            "At update 0 it is above 2 / λ.": lambda: WORDS[0],
            "Later it is below 2 / λ.": lambda: WORDS[2],
        }),
    )),
    claims=("X05", "C05", "F31", "N18"),
)  # fmt: skip
LABS = (OPTIMIZERS, SCHEDULES, WARMUP)
