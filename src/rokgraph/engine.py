"""Queries answered by processes that can be killed.

Rule: the process that talks to clients never evaluates a query.

A zygote holds the snapshot and forks workers; a query runs in one of them until it is done, its
deadline passes or its asker leaves: then the worker is killed and replaced. Quick queries do not
wait for slow ones: a query past a short budget makes its worker a slow one and a new quick worker
takes its place; past the number of slow workers, it is stopped and waits for one of them.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Self

from rokgraph.connection import AHEAD, Job, Worker
from rokgraph.errors import (
    EngineUnavailable,
    QueryTimeout,
    QueryTooComplex,
    QueryTooLarge,
    RokgraphError,
    TooManyQueries,
    from_plain,
)
from rokgraph.frames import Tag
from rokgraph.query import Kind, Query
from rokgraph.settings import Settings
from rokgraph.snapshot import Summary
from rokgraph.zygote import Zygote

_TRIES = 3
_STOPPED = "stopped"  # why we killed a worker: its asker has the reason already


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it comes: `body` if it is whole, else `chunks` yields it piece by piece.

    `format` is the short name of the format it is written in. Whoever takes the answer reads
    `chunks` to its end or calls `aclose` on it. A fault in the middle is raised while reading.
    """

    kind: Kind
    format: str
    body: bytes | None
    chunks: AsyncIterator[bytes] | None


class _Chunks:
    """The chunks of an answer; to close it stops the query, even if none was taken."""

    def __init__(self, engine: "Engine", job: Job) -> None:
        self._engine, self._job = engine, job

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            tag, payload = await self._engine.next_frame(self._job)
        except BaseException:
            await self.aclose()
            raise
        if tag is Tag.END:
            await self.aclose()
            raise StopAsyncIteration
        return payload

    async def aclose(self) -> None:
        self._engine.drop(self._job)


