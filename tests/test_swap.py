"""New data take the place of old ones while clients ask: nobody is dropped, nothing stale stays."""

import contextlib
import json
import os
import pty
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest

from conformance.wire import Running, command, run, variables
from rokgraph.building import build
from rokgraph.settings import make_settings
from rokgraph.store import current
from test_store import Silent

if sys.platform != "linux":
    pytest.skip("processes are found in /proc", allow_module_level=True)

ITEMS, FEW = 3000, 5
WHICH = "SELECT ?which { <http://e/data> <http://e/is> ?which }"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s <http://e/of> ?o }"
ROWS = "SELECT ?o { ?s <http://e/of> ?o . ?t <http://e/few> ?u . ?v <http://e/few> ?w }"
MANY = ROWS.replace(" }", " . ?x <http://e/few> ?y }")
# Some seconds on a quick machine: long enough to be in the middle of.
LONG = (
    "SELECT (COUNT(*) AS ?n) { ?a <http://e/of> ?b . ?c <http://e/of> ?d . ?e <http://e/few> ?f }"
)
LATE = f"SELECT ?n ?o {{ {{ {LONG} }} ?s <http://e/of> ?o }}"
SWAPS = 5
CLIENTS = 6


def write(path: Path, which: str, items: int = ITEMS) -> None:
    """Data that say of themselves which they are, put in place at once."""
    beside = path.with_suffix(".new")
    with beside.open("w") as file:
        file.write(f'<http://e/data> <http://e/is> "{which}" .\n')
        for n in range(items):
            file.write(f'<http://e/{n}> <http://e/of> "{which} {n}, and some more text" .\n')
        for n in range(FEW):
            file.write(f"<http://e/few/{n}> <http://e/few> <http://e/x> .\n")
    beside.replace(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.nt"
    write(path, "A")
    return path


def which(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    [row] = answer.json()["results"]["bindings"]
    found: str = row["which"]["value"]
    return found


def dataset(server: Running) -> str:
    """The dataset that is in place, as answers name it."""
    return server.get(f"{WHICH} # {time.monotonic()}").headers["rokgraph-dataset"]


def until(done: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def told(server: Running, text: str) -> list[str]:
    """The messages of the log that hold a text."""
    found = [json.loads(line).get("message", "") for line in server.lines() if "message" in line]
    return [message for message in found if text in message]


def swap(server: Running) -> None:
    """Have the data loaded anew and wait until they are in place."""
    before = len(told(server, "in place"))
    server.process.send_signal(signal.SIGHUP)
    until(lambda: len(told(server, "in place")) > before)


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    return []


def zygotes(server: Running) -> list[int]:
    return [pid for pid in children(server.process.pid) if b"rokgraph.worker" in _command_of(pid)]


def _command_of(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


# ------------------------------------------------------------------------------------ the swap


def test_a_signal_puts_new_data_in_the_place_of_the_old(data: Path) -> None:
    with run("--data", str(data)) as server:
        first = server.get(WHICH)
        assert which(first) == which(server.get(WHICH)) == "A"  # kept, and given again
        tag = first.headers["etag"]
        assert server.get(WHICH, **{"if-none-match": tag}).status_code == 304
        processes = {zygote for old in zygotes(server) for zygote in (old, *children(old))}
        write(data, "B")
        swap(server)
        second = server.get(WHICH)
        assert which(second) == "B"
        assert second.headers["rokgraph-dataset"] != first.headers["rokgraph-dataset"]
        assert server.get(WHICH, **{"if-none-match": tag}).status_code == 200
        assert which(server.post(WHICH)) == "B"
        health = server.client.get("/healthz").json()
        assert second.headers["rokgraph-dataset"] == f"sha256:{health['dataset']}"
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))
        assert len(zygotes(server)) == 1
        assert server.metric("rokgraph_loads_total") == 1
        assert server.metric("rokgraph_queries_total") >= 6  # counting goes on


def test_pages_search_and_description_follow(data: Path) -> None:
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    task = "<https://w3id.org/rokgraph/id/task/1-1>"

    def say(name: str) -> None:
        data.write_text(f'{task} {label} "{name}"@en .\n' * 2)

    say("Old name")
    with run("--data", str(data), "--default-graph", "union") as server:
        for name, other in (("Old name", "New name"), ("New name", "Old name")):
            found = server.client.get("/search", params={"q": name, "format": "json"})
            assert found.status_code == 200, found.text
            assert name in found.text
            page = server.client.get("/doc/id/task/1-1.ttl").text
            assert name in page
            assert other not in page
            describes = server.client.get("/sparql", headers={"accept": "text/turtle"})
            assert describes.status_code == 200
            say(other)
            swap(server)


def by_post(server: Running) -> httpx.Response:
    return httpx.post(f"{server.url}/sparql", data={"query": LONG}, timeout=90)


def by_get(server: Running) -> httpx.Response:
    """The short way; the answer comes late and is long, so that the application goes on with it."""
    return httpx.get(f"{server.url}/sparql", params={"query": LATE}, timeout=90)


@pytest.mark.parametrize("ask", [by_post, by_get])
def test_a_query_that_runs_ends_where_it_began(
    data: Path, ask: Callable[[Running], httpx.Response]
) -> None:
    with run("--data", str(data), "--timeout", "60") as server:
        first = dataset(server)
        found: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: found.append(ask(server)))
        thread.start()
        until(lambda: server.metric("rokgraph_busy_workers") == 1)
        [old] = zygotes(server)
        write(data, "B")
        swap(server)
        assert thread.is_alive()  # else nothing is shown
        assert which(server.get(WHICH)) == "B"
        assert {old} < set(zygotes(server))
        thread.join()
        [answer] = found
        assert answer.status_code == 200
        assert answer.headers["rokgraph-dataset"] == first
        rows = answer.json()["results"]["bindings"]
        assert {row["n"]["value"] for row in rows} == {str(ITEMS * ITEMS * FEW)}
        assert len(rows) == (1 if ask is by_post else ITEMS)
        assert all(row["o"]["value"].startswith("A ") for row in rows if "o" in row)
        until(lambda: old not in zygotes(server))


def test_an_answer_that_is_read_slowly_comes_to_its_end(data: Path) -> None:
    with run("--data", str(data), "--timeout", "20") as server:
        with socket.socket() as client:
            client.settimeout(20)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # all is not on its way
            client.connect(("127.0.0.1", server.port))
            request = f"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: {len(MANY)}\r\n"
            kind = "Content-Type: application/sparql-query\r\nAccept: text/csv\r\n\r\n"
            client.sendall(f"{request}{kind}{MANY}".encode())
            response = HTTPResponse(client)
            response.begin()
            write(data, "B")
            swap(server)
            assert which(server.get(WHICH)) == "B"
            time.sleep(0.5)
            assert len(zygotes(server)) == 2  # else nothing is shown
            received = response.read()  # raises IncompleteRead if it is cut
        assert response.status == 200
        assert received.count(b"and some more text") == ITEMS * FEW**3
        assert b"B " not in received


@dataclass
class Asked:
    """What many clients were told."""

    sent: int = 0
    failed: list[str] = field(default_factory=list)
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: httpx.Response, text: str) -> None:
        with self.lock:
            self.seen[answer.headers["rokgraph-dataset"], text] += 1


