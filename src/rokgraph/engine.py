"""Queries answered by processes that can be killed.

Rule: the process that talks to clients never evaluates a query.

A zygote holds the snapshot and forks workers; a query runs in one of them until it is done, its
deadline passes or its asker leaves: then the worker is killed and replaced.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

from rokgraph.connection import AHEAD, Item, Job, Sink
from rokgraph.errors import RokgraphError, from_plain
from rokgraph.frames import Tag
from rokgraph.lanes import Lanes
from rokgraph.query import Kind, Query
from rokgraph.settings import Settings
from rokgraph.snapshot import Summary
from rokgraph.store import Held
from rokgraph.zygote import Zygote


@lru_cache(maxsize=64)
def begun(header: bytes) -> tuple[Kind, str]:
    """Kind and format as a worker tells them; there are few of both."""
    values = json.loads(header)
    return Kind(values["kind"]), values["format"]


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


class Chunks:
    """The chunks of an answer; to close it stops the query, even if none was taken."""

    def __init__(self, engine: "Engine", job: Job, frames: "asyncio.Queue[Item]") -> None:
        """Read them from there."""
        self._engine, self._job, self._frames = engine, job, frames

    def __aiter__(self) -> Self:
        """They come once."""
        return self

    async def __anext__(self) -> bytes:
        """The next one; raises what went wrong instead."""
        try:
            tag, payload = await self._engine.next_frame(self._job, self._frames)
        except BaseException:
            await self.aclose()
            raise
        if tag is Tag.END:
            await self.aclose()
            raise StopAsyncIteration
        return payload

    async def aclose(self) -> None:
        """Stop the query if it is not done."""
        self._engine.drop(self._job)


class Engine:
    """The pool. Make it, `prepare()` it, then `start()` it on a running event loop."""

    def __init__(self, settings: Settings) -> None:
        """Start loading at once, so that the snapshot comes while the maker goes on.

        Set `changed` to be told when its data are gone; else it goes on with what is there then.

        Raises SourceError where the settings name a store that is not there.
        """
        self.settings = settings
        self.summary: Summary
        # As long as this lives, nobody removes what it reads.
        self._held = None if settings.store is None else Held(settings.store)
        self.changed: Callable[[], None] | None = None
        self._zygote = Zygote(settings, self._loaded_again, self.folder)
        self._lanes = Lanes(settings, self._zygote)
        self._listening: asyncio.Task[None] | None = None

    @property
    def folder(self) -> Path | None:
        """The build on disk that is served, if it is one."""
        return None if self._held is None else self._held.folder

    @property
    def outdated(self) -> bool:
        """Whether its data are gone: others stand in their place, and its zygote has died."""
        return self._zygote.outdated

    @property
    def at_rest(self) -> bool:
        """Whether nobody waits for anything."""
        return self._lanes.at_rest

    @property
    def waiting(self) -> int:
        """Queries that wait for a worker."""
        return self._lanes.waiting

    @property
    def workers(self) -> int:
        """Worker processes."""
        return len(self._lanes.workers)

    @property
    def busy(self) -> int:
        """Worker processes that are at work on a query."""
        return self._lanes.busy

    @property
    def kills(self) -> dict[str, int]:
        """How many queries were stopped, by cause."""
        return self._lanes.kills

    @kills.setter
    def kills(self, counted: dict[str, int]) -> None:
        self._lanes.kills = counted

    @property
    def ready(self) -> bool:
        """Whether queries can be answered now."""
        return bool(self._lanes.workers) and not self._lanes.closed

    def prepare(self) -> Summary:
        """Wait until the snapshot is loaded.

        Raises SourceError if a file is wrong, EngineUnavailable if the process died.
        """
        self.summary = self._zygote.prepare()
        return self.summary

    async def start(self) -> None:
        """Take up work: keep the zygote alive and make the quick workers."""
        self._listening = asyncio.create_task(self._zygote.listen())
        self._lanes.fill()

    async def close(self) -> None:
        """Stop everything; askers that still wait get EngineUnavailable."""
        if self._listening is not None:
            self._listening.cancel()
        self._lanes.close()
        # the memory of a large snapshot takes its time to be free
        await asyncio.get_running_loop().run_in_executor(None, self.stop)

    def stop(self) -> None:
        """End all processes; needs no event loop."""
        self._lanes.closed = True
        self._zygote.stop()
        if self._held is not None:
            self._held.release()

    def _loaded_again(self) -> None:
        """The zygote is another one; see whether it holds the same data."""
        if self.outdated:
            if self.changed is not None:
                self._zygote.stop()
                self.changed()
                return
            self.summary = self._zygote.adopt()
        self._lanes.fill()

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
        frames: asyncio.Queue[Item] = asyncio.Queue()
        job = self._job(query, frames, self.limit(seconds), since)
        try:
            if federated:
                await self._lanes.submit_open(job)
            else:
                self._lanes.submit(job)
            tag, payload = await self.next_frame(job, frames)
        except BaseException:
            self.leave(job)
            raise
        if tag is Tag.WHOLE:
            self.drop(job)
            header, _, body = payload.partition(b"\n")
            return Answer(*begun(header), body, None)
        return Answer(*begun(payload), None, Chunks(self, job, frames))

    def submit(self, query: Query, frames: Sink) -> Job:
        """Have a query answered within the settings' timeout, its frames put where they go.

        What comes of it comes there, errors too; whoever took the last frame, or wants no more,
        calls `drop`. Raises TooManyQueries, EngineUnavailable.
        """
        job = self._job(query, frames, self.settings.timeout)
        try:
            self._lanes.submit(job)
        except RokgraphError:
            self.drop(job)
            raise
        return job

    def _job(self, query: Query, frames: Sink, seconds: float, since: float | None = None) -> Job:
        """A job with its clock set."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        until = (now if since is None else since) + seconds
        job = Job(query, query.to_bytes(), seconds, until, frames)
        job.clock = loop.call_later(max(0.0, until - now), self._lanes.overdue, job)
        return job

    async def next_frame(self, job: Job, frames: "asyncio.Queue[Item]") -> tuple[Tag, bytes]:
        """The next frame of its answer; raises what it was told of instead."""
        item = await frames.get()
        if job.worker is not None and frames.qsize() < AHEAD:
            job.worker.resume()
        if isinstance(item, RokgraphError):
            raise item
        if item[0] is Tag.FAULT:
            raise from_plain(json.loads(item[1]))
        return item

    def leave(self, job: Job) -> None:
        """Its asker is gone."""
        self.kills["left"] += job.at_work
        self.drop(job)

    def drop(self, job: Job) -> None:
        """Nobody waits for this job any more: if a worker is at work on it, that is stopped."""
        self._lanes.drop(job)
