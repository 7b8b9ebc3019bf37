"""Under mixed and hostile load the server stays within its bounds and comes back to rest.

The long form is a command: `python bench/soak.py --minutes 10`.
"""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.wire import Running, run
from running import ROOT

ENDLESS = "SELECT * { ?a ?b ?c . ?d ?e ?f }"
QUICK = "SELECT (RAND() AS ?x) {}"


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    if not found.exists():
        pytest.skip("no /proc here to find the processes in")
    return [int(child) for child in found.read_text().split()]


def processes(server: Running) -> set[int]:
    """The zygote and its workers, without those that are ended and not yet gone.

    The front has another child for a while, which writes the dumps after the start.
    """
    zygotes = [pid for pid in children(server.process.pid) if b"rokgraph.worker" in named(pid)]
    assert len(zygotes) == 1
    found = {*zygotes, *(pid for zygote in zygotes for pid in children(zygote))}
    return {pid for pid in found if not ending(pid)}


def named(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def ending(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    pending = int(fields["SigPnd"], 16) | int(fields["ShdPnd"], 16)
    return "VmRSS" not in fields or bool(pending & 1 << (signal.SIGKILL - 1))


def test_a_short_soak() -> None:
    if sys.platform != "linux":
        pytest.skip("the soak reads /proc")
    command = [sys.executable, str(ROOT / "bench" / "soak.py"), "--minutes", "0.33"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr


def test_clients_that_read_nothing_do_not_multiply_the_workers() -> None:
    """Answers that have begun cannot wait, and there is a bound to them all the same."""
    with run("--timeout", "5", ROKGRAPH_WORKERS="2", ROKGRAPH_SLOW_WORKERS="2") as server:
        clients = []
        for number in range(30):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            query = f"{ENDLESS} # {number}".encode()
            client.sendall(
                b"POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
                b"Content-Type: application/sparql-query\r\n\r\n%s" % (len(query), query)
            )
            clients.append(client)
        most = 0
        for _ in range(30):
            time.sleep(0.1)
            most = max(most, len(processes(server)))
        assert server.get(QUICK).status_code == 200
        for client in clients:
            client.close()
    assert most <= 1 + 2 + 2 * 2 + 1  # the zygote, both lanes, one more while it changes lanes


def test_what_is_kept_is_counted_with_its_question() -> None:
    """Long questions with short answers fill the cache, not the memory."""
    with run(ROKGRAPH_CACHE="4000000") as server:
        for number in range(30):
            answer = server.post(f"ASK {{}} # {number} {'x' * 300_000}")
            assert answer.status_code == 200
        kept = server.metric("rokgraph_cache_bytes")
    # a quarter is for whole responses to plain requests, and these were none
    assert 2_500_000 < kept <= 3_000_000
