"""The SPARQL 1.1 Protocol, the query operation: one test for each clause.

Rule: a test is named after its clause, and its docstring says it with a link.
"""

import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from conformance import wire
from conformance.manifest import Request, entries, meets
from conformance.wire import Running

ASK = "ASK {}"
ECHO = 'SELECT ("{}" AS ?x) {{}}'
IN = "SELECT ?x { ?s <http://example.org/in> ?x } ORDER BY ?x"
NAMED = "SELECT ?x { GRAPH ?g { ?s <http://example.org/in> ?x } } ORDER BY ?x"
ONE, TWO = "http://example.org/one", "http://example.org/two"
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
EVERYTHING_WRONG = b"\xff" * 2_000_000


def values(answer: httpx.Response) -> list[str]:
    """The values of ?x in the answer."""
    assert answer.status_code == 200, answer.text
    return [row["x"]["value"] for row in answer.json()["results"]["bindings"]]


def send(server: Running, body: bytes | str, content_type: str, path: str = "") -> httpx.Response:
    """POST a body of that type."""
    return server.client.post(
        f"/sparql{path}", content=body, headers={"content-type": content_type}
    )


# -- 2.1, the query operation --------------------------------------------------------------


def test_query_via_get(server: Running) -> None:
    """2.1.1: a query may come by GET, percent-encoded in the URL.

    https://www.w3.org/TR/sparql11-protocol/#query-via-get
    """
    assert server.client.get("/sparql?query=ASK%20%7B%7D").json()["boolean"] is True


def test_query_via_post_with_form(server: Running) -> None:
    """2.1.2: a query may come by POST as a form.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-urlencoded
    """
    assert send(server, "query=ASK%20%7B%7D", FORM).json()["boolean"] is True


def test_query_via_post_directly(server: Running) -> None:
    """2.1.3: a query may come by POST as the body, not encoded.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-direct
    """
    assert send(server, ASK, QUERY).json()["boolean"] is True


def test_a_direct_post_has_its_parameters_in_the_url(small: Running) -> None:
    """2.1.3: with the query as the body, the dataset stands in the URL.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-direct
    """
    assert values(send(small, IN, QUERY, f"?default-graph-uri={quote(ONE)}")) == ["one"]


def test_a_form_has_its_parameters_in_the_body(small: Running) -> None:
    """2.1.2: with a form, query and dataset stand in the body.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-urlencoded
    """
    answer = small.client.post("/sparql", data={"query": IN, "default-graph-uri": [ONE, TWO]})
    assert values(answer) == ["one", "two"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_another_method_is_405_with_allow(server: Running, method: str) -> None:
    """2.1: GET and POST; another method is 405 and Allow lists those there are.

    https://www.rfc-editor.org/rfc/rfc9110#name-405-method-not-allowed
    """
    answer = server.client.request(method, "/sparql", params={"query": ASK})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert answer.headers["content-type"] == "application/problem+json"


def test_options_lists_the_methods(server: Running) -> None:
    """OPTIONS is answered with the methods there are.

    https://www.rfc-editor.org/rfc/rfc9110#name-options
    """
    answer = server.client.options("/sparql")
    assert answer.status_code == 204
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert answer.content == b""


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (f"?query={quote(ASK)}", "*/*"),
        (f"?query={quote('CONSTRUCT { ?s a ?o } { ?s a ?o } LIMIT 900')}", "text/turtle"),
        (f"?query={quote('SELECT * { ?s a ?o } LIMIT 9')}", BROWSER),
        (f"?query={quote('ASK {')}", "*/*"),
        (f"?query={quote(ASK)}", "image/png"),
        ("", "text/turtle"),
        ("", BROWSER),
    ],
)
def test_head_is_like_get(server: Running, path: str, accept: str) -> None:
    """HEAD has the status and the headers of GET, and no body.

    https://www.rfc-editor.org/rfc/rfc9110#name-head
    """
    headers = {"accept": accept}
    got = server.client.get(f"/sparql{path}", headers=headers)
    head = server.client.head(f"/sparql{path}", headers=headers)
    assert head.status_code == got.status_code
    assert head.content == b""
    own = {"date", "rokgraph-query", "server-timing"}
    kept = {name: value for name, value in got.headers.items() if name not in own}
    assert kept == {name: value for name, value in head.headers.items() if name not in own}


