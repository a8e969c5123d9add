"""Readouts: what a linear model can tell from the activations behind a layer, and how that changes with depth."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from headway.data.dataset import Examples
from headway.data.schema import Array, as_array, encode, fit_scaling, label_values
from headway.network.layer import Context, apply, layers
from headway.signals.probe import watched
from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.numbers import join, split
from headway.training.evaluate import Judgement, on_device
from headway.training.run import Run

Labels = Mapping[str, Any] | Callable[[Array, Array], Any] | None
"""One label an example: by the name of the split, as a function of its x and y, or None for the run's own."""


@dataclass(frozen=True)
class Readout:
    """How well a linear model reads labels off the activations behind one layer.

    address     of the layer; None for the inputs
    layer       its kind
    features    numbers an example that it reads
    accuracy    share of the held-out examples that it gets right; `train`, of those that it was fitted to
    chance      what always guessing the most frequent training label gets right, held out
    examples    held-out examples
    """

    address: str | None
    layer: str
    features: int
    accuracy: float
    train: float
    chance: float
    examples: int


@dataclass(frozen=True)
class DepthProfile:
    """The readouts at the inputs and behind every layer, in order of computation."""

    readouts: tuple[Readout, ...]

    @property
    def best(self) -> Readout:
        """The readout that gets most right; of equal ones the first."""
        return max(self.readouts, key=lambda readout: readout.accuracy)

    def __getitem__(self, address: str | None) -> Readout:
        """The readout behind the layer at an address; None for the inputs."""
        found = {readout.address: readout for readout in self.readouts}
        if address not in found:
            raise HeadwayError(
                str(address), "no readout is here", None, did_you_mean(str(address), filter(None, found))
            )
        return found[address]

    def __str__(self) -> str:
        rows = [("behind", "layer", "features", "train", "held out")]
        rows += [(r.address or "", r.layer, f"{r.features:,}", f"{r.train:.3f}", f"{r.accuracy:.3f}")
                 for r in self.readouts]  # fmt: skip
        at, layer, features, *_ = (max(map(len, column)) for column in zip(*rows, strict=True))
        lines = [f"{a:<{at}}  {b:<{layer}}  {c:>{features}}  {d:>5}  {e:>8}" for a, b, c, d, e in rows]
        first = self.readouts[0]
        return "\n".join([*lines, f"chance {first.chance:.3f}, {first.examples:,} held-out examples"])


def probe(run: Run, address: str | None, labels: Labels = None, *, on: str = "test", penalty: float = 1.0) -> Readout:
    """Fit a linear readout to the run's training examples and judge it on the split `on` (Alain & Bengio 2016).

    softmax(W h + b) on the activations h at `address` (None: the inputs, scaled), the run's best weights in evaluation
    mode and in its precision. Every position and channel of h is a feature of its own, brought to mean 0 and spread 1
    over the training examples. W and b make Σ cross-entropy + penalty ‖W‖² / 2 least, a convex problem, solved by
    scikit-learn; for two classes with one logit.

    The network itself is left as it is. For one that is not trained: `probe(dataclasses.replace(run, values=…), …)`.
    """
    return _profile(run, (address,), labels, on, penalty).readouts[0]


def probe_depths(run: Run, labels: Labels = None, *, on: str = "test", penalty: float = 1.0) -> DepthProfile:
    """The readouts of `probe` at the inputs and behind every layer. Printed, it is a table."""
    data = run.data()
    addresses = watched(run.recipe.network, data.input_shape, data.train.x.dtype)
    return _profile(run, (None, *addresses), labels, on, penalty)


