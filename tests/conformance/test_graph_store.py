"""The Graph Store HTTP Protocol, its reading part.

Rule: a test is named after its clause, and its docstring says it with a link.

See https://www.w3.org/TR/sparql11-http-rdf-update/
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, quote

import httpx
import pyoxigraph as ox
import pytest

from conformance import wire
from conformance.manifest import Request, entries, meets
from conformance.wire import Running
from rokgraph import formats

SOURCE = "https://w3id.org/rokgraph/graph/source"
ONE = "http://example.org/one"
GRAPHS = (*formats.GRAPH_FORMATS, *formats.DATASET_FORMATS)
PATH = "/graph-store"
SECOND = re.compile(r"--\S+\r\n.*?\r\n\r\n(.*?)\r\n(?=--)", re.DOTALL)


def fetch(server: Running, method: str = "GET", **headers: str) -> httpx.Response:
    """The graph of the release."""
    return server.client.request(method, PATH, params={"graph": SOURCE}, headers=headers)


def triples(answer: httpx.Response) -> list[ox.Triple]:
    """The triples of an answer."""
    assert answer.status_code == 200, answer.text
    form = ox.RdfFormat.from_media_type(answer.headers["content-type"])
    assert form is not None
    return [quad.triple for quad in ox.parse(answer.content, format=form)]


def test_get_by_the_name_of_the_graph(server: Running) -> None:
    """4.2, 5.2: GET with ?graph= gives the triples of that graph, all and only these.

    https://www.w3.org/TR/sparql11-http-rdf-update/#http-get
    """
    query = "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }"
    asked = server.client.get(
        "/sparql", params={"query": query, "default-graph-uri": SOURCE, "format": "ntriples"}
    )
    found = triples(fetch(server, accept="application/n-triples"))
    assert sorted(map(str, found)) == sorted(map(str, triples(asked)))


def test_get_of_the_default_graph(server: Running, small: Running) -> None:
    """4.2, 5.2: GET with ?default gives the default graph of the dataset.

    https://www.w3.org/TR/sparql11-http-rdf-update/#http-get
    """
    for path in (f"{PATH}?default", f"{PATH}?default="):
        [triple] = triples(small.client.get(path))
        assert triple.object == ox.Literal("default")
    answer = server.client.get(f"{PATH}?default", headers={"accept": "application/n-triples"})
    rows = server.get("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }").json()["results"]["bindings"]
    assert len(triples(answer)) == int(rows[0]["n"]["value"])


def test_a_relative_graph_is_resolved(serve_here: Running) -> None:
    """4.2: a relative IRI as ?graph= is resolved against the URL of the request.

    https://www.w3.org/TR/sparql11-http-rdf-update/#indirect-graph-identification
    """
    answer = serve_here.client.get(f"{PATH}?graph=inside", headers={"host": "store.example"})
    assert len(triples(answer)) == 1


@pytest.fixture(scope="module")
def serve_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A graph whose name is under the address of the store."""
    path = tmp_path_factory.mktemp("data") / "here.nq"
    path.write_text("<a:s> <a:p> <a:o> <http://store.example/inside> .\n")
    with wire.run("--data", str(path)) as running:
        yield running


@pytest.mark.parametrize(
    "encoded",
    [
        quote(SOURCE, safe=""),
        SOURCE,
        "https%3a%2f%2fw3id.org/rokgraph/graph/sourc%65",
    ],
)
def test_the_name_is_decoded_exactly_once(server: Running, encoded: str) -> None:
    """4.2: the name is percent-encoded in the URL and is decoded once.

    https://www.w3.org/TR/sparql11-http-rdf-update/#indirect-graph-identification
    """
    assert server.client.get(f"{PATH}?graph={encoded}").status_code == 200
    twice = quote(quote(SOURCE, safe=""), safe="")
    assert server.client.get(f"{PATH}?graph={twice}").status_code in (400, 404)


