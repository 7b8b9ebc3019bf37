"""The HTTP server: uvicorn with our protocol, behind proxies or not.

Rule: what a trusted proxy saw is what was there; nobody else is believed.
"""

import contextlib
import gc
import resource
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from rokgraph.settings import Settings
from rokgraph.web import lines
from rokgraph.web.direct import Direct
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.protocol import BoundedProtocol

_GRACE = 10
_RINGS = 20_000  # objects more than before after which rings are looked for


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
