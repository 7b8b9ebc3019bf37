"""Queries answered below the application: the same answers and promises as the long way."""

import asyncio
import contextlib
import inspect
import io
import json
import socket
import struct
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus, unquote_to_bytes

import httptools
import httpx
import pytest
import uvicorn
from fastapi.routing import APIRoute
from hypothesis import example, given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from rokgraph.engine import Engine
from rokgraph.settings import Settings
from rokgraph.web.app import create_app
from rokgraph.web.exchange import Service
from rokgraph.web.framework import Framework
from rokgraph.web.heads import Head, Heads, told_of
from rokgraph.web.protocol import BoundedProtocol
from rokgraph.web.repeats import LARGEST, Repeated, Repeats
from rokgraph.web.request import query_of
from running import Server

TASKS = "SELECT ?task WHERE { ?task a <https://w3id.org/rokgraph/ont#Task> }"
TASK = "https://w3id.org/rokgraph/id/task/2-1"
ALL = "SELECT * WHERE { ?s ?p ?o }"
KEEP_ALIVE = 15  # seconds
SLOW = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
JSON = "application/sparql-results+json"
# Told of each answer anew; a long one has its length only when it has been made before.
ANEW = {"date", "rokgraph-query", "server-timing", "content-length", "transfer-encoding"}


def asked(server: Server, query: str, **headers: str) -> httpx.Response:
    """By the short way: a GET with nothing but the query."""
    return server.client.get(
        "/sparql", params={"query": query}, headers={"accept": JSON, **headers}
    )


def asked_long(server: Server, query: str, accept: str = JSON) -> httpx.Response:
    """By the long way: a cookie bars the short one and means nothing."""
    headers = {"accept": accept, "cookie": "nothing=1"}
    return server.client.get("/sparql", params={"query": query}, headers=headers)


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in ANEW}


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        *(
            (query, accept)
            for query in (TASKS, "ASK {}", ALL + " LIMIT 3000")
            for accept in (JSON, "text/csv", "application/sparql-results+xml", "*/*")
        ),
        (f"DESCRIBE <{TASK}>", "text/turtle"),
        (f"DESCRIBE <{TASK}>", "*/*"),
    ],
)
def test_each_way_says_the_same(server: Server, query: str, accept: str) -> None:
    unseen = f"{query} # {accept} {time.monotonic_ns()}"
    first = asked(server, unseen, accept=accept)
    again = asked(server, unseen, accept=accept)
    long = asked_long(server, unseen, accept)
    assert first.status_code == 200
    assert first.content == again.content == long.content
    assert told(first) == told(again) == told(long)
    ids = {answer.headers["rokgraph-query"] for answer in (first, again, long)}
    assert len(ids) == 3


def test_a_repeat_is_told_as_one(server: Server) -> None:
    query = f"{TASKS} # {time.monotonic_ns()}"
    before = counted(server, "rokgraph_cache_hits")
    for _ in range(3):
        assert asked(server, query).status_code == 200
    assert counted(server, "rokgraph_cache_hits") == before + 2


def counted(server: Server, name: str) -> float:
    text = server.client.get("/metrics").text
    [line] = [line for line in text.splitlines() if line.startswith(name + " ")]
    return float(line.split()[1])


@pytest.mark.parametrize(
    ("query", "accept", "status", "name"),
    [
        ("SELECT * WHERE {", JSON, 400, "syntax"),
        ("SELECT * WHERE { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", JSON, 400, "query"),
        ("SELECT * WHERE {}", "text/turtle", 406, "not-acceptable"),
    ],
)
def test_a_refusal_is_the_same_either_way(
    server: Server, query: str, accept: str, status: int, name: str
) -> None:
    short = asked(server, query, accept=accept)
    long = asked_long(server, query, accept)
    assert short.status_code == long.status_code == status
    assert short.json() == long.json()
    assert told(short) == told(long)
    assert short.json()["type"].endswith(f"#{name}")


