"""Alignment: the hidden units of one solution in the order of another's, which changes nothing that it computes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.optimize import linear_sum_assignment

from headway.learning.regularization import Dropout, Noise, StochasticDepth
from headway.network.attention import Attention
from headway.network.branch import Branch, Product, Sum
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Conv, Flatten, GlobalAveragePool, Pool
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.feedforward import FeedForward, SwiGLU
from headway.network.initialization import Shape
from headway.network.layer import Activation, Layer
from headway.network.normalization import GroupNorm, Normalization
from headway.network.places import Places
from headway.network.recurrent import Last
from headway.network.residual import Residual
from headway.network.tokens import Masked
from headway.network.values import flatten, nest, restacked, unstacked
from headway.spec.error import HeadwayError, join_address

UNITWISE = (Activation, Dropout, Noise, StochasticDepth, Pool, GlobalAveragePool, Last)
"""Layers whose outputs change places as their inputs do."""


class Axis(NamedTuple):
    """The axis of an array that counts units, and how many times over: behind `Flatten` once for every position."""

    address: str
    axis: int
    turns: int

    def rows(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """What the array has of every unit, [units, …]."""
        array = np.moveaxis(arrays[self.address], self.axis, 0)
        array = array.reshape(self.turns, len(array) // self.turns, -1)
        return array.swapaxes(0, 1).reshape(array.shape[1], -1)

    def ordered(self, array: np.ndarray, order: np.ndarray) -> np.ndarray:
        """The array with its units in this order."""
        every = np.arange(self.turns)[:, None] * len(order) + order
        return array.take(every.ravel(), self.axis)


@dataclass(eq=False)
class Units:
    """Units that change places together, with all axes that count them; those that are `bound` keep their order."""

    bound: bool = False
    axes: list[Axis] = field(default_factory=list)
    part_of: "Units | None" = None

    def whole(self) -> "Units":
        """The units that these are part of."""
        return self if self.part_of is None else self.part_of.whole()


class Stream(NamedTuple):
    """The features on their way from layer to layer: which units they are, and how many times over."""

    units: Units
    turns: int = 1

    def counted_by(self, address: str, axis: int) -> None:
        """Note that this axis of an array counts them."""
        self.units.whole().axes.append(Axis(address, axis, self.turns))

    def bind(self) -> None:
        """Let them keep their order from here to where they come from."""
        self.units.whole().bound = True

    def join(self, other: "Stream") -> None:
        """Let both have the same order, as where one is added to the other."""
        one, two = self.units.whole(), other.units.whole()
        if one is not two:
            one.axes += two.axes
            one.bound |= two.bound or self.turns != other.turns
            two.part_of = one


def align(network: Layer, inputs: Shape, values: Mapping[str, Any], to: Mapping[str, Any], seed: int = 0) -> Any:
    """The values of a network with its hidden units in the order in which they are closest to those of `to`.

    Of all permutations π of hidden units, which leave the function of the network as it is, one that maximizes
    ⟨θ_to, π(θ)⟩: for the units of one layer an assignment problem, solved layer by layer until none gains (weight
    matching, Ainsworth, Hayase & Srinivasa 2023). With one hidden layer that is the maximum; with more a local one,
    which depends on the order of the layers, and that on `seed`.

    network, inputs   the network, and the shape of one example
    values, to        {"params": …, "network": …}: parameters and state, such as `run.values`; parameters are compared

    Units of `Dense`, `Conv`, `FeedForward`, `SwiGLU` and `Embedding` change places, along residual connections all
    together. Inputs, outputs, heads of attention, and what goes into or out of other layers keep their order.
    """
    ours, theirs = (flatten(unstacked(learned)) for learned in (values, to))
    if {a: np.shape(v) for a, v in ours.items()} != {a: np.shape(v) for a, v in theirs.items()}:
        raise HeadwayError("to", "must have the names and shapes of the values", "others", "Align runs of one network.")
    walk = _Walk()
    walk.through(network, "", inputs, walk.new(bound=True)).bind()
    free = [units.axes for units in walk.units if units.axes and units.part_of is None and not units.bound]
    found = _matched(ours, theirs, free, np.random.default_rng(seed))
    arrays = nest({address: jnp.asarray(value) for address, value in found.items()})
    return {part: restacked(arrays.get(part, {}), learned) for part, learned in values.items()}


def _matched(
    values: dict[str, Any], to: dict[str, Any], free: list[list[Axis]], draws: np.random.Generator
) -> dict[str, np.ndarray]:
    """The arrays with those units that are counted by the same axes in a better order, until none is better."""
    arrays, target = ({address: np.asarray(value) for address, value in flat.items()} for flat in (values, to))
    close, gained = _closeness(arrays, target), True
    while gained:
        gained = False
        for i in draws.permutation(len(free)):
            weights = [axis for axis in free[i] if axis.address.startswith("params/")]
            similar = sum(axis.rows(target) @ axis.rows(arrays).T for axis in weights)
            order = linear_sum_assignment(similar, maximize=True)[1]
            moved = dict(arrays)
            for axis in free[i]:
                moved[axis.address] = axis.ordered(moved[axis.address], order)
            if (closer := _closeness(moved, target)) > close:
                arrays, close, gained = moved, closer, True
    return arrays


def _closeness(arrays: Mapping[str, np.ndarray], target: Mapping[str, np.ndarray]) -> float:
    """⟨θ_to, θ⟩ over the parameters."""
    return sum(float(np.vdot(target[a], arrays[a])) for a in target if a.startswith("params/"))


@dataclass(frozen=True)
class _Walk:
    """The way of the features through a network, and the units that were met on it."""

    units: list[Units] = field(default_factory=list)

    def new(self, bound: bool = False) -> Stream:
        self.units.append(Units(bound))
        return Stream(self.units[-1])

    def through(self, layer: Layer, address: str, inputs: Shape, stream: Stream) -> Stream:
        """The features behind a layer; the axes in it that count units are noted with these."""
        match layer:
            case Repeat():
                return self._row([(str(i), layer.body, inputs) for i in range(layer.times)], address, stream)
            case Flatten():
                return Stream(stream.units, stream.turns * math.prod(inputs[:-1]))
            case Normalization():
                return self._normalized(layer, address, inputs, stream)
            case Dense() | Embedding() | FeedForward() | SwiGLU() | Attention() | Conv(groups=1):
                return self._weighted(layer, address, inputs, stream)
            case Sequential() | Residual() | Places() | Masked() | Branch(join=Sum() | Product()):
                ends = [self._row(way, address, stream) for way in layer.ways(inputs)]
                for end in ends[1:]:
                    ends[0].join(end)
                return ends[0]
            case _ if isinstance(layer, UNITWISE):
                return stream
        stream.bind()
        for part in layer.parts(inputs):
            self._row([part], address, self.new(bound=True)).bind()
        return self.new(bound=True)

    def _row(self, parts: list[tuple[str, Layer, Shape]], address: str, stream: Stream) -> Stream:
        for key, part, received in parts:
            stream = self.through(part, join_address(address, key), received, stream)
        return stream

    def _normalized(self, layer: Normalization, address: str, inputs: Shape, stream: Stream) -> Stream:
        if isinstance(layer, GroupNorm) and layer.groups > 1:
            stream.bind()
        for part, arrays in (("params", layer.parameters(inputs)), ("network", layer.state(inputs))):
            counting = [name for name, array in arrays.items() if array.shape]
            for name in counting:
                stream.counted_by(join_address(part, address, name), 0)
        return stream

    def _weighted(self, layer: Layer, address: str, inputs: Shape, stream: Stream) -> Stream:
        """By the names of the axes: "features" go in and come out, "in" goes in, "out" comes out."""
        inward = self.new() if isinstance(layer, Embedding) else stream
        named = {"features": inward, "in": inward, "out": self.new(), "hidden": self.new()}
        for name, parameter in layer.parameters(inputs).items():
            for axis, axis_name in enumerate(parameter.axes, len(parameter.shape) - len(parameter.axes)):
                if axis_name in named:
                    named[axis_name].counted_by(join_address("params", address, name), axis)
        return named["out"] if named["out"].units.axes else inward
