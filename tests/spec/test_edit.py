import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import HeNormal, Zeros
from headway.spec.edit import (
    Edit,
    Edits,
    InsertAfter,
    InsertBefore,
    Remove,
    Replace,
    Set,
    Wrap,
    flat,
    new_address,
)
from headway.spec.edit import edit as apply
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.spec.node import walk
from headway.spec.select import get, select
from trees import Beam, Brick, Stone, Wall, walls

NETWORK = Sequential((Dense(3), ReLU(), Dense(2, name="head")))
WALL = Wall((Stone(1), Stone(2)), roof=Stone(3), extra=(Stone(4), Stone(5, name="e")), load=0.5)


@pytest.mark.parametrize(
    ("edit", "edited", "moved"),
    [
        (Replace("1", by=Tanh()), (Dense(3), Tanh(), Dense(2, name="head")), {"1": None}),
        (InsertBefore("1", new=Tanh()), (Dense(3), Tanh(), ReLU(), Dense(2, name="head")), {"1": "2"}),
        (InsertAfter("1", new=Tanh()), (Dense(3), ReLU(), Tanh(), Dense(2, name="head")), {}),
        (Remove("0"), (ReLU(), Dense(2, name="head")), {"0": None, "1": "0"}),
        (Remove("head"), (Dense(3), ReLU()), {"head": None}),
        (Set("0/units", value=5), (Dense(5), ReLU(), Dense(2, name="head")), {}),
        (Set("0/init", value=HeNormal()), (Dense(3, init=HeNormal()), ReLU(), Dense(2, name="head")), {}),
        (Set("0/name", value="stem"), (Dense(3, name="stem"), ReLU(), Dense(2, name="head")), {"0": "stem"}),
        (Set("head/name", value=None), (Dense(3), ReLU(), Dense(2)), {"head": "2"}),
        (Set("layers", value=(Dense(1),)), (Dense(1),), {"0": None, "1": None, "head": None}),
        (Wrap("1", by=Sequential((Tanh(), ReLU())), slot="1"),
         (Dense(3), Sequential((Tanh(), ReLU())), Dense(2, name="head")), {"1": "1/1"}),
        (Wrap("head", by=Sequential((Tanh(), ReLU()), name="out"), slot="0"),
         (Dense(3), ReLU(), Sequential((Dense(2, name="head"), ReLU()), name="out")), {"head": "out/head"}),
        (Edits(()), (Dense(3), ReLU(), Dense(2, name="head")), {}),
    ],
    ids=str,
)  # fmt: skip
def test_one_edit_changes_one_place_and_says_where_the_parts_are(edit, edited, moved):
    done = apply(NETWORK, edit)
    assert done.spec == Sequential(edited)
    assert done.moved == {"": "", "0": "0", "1": "1", "head": "head"} | moved


def test_edits_of_single_fields_and_of_families_beside_the_first():
    done = apply(WALL, Wrap("roof", by=Beam(Stone(0)), slot="body"), Remove("extra/0"),
                 InsertAfter("extra/e", new=Stone(6)), Set("load", value=Stone(7)))  # fmt: skip
    assert done.spec == Wall(
        (Stone(1), Stone(2)), roof=Beam(Stone(3)), extra=(Stone(5, name="e"), Stone(6)), load=Stone(7)
    )
    assert done.moved == {"": "", "0": "0", "1": "1", "roof": "roof/body", "extra/0": None, "extra/e": "extra/e"}


def test_the_root_can_be_replaced_wrapped_and_set():
    assert apply(NETWORK, Replace("", by=ReLU())).spec == ReLU()
    assert apply(NETWORK, Replace("", by=ReLU())).moved == {"": None, "0": None, "1": None, "head": None}
    wrapped = apply(WALL, Wrap("", by=Beam(Stone(0)), slot="body"))
    assert wrapped.spec == Beam(WALL)
    assert wrapped.moved["extra/e"] == "body/extra/e"
    assert apply(Stone(1), Set("size", value=2)).spec == Stone(2)