def test_head_is_like_get(server: Running) -> None:
    """5.8: HEAD is like GET without the body.

    https://www.w3.org/TR/sparql11-http-rdf-update/#http-head
    """
    for graph in ("?default", f"?graph={quote(SOURCE)}", f"?graph={quote(ONE)}"):
        got = server.client.get(PATH + graph, headers={"accept": "text/turtle"})
        head = server.client.head(PATH + graph, headers={"accept": "text/turtle"})
        assert head.status_code == got.status_code
        assert head.content == b""
        names = ("content-type", "etag", "vary", "cache-control")
        assert [head.headers.get(name) for name in names] == [
            got.headers.get(name) for name in names
        ]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_graph_that_is_not_there_is_404(server: Running, method: str) -> None:
    """5.2: a graph that does not exist is 404, not an empty graph.

    https://www.w3.org/TR/sparql11-http-rdf-update/#http-get
    """
    answer = server.client.request(method, PATH, params={"graph": ONE})
    assert answer.status_code == 404
    if method == "GET":
        assert ONE in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    ["", "?x=y", f"?graph={ONE}&default", f"?graph={ONE}&graph={ONE}", "?default&default",
     "?graph=%FF", "?graph=http://[bad", "?default&format=turtle&format=turtle"],
)  # fmt: skip
def test_not_exactly_one_graph_is_400(server: Running, query: str) -> None:
    """4.2: a request names one graph; none, two, or what is no IRI is 400.

    https://www.w3.org/TR/sparql11-http-rdf-update/#status-codes
    """
    answer = server.client.get(PATH + query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("form", GRAPHS, ids=lambda form: form.name)
def test_every_rdf_format(small: Running, form: formats.Format) -> None:
    """5.2: the format is negotiated; each is on offer, by Accept and by ?format=.

    https://www.w3.org/TR/sparql11-http-rdf-update/#http-get
    """
    answer = small.client.get(f"{PATH}?graph={ONE}", headers={"accept": form.media_type})
    assert answer.headers["content-type"] == form.content_type
    assert len(triples(answer)) == 2
    named = small.client.get(f"{PATH}?graph={ONE}&format={form.name}")
    assert named.headers["content-type"] == form.content_type
    assert named.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "text/turtle; charset=utf-8"),
        ("text/turtle; charset=utf-8", "text/turtle; charset=utf-8"),
        ("application/json", "application/ld+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/turtle; charset=utf-8"),
    ],
)
def test_the_format_is_negotiated(small: Running, accept: str, expected: str) -> None:
    """5.2: the usual Accept headers find a format.

    https://www.w3.org/TR/sparql11-http-rdf-update/#http-get
    """
    answer = small.client.get(f"{PATH}?graph={ONE}", headers={"accept": accept})
    assert answer.headers["content-type"] == expected
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("accept", ["text/csv", "image/png", "text/turtle;q=0"])
def test_no_rdf_accepted_is_406(server: Running, accept: str) -> None:
    """5.2: where no RDF format is accepted it is 406 with those on offer.

    https://www.w3.org/TR/sparql11-http-rdf-update/#http-get
    """
    answer = fetch(server, accept=accept)
    assert answer.status_code == 406
    assert all(form.media_type in answer.json()["detail"] for form in GRAPHS)


def test_a_graph_has_a_tag(server: Running) -> None:
    """A graph has an ETag for each format and coding; If-None-Match with it is 304.

    https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
    """
    tags = set()
    for accept in ("text/turtle", "application/n-triples"):
        for coding in ("identity", "gzip", "zstd"):
            headers = {"accept": accept, "accept_encoding": coding}
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            tag = fetch(server, **named).headers["etag"]
            tags.add(tag)
            for method in ("GET", "HEAD"):
                again = fetch(server, method, **named, **{"if-none-match": tag})
                assert again.status_code == 304
                assert again.headers["etag"] == tag
    assert len(tags) == 6
    assert not any(tag.startswith("W/") for tag in tags)


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_nothing_is_written(server: Running, method: str) -> None:
    """5.1: the methods that write are 405, and Allow says which there are.

    https://www.w3.org/TR/sparql11-http-rdf-update/#status-codes
    """
    headers = {"content-type": "text/turtle"}
    answer = server.client.request(
        method, PATH, params={"graph": SOURCE}, content="<a:s> <a:p> 1 .", headers=headers
    )
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert server.client.options(PATH).headers["allow"] == "GET, HEAD, OPTIONS"


