"""What the service says of itself is so: every number, every file, and what portals ask for."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import httpx
import pyoxigraph as ox
import pyshacl
import pytest
from rdflib import DCAT, DCTERMS, RDF, SH, VOID, Graph, Literal, Namespace, URIRef

from conformance.wire import run
from downloading import made
from rokgraph.formats import DATASET_FORMATS, GRAPH_FORMATS
from rokgraph.vocab import DATASET
from running import ROOT, Server

PROFILE = ROOT / "tests" / "profiles" / "dcat-ap-3.0.1.ttl"
SPACE = "https://w3id.org/rokgraph/"
SPDX = Namespace("http://spdx.org/rdf/terms#")
RDF_TYPE = ox.NamedNode(str(RDF.type))
COUNTED = (
    "triples", "entities", "distinctSubjects", "distinctObjects", "properties", "classes",
)  # fmt: skip
EVERYTHING = "SELECT ?g ?s ?p ?o { GRAPH ?g { ?s ?p ?o } }"
FORMS = {entry.media_type: entry.native for entry in (*GRAPH_FORMATS, *DATASET_FORMATS)}
# What DCAT-AP recommends and we do not know: no date, no kind of agent, no box on a map; whom to
# ask, where the operator does not say.
UNKNOWN = {"issued", "modified", "type", "bbox", "centroid"}


class Counts(NamedTuple):
    """Numbers of one set of triples."""

    triples: set[tuple[object, object, object]]

    def numbers(self) -> dict[str, int]:
        """By the local name of VoID's property, but for entities and classes."""
        subjects, properties, objects = (
            zip(*self.triples, strict=True) if self.triples else ((), (), ())
        )
        return {
            "triples": len(self.triples),
            "distinctSubjects": len(set(subjects)),
            "distinctObjects": len(set(objects)),
            "properties": len(set(properties)),
            "classes": len(set(self.classes())),
        }

    def classes(self) -> dict[object, set[object]]:
        """The named instances of each class."""
        found: dict[object, set[object]] = defaultdict(set)
        for subject, predicate, value in self.triples:
            if predicate == RDF_TYPE:
                found[value] |= {subject} if isinstance(subject, ox.NamedNode) else set()
        return found

    def by_property(self) -> Iterator[tuple[object, "Counts"]]:
        """The triples of each property."""
        found: dict[object, set[tuple[object, object, object]]] = defaultdict(set)
        for triple in self.triples:
            found[triple[1]].add(triple)
        return ((predicate, Counts(triples)) for predicate, triples in found.items())


@pytest.fixture(scope="module")
def catalogue(server: Server) -> Graph:
    """The catalogue as a client gets it that asks for nothing in particular, its dumps made."""
    made(server)
    return Graph().parse(f"{server.url}/catalogue")


@pytest.fixture(scope="module")
def counted(server: Server) -> dict[str, Counts]:
    """All triples over HTTP, by graph; the union is under the empty name."""
    answer = server.get(EVERYTHING, accept="text/tab-separated-values")
    rows = ox.parse_query_results(answer.content, format=ox.QueryResultsFormat.TSV)
    assert isinstance(rows, ox.QuerySolutions)
    found: dict[str, Counts] = defaultdict(lambda: Counts(set()))
    for row in rows:
        triple = (row["s"], row["p"], row["o"])
        found[row["g"].value].triples.add(triple)
        found[""].triples.add(triple)
    return found