def ways(server: Running, client: httpx.Client, n: int) -> Iterator[tuple[str, httpx.Response]]:
    """The ways in which clients ask: short and long, kept and fresh, whole and in pieces."""
    address = f"{server.url}/sparql"
    csv, plain = {"accept": "text/csv"}, {"accept": "application/sparql-results+json"}
    yield "kept", client.get(address, params={"query": WHICH}, headers=plain)
    fresh = {"query": f"{WHICH} # {n} {threading.get_ident()}"}
    yield "fresh", client.get(address, params=fresh, headers=plain)
    yield "posted", client.post(address, data=fresh, headers=plain)
    yield "random", client.get(address, params={"query": f"{WHICH} # RAND()"}, headers=plain)
    yield "rows", client.get(address, params={"query": ROWS}, headers=csv)
    with httpx.Client(timeout=60) as other:
        yield "alone", other.get(address, params={"query": WHICH}, headers=plain)


def ask_all(server: Running, asked: Asked, over: threading.Event) -> None:
    with httpx.Client(timeout=60) as client:
        n = 0
        while not over.is_set():
            n += 1
            found = ways(server, client, n)
            while True:
                with asked.lock:
                    asked.sent += 1
                try:
                    way, answer = next(found)
                except StopIteration:
                    with asked.lock:
                        asked.sent -= 1
                    break
                except httpx.HTTPError as error:
                    asked.failed.append(repr(error))
                    break
                if answer.status_code != 200:
                    asked.failed.append(f"{way}: {answer.status_code} {answer.text[:200]}")
                elif way == "rows":
                    _, *rows = answer.text.splitlines()
                    assert len(rows) == ITEMS * FEW * FEW
                    [text] = {row.strip('"')[0] for row in rows}
                    asked.note(answer, text)
                else:
                    asked.note(answer, which(answer))


