"""One dataset, all servers at once: answers compared first, then load in turn, then memory.

Rule: what is answered wrongly is not timed; all that are timed take turns in short slices, so that
a machine that is slow for a while is slow for all of them.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Self

from bench import limit
from bench.compare import clients_of, compare
from bench.load import press, short, write_requests
from bench.machine import Peak, processor, proportional, resident, settle
from bench.mix import Request
from bench.peers import Dataset, Missing, NoStart, Peer
from bench.record import REPEATED, SORTS, WHOLE_REPEATED, Measured, Plan, Say, Server
from bench.wire import Client, Refused, target

TURN = 0.1  # seconds that a server is asked one kind of query before it is the next one's turn
_STEP = 7  # requests by which a round begins further on in the mix


def measured(dataset: Dataset, peers: Sequence[Peer], plan: Plan, port: int, say: Say) -> Measured:
    """Start the servers on ports from that one, compare, press, time, weigh, stop."""
    folder = dataset.path.parent
    with ExitStack() as stack:
        say(f"{dataset.name}: {dataset.triples} triples")
        engine = stack.enter_context(limit.running(dataset.path, union=dataset.union))
        fleet = [_Berth(peer, dataset, port + 2 * number) for number, peer in enumerate(peers)]
        found = Measured(dataset, [stack.enter_context(berth).server for berth in fleet])
        for server in found.servers:
            state = f"answers after {server.start:.1f} s" if server.at else server.absent
            say(f"{dataset.name}: {server.name} {server.version} {state}")
        compare(found, plan, engine, say)
        for number in range(plan.rounds):
            for berth in fleet:
                berth.renew(say)
            for server in found.here:
                for sort in SORTS:
                    asked = plan.under_load(sort)
                    write_requests(_file(folder, server, sort), asked, server.prefix)
            say(f"{dataset.name}: round {number + 1} of {plan.rounds}")
            for sort in SORTS:
                for server in _rotated(found.here, number):
                    _press(server, plan, folder, sort, number)
            calls = engine.times(plan.mix, plan.seconds)
            found.engine_mix.append(len(calls) / sum(calls))
            _time(found, plan, engine, number)
        _weigh(found, plan, say)
    return found


class _Berth:
    """Where a server lies: it is started, started anew if it is stuck, stopped at the end."""

    def __init__(self, peer: Peer, dataset: Dataset, port: int) -> None:
        """For that server, on that port."""
        self.server = Server(peer.name)
        self._peer, self._dataset, self._port = peer, dataset, port
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start it, if it is installed and can take so much."""
        server = self.server
        if self._dataset.triples > self._peer.most:
            server.absent = f"left out above {self._peer.most:,} triples"
            return self
        try:
            server.version = self._peer.version()
            self._start()
        except (Missing, NoStart) as error:
            server.absent = str(error)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._stack.close()

    def _start(self) -> None:
        logs = self._dataset.path.parent / "logs"
        at = self._stack.enter_context(self._peer.run(self._dataset, self._port, logs))
        self.server.at, self.server.start = at, self.server.start or at.start

    def renew(self, say: Say) -> None:
        """Start it anew if it is still at work on what nobody waits for."""
        if self.server.late:
            say(f"{self.server.name} is started anew")
            self._stack.close()
            self._start()
            self.server.late = False


def _file(folder: Path, server: Server, sort: tuple[str, int]) -> Path:
    return folder / f"{server.name}-{sort[0]}.txt"


def _rotated(here: Sequence[Server], number: int) -> list[Server]:
    """The servers, another one first each time."""
    first = number % max(1, len(here))
    return [*here[first:], *here[:first]]


def _press(server: Server, plan: Plan, folder: Path, sort: tuple[str, int], number: int) -> None:
    """A slice of load on one server, if it is right in all that is asked; what came is checked."""
    asked = plan.under_load(sort)
    if not asked or not server.fit(asked):
        return
    start, pid = number * _STEP, server.at.pid if server.at else 0
    before = processor(pid)
    done = press(
        f"http://127.0.0.1:{server.port}",
        _file(folder, server, sort),
        (sort[1], plan.seconds),
        fresh=None if sort[0] in (REPEATED, WHOLE_REPEATED) else f"{sort[0]}-{number}-{sort[1]}",
        start=start,
    )
    settle(pid)
    if done.requests:
        spent = (processor(pid) - before) / done.requests
        server.processor.setdefault(sort, []).append(spent)
    lengths = dict(zip((*plan.mix, *plan.alone), server.lengths, strict=True))
    fault = done.fault or short(done, [lengths[one] for one in asked], start, sort[1])
    if fault:
        server.faults.append(f"{sort[0]}, {sort[1]} connections: {fault}")
    server.slices.setdefault(sort, []).append(done)


def _time(found: Measured, plan: Plan, engine: limit.Limit, number: int) -> None:
    """One connection, one kind after the other, never the same text; each server in turn."""
    with ExitStack() as stack:
        clients = clients_of(stack, found, plan)
        for kind, requests in plan.timed.items():
            found.engine.setdefault(kind, []).extend(engine.times(requests, TURN))
            for server in _rotated(found.here, number):
                if kind not in server.wrong and not server.late:
                    taken = _asked(server, clients[server.name], requests, number)
                    server.times.setdefault(kind, []).extend(taken)


def _asked(
    server: Server, client: Client, requests: Sequence[Request], number: int
) -> Iterator[float]:
    """Seconds of each answer, for as long as a turn lasts, at least one."""
    spent = 0.0
    for count, request in enumerate(itertools.cycle(requests)):
        path = target(server.prefix, f"{request.text}\n#{number} {count}")
        try:
            reply = client.get(path, request.accept, keep=False)
        except Refused as error:
            server.late = True
            server.faults.append(f"{request.kind}: {error}")
            return
        if reply.status != HTTPStatus.OK:
            server.faults.append(f"{request.kind}: status {reply.status}")
            return
        yield reply.seconds
        spent += reply.seconds
        if spent >= TURN:
            return


def _weigh(found: Measured, plan: Plan, say: Say) -> None:
    """Memory at rest, and what the process that speaks HTTP takes while it streams."""
    for server in found.here:
        if server.at is not None:
            server.memory, server.front = proportional(server.at.pid), resident(server.at.pid)
    for request in plan.stream:
        for server in found.here:
            if server.at is None or not server.fit(plan.alone):
                continue
            say(f"{found.dataset.name}: {server.name} streams {request.kind}")
            path = target(server.prefix, request.text)
            try:
                with Client(server.port, plan.patience) as client, Peak(server.at.pid) as peak:
                    reply = client.get(path, request.accept, keep=False)
            except Refused as error:
                server.faults.append(f"{request.kind}: {error}")
                continue
            if reply.status == HTTPStatus.OK:
                server.stream = peak.extra
