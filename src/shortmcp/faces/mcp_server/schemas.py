"""Tool definitions from the catalog: compact schemas that a model can read whole."""

from functools import lru_cache
from typing import Any, get_args

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, TypeAdapter

from shortmcp.core.retries import KEY_FIELD, MAX_KEY
from shortmcp.faces.mcp_server.compact import Schema, compact
from shortmcp.operation import Effect, Operation

_KEY_SCHEMA: Schema = {
    "type": "string",
    "maxLength": MAX_KEY,
    "description": "Any unique text: a call repeated with it within 24 hours acts once.",
}


@lru_cache(maxsize=256)
def make_tool(operation: Operation) -> Tool:
    """`operation` as a tool: title, text, both schemas, all four annotations."""
    return Tool(
        name=operation.name,
        title=operation.title,
        description=operation.text,
        input_schema=input_schema(operation),
        output_schema=output_schema(operation),
        annotations=ToolAnnotations(
            read_only_hint=operation.effect is Effect.READ,
            destructive_hint=operation.effect in {Effect.UPDATE, Effect.DELETE, Effect.CONSUME},
            idempotent_hint=operation.effect not in {Effect.CREATE, Effect.CONSUME},
            open_world_hint=False,
        ),
    )


def input_schema(operation: Operation) -> Schema:
    """What the tool takes. Null is offered only where it clears something: what comes back empty can be emptied."""
    schema = operation.input.model_json_schema(by_alias=True)
    nullable = _nullable_fields(operation.output) if operation.effect is Effect.UPDATE else frozenset[str]()
    # Not every client of a model resolves references in what it is to fill in: none are left here.
    short = compact(schema, nullable=nullable)
    # What the tool's own text says of its input need not be said again.
    short.pop("description", None)
    properties = short.pop("properties", {}) | ({KEY_FIELD: _KEY_SCHEMA} if operation.takes_key else {})
    return {"type": "object", "properties": properties, **short, "additionalProperties": False}


def output_schema(operation: Operation) -> Schema:
    """What the tool's structured content looks like: REST's answer without nulls."""
    if operation.output is type(None):
        return _object({"deleted": {"type": "boolean"}})
    kind = _item_of(operation.output) if operation.is_list else operation.output
    item = compact(TypeAdapter[Any](kind).json_schema(by_alias=True, mode="serialization"), is_output=True)
    definitions = {"$defs": item.pop("$defs")} if "$defs" in item else {}
    if not operation.is_list:
        return _object({"data": item}) | definitions
    page = {"data": {"type": "array", "items": item}, "total": {"type": "integer"}}
    return _object(page, {"total_is_exact": {"type": "boolean"}, "next_cursor": {"type": "string"}}) | definitions


def _nullable_fields(model: type[BaseModel]) -> frozenset[str]:
    fields = model.model_fields
    empty = {name for name, field in fields.items() if type(None) in get_args(field.annotation)}
    # What is never shown, such as a password, shows by `has_...` that it can be there or not.
    return frozenset(empty | {name.removeprefix("has_") for name in fields if name.startswith("has_")})


def _item_of(page: Any) -> Any:
    return page.__pydantic_generic_metadata__["args"][0] if issubclass(page, BaseModel) else get_args(page)[0]


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
