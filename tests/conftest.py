"""What all tests share: compiled programs kept on disk, strict JAX, random numbers that are the same every time."""
# ruff: noqa: E402 (the environment must be set before JAX reads it)

import contextlib
import ctypes
import gc
import itertools
import os
import signal
from pathlib import Path

# Set before JAX is imported, and for every process that a test starts. Each worker has a folder of its own:
# JAX writes an entry in place, and a neighbour could read half of it.
_CACHE = Path(__file__).parent.parent / ".pytest_cache" / "compiled" / os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ |= {
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": str(_CACHE),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "JAX_LEGACY_PRNG_KEY": "error",
}

import hypothesis
import jax
import numpy as np
import pytest

hypothesis.settings.register_profile("headway", deadline=None, derandomize=True, max_examples=25, database=None)
hypothesis.settings.load_profile("headway")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the long drills kill a run."""
    parser.addoption("--kills", type=int, default=20)


MAPPINGS, GIBIBYTES = 30_000, 4
"""What compiled programs may hold: Linux allows a process 65,530 mappings of memory, and JAX then ends in a fault."""
tests_run = itertools.count(1)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Let compiled programs go where they have come to hold too much: a worker runs thousands of tests."""
    maps, statm = Path("/proc/self/maps"), Path("/proc/self/statm")
    if next(tests_run) % 20 or not maps.exists():
        return
    resident = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if resident > GIBIBYTES * 2**30 or maps.read_bytes().count(b"\n") > MAPPINGS:
        jax.clear_caches()
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free goes back to the system


@pytest.fixture
def key() -> jax.Array:
    """A random key, the same in every test."""
    return jax.random.key(0)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers of NumPy, the same in every test."""
    return np.random.default_rng(0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many kinds the conformance battery covered, and in how many checks."""
    reports = terminalreporter.getreports("passed")
    checks = [r.nodeid for r in reports if r.when == "call" and "test_conformance.py" in r.nodeid]
    kinds = {check.rpartition("[")[2].rpartition("-")[2].rstrip("]") for check in checks}
    if checks:
        terminalreporter.write_line(f"conformance: {len(kinds)} kinds, {len(checks)} checks")


@pytest.fixture
def ctrl_c():
    """Ctrl-C as Python has it: raised. A process that runs tests beside others, or behind the shell, ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
