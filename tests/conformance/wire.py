"""Servers as their operators run them, and requests byte by byte.

Rule: nothing here judges an answer.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import zstandard

from elsewhere import Elsewhere
from running import Server, free_port

# Where every server is to stand in front of endpoints of another engine: `--upstream`.
BEHIND: Elsewhere | None = None


@dataclass
class Running(Server):
    """A server with its log: its standard error goes to a file, so it never waits for a reader."""

    log: Path = field(default_factory=Path)

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return int(self.url.rpartition(":")[2])

    def lines(self) -> list[str]:
        """The lines of the log so far."""
        return self.log.read_text().splitlines()

    def entry(self, query: str) -> dict[str, object]:
        """The log line of the query with that id, which may take a moment to come."""
        for _ in range(100):
            for line in self.lines():
                found: dict[str, object] = json.loads(line)
                if found.get("query") == query:
                    return found
            time.sleep(0.02)
        raise AssertionError(f"no log line for query {query}")

    def metric(self, name: str) -> float:
        """The value of a metric without labels, or the sum over its labels."""
        text = self.client.get("/metrics").text
        values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        assert values, f"no metric {name}"
        return sum(map(float, values))

    def talk(self, data: bytes, *, seconds: float = 5.0) -> bytes:
        """Send bytes, return all that comes until the server closes or is silent for so long."""
        with self.connect(seconds) as connection:
            connection.sendall(data)
            return read_all(connection)

    def connect(self, seconds: float = 5.0) -> socket.socket:
        """A connection whose reads wait at most so long."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)


@dataclass(frozen=True)
class Reply:
    """A response as it stood on the wire; `body` without its chunks."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextlib.contextmanager
def run(*options: str, **environment: str) -> Iterator[Running]:
    """`rokgraph serve` on a free port with these options and variables, ready for queries."""
    if BEHIND is not None:
        given, variables_ = BEHIND.instead(options)
        options, environment = (*given,), {**variables_, **environment}
    port = free_port()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context((folder / "log").open("w"))
        process = subprocess.Popen(
            command("serve", "--port", str(port), *options),
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
            env=variables(**environment),
        )
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        url = f"http://127.0.0.1:{port}"
        # no coding unless a test asks for one
        client = httpx.Client(base_url=url, timeout=60, headers={"accept-encoding": "identity"})
        running = Running(url, process, stack.enter_context(client), folder / "log")
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(running.log.read_text())
            with contextlib.suppress(httpx.TransportError):
                if client.get("/readyz").is_success:
                    break
            time.sleep(0.05)
        yield running


def command(*arguments: str) -> list[str]:
    """The command `rokgraph` of this environment."""
    return [sys.executable, "-m", "rokgraph", *arguments]


def variables(**given: str) -> dict[str, str]:
    """The environment without settings of ours but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROKGRAPH_")}
    return {**kept, **given}


def read_all(connection: socket.socket) -> bytes:
    """All bytes until the other side closes or is silent."""
    received = bytearray()
    with contextlib.suppress(TimeoutError):
        while data := connection.recv(65536):
            received += data
    return bytes(received)


def receive(connection: socket.socket) -> Reply:
    """The next response on a connection that goes on."""
    received = b""
    while data := connection.recv(65536):
        received += data
        with contextlib.suppress(AssertionError):
            return reply(received)
    return reply(received)


def get(query: str, *headers: str, version: str = "1.1", path: str = "/sparql") -> bytes:
    """A GET request that closes its connection."""
    target = f"{path}?{httpx.QueryParams({'query': query})}"
    lines = [f"GET {target} HTTP/{version}", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def post(body: bytes, *headers: str) -> bytes:
    """A POST request of a query as the body, without a length unless the headers give it."""
    lines = ["POST /sparql HTTP/1.1", "Host: localhost", "Content-Type: application/sparql-query"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def replies(data: bytes) -> list[Reply]:
    """The responses in what a server sent.

    Raises AssertionError if the last one is cut.
    """
    found = []
    while data:
        head, mark, data = data.partition(b"\r\n\r\n")
        assert mark, f"a head without end: {head[:200]!r}"
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        if headers.get("transfer-encoding") == "chunked":
            body, data = _unchunked(data)
        else:
            length = int(headers.get("content-length", "0"))
            assert len(data) >= length, f"{len(data)} bytes of {length}"
            body, data = data[:length], data[length:]
        found.append(Reply(int(status.split()[1]), headers, body))
    return found


def _unchunked(data: bytes) -> tuple[bytes, bytes]:
    body = bytearray()
    while True:
        size, mark, data = data.partition(b"\r\n")
        assert mark, "chunks without end"
        length = int(size, 16)
        assert len(data) >= length + 2, "a chunk without end"
        body += data[:length]
        data = data[length + 2 :]
        if not length:
            return bytes(body), data


def reply(data: bytes) -> Reply:
    """The one response in what a server sent."""
    [found] = replies(data)
    return found


def decoded(body: bytes, coding: str | None) -> bytes:
    """A body without its content coding."""
    if coding == "gzip":
        return zlib.decompress(body, 16 + zlib.MAX_WBITS)
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    assert coding is None
    return body


def slow(seconds: float, name: object = "") -> str:
    """A query that takes about so long on a quiet machine; another `name`, another query."""
    rows = int(seconds * 6_500)
    return (
        "SELECT (COUNT(*) AS ?n) { { SELECT * { ?a ?b ?c } LIMIT 1000 } "
        f"{{ SELECT * {{ ?d ?e ?f }} LIMIT {rows} }} }} # {name}"
    )
