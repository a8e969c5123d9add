"""Collectives read from the text of a program, in all of the forms that XLA writes."""

import pytest

from headway.plan.collectives import bytes_of, collectives, groups_of, sides_of

SIZES = {"data": 2, "fsdp": 2, "tensor": 2}
PROGRAM = """HloModule jit_step, is_scheduled=true

%add (x: f32[], y: f32[]) -> f32[] {
  %x = f32[] parameter(0)
  %y = f32[] parameter(1)
  ROOT %add.1 = f32[] add(%x, %y)
}

%inner (p: (s32[], f32[4,8])) -> (s32[], f32[4,8]) {
  %all-gather.1 = f32[8,8]{1,0} all-gather(%x), replica_groups={{0,2},{1,3},{4,6},{5,7}}, dimensions={0}
}

%body (p: (s32[], f32[4,8])) -> (s32[], f32[4,8]) {
  %while.2 = (s32[], f32[4,8]) while(%t), condition=%cond, body=%inner, backend_config={"known_trip_count":{"n":"3"}}
  %all-reduce-start.1 = bf16[16]{0} all-reduce-start(%x), replica_groups=[2,4]<=[2,2,2]T(2,1,0), to_apply=%add
}

%unknown (p: (s32[], f32[4,8])) -> (s32[], f32[4,8]) {
  %all-to-all.1 = (f32[2]{0}, f32[2]{0}) all-to-all(%a, %b), replica_groups={{0,1},{2,3},{4,5},{6,7}}
}

ENTRY %main (p: f32[4,8]) -> f32[4,8] {
  %while.1 = (s32[], f32[4,8]) while(%t), condition=%cond, body=%body, backend_config={"known_trip_count":{"n":"5"}}
  %while.3 = (s32[], f32[4,8]) while(%t), condition=%cond, body=%unknown
  %collective-permute.1 = f32[4]{0} collective-permute(%x), source_target_pairs={{0,4},{4,0}}
  ROOT %all-reduce.2 = (f32[4,8], /*index=1*/s32[]) all-reduce(%y, %z), replica_groups={{0,1,2,3,4,5,6,7}}
}
"""


def test_loops_are_counted_through_and_sides_told():
    assert {(one.kind, one.sides): (one.count, one.bytes) for one in collectives(PROGRAM, SIZES)} == {
        ("all-gather", ("fsdp",)): (15, 15 * 256),
        ("all-reduce", ("data", "fsdp")): (5, 5 * 32),
        ("all-to-all", ("tensor",)): (1, 16),
        ("collective-permute", ("data",)): (1, 16),
        ("all-reduce", ("data", "fsdp", "tensor")): (1, 132),
    }


STARTED = """ENTRY %main (p: f32[4,8]) -> f32[4,8] {
  %all-gather-start = ((f32[1,8], f32[2]), (f32[8,8], f32[16])) all-gather-start(%x), replica_groups=mesh['a'=8] {'a'}
  %all-gather-done = (f32[8,8]{1,0}, f32[16]{0}) all-gather-done(%all-gather-start)
  %reduce-scatter-start = ((f32[64]{0}), f32[8]{0}) reduce-scatter-start(%z), replica_groups=mesh['a'=8] {'a'}
  ROOT %reduce-scatter-done = f32[8]{0} reduce-scatter-done(((f32[64]), f32[8]) %reduce-scatter-start)
}
"""


def test_of_what_is_started_whole_arrays_count_once():
    found = {one.kind: (one.count, one.bytes) for one in collectives(STARTED, SIZES)}
    assert found == {"all-gather": (1, 4 * (64 + 16)), "reduce-scatter": (1, 4 * 64)}


