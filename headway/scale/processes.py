"""Processes: what those of a job must agree on, and what only the first of them does."""

import os
import sys
from typing import Any

import jax
import numpy as np

LOST = ("Gloo", "NCCL", "heartbeat", "UNAVAILABLE")
"""Words of which JAX's errors hold one where another process is gone."""


def leads() -> bool:
    """Whether this is the process that writes and shows; of a run in one process it is."""
    return jax.process_index() == 0


def agreed(*numbers: int) -> tuple[int, ...]:
    """The largest of each number that any process of the job has: all must ask at the same time."""
    if jax.process_count() == 1:
        return numbers
    from jax.experimental import multihost_utils

    found = multihost_utils.process_allgather(np.array(numbers, np.int32))
    return tuple(int(number) for number in np.asarray(found).reshape(-1, len(numbers)).max(axis=0))


def met(what: str) -> None:
    """Wait until all processes of the job are here."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(what)


def whole(tree: Any) -> Any:
    """The arrays as every process can read them: gathered from the devices of all processes where there are several."""
    if jax.process_count() == 1:
        return tree
    from jax.experimental import multihost_utils

    return jax.tree.map(np.asarray, multihost_utils.process_allgather(tree, tiled=True))


def lost(error: BaseException) -> bool:
    """Whether it says that another process of this job is gone."""
    several = isinstance(error, jax.errors.JaxRuntimeError) and jax.process_count() > 1
    return several and any(word in str(error) for word in LOST)


def leave(code: int) -> None:
    """End this process now if it is one of several: JAX would wait more than a minute for those that are gone."""
    if jax.distributed.is_initialized():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
