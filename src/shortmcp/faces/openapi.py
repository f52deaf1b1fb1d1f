"""The REST API's description, OpenAPI 3.1, made from the catalog."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shortmcp import __version__
from shortmcp.core.qrcodes import QrPublic
from shortmcp.core.retries import MAX_KEY
from shortmcp.operation import Effect, Operation, Route

Schema = dict[str, Any]
TEMPLATE = "#/components/schemas/{model}"
BODY_METHODS = {"POST", "PATCH"}
REFUSALS: Mapping[str, str] = {
    "400": "The request is malformed.",
    "401": "The token is missing or not valid.",
    "403": "The token is read-only, the workspace is suspended, or its plan has no API.",
    "404": "There is no such thing in this workspace.",
    "409": "The destination matches several links, or the same request is still running: see Retry-After.",
    "413": "The body is too large.",
    "422": "A field is not valid, or a plan limit was reached.",
    "429": "Too many requests: see Retry-After.",
    "503": "The database is away: try again.",
}
PRECONDITION = {"412": "It was changed since the answer that `If-Match` names; nothing was stored."}
ENDED = {"410": "It was used up, or its time is over."}
REFUSAL: Schema = {
    "type": "object",
    "required": ["message", "code"],
    "properties": {
        "message": {"type": "string"},
        "code": {"type": "string", "description": "The kind of refusal, for programs."},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        "hint": {"type": "string"},
        "plan_limit_reached": {"const": True},
    },
}
RATE_HEADERS: Schema = {
    "X-RateLimit-Limit": {"schema": {"type": "integer"}, "description": "Requests a minute."},
    "X-RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "How many remain in this minute."},
}
REPLAYED: Schema = {
    "Idempotency-Replayed": {"schema": {"const": "true"}, "description": "The answer to an earlier request."}
}
TAG: Schema = {"ETag": {"schema": {"type": "string"}, "description": "What `If-Match` and `If-None-Match` may name."}}
TAGS: Schema = {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'}
KEY: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"}
CONDITIONS: Mapping[str, tuple[str, Schema]] = {
    "Idempotency-Key": (
        "Any unique text: sent again with it within 24 hours, the request is done once and answered as before.",
        KEY,
    ),
    "If-Match": ("`ETag` of the answer that shows what is to be changed: refused if it was changed since.", TAGS),
    "If-None-Match": ("`ETag` of an earlier answer: 304 without a body while it is still the same.", TAGS),
}
META: Schema = {
    "type": "object",
    "required": ["per_page", "total"],
    "properties": {
        name: {"type": kind}
        for name, kind in (
            ("page", "integer"),
            ("per_page", "integer"),
            ("total", "integer"),
            ("total_pages", "integer"),
        )
    }
    | {
        "next_cursor": {"type": ["string", "null"]},
        "total_is_exact": {"const": False, "description": "Given where there are more than `total`."},
    },
}


def describe(catalog: tuple[Operation, ...], base_url: str, prefix: str) -> Schema:
    """The whole document; `prefix` is the path that routes are below."""
    schemas, paths = _describe_all(catalog)
    return {
        "openapi": "3.1.0",
        "info": {"title": "shortmcp", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": base_url + prefix}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Refusal": REFUSAL},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "ID|SECRET"}},
            "responses": {code: _refused(code, text) for code, text in {**REFUSALS, **PRECONDITION, **ENDED}.items()},
        },
    }


@lru_cache(maxsize=8)
def _describe_all(catalog: tuple[Operation, ...]) -> tuple[Mapping[str, Schema], Mapping[str, Schema]]:
    # Takes a tenth of a second, and is the same wherever the instance stands.
    schemas = _schemas(catalog)
    paths: dict[str, Schema] = {}
    for operation in catalog:
        for number, route in enumerate(operation.routes):
            described = _describe(operation, route, schemas)
            described["operationId"] = operation.name if number == 0 else f"{operation.name}_{number + 1}"
            paths.setdefault(route.path, {})[route.method.lower()] = described
    return schemas, paths


def _schemas(catalog: tuple[Operation, ...]) -> dict[str, Schema]:
    inputs = [(operation.input, "validation") for operation in catalog]
    outputs = [(item, "serialization") for operation in catalog if (item := _item(operation)) is not None]
    _, document = models_json_schema([*inputs, *outputs], ref_template=TEMPLATE)  # pyright: ignore[reportArgumentType]
    return document.get("$defs", {})


def _item(operation: Operation) -> type[BaseModel] | None:
    if operation.output is type(None) or operation.output is QrPublic:
        return None
    if operation.is_list:
        return operation.output.__pydantic_generic_metadata__["args"][0]
    return operation.output


def _describe(operation: Operation, route: Route, schemas: Mapping[str, Schema]) -> Schema:
    in_path = [part.strip("{}") for part in route.path.split("/") if part.startswith("{")]
    fields = schemas[operation.input.__name__].get("properties", {})
    required = set(schemas[operation.input.__name__].get("required", []))
    described: Schema = {
        "summary": operation.title,
        "description": operation.text,
        "tags": [route.path.split("/")[1]],
        "parameters": [_parameter("path", name, fields[name], required=True) for name in in_path],
        "responses": _responses(operation, route),
    }
    if route.method in BODY_METHODS:
        queried = {wire: fields[field] for wire, field in route.query.items()}
        taken = {*in_path, *route.query.values(), *route.decided}
        needed = (required | route.needed) - taken
        described["requestBody"] = _body(route, {n: f for n, f in fields.items() if n not in taken}, needed)
    else:
        taken = {*in_path, *route.decided}
        queried = {name: field for name, field in fields.items() if name not in taken}
    described["parameters"] += [
        _parameter("query", name, field, required=name in required) for name, field in queried.items()
    ]
    described["parameters"] += _conditions(operation, route)
    return described


def _conditions(operation: Operation, route: Route) -> list[Schema]:
    known = {
        "Idempotency-Key": operation.takes_key,
        "If-Match": operation.checks_version,
        "If-None-Match": operation.has_version and route.method == "GET",
    }
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
        for name, (text, schema) in CONDITIONS.items()
        if known[name]
    ]


def _parameter(place: str, name: str, schema: Schema, *, required: bool) -> Schema:
    plain = _without_null(schema)
    text = plain.get("description", "")
    return {"name": name, "in": place, "required": required, "description": text, "schema": plain}


def _without_null(schema: Schema) -> Schema:
    # A query string has no null.
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "title"} and value is not None}
    return {**kinds[0], **rest} if len(kinds) == 1 else rest


def _body(route: Route, fields: Mapping[str, Schema], required: set[str]) -> Schema:
    wire = {field: name for name, field in route.body.items()}
    schema: Schema = {
        "type": "object",
        "properties": {wire.get(name, name): field for name, field in fields.items()},
        "additionalProperties": False,
    }
    if required:
        schema["required"] = sorted(required)
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _responses(operation: Operation, route: Route) -> Schema:
    codes = [
        *REFUSALS,
        *(PRECONDITION if operation.checks_version else ()),
        *(ENDED if operation.can_end else ()),
    ]
    same = {"304": {"description": "The same as before.", "headers": {**RATE_HEADERS, **TAG}}}
    is_read = operation.has_version and route.method == "GET"
    refused = {code: {"$ref": f"#/components/responses/{code}"} for code in codes}
    return {**_answer(operation, route), **(same if is_read else {}), **refused}


def _answer(operation: Operation, route: Route) -> Schema:
    if operation.effect is Effect.DELETE:
        return {"204": {"description": "Deleted.", "headers": RATE_HEADERS}}
    if operation.output is QrPublic:
        images = {"image/svg+xml": {"schema": {"type": "string"}}, "image/png": {}}
        return {"200": {"description": "The image.", "headers": RATE_HEADERS, "content": images}}
    if route.plain:
        content = {"text/plain": {"schema": {"type": "string"}}}
        return {"200": {"description": "The text.", "headers": RATE_HEADERS, "content": content}}
    item = _item(operation)
    schema: Schema = {"$ref": TEMPLATE.format(model=item.__name__ if item else "")}
    properties: Schema = (
        {"data": {"type": "array", "items": schema}, "meta": META} if operation.is_list else {"data": schema}
    )
    answer: Schema = {
        "description": "Done.",
        "headers": {
            **RATE_HEADERS,
            **(REPLAYED if operation.takes_key else {}),
            **(TAG if operation.has_version else {}),
        },
        "content": {"application/json": {"schema": {"type": "object", "required": ["data"], "properties": properties}}},
    }
    if route.location is not None:
        answer["headers"]["Location"] = {"schema": {"type": "string"}, "description": "Where it is."}
    return {"200" if route.location is None else "201": answer}


def _refused(code: str, text: str) -> Schema:
    headers = {
        **RATE_HEADERS,
        **({"Retry-After": {"schema": {"type": "integer"}}} if code in {"409", "429", "503"} else {}),
    }
    content = {"application/json": {"schema": {"$ref": TEMPLATE.format(model="Refusal")}}}
    return {"description": text, "headers": headers, "content": content}
