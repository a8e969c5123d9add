"""Specs as text: every field written, exactly read back, mistakes named by their address."""

import json
import tomllib
from pathlib import Path
from typing import Any, NoReturn

from headway.spec.error import HeadwayError, did_you_mean, join_address
from headway.spec.node import Spec, build, field_names, find_kind

FORMAT = 1


def to_dict(node: Spec) -> dict[str, Any]:
    """`{"kind": "headway/Dense", "units": 10, …}`: all fields, so that a changed default shows."""
    return {"kind": node.kind} | {name: to_value(getattr(node, name), name) for name in field_names(type(node))}


def to_value(value: Any, where: str = "") -> Any:
    """What stands for a field's value in JSON: lists for tuples, objects for specs."""
    match value:
        case Spec():
            return to_dict(value)
        case tuple():
            return [to_value(part, where) for part in value]
        case None | bool() | int() | float() | str():
            return value
    fix = 'Give it by name: "package.module:function".' if callable(value) else ""
    raise HeadwayError(where, "only numbers, texts, tuples and specs can be written", repr(value), fix)


def from_dict(data: Any, address: str = "") -> Spec:
    """The spec that `to_dict` wrote. Missing fields take their defaults; unknown ones are errors."""
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        came = f"an object with {', '.join(data)}" if isinstance(data, dict) and "kind" not in data else repr(data)
        raise HeadwayError(address, 'a spec is an object with a "kind"', came, 'Write {"kind": "headway/…", …}.')
    try:
        cls = find_kind(data["kind"])
    except HeadwayError as error:
        raise error.under(address) from None
    names = field_names(cls)
    _only_known(data, ("kind", *names), address)
    fields = {name: _read(data[name], address, name, name == names[0]) for name in names if name in data}
    return build(cls, fields, address)


def _read(value: Any, address: str, name: str, first: bool) -> Any:
    """A field's value; the members of a family stand at the addresses that they will have."""
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        keys = (str(part.get("name") or index) for index, part in enumerate(value))
        stem = join_address(address, "" if first else name)
        return tuple(from_dict(part, join_address(stem, key)) for key, part in zip(keys, value, strict=True))
    return from_value(value, join_address(address, name))


def from_value(value: Any, address: str = "") -> Any:
    """What stands for a JSON value in a spec: tuples for lists, specs for objects."""
    match value:
        case dict():
            return from_dict(value, address)
        case list():
            return tuple(from_value(part, join_address(address, str(i))) for i, part in enumerate(value))
    return value


def dumps(node: Spec) -> str:
    """The spec as a JSON document with the version of its format."""
    return json.dumps({"format": FORMAT, "spec": to_dict(node)}, indent=2, ensure_ascii=False, allow_nan=False)


def loads(text: str) -> Spec:
    """The spec in a JSON document, or in a bare JSON object with a "kind"."""
    return _document(_json(text, ""))


def save(path: Path | str, node: Spec) -> None:
    """Write the spec to a `.json` file."""
    if Path(path).suffix != ".json":
        raise HeadwayError(str(path), "specs are written as JSON", Path(path).name, "Choose a name that ends in .json.")
    Path(path).write_text(dumps(node) + "\n", encoding="utf-8")


def load(path: Path | str) -> Spec:
    """The spec in a `.json` or `.toml` file."""
    return _document(read(path))


def read(path: Path | str) -> Any:
    """The plain values in a `.json` or `.toml` file."""
    if Path(path).suffix not in (".json", ".toml"):
        raise HeadwayError(str(path), "a spec is read from a file that ends in .json or .toml", Path(path).name)
    text = text_of(path)
    return _json(text, str(path)) if Path(path).suffix == ".json" else _toml(text, str(path))


def text_of(path: Path | str) -> str:
    """What stands in a text file."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HeadwayError(str(path), "must be a readable text file in UTF-8", error) from None


def _document(document: Any) -> Spec:
    if not isinstance(document, dict) or "kind" in document or not document.keys() & {"format", "spec"}:
        return from_dict(document)
    version = document.get("format", FORMAT)
    if version != FORMAT or isinstance(version, bool):
        raise HeadwayError("format", f"must be {FORMAT}", repr(version), "A newer Headway may read it.")
    _only_known(document, ("format", "spec"), "")
    return from_dict(document.get("spec"))


def _only_known(data: dict[str, Any], names: tuple[str, ...], address: str) -> None:
    for name in data:
        if name not in names:
            raise HeadwayError(join_address(address, name), "no such field", None, did_you_mean(name, names))


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_not_finite)
    except json.JSONDecodeError as error:
        place = f"{where + ', ' if where else ''}line {error.lineno}, column {error.colno}"
        raise HeadwayError(place, f"must be valid JSON ({error.msg})") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise HeadwayError(twice, "a field must not be given twice in one object", names)
    return found


def _not_finite(text: str) -> NoReturn:
    raise HeadwayError("JSON", "numbers must be finite", text)


def _toml(text: str, where: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise HeadwayError(where, f"must be valid TOML ({error})") from None
