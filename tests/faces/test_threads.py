"""The crew of threads that operations run in: what it owes to those who wait for them."""

import asyncio
from collections.abc import AsyncGenerator
from threading import Event, get_ident
from threading import enumerate as all_threads

import pytest

from shortmcp.faces.threads import THREADS, Crew

pytestmark = pytest.mark.anyio


@pytest.fixture
async def crew() -> AsyncGenerator[Crew]:
    crew = Crew()
    yield crew
    crew.close()


async def test_what_a_function_returns_comes_back_to_who_asked_for_it(crew: Crew) -> None:
    asked = [crew.run(divmod, number, 7) for number in range(500)]
    assert await asyncio.gather(*asked) == [divmod(number, 7) for number in range(500)]


async def test_what_a_function_raises_is_raised_where_it_is_waited_for_and_harms_nobody_else(crew: Crew) -> None:
    fine, wrong, fine_too = await asyncio.gather(
        crew.run(divmod, 7, 2), crew.run(divmod, 7, 0), crew.run(divmod, 8, 2), return_exceptions=True
    )
    assert (fine, fine_too) == ((3, 1), (4, 0))
    assert isinstance(wrong, ZeroDivisionError)


async def test_what_does_not_block_runs_in_one_thread_that_is_not_the_loops() -> None:
    crew = Crew(patience=60)
    threads = set(await asyncio.gather(*[crew.run(get_ident) for _ in range(100)]))
    crew.close()
    assert len(threads) == 1
    assert get_ident() not in threads


async def test_whoever_waits_for_something_else_keeps_nobody_waiting(crew: Crew) -> None:
    ended = Event()
    stuck = [asyncio.create_task(crew.run(ended.wait, 60)) for _ in range(THREADS - 1)]
    try:
        # Handed over with those that block, and after they have begun to.
        assert await crew.run(divmod, 7, 2) == (3, 1)
        assert await crew.run(divmod, 8, 2) == (4, 0)
        assert not any(one.done() for one in stuck)
    finally:
        ended.set()
    assert await asyncio.gather(*stuck) == [True] * (THREADS - 1)


async def test_results_are_told_while_the_next_function_blocks(crew: Crew) -> None:
    ended = Event()
    quick, slow = asyncio.create_task(crew.run(divmod, 7, 2)), asyncio.create_task(crew.run(ended.wait, 60))
    try:
        assert await quick == (3, 1)
        assert not slow.done()
    finally:
        ended.set()
    assert await slow


async def test_several_work_at_once_where_that_is_wanted() -> None:
    crew, both = Crew(at_once=2), [Event(), Event()]

    def meet(number: int) -> bool:
        both[number].set()
        return both[1 - number].wait(60)

    try:
        assert await asyncio.gather(crew.run(meet, 0), crew.run(meet, 1)) == [True, True]
    finally:
        crew.close()


async def test_what_was_begun_is_ended_though_nobody_waits_for_it_any_more(crew: Crew) -> None:
    begun, ended, go_on = Event(), Event(), Event()

    def work() -> None:
        begun.set()
        go_on.wait(60)
        ended.set()

    waiting = asyncio.create_task(crew.run(work))
    assert await crew.run(begun.wait, 60)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    assert await crew.run(ended.wait, 60)


async def test_a_closed_crew_ends_what_it_was_given_and_then_its_threads() -> None:
    before, crew, go_on = set(all_threads()), Crew(), Event()
    last = asyncio.create_task(crew.run(go_on.wait, 60))
    await crew.run(divmod, 7, 2)
    threads = [thread for thread in all_threads() if thread not in before and thread.name == "operation"]
    assert len(threads) >= 1
    crew.close()
    go_on.set()
    assert await last
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
