"""The SPARQL endpoint by the protocol, over real HTTP."""

import json
from collections.abc import Callable
from pathlib import Path

import pyoxigraph as ox
import pytest

from running import Server

SELECT = 'SELECT ?x { VALUES ?x { "a"@ko <http://example.org/b> 3 } }'
CONSTRUCT = "CONSTRUCT { ?s a ?o } { ?s a ?o } LIMIT 3"

RESULTS = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
GRAPHS = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/ld+json": ox.RdfFormat.JSON_LD,
}


@pytest.mark.parametrize("accept", RESULTS)
def test_select_in_each_results_format(server: Server, accept: str) -> None:
    answer = server.get(SELECT, accept=accept)
    assert answer.headers["content-type"].partition(";")[0] == accept
    parsed = ox.parse_query_results(answer.content, format=RESULTS[accept])
    assert isinstance(parsed, ox.QuerySolutions)
    assert [row["x"] for row in parsed] == [
        ox.Literal("a", language="ko"),
        ox.NamedNode("http://example.org/b"),
        ox.Literal(3),
    ]


def test_select_in_csv(server: Server) -> None:
    answer = server.get(SELECT, accept="text/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text == "x\r\na\r\nhttp://example.org/b\r\n3\r\n"


@pytest.mark.parametrize("accept", GRAPHS)
@pytest.mark.parametrize("query", [CONSTRUCT, "DESCRIBE <https://w3id.org/rokgraph/id/task/1-2>"])
def test_graphs_in_each_format(server: Server, accept: str, query: str) -> None:
    answer = server.get(query, accept=accept)
    assert answer.headers["content-type"].partition(";")[0] == accept
    triples = list(ox.parse(answer.content, format=GRAPHS[accept]))
    assert len(triples) >= 3


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/sparql-results+json"),
        ("*/*", "application/sparql-results+json"),
        ("application/*", "application/sparql-results+json"),
        ("text/*", "text/csv"),
        ("application/json", "application/sparql-results+json"),
        ("text/csv;q=0.4, application/sparql-results+xml;q=0.9", "application/sparql-results+xml"),
        ("application/sparql-results+json;q=0, */*;q=0.1", "application/sparql-results+xml"),
        ("text/turtle, text/csv;q=0.1", "text/csv"),
    ],
)
def test_the_format_is_the_one_wanted_most(server: Server, accept: str, media_type: str) -> None:
    answer = server.get(SELECT, accept=accept)
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize(
    ("query", "accept"), [(SELECT, "text/turtle"), (CONSTRUCT, "text/csv"), (SELECT, "image/png")]
)
def test_nothing_acceptable_is_406_with_what_is_on_offer(
    server: Server, query: str, accept: str
) -> None:
    answer = server.get(query, accept=accept)
    assert answer.status_code == 406
    wanted = "text/turtle" if query == CONSTRUCT else "application/sparql-results+json"
    assert wanted in answer.json()["detail"]


def test_query_by_get_and_both_posts(server: Server) -> None:
    query = 'SELECT ("1+1=2 %2B 한글" AS ?x) {}'
    by_form = server.client.post("/sparql", data={"query": query})
    for answer in (server.get(query), by_form, server.post(query)):
        [row] = answer.json()["results"]["bindings"]
        assert row["x"]["value"] == "1+1=2 %2B 한글"


def test_a_syntax_error_is_400_with_line_and_column(server: Server) -> None:
    answer = server.get("SELECT * WHERE {\n  ?s ?p ?o")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["line"], problem["column"]) == (2, 11)
    assert len(problem["detail"]) < 400


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/sparql?default-graph-uri=http://x", "missing"),
        ("/sparql?query=", "empty"),
        ("/sparql?query=ASK{}&query=ASK{}", "2 times"),
        ("/sparql?query=%FF", "UTF-8"),
        ("/sparql?query=ASK{}&update=x", "updates"),
        ("/sparql?query=ASK{}&timeout=soon", "timeout"),
        ("/sparql?query=ASK{}&format=doc", "Unknown format"),
    ],
)
def test_a_bad_request_says_what_and_where(server: Server, path: str, says: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_a_query_in_both_url_and_body_is_refused(server: Server) -> None:
    answer = server.client.post("/sparql?query=ASK{}", data={"query": "ASK {}"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("media_type", "status"),
    [("application/sparql-update", 415), ("text/plain", 415), ("", 415)],
)
def test_other_bodies_are_not_taken(server: Server, media_type: str, status: int) -> None:
    headers = {"content-type": media_type} if media_type else {}
    answer = server.client.post("/sparql", content="ASK {}", headers=headers)
    assert answer.status_code == status
    assert "application/sparql-query" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(server: Server, method: str) -> None:
    answer = server.client.request(method, "/sparql")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_a_body_past_the_limit_is_413(server: Server) -> None:
    assert server.post("ASK {} #" + "x" * 2_000_000).status_code == 413


def test_head_is_get_without_the_body(server: Server) -> None:
    got = server.get(SELECT)
    head = server.client.head("/sparql", params={"query": SELECT})
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


def test_the_default_graph_is_the_union(server: Server) -> None:
    plain = "SELECT ?n { ?s <https://w3id.org/rokgraph/ont#announcedTaskCount> ?n }"
    assert len(server.get(plain).json()["results"]["bindings"]) == 1


@pytest.mark.parametrize("by_parameter", [True, False])
def test_a_dataset_that_is_named_is_the_whole_dataset(server: Server, by_parameter: bool) -> None:
    source = "https://w3id.org/rokgraph/graph/source"
    inside = "?s a <https://w3id.org/rokgraph/ont#Task>"
    for pattern, found in ((inside, 18), ("?s a <http://www.w3.org/ns/shacl#NodeShape>", 0)):
        if by_parameter:
            query = f"SELECT * {{ {pattern} }}"
            parameters = {"query": query, "default-graph-uri": source}
        else:
            parameters = {"query": f"SELECT * FROM <{source}> {{ {pattern} }}"}
        rows = server.client.get("/sparql", params=parameters).json()["results"]["bindings"]
        assert len(rows) == found
    named = server.client.get(
        "/sparql", params={"query": "ASK { ?s ?p ?o }", "named-graph-uri": source}
    )
    assert named.json()["boolean"] is False


def test_given_data_keeps_its_own_default_graph(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    path = tmp_path / "small.trig"
    path.write_text("<http://a> <http://b> 1 . <http://g> { <http://a> <http://b> 2 }")
    count = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    for options, expected in (((), 1), (("--default-graph", "union"), 2)):
        server = serve("--data", str(path), *options)
        [row] = server.get(count).json()["results"]["bindings"]
        assert row["n"]["value"] == str(expected)


def test_every_answer_names_its_dataset(server: Server) -> None:
    digest = json.loads(server.client.get("/healthz").content)["dataset"]
    assert server.get(SELECT).headers["rokgraph-dataset"] == f"sha256:{digest}"
