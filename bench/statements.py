"""N-Triples in pieces: terms as text, facts about a node as lines.

Rule: knows how a triple is written, not what it says. See https://www.w3.org/TR/n-triples/
"""

from functools import cache
from typing import NamedTuple

_BASE = "https://w3id.org/rokgraph/"
_SPACES = {
    "dcterms": "http://purl.org/dc/terms/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "oa": "http://www.w3.org/ns/oa#",
    "org": "http://www.w3.org/ns/org#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "rok": f"{_BASE}ont#",
    "schema": "https://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "time": "http://www.w3.org/2006/time#",
    "unit": "http://qudt.org/vocab/unit/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

Fact = tuple[str, str]


class Block(NamedTuple):
    """Lines that belong together, the node they are about, and its class by local name or ""."""

    kind: str
    node: str
    lines: list[str]


@cache
def iri(short: str) -> str:
    """The IRI that `rok:Task` and the like are short for."""
    prefix, _, name = short.partition(":")
    return f"<{_SPACES[prefix]}{name}>"


def thing(kind: str, key: object) -> str:
    """A thing of ours."""
    return f"<{_BASE}id/{kind}/{key}>"


def concept(scheme: str, key: str) -> str:
    """A concept of ours."""
    return f"<{_BASE}def/{scheme}/{key}>"


def scheme_of(name: str) -> str:
    """A concept scheme of ours."""
    return f"<{_BASE}def/{name}>"


def text(value: str) -> str:
    """A plain string; it needs no escapes."""
    return f'"{value}"'


def typed(value: object, datatype: str) -> str:
    """A literal of a datatype of XML Schema; it needs no escapes."""
    return f'"{value}"^^<{_SPACES["xsd"]}{datatype}>'


def a(short: str) -> Fact:
    """The class of a node."""
    return "rdf:type", iri(short)


def names(english: str, korean: str, name: str = "rdfs:label") -> tuple[Fact, Fact]:
    """The names of a node in both languages."""
    return (name, f'"{english}"@en'), (name, f'"{korean}"@ko')


def facts(node: str, *pairs: Fact) -> list[str]:
    """A line for each property, by its short name, and value of a node."""
    return [f"{node} {iri(name)} {value} .\n" for name, value in pairs]
