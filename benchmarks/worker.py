"""One system on one workload in a process of its own: told how many epochs to train, it answers how long they took.

`python -m benchmarks.worker MODULE CLASS WORKLOAD`. The first line of output says what came before the steady
state; then each line of input is a number of epochs, and each line of output the answer, in JSON.
"""

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workloads import WORKLOADS, System, Workload


def main(module: str, name: str, workload: Workload) -> None:
    """Import, build, compile; then answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    begin = time.perf_counter()
    make = getattr(importlib.import_module(module), name)
    imported = time.perf_counter()
    system: System = make(workload)
    system.train(1)
    ready = time.perf_counter()
    loss = loss_of(system, workload) if system.parameters else None
    tell(answers, imports=imported - begin, first=ready - imported, parameters=system.parameters, loss=loss)
    for line in sys.stdin:
        begin = time.perf_counter()
        system.train(int(line))
        tell(answers, seconds=time.perf_counter() - begin, peak=peak_bytes())


def tell(answers: Any, **values: Any) -> None:
    """One answer, at once."""
    print(json.dumps(values), file=answers, flush=True)


def loss_of(system: System, workload: Workload) -> float:
    """Cross-entropy on the first examples: alike in all systems if they do the same work."""
    x, y = (part[:512] for part in workload.examples())
    z = system.outputs(x).astype(np.float64)
    of_targets = np.take_along_axis(z, y[..., None], axis=-1)[..., 0]
    return float(np.mean(np.log(np.exp(z).sum(axis=-1)) - of_targets))


STATUS = Path("/proc/self/status")


def held(name: str) -> int:
    """Bytes of what Linux says this process holds: VmRSS now, VmHWM the most since it was reset."""
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(name)) * 1024


def peak_bytes() -> int:
    """The most memory this process has had resident."""
    if STATUS.exists():  # the kernel's ru_maxrss would count the parent before exec
        return held("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(os.environ["OMP_NUM_THREADS"])])
    main(sys.argv[1], sys.argv[2], WORKLOADS[sys.argv[3]])
