"""A query answered over HTTP: from the cache or the engine, with tags, codings and conditions.

Rule: the one way from a `Query` to a response; the endpoint and the graph store both take it.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Self, TypeAlias

from rokgraph import formats
from rokgraph.engine import Answer
from rokgraph.errors import QueryTimeout, RokgraphError
from rokgraph.query import Kind, Query
from rokgraph.web import conditional
from rokgraph.web.cache import Kept
from rokgraph.web.encoding import coding, encode_stream
from rokgraph.web.exchange import Exchange
from rokgraph.web.http import Gone, Receive, left, start, stream
from rokgraph.web.problems import HttpProblem

# Calls whose value is another each time; found anywhere, even in a string, the answer is not kept.
# A comment may stand before the bracket.
_VOLATILE = re.compile(r"\b(?:NOW|RAND|UUID|STRUUID|BNODE)\s*[(#]", re.IGNORECASE)
# To look for these costs a tenth of it.
_HINTS = ("now", "rand", "uuid", "bnode")
_FRESH = "public, max-age=60"
_LONGEST_OLD = 32 * 1024 * 1024  # bytes of an answer by HTTP/1.0

# The page of an answer; of None where it is too large to be held whole.
Draw: TypeAlias = Callable[[Kept | None], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a query is to be answered.

    `vary` names the request headers that chose the formats; `draw`: as a page, which it makes of
    the JSON or Turtle that the query then asks for; `seconds`: the deadline that the client
    wants; `federated`: it may call other endpoints; `headers`: what the answer has besides;
    `changing`: the data may be others next time.
    """

    query: Query
    vary: str
    seconds: float | None = None
    draw: Draw | None = None
    federated: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    changing: bool = False
    volatile: bool = field(init=False)

    def __post_init__(self) -> None:
        """See whether the answer is another each time."""
        always = self.federated or self.changing
        object.__setattr__(self, "volatile", always or is_volatile(self.query.text))


def is_volatile(text: str) -> bool:
    """Whether a query may have another answer each time, or seems to."""
    lowered = text.lower()
    for hint in _HINTS:
        if hint in lowered:
            return _VOLATILE.search(text) is not None
    return False


async def answer(exchange: Exchange, plan: Plan) -> None:
    """Answer a query: 304 if the client has it, else from the cache, else from the engine.

    Raises what the engine raises, and Gone if the client leaves.
    """
    if not exchange.service.engine.summary.lasting:
        plan = replace(plan, changing=True)
    answering = _Answering(exchange, plan)
    if await answering.not_modified():
        return
    begun: Kept | Answer | None = exchange.scope.get("rokgraph.begun")
    kept = None if plan.volatile or begun else exchange.service.cache.get(plan.query)
    if kept is not None:
        exchange.observed.cache = "hit"
        await answering.whole(kept)
        return
    with _Watch(exchange.receive) as watch:
        found = begun or await answering.obtain()
        if isinstance(found, Kept):
            watch.end()
            await answering.whole(found)
        else:
            await answering.streamed(found, watch.begin())


async def rows(exchange: Exchange, query: Query) -> list[dict[str, dict[str, str]]]:
    """The solutions of a SELECT of ours, by variable, as SPARQL's JSON writes terms.

    From the cache or the engine; raises what the engine raises.
    See https://www.w3.org/TR/sparql11-results-json/#select-encode-terms
    """
    solutions: list[dict[str, dict[str, str]]]
    solutions = json.loads(await body(exchange, query))["results"]["bindings"]
    return solutions


async def body(exchange: Exchange, query: Query) -> bytes:
    """The whole answer to a query of ours, in its format.

    From the cache or the engine; raises what the engine raises.
    """
    changing = not exchange.service.engine.summary.lasting
    found: Kept | Answer | None = None if changing else exchange.service.cache.get(query)
    if found is None:
        found = await _Answering(exchange, Plan(query, "", changing=changing)).obtain()
    if isinstance(found, Kept):
        return found.body
    assert found.chunks is not None  # noqa: S101 - it is not whole
    async with contextlib.aclosing(found.chunks) as chunks:  # type: ignore[type-var]
        return b"".join([chunk async for chunk in chunks])


