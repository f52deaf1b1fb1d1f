"""How a page is made: one environment, one layout, one style sheet, and headers that close it to the outside."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from shortmcp.faces.pages import texts

NO_FORMS = "form-action 'none'"
# Directions that reorder what stands around them: a title must not be able to dress up the page's own words.
_REORDERING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_PACKAGE = "shortmcp.faces.pages"
TEMPLATES = files(_PACKAGE) / "templates"
_STYLE = (TEMPLATES / "page.css").read_text(encoding="utf-8")
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_MARK = "data:image/svg+xml;base64," + b64encode((TEMPLATES / "mark.svg").read_bytes()).decode()
_OURS = {"style": _STYLE, "mark": _MARK, "texts": texts}
_POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Page:
    """A page that is ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def render(template: str, status: int, values: Mapping[str, Any], *policies: str, indexed: bool = False) -> Page:
    """A page from a template in `templates/`; `policies` are directives beside those that all pages share.

    Only an `indexed` one may be shown by search engines. Caching is forbidden by whoever sends it, as for every answer
    to a visitor.
    """
    body = _ENVIRONMENT.get_template(template).render(_OURS, indexed=indexed, **values).encode()
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(body)),
        "content-security-policy": "; ".join([_POLICY, *policies]),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        **({} if indexed else {"x-robots-tag": "noindex"}),
        "referrer-policy": "no-referrer",
    }
    return Page(status, [(name.encode(), value.encode()) for name, value in headers.items()], body)


def _without_reordering(value: Any) -> Any:
    return value.translate(_REORDERING) if isinstance(value, str) else value


def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_reordering,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for template in environment.list_templates(extensions=["html"]):
        environment.get_template(template)
    return environment


# Compiled when a server starts and not by its first visitor, who would make everybody wait.
_ENVIRONMENT = _make_environment()
