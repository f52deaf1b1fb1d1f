"""The rules for what a link is made of, alike when it is created and when it is changed."""

from typing import Any, TypeVar
from urllib.parse import urlsplit

from shortmcp.core.context import Context
from shortmcp.core.destinations import normalize_destination
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.links.models import LinkCreate, LinkUpdate
from shortmcp.core.links.tables import Link
from shortmcp.core.passwords import hash_password
from shortmcp.core.totals import read_total

Given = TypeVar("Given", LinkCreate, LinkUpdate)
WEB = ("https", "http")


def hash_new_password(given: Given) -> Given:
    """`given` with its password replaced by the hash; done before the transaction, which must be short."""
    return given.model_copy(update={"password": hash_password(given.password)}) if given.password else given


def checked_fields(ctx: Context, given: LinkCreate | LinkUpdate, fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` of `given` as the table keeps them; refuses destinations that no link may have, and masks by plan."""
    if "password" in fields:
        fields["password_hash"] = fields.pop("password")
    for name in ("original_url", "redirect_url", "og_image"):
        if fields.get(name) is not None:
            fields[name] = normalize_destination(name, fields[name], ctx.site.own_origins)
    if fields.get("og_image") is not None and not is_web(fields["og_image"]):
        raise invalid("og_image", "`og_image` must begin with https:// or http://.")
    if given.mask and not ctx.caller.plan.mask:
        raise OperationError(
            Code.PLAN_LIMIT,
            f"The plan `{ctx.caller.plan.name}` does not allow masks: leave `mask` out.",
            field="mask",
            hint="Move to a larger plan.",
        )
    return fields


def check_mask(link: Link) -> None:
    """Refuse a mask over what is no page."""
    if link.mask and not is_web(link.original_url):
        raise invalid("mask", "`mask` needs a destination that begins with https:// or http://.")


def start_counting(ctx: Context, link: Link, max_clicks: int | None) -> int:
    """What `used_clicks` begins with when a link gets a limit: the clicks that it has had."""
    if link.max_clicks is not None or max_clicks is None:
        return link.used_clicks
    return read_total(ctx, link.id or 0).clicks


def is_web(url: str) -> bool:
    """Whether a destination, as it is stored, is a page and no mail or phone call."""
    return urlsplit(url).scheme in WEB