def test_nobody_is_dropped_while_data_change_under_load(data: Path) -> None:
    with run("--data", str(data), ROKGRAPH_QUEUE="1000") as server:
        asked, over, known = Asked(), threading.Event(), {dataset(server): "A"}
        clients = [
            threading.Thread(target=ask_all, args=(server, asked, over)) for _ in range(CLIENTS)
        ]
        for thread in clients:
            thread.start()
        for number in range(SWAPS):
            name = "BA"[number % 2]
            write(data, name)
            swap(server)
            known[dataset(server)] = name
            time.sleep(0.5)
        over.set()
        for thread in clients:
            thread.join()
        print(f"sent {asked.sent}, failed {len(asked.failed)}, {SWAPS} swaps")
        assert asked.failed == []
        assert asked.sent == sum(asked.seen.values()) > 100
        # what the header names is what the answer says, always
        assert dict(asked.seen.keys()) == known
        assert len(asked.seen) == 2
        until(lambda: len(zygotes(server)) == 1)
        until(lambda: server.metric("rokgraph_busy_workers") == 0)


# ------------------------------------------------------------------------------ what goes wrong


def test_data_that_cannot_be_loaded_change_nothing(data: Path) -> None:
    with run("--data", str(data)) as server:
        before, [zygote] = dataset(server), zygotes(server)
        data.write_text("<http://e/s> <http://e/p> .\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: bool(told(server, "could not be loaded")))
        assert dataset(server) == before
        assert zygotes(server) == [zygote]
        [line] = told(server, "could not be loaded")
        assert f"{data}:1:" in line
        assert server.metric("rokgraph_loads_total") == 1
        data.unlink()
        server.process.send_signal(signal.SIGHUP)
        until(lambda: len(told(server, "could not be loaded")) == 2)
        assert which(server.get(WHICH)) == "A"
        write(data, "B")
        swap(server)
        assert which(server.get(WHICH)) == "B"


def test_a_zygote_that_dies_while_it_loads_changes_nothing(data: Path) -> None:
    with run("--data", str(data)) as server:
        [old] = zygotes(server)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: len(zygotes(server)) == 2)
        [new] = set(zygotes(server)) - {old}
        os.kill(new, signal.SIGKILL)
        until(lambda: bool(told(server, "")))
        assert which(server.get(f"{WHICH} # anew")) == "A"
        swap(server)
        assert which(server.get(WHICH)) == "A"


