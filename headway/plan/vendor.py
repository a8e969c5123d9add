"""Devices that are not here, from their vendor's compiler: all that hangs on unfinished parts of JAX and its plugins.

The compilers come with JAX's plugins for these devices, and run on any Linux: no driver, no toolkit, no device. That
they give devices to compile for is tested by JAX and documented nowhere; what may change with its next version is here.
"""

import importlib.metadata
from typing import Any

import jax

from headway.plan.chips import CHIPS, topology_of
from headway.plan.devices import Device
from headway.spec.error import HeadwayError

COMPILERS = {"plan-cuda": ("jax-cuda13-pjrt", "jax-cuda12-pjrt"), "plan-tpu": ("libtpu",)}
"""What an extra of Headway brings: the packages, of which one must be there."""
APART = {"JAX_ENABLE_COMPILATION_CACHE": "false", "TPU_SKIP_MDS_QUERY": "1", "TPU_WORKER_HOSTNAMES": "localhost",
         "TPU_ACCELERATOR_TYPE": "v5litepod-8", "TPU_LOG_DIR": "disabled"}  # fmt: skip
"""Variables for a process that compiles so: what it makes cannot be read from the cache again without the devices, and
libtpu is not to look for the machine that it is on, nor complain that it finds none."""


def expect_compiler(device: Device | None, count: int) -> None:
    """Refuse devices that no vendor's compiler here compiles for, and say what to install."""
    if device is None:
        raise HeadwayError("--vendor", "needs to know the kind of devices", count, f"Try: --devices {count}xH100")
    topology_of(device, count)
    extra = extra_for(device)
    if not any(map(_installed, COMPILERS[extra])):
        fix = f"pip install 'headway[{extra}]', or leave out --vendor: the CPU's compiler is always there."
        raise HeadwayError("--vendor", f"needs the compiler for {device.name}", f"no {COMPILERS[extra][0]}", fix)


def extra_for(device: Device) -> str:
    """The extra of Headway that brings the compiler for such devices."""
    return "plan-cuda" if device.name in CHIPS else "plan-tpu"


def devices_of(device: Device, count: int) -> list[Any]:
    """So many devices of this kind, to compile for. JAX must have been told to look for a CPU alone."""
    from jax.experimental import topologies

    name = topology_of(device, count)
    options: dict[str, Any] = {"topology_name": name, "platform": "tpu"}
    if device.name in CHIPS:
        options = {"platform": "cuda", "topology": name, "target_config": CHIPS[device.name].text}
    elif count == 1:
        options["chips_per_host_bounds"] = [1, 1, 1]
    try:
        return topologies.get_topology_desc(**options).devices
    except (NotImplementedError, RuntimeError) as error:
        raise HeadwayError("--vendor", f"needs a compiler that fits jax {jax.__version__}", error,
                           f"pip install --upgrade 'headway[{extra_for(device)}]'") from None  # fmt: skip


def too_large(error: jax.errors.JaxRuntimeError) -> bool:
    """Whether it is the compiler's word that the program does not fit the device."""
    return "RESOURCE_EXHAUSTED" in str(error)


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