def test_a_long_answer_comes_whole(server: Server) -> None:
    query = f"SELECT * WHERE {{ ?s ?p ?o }} # {time.monotonic_ns()}"
    answer = asked(server, query)
    assert len(answer.content) > 10 * LARGEST
    rows = json.loads(answer.content)["results"]["bindings"]
    [size] = asked(server, "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }").json()["results"][
        "bindings"
    ]
    assert len(rows) == int(size["n"]["value"])


def test_a_long_answer_is_kept_unless_it_is_too_long(server: Server) -> None:
    for limit, kept in ((9_000, True), (30_000, False)):
        query = f"{ALL} LIMIT {limit} # {time.monotonic_ns()}"
        first, again = asked(server, query), asked(server, query)
        assert first.headers["transfer-encoding"] == "chunked"
        assert ("content-length" in again.headers) is kept
        assert first.content == again.content
        assert first.headers["etag"] == again.headers["etag"]
        packed = asked(server, query, **{"accept-encoding": "gzip"})
        assert packed.content == first.content
        assert packed.headers["etag"] != first.headers["etag"]


def test_a_cut_answer_is_not_kept(serve: Callable[..., Server]) -> None:
    server = serve("--timeout", "1")
    endless = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            asked(server, endless)
    assert counted(server, "rokgraph_cache_hits") == 0


def test_requests_sent_at_once_are_answered_in_their_order(server: Server) -> None:
    texts = [f"SELECT ({number} AS ?n) WHERE {{}}" for number in range(40)]
    texts += [f"{ALL} LIMIT 9000", *texts[:3]]
    heads = [
        f"GET /sparql?query={quote(text)} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n"
        for text in texts
    ]
    address = server.client.base_url
    with socket.create_connection((address.host, address.port or 80), 30) as connection:
        connection.sendall("".join(heads).encode())
        stream = connection.makefile("rb")
        for number, text in enumerate(texts):
            body = answer_on(stream)
            if "LIMIT" in text:
                assert body.count(b"\r\n") == 9001
            else:
                assert body == f"n\r\n{number if number < 40 else number - 41}\r\n".encode()


def answer_on(stream: io.BufferedIOBase) -> bytes:
    """The body of the next response, by length or in chunks."""
    length, chunked = 0, False
    assert b" 200 " in stream.readline()
    while (line := stream.readline()) != b"\r\n":
        name, _, value = line.lower().partition(b":")
        length = int(value) if name == b"content-length" else length
        chunked = chunked or (name == b"transfer-encoding" and b"chunked" in value)
    if not chunked:
        return stream.read(length)
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


@pytest.mark.parametrize("size", [1, 7, 40, 10_000])
def test_a_request_may_come_in_pieces(server: Server, size: int) -> None:
    """A head that came whole before, in pieces, two at once, and one and a half."""
    address = server.client.base_url
    for _ in range(3):
        with socket.create_connection((address.host, address.port or 80), 30) as connection:
            stream = connection.makefile("rb")
            texts = [f"SELECT ({number} AS ?n) WHERE {{}}" for number in range(3)]
            heads = [
                f"GET /sparql?query={quote(text)} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n"
                for text in texts
            ]
            connection.sendall(heads[0].encode())
            assert answer_on(stream) == b"n\r\n0\r\n"
            rest = "".join(heads[1:]).encode()
            for at in range(0, len(rest), size):
                connection.sendall(rest[at : at + size])
            assert answer_on(stream) == b"n\r\n1\r\n"
            assert answer_on(stream) == b"n\r\n2\r\n"


def test_a_connection_in_use_is_kept_and_one_at_rest_is_not(server: Server) -> None:
    """Its clock is not set anew by each request; it looks what came since."""
    address = server.client.base_url
    head = b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n"
    with socket.create_connection((address.host, address.port or 80), 30) as connection:
        stream = connection.makefile("rb")
        begun = time.monotonic()
        while time.monotonic() < begun + KEEP_ALIVE + 3:
            connection.sendall(head)
            assert answer_on(stream) == b"true"
            last = time.monotonic()
            time.sleep(1)
        assert stream.read(1) == b""
        assert KEEP_ALIVE - 1 < time.monotonic() - last < KEEP_ALIVE + 5