async def about_dataset(exchange: Exchange, text: str) -> dict[str, str]:
    """What the query `text` of ours tells of the dataset, by variable.

    Nothing where it tells nothing or cannot be asked: a page matters more.
    """
    try:
        found = await rows(exchange, Query(text, graph_format=None))
    except RokgraphError:
        return {}
    return {name: term["value"] for name, term in (found[0] if found else {}).items()}


class _Watch:
    """Stops the task that it is entered in when the client leaves, which is then told as Gone.

    It begins after a moment: most answers are there before, and to watch costs as much as they do.
    """

    _PATIENCE = 0.05  # seconds

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._leaving: asyncio.Future[None] | None = None
        self._gone = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._task = task
        self._clock = asyncio.get_running_loop().call_later(self._PATIENCE, self._stop_if_left)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.end()
        if self._leaving is not None:
            self._leaving.cancel()
        if self._gone and kind is asyncio.CancelledError and not self._task.uncancel():
            raise Gone from None

    def begin(self) -> "asyncio.Future[None]":
        """Watch without stopping anything: what is done when the client has left."""
        self.end()
        if self._leaving is None:
            self._leaving = asyncio.ensure_future(left(self._receive))
        return self._leaving

    def end(self) -> None:
        """Stop nothing from here on."""
        self._clock.cancel()
        if self._leaving is not None:
            self._leaving.remove_done_callback(self._left)

    def _stop_if_left(self) -> None:
        self.begin().add_done_callback(self._left)

    def _left(self, leaving: "asyncio.Future[None]") -> None:
        if not leaving.cancelled():
            self._gone = True
            self._task.cancel()