def test_every_number_of_the_catalogue_is_that_of_the_endpoint(
    catalogue: Graph, counted: dict[str, Counts]
) -> None:
    told = {
        (str(subject), name): int(str(value))
        for name in COUNTED
        for subject, value in catalogue.subject_objects(VOID[name])
    }
    expected: dict[tuple[str, str], int] = {}
    for graph, counts in counted.items():
        node = graph or DATASET.value
        expected |= {(node, name): number for name, number in counts.numbers().items()}
        if not graph:
            named = {s for s, _, _ in counts.triples if isinstance(s, ox.NamedNode)}
            ours = [node for node in named if node.value.startswith(SPACE)]
            expected[node, "entities"] = len(ours)
        for of_class, members in counts.classes().items():
            part = part_of(catalogue, node, VOID.classPartition, VOID["class"], of_class)
            expected[part, "entities"] = len(members)
        for predicate, of_property in counts.by_property():
            part = part_of(catalogue, node, VOID.propertyPartition, VOID.property, predicate)
            numbers = of_property.numbers()
            for name in ("triples", "distinctSubjects", "distinctObjects"):
                expected[part, name] = numbers[name]
    links = {key for key in told if "#links-" in key[0]}
    assert {key: told[key] for key in told.keys() - links} == expected


def part_of(catalogue: Graph, node: str, part: URIRef, by: URIRef, of: object) -> str:
    """The one partition of a dataset for that class or property."""
    assert isinstance(of, ox.NamedNode)
    parts = set(catalogue.objects(URIRef(node), part))
    [found] = parts & set(catalogue.subjects(by, URIRef(of.value)))
    return str(found)


def test_the_counts_are_those_that_a_newcomer_gets(server: Server, catalogue: Graph) -> None:
    for name, query in {
        "triples": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
        "properties": "SELECT (COUNT(DISTINCT ?p) AS ?n) { ?s ?p ?o }",
        "classes": "SELECT (COUNT(DISTINCT ?c) AS ?n) { ?s a ?c }",
        "distinctSubjects": "SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s ?p ?o }",
        "distinctObjects": "SELECT (COUNT(DISTINCT ?o) AS ?n) { ?s ?p ?o }",
    }.items():
        [row] = server.get(query).json()["results"]["bindings"]
        told = catalogue.value(URIRef(DATASET.value), VOID[name])
        assert str(told) == row["n"]["value"], name


def test_the_links_are_those_of_the_alignments(
    catalogue: Graph, counted: dict[str, Counts]
) -> None:
    matches = Counter(
        predicate.value
        for _, predicate, _ in counted[SPACE + "graph/alignments"].triples
        if isinstance(predicate, ox.NamedNode) and predicate.value.endswith("Match")
    )
    told: Counter[str] = Counter()
    spaces = set()
    for links in catalogue.subjects(RDF.type, VOID.Linkset):
        predicate = catalogue.value(links, VOID.linkPredicate)
        target = catalogue.value(links, VOID.objectsTarget)
        spaces.add(str(catalogue.value(target, VOID.uriSpace)))
        told[str(predicate)] += int(str(catalogue.value(links, VOID.triples)))
        assert catalogue.value(links, VOID.subjectsTarget) == URIRef(DATASET.value)
    assert told == matches
    assert {"http://www.wikidata.org/entity/", "https://sws.geonames.org/"} <= spaces


@pytest.mark.parametrize("path", ["/catalogue", "/.well-known/void"])
def test_it_is_the_same_in_every_form_and_at_both_addresses(
    server: Server, catalogue: Graph, path: str
) -> None:
    expected = ox.parse(catalogue.serialize(format="nt"), format=ox.RdfFormat.N_TRIPLES)
    triples = {quad.triple for quad in expected}
    for media_type, form in FORMS.items():
        answer = server.client.get(path, headers={"accept": media_type})
        assert answer.headers["content-type"].partition(";")[0] == media_type
        assert "accept" in answer.headers["vary"].lower()
        assert isinstance(form, ox.RdfFormat)
        found = {quad.triple for quad in ox.parse(answer.content, format=form)}
        assert found == triples, media_type
    for suffix, media_type in {".ttl": "text/turtle", ".jsonld": "application/ld+json"}.items():
        answer = server.client.get(path + suffix, headers={"accept": "text/csv"})
        assert answer.headers["content-type"].partition(";")[0] == media_type


def test_it_is_cached_and_refuses_as_the_others_do(server: Server) -> None:
    tag = server.client.get("/catalogue").headers["etag"]
    again = server.client.get("/catalogue", headers={"if-none-match": tag})
    assert again.status_code == 304
    assert server.client.post("/catalogue").status_code == 405
    assert server.client.get("/catalogue?format=csv").status_code == 406
    assert server.client.get("/catalogue?format=nonsense").status_code == 400
    assert "GET" in server.client.options("/catalogue").headers["allow"]