def test_nothing_runs_on_for_a_connection_that_was_reset() -> None:
    """The clock of keep-alive, set by the short way, ends with its connection."""

    async def reset() -> BoundedProtocol:
        loop = asyncio.get_running_loop()
        engine = Engine(Settings())
        engine.prepare()
        site = create_app(engine)
        await site.begin()
        config = uvicorn.Config(site, proxy_headers=False, log_config=None)
        config.load()
        state = ServerState()
        listening = await loop.create_server(
            lambda: BoundedProtocol(config=config, server_state=state, app_state={}), "127.0.0.1"
        )
        reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
        for query in ("ASK {}", "ASK { }", ALL):  # the head is learned, known, and its answer long
            head = f"GET /sparql?query={quote(query)} HTTP/1.1\r\nHost: x\r\n\r\n"
            writer.write(head.encode())
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            if query != ALL:
                await reader.readuntil(b"}")
                await reader.readuntil(b"}")
        [protocol] = state.connections
        assert isinstance(protocol, BoundedProtocol)
        assert protocol.timeout_keep_alive_task is not None
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        for _ in range(200):
            await asyncio.sleep(0.05)
            if not state.connections:
                break
        assert not state.connections
        listening.close()
        await site.close()
        return protocol

    assert asyncio.run(asyncio.wait_for(reset(), 60)).timeout_keep_alive_task is None


def test_metrics_are_read_where_they_are_counted() -> None:
    """They have no lock: read in a thread, they could change while somebody reads them."""
    engine = Engine(Settings())
    engine.prepare()
    try:
        routes = Framework(Service.over(engine)).application().routes
    finally:
        engine.stop()
    [metrics] = [one for one in routes if isinstance(one, APIRoute) and one.path == "/metrics"]
    assert inspect.iscoroutinefunction(metrics.endpoint)


def test_a_client_that_leaves_frees_its_worker(serve: Callable[..., Server]) -> None:
    server = serve("--timeout", "60")
    address = server.client.base_url
    for number in range(3):
        with socket.create_connection((address.host, address.port or 80), 30) as connection:
            path = f"/sparql?query={quote(SLOW)}%20%23{number}"
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            wait_for(lambda: counted(server, "rokgraph_busy_workers") > 0)
        wait_for(lambda: counted(server, "rokgraph_busy_workers") == 0)
    assert asked(server, "ASK {}").status_code == 200


def test_a_deadline_is_told_and_the_connection_stays(serve: Callable[..., Server]) -> None:
    server = serve("--timeout", "1")
    address = server.client.base_url
    with socket.create_connection((address.host, address.port or 80), 30) as connection:
        stream = connection.makefile("rb")
        for text, status in ((SLOW, b"503"), ("ASK {}", b"200")):
            head = f"GET /sparql?query={quote(text)} HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.sendall(head.encode())
            assert stream.readline().split()[1] == status
            length = 0
            while (line := stream.readline()) != b"\r\n":
                name, _, value = line.lower().partition(b":")
                length = int(value) if name == b"content-length" else length
            stream.read(length)


