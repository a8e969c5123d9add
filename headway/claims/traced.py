"""What a traced function is made of: its products of matrices, their dtypes, and how often each is made."""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax


class Product(NamedTuple):
    """A product of matrices: the dtypes of its factors and of what is made, and its multiply-adds, all turns of a loop
    together."""

    factors: tuple[str, ...]
    made: str
    work: int


def products(function: Callable[..., Any], *inputs: Any) -> list[Product]:
    """The products of matrices in a function of these inputs, or of inputs of these shapes; nothing is computed."""
    return list(_products(jax.make_jaxpr(function)(*inputs).jaxpr, 1))


def _products(jaxpr: Any, times: int) -> Iterator[Product]:
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left, right = (variable.aval for variable in equation.invars)
            (made,) = (variable.aval for variable in equation.outvars)
            work = times * made.size * math.prod(left.shape[axis] for axis in contracted)
            yield Product((str(left.dtype), str(right.dtype)), str(made.dtype), work)
        turns = equation.params["length"] if equation.primitive.name == "scan" else 1
        for inside in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda part: hasattr(part, "eqns")):
            if hasattr(inside, "eqns") or hasattr(inside, "jaxpr"):
                yield from _products(getattr(inside, "jaxpr", inside), times * turns)
