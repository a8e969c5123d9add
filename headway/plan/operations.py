"""Floating-point operations of a traced function: products of matrices and convolutions, loops counted through."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr


def operations(function: Callable[..., Any], *arguments: Any) -> int:
    """Operations of one call, for arguments of which only shapes and dtypes matter; a multiply-add counts as two.

    XLA's own count takes the body of a loop once. Here it counts as often as a `scan` turns; that of a `while`, whose
    turns nobody knows before, once; of branches the largest.
    """
    traced = jax.make_jaxpr(function)(*arguments).jaxpr
    return sum(times * _work(equation) for equation, times in equations(traced))


def equations(jaxpr: Jaxpr, times: int = 1) -> Iterator[tuple[Any, int]]:
    """Every equation of a program and of those inside it, and how often it is computed."""
    for equation in jaxpr.eqns:
        yield equation, times
        inside = [one for value in equation.params.values() for one in _inside(value)]
        if equation.primitive.name == "cond":
            inside = [max(inside, key=lambda branch: sum(n * _work(e) for e, n in equations(branch)))]
        turns = equation.params["length"] if equation.primitive.name == "scan" else 1
        for one in inside:
            yield from equations(one, times * turns)


def _work(equation: Any) -> int:
    """Of a product or a convolution itself; of all else 0."""
    match equation.primitive.name:
        case "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            each = math.prod(equation.invars[0].aval.shape[i] for i in contracted)
        case "conv_general_dilated":
            kernel, layout = equation.invars[1].aval.shape, equation.params["dimension_numbers"].rhs_spec
            each = math.prod(kernel) // kernel[layout[0]]  # inputs of one output: the kernel's window × its channels
        case _:
            return 0
    return 2 * math.prod(equation.outvars[0].aval.shape) * each


def _inside(value: Any) -> list[Jaxpr]:
    """The programs inside a parameter of an equation."""
    match value:
        case ClosedJaxpr():
            return [value.jaxpr]
        case Jaxpr():
            return [value]
        case tuple() | list():
            return [one for part in value for one in _inside(part)]
    return []