ON_A_TPU = """%begin (p: f32[1,8]) -> f32[8,8] {
  ROOT %all-gather.1 = f32[8,8]{1,0:T(8,128)} all-gather(%p), channel_id=4, x={chain_id="2"}
}

%step (p: f32[1,8]) -> f32[8,8] {
  ROOT %all-gather.2 = f32[8,8]{1,0:T(8,128)} all-gather(%p), channel_id=4, x={chain_id="2"}
}

%body (p: (s32[], f32[1,8])) -> (s32[], f32[1,8]) {
  %fusion.1 = f32[8,8]{1,0:T(8,128)} fusion(%x), kind=kCustom, calls=%begin
  %fusion.2 = f32[8,8]{1,0:T(8,128)} fusion(%x), kind=kCustom, calls=%step
}

%cond (p: (s32[], f32[1,8])) -> pred[] {
  %constant.1 = s32[]{:T(128)} constant(5)
  ROOT %lt.1 = pred[]{:T(512)} compare(%get-tuple-element.1, %constant.1), direction=LT
}

ENTRY %main (p: f32[1,8]) -> f32[1,8] {
  ROOT %while.1 = (s32[]{:T(128)}, f32[1,8]{1,0:T(8,128)}) while(%t), condition=%cond, body=%body
}
"""


def test_a_tpu_s_loop_turns_as_often_as_its_condition_counts_and_parts_are_one_collective():
    assert [(one.count, one.bytes) for one in collectives(ON_A_TPU, SIZES)] == [(5, 5 * 256)]


def test_the_most_bytes_come_first():
    sizes = [one.bytes for one in collectives(PROGRAM, SIZES)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_program_that_says_nothing_has_none():
    assert collectives("ENTRY %main (p: f32[]) -> f32[] {\n  ROOT %p = f32[] parameter(0)\n}\n", SIZES) == []


@pytest.mark.parametrize(
    ("line", "groups"),
    [
        ("replica_groups={{0,1},{2,3}}, to_apply", [(0, 1), (2, 3)]),
        ("replica_groups=[2,2]<=[4]", [(0, 1), (2, 3)]),
        ("replica_groups=[2,2]<=[2,2]T(1,0)", [(0, 2), (1, 3)]),
        ("replica_groups={}", [(0, 1, 2, 3)]),
        ("source_target_pairs={{0,1},{1,0}}", [(0, 1), (0, 1)]),
        ("replica_groups=mesh['a'=2,'b'=2] {'b'}", [(0, 1), (2, 3)]),
        ("replica_groups=mesh['a'=2,'b'=1,'c'=2] {'a'}, to_apply", [(0, 2), (1, 3)]),
        ("replica_groups=mesh['a'=2,'b'=2], device_ids=([2,2]T(1,0)) {'b'}", [(0, 2), (1, 3)]),
        ("replica_groups=mesh['a'=2,'b'=2], device_ids=(3,1,2,0) {'b'}", [(1, 3), (0, 2)]),
        ("replica_groups=mesh['a'=4] {'a':(1)2}", [(0, 2), (1, 3)]),
        ("replica_groups=mesh['a'=4] {'a':(2)2}", [(0, 1), (2, 3)]),
        ("replica_groups=mesh['a'=2,'b'=2] {'a','b'}", [(0, 1, 2, 3)]),
        ("replica_groups=mesh['a'=4] {}", [(0,), (1,), (2,), (3,)]),
    ],
)
def test_groups_in_every_form(line, groups):
    assert groups_of(line, 4) == groups


@pytest.mark.parametrize(
    ("groups", "sides"),
    [
        ([(0, 1), (2, 3), (4, 5), (6, 7)], ("tensor",)),
        ([(0, 4), (1, 5), (2, 6), (3, 7)], ("data",)),
        ([(0, 1, 2, 3), (4, 5, 6, 7)], ("fsdp", "tensor")),
        ([tuple(range(8))], ("data", "fsdp", "tensor")),
        ([(0,), (1,)], ()),
        ([(0, 1, 2), (3, 4, 5)], None),
    ],
)
def test_the_sides_along_which_groups_lie(groups, sides):
    assert sides_of(groups, SIZES) == sides


def test_bytes_of_numbers_of_every_width():
    assert bytes_of("(f32[2,3]{1,0}, bf16[4]{0}, pred[8], s64[], u8[3])") == 24 + 8 + 8 + 8 + 3