def test_all_addresses_are_those_before_the_edits():
    edits = (Remove("0"), InsertBefore("1", new=Tanh()), InsertBefore("1", new=Dense(4)),
             InsertAfter("1", new=Dense(5)), InsertAfter("1", new=Tanh()), Set("head/units", value=9))  # fmt: skip
    done = apply(NETWORK, *edits)
    assert done.spec == Sequential((Tanh(), Dense(4), ReLU(), Dense(5), Tanh(), Dense(9, name="head")))
    assert done.moved == {"": "", "0": None, "1": "2", "head": "head"}
    assert done == apply(NETWORK, Edits((Edits(edits[:2]), *edits[2:])))


def test_neighbours_can_be_inserted_beside_a_part_that_goes():
    done = apply(NETWORK, Replace("1", by=Tanh()), InsertBefore("1", new=Dense(1)), Remove("head"),
                 InsertAfter("head", new=Dense(6)))  # fmt: skip
    assert done.spec == Sequential((Dense(3), Dense(1), Tanh(), Dense(6)))


def test_a_part_is_wrapped_as_its_own_edits_leave_it():
    done = apply(WALL, Wrap("1", by=Beam(Stone(0)), slot="body"), Set("1/size", value=7), Set("1/name", value="n"))
    assert done.spec.bricks[1] == Beam(Stone(7, name="n"))
    assert done.moved["1"] == "1/body"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1/w", "2/w"),
        ("1", "2"),
        ("1/gain/3/w", "2/gain/3/w"),
        ("head/b", "head/b"),
        ("0/w", None),
        ("w", "w"),
        ("", ""),
    ],
)
def test_parameters_go_with_their_part(before, after):
    assert new_address(apply(NETWORK, Replace("0", by=Dense(4)), InsertAfter("0", new=Tanh())).moved, before) == after


def numbered(wall: Wall) -> Wall:
    """The same tree with a number of its own on every brick."""
    return apply(wall, *(Set(f"{at}/tag".lstrip("/"), value=n) for n, (at, _) in enumerate(walk(wall), 1))).spec


def places(wall: Wall) -> dict[int, str]:
    return {brick.tag: at for at, brick in walk(wall) if brick.tag}


@given(walls)
def test_setting_a_field_of_every_part_at_once_reaches_every_part(wall):
    assert sorted(places(numbered(wall))) == list(range(1, len(list(walk(wall))) + 1))


def draw_edit(at: str, wall: Wall, rng: random.Random) -> Edit:
    member = at.rpartition("/")[2] not in ("roof", "load", "body", "")
    choices = [Wrap(at, by=Wall((Stone(0), Stone(0))), slot="1"), Replace(at, by=Stone(0))]
    if not get(wall, at).name:
        choices.append(Set(f"{at}/name".lstrip("/"), value="renamed"))
    if member:
        choices += [Remove(at), InsertBefore(at, new=Stone(0)), InsertAfter(at, new=Beam(Stone(0)))]
    return rng.choice(choices)


@given(walls, st.randoms(use_true_random=False))
def test_the_map_of_addresses_agrees_with_where_every_numbered_brick_is_found(wall, rng):
    wall = numbered(wall)
    before = places(wall)
    chosen = sorted(rng.sample(sorted(before.values()), min(3, len(before))))
    apart = [at for at in chosen if not any(at != up and (not up or at.startswith(f"{up}/")) for up in chosen)]
    edits = [draw_edit(at, wall, rng) for at in apart]
    if sum(isinstance(edit, Set) for edit in edits) > 1:
        edits = edits[:1]
    done = apply(wall, *edits)
    after = places(done.spec)
    assert done.moved == {at: after.get(tag) for tag, at in before.items()}


