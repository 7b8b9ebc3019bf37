"""The service description: what it says is what is there.

Rule: each statement is held against the endpoint itself, asked by the same client.

See https://www.w3.org/TR/sparql11-service-description/
"""

from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest

from conformance.manifest import entries
from conformance.wire import Running
from rokgraph import formats

SD = "http://www.w3.org/ns/sparql-service-description#"
VOID = "http://rdfs.org/ns/void#"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
GRAPHS = (*formats.GRAPH_FORMATS, *formats.DATASET_FORMATS)
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
ALL = [
    "returns-rdf",
    "has-endpoint-triple",
    "conforms-to-schema",
]

# https://www.w3.org/ns/formats/, by media type
IRIS = {
    "application/sparql-results+json": "SPARQL_Results_JSON",
    "application/sparql-results+xml": "SPARQL_Results_XML",
    "text/csv": "SPARQL_Results_CSV",
    "text/tab-separated-values": "SPARQL_Results_TSV",
    "text/turtle": "Turtle",
    "application/n-triples": "N-Triples",
    "application/rdf+xml": "RDF_XML",
    "application/ld+json": "JSON-LD",
    "application/n-quads": "N-Quads",
    "application/trig": "TriG",
}

# The vocabulary, section 3: class of the subject and kind of the object of each property.
SCHEMA: dict[str, tuple[str, str]] = {
    "endpoint": ("Service", "iri"),
    "supportedLanguage": ("Service", "iri"),
    "feature": ("Service", "iri"),
    "resultFormat": ("Service", "iri"),
    "inputFormat": ("Service", "iri"),
    "extensionFunction": ("Service", "iri"),
    "extensionAggregate": ("Service", "iri"),
    "languageExtension": ("Service", "iri"),
    "propertyFeature": ("Service", "iri"),
    "defaultEntailmentRegime": ("Service", "iri"),
    "defaultSupportedEntailmentProfile": ("Service", "iri"),
    "availableGraphs": ("Service", "GraphCollection"),
    "defaultDataset": ("Service", "Dataset"),
    "defaultGraph": ("Dataset", "Graph"),
    "namedGraph": ("Dataset", "NamedGraph"),
    "name": ("NamedGraph", "iri"),
    "graph": ("NamedGraph", "Graph"),
    "entailmentRegime": ("NamedGraph", "iri"),
    "supportedEntailmentProfile": ("NamedGraph", "iri"),
}
LANGUAGES = {"SPARQL10Query", "SPARQL11Query", "SPARQL11Update"}
FEATURES = {
    "DereferencesURIs",
    "UnionDefaultGraph",
    "RequiresDataset",
    "EmptyGraphs",
    "BasicFederatedQuery",
}


