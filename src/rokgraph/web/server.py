"""The HTTP server: uvicorn with bounds on what a connection may cost.

Rule: a client that is slow or talks without end is let go; the others do not notice.
"""

import asyncio
import contextlib
import gc
import json
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from rokgraph.settings import Settings
from rokgraph.web import lines
from rokgraph.web.direct import Asking, Direct
from rokgraph.web.http import CORS, Receive, Scope, Send
from rokgraph.web.repeats import key_of

LONGEST_URL = 64 * 1024 - 1  # the parser's own limit
_LONGEST_HEAD = LONGEST_URL + 32 * 1024
_HEAD_SECONDS = 10.0
_BODY_SECONDS = 30.0
_GRACE = 10
_RINGS = 20_000  # objects more than before after which rings are looked for
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
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a request soon."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if sys.platform == "linux":
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED * 1000)
        self._expect(_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._expect(None)
        if self._asking is not None:
            self._asking.left()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the headers are complete."""
        if self._deaf or self.transport.is_closing():
            return
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
        if direct is not None and self._answer_directly(direct):
            self._answered = True
            return
        self._expect(_BODY_SECONDS)
        super().on_headers_complete()

    def _answer_directly(self, direct: Direct) -> bool:
        """Answer a plain GET that came before; if not, let its response be kept where it may be."""
        parser = self.parser
        plain = parser.get_method() == b"GET" and parser.get_http_version() == "1.1"
        if not plain or self._answering or self.pipeline or self.flow.write_paused:
            return False
        if isinstance(self.app, Proxied):
            self.app.see(self.scope)
        key = key_of(self.url, self.scope["headers"], self.scope["scheme"])
        if key is None:
            return False
        client = self.scope["client"]
        parts = direct.repeated(key, client[0] if client else "")
        if parts is not None:
            self._write(200, parts)
            self.on_response_complete()
            return True
        self._asking = direct.ask(key, self.scope, self)  # type: ignore[arg-type]
        if self._asking is None:
            self.scope["rokgraph.repeat"] = key  # type: ignore[typeddict-unknown-key]
            return False
        self.cycle = self._asking  # type: ignore[assignment] # one, as far as uvicorn looks
        return True

    def _write(self, status: int, parts: list[bytes]) -> None:
        head = [STATUS_LINE[status]]
        for pair in self.server_state.default_headers:
            head += (pair[0], b": ", pair[1], b"\r\n")
        self.transport.write(b"".join((*head, *parts)))

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

    def take_over(self, asking: Asking) -> None:
        """Let the application go on with what was asked directly."""
        self._asking = None
        cycle = RequestResponseCycle(
            scope=asking.scope,  # type: ignore[arg-type]
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


class Proxied(ProxyHeadersMiddleware):
    """uvicorn's forwarding headers of trusted proxies, and the host as well."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the application see what the last trusted proxy saw."""
        if scope["type"] == "http":
            self.see(scope)
        await self.app(scope, receive, send)

    @property
    def direct(self) -> Direct | None:
        """The short way of the application, which is another after a swap."""
        return getattr(self.app, "direct", None)

    def see(self, scope: Any) -> None:
        """Put what the last trusted proxy saw in the place of what came; twice is as once."""
        client = scope.get("client")
        if not client or client[0] not in self.trusted_hosts:
            return
        told: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            if name.startswith(b"x-forwarded-"):
                told.setdefault(name, []).append(value)
        host = told.get(b"x-forwarded-host")
        if host:
            scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"].append((b"host", host[-1].rpartition(b",")[2].strip()))
        scheme = told.get(b"x-forwarded-proto", [b""])[-1].strip()
        if scheme in {b"http", b"https"}:
            scope["scheme"] = scheme.decode()
        addresses = b", ".join(told.get(b"x-forwarded-for", [])).decode("latin-1")
        found = self.trusted_hosts.get_trusted_client_address(addresses)
        if found[0]:
            scope["client"] = found


def run(app: Callable[[Scope, Receive, Send], Awaitable[None]], settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; running answers are given a bounded time to finish."""
    lines.begin()
    _raise_descriptors()
    if settings.trusted_proxies:
        app = Proxied(app, list(settings.trusted_proxies))  # type: ignore[arg-type]
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.connections,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal again when it is done; then it has no meaning any more
        signal.signal(number, lambda *_: None)
    # What is there by now stays; rings of objects that requests leave behind are few and small.
    gc.freeze()
    gc.set_threshold(_RINGS, *gc.get_threshold()[1:])
    uvicorn.Server(config).run()


def _raise_descriptors() -> None:
    """Allow as many open connections as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
