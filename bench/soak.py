"""Mixed and hostile load for minutes on end; afterwards the server is what it was before.

Rule: everything on loopback, bounded in time and in clients; what is measured is the server alone.

A server is started with a short deadline; clients of many kinds ask it, most of them badly, while
its workers are killed at random. Every ten seconds memory, descriptors, processes and threads are
read from /proc. The exit code is 1 if the server died, left somebody without an answer, answered
with a status that is not documented, called a SERVICE, let its memory grow, or did not come back
to rest.

Run it: `python bench/soak.py --minutes 10`. Linux only.
"""
# ruff: noqa: S311, T201 - a seeded source of chance; it prints

import argparse
import contextlib
import functools
import os
import random
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
DEADLINE = 2.0
PATIENCE = DEADLINE + 8  # past it an answer is lost; the load makes this machine slow
SETTINGS = {
    "ROKGRAPH_CACHE": str(8 * 1024 * 1024),  # is full before anything is compared
    "ROKGRAPH_MEMORY": str(128 * 1024 * 1024),  # bombs of this many bytes, several at once
}
SLOW_WORKERS = 4  # the default of the setting: as many processes may stay after slow queries
DOCUMENTED = frozenset({200, 204, 304, 400, 404, 405, 406, 408, 413, 414, 415, 429, 431, 503})
EVERY = 10.0
GROWTH = 1.2
BRIEF = 1.5  # likewise, where there is no time to warm up
LONG = 180.0  # seconds from which there is
SLACK = 4  # descriptors that may be between two hands when they are counted
RESTED = 30.0  # idle connections are closed after 15 s

QUICK = "SELECT (RAND() AS ?x) {}"
FOREVER = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
LARGE = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 50000"
ENDLESS = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
BOMB = (
    'SELECT (STRLEN(?x34) AS ?n) { BIND("abcdefgh" AS ?x0) '
    + " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(34))
    + " }"
)
GRAPHS = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o } LIMIT 2000"
QUESTIONS = [path.read_text() for path in sorted((ROOT / "queries" / "questions").glob("*.rq"))]
FORMATS = ("json", "xml", "csv", "tsv")
MALFORMED = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
    b"GET /sparql HTTP/1.1\r\n\r\n",
    b"GET /sparql?query=%ZZ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"BREW /sparql HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /sparql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /sparql?" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /sparql HTTP/1.1\r\nHost: a\r\n" + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n",
)


@dataclass
class Sample:
    """The server at one moment; memory in MB."""

    second: float
    front: float
    zygote: float
    descriptors: int
    processes: int
    threads: int

    def row(self) -> str:
        """A line of a table."""
        return (
            f"{self.second:7.0f} s  {self.front:8.1f}  {self.zygote:8.1f}  {self.descriptors:11d}"
            f"  {self.processes:9d}  {self.threads:7d}"
        )


HEADING = "   second   http MB  zygote MB  descriptors  processes  threads"


@dataclass
class Book:
    """What came of the requests, kept by many threads."""

    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    quick: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        """All that were made so far."""
        with self._lock:
            return sum(sum(counter.values()) for counter in self.statuses.values())

    def note(self, kind: str, outcome: str) -> None:
        """One request and what came of it."""
        with self._lock:
            self.statuses[kind][outcome] += 1

    def answered(self, kind: str, status: int) -> None:
        """One request and the status of its answer."""
        self.note(kind, str(status))
        if status not in DOCUMENTED:
            self.fault(f"{kind}: status {status}")

    def fault(self, text: str) -> None:
        """Something that must not be."""
        with self._lock:
            self.faults.append(text)


@dataclass
class Target:
    """The server under load."""

    process: subprocess.Popen[bytes]
    port: int
    service: int
    book: Book
    ending: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.port}/sparql"

    def zygote(self) -> int:
        """The zygote's process id; 0 if there is none now."""
        return next(iter(_children(self.process.pid)), 0)

    def workers(self) -> list[int]:
        """The workers' process ids."""
        return _children(self.zygote())

    def sample(self, begun: float) -> Sample:
        """Memory, descriptors, processes and threads now."""
        pid, zygote = self.process.pid, self.zygote()
        return Sample(
            time.monotonic() - begun,
            _resident(pid),
            _resident(zygote),
            len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208 - links to sockets
            len(_children(pid)) + len(_children(zygote)),
            len(os.listdir(f"/proc/{pid}/task")),  # noqa: PTH208 - as above
        )

    def connect(self, receive: int = 0) -> socket.socket:
        """A bare connection, with a small window if one is given."""
        connection = socket.socket()
        connection.settimeout(PATIENCE)
        if receive:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def ask(self, query: str, *headers: str) -> bytes:
        """A request by POST as it stands on the wire."""
        body = query.encode()
        lines = ("POST /sparql HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}")
        kind = "Content-Type: application/sparql-query"
        return "\r\n".join([*lines, kind, *headers, "", ""]).encode() + body


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in text.split()]