class Described:
    """A description as a graph."""

    def __init__(self, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        form = ox.RdfFormat.from_media_type(answer.headers["content-type"])
        assert form is not None
        self.triples = [quad.triple for quad in ox.parse(answer.content, format=form)]

    def objects(self, subject: object, name: str) -> list[str]:
        """The values of a property of this vocabulary, or with its whole IRI."""
        predicate = name if ":" in name else SD + name
        return [
            str(triple.object.value)
            for triple in self.triples
            if triple.predicate.value == predicate
            and (subject is None or triple.subject.value == subject)
        ]

    def one(self, subject: object, name: str) -> str:
        """The one value."""
        [found] = self.objects(subject, name)
        return found

    @property
    def service(self) -> str:
        """The service."""
        [found] = [
            triple.subject.value
            for triple in self.triples
            if triple.predicate.value == RDF_TYPE and triple.object.value == SD + "Service"
        ]
        return str(found)


def describe(server: Running, accept: str = "text/turtle", **headers: str) -> Described:
    """What the endpoint says of itself."""
    return Described(server.client.get("/sparql", headers={"accept": accept, **headers}))


def number(server: Running, query: str, **parameters: str) -> int:
    """The number that a query counts."""
    answer = server.client.get("/sparql", params={"query": query, **parameters})
    return int(answer.json()["results"]["bindings"][0]["n"]["value"])


def returns_rdf(server: Running) -> None:
    """RDF, whatever is accepted."""
    answer = server.client.get("/sparql/")
    assert Described(answer).triples


def has_endpoint_triple(server: Running) -> None:
    """The IRI of the endpoint is the URL it was asked at."""
    assert describe(server).objects(None, "endpoint") == [f"{server.url}/sparql"]


def conforms_to_schema(server: Running) -> None:
    """Properties and classes as in the vocabulary, and no others of its namespace."""
    described = describe(server)
    types: dict[str, set[str]] = {}
    for triple in described.triples:
        if triple.predicate.value == RDF_TYPE:
            kinds = types.setdefault(triple.subject.value, set())
            kinds.add(triple.object.value.removeprefix(SD))
    for triple in described.triples:
        if not triple.predicate.value.startswith(SD):
            continue
        domain, target = SCHEMA[triple.predicate.value.removeprefix(SD)]
        assert domain in types[triple.subject.value]
        if target == "iri":
            assert isinstance(triple.object, ox.NamedNode)
        else:
            assert target in types[triple.object.value]
    assert set(described.objects(None, "supportedLanguage")) <= {SD + name for name in LANGUAGES}
    assert set(described.objects(None, "feature")) <= {SD + name for name in FEATURES}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.entry(name, note="")) for name in ALL]
)
def test_w3c_service_description_manifest(server: Running, w3c: Path, name: str) -> None:
    """W3C service description test.

    https://github.com/w3c/rdf-tests/tree/main/sparql/sparql11/service-description
    """
    assert name in entries(w3c, "service-description/manifest.ttl")
    {
        "returns-rdf": returns_rdf,
        "has-endpoint-triple": has_endpoint_triple,
        "conforms-to-schema": conforms_to_schema,
    }[name](server)


def test_w3c_service_description_manifest_is_complete(w3c: Path) -> None:
    """Every test of the W3C's service description manifest is run.

    https://github.com/w3c/rdf-tests/tree/main/sparql/sparql11/service-description
    """
    assert set(entries(w3c, "service-description/manifest.ttl")) == set(ALL)


