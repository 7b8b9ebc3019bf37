"""Connections, byte by byte: what a client may send, how slowly, and how many there may be.

Rule: a client that misbehaves is told why and let go; after each test the server answers others.

See https://www.rfc-editor.org/rfc/rfc9112
"""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from conformance import wire
from conformance.wire import Running

LONGEST = 64 * 1024 - 1
HEAD = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: localhost\r\n"
ASK = HEAD + b"\r\n"
LAST = HEAD + b"Connection: close\r\n\r\n"
YES = b'{"head":{},"boolean":true}'


@pytest.fixture(autouse=True)
def answers_others(server: Running) -> Iterator[None]:
    """Whatever a test did, the server goes on."""
    yield
    assert server.process.poll() is None
    assert server.client.get("/sparql?query=ASK{}").json()["boolean"] is True


def url(length: int) -> bytes:
    """A request for a URL of that length."""
    target = b"/sparql?query=ASK%7B%7D%23"
    return (
        b"GET " + target.ljust(length, b"x") + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    )


# -- sizes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [8_000, 60_000, LONGEST])
def test_a_url_of_64_kb_is_answered(server: Running, length: int) -> None:
    """3: URLs to 64 kB are answered: long queries come by GET too.

    https://www.rfc-editor.org/rfc/rfc9112#name-request-line
    """
    assert wire.reply(server.talk(url(length))).body == YES


@pytest.mark.parametrize("length", [LONGEST + 1, 90_000, 300_000, 5_000_000])
def test_a_longer_url_is_414(server: Running, length: int) -> None:
    """A longer URL is 414, which the client can read though it is still sending.

    https://www.rfc-editor.org/rfc/rfc9110#name-414-uri-too-long
    """
    answer = wire.reply(server.talk(url(length)))
    assert answer.status == 414
    assert answer.headers["content-type"] == "application/problem+json"
    assert b"65535" in answer.body


@pytest.mark.parametrize(
    "fields",
    [
        b"X: " + b"x" * 100_000,
        b"X: " + b"x" * 2_000_000,
        b"\r\n".join([b"X-A: y"] * 20_000),
        b"\r\n".join([b"Accept: text/turtle"] * 50_000),
    ],
    ids=["one of 100 kB", "one of 2 MB", "20,000 small ones", "50,000 of Accept"],
)
def test_headers_past_the_limit_are_431(server: Running, fields: bytes) -> None:
    """Headers without end are 431, one long one or many small ones, in one piece or many.

    https://www.rfc-editor.org/rfc/rfc6585#section-5
    """
    answer = wire.reply(server.talk(HEAD + fields + b"\r\nConnection: close\r\n\r\n"))
    assert answer.status == 431
    assert answer.headers["content-type"] == "application/problem+json"


def test_headers_within_the_limit_are_read(server: Running) -> None:
    """Headers of 30 kB, such as large cookies, do no harm.

    https://www.rfc-editor.org/rfc/rfc9110#name-field-limits
    """
    request = HEAD + b"Cookie: " + b"x" * 30_000 + b"\r\nConnection: close\r\n\r\n"
    assert wire.reply(server.talk(request)).body == YES


# -- bodies --------------------------------------------------------------------------------


def test_a_body_sent_half_and_left_is_forgotten(server: Running) -> None:
    """8: a client that leaves in the middle of its body is no query, and nothing of it stays.

    https://www.rfc-editor.org/rfc/rfc9112#name-handling-incomplete-message
    """
    before = server.metric("rokgraph_cache_misses")
    with server.connect() as connection:
        connection.sendall(wire.post(b"ASK {", "Content-Length: 600"))
        time.sleep(0.1)
    with server.connect() as connection:
        connection.sendall(wire.post(b"ASK {", "Content-Length: 600"))
        connection.shutdown(socket.SHUT_WR)
        assert wire.read_all(connection) == b""
    assert server.metric("rokgraph_cache_misses") == before


