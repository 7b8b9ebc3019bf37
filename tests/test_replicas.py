"""Two replicas behind HAProxy and Varnish, by the very files of docs/deploy: one of them dies.

What the cache brings is printed, never asserted: `pytest tests/test_replicas.py -s`.
"""

import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from conformance.wire import command, variables
from running import ROOT, missing

DEPLOY = ROOT / "docs" / "deploy"
# The ports in those files, by what listens there.
PORTS = {
    "public": 8080, "inner": 8081, "varnish": 6081, "one": 8000, "two": 8001, "seen": 8404,
}  # fmt: skip
LABELS = "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> SELECT * { ?s rdfs:label ?l }"
SECONDS = 6.0


def free_ports(number: int) -> list[int]:
    """Ports that no outgoing connection takes while a replica that had them is away.

    Those that the system gives, with port 0, are just the others.
    See https://docs.kernel.org/networking/ip-sysctl.html (ip_local_port_range)
    """
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        for port in random.Random(os.getpid()).sample(range(10_000, first), 100):
            probe = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found[:number]


@dataclass
class House:
    """The replicas, and what stands before them."""

    folder: Path
    ports: dict[str, int]
    replicas: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    varnish: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['public']}"

    def of(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, name: str, *options: str) -> None:
        """Start a replica at its port, and wait until it answers."""
        self.stop(name)
        proxies = {"ROKGRAPH_TRUSTED_PROXIES": '["127.0.0.1"]', "ROKGRAPH_RATE": "0"}
        log = (self.folder / f"{name}.log").open("ab")
        self.replicas[name] = subprocess.Popen(
            command("serve", "--port", str(self.ports[name]), *options),
            stdout=log, stderr=log, env=variables(**proxies),
        )  # fmt: skip
        log.close()
        ready(f"{self.of(name)}/readyz", self.replicas[name], self.folder / f"{name}.log")
        self.wait(name)

    def start_varnish(self) -> None:
        """Start the cache, and wait until HAProxy uses it."""
        vcl = configured("default.vcl", self.ports, self.folder)
        folder = tempfile.mkdtemp(dir=self.folder)
        self.varnish = started(
            self.folder, "varnishd", "-F", "-f", str(vcl), "-n", folder, "-s", "malloc,64m",
            "-a", f"127.0.0.1:{self.ports['varnish']}", "-p", "http_gzip_support=off",
            *(("-j", "none") if os.geteuid() == 0 else ()),
        )  # fmt: skip
        ready(f"{self.of('varnish')}/healthz", self.varnish, self.folder / "varnishd.log")
        self.wait("varnish")

    def wait(self, name: str, state: str = "UP") -> None:
        """Wait until HAProxy sees that server so: only then requests go there, or go no more."""
        told = f',server="{name}",state="{state}"}} 1'
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if told in httpx.get(f"{self.of('seen')}/metrics", timeout=30).text:
                return
            time.sleep(0.05)
        raise AssertionError(f"HAProxy does not see {name} {state}")

    def stop(self, name: str, how: int = signal.SIGTERM) -> None:
        replica = self.replicas.pop(name, None)
        if replica is not None:
            replica.send_signal(how)
            replica.wait(20)


def ready(url: str, program: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert program.poll() is None, log.read_text()[-2000:]
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).is_success:
                return
        time.sleep(0.05)
    raise AssertionError(f"{url} is not ready: {log.read_text()[-2000:]}")


def configured(name: str, ports: dict[str, int], folder: Path) -> Path:
    """A file of docs/deploy with these ports for its own."""
    text = (DEPLOY / name).read_text()
    for role, port in PORTS.items():
        for place in (f"127.0.0.1:{port}", f'.port = "{port}"'):
            text = text.replace(place, place.replace(str(port), f"@{role}@"))
    for role, port in ports.items():
        text = text.replace(f"@{role}@", str(port))
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    for program in ("haproxy", "varnishd"):
        if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
            missing(f"{program} (Debian packages haproxy, varnish)")
    folder = tmp_path_factory.mktemp("replicas")
    found = House(folder, dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))
    with contextlib.ExitStack() as stack:
        haproxy = configured("haproxy.cfg", found.ports, folder)
        front = started(folder, "haproxy", "-db", "-f", str(haproxy))
        stack.callback(ended, front)
        stack.callback(lambda: ended(found.varnish))
        ready(f"{found.of('seen')}/metrics", front, folder / "haproxy.log")
        for name in ("one", "two"):
            stack.callback(found.stop, name)
            found.start(name)
        found.start_varnish()
        yield found


