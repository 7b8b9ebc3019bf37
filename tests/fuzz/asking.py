"""One request, byte by byte, and a judge of its answer that knows HTTP better than it is lenient.

Rule: an answer is read by a strict parser (h11) that shares no code with the server's.
"""

import contextlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field

import h11

from conformance.wire import Running

DEADLINE = 1.0
PATIENCE = DEADLINE + 2
DOCUMENTED = frozenset({200, 204, 304, 400, 404, 405, 406, 408, 413, 414, 415, 429, 431, 503})
QUICK = "SELECT (RAND() AS ?x) {}"  # never from the cache
_LARGEST = 8 * 1024 * 1024  # bytes of an answer that are read; then we leave
_BUFFER = 256 * 1024


@dataclass(frozen=True)
class Reply:
    """An answer: `status` 0 if none came; `end` says how it ended.

    whole; cut: broken off in the middle of its chunks; left: by us, past so many bytes; closed:
    before it began; silent: nothing came.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    end: str


@dataclass
class Fuzzed:
    """The server, asked at random, and what came of it."""

    server: Running
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    longest: float = 0.0
    quick: float = 0.0

    def ask(self, kind: str, request: bytes, *, seconds: float = PATIENCE) -> Reply:
        """Send a request, hold its answer to HTTP and to our documents, count it."""
        begun = time.perf_counter()
        reply = self._exchange(request, seconds)
        self.longest = max(self.longest, time.perf_counter() - begun)
        told = str(reply.status) if reply.end == "whole" else f"{reply.status or ''} {reply.end}"
        counter = self.outcomes.setdefault(kind, Counter())
        counter[told.strip()] += 1
        if reply.status:
            _judge(reply)
        return reply

    def assert_alive(self) -> None:
        """The next question is answered, at once, by the same process."""
        begun = time.perf_counter()
        answer = self.server.get(QUICK)
        taken = time.perf_counter() - begun
        self.quick = max(self.quick, taken)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["results"]["bindings"]) == 1
        assert taken < 1
        assert self.server.process.poll() is None

    def report(self) -> list[str]:
        """The figures."""
        lines = []
        for kind, counter in self.outcomes.items():
            told = ", ".join(f"{outcome}: {number}" for outcome, number in sorted(counter.items()))
            lines.append(f"{kind}: {counter.total()} requests; {told}")
        total = sum(counter.total() for counter in self.outcomes.values())
        lines.append(
            f"all: {total} requests; longest answer {self.longest:.2f} s (deadline {DEADLINE:g} s),"
            f" longest quick question after one {self.quick * 1000:.0f} ms"
        )
        return lines

    def _exchange(self, request: bytes, seconds: float) -> Reply:
        parser = _parser(request)
        until = time.monotonic() + seconds
        status, body = 0, bytearray()
        headers: dict[str, str] = {}
        with self.server.connect(seconds) as connection:
            with contextlib.suppress(ConnectionError):  # it may have heard enough
                connection.sendall(request)
            while True:
                event = parser.next_event()
                if event is h11.NEED_DATA:
                    connection.settimeout(max(0.01, until - time.monotonic()))
                    try:
                        data = connection.recv(_BUFFER)
                    except TimeoutError:
                        return Reply(status, headers, bytes(body), "silent")
                    except ConnectionError:
                        data = b""
                    if not data and not status:
                        return Reply(0, {}, b"", "closed")
                    try:
                        parser.receive_data(data)
                        event = parser.next_event()
                    except h11.RemoteProtocolError:
                        if data or "transfer-encoding" not in headers:
                            raise
                        return Reply(status, headers, bytes(body), "cut")
                if isinstance(event, h11.Response):
                    status = event.status_code
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                elif isinstance(event, h11.Data):
                    body += event.data
                    if len(body) > _LARGEST:
                        return Reply(status, headers, bytes(body), "left")
                elif isinstance(event, h11.EndOfMessage):
                    return Reply(status, headers, bytes(body), "whole")


def _parser(request: bytes) -> h11.Connection:
    """A parser of the answer to that request, whatever the request is."""
    parser = h11.Connection(h11.CLIENT)
    method = "HEAD" if request.lstrip(b"\r\n").startswith(b"HEAD ") else "GET"
    parser.send(h11.Request(method=method, target="/", headers=[("Host", "localhost")]))
    parser.send(h11.EndOfMessage())
    return parser


def is_complete(request: bytes) -> bool:
    """Whether that is a whole request of HTTP/1.1 beyond any doubt."""
    parser = h11.Connection(h11.SERVER)
    try:
        parser.receive_data(request)
        while not isinstance(event := parser.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return False
    except h11.RemoteProtocolError:
        return False
    return True


def _judge(reply: Reply) -> None:
    """What holds of every answer."""
    assert reply.status in DOCUMENTED, reply
    if reply.end == "whole" and reply.headers.get("content-type") == "application/problem+json":
        assert reply.status >= 400
        if reply.body:  # none for HEAD
            document = json.loads(reply.body)
            assert document["status"] == reply.status
            assert document["title"]
    if reply.status in (429, 503):
        assert int(reply.headers["retry-after"]) > 0
    if reply.end == "cut":
        assert reply.status == 200, reply
