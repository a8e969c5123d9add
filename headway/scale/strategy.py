"""Strategies: along which side of a mesh the dimensions of arrays are divided, as plain pairs of names."""

from dataclasses import KW_ONLY
from typing import Literal

from headway.spec.node import Spec, spec

Side = Literal["stage", "data", "fsdp", "context", "tensor"]
"""A side of a mesh."""
Rules = tuple[tuple[str, Side], ...]
"""The name of a dimension and the side of the mesh that divides it, tried in order.

The first rule that fits an array takes its dimension and its side; no dimension and no side is taken twice. What a side
does not divide evenly is left to the next rule, and where there is none it is whole on every device.
"""
TENSOR: Rules = (("copies", "stage"), ("hidden", "tensor"), ("heads", "tensor"), ("vocabulary", "tensor"))
"""Repeated blocks among each other; both matrices of a feed-forward part, attention, embeddings."""
CONTEXT: Rules = (("time", "context"), ("heads", "tensor"), ("heads", "context"))
"""Sequences: their places between the layers, and within attention, where places meet, heads in place of these."""
FSDP: Rules = tuple((name, "fsdp") for name in ("features", "hidden", "heads", "vocabulary", "unnamed"))


@spec
class Strategy(Spec):
    """What is divided how: rules for parameters, for gradients, for what the optimizer keeps, and for activations.

    Rajbhandari et al. (2020, *ZeRO*) divide in three stages what in plain data parallelism every device holds whole:
    the optimizer's state, the gradients too, the parameters too. Activations are the values that pass from one residual
    block to the next, [examples, time, features], and queries, keys and values, [examples, places, heads, width]; a
    dimension of theirs may be divided along several sides. `time` along `tensor`: norms and residual sums are computed
    in parts too (Korthikanti et al. 2022, *Reducing activation recomputation*). `time` along `context`, and heads where
    places meet: what goes from one to the other is exchanged all to all (Jacobs et al. 2023, *DeepSpeed Ulysses*).
    """

    parameters: Rules = ()
    _: KW_ONLY
    gradients: Rules = ()
    optimizer: Rules = ()
    activations: Rules = ()


BOTH = TENSOR + FSDP
REPLICATED = Strategy(TENSOR, gradients=TENSOR, optimizer=TENSOR, activations=CONTEXT)
ZERO_1 = Strategy(TENSOR, gradients=TENSOR, optimizer=BOTH, activations=CONTEXT)
ZERO_2 = Strategy(TENSOR, gradients=BOTH, optimizer=BOTH, activations=CONTEXT)
ZERO_3 = Strategy(BOTH, gradients=BOTH, optimizer=BOTH, activations=CONTEXT)
SEQUENCE = Strategy(BOTH, gradients=BOTH, optimizer=BOTH, activations=(*CONTEXT, ("time", "tensor")))
STRATEGIES = {
    "replicated": REPLICATED,
    "zero-1": ZERO_1,
    "zero-2": ZERO_2,
    "zero-3": ZERO_3,
    "sequence": SEQUENCE,
}
"""By the names that the command line knows: `sequence` is `zero-3` with activations divided along the sequence."""
