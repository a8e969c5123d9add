"""Several processes on this machine: a command started so many times, each told its place."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

GRACE = 20.0
"""Seconds that the others have to end by themselves when one process has failed."""


def launch(words: Sequence[str], processes: int, devices: int | None = None) -> int:
    """Run a command in so many processes and wait for all; returns the first exit code that is not 0, or 0.

    A SIGTERM or SIGINT that this process gets goes on to all. `devices` is how many virtual devices of a CPU each has.
    What the first process writes is shown as it is, what others write with their number in front.
    """
    places = [place(process, processes, port, devices) for port in [free_port()] for process in range(processes)]
    running = [
        subprocess.Popen(words, env=os.environ | own, text=True, stdout=subprocess.PIPE if process else None,
                         stderr=subprocess.STDOUT if process else None)
        for process, own in enumerate(places)
    ]  # fmt: skip
    showing = [threading.Thread(target=_show, args=pair, daemon=True) for pair in enumerate(running) if pair[0]]
    for thread in showing:
        thread.start()

    def hand_on(number: int, frame: FrameType | None) -> None:
        for one in running:
            one.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return _awaited(running)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for thread in showing:
            thread.join()


def place(process: int, processes: int, port: int, devices: int | None) -> dict[str, str]:
    """The variables that tell a process its place: see `headway.scale.launch.detect`."""
    told = {"HEADWAY_COORDINATOR": f"localhost:{port}", "HEADWAY_PROCESSES": str(processes),
            "HEADWAY_PROCESS": str(process)}  # fmt: skip
    return told if devices is None else told | virtual(devices)


def virtual(devices: int) -> dict[str, str]:
    """The variables that give a process so many virtual devices, all of its CPU."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    return {"XLA_FLAGS": flags.strip(), "JAX_PLATFORMS": "cpu"}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def _awaited(running: Sequence[subprocess.Popen[str]]) -> int:
    """The first exit code that is not 0, when all are over; those that outlive a failed one too long are ended."""
    failed, since = 0, 0.0
    while None in (codes := [one.poll() for one in running]) or not failed:
        code = next(filter(None, codes), 0)
        if code and not failed:
            failed, since = code, time.monotonic()
        if None not in codes:
            break
        if failed and time.monotonic() - since > GRACE:
            for one in running:
                one.kill()
        time.sleep(0.05)
    return 128 - failed if failed < 0 else failed


def _show(process: int, one: subprocess.Popen[str]) -> None:
    assert one.stdout is not None
    with one.stdout:
        for line in one.stdout:
            print(f"[{process}] {line}", end="", file=sys.stderr, flush=True)
