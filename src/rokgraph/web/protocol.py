"""The HTTP protocol of a connection: uvicorn's, with bounds on what a connection may cost.

Rule: a client that is slow or talks without end is let go; the others do not notice.
"""

import asyncio
import json
import socket
import sys
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from rokgraph.web.direct import Asking, Direct
from rokgraph.web.heads import Head
from rokgraph.web.http import CORS, Scope

LONGEST_URL = 64 * 1024 - 1  # the parser's own limit
_LONGEST_HEAD = LONGEST_URL + 32 * 1024
_HEAD_SECONDS = 10.0
_BODY_SECONDS = 30.0
_SHORT = 32 * 1024  # bytes of a request that is answered without the parser
_LINGER = 2.0  # a client that is refused while it talks may still read why
_STALLED = 60  # a client that reads nothing for so many seconds is let go, where the system can

_REFUSALS = {
    400: (
        "Bad Request",
        "This is no HTTP request: it must name one host, and its URL must be percent-encoded.",
    ),
    408: ("Request Timeout", "The request took too long to arrive."),
    414: ("URI Too Long", f"A URL may be {LONGEST_URL} bytes long; a POST takes longer queries."),
    431: ("Request Header Fields Too Large", f"URL and headers may be {_LONGEST_HEAD} bytes long."),
    503: ("Service Unavailable", "Too many connections are open. Please try again in a moment."),
}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on URL, headers and the time a request takes to arrive."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Begin before the first request."""
        super().__init__(*arguments, **named)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._head_bytes = 0
        self._header_bytes = 0
        self._in_head = True
        self._refusal = 0
        self._deaf = False
        self._answered = False
        self._asking: Asking | None = None
        self._peer = b""
        self._data = b""  # what came, as long as it may be one request and nothing else
        self._opening: tuple[object, bytes] = (None, b"")
        self._active = 0.0  # when the last response went out, by the loop's clock
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a request soon."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if sys.platform == "linux":
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED * 1000)
        if hasattr(self.app, "see") and self.client:  # from a proxy a head tells who the client is
            self._peer = self.client[0].encode("ascii")
        self._expect(_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._expect(None)
        self._unset_keepalive_if_required()  # uvicorn lets it run where a connection is reset
        if self._asking is not None:
            self._asking.left()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer a plain request at once; of others count what comes before their heads end."""
        if self._deaf or self.transport.is_closing():
            return
        between = self._in_head and not self._head_bytes
        if between and self._at_once(data):
            return
        self._data = data if between else b""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._deaf or not self._in_head or not self._head_bytes:
            return
        if self._head_bytes > _LONGEST_HEAD:
            self._refuse(414 if len(self.url if self.headers is not None else b"") == 0 else 431)
        elif self._timer is None:  # line ends between two requests
            self._expect(_HEAD_SECONDS)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._header_bytes = 0
        self._answered = False
        self._expect(_HEAD_SECONDS)

    def on_url(self, url: bytes) -> None:
        """Refuse a URL past the limit while it comes in."""
        super().on_url(url)
        if len(self.url) > LONGEST_URL:
            self._refusal = 414
            raise ValueError("the URL is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse headers past the limit, however they come in."""
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value) + len(": \r\n")
        if len(self.url) + self._header_bytes > _LONGEST_HEAD:
            self._refusal = 431
            raise ValueError("the headers are too long")

    def on_headers_complete(self) -> None:
        """The head is there; the body may take a little longer.

        See https://www.rfc-editor.org/rfc/rfc9112#section-3.2
        """
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError("not one host")
        if self._most is not None and len(self.connections) > self._most:
            self._refusal = 503
            raise ValueError("too many connections")
        self._in_head = False
        self._head_bytes = 0
        # each time anew: another site may have taken the place of the one before
        direct: Direct | None = getattr(self.app, "direct", None)
        if direct is not None and self._answer_read(direct):
            self._answered = True
            return
        self._expect(_BODY_SECONDS)
        super().on_headers_complete()

    def _at_once(self, data: bytes) -> bool:
        """Answer a request whose head came before, without the parser."""
        if self._answering or self.pipeline or self.flow.write_paused or len(data) > _SHORT:
            return False
        if self._most is not None and len(self.connections) > self._most:
            return False
        direct: Direct | None = getattr(self.app, "direct", None)
        found = None if direct is None else direct.heads.find(data, self._peer)
        if direct is None or found is None or not self._answer_directly(direct, *found):
            return False
        if self._timer is not None:
            self._expect(None)
        return True

    def _answer_read(self, direct: Direct) -> bool:
        """Answer what the parser has read; if not, let its response be kept where it may be."""
        data, self._data = self._data, b""
        parser = self.parser
        plain = parser.get_method() == b"GET" and parser.get_http_version() == "1.1"
        if not plain or self._answering or self.pipeline or self.flow.write_paused:
            return False
        if self._peer:
            self.app.see(self.scope)
        head = direct.head(self.scope, proxied=bool(self._peer))  # type: ignore[arg-type]
        if head is None:
            return False
        direct.heads.learn(data, self._peer, self.url, head)
        if self._answer_directly(direct, self.url, head):
            return True
        self.scope["rokgraph.repeat"] = self.url, head.told  # type: ignore[typeddict-unknown-key]
        return False

    def _answer_directly(self, direct: Direct, url: bytes, head: Head) -> bool:
        client = head.seen.get("client") or self.client
        address = client[0] if client else ""
        parts = direct.repeated((url, head.told), address)
        if parts is not None:
            self._write(200, parts)
            self.on_response_complete()
            return True
        self._asking = direct.ask(url, head, address, self)
        if self._asking is None:
            return False
        self.cycle = self._asking  # type: ignore[assignment] # one, as far as uvicorn looks
        return True

    def _write(self, status: int, parts: list[bytes]) -> None:
        pairs = self.server_state.default_headers  # others each second
        if self._opening[0] is not pairs:
            lines = (name + b": " + value + b"\r\n" for name, value in pairs)
            self._opening = pairs, b"".join(lines)
        self.transport.write(b"".join((STATUS_LINE[status], self._opening[1], *parts)))

    def on_response_complete(self) -> None:
        """Wait for the next request; a clock that runs already looks what came meanwhile."""
        if self.pipeline or self.flow.read_paused or self.timeout_keep_alive_task is None:
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
        self._active = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """Let a client go that has not asked for a while."""
        rest = self._active + self.timeout_keep_alive - self.loop.time()
        if self._answering:
            rest = self.timeout_keep_alive
        if rest > 0:
            again = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(rest, again)
        else:
            super().timeout_keep_alive_handler()

    @property
    def waits(self) -> bool:
        """Whether the client has not yet taken what was written before."""
        return bool(self.flow.write_paused)

    def reply(self, asking: Asking, status: int, parts: list[bytes]) -> None:
        """Write the response to what was asked directly."""
        self._write(status, parts)
        self._asking = None
        if not asking.keep_alive:
            self.transport.close()
        asking.response_complete = True
        self.on_response_complete()

    def scope_of(self, asking: Asking) -> Scope:
        """The scope of a request, as uvicorn makes it."""
        path, _, query = asking.url.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "root_path": self.root_path,
            "state": self.app_state.copy(),
            "method": "GET",
            "path": path.decode("ascii"),
            "raw_path": path,
            "query_string": query,
            **asking.head.seen,
        }

    def take_over(self, asking: Asking, begun: Scope) -> None:
        """Let the application go on with what was asked directly."""
        self._asking = None
        cycle = RequestResponseCycle(
            scope={**self.scope_of(asking), **begun},  # type: ignore[typeddict-item]
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=asking.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        if self.cycle is asking:  # type: ignore[comparison-overlap]
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def on_message_complete(self) -> None:
        """The request is there."""
        self._expect(None)
        self._in_head = True
        self._head_bytes = 0
        if not self._answered:
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, unless its request is answered already."""
        if not self._answered:
            super().on_body(body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's name
        """Tell of a request that does not parse, or of the limit it hit."""
        if self._answering and not self.cycle.more_body:
            self._deaf, self.cycle.keep_alive = True, False  # the requests before it come first
        else:
            self._refuse(self._refusal or 400)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self.transport.is_closing():
            return
        if self.pipeline or (self._in_head and self._answering):
            self._expect(_HEAD_SECONDS)  # it is the one who waits
        elif self._head_bytes or self._answering:
            self._refuse(408)
        else:  # nothing has come at all, or its answer is out: there is nobody to tell
            self.transport.close()

    def _refuse(self, status: int) -> None:
        """Tell why and read no further; a close at once could take the words back."""
        title, detail = _REFUSALS[status]
        body = json.dumps({"title": title, "status": status, "detail": detail}).encode()
        headers = {
            **{name.decode(): value.decode() for name, value in self.server_state.default_headers},
            **CORS,
            "content-type": "application/problem+json",
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "connection": "close",
        }
        if status == 503:  # noqa: PLR2004 - it stands above
            headers["retry-after"] = "1"
        lines = [f"HTTP/1.1 {status} {title}", *(": ".join(pair) for pair in headers.items())]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.write_eof()
        self._deaf = True
        self._expect(None)
        self.loop.call_later(_LINGER, self.transport.close)
