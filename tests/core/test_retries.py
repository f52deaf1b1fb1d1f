"""What is kept of an answer: equal to it, gone after a day in steps, and nothing where nothing may lie."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import text

from shortmcp.adapters.database import Database, SqlWork
from shortmcp.catalog import CATALOG
from shortmcp.core import retries
from shortmcp.core.context import Caller, Context, Scope, Site
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.plans import DEFAULT_PLANS
from shortmcp.core.projects import count_projects
from shortmcp.core.retries import KEPT, forget_answers, keep_answer, make_attempt
from shortmcp.core.usage import Meter, NoInput
from shortmcp.core.workspaces import create_workspace
from shortmcp.operation import Effect, Operation, Route, Terms

TERMS = Terms(retry_key="order-1")
CREATE_PROJECT = next(operation for operation in CATALOG if operation.name == "create_project")


class Shown(BaseModel):
    secret: str


def draw_secret(ctx: Context, query: NoInput) -> Shown:
    """Draw a secret that is shown once."""
    return Shown(secret=f"secret-{ctx.random.random()}")


DRAW = Operation(draw_secret, "Draw", (Route("POST", "/x"),), Scope.WRITE, Effect.CREATE, keeps_answer=False)


@pytest.fixture
def work(database: Database) -> SqlWork:
    site = Site("https://sho.rt", frozenset(), DEFAULT_PLANS, key=lambda purpose: purpose.encode())
    return SqlWork(database, site, Meter(), lambda _: None)


@pytest.fixture
def caller(work: SqlWork) -> Caller:
    nobody = Caller(0, 1, Scope.WRITE, DEFAULT_PLANS["unlimited"])
    with work.begin(nobody, Scope.WRITE) as ctx:
        workspace = create_workspace(ctx, "Own", "unlimited")
    return Caller(workspace.id or 0, 1, Scope.WRITE, nobody.plan)


def test_what_was_sent_cannot_be_guessed_from_what_is_kept(work: SqlWork, caller: Caller) -> None:
    asked: dict[str, Any] = {"name": "1234"}
    CREATE_PROJECT.perform_on(TERMS, work, caller, asked)
    guessed = make_attempt(TERMS.retry_key, CREATE_PROJECT.name, asked)
    with work.begin(caller, Scope.READ) as ctx:
        kept = ctx.session.connection().execute(text("SELECT key, request FROM kept_answers")).one()
    assert (kept.key == guessed.key, kept.request == guessed.request) == (True, False)


def test_what_is_given_again_equals_what_was_given(work: SqlWork, caller: Caller) -> None:
    asked: dict[str, Any] = {"name": "Für dich 🌷", "description": "Two\nlines"}
    first = CREATE_PROJECT.perform_on(TERMS, work, caller, asked)
    again = CREATE_PROJECT.perform_on(TERMS, work, caller, dict(reversed(asked.items())))
    assert (first.is_replay, again.is_replay) == (False, True)
    assert first.output.created_at.microsecond
    assert again.output == first.output
    with work.begin(caller, Scope.READ) as ctx:
        assert count_projects(ctx) == 1


def test_an_answer_that_may_lie_nowhere_is_not_kept_and_a_retry_says_that_it_was_done(
    work: SqlWork, caller: Caller
) -> None:
    assert DRAW.perform_on(TERMS, work, caller, {}).output.secret.startswith("secret-")
    with work.begin(caller, Scope.READ) as ctx:
        assert "secret-" not in str(ctx.session.connection().execute(text("SELECT * FROM kept_answers")).all())
    assert refused(DRAW, work, caller) == (
        Code.CONFLICT,
        "This was done before under the same `idempotency_key`, and its answer is not kept: look up what it made.",
    )


def test_an_answer_that_another_version_kept_is_not_misread(work: SqlWork, caller: Caller) -> None:
    CREATE_PROJECT.perform_on(TERMS, work, caller, {"name": "x"})
    with work.begin(caller, Scope.WRITE) as ctx:
        ctx.session.connection().execute(text("""UPDATE kept_answers SET answer = '{"id": 1}'"""))
    assert refused(CREATE_PROJECT, work, caller, name="x")[0] is Code.CONFLICT


def test_answers_go_after_a_day_in_steps(work: SqlWork, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "STEP", 2)
    with work.begin(caller, Scope.WRITE) as ctx:
        now = ctx.now
        for number in range(5):
            keep_answer(ctx, make_attempt(f"old-{number}", "x", {}), "{}")
    steps = list[int]()
    for later in (KEPT - timedelta(microseconds=1), KEPT, KEPT, KEPT, KEPT):
        with work.begin(caller, Scope.WRITE) as ctx:
            steps.append(forget_answers(ctx.session, now + later))
    assert steps == [0, 2, 2, 1, 0]


def test_a_step_leaves_what_is_younger(work: SqlWork, caller: Caller) -> None:
    with work.begin(caller, Scope.WRITE) as ctx:
        keep_answer(ctx, make_attempt("young", "x", {}), "{}")
        assert forget_answers(ctx.session, ctx.now + KEPT / 2) == 0


def refused(operation: Operation, work: SqlWork, caller: Caller, **asked: Any) -> tuple[Code, str]:
    with pytest.raises(OperationError) as refusal:
        operation.perform_on(TERMS, work, caller, asked)
    return refusal.value.code, refusal.value.sentence
