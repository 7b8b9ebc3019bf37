"""Who may read from another page: any origin, without credentials, on the routes for reading.

Rule: asks as a browser does, with Origin and preflight.

See https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from urllib.parse import quote

import httpx
import pytest

from conformance import wire
from conformance.wire import Running

ORIGIN = {"origin": "https://notebook.example"}
ROUTES = ["/sparql", "/sparql/", "/graph-store"]
QUERY = f"/sparql?query={quote('SELECT * { ?s a ?o } LIMIT 50')}"
EXPOSED = {
    "etag", "link", "location", "retry-after", "server-timing", "rokgraph-dataset",
    "rokgraph-query",
}  # fmt: skip


def may_read(headers: httpx.Headers | dict[str, str]) -> None:
    """Assert that a page of any origin may read an answer with these headers."""
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    exposed = headers["access-control-expose-headers"].lower().split(",")
    assert {name.strip() for name in exposed} >= EXPOSED


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sparql?query=ASK{}", 200),
        ("HEAD", "/sparql?query=ASK{}", 200),
        ("GET", "/sparql/?query=ASK{}", 200),
        ("GET", f"/sparql?query={quote('SELECT * { ?s ?p ?o }')}", 200),
        ("GET", "/sparql", 200),
        ("GET", "/sparql?query=ASK{}&format=html", 200),
        ("GET", "/graph-store?default", 200),
        ("HEAD", "/graph-store?default", 200),
        ("GET", "/sparql?query=ASK{", 400),
        ("GET", "/sparql?query=ASK{}&query=ASK{}", 400),
        ("GET", "/graph-store", 400),
        ("GET", "/graph-store?graph=http://example.org/", 404),
        ("GET", "/nowhere", 404),
        ("PUT", "/sparql", 405),
        ("DELETE", "/graph-store?default", 405),
        ("GET", "/sparql?query=CONSTRUCT{}WHERE{}&format=csv", 406),
        ("POST", "/sparql", 415),
    ],
)
def test_any_origin_may_read_answers_and_refusals(
    server: Running, method: str, path: str, status: int
) -> None:
    """Answers and refusals may be read by any origin, without credentials; the headers that a
    client needs are exposed.

    https://fetch.spec.whatwg.org/#http-access-control-allow-origin
    """
    answer = server.client.request(method, path, headers=ORIGIN)
    assert answer.status_code == status
    may_read(answer.headers)


def test_any_origin_may_read_a_post(server: Running) -> None:
    """The answer to a POST may be read like any other.

    https://fetch.spec.whatwg.org/#http-access-control-allow-origin
    """
    headers = {**ORIGIN, "content-type": "application/sparql-query"}
    answer = server.client.post("/sparql", content="ASK {}", headers=headers)
    assert answer.status_code == 200
    may_read(answer.headers)


def test_any_origin_may_read_a_304(server: Running) -> None:
    """A 304 may be read too: without it a browser hides what it has.

    https://fetch.spec.whatwg.org/#cors-check
    """
    tag = server.client.get(QUERY, headers=ORIGIN).headers["etag"]
    for path in (QUERY, "/graph-store?default"):
        tag = server.client.get(path).headers["etag"]
        answer = server.client.get(path, headers={**ORIGIN, "if-none-match": tag})
        assert answer.status_code == 304
        may_read(answer.headers)


def test_any_origin_may_read_a_timeout(server: Running) -> None:
    """A 503 may be read, with its Retry-After.

    https://fetch.spec.whatwg.org/#http-access-control-expose-headers
    """
    answer = server.client.get(
        "/sparql", params={"query": wire.slow(9, "cors"), "timeout": "0.1"}, headers=ORIGIN
    )
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    may_read(answer.headers)


def test_any_origin_may_read_that_it_asks_too_often(behind: Running) -> None:
    """A 429 may be read, with its Retry-After.

    https://fetch.spec.whatwg.org/#http-access-control-expose-headers
    """
    headers = {**ORIGIN, "x-forwarded-for": "192.0.2.200"}
    answers = [behind.client.get("/sparql?query=ASK{}", headers=headers) for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert "retry-after" in refused[0].headers
    may_read(refused[0].headers)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /sparql?" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /sparql HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431),
        (b"NONSENSE\r\n\r\n", 400),
    ],
)
def test_any_origin_may_read_what_the_connection_is_told(
    server: Running, request_: bytes, status: int
) -> None:
    """What is refused before it is a request may be read as well.

    https://fetch.spec.whatwg.org/#http-access-control-allow-origin
    """
    answer = wire.reply(server.talk(request_))
    assert answer.status == status
    may_read(answer.headers)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_preflight(server: Running, path: str, method: str) -> None:
    """A preflight is answered: the methods there are, the headers that queries carry, for a day.

    https://fetch.spec.whatwg.org/#cors-preflight-request
    """
    answer = server.client.options(
        path,
        headers={
            **ORIGIN,
            "access-control-request-method": method,
            "access-control-request-headers": "accept,content-type,if-none-match",
        },
    )
    assert 200 <= answer.status_code < 300
    may_read(answer.headers)
    methods = answer.headers["access-control-allow-methods"].split(", ")
    assert (method in methods) is not (method == "POST" and path == "/graph-store")
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"accept", "content-type", "if-none-match"} <= set(allowed)
    assert int(answer.headers["access-control-max-age"]) > 0


def test_the_origin_is_not_echoed(server: Running) -> None:
    """The answer is the same for every origin, so no cache needs to tell them apart.

    https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches
    """
    for origin in ("https://a.example", "null", "https://evil.example"):
        answer = server.client.get(QUERY, headers={"origin": origin})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "origin" not in answer.headers["vary"].lower()
