"""Whatever is asked, a valid answer comes within the deadline, and the next question is answered.

The examples are the same each time; with ROKGRAPH_FUZZ_EXAMPLES there are as many as it says, and
others each time.
"""

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pyoxigraph as ox
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.asking import PATIENCE, QUICK, Fuzzed, Reply, is_complete
from fuzz.grammar import mutants, queries, questions, terms
from rokgraph import formats

_USUAL = 600
_EXAMPLES = int(os.environ.get("ROKGRAPH_FUZZ_EXAMPLES", _USUAL))
Draw = Callable[[st.SearchStrategy[Any]], Any]


def share(part: float) -> settings:
    """Settings of a test that has this part of all examples."""
    return settings(
        max_examples=max(1, round(_EXAMPLES * part)),
        derandomize="ROKGRAPH_FUZZ_EXAMPLES" not in os.environ,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


# -- the protocol ----------------------------------------------------------------------------------

METHODS = (*("GET",) * 8, *("POST",) * 8, "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE",
           "QUERY", "CONNECT", "get", "BREW")  # fmt: skip
PATHS = (*("/sparql",) * 12, *("/graph-store",) * 4, "/sparql/", "/sparql//", "/sparql/../x",
         "//sparql", "/%73parql", "/sparql%00", "/SPARQL", "*", "http://a/sparql", "/")  # fmt: skip
PARAMETERS = (*("query",) * 8, "default-graph-uri", "named-graph-uri", "format",
              "timeout", "update", "using-graph-uri", "graph", "default", "Query", "")  # fmt: skip
VALUES = (
    QUICK, "ASK {}", "SELECT * { ?a ?b ?c } LIMIT 5", "CONSTRUCT WHERE { ?a ?b ?c } LIMIT 50",
    "DESCRIBE ?a { ?a ?b ?c } LIMIT 1", "SELECT * {", "", " ", "json", "xml", "csv", "turtle",
    "rdfxml", "jsonld", "html", "text/html", "nothing", "0", "-1", "0.5", "1e9", "nan", "inf",
    "http://example.org/", "relative", "http://[", "https://w3id.org/rokgraph/graph/strategy",
    "INSERT DATA { <a:a> <a:a> 1 }", "\0", "가", "a" * 5000,
)  # fmt: skip
ACCEPTS = (
    "*/*", "text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json",
    "application/sparql-results+xml", "text/csv;q=0.1, text/turtle", "image/png", "text/*;q=0",
    "text/turtle;q=2", "text/turtle;q=-1", "a", "/", ";;;", ",,", "text/plain", "*/*;q=0", "",
)  # fmt: skip
TYPES = (
    *("application/x-www-form-urlencoded", "application/sparql-query") * 3,
    "application/sparql-query; charset=utf-8", "application/sparql-query; charset=latin-1",
    "application/sparql-update", "multipart/form-data; boundary=x", "text/plain", "", "nonsense",
)  # fmt: skip
NAMED = {
    "Accept": ACCEPTS,
    "Accept-Encoding": ("gzip", "zstd", "br", "*", "identity;q=0", "gzip;q=nan", "*;q=0", ""),
    "If-None-Match": ("*", '"a"', "W/", "nonsense", '"a", "b"'),
    "Origin": ("null", "http://example.org"),
    "Access-Control-Request-Method": ("POST", "BREW"),
    "Host": ("localhost", "", "a b", "[::1]:80", "[", "user@host", "a" * 300, "가"),
    "Expect": ("100-continue", "nothing"),
    "Range": ("bytes=0-1", "bytes=-"),
    "Upgrade": ("websocket", "h2c"),
    "Connection": ("keep-alive", "upgrade", "close, upgrade", "nonsense"),
    "X-Forwarded-For": ("1.2.3.4", "nonsense"),
    "X-Forwarded-Proto": ("https", "\t"),
    "Authorization": ("Basic eDp5",),
    "Content-Encoding": ("gzip", "nonsense"),
}
_texts = st.one_of(st.sampled_from(VALUES), st.text(max_size=20))
_latin = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20)


@st.composite
def parameters(draw: Draw) -> bytes:
    """Parameters of a URL or a form, most of them percent-encoded."""
    pairs = []
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.one_of(st.sampled_from(PARAMETERS), st.text(max_size=5)))
        value = draw(st.one_of(_texts, st.binary(max_size=8)))
        coded = quote_from_bytes(value) if isinstance(value, bytes) else quote(value)
        pairs.append(f"{quote(name)}={coded}")
    return "&".join(pairs).encode()


@st.composite
def bodies(draw: Draw) -> bytes:
    """A body that may be a query, a form, or neither; rarely one past the limit."""
    if draw(st.integers(0, 30)) == 0:
        size = int(draw(st.sampled_from((100_000, 1_048_000, 1_100_000))))
        return b"ASK {} #" + b"x" * size
    kinds = (_texts.map(lambda text: text.encode()), parameters(), st.binary(max_size=100))
    return bytes(draw(st.one_of(*kinds)))


