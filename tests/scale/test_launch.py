"""Whoever starts the processes, each finds its place; started here, they live and die together."""

import os
import signal
import subprocess
import sys
import time

import jax
import pytest

from headway.scale import launch
from headway.scale.launch import Place, detect, first_host, init
from headway.scale.local import launch as launch_here
from headway.spec.error import HeadwayError

SLURM = {"SLURM_JOB_ID": "4097", "SLURM_STEP_NODELIST": "gpu[003-004,9],login1", "SLURM_NTASKS": "8",
         "SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_STEP_TASKS_PER_NODE": "4(x2)"}  # fmt: skip
OPEN_MPI = {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_LOCAL_RANK": "1"}
TORCHRUN = {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500", "WORLD_SIZE": "4", "RANK": "2"}
KUBERNETES = {"JAX_COORDINATOR_ADDRESS": "train-0.train:1234", "JAX_NUM_PROCESSES": "2", "JOB_COMPLETION_INDEX": "1"}
ENVIRONMENTS = {
    "nothing": ({}, None),
    "headway launch": (
        {"HEADWAY_COORDINATOR": "localhost:5000", "HEADWAY_PROCESSES": "2", "HEADWAY_PROCESS": "1"},
        Place("headway", "localhost:5000", 2, 1),
    ),
    "slurm, four tasks a node, no GPU": (SLURM, Place("slurm", "gpu003:61441", 8, 5)),
    "slurm, four tasks a node, eight GPUs that all see": (
        SLURM | {"CUDA_VISIBLE_DEVICES": "0,1,2,3,4,5,6,7"}, Place("slurm", "gpu003:61441", 8, 5, (2, 3)),
    ),
    "slurm, a GPU bound to each task": (SLURM | {"CUDA_VISIBLE_DEVICES": "1"}, Place("slurm", "gpu003:61441", 8, 5)),
    "slurm, one task a node, eight GPUs": (
        SLURM | {"SLURM_STEP_TASKS_PER_NODE": "1(x8)", "SLURM_LOCALID": "0",
                 "CUDA_VISIBLE_DEVICES": "0,1,2,3,4,5,6,7"},
        Place("slurm", "gpu003:61441", 8, 5),
    ),
    "open mpi 4": (
        OPEN_MPI | {"OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911"},
        Place("open mpi", "10.96.0.1:62624", 4, 3),
    ),
    "open mpi 4, IPv6": (
        OPEN_MPI | {"OMPI_MCA_orte_hnp_uri": "1314521088.0;tcp6://[fe80::b9b:ac5d,2620:10d::2]:43370"},
        Place("open mpi", "[fe80::b9b:ac5d]:62880", 4, 3),
    ),
    "open mpi 5": (OPEN_MPI | {"MASTER_ADDR": "node1"}, Place("open mpi", "node1:12355", 4, 3)),
    "torchrun, a process a node": (TORCHRUN, Place("torchrun", "10.0.0.1:29500", 4, 2)),
    "torchrun, two processes a node": (
        TORCHRUN | {"LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1"}, Place("torchrun", "10.0.0.1:29500", 4, 2, (1,)),
    ),
    "torchrun in a slurm job": (SLURM | TORCHRUN, Place("torchrun", "10.0.0.1:29500", 4, 2)),
    "skypilot": (
        {"SKYPILOT_NODE_IPS": "10.0.0.7\n10.0.0.8", "SKYPILOT_NUM_NODES": "2", "SKYPILOT_NODE_RANK": "1"},
        Place("skypilot", "10.0.0.7:12355", 2, 1),
    ),
    "kubernetes": (KUBERNETES, Place("kubernetes", "train-0.train:1234", 2, 1)),
    "kubeflow": (
        {"JAX_COORDINATOR_ADDRESS": "job-node-0-0.job", "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "0"},
        Place("kubeflow", "job-node-0-0.job:12355", 2, 0),
    ),
    "a TPU pod": ({"TPU_WORKER_HOSTNAMES": "a,b", "TPU_WORKER_ID": "1"}, Place("tpu pod")),
    "a TPU of one host": ({"TPU_WORKER_HOSTNAMES": "localhost"}, None),
}  # fmt: skip


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_launcher_is_understood(name):
    environ, place = ENVIRONMENTS[name]
    assert detect(environ) == place


def test_slurm_is_read_as_jax_reads_it(monkeypatch):
    """JAX's own detection is the oracle of what is not about devices."""
    from jax._src.clusters.ompi_cluster import OmpiCluster
    from jax._src.clusters.slurm_cluster import SlurmCluster

    for name, cluster in {"slurm, four tasks a node, no GPU": SlurmCluster, "open mpi 4": OmpiCluster}.items():
        environ, place = ENVIRONMENTS[name]
        for key, value in environ.items():
            monkeypatch.setenv(key, value)
        assert place is not None
        assert cluster.is_env_present()
        assert cluster.get_coordinator_address(None, None) == place.coordinator
        assert (cluster.get_process_count(), cluster.get_process_id()) == (place.processes, place.process)


@pytest.mark.parametrize(
    ("nodes", "host"), [("a", "a"), ("a,b", "a"), ("n[01-04]", "n01"), ("n[7]", "n7"), ("n[3,5-6],m", "n3")]
)
def test_the_first_of_slurms_hosts(nodes, host):
    assert first_host(nodes) == host


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (OPEN_MPI, r"^open mpi: must tell where the processes meet; .* mpirun -x MASTER_ADDR=HOST"),
        (TORCHRUN | {"RANK": "two"}, r"^torchrun: must tell whole numbers in the environment; got .*RANK=two"),
    ],
)
def test_what_cannot_be_understood_is_told_with_the_fix(environ, said):
    with pytest.raises(HeadwayError, match=said):
        detect(environ)


def test_the_body_of_a_slurm_job_is_warned_that_it_is_alone():
    with pytest.warns(UserWarning, match="srun headway"):
        assert detect({"SLURM_JOB_ID": "1", "SLURM_NTASKS": "4"}) is None


class Joined:
    """In the place of `jax.distributed`."""

    def __init__(self, already=False):
        self.already, self.calls = already, []

    def is_initialized(self):
        return self.already

    def initialize(self, *words):
        self.calls.append(words)


@pytest.mark.parametrize(
    ("name", "already", "calls"),
    [
        ("torchrun, two processes a node", False, [("10.0.0.1:29500", 4, 2, (1,))]),
        ("a TPU pod", False, [()]),
        ("torchrun, two processes a node", True, []),  # as under Ray Train
        ("nothing", False, []),
    ],
)
def test_the_others_are_joined_once_and_nobody_where_there_is_none(monkeypatch, name, already, calls):
    joined = Joined(already)
    monkeypatch.setattr(jax, "distributed", joined)
    init(ENVIRONMENTS[name][0])
    assert joined.calls == calls


def test_a_job_of_one_process_joins_nobody(monkeypatch):
    monkeypatch.setattr(jax, "distributed", joined := Joined())
    assert init(TORCHRUN | {"WORLD_SIZE": "1", "RANK": "0"}) is None
    assert not joined.calls


def test_a_proxy_that_may_stand_between_processes_is_warned_of(monkeypatch):
    monkeypatch.setattr(jax, "distributed", Joined())
    with pytest.warns(UserWarning, match=r"^https_proxy may keep processes from meeting"):
        launch.init(TORCHRUN | {"https_proxy": "http://proxy:3128"})


TELL = "import os; print(*(os.environ[n] for n in ('HEADWAY_PROCESS', 'HEADWAY_PROCESSES', 'HEADWAY_COORDINATOR')))"


def test_processes_started_here_are_told_their_places(capfd):
    assert launch_here([sys.executable, "-c", TELL], 3) == 0
    out, others = capfd.readouterr()
    first = out.split()
    assert first[:2] == ["0", "3"]
    assert sorted(others.splitlines()) == [f"[{i}] {i} 3 {first[2]}" for i in (1, 2)]


def test_the_first_exit_code_that_is_not_0_is_that_of_all():
    code = "import os, sys; sys.exit(7 if os.environ['HEADWAY_PROCESS'] == '1' else 0)"
    assert launch_here([sys.executable, "-c", code], 2) == 7


def test_what_outlives_a_failed_process_is_ended(monkeypatch):
    monkeypatch.setattr("headway.scale.local.GRACE", 0.5)
    code = "import os, sys, time; sys.exit(3) if os.environ['HEADWAY_PROCESS'] == '0' else time.sleep(60)"
    begun = time.monotonic()
    assert launch_here([sys.executable, "-c", code], 2) == 3
    assert time.monotonic() - begun < 20


def test_sigterm_goes_on_to_all_processes():
    code = "import time; print('ready', flush=True); time.sleep(60)"
    words = f"from headway.scale.local import launch; import sys; sys.exit(launch([sys.executable, '-c', {code!r}], 2))"
    with subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ) as parent:  # fmt: skip
        assert parent.stdout is not None
        assert parent.stderr is not None
        assert parent.stdout.readline() == "ready\n"
        assert parent.stderr.readline() == "[1] ready\n"
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(20) == 128 + signal.SIGTERM
