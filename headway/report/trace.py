"""A trace for a person: values going forward, gradients coming back, one weight's gradient multiplied out."""

from collections.abc import Sequence

import numpy as np

from headway.learning.backpropagation.trace import Chain, Factor, Stage, Trace, chain
from headway.network.dense import Dense
from headway.report.table import table
from headway.report.wording import short
from headway.spec.error import HeadwayError

ENDS = 8
"""Rows kept at both ends of a table that is longer than twice as many."""


def trace_text(found: Trace, units: int = 4) -> str:
    """Both passes as tables, the first `units` numbers of each array."""
    forward = [("", "the input", numbers(found.stages[0].x, units))]
    forward += [(stage.address, named(stage), numbers(stage.h, units)) for stage in found.stages]
    forward += [("", repr(found.criterion), f"L = {short(found.loss)}, target {numbers(found.target, units)}")]
    back = [(stage.address, named(stage), numbers(stage.dh, units), size(stage.dh), local(stage, units), size(stage.dx))
            for stage in reversed(found.stages)]  # fmt: skip
    learned = [(address, numbers(g, units), size(g), size(found.by_jax[address]))
               for address, g in found.gradients.items()]  # fmt: skip
    return "\n\n".join(
        [
            "Forward: what each layer makes of what the one before it gave",
            table(("address", "layer", "h"), shortened(forward)),
            "\n".join(equations(found)),
            "Back: dL/dh behind each layer; times the local derivative it is dL/dx in front of it",
            table(("address", "layer", "dL/dh", "‖dL/dh‖", "local derivative", "‖dL/dx‖"), shortened(back)),
            "What is learned from it",
            table(("array", "dL/dθ", "‖dL/dθ‖", "by jax.grad"), shortened(learned)),
            f"largest difference from jax.grad: {found.largest_difference:.1g}",
        ]
    )


def chain_or_reason(found: Trace, weight: str | None) -> str:
    """`chain_text`, and where no weight was asked for and none can be multiplied out, why."""
    try:
        return chain_text(chain(found, weight))
    except HeadwayError as error:
        if weight is not None:
            raise
        return f"No gradient is multiplied out: {error}"


def chain_text(found: Chain) -> str:
    """The largest path factor by factor, the next ones as their products, and the sum beside that of `jax.grad`."""
    head = f"The gradient of {found.weight} = {short(found.value)}, multiplied out"
    if not found.paths:
        return f"{head}\n\nEvery path has a factor 0.\n{_sum('sum', found)}"
    first, *others = found.paths
    if found.count == 1:
        return f"{head}\n\n{_product(first)}\n\n{_sum('product', found)}"
    said = f"{found.count:,.0f}" if found.count < 1e9 else f"{found.count:.1g}"
    rest = [f"{short(product(path))} = {' · '.join(_brief(path))}" for path in others]
    more = ["", "The next ones:", *rest] if rest else []
    return "\n".join(
        [f"{head}: the largest of {said} paths", "", _product(first), *more, "",
         _sum(f"sum over all {said} paths", found)]
    )  # fmt: skip


def _sum(what: str, found: Chain) -> str:
    return f"{what} {short(found.total)}, jax.grad {short(found.by_jax)}"


def _product(path: Sequence[Factor]) -> str:
    """A path as a table with the product so far."""
    so_far = np.cumprod([factor.value for factor in path])
    rows = [(factor.what, short(factor.value), short(p)) for factor, p in zip(path, so_far, strict=True)]
    return table(("factor", "value", "product so far"), shortened(rows))


def _brief(path: Sequence[Factor]) -> list[str]:
    values = [short(factor.value) for factor in path]
    return values if len(values) <= 2 * ENDS else [*values[:ENDS], "…", *values[-ENDS:]]


def product(path: Sequence[Factor]) -> float:
    """The product of the factors of a path."""
    return float(np.prod([factor.value for factor in path]))


def named(stage: Stage) -> str:
    """The layer as it is written, shortened."""
    text = repr(stage.layer)
    return text if len(text) <= 32 else f"{text[:31]}…"


def equations(found: Trace) -> list[str]:
    """The first line of the docstring of every kind that appears, with its equation."""
    kinds = dict.fromkeys(type(part) for part in (*(stage.layer for stage in found.stages), found.criterion))
    return [f"{kind.__name__}: {(kind.__doc__ or '').partition(chr(10))[0]}" for kind in kinds]


def local(stage: Stage, units: int) -> str:
    """wᵀ of a Dense, f'(x) of an activation; of another kind the size of its derivative."""
    if stage.J is None:
        return f"∂h/∂x [{stage.h.size}, {stage.x.size}]"
    if isinstance(stage.layer, Dense):
        return f"wᵀ {list(stage.J.shape)}, ‖w‖ {size(stage.J)}"
    if stage.pointwise:
        return f"f'(x): {numbers(np.diag(stage.J), units)}"
    return f"∂h/∂x {list(stage.J.shape)}, ‖·‖ {size(stage.J)}"


def numbers(array: np.ndarray, units: int) -> str:
    """The first `units` numbers, and how many there are where there are more."""
    flat = np.ravel(array)
    more = f" … ({flat.size:,})" if flat.size > units else ""
    return "  ".join(short(float(value) + 0.0) for value in flat[:units]) + more


def size(array: np.ndarray) -> str:
    """‖·‖ of all its numbers."""
    return short(float(np.linalg.norm(np.ravel(array).astype(float))))


def shortened(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows, of a long table those at both ends and how many were left out."""
    if len(rows) <= 2 * ENDS + 1:
        return list(rows)
    left_out = (f"… {len(rows) - 2 * ENDS} more", *[""] * (len(rows[0]) - 1))
    return [*rows[:ENDS], left_out, *rows[-ENDS:]]
