"""Programs that people ask endpoints with, as they are, over real HTTP."""

import csv
import io
import json
import shutil
import subprocess
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from xml.dom.minidom import Document

import httpx
import pandas as pd
import pyoxigraph as ox
import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.namespace import RDFS
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from rdflib.query import Result, ResultRow
from SPARQLWrapper import (
    CSV,
    GET,
    JSON,
    JSONLD,
    N3,
    POST,
    POSTDIRECTLY,
    RDFXML,
    TSV,
    TURTLE,
    URLENCODED,
    XML,
    SPARQLExceptions,
    SPARQLWrapper,
)

from conformance.wire import Running
from rokgraph import formats
from running import ROOT, missing

QUESTIONS = {path.stem: path.read_text() for path in (ROOT / "queries/questions").glob("*.rq")}
ROK = "https://w3id.org/rokgraph/ont#"
TASK = "https://w3id.org/rokgraph/id/task/1-1"
LABEL = "Super-gap technology in six major digital technologies"

SELECT = f"""PREFIX rok: <{ROK}>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?task ?label WHERE {{
  ?task a rok:Task ; rdfs:label ?label . FILTER(LANG(?label) = "ko")
}} ORDER BY ?task"""
ASK = f"ASK {{ <{TASK}> ?p ?o }}"
CONSTRUCT = f"""PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
CONSTRUCT {{ ?task rdfs:label ?label }} WHERE {{ ?task a <{ROK}Task> ; rdfs:label ?label }}"""
DESCRIBE = f"DESCRIBE <{TASK}>"
TASKS = 18
VISITED = """PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
SELECT ?task ?visits ?label WHERE {
  ?task <http://example.org/visits> ?visits .
  SERVICE <%s> { ?task rdfs:label ?label . FILTER(LANG(?label) = "en") }
} ORDER BY DESC(?visits)"""
VISITED_LABELS = {7: LABEL, 3: "Sufficient digital resources"}


def fetched(url: str, accept: str, query: str) -> bytes:
    """The answer as Python's own library gets it."""
    request = Request(f"{url}?{urlencode({'query': query})}", headers={"Accept": accept})
    with urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def rows(url: str, query: str) -> Counter[tuple[Any, ...]]:
    """The solutions, whatever their order."""
    answer = httpx.post(
        url,
        content=query.encode(),
        headers={
            "content-type": "application/sparql-query",
            "accept": "application/sparql-results+json",
        },
        timeout=30,
    )
    solutions = ox.parse_query_results(
        answer.raise_for_status().content, format=ox.QueryResultsFormat.JSON
    )
    assert isinstance(solutions, ox.QuerySolutions)
    return Counter(tuple(solution) for solution in solutions)


def values(row: tuple[Any, ...]) -> tuple[str, ...]:
    """A solution without kinds of terms."""
    return tuple("" if term is None else term.value for term in row)


@pytest.fixture(scope="module")
def labels(endpoint: str) -> Graph:
    """What the CONSTRUCT answers, as N-Triples say it."""
    return Graph().parse(data=fetched(endpoint, "application/n-triples", CONSTRUCT), format="nt")


# -- SPARQLWrapper ---------------------------------------------------------------------------------

WAYS = pytest.mark.parametrize(
    "way",
    [(GET, URLENCODED), (POST, URLENCODED),
     (POST, POSTDIRECTLY)],
    ids=["get", "form", "direct"],
)  # fmt: skip


def wrapped(url: str, way: tuple[str, str], query: str, form: str | None) -> Any:
    """What SPARQLWrapper makes of an answer; `form` None: nothing is set but the query."""
    client = SPARQLWrapper(url)
    client.setQuery(query)
    client.setMethod(way[0])
    client.setRequestMethod(way[1])
    if form is not None:
        client.setReturnFormat(form)
    with warnings.catch_warnings():
        # SPARQLWrapper 2.0 makes a class of rdflib's that rdflib 7 wishes away
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        return client.queryAndConvert()


@WAYS
@pytest.mark.parametrize("form", [None, JSON, XML, CSV, TSV])
def test_sparqlwrapper_selects(endpoint: str, way: tuple[str, str], form: str | None) -> None:
    answer = wrapped(endpoint, way, SELECT, form)
    if form == JSON:
        bindings = answer["results"]["bindings"]
        assert len(bindings) == TASKS
        assert bindings[0]["task"] == {"type": "uri", "value": TASK}
        assert bindings[0]["label"]["xml:lang"] == "ko"
    elif form in (None, XML):
        assert isinstance(answer, Document)
        assert len(answer.getElementsByTagName("result")) == TASKS
    else:
        found = answer.decode().splitlines()
        assert len(found) == TASKS + 1
        assert TASK in found[1]


