"""An edit is data: a spec that says what to change in another spec, and where."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any

from pydantic import Field

from headway.spec.error import HeadwayError, join_address
from headway.spec.node import Spec, build, field_names, held, is_family, segment_of, spec, walk
from headway.spec.select import fields, get, repeated

Value = None | bool | int | float | str | tuple[Any, ...] | Spec


class Edit(Spec):
    """One change. Every address is one of the spec before the edit; "" is the root."""

    def sentence(self, before: Spec | None = None) -> str:
        """The edit in words, with what it takes away where the spec before it is given."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self.sentence()


@spec
class Replace(Edit):
    """Put `by` in the place of a part. The part and its parameters are gone."""

    at: str
    _: KW_ONLY
    by: Spec

    def sentence(self, before: Spec | None = None) -> str:
        return f"replace {_was(before, self.at)} → {self.by!r}"


@spec
class InsertBefore(Edit):
    """Put `new` in front of a member of a tuple. Several before one member stand in the order given."""

    at: str
    _: KW_ONLY
    new: Spec

    def sentence(self, before: Spec | None = None) -> str:
        return f"insert {self.new!r} before {_was(before, self.at)}"


@spec
class InsertAfter(Edit):
    """Put `new` behind a member of a tuple. Several after one member stand in the order given."""

    at: str
    _: KW_ONLY
    new: Spec

    def sentence(self, before: Spec | None = None) -> str:
        return f"insert {self.new!r} after {_was(before, self.at)}"


@spec
class Remove(Edit):
    """Take a member out of a tuple."""

    at: str

    def sentence(self, before: Spec | None = None) -> str:
        return f"remove {_was(before, self.at)}"


@spec
class Wrap(Edit):
    """Put `by` in the place of a part, and the part in the place `slot` of `by`.

    `Wrap("2", by=Residual(Identity()), slot="body")` makes a residual block of the layer `2`, which
    keeps its parameters at its new address `2/body`.
    """

    at: str
    _: KW_ONLY
    by: Spec
    slot: Annotated[str, Field(min_length=1)]

    def sentence(self, before: Spec | None = None) -> str:
        return f"wrap {_was(before, self.at)} as {self.slot} of {self.by!r}"


@spec
class Set(Edit):
    """Give a field another value: `Set("optimizer/learning_rate", value=3e-4)`."""

    at: str
    _: KW_ONLY
    value: Value

    def sentence(self, before: Spec | None = None) -> str:
        return f"set {_was(before, self.at)} → {self.value!r}"


@spec
class Edits(Edit):
    """Several edits of one spec, applied at once."""

    edits: tuple[Edit, ...]

    def sentence(self, before: Spec | None = None) -> str:
        return "; ".join(edit.sentence(before) for edit in self.edits) or "change nothing"


def _was(before: Spec | None, at: str) -> str:
    return (at or "(root)") if before is None else f"{at or '(root)'}: {get(before, at)!r}"


@dataclass(frozen=True)
class Edited:
    """A spec after an edit, and where the parts of the spec before it are now (None: gone).

    written_out    where something was repeated of which one copy was to change: now each copy has a part of its own,
                   and `moved` says where they are by the addresses of the copies
    """

    spec: Any
    moved: Mapping[str, str | None]
    written_out: tuple[str, ...] = ()


def new_address(moved: Mapping[str, str | None], address: str) -> str | None:
    """Where a part, field or parameter is after an edit; None if its part is gone."""
    part, inside = address, ""
    while part and part not in moved:
        part, _, last = part.rpartition("/")
        inside = join_address(last, inside)
    new = moved[part]
    return None if new is None else join_address(new, inside)


def edit(root: Spec, *edits: Edit) -> Edited:
    """The spec with all edits made at once, checked like any other.

    Where an edit is of one copy of what is repeated, such as `3/7/0`, all copies are written out first.
    Errors: an address that does not exist, two edits of one place, an edit beneath a part that another
    edit takes away, and whatever the kinds themselves find wrong with their new fields.
    """
    plan: _Plan = {}
    before, (root, written_out) = root, _written_out(root, edits)
    for one in flat(edits):
        plan.setdefault(one.at, []).append(one)
    _check(root, plan)
    replaced = {at for at, here in plan.items() if any(isinstance(one, Replace) for one in here)}
    part = _only(_placed(root, "", plan), "")
    if plan:
        at, left = plan.popitem()
        raise HeadwayError(at, "an edit must not lie beneath a part that another edit takes away", left[0],
                           "Edit the new part before you put it in.")  # fmt: skip
    survivors = part.moved.keys() - replaced
    addresses = dict.fromkeys(a for spec in (before, root) for a, _ in walk(spec))
    return Edited(part.value, {a: part.moved[a] if a in survivors else None for a in addresses}, written_out)