def test_expect_100_continue(server: Running) -> None:
    """10.1.1: who asks is told to go on; who sends too much is told at once.

    https://www.rfc-editor.org/rfc/rfc9110#name-expect
    """
    ask = "Expect: 100-continue", "Connection: close"
    got = server.talk(wire.post(b"ASK {}", "Content-Length: 6", *ask))
    first, _, rest = got.partition(b"\r\n\r\n")
    assert first == b"HTTP/1.1 100 Continue"
    assert wire.reply(rest).body == YES
    assert wire.reply(server.talk(wire.post(b"", "Content-Length: 9999999", *ask))).status == 413


def test_chunks(server: Running) -> None:
    """7.1: a body may come in chunks of any size.

    https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding
    """
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in b"ASK {}") + b"0\r\n\r\n"
    request = wire.post(body, "Transfer-Encoding: chunked", "Connection: close")
    assert wire.reply(server.talk(request)).body == YES


@pytest.mark.parametrize(
    "request_",
    [
        wire.post(b"ASK {}", "Content-Length: 6", "Content-Length: 7"),
        wire.post(b"6\r\nASK {}\r\n0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"),
        wire.post(b"ASK {}", "Content-Length: six"),
        wire.post(b"ASK {}", "Content-Length: -6"),
        wire.post(b"x\r\nASK {}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
        wire.post(b"ASK {}", "Transfer-Encoding: gzip"),
    ],
    ids=["two lengths", "length and chunks", "no number", "negative", "bad chunk", "gzip"],
)
def test_a_body_whose_length_is_in_doubt_is_400(server: Running, request_: bytes) -> None:
    """6.3: where the length of a body is in doubt the request is 400 and the connection closes.

    https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length
    """
    answer = wire.reply(server.talk(request_))
    assert answer.status == 400
    assert answer.headers["connection"] == "close"


# -- requests ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"\x00" * 1000,
        b"HELLO\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /sparql HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /sparql HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET /sparql HTTP/1.1\r\nHo st: a\r\n\r\n",
        b"GET /sp\x00arql HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /sparql?query=한글 HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    ],
    ids=["TLS", "zeros", "HELLO", "no target", "version", "no colon", "space in a name",
         "zero in the target", "not percent-encoded"],
)  # fmt: skip
def test_garbage_is_400(server: Running, garbage: bytes) -> None:
    """2.2, 3: what is no request is 400, and the connection closes.

    https://www.rfc-editor.org/rfc/rfc9112#name-message-parsing
    """
    answer = wire.reply(server.talk(garbage))
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("hosts", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nhost: a\r\n"])
def test_not_exactly_one_host_is_400(server: Running, hosts: bytes) -> None:
    """3.2: a request of HTTP/1.1 without Host, or with two, is 400.

    https://www.rfc-editor.org/rfc/rfc9112#name-request-target
    """
    request = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\n" + hosts + b"\r\n"
    assert wire.reply(server.talk(request)).status == 400


def test_a_target_in_absolute_form(server: Running) -> None:
    """3.2.2: the target may be a whole URL.

    https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form
    """
    request = LAST.replace(b"/sparql", b"http://localhost/sparql")
    assert wire.reply(server.talk(request)).body == YES


def test_an_upgrade_is_let_be(server: Running) -> None:
    """7.8: who wants another protocol is answered in this one.

    https://www.rfc-editor.org/rfc/rfc9110#name-upgrade
    """
    for protocol in (b"h2c", b"websocket"):
        request = HEAD + b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
        with server.connect() as connection:
            connection.sendall(request)
            assert wire.receive(connection).body == YES


def test_a_connection_is_kept(server: Running) -> None:
    """9.3: a connection takes one request after the other, until one says close.

    https://www.rfc-editor.org/rfc/rfc9112#name-persistence
    """
    with server.connect(1) as connection:
        for _ in range(3):
            connection.sendall(ASK)
            assert wire.receive(connection).body == YES
        connection.sendall(LAST)
        assert wire.reply(wire.read_all(connection)).headers["connection"] == "close"


def test_pipelined_requests_are_answered_in_order(patient: Running) -> None:
    """9.3.2: requests sent without waiting are answered, one after the other, in their order.

    https://www.rfc-editor.org/rfc/rfc9112#name-pipelining
    """
    texts = [str(number) for number in range(8)]
    requests = [
        wire.get(f'SELECT ("{text}" AS ?x) {{}}').replace(b"Connection: close\r\n", b"")
        for text in texts
    ]
    slow = wire.get(wire.slow(0.4, time.time_ns())).replace(b"Connection: close\r\n", b"")
    found = wire.replies(patient.talk(slow + b"".join(requests) + LAST, seconds=20))
    assert len(found) == 10
    assert b'"n"' in found[0].body
    shown = [re.findall(rb'"value":"(\d)"', answer.body) for answer in found[1:-1]]
    assert shown == [[text.encode()] for text in texts]


def test_garbage_after_a_request_comes_after_its_answer(patient: Running) -> None:
    """9.3.2: a good request is answered, though what follows it is none.

    https://www.rfc-editor.org/rfc/rfc9112#name-pipelining
    """
    request = wire.get(wire.slow(0.3, time.time_ns())).replace(b"Connection: close\r\n", b"")
    first, *rest = wire.replies(patient.talk(request + b"NONSENSE\r\n\r\n", seconds=20))
    assert first.status == 200
    assert b'"n"' in first.body
    assert [answer.status for answer in rest] in ([], [400])


# -- slowness ------------------------------------------------------------------------------


def drip(connection: socket.socket, seconds: float) -> bytes:
    """Send a header byte by byte; return what comes back."""
    until = time.monotonic() + seconds
    connection.settimeout(0.5)
    while time.monotonic() < until:
        try:
            connection.sendall(b"x")
            if data := connection.recv(65536):
                return data
        except TimeoutError:
            continue
        except OSError:
            return b""
        else:
            return b""
    return b"not closed"


Came = tuple[bytes, float]


@pytest.fixture(scope="module", autouse=True)
def slowly(patient: Running) -> Iterator[dict[str, Future[Came]]]:
    """What comes of slow clients, and after how many seconds; the other tests go on meanwhile."""
    begun = time.monotonic()

    def wait(data: bytes) -> Came:
        with patient.connect(25) as connection:
            connection.sendall(data)
            return wire.read_all(connection), time.monotonic() - begun

    def between() -> Came:
        with patient.connect(25) as connection:
            connection.sendall(ASK)
            assert wire.receive(connection).body == YES
            connection.sendall(b"\r\n")
            return wire.read_all(connection), time.monotonic() - begun

    def dripping() -> Came:
        with patient.connect() as connection:
            connection.sendall(HEAD + b"X: ")
            return drip(connection, 20), time.monotonic() - begun

    with ThreadPoolExecutor(5) as pool:
        yield {
            "half a head": pool.submit(wait, HEAD),
            "half a word": pool.submit(wait, b"GE"),
            "nothing": pool.submit(wait, b""),
            "byte by byte": pool.submit(dripping),
            "line ends between requests": pool.submit(between),
        }


@pytest.mark.late
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("half a head", True),
        ("half a word", True),
        ("byte by byte", True),
        ("line ends between requests", True),
        ("nothing", False),
    ],
)
def test_a_slow_head_is_408_and_the_connection_closes(
    slowly: dict[str, Future[Came]], name: str, told: bool
) -> None:
    """A head that takes longer than 10 s is 408; of a client that says nothing the connection
    closes. Others are answered meanwhile.

    https://www.rfc-editor.org/rfc/rfc9110#name-408-request-timeout
    """
    got, seconds = slowly[name].result()
    assert 9 < seconds < 14
    assert [answer.status for answer in wire.replies(got)] == ([408] if told else [])