@WAYS
@pytest.mark.parametrize("form", [None, JSON, XML, CSV, TSV])
def test_sparqlwrapper_asks(endpoint: str, way: tuple[str, str], form: str | None) -> None:
    answer = wrapped(endpoint, way, ASK, form)
    if form == JSON:
        assert answer["boolean"] is True
    elif form in (None, XML):
        assert answer.getElementsByTagName("boolean")[0].firstChild.data == "true"
    else:
        assert answer.strip() == b"true"


GRAPHS = pytest.mark.parametrize(
    "form",
    [None, XML, RDFXML, TURTLE, N3, JSONLD],
)


def as_graph(answer: Any) -> Graph:
    """A graph of rdflib; SPARQLWrapper gives Turtle as it came."""
    return answer if isinstance(answer, Graph) else Graph().parse(data=answer, format="turtle")


@WAYS
@GRAPHS
def test_sparqlwrapper_constructs(
    endpoint: str, labels: Graph, way: tuple[str, str], form: str | None
) -> None:
    graph = as_graph(wrapped(endpoint, way, CONSTRUCT, form))
    assert set(graph) == set(labels)
    assert len(labels) == 2 * TASKS


@WAYS
@GRAPHS
def test_sparqlwrapper_describes(endpoint: str, way: tuple[str, str], form: str | None) -> None:
    graph = as_graph(wrapped(endpoint, way, DESCRIBE, form))
    assert (URIRef(TASK), RDFS.label, Literal(LABEL, lang="en")) in graph


def test_sparqlwrapper_tells_of_a_query_that_does_not_parse(endpoint: str) -> None:
    with pytest.raises(SPARQLExceptions.QueryBadFormed, match="line"):
        wrapped(endpoint, (GET, URLENCODED), "SELECT * {", JSON)


# -- rdflib ----------------------------------------------------------------------------------------


def solutions(result: Result) -> list[ResultRow]:
    """The rows of a SELECT."""
    return [row for row in result if isinstance(row, ResultRow)]


@pytest.mark.parametrize("form", ["xml", "json", "csv", "tsv"])
@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
def test_rdflib_store_selects(endpoint: str, method: Any, form: str) -> None:
    store = SPARQLStore(endpoint, method=method, returnFormat=form)
    found = solutions(store.query(SELECT))
    assert len(found) == TASKS
    assert str(found[0][0]) == TASK


def test_rdflib_store_asks_and_constructs(endpoint: str, labels: Graph) -> None:
    store = SPARQLStore(endpoint)
    assert store.query(ASK).askAnswer is True
    assert isomorphic(store.query(CONSTRUCT).graph or Graph(), labels)
    described = store.query(DESCRIBE).graph or Graph()
    assert (URIRef(TASK), RDFS.label, Literal(LABEL, lang="en")) in described


def test_rdflib_store_takes_prefixes_and_bindings(endpoint: str) -> None:
    found = SPARQLStore(endpoint).query(
        "SELECT ?label { ?task rdfs:label ?label }",
        initNs={"rdfs": str(RDFS)},
        initBindings={"task": URIRef(TASK)},
    )
    assert Literal(LABEL, lang="en") in {row[0] for row in solutions(found)}


def test_rdflib_graph_over_the_store(endpoint: str) -> None:
    graph = Graph(SPARQLStore(endpoint))
    assert Literal(LABEL, lang="en") in set(graph.objects(URIRef(TASK), RDFS.label))
    assert (URIRef(TASK), RDFS.label, None) in graph
    assert len(graph) > 10_000


