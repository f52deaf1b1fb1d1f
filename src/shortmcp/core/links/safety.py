"""Whether links lead to where nobody should go: what lists and services say of it, and what follows from that."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from sqlalchemy import Boolean, Connection, text
from sqlmodel import col, select

from shortmcp.core.context import OPERATOR, Context, Scope, Work
from shortmcp.core.domains import qualify
from shortmcp.core.events.announcing import Event, announce
from shortmcp.core.fields import Moment, to_microseconds
from shortmcp.core.jobs import Claimed, Failure, Postpone
from shortmcp.core.links.checks import Safety, digest_of, expect_again
from shortmcp.core.links.public import show_link
from shortmcp.core.links.rules import is_web
from shortmcp.core.links.tables import Link
from shortmcp.core.mails import Letter, mail_owner

log = structlog.get_logger("shortmcp.safety")
RECHECK: Final = "recheck_destinations"
# A provider that is away for longer finds the link in a later round.
CHECK_DELAYS: Final = (10.0, 60.0, 300.0, 1800.0, 7200.0)
# Links that are looked at again ask services so often, besides those that are new.
REMOTE_RECHECKS_A_DAY: Final = 2000
TURN_SECONDS: Final = 86_400 / REMOTE_RECHECKS_A_DAY
# Lists lie in memory: with so many links a turn, two million links are looked at a day.
LINKS_A_TURN: Final = 1000
Read = Callable[[], AbstractContextManager[Connection]]


class SafetyProvider(Protocol):
    """Somebody who knows unsafe URLs."""

    @property
    def name(self) -> str:
        """As people know it."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it answers from memory; asking others costs time and a quota."""
        ...

    def is_ready(self) -> bool:
        """Whether it has anything to say at all; a list that is empty or not there has not."""
        ...

    def look_up(self, url: str) -> str:
        """The kind of threat that it knows behind an http(s) URL, in a word or two of ours; empty where none.

        Raises Failure where it did not answer, or not as it should.
        """
        ...


@dataclass(frozen=True)
class Verdict:
    """What the providers say together. `failure` tells why it stayed open; it is empty where nobody was asked."""

    safety: Safety
    provider: str | None = None
    threat: str = ""
    failure: str = ""


def judge(providers: Iterable[SafetyProvider], urls: Collection[str]) -> Verdict:
    """One threat is enough to be unsafe; safe is what every provider has answered for."""
    verdict = Verdict(Safety.UNCHECKED)
    failure = ""
    for provider in providers:
        for url in urls if provider.is_ready() else ():
            try:
                threat = provider.look_up(url)
            except Failure as error:
                failure = failure or f"{provider.name}: {error}"
                break
            if threat:
                return Verdict(Safety.UNSAFE, provider.name, threat)
            verdict = Verdict(Safety.SAFE)
    return Verdict(Safety.UNCHECKED, failure=failure) if failure else verdict


def store_verdict(ctx: Context, link_id: int, digest: str, verdict: Verdict) -> None:
    """Apply a verdict to a link that still leads where it led when it was checked; its owner is told what changes.

    `digest` is that of the destinations that were checked.
    """
    link = ctx.session.exec(select(Link).where(col(Link.id) == link_id).with_for_update()).first()
    if link is None or digest_of(link.original_url, link.redirect_url) != digest:
        return
    was_blocked, blocks = link.blocked_at is not None, verdict.safety is Safety.UNSAFE
    link.safety = verdict.safety.value
    if was_blocked != blocks:
        link.blocked_at = ctx.now if blocks else None
        ctx.changed_codes.add(qualify(link.domain, link.short_code))
        letter = _blocked_letter(ctx, link, verdict) if blocks else _unblocked_letter(ctx, link)
        mail_owner(ctx.session.connection(), link.workspace_id, letter, ctx.now)
        if blocks:
            shown = {"link": show_link(ctx, link), "threat": verdict.threat, "provider": verdict.provider}
            announce(
                ctx,
                Event.LINK_BLOCKED,
                shown,
                workspace_id=link.workspace_id,
                project_id=link.project_id,
                link_id=link_id,
            )
    ctx.session.add(link)
    values = {"link": link_id, "provider": verdict.provider, "now": to_microseconds(ctx.now)}
    ctx.session.connection().execute(_STORE, values)


