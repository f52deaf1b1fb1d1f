"""Pydantic's JSON schemas made short: nothing said twice, nothing that a model reading them could do without."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

Schema = dict[str, Any]
_NULL = {"type": "null"}


def compact(schema: Schema, *, nullable: frozenset[str] = frozenset(), is_output: bool = False) -> Schema:
    """`schema` without titles, null defaults and descriptions of inner models.

    Null is left to the properties named in `nullable`; any other that may be null is one that may be missing. An output
    keeps in `$defs` what is referred to more than once; everything else is written where it is used. It does not say
    what is required: nobody has to fill it in.
    """
    definitions: Mapping[str, Schema] = schema.get("$defs", {})
    text = orjson.dumps(schema)
    used = {name: text.count(orjson.dumps(f"#/$defs/{name}")) for name in definitions} if is_output else {}
    shared = [name for name, times in used.items() if times > 1]
    writer = _Writer(definitions, frozenset(shared), nullable, is_output)
    short = writer.write(schema)
    return short | ({"$defs": {name: writer.write_model(name) for name in shared}} if shared else {})


@dataclass(frozen=True)
class _Writer:
    definitions: Mapping[str, Schema]
    shared: frozenset[str]
    nullable: frozenset[str]
    is_output: bool
    # Descriptions that were written already, with the names of their properties.
    said: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def write(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self._resolve(schema)
        if _is_optional(schema):
            return self.write(_without_null(schema))
        kept: Schema = {name: part for name, part in schema.items() if not _is_noise(name, part)}
        if self.is_output:
            kept.pop("required", None)
        if isinstance(kept.get("type"), list):
            # Some clients' schemas know one type at a time.
            kept = {"anyOf": [{"type": kind} for kind in kept["type"]], **_without(kept, "type")}
        if "properties" in kept:
            kept |= self._write_properties(schema)
        if "items" in kept:
            kept["items"] = self.write(kept["items"])
        if "anyOf" in kept:
            kept["anyOf"] = [self.write(part) for part in kept["anyOf"]]
        return kept

    def write_model(self, name: str) -> Schema:
        return self.write(_without(self.definitions[name], "description"))

    def _resolve(self, schema: Schema) -> Schema:
        name = str(schema["$ref"]).rsplit("/", 1)[1]
        return schema if name in self.shared else self.write_model(name) | _without(schema, "$ref")

    def _write_properties(self, schema: Schema) -> Schema:
        properties = cast("Mapping[str, Schema]", schema["properties"])
        written = {name: self._say_once(name, self._write_property(name, part)) for name, part in properties.items()}
        required = [
            name for name in schema.get("required", []) if name in self.nullable or not _is_optional(properties[name])
        ]
        return {"properties": written} | ({"required": required} if required and not self.is_output else {})

    def _write_property(self, name: str, schema: Schema) -> Schema:
        short = self.write(schema)
        if name not in self.nullable or not _is_optional(schema):
            return short
        if "anyOf" in short:
            return short | {"anyOf": [*short["anyOf"], _NULL]}
        said = {key: short[key] for key in ("description", "default") if key in short}
        return {"anyOf": [{key: part for key, part in short.items() if key not in said}, _NULL], **said}

    def _say_once(self, name: str, schema: Schema) -> Schema:
        sentence = (name, str(schema.get("description")))
        if sentence in self.said:
            return _without(schema, "description")
        self.said.add(sentence)
        return schema


def _is_noise(name: str, part: Any) -> bool:
    return name in {"$defs", "title"} or (name == "default" and part is None)


def _is_optional(schema: Schema) -> bool:
    return _NULL in schema.get("anyOf", [])


def _without_null(schema: Schema) -> Schema:
    rest = [part for part in schema["anyOf"] if part != _NULL]
    return {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **_without(schema, "anyOf")}


def _without(schema: Schema, name: str) -> Schema:
    return {key: value for key, value in schema.items() if key != name}
