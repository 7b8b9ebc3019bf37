"""One worker process as the front sees it, and the query that it is given.

Rule: frames in and out, clocks, and the kill; who gets which query is the pool's business.
"""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import Protocol, cast

from rokgraph import frames
from rokgraph.errors import RokgraphError
from rokgraph.frames import Tag
from rokgraph.query import Query

AHEAD = 4  # frames read ahead of a slow client


class Pool(Protocol):
    """What a worker tells the pool it belongs to."""

    @property
    def quick_seconds(self) -> float:
        """After how long a query counts as slow."""

    def grown_slow(self, worker: "Worker") -> None:
        """A query is past the quick budget."""

    def idle(self, worker: "Worker") -> None:
        """The worker has nothing to do."""

    def lost(self, worker: "Worker") -> None:
        """The process is gone."""


@dataclass(eq=False, slots=True)
class Job:
    """A query on its way: where its frames go and when it must be done.

    `over`: its last frame has come, or nobody waits for it any more.
    """

    query: Query
    payload: bytes
    seconds: float
    until: float
    frames: asyncio.Queue[tuple[Tag, bytes] | RokgraphError]
    worker: "Worker | None" = None
    clock: asyncio.TimerHandle | None = None
    begun: bool = False
    over: bool = False
    tries: int = 0


class Worker(asyncio.Protocol):
    """One worker process as the front sees it: a socket, a process, at most one job."""

    def __init__(self, pool: Pool) -> None:
        """Belong to a pool; connected and given its process id later."""
        self._pool = pool
        self._splitter = frames.Splitter()
        self.transport: asyncio.Transport | None = None
        self.pid = 0
        self.job: Job | None = None
        self.slow = False
        self.once = False
        self.killed = ""
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the process."""
        self.transport = cast("asyncio.Transport", transport)  # a stream socket has no other

    def run(self, job: Job) -> None:
        """Hand the query over; it may be quick."""
        self.job, job.worker = job, self
        job.tries += 1
        loop = asyncio.get_running_loop()
        assert self.transport is not None  # noqa: S101 - connected before it is idle
        self.transport.write(frames.pack(Tag.QUERY, job.payload))
        if not self.slow:
            self._clock = loop.call_later(self._pool.quick_seconds, self._pool.grown_slow, self)

    def data_received(self, data: bytes) -> None:
        """Hand frames on to the asker; with the last one the worker is idle again."""
        job = self.job
        if job is None:
            return
        for tag, payload in self._splitter.feed(data):
            job.begun = True
            job.frames.put_nowait((tag, payload))
            if tag in (Tag.WHOLE, Tag.END, Tag.FAULT):
                job.over = True
                self.release()
                self._pool.idle(self)
                return
        if job.frames.qsize() > AHEAD and self.transport is not None:
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read on: the client has taken what was read ahead."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def release(self) -> None:
        """Forget the job."""
        if self._clock is not None:
            self._clock.cancel()
        if self.job is not None:
            self.job.worker = None
        self.job = self._clock = None

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
