"""A file on its way out: whole or a range of it, under conditions.

Rule: sends bytes of a file that somebody else has chosen, piece by piece.

See https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
"""

import asyncio
import re
from pathlib import Path

from rokgraph.web import conditional
from rokgraph.web.exchange import Exchange
from rokgraph.web.http import Gone, start
from rokgraph.web.problems import HttpProblem

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)
_PIECE = 256 * 1024  # bytes
_STALLED = 60.0  # seconds in which a client must take a piece


async def send_file(
    exchange: Exchange, path: Path, size: int, tag: str, headers: dict[str, str]
) -> None:
    """Send a file of `size` bytes with the strong entity tag `tag`, or the range asked for.

    304 if the client has it. Of several ranges at once the whole is sent, as a server may.

    Raises HttpProblem (416) for a range beyond the end, Gone if the client leaves or stalls.
    """
    headers = {**headers, "etag": tag, "accept-ranges": "bytes"}
    condition = exchange.condition
    if conditional.matches(condition, {tag}) or conditional.any_matches(condition):
        await exchange.respond(304, headers)
        return
    status, first, last = 200, 0, size - 1
    asked = _asked_range(exchange, tag)
    if asked is not None:
        first, last = _within(asked, size)
        status = 206
        headers["content-range"] = f"bytes {first}-{last}/{size}"
    headers["content-length"] = str(last - first + 1)
    if exchange.head:
        await exchange.respond(status, headers)
        return
    exchange.started = True
    exchange.observed.status = status
    await start(exchange.send, status, {**exchange.common(), **headers})
    await _send(exchange, path, first, last + 1)


def _asked_range(exchange: Exchange, tag: str) -> tuple[str, str] | None:
    """First and last byte as the client writes them; None where it gets the whole.

    A range is only for GET, and only if what an If-Range header names is what we have.
    """
    if exchange.head:
        return None
    found = _RANGE.fullmatch(exchange.headers.get("range", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if found[1] and found[2] and int(found[2]) < int(found[1]):
        return None  # no range at all, so none is asked for
    return (found[1], found[2]) if exchange.headers.get("if-range", tag) == tag else None


def _within(asked: tuple[str, str], size: int) -> tuple[int, int]:
    """First and last byte of a range inside the file. Raises HttpProblem if it is not."""
    first, last = asked
    if first:
        bounds = int(first), min(int(last), size - 1) if last else size - 1
    else:
        bounds = max(0, size - int(last)), size - 1
    if bounds[0] > bounds[1]:
        detail = f"The file has {size} bytes; asked for was {first}-{last}."
        outside = {"content-range": f"bytes */{size}", "accept-ranges": "bytes"}
        raise HttpProblem(416, "range", "No such part of the file", detail, outside)
    return bounds


async def _send(exchange: Exchange, path: Path, position: int, end: int) -> None:
    """Send the bytes from `position` up to `end`; a file that is too short breaks it off."""
    with await asyncio.to_thread(path.open, "rb") as file:
        await asyncio.to_thread(file.seek, position)
        while position < end:
            piece = await asyncio.to_thread(file.read, min(_PIECE, end - position))
            if not piece:
                raise Gone
            position += len(piece)
            message = {"type": "http.response.body", "body": piece, "more_body": position < end}
            try:
                async with asyncio.timeout(_STALLED):
                    await exchange.send(message)
            except TimeoutError:
                raise Gone from None
            exchange.observed.sent += len(piece)