@st.composite
def requests(draw: Draw) -> bytes:
    """A request that is well framed, whatever else it is."""
    method, path = draw(st.sampled_from(METHODS)), draw(st.sampled_from(PATHS))
    if draw(st.integers(0, 9)) == 0:
        path = "/" + quote(draw(st.text(max_size=10)))
    target = path.encode()
    if given_ := draw(parameters()):
        target += b"?" + given_
    names = draw(st.lists(st.sampled_from(sorted(NAMED)), max_size=5, unique=True))
    headers = {name: draw(st.sampled_from(NAMED[name])) for name in names}
    headers.setdefault("Host", "localhost")
    if draw(st.integers(0, 5)) == 0:
        headers["X-" + quote(draw(st.text(max_size=5)), safe="")] = draw(_latin)
    if draw(st.integers(0, 40)) == 0:
        headers["X-Long"] = "a" * draw(st.sampled_from((9_000, 70_000, 200_000)))
    body = b""
    if method in ("POST", "PUT", "PATCH", "QUERY", "DELETE"):
        body = draw(bodies())
        if (kind := draw(st.sampled_from(TYPES))) or draw(st.booleans()):
            headers["Content-Type"] = kind
        if draw(st.integers(0, 4)):
            headers["Content-Length"] = str(len(body))
        else:
            headers["Transfer-Encoding"] = "chunked"
            body = (
                b"".join(
                    b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:7], body[7:]) if piece
                )
                + b"0\r\n\r\n"
            )
    lines = [f"{name}: {value}".encode() for name, value in headers.items()]
    version = draw(st.sampled_from((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0")))
    first = method.encode() + b" " + target + b" " + version
    return b"\r\n".join([first, *lines, b"", b""]) + body


@share(0.3)
@given(requests())
def test_a_well_framed_request_is_answered(fuzzed: Fuzzed, request_: bytes) -> None:
    reply = fuzzed.ask("protocol", request_)
    assert reply.status
    assert reply.end in ("whole", "cut", "left")
    fuzzed.assert_alive()


BYTES = (b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"HTTP/1.1", b"\xff", b"\r\n\r\n", b"%",
         b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"PRI * HTTP",
         b"Content-Length: 99999999999999999999\r\n", b"\x16\x03\x01", b"0\r\n\r\n")  # fmt: skip


@st.composite
def broken_requests(draw: Draw) -> bytes:
    """A request with a few bytes gone, more, or others; rarely nothing but noise."""
    if draw(st.integers(0, 9)) == 0:
        return bytes(draw(st.binary(min_size=1, max_size=300)))
    data = bytes(draw(requests()))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, min(len(data), 400)))
        until = at + draw(st.integers(0, 12))
        put = draw(st.one_of(st.sampled_from(BYTES), st.binary(max_size=6)))
        data = data[:at] + put + data[until if draw(st.booleans()) else at :]
    return data or b"\r\n"


@share(0.2)
@given(broken_requests())
def test_a_broken_request_is_answered_or_waited_for(fuzzed: Fuzzed, request_: bytes) -> None:
    whole = is_complete(request_)
    reply = fuzzed.ask("broken", request_, seconds=PATIENCE if whole else 0.3)
    assert reply.end in (("whole", "cut", "left") if whole else ("whole", "left", "silent"))
    fuzzed.assert_alive()


# -- queries ---------------------------------------------------------------------------------------

ACCEPTED = [
    f"{result.media_type}, {graph.media_type}"
    for result in formats.RESULT_FORMATS
    for graph in (*formats.GRAPH_FORMATS, *formats.DATASET_FORMATS)
]


def asked(query: bytes, accept: str) -> bytes:
    """A query by POST."""
    lines = (
        "POST /sparql HTTP/1.1", "Host: localhost", "Content-Type: application/sparql-query",
        f"Content-Length: {len(query)}", f"Accept: {accept}",
    )  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode() + query


def assert_readable(reply: Reply) -> None:
    """A whole answer is what it says it is, for a reader of that format."""
    if reply.status != 200 or reply.end != "whole":
        return
    kind = reply.headers["content-type"].partition(";")[0]
    results, graphs = ox.QueryResultsFormat.from_media_type, ox.RdfFormat.from_media_type
    if kind in ("text/html", "text/csv"):
        reply.body.decode()
    elif (found := results(kind)) is not None:
        answer = ox.parse_query_results(reply.body, format=found)
        if isinstance(answer, ox.QuerySolutions):
            for _ in answer:
                pass
    else:
        form = graphs(kind)
        assert form is not None, kind
        for _ in ox.parse(reply.body, format=form):
            pass


@share(0.25)
@given(queries(), st.sampled_from([*ACCEPTED, "text/html"]))
def test_a_query_by_the_grammar_is_answered(fuzzed: Fuzzed, query: str, accept: str) -> None:
    reply = fuzzed.ask("grammar", asked(query.encode(), accept))
    assert reply.end in ("whole", "cut", "left")
    assert_readable(reply)
    fuzzed.assert_alive()


@share(0.25)
@given(mutants(), st.sampled_from(ACCEPTED))
def test_a_broken_query_is_answered(fuzzed: Fuzzed, query: bytes, accept: str) -> None:
    reply = fuzzed.ask("mutated", asked(query, accept))
    assert reply.end in ("whole", "cut", "left")
    assert_readable(reply)
    fuzzed.assert_alive()


def test_there_is_something_to_draw_from() -> None:
    assert len(questions()) >= 10
    for found in (terms().properties, terms().subjects, terms().objects, terms().graphs):
        assert len(found) > 3