def flat(edits: Iterable[Edit]) -> Iterator[Any]:
    """The single edits, those inside `Edits` included."""
    for edit in edits:
        if isinstance(edit, Edits):
            yield from flat(edit.edits)
        else:
            yield edit


_Plan = dict[str, list[Any]]


@dataclass(frozen=True)
class _Part:
    """A new part or value, and where in it the old parts are: old address → address inside."""

    value: Any
    moved: Mapping[str, str] = field(default_factory=dict)


def _written_out(root: Spec, edits: Iterable[Edit]) -> tuple[Spec, tuple[str, ...]]:
    """The spec with the copies written out of which an edit names a single one, and where that was done."""
    places = []
    for one in flat(edits):
        while found := repeated(root, one.at):
            at, copies = found
            root = _only(_placed(root, "", {at: [Replace(at, by=copies)]}), "").value
            places.append(at)
    return root, tuple(places)


def _check(root: Spec, plan: _Plan) -> None:
    parts, values = dict(walk(root)), fields(root)
    for at, edits in plan.items():
        if at not in parts and at not in values:
            get(root, at)
        for edit in edits:
            if isinstance(edit, Set) and at not in values:
                raise HeadwayError(at, "Set needs the address of a field", edit, "Use Replace for a whole part.")
            if not isinstance(edit, Set) and at not in parts:
                raise HeadwayError(
                    at, f"{type(edit).__name__} needs the address of a part", repr(values[at]), "Use Set."
                )
        if len(rivals := [str(edit) for edit in edits if not isinstance(edit, InsertBefore | InsertAfter)]) > 1:
            raise HeadwayError(at, "two edits must not change the same place", "; ".join(rivals), "Keep one.")


def _placed(value: Any, at: str, plan: _Plan) -> list[_Part]:
    """What stands in the place of `value` afterwards: nothing, one part, or several."""
    before, after = list[_Part](), list[_Part]()
    here: list[_Part] | None = None
    for edit in plan.pop(at, []):
        match edit:
            case InsertBefore():
                before.append(_Part(edit.new))
            case InsertAfter():
                after.append(_Part(edit.new))
            case Remove():
                here = []
            case Replace():
                here = [_Part(edit.by, {at: ""})]
            case Set():
                here = [_Part(edit.value)]
            case Wrap():
                here = [_wrapped(_inside(value, at, plan), edit)]
    return [*before, *([_inside(value, at, plan)] if here is None else here), *after]


def _inside(value: Any, at: str, plan: _Plan) -> _Part:
    """A part whose place stays, rebuilt from what stands in its fields afterwards."""
    if not isinstance(value, Spec):
        return _Part(value)
    cls, new, moved = type(value), dict[str, Any](), {at: ""}
    for name in field_names(cls):
        old, whole = getattr(value, name), join_address(at, segment_of(cls, name))
        if is_family(old) and whole not in plan:
            parts = [p for key, child in held(cls, name, old) for p in _placed(child, join_address(at, key), plan)]
            new[name] = tuple(part.value for part in parts)
        else:
            parts = [_only(_placed(old, whole, plan), whole)]
            new[name] = parts[0].value
        for (key, _), part in zip(held(cls, name, new[name]), parts, strict=False):
            moved |= {before: join_address(key, inside) for before, inside in part.moved.items()}
    return _Part(build(cls, new, at), moved)


def _only(parts: list[_Part], at: str) -> _Part:
    if len(parts) != 1:
        raise HeadwayError(at, "only a member of a tuple can be removed or have neighbours", f"{len(parts)} parts",
                           "Use Replace, Wrap, or Set to None.")  # fmt: skip
    return parts[0]


def _wrapped(part: _Part, edit: Wrap) -> _Part:
    """The part in the place `slot` of `by`."""
    try:
        if not isinstance(get(edit.by, edit.slot), Spec):
            raise HeadwayError(edit.slot, "the slot must hold a part, which the wrapped one replaces")
        outer = _inside(edit.by, "", {edit.slot: [Replace(edit.slot, by=part.value)]})
    except HeadwayError as error:
        raise error.under(edit.at) from None
    slot = outer.moved[edit.slot]
    return _Part(outer.value, {old: join_address(slot, inside) for old, inside in part.moved.items()})