def test_head_of_a_large_answer_is_like_get(server: Running) -> None:
    """HEAD of an answer that is streamed has its type, its tag and no body.

    https://www.rfc-editor.org/rfc/rfc9110#name-head
    """
    parameters = {"query": "SELECT * { ?s ?p ?o }"}
    head = server.client.head("/sparql", params=parameters)
    with server.client.stream("GET", "/sparql", params=parameters) as got:
        assert head.status_code == got.status_code == 200
        assert head.headers["etag"] == got.headers["etag"]
        assert head.headers["content-type"] == got.headers["content-type"]


def test_a_trailing_slash_is_the_same_endpoint(server: Running) -> None:
    """`/sparql/` answers like `/sparql`: the W3C's tests ask there.

    https://www.w3.org/TR/sparql11-protocol/#query-operation
    """
    for path in ("/sparql", "/sparql/"):
        assert server.client.get(path, params={"query": ASK}).json()["boolean"] is True
    assert server.client.post("/sparql/", data={"query": ASK}).json()["boolean"] is True


def test_http_1_0(server: Running) -> None:
    """HTTP/1.0 is answered, without a Host header too, and the connection closes.

    https://www.rfc-editor.org/rfc/rfc9112#name-http-version
    """
    answer = wire.reply(server.talk(b"GET /sparql?query=ASK%7B%7D HTTP/1.0\r\n\r\n"))
    assert answer.status == 200
    assert answer.body == b'{"head":{},"boolean":true}'
    assert answer.headers["connection"] == "close"


# -- the order of checks -------------------------------------------------------------------


def test_order_of_checks_method_before_media_type(server: Running) -> None:
    """A wrong method is told before a wrong media type.

    https://www.w3.org/TR/sparql11-protocol/#query-operation
    """
    answer = server.client.put(
        "/sparql?query=%FF", content=EVERYTHING_WRONG, headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 405


def test_order_of_checks_media_type_before_size(server: Running) -> None:
    """A wrong media type is told before a body that is too long.

    https://www.rfc-editor.org/rfc/rfc9110#name-415-unsupported-media-type
    """
    assert send(server, EVERYTHING_WRONG, "text/plain").status_code == 415


def test_order_of_checks_size_before_utf_8(server: Running) -> None:
    """A body that is too long is told before one that is not UTF-8.

    https://www.rfc-editor.org/rfc/rfc9110#name-413-content-too-large
    """
    assert send(server, EVERYTHING_WRONG, QUERY).status_code == 413


def test_order_of_checks_utf_8_before_parameters(server: Running) -> None:
    """A body that is not UTF-8 is told before a parameter given twice.

    https://www.w3.org/TR/sparql11-protocol/#query-bindings-http
    """
    answer = send(server, b"query=%FF&query=ASK{}", FORM)
    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["detail"]


def test_order_of_checks_parameters_before_formats(server: Running) -> None:
    """A parameter given twice is told before a format that is not on offer.

    https://www.w3.org/TR/sparql11-protocol/#query-operation
    """
    answer = server.client.get("/sparql?query=a&query=b", headers={"accept": "image/png"})
    assert answer.status_code == 400


def test_order_of_checks_formats_before_syntax(server: Running) -> None:
    """A format that is not on offer for any query is told before any work on the query.

    https://www.rfc-editor.org/rfc/rfc9110#name-406-not-acceptable
    """
    assert server.get("ASK {", accept="image/png").status_code == 406


# -- media types of requests ---------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/json", "multipart/form-data; boundary=x", "application/n-triples",
     "application/sparql-query, text/plain", "sparql", ""],
)  # fmt: skip
def test_another_media_type_is_415_and_says_which_are_taken(
    server: Running, content_type: str
) -> None:
    """2.1: a body that is neither a query nor a form is 415, and Accept-Post says what is taken.

    https://www.rfc-editor.org/rfc/rfc9110#name-415-unsupported-media-type
    """
    headers = {"content-type": content_type} if content_type else {}
    answer = server.client.post("/sparql", content=ASK, headers=headers)
    assert answer.status_code == 415
    assert answer.headers["accept-post"] == f"{QUERY}, {FORM}"
    assert QUERY in answer.json()["detail"]