@pytest.mark.parametrize(
    ("edits", "where", "said"),
    [
        ([Remove("7")], "7", "nothing at this address"),
        ([Set("0/unts", value=1)], "0/unts", "Did you mean 'units'"),
        ([Set("1", value=Tanh())], "1", "Use Replace"),
        ([Set("", value=Tanh())], "", "Use Replace"),
        ([Replace("0/units", by=Tanh())], "0/units", "Use Set"),
        ([Remove("layers")], "layers", "Use Set"),
        ([Remove("")], "", "only a member of a tuple"),
        ([InsertBefore("", new=Tanh())], "", "only a member of a tuple"),
        ([Remove("0/init")], "0/init", "only a member of a tuple"),
        ([InsertAfter("0/init", new=Zeros())], "0/init", "only a member of a tuple"),
        ([Remove("1"), Replace("1", by=Tanh())], "1", "two edits must not.*; got remove 1; replace 1"),
        ([Set("0/units", value=1), Set("0/units", value=1)], "0/units", "two edits"),
        ([Set("0/init", value=None), Replace("0/init", by=Zeros())], "0/init", "two edits"),
        ([Remove("0"), Set("0/units", value=1)], "0/units", "beneath a part that another edit takes away"),
        ([Replace("", by=Tanh()), Remove("0")], "0", "beneath"),
        ([Set("layers", value=(Tanh(),)), InsertAfter("0", new=Tanh())], "0", "beneath"),
        ([Set("0/units", value=0)], "0/units", "greater than or equal to 1; got 0"),
        ([Set("0/units", value=None)], "0/units", "must be a valid integer; got None"),
        ([Replace("1", by=Zeros())], "1", "must be an instance of Layer"),
        ([Set("0/name", value="head")], "head", "must not share a name"),
        ([Remove("0"), Remove("1"), Remove("head")], "layers", "needs at least one layer"),
        ([Wrap("1", by=Sequential((Tanh(),)), slot="body")], "1/body", "nothing at this address"),
        ([Wrap("1", by=Sequential((Tanh(),)), slot="layers")], "1/layers", "the slot must hold a part"),
        ([Wrap("1", by=Dense(1, init=Zeros()), slot="init")], "1/init", "must be an instance of Initializer"),
    ],
    ids=lambda value: "; ".join(map(str, value)) if isinstance(value, list) else None,
)  # fmt: skip
def test_a_wrong_edit_is_an_error_at_its_address(edits, where, said):
    network = Sequential((Dense(3, init=HeNormal()), ReLU(), Dense(2, name="head")))
    with pytest.raises(HeadwayError, match=said) as error:
        apply(network, *edits)
    assert error.value.where == where


@pytest.mark.parametrize("slot", ["", 3])
def test_a_slot_must_name_a_place(slot):
    with pytest.raises(HeadwayError, match=r"Wrap\.slot"):
        Wrap("1", by=Beam(Stone(0)), slot=slot)


@pytest.mark.parametrize(
    ("edit", "alone", "seen"),
    [
        (Replace("1", by=Tanh()), "replace 1 → Tanh()", "replace 1: ReLU() → Tanh()"),
        (Replace("", by=Tanh()), "replace (root) → Tanh()", f"replace (root): {NETWORK} → Tanh()"),
        (InsertBefore("1", new=Tanh()), "insert Tanh() before 1", "insert Tanh() before 1: ReLU()"),
        (InsertAfter("1", new=Tanh()), "insert Tanh() after 1", "insert Tanh() after 1: ReLU()"),
        (Remove("1"), "remove 1", "remove 1: ReLU()"),
        (Wrap("1", by=Sequential((Tanh(),)), slot="0"), "wrap 1 as 0 of Sequential((Tanh(),))",
         "wrap 1: ReLU() as 0 of Sequential((Tanh(),))"),
        (Set("0/units", value=4), "set 0/units → 4", "set 0/units: 3 → 4"),
        (Edits((Remove("0"), Remove("1"))), "remove 0; remove 1", "remove 0: Dense(3); remove 1: ReLU()"),
        (Edits(()), "change nothing", "change nothing"),
    ],
    ids=str,
)  # fmt: skip
def test_an_edit_is_a_sentence_and_a_document(edit, alone, seen):
    assert str(edit) == alone
    assert edit.sentence(NETWORK) == seen
    assert loads(dumps(edit)) == edit
    assert hash(loads(dumps(edit))) == hash(edit)


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "text", (1, (2.5, "a")), Dense(3), (Dense(3), ReLU())])
def test_a_value_keeps_its_type_in_an_edit_and_its_document(value):
    again = loads(dumps(Set("0/x", value=value))).value
    assert again == value
    assert type(again) is type(value)


def test_edits_are_specs_like_any_other():
    edits = Edits((Remove("0"), Edits((Replace("1", by=Dense(3)),))))
    assert [at for at, _ in select(edits, Edit)] == ["", "0", "1", "1/0"]
    assert list(flat([edits])) == [Remove("0"), Replace("1", by=Dense(3))]
    assert apply(edits, Set("1/0/by/units", value=4)).spec == Edits((Remove("0"), Edits((Replace("1", by=Dense(4)),))))
    assert not isinstance(edits, Brick)