def test_data_that_changed_unseen_are_not_taken_for_the_old(data: Path) -> None:
    """Its zygote killed, the old data are gone: what is loaded then has its own digest."""
    with run("--data", str(data)) as server:
        before = server.get(WHICH)
        write(data, "B")
        for zygote in zygotes(server):
            os.kill(zygote, signal.SIGKILL)
        until(lambda: bool(told(server, "in place")))
        answer = server.get(WHICH)
        assert which(answer) == "B"
        assert answer.headers["rokgraph-dataset"] != before.headers["rokgraph-dataset"]
        until(lambda: len(zygotes(server)) == 1)


def test_signals_that_come_all_at_once_are_followed(data: Path) -> None:
    with run("--data", str(data)) as server:
        for _ in range(5):
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        write(data, "B")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: which(server.get(f"{WHICH} # {time.monotonic()}")) == "B")
        until(lambda: len(zygotes(server)) == 1)


def test_a_server_that_ends_while_it_loads_leaves_nothing(data: Path) -> None:
    write(data, "A", 200_000)
    with run("--data", str(data)) as server:
        server.process.send_signal(signal.SIGHUP)
        until(lambda: len(zygotes(server)) == 2)
        left = zygotes(server)
        server.process.terminate()
        assert server.process.wait(15) == 0
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left), 5)


def test_a_server_ends_with_its_terminal(data: Path) -> None:
    """Whoever closes the window wants an end, not other data."""
    arguments = command("serve", "--port", "0", "--data", str(data))
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may be told to outlive theirs
        os.execve(arguments[0], arguments, variables())
    shown = b""
    while b"SPARQL endpoint" not in shown:
        shown += os.read(terminal, 4096)
    time.sleep(1)
    os.close(terminal)
    try:
        until(lambda: os.waitpid(pid, os.WNOHANG) != (0, 0), 15)
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


# ------------------------------------------------------------------------------ without a signal


def built(place: Path, *paths: Path) -> Path:
    return build(place, make_settings(data=paths), Silent()).build.folder


def test_a_new_build_is_served_without_a_signal(data: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    first = built(place, data)
    with run("--store", str(place), ROKGRAPH_WATCH="0.2") as server:
        assert which(server.get(WHICH)) == "A"
        write(data, "B")
        second = built(place, data)
        until(lambda: which(server.get(WHICH)) == "B")
        until(lambda: len(zygotes(server)) == 1)
        assert len(told(server, "in place")) == 1
        write(data, "A")
        built(place, data)  # removes the first, which nobody serves any more
        assert not first.exists()
        assert second.exists()
        until(lambda: which(server.get(WHICH)) == "A")


def test_a_build_that_is_served_is_not_removed(data: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    served = built(place, data)
    with run("--store", str(place), ROKGRAPH_WATCH="0") as server:
        write(data, "B")
        for _ in range(2):
            built(place, data)
        for zygote in zygotes(server):
            os.kill(zygote, signal.SIGKILL)
        until(lambda: len(zygotes(server)) == 1)
        assert (
            which(server.get(f"{WHICH} # anew")) == "A"
        )  # the same data, though it had to open it
        assert served.exists()
        swap(server)
        assert which(server.get(WHICH)) == "B"
        until(lambda: len(zygotes(server)) == 1)
    built(place, data)
    assert not served.exists()
    assert current(place).exists()


def test_files_are_watched_where_that_is_wished(data: Path) -> None:
    with run("--data", str(data), ROKGRAPH_WATCH="0.2") as server:
        write(data, "B")
        until(lambda: which(server.get(WHICH)) == "B")
        data.write_text("no triples")
        until(lambda: bool(told(server, "could not be loaded")))
        time.sleep(1)
        assert len(told(server, "could not be loaded")) == 1  # not again and again
        assert which(server.get(WHICH)) == "B"
        write(data, "A")
        until(lambda: which(server.get(WHICH)) == "A")


def test_files_are_not_watched_unless_it_is_wished(data: Path) -> None:
    with run("--data", str(data)) as server:
        write(data, "B")
        time.sleep(2.5)
        assert which(server.get(f"{WHICH} # later")) == "A"
