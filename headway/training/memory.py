"""Memory of a run: what the compiler said that its program takes, what it took, and what was seen of both before."""

import contextlib
import ctypes
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax

from headway.data.bundled import cache_folder
from headway.training.scratch import scratch

STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")
WORTH = 64 << 20
"""Bytes from which a run is kept for later plans: of smaller ones the process itself is the larger part."""


@dataclass(frozen=True)
class Taken:
    """Bytes that a compiled chunk of updates took of the memory of a device, of a CPU: of all that it stands for.

    device       kind of device, as JAX names it
    predicted    results and temporaries of the compiled program, on a CPU what its libraries take too
    observed     by how much the memory in use rose above what was there before; None where nobody can tell
    """

    device: str
    predicted: int
    observed: int | None

    @property
    def off(self) -> float | None:
        """How far the prediction is off, as a share of what was observed."""
        return self.predicted / self.observed - 1 if self.observed else None


class Rise:
    """By how much the memory in use rose while something was computed, once it is over; None where nobody can tell."""

    bytes: int | None = None


def predicted(program: Any) -> int:
    """Bytes that a compiled program takes beside its arguments, on a device; on a CPU on all that it stands for."""
    memory = program.memory_analysis()
    each: int = memory.output_size_in_bytes - memory.alias_size_in_bytes + memory.temp_size_in_bytes
    on_cpu = jax.default_backend() == "cpu"
    return (each + scratch(program.as_text())) * jax.local_device_count() if on_cpu else each


@contextlib.contextmanager
def rise() -> Iterator[Rise]:
    """Observe the memory in use within the block: on Linux that of this process, on other devices that of the first."""
    found, device = Rise(), jax.local_devices()[0]
    if device.platform == "cpu":
        if not PEAK.exists():
            yield found
            return
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # what was freed before would hide what is taken now
        try:
            PEAK.write_text("5")
        except OSError:
            yield found
            return
        before = resident("VmRSS")
        yield found
        found.bytes = max(0, resident("VmHWM") - before)
        return
    before, peak = _of(device)
    yield found
    after = _of(device)[1]
    # A peak of before that was not passed says nothing of this block.
    found.bytes = after - before if after > peak else None


def _of(device: Any) -> tuple[int, int]:
    """Bytes in use on a device, and the most there were."""
    told = device.memory_stats() or {}
    return told.get("bytes_in_use", 0), told.get("peak_bytes_in_use", 0)


def resident(name: str) -> int:
    """Bytes of what Linux says this process holds: VmRSS now, VmHWM the most since it was reset."""
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(name)) * 1024


def remember(taken: Taken) -> None:
    """Keep it for later plans, in the user's cache folder."""
    if taken.observed is None or taken.observed < WORTH:
        return
    with contextlib.suppress(OSError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        with _file().open("a") as file:
            file.write(json.dumps(asdict(taken) | {"jax": jax.__version__}) + "\n")


def remembered(device: str) -> list[Taken]:
    """What runs took on devices of this kind, its name or a word of it; the last thousand at most."""
    found = []
    with contextlib.suppress(OSError):
        for line in _file().read_text().splitlines()[-1000:]:
            with contextlib.suppress(json.JSONDecodeError, KeyError):
                told = json.loads(line)
                found.append(Taken(told["device"], told["predicted"], told["observed"]))
    return [taken for taken in found if device in (taken.device, *re.split("[ -]", taken.device))]


def _file() -> Path:
    return cache_folder() / "memory.jsonl"