# -- DCAT-AP ---------------------------------------------------------------------------------------


def judged(data: Graph) -> tuple[list[str], list[str]]:
    """Violations and warnings by DCAT-AP: focus node and the local name of the property."""
    _, report, _ = pyshacl.validate(data, shacl_graph=Graph().parse(PROFILE))
    found: dict[object, list[str]] = {SH.Violation: [], SH.Warning: []}
    for result in report.subjects(RDF.type, SH.ValidationResult):
        path = str(report.value(result, SH.resultPath)).replace("#", "/").rpartition("/")[2]
        found[report.value(result, SH.resultSeverity)].append(path)
    return found[SH.Violation], found[SH.Warning]


def test_it_keeps_dcat_ap_and_lacks_only_what_nobody_knows(catalogue: Graph) -> None:
    violations, warnings = judged(catalogue)
    assert violations == []
    assert set(warnings) == UNKNOWN | {"contactPoint"}


def test_the_operators_contact_is_told() -> None:
    with run(ROKGRAPH_CONTACT="mailto:someone@example.org") as server:
        found = Graph().parse(f"{server.url}/catalogue")
    violations, warnings = judged(found)
    assert violations == []
    assert set(warnings) == UNKNOWN


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        (DCAT.Catalog, DCTERMS.publisher),
        (DCAT.Dataset, DCTERMS.title),
        (DCAT.Distribution, DCAT.accessURL),
        (DCAT.DataService, DCAT.endpointURL),
        (SPDX.Checksum, SPDX.checksumValue),
    ],
)
def test_the_shapes_see_what_is_missing(catalogue: Graph, kind: URIRef, lacking: URIRef) -> None:
    poorer = Graph()
    poorer += catalogue
    node = next(poorer.subjects(RDF.type, kind))
    poorer.remove((node, lacking, None))
    assert judged(poorer)[0]


# -- clients ---------------------------------------------------------------------------------------

HARVEST = """
PREFIX dcat: <http://www.w3.org/ns/dcat#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX spdx: <http://spdx.org/rdf/terms#>
SELECT ?title ?url ?type ?size ?sum ?licence WHERE {
  ?catalogue a dcat:Catalog ; dcat:dataset ?dataset .
  ?dataset dcterms:title ?title ; dcat:distribution ?distribution .
  FILTER(LANG(?title) = "en")
  ?distribution dcat:downloadURL ?url ; dcat:mediaType ?type ; dcat:byteSize ?size ;
    dcterms:license ?licence ; spdx:checksum/spdx:checksumValue ?sum .
}"""


def test_a_portal_finds_the_files_and_they_are_as_told(catalogue: Graph) -> None:
    rows = list(catalogue.query(HARVEST))
    assert len(rows) > 25
    types = set()
    for row in rows:
        title, url, media_type, size, checksum, licence = row  # type: ignore[misc]
        assert str(title) == "Knowledge graph of the Digital Strategy of Korea"
        assert str(licence) == "https://creativecommons.org/licenses/by/4.0/"
        content = httpx.get(str(url)).content
        assert len(content) == int(size)
        assert hashlib.sha256(content).hexdigest() == str(checksum)
        types.add(str(media_type).rpartition("media-types/")[2])
    assert types == {
        "application/n-quads", "application/trig", "text/turtle", "application/ld+json",
        "text/csv", "application/xml",
    }  # fmt: skip


def test_a_client_finds_the_endpoint_and_it_describes_itself(catalogue: Graph) -> None:
    dataset = URIRef(DATASET.value)
    [service] = catalogue.subjects(DCAT.servesDataset, dataset)
    endpoint = catalogue.value(service, DCAT.endpointURL)
    assert endpoint == catalogue.value(dataset, VOID.sparqlEndpoint)
    answer = httpx.get(str(endpoint), params={"query": "ASK { ?s ?p ?o }"})
    assert answer.json()["boolean"] is True
    described = Graph().parse(str(catalogue.value(service, DCAT.endpointDescription)))
    assert len(described)


