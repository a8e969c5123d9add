"""Devices by name: memory, and the most that they compute and move in a second, as their makers publish it."""

import re
from dataclasses import dataclass

from headway.spec.error import HeadwayError, did_you_mean


@dataclass(frozen=True)
class Device:
    """A kind of device.

    memory        bytes
    operations    floating-point operations a second in 16 bits, products of dense matrices
    bandwidth     bytes a second between its memory and itself
    link          bytes a second to its neighbours, in one direction, all links together
    neighbours    how many devices such links join; what goes beyond takes `network`
    network       bytes a second of one device to devices farther away
    reported      how JAX names the kind, or a word of that
    """

    name: str
    memory: float
    operations: float
    bandwidth: float
    link: float
    neighbours: int
    network: float
    reported: str


DEVICES = {
    device.name: device
    for device in (
        Device("A100", 80e9, 312e12, 2.039e12, 300e9, 8, 25e9, "A100"),
        Device("H100", 80e9, 989e12, 3.35e12, 450e9, 8, 50e9, "H100"),
        Device("H200", 141e9, 989e12, 4.8e12, 450e9, 8, 50e9, "H200"),
        Device("B200", 180e9, 2250e12, 8.0e12, 900e9, 8, 50e9, "B200"),
        Device("v5e", 16e9, 197e12, 0.819e12, 200e9, 256, 6.25e9, "TPU v5 lite"),
        Device("v5p", 95e9, 459e12, 2.765e12, 600e9, 8960, 6.25e9, "TPU v5"),
        Device("v6e", 32e9, 918e12, 1.64e12, 448e9, 256, 6.25e9, "TPU v6 lite"),
    )
}
"""From the data sheets of NVIDIA (SXM boards, one network card of 200 or 400 Gbit/s each) and Google Cloud (2026)."""


def booked(text: str) -> tuple[int, Device | None]:
    """`256xH100` → 256 devices of this kind; `8` → 8 of no kind that is known."""
    found = re.fullmatch(r"(\d+)(?:x(\w+))?", text)
    if found is None or int(found[1]) == 0:
        raise HeadwayError("--devices", "must be NUMBER or NUMBERxKIND", text, "Try: --devices 8xH100")
    if found[2] and found[2] not in DEVICES:
        raise HeadwayError("--devices", "must be of a known kind", found[2], did_you_mean(found[2], DEVICES))
    return int(found[1]), DEVICES.get(found[2] or "")
