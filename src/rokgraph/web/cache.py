"""Finished answers kept, within a bound of bytes; one evaluation for many who ask at once.

Rule: an answer is a pure function of its key, so nothing here ever expires.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Self

from rokgraph.errors import RokgraphError
from rokgraph.query import Kind, Query
from rokgraph.web.encoding import WORTHWHILE, encode

_WIDEST = 4  # bytes of a character in memory, at most
_OVERHEAD = 512  # bytes of an entry without its body and its query, roughly


@dataclass(slots=True)
class Kept:
    """A whole answer: what it is, in which format (short name), its body in each coding."""

    kind: Kind
    format: str
    body: bytes
    codings: dict[str, bytes] = field(default_factory=dict)

    def encoded(self, coding: str) -> tuple[str, bytes]:
        """The body in that coding if it is worthwhile, and the coding it is in."""
        if coding == "identity" or len(self.body) < WORTHWHILE:
            return "identity", self.body
        if coding not in self.codings:
            self.codings[coding] = encode(self.body, coding)
        return coding, self.codings[coding]

    @property
    def size(self) -> int:
        """Bytes that this takes, its codings as if they were made."""
        return 2 * len(self.body) + _OVERHEAD


def _size(query: Query, kept: Kept) -> int:
    """Bytes that an answer takes with the query it is found by."""
    if not (query.bindings or query.default_graphs or query.named_graphs) and query.text.isascii():
        return kept.size + len(query.text)
    return kept.size + _WIDEST * len(query.to_bytes())


class AnswerCache:
    """Least recently used answers go first."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes."""
        self._limit = limit
        self._kept: OrderedDict[Query, Kept] = OrderedDict()
        self._coming: dict[Query, Making] = {}
        self.size = self.hits = self.misses = 0
        self._collected = 0  # bytes of answers that come piece by piece

    def get(self, key: Query) -> Kept | None:
        """The answer, if it is kept."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            self.hits += 1
        return kept

    def put(self, key: Query, kept: Kept) -> None:
        """Keep an answer, and let others go for it."""
        size = _size(key, kept)
        if size > self._limit // 8 or key in self._kept:
            return
        self._kept[key] = kept
        self.size += size
        while self.size > self._limit:
            self.size -= _size(*self._kept.popitem(last=False))

    def is_coming(self, key: Query) -> bool:
        """Whether somebody is making this answer."""
        return key in self._coming

    async def collect(
        self, key: Query, kind: Kind, form: str, chunks: AsyncIterator[bytes]
    ) -> AsyncGenerator[bytes, None]:
        """The chunks of an answer in format `form`, which is kept if it is not too large.

        What is collected of all that come at once is a quarter of the bound, at most.
        """
        parts: list[bytes] | None = []
        size = 0
        try:
            async for chunk in chunks:
                if parts is not None:
                    size += len(chunk)
                    self._collected += len(chunk)
                    parts.append(chunk)
                    if 2 * size > self._limit // 8 or 4 * self._collected > self._limit:
                        self._collected -= size
                        parts, size = None, 0
                yield chunk
            if parts is not None:
                self.put(key, Kept(kind, form, b"".join(parts)))
        finally:
            self._collected -= size

    async def wait(self, key: Query) -> Kept | None:
        """What came of it if somebody is making this answer; None if there is nothing to share.

        Raises what its maker was told, since the same question would be told the same.
        """
        while (coming := self._coming.get(key)) is not None:
            kept = await asyncio.shield(coming.future())
            if kept is not None:
                return kept
        return None

    def begin(self, key: Query) -> "Making":
        """Say that this answer is being made, so that others wait for it."""
        self.misses += 1
        return Making(self, self._coming, key)


class Making:
    """An answer on its way; use it as a context manager and call `done` with what came."""

    def __init__(self, cache: AnswerCache, coming: "dict[Query, Making]", key: Query) -> None:
        """Let others wait for it, unless somebody made it first."""
        self._cache, self._coming, self._key = cache, coming, key
        self._kept: Kept | None = None
        self._future: asyncio.Future[Kept | None] | None = None

    def future(self) -> "asyncio.Future[Kept | None]":
        """What those wait for who want the same; most answers are done before anybody does."""
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
        return self._future

    def __enter__(self) -> Self:
        """Others wait from here."""
        self._coming.setdefault(self._key, self)
        return self

    def done(self, kept: Kept) -> None:
        """Keep it and share it."""
        self._cache.put(self._key, kept)
        self._kept = kept

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Nobody waits any longer, whatever came of it."""
        if self._coming.get(self._key) is self:
            del self._coming[self._key]
        if self._future is None or self._future.done():
            return
        if isinstance(error, RokgraphError) and self._kept is None:
            self._future.set_exception(error)
            self._future.exception()  # it may be that nobody waits
        else:
            self._future.set_result(self._kept)
