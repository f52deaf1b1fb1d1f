"""Watching masked pages: their owners are told when a page begins to forbid that it is shown in a frame."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import Boolean, text
from sqlmodel import col, select

from shortmcp.core.context import OPERATOR, Context, Scope, Work
from shortmcp.core.fields import Moment, to_microseconds
from shortmcp.core.framing import forbids_framing, origin_of
from shortmcp.core.jobs import Claimed, Failure, Postpone, enqueue
from shortmcp.core.links.checks import CHECK_MASK, MaskCheck, digest_of, expect_again
from shortmcp.core.links.safety import Read
from shortmcp.core.links.tables import Link
from shortmcp.core.mails import Letter, mail_owner

log = structlog.get_logger("shortmcp.masks")
WATCH: Final = "watch_masks"
# Nothing is tried again before its next round: a page that cannot be reached tells nothing.
MASK_DELAYS: Final = (60.0,)
TURN_SECONDS: Final = 30.0
# Together with the length of a turn: 57,600 pages a day, and never many at once.
LINKS_A_TURN: Final = 20
_GOOD = range(200, 300)


@dataclass(frozen=True)
class Head:
    """What a page answered with, redirects followed: `url` is where it was in the end, header names in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]


# Raises Failure where a page cannot be reached or must not be.
Fetch = Callable[[str], Head]


@dataclass(frozen=True)
class MaskWatcher:
    """Does the jobs that watch masked pages: of one link that is new or changed, and of all of them round by round."""

    fetch: Fetch
    read: Read
    work: Work
    clock: Callable[[], datetime]

    def check(self, job: Claimed) -> None:
        """Look at the page of one link. One that cannot be reached, or is not there, tells nothing."""
        with self.read() as connection:
            link = connection.execute(_ONE, {"link": job.payload["link"]}).first()
        if link is None or digest_of(link.original_url) != job.payload["digest"]:
            return
        try:
            head = self.fetch(link.original_url)
        except Failure as error:
            log.info("masked page not looked at", link=link.id, reason=str(error))
            return
        if head.status in _GOOD:
            with self.work.begin(OPERATOR, Scope.WRITE) as ctx:
                store_head(ctx, link.id, job.payload["digest"], head)

    def watch(self, job: Claimed) -> None:
        """Have the links looked at whose round is over, and ask for the next turn."""
        now = self.clock()
        with self.read() as connection:
            due = connection.execute(_DUE, {"now": to_microseconds(now), "step": LINKS_A_TURN}).all()
        if due:
            with self.work.begin(OPERATOR, Scope.WRITE) as ctx:
                connection = ctx.session.connection()
                for link in due:
                    if _works(link, now):
                        payload = {"link": link.id, "digest": digest_of(link.original_url)}
                        key = f"{CHECK_MASK} {link.id}"
                        enqueue(connection, CHECK_MASK, payload, now, dedupe_key=key, workspace_id=link.workspace_id)
                expect_again(connection, "mask_checks", [link.id for link in due], now)
        raise Postpone(TURN_SECONDS)


def store_head(ctx: Context, link_id: int, digest: str, head: Head) -> None:
    """Note whether a link's page forbids its frame, if that is still the page that was looked at.

    The owner is told when it begins to; when that has ended and begins anew, again.
    """
    link = ctx.session.exec(select(Link).where(col(Link.id) == link_id).with_for_update()).first()
    check = ctx.session.get(MaskCheck, link_id)
    if link is None or check is None or digest_of(link.original_url) != digest:
        return
    frame = origin_of(ctx.site.short_url(link.short_code, link.domain))
    breaks = forbids_framing(head.headers, origin_of(head.url), frame)
    if breaks == (check.broken_since is not None):
        return
    check.broken_since = ctx.now if breaks else None
    ctx.session.add(check)
    if breaks:
        mail_owner(ctx.session.connection(), link.workspace_id, _letter(ctx, link), ctx.now)


def _works(link: Any, now: datetime) -> bool:
    return link.is_active and link.blocked_at is None and (link.expires_at is None or link.expires_at > now)


def _letter(ctx: Context, link: Link) -> Letter:
    short_url = ctx.site.short_url(link.short_code, link.domain)
    way_out = (
        "Switch the link's `mask` off, so that they are redirected instead, or ask the page's owner to allow frames"
    )
    return Letter(
        "A masked page forbids frames",
        (
            f"The page behind {short_url} ({link.title}) no longer lets itself be shown in a frame.",
            "Its visitors find an empty frame.",
            f"{way_out} of {short_url.rpartition('/')[0]}.",
        ),
        ("See it for yourself", short_url),
    )


_ONE = text("SELECT l.id, l.original_url FROM mask_checks c JOIN links l ON l.id = c.link_id WHERE c.link_id = :link")
_DUE = text(
    "SELECT l.id, l.workspace_id, l.original_url, l.is_active, l.expires_at, l.blocked_at "
    "FROM mask_checks c JOIN links l ON l.id = c.link_id "
    "WHERE c.next_check_at <= :now ORDER BY c.next_check_at LIMIT :step"
).columns(is_active=Boolean, expires_at=Moment)
