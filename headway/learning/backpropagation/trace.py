"""One pass forward and one back with every number in it, and the gradient of one weight multiplied out."""

import functools
import re
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np

from headway.learning.backpropagation.jacobians import jacobian, steps
from headway.learning.backpropagation.losses import loss_gradient
from headway.learning.backpropagation.reverse import Examples, forward
from headway.learning.backpropagation.rule import POINTWISE, Local, backward, expect_rules
from headway.learning.losses import Loss
from headway.network.dense import Dense
from headway.network.layer import Context, Layer, Params, State, apply
from headway.network.values import flatten, unstacked
from headway.spec.error import HeadwayError, did_you_mean, join_address

LARGEST = 1 << 20
"""The most numbers that a local derivative may have to be written out, for kinds that are no Dense or activation."""
WEIGHT = re.compile(r"(?:(?P<address>.+)/)?w\[(?P<input>\d+), ?(?P<unit>\d+)\]")


@dataclass(frozen=True)
class Stage:
    """What one layer of the row does to one example: x → h on the way forward, dL/dh → dL/dx on the way back.

    dtheta   address → dL/dθ of each of its arrays, [...] as they are
    J        ∂h_o/∂x_i, [outputs, inputs], of h and x in one row each: wᵀ for a Dense, f'(x) on the diagonal for an
             activation; None where it is too large
    """

    address: str
    layer: Layer
    x: np.ndarray
    h: np.ndarray
    dh: np.ndarray
    dx: np.ndarray
    dtheta: dict[str, np.ndarray]
    J: np.ndarray | None

    @property
    def pointwise(self) -> bool:
        """Whether each h_i depends on x_i alone, by f'."""
        return type(self.layer) in POINTWISE


@dataclass(frozen=True)
class Trace:
    """A pass forward and back of one example, layer by layer; `by_jax` are the gradients that `jax.grad` gives."""

    stages: tuple[Stage, ...]
    criterion: Loss
    target: np.ndarray
    loss: float
    params: dict[str, np.ndarray]
    by_jax: dict[str, np.ndarray]

    @property
    def gradients(self) -> dict[str, np.ndarray]:
        """Address → dL/dθ of every array, by backpropagation."""
        return {address: g for stage in self.stages for address, g in stage.dtheta.items()}

    @property
    def largest_difference(self) -> float:
        """The most by which a gradient differs from that of `jax.grad`."""
        return max((float(np.abs(g - self.by_jax[a]).max()) for a, g in self.gradients.items()), default=0.0)


class Factor(NamedTuple):
    """One factor of a product: what it is, and its value."""

    what: str
    value: float


@dataclass(frozen=True)
class Chain:
    """dL/dw of one weight: a product for every path from its unit to the loss, and their sum.

    paths   the products with the largest size, largest first, each a row of factors
    count   how many paths there are whose product is not 0
    total   the sum over all of them, layer by layer from the weight to the loss: against the way of backpropagation
    """

    weight: str
    value: float
    paths: tuple[tuple[Factor, ...], ...]
    count: float
    total: float
    by_jax: float


def trace(network: Layer, loss: Loss, params: Params, batch: Examples, state: State | None = None) -> Trace:
    """One example through the layers in a row that a network is, and the gradient back, in evaluation mode.

    Layers of a Sequential, and of one inside it, are one step each, in every copy of a Repeat; a Residual is one step.
    """
    if len(batch.x) != 1:
        raise HeadwayError("batch", "must be one example", f"{len(batch.x)} examples", "Give x[i : i + 1].")
    expect_rules(loss)
    z, at = forward(network, params, batch.x, state or {}, Context())
    dy, stages = loss_gradient(loss, z, batch.y), list[Stage]()
    for layer, inside in reversed(list(steps(network, at))):
        dx, dtheta = backward(layer, inside, dy)
        stages.insert(0, _stage(layer, inside, (dy, dx), dtheta))
        dy = dx
    by_jax = jax.grad(lambda params: loss(apply(network, params, batch.x, state)[0], batch.y))(params)
    flat = [{a: np.asarray(v) for a, v in flatten(unstacked(tree)).items()} for tree in (params, by_jax)]
    return Trace(tuple(stages), loss, np.asarray(batch.y[0]), float(loss(z, batch.y)), *flat)


def _stage(layer: Layer, at: Local, back: tuple[jax.Array, jax.Array], dtheta: Params) -> Stage:
    dh, dx = (np.asarray(part[0]) for part in back)
    x, h = np.asarray(at.x[0]), np.asarray(at.y[0])
    found = flatten(unstacked(dtheta), at.context.address)
    return Stage(at.context.address, layer, x, h, dh, dx, {a: np.asarray(g) for a, g in found.items()},
                 _derivative(layer, at, x.size * h.size))  # fmt: skip


