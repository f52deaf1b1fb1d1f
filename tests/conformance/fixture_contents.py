"""Texts, pictures, resources and prompts that the conformance suite asks for by name."""

import re
import struct
import zlib
from base64 import b64encode
from typing import Any

from fixture_inputs import ask, elicit
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

Context = ServerRequestContext[Any, Any]
Wire = dict[str, Any]


def make_png() -> str:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")), chunk(b"IEND", b"")
    return b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def make_wav() -> str:
    """One sample of silence."""
    layout = struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    inner = b"WAVEfmt " + layout + b"data" + struct.pack("<I", 1) + b"\x80\0"
    return b64encode(b"RIFF" + struct.pack("<I", len(inner)) + inner).decode()


PNG: Wire = {"type": "image", "data": make_png(), "mimeType": "image/png"}
RESOURCES: dict[str, Wire] = {
    "test://static-text": {"mimeType": "text/plain", "text": "This is the content of the static text resource."},
    "test://static-binary": {"mimeType": "image/png", "blob": PNG["data"]},
    "test://watched-resource": {"mimeType": "text/plain", "text": "Watched."},
}
PROMPTS: dict[str, list[str]] = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": ["arg1", "arg2"],
    "test_prompt_with_embedded_resource": ["resourceUri"],
    "test_prompt_with_image": [],
    "test_input_required_result_prompt": [],
}
_TEMPLATE = re.compile(r"test://template/([^/]+)/data")


def text(words: str) -> Wire:
    """A text block."""
    return {"type": "text", "text": words}


def embedded(uri: str, mime_type: str, words: str) -> Wire:
    """A resource inside another answer."""
    return {"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": words}}


async def list_resources(context: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
    """All resources."""
    found = [
        {"uri": uri, "name": uri.rsplit("/", 1)[1], "description": "A resource.", "mimeType": content["mimeType"]}
        for uri, content in RESOURCES.items()
    ]
    return ListResourcesResult.model_validate({"resources": found})


async def list_templates(context: Context, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
    """The one template."""
    template = {"uriTemplate": "test://template/{id}/data", "name": "template", "description": "A template."}
    return ListResourceTemplatesResult.model_validate({"resourceTemplates": [template]})


async def read_resource(context: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
    """One resource, by its address or from the template."""
    uri = str(params.uri)
    content = RESOURCES.get(uri)
    if match := _TEMPLATE.fullmatch(uri):
        words = f'{{"id":"{match[1]}","templateTest":true,"data":"Data for ID: {match[1]}"}}'
        content = {"mimeType": "application/json", "text": words}
    if content is None:
        raise MCPError(INVALID_PARAMS, "There is no such resource.", {"uri": uri})
    return ReadResourceResult.model_validate({"contents": [{"uri": uri, **content}]})


async def subscribe(context: Context, params: SubscribeRequestParams) -> EmptyResult:
    """Taken; nothing here ever changes."""
    return EmptyResult()


async def unsubscribe(context: Context, params: UnsubscribeRequestParams) -> EmptyResult:
    """Taken as well."""
    return EmptyResult()


async def list_prompts(context: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
    """All prompts."""
    found = [
        {
            "name": name,
            "description": "A prompt.",
            "arguments": [
                {"name": argument, "description": "An argument.", "required": True} for argument in arguments
            ],
        }
        for name, arguments in PROMPTS.items()
    ]
    return ListPromptsResult.model_validate({"prompts": found})


async def get_prompt(context: Context, params: GetPromptRequestParams) -> GetPromptResult | InputRequiredResult:
    """One prompt, filled in."""
    given = params.arguments or {}
    if params.name not in PROMPTS:
        raise MCPError(INVALID_PARAMS, "There is no such prompt.")
    if params.name == "test_input_required_result_prompt" and not (params.input_responses or {}).get("user_context"):
        return ask({"user_context": elicit("What context should the prompt use?", "context")})
    blocks: dict[str, list[Wire]] = {
        "test_simple_prompt": [text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments": [
            text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")
        ],
        "test_prompt_with_embedded_resource": [
            embedded(given.get("resourceUri", ""), "text/plain", "Embedded resource content for testing."),
            text("Please process the embedded resource above."),
        ],
        "test_prompt_with_image": [PNG, text("Please analyze the image above.")],
        "test_input_required_result_prompt": [text("The context was given.")],
    }
    messages = [{"role": "user", "content": block} for block in blocks[params.name]]
    return GetPromptResult.model_validate({"messages": messages})


async def complete(context: Context, params: CompleteRequestParams) -> CompleteResult:
    """Nothing comes to mind."""
    return CompleteResult.model_validate({"completion": {"values": [], "total": 0, "hasMore": False}})
