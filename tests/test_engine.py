"""The killable workers, by doing to them what is done to endpoints on the open web."""

import contextlib
import csv
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from running import Server, run_server

FOREVER = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
QUICK = "SELECT (RAND() AS ?x) {}"  # never from the cache
DEEP = "SELECT * { FILTER(" + "(" * 20_000 + "1" + ")" * 20_000 + ") }"
DEEPER = "SELECT * { FILTER(" + "(" * 400_000 + "1" + ")" * 400_000 + ") }"
DOUBLING = (
    'SELECT (STRLEN(?x34) AS ?length) { BIND("abcdefgh" AS ?x0) '
    + " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(34))
    + " }"
)


@pytest.fixture(scope="module")
def public() -> Iterator[Server]:
    """A server with a short deadline."""
    with run_server("--timeout", "3") as running:
        yield running


def seconds(ask: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    begun = time.perf_counter()
    response = ask()
    return response, time.perf_counter() - begun


def assert_alive(server: Server) -> None:
    response, taken = seconds(lambda: server.get(QUICK))
    assert response.status_code == 200
    assert taken < 1


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    if not found.exists():
        pytest.skip("no /proc here to find the processes in")
    return [int(child) for child in found.read_text().split()]


def zygote_of(server: Server) -> int:
    """The zygote's process id; waits for it while it is being replaced."""
    deadline = time.monotonic() + 5
    while len(found := [pid for pid in children(server.process.pid) if runs(pid, "worker")]) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]


def runs(pid: int, module: str) -> bool:
    """Whether a process runs that module of ours."""
    with contextlib.suppress(OSError):
        return f"rokgraph.{module}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_a_query_without_end_ends_at_the_deadline_while_others_are_answered(
    public: Server,
) -> None:
    answers: list[tuple[httpx.Response, float]] = []
    runaways = [
        threading.Thread(
            target=lambda: answers.append(
                seconds(
                    lambda: httpx.post(public.url + "/sparql", data={"query": FOREVER}, timeout=60)
                )
            )
        )
        for _ in range(8)
    ]
    for thread in runaways:
        thread.start()
    for _ in range(10):
        time.sleep(0.2)
        assert_alive(public)
    for thread in runaways:
        thread.join()
    assert [response.status_code for response, _ in answers] == [503] * 8
    assert all(2.5 < taken < 5 for _, taken in answers)
    assert answers[0][0].headers["retry-after"].isdigit()
    assert answers[0][0].json()["limit"] == 3
    assert_alive(public)


def test_a_client_may_lower_the_deadline_but_not_raise_it(public: Server) -> None:
    response, taken = seconds(lambda: public.post(FOREVER, timeout="0.5"))
    assert response.status_code == 503
    assert taken < 2
    response, taken = seconds(lambda: public.post(FOREVER, timeout="60"))
    assert response.status_code == 503
    assert taken < 5


def test_deep_nesting_is_answered_or_refused_and_the_service_lives_on(public: Server) -> None:
    assert public.post(DEEP).status_code == 200  # 40 kB: within the stack
    assert_alive(public)
    refused = public.post(DEEPER)
    assert refused.status_code == 400
    assert refused.json()["title"] == "The query is too complex"
    assert_alive(public)


def test_a_memory_bomb_ends_as_an_error(public: Server) -> None:
    response = public.post(DOUBLING)
    assert response.status_code == 503
    assert response.json()["title"] == "The query needs too much memory"
    assert_alive(public)


