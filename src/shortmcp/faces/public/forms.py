"""What visitors send with a form: small, and waited for with an end."""

from urllib.parse import parse_qsl

from anyio import move_on_after

from shortmcp.faces.public.requests import Request

MAX_FORM = 4096
FORM_SECONDS = 20.0


async def read_field(request: Request, name: str) -> str:
    """One field of the posted form; empty where it is not there, or where that is no form."""
    form = await _read_form(request)
    try:
        fields = parse_qsl(form.decode("ascii"), encoding="utf-8", errors="strict", max_num_fields=10)
    except ValueError:
        return ""
    return dict(fields).get(name, "")


async def _read_form(request: Request) -> bytes:
    form = b""
    with move_on_after(FORM_SECONDS):
        while True:
            message = await request.receive()
            form += message.get("body", b"")
            if not message.get("more_body") or len(form) > MAX_FORM:
                return form[:MAX_FORM]
    return b""
