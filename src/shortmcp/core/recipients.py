"""Recipients of reports: each address of a workspace is asked once, and gets none until it has said yes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Column, Connection, UniqueConstraint, bindparam, text
from sqlmodel import Field, SQLModel

from shortmcp.core.addresses import check_address
from shortmcp.core.fields import Moment, to_microseconds
from shortmcp.core.jobs import enqueue

INVITE: Final = "report_invitation"
# A second mail to who has not answered: only where somebody names the address anew, and not before.
ASK_AGAIN: Final = timedelta(days=30)


class ReportContact(SQLModel, table=True):
    """An address that a workspace wants to send reports to, in lower case.

    It gets them where it has confirmed and its mail server has not refused it since. Who has declined is not asked
    again. The row outlives the projects that named the address: a no must not be forgotten.
    """

    __tablename__ = "report_contacts"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (UniqueConstraint("workspace_id", "address"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    workspace_id: int
    address: str = Field(index=True)
    invited_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    declined_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))
    refused_at: datetime | None = Field(default=None, sa_column=Column(Moment, nullable=True))

    @property
    def gets_reports(self) -> bool:
        """Whether mails go there, if its project is not one that it has had enough of."""
        return self.confirmed_at is not None and self.declined_at is None and self.refused_at is None


class ReportOptOut(SQLModel, table=True):
    """A project whose reports a recipient does not want any more."""

    __tablename__ = "report_opt_outs"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    contact_id: int = Field(primary_key=True)
    project_id: int = Field(primary_key=True, index=True)


def read_recipients(*fields: str | None) -> list[str]:
    """The addresses in recipients' fields, each once, as contacts have them."""
    given = (address.strip() for field in fields for address in (field or "").split(","))
    return list(dict.fromkeys(check_address(address).lower() for address in given if address))


def expect_recipients(
    connection: Connection, workspace_id: int, project_id: int, addresses: Sequence[str], now: datetime
) -> None:
    """Have those addresses asked, for the sake of a project, who have not been asked by the workspace yet."""
    if not addresses:
        return
    rows = [{"workspace": workspace_id, "address": address} for address in addresses]
    connection.execute(_ADD, rows)
    values = {
        "workspace": workspace_id,
        "addresses": list(addresses),
        "before": to_microseconds(now - ASK_AGAIN),
    }
    for contact_id in connection.execute(_TO_ASK, values).scalars().all():
        payload = {"contact": contact_id, "project": project_id}
        enqueue(connection, INVITE, payload, now, dedupe_key=f"{INVITE} {contact_id}", workspace_id=workspace_id)


def note_invitation(connection: Connection, contact_id: int, invited_at: int | None) -> None:
    """Note when somebody was asked, in microseconds since 1970; None takes it back."""
    connection.execute(
        text("UPDATE report_contacts SET invited_at = :invited_at, refused_at = NULL WHERE id = :contact"),
        {"contact": contact_id, "invited_at": invited_at},
    )


def refuse_contact(connection: Connection, contact_id: int, now: datetime) -> None:
    """Send nothing more to an address that its mail server refuses for good, until somebody there says yes again."""
    connection.execute(
        text("UPDATE report_contacts SET refused_at = :now WHERE id = :contact"),
        {"contact": contact_id, "now": to_microseconds(now)},
    )


def forget_recipients(connection: Connection, project_id: int) -> None:
    """Forget who has had enough of a project that is deleted."""
    connection.execute(text("DELETE FROM report_opt_outs WHERE project_id = :project"), {"project": project_id})


_ADD = text(
    "INSERT INTO report_contacts (workspace_id, address) VALUES (:workspace, :address) "
    "ON CONFLICT (workspace_id, address) DO NOTHING"
)
_AMONG = "workspace_id = :workspace AND address IN :addresses"
_TO_ASK = text(
    f"SELECT id FROM report_contacts WHERE {_AMONG} AND confirmed_at IS NULL AND declined_at IS NULL "  # noqa: S608
    "AND (invited_at IS NULL OR invited_at < :before) ORDER BY id"
).bindparams(bindparam("addresses", expanding=True))
