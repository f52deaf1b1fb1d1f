"""Clicks that are shown as they come in: whatever happens to them there, nobody waits and nothing is raised."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from shortmcp.clicks.enrich import Click
from shortmcp.clicks.live import STEP, WAITING, LiveClicks


def click(number: int) -> Click:
    return Click(number, 0, False, *["x"] * 11)


def clicks(number: int) -> list[Click]:
    return [click(one) for one in range(number)]


def test_clicks_are_sent_in_their_order_some_at_a_time() -> None:
    sent: list[list[int]] = []
    live = LiveClicks(lambda batch: sent.append([one["link_id"] for one in batch]))
    live.run()
    live.add(clicks(STEP + 1))
    live.run()
    live.run()
    assert sent == [list(range(STEP)), [STEP]]
    assert live.dropped == 0


def test_too_many_clicks_and_those_that_nobody_takes_are_counted_as_dropped() -> None:
    def refuse(_: Sequence[Mapping[str, Any]]) -> None:
        raise ConnectionError

    live = LiveClicks(refuse)
    live.add(clicks(WAITING + 3))
    assert live.dropped == 3
    with pytest.raises(ConnectionError):
        live.run()
    assert live.dropped == 3 + STEP
