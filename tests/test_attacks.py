"""What is done to endpoints on the open web, done to ours; `pytest -s` here prints the table.

For each attack: what came back, how long until the next quick query was answered, and whether
processor and memory of all our processes are back to rest.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from running import Server, run_server

TRIPLES = " . ".join(f"?s{n} ?p{n} ?o{n}" for n in range(4))
DOUBLED = " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(34))


def nested(before: str, after: str, depth: int, inside: str = "") -> str:
    return before * depth + inside + after * depth


QUERIES = {
    "cross product with COUNT": f"SELECT (COUNT(*) AS ?n) {{ {TRIPLES} }}",
    "cross product, sorted": f"SELECT * {{ {TRIPLES} }} ORDER BY ?o3",
    "cross product, DISTINCT": f"SELECT DISTINCT ?o0 ?o3 {{ {TRIPLES} }}",
    "cross product, streamed": f"SELECT * {{ {TRIPLES} }}",
    "path over everything": "SELECT (COUNT(*) AS ?n) { ?a (<x:a>|!<x:b>)* ?b }",
    "string doubled 34 times": f'ASK {{ BIND("abcdefgh" AS ?x0) {DOUBLED} FILTER(?x34 = "") }}',
    "40 kB of parentheses": f"ASK {{ FILTER({nested('(', ')', 20_000, '1')}) }}",
    "800 kB of parentheses": f"ASK {{ FILTER({nested('(', ')', 400_000, '1')}) }}",
    "40 kB of groups": f"ASK {nested('{', '}', 20_000)}",
    "800 kB of groups": f"ASK {nested('{', '}', 400_000)}",
    "negations": f"ASK {{ FILTER({'!' * 400_000}1) }}",
    "unions": f"ASK {{ {'{} UNION ' * 60_000} {{}} }}",
    "optionals": f"ASK {{ {nested('OPTIONAL {', '}', 60_000)} }}",
    "SERVICE on loopback": "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    "FROM a file": "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }",
    "LOAD": "LOAD <file:///etc/passwd>",
    "unknown function": "SELECT (<http://example.org/f>(1) AS ?x) {}",
    "long regular expression": 'SELECT * { ?s ?p ?o FILTER(REGEX(STR(?o), "(a+)+(b+)+c$")) }',
    "huge repetition": 'ASK { FILTER(REGEX("a", "((a{1000}){1000}){1000}")) }',
    "group of everything": f"SELECT ?o0 (GROUP_CONCAT(?o1) AS ?c) {{ {TRIPLES} }} GROUP BY ?o0",
}
STATUSES = {200, 400, 503}


@dataclass
class Row:
    name: str
    back: str
    next_quick: float
    at_rest: bool


@dataclass
class Target:
    server: Server
    rows: list[Row] = field(default_factory=list)
    memory: int = 0


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with run_server("--timeout", "2") as running:
        found = Target(running)
        quick(running)
        made(running)
        found.memory = memory(running)
        yield found
        print(
            "\n| attack | what came back | next quick query | at rest |\n| --- | --- | --- | --- |"
        )
        for row in found.rows:
            rest = "yes" if row.at_rest else "no"
            print(f"| {row.name} | {row.back} | {row.next_quick * 1000:.0f} ms | {rest} |")


def made(server: Server) -> None:
    """Wait until the files to take away are there: to make them is work of the server's own."""
    deadline = time.monotonic() + 120
    while server.client.get("/data/").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.3)


def quick(server: Server) -> float:
    """Seconds that a query takes which no cache can answer."""
    begun = time.perf_counter()
    with httpx.Client(base_url=server.url, timeout=30) as client:
        answer = client.get("/sparql", params={"query": "SELECT (RAND() AS ?x) {}"})
    assert answer.status_code == 200
    return time.perf_counter() - begun


def processes(server: Server) -> list[int]:
    found = [server.process.pid]
    for pid in found:
        with contextlib.suppress(FileNotFoundError):
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            found += map(int, children)
    return found


def memory(server: Server) -> int:
    """Bytes of all our processes, shared pages counted by part."""
    total = 0
    for pid in processes(server):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def ticks(server: Server) -> int:
    total = 0
    for pid in processes(server):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total


def rests(target: Target) -> bool:
    """Within half a minute nobody works and memory is what it was, give or take 64 MiB."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        before = ticks(target.server)
        time.sleep(0.3)
        idle = ticks(target.server) - before <= 0.1 * os.sysconf("SC_CLK_TCK")
        if idle and memory(target.server) < target.memory + 64 * 1024 * 1024:
            return True
    return False


def attack(target: Target, name: str, act: Callable[[Server], str]) -> str:
    back = act(target.server)
    row = Row(name, back, quick(target.server), rests(target))
    target.rows.append(row)
    assert row.next_quick < 1
    assert row.at_rest
    return back


def ask(query: str) -> Callable[[Server], str]:
    def act(server: Server) -> str:
        begun = time.perf_counter()
        headers = {"content-type": "application/sparql-query"}
        with httpx.Client(base_url=server.url, timeout=30) as client:
            try:
                answer = client.post("/sparql", content=query, headers=headers)
            except httpx.RemoteProtocolError:
                return f"broken off after {time.perf_counter() - begun:.1f} s"
        taken = time.perf_counter() - begun
        title = "" if answer.is_success else f" {answer.json()['title']}"
        assert taken < 4
        assert answer.status_code in STATUSES
        return f"{answer.status_code}{title}, {taken:.1f} s"

    return act


@pytest.mark.parametrize("name", QUERIES)
def test_a_query(target: Target, name: str) -> None:
    attack(target, name, ask(QUERIES[name]))


def test_a_reader_that_does_not_read(target: Target) -> None:
    def act(server: Server) -> str:
        host, port = server.url.removeprefix("http://").split(":")
        query = "SELECT%20*%7B%3Fa%20%3Fb%20%3Fc.%20%3Fd%20%3Fe%20%3Ff%7D"
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"GET /sparql?query={query} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
            time.sleep(0.5)
            grown = memory(server) - target.memory
            assert grown < 128 * 1024 * 1024
        return f"200, then left; {max(grown, 0) // 2**20} MiB while it did not read"

    attack(target, "reader that does not read", act)


def test_clients_that_leave(target: Target) -> None:
    def act(server: Server) -> str:
        for _ in range(10):
            with contextlib.suppress(httpx.ReadTimeout):
                query = QUERIES["cross product with COUNT"]
                httpx.post(server.url + "/sparql", data={"query": query}, timeout=0.1)
        return "10 left"

    attack(target, "clients that leave", act)


def test_connections_that_say_nothing(target: Target) -> None:
    def act(server: Server) -> str:
        host, port = server.url.removeprefix("http://").split(":")
        with contextlib.ExitStack() as stack:
            for number in range(250):
                connection = socket.create_connection((host, int(port)))
                stack.enter_context(connection)
                connection.sendall(b"GET /sparql HTTP/1.1\r\nx: " if number % 2 else b"")
            assert quick(server) < 1
        return "250 held open"

    attack(target, "connections that say nothing", act)
