"""What a network is made of: shapes, neurons, parameters, work and memory, layer by layer and neuron by neuron."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import commonpath
from typing import Any

import jax
import jax.numpy as jnp

from headway.network.compose import Repeat, Sequential
from headway.network.initialization import Shape
from headway.network.layer import Activation, Context, Layer, Params, State, apply, layers
from headway.network.values import COPY, flatten, unstacked
from headway.spec.error import HeadwayError, did_you_mean, join_address


@dataclass(frozen=True)
class Row:
    """One layer, for one example.

    neurons       outputs of a layer with weights, each a weighted sum: a unit at every position; else 0
    units         distinct neurons, each with weights of its own (a channel of Conv is one); else 0
    flops         floating-point operations forward, a multiply-add counted as two
    output_bytes  bytes of the output
    body          of a copy of a repeated layer, where it stands in the spec: `3/*/0` for `3/7/0`
    """

    address: str
    layer: str
    output: Shape
    neurons: int
    units: int
    parameters: int
    flops: int
    output_bytes: int
    body: str = ""


@dataclass(frozen=True)
class Summary:
    """All layers of a network in order, and their totals.

    depth     layers with weights (parameters that decay) on the longest way from input to output; biases and norms add
              none, an attention or feed-forward layer is one
    shortest  the same on the shortest way: past the body of a residual connection, through the shorter branch
    width     the most units that one layer has
    """

    inputs: Shape
    rows: tuple[Row, ...]
    depth: int
    shortest: int
    width: int
    neurons: int
    parameters: int
    parameter_bytes: int
    flops: int
    activation_bytes: int

    def __str__(self) -> str:
        head = ("address", "layer", "output", "neurons", "parameters", "FLOPs", "bytes")
        same: dict[str, list[Row]] = {}
        for row in self.rows:
            same.setdefault(row.body or row.address, []).append(row)
        body = [_line(at, rows) for at, rows in same.items()]
        total = ("total", "", "", *_grouped(self.neurons, self.parameters, self.flops, self.activation_bytes))
        widths = [max(len(line[i]) for line in (head, *body, total)) for i in range(len(head))]
        rule = tuple("-" * width for width in widths)
        lines = ["  ".join(cell.ljust(width) if i < 3 else cell.rjust(width)
                           for i, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
                 for line in (head, rule, *body, rule, total)]  # fmt: skip
        shortest = f" (shortest path {self.shortest})" if self.shortest < self.depth else ""
        return "\n".join([*lines, f"input {self.inputs}, depth {self.depth}{shortest}, width {self.width}, "
                                  f"{self.parameter_bytes:,} bytes of parameters"])  # fmt: skip


def _line(address: str, rows: list[Row]) -> tuple[str, ...]:
    """One line for a layer, with the numbers of all its copies together."""
    layer = rows[0].layer if len(rows) == 1 else f"{len(rows)} x {rows[0].layer}"
    totals = (sum(getattr(r, name) for r in rows) for name in ("neurons", "parameters", "flops", "output_bytes"))
    return address or ".", layer, str(rows[0].output), *_grouped(*totals)


def _grouped(*numbers: int) -> list[str]:
    return [f"{number:,}" for number in numbers]


def summary(network: Layer, inputs: Shape, dtype: Any = jnp.float32) -> Summary:
    """The network's layers for one example of shape `inputs`, parameters and outputs being of the dtype given."""
    size = jnp.dtype(dtype).itemsize
    network.shape(inputs)
    rows = tuple(_rows(network, inputs, ("", ""), size))
    parameters, found = sum(row.parameters for row in rows), paths(network, inputs)
    return Summary(
        inputs=inputs,
        rows=rows,
        depth=found.longest,
        shortest=found.shortest,
        width=max((row.units for row in rows), default=0),
        neurons=sum(row.neurons for row in rows),
        parameters=parameters,
        parameter_bytes=parameters * size,
        flops=sum(row.flops for row in rows),
        activation_bytes=sum(row.output_bytes for row in rows),
    )