# -- many ----------------------------------------------------------------------------------


def test_250_connections_at_once(server: Running) -> None:
    """250 connections are open at once, and each is answered.

    https://www.rfc-editor.org/rfc/rfc9112#name-concurrency
    """
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect(20)) for _ in range(250)]
        for number, connection in enumerate(connections):
            connection.sendall(wire.get(f"SELECT ({number} AS ?x) {{}}"))
        for number, connection in enumerate(connections):
            answer = wire.reply(wire.read_all(connection))
            assert answer.status == 200
            assert f'"value":"{number}"'.encode() in answer.body


def test_idle_connections_hinder_nobody(server: Running) -> None:
    """250 connections that say nothing, or half of something, keep no other from its answer.

    https://www.rfc-editor.org/rfc/rfc9112#name-failures-and-timeouts
    """
    with ExitStack() as stack:
        for number in range(250):
            connection = stack.enter_context(server.connect())
            if number % 2:
                connection.sendall(HEAD)
        answer = server.client.get("/sparql?query=ASK{}")
        assert answer.status_code == 200
        assert answer.elapsed.total_seconds() < 1


def test_connections_past_the_limit_are_503(serve: Callable[..., Running]) -> None:
    """Past ROKGRAPH_CONNECTIONS a connection is told 503 with Retry-After; when others close,
    there is room again.

    https://www.rfc-editor.org/rfc/rfc9110#name-503-service-unavailable
    """
    server = serve(ROKGRAPH_CONNECTIONS="5")
    server.client.close()
    time.sleep(0.2)
    with ExitStack() as stack:
        for _ in range(5):
            connection = stack.enter_context(server.connect())
            connection.sendall(ASK)
            assert wire.receive(connection).body == YES
        answer = wire.reply(server.talk(LAST))
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"] == "application/problem+json"
    time.sleep(0.2)
    assert wire.reply(server.talk(LAST)).body == YES


