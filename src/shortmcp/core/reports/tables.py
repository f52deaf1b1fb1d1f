"""What is remembered of reports: which were scheduled, which were sent, and how many mails of a workspace a day."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from shortmcp.core.fields import Moment


class SendState(StrEnum):
    """How far a report has come on its way to one recipient.

    `sending` is set just before the contents go out, `unknown` where nobody can tell whether they arrived: neither is
    ever sent again. `dropped` are those that were not wanted any more, or that the mail server refused.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    DROPPED = "dropped"


class ReportRound(SQLModel, table=True):
    """How far the reports of a cadence are scheduled: the period's first day, and the last project that had its turn.

    `project_id` is MAX_ID when all had.
    """

    __tablename__ = "report_rounds"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    cadence: str = Field(primary_key=True)
    first_day: str
    project_id: int


class ReportSend(SQLModel, table=True):
    """One report of one period to one recipient: there is only one row, so there is only one mail."""

    __tablename__ = "report_sends"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor
    __table_args__ = (Index("ix_report_sends_first_day", "first_day"),)

    project_id: int = Field(primary_key=True)
    cadence: str = Field(primary_key=True)
    first_day: str = Field(primary_key=True)
    contact_id: int = Field(primary_key=True)
    state: str
    changed_at: datetime = Field(sa_column=Column(Moment, nullable=False))


class ReportDay(SQLModel, table=True):
    """How many mails to recipients of reports a workspace caused on the UTC day of the latest one."""

    __tablename__ = "report_days"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    workspace_id: int = Field(primary_key=True)
    day: int
    mails: int
