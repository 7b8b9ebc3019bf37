"""The SPARQL endpoint: a request in, a query asked, its answer out.

Rule: speaks the protocol; evaluates nothing. A bare ASGI application, since a framework's route
costs more than most queries.

The checks come in this order: method, content type (415), body size (413), UTF-8, parameters
once each (400), acceptable format (406), then the query itself.
See https://www.w3.org/TR/sparql11-protocol/#query-operation
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from rokgraph import formats
from rokgraph.engine import Answer, Engine
from rokgraph.errors import BadRequest, RokgraphError
from rokgraph.query import Kind, Query
from rokgraph.web.negotiation import acceptable
from rokgraph.web.problems import HttpProblem, problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_METHODS = "GET, HEAD, POST, OPTIONS"
_FORM = "application/x-www-form-urlencoded"
_QUERY = "application/sparql-query"
_UPDATE = "application/sparql-update"
_KNOWN = frozenset({"query", "default-graph-uri", "named-graph-uri", "format", "timeout"})


class Gone(Exception):
    """The client closed the connection."""


class SparqlEndpoint:
    """The ASGI application at `/sparql`."""

    def __init__(self, engine: Engine) -> None:
        """Answer with this engine."""
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        head = scope["method"] == "HEAD"
        try:
            if scope["method"] == "OPTIONS":
                await _send(send, 204, {"allow": _METHODS, **_CORS}, b"")
                return
            query, seconds = await self._query(scope, receive)
            await self._answer(query, seconds, receive, send, head=head)
        except Gone:
            return
        except (RokgraphError, HttpProblem) as error:
            status, headers, body = problem(error)
            await _send(send, status, headers | _CORS, b"" if head else body)

    async def _query(self, scope: Scope, receive: Receive) -> tuple[Query, float | None]:
        """Read the query out of a request, or refuse it."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        method = scope["method"]
        if method not in ("GET", "HEAD", "POST"):
            raise HttpProblem(
                405, "method", "Method not allowed", f"Use {_METHODS}.", {"allow": _METHODS}
            )
        given = _parameters(scope["query_string"], "the URL")
        if method == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind not in (_FORM, _QUERY):
                raise _unsupported(kind)
            body = await self._body(receive, headers)
            if kind == _FORM:
                given += _parameters(body, "the body")
            else:
                given.append(("query", _decoded(body, "the query")))
        return self._bound(given, headers, _url(scope, headers))

    def _bound(
        self, given: list[tuple[str, str]], headers: Mapping[str, str], base_iri: str
    ) -> tuple[Query, float | None]:
        values = {name: [v for n, v in given if n == name] for name in _KNOWN}
        for name in ("query", "format", "timeout"):
            if len(values[name]) > 1:
                raise BadRequest(f"The parameter {name!r} is given {len(values[name])} times.")
        if any(name in ("update", "using-graph-uri", "using-named-graph-uri") for name, _ in given):
            raise BadRequest("This endpoint answers queries only; updates are not taken.")
        if not values["query"]:
            raise BadRequest("The parameter 'query' is missing.")
        if not values["query"][0].strip():
            raise BadRequest("The query is empty.")
        result, graph = acceptable(headers.get("accept", ""))
        if values["format"]:
            result, graph = _named_format(values["format"][0])
        dataset = values["default-graph-uri"], values["named-graph-uri"]
        explicit = bool(dataset[0] or dataset[1])
        query = Query(
            values["query"][0],
            base_iri=base_iri,
            default_graphs=tuple(dataset[0]) if explicit else None,
            named_graphs=tuple(dataset[1]) if explicit else None,
            result_format=result,
            graph_format=graph,
        )
        if result is None and graph is None:
            offered = [e.media_type for e in (*formats.RESULT_FORMATS, *formats.GRAPH_FORMATS)]
            raise HttpProblem(
                406, "not-acceptable", "No acceptable format", f"On offer: {', '.join(offered)}."
            )
        return query, _seconds(values["timeout"])

    async def _body(self, receive: Receive, headers: Mapping[str, str]) -> bytes:
        limit = self._engine.settings.max_query
        too_long = HttpProblem(
            413, "too-long", "The body is too long", f"A query may be {limit} bytes long."
        )
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > limit:
            raise too_long
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body += message.get("body", b"")
            if len(body) > limit:
                raise too_long
            if not message.get("more_body"):
                return bytes(body)

    async def _answer(
        self, query: Query, seconds: float | None, receive: Receive, send: Send, *, head: bool
    ) -> None:
        """Ask, and hand on what comes; stop the query if the client leaves."""
        asking = asyncio.ensure_future(self._engine.answer(query, seconds))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({asking, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Gone
            await self._deliver(asking.result(), send, leaving, head=head)
        finally:
            asking.cancel()
            leaving.cancel()

    async def _deliver(
        self, answer: Answer, send: Send, leaving: asyncio.Future[None], *, head: bool
    ) -> None:
        table = formats.graph_format if answer.kind is Kind.GRAPH else formats.result_format
        form = table(answer.format)
        headers = {
            "content-type": form.content_type if form else "application/octet-stream",
            "vary": "Accept",
            "rokgraph-dataset": f"sha256:{self._engine.summary.digest}",
            **_CORS,
        }
        if answer.body is not None:
            headers["content-length"] = str(len(answer.body))
            await _send(send, 200, headers, b"" if head else answer.body)
            return
        assert answer.chunks is not None  # noqa: S101 - an answer is whole or in chunks
        async with contextlib.aclosing(answer.chunks) as chunks:  # type: ignore[type-var]
            await _start(send, 200, headers)
            if not head:
                # A fault from here on breaks the connection off: a cut answer is never a
                # clean 200.
                await _stream(chunks, send, leaving)
        await send({"type": "http.response.body", "body": b""})


async def _stream(chunks: AsyncIterator[bytes], send: Send, leaving: asyncio.Future[None]) -> None:
    async for chunk in chunks:
        if leaving.done():
            raise Gone
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


_CORS = {"access-control-allow-origin": "*"}


def _parameters(data: bytes, where: str) -> list[tuple[str, str]]:
    """Parameters of a form or a URL, percent-decoded once."""
    try:
        return parse_qsl(
            data.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict"
        )
    except UnicodeDecodeError:
        raise BadRequest(f"A parameter in {where} is not UTF-8, percent-encoded.") from None


def _decoded(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"Byte {error.start} of {what} is not UTF-8.") from None


def _unsupported(kind: str) -> HttpProblem:
    update = " Updates are not taken." if kind == _UPDATE else ""
    return HttpProblem(
        415,
        "media-type",
        "Unsupported media type",
        f"POST a query as {_QUERY} or as a form, {_FORM}.{update}",
        {"accept-post": f"{_QUERY}, {_FORM}"},
    )


def _named_format(name: str) -> tuple[str | None, str | None]:
    result, graph = formats.result_format(name), formats.graph_format(name)
    if result is None and graph is None:
        short = [e.name for e in (*formats.RESULT_FORMATS, *formats.GRAPH_FORMATS)]
        raise BadRequest(f"Unknown format {name!r}; known: {', '.join(short)}.")
    return result.name if result else None, graph.name if graph else None


def _seconds(given: list[str]) -> float | None:
    if not given:
        return None
    try:
        seconds = float(given[0])
    except ValueError:
        seconds = -1
    if not 0 < seconds < float("inf"):
        raise BadRequest(f"The timeout {given[0]!r} is not a positive number of seconds.")
    return seconds


def _url(scope: Scope, headers: Mapping[str, str]) -> str:
    """The endpoint's own URL, against which relative IRIs in a query are resolved."""
    host = headers.get("host", "localhost")
    return f"{scope.get('scheme', 'http')}://{host}{scope['path']}"


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    headers = dict(headers)
    headers.setdefault("content-length", str(len(body)))
    await _start(send, status, headers)
    await send({"type": "http.response.body", "body": body})
