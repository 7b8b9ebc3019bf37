"""Requests and responses as plain ASGI: reading headers, sending answers, headers for all.

Rule: knows HTTP and nothing of SPARQL.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# Any page of any origin may read, without credentials. https://fetch.spec.whatwg.org/#http-cors-protocol
CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": (
        "ETag, Link, Location, Retry-After, Server-Timing, X-Total-Count, "
        "Accept-Ranges, Content-Range, Repr-Digest, Rokgraph-Dataset, Rokgraph-Query"
    ),
}
PREFLIGHT = {
    "access-control-allow-headers": (
        "Accept, Accept-Language, Content-Type, If-None-Match, If-Range, Range"
    ),
    "access-control-max-age": "86400",
}

# For HTML: nothing from elsewhere, no script in the page, no frame around it.
SECURITY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-frame-options": "DENY",
}

# Of every page.
PAGE = {"content-type": "text/html; charset=utf-8", **SECURITY}

# A client that takes none of a finished answer for this long is let go.
_STALLED = 60.0
_BUFFERED = 16 * 1024
_PIECE = 256 * 1024


class Gone(Exception):
    """The client closed the connection."""


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by lower-case name; of a repeated list header, all joined."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


async def start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """Send status and headers."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def respond(
    send: Send, status: int, headers: Mapping[str, str], body: bytes = b"", *, head: bool = False
) -> None:
    """Send a whole response; `head` leaves the body out but tells its length.

    Raises Gone if the client takes nothing of a large one for too long.
    """
    headers = dict(headers)
    if status not in (204, 304):
        headers.setdefault("content-length", str(len(body)))
    await start(send, status, headers)
    if head or len(body) < _BUFFERED:
        # fits into the buffers of the socket: nobody can make us wait
        await send({"type": "http.response.body", "body": b"" if head else body})
        return
    try:
        for at in range(0, len(body), _PIECE):  # what waits for a slow client is one of them
            async with asyncio.timeout(_STALLED):
                await send({
                    "type": "http.response.body",
                    "body": body[at : at + _PIECE],
                    "more_body": at + _PIECE < len(body),
                })  # fmt: skip
    except TimeoutError:
        raise Gone from None


async def stream(send: Send, chunks: AsyncIterator[bytes], leaving: "asyncio.Future[None]") -> int:
    """Send a body piece by piece; returns its length.

    Raises Gone when the client leaves. Whatever `chunks` raises passes through, and the response
    is left without its end, so that the client sees an error.
    """
    sent = 0
    async for chunk in chunks:
        if leaving.done():
            raise Gone
        sent += len(chunk)
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
    return sent


async def body_of(receive: Receive, limit: int) -> bytes | None:
    """The body of a request; None if it is longer than `limit` bytes.

    Raises Gone when the client leaves.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body"):
            return bytes(body)


async def left(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
