"""Measuring: a worker for each system, blocks of updates in random order, round after round."""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.workloads import WORKLOADS, SequenceWorkload, Workload

ROOT = Path(__file__).parent.parent
THREADS = 2
LIMIT = "matrix product"
SYSTEMS = {
    "Headway": ("benchmarks.ours", "Headway"),
    "PyTorch eager": ("benchmarks.peers.pytorch", "Eager"),
    "PyTorch eager, fused Adam": ("benchmarks.peers.pytorch", "EagerFused"),
    "PyTorch compiled": ("benchmarks.peers.pytorch", "Compiled"),
    "Flax NNX + Optax": ("benchmarks.peers.flax_nnx", "FlaxNNX"),
    "Equinox + Optax": ("benchmarks.peers.equinox", "Equinox"),
    "Keras on JAX": ("benchmarks.peers.keras_jax", "KerasJAX"),
    "scikit-learn": ("benchmarks.peers.scikit", "ScikitLearn"),
    LIMIT: ("benchmarks.matrix_product", "MatrixProduct"),
}
PACKAGES = ("headway", "jax", "jaxlib", "numpy", "torch", "flax", "equinox", "optax", "keras", "scikit-learn")


class Worker:
    """A system in a process of its own, alive between blocks."""

    def __init__(self, system: str, workload: str, environment: Mapping[str, str]) -> None:
        self.block = WORKLOADS[workload].epochs if system != LIMIT else 3
        command = [sys.executable, "-m", "benchmarks.worker", *SYSTEMS[system], workload]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.start = self.answer()

    def run(self) -> dict[str, Any]:
        """Train a block of epochs."""
        assert self.process.stdin is not None
        print(self.block, file=self.process.stdin, flush=True)
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The worker's next answer; if there is none, the worker has failed and says why itself."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.end()
            raise RuntimeError(f"{' '.join(map(str, self.process.args[1:]))} ended without an answer")
        return json.loads(line)

    def end(self) -> None:
        """Close its input, which ends it, and wait."""
        self.process.communicate()


def measure(rounds: int, names: list[str]) -> dict[str, Any]:
    """These workloads, and the cold start with all of them, as plain values to be kept."""
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_in(folder)
        found: dict[str, Any] = {
            "machine": machine(),
            "versions": versions(),
            "workloads": {name: measure_workload(name, rounds, environment) for name in names},
        }
        if set(names) == set(WORKLOADS):
            found["cold_start"] = [cold_start(Path(folder), environment, attempt) for attempt in range(6)][1:]
        return found


def measure_workload(name: str, rounds: int, environment: Mapping[str, str]) -> dict[str, Any]:
    """`rounds` rounds; in each, every system trains one block, in an order drawn anew."""
    workload = WORKLOADS[name]
    workers = {}
    try:
        for system in systems_for(workload):
            say(f"{name}: starting {system}")
            workers[system] = Worker(system, name, environment)
            check_same_network(system, workers[system].start, workload)
            workers[system].run()
        found = {system: worker.start | {"seconds": [], "peak": 0} for system, worker in workers.items()}
        order = random.Random(0)
        for turn in range(rounds):
            say(f"{name}: round {turn + 1} of {rounds}")
            for system in order.sample(list(workers), len(workers)):
                answer = workers[system].run()
                found[system]["seconds"].append(answer["seconds"])
                found[system]["peak"] = answer["peak"]
    finally:
        for worker in workers.values():
            worker.end()
    limit = found.pop(LIMIT)
    return {
        "updates": workload.epochs * workload.batches,
        "systems": found,
        "products": workers[LIMIT].block,
        "product_seconds": limit["seconds"],
    }


def systems_for(workload: Workload) -> list[str]:
    """The systems that can do this work here."""
    if isinstance(workload, SequenceWorkload):
        without = {"Keras on JAX", "scikit-learn"}
    else:
        without = {"Equinox + Optax", *(["scikit-learn"] if workload.channels else [])}
    if not (shutil.which("g++") or shutil.which("clang++")):
        without.add("PyTorch compiled")
    return [system for system in SYSTEMS if system not in without]


def check_same_network(system: str, start: Mapping[str, Any], workload: Workload) -> None:
    """Refuse to compare networks of different size."""
    if system != LIMIT and start["parameters"] != workload.parameters():
        raise RuntimeError(f"{system} has {start['parameters']} parameters, not {workload.parameters()}")


def cold_start(folder: Path, environment: Mapping[str, str], attempt: int) -> dict[str, float]:
    """Seconds of `headway train digits-mlp` to its first judged epoch and to its end; attempt 0 fills the cache."""
    say(f"cold start {attempt or 'rehearsal'}")
    out = folder / f"run-{attempt}"
    begin = time.time()
    subprocess.run(
        [sys.executable, "-m", "headway.cli", "train", "digits-mlp", "--out", str(out)],
        cwd=ROOT, env=dict(environment), check=True, capture_output=True,
    )  # fmt: skip
    end = time.time()
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    judged = next(event for event in events if event["event"] == "evaluated")
    return {"first_epoch": judged["time"] - begin, "end": end - begin}


def environment_in(folder: str) -> dict[str, str]:
    """Variables for the workers: two threads each, and caches of this measurement's own."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(THREADS))
    caches = {"XDG_CACHE_HOME": folder, "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor"}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JAX_", "XLA_", "KERAS_"))}
    return kept | threads | caches | {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}


def machine() -> dict[str, Any]:
    """What the numbers hold for."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": THREADS,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
    }


def processor() -> str:
    """The name of the processor, with family and model where Linux tells them."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in info.read_text().split("\n\n")[0].splitlines() if ":" in line)
    found = {key.strip(): value.strip() for key, value in fields.items()}
    numbers = [f"{key} {found[key]}" for key in ("cpu family", "model") if key in found]
    return ", ".join([found.get("model name", platform.machine()), *numbers])


def versions() -> dict[str, str]:
    """Versions of the packages, and a hash of Headway's source as it was measured."""
    source = hashlib.sha256()
    for path in sorted((ROOT / "headway").rglob("*.py")):
        source.update(path.read_bytes())
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version()} | found | {"source": source.hexdigest()[:16]}


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
