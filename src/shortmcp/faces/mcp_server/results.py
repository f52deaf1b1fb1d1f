"""Tool results: structured content, the same as one compact text block, and images that a model can see."""

import re
from base64 import b64encode
from typing import Any, cast

import orjson
from mcp_types import CallToolResult, ContentBlock, EmbeddedResource, ImageContent, TextContent, TextResourceContents
from pydantic import BaseModel

from shortmcp.core.errors import OperationError
from shortmcp.core.lists import Page
from shortmcp.core.qr import draw_png, draw_svg
from shortmcp.core.qrcodes import QrPublic

# Control, bidirectional, zero-width, filler, variation-selector and tag characters can hide text from a person that a
# model still reads. U+FE0F stays: emoji need it, and alone it spells nothing.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def write_result(outcome: Any) -> dict[str, Any]:
    """`make_result` as JSON, its fragments written already: without the SDK's models where there is only text."""
    if isinstance(outcome, QrPublic):
        # Without what only one version of MCP has: that is for the sender to say.
        return make_result(outcome).model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"result_type"})
    structured = _write_plain(outcome) or orjson.dumps(structure(outcome))
    return {"content": [_text(structured.decode())], "isError": False, "structuredContent": orjson.Fragment(structured)}


def _write_plain(outcome: Any) -> bytes | None:
    # `structure` in one go, where no sign is hidden or escaped: nothing need be taken apart to be cleaned.
    items = cast("Page[BaseModel]", outcome).data if isinstance(outcome, Page) else [outcome]
    if not all(isinstance(item, BaseModel) for item in items):
        return None
    written = [item.model_dump_json(by_alias=True, exclude_none=True) for item in items]
    text = "\n".join(written)
    if "\\" in text or _HIDDEN.search(text):
        return None
    if not isinstance(outcome, Page):
        return orjson.dumps({"data": orjson.Fragment(written[0])})
    rest = structure(cast("Page[Any]", outcome).model_copy(update={"data": []}))
    return orjson.dumps(rest | {"data": [orjson.Fragment(item) for item in written]})


def write_refusal(error: OperationError) -> dict[str, Any]:
    """`make_refusal` as JSON."""
    return {"content": [_text(_explain(error))], "isError": True}


def make_result(outcome: Any) -> CallToolResult:
    """What an operation answered, as a tool's result."""
    structured = structure(outcome)
    content: list[ContentBlock] = [TextContent(text=orjson.dumps(structured).decode())]
    if isinstance(outcome, QrPublic):
        content = [*_pictures(outcome), *content]
    return CallToolResult(content=content, structured_content=structured)


def make_refusal(error: OperationError) -> CallToolResult:
    """A refusal: its sentences, and the hint where the next step is another tool."""
    return CallToolResult(content=[TextContent(text=_explain(error))], is_error=True)


def _explain(error: OperationError) -> str:
    sentences = [sentence for field in error.errors.values() for sentence in field] or [error.sentence]
    return " ".join([*sentences, *([error.hint] if error.hint else [])])


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def structure(outcome: Any) -> dict[str, Any]:
    """What an operation answered, as JSON without nulls and without hidden characters."""
    if outcome is None:
        return {"deleted": True}
    if isinstance(outcome, Page):
        page = cast("Page[Any]", outcome)
        answer: dict[str, Any] = {"data": [_dump(item) for item in page.data], "total": page.total}
        answer |= {} if page.total_is_exact else {"total_is_exact": False}
        return answer | ({} if page.next_cursor is None else {"next_cursor": page.next_cursor})
    return {"data": _dump(outcome)}


def _dump(model: Any) -> Any:
    fields = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    # What must come out to the last sign, such as a key that was kept: no visitor has written it.
    verbatim: frozenset[str] = getattr(model, "verbatim", frozenset())
    return {name: part if name in verbatim else _clean(part) for name, part in fields.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _HIDDEN.sub("", value)
    if isinstance(value, dict):
        return {key: _clean(part) for key, part in cast("dict[str, Any]", value).items()}
    return [_clean(part) for part in cast("list[Any]", value)] if isinstance(value, list) else value


def _pictures(code: QrPublic) -> list[ContentBlock]:
    # Always PNG for the eye, whatever format was asked for: models see no SVG.
    png = ImageContent(data=b64encode(draw_png(code.drawing)).decode(), mime_type="image/png")
    svg = TextResourceContents(
        uri=code.svg_url,
        mime_type="image/svg+xml",
        text=draw_svg(code.drawing),
    )
    return [png, EmbeddedResource(resource=svg)]
