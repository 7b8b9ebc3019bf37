"""Real servers, and the release where it is found."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]


@dataclass
class Server:
    """A server process of ours and a client of it."""

    url: str
    process: subprocess.Popen[str]
    client: httpx.Client

    def get(self, query: str, **headers: str) -> httpx.Response:
        """Ask as a newcomer would: GET with nothing but the query."""
        return self.client.get("/sparql", params={"query": query}, headers=headers)

    def post(self, query: str, **parameters: str) -> httpx.Response:
        """Ask by POST, the query as the body."""
        return self.client.post(
            "/sparql",
            content=query,
            params=parameters,
            headers={"content-type": "application/sparql-query"},
        )


def free_port(count: int = 1) -> int:
    """The first of so many free ports below those that connections are given, and might take."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)  # not the one of each test
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for one in range(port, port + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", one))
            return port


@contextlib.contextmanager
def run_server(*options: str) -> Iterator[Server]:
    """`rokgraph serve` on a free port, ready for queries."""
    port = free_port()
    command = [sys.executable, "-m", "rokgraph", "serve", "--port", str(port), *options]
    url = f"http://127.0.0.1:{port}"
    # a pipe that nobody reads would fill
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed below, after the process
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, text=True)
    try:
        # a language that one test asks for is not to be remembered in the next
        forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        with httpx.Client(base_url=url, timeout=60, cookies=forgetful) as client:
            for _ in range(600):
                if process.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(log.read())
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/healthz").is_success:
                        break
                time.sleep(0.05)
            yield Server(url, process, client)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def missing(what: str) -> None:
    """Skip with one plain line where a part is missing; under CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not here, and CI must have it")
    pytest.skip(f"{what} is not here")
