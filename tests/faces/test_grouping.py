"""Clicks of one turn of the loop are written together, and nobody is answered before that."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from shortmcp.faces.grouping import MOST, Group


class Diary:
    """What was done, in its order; also the connection that is answered."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def write_all(self, payloads: Sequence[bytes]) -> None:
        self.entries.append(list(payloads))

    def write(self, answer: bytes) -> None:
        self.entries.append(answer)


async def test_a_turn_of_the_loop_makes_one_write_and_then_the_answers_in_their_order() -> None:
    diary, loop = Diary(), asyncio.get_running_loop()
    group = Group(diary.write_all)
    for number in range(3):
        group.add(loop, b"click %d" % number, cast("Any", diary), b"answer %d" % number)
    assert diary.entries == []
    await asyncio.sleep(0)
    assert diary.entries == [[b"click 0", b"click 1", b"click 2"], b"answer 0", b"answer 1", b"answer 2"]
    group.add(loop, b"click 3", cast("Any", diary), b"answer 3")
    await asyncio.sleep(0)
    assert diary.entries[4:] == [[b"click 3"], b"answer 3"]


async def test_what_is_sent_before_its_turn_is_not_sent_again() -> None:
    diary, loop = Diary(), asyncio.get_running_loop()
    group = Group(diary.write_all)
    group.add(loop, b"click", cast("Any", diary), b"answer")
    group.send()
    await asyncio.sleep(0)
    assert diary.entries == [[b"click"], b"answer"]


async def test_a_crowd_does_not_wait_for_its_last_one() -> None:
    diary, loop = Diary(), asyncio.get_running_loop()
    group = Group(diary.write_all)
    for number in range(MOST + 1):
        group.add(loop, b"%d" % number, cast("Any", diary), b"")
    assert len(diary.entries[0]) == MOST
    assert diary.entries[1:] == [b""] * MOST
    await asyncio.sleep(0)
    assert diary.entries[-2:] == [[b"%d" % MOST], b""]
