"""Mails to owners whose plan runs out: at 80 % and at 100 % of each limit, once a month, and never for nothing."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from calls import at_once, make_link, make_paste
from factories import Server
from shortmcp.adapters.database import Database, SqlWork
from shortmcp.catalog import CATALOG
from shortmcp.core.context import Caller, Scope, Site
from shortmcp.core.errors import OperationError
from shortmcp.core.plans import Plan
from shortmcp.core.quotas import tell_of_calls
from shortmcp.core.usage import Meter

JUNE = datetime(2026, 6, 7, 14, 30, tzinfo=UTC)
JULY = JUNE + timedelta(24)
PLAN = Plan(name="tiny", projects=5, links=5, pastes=5, calls_per_month=10)
SITE = Site("https://sho.rt", frozenset(), {"tiny": PLAN})
OPERATIONS = {operation.name: operation for operation in CATALOG}


@pytest.fixture
def database(database: Database) -> Database:
    """A workspace with an owner's address and a token."""
    with database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO workspaces (id, name, slug, plan, created_at, owner_email) "
                "VALUES (1, 'Main', 'main', 'tiny', 0, 'ann@example.com')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO tokens (id, workspace_id, name, scope, digest, created_at) "
                "VALUES (7, 1, 'nightly', 'read_write', '', 0)"
            )
        )
    return database


def perform(database: Database, operation: str, now: datetime = JUNE, **fields: object) -> str:
    """Run an operation of the workspace; returns what names what it made."""
    work = SqlWork(database, SITE, Meter(), lambda _: None, clock=lambda: now)
    made = OPERATIONS[operation].perform(work, Caller(1, 7, Scope.WRITE, PLAN), fields)
    return "" if made is None else str(getattr(made, "paste_code", made.id))


def subjects(database: Database) -> list[str]:
    """The subjects of all mails so far."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT payload FROM jobs WHERE kind = 'mail' ORDER BY id")).scalars()
        return [json.loads(row)["subject"] for row in rows]


def set_owner(database: Database, address: str | None) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE workspaces SET owner_email = :address"), {"address": address})


def count_calls(database: Database, calls: int, now: datetime = JUNE) -> None:
    """Count calls of the token, as a web process does each second."""
    with database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO api_calls (token_id, month, calls) VALUES (7, :month, :calls) "
                "ON CONFLICT (token_id, month) DO UPDATE SET calls = excluded.calls"
            ),
            {"month": f"{now:%Y-%m}", "calls": calls},
        )
        tell_of_calls(connection, SITE.plans, {7}, now)


def test_an_owner_is_told_at_80_percent_and_when_all_is_used(database: Database) -> None:
    seen = list[int]()
    for number in range(5):
        perform(database, "create_paste", content=f"paste {number}")
        seen.append(len(subjects(database)))
    assert seen == [0, 0, 0, 1, 2]
    assert subjects(database) == ["80 % of the pastes of your plan are used", "All pastes of your plan are used"]
    with database.read() as connection:
        payload = connection.execute(text("SELECT payload FROM jobs ORDER BY id LIMIT 1")).scalar_one()
    mail = json.loads(payload)
    assert mail["to"] == "ann@example.com"
    assert "4 of the 5 pastes that the plan tiny allows are used." in mail["text"]


def test_whoever_stays_at_a_limit_is_told_once_a_month(database: Database) -> None:
    codes = [perform(database, "create_paste", content="x") for _ in range(5)]
    for _ in range(3):
        perform(database, "delete_paste", paste_code=codes.pop())
        codes.append(perform(database, "create_paste", content="x"))
    assert len(subjects(database)) == 2
    perform(database, "delete_paste", JULY, paste_code=codes.pop())
    perform(database, "create_paste", JULY, content="x")
    assert subjects(database)[2:] == ["All pastes of your plan are used"]


def test_each_limit_has_mails_of_its_own(database: Database) -> None:
    for number in range(5):
        perform(database, "create_project", name=f"Project {number}")
    for number in range(4):
        perform(
            database, "create_short_link", project="project-0", original_url="https://example.com", title=f"{number}"
        )
    assert subjects(database) == [
        "80 % of the projects of your plan are used",
        "All projects of your plan are used",
        "80 % of the short links of your plan are used",
    ]


def test_what_is_refused_or_rolled_back_mails_nobody(database: Database) -> None:
    for number in range(3):
        perform(database, "create_project", name=f"Project {number}")
    with pytest.raises(OperationError, match="already taken"):
        perform(database, "create_project", name="Fourth", slug="project-0")
    assert subjects(database) == []
    perform(database, "create_project", name="Fourth")
    assert len(subjects(database)) == 1


def test_without_an_owner_s_address_nothing_is_lost(database: Database) -> None:
    set_owner(database, None)
    for _ in range(4):
        perform(database, "create_paste", content="x")
    assert subjects(database) == []
    set_owner(database, "ann@example.com")
    perform(database, "create_paste", content="x")
    assert subjects(database) == ["All pastes of your plan are used"]


def test_a_token_s_calls_are_told_by_its_name(database: Database) -> None:
    counts = list[int]()
    for calls in (7, 8, 9, 10, 10):
        count_calls(database, calls)
        counts.append(len(subjects(database)))
    assert counts == [0, 1, 1, 2, 2]
    assert subjects(database)[1] == "All API calls of this month of your plan are used"
    with database.read() as connection:
        payload = connection.execute(text("SELECT payload FROM jobs ORDER BY id LIMIT 1")).scalar_one()
    assert "the API refuses the token nightly until the next month begins" in json.loads(payload)["text"]
    count_calls(database, 8, JULY)
    assert len(subjects(database)) == 3


def test_many_at_once_are_one_mail_each(server: Server) -> None:
    access = server.open_workspace(plan="basic")
    with server.client(access) as client:
        project = client.get("/projects").json()["data"][0]["id"]
        with server.node.database.write() as connection:
            connection.execute(
                text("UPDATE workspaces SET owner_email = 'ann@example.com' WHERE id = :id"),
                {"id": access.workspace_id},
            )
            # Kept where a mail that was sent would be gone.
            connection.execute(text("DELETE FROM quota_mails"))
        answers = at_once(*[lambda: client.post("/projects", json={"name": "Another"})] * 12)
        assert sorted(answer.status_code for answer in answers) == [201] * 9 + [422] * 3
        make_link(client, project=str(project))
        make_paste(client)
    with server.node.database.read() as connection:
        told = connection.execute(text("SELECT quota, percent FROM quota_mails")).all()
        mails = connection.execute(text("SELECT mails FROM mail_days")).scalars().all()
    assert ([tuple(row) for row in told], mails) == ([("projects", 100)], [2])
