"""The processes that evaluate: a zygote that holds the snapshot, workers forked from it.

Rule: everything here may be killed at any moment; nobody waits for it to agree.

The zygote loads once and forks; a worker answers one query after the other on its socket. A
worker has no descriptor left to open a file or a socket with, bounded memory and processor time,
and a stack deep enough for nested queries. If its parent dies, it dies.
"""

import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from rokgraph import federation, frames
from rokgraph.errors import QueryError, QueryTooLarge, RokgraphError, to_plain
from rokgraph.evaluation import NO_FEDERATION, evaluate
from rokgraph.frames import Tag
from rokgraph.query import Kind, Query
from rokgraph.snapshot import Snapshot, Summary, load_built_in, load_given

# Survives 20,000 nested parentheses (20 kB) in the engine's recursive parser; address space,
# not memory, until it is used.
STACK = 256 * 1024 * 1024

_PR_SET_PDEATHSIG = 1
_CPU_SLACK = 5
_GROWN = 32 * 1024 * 1024
_LIBC = ctypes.CDLL(None)

# What a worker does with a query: writes its answer to the stream that is opened for it.
Answering: TypeAlias = Callable[[Query, Callable[[Kind, str], Any]], Kind]


def main() -> None:
    """Run the zygote: `sys.argv` has the descriptor of the control socket and who started it."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(int(sys.argv[2]))
    setup = frames.receive(control)
    if setup is None:
        return
    settings = json.loads(setup[1])
    try:
        summary, answer = _elsewhere(settings) if settings["upstream"] else _here(settings)
    except RokgraphError as error:
        control.sendall(frames.pack_json(Tag.FAULT, to_plain(error)))
        return
    if settings["federation"]:
        federation.prepare()
    control.sendall(frames.pack_json(Tag.READY, summary.as_json()))
    gc.collect()
    gc.freeze()  # else each worker would look at all of it again, and copy it
    _serve_forks(control, answer, settings)


def _elsewhere(settings: dict[str, Any]) -> tuple[Summary, Answering]:
    """What answers from an endpoint elsewhere, and what is known of that."""
    from rokgraph.survey import surveyed  # noqa: PLC0415 - TLS only where it is wanted

    upstream = surveyed(settings["upstream"], Path(settings["root"]))
    return upstream.summary, upstream.forward


def _here(settings: dict[str, Any]) -> tuple[Summary, Answering]:
    """What answers from a snapshot of this process, and the summary of that."""
    snapshot = _load(settings)
    return snapshot.summary, partial(evaluate, snapshot)


def _load(settings: dict[str, Any]) -> Snapshot:
    root, union, paths = Path(settings["root"]), bool(settings["union"]), settings["data"]
    if settings["store"]:
        from rokgraph.store import open_snapshot  # noqa: PLC0415 - only where it is wanted

        chosen = None if settings["default_graph"] is None else union
        folder, in_memory = Path(settings["store"]), bool(settings["in_memory"])
        return open_snapshot(folder, root, union=chosen, in_memory=in_memory)
    if paths:
        return load_given(map(Path, paths), union=union)
    return load_built_in(root, union=union)


def _serve_forks(control: socket.socket, answer: Answering, settings: dict[str, Any]) -> None:
    """Fork a worker for each descriptor that comes in; tell of each that died, and how."""
    zygote = os.getpid()
    death, bell = socket.socketpair()
    bell.setblocking(False)
    signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([control, death], [], [])
        if death in ready:
            death.recv(4096)
            _tell_deaths(control)
        if control not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(control, frames.HEADER.size, 1)
        if not message:
            return
        if not descriptors:
            continue
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (control, death, bell):
                other.close()
            sealed = message[0] != Tag.FORK_OPEN
            die_with_parent(zygote)
            _work(socket.socket(fileno=descriptors[0]), answer, settings, sealed=sealed)
        os.close(descriptors[0])
        control.sendall(frames.pack_json(Tag.FORKED, {"pid": pid}))


def _tell_deaths(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        control.sendall(frames.pack_json(Tag.DIED, {"pid": pid, "status": status}))


def _work(
    connection: socket.socket, answer: Answering, settings: dict[str, Any], *, sealed: bool
) -> NoReturn:
    """Be a worker until the front hangs up; never returns into the zygote's code.

    `sealed`: without a descriptor to open anything with, but a connection to the upstream where
    there is one; else every query's SERVICE is judged.
    """
    code = 1
    try:
        _confine(settings["memory"], sealed=sealed and not settings["upstream"])
        judge = (
            None
            if sealed
            else partial(
                federation.check,
                allowed=frozenset(settings["federation"]),
                private=settings["private"],
            )
        )
        threading.stack_size(STACK)
        thread = threading.Thread(
            target=_answer_all, args=(connection, answer, settings["timeout"], judge)
        )
        thread.start()
        thread.join()
        code = 0
    finally:
        os._exit(code)


def _answer_all(
    connection: socket.socket,
    answer: Answering,
    timeout: float,
    judge: Callable[[str], None] | None,
) -> None:
    writer, receiver = frames.AnswerWriter(connection), frames.Receiver(connection)
    clock = _ProcessorClock(timeout)
    at_rest = clock.allow()

    def output(kind: Kind, form: str) -> frames.AnswerWriter:
        return writer.open(kind.value, form)

    # What a query has taken is not given back: a worker that has grown makes way for a fresh one.
    while clock.allow() - at_rest < _GROWN and (frame := receiver.next()) is not None:
        try:
            query = Query.from_bytes(frame[1])
            if judge is not None:
                judge(query.text)
            answer(query, output)
            writer.finish()
        except RokgraphError as error:
            connection.sendall(frames.pack_json(Tag.FAULT, to_plain(error)))
        except MemoryError:
            connection.sendall(frames.pack_json(Tag.FAULT, to_plain(QueryTooLarge())))
        except BrokenPipeError:
            return
        except OSError as error:
            # The only files or sockets that an evaluation opens are those of SERVICE.
            told = NO_FEDERATION if judge is None else f"SERVICE failed: {error}"
            connection.sendall(frames.pack_json(Tag.FAULT, to_plain(QueryError(told))))


def _confine(memory: int, *, sealed: bool) -> None:
    """Take away what a query must not have: files, sockets, memory without bound, core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        limit = used + memory + STACK
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if sealed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


class _ProcessorClock:
    """A second clock for each query, should the front's kill not come: of processor time."""

    def __init__(self, seconds: float) -> None:
        """Allow a query at least so many."""
        self._seconds, self._limit = seconds + _CPU_SLACK, 0

    def allow(self) -> int:
        """Move the limit; returns the most memory this process has held, in bytes."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(usage.ru_utime + usage.ru_stime + self._seconds) + 1
        if limit != self._limit:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
            self._limit = limit
        return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent, with that process id, dies.

    The id is given, not looked for: in a container the parent may well be process 1.
    """
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    main()