# -- the W3C's own tests -------------------------------------------------------------------

# They write, then read. What they write is served here from the start, a graph for each reading,
# and the requests that write must be refused.
ENTRIES = (
    "put_get_repeat_indirect",
    "put_get_default",
    "put_delete_get_delete_indirect",
    "post_get_post_get_indirect",
    "head_existing_indirect",
    "head_non_existing_indirect",
    "put_get_uri_pct_encoded_indirect",
    "put_get_uri_pct_encoded_twice",
)
EXCEPTIONS = {
    "post_get_new_graph": "a new graph is named by the store: that it refuses is tested",
}
MANIFEST = "graph-store-protocol/manifest-indirect.ttl"


@dataclass(frozen=True)
class Step:
    """A request of a test; of one that reads, a graph of its own, with what was written before."""

    request: Request
    graph: str = ""
    turtle: str | None = None


def steps(archive: Path, name: str) -> Iterator[Step]:
    """The requests of a test, with graphs that no other test reads."""
    written: dict[str, str] = {}
    for number, request in enumerate(entries(archive, MANIFEST)[name].requests):
        given = parse_qs(request.path.partition("?")[2], keep_blank_values=True)
        graph = given.get("graph", [""])[0]
        path = PATH + request.path.removeprefix("/gsp")
        if request.method in ("GET", "HEAD"):
            suffix = f"-{name}-{number}" if graph else ""
            moved = replace(request, path=path + suffix)
            yield Step(moved, graph and graph + suffix, written.get(graph))
            continue
        text = request.body.decode()
        if request.headers.get("content-type", "").startswith("multipart/"):
            text = "\n".join(SECOND.findall(text))
        if request.method == "DELETE":
            written.pop(graph, None)
        else:
            written[graph] = text if request.method == "PUT" else written.get(graph, "") + text
        yield Step(replace(request, path=path))


@pytest.fixture(scope="module")
def w3c_store(w3c: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """All graphs that the tests read."""
    store = ox.Store()
    for name in ENTRIES:
        for step in steps(w3c, name):
            if step.turtle is not None:
                graph = ox.NamedNode(step.graph) if step.graph else ox.DefaultGraph()
                store.load(step.turtle.encode(), format=ox.RdfFormat.TURTLE, to_graph=graph)
    path = tmp_path_factory.mktemp("data") / "graphs.nq"
    store.dump(path, format=ox.RdfFormat.N_QUADS)
    with wire.run("--data", str(path)) as running:
        yield running


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.entry(name, note=EXCEPTIONS.get(name, "")))
        for name in (*ENTRIES, *EXCEPTIONS)
    ],
)
def test_w3c_graph_store_manifest(w3c_store: Running, w3c: Path, name: str) -> None:
    """W3C graph store test, its reading.

    https://github.com/w3c/rdf-tests/tree/main/sparql/sparql11/graph-store-protocol
    """
    for step in steps(w3c, name):
        request = step.request
        reads = request.method in ("GET", "HEAD")
        if reads and name in EXCEPTIONS:
            continue
        answer = w3c_store.client.request(
            request.method, request.path, content=request.body, headers=request.headers
        )
        if reads:
            meets(request, answer)
        else:
            assert answer.status_code == 405


def test_w3c_graph_store_manifest_is_complete(w3c: Path) -> None:
    """Every test of the W3C's graph store manifest with ?graph= and ?default is run, or stands
    in the table of exceptions; the others identify a graph by the path, which is not offered.

    https://github.com/w3c/rdf-tests/tree/main/sparql/sparql11/graph-store-protocol
    """
    assert set(entries(w3c, MANIFEST)) == {*ENTRIES, *EXCEPTIONS}