def _profile(run: Run, addresses: tuple[str | None, ...], labels: Labels, on: str, penalty: float) -> DepthProfile:
    splits = run.data().splits()
    if penalty <= 0:
        raise HeadwayError("penalty", "must be above 0, or classes that can be separated have no best readout", penalty)
    if on not in splits:
        raise HeadwayError("on", "must be a split of the run's data", on, did_you_mean(on, splits))
    train, held_out = (_labelled(run, labels, name) for name in ("train", on))
    try:
        values = label_values(train)
        targets = encode(train, values, "train"), encode(held_out, values, on)
    except HeadwayError as error:
        raise error.under("labels") from None
    behind = tuple(address for address in addresses if address is not None)
    features = [activations(run, splits[name], behind) for name in ("train", on)]
    kinds = {None: "the inputs"} | {at: type(layer).__name__ for at, layer in layers(run.recipe.network)}
    readouts = []
    for at in addresses:
        fitted = _fitted(features[0][at], features[1][at], targets, penalty)
        readouts.append(Readout(at, kinds[at], **fitted))
    return DepthProfile(tuple(readouts))


def _labelled(run: Run, labels: Labels, name: str) -> Array:
    """The labels of a split's examples, as they came."""
    data = run.data()
    examples = data.splits()[name]
    if labels is None and data.classes is None:
        raise HeadwayError("labels", "a readout tells classes apart", "a run that learns amounts", "Give labels=….")
    if isinstance(labels, Mapping) and name not in labels:
        raise HeadwayError("labels", f"needs labels for the split {name!r}", f"{', '.join(labels)}")
    found = examples.y if labels is None else labels(examples.x, examples.y) if callable(labels) else labels[name]
    y = as_array(found, f"labels/{name}")
    if y.shape != (len(examples),):
        raise HeadwayError(f"labels/{name}", f"must be one label for each of the {len(examples)} examples",
                           f"shape {y.shape}")  # fmt: skip
    return y


def _fitted(train: Array, held_out: Array, targets: tuple[Array, Array], penalty: float) -> dict[str, Any]:
    """A readout of features [examples, features], fitted to the training targets and judged on the others."""
    from sklearn.linear_model import LogisticRegression

    scaled = fit_scaling(train)
    model = LogisticRegression(C=1 / penalty, max_iter=10_000).fit(scaled(train), targets[0])
    return {
        "features": train.shape[1],
        "accuracy": float(model.score(scaled(held_out), targets[1])),
        "train": float(model.score(scaled(train), targets[0])),
        "chance": float(np.mean(targets[1] == np.bincount(targets[0]).argmax())),
        "examples": len(held_out),
    }


def activations(run: Run, examples: Examples, addresses: tuple[str, ...]) -> dict[str | None, Array]:
    """The outputs of the layers at these addresses, flat, [examples, features]; at None the inputs themselves."""
    recipe = run.recipe
    batches = on_device(recipe, examples)
    structure, numbers = split(Judgement(recipe.network, loss=recipe.loss, metrics=(), precision=recipe.precision))
    known = jax.eval_shape(functools.partial(_tapped, structure), numbers, run.values, batches.x[0])
    for address in addresses:
        if address not in known:
            raise HeadwayError(address, "no layer is here", None, did_you_mean(address, known))
    made = _activations(structure, addresses, numbers, run.values, batches.x)
    flat = {None: examples.x} | {at: np.asarray(h).reshape(-1, *h.shape[2:])[: len(examples)] for at, h in made.items()}
    return {at: h.reshape(len(examples), -1).astype(np.float64) for at, h in flat.items()}


@functools.partial(jax.jit, static_argnums=(0, 1))
def _activations(
    structure: Judgement, addresses: tuple[str, ...], numbers: Any, values: Any, batches: jax.Array
) -> Any:
    def one(x: jax.Array) -> dict[str, jax.Array]:
        found = _tapped(structure, numbers, values, x)
        return {address: found[address] for address in addresses}

    return jax.lax.map(one, batches)


def _tapped(structure: Judgement, numbers: Any, values: Any, x: jax.Array) -> dict[str, jax.Array]:
    """The output of every layer by its address, in order of computation."""
    found: dict[str, jax.Array] = {}

    def tap(address: str, value: jax.Array) -> jax.Array:
        found[address] = value
        return value

    judgement = join(structure, numbers)
    context = Context(tap=tap, computes=judgement.precision.computes())
    apply(judgement.network, values["params"], x, values["network"], context)
    return found
