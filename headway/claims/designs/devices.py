"""Training on several devices: processes with a copy each, and a network shared out between two devices."""

import functools

from headway.claims.design import Exact, Measures
from headway.claims.workers import DEVICES, PROCESSES, ask
from headway.scale.local import free_port


@functools.cache
def replicas() -> list[dict[str, Measures]]:
    """What each process found."""
    port = str(free_port())
    return ask(*(("replica", str(rank), port) for rank in range(PROCESSES)))


@functools.cache
def shared() -> dict[str, Measures]:
    """What a process with two devices found."""
    return ask(("devices",), devices=DEVICES)[0]


def data_parallel(split: str) -> Measures:
    """How far averaged gradients are from those of the whole batch; and whether the copies stay equal to the bit."""
    first, second = (found[split] for found in replicas())
    return {"apart": max(first["apart"], second["apart"]), "equal": float(first["weights"] == second["weights"])}


def on_two(part: str) -> Measures:
    """What was found of this on two devices."""
    return shared()[part]


DESIGNS = {
    "parallel": Exact(
        "`halves` and what follows: two processes with a whole copy each, float64, five updates of SGD with momentum, "
        "gradients averaged through gloo. `apart`: the largest difference from the gradient of all 64 examples; "
        "`equal`: whether the copies' weights are equal to the bit behind them. `layers`, `weights`: eight layers "
        "shared out between two devices, or every matrix of a transformer, float32; `apart`: outputs from those of one "
        "device; `share`: bytes of weights on the fuller device over those of all. `refused`: whether a mesh of more "
        "devices than there are is.",
        {split: functools.partial(data_parallel, split)
         for split in ("halves", "unequal parts", "halves with batchnorm")}
        | {part: functools.partial(on_two, part) for part in ("layers", "weights", "more than there are")},
    ),
}  # fmt: skip
