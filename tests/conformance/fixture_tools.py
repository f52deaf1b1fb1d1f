"""Tools that the conformance suite asks for by name."""

from typing import Any

import anyio
from fixture_contents import PNG, embedded, make_wav, text
from fixture_inputs import ASKING, run_asking, say
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
)

Context = ServerRequestContext[Any, Any]
Wire = dict[str, Any]
ANSWERS: dict[str, list[Wire]] = {
    "test_simple_text": [text("This is a simple text response for testing.")],
    "test_image_content": [PNG],
    "test_audio_content": [{"type": "audio", "data": make_wav(), "mimeType": "audio/wav"}],
    "test_embedded_resource": [
        embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ],
    "test_multiple_content_types": [
        text("Multiple content types test:"),
        PNG,
        embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
    "json_schema_2020_12_tool": [text("Done.")],
    "test_headers": [text("Done.")],
}
NO_ARGUMENTS: Wire = {"type": "object", "properties": {}}
SCHEMAS: dict[str, Wire] = {
    "test_headers": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}
ACTING = (
    "test_tool_with_logging",
    "test_logging_tool",
    "test_tool_with_progress",
    "test_error_handling",
    "test_missing_capability",
)


def input_schema(name: str) -> Wire:
    """What a tool takes."""
    return SCHEMAS.get(name, NO_ARGUMENTS)


async def list_tools(context: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
    """All tools."""
    names = [*ANSWERS, *ACTING, *ASKING]
    return ListToolsResult(
        tools=[Tool(name=name, description="For the suite.", input_schema=input_schema(name)) for name in names]
    )


async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
    """Run one tool."""
    name = params.name
    if name in ANSWERS:
        return CallToolResult.model_validate({"content": ANSWERS[name]})
    if name in ASKING:
        return run_asking(context, params)
    if name in {"test_tool_with_logging", "test_logging_tool"}:
        return await _log(context)
    if name == "test_tool_with_progress":
        return await _progress(context)
    if name == "test_error_handling":
        return CallToolResult(content=say("This tool intentionally returns an error.").content, is_error=True)
    if name == "test_missing_capability":
        return _require_sampling(context)
    raise MCPError(INVALID_PARAMS, "There is no such tool.")


async def _log(context: Context) -> CallToolResult:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await context.session.send_log_message("info", words, related_request_id=context.request_id)  # pyright: ignore[reportDeprecated]
        await anyio.sleep(0.05)
    return say("Logged.")


async def _progress(context: Context) -> CallToolResult:
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100)
        await anyio.sleep(0.05)
    return say("Done.")


def _require_sampling(context: Context) -> CallToolResult:
    able = context.session.client_capabilities
    if able is None or able.sampling is None:
        needed: Wire = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "The client must declare sampling.", needed)
    return say("The client can sample.")
