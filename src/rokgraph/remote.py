"""One endpoint elsewhere, asked by HTTP: parameters out, a stream in, faults told plainly.

Rule: knows the protocol and what its engines say beside it; neither queries nor formats.

Runs where it may be killed at any moment, which ends the connection.
See https://www.w3.org/TR/sparql11-protocol/#query-via-post-urlencoded
"""

import base64
import io
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import IO
from urllib.parse import urlencode, urlsplit

from rokgraph.errors import QueryError, UpstreamBusy, UpstreamFault, UpstreamTimeout

_CHUNK = 64 * 1024
_LONGEST_REFUSAL = 4 * 1024 * 1024  # bytes; Virtuoso puts its error behind a broken answer
_SHOWN = 300  # characters of it
_CONNECT = 10.0  # seconds
_MOMENT = 0.01  # seconds in which the end of an answer must have come that was read already
_OK = range(200, 300)
_LATE = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT})
_FULL = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
VIRTUOSO = "virtuoso"
# https://docs.openlinksw.com/virtuoso/anytimequeries/: it sends what it has, as if it were all
_STATE, _INTERRUPTED = "x-sql-state", frozenset({"S1TAT", "S1T00"})
_CUT = "x-sparql-maxrows"
_VIRTUOSO_ERROR = re.compile(r"Virtuoso (\w{5}) Error [^\n]*")
# Its JSON names blank nodes by IRIs. The quotes are none of a string, where they would be escaped.
_BLANK = (b'"bnode", "value": "nodeID://', b'"bnode", "value": "')


@dataclass(frozen=True, slots=True)
class Reply:
    """What it answered: media type, the body as a stream, the engine as it names itself.

    `rows`: at how many it says that it has cut this answer, None if it says nothing.
    """

    media_type: str
    body: IO[bytes]
    engine: str
    rows: int | None


class Remote:
    """An endpoint and the connection to it, opened when it is wanted and kept while it lasts."""

    def __init__(self, url: str, user: str | None, password: str | None, seconds: float) -> None:
        """Take its URL, who asks, and how long it may be silent."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # made once: to read the certificates takes longer than most queries
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._seconds = seconds
        self._headers = {"content-type": "application/x-www-form-urlencoded"}
        if user is not None:
            told = base64.b64encode(f"{user}:{password or ''}".encode()).decode("ascii")
            self._headers["authorization"] = f"Basic {told}"
        self._connection: HTTPConnection | None = None
        self._response: HTTPResponse | None = None

    def ask(self, parameters: Sequence[tuple[str, str]], accept: str) -> Reply:
        """Ask it by POST.

        Raises UpstreamFault, UpstreamTimeout and UpstreamBusy, QueryError for a query that it
        refuses.
        """
        content = urlencode(parameters).encode("ascii")
        headers = {**self._headers, "accept": accept, "accept-encoding": "identity"}
        self._response = response = self._sent(content, headers)
        engine = response.headers.get("server", "").partition("/")[0].lower()
        if response.status not in _OK:
            raise self._refusal(response)
        if response.headers.get(_STATE) in _INTERRUPTED:
            raise UpstreamTimeout(self._seconds)
        chunks = _chunks(response)
        media_type = response.headers.get_content_type()
        if engine == VIRTUOSO and media_type.endswith("json"):
            chunks = _replaced(chunks, *_BLANK)
        cut = response.headers.get(_CUT, "")
        body = io.BufferedReader(_Stream(chunks), _CHUNK)
        return Reply(media_type, body, engine, int(cut) if cut.isdigit() else None)

    def _sent(self, body: bytes, headers: dict[str, str]) -> HTTPResponse:
        """The beginning of the response. What was kept open may be closed by now: then again."""
        if not self._read_to_its_end():
            self.close()  # there is more on it of an answer that nobody wanted
        kept = self._connection is not None
        try:
            return self._once(body, headers)
        except TimeoutError:
            self.close()
            raise UpstreamTimeout(self._seconds) from None
        except (HTTPException, OSError) as error:
            self.close()
            if not kept or isinstance(error, ssl.SSLError):
                raise UpstreamFault(f"cannot be reached: {_said(error)}") from None
        return self._sent(body, headers)

    def _once(self, body: bytes, headers: dict[str, str]) -> HTTPResponse:
        connection = self._connection
        if connection is None:
            connection = (
                HTTPSConnection(self._host, self._port, timeout=_CONNECT, context=self._tls)
                if self._tls
                else HTTPConnection(self._host, self._port, timeout=_CONNECT)
            )
            connection.connect()
            connection.sock.settimeout(self._seconds)
            self._connection = connection
        connection.request("POST", self._target, body, headers)
        return connection.getresponse()

    def _read_to_its_end(self) -> bool:
        """Whether nothing is left of the answer before; a parser may stop where it is complete."""
        response, connection = self._response, self._connection
        if response is None or connection is None or response.isclosed():
            return True
        connection.sock.settimeout(_MOMENT)
        try:
            rest = response.length != 0 and response.read1(1)
        except (HTTPException, OSError, ValueError):
            return False
        connection.sock.settimeout(self._seconds)
        response.close()
        return not rest

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._response = None

    def _refusal(self, response: HTTPResponse) -> Exception:
        """What a status other than a good one means."""
        status = response.status
        text = response.read(_LONGEST_REFUSAL).decode("utf-8", "replace")
        known = _VIRTUOSO_ERROR.search(text)
        if status in _LATE or (known and known[1] in _INTERRUPTED):
            return UpstreamTimeout(self._seconds)
        if status in _FULL:
            wait = response.headers.get("retry-after", "")
            return UpstreamBusy(int(wait) if wait.isdigit() else 1)
        said = _short(known[0] if known else text)
        if status in _REFUSED:
            return QueryError(f"The endpoint behind this one refuses the query: {said}")
        return UpstreamFault(f"answered {status}: {said}")


def _short(text: str) -> str:
    """The first lines of what it said, without markup."""
    plain = " ".join(re.sub(r"<[^>]*>", " ", text[: 8 * _SHOWN]).split())
    return plain[: _SHOWN - 1] + "…" if len(plain) > _SHOWN else plain or "nothing more"


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    """The body as it comes. Raises UpstreamFault if it ends too early."""
    try:
        while chunk := response.read1(_CHUNK):
            yield chunk
    except TimeoutError:
        raise UpstreamFault("fell silent in the middle of an answer") from None
    except (HTTPException, OSError, ValueError) as error:
        raise UpstreamFault(f"broke its answer off: {_said(error)}") from None
    if response.length:
        raise UpstreamFault(f"broke its answer off {response.length} bytes before its end")


def _replaced(chunks: Iterator[bytes], old: bytes, new: bytes) -> Iterator[bytes]:
    """The chunks with one text for another, wherever they are cut."""
    tail = b""
    for chunk in chunks:
        seen = (tail + chunk).replace(old, new)
        # of what may be the beginning of the text, no more can be in here
        keep = next((size for size in range(len(old) - 1, 0, -1) if seen.endswith(old[:size])), 0)
        tail = seen[len(seen) - keep :]
        yield seen[: len(seen) - keep]
    yield tail


class _Stream(io.RawIOBase):
    """Chunks to be read from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        target = memoryview(buffer)  # type: ignore[arg-type] # a writable buffer
        size = min(len(target), len(self._rest))
        target[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