def started(folder: Path, *line: str) -> subprocess.Popen[bytes]:
    path = f"{os.environ['PATH']}:/usr/sbin"
    with (folder / f"{line[0]}.log").open("ab") as log:
        return subprocess.Popen(
            line, stdout=log, stderr=log, env={**os.environ, "PATH": path}, cwd=folder
        )


def ended(program: subprocess.Popen[bytes] | None, how: int = signal.SIGTERM) -> None:
    if program is not None:
        program.send_signal(how)
        program.wait(20)


@dataclass
class Load:
    """Clients that ask one question after the other until they are told to stop."""

    url: str
    fresh: bool
    told: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)
    mark: int = field(default_factory=time.monotonic_ns)  # questions with it are nobody else's

    def ask(self, client: int) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as asking:
            for number in itertools.count():
                if self.done.is_set():
                    return
                # half of the questions have been asked before, unless all are to be fresh
                again = not self.fresh and number % 2
                limit = number % 20 + 1 if again else f"5 # {self.mark} {number} {client}"
                try:
                    answer = asking.get("/sparql", params={"query": f"{LABELS} LIMIT {limit}"})
                except httpx.HTTPError as error:
                    self.lost.append(repr(error))
                    continue
                self.told[answer.headers.get("cache-status", "none")] += 1
                if answer.status_code != 200 or not answer.content.endswith(b"]}}"):
                    self.lost.append(f"{answer.status_code}: {answer.text[:100]}")

    def run(self, seconds: float, clients: int = 8) -> float:
        """Questions a second."""
        with ThreadPoolExecutor(clients) as pool:
            begun = time.monotonic()
            for client in range(clients):
                pool.submit(self.ask, client)
            time.sleep(seconds)
            self.done.set()
        return sum(self.told.values()) / (time.monotonic() - begun)


def test_a_replica_that_dies_loses_no_request(house: House) -> None:
    for name in ("one", "two"):
        load = Load(house.url, fresh=name == "two")
        killer = threading.Timer(SECONDS / 3, house.stop, (name, signal.SIGKILL))
        killer.start()
        rate = load.run(SECONDS)
        killer.join()
        assert name not in house.replicas
        sent = sum(load.told.values())
        sys.stdout.write(f"\nreplica {name} killed: {sent} sent, {len(load.lost)} lost, "
                         f"{rate:.0f} a second, {dict(load.told)}\n")  # fmt: skip
        assert not load.lost, load.lost[:3]
        assert sent > 100
        house.start(name)


def test_without_the_cache_it_is_slower_not_away(house: House) -> None:
    """The cache dies under load: what it had begun is asked again, around it."""
    load = Load(house.url, fresh=False)
    varnish, house.varnish = house.varnish, None
    killer = threading.Timer(SECONDS / 3, ended, (varnish, signal.SIGTERM))
    killer.start()
    try:
        load.run(SECONDS)
        killer.join()
        told = {"sent": sum(load.told.values()), "lost": len(load.lost), **load.told}
        sys.stdout.write(f"\nthe cache killed: {told}\n")
        assert not load.lost, load.lost[:3]
        assert load.told["varnish; hit"] > 10, told
        assert load.told["none"] > 10, told
    finally:
        killer.join()
        house.start_varnish()
    again = [httpx.get(house.url + "/sparql", params={"query": LABELS + " LIMIT 2"}) for _ in "ab"]
    by = [(each.status_code, each.headers.get("cache-status")) for each in again]
    assert by == [(200, "varnish; fwd=miss"), (200, "varnish; hit")]


def test_what_is_kept_is_given_when_no_replica_is_there(house: House) -> None:
    kept, other = ({"query": f"{LABELS} LIMIT {number}"} for number in (31, 32))
    before = httpx.get(f"{house.url}/sparql", params=kept)
    try:
        for name in ("one", "two"):
            house.stop(name, signal.SIGKILL)
            house.wait(name, "DOWN")
        time.sleep(2.5)  # more than two checks of the cache
        after = httpx.get(f"{house.url}/sparql", params=kept)
        assert after.headers["cache-status"] == "varnish; hit"
        assert after.content == before.content
        assert httpx.get(f"{house.url}/sparql", params=other).status_code == 503
    finally:
        for name in ("one", "two"):
            house.start(name)
    assert httpx.get(f"{house.url}/sparql", params=other).status_code == 200


