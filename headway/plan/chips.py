"""Chips as their vendors' compilers ask for them: what a GPU is made of, and in what grids TPUs come.

The figures are those that XLA keeps for these GPUs among its target configurations (2026), and the shapes of slices
that Google Cloud lets (2026). A compiler divides work by them; memory and collectives hang on little else.
"""

import math
from dataclasses import dataclass

from headway.plan.devices import Device
from headway.spec.error import HeadwayError


@dataclass(frozen=True)
class Chip:
    """A GPU of NVIDIA.

    name          as its driver tells it
    capability    what instructions it has: the major version, the minor is 0
    cores         how many, of `lanes` units for float32 each
    shared        bytes of fast memory that a core has for its threads
    cache         bytes of the last cache before the memory
    clock         GHz
    memory        bytes
    bandwidth     bytes a second
    """

    name: str
    capability: int
    cores: int
    lanes: int
    shared: int
    cache: int
    clock: float
    memory: int
    bandwidth: int

    @property
    def text(self) -> str:
        """XLA's `GpuTargetConfigProto`, with what it needs to compile: the rest has changed from version to version."""
        return TEXT.format(
            chip=self, block=self.shared - 1024, own="ACCELERATED_FEATURES" if self.capability > 8 else "NONE"
        )


CHIPS = {
    "A100": Chip("NVIDIA A100-SXM4-80GB", 8, 108, 64, 167936, 41943040, 1.41, 85100068864, 2039040000000),
    "H100": Chip("NVIDIA H100 80GB HBM3", 9, 132, 128, 233472, 52428800, 1.98, 84942979072, 3352320000000),
    "H200": Chip("NVIDIA H200 141GB HBM3e", 9, 132, 128, 233472, 52428800, 1.98, 151397597184, 4800000000000),
    "B200": Chip("NVIDIA B200", 10, 148, 128, 233472, 132644864, 1.965, 191514411008, 7672320000000),
}  # fmt: skip
TEXT = """
gpu_device_info {{
  cuda_compute_capability {{ major: {chip.capability} feature_extension: {own} }}
  core_count: {chip.cores} fpus_per_core: {chip.lanes} clock_rate_ghz: {chip.clock}
  device_memory_size: {chip.memory} memory_bandwidth: {chip.bandwidth} l2_cache_size: {chip.cache}
  shared_memory_per_core: {chip.shared} shared_memory_per_block: 49152 shared_memory_per_block_optin: {block}
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  threads_per_warp: 32 threads_per_block_limit: 1024 threads_per_core_limit: 2048
  thread_dim_limit_x: 1024 thread_dim_limit_y: 1024 thread_dim_limit_z: 64
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
}}
platform_name: "CUDA"
dnn_version_info {{ major: 9 minor: 12 }}
device_description_str: "{chip.name}"
"""
FLAT = ("1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16")
DEEP = (
    "1x1x1",
    "2x2x1",
    "2x2x2",
    "2x2x4",
    "2x4x4",
    "4x4x4",
    "4x4x8",
    "4x8x8",
    "8x8x8",
    "8x8x16",
    "8x16x16",
    "16x16x16",
)
SLICES = {"v5e": FLAT, "v6e": FLAT, "v5p": DEEP}


def topology_of(device: Device, count: int) -> str:
    """How so many devices are joined: `1x32x8`, one network of 32 machines of 8 GPUs each; `v5e:16x16`, a grid."""
    if device.name in CHIPS:
        near = min(count, device.neighbours)
        if count % near:
            raise HeadwayError("--devices", f"must be whole machines of {near} {device.name}", count,
                               f"Try: --devices {near * math.ceil(count / near)}x{device.name}")  # fmt: skip
        return f"1x{count // near}x{near}"
    if device.name not in SLICES:
        raise HeadwayError("--vendor", "must be a device whose topology is known", device.name,
                           f"Known: {', '.join([*CHIPS, *SLICES])}.")  # fmt: skip
    counts = {math.prod(map(int, grid.split("x"))): grid for grid in SLICES[device.name]}
    if count not in counts:
        raise HeadwayError("--devices", f"must be a slice that {device.name} come in", count,
                           f"Sizes: {', '.join(map(str, counts))}.")  # fmt: skip
    return f"{device.name}:{counts[count]}"