def test_addresses_of_the_catalogue_answer(catalogue: Graph) -> None:
    dataset = URIRef(DATASET.value)
    for name in (VOID.openSearchDescription, DCAT.landingPage):
        assert httpx.get(str(catalogue.value(dataset, name))).is_success
    looked_up = catalogue.value(dataset, VOID.uriLookupEndpoint)
    for example in catalogue.objects(dataset, VOID.exampleResource):
        answer = httpx.get(f"{looked_up}{example}", headers={"accept": "application/json"})
        assert str(example) in [found["iri"] for found in answer.json()["results"]]


def test_no_date_is_invented(catalogue: Graph) -> None:
    assert not list(catalogue.triples((None, DCTERMS.issued, None)))
    assert not list(catalogue.triples((None, DCTERMS.modified, None)))


def test_given_data_are_counted_under_a_name_of_their_own(tmp_path: Path) -> None:
    data = tmp_path / "data.nq"
    data.write_text(
        "<http://example.org/a> a <http://example.org/C> .\n".replace(" a ", f" <{RDF.type}> ")
        + "<http://example.org/a> <http://example.org/p> _:b <http://example.org/g> .\n"
    )
    with run("--data", str(data), "--default-graph", "union") as server:
        found = Graph().parse(f"{server.url}/.well-known/void")
        refused = server.client.get("/data/")
    [dataset] = found.subjects(RDF.type, DCAT.Dataset)
    assert "/given/" in str(dataset)
    assert DATASET.value not in {str(term) for triple in found for term in triple}
    assert found.value(dataset, VOID.triples) == Literal(2)
    assert found.value(URIRef("http://example.org/g"), VOID.triples) == Literal(1)
    assert refused.status_code == 404


# -- schema.org ------------------------------------------------------------------------------------


class DataBlocks(HTMLParser):
    """The JSON-LD of a page, and every other script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.others: list[str | None] = []
        self._within = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block."""
        if tag == "script":
            self._within = dict(attrs).get("type") == "application/ld+json"
            if not self._within:
                self.others.append(dict(attrs).get("src"))

    def handle_data(self, data: str) -> None:
        """Keep a block."""
        if self._within:
            self.blocks.append(data)

    def handle_endtag(self, tag: str) -> None:
        """End a block."""
        if tag == "script":
            self._within = False


@pytest.mark.parametrize("path", ["/", "/catalogue"])
def test_pages_tell_search_engines_of_the_dataset(server: Server, path: str) -> None:
    made(server)
    page = server.client.get(path, headers={"accept": "text/html"})
    # a data block is not run, so no policy on scripts concerns it:
    # https://html.spec.whatwg.org/multipage/scripting.html#data-block
    assert "script-src" in page.headers["content-security-policy"]
    found = DataBlocks(page.text)
    assert found.others == ["/static/page.js"]
    [block] = found.blocks
    told = json.loads(block)
    assert told["@type"] == "Dataset"
    # https://developers.google.com/search/docs/appearance/structured-data/dataset
    assert told["name"]
    assert 50 <= len(told["description"]) <= 5000
    assert told["creator"][0]["name"] == "The rokgraph team"
    assert told["version"] == "2026.1"
    assert told["temporalCoverage"] == "2019/2027"
    urls = [entry["contentUrl"] for entry in told["distribution"]]
    assert all(httpx.head(url).status_code == 200 for url in urls[:3])
    assert all(len(entry["sha256"]) == 64 for entry in told["distribution"])
    # as linked data, without fetching the context
    told["@context"] = {"@vocab": "https://schema.org/"}
    quads = set(ox.parse(json.dumps(told), format=ox.RdfFormat.JSON_LD))
    assert ox.Quad(DATASET, RDF_TYPE, ox.NamedNode("https://schema.org/Dataset")) in quads
