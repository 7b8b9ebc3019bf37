"""Which worker process gets which query.

Rule: no quick query waits for a slow one, and no query takes more than one of its own.

A query past a short budget makes its worker a slow one, and a new quick worker takes its place;
past the number of slow workers, it is stopped and waits for one of them. A quick worker has a few
queries at once, so that it need not wait for the next: those behind one that takes its time go to
others. Only what had not begun is ever begun again.
"""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Coroutine
from typing import Protocol

from rokgraph.connection import AHEAD, Job, Worker
from rokgraph.errors import (
    EngineUnavailable,
    QueryTimeout,
    QueryTooComplex,
    QueryTooLarge,
    RokgraphError,
    TooManyQueries,
    UpstreamTimeout,
)
from rokgraph.settings import Settings

_AT_ONCE = 4  # queries that a quick worker has: one at work, the others at hand
_TRIES = 3
_STOPPED = "stopped"  # why we killed a worker: its asker has the reason already


class Maker(Protocol):
    """What makes workers, and knows how they died."""

    async def make(self, worker: Worker, *, open_: bool = False) -> int:
        """Connect a worker to a new process; its id. Raises EngineUnavailable."""

    async def signal_of_death(self, pid: int) -> int:
        """The signal that ended a process of its own."""


class Lanes:
    """The workers, quick and slow, and the queries that wait for them."""

    def __init__(self, settings: Settings, maker: Maker) -> None:
        """Have no worker yet."""
        self._settings, self._maker = settings, maker
        # Elsewhere an engine answers many at once, and what it has begun it goes on with.
        self._at_once = 1 if settings.upstream else _AT_ONCE
        self.kills = dict.fromkeys(("deadline", "left", "stopped", "memory", "stack", "outside"), 0)
        self._quick: list[Worker] = []  # idle
        self._slow: list[Worker] = []  # idle
        self.workers: set[Worker] = set()
        self._holding: deque[Worker] = deque()  # with an answer that must not begin yet
        self._waiting: deque[Job] = deque()
        self._preempted: deque[Job] = deque()
        self._being_made = self._being_opened = 0
        self.closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def quick_seconds(self) -> float:
        """After how long a query counts as slow."""
        return self._settings.quick

    @property
    def waiting(self) -> int:
        """Queries that wait for a worker, or behind another in one."""
        behind = sum(len(worker.wanted()) - (worker.job is not None) for worker in self.workers)
        return len(self._waiting) + len(self._preempted) + behind

    @property
    def busy(self) -> int:
        """Worker processes that are at work on a query."""
        return sum(worker.job is not None for worker in self.workers)

    @property
    def at_rest(self) -> bool:
        """Whether nobody waits for anything."""
        return not (self.waiting or self.busy or self._being_opened or self._tasks)

    def close(self) -> None:
        """Stop everything; askers that still wait get EngineUnavailable."""
        self.closed = True
        for task in self._tasks:
            task.cancel()
        for worker in list(self.workers):
            for job in worker.wanted():
                job.frames.put_nowait(EngineUnavailable())
                job.worker = None
            worker.kill(_STOPPED)
        for job in (*self._waiting, *self._preempted):
            job.frames.put_nowait(EngineUnavailable())

    def _spawn_task(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- workers come and go -------------------------------------------------------------------

    def fill(self) -> None:
        """Have as many quick workers as the settings say."""
        quick = sum(not worker.slow for worker in self.workers)
        missing = self._settings.workers - quick - self._being_made
        for _ in range(0 if self.closed else missing):
            self._being_made += 1
            self._spawn_task(self._make())

    async def _make(self) -> None:
        worker = Worker(self)
        try:
            worker.pid = await self._maker.make(worker)
        except EngineUnavailable:
            return  # the next zygote fills the pool again
        finally:
            self._being_made -= 1
        self.workers.add(worker)
        self.ready(worker)

    def ready(self, worker: Worker) -> None:
        """Give a worker that has done one query others of its lane."""
        self._let_begin()
        if worker.killed or self.closed:
            return
        if worker.once:
            worker.kill(_STOPPED)
            return
        lane, most = (self._preempted, 1) if worker.slow else (self._waiting, self._at_once)
        while lane and len(worker.jobs) < most:
            worker.run(lane.popleft())
        if not worker.jobs and not worker.slow:
            self._relieve(worker)
        if not worker.jobs:
            (self._slow if worker.slow else self._quick).append(worker)

    def _relieve(self, worker: Worker) -> None:
        """Take over what waits behind a query that lingers."""
        for other in self.workers:
            behind = other.give_back() if other.lingers else ()
            for job in behind:
                worker.run(job)
            if behind:
                return

    def lingering(self, worker: Worker) -> None:
        """A query is not done at once: who waits behind it goes to who is idle."""
        if self._quick and len(worker.jobs) > 1:
            for job in worker.give_back():
                self._enqueue(job)

    def lost(self, worker: Worker) -> None:
        """A worker is gone; if we did not end it, find out why and tell its asker."""
        self.workers.discard(worker)
        for lane in (self._quick, self._slow):
            if worker in lane:
                lane.remove(worker)
        for behind in worker.give_back():
            self._enqueue(behind)
        job, killed = worker.job, worker.killed
        worker.release()
        self._let_begin()
        self._promote()
        if job is not None and not killed:
            self._spawn_task(self._post_mortem(worker.pid, job))
        self.fill()

    async def _post_mortem(self, pid: int, job: Job) -> None:
        number = await self._maker.signal_of_death(pid)
        if number in (signal.SIGSEGV, signal.SIGBUS):
            self.kills["stack"] += 1
            job.frames.put_nowait(QueryTooComplex())
        elif number == signal.SIGABRT:
            self.kills["memory"] += 1
            job.frames.put_nowait(QueryTooLarge())
        elif number == signal.SIGXCPU:
            self.kills["deadline"] += 1
            job.frames.put_nowait(QueryTimeout(job.seconds))
        elif job.begun or job.tries > _TRIES or self.closed:
            self.kills["outside"] += 1
            job.frames.put_nowait(EngineUnavailable())
        else:
            self.kills["outside"] += number > 0  # one that has grown goes by itself
            if not job.over:
                self._enqueue(job)  # not the query's fault

    # -- queries that take long ----------------------------------------------------------------

    def grown_slow(self, worker: Worker) -> None:
        """A query is past the quick budget: change lanes, or stop it until there is room."""
        job = worker.job
        if job is None:
            worker.kill(_STOPPED)  # nobody waits for it any more
            return
        for behind in worker.give_back():
            self._enqueue(behind)
        slow = sum(other.slow and not other.once for other in self.workers)
        if slow >= self._settings.slow_workers and self._slow:
            self._slow.pop().kill(_STOPPED)
            slow -= 1
        if worker.held and self._one_makes_room():
            worker.let_begin()
        if job.begun or (slow < self._settings.slow_workers and self._room):
            worker.slow = True
            worker.let_begin()  # it has its place from now on, whether its answer has begun or not
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, worker.pid, 10)
            self.fill()
            return
        if self._settings.upstream:
            return  # there it would go on, and be begun a second time
        job.worker = None  # else it would be lost with its worker
        worker.kill(_STOPPED)
        self.kills["stopped"] += 1
        if len(self._preempted) < self._settings.queue:
            self._preempted.append(job)
        else:
            job.frames.put_nowait(TooManyQueries())

    # -- answers that are long -----------------------------------------------------------------

    def may_begin(self, worker: Worker) -> bool:
        """Whether one more long answer may begin: begun, it can be neither stopped nor repeated."""
        if worker.slow or self._room:
            return True
        self._holding.append(worker)
        return False

    @property
    def _room(self) -> bool:
        """Whether one more may become what cannot be stopped: twice the slow workers are the most.

        Counted are slow queries and, in quick workers, answers that have begun: they may grow slow.
        Those that call other endpoints have a bound of their own.
        """
        taken = sum(
            worker.job is not None and not worker.once and (worker.slow or worker.job.begun)
            for worker in self.workers
        )
        return taken < 2 * self._settings.slow_workers

    def _let_begin(self) -> None:
        """Let those begin that there is room for by now."""
        while self._holding and self._room:
            self._holding.popleft().let_begin()

    def _one_makes_room(self) -> bool:
        """Stop the oldest of the answers whose clients do not keep up; False if all do."""
        jobs = (worker.job for worker in self.workers if worker.slow and not worker.once)
        behind = [job for job in jobs if job and job.begun and job.frames.qsize() > AHEAD]
        if behind:
            self.kills["stopped"] += 1
            self._end(min(behind, key=lambda job: job.until), TooManyQueries())
        return bool(behind)

    # -- queries end ---------------------------------------------------------------------------

    def overdue(self, job: Job) -> None:
        """The deadline has come."""
        if not job.over:
            self.kills["deadline"] += job.at_work
            late = UpstreamTimeout if job.at_work and self._settings.upstream else QueryTimeout
            self._end(job, late(job.seconds))

    def _end(self, job: Job, error: RokgraphError) -> None:
        """Stop a job and tell its asker why; what was read ahead would be cut all the same."""
        while not job.frames.empty():
            job.frames.get_nowait()
        job.frames.put_nowait(error)
        self.drop(job)

    def _promote(self) -> None:
        """Let stopped queries begin again where slow workers have gone."""
        room = self._settings.slow_workers - sum(
            other.slow and not other.once for other in self.workers
        )
        for _ in range(min(room, len(self._preempted))):
            self._enqueue(self._preempted.popleft())

    # -- queries come and go -------------------------------------------------------------------

    def submit(self, job: Job) -> None:
        """Have a query answered. Raises TooManyQueries and EngineUnavailable."""
        if self.closed:
            raise EngineUnavailable
        if not self._quick and self.waiting - len(self._preempted) >= self._settings.queue:
            raise TooManyQueries
        self._enqueue(job)

    async def submit_open(self, job: Job) -> None:
        """Have it answered by a worker of its own that may call other endpoints.

        Raises TooManyQueries and EngineUnavailable.
        """
        made = sum(worker.once for worker in self.workers)
        if made + self._being_opened >= self._settings.slow_workers:
            raise TooManyQueries
        worker = Worker(self)
        worker.once = worker.slow = True
        self._being_opened += 1
        try:
            worker.pid = await self._maker.make(worker, open_=True)
        finally:
            self._being_opened -= 1
        self.workers.add(worker)
        if job.over:
            worker.kill(_STOPPED)
        else:
            worker.run(job)

    def _enqueue(self, job: Job) -> None:
        if self.closed:
            job.frames.put_nowait(EngineUnavailable())
            return
        if self._quick:
            self._quick.pop().run(job)
            return
        room, chosen = self._at_once, None
        for worker in self.workers:
            if len(worker.jobs) < room and not (worker.slow or worker.lingers or worker.killed):
                room, chosen = len(worker.jobs), worker
        if chosen is not None:
            chosen.run(job)
            return
        self._waiting.append(job)
        self.fill()

    def drop(self, job: Job) -> None:
        """Nobody waits for this job any more."""
        job.over = True
        if job.clock is not None:
            job.clock.cancel()
        for lane in (self._waiting, self._preempted):
            if job in lane:  # to be told that it is not costs more
                lane.remove(job)
        worker, at_work = job.worker, job.at_work
        job.worker = None
        if worker is not None and at_work:
            worker.kill(_STOPPED)
