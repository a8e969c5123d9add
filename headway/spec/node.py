"""A spec is a frozen, checked value: its base class, its kinds, its children and their addresses."""

import dataclasses
import functools
import importlib
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, TypeVar, dataclass_transform, get_type_hints

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
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if f.default is not dataclasses.MISSING and value == f.default:
                continue
            shown.append(repr(value) if not f.kw_only else f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


S = TypeVar("S", bound=Spec)


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
            raise _translated(made, error.errors(include_url=False)[0]) from None

    made.__init__ = __init__
    KINDS[cls.kind] = made
    return made


def _translated(cls: type[Spec], error: ErrorDetails) -> HeadwayError:
    """Pydantic's first complaint in our form."""
    names = field_names(cls)
    place = [names[part] if isinstance(part, int) and at == 0 and part < len(names) else part
             for at, part in enumerate(error["loc"])]  # fmt: skip
    where = ".".join([cls.__name__, *(str(p) for p in place if "[" not in str(p) and p not in ("float", "int", "str"))])
    came, cause = repr(error["input"]), error.get("ctx", {}).get("error")
    match error["type"]:
        case "value_error" if isinstance(cause, HeadwayError):
            return cause.under(cls.__name__)
        case "unexpected_keyword_argument":
            return HeadwayError(where, "no such field", None, did_you_mean(str(place[-1]), names))
        case "unexpected_positional_argument":
            return HeadwayError(where, f"{cls.__name__} takes one value without a name", came, "Name the others.")
        case "missing":
            return HeadwayError(where, "a value is required", None, f"Write {cls.__name__}({place[-1]}=…).")
        case "tuple_type":
            return HeadwayError(where, "must be a tuple", came, "Write (a, b) or (a,).")
    text = error["msg"].removeprefix("Input should ").removeprefix("Value error, ")
    return HeadwayError(where, f"must {text}" if error["msg"].startswith("Input") else text, came)


@functools.cache
def field_names(cls: type[Any]) -> tuple[str, ...]:
    """Names of the fields in the order of the constructor: first the positional one."""
    fields = dataclasses.fields(cls)
    return tuple(f.name for f in sorted(fields, key=lambda f: bool(f.kw_only)))


@functools.cache
def data_fields(cls: type[Any]) -> tuple[str, ...]:
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
    found: dict[str, Spec] = {}
    for place, name in enumerate(field_names(type(node))):
        value = getattr(node, name)
        if isinstance(value, Spec):
            pairs = [(name, value)]
        elif is_family(value):
            pairs = [(join_address("" if place == 0 else name, segment(c, i)), c) for i, c in enumerate(value)]
        else:
            continue
        for key, child in pairs:
            if key in found:
                raise HeadwayError(key, f"two parts of one {type(node).__name__} must not share a name", key)
            found[key] = child
    return found


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


def find_kind(kind: str) -> type[Spec]:
    """The class of a kind such as `headway/Dense`; packages are asked through their entry points.

    A package announces the module that defines its kinds in the entry-point group `headway.kinds`.
    """
    if kind not in KINDS:
        package = kind.partition("/")[0]
        for entry in importlib.metadata.entry_points(group="headway.kinds"):
            if entry.name == package:
                importlib.import_module(entry.value)
    if kind not in KINDS:
        raise HeadwayError("kind", "unknown kind", repr(kind), did_you_mean(kind, KINDS))
    return KINDS[kind]
