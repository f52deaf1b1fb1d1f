"""Where operations run: a crew of threads that the event loop hands work to, and hears from again, in batches."""

import asyncio
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread
from time import monotonic
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

# As many as anyio allows itself; an operation may wait for the database most of its time.
THREADS: Final = 40
# A thread that is at one operation for longer than this waits for something: others take over what stands behind it.
PATIENCE_SECONDS: Final = 0.01
# How long the loop waits at most to hear of results while there is more to do.
TELL_SECONDS: Final = 0.001
Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Task:
    """Something to be run, and later what came of it."""

    future: Future[Any]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    result: Any = None
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self.function(*self.arguments)
        except BaseException as error:  # noqa: BLE001 - it is raised where the task is awaited
            self.error = error

    def deliver(self) -> None:
        # Whoever waited may have gone away; what was begun was ended all the same.
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


@dataclass(slots=True, eq=False)
class _Member:
    """One thread: its bell is rung when there is something to do; `since` when it is at what it does, 0 at rest."""

    bell: Lock = field(default_factory=Lock)
    since: float = 0.0


class Crew:
    """Threads for what blocks. `at_once` of them work side by side, and as many more as others are found waiting.

    Under Python's one lock each switch between threads costs as much as a small operation. So the loop wakes nobody
    who is awake, and hears of results when a thread has come to the end of what there is to do.
    """

    def __init__(self, *, at_once: int = 1, threads: int = THREADS, patience: float = PATIENCE_SECONDS) -> None:
        self._at_once = at_once
        self._threads = threads
        self._patience = patience
        self._limit = at_once
        self._waiting = deque[_Task]()
        self._done = deque[_Task]()
        self._idle = list[_Member]()
        self._busy = set[_Member]()
        self._guard = Lock()
        self._loop: AbstractEventLoop | None = None
        # How many tasks have not been delivered yet; the loop's own, as the two flags.
        self._open = 0
        self._is_called = False
        self._is_watched = False
        self._is_closed = False

    async def run(self, function: Callable[[Unpack[Arguments]], Result], *arguments: *Arguments) -> Result:
        """What `function` returns, run in a thread.

        A caller who goes away does not stop it: what an operation has begun it ends.
        """
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        future: Future[Result] = loop.create_future()
        self._waiting.append(_Task(future, function, arguments))
        self._open += 1
        if not self._is_called:
            # Once for all that the loop reads from its sockets in this turn.
            self._is_called = True
            loop.call_soon(self._call)
        return await future

    def close(self) -> None:
        """Let the threads end; those at work end what they do."""
        with self._guard:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for member in idle:
            member.bell.release()

    def _call(self) -> None:
        self._is_called = False
        if len(self._busy) < self._limit:
            self._wake_one()
        if not self._is_watched:
            self._is_watched = True
            self._later()

    def _later(self) -> None:
        assert self._loop is not None  # noqa: S101 - set by the first run
        self._loop.call_later(self._patience, self._watch)

    def _watch(self) -> None:
        self._deliver()
        self._is_watched = self._open > 0
        if not self._is_watched:
            self._limit = self._at_once
            return
        before = monotonic() - self._patience
        stuck = sum(member.since < before for member in tuple(self._busy))
        self._limit = min(self._at_once + stuck, self._threads)
        if self._waiting and len(self._busy) < self._limit:
            self._wake_one()
        self._later()

    def _deliver(self) -> None:
        while self._done:
            self._open -= 1
            self._done.popleft().deliver()

    def _wake_one(self) -> None:
        with self._guard:
            if len(self._busy) >= self._limit:
                return
            member = self._idle.pop() if self._idle else self._hire()
            member.since = monotonic()
            self._busy.add(member)
        member.bell.release()

    def _hire(self) -> _Member:
        member = _Member()
        member.bell.acquire()
        Thread(target=self._serve, args=(member,), name="operation", daemon=True).start()
        return member

    def _serve(self, member: _Member) -> None:
        while True:
            member.bell.acquire()
            self._work(member)
            with self._guard:
                self._busy.discard(member)
                if self._is_closed:
                    return
                self._idle.append(member)
            # Whatever was handed over since then found this thread busy.
            if self._waiting:
                self._wake_one()

    def _work(self, member: _Member) -> None:
        told = member.since
        while self._waiting:
            try:
                task = self._waiting.popleft()
            except IndexError:
                break
            if self._waiting and len(self._busy) < self._limit:
                self._wake_one()
            task.run()
            self._done.append(task)
            member.since = now = monotonic()
            if now - told > TELL_SECONDS:
                told = now
                self._tell()
        if self._done:
            self._tell()

    def _tell(self) -> None:
        assert self._loop is not None  # noqa: S101 - set by the first run
        self._loop.call_soon_threadsafe(self._deliver)