@pytest.mark.parametrize(
    "content_type",
    [f"{QUERY}; charset=utf-8", f'{QUERY};charset="UTF-8"', f"{QUERY} ; Charset=Utf-8",
     QUERY.upper(), f"{QUERY}; x=y"],
)  # fmt: skip
def test_charset_utf_8_is_taken(server: Running, content_type: str) -> None:
    """2.1.3: a query is UTF-8; saying so changes nothing, however it is written.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-direct
    """
    assert values(send(server, ECHO.format("한글"), content_type)) == ["한글"]


@pytest.mark.parametrize("content_type", [QUERY, FORM])
@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", '"euc-kr"'])
def test_another_charset_is_415(server: Running, content_type: str, charset: str) -> None:
    """2.1.3: another character set is 415 and named.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-direct
    """
    answer = send(server, ASK, f"{content_type}; charset={charset}")
    assert answer.status_code == 415
    assert charset.strip('"') in answer.json()["detail"]


# -- parameters ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type"),
    [
        ("GET", "?query=ASK{}&query=ASK{}", "", ""),
        ("GET", "?query=ASK{}&query=", "", ""),
        ("POST", "", "query=ASK{}&query=ASK{}", FORM),
        ("POST", "?query=ASK{}", "query=ASK{}", FORM),
        ("POST", "?query=ASK{}", "ASK {}", QUERY),
    ],
)
def test_two_queries_are_400(
    server: Running, method: str, path: str, body: str, content_type: str
) -> None:
    """2.1: exactly one query string; two are 400, also one in the URL and one in the body.

    https://www.w3.org/TR/sparql11-protocol/#query-operation
    """
    headers = {"content-type": content_type} if content_type else {}
    answer = server.client.request(method, f"/sparql{path}", content=body, headers=headers)
    assert answer.status_code == 400
    assert "query" in answer.json()["detail"]


@pytest.mark.parametrize("empty", ["", "%20", "+%0A%09"])
@pytest.mark.parametrize("way", ["GET", "form", "direct"])
def test_an_empty_query_is_400(server: Running, way: str, empty: str) -> None:
    """2.1: an empty query string is 400, by whichever way it comes.

    https://www.w3.org/TR/sparql11-protocol/#query-operation
    """
    if way == "GET":
        answer = server.client.get(f"/sparql?query={empty}")
    elif way == "form":
        answer = send(server, f"query={empty}", FORM)
    else:
        answer = send(server, empty and " \n", QUERY)
    assert answer.status_code == 400
    assert "empty" in answer.json()["detail"]


@pytest.mark.parametrize("body", ["", "default-graph-uri=http%3A%2F%2Fexample.org%2F", "x=y"])
def test_a_form_without_a_query_is_400(server: Running, body: str) -> None:
    """2.1.2: a form without a query string is 400.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-urlencoded
    """
    answer = send(server, body, FORM)
    assert answer.status_code == 400
    assert "missing" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["format", "timeout"])
def test_each_parameter_is_given_once(server: Running, name: str) -> None:
    """2.1: our own parameters are given once at most, too.

    https://www.w3.org/TR/sparql11-protocol/#query-operation
    """
    answer = server.client.get(f"/sparql?query=ASK{{}}&{name}=1&{name}=1")
    assert answer.status_code == 400
    assert f"'{name}' is given 2 times" in answer.json()["detail"]


def test_other_parameters_are_let_be(server: Running) -> None:
    """2.1: parameters that the protocol does not know change nothing.

    https://www.w3.org/TR/sparql11-protocol/#query-operation
    """
    answer = server.client.get("/sparql?query=ASK{}&debug=on&debug=off&&=x")
    assert answer.json()["boolean"] is True


TEXTS = ["+", "%", "%2B", "%252B", "a+b c%20d", "&=;#?", "한글 🇰🇷", "%zz", "100%", "%EA%B0%80"]


@pytest.mark.parametrize("text", TEXTS)
def test_percent_decoding_exactly_once_in_the_url(server: Running, text: str) -> None:
    """2.1.1: what was encoded once is decoded once; `+`, `%` and `%2B` survive.

    https://www.w3.org/TR/sparql11-protocol/#query-via-get
    """
    assert values(server.client.get(f"/sparql?query={quote(ECHO.format(text))}")) == [text]


