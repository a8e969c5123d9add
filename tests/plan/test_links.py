"""The least time of collectives: closed forms, near and far."""

import pytest

from headway.plan.collectives import Collective
from headway.plan.devices import Device
from headway.plan.links import as_scattered, least_seconds, reach

DEVICE = Device("own", memory=1, operations=1, bandwidth=1, link=100.0, neighbours=4, network=10.0, reported="own")
SIZES = {"data": 2, "fsdp": 4, "tensor": 2}


@pytest.mark.parametrize(
    ("sides", "neighbours", "found"),
    [
        (["tensor"], 4, (2, 1)),
        (["tensor"], 1, (2, 2)),
        (["fsdp"], 4, (4, 2)),
        (["fsdp"], 8, (4, 1)),
        (["data"], 8, (2, 2)),
        (["data", "fsdp"], 4, (8, 4)),
        (["data", "fsdp", "tensor"], 16, (16, 1)),
        ([], 4, (1, 1)),
        (["fsdp"], 3, (4, 3)),  # devices 0, 2 | 4 | 6
    ],
)
def test_the_last_side_of_a_mesh_joins_neighbours(sides, neighbours, found):
    assert reach(sides, SIZES, neighbours) == found


@pytest.mark.parametrize(
    ("kind", "sides", "seconds"),
    [
        ("all-gather", ("tensor",), 800 / 2 / 100),
        ("reduce-scatter", ("tensor",), 800 / 2 / 100),
        ("all-reduce", ("tensor",), 2 * 800 / 2 / 100),
        ("all-gather", ("fsdp",), 800 / 2 / (2 * 10)),  # half of it from the other machine, over two cards
        ("all-to-all", ("fsdp",), 800 / 2 / 10),
        ("all-gather", ("data",), 800 / 2 / 10),
        ("all-gather", ("data", "fsdp", "tensor"), 800 * 3 / 4 / (4 * 10)),
        ("all-gather", None, 800 * 3 / 4 / (4 * 10)),
        ("collective-permute", ("tensor",), 800 / 100),
        ("collective-permute", ("data",), 800 / 10),
        ("all-reduce", (), 0.0),
    ],
)
def test_a_collective_takes_what_must_pass_the_slowest_link(kind, sides, seconds):
    assert least_seconds([Collective(kind, sides, 1, 800)], SIZES, DEVICE) == pytest.approx(seconds)


def test_among_neighbours_it_is_the_links_that_count():
    assert least_seconds([Collective("all-gather", ("fsdp",), 1, 800)], SIZES | {"data": 1, "tensor": 1},
                         DEVICE) == pytest.approx(800 * 3 / 4 / 100)  # fmt: skip


def test_several_follow_each_other():
    one = Collective("all-gather", ("tensor",), 1, 800)
    assert least_seconds([one, one], SIZES, DEVICE) == 2 * least_seconds([one], SIZES, DEVICE)


def test_what_a_cpu_reduces_of_gradients_that_are_divided_others_scatter():
    found = as_scattered([Collective("all-reduce", ("data", "fsdp"), 3, 800), Collective("all-reduce", ("data",), 1, 8),
                          Collective("all-gather", ("fsdp",), 1, 8)], SIZES)  # fmt: skip
    assert found == (
        Collective("reduce-scatter", ("fsdp",), 3, 800),
        Collective("all-reduce", ("data",), 3, 200),
        Collective("all-reduce", ("data",), 1, 8),
        Collective("all-gather", ("fsdp",), 1, 8),
    )
