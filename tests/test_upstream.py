"""A server in front of an endpoint that does wrong, and of one that does as it is told."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance import wire
from conformance.wire import Running, command, replies, run, variables
from odd import (
    JSON,
    N_TRIPLES,
    NO_ROWS,
    TRIPLE,
    TRUE,
    Asked,
    Odd,
    hanging_up,
    replying,
    run_odd,
    solutions,
)


@pytest.fixture
def odd() -> Iterator[Odd]:
    with run_odd() as endpoint:
        yield endpoint


@contextlib.contextmanager
def before(odd: Odd, *options: str, **named: str) -> Iterator[Running]:
    with run("--upstream", odd.url, *options, **named) as running:
        odd.asked.clear()
        odd.headers.clear()
        yield running


SELECT, CONSTRUCT = "SELECT ?x { ?x ?y ?z }", "CONSTRUCT WHERE { ?x ?y ?z }"
CUT = solutions(5)[:-20]
LINES = b"".join(TRIPLE % n for n in range(3))

# What the endpoint does, to which query; the status, the type and the words that a client sees.
FAULTS = {
    "an error": (SELECT, replying(500, b"boom", "text/plain"), 502, "upstream", "500: boom"),
    "a page": (SELECT, replying(500, b"<p>sorry</p>", "text/html"), 502, "upstream", "500: sorry"),
    "a long error": (SELECT, replying(500, b"x" * 9999), 502, "upstream", "x" * 99),
    "not allowed": (SELECT, replying(401, b"who?"), 502, "upstream", "401: who?"),
    "moved": (SELECT, replying(302, b"", Location="http://127.0.0.1:9/"), 502, "upstream", "302"),
    "refused": (SELECT, replying(400, b"no such"), 400, "query", "refuses the query: no such"),
    "too much to do": (SELECT, replying(503, b"", Retry_After="7"), 503, "busy", "too much to do"),
    "too often": (SELECT, replying(429, b""), 503, "busy", "too much to do"),
    "too late": (SELECT, replying(504, b""), 504, "upstream-timeout", "stopped"),
    "interrupted": (
        SELECT, replying(200, NO_ROWS, X_SQL_State="S1TAT"), 504, "upstream-timeout", "stopped",
    ),
    "another format": (SELECT, replying(200, b"<p>", "text/html"), 502, "upstream", "text/html"),
    "no format": (CONSTRUCT, replying(200, b"", "text/x-rdf"), 502, "upstream", "text/x-rdf"),
    "another answer": (SELECT, replying(200, TRUE), 502, "upstream", "another question"),
    "cut rows": (SELECT, replying(200, CUT), 502, "upstream", "does not parse"),
    "cut triples": (CONSTRUCT, replying(200, LINES[:-9], N_TRIPLES), 502, "upstream", "not parse"),
    "too short": (
        CONSTRUCT, replying(200, LINES, N_TRIPLES, Content_Length="999", Connection="close"),
        502, "upstream", "broke its answer off",
    ),
    "hung up": (SELECT, hanging_up, 502, "upstream", "cannot be reached"),
    "no rows but said so": (
        SELECT, replying(200, NO_ROWS, X_SPARQL_MaxRows="100"), 502, "truncated", "at 100 rows",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Odd, Running]]:
    with run_odd() as endpoint, before(endpoint, "--timeout", "20") as running:
        yield endpoint, running


@pytest.fixture
def wrong(both: tuple[Odd, Running]) -> tuple[Odd, Running]:
    """One that does wrong, once it is told to, and a server in front of it."""
    both[0].answer, both[0].engine = Asked.plainly, "Odd/1.0"
    return both


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_upstream_is_told_plainly(wrong: tuple[Odd, Running], name: str) -> None:
    odd, server = wrong
    query, odd.answer, status, kind, words = FAULTS[name]
    answer = server.get(query)
    told = answer.json()
    assert (answer.status_code, told["type"].rpartition("#")[2]) == (status, kind)
    assert words in told["detail"]
    assert len(told["detail"]) < 500
    assert answer.headers["cache-control"] == "no-store"
    if name == "too much to do":
        assert answer.headers["retry-after"] == "7"
    odd.answer = Asked.plainly
    assert server.get(query.replace("?z", "1") if query == SELECT else SELECT).status_code == 200


def test_an_answer_that_breaks_off_late_breaks_ours_off(wrong: tuple[Odd, Running]) -> None:
    odd, server = wrong
    odd.answer = replying(200, solutions(50_000)[:-20])
    got = server.talk(wire.get(SELECT), seconds=10)
    assert got.startswith(b"HTTP/1.1 200")
    with pytest.raises(AssertionError, match="without end"):
        replies(got)


def test_a_whole_answer_comes_in_every_format(wrong: tuple[Odd, Running]) -> None:
    odd, server = wrong
    odd.answer = replying(200, solutions(3))
    assert server.get(SELECT, accept="text/csv").text == "x\r\n0\r\n1\r\n2\r\n"
    assert server.get(SELECT, accept="text/tab-separated-values").text.startswith("?x\n")
    odd.answer = replying(200, LINES, N_TRIPLES)
    assert "<rdf:RDF" in server.get(CONSTRUCT, accept="application/rdf+xml").text
    assert server.get(CONSTRUCT, accept="application/trig").text.count("<a:p>") >= 1
    odd.answer = replying(200, b"@prefix a: <a:> . a:s a:p 1, 2 .", "text/turtle; charset=utf-8")
    assert server.get(CONSTRUCT, accept=N_TRIPLES).text.count("\n") == 2
    xml = (
        b'<sparql xmlns="http://www.w3.org/2005/sparql-results#"><head/>'
        b"<boolean>false</boolean></sparql>"
    )
    odd.answer = replying(200, xml, "application/sparql-results+xml")
    assert server.get("ASK { ?x ?y ?z }").json()["boolean"] is False


def test_what_virtuoso_calls_blank_nodes_is_one(wrong: tuple[Odd, Running]) -> None:
    odd, server = wrong
    rows = b",".join(
        b'{ "x": { "type": "bnode", "value": "nodeID://b%d" }, "y": { "type": "literal", '
        b'"value": "\\"bnode\\", \\"value\\": \\"nodeID://b1" }}' % n
        for n in range(3000)
    )
    body = b'{ "head": { "link": [], "vars": ["x", "y"] }, "results": { "bindings": [' + rows
    odd.answer, odd.engine = replying(200, body + b"] } }"), "Virtuoso/07.20"
    found = server.get(SELECT).json()["results"]["bindings"]
    odd.engine = "Odd/1.0"
    assert [row["x"]["value"] for row in found] == [f"b{n}" for n in range(3000)]
    assert {row["y"]["value"] for row in found} == {'"bnode", "value": "nodeID://b1'}


def test_what_does_not_parse_or_calls_elsewhere_is_never_sent(wrong: tuple[Odd, Running]) -> None:
    odd, server = wrong
    server.get("ASK {}")
    odd.asked.clear()
    fault = server.get("SELECT * {\n  ?s ?p }")
    assert (fault.status_code, fault.json()["line"]) == (400, 2)
    service = "http://127.0.0.1:9/"
    for text in (
        f"ASK {{ SERVICE <{service}> {{ ?s ?p ?o }} }}",
        f"SELECT * {{ service silent <{service}> {{ ?s ?p ?o }} }}",
        "SELECT * { ?s ?p ?e SERVICE ?e { ?s ?p ?o } }",
        f'SELECT * {{ ?s ?p "\\u0022 }} SERVICE <{service}> {{ }} #" }}',
    ):
        answer = server.get(text)
        assert answer.status_code == 400, text
        assert "SERVICE" in answer.json()["detail"]
    assert server.get("DELETE WHERE { ?s ?p ?o }").status_code == 400
    assert server.get(SELECT, accept="image/png").status_code == 406
    assert not odd.asked
    assert server.get('ASK { ?service <a:service> "SERVICE" } # SERVICE').status_code == 200
    assert len(odd.asked) == 1


def test_a_query_that_nests_too_deeply_ends_a_worker_and_nothing_else(
    wrong: tuple[Odd, Running],
) -> None:
    _, server = wrong
    deep = "SELECT * { FILTER(" + "(" * 400_000 + "1" + ")" * 400_000 + ") }"
    assert server.post(deep).status_code == 400
    assert server.get("ASK {}").status_code == 200


def test_what_is_sent(odd: Odd) -> None:
    named = {
        "ROKGRAPH_UPSTREAM_USER": "me", "ROKGRAPH_UPSTREAM_PASSWORD": "it's a secret",
        "ROKGRAPH_UPSTREAM_GRAPHS": '["http://example.org/one", "http://example.org/two"]',
    }  # fmt: skip
    one, two, none = "http://example.org/one", "http://example.org/two", "urn:x-rokgraph:no-graph"
    with before(odd, **named) as server:
        server.get("SELECT ?x { ?x <rel> TRUE }")
        [sent] = odd.asked
        assert sent["query"] == [f"BASE <{server.url}/sparql> SELECT ?x {{ ?x <rel> true }}"]
        assert sent["default-graph-uri"] == sent["named-graph-uri"] == [one, two]
        assert "timeout" not in sent
        head = odd.headers[0]
        assert head["authorization"] == "Basic bWU6aXQncyBhIHNlY3JldA=="
        assert head["content-type"] == "application/x-www-form-urlencoded"
        assert head["accept"].startswith(JSON)
        server.post(f"SELECT ?x FROM <{one}> {{ ?x ?y ?z }}")
        assert "default-graph-uri" not in odd.asked[-1]
        server.client.get("/sparql", params={"query": SELECT, "default-graph-uri": two})
        assert odd.asked[-1]["default-graph-uri"] == [two]
        assert odd.asked[-1]["named-graph-uri"] == [none]
        text = "".join(server.lines())
    assert "secret" not in text


def test_virtuoso_is_told_the_deadline(odd: Odd) -> None:
    odd.engine = "Virtuoso/07.20.3229 (Linux)"
    with before(odd, "--timeout", "12.5") as server:
        server.get(SELECT)
        assert odd.asked[0]["timeout"] == ["12500"]


@pytest.mark.parametrize("version", [None, "2026.1"])
def test_only_what_is_said_not_to_change_is_tagged_and_kept(odd: Odd, version: str | None) -> None:
    with before(odd, *(("--dataset-version", version) if version else ())) as server:
        answers = [server.get(SELECT) for _ in range(2)]
        answers += [server.client.get("/sparql", headers={"accept": "text/turtle"})]
        made = len(odd.asked)
        names = {answer.headers["rokgraph-dataset"] for answer in answers}
        if version:
            assert names == {"version:2026.1"}
            assert made == 1
            assert all("etag" in answer.headers for answer in answers)
            tag = answers[0].headers["etag"]
            assert server.get(SELECT, **{"if-none-match": tag}).status_code == 304
        else:
            assert names == {"unstated"}
            assert made == 2
            for answer in answers:
                assert "etag" not in answer.headers
                assert answer.headers["cache-control"] == "no-store"
            assert server.get(SELECT, **{"if-none-match": "*"}).status_code == 200


def test_rows_that_the_upstream_cuts_in_silence_are_not_passed_on(odd: Odd) -> None:
    rows = {"ROKGRAPH_UPSTREAM_ROWS": "5"}
    with before(odd, **rows) as server:
        for number, status in ((4, 200), (5, 502)):
            odd.answer = replying(200, solutions(number))
            assert server.get(SELECT).status_code == status
            lines = b"".join(TRIPLE % n for n in range(number))
            odd.answer = replying(200, lines, N_TRIPLES)
            assert server.get(CONSTRUCT).status_code == status
        assert server.get(CONSTRUCT).json()["rows"] == 5
        odd.answer = replying(200, solutions(5))
        assert server.get(f"{SELECT} LIMIT 5").status_code == 200
        assert server.get(f"{SELECT} LIMIT 6").status_code == 502
        assert server.get("SELECT * { { SELECT ?x { ?x ?y ?z } LIMIT 5 } }").status_code == 502


def test_past_the_deadline_the_upstream_is_let_go(odd: Odd) -> None:
    gone = threading.Event()

    def silent(asked: Asked) -> None:
        asked.connection.settimeout(10)
        with contextlib.suppress(TimeoutError):
            if asked.connection.recv(1) == b"":
                gone.set()

    with before(odd, "--timeout", "0.5") as server:
        odd.answer = silent
        begun = time.monotonic()
        answer = server.get(SELECT)
        assert time.monotonic() - begun < 3
        assert answer.status_code == 504
        assert answer.json()["limit"] == 0.5
        assert gone.wait(5)
    odd.answer = Asked.plainly
    with before(odd) as server:
        odd.answer = silent
        gone.clear()
        with server.connect() as connection:
            connection.sendall(wire.get(SELECT))
            time.sleep(0.5)
        assert gone.wait(5)


def test_so_many_queries_and_no_more_are_asked_at_once(odd: Odd) -> None:
    def slowly(asked: Asked) -> None:
        time.sleep(1)
        asked.plainly()

    limits = {"ROKGRAPH_WORKERS": "2", "ROKGRAPH_SLOW_WORKERS": "2", "ROKGRAPH_QUEUE": "4"}
    with before(odd, **limits) as server, ThreadPoolExecutor(12) as pool:
        odd.answer, odd.most_at_once = slowly, 0
        texts = [f"{SELECT} LIMIT {n}" for n in range(1, 13)]
        statuses = sorted(answer.status_code for answer in pool.map(server.get, texts))
        assert odd.most_at_once <= 4
        assert statuses.count(200) >= 6
        assert set(statuses) == {200, 503}
        assert len(odd.asked) == statuses.count(200)  # none was begun twice


def test_a_connection_that_was_closed_meanwhile_is_no_fault(odd: Odd) -> None:
    def last(asked: Asked) -> None:
        asked.plainly()
        hanging_up(asked)

    odd.answer = last
    with before(odd, ROKGRAPH_WORKERS="1") as server:
        for number in range(1, 6):
            assert server.get(f"{SELECT} LIMIT {number}").status_code == 200
            time.sleep(0.05)


def test_connections_are_kept(odd: Odd) -> None:
    with before(odd, ROKGRAPH_WORKERS="1") as server:
        server.get(SELECT)
        odd.connections = 0
        for number in range(1, 11):
            assert server.get(f"{SELECT} LIMIT {number}").status_code == 200
        assert odd.connections == 0


def test_it_is_not_ready_while_the_upstream_is_away(odd: Odd) -> None:
    with before(odd) as server:
        assert server.client.get("/readyz").status_code == 200
        odd.away = True
        assert server.client.get("/healthz").status_code == 200
        assert server.client.get("/readyz").status_code == 503
        odd.away = False
        assert server.client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("options", "named", "words"),
    [
        (("--upstream", "http://127.0.0.1:9/"), {}, "cannot be reached"),
        (("--upstream", "ftp://example.org/"), {}, "http"),
        (("--upstream", "http://me:secret@example.org/"), {}, "no user"),
        (("--upstream", "http://example.org/", "--data", "x.ttl"), {}, "no data"),
        (("--upstream", "http://example.org/", "--default-graph", "own"), {}, "default_graph"),
        (("--upstream", "http://x/"), {"ROKGRAPH_FEDERATION": '["http://y/"]'}, "federation"),
        (("--upstream", "http://x/"), {"ROKGRAPH_UPSTREAM_GRAPHS": '["no iri"]'}, "IRI"),
        (("--dataset-version", "1"), {}, "dataset_version"),
        (("--upstream", "http://x/", "--dataset-version", "a b"), {}, "dataset_version"),
    ],
)
def test_what_cannot_be_stops_the_start_with_a_sentence(
    options: tuple[str, ...], named: dict[str, str], words: str
) -> None:
    done = subprocess.run(
        command("serve", "--port", "0", *options),
        capture_output=True,
        text=True,
        env=variables(**named),
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