@dataclass(frozen=True)
class DestinationChecker:
    """Does the jobs that check destinations: of one link that is new or changed, and of all of them round by round.

    A provider that does not answer changes nothing: what was unchecked stays so, what was blocked too.
    """

    providers: Sequence[SafetyProvider]
    read: Read
    work: Work
    clock: Callable[[], datetime]

    def check(self, job: Claimed) -> None:
        """Check one link. Raises Failure where a provider does not answer, but for the last time."""
        with self.read() as connection:
            link = connection.execute(_ONE, {"link": job.payload["link"]}).first()
        if link is None or digest_of(link.original_url, link.redirect_url) != job.payload["digest"]:
            return
        verdict = judge(self.providers, _web_urls(link))
        if not verdict.failure:
            self._store_news(link, verdict)
        elif job.attempt <= len(CHECK_DELAYS):
            raise Failure(verdict.failure)
        else:
            log.warning("destination stays unchecked", link=link.id, reason=verdict.failure)

    def recheck(self, job: Claimed) -> None:
        """Look at the links whose round is over, and ask for the next turn.

        What lies in memory is asked about all of them, services about the one that they were last asked about.
        """
        now = self.clock()
        with self.read() as connection:
            due = connection.execute(_DUE, {"now": to_microseconds(now), "step": LINKS_A_TURN}).all()
        working = [link for link in due if link.is_active and (link.expires_at is None or link.expires_at > now)]
        local = [provider for provider in self.providers if provider.is_local]
        asks_services = any(not provider.is_local for provider in self.providers)
        chosen = min(working, key=lambda link: link.checked_at or 0, default=None) if asks_services else None
        for link in working:
            asks_all = not asks_services or link is chosen
            verdict = judge(self.providers if asks_all else local, _web_urls(link))
            # Whom only some were asked about may turn out unsafe, but not safe.
            if (asks_all or verdict.safety is Safety.UNSAFE) and not verdict.failure:
                self._store_news(link, verdict, always=link is chosen)
        if due:
            with self.work.begin(OPERATOR, Scope.WRITE) as ctx:
                expect_again(ctx.session.connection(), "link_checks", [link.id for link in due], now)
        raise Postpone(TURN_SECONDS)

    def _store_news(self, link: Any, verdict: Verdict, *, always: bool = False) -> None:
        if always or verdict.safety.value != link.safety:
            with self.work.begin(OPERATOR, Scope.WRITE) as ctx:
                store_verdict(ctx, link.id, digest_of(link.original_url, link.redirect_url), verdict)


def _web_urls(link: Any) -> list[str]:
    return [url for url in (link.original_url, link.redirect_url) if url is not None and is_web(url)]


def _blocked_letter(ctx: Context, link: Link, verdict: Verdict) -> Letter:
    found = f"{_name(ctx, link)} leads to a page that is suspected to be unsafe: {verdict.threat}, according to "
    way_out = "Give the link another destination, or delete it. If the warning is wrong, ask those who gave it to take "
    return Letter(
        "A short link was blocked",
        (
            f"{found}{verdict.provider}.",
            "Its visitors see a page that says so and do not get there.",
            f"{way_out}it back: then the link works again by itself.",
        ),
    )


def _unblocked_letter(ctx: Context, link: Link) -> Letter:
    reason = "was blocked because its destination was suspected to be unsafe. The warning was taken back"
    return Letter("A short link works again", (f"{_name(ctx, link)} {reason}, and the link leads there again.",))


def _name(ctx: Context, link: Link) -> str:
    return f"{ctx.site.short_url(link.short_code, link.domain)} ({link.title})"


_ONE = text("SELECT id, original_url, redirect_url, safety FROM links WHERE id = :link")
_DUE = text(
    "SELECT l.id, l.original_url, l.redirect_url, l.safety, l.is_active, l.expires_at, c.checked_at "
    "FROM link_checks c JOIN links l ON l.id = c.link_id "
    "WHERE c.next_check_at <= :now ORDER BY c.next_check_at LIMIT :step"
).columns(is_active=Boolean, expires_at=Moment)
_STORE = text("UPDATE link_checks SET provider = :provider, checked_at = :now WHERE link_id = :link")
