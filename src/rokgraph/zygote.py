"""The process that holds the snapshot and forks workers, as the front sees it.

Rule: starts it, asks it for workers, hears how they died, and starts it again when it is gone;
knows nothing of queries.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from rokgraph import frames
from rokgraph.errors import EngineUnavailable, RokgraphError, from_plain
from rokgraph.frames import Tag
from rokgraph.settings import Settings
from rokgraph.snapshot import Summary, summary_from

_READ = 64 * 1024
_REMEMBERED = 256  # deaths that nobody has asked about yet
_PATIENCE = 1.0  # seconds to wait for the news of a death


class Zygote:
    """Made, it is loading; `prepare()` waits until it has; `listen()` keeps it alive."""

    def __init__(
        self, settings: Settings, restarted: Callable[[], None], folder: Path | None = None
    ) -> None:
        """Start it at once, so that it loads while its maker goes on.

        `folder`: the build on disk that it opens, where the settings name a store.
        """
        self._settings, self._restarted, self._folder = settings, restarted, folder
        self._summary: Summary | None = None
        self._loaded: Summary
        self.outdated = False  # what it would load now is not what it has told of
        self._making: deque[asyncio.Future[int]] = deque()
        self._deaths: dict[int, int] = {}
        self._watches: dict[int, asyncio.Future[int]] = {}
        self._restarting = False
        self._spawn()

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rokgraph.worker", str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        self._control = ours
        setup = {
            "root": str(self._settings.root),
            "data": [str(path) for path in self._settings.data],
            "union": self._settings.union_default_graph,
            "memory": self._settings.memory,
            "timeout": self._settings.timeout,
            "federation": list(self._settings.federation),
            "private": self._settings.federation_private,
            "upstream": _upstream(self._settings),
            "store": None if self._folder is None else str(self._folder),
            "in_memory": self._settings.in_memory,
            "default_graph": self._settings.default_graph,
        }
        ours.sendall(frames.pack_json(Tag.SETUP, setup))

    def prepare(self) -> Summary:
        """Wait until the snapshot is loaded; what is to be known of it.

        Raises SourceError if a file is wrong, EngineUnavailable if the process died.
        """
        first = frames.receive(self._control)
        if first is None:
            raise EngineUnavailable
        tag, payload = first
        if tag is Tag.FAULT:
            raise from_plain(json.loads(payload))
        self._loaded = summary_from(json.loads(payload))
        self._summary = self._summary or self._loaded
        self.outdated = not _same(self._summary, self._loaded)
        return self._loaded

    async def listen(self) -> None:
        """Hear from it as long as the task runs; when it is gone, start another.

        Returns when there is none that would hold the same data.
        """
        loop = asyncio.get_running_loop()
        while not self.outdated:
            self._control.setblocking(False)
            splitter = frames.Splitter()
            with contextlib.suppress(ConnectionError):
                while data := await loop.sock_recv(self._control, _READ):
                    for tag, payload in splitter.feed(data):
                        self._heard(tag, json.loads(payload))
            await self._restart()
            self._restarted()

    async def make(self, protocol: asyncio.Protocol, *, open_: bool = False) -> int:
        """A new worker behind `protocol`, `open_` if it may call other endpoints; its process id.

        Raises EngineUnavailable if none can be had now.
        """
        if self._restarting or self.outdated:
            raise EngineUnavailable  # the one that loads may be killed too, and answer nobody
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        try:
            made: asyncio.Future[int] = loop.create_future()
            socket.send_fds(
                self._control,
                [frames.pack(Tag.FORK_OPEN if open_ else Tag.FORK)],
                [theirs.fileno()],
            )
            self._making.append(made)
            pid = await made
            await loop.create_connection(lambda: protocol, sock=ours)
        except OSError:
            ours.close()
            raise EngineUnavailable from None
        except EngineUnavailable:
            ours.close()
            raise
        finally:
            theirs.close()
        return pid

    def adopt(self) -> Summary:
        """Stand for what it has loaded now; the summary of that."""
        self.outdated, self._summary = False, self._loaded
        return self._loaded

    async def signal_of_death(self, pid: int) -> int:
        """The signal that ended a worker; 0 if it was none, or died with its zygote."""
        status = self._deaths.pop(pid, None)
        if status is None and not self._restarting:
            watch = asyncio.get_running_loop().create_future()
            self._watches[pid] = watch
            with contextlib.suppress(TimeoutError):
                status = await asyncio.wait_for(watch, _PATIENCE)
            self._watches.pop(pid, None)
        return os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0

    def stop(self) -> None:
        """End it and with it every worker."""
        self._process.kill()
        self._process.wait()
        self._control.close()

    def _heard(self, tag: Tag, values: dict[str, int]) -> None:
        if tag is Tag.FORKED and self._making:
            maker = self._making.popleft()
            if not maker.done():
                maker.set_result(values["pid"])
        elif tag is Tag.DIED:
            watch = self._watches.pop(values["pid"], None)
            if watch is not None and not watch.done():
                watch.set_result(values["status"])
                return
            self._deaths[values["pid"]] = values["status"]
            if len(self._deaths) > _REMEMBERED:
                del self._deaths[next(iter(self._deaths))]

    async def _restart(self) -> None:
        loop = asyncio.get_running_loop()
        self._restarting = True
        self._control.close()
        self._process.kill()
        await loop.run_in_executor(None, self._process.wait)
        for watch in self._watches.values():
            if not watch.done():
                watch.set_result(0)  # died with the zygote, by no fault of the query
        for maker in self._making:
            if not maker.done():
                maker.set_exception(EngineUnavailable())
        self._making.clear()
        self._deaths.clear()
        while True:
            try:
                self._spawn()  # it may be killed before it has read what it is to load
                await loop.run_in_executor(None, self.prepare)
                break
            except (RokgraphError, OSError):
                self._control.close()
                self._process.kill()
                await loop.run_in_executor(None, self._process.wait)
                await asyncio.sleep(1)
        self._control.setblocking(False)
        self._restarting = False


def _same(one: Summary, other: Summary) -> bool:
    """Whether answers from both are the same; of data that may change it does not matter."""
    return not other.lasting or (one.digest, one.load) == (other.digest, other.load)


def _upstream(settings: Settings) -> dict[str, object] | None:
    """What a worker must know of the endpoint that is asked instead; None if there is none."""
    if settings.upstream is None:
        return None
    password = settings.upstream_password
    return {
        "url": settings.upstream,
        "user": settings.upstream_user,
        "password": password.get_secret_value() if password else None,
        "graphs": list(settings.upstream_graphs),
        "rows": settings.upstream_rows,
        "version": settings.dataset_version,
        "timeout": settings.timeout,
    }