@pytest.mark.parametrize("text", TEXTS)
def test_percent_decoding_exactly_once_in_a_form(server: Running, text: str) -> None:
    """2.1.2: a form is decoded once.

    https://url.spec.whatwg.org/#urlencoded-parsing
    """
    assert values(send(server, f"query={quote(ECHO.format(text), safe='')}", FORM)) == [text]


@pytest.mark.parametrize("text", TEXTS)
def test_no_percent_decoding_of_a_direct_query(server: Running, text: str) -> None:
    """2.1.3: a query as the body is not encoded, so nothing is decoded.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-direct
    """
    assert values(send(server, ECHO.format(text), QUERY)) == [text]


def test_a_plus_stands_for_a_space(server: Running) -> None:
    """2.1.2: in a form and a URL `+` is a space.

    https://url.spec.whatwg.org/#urlencoded-parsing
    """
    query = "query=SELECT+(%22a+b%22+AS+?x)+{}"
    assert values(server.client.get(f"/sparql?{query}")) == ["a b"]
    assert values(send(server, query, FORM)) == ["a b"]


@pytest.mark.parametrize("encoded", ["%FF", "%C3%28", "%ED%A0%80", "%C0%AF"])
@pytest.mark.parametrize("way", ["GET", "form", "direct"])
def test_invalid_utf_8_is_400(server: Running, way: str, encoded: str) -> None:
    """2.1: a query that is not UTF-8 is 400: no byte is guessed or replaced.

    https://www.w3.org/TR/sparql11-protocol/#query-via-post-direct
    """
    if way == "GET":
        answer = server.client.get(f"/sparql?query=ASK{{}}%23{encoded}")
    elif way == "form":
        answer = send(server, f"query=ASK{{}}%23{encoded}", FORM)
    else:
        answer = send(server, b"ASK {} #" + bytes.fromhex(encoded.replace("%", "")), QUERY)
    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["detail"]


def test_a_body_past_the_limit_is_413(server: Running) -> None:
    """A body past the limit is 413 and says the limit; one at the limit is taken.

    https://www.rfc-editor.org/rfc/rfc9110#name-413-content-too-large
    """
    limit = 1024 * 1024
    assert send(server, ASK.ljust(limit), QUERY).status_code == 200
    answer = send(server, ASK.ljust(limit + 1), QUERY)
    assert answer.status_code == 413
    assert f"{limit} bytes" in answer.json()["detail"]


@pytest.mark.parametrize(("chunks", "status"), [(1, 200), (16, 200), (17, 413)])
def test_a_body_in_chunks_past_the_limit_is_413(server: Running, chunks: int, status: int) -> None:
    """A body without a length is counted while it comes, and is 413 past the limit.

    https://www.rfc-editor.org/rfc/rfc9110#name-413-content-too-large
    """
    first, more = (b"10000\r\n" + text.ljust(65536) + b"\r\n" for text in (ASK.encode(), b""))
    body = first + more * (chunks - 1) + b"0\r\n\r\n"
    request = wire.post(body, "Transfer-Encoding: chunked", "Connection: close")
    assert wire.reply(server.talk(request)).status == status


# -- 2.1.4, the dataset --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "default", "named"),
    [
        ({}, ["default"], ["one", "two"]),
        ({"default-graph-uri": [ONE]}, ["one"], []),
        ({"default-graph-uri": [ONE, TWO]}, ["one", "two"], []),
        ({"default-graph-uri": [ONE, ONE]}, ["one"], []),
        ({"named-graph-uri": [TWO]}, [], ["two"]),
        ({"named-graph-uri": [ONE, TWO]}, [], ["one", "two"]),
        ({"default-graph-uri": [ONE], "named-graph-uri": [TWO]}, ["one"], ["two"]),
        ({"default-graph-uri": ["http://example.org/absent"]}, [], []),
    ],
)
@pytest.mark.parametrize("way", ["GET", "form", "direct"])
def test_the_dataset_is_exactly_what_is_named(
    small: Running, way: str, parameters: dict[str, list[str]], default: list[str], named: list[str]
) -> None:
    """2.1.4: the default graph is the merge of default-graph-uri, the named graphs those of
    named-graph-uri; what is not named is not in the dataset.

    https://www.w3.org/TR/sparql11-protocol/#dataset
    """
    for query, expected in ((IN, default), (NAMED, named)):
        if way == "GET":
            answer = small.client.get("/sparql", params={"query": query, **parameters})
        elif way == "form":
            answer = small.client.post("/sparql", data={"query": query, **parameters})
        else:
            answer = small.client.post(
                "/sparql", params=parameters, content=query, headers={"content-type": QUERY}
            )
        assert values(answer) == expected


