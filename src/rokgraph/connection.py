"""One worker process as the front sees it, and the queries that it is given.

Rule: frames in and out, clocks, and the kill; who gets which query is the pool's business.

The worker answers in the order in which it was asked. A query that is not wanted from it any more
keeps its place; what comes of it is let pass.
"""

import asyncio
import contextlib
import os
import signal
from collections import deque
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

from rokgraph import frames
from rokgraph.errors import RokgraphError
from rokgraph.frames import Tag
from rokgraph.query import Query

AHEAD = 4  # frames read ahead of a slow client
_AT_ONCE = 0.01  # seconds in which most queries are done


class Pool(Protocol):
    """What a worker tells the pool it belongs to."""

    @property
    def quick_seconds(self) -> float:
        """After how long a query counts as slow."""

    def lingering(self, worker: "Worker") -> None:
        """A query is not done at once; others may wait behind it."""

    def grown_slow(self, worker: "Worker") -> None:
        """A query is past the quick budget."""

    def ready(self, worker: "Worker") -> None:
        """The worker has done a query."""

    def may_begin(self, worker: "Worker") -> bool:
        """Whether a long answer may be told to its asker now; if not, `let_begin` comes later."""

    def lost(self, worker: "Worker") -> None:
        """The process is gone."""


# What comes of a query, bit by bit: a frame, or why there is none.
Item: TypeAlias = tuple[Tag, bytes] | RokgraphError


class Sink(Protocol):
    """Where the frames of an answer go; a queue is one."""

    def put_nowait(self, item: Item, /) -> None:
        """Take one."""

    def get_nowait(self) -> Item:
        """Give the next one back."""

    def empty(self) -> bool:
        """Whether none waits."""

    def qsize(self) -> int:
        """How many wait."""


@dataclass(eq=False, slots=True)
class Job:
    """A query on its way: where its frames go and when it must be done.

    `over`: its last frame has come, or nobody waits for it any more.
    """

    query: Query
    payload: bytes
    seconds: float
    until: float
    frames: Sink
    worker: "Worker | None" = None
    clock: asyncio.TimerHandle | None = None
    begun: bool = False
    over: bool = False
    tries: int = 0

    @property
    def at_work(self) -> bool:
        """Whether a worker is at work on it, and not on another before it."""
        return self.worker is not None and self.worker.jobs[0] is self


class Worker(asyncio.Protocol):
    """One worker process as the front sees it: a socket, a process, the jobs it has."""

    def __init__(self, pool: Pool) -> None:
        """Belong to a pool; connected and given its process id later."""
        self._pool = pool
        self._splitter = frames.Splitter()
        self.transport: asyncio.Transport | None = None
        self.pid = 0
        self.jobs: deque[Job] = deque()  # the first is at work
        self.slow = False
        self.once = False
        self.killed = ""
        self.lingers = False
        self.held: list[Item] = []  # the beginning of an answer that must not begin yet
        self._clock: asyncio.TimerHandle | None = None

    @property
    def job(self) -> Job | None:
        """What it is at work on, if that is wanted."""
        first = self.jobs[0] if self.jobs else None
        return first if first is not None and first.worker is self else None

    def wanted(self) -> list[Job]:
        """All that it has and somebody waits for."""
        return [job for job in self.jobs if job.worker is self]

    def give_back(self) -> list[Job]:
        """What it has not begun, for others to begin; it may answer them all the same."""
        first = self.job
        found = [job for job in self.wanted() if job is not first]
        for job in found:
            job.worker = None
        return found

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the process."""
        self.transport = cast("asyncio.Transport", transport)  # a stream socket has no other

    def run(self, job: Job) -> None:
        """Hand the query over; it may be quick."""
        job.worker = self
        self.jobs.append(job)
        assert self.transport is not None  # noqa: S101 - connected before it is idle
        self.transport.write(frames.pack(Tag.QUERY, job.payload))
        if len(self.jobs) == 1:
            self._begin(job)

    def _begin(self, job: Job) -> None:
        """Its turn has come."""
        job.tries += 1
        if not self.slow or job.worker is not self:
            loop = asyncio.get_running_loop()
            self._clock = loop.call_later(_AT_ONCE, self._linger)

    def _linger(self) -> None:
        self.lingers = True
        rest = max(0.0, self._pool.quick_seconds - _AT_ONCE)
        self._clock = asyncio.get_running_loop().call_later(rest, self._pool.grown_slow, self)
        self._pool.lingering(self)

    def data_received(self, data: bytes) -> None:
        """Hand frames on to their askers; with the last one of a job it is the next one's turn."""
        for tag, payload in self._splitter.feed(data):
            if not self.jobs:
                return  # released, and soon gone
            job = self.jobs[0]
            if job.worker is self:
                self._hand_on(job, (tag, payload))
            if tag in _LAST:
                self._done(job)
        wanted = self.job
        ahead = 0 if wanted is None else max(wanted.frames.qsize(), len(self.held))
        if ahead > AHEAD and self.transport is not None:
            self.transport.pause_reading()

    def _hand_on(self, job: Job, item: tuple[Tag, bytes]) -> None:
        """To the asker, unless the answer is long and has to wait before it begins."""
        if self.held or (item[0] is Tag.BEGIN and not self._pool.may_begin(self)):
            self.held.append(item)
            if item[0] in _LAST:
                self.let_begin()
        else:
            job.begun = True
            job.frames.put_nowait(item)

    def let_begin(self) -> None:
        """Hand on what was held."""
        job = self.job
        for item in self.held if job is not None else ():
            assert job is not None  # noqa: S101 - the loop is empty else
            job.begun = True
            job.frames.put_nowait(item)
        self.held = []
        self.resume()

    def _done(self, job: Job) -> None:
        self.jobs.popleft()
        self._stop_clock()
        if job.worker is self:
            job.over, job.worker = True, None
        if self.jobs:
            self._begin(self.jobs[0])
        self._pool.ready(self)

    def resume(self) -> None:
        """Read on: the client has taken what was read ahead."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def release(self) -> None:
        """Forget the jobs."""
        self._stop_clock()
        self.held = []
        for job in self.wanted():
            job.worker = None
        self.jobs.clear()

    def _stop_clock(self) -> None:
        self.lingers = False
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def kill(self, why: str) -> None:
        """End the process now."""
        if not self.killed:
            self.killed = why
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Tell the pool that the process is gone."""
        self._pool.lost(self)


_LAST = frozenset((Tag.WHOLE, Tag.END, Tag.FAULT))
