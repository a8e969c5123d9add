"""JSON Schema of spec documents, with which an editor completes, explains and checks them."""

import dataclasses
from typing import Any, get_type_hints

import pydantic
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from headway.spec.json import FORMAT, to_value
from headway.spec.node import KINDS, Spec, is_concrete, load_kinds


def json_schema(root: type[Spec]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of documents that hold a spec of class or interface `root`.

    Every class that a field mentions is a definition of its own. An interface is any of the kinds that
    are installed, so the kinds of other packages are in it too.
    """
    load_kinds()
    fields, definitions = _Fields(), dict[str, Any]()
    fields.mentioned.append(root)
    while fields.mentioned:
        cls = fields.mentioned.pop()
        if _name(cls) not in definitions:
            definitions[_name(cls)] = _kind(cls, fields) if is_concrete(cls) else _interface(cls, fields)
    document = {"format": {"const": FORMAT}, "spec": _reference(root)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": root.__name__,
        "anyOf": [_object(document, ["spec"]), _reference(root)],
        "$defs": dict(sorted(definitions.items())),
    }


class _Fields(GenerateJsonSchema):
    """Writes the schemas of fields with Pydantic, and collects the classes of specs that they mention."""

    def __init__(self) -> None:
        super().__init__()
        self.mentioned: list[type[Spec]] = []
        self.shared: dict[str, Any] = {}

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        if schema["type"] == "definitions":  # how Pydantic writes a class that comes twice
            self.shared |= {shared["ref"]: shared for shared in schema["definitions"]}
            return self.generate_inner(schema["schema"])
        if schema["type"] == "definition-ref":
            return self.generate_inner(self.shared[schema["schema_ref"]])
        if schema["type"] in ("is-instance", "dataclass"):
            self.mentioned.append(schema["cls"])
            return _reference(schema["cls"])
        return super().generate_inner(schema)


def _interface(cls: type[Spec], fields: _Fields) -> dict[str, Any]:
    kinds = [kind for _, kind in sorted(KINDS.items()) if issubclass(kind, cls)]
    fields.mentioned.extend(kinds)
    return {"description": _first_line(cls), "anyOf": [_reference(kind) for kind in kinds] or [False]}


def _kind(cls: type[Spec], fields: _Fields) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    properties: dict[str, Any] = {"kind": {"const": cls.kind}}
    required = ["kind"]
    for f in dataclasses.fields(cls):  # type: ignore[arg-type]
        properties[f.name] = fields.generate_inner(pydantic.TypeAdapter(hints[f.name]).core_schema)
        if f.default is dataclasses.MISSING:
            required.append(f.name)
        else:
            properties[f.name] |= {"default": to_value(f.default, f.name)}
    return {"description": _first_line(cls)} | _object(properties, required)


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _name(cls: type[Spec]) -> str:
    return f"{cls.__module__.partition('.')[0]}.{cls.__name__}"


def _reference(cls: type[Spec]) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{_name(cls)}"}


def _first_line(cls: type[Spec]) -> str:
    return (cls.__doc__ or "").strip().partition("\n")[0]