@pytest.mark.xfail(reason="the engine joins graphs without taking doubles out (evaluation.py)")
@pytest.mark.parametrize(
    ("clauses", "parameters"),
    [
        ("", {"default-graph-uri": [ONE, TWO]}),
        (f"FROM <{ONE}> FROM <{TWO}> WHERE", {}),
    ],
)
def test_the_default_graph_is_a_merge(
    small: Running, clauses: str, parameters: dict[str, list[str]]
) -> None:
    """2.1.4: the default graph is the RDF merge of its graphs, a set: a triple that stands in two
    of them is one triple.

    https://www.w3.org/TR/sparql11-query/#specifyingDataset
    """
    query = f"SELECT ?x {clauses} {{ ?s <http://example.org/shared> ?x }}"
    assert values(small.client.get("/sparql", params={"query": query, **parameters})) == ["1"]


@pytest.mark.parametrize(
    ("parameters", "default", "named"),
    [
        ({}, ["one"], ["one"]),
        ({"default-graph-uri": [TWO]}, ["two"], []),
        ({"named-graph-uri": [TWO]}, [], ["two"]),
        ({"default-graph-uri": [TWO], "named-graph-uri": [TWO]}, ["two"], ["two"]),
    ],
)
def test_the_protocol_wins_over_the_query(
    small: Running, parameters: dict[str, list[str]], default: list[str], named: list[str]
) -> None:
    """2.1.4: a dataset named in the protocol is used instead of that of FROM and FROM NAMED.

    https://www.w3.org/TR/sparql11-protocol/#dataset
    """
    clauses = f"FROM <{ONE}> FROM NAMED <{ONE}> WHERE {{"
    for query, expected in ((IN, default), (NAMED, named)):
        text = query.replace("{", clauses, 1)
        answer = small.client.get("/sparql", params={"query": text, **parameters})
        assert values(answer) == expected


@pytest.mark.parametrize("name", ["default-graph-uri", "named-graph-uri"])
@pytest.mark.parametrize(
    "given", ["", "relative", "http://[bad", "http://a:b/", "http://a/%zz", "a b:", "<http://a>"]
)
def test_a_graph_that_is_no_iri_is_400(server: Running, name: str, given: str) -> None:
    """2.1.4: graphs are named by IRIs; another value is 400 and said.

    https://www.w3.org/TR/sparql11-protocol/#dataset
    """
    answer = server.client.get("/sparql", params={"query": ASK, name: given})
    assert answer.status_code == 400
    assert f"'{name}' is no absolute IRI" in answer.json()["detail"]


def test_nothing_is_fetched(server: Running) -> None:
    """2.1.4: a graph that is not in the dataset is empty: the service fetches nothing.

    https://www.w3.org/TR/sparql11-protocol/#dataset
    """
    for graph in ("file:///etc/passwd", f"{server.url}/sparql?query=DESCRIBE%20%3Cx%3E"):
        for query in ("ASK { ?s ?p ?o }", f"ASK FROM <{graph}> {{ ?s ?p ?o }}"):
            answer = server.client.get(
                "/sparql", params={"query": query, "default-graph-uri": graph}
            )
            assert answer.json()["boolean"] is False


