"""The pages of a secret: one that says that there is one, and one that shows what it was."""

from base64 import b64encode
from hashlib import sha256

from markupsafe import escape

from shortmcp.core.secrets.models import SecretFront, SecretRevealed
from shortmcp.faces.pages import texts
from shortmcp.faces.pages.password import Problem, TooManyTries, WrongPassword, words_of
from shortmcp.faces.pages.rendering import TEMPLATES, Page, render

OWN_FORMS = "form-action 'self'"
_SCRIPT = (TEMPLATES / "unseal.js").read_text(encoding="utf-8")
_SCRIPT_POLICY = f"script-src 'sha256-{b64encode(sha256(_SCRIPT.encode()).digest()).decode()}'"


class Verbatim:
    """Text that is shown to the last sign, where a page would leave some out."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __html__(self) -> str:
        """The text as HTML; a bare carriage return would be read as a line feed."""
        return str(escape(self._text)).replace("\r", "&#13;")


def secret_page(action: str, front: SecretFront, problem: Problem | None = None) -> Page:
    """A form that posts the field `passphrase`, if the secret has one, to `action`, a path of this server.

    200 without a problem, 403 for a wrong passphrase, 429 with `Retry-After` for too many tries. Where the secret was
    encrypted by whoever shared it, a script posts the form and decrypts the answer with the key in the URL's fragment.
    """
    values = {
        "action": action,
        "front": front,
        "problem": words_of(problem, texts.SEALED_WRONG),
        "is_wrong": isinstance(problem, WrongPassword),
        "script": _SCRIPT,
    }
    policies = [OWN_FORMS, *([_SCRIPT_POLICY, "connect-src 'self'"] if front.client_encrypted else [])]
    if isinstance(problem, TooManyTries):
        page = render("secret.html", 429, values, *policies)
        page.headers.append((b"retry-after", b"%d" % problem.retry_after))
        return page
    return render("secret.html", 200 if problem is None else 403, values, *policies)


def opened_secret_page(opened: SecretRevealed, front: SecretFront) -> Page:
    """200: the content, for the first and, it may be, for the last time."""
    values = {
        "content": Verbatim(opened.content),
        "is_encrypted": front.client_encrypted,
        "rest": texts.uses_left(opened.remaining_uses),
    }
    return render("opened.html", 200, values, "form-action 'none'")
