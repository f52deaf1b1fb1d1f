"""Chores: each at its interval, and at once again where there is more to do."""

import pytest

from journals import eventually
from shortmcp.worker import Chore, Turn, Worker, chores


def test_a_chore_that_has_more_to_do_is_run_at_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "SOON_SECONDS", 0.0)
    turns: list[Turn | None] = [Turn.MORE, Turn.MORE, Turn.MORE, None]
    worker = Worker([Chore("count", 3600, lambda: turns.pop(0))])
    worker.start()
    eventually(lambda: not turns)
    worker.stop()