# -- 2.1.5 to 2.1.7, answers ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT ?x { VALUES ?x { <thing> <> <#part> </top> } }",
         ["{}/thing", "{}/sparql", "{}/sparql#part", "{}/top"]),
        ("BASE <http://example.org/b/> SELECT ?x { VALUES ?x { <thing> } }",
         ["http://example.org/b/thing"]),
        ("BASE <b/> SELECT ?x { VALUES ?x { <thing> } }", ["{}/b/thing"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/sparql", "/sparql/"])
def test_the_base_iri_is_the_endpoint(
    server: Running, path: str, query: str, expected: list[str]
) -> None:
    """Relative IRIs are resolved against BASE, else against the URL of the endpoint.

    https://www.w3.org/TR/sparql11-protocol/#base-iri
    """
    answer = server.client.get(path, params={"query": query})
    assert values(answer) == [iri.format(server.url) for iri in expected]


@pytest.mark.parametrize(
    ("query", "content_type"),
    [
        ("SELECT * {}", "application/sparql-results+json"),
        ("ASK {}", "application/sparql-results+json"),
        ("CONSTRUCT WHERE {}", "text/turtle; charset=utf-8"),
        ("DESCRIBE <http://example.org/>", "text/turtle; charset=utf-8"),
    ],
)
def test_the_type_of_an_answer_follows_the_query_form(
    server: Running, query: str, content_type: str
) -> None:
    """2.1.6: 200 with results for SELECT and ASK, with RDF for CONSTRUCT and DESCRIBE.

    https://www.w3.org/TR/sparql11-protocol/#query-success
    """
    answer = server.get(query)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == content_type


def test_every_answer_names_its_dataset_and_its_query(server: Running) -> None:
    """The digest of the dataset and the id of the query stand in the headers of every answer.

    https://www.rfc-editor.org/rfc/rfc9110#name-fields
    """
    digest = f"sha256:{server.client.get('/healthz').json()['dataset']}"
    paths = ["/sparql", "/sparql?query=ASK{}", "/sparql?query=ASK{", "/graph-store?default"]
    answers = [server.client.get(path) for path in paths]
    answers += [
        server.client.get(paths[1], headers={"accept": BROWSER}),
        server.client.get(paths[1], headers={"if-none-match": answers[1].headers["etag"]}),
        server.client.put("/sparql"),
        server.client.options("/sparql"),
        server.client.get("/graph-store?graph=http://example.org/absent"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 2 + [400, 200] + [
        200, 304, 405, 204, 404,
    ]  # fmt: skip
    assert {answer.headers["rokgraph-dataset"] for answer in answers} == {digest}
    assert len({answer.headers["rokgraph-query"] for answer in answers}) == len(answers)


# -- 2.1.7, refusals -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [("SELECT * WHERE {\n  ?s ?p ?o", 2, 11), ("ASK {\n\n  ?s ?p }", 3, 9), ("SELEC", 1, 1)],
)
def test_a_syntax_error_is_400_with_line_column_and_what_was_expected(
    server: Running, query: str, line: int, column: int
) -> None:
    """2.1.7: a query that does not parse is 400; line, column and what was expected are told.

    https://www.w3.org/TR/sparql11-protocol/#query-failure
    """
    answer = server.get(query)
    assert answer.status_code == 400
    problem = answer.json()
    assert (problem["line"], problem["column"]) == (line, column)
    assert problem["expected"]
    assert len(problem["detail"]) < 400


def test_an_undeclared_prefix_is_named(server: Running) -> None:
    """2.1.7: a prefix that is not declared is told by its name.

    https://www.w3.org/TR/sparql11-query/#prefNames
    """
    answer = server.get("SELECT * {\n ?s foo:bar ?o }")
    assert answer.status_code == 400
    problem = answer.json()
    assert "foo:" in problem["detail"]
    assert (problem["line"], problem["column"]) == (2, 5)


def test_a_query_that_cannot_be_evaluated_is_400(server: Running) -> None:
    """2.1.7: what cannot be evaluated is no empty answer, it is 400 and says what and why.

    https://www.w3.org/TR/sparql11-protocol/#query-failure
    """
    answer = server.get("ASK { SERVICE <http://example.org/> { ?s ?p ?o } }")
    assert answer.status_code == 400
    assert "SERVICE" in answer.json()["detail"]


REFUSED = {
    "syntax": "/sparql?query=ASK%7B",
    "service": f"/sparql?query={quote('ASK { SERVICE <http://example.org/> {} }')}",
    "format": "/sparql?query=ASK{}&format=doc",
    "timeout": "/sparql?query=ASK{}&timeout=soon",
    "graph": "/sparql?query=ASK{}&default-graph-uri=http://[bad",
    "store": "/graph-store?graph=http://[bad",
    "address": "/nowhere",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_a_problem_document(server: Running, name: str) -> None:
    """A refusal is application/problem+json with type, title, status and detail.

    https://www.rfc-editor.org/rfc/rfc9457
    """
    answer = server.client.get(REFUSED[name])
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert all(problem[member] for member in ("type", "title", "detail"))
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_a_page_for_a_browser(server: Running, name: str) -> None:
    """A browser gets its refusal as HTML, with the same words.

    https://www.rfc-editor.org/rfc/rfc9110#name-proactive-negotiation
    """
    detail = server.client.get(REFUSED[name]).json()["detail"]
    answer = server.client.get(REFUSED[name], headers={"accept": BROWSER})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert detail in unescape(answer.text)


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_plain_text_where_only_that_is_accepted(server: Running, name: str) -> None:
    """Who accepts text/plain alone gets a sentence.

    https://www.rfc-editor.org/rfc/rfc9110#name-proactive-negotiation
    """
    answer = server.client.get(REFUSED[name], headers={"accept": "text/plain"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("accept", ["*/*", BROWSER, "text/plain"])
@pytest.mark.parametrize("name", REFUSED)
def test_no_refusal_shows_a_stack_trace(server: Running, name: str, accept: str) -> None:
    """No refusal tells of the inside: no stack trace, no path of a file of ours.

    https://www.rfc-editor.org/rfc/rfc9457#name-security-considerations
    """
    text = server.client.get(REFUSED[name], headers={"accept": accept}).text
    assert not re.search(r"Traceback|File \"|\.py\b|site-packages|0x[0-9a-f]{6}", text)


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "status"),
    [
        ("GET", "?update=CLEAR%20ALL", "", "", 400),
        ("GET", "?query=ASK{}&update=CLEAR%20ALL", "", "", 400),
        ("GET", "?query=ASK{}&using-graph-uri=http://example.org/", "", "", 400),
        ("POST", "", "update=CLEAR+ALL", FORM, 400),
        ("POST", "", "update=CLEAR+ALL&using-named-graph-uri=http://example.org/", FORM, 400),
        ("POST", "", "CLEAR ALL", "application/sparql-update", 415),
    ],
)
def test_an_update_is_refused_plainly(
    server: Running, *, method: str, path: str, body: str, content_type: str, status: int
) -> None:
    """2.2: there is no update operation here, and that is what the refusal says.

    https://www.w3.org/TR/sparql11-protocol/#update-operation
    """
    headers = {"content-type": content_type} if content_type else {}
    answer = server.client.request(method, f"/sparql{path}", content=body, headers=headers)
    assert answer.status_code == status
    assert "updates are not taken" in answer.json()["detail"].lower()


@pytest.mark.parametrize("text", ["CLEAR ALL", "INSERT DATA { <a:s> <a:p> 1 }", "LOAD <file:///x>"])
def test_an_update_in_place_of_a_query_is_400(server: Running, text: str) -> None:
    """2.2: an update is no query, and nothing of it is done.

    https://www.w3.org/TR/sparql11-protocol/#query-failure
    """
    assert server.get(text).status_code == 400
    assert server.get("ASK { <a:s> ?p ?o }").json()["boolean"] is False


def test_a_query_past_its_deadline_is_503_with_retry_after(server: Running) -> None:
    """2.1.7: a query past the deadline is 503, names the limit and says when to come back.

    https://www.rfc-editor.org/rfc/rfc9110#name-503-service-unavailable
    """
    begun = time.monotonic()
    answer = server.post(wire.slow(60, "deadline"), timeout="0.4")
    assert time.monotonic() - begun < 5
    assert answer.status_code == 503
    assert answer.json()["limit"] == 0.4
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_a_cut_answer_is_never_a_clean_200(server: Running, coding: str) -> None:
    """An answer that is cut in the middle breaks the connection off.

    https://www.rfc-editor.org/rfc/rfc9112#name-incomplete-messages
    """
    request = wire.get(
        f"SELECT * {{ ?a ?b ?c . ?d ?e ?f }} # {coding}",
        f"Accept-Encoding: {coding}",
        path="/sparql",
    ).replace(b"query=", b"timeout=0.5&query=")
    got = server.talk(request)
    assert got.startswith(b"HTTP/1.1 200"), "it was to be streamed"
    with pytest.raises(AssertionError, match="without end"):
        wire.replies(got)


def test_a_cut_answer_by_http_1_0_is_no_200(server: Running) -> None:
    """By HTTP/1.0, which has no chunks, the answer has a length, or it is refused.

    https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length
    """
    query = "SELECT * { ?a ?b ?c . ?d ?e ?f }"
    cut = wire.get(query, version="1.0").replace(b"query=", b"timeout=0.3&query=")
    assert wire.reply(server.talk(cut)).status in (503, 505)
    whole = wire.reply(server.talk(wire.get("SELECT * { ?s ?p ?o }", version="1.0")))
    assert whole.status == 200
    assert "transfer-encoding" not in whole.headers
    assert len(whole.body) > 1_000_000


# -- the W3C's own tests -------------------------------------------------------------------

# The endpoint answers queries only; that an update is refused is what is looked at there.
UPDATES = "this endpoint takes no updates: that it refuses is tested"
EXCEPTIONS = {
    "update_dataset_default_graph": UPDATES,
    "update_dataset_default_graphs": UPDATES,
    "update_dataset_named_graphs": UPDATES,
    "update_dataset_full": UPDATES,
    "update_post_form": UPDATES,
    "update_post_direct": UPDATES,
    "update_base_uri": UPDATES,
}
ENTRIES = (
    "query_post_form",
    "query_dataset_default_graphs_get",
    "query_dataset_default_graphs_post",
    "query_dataset_named_graphs_post",
    "query_dataset_named_graphs_get",
    "query_dataset_full",
    "query_multiple_dataset",
    "query_get",
    "query_content_type_select",
    "query_content_type_ask",
    "query_content_type_describe",
    "query_content_type_construct",
    "query_post_direct",
    "bad_query_method",
    "bad_multiple_queries",
    "bad_query_wrong_media_type",
    "bad_query_missing_form_type",
    "bad_query_missing_direct_type",
    "bad_query_non_utf8",
    "bad_query_syntax",
    "bad_update_get",
    "bad_multiple_updates",
    "bad_update_wrong_media_type",
    "bad_update_missing_form_type",
    "bad_update_non_utf8",
    "bad_update_syntax",
    "bad_update_dataset_conflict",
)


@pytest.fixture(scope="module")
def w3c_protocol(w3c: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The graphs that the entries of the manifest want; all want the same under one name."""
    path = tmp_path_factory.mktemp("data") / "graphs.nq"
    graphs = {
        name: data
        for entry in entries(w3c, "protocol/manifest.ttl").values()
        for name, data in entry.graphs.items()
    }
    path.write_text(
        "".join(
            f"{line.rstrip(' .')} <{name}> .\n"
            for name, data in graphs.items()
            for line in data.decode().splitlines()
        )
    )
    with wire.run("--data", str(path)) as running:
        yield running


def perform(server: Running, request: Request) -> httpx.Response:
    """Send a request of the manifest."""
    return server.client.request(
        request.method, request.path, content=request.body, headers=request.headers
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.entry(name, note=EXCEPTIONS.get(name, "")))
        for name in (*ENTRIES, *EXCEPTIONS)
    ],
)
def test_w3c_protocol_manifest(w3c_protocol: Running, w3c: Path, name: str) -> None:
    """W3C protocol test.

    https://github.com/w3c/rdf-tests/tree/main/sparql/sparql11/protocol
    """
    requests = entries(w3c, "protocol/manifest.ttl")[name].requests
    if name in EXCEPTIONS:
        assert 400 <= perform(w3c_protocol, requests[0]).status_code < 500
        return
    for request in requests:
        meets(request, perform(w3c_protocol, request))


def test_w3c_protocol_manifest_is_complete(w3c: Path) -> None:
    """Every test of the W3C's protocol manifest is run, or stands in the table of exceptions.

    https://github.com/w3c/rdf-tests/tree/main/sparql/sparql11/protocol
    """
    assert set(entries(w3c, "protocol/manifest.ttl")) == {*ENTRIES, *EXCEPTIONS}
