"""The W3C's HTTP exchanges, which are written in RDF, as requests and what they expect.

Rule: reads; sends nothing.

See https://github.com/w3c/rdf-tests/tree/main/sparql/sparql11
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pyoxigraph as ox

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
_HT = "http://www.w3.org/2011/http#"
_CNT = "http://www.w3.org/2011/content#"
_UT = "http://www.w3.org/2009/sparql/tests/test-update#"
_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
_STATUSES = {
    "StatusCode2xx": range(200, 300),
    "StatusCode3xx": range(300, 400),
    "StatusCode4xx": range(400, 500),
    "OK": range(200, 201),
    "Created": range(201, 202),
    "NoContent": range(204, 205),
    "NotFound": range(404, 405),
}
_TABULAR = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}


@dataclass(frozen=True)
class Request:
    """One request and what its answer must be; `expected_graph` is Turtle."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    statuses: tuple[int, ...]
    expected_boolean: bool | None
    expected_format: str | None
    expected_type: str | None
    expected_graph: str | None


@dataclass(frozen=True)
class Entry:
    """One test: its requests in order, and the graphs it wants, by IRI, as N-Triples."""

    name: str
    requests: tuple[Request, ...]
    graphs: dict[str, bytes]


@cache
def _files(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {
            member.name.partition("sparql11/")[2]: opened.read()
            for member in tar
            if "sparql11/" in member.name and (opened := tar.extractfile(member)) is not None
        }


@cache
def entries(archive: Path, path: str) -> dict[str, Entry]:
    """The tests of a manifest, by the last part of their IRIs."""
    files = _files(archive)
    reader = _Reader(files[path])
    [listed] = reader.values(None, _MF + "entries")
    found = {}
    for entry in reader.items(listed):
        name = str(entry.value).rpartition("#")[2]
        requests = tuple(
            reader.request(request)
            for action in reader.values(entry, _MF + "action")
            for several in reader.values(action, _HT + "requests")
            for request in reader.items(several)
        )
        folder = path.rpartition("/")[0]
        graphs = {
            reader.text(given, _LABEL): files[f"{folder}/{reader.name(given, _UT + 'graph')}"]
            for given in reader.values(entry, _UT + "graphData")
        }
        found[name] = Entry(name, requests, graphs)
    return found


class _Reader:
    """A manifest as a graph."""

    def __init__(self, turtle: bytes) -> None:
        self._store = ox.Store()
        self._store.load(turtle, format=ox.RdfFormat.TURTLE, base_iri="file:///")

    def values(self, subject: object, predicate: str) -> list[ox.NamedNode]:
        """The objects; None as subject: of any."""
        quads = self._store.quads_for_pattern(subject, ox.NamedNode(predicate), None)  # type: ignore[arg-type]
        return [quad.object for quad in quads]  # type: ignore[misc]

    def items(self, listed: ox.NamedNode) -> Iterator[ox.NamedNode]:
        """The items of an RDF list."""
        while not listed.value.endswith("#nil"):
            [item] = self.values(listed, _RDF + "first")
            yield item
            [listed] = self.values(listed, _RDF + "rest")

    def optional(self, subject: object, predicate: str) -> str | None:
        """The value, if there is one."""
        found = self.values(subject, predicate)
        return found[0].value if found else None

    def text(self, subject: object, predicate: str) -> str:
        """The value."""
        [found] = self.values(subject, predicate)
        return found.value

    def name(self, subject: object, predicate: str) -> str:
        """The last part of an IRI."""
        return self.text(subject, predicate).rpartition("/")[2]

    def headers(self, subject: object) -> dict[str, str]:
        """Header fields of a request or a response."""
        return {
            self.text(header, _HT + "fieldName"): self.text(header, _HT + "fieldValue")
            for several in self.values(subject, _HT + "headers")
            for header in self.items(several)
        }

    def body(self, subject: object) -> str | None:
        """The body of a request or a response, and None if it has none."""
        found = self.values(subject, _HT + "body")
        return self.text(found[0], _CNT + "chars") if found else None

    def request(self, request: ox.NamedNode) -> Request:
        """A request with its response."""
        [response] = self.values(request, _HT + "resp")
        bodies = self.values(request, _HT + "body")
        encoding = self.text(bodies[0], _CNT + "characterEncoding") if bodies else "utf-8"
        boolean = self.optional(response, _MF + "expectedBoolean")
        return Request(
            method=self.text(request, _HT + "methodName"),
            path=self.text(request, _HT + "absolutePath"),
            headers=self.headers(request),
            body=(self.body(request) or "").encode(encoding),
            statuses=tuple(
                status
                for term in self.values(response, _MF + "expectedStatus")
                for status in _STATUSES[term.value.rpartition("#")[2]]
            ),
            expected_boolean=None if boolean is None else boolean == "true",
            expected_format=self.optional(response, _MF + "expectedFormat"),
            expected_type=self.headers(response).get("content-type"),
            expected_graph=self.body(response),
        )


def meets(request: Request, answer: httpx.Response) -> None:
    """Assert that an answer is what the manifest expects."""
    assert answer.status_code in request.statuses, answer.text
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if request.expected_format == "boolean":
        found = ox.parse_query_results(answer.content, format=_TABULAR[media_type])
        assert isinstance(found, ox.QueryBoolean)
        assert request.expected_boolean in (None, bool(found))
    elif request.expected_format == "tabular":
        rows = ox.parse_query_results(answer.content, format=_TABULAR[media_type])
        assert isinstance(rows, ox.QuerySolutions)
        list(rows)
    elif request.expected_format == "RDF":
        form = ox.RdfFormat.from_media_type(media_type)
        assert form is not None, media_type
        list(ox.parse(answer.content, format=form))
    if request.expected_type is not None:
        assert answer.headers["content-type"] == request.expected_type
    if request.expected_graph is not None and request.method != "HEAD":
        assert canonical(answer.text) == canonical(request.expected_graph)


def canonical(turtle: str) -> str:
    """A graph in a form that does not depend on the names of its blank nodes."""
    graph = ox.Dataset(ox.parse(turtle, format=ox.RdfFormat.TURTLE))
    graph.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return "\n".join(sorted(map(str, graph)))