def test_the_rate_of_a_client_counts_repeats_too(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROKGRAPH_RATE", "1")
    server = serve()
    statuses = [asked(server, "ASK {}").status_code for _ in range(12)]
    assert statuses[0] == 200
    assert 429 in statuses


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# -- parts -----------------------------------------------------------------------------------------

HOST = (b"host", b"x")


@pytest.mark.parametrize(
    "header",
    [(b"cookie", b"a=b"), (b"if-none-match", b"*"), (b"range", b"bytes=0-"),
     (b"content-length", b"0"), (b"connection", b"close"), (b"upgrade", b"h2c"),
     (b"host", b"y")],
)  # fmt: skip
def test_what_must_be_looked_at_is_not_plain(header: tuple[bytes, bytes]) -> None:
    assert told_of([HOST]) is not None
    assert told_of([HOST, header]) is None


@pytest.mark.parametrize(
    "header", [(b"accept", b"text/csv"), (b"accept-encoding", b"gzip"), (b"accept-language", b"ko")]
)
def test_what_chooses_a_form_is_in_the_key(header: tuple[bytes, bytes]) -> None:
    assert told_of([HOST]) != told_of([HOST, header])
    assert told_of([HOST], "https") != told_of([HOST])
    assert told_of([HOST, (b"user-agent", b"a")]) == told_of([HOST])


def test_the_scheme_that_a_client_claims_is_not_believed(server: Server) -> None:
    """Only a trusted proxy may say it: another's claim must not be what others are told."""
    query = f"SELECT (<x> AS ?x) WHERE {{}} # {time.monotonic_ns()}"
    claimed = asked(server, query, **{"x-forwarded-proto": "https", "x-forwarded-host": "evil"})
    assert claimed.content == asked(server, query).content
    assert server.url.encode() in claimed.content


def test_behind_a_trusted_proxy_the_short_way_sees_what_it_saw(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROKGRAPH_TRUSTED_PROXIES", '["127.0.0.1"]')
    monkeypatch.setenv("ROKGRAPH_RATE", "1")
    server = serve()
    query = "SELECT (<x> AS ?x) WHERE {}"  # relative to the endpoint
    seen = {"x-forwarded-proto": "https", "x-forwarded-host": "graph.example"}
    answers = [
        asked(server, query, **seen, **{"x-forwarded-for": f"203.0.113.{number}"})
        for number in range(20)
    ]
    assert {answer.status_code for answer in answers} == {200}  # each client has its own rate
    assert {answer.json()["results"]["bindings"][0]["x"]["value"] for answer in answers} == {
        "https://graph.example/x"
    }
    fine = [asked(server, "ASK {}", **seen, **{"x-forwarded-for": "203.0.113.99"}) for _ in "x" * 9]
    assert {answer.status_code for answer in fine} == {200, 429}


def test_no_more_is_kept_than_is_allowed() -> None:
    repeats, told = Repeats(20_000), (b"x",)
    for number in range(100):
        repeats.put((b"/%d" % number, told), Repeated(b"", b"y" * 1000, "solutions", ""))
        assert repeats.size <= 20_000
    assert repeats.get((b"/99", told)) is not None
    assert repeats.get((b"/0", told)) is None


REST = b" HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n"
PLAIN = b"GET /sparql?query=ASK%7B%7D" + REST
KNOWN = Head.of((b"x", b"text/csv", b"", b"", b"http"), {}, "http://x")


def test_a_head_is_known_when_it_was_read() -> None:
    heads = Heads()
    assert heads.find(PLAIN, b"") is None
    heads.learn(PLAIN, b"", b"/sparql?query=ASK%7B%7D", KNOWN)
    assert heads.find(PLAIN, b"") == (b"/sparql?query=ASK%7B%7D", KNOWN)
    assert heads.find(b"GET /tasks?a=b" + REST, b"") == (b"/tasks?a=b", KNOWN)
    assert heads.find(PLAIN, b"203.0.113.1") is None  # from another it means something else


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:-1], PLAIN + b"x", PLAIN + PLAIN, b"\r\n" + PLAIN, b"GET /a b" + REST,
        b"POST /a" + REST, b"GET  /a" + REST, b"get /a" + REST, b"GET http://x/a" + REST,
        b"GET /a\xc3\xa9" + REST, b"GET /a\x00" + REST, b"GET /a\r\nX: y\r\n\r\nGET /" + REST,
        b"GET /a\tb" + REST, b"GET /a#b" + REST, b"GET" + REST, b"", b" ", REST,
        PLAIN.replace(b"Host: x", b"Host: y"), PLAIN.replace(b"1.1", b"1.0"),
    ],
)  # fmt: skip
def test_what_is_not_a_known_head_is_left_to_the_parser(data: bytes) -> None:
    heads = Heads()
    heads.learn(PLAIN, b"", b"/sparql?query=ASK%7B%7D", KNOWN)
    assert heads.find(data, b"") is None