def test_rdflib_graph_over_one_graph_of_the_store(endpoint: str) -> None:
    named = rows(endpoint, "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    graph, size = min(named, key=lambda row: int(row[1].value))
    assert len(Graph(SPARQLStore(endpoint), identifier=URIRef(graph.value))) == int(size.value)


def test_rdflib_calls_us_by_service(endpoint: str, visits: str) -> None:
    local = Graph().parse(data=visits, format="nt")
    found = {int(str(row[1])): str(row[2]) for row in solutions(local.query(VISITED % endpoint))}
    assert found == VISITED_LABELS


# -- pandas ----------------------------------------------------------------------------------------


def test_pandas_reads_a_url(endpoint: str) -> None:
    name = "tasks-per-strategy"
    url = f"{endpoint}?{urlencode({'query': QUESTIONS[name], 'format': 'csv'})}"
    frame = pd.read_csv(url)
    expected = pd.read_csv(ROOT / "tests" / "expected" / f"{name}.csv")
    pd.testing.assert_frame_equal(frame, expected)


def test_pandas_negotiates(endpoint: str) -> None:
    url = f"{endpoint}?{urlencode({'query': SELECT})}"
    frame = pd.read_csv(url, storage_options={"Accept": "text/csv"})
    assert frame["task"].iloc[0] == TASK
    tabs = pd.read_csv(f"{url}&format=tsv", sep="\t")
    assert len(tabs) == len(frame) == TASKS


# -- pyoxigraph ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["json", "xml", "tsv"])  # CSV says no kinds of terms
def test_pyoxigraph_parses_results(endpoint: str, name: str) -> None:
    form = formats.result_format(name)
    assert form is not None
    assert isinstance(form.native, ox.QueryResultsFormat)
    for query in (SELECT, ASK):
        found = ox.parse_query_results(
            fetched(endpoint, form.media_type, query), format=form.native
        )
        if isinstance(found, ox.QuerySolutions):
            first = next(iter(found))
            assert first["task"] == ox.NamedNode(TASK)
            assert len(list(found)) == TASKS - 1
        else:
            assert bool(found)


@pytest.mark.parametrize(
    "form", [*formats.GRAPH_FORMATS, *formats.DATASET_FORMATS], ids=lambda form: str(form.name)
)
def test_pyoxigraph_parses_graphs(endpoint: str, labels: Graph, form: formats.Format) -> None:
    assert isinstance(form.native, ox.RdfFormat)
    quads = list(ox.parse(fetched(endpoint, form.media_type, CONSTRUCT), format=form.native))
    assert len(quads) == len(labels)
    assert {quad.object.value for quad in quads} == {str(label) for label in labels.objects()}


# -- curl ------------------------------------------------------------------------------------------


def curl(*arguments: str) -> str:
    """What curl prints."""
    if shutil.which("curl") is None:
        missing("curl")
    done = subprocess.run(["curl", "-sS", *arguments], capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


@pytest.mark.parametrize("way", [("-G",), ()], ids=["get", "form"])
@pytest.mark.parametrize("coded", [("--compressed",), ()], ids=["compressed", "plain"])
def test_curl_asks(endpoint: str, way: tuple[str, ...], coded: tuple[str, ...]) -> None:
    answer = curl(*way, *coded, endpoint, "--data-urlencode", f"query={SELECT}")
    assert len(json.loads(answer)["results"]["bindings"]) == TASKS


def test_curl_compressed_is_smaller(endpoint: str) -> None:
    counted = ("-o", "/dev/null", "-w", "%{size_download}")
    plain, coded = (
        int(curl("-G", *more, *counted, endpoint, "--data-urlencode", f"query={SELECT}"))
        for more in ((), ("--compressed",))
    )
    assert coded < plain / 2


def test_curl_posts_a_file(endpoint: str) -> None:
    path = ROOT / "queries" / "questions" / "tasks-per-strategy.rq"
    answer = curl(
        "-H", "Content-Type: application/sparql-query", "-H", "Accept: text/csv",
        "--data-binary", f"@{path}", endpoint,
    )  # fmt: skip
    expected = (ROOT / "tests" / "expected" / "tasks-per-strategy.csv").read_text()
    assert list(csv.reader(io.StringIO(answer))) == list(csv.reader(io.StringIO(expected)))


def test_curl_sees_headers_and_conditions(endpoint: str) -> None:
    head = curl("-I", "-G", endpoint, "--data-urlencode", f"query={SELECT}")
    assert head.startswith("HTTP/1.1 200")
    tag = next(line for line in head.splitlines() if line.lower().startswith("etag:"))
    known = curl(
        "-G", "-o", "/dev/null", "-w", "%{http_code}",
        "-H", f"If-None-Match:{tag.partition(':')[2]}", endpoint,
        "--data-urlencode", f"query={SELECT}",
    )  # fmt: skip
    assert known == "304"


def test_curl_fails_where_the_query_is_wrong(endpoint: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        curl("--fail-with-body", "-G", endpoint, "--data-urlencode", "query=SELECT * {")
    assert caught.value.returncode == 22
    assert json.loads(caught.value.stdout)["status"] == 400


# -- the Oxigraph server ---------------------------------------------------------------------------


def test_oxigraph_calls_us_by_service(endpoint: str, second: str) -> None:
    found = {int(row[1].value): row[2].value for row in rows(second, VISITED % endpoint)}
    assert found == VISITED_LABELS


def test_oxigraph_calls_us_by_service_with_every_question(endpoint: str, second: str) -> None:
    for name, text in QUESTIONS.items():
        prologue, _, body = text.partition("SELECT")
        called = f"{prologue}SELECT * {{ SERVICE <{endpoint}> {{ {{ SELECT {body} }} }} }}"
        assert rows(second, called).total() == rows(endpoint, text).total(), name


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_oxigraph_answers_as_we_do(endpoint: str, mirror: str, name: str) -> None:
    ours, theirs = (rows(url, QUESTIONS[name]) for url in (endpoint, mirror))
    assert ours
    if "GROUP_CONCAT" in QUESTIONS[name]:  # a plain string, to which they give a language
        ours, theirs = (
            Counter({values(row): n for row, n in each.items()}) for each in (ours, theirs)
        )
    assert ours == theirs


def test_oxigraph_is_called_by_us_where_it_is_allowed(calling: Running, second: str) -> None:
    query = f"""PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
    SELECT ?task ?visits ?label {{
      SERVICE <{second}> {{ ?task <http://example.org/visits> ?visits }}
      ?task rdfs:label ?label . FILTER(LANG(?label) = "en")
    }}"""
    found = {int(row[1].value): row[2].value for row in rows(f"{calling.url}/sparql", query)}
    assert found == VISITED_LABELS


# -- Comunica --------------------------------------------------------------------------------------

Comunica = Callable[..., str]


@pytest.mark.parametrize("source", ["{}", "sparql@{}"], ids=["found-out", "said"])
def test_comunica_selects(endpoint: str, comunica: Comunica, source: str) -> None:
    answer = comunica(source.format(endpoint), SELECT, "-t", "application/sparql-results+json")
    bindings = json.loads(answer)["results"]["bindings"]
    assert len(bindings) == TASKS
    assert bindings[0]["task"]["value"] == TASK


def test_comunica_asks(endpoint: str, comunica: Comunica) -> None:
    assert comunica(endpoint, ASK).strip() == "true"


def test_comunica_constructs(endpoint: str, labels: Graph, comunica: Comunica) -> None:
    answer = comunica(endpoint, CONSTRUCT, "-t", "application/n-triples")
    assert isomorphic(Graph().parse(data=answer, format="nt"), labels)


def test_comunica_federates_us_with_another(endpoint: str, second: str, comunica: Comunica) -> None:
    query = """SELECT ?task ?visits ?label WHERE {
      ?task <http://example.org/visits> ?visits .
      ?task <http://www.w3.org/2000/01/rdf-schema#label> ?label .
      FILTER(LANG(?label) = "en")
    }"""
    answer = comunica(endpoint, second, query, "-t", "application/sparql-results+json")
    bindings = json.loads(answer)["results"]["bindings"]
    found = {int(row["visits"]["value"]): row["label"]["value"] for row in bindings}
    assert found == VISITED_LABELS


def test_comunica_reads_the_catalogue(endpoint: str, comunica: Comunica) -> None:
    """From the document alone: where is the endpoint, and how many triples has it?"""
    query = """PREFIX void: <http://rdfs.org/ns/void#>
    SELECT ?endpoint ?triples WHERE {
      ?dataset void:sparqlEndpoint ?endpoint ; void:triples ?triples
    }"""
    source = endpoint.replace("/sparql", "/.well-known/void")
    answer = comunica(source, query, "-t", "application/sparql-results+json")
    [row] = json.loads(answer)["results"]["bindings"]
    assert row["endpoint"]["value"] == endpoint
    counted = rows(endpoint, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
    assert counted == Counter([(ox.Literal(int(row["triples"]["value"])),)])


def test_comunica_calls_us_by_service(endpoint: str, second: str, comunica: Comunica) -> None:
    answer = comunica(second, VISITED % endpoint, "-t", "application/sparql-results+json")
    bindings = json.loads(answer)["results"]["bindings"]
    found = {int(row["visits"]["value"]): row["label"]["value"] for row in bindings}
    assert found == VISITED_LABELS