def _resident(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


# -- clients: each does one thing once -----------------------------------------------------------


Client = Callable[[Target, httpx.Client, random.Random], None]


def _post(target: Target, client: httpx.Client, kind: str, query: str, **parameters: str) -> None:
    headers = {"content-type": "application/sparql-query"}
    try:
        with client.stream(
            "POST", target.url, content=query, params=parameters, headers=headers
        ) as answer:
            for _ in answer.iter_raw():
                pass
    except httpx.ReadTimeout:
        target.book.fault(f"{kind}: no answer within {PATIENCE:g} s")
    except httpx.RemoteProtocolError:
        target.book.note(kind, "broken off")  # in the middle, or while its worker was killed
    except httpx.TransportError as error:
        target.book.note(kind, type(error).__name__)
    else:
        target.book.answered(kind, answer.status_code)


def quick(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """A small question that no cache can answer."""
    begun = time.perf_counter()
    _post(target, client, "quick", QUICK)
    target.book.quick.append(time.perf_counter() - begun)
    time.sleep(chance.uniform(0.01, 0.05))


def repeated(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """A saved question, by GET, coded or not, known already or not."""
    headers = {"accept-encoding": chance.choice(("gzip", "zstd", "identity"))}
    query = {"query": chance.choice(QUESTIONS), "format": chance.choice(FORMATS)}
    answer = client.get(target.url, params=query, headers=headers)
    target.book.answered("repeated", answer.status_code)
    if "etag" in answer.headers and chance.random() < 0.3:  # noqa: PLR2004 - a share
        headers["if-none-match"] = answer.headers["etag"]
        answer = client.get(target.url, params=query, headers=headers)
        target.book.answered("repeated", answer.status_code)
    time.sleep(chance.uniform(0.01, 0.05))


def never_seen(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """A question nobody asked before, some of them long."""
    text = f"{chance.choice(QUESTIONS)}\n# {chance.random()} {'x' * chance.choice((0, 0, 9000))}"
    _post(target, client, "never seen", text, format=chance.choice(FORMATS))
    text = f"{GRAPHS} # {chance.random()}"
    form = chance.choice(("turtle", "rdfxml", "jsonld", "ntriples"))
    _post(target, client, "never seen", text, format=form)
    time.sleep(chance.uniform(0.02, 0.1))


def large(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """A large answer, read to its end as it comes."""
    _post(target, client, "large", f"{LARGE} # {chance.random()}", format=chance.choice(FORMATS))
    time.sleep(chance.uniform(0.2, 1))


def slow_reader(target: Target, client: httpx.Client, chance: random.Random) -> None:  # noqa: ARG001
    """Reads a little now and then, or nothing at all, and leaves."""
    with target.connect(4096) as connection:
        connection.sendall(target.ask(chance.choice((ENDLESS, LARGE)), "Connection: close"))
        reads = chance.random() < 0.7  # noqa: PLR2004 - a share
        for _ in range(chance.randrange(10, 60)):
            time.sleep(0.05)
            if reads and not connection.recv(2048):
                break
    target.book.note("slow reader", "left")


def leaver(target: Target, _: httpx.Client, chance: random.Random) -> None:
    """Asks for something long and is gone: politely, rudely, or before it has asked it all."""
    with target.connect() as connection:
        text = target.ask(f"{chance.choice((FOREVER, ENDLESS, QUICK))} # {chance.random()}")
        connection.sendall(text[: chance.choice((len(text), len(text), len(text) // 2))])
        time.sleep(chance.uniform(0, 0.3))
        if chance.random() < 0.5:  # noqa: PLR2004 - a share
            reset = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    target.book.note("leaver", "left")
    time.sleep(chance.uniform(0, 0.2))


def idler(target: Target, _: httpx.Client, chance: random.Random) -> None:
    """Connects and says little or nothing."""
    with target.connect() as connection:
        connection.sendall(chance.choice((b"", b"GET /spar", b"\r\n", b"POST / HTTP/1.1\r\n")))
        time.sleep(chance.uniform(0.5, 12))
    target.book.note("idler", "left")


def runaway(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """A query without end."""
    _post(target, client, "runaway", f"{chance.choice((FOREVER, ENDLESS))} # {chance.random()}")


def nested(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """Nested to the depth of the stack, and past it."""
    depth = chance.choice((200, 5_000, 20_000, 400_000))
    begin, end = chance.choice((("(", ")"), ("!(", ")"), ("{", "}")))
    body = begin * depth + ("" if begin == "{" else "1") + end * depth
    text = f"SELECT * {{ {body if begin == '{' else f'FILTER({body})'} }} # {chance.random()}"
    _post(target, client, "nested", text)
    time.sleep(chance.uniform(0.5, 2))


def bomb(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """More memory than there is."""
    _post(target, client, "memory bomb", f"{BOMB} # {chance.random()}")
    time.sleep(chance.uniform(1, 3))


def wrong(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """Syntax errors, cut questions, unknown formats, bodies past every limit."""
    text = chance.choice(QUESTIONS)
    cut = text[: chance.randrange(len(text))] + chance.choice(("", "}", "\0", "'", "\ud7ff", "((("))
    _post(target, client, "wrong", f"{cut} # {chance.random()}")
    _post(target, client, "wrong", text, format="nothing")
    _post(target, client, "wrong", f"ASK {{}} # {chance.random()} {'x' * 1_000_000}")
    _post(target, client, "wrong", "x" * 1_100_000)
    time.sleep(chance.uniform(0.2, 1))


def malformed(target: Target, _: httpx.Client, chance: random.Random) -> None:
    """What is no HTTP."""
    with target.connect() as connection:
        try:
            connection.sendall(chance.choice(MALFORMED))
            head = connection.recv(64)
        except ConnectionError:
            target.book.note("malformed", "broken off")
        else:
            target.book.answered("malformed", int(head.split()[1]) if head else 0)
    time.sleep(chance.uniform(0.1, 0.5))


def service(target: Target, client: httpx.Client, chance: random.Random) -> None:
    """Wants us to call somebody."""
    word = chance.choice(("SERVICE", "SERVICE SILENT", "service\n# x\n"))
    place = f"http://127.0.0.1:{target.service}/{chance.random()}"
    _post(target, client, "service", f"SELECT * {{ {word} <{place}> {{ ?s ?p ?o }} }}")
    time.sleep(chance.uniform(0.2, 1))


def killer(target: Target, _: httpx.Client, chance: random.Random) -> None:
    """Kills a worker, whichever."""
    workers = target.workers()
    if workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(workers), signal.SIGKILL)
            target.book.note("kill -9", "killed")
    time.sleep(chance.uniform(1, 4))


# Each with the number of clients that do so at once.
LOAD: tuple[tuple[Client, int], ...] = (
    (quick, 2), (repeated, 2), (never_seen, 2), (large, 1), (slow_reader, 3), (leaver, 2),
    (idler, 3), (runaway, 2), (nested, 1), (bomb, 1), (wrong, 1), (malformed, 1), (service, 1),
    (killer, 1),
)  # fmt: skip


def _keep_on(target: Target, kind: Client, number: int) -> None:
    """Do it again and again, each time bounded, until the end."""
    chance = random.Random(f"{kind.__name__} {number}")
    with httpx.Client(timeout=PATIENCE) as client:
        while not target.ending.is_set():
            try:
                kind(target, client, chance)
            except (httpx.TimeoutException, TimeoutError):
                target.book.fault(f"{kind.__name__}: no answer within {PATIENCE:g} s")
            except (httpx.TransportError, OSError) as error:
                target.book.note(kind.__name__, type(error).__name__)
                time.sleep(0.1)


# -- the run ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[Target]:
    """A server with a short deadline, and a listener that nobody may call."""
    with socket.socket() as probe, socket.create_server(("127.0.0.1", 0)) as listener:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        kept = {name: text for name, text in os.environ.items() if not name.startswith("ROKGRAPH_")}
        command = [sys.executable, "-m", "rokgraph", "serve"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--port", str(port), "--timeout", str(DEADLINE)],
                stderr=log,
                env={**kept, **SETTINGS},
            )
        target = Target(process, port, listener.getsockname()[1], Book())
        try:
            for _ in range(600):
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"http://127.0.0.1:{port}/readyz").is_success:
                        break
                time.sleep(0.05)
            yield target
        finally:
            process.terminate()
            code = process.wait(30)
            if code:
                target.book.fault(f"the server ended with {code}")
        listener.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            listener.accept()
            target.book.fault("somebody called the SERVICE")


def _load(target: Target, seconds: float, begun: float) -> list[Sample]:
    """All clients at once, for so long; what the server was meanwhile."""
    threads = [
        threading.Thread(target=functools.partial(_keep_on, target, kind, number), daemon=True)
        for kind, several in LOAD
        for number in range(several)
    ]
    samples = []
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    every = min(EVERY, seconds / 10)
    while time.monotonic() < end and target.process.poll() is None:
        time.sleep(min(every, max(0.0, end - time.monotonic())))
        samples.append(target.sample(begun))
        print(samples[-1].row(), f" {target.book.requests:8d} requests", flush=True)
    target.ending.set()
    for thread in threads:
        thread.join(PATIENCE + 15)
        if thread.is_alive():
            target.book.fault("a client does not come to its end")
    return samples


def _rested(target: Target, begun: float, start: Sample) -> Sample:
    """The server when nothing has been asked for a while."""
    end = time.monotonic() + RESTED
    while True:
        time.sleep(1)
        sample = target.sample(begun)
        settled = sample.descriptors <= start.descriptors + SLOW_WORKERS
        if settled or time.monotonic() > end:
            return sample


def _judge(book: Book, samples: list[Sample], start: Sample, end: Sample, seconds: float) -> None:
    """Add what is not flat to the faults."""
    # two minutes to fill the caches, then a minute to compare the last one with
    warm, window = min(120.0, seconds * 0.4), min(60.0, seconds * 0.2)
    first, last = samples[0].second - min(EVERY, seconds / 10), samples[-1].second
    early = [one for one in samples if warm <= one.second - first <= warm + window]
    late = [one for one in samples if one.second >= last - window]
    for name in ("front", "zygote"):
        before = statistics.median(getattr(one, name) for one in early)
        after = statistics.median(getattr(one, name) for one in late)
        print(f"{name}: {before:.1f} MB after warming up, {after:.1f} MB at the end under load")
        if after > before * (GROWTH if seconds >= LONG else BRIEF):
            book.fault(f"the memory of the {name} grew from {before:.1f} to {after:.1f} MB")
    if end.descriptors > start.descriptors + SLOW_WORKERS + SLACK:
        book.fault(f"descriptors: {start.descriptors} at the start, {end.descriptors} at rest")
    if end.processes > start.processes + SLOW_WORKERS:
        book.fault(f"processes: {start.processes} at the start, {end.processes} at rest")


def _report(book: Book, start: Sample, end: Sample) -> None:
    print("\nclient           outcomes")
    for kind, counter in sorted(book.statuses.items()):
        told = ", ".join(f"{outcome}: {number}" for outcome, number in sorted(counter.items()))
        print(f"{kind:15}  {told}")
    times = sorted(book.quick)
    if times:
        middle, most = times[len(times) // 2], times[int(len(times) * 0.99)]
        print(
            f"quick questions meanwhile: p50 {middle * 1000:.1f} ms, p99 {most * 1000:.1f} ms,"
            f" longest {times[-1] * 1000:.0f} ms"
        )
    print(f"\n{HEADING}\n{start.row()}  at rest before\n{end.row()}  at rest after\n")
    for text, times_ in Counter(book.faults).items():
        print(f"FAULT ({times_}): {text}")


def _once(client: httpx.Client, url: str, query: str) -> None:
    """Ask until it is answered: while the server begins, and on a slow machine, it may be busy."""
    for _ in range(60):
        answer = client.post(url, data={"query": query})
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            break
        time.sleep(float(answer.headers.get("retry-after", 1)))
    answer.raise_for_status()


def soak(seconds: float) -> int:
    """Load the server for so long; 0 if it is afterwards what it was before."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as target:
        book = target.book
        with httpx.Client(timeout=PATIENCE) as client:
            for query in (QUICK, *QUESTIONS):
                _once(client, target.url, query)
        time.sleep(1)
        start = target.sample(begun)
        print(HEADING)
        print(start.row(), " at rest", flush=True)
        samples = _load(target, seconds, begun)
        if target.process.poll() is not None:
            book.fault("the server died")
            end = start
        else:
            end = _rested(target, begun, start)
            with contextlib.suppress(httpx.HTTPError):
                _post(target, httpx.Client(timeout=1), "last", QUICK)
            if not book.statuses["last"]["200"]:
                book.fault("the last quick question was not answered within a second")
            _judge(book, samples, start, end, seconds)
    _report(book, start, end)
    print(f"{book.requests} requests, {len(book.faults)} faults")
    return 1 if book.faults else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the load lasts")
    return soak(parser.parse_args().minutes * 60)


if __name__ == "__main__":
    sys.exit(main())
