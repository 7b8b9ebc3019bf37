"""The service description: what the endpoint is and does, from the very tables that serve.

Rule: promises nothing that is not looked up in a table or counted in the snapshot.

See https://www.w3.org/TR/sparql11-service-description/
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import cast

import pyoxigraph as ox

from rokgraph import formats
from rokgraph.snapshot import Summary
from rokgraph.vocab import RDF_TYPE

SD = "http://www.w3.org/ns/sparql-service-description#"
VOID = "http://rdfs.org/ns/void#"
_XSD_INTEGER = ox.NamedNode("http://www.w3.org/2001/XMLSchema#integer")
_PREFIXES = {"sd": SD, "void": VOID, "formats": "http://www.w3.org/ns/formats/"}


def service_description(summary: Summary, endpoint: str, form: str) -> bytes:
    """The description of the endpoint at that URL, in the graph format of that short name."""
    found = formats.graph_format(form) or formats.GRAPH_FORMATS[0]
    return _written(_key(summary), endpoint, cast("ox.RdfFormat", found.native))


def _key(summary: Summary) -> tuple[tuple[tuple[str, int], ...], bool]:
    return tuple(summary.graphs.items()), summary.union


@lru_cache(maxsize=64)
def _written(
    dataset: tuple[tuple[tuple[str, int], ...], bool], endpoint: str, form: ox.RdfFormat
) -> bytes:
    triples = list(_triples(dict(dataset[0]), dataset[1], endpoint))
    return ox.serialize(triples, format=form, prefixes=_PREFIXES) or b""


def _triples(graphs: dict[str, int], union: bool, endpoint: str) -> Iterator[ox.Triple]:
    service = ox.NamedNode(endpoint)
    dataset = ox.NamedNode(endpoint + "#dataset")
    default = ox.NamedNode(endpoint + "#default-graph")
    yield ox.Triple(service, RDF_TYPE, _sd("Service"))
    yield ox.Triple(service, _sd("endpoint"), service)
    for language in ("SPARQL10Query", "SPARQL11Query"):
        yield ox.Triple(service, _sd("supportedLanguage"), _sd(language))
    if union:
        yield ox.Triple(service, _sd("feature"), _sd("UnionDefaultGraph"))
    for entry in (*formats.RESULT_FORMATS, *formats.GRAPH_FORMATS, *formats.DATASET_FORMATS):
        yield ox.Triple(service, _sd("resultFormat"), ox.NamedNode(format_iri(entry.native.iri)))
    yield ox.Triple(service, _sd("defaultDataset"), dataset)
    yield ox.Triple(dataset, RDF_TYPE, _sd("Dataset"))
    yield ox.Triple(dataset, _sd("defaultGraph"), default)
    yield ox.Triple(default, RDF_TYPE, _sd("Graph"))
    # with the union, each triple counts once for each graph that it stands in; ours stand in one
    own = sum(graphs.values()) if union else graphs.get("", 0)
    yield ox.Triple(default, ox.NamedNode(VOID + "triples"), _count(own))
    for number, (iri, size) in enumerate(graphs.items(), 1):
        if not iri:
            continue
        named = ox.NamedNode(f"{endpoint}#named-graph-{number}")
        graph = ox.NamedNode(f"{endpoint}#graph-{number}")
        yield ox.Triple(dataset, _sd("namedGraph"), named)
        yield ox.Triple(named, RDF_TYPE, _sd("NamedGraph"))
        yield ox.Triple(named, _sd("name"), ox.NamedNode(iri))
        yield ox.Triple(named, _sd("graph"), graph)
        yield ox.Triple(graph, RDF_TYPE, _sd("Graph"))
        yield ox.Triple(graph, ox.NamedNode(VOID + "triples"), _count(size))


def format_iri(iri: str) -> str:
    """The IRI in W3C's list of formats; the engine has an address of its own for JSON-LD.

    See https://www.w3.org/ns/formats/
    """
    return iri.replace("https://www.w3.org/ns/formats/data/", "http://www.w3.org/ns/formats/")


def _sd(name: str) -> ox.NamedNode:
    return ox.NamedNode(SD + name)


def _count(number: int) -> ox.Literal:
    return ox.Literal(str(number), datatype=_XSD_INTEGER)
