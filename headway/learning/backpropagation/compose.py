"""The rules of networks: layers in a row multiply their derivatives, layers side by side add them."""

import functools
import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from headway.learning.backpropagation.rule import RULES, Back, Local, backward, rule
from headway.network.branch import Branch, Concatenate, Concatenation, Product, Sum
from headway.network.compose import Repeat, Sequential
from headway.network.layer import Params
from headway.network.residual import Residual
from headway.network.values import stack


@rule(Sequential)
def sequential(layer: Sequential, at: Local, dy: jax.Array) -> Back:
    """h_k = f_k(h_{k−1}): dL/dh_{k−1} = (∂h_k/∂h_{k−1})ᵀ dL/dh_k, from the last layer back to the first."""
    dtheta = {}
    for child, inside in reversed(at.row(layer)):
        dy, dtheta[inside.key] = backward(child, inside, dy)
    return dy, {key: dtheta[key] for key in at.params}


@rule(Repeat)
def repeat(layer: Repeat, at: Local, dy: jax.Array) -> Back:
    """A row of equal blocks: as Sequential, the dL/dθ of all copies stacked."""
    dtheta: list[Params] = []
    for body, inside in reversed(at.row(layer)):
        dy, own = backward(body, inside, dy)
        dtheta.insert(0, own)
    return dy, {key: stack(dtheta) for key in at.params}


@rule(Residual)
def residual(layer: Residual, at: Local, dy: jax.Array) -> Back:
    """y = x + scale · F(x): dL/dx = dL/dy + (∂F/∂x)ᵀ scale · dL/dy. What comes back passes beside the body too.

    With a skip S(x) in place of x its own (∂S/∂x)ᵀ dL/dy stands for the first dL/dy.
    """
    through, body = backward(layer.body, at.inside("body", at.x), layer.scale * dy)
    beside, skip = (dy, {}) if layer.skip is None else backward(layer.skip, at.inside("skip", at.x), dy)
    dtheta = {"body": body, "skip": skip}
    return beside + through, {key: dtheta[key] for key in at.params}


@rule(Concatenate)
def concatenate(layer: Concatenate, at: Local, dy: jax.Array) -> Back:
    """y = [x, F(x)]: dL/dx is the first part of dL/dy plus what the second brings back through F."""
    beside, through = jnp.split(dy, [at.x.shape[-1]], axis=-1)
    through, body = backward(layer.body, at.inside("body", at.x), through)
    return beside + through, {"body": body} if at.params else {}


@rule(Branch)
def branch(layer: Branch, at: Local, dy: jax.Array) -> Back:
    """y = join(a, b, …) of a(x), b(x), …: dL/dx = Σ (∂a/∂x)ᵀ dL/da. An input used twice gets both gradients, added."""
    parts = [(child, at.inside(key, at.x)) for key, child in layer.members().items()]
    shares = RULES[type(layer.join)](layer.join, [inside.y for _, inside in parts], dy)
    found = {inside.key: backward(child, inside, dh) for (child, inside), dh in zip(parts, shares, strict=True)}
    return functools.reduce(jnp.add, (dx for dx, _ in found.values())), {key: found[key][1] for key in at.params}


@rule(Sum)
def joined_by_sum(join: Sum, outputs: Sequence[jax.Array], dy: jax.Array) -> list[jax.Array]:
    """y = a + b + …: each gets dL/dy."""
    return [dy] * len(outputs)


@rule(Product)
def joined_by_product(join: Product, outputs: Sequence[jax.Array], dy: jax.Array) -> list[jax.Array]:
    """y = a ⊙ b ⊙ …: dL/da = dL/dy ⊙ b ⊙ …, all the others."""
    others = [[*outputs[:i], *outputs[i + 1 :]] for i in range(len(outputs))]
    return [functools.reduce(jnp.multiply, rest, dy) for rest in others]


@rule(Concatenation)
def joined_by_concatenation(join: Concatenation, outputs: Sequence[jax.Array], dy: jax.Array) -> list[jax.Array]:
    """y = [a, b, …]: each gets its part of dL/dy."""
    ends = itertools.accumulate(h.shape[-1] for h in outputs[:-1])
    return jnp.split(dy, [*ends], axis=-1)
