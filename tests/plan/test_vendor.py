"""The compilers of vendors: refused with what to install where there is none; where there is one, held to the plan."""

import importlib.metadata
import json
import os
import subprocess
import sys
from dataclasses import replace

import jax
import pytest

from headway.models.mlp import mlp
from headway.plan import plan as planned
from headway.plan.compiled import TooLargeError, compiled
from headway.plan.devices import DEVICES
from headway.plan.plan import plan
from headway.plan.vendor import devices_of, expect_compiler
from headway.report.planned import plan_text
from headway.scale.local import virtual
from headway.scale.mesh import Mesh
from headway.scale.strategy import REPLICATED
from headway.spec.error import HeadwayError
from headway.training.named import named

RECIPE, MESH = named("digits-mlp").recipe, Mesh(2, fsdp=4)
KINDS = ("A100", "H100", "H200", "B200", "v5e", "v5p", "v6e")


def needs(kind):
    """Skip a test where the compiler for this kind is not installed."""
    try:
        expect_compiler(DEVICES[kind], 8)
    except HeadwayError as error:
        pytest.skip(str(error))


@pytest.fixture
def bare(monkeypatch):
    """An installation without any vendor's compiler."""

    def version(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "version", version)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("H100", r"--vendor: needs the compiler for H100; got no jax-cuda13-pjrt. pip install 'headway\[plan-cuda\]'"),
     ("v5e", r"--vendor: needs the compiler for v5e; got no libtpu. pip install 'headway\[plan-tpu\]'")],
)  # fmt: skip
def test_a_compiler_that_is_not_here_is_refused_with_what_to_install(bare, kind, said):
    with pytest.raises(HeadwayError, match=said):
        plan(RECIPE, MESH, DEVICES[kind], vendor=True)
    with pytest.raises(HeadwayError, match=said):
        compiled(RECIPE, MESH, DEVICES[kind])


def test_devices_of_no_known_kind_have_no_vendor():
    with pytest.raises(HeadwayError, match=r"to know the kind of devices; got 8. Try: --devices 8xH100"):
        plan(RECIPE, MESH, vendor=True)


def test_a_plugin_that_does_not_fit_is_refused_with_what_to_install(monkeypatch):
    def nothing(**_):
        raise NotImplementedError("topology not implemented for cuda")

    monkeypatch.setattr("jax.experimental.topologies.get_topology_desc", nothing)
    with pytest.raises(HeadwayError, match=f"fits jax {jax.__version__}; got topology not .* pip install --upgrade"):
        devices_of(DEVICES["H100"], 8)


def test_what_the_compiler_says_does_not_fit_does_not(monkeypatch):
    def refused(*_):
        raise TooLargeError("plan", "must fit a device", "temporaries (43.02G) exceed 15.75G")

    monkeypatch.setattr(planned, "compiled", refused)
    found = plan(RECIPE, MESH, DEVICES["v5e"])
    assert (found.fits, found.made) == (False, None)
    assert "does not fit: temporaries (43.02G) exceed 15.75G" in plan_text(found)


def test_a_plan_without_a_compiler_has_no_vendor():
    words = [sys.executable, "-m", "headway.cli", "plan", "digits-mlp", "--devices", "8xH100", "--trace", "--vendor"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "--trace: is without a compiler; got --vendor." in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_the_vendor_s_program_holds_what_the_cpu_s_holds(kind):
    """State and data set are the same bytes; on a TPU padded to the tiles that it computes in."""
    needs(kind)
    own, cpu = compiled(RECIPE, MESH, DEVICES[kind]), compiled(RECIPE, MESH)
    padded = 1.0 if kind[0] != "v" else 1.5
    assert cpu.arguments <= own.arguments <= padded * cpu.arguments
    assert own.peak >= own.most > own.arguments
    assert {side for one in own.collectives for side in one.sides or ("none",)} <= {"data", "fsdp"}


def test_gradients_are_scattered_as_they_are_summed_and_parameters_gathered():
    needs("H100")
    found = {(one.kind, one.sides): one for one in compiled(RECIPE, MESH, DEVICES["H100"]).collectives}
    matrices = 4 * (64 * 128 + 128 * 10)
    assert found["reduce-scatter", ("fsdp",)].bytes == matrices
    assert found["all-gather", ("fsdp",)].bytes >= matrices
    assert found["all-reduce", ("data",)].bytes >= matrices / 4


def test_the_command_compiles_for_a_cluster_that_is_not_there():
    needs("H100")
    words = [sys.executable, "-m", "headway.cli", "plan", "digits-mlp", "--devices", "64xH100", "--vendor", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["compiled"]["device"].startswith("NVIDIA H100")
    assert found["peak"] >= found["compiled"]["most"] > 0
    assert found["compiled"]["warnings"] == []


def test_a_tpu_s_compiler_refuses_what_does_not_fit():
    needs("v5e")
    large = replace(RECIPE, network=mlp((40_000, 40_000), 10))
    found = plan(large, Mesh(4, strategy=REPLICATED), DEVICES["v5e"], vendor=True)
    assert found.fits is False
    assert "memory" in found.refused


KERNEL = """
import jax, jax.numpy as jnp
from headway.network.heads import attend, has_fused
from headway.plan.devices import DEVICES
from headway.plan.vendor import devices_of
device = devices_of(DEVICES["H100"], 1)[0]
lying = jax.sharding.SingleDeviceSharding(device)
for kind in (jnp.bfloat16, jnp.float32):
    q = jax.ShapeDtypeStruct((2, 1024, 8, 64), kind, sharding=lying)
    k = jax.ShapeDtypeStruct((2, 1024, 2, 64), kind, sharding=lying)
    total = lambda q, k, v: attend(q, k, v, causal=True).astype(jnp.float32).sum()
    made = jax.jit(jax.grad(total, (0, 1, 2))).lower(q, k, k).compile()
    print(has_fused(q, k, k), made.as_text().count("__cudnn$fmha"), made.memory_analysis().temp_size_in_bytes)
"""


def test_attention_in_16_bits_is_cudnns_kernel_where_that_is_installed():
    """Compiled for an H100, forward and backward: no scores. In 32 bits there is no kernel, and blocks of queries."""
    needs("H100")
    try:
        importlib.metadata.version("nvidia-cudnn-cu13")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("nvidia-cudnn-cu13 is not installed")
    done = subprocess.run([sys.executable, "-c", KERNEL], capture_output=True, text=True, env=os.environ | virtual(1))
    assert done.returncode == 0, done.stderr
    (has, kernels, bytes_), (has_not, none, more) = (line.split() for line in done.stdout.splitlines())
    assert (has, has_not, int(none)) == ("True", "False", 0)
    assert int(kernels) >= 2
    assert int(bytes_) < 2 * 8 * 1024 * 1024  # less than a byte a score
    assert int(more) > int(bytes_)