@pytest.mark.parametrize("form", GRAPHS, ids=lambda form: form.name)
def test_it_comes_in_every_rdf_format(server: Running, form: formats.Format) -> None:
    """2: GET of the endpoint without a query gives the description, in each RDF format, and in
    each of them the same.

    https://www.w3.org/TR/sparql11-service-description/#accessing
    """
    plain = set(describe(server).triples)
    answer = server.client.get("/sparql", headers={"accept": form.media_type})
    assert answer.headers["content-type"] == form.content_type
    assert set(Described(answer).triples) == plain
    named = server.client.get("/sparql", params={"format": form.name})
    assert named.headers["content-type"] == form.content_type
    assert named.content == answer.content


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("*/*", "text/turtle"), ("", "text/turtle"), ("application/*", "application/n-triples"),
     ("application/json", "application/ld+json"),
     ("application/rdf+xml, text/turtle;q=0.9", "application/rdf+xml")],
)  # fmt: skip
def test_it_is_negotiated(server: Running, accept: str, expected: str) -> None:
    """2: the format of the description is chosen like any other.

    https://www.w3.org/TR/sparql11-service-description/#accessing
    """
    answer = server.client.get("/sparql", headers={"accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == expected


@pytest.mark.parametrize("accept", ["text/csv", "application/sparql-results+json", "image/png"])
def test_no_rdf_accepted_is_406(server: Running, accept: str) -> None:
    """2: a description is RDF: where none is accepted it is 406 with those on offer.

    https://www.rfc-editor.org/rfc/rfc9110#name-406-not-acceptable
    """
    answer = server.client.get("/sparql", headers={"accept": accept})
    assert answer.status_code == 406
    assert all(form.media_type in answer.json()["detail"] for form in GRAPHS)


@pytest.mark.parametrize("name", ["default-graph-uri", "named-graph-uri"])
def test_a_dataset_without_a_query_is_400(server: Running, name: str) -> None:
    """2: a request that names a dataset is a query, and its query string is missing.

    https://www.w3.org/TR/sparql11-protocol/#query-operation
    """
    answer = server.client.get("/sparql", params={name: "http://example.org/"})
    assert answer.status_code == 400
    assert "missing" in answer.json()["detail"]


def test_it_is_small(server: Running) -> None:
    """The description is small: a client reads it on every start.

    https://www.w3.org/TR/sparql11-service-description/#accessing
    """
    assert len(server.client.get("/sparql", headers={"accept": "text/turtle"}).content) < 8192


def test_the_service_is_the_endpoint(server: Running) -> None:
    """3.2.1: sd:endpoint is the URL at which the service answers.

    https://www.w3.org/TR/sparql11-service-description/#sd-endpoint
    """
    described = describe(server)
    endpoint = described.one(described.service, "endpoint")
    assert httpx.get(endpoint, params={"query": "ASK {}"}).json()["boolean"] is True


def test_the_endpoint_follows_the_host(server: Running) -> None:
    """sd:endpoint has the host that the client asked, and its own tag.

    https://www.rfc-editor.org/rfc/rfc9110#name-host-and-authority
    """
    described = describe(server, host="graph.example.org:8080")
    assert described.objects(None, "endpoint") == ["http://graph.example.org:8080/sparql"]
    tags = {
        server.client.get("/sparql", headers={"accept": "text/turtle", "host": host}).headers[
            "etag"
        ]
        for host in ("one.example.org", "two.example.org")
    }
    assert len(tags) == 2


@pytest.mark.parametrize(
    "host",
    ['evil"><script>', "a b", "example.org/path", "user@example.org", "x" * 300, "example.org:port",
     "<http://example.org>", ""],
)  # fmt: skip
def test_a_host_that_is_none_is_not_echoed(server: Running, host: str) -> None:
    """A Host header that is no host is not echoed: the address of the socket stands instead.

    https://www.rfc-editor.org/rfc/rfc9110#name-host-and-authority
    """
    for accept in ("text/turtle", "text/html"):
        answer = server.client.get("/sparql", headers={"accept": accept, "host": host})
        assert answer.status_code == 200
        if host:
            assert host not in answer.text
            assert not any(host in value for value in answer.headers.values())
    described = describe(server, host=host)
    assert described.objects(None, "endpoint") == [f"{server.url}/sparql"]


def test_base_url_wins_over_the_host(based: Running) -> None:
    """With --base-url the endpoint is under it, whatever Host and forwarding headers say.

    https://www.w3.org/TR/sparql11-service-description/#sd-endpoint
    """
    forged = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}
    described = describe(based, host="other.example.org", **forged)
    assert described.objects(None, "endpoint") == ["https://graph.example.org/kg/sparql"]
    answer = based.get("SELECT ?x { VALUES ?x { <a> } }", host="other.example.org")
    [row] = answer.json()["results"]["bindings"]
    assert row["x"]["value"] == "https://graph.example.org/kg/a"


def test_forwarding_headers_of_anybody_are_not_believed(server: Running) -> None:
    """Without trusted proxies forwarding headers change nothing.

    https://www.rfc-editor.org/rfc/rfc7239#section-8.1
    """
    forged = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-forwarded-for": "192.0.2.1",
        "x-forwarded-prefix": "/evil",
        "forwarded": "for=192.0.2.1;host=evil.example;proto=https",
    }
    assert describe(server, **forged).objects(None, "endpoint") == [f"{server.url}/sparql"]


def test_forwarding_headers_of_trusted_proxies_are_believed(behind: Running) -> None:
    """Scheme and host come from a trusted proxy, the last value it added; a host that is none
    is not echoed there either.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-Host
    """
    forwarded = {"x-forwarded-host": "a.example, b.example", "x-forwarded-proto": "https"}
    assert describe(behind, **forwarded).objects(None, "endpoint") == ["https://b.example/sparql"]
    forged = {"x-forwarded-host": 'evil"><script>', "x-forwarded-proto": "javascript"}
    assert describe(behind, **forged).objects(None, "endpoint") == [f"{behind.url}/sparql"]


def test_languages(server: Running) -> None:
    """3.2.3: the languages are those of queries, and no update is promised.

    https://www.w3.org/TR/sparql11-service-description/#sd-supportedLanguage
    """
    described = describe(server)
    assert described.objects(described.service, "supportedLanguage") == [
        SD + "SPARQL10Query",
        SD + "SPARQL11Query",
    ]
    assert server.get("ASK { FILTER NOT EXISTS { ?s !a/^a* ?o } }").status_code == 200