def _rows(layer: Layer, inputs: Shape, at: tuple[str, str], size: int) -> Iterator[Row]:
    """The layer's row, without what its children count, then theirs; one that counts nothing itself has none.

    `at` are its address and that of its body in the spec.
    """
    address, body = at
    parts, own, output = layer.parts(inputs), layer.parameters(inputs), layer.shape(inputs)
    flops = layer.flops(inputs) - sum(child.flops(received) for _, child, received in parts)
    if not parts or own or flops:
        weighs = any(p.decays for p in own.values())
        yield Row(
            address=address,
            layer=type(layer).__name__ if parts else repr(layer),
            output=output,
            neurons=math.prod(output) if weighs else 0,
            units=output[-1] if weighs else 0,
            parameters=sum(math.prod(p.shape) for p in own.values()),
            flops=flops,
            output_bytes=math.prod(output) * size,
            body=body if body != address else "",
        )
    for key, child, received in parts:
        place = COPY if isinstance(layer, Repeat) else key
        yield from _rows(child, received, (join_address(address, key), join_address(body, place)), size)


@dataclass(frozen=True)
class Paths:
    """The layers with weights between input and output, on the shortest and on the longest way.

    addresses   of all layers on the longest way, containers too; of equally long ones the first
    """

    shortest: int
    longest: int
    addresses: tuple[str, ...]


def paths(network: Layer, inputs: Shape, address: str = "") -> Paths:
    """The shortest and the longest way through the network; parts side by side are different ways."""
    ways = []
    for way in network.ways(inputs):
        parts = [paths(child, received, join_address(address, key)) for key, child, received in way]
        addresses = tuple(at for part in parts for at in part.addresses)
        ways.append(Paths(sum(part.shortest for part in parts), sum(part.longest for part in parts), addresses))
    own = any(parameter.decays for parameter in network.parameters(inputs).values())
    most = max(ways, key=lambda way: way.longest)
    return Paths(own + min(way.shortest for way in ways), own + most.longest, (address, *most.addresses))


@dataclass(frozen=True)
class Neuron:
    """One unit at work: activation = f(weighted_sum), weighted_sum = weights · inputs + bias.

    Shapes: weights [inputs] of a Dense unit, [*kernel, inputs / groups] of a Conv channel; bias one number, None
    where the layer has none; weighted_sum and activation [batch, …] with a position each.
    """

    weights: jax.Array
    bias: jax.Array | None
    weighted_sum: jax.Array
    activation: jax.Array


def neuron(
    network: Layer, params: Params, address: str, index: int, x: jax.Array, state: State | None = None
) -> Neuron:
    """Unit `index` of the layer at `address` for the inputs x [batch, …], in evaluation mode.

    Its activation is the output of the activation that follows, the weighted sum itself where none does.
    """
    values = flatten(unstacked(params))
    weights, bias = (values.get(join_address(address, name)) for name in ("w", "b"))
    if weights is None:
        known = [key.removesuffix("w").rstrip("/") for key in values if key.rpartition("/")[2] == "w"]
        raise HeadwayError(address, "no layer with weights is here", None, did_you_mean(address, known))
    if not 0 <= index < weights.shape[-1]:
        raise HeadwayError(address, f"has the units 0 to {weights.shape[-1] - 1}", index)
    outputs: list[tuple[str, jax.Array]] = []

    def tap(where: str, value: jax.Array) -> jax.Array:
        outputs.append((where, value))
        return value

    apply(network, params, x, state, Context(tap=tap))
    outputs = outputs[[where for where, _ in outputs].index(address) :]
    return Neuron(
        weights=weights[..., index],
        bias=None if bias is None else bias[index],
        weighted_sum=outputs[0][1][..., index],
        activation=_activated(network, outputs)[..., index],
    )


def _activated(network: Layer, outputs: list[tuple[str, jax.Array]]) -> jax.Array:
    """What the first output, passed on unchanged, becomes in the activation that meets it; else itself."""
    at, (_, sums) = dict(layers(network)), outputs[0]
    for address, value in outputs[1:]:
        shared = commonpath((outputs[0][0], address))
        if shared != address and not isinstance(at[shared], Sequential | Repeat):
            break  # the output of another branch
        if isinstance(at[address], Activation):
            return value
        if value is not sums:
            break
    return sums