@pytest.mark.parametrize(
    ("data", "url"),
    [
        (PLAIN + PLAIN, b"/sparql?query=ASK%7B%7D"),
        (PLAIN[:-2], b"/sparql?query=ASK%7B%7D"),
        (b"GET /a HTTP/1.1\r\nHost: x\n\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n", b"/a"),
        (PLAIN, b"/another"),
        (b"GET /a" + REST.replace(b": x", b": " + b"x" * 5000), b"/a"),
        (b"", b"/a"),
    ],
)
def test_what_may_be_more_than_one_head_is_not_learned(data: bytes, url: bytes) -> None:
    heads = Heads()
    heads.learn(data, b"", url, KNOWN)
    rest = data.partition(url)[2]
    assert heads.find(b"GET /a" + rest, b"") is None
    assert heads.find(data, b"") is None


class Seen:
    """What the parser tells of requests."""

    def __init__(self) -> None:
        self.urls: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = 0

    def on_message_begin(self) -> None:
        self.urls.append(b"")

    def on_url(self, url: bytes) -> None:
        self.urls[-1] += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_message_complete(self) -> None:
        self.complete += 1


PIECES = st.one_of(
    st.sampled_from([b" ", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\t", b"#", b"?", b"%", b"/", b"\0",
                     b"GET ", b" HTTP/1.1\r\n", b"Host: y\r\n", b"\xff", b"ASK"]),
    st.binary(max_size=4),
)  # fmt: skip


@given(st.lists(PIECES, max_size=6).map(b"".join), st.integers(0, len(PLAIN)), st.integers(0, 3))
@example(b"b", 5, 0)
def test_a_known_head_is_read_as_the_parser_reads_it(piece: bytes, at: int, gone: int) -> None:
    """Whatever is put into a request: if it passes for a known head, it is one."""
    heads = Heads()
    heads.learn(PLAIN, b"", b"/sparql?query=ASK%7B%7D", KNOWN)
    data = PLAIN[:at] + piece + PLAIN[at + gone :]
    found = heads.find(data, b"")
    if found is None:
        return
    seen = Seen()
    parser = httptools.HttpRequestParser(seen)
    parser.feed_data(data)
    assert (seen.urls, seen.complete) == ([found[0]], 1)
    assert seen.headers == [(b"Host", b"x"), (b"Accept", b"text/csv")]
    assert (parser.get_method(), parser.get_http_version()) == (b"GET", "1.1")


@given(st.lists(PIECES, max_size=6).map(b"".join), st.integers(0, len(PLAIN)), st.integers(0, 3))
def test_what_is_learned_is_one_head_and_nothing_else(piece: bytes, at: int, gone: int) -> None:
    """Whatever came as one read: if a head is learned of it, the parser saw just that one."""
    data, seen = PLAIN[:at] + piece + PLAIN[at + gone :], Seen()
    parser = httptools.HttpRequestParser(seen)
    with contextlib.suppress(httptools.HttpParserError):
        parser.feed_data(data)
    if not seen.complete:
        return
    heads = Heads()
    heads.learn(data, b"", seen.urls[0], KNOWN)
    assert heads.find(data, b"") is None or (len(seen.urls), seen.complete) == (1, 1)


def test_the_heads_that_are_known_are_bounded() -> None:
    heads = Heads()
    for number in range(2000):
        rest = REST.replace(b"\r\n\r\n", b"\r\nUser-Agent: %d\r\n\r\n" % number)
        heads.learn(b"GET /a" + rest, b"", b"/a", KNOWN)
    known = sum(
        heads.find(
            b"GET /a" + REST.replace(b"\r\n\r\n", b"\r\nUser-Agent: %d\r\n\r\n" % number), b""
        ) is not None
        for number in range(2000)
    )  # fmt: skip
    assert 0 < known <= 512


@given(st.text(min_size=1).filter(str.strip))
def test_a_query_is_read_as_it_was_written(text: str) -> None:
    with contextlib.suppress(UnicodeEncodeError):
        assert query_of(b"query=" + quote(text, safe="").encode()) == text
        assert query_of(b"query=" + quote_plus(text).encode()) == text


@given(st.binary(max_size=60))
def test_bytes_are_decoded_as_the_long_way_does(data: bytes) -> None:
    data = data.replace(b"&", b"").replace(b"#", b"")
    try:
        expected: str | None = unquote_to_bytes(data.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        expected = None
    if expected is not None and not expected.strip():
        expected = None
    assert query_of(b"query=" + data) == expected