def test_who_leaves_costs_nothing_any_more(patient: Running) -> None:
    """The query of a client that leaves is stopped.

    https://www.rfc-editor.org/rfc/rfc9112#name-tear-down
    """
    before = patient.metric("rokgraph_kills")
    with patient.connect() as connection:
        connection.sendall(wire.get(wire.slow(60, time.time_ns())))
        for _ in range(100):
            if patient.metric("rokgraph_busy_workers"):
                break
            time.sleep(0.02)
        assert patient.metric("rokgraph_busy_workers") == 1
    for _ in range(100):
        if not patient.metric("rokgraph_busy_workers"):
            break
        time.sleep(0.02)
    assert patient.metric("rokgraph_busy_workers") == 0
    assert patient.metric("rokgraph_kills") == before + 1


# -- the end -------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGTERM, 2), (signal.SIGINT, 0.5)])
def test_running_answers_finish_at_the_end(
    serve: Callable[..., Running], number: signal.Signals, seconds: float
) -> None:
    """At SIGTERM and SIGINT no new connection is taken, answers under way come whole, and the
    exit code is 0.

    https://docs.kernel.org/process/index.html
    """
    server = serve(ROKGRAPH_QUICK="100")
    with ExitStack() as stack:
        slow = stack.enter_context(server.connect(20))
        slow.sendall(wire.get(wire.slow(seconds, "the end")))
        large = stack.enter_context(server.connect(20))
        large.sendall(wire.get("SELECT * { ?s ?p ?o }"))
        assert large.recv(1)
        idle = stack.enter_context(server.connect(20))
        time.sleep(0.3)
        os.kill(server.process.pid, number)
        assert wire.read_all(idle) == b""
        with pytest.raises(OSError, match="refused"):
            server.connect()
        time.sleep(0.5)
        whole = wire.reply(b"H" + wire.read_all(large))
        assert whole.status == 200
        assert whole.body.endswith(b"]}}")
        answer = wire.reply(wire.read_all(slow))
        assert answer.status == 200
        assert b'"n"' in answer.body
    assert server.process.wait(15) == 0
    assert "Traceback" not in server.log.read_text()


def test_a_client_that_hangs_does_not_keep_the_server_from_ending(
    serve: Callable[..., Running],
) -> None:
    """Connections without a request end at once.

    https://www.rfc-editor.org/rfc/rfc9112#name-tear-down
    """
    server = serve()
    with server.connect() as one, server.connect() as two:
        one.sendall(HEAD)
        two.sendall(ASK)
        assert wire.receive(two).body == YES
        begun = time.monotonic()
        server.process.terminate()
        assert server.process.wait(15) == 0
        assert time.monotonic() - begun < 5
    with pytest.raises(httpx.TransportError):
        server.client.get("/healthz")