def test_union_default_graph_is_told_where_it_is_so(server: Running, small: Running) -> None:
    """3.3: sd:UnionDefaultGraph is a feature exactly where plain patterns see the named graphs.

    https://www.w3.org/TR/sparql11-service-description/#sd-UnionDefaultGraph
    """
    for asked in (server, small):
        seen = asked.get("ASK { GRAPH ?g { ?s ?p ?o } FILTER EXISTS { ?s ?p ?o } }")
        told = SD + "UnionDefaultGraph" in describe(asked).objects(None, "feature")
        assert told is seen.json()["boolean"] is (asked is server)


def test_no_feature_is_promised_that_is_off(server: Running) -> None:
    """3.3: no federation, no dereferencing, no required dataset: none of these is promised.

    https://www.w3.org/TR/sparql11-service-description/#vocab-features
    """
    features = set(describe(server).objects(None, "feature"))
    assert features == {SD + "UnionDefaultGraph"}
    assert server.get("ASK { SERVICE <http://example.org/> {} }").status_code == 400


def test_formats_are_those_that_are_served(server: Running) -> None:
    """3.2.9: each sd:resultFormat is served, and each format that is served is told.

    https://www.w3.org/TR/sparql11-service-description/#sd-resultFormat
    """
    told = describe(server).objects(None, "resultFormat")
    served = set()
    for query, table in (("SELECT * {}", formats.RESULT_FORMATS), ("CONSTRUCT WHERE {}", GRAPHS)):
        for form in table:
            answer = server.get(query, accept=form.media_type)
            if answer.headers["content-type"] == form.content_type:
                served.add(f"http://www.w3.org/ns/formats/{IRIS[form.media_type]}")
    assert sorted(told) == sorted(served)


@pytest.mark.parametrize("which", ["server", "small"])
def test_the_dataset_is_the_one_that_is_asked(request: pytest.FixtureRequest, which: str) -> None:
    """3.2.5: default graph and all named graphs, each with the triples that a query counts.

    https://www.w3.org/TR/sparql11-service-description/#sd-defaultDataset
    """
    server: Running = request.getfixturevalue(which)
    described = describe(server)
    dataset = described.one(described.service, "defaultDataset")
    default = described.one(dataset, "defaultGraph")
    assert int(described.one(default, VOID + "triples")) == number(server, COUNT)
    told = {
        described.one(named, "name"): int(
            described.one(described.one(named, "graph"), VOID + "triples")
        )
        for named in described.objects(dataset, "namedGraph")
    }
    query = "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"
    rows = server.get(query).json()["results"]["bindings"]
    assert told == {row["g"]["value"]: int(row["n"]["value"]) for row in rows}
    assert len(told) >= 2


def test_each_named_graph_can_be_had(server: Running) -> None:
    """3.2.6: each graph that is named can be asked and fetched by that name.

    https://www.w3.org/TR/sparql11-service-description/#sd-namedGraph
    """
    described = describe(server)
    for name in described.objects(None, "name"):
        assert number(server, COUNT, **{"default-graph-uri": name}) > 0
        assert server.client.head("/graph-store", params={"graph": name}).status_code == 200


def test_it_is_tagged_and_coded_like_any_answer(server: Running) -> None:
    """The description has a tag, is answered with 304, and is compressed.

    https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests
    """
    plain = server.client.get("/sparql", headers={"accept": "text/turtle"})
    coded = server.client.get(
        "/sparql", headers={"accept": "text/turtle", "accept-encoding": "gzip"}
    )
    assert coded.headers["content-encoding"] == "gzip"
    assert coded.content == plain.content
    assert coded.headers["etag"] != plain.headers["etag"]
    for coding, answer in (("identity", plain), ("gzip", coded)):
        headers = {"accept": "text/turtle", "accept-encoding": coding}
        headers["if-none-match"] = answer.headers["etag"]
        for method in ("GET", "HEAD"):
            again = server.client.request(method, "/sparql", headers=headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == answer.headers["etag"]
            assert again.headers["vary"] == answer.headers["vary"]
