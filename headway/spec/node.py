"""A spec is a frozen, checked value: its base class, its kinds, its children and their addresses."""

import dataclasses
import functools
import importlib
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, TypeVar, cast, dataclass_transform, get_type_hints

import pydantic
from pydantic_core import ErrorDetails, core_schema

from headway.spec.error import HeadwayError, did_you_mean, join_address

STRICT = pydantic.ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
KINDS: dict[str, type["Spec"]] = {}


class Data:
    """Marks a field as data: a number that enters the compiled step as an argument."""


Number = Annotated[float, Data]
Count = Annotated[int, Data]


class Spec:
    """A choice. Concrete kinds carry `@spec`; everything else that inherits from this is abstract."""

    kind: ClassVar[str]
    segments: ClassVar[Mapping[str, str]] = {}
    """The segment in addresses of a field that holds one part, where it is not the field's name."""

    def written_out(self) -> "Spec | None":
        """The same choice with a part for every copy of what this one repeats; None where it repeats nothing."""
        return None

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type["Spec"], handler: pydantic.GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        if is_concrete(source):
            return handler(source)
        return core_schema.is_instance_schema(source)

    def __repr__(self) -> str:
        """The call that makes this spec, without what equals the default."""
        shown = []
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        for f in sorted(fields, key=lambda f: bool(f.kw_only)):
            value = getattr(self, f.name)
            if f.default is not dataclasses.MISSING and value == f.default:
                continue
            shown.append(repr(value) if not f.kw_only else f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


S = TypeVar("S", bound=Spec)
F = TypeVar("F", bound=Callable[..., Any])


def cached(function: F) -> F:
    """`functools.cache` that keeps the signature: to a type checker a class of specs is not hashable."""
    return cast(F, functools.cache(function))


def is_concrete(cls: type) -> bool:
    """True for a registered kind, False for an interface such as `Layer`."""
    return "kind" in cls.__dict__


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def spec(cls: type[S]) -> type[S]:
    """Make a class a kind: a frozen dataclass with checked fields, known to JSON as `package/Class`."""
    cls.kind = f"{cls.__module__.partition('.')[0]}/{cls.__name__}"
    other = KINDS.get(cls.kind)
    if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
        raise HeadwayError(cls.kind, "two kinds must not share a name", f"{other.__module__} and {cls.__module__}")
    made: Any = pydantic.dataclasses.dataclass(frozen=True, repr=False, config=STRICT)(cls)
    validated: Callable[..., None] = made.__init__

    @functools.wraps(validated)
    def __init__(self: Any, *args: Any, **fields: Any) -> None:  # noqa: N807 (it becomes the class's own)
        try:
            validated(self, *args, **fields)
        except pydantic.ValidationError as error:
            raise _translated(made, error.errors(include_url=False)) from None

    made.__init__ = __init__
    KINDS[cls.kind] = made
    return made


def _translated(cls: type[Spec], errors: list[ErrorDetails]) -> HeadwayError:
    """Pydantic's first complaint in our form; where a field takes one of several types, what each asks."""
    error, names = errors[0], field_names(cls)
    field = [names[p] if isinstance(p, int) and p < len(names) else str(p) for p in error["loc"][:1]]
    where = ".".join([cls.__name__, *field, *(str(p) for p in error["loc"][1:] if isinstance(p, int))])
    came, cause = repr(error["input"]), error.get("ctx", {}).get("error")
    match error["type"]:
        case "value_error" if isinstance(cause, HeadwayError):
            return cause.under(cls.__name__)
        case "unexpected_keyword_argument":
            return HeadwayError(where, "no such field", None, did_you_mean(field[0], names))
        case "unexpected_positional_argument":
            return HeadwayError(cls.__name__, "takes one value without a name", came, "Name the others.")
        case "missing":
            return HeadwayError(where, "a value is required", None, f"Write {cls.__name__}({field[0]}=…).")
        case "tuple_type" if len(errors) == 1:
            return HeadwayError(where, "must be a tuple", came, "Write (a, b) or (a,).")
    asked = [
        e["msg"].partition(" should ")[2].partition(" after validation")[0]
        for e in errors
        if e["loc"][:1] == error["loc"][:1]
    ]
    must = f"must {' or '.join(asked)}" if all(asked) else error["msg"].removeprefix("Value error, ")
    return HeadwayError(where, must, came)


@cached
def field_names(cls: type[Spec]) -> tuple[str, ...]:
    """Names of the fields in the order of the constructor: first the positional one."""
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    return tuple(f.name for f in sorted(fields, key=lambda f: bool(f.kw_only)))


@cached
def data_fields(cls: type[Spec]) -> tuple[str, ...]:
    """Names of the fields declared `Number` or `Count`, alone or in a union."""
    return tuple(n for n, hint in get_type_hints(cls, include_extras=True).items() if _mentions_data(hint))


def _mentions_data(hint: Any) -> bool:
    inner = getattr(hint, "__args__", ())
    return Data in getattr(hint, "__metadata__", ()) or any(_mentions_data(part) for part in inner)


def children(node: Spec) -> dict[str, Spec]:
    """Segment → child. A tuple of specs in the first field is addressed by index or name alone.

    `Sequential((Dense(3), ReLU(name="act")))` has the children `0` and `act`; a spec in any other field
    has the field's name, one in any other tuple `field/0`.
    """
    cls, found = type(node), dict[str, Spec]()
    for name in field_names(cls):
        for key, value in held(cls, name, getattr(node, name)):
            if not isinstance(value, Spec):
                continue
            if key in found or (key != name and key in field_names(cls)):
                raise HeadwayError(key, f"two parts of one {cls.__name__} must not share a name", key)
            found[key] = value
    return found


def held(cls: type[Spec], name: str, value: Any) -> list[tuple[str, Any]]:
    """What field `name` of a `cls` holds, by segment: the members of a family, else the value alone."""
    if not is_family(value):
        return [(segment_of(cls, name), value)]
    stem = "" if name == field_names(cls)[0] else name
    return [(join_address(stem, segment(child, i)), child) for i, child in enumerate(value)]


def segment_of(cls: type[Spec], name: str) -> str:
    """How field `name` of a `cls` is addressed."""
    return cls.segments.get(name, name)


def is_family(value: object) -> bool:
    """True for a non-empty tuple that holds only specs: its members are children."""
    return isinstance(value, tuple) and bool(value) and all(isinstance(v, Spec) for v in value)


def segment(child: Spec, index: int) -> str:
    """How a member of a tuple is addressed: by its name if it has one, else by its index."""
    return getattr(child, "name", None) or str(index)


def walk(node: Spec, address: str = "") -> Iterator[tuple[str, Spec]]:
    """Every spec in the tree with its address, parents before children, in the order of the fields."""
    yield address, node
    for key, child in children(node).items():
        yield from walk(child, join_address(address, key))


def build(cls: type[S], fields: Mapping[str, Any], address: str) -> S:
    """`cls(**fields)`, where an error names the place by its address instead of the class."""
    try:
        return cls(**fields)
    except HeadwayError as error:
        place = error.where.removeprefix(cls.__name__).lstrip("./").replace(".", "/")
        name, _, index = place.partition("/")
        if index.isdigit() and is_family(fields[name]):
            place = held(cls, name, fields[name])[int(index)][0]
        place = segment_of(cls, place)
        raise HeadwayError(join_address(address, place), error.must, error.got, error.fix) from None


def find_kind(kind: str) -> type[Spec]:
    """The class of a kind such as `headway/Dense`; its package is asked if it is not known yet."""
    if kind not in KINDS:
        load_kinds(kind.partition("/")[0])
    if kind not in KINDS:
        raise HeadwayError("kind", "unknown kind", repr(kind), did_you_mean(kind, KINDS))
    return KINDS[kind]


def load_kinds(package: str | None = None) -> None:
    """Import the kinds of one installed package, or of all that announce some.

    A package announces the module that defines its kinds in the entry-point group `headway.kinds`.
    """
    for entry in importlib.metadata.entry_points(group="headway.kinds"):
        if package in (None, entry.name):
            importlib.import_module(entry.value)
