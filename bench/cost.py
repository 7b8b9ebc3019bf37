"""What a start and a request cost the HTTP process, in executed Python instructions.

Rule: a real server, a real connection; the numbers do not depend on the machine's load.

Run it: `python bench/cost.py`; `--write` keeps the numbers as those that the guard compares with.
"""
# ruff: noqa: T201 - it prints

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

KEPT = Path(__file__).parent / "cost.toml"
VERSION = ".".join(map(str, sys.version_info[:2]))  # each compiles to other instructions
_QUERY = "SELECT ?label WHERE { <https://w3id.org/rokgraph/id/task/2-1> ?p ?label }"
_ACCEPT = "application/sparql-results+json"
_WARM, _BATCHES, _BATCH = 30, 8, 20  # requests
_PATIENCE = 60.0  # seconds


class Counted:
    """A counting server and one connection to it."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, path: Path) -> None:
        """Connect."""
        self._process, self._path = process, path
        self._connection = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._stream = self._connection.makefile("rb")

    def ask(self, query: str, way: str, agent: str = "cost") -> int:
        """Ask by GET, or by POST, which goes through the application; returns the status."""
        common = f"Host: localhost\r\nAccept: {_ACCEPT}\r\nUser-Agent: {agent}\r\n"
        body = ""
        if way == "POST":
            body = query
            common += f"Content-Type: application/sparql-query\r\nContent-Length: {len(body)}\r\n"
        target = "/sparql" if body else f"/sparql?query={quote(query)}"
        self._connection.sendall(f"{way} {target} HTTP/1.1\r\n{common}\r\n{body}".encode())
        status, length = int(self._stream.readline().split()[1]), 0
        while (line := self._stream.readline()) != b"\r\n":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        self._stream.read(length)
        return status

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._connection.close()

    def count(self) -> int:
        """Instructions executed since the start."""
        self._path.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        until = time.monotonic() + _PATIENCE
        while not self._path.exists():
            if time.monotonic() > until:
                raise TimeoutError("the server does not tell its count")
            time.sleep(0.01)
        return int(self._path.read_text(encoding="ascii"))


@contextlib.contextmanager
def counted() -> Iterator[Counted]:
    """A counting server that is ready and has nothing else to do."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        path = Path(folder) / "count"
        here = Path(__file__).with_name("counted.py")
        command = [sys.executable, str(here), str(path), "serve", "--port", str(port)]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            asked = Counted(process, _answering(port, process), path)
            with contextlib.closing(asked):
                yield asked
        finally:
            process.terminate()
            process.wait(30)


def _answering(port: int, process: "subprocess.Popen[bytes]") -> int:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return port
        time.sleep(0.1)
    raise TimeoutError("the server does not start")


def costs() -> dict[str, int]:
    """Instructions for a start and for requests: repeated, by another agent, new, by POST."""
    with counted() as server:
        many = range(_WARM + _BATCHES * _BATCH)
        return {"start": server.count()} | {
            name: _cost(server, way, texts, vary=name == "agent")
            for name, way, texts in (
                ("repeat", "GET", [_QUERY for _ in many]),
                ("agent", "GET", [_QUERY for _ in many]),
                ("unseen", "GET", [f"{_QUERY} #{number}" for number in many]),
                ("posted", "POST", [f"{_QUERY} # posted {number}" for number in many]),
            )
        }


def _cost(server: Counted, way: str, texts: list[str], *, vary: bool) -> int:
    """Of one request, in the batch that cost least: the server's own clock ticks on in all.

    `vary`: each is sent by another user agent, so that no head came before.
    """
    agents = [f"cost/{at}" if vary else "cost" for at in range(len(texts))]
    asked = list(zip(texts, agents, strict=True))
    assert {server.ask(text, way, agent) for text, agent in asked[:_WARM]} == {200}  # noqa: S101 - else no use
    _settle(server)
    found = []
    for at in range(_WARM, len(texts), _BATCH):
        before = server.count()
        told = {server.ask(text, way, agent) for text, agent in asked[at : at + _BATCH]}
        found.append(round((server.count() - before) / _BATCH))
        assert told == {200}  # noqa: S101 - likewise
    return min(found)


def _settle(server: Counted) -> None:
    """Wait until what the server does beside requests is done."""
    for _ in range(200):
        first = server.count()
        time.sleep(0.3)
        if server.count() - first < 3000:  # noqa: PLR2004 - the clock of the server ticks on
            return
    raise TimeoutError("the server is never at rest")


def kept() -> dict[str, int]:
    """The costs that the guard compares with; empty if none are kept for this Python."""
    found = tomllib.loads(KEPT.read_text(encoding="utf-8"))
    return dict(found.get(VERSION, {}))


def _keep(found: dict[str, int]) -> None:
    """Put these in the place of what was kept for this Python."""
    tables = tomllib.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    tables[VERSION] = found
    lines = [
        "# Python instructions that the HTTP process executes until it takes connections, and for",
        "# one request, by version of Python. Written by `python bench/cost.py --write`.",
    ]
    for version, counts in sorted(tables.items()):
        lines += ["", f'["{version}"]', *(f"{name} = {count}" for name, count in counts.items())]
    KEPT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Print the costs, or keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep them in {KEPT.name}")
    given = parser.parse_args()
    found = costs()
    for name, count in found.items():
        print(f"{name}: {count} instructions, on Python {VERSION}")
    if given.write:
        _keep(found)


if __name__ == "__main__":
    main()