def _derivative(layer: Layer, at: Local, size: int) -> np.ndarray | None:
    if isinstance(layer, Dense) and at.x.ndim == 2:
        return np.asarray(at.params["w"]).T
    if size > LARGEST:
        return None
    if type(layer) in POINTWISE:
        return np.diag(np.asarray(backward(layer, at, jax.numpy.ones_like(at.y))[0]).ravel())
    return np.asarray(jacobian(layer, at)).reshape(at.y.size, at.x.size)


def chain(found: Trace, weight: str | None = None, most: int = 3) -> Chain:
    """dL/dw of a weight `1/w[3, 5]` of a Dense layer as products along paths; the `most` largest in full.

    dL/dw_ij = x_i Σ ∂h_o/∂h_j ⋯ dL/dz_o, the sum over all ways from unit j through the units of every later layer
    to an output o (Goodfellow et al. 2016, 6.5.2). Without a weight: that of the first Dense layer whose gradient is
    largest.
    """
    at, i, j = _place(found, weight)
    stage, later = found.stages[at], found.stages[at + 1 :]
    dz = found.stages[-1].dh.ravel()
    address, name = join_address(stage.address, "w"), f"{join_address(stage.address, 'w')}[{i}, {j}]"
    start = Factor(f"x[{i}]", float(stage.x[i]))
    total, count = np.eye(stage.h.size)[j], np.eye(stage.h.size)[j]
    for part in later:
        total, count = _derivative_of(part) @ total, (_derivative_of(part) != 0).astype(float) @ count
    value, by_jax = (float(tree[address][i, j]) for tree in (found.params, found.by_jax))
    return Chain(name, value, tuple((start, *path) for path in _largest(later, dz, j, most)),
                 float(count @ (dz != 0)) * (start.value != 0), float(start.value * (total @ dz)), by_jax)  # fmt: skip


def _largest(later: tuple[Stage, ...], dz: np.ndarray, unit: int, most: int) -> list[tuple[Factor, ...]]:
    """The `most` paths from a unit to the loss with the largest products: each is one factor and a largest path."""

    @functools.cache
    def best(at: int, unit: int) -> list[tuple[float, tuple[int, ...]]]:
        if at == len(later):
            return [(float(dz[unit]), (unit,))] if dz[unit] else []
        column = _derivative_of(later[at])[:, unit]
        ways = [(float(column[o]) * product, (unit, *path))
                for o in np.flatnonzero(column) for product, path in best(at + 1, int(o))]  # fmt: skip
        return sorted(ways, key=lambda way: -abs(way[0]))[:most]

    return [
        (*map(_factor, later, units, units[1:]), Factor(f"dL/dz[{units[-1]}]", float(dz[units[-1]])))
        for _, units in best(0, unit)
    ]


def _factor(stage: Stage, unit: int, to: int) -> Factor:
    value = float(_derivative_of(stage)[to, unit])
    if isinstance(stage.layer, Dense):
        return Factor(f"{join_address(stage.address, 'w')}[{unit}, {to}]", value)
    kind = type(stage.layer).__name__
    if stage.pointwise:
        return Factor(f"{kind}'(x[{unit}])", value)
    return Factor(f"∂h[{to}]/∂x[{unit}] of {stage.address} {kind}", value)


def _derivative_of(stage: Stage) -> np.ndarray:
    if stage.J is None:
        size = f"{stage.h.size} × {stage.x.size}"
        raise HeadwayError(stage.address, "a chain needs the derivative of every later layer", f"one of {size} numbers",
                           "Choose a weight behind it.")  # fmt: skip
    return stage.J


def _place(found: Trace, weight: str | None) -> tuple[int, int, int]:
    """The stage, the input and the unit of a weight."""
    dense = {stage.address: n for n, stage in enumerate(found.stages)
             if isinstance(stage.layer, Dense) and stage.x.ndim == 1}  # fmt: skip
    if not dense:
        raise HeadwayError("network", "a chain needs a Dense layer in the row, on one vector an example", "none")
    if weight is None:
        address = next(iter(dense))
        g = np.abs(found.gradients[join_address(address, "w")])
        i, j = np.unravel_index(g.argmax(), g.shape)
        return dense[address], int(i), int(j)
    match = WEIGHT.fullmatch(weight)
    address = (match["address"] or "") if match else ""
    if match is None or address not in dense:
        known = [f"{join_address(address, 'w')}[0, 0]" for address in dense]
        raise HeadwayError("weight", "must be that of a Dense layer in the row, such as 1/w[3, 5]", weight,
                           did_you_mean(weight, known))  # fmt: skip
    n, i, j = dense[address], int(match["input"]), int(match["unit"])
    if i >= found.stages[n].x.size or j >= found.stages[n].h.size:
        raise HeadwayError("weight", f"must lie in {found.stages[n].x.size} × {found.stages[n].h.size}", weight)
    return n, i, j
