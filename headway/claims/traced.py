"""What a traced function is made of: its products of matrices, their dtypes, and how often each is made."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from headway.plan.operations import equations


class Product(NamedTuple):
    """A product of matrices: the dtypes of its factors and of what is made, and its multiply-adds, all turns of a loop
    together."""

    factors: tuple[str, ...]
    made: str
    work: int


def products(function: Callable[..., Any], *inputs: Any) -> list[Product]:
    """The products of matrices in a function of these inputs, or of inputs of these shapes; nothing is computed."""
    traced = equations(jax.make_jaxpr(function)(*inputs).jaxpr)
    return [_product(equation, times) for equation, times in traced if equation.primitive.name == "dot_general"]


def _product(equation: Any, times: int) -> Product:
    (contracted, _), _ = equation.params["dimension_numbers"]
    left, right = (variable.aval for variable in equation.invars)
    (made,) = (variable.aval for variable in equation.outvars)
    work = times * made.size * math.prod(left.shape[axis] for axis in contracted)
    return Product((str(left.dtype), str(right.dtype)), str(made.dtype), work)
