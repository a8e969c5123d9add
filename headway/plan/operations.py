"""Floating-point operations of a traced function: products of matrices and convolutions, loops counted through."""

import math
from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr


def operations(function: Callable[..., Any], *arguments: Any) -> int:
    """Operations of one call, for arguments of which only shapes and dtypes matter; a multiply-add counts as two.

    XLA's own count takes the body of a loop once. Here it counts as often as a `scan` turns; that of a `while`, whose
    turns nobody knows before, once; of branches the largest.
    """
    return _of(jax.make_jaxpr(function)(*arguments).jaxpr)


def _of(jaxpr: Jaxpr) -> int:
    return sum(_of_equation(equation) for equation in jaxpr.eqns)


def _of_equation(equation: Any) -> int:
    given = equation.params
    out: Any = equation.outvars[0].aval if equation.outvars else None
    match equation.primitive.name:
        case "dot_general":
            (contracted, _), _ = given["dimension_numbers"]
            return 2 * math.prod(out.shape) * math.prod(equation.invars[0].aval.shape[i] for i in contracted)
        case "conv_general_dilated":
            kernel, layout = equation.invars[1].aval.shape, given["dimension_numbers"].rhs_spec
            each = math.prod(kernel) // kernel[layout[0]]  # inputs of one output: the kernel's window × its channels
            return 2 * math.prod(out.shape) * each
        case "scan":
            return int(given["length"]) * _of(given["jaxpr"].jaxpr)
        case "cond":
            return max(_of(branch.jaxpr) for branch in given["branches"])
    return sum(_of(inner) for value in given.values() for inner in _inside(value))


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