class Engine:
    """The pool. Make it, `prepare()` it, then `start()` it on a running event loop."""

    def __init__(self, settings: Settings) -> None:
        """Start loading at once, so that the snapshot comes while the maker goes on."""
        self.settings = settings
        self.summary: Summary
        self.kills = dict.fromkeys(("deadline", "left", "stopped", "memory", "stack", "outside"), 0)
        self._zygote = Zygote(settings, self._fill)
        self._quick: list[Worker] = []  # idle
        self._slow: list[Worker] = []  # idle
        self._workers: set[Worker] = set()
        self._waiting: deque[Job] = deque()
        self._preempted: deque[Job] = deque()
        self._being_made = self._being_opened = 0
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Queries that wait for a worker."""
        return len(self._waiting) + len(self._preempted)

    @property
    def workers(self) -> int:
        """Worker processes."""
        return len(self._workers)

    @property
    def busy(self) -> int:
        """Worker processes that are at work on a query."""
        return sum(worker.job is not None for worker in self._workers)

    @property
    def quick_seconds(self) -> float:
        """After how long a query counts as slow."""
        return self.settings.quick

    @property
    def ready(self) -> bool:
        """Whether queries can be answered now."""
        return bool(self._workers) and not self._closed

    def prepare(self) -> Summary:
        """Wait until the snapshot is loaded.

        Raises SourceError if a file is wrong, EngineUnavailable if the process died.
        """
        self.summary = self._zygote.prepare()
        return self.summary

    async def start(self) -> None:
        """Take up work: keep the zygote alive and make the quick workers."""
        self._spawn_task(self._zygote.listen())
        self._fill()

    async def close(self) -> None:
        """Stop everything; askers that still wait get EngineUnavailable."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        for worker in list(self._workers):
            if worker.job is not None:
                worker.job.frames.put_nowait(EngineUnavailable())
            worker.kill(_STOPPED)
        for job in (*self._waiting, *self._preempted):
            job.frames.put_nowait(EngineUnavailable())
        self.stop()
        await asyncio.sleep(0)

    def stop(self) -> None:
        """End all processes; needs no event loop."""
        self._closed = True
        self._zygote.stop()

    def _spawn_task(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- workers ---------------------------------------------------------------------------

    def _fill(self) -> None:
        """Have as many quick workers as the settings say."""
        quick = sum(not worker.slow for worker in self._workers)
        missing = self.settings.workers - quick - self._being_made
        for _ in range(0 if self._closed else missing):
            self._being_made += 1
            self._spawn_task(self._make())

    async def _make(self) -> None:
        worker = Worker(self)
        try:
            worker.pid = await self._zygote.make(worker)
        except EngineUnavailable:
            return  # the next zygote fills the pool again
        finally:
            self._being_made -= 1
        self._workers.add(worker)
        self.idle(worker)

    def idle(self, worker: Worker) -> None:
        """Give a worker that has nothing to do the next job of its lane."""
        if worker.killed or self._closed:
            return
        if worker.once:
            worker.kill(_STOPPED)
            return
        lane = self._preempted if worker.slow else self._waiting
        if lane:
            worker.run(lane.popleft())
        else:
            (self._slow if worker.slow else self._quick).append(worker)

    def grown_slow(self, worker: Worker) -> None:
        """A query is past the quick budget: change lanes, or stop it until there is room."""
        job = worker.job
        if job is None:
            return
        slow = sum(other.slow and not other.once for other in self._workers)
        if slow >= self.settings.slow_workers and self._slow:
            self._slow.pop().kill(_STOPPED)
            slow -= 1
        if slow < self.settings.slow_workers or (job.begun and self._room_for_begun(slow)):
            worker.slow = True
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, worker.pid, 10)
            self._fill()
            return
        if job.begun:
            self.kills["stopped"] += 1
            self._end(job, TooManyQueries())
            return
        worker.release()
        worker.kill(_STOPPED)
        self.kills["stopped"] += 1
        if len(self._preempted) < self.settings.queue:
            self._preempted.append(job)
        else:
            job.frames.put_nowait(TooManyQueries())

    def _room_for_begun(self, slow: int) -> bool:
        """Whether one more answer that has begun may go on: it cannot be begun again.

        As many as the settings say may do so beyond those; then one whose client does not keep
        up makes room, the oldest first.
        """
        if slow < 2 * self.settings.slow_workers:
            return True
        jobs = (worker.job for worker in self._workers if worker.slow and not worker.once)
        behind = [job for job in jobs if job and job.begun and job.frames.qsize() > AHEAD]
        if behind:
            self.kills["stopped"] += 1
            self._end(min(behind, key=lambda job: job.until), TooManyQueries())
        return bool(behind)

    def overdue(self, job: Job) -> None:
        """The deadline has come."""
        if not job.over:
            self.kills["deadline"] += job.worker is not None
            self._end(job, QueryTimeout(job.seconds))

    def _end(self, job: Job, error: RokgraphError) -> None:
        """Stop a job and tell its asker why; what was read ahead would be cut all the same."""
        while not job.frames.empty():
            job.frames.get_nowait()
        job.frames.put_nowait(error)
        self.drop(job)

    def lost(self, worker: Worker) -> None:
        """A worker is gone; if we did not end it, find out why and tell its asker."""
        self._workers.discard(worker)
        for lane in (self._quick, self._slow):
            if worker in lane:
                lane.remove(worker)
        job, killed = worker.job, worker.killed
        worker.release()
        self._promote()
        if job is not None and not killed:
            self._spawn_task(self._post_mortem(worker.pid, job))
        self._fill()

    def _promote(self) -> None:
        """Let stopped queries begin again where slow workers have gone."""
        room = self.settings.slow_workers - sum(
            other.slow and not other.once for other in self._workers
        )
        for _ in range(min(room, len(self._preempted))):
            job = self._preempted.popleft()
            self._enqueue(job)

    async def _post_mortem(self, pid: int, job: Job) -> None:
        number = await self._zygote.signal_of_death(pid)
        if number in (signal.SIGSEGV, signal.SIGBUS):
            self.kills["stack"] += 1
            job.frames.put_nowait(QueryTooComplex())
        elif number == signal.SIGABRT:
            self.kills["memory"] += 1
            job.frames.put_nowait(QueryTooLarge())
        elif number == signal.SIGXCPU:
            self.kills["deadline"] += 1
            job.frames.put_nowait(QueryTimeout(job.seconds))
        elif job.begun or job.tries > _TRIES or self._closed:
            self.kills["outside"] += 1
            job.frames.put_nowait(EngineUnavailable())
        else:
            self.kills["outside"] += 1
            if not job.over:
                self._enqueue(job)  # killed from outside: not the query's fault

    # -- queries ---------------------------------------------------------------------------

    def limit(self, seconds: float | None) -> float:
        """The deadline of a query whose asker wants `seconds`: lowered, never raised."""
        limit = self.settings.timeout
        return limit if seconds is None else min(seconds, limit)

    async def answer(
        self,
        query: Query,
        seconds: float | None = None,
        *,
        federated: bool = False,
        since: float | None = None,
    ) -> Answer:
        """Answer a query within `seconds` (at most the settings' timeout), waiting included.

        `since`: the loop's time from which the seconds count, if it is not now.
        `federated`: in a worker of its own that may call the endpoints which the settings list.

        Cancelling the call, or closing the answer's chunks, stops the query at once.

        Raises QuerySyntaxError, NotAcceptable, QueryError, QueryTooComplex, QueryTimeout,
        QueryTooLarge, TooManyQueries, EngineUnavailable.
        """
        seconds = self.limit(seconds)
        loop = asyncio.get_running_loop()
        until = (loop.time() if since is None else since) + seconds
        job = Job(query, query.to_bytes(), seconds, until, asyncio.Queue())
        job.clock = loop.call_at(until, self.overdue, job)
        try:
            if federated:
                await self._submit_open(job)
            else:
                self._submit(job)
            tag, payload = await self.next_frame(job)
        except BaseException:
            self.kills["left"] += job.worker is not None
            self.drop(job)
            raise
        if tag is Tag.WHOLE:
            self.drop(job)
            header, _, body = payload.partition(b"\n")
            values = json.loads(header)
            return Answer(Kind(values["kind"]), values["format"], body, None)
        values = json.loads(payload)
        return Answer(Kind(values["kind"]), values["format"], None, _Chunks(self, job))

    def _submit(self, job: Job) -> None:
        if self._closed:
            raise EngineUnavailable
        if not self._quick and len(self._waiting) >= self.settings.queue:
            raise TooManyQueries
        self._enqueue(job)

    async def _submit_open(self, job: Job) -> None:
        made = sum(worker.once for worker in self._workers)
        if made + self._being_opened >= self.settings.slow_workers:
            raise TooManyQueries
        worker = Worker(self)
        worker.once = worker.slow = True
        self._being_opened += 1
        try:
            worker.pid = await self._zygote.make(worker, open_=True)
        finally:
            self._being_opened -= 1
        self._workers.add(worker)
        if job.over:
            worker.kill(_STOPPED)
        else:
            worker.run(job)

    def _enqueue(self, job: Job) -> None:
        if self._quick:
            self._quick.pop().run(job)
            return
        self._waiting.append(job)
        self._fill()

    async def next_frame(self, job: Job) -> tuple[Tag, bytes]:
        """The next frame of its answer; raises what it was told of instead."""
        item = await job.frames.get()
        if job.worker is not None and job.frames.qsize() < AHEAD:
            job.worker.resume()
        if isinstance(item, RokgraphError):
            raise item
        if item[0] is Tag.FAULT:
            raise from_plain(json.loads(item[1]))
        return item

    def drop(self, job: Job) -> None:
        """Nobody waits for this job any more."""
        job.over = True
        if job.clock is not None:
            job.clock.cancel()
        for lane in (self._waiting, self._preempted):
            with contextlib.suppress(ValueError):
                lane.remove(job)
        worker = job.worker
        if worker is not None:
            worker.release()
            worker.kill(_STOPPED)