class _Answering:
    """One answer on its way out."""

    def __init__(self, exchange: Exchange, plan: Plan) -> None:
        self._exchange, self._plan = exchange, plan
        self._service, self._observed = exchange.service, exchange.observed
        self._coding = coding(exchange.headers.get("accept-encoding"))
        self._condition = exchange.condition
        self._base = self._service.tags.base(plan.query.to_bytes())
        vary = f"{plan.vary}, Accept-Encoding" if plan.vary else "Accept-Encoding"
        fresh = "no-store" if plan.volatile else _FRESH
        self._headers = {"vary": vary, "cache-control": fresh, **dict(plan.headers)}

    async def not_modified(self) -> bool:
        """Answer 304 if the client names a tag of ours: only a 200 can have given it to it."""
        if self._condition is None or self._plan.volatile or self._plan.draw:
            return False
        query = self._plan.query
        names = [name for name in (query.result_format, query.graph_format) if name]
        tags = {
            conditional.tag(self._base, name, coded)
            for name in names
            for coded in ("identity", self._coding)
        }
        found = conditional.matches(self._condition, tags)
        if found is None:
            return False
        self._observed.cache = "condition"
        await self._exchange.respond(304, {**self._headers, "etag": found})
        return True

    async def obtain(self) -> Kept | Answer:
        """Have the answer made, or wait for somebody who is making the same."""
        cache, engine, plan = self._service.cache, self._service.engine, self._plan
        if plan.volatile:
            made = await engine.answer(plan.query, plan.seconds, federated=plan.federated)
            return made if made.body is None else Kept(made.kind, made.format, made.body)
        limit = engine.limit(plan.seconds)
        begun = asyncio.get_running_loop().time()
        shared = None
        if cache.is_coming(plan.query):
            try:
                async with asyncio.timeout(limit):
                    shared = await cache.wait(plan.query)
            except TimeoutError:
                raise QueryTimeout(limit) from None
        if shared is not None:
            self._observed.cache = "shared"
            return shared
        with cache.begin(plan.query) as making:
            made = await engine.answer(plan.query, limit, since=begun)
            if made.body is None:
                return made
            kept = Kept(made.kind, made.format, made.body)
            making.done(kept)
            return kept

    async def whole(self, kept: Kept) -> None:
        """Send an answer that is whole."""
        self._observed.form, self._observed.format = kept.kind.value, kept.format
        self._observed.rows = rows_of(kept)
        if self._plan.draw:
            await self._page(self._plan.draw, kept)
            return
        coded, body = kept.encoded(self._coding)
        self._complete(kept.kind, kept.format, coded)
        if self._exists():
            await self._exchange.respond(304, self._headers)
        else:
            await self._exchange.respond(200, self._headers, body)

    async def streamed(self, made: Answer, leaving: "asyncio.Future[None]") -> None:
        """Send an answer as it comes."""
        assert made.chunks is not None  # noqa: S101 - it is not whole
        exchange, observed = self._exchange, self._observed
        observed.form, observed.format = made.kind.value, made.format
        async with contextlib.aclosing(self._collecting(made)) as chunks:
            if self._plan.draw:
                await self._page(self._plan.draw, None)
                return
            self._complete(made.kind, made.format, self._coding)
            if self._exists():
                await exchange.respond(304, self._headers)
                return
            if exchange.scope["http_version"] == "1.0":
                body = await self._collected(chunks, leaving)
                await exchange.respond(200, self._headers, body)
                return
            exchange.started = True
            await start(exchange.send, 200, {**exchange.common(), **self._headers})
            if exchange.head:
                await exchange.send({"type": "http.response.body", "body": b""})
                return
            # A fault from here on breaks the connection off: a cut answer is no clean 200.
            coded = encode_stream(chunks, self._coding)
            observed.sent = await stream(exchange.send, coded, leaving)

    async def _collecting(self, made: Answer) -> AsyncGenerator[bytes, None]:
        """The chunks, which are kept for others if they may be."""
        assert made.chunks is not None  # noqa: S101 - it is not whole
        cache, query = self._service.cache, self._plan.query
        async with contextlib.aclosing(made.chunks) as chunks:  # type: ignore[type-var]
            if self._plan.volatile:
                async for chunk in chunks:
                    yield chunk
                return
            kept = cache.collect(query, made.kind, made.format, chunks)
            async with contextlib.aclosing(kept) as collected:
                async for chunk in collected:
                    yield chunk

    async def _collected(
        self, chunks: AsyncIterator[bytes], leaving: "asyncio.Future[None]"
    ) -> bytes:
        """The whole body: HTTP/1.0 has no chunks, and without a length a cut shows nowhere."""
        body = bytearray()
        async for chunk in encode_stream(chunks, self._coding):
            if leaving.done():
                raise Gone
            body += chunk
            if len(body) > _LONGEST_OLD:
                raise HttpProblem(
                    505,
                    "http-version",
                    "HTTP/1.0 is not enough",
                    f"By HTTP/1.0 an answer may be {_LONGEST_OLD} bytes long; use HTTP/1.1.",
                )
        return bytes(body)

    def _complete(self, kind: Kind, form: str, coded: str) -> None:
        """Say what the body is."""
        self._headers = described(self._plan, self._base, kind, form, coded)

    def _exists(self) -> bool:
        """Whether the client wants it only if there is none: `If-None-Match: *`."""
        return not self._plan.volatile and conditional.any_matches(self._condition)

    async def _page(self, draw: Draw, kept: Kept | None) -> None:
        """A page with the answer; its tag is of what stands on it."""
        exchange, page = self._exchange, await draw(kept)
        if self._plan.volatile:
            await exchange.respond(200, exchange.frame.headers(self._headers), page)
        else:
            digest = self._service.engine.summary.digest
            await exchange.show(self._headers, conditional.base_tag(digest, page), page)


def described(plan: Plan, base: str, kind: Kind, form: str, coded: str) -> dict[str, str]:
    """The headers that tell what the body of an answer is; `base` is what its tag begins with."""
    headers = {
        "vary": f"{plan.vary}, Accept-Encoding" if plan.vary else "Accept-Encoding",
        "cache-control": "no-store" if plan.volatile else _FRESH,
        **dict(plan.headers),
        "content-type": _content_type(kind, form),
    }
    if coded != "identity":
        headers["content-encoding"] = coded
    if not plan.volatile:
        headers["etag"] = conditional.tag(base, form, coded)
    return headers


def _content_type(kind: Kind, name: str) -> str:
    found = formats.graph_format(name) if kind is Kind.GRAPH else formats.result_format(name)
    return found.content_type if found else "application/octet-stream"


def rows_of(kept: Kept) -> int | None:
    """Solutions in the answer, where the format lets them be counted exactly."""
    if kept.kind is Kind.SOLUTIONS and kept.format == "tsv":
        return kept.body.count(b"\n") - 1
    if kept.kind is Kind.SOLUTIONS and kept.format == "xml":
        return kept.body.count(b"<result>")
    return None
