"""The page that shows a paste."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from shortmcp.core.pastes.visits import VisitedPaste
from shortmcp.faces.pages.highlighting import count_lines, highlight
from shortmcp.faces.pages.rendering import NO_FORMS, Page, render

# The one script of all pages: without it, or where a browser has no clipboard, there is no button.
_SCRIPT = (files("shortmcp.faces.pages") / "templates" / "copy.js").read_text(encoding="utf-8")
_HASH = b64encode(sha256(_SCRIPT.encode()).digest()).decode()
_POLICY = f"script-src 'sha256-{_HASH}'"


def paste_page(paste: VisitedPaste) -> Page:
    """200: the text of a paste in its colours, with links to its lines, to the text alone and to a file of it.

    Search engines may show it, unless it is private or has a password. Links are relative to `/paste/`.
    """
    values = {
        "paste": paste,
        "heading": paste.title or paste.code,
        "code": highlight(paste.content, paste.language),
        "lines": count_lines(paste.content),
        "script": _SCRIPT,
    }
    open_to_all = not paste.is_private and paste.password_hash is None
    return render("paste.html", 200, values, _POLICY, NO_FORMS, indexed=open_to_all)
