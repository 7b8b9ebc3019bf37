"""One site after the other: new data are loaded beside the old and take their place at once.

Rule: a request stays with the site it began on; nothing that was made of old data outlives it.

The new site has an engine, caches, an index and dumps of its own. When its workers are there, new
requests go to it; the old one is closed when its last request is over, or past its deadline. What
cannot be loaded changes nothing, and one line of the log says why.
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.routing import Router

from rokgraph import sources
from rokgraph.engine import Engine
from rokgraph.errors import EngineUnavailable, RokgraphError
from rokgraph.settings import Settings
from rokgraph.store import current
from rokgraph.web.app import Site, create_app
from rokgraph.web.direct import Direct
from rokgraph.web.http import Receive, Scope, Send

_LOG = logging.getLogger("succession")
_LOG.setLevel(logging.INFO)
_PATIENCE = 30.0  # seconds in which a new engine must have its workers
_GRACE = 10.0  # seconds beyond the deadline of queries, for those who read slowly
_PAUSE = 0.05  # seconds between two looks whether a site is at rest
_TERMINAL = "/dev/tty"

State = tuple[object, ...]


def state_of(settings: Settings) -> State:
    """What tells whether the data that the settings name are others, without reading them.

    The build that is current in a store, else name, length and time of each file; nothing while
    they cannot be found.
    """
    with contextlib.suppress(RokgraphError, OSError):
        if settings.store is not None:
            return (current(settings.store),)
        if settings.upstream is None:
            given = settings.data
            found = sources.given(given) if given else sources.built_in(settings.root)
            return tuple(_stamp(source.path) for source in found)
    return ()


def _stamp(path: Path) -> State:
    told = path.stat()
    return path, told.st_size, told.st_mtime_ns


class Succession:
    """The ASGI application: whatever site is in place."""

    def __init__(self, engine: Engine) -> None:
        """Begin with the site of an engine that is prepared."""
        self._settings = engine.settings
        self.site = self._watched(create_app(engine))
        self._router = Router(lifespan=self._life)
        self._loading: Engine | None = None
        self._retiring: set[Site] = set()
        self._again = False
        self._renewal: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # who has no terminal, or was told to outlive it, does not end with it
        ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self._on_terminal = not ignored and _has_terminal()

    @property
    def direct(self) -> Direct:
        """The short way of the site that is in place."""
        return self.site.direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the site it began on, or to the one in place."""
        if scope["type"] == "lifespan":
            await self._router(scope, receive, send)
        else:
            await scope.get("rokgraph.site", self.site)(scope, receive, send)

    def stop(self) -> None:
        """End all processes; needs no event loop."""
        for site in (self.site, *self._retiring):
            site.service.engine.stop()
        if self._loading is not None:
            self._loading.stop()

    # -- while it runs -------------------------------------------------------------------------

    @asynccontextmanager
    async def _life(self, _: object) -> AsyncIterator[None]:
        await self.site.begin()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(signal.SIGHUP, self._hung_up)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        if self._settings.watch_seconds:
            self._spawn(self._watch(self._settings.watch_seconds))
        yield
        for task in self._tasks:
            task.cancel()
        if self._loading is not None:
            self._loading.stop()
        for site in (self.site, *self._retiring):
            await site.close()

    def _spawn(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _hung_up(self) -> None:
        """SIGHUP: load the data anew; end with the terminal where there was one."""
        if self._on_terminal and not _has_terminal():
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            self.renew()

    async def _watch(self, seconds: float) -> None:
        """Load the data anew when they are others, and have been so for two looks."""
        folder = self.site.service.engine.folder
        known = state_of(self._settings) if folder is None else (folder,)
        before = known
        while True:
            await asyncio.sleep(seconds)
            found = await asyncio.to_thread(state_of, self._settings)
            settled = found == before or self._settings.store is not None
            if found and found != known and settled:
                known = found
                self.renew()
            before = found

    def renew(self) -> None:
        """Load the data anew; if that is being done already, once more afterwards."""
        if self._renewal is not None and not self._renewal.done():
            self._again = True
        else:
            self._renewal = self._spawn(self._renew())

    async def _renew(self) -> None:
        while True:
            self._again = False
            begun = time.monotonic()
            try:
                site = await self._loaded()
            except (RokgraphError, OSError) as error:
                self.site.service.telemetry.refused()
                _LOG.error("the data could not be loaded, the old ones stay: %s", error)
            else:
                self._succeed(site, time.monotonic() - begun)
            if not self._again:
                return

    async def _loaded(self) -> Site:
        """A site over the data as they are now, ready for requests.

        Raises SourceError for data that cannot be used, EngineUnavailable if no worker comes,
        OSError if no process can be started.
        """
        engine = self._loading = Engine(self._settings)  # by this thread: it dies with its maker
        close = engine.close
        try:
            await asyncio.to_thread(engine.prepare)
            site = await asyncio.to_thread(create_app, engine, self.site.service)
            await site.begin()
            close = site.close
            await _ready(engine)
        except BaseException:
            await close()
            raise
        finally:
            self._loading = None
        return self._watched(site)

    def _watched(self, site: Site) -> Site:
        site.service.engine.changed = self.renew
        return site

    def _succeed(self, site: Site, seconds: float) -> None:
        """Put a site in the place of the one before."""
        old, self.site = self.site, site
        service = site.service
        service.telemetry.follow(service.engine, service.cache, service.repeats)
        name, size = service.engine.summary.name, service.engine.summary.size
        _LOG.info("%s triples, %s, loaded in %.1f s and in place", size, name, seconds)
        self._retiring.add(old)
        self._spawn(self._retire(old))

    async def _retire(self, site: Site) -> None:
        """Close a site when its requests are over, or had their time."""
        engine = site.service.engine
        until = time.monotonic() + self._settings.timeout + _GRACE
        rested = 0
        # a request of which only the head is read is on no list yet: look twice
        while rested < 2 and time.monotonic() < until and not engine.outdated:  # noqa: PLR2004
            await asyncio.sleep(_PAUSE)
            rested = rested + 1 if engine.at_rest and not site.running else 0
        self._retiring.discard(site)
        await site.close()


async def _ready(engine: Engine) -> None:
    """Wait for its workers. Raises EngineUnavailable if none comes."""
    until = time.monotonic() + _PATIENCE
    while not engine.ready:
        if time.monotonic() > until:
            raise EngineUnavailable
        await asyncio.sleep(_PAUSE)


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal that is there."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