def test_what_is_kept_is_what_was_answered(house: House) -> None:
    """A hit has the bytes, the tag and the headers of the answer, in each coding and format."""
    query = f"{LABELS} ORDER BY ?s ?l LIMIT 300"
    for headers in (
        {"accept": "text/csv", "accept-encoding": "identity"},
        {"accept": "text/csv", "accept-encoding": "gzip"},
        {"accept": "application/sparql-results+xml", "accept-encoding": "zstd"},
    ):
        asked = {"params": {"query": query}, "headers": headers}
        one, two = (httpx.get(f"{house.url}/sparql", **asked) for _ in range(2))  # type: ignore[arg-type]
        ours = httpx.get(f"{house.of('one')}/sparql", **asked)  # type: ignore[arg-type]
        assert [each.headers["cache-status"] for each in (one, two)] == [
            "varnish; fwd=miss", "varnish; hit",
        ]  # fmt: skip
        assert one.content == two.content == ours.content
        for name in ("content-type", "vary", "cache-control", "rokgraph-dataset"):
            assert two.headers[name] == ours.headers[name]
        assert two.headers.get("content-encoding") == one.headers.get("content-encoding")
        again = httpx.get(
            f"{house.url}/sparql",
            params={"query": query},
            headers={**headers, "if-none-match": two.headers["etag"]},
        )
        assert again.status_code == 304


def test_what_must_not_be_kept_is_asked_again(house: House) -> None:
    for query, status in (("SELECT (RAND() AS ?x) {}", 200), ("SELECT * {", 400)):
        answers = [httpx.get(f"{house.url}/sparql", params={"query": query}) for _ in range(2)]
        assert {answer.status_code for answer in answers} == {status}
        assert {answer.headers["cache-status"] for answer in answers} == {"varnish; fwd=miss"}
        assert len({answer.headers["rokgraph-query"] for answer in answers}) == 2
    english, korean = (
        httpx.get(f"{house.url}/about", headers={"cookie": f"a=b; lang={language}; c=d"})
        for language in ("en", "ko")
    )
    assert english.headers["content-language"] == "en"
    assert korean.headers["content-language"] == "ko"


def test_addresses_are_those_that_the_client_sees(house: House) -> None:
    for host in ("graph.example.org", "other.example.org"):
        answer = httpx.get(f"{house.url}/sparql", headers={"host": host, "accept": "text/turtle"})
        assert f"<http://{host}/sparql>" in answer.text
        assert "127.0.0.1" not in answer.text


def test_nobody_outside_can_purge(house: House) -> None:
    ban = {"method": "BAN", "headers": {"rokgraph-dataset": "sha256:other"}}
    assert httpx.request(url=house.url, **ban).status_code == 405  # type: ignore[arg-type]


def test_a_new_version_purges_by_its_digest(house: House, tmp_path: Path) -> None:
    """Answers of the old dataset stay until it is banned; then none is given any more."""
    text, other = f"{LABELS} LIMIT 3", tmp_path / "other.ttl"
    other.write_text('<http://example.org/s> <http://www.w3.org/2000/01/rdf-schema#label> "new" .')

    def asked() -> httpx.Response:
        return httpx.get(f"{house.url}/sparql", params={"query": text})

    before = [asked(), asked()]
    assert before[1].headers["cache-status"] == "varnish; hit"
    try:
        for name in ("one", "two"):
            house.start(name, "--data", str(other))
        stale = asked()
        assert stale.headers["rokgraph-dataset"] == before[0].headers["rokgraph-dataset"]
        digest = httpx.get(f"{house.of('one')}/sparql", params={"query": "ASK {}"})
        named = {"rokgraph-dataset": digest.headers["rokgraph-dataset"]}
        nobody = httpx.request("BAN", house.of("varnish"), headers={"rokgraph-dataset": "a b"})
        assert nobody.status_code == 400
        assert httpx.request("BAN", house.of("varnish"), headers=named).status_code == 200
        fresh = [asked(), asked()]
        assert {answer.headers["rokgraph-dataset"] for answer in fresh} == {*named.values()}
        assert '"new"' in fresh[0].text
        assert fresh[1].headers["cache-status"] == "varnish; hit"
    finally:
        for name in ("one", "two"):
            house.start(name)


def test_what_the_cache_brings(house: House) -> None:
    """Printed: how many answers came from the cache, and how much quicker they came."""
    load = Load(house.url, fresh=False)
    load.run(SECONDS / 3)
    assert not load.lost
    share = load.told["varnish; hit"] / sum(load.told.values())
    sys.stdout.write(f"\nhit rate of a load of which half is fresh: {share:.0%}\n")
    if shutil.which("wrk") is None:
        missing("wrk")
    for path in ("/sparql?query=ASK%7B%7D", "/tasks"):
        around, through = (per_second(house.of(name) + path) for name in ("inner", "varnish"))
        sys.stdout.write(
            f"{path}: {around:.0f} a second from the replicas, {through:.0f} from the cache, "
            f"{through / around:.1f} times as many\n"
        )
    assert share > 0.2


def per_second(url: str) -> float:
    told = subprocess.run(
        ["wrk", "-t1", "-c16", "-d2s", url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "Non-2xx" not in told, told
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert found, told
    return float(found[1])
