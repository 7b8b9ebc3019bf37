"""The HTTP server: uvicorn with bounds on what a connection may cost.

Rule: a client that is slow or talks without end is let go; the others do not notice.
"""

import asyncio
import contextlib
import resource
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rokgraph.settings import Settings
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.telemetry import log_as_json

LONGEST_URL = 64 * 1024
_LONGEST_HEAD = LONGEST_URL + 32 * 1024
_HEAD_SECONDS = 10.0
_BODY_SECONDS = 30.0
_GRACE = 10

_REFUSALS = {
    408: b"Request Timeout",
    414: b"URI Too Long",
    431: b"Request Header Fields Too Large",
}


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on URL, headers and the time a request takes to arrive."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Begin before the first request."""
        super().__init__(*arguments, **named)
        self._head_bytes = 0
        self._in_head = True
        self._refusal = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a request soon."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._expect(_HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the headers are complete."""
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > _LONGEST_HEAD and not self.transport.is_closing():
            self._refuse(414 if len(self.url if self.headers is not None else b"") == 0 else 431)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._expect(_HEAD_SECONDS)

    def on_url(self, url: bytes) -> None:
        """Refuse a URL past the limit while it comes in."""
        super().on_url(url)
        if len(self.url) > LONGEST_URL:
            self._refusal = 414
            raise ValueError("the URL is too long")

    def on_headers_complete(self) -> None:
        """The head is there; the body may take a little longer."""
        self._in_head = False
        self._head_bytes = 0
        self._expect(_BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        self._expect(None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Tell of a request that does not parse, or of the limit it hit."""
        if self._refusal:
            self._refuse(self._refusal)
        else:
            super().send_400_response(msg)

    def _expect(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self.transport.is_closing():
            return
        # Nothing has come at all: there is nobody to tell.
        if self._in_head and not self._head_bytes:
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        reason = _REFUSALS[status]
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%s"
            % (status, reason, len(reason), reason)
        )
        self.transport.close()


def run(app: Callable[[Scope, Receive, Send], Awaitable[None]], settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; running answers are given a bounded time to finish."""
    log_as_json()
    _raise_descriptors()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=settings.connections,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=_GRACE,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal again when it is done; then it has no meaning any more
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run()


def _raise_descriptors() -> None:
    """Allow as many open connections as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
