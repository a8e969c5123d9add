"""Launch: find the place of this process among those of a job, whoever started it, and join them."""

import os
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax

from headway.spec.error import HeadwayError

Environment = Mapping[str, str]
PORT = 12_355
"""Where processes meet if nobody says otherwise."""
PORTS, FIRST = 4096, 61_440
"""Jobs on one machine meet at ports of their own: one of so many from the first on, by the number of the job."""


@dataclass(frozen=True)
class Place:
    """The place of a process in its job.

    launcher       who started it
    coordinator    host:port where the processes meet; None: JAX finds all of it out, as on TPU pods
    devices        the numbers of the devices on its machine that are its own; None: all that it sees
    """

    launcher: str
    coordinator: str | None = None
    processes: int = 1
    process: int = 0
    devices: tuple[int, ...] | None = None


def init(environ: Environment = os.environ) -> Place | None:
    """Join the other processes of the job, before JAX is used; None where this process is alone.

    Where something else has joined them before, as Ray Train does, nothing is done.
    """
    if jax.distributed.is_initialized():
        return None
    place = detect(environ)
    if place is None or (place.processes == 1 and place.coordinator):
        return None
    if proxies := sorted(name for name in environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")):
        warnings.warn(f"{', '.join(proxies)} may keep processes from meeting; put {place.coordinator} into no_proxy.",
                      stacklevel=2)  # fmt: skip
    if place.coordinator is None:
        jax.distributed.initialize()
    else:
        jax.distributed.initialize(place.coordinator, place.processes, place.process, place.devices)
    return place


def detect(environ: Environment) -> Place | None:
    """The place that the environment tells, by the first launcher whose variables are all there."""
    for launcher, (needed, place) in LAUNCHERS.items():
        if all(environ.get(name) for name in needed):
            try:
                return place(environ)
            except HeadwayError:
                raise
            except ValueError as error:
                told = ", ".join(f"{name}={environ[name]}" for name in needed)
                raise HeadwayError(launcher, "must tell whole numbers in the environment", f"{told}: {error}",
                                   "Unset them where this process is alone.") from None  # fmt: skip
    if int(environ.get("SLURM_NTASKS", "1")) > 1 and "SLURM_STEP_NODELIST" not in environ:
        warnings.warn(
            "This is one process: of a Slurm job of several tasks srun starts all. Try: srun headway …", stacklevel=3
        )
    return None


def _own(environ: Environment) -> Place:
    return Place("headway", environ["HEADWAY_COORDINATOR"], *_numbers(environ, "HEADWAY_PROCESSES", "HEADWAY_PROCESS"))


def _jax(environ: Environment) -> Place:
    """Kubeflow Trainer's `jax-distributed`."""
    numbers = _numbers(environ, "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
    return Place("kubeflow", _with_port(environ["JAX_COORDINATOR_ADDRESS"], PORT), *numbers)


def _kubernetes(environ: Environment) -> Place:
    """An indexed Job or a JobSet, whose file names the coordinator and the count: see docs/scale.md."""
    numbers = _numbers(environ, "JAX_NUM_PROCESSES", "JOB_COMPLETION_INDEX")
    return Place("kubernetes", _with_port(environ["JAX_COORDINATOR_ADDRESS"], PORT), *numbers)


def _torchrun(environ: Environment) -> Place:
    """torchrun and all that set its variables; several processes on a machine have a device each."""
    coordinator = f"{environ['MASTER_ADDR']}:{int(environ.get('MASTER_PORT', PORT))}"
    local = int(environ.get("LOCAL_WORLD_SIZE", "1"))
    devices = (int(environ["LOCAL_RANK"]),) if local > 1 else None
    return Place("torchrun", coordinator, *_numbers(environ, "WORLD_SIZE", "RANK"), devices)


def _skypilot(environ: Environment) -> Place:
    """One process a node; the first address is that of node 0."""
    first = environ["SKYPILOT_NODE_IPS"].split()[0]
    return Place("skypilot", f"{first}:{PORT}", *_numbers(environ, "SKYPILOT_NUM_NODES", "SKYPILOT_NODE_RANK"))


def _slurm(environ: Environment) -> Place:
    """A step of `srun`: one task on a node has all of its devices, several have equal parts of them, in order."""
    local = int(environ["SLURM_LOCALID"])
    coordinator = f"{first_host(environ['SLURM_STEP_NODELIST'])}:{FIRST + int(environ['SLURM_JOB_ID']) % PORTS}"
    here = int(re.split(r"[(,]", environ.get("SLURM_STEP_TASKS_PER_NODE", "1"))[0])
    visible = len([one for one in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one])
    each = visible // here
    devices = tuple(range(local * each, (local + 1) * each)) if here > 1 and each >= 1 else None
    return Place("slurm", coordinator, *_numbers(environ, "SLURM_NTASKS", "SLURM_PROCID"), devices)


def _open_mpi(environ: Environment) -> Place:
    """mpirun of Open MPI 4 tells where it runs itself; that of 5 does not, and needs `-x MASTER_ADDR=…`."""
    numbers = _numbers(environ, "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK")
    uri = environ.get("OMPI_MCA_orte_hnp_uri", "")
    if told := re.search(r"^(\d+)\..*?(?:tcp://([^,:]+)|tcp6://\[([^,\]]+))", uri):
        host = told[2] or f"[{told[3]}]"
        return Place("open mpi", f"{host}:{FIRST + int(told[1]) // PORTS % PORTS}", *numbers)
    if numbers[0] > 1 and "MASTER_ADDR" not in environ:
        raise HeadwayError("open mpi", "must tell where the processes meet", "no address of the first host",
                           "Give it to all: mpirun -x MASTER_ADDR=HOST …")  # fmt: skip
    return Place("open mpi", f"{environ.get('MASTER_ADDR', 'localhost')}:{environ.get('MASTER_PORT', PORT)}", *numbers)


def _tpu(environ: Environment) -> Place | None:
    """A pod: its workers find each other."""
    hosts = environ.get("TPU_WORKER_HOSTNAMES", "").split(",")
    return Place("tpu pod") if len(hosts) > 1 or "MEGASCALE_COORDINATOR_ADDRESS" in environ else None


LAUNCHERS: dict[str, tuple[tuple[str, ...], Callable[[Environment], Place | None]]] = {
    "headway": (("HEADWAY_COORDINATOR", "HEADWAY_PROCESSES", "HEADWAY_PROCESS"), _own),
    "kubeflow": (("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID"), _jax),
    "kubernetes": (("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JOB_COMPLETION_INDEX"), _kubernetes),
    "torchrun": (("MASTER_ADDR", "WORLD_SIZE", "RANK"), _torchrun),
    "skypilot": (("SKYPILOT_NODE_IPS", "SKYPILOT_NUM_NODES", "SKYPILOT_NODE_RANK"), _skypilot),
    "slurm": (("SLURM_JOB_ID", "SLURM_STEP_NODELIST", "SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID"), _slurm),
    "open mpi": (("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"), _open_mpi),
    "tpu pod": (("TPU_WORKER_HOSTNAMES",), _tpu),
}
"""Launcher → the variables that it sets, and what they say. What is started inside another one comes first."""


def first_host(nodes: str) -> str:
    """`gpu[003-005,9],login1` → `gpu003`."""
    prefix, bracket, inside = nodes.split(",")[0].partition("[")
    return prefix + re.split(r"[-\]]", inside)[0] if bracket else prefix


def _numbers(environ: Environment, count: str, number: str) -> tuple[int, int]:
    return int(environ[count]), int(environ[number])


def _with_port(address: str, port: int) -> str:
    return address if re.search(r":\d+$", address) else f"{address}:{port}"
