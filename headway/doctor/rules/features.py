"""Scale: inputs and targets in units that the network cannot meet, and columns with a fault of their own."""

from collections.abc import Sequence

import numpy as np

from headway.doctor.case import Known
from headway.doctor.finding import Seen
from headway.doctor.measures.columns import Columns
from headway.doctor.rules.rule import rule
from headway.network.embedding import Embedding
from headway.network.layer import Layer
from headway.network.normalization import BatchNorm, Normalization
from headway.training.pairing import row

RATIO = 30.0
"""The largest spread of a feature over the smallest above which the small ones are as good as absent."""
COMMON = 25 / 26
"""The share of ‖x‖² that all examples have in common where every mean is 5 spreads from 0."""
SIZES = (0.01, 10.0)
"""Root mean squares of inputs that the usual initializations, made for 1, still serve."""
SWAMPED = 0.1
"""The width of nine tenths of a column over its spread, 3.3 for a normal distribution, where a few values make it."""
BOUNDED = 1.0
LEFT = 0.5
"""The share of the loss to be beaten that is left where places of an image that say nothing do harm."""


def met(network: Layer) -> Layer | None:
    """The layer that inputs meet first, of those that have parameters."""
    return next((one.layer for one in row(network) if one.layer.has_parameters), None)


@rule(
    "unscaled-features", "inputs out of scale", concept="normalization", stage="data and pairing",
    needs="recipe dataset columns",
)  # fmt: skip
def unscaled_features(case: Known) -> Seen:
    """Inputs as they reach the network: spreads 30 times apart, means 5 spreads from 0, or a size far from 1.

    Descent in a bowl whose axes differ so much is slow along the flat ones, and weights are initialized for inputs of
    size 1 (LeCun et al. 1998, *Efficient BackProp*, sections 4.3 and 4.6). Values within [−1, 1] pass unless they are
    tiny; sparse columns do not count as small; behind an embedding or batch normalization nothing does. Where the
    network learns all the same, the run is made again with inputs of mean 0 and spread 1.
    """
    columns, first = case.columns, met(case.recipe.network)
    if case.dataset.schema.tokens is not None or isinstance(first, Embedding):
        return Seen("ruled out", ("Inputs are tokens, which have no scale.",))
    said = (
        f"Inputs reach the network with root mean square {columns.size:.3g}, spreads up to {columns.ratio:.3g} times "
        f"apart, and {columns.offset:.0%} of their square the same in all examples.",
    )
    if isinstance(first, BatchNorm):
        return Seen("ruled out", (*said, f"{first} comes first."))
    small, bounded = columns.size < SIZES[0], max(-columns.low, columns.high) <= BOUNDED
    far = small or columns.size > SIZES[1]
    apart = not bounded and columns.ratio > RATIO
    aside = not bounded and columns.offset > COMMON
    if isinstance(first, Normalization):
        far = False
    if far or apart or aside:
        word, again = case.judged("standardized")
        return Seen(word, (*said, *again), _worst(columns, case) if apart else ())
    seen = columns.ratio > RATIO or columns.offset > COMMON
    return Seen("noticed" if seen else "ruled out", said)


def _worst(columns: Columns, case: Known) -> tuple[str, ...]:
    """The names of the columns with the largest and the smallest spread."""
    smallest = columns.dense[columns.spread[columns.dense].argmin()]
    return named((int(columns.spread.argmax()), int(smallest)), case)


def named(places: Sequence[int] | np.ndarray, case: Known, most: int = 4) -> tuple[str, ...]:
    """Columns by name, or by number where they have none."""
    names = case.dataset.feature_names
    return tuple(names[i] if names else f"column {i}" for i in places[:most])


