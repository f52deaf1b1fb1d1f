"""kill -9 under load: every click that was answered is counted, and none twice."""

from pathlib import Path

from crash.harness import LOSSY, VISITORS, Instance, crash

KILLS = 3
VISITS = 400


def test_no_answered_click_is_lost_and_none_is_doubled(database_url: str, tmp_path: Path) -> None:
    result = crash(Instance(tmp_path / "instance", database_url), KILLS, VISITS)
    assert (result.lost, result.doubled) == (0, 0), result
    assert result.acked >= KILLS * VISITS
    assert 0 <= result.unanswered_recorded <= result.in_flight <= KILLS * VISITORS, result


def test_the_same_test_finds_the_losses_of_a_journal_in_memory(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/lossy.db", command=LOSSY)
    result = crash(instance, 2, VISITS)
    assert result.lost > 0, result
