"""Mails to people: written as jobs in the transaction of what they tell of, sent by whoever runs jobs."""

import html
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, text
from sqlmodel import Field, SQLModel

from shortmcp.core.fields import to_microseconds
from shortmcp.core.jobs import Claimed, Failure, GiveUp, enqueue

log = structlog.get_logger("shortmcp.mails")
MAIL = "mail"
# A mail server that is away for a day loses nothing: the last attempt comes after almost two.
MAIL_DELAYS = (60.0, 300.0, 900.0, 3600.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0)
OWNER_MAILS_A_DAY = 100
MAX_SUBJECT = 150
_DAY_MICROSECONDS = 86_400_000_000


class MailDay(SQLModel, table=True):
    """How many mails a workspace's owner got on the UTC day of the latest one."""

    __tablename__ = "mail_days"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    workspace_id: int = Field(primary_key=True)
    day: int
    mails: int


@dataclass(frozen=True)
class Letter:
    """What a mail says: plain text, foreign text too. `link` is the words and the address of the one thing to do."""

    subject: str
    paragraphs: tuple[str, ...]
    link: tuple[str, str] | None = None


@dataclass(frozen=True)
class Mail:
    """One mail to one person, ready to be sent. `key` is the same at each attempt and no other mail's.

    `unsubscribe` is the address that takes a one-click unsubscription (RFC 8058), of mails that one may have enough of.
    """

    key: str
    to: str
    subject: str
    text: str
    html: str
    written_at: datetime
    unsubscribe: str | None = None


class Uncertain(Failure):
    """What a mailer raises where the contents were handed over and no answer came: the mail may have arrived."""


class Refused(GiveUp):
    """What a mailer raises where the server refuses this very recipient for good."""


def _go_on() -> None:
    pass


class Mailer(Protocol):
    """Hands mails over; `delivers` is false where there is nobody to hand them to and they are only logged."""

    @property
    def delivers(self) -> bool:
        """Whether there is a mail server."""
        ...

    def send(self, mail: Mail, before_contents: Callable[[], object] = _go_on) -> None:
        """Returns once the mail is taken; Failure where it may be taken later, GiveUp where never.

        `before_contents` is called when the server has taken the recipient, just before the contents go out: the last
        moment at which it is certain that nothing has arrived. What it raises ends the attempt.
        """
        ...


def mail_owner(
    connection: Connection, workspace_id: int, letter: Letter, now: datetime, *, dedupe_key: str | None = None
) -> bool:
    """Write a mail to the owner of a workspace, to be sent after the transaction; returns whether there will be one.

    There is none where the workspace has no owner's address, where an equal one (`dedupe_key`) still waits, and past
    `OWNER_MAILS_A_DAY` a UTC day.
    """
    query = text("SELECT name, owner_email FROM workspaces WHERE id = :id")
    owner = connection.execute(query, {"id": workspace_id}).first()
    if owner is None or not owner.owner_email:
        log.info("no mail: the workspace has no owner's address", workspace=workspace_id, subject=letter.subject)
        return False
    note = f"You get this as the owner of the workspace {one_line(owner.name)}."
    payload = {"to": owner.owner_email, **render(letter, note)}
    job_id = enqueue(connection, MAIL, payload, now, dedupe_key=dedupe_key, workspace_id=workspace_id)
    if job_id is None:
        return False
    if not take_mail(connection, "mail_days", workspace_id, now, OWNER_MAILS_A_DAY):
        connection.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job_id})
        log.warning("no mail: the workspace had its mails of the day", workspace=workspace_id, subject=letter.subject)
        return False
    return True


def render(letter: Letter, note: str) -> Mapping[str, Any]:
    """`subject`, `text` and `html` of a mail; `note` says in small letters why the person gets it."""
    subject = one_line(letter.subject)[:MAX_SUBJECT]
    words, address = letter.link or ("", "")
    plain = [*letter.paragraphs, *([f"{words}:\n{address}"] if letter.link else []), f"-- \n{note}"]
    button = _BUTTON.format(words=html.escape(words), address=html.escape(address)) if letter.link else ""
    body = "\n".join(_PARAGRAPH.format(html.escape(paragraph)) for paragraph in letter.paragraphs)
    page = _PAGE.format(subject=html.escape(subject), body=body, button=button, note=html.escape(note))
    return {"subject": subject, "text": "\n\n".join(plain) + "\n", "html": page}


def take_mail(connection: Connection, table: str, workspace_id: int, now: datetime, most: int) -> bool:
    """Count one mail more of a workspace on this UTC day; false, and nothing counted, where it had `most`.

    `table` is one with the columns of `mail_days`.
    """
    values = {"workspace": workspace_id, "day": utc_day(now), "most": most}
    return most > 0 and connection.execute(text(_COUNT.format(table=table)), values).first() is not None


def utc_day(now: datetime) -> int:
    """Days since 1970 in UTC, as mails are counted."""
    return to_microseconds(now) // _DAY_MICROSECONDS


def read_mail(job: Claimed) -> Mail:
    """The mail that a job carries."""
    carried = job.payload
    key = f"job-{job.id}-{to_microseconds(job.due_at)}"
    return Mail(key, carried["to"], carried["subject"], carried["text"], carried["html"], job.due_at)


def one_line(text: str) -> str:
    """`text` fit for a mail's header, which must stay one line, whatever a title or a name holds."""
    plain = "".join(" " if unicodedata.category(character) in _NO_TEXT else character for character in text)
    return " ".join(plain.split())


# Control characters, halves of surrogate pairs, line and paragraph separators.
_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})
_COUNT = (
    "INSERT INTO {table} (workspace_id, day, mails) VALUES (:workspace, :day, 1) "
    "ON CONFLICT (workspace_id) DO UPDATE SET day = :day, "
    "mails = CASE WHEN {table}.day = :day THEN {table}.mails + 1 ELSE 1 END "
    "WHERE {table}.day <> :day OR {table}.mails < :most RETURNING mails"
)
# Styles stand in the tags: mail programs throw style sheets away.
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>{subject}</title></head>
<body style="margin:0;padding:0;background:#f5f5f3">
<div style="max-width:560px;margin:0 auto;padding:32px 24px;background:#ffffff;color:#1c1c1a;\
font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif">
<h1 style="margin:0 0 20px;font-size:20px;line-height:1.3">{subject}</h1>
{body}
{button}
<p style="margin:32px 0 0;font-size:13px;color:#6a6a64">{note}</p>
</div></body></html>
"""
_PARAGRAPH = '<p style="margin:0 0 16px">{}</p>'
_BUTTON = (
    '<p style="margin:24px 0"><a href="{address}" style="display:inline-block;padding:10px 18px;border-radius:6px;'
    'background:#1f4fbf;color:#ffffff;text-decoration:none">{words}</a></p>'
)
