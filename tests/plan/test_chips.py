"""How devices that are not here are joined, and what a compiler is told of them."""

import re
from dataclasses import replace

import pytest

from headway.plan.chips import CHIPS, SLICES, topology_of
from headway.plan.devices import DEVICES
from headway.spec.error import HeadwayError


@pytest.mark.parametrize(
    ("kind", "count", "name"),
    [("H100", 1, "1x1x1"), ("H100", 4, "1x1x4"), ("H100", 8, "1x1x8"), ("H100", 256, "1x32x8"),
     ("v5e", 1, "v5e:1x1"), ("v5e", 256, "v5e:16x16"), ("v6e", 32, "v6e:4x8"), ("v5p", 512, "v5p:8x8x8")],
)  # fmt: skip
def test_gpus_are_joined_in_machines_and_tpus_in_grids(kind, count, name):
    assert topology_of(DEVICES[kind], count) == name


@pytest.mark.parametrize(
    ("kind", "count", "said"),
    [("H100", 12, "whole machines of 8 H100; got 12. Try: --devices 16xH100"),
     ("v5e", 2, "must be a slice that v5e come in; got 2. Sizes: 1, 4, 8"),
     ("v5e", 512, "Sizes: 1, 4, 8, 16, 32, 64, 128, 256")],
)  # fmt: skip
def test_numbers_that_nobody_lets_are_refused_with_those_that_there_are(kind, count, said):
    with pytest.raises(HeadwayError, match=said):
        topology_of(DEVICES[kind], count)


def test_a_kind_without_topology_is_refused():
    with pytest.raises(HeadwayError, match=r"whose topology is known; got own. Known: A100, H100, H200, B200, v5e"):
        topology_of(replace(DEVICES["H100"], name="own"), 8)


def test_every_device_of_the_table_has_a_topology():
    assert DEVICES.keys() == CHIPS.keys() | SLICES.keys()


@pytest.mark.parametrize("kind", CHIPS)
def test_a_chip_is_that_of_the_data_sheet(kind):
    """Memory is a power of two's multiple of what the sheet tells in tens, less what the driver keeps; rates within."""
    chip, device = CHIPS[kind], DEVICES[kind]
    assert chip.memory == pytest.approx(device.memory, rel=0.08)
    assert chip.bandwidth == pytest.approx(device.bandwidth, rel=0.05)


@pytest.mark.parametrize("kind", CHIPS)
def test_the_compiler_is_told_in_the_form_of_a_protocol_buffer(kind):
    text = CHIPS[kind].text
    assert text.count("{") == text.count("}")
    assert f'device_description_str: "{CHIPS[kind].name}"' in text
    assert re.search(rf"core_count: {CHIPS[kind].cores}\b", text)
