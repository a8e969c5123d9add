"""The order of the data: batches that are alike follow each other."""

import numpy as np

from headway.doctor.case import Case
from headway.doctor.finding import Seen
from headway.doctor.rules.rule import rule

UPDATES = 40
"""With fewer losses than this a correlation says nothing."""
SPREAD = 1.0
"""Batches of examples drawn at random vary less than by a factor e, but for those of a single example."""


@rule(
    "data-order", "data in an order", concept="gradient-noise", stage="data and pairing", needs="measures",
)  # fmt: skip
def data_order(case: Case) -> Seen:
    """The loss swings by large factors from batch to batch, and batches near each other are alike.

    In the second half of training, log loss less its trend has a standard deviation above 1, and the correlation of
    one batch with the next is above 0.2 and three standard errors. Batches drawn at random are not correlated, however
    much they vary (Bengio 2012, *Practical recommendations*, section 3.1, asks for a shuffled order).
    """
    assert case.measures is not None
    if case.recipe is not None:
        return Seen("ruled out", ("Every epoch is drawn in a random order of its own.",))
    steps = case.measures["step"][np.isfinite(case.measures["loss"])]
    losses = case.measures["loss"][steps - 1]
    late = np.log(np.maximum(losses[len(losses) // 2 :], np.finfo(np.float32).tiny))
    if len(losses) < UPDATES or np.ptp(late) == 0:
        return Seen("not seen", (f"{len(losses)} losses are too few, or all alike.",))
    times = np.arange(len(late))
    swings = late - np.polyval(np.polyfit(times, late, 1), times)
    correlation = float(np.corrcoef(swings[1:], swings[:-1])[0, 1])
    spread, bound = float(swings.std()), max(0.2, 3 / np.sqrt(len(late)))
    evidence = (
        f"In the second half the loss of a batch varies by a factor of {np.exp(min(spread, 50)):.2g}; its correlation "
        f"with that of the next is {correlation:.2f}.",
    )
    seen = (int(steps[len(steps) // 2]), int(steps[-1]))
    return Seen("found" if spread > SPREAD and correlation > bound else "ruled out", evidence, steps=seen)
