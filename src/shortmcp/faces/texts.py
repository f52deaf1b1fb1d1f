"""Texts that somebody wrote, as they are: a browser shows them and runs nothing of them."""

from starlette.responses import Response

SAFE = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}


def answer_text(text: str) -> Response:
    """`text` as text/plain."""
    return Response(text, media_type="text/plain", headers=SAFE)