@rule(
    "data-faults", "faulty data", concept="generalization", stage="data and pairing", needs="dataset columns",
)  # fmt: skip
def data_faults(case: Known) -> Seen:
    """Numbers that are not finite, columns that say nothing or twice the same, and columns made by a few values.

    Found is what keeps a network from learning: a number that is not finite, most inputs the same in all examples (of
    images and sequences most places, where half of the held-out loss is left), targets or most inputs whose spread is
    that of a few outliers, so that all others are squeezed together. The rest is noticed.
    """
    columns, kinds = case.columns, len(case.columns.spread)
    where = [name for name, part in case.dataset.splits().items() if not _finite(part.x) or not _finite(part.y)]
    if where:
        return Seen("found", (f"Not all numbers are finite, in {' and '.join(where)}.",), tuple(where))
    if len(columns.constant) == kinds:
        return Seen("found", ("No input varies from example to example.",))
    swamped = [i for i in columns.dense if columns.bulk[i] < SWAMPED]
    targets = Columns.of(case.dataset.train.y) if case.dataset.classes is None else None
    crushed = targets is not None and bool((targets.bulk[targets.dense] < SWAMPED).any())
    if len(case.dataset.input_shape) > 1 and (same := _same(case.dataset.train.x)) > 0.5:
        told = f"{same:.0%} of the places of an input hold the same number in all examples."
        half = case.learns is not None and case.loss > LEFT * case.level
        return Seen("found" if half else "noticed", (told,))
    parts = {
        "constant columns": columns.constant,
        "columns that repeat another": columns.repeated,
        "columns made by a few outliers": swamped,
    }
    said = [f"{len(places)} of {kinds} {what}." for what, places in parts.items() if len(places)]
    said += ["Targets are made by a few outliers."] if crushed else []
    if len(columns.constant) > kinds / 2:
        return Seen("found", tuple(said), named(columns.constant, case))
    if crushed or len(swamped) > kinds / 2:
        return Seen(case.word, tuple(said), named(swamped, case))
    if said:
        return Seen("noticed", tuple(said), named(np.concatenate(list(parts.values())).astype(int), case))
    return Seen("ruled out", (f"{kinds} columns vary, all differ, and none is made by a few outliers.",))


def _same(x: np.ndarray) -> float:
    """The share of the numbers of an input that are the same in all examples x [n, …]."""
    return float(np.mean(np.all(x == x[:1], axis=0)))


def _finite(values: np.ndarray) -> bool:
    return bool(np.isfinite(values).all())


@rule(
    "unscaled-targets", "targets out of scale", concept="mean-squared-error", stage="data and pairing",
    needs="dataset job start outset", follows="output-loss-mismatch",
)  # fmt: skip
def unscaled_targets(case: Known) -> Seen:
    """Targets whose mean or spread is far from what outputs begin with, and that the run cannot reach, or leaps over.

    Weights start for outputs of size about 1; looked at are targets far from these and from 0. Measured is how far the
    outputs' mean moves in the first update at the run's highest rate; over all updates, by their rates, that is the way
    the run can go. Three times that must reach the targets' mean. A step that moves outputs by three spreads of the
    targets, or that a loss in large units makes so long that it doubles the loss, does harm too (Bishop 1995, section
    8.2, on rescaling targets). After a run, it is made again with targets of mean 0 and spread 1.
    """
    if case.dataset.classes is not None:
        return Seen("ruled out", ("Targets are classes.",))
    y, made = case.dataset.train.y.astype(float), case.start.outputs.astype(float).reshape(len(case.start.outputs), -1)
    y = y.reshape(len(y), -1)
    spread, mean = y.std(axis=0), y.mean(axis=0)
    distance = np.minimum(np.abs(mean), np.abs(mean - made.mean(axis=0)))
    worst = int(np.argmax(distance / np.maximum(spread, 1e-30)))
    said = [f"Targets have mean {mean[worst]:.3g} and spread {spread[worst]:.3g}, outputs begin at "
            f"{made.mean(axis=0)[worst]:.3g} ± {made.std(axis=0)[worst]:.3g}."]  # fmt: skip
    odd = distance[worst] > 3 * spread[worst] or spread.max() > 10 or spread.min() < 0.1
    if not odd or not case.outset.along:
        return Seen("ruled out", tuple(said))
    step, rates = case.outset.along[-1], case.outset.rates
    shift = np.abs(np.reshape(step.shift, -1))
    momentum = getattr(case.recipe.optimizer, "momentum", None) or 0.0
    way = shift * (np.sum(rates) / max(np.max(rates), 1e-30) if np.isfinite(rates).all() else len(rates))
    way = way / (1 - momentum)
    said.append(f"An update at the highest rate moves them by {shift[worst]:.3g}, all {len(rates)} of the run by about "
                f"{way[worst]:.3g}, and changes the loss {case.outset.loss:.3g} to {step.loss:.3g}.")  # fmt: skip
    short = bool(np.any((3 * way < distance) & (distance > 3 * spread)))
    leaps = bool(np.any((shift > 3 * spread) & (spread < 0.1)))
    blows = spread.max() > 10 and not step.loss < 2 * case.outset.loss
    if case.learns is not None:
        word, again = case.judged("targets_standardized")
        return Seen(word, (*said, *again))
    return Seen("found" if short or leaps or blows else "noticed", tuple(said))