@pytest.mark.parametrize("spelling", ["SERVICE", "SERVICE SILENT", "service\n#x\n"])
def test_service_never_reaches_a_loopback_listener(public: Server, spelling: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        response = public.post(
            f"SELECT * {{ {spelling} <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }}"
        )
        listener.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listener.accept()
    if "SILENT" in spelling:
        assert response.json()["results"]["bindings"] == [{}]
    else:
        assert response.status_code == 400
        assert "SERVICE" in response.json()["detail"]
    assert_alive(public)


def test_from_reads_no_file_and_no_url(public: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for iri in ("file:///etc/passwd", f"http://127.0.0.1:{port}/"):
            answer = public.get(f"SELECT * FROM <{iri}> {{ ?s ?p ?o }}")
            assert answer.json()["results"]["bindings"] == []
        listener.settimeout(0.3)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_client_that_leaves_takes_its_query_along(public: Server) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(public.url + "/sparql", data={"query": FOREVER}, timeout=0.5)
    time.sleep(0.3)
    zygote = zygote_of(public)
    assert all(not busy(worker) for worker in children(zygote))


def busy(pid: int) -> bool:
    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    time.sleep(0.3)
    return ticks() - before > 10


def test_a_large_answer_comes_in_pieces_and_whole(public: Server) -> None:
    query = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 100000"
    with public.client.stream(
        "GET", "/sparql", params={"query": query}, headers={"accept": "text/csv"}
    ) as answer:
        assert answer.headers.get("content-length") is None
        rows = csv.reader(io.StringIO(answer.read().decode()))
        assert sum(1 for _ in rows) == 100_001


def test_an_answer_that_is_cut_is_never_a_clean_200(public: Server) -> None:
    endless = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    with (
        pytest.raises(httpx.RemoteProtocolError),
        public.client.stream("GET", "/sparql", params={"query": endless}) as answer,
    ):
        for _ in answer.iter_raw():
            pass
    assert_alive(public)


def test_killed_workers_and_zygote_are_replaced(serve: Callable[..., Server]) -> None:
    server = serve()
    assert_alive(server)
    zygote = zygote_of(server)
    workers = children(zygote)
    assert len(workers) >= 2
    for victims in (workers[:1], workers, [zygote], None):
        for pid in victims or [*children(zygote), zygote]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        response, taken = seconds(lambda: server.get(QUICK))
        assert response.status_code == 200
        assert taken < 3  # a second, and room for a loaded machine
        zygote = zygote_of(server)


def test_a_query_asked_while_a_zygote_loads_outlives_it(serve: Callable[..., Server]) -> None:
    server = serve()
    for number in range(3):
        for pid in children(first := zygote_of(server)):
            os.kill(pid, signal.SIGKILL)
        os.kill(first, signal.SIGKILL)
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(server.get, f"{QUICK} # {number}")
            while (second := zygote_of(server)) == first:
                time.sleep(0.01)
            time.sleep(0.05)  # it loads for a longer time
            os.kill(second, signal.SIGKILL)
            assert asked.result(timeout=10).status_code == 200


def test_a_zygote_that_is_killed_whenever_it_comes_is_replaced_in_the_end(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    until = time.monotonic() + 4  # one comes a second
    while time.monotonic() < until:
        for pid in children(server.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # some before they know what to load
    assert server.get(f"{QUICK} # anew").status_code == 200


def test_a_log_that_nobody_reads_stops_no_answer() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "rokgraph", "serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
            for _ in range(200):
                with contextlib.suppress(httpx.ConnectError):
                    client.get("/healthz")
                    break
                time.sleep(0.05)
            for _ in range(1000):  # a pipe holds some 350 lines
                assert client.get("/sparql", params={"query": "ASK {}"}).is_success
        process.kill()


def test_when_the_server_is_killed_nothing_is_left(serve: Callable[..., Server]) -> None:
    server = serve()
    zygote = zygote_of(server)
    left = [*children(server.process.pid), *children(zygote)]  # who makes the dumps as well
    server.process.kill()
    server.process.wait()
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in left):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_past_the_queue_the_answer_is_503_at_once(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QUEUE", "WORKERS", "SLOW_WORKERS"):
        monkeypatch.setenv(f"ROKGRAPH_{name}", "1")
    server = serve("--timeout", "4")
    answers: list[tuple[httpx.Response, float]] = []

    def ask(number: int) -> None:
        query = f"{FOREVER} # {number}"
        answers.append(
            seconds(lambda: httpx.post(server.url + "/sparql", data={"query": query}, timeout=60))
        )

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {response.status_code for response, _ in answers} == {503}
    titles = [response.json()["title"] for response, _ in answers]
    assert titles.count("The query ran too long") >= 1
    refused = [taken for response, taken in answers if "busy" in response.json()["title"]]
    assert len(refused) >= 4
    assert min(refused) < 1
    assert_alive(server)
