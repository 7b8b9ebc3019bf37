"""A dataset as JSON-LD that people read: short names, plain values, one node on a line.

Rule: the context is made from the data, so that every value is written the shortest way that
still means the same; the same quads give the same bytes.

See https://www.w3.org/TR/json-ld11/#the-context
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyoxigraph as ox

from rokgraph.vocab import RDF_TYPE

_XSD = "http://www.w3.org/2001/XMLSchema#"
_STRING = ox.NamedNode(_XSD + "string")
_BOOLEANS = {"true": True, "false": False}
_EXACT = 2**53  # whole numbers below it are kept by every JSON reader
# https://www.w3.org/TR/json-ld11/#compact-iris: an IRI that ends in one of these can be a prefix
_PREFIX_ENDS = tuple(":/?#[]@")

Json: TypeAlias = dict[str, Any]
_Subject: TypeAlias = ox.NamedNode | ox.BlankNode


def jsonld(quads: Iterable[ox.Quad], prefixes: dict[str, str]) -> tuple[bytes, bytes]:
    """The dataset with its context in it, and the context as a document of its own.

    Raises ValueError for a triple term, which JSON-LD cannot carry.
    """
    found = list(quads)
    context = _Context(found, prefixes)
    written = _line(context.document)
    graphs: dict[str, list[ox.Quad]] = defaultdict(list)
    for quad in found:
        default = isinstance(quad.graph_name, ox.DefaultGraph)
        graphs["" if default else context.shortened(quad.graph_name)].append(quad)
    parts = [_line(node) for node in context.nodes(graphs.pop("", []))]
    for name, of_graph in sorted(graphs.items()):
        nodes = ",\n".join(_line(node) for node in context.nodes(of_graph))
        parts.append(f'{{"@id":{_line(name)},"@graph":[\n{nodes}\n]}}')
    held = ",\n".join(parts)
    dataset = f'{{"@context":{written},\n"@graph":[\n{held}\n]}}\n'
    alone = json.dumps({"@context": context.document}, ensure_ascii=False, indent=1)
    return dataset.encode(), f"{alone}\n".encode()


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Term:
    """How the values of one property are written.

    `coercion` is `@id`, a datatype, `@language` or empty; `several`: always as an array.
    """

    name: str
    coercion: str
    several: bool


class _Context:
    """Short names and coercions, and nodes written by them."""

    def __init__(self, quads: list[ox.Quad], prefixes: dict[str, str]) -> None:
        spaces = ((prefix, space) for prefix, space in prefixes.items())
        self._spaces = sorted(
            ((space, prefix) for prefix, space in spaces if space.endswith(_PREFIX_ENDS)),
            key=lambda pair: (-len(pair[0]), pair),
        )
        kinds: dict[ox.NamedNode, set[str]] = defaultdict(set)
        counts: dict[tuple[object, object, object], set[object]] = defaultdict(set)
        for quad in quads:
            kinds[quad.predicate].add(_kind(quad.object))
            counts[quad.subject, quad.predicate, quad.graph_name].add(quad.object)
        several = {key[1] for key, objects in counts.items() if len(objects) > 1}
        self._terms = {
            predicate: _Term(
                self.shortened(predicate),
                next(iter(found)) if len(found) == 1 else "",
                predicate in several,
            )
            for predicate, found in kinds.items()
        }
        self.document = self._document()

    def _document(self) -> Json:
        """The context: prefixes, then each property whose values are all of one kind."""
        document: Json = {"@version": 1.1}
        document |= {prefix: space for space, prefix in sorted(self._spaces, key=lambda p: p[1])}
        terms = sorted(self._terms.items(), key=lambda pair: pair[1].name)
        for predicate, term in terms:
            definition: Json = {"@id": predicate.value}
            if term.coercion == "@language":
                definition["@container"] = "@language"
            elif term.coercion and term.coercion != _STRING.value:
                definition["@type"] = self._shortened(term.coercion)
            if term.several and term.coercion != "@language":
                definition["@container"] = "@set"
            if len(definition) > 1 and predicate != RDF_TYPE:
                document[term.name] = definition
        return document

    def shortened(self, node: object) -> str:
        """The short name of an IRI, the label of a blank node."""
        if isinstance(node, ox.BlankNode):
            return f"_:{node.value}"
        if isinstance(node, ox.NamedNode):
            return self._shortened(node.value)
        raise ValueError("JSON-LD cannot carry a triple term")

    def _shortened(self, iri: str) -> str:
        if iri.startswith("@"):
            return iri
        for space, prefix in self._spaces:
            rest = iri[len(space) :]
            if iri.startswith(space) and rest and not rest.startswith("//"):
                return f"{prefix}:{rest}"
        return iri

    def nodes(self, quads: list[ox.Quad]) -> list[Json]:
        """The node objects of one graph, by name."""
        facts: dict[_Subject, dict[ox.NamedNode, list[Any]]] = defaultdict(dict)
        for quad in sorted(quads, key=str):
            facts[quad.subject].setdefault(quad.predicate, []).append(quad.object)  # type: ignore[index]
        return [self._node(subject, facts[subject]) for subject in sorted(facts, key=str)]

    def _node(self, subject: _Subject, facts: dict[ox.NamedNode, list[Any]]) -> Json:
        node: Json = {"@id": self.shortened(subject)}
        types = facts.pop(RDF_TYPE, [])
        if types:
            node["@type"] = [self.shortened(each) for each in types]
        terms = ((self._terms[predicate], values) for predicate, values in facts.items())
        for term, values in sorted(terms, key=lambda pair: pair[0].name):
            node[term.name] = self._values(term, values)
        return node

    def _values(self, term: _Term, values: list[Any]) -> object:
        if term.coercion == "@language":
            by_language: dict[str, Any] = {}
            for value in values:
                by_language.setdefault(value.language, []).append(value.value)
            return {
                tag: texts[0] if len(texts) == 1 else texts for tag, texts in by_language.items()
            }
        written = [self._value(term, value) for value in values]
        return written if term.several else written[0]

    def _value(self, term: _Term, value: object) -> object:
        if not isinstance(value, ox.Literal):
            name = self.shortened(value)
            return name if term.coercion == "@id" else {"@id": name}
        if value.language:
            return {"@value": value.value, "@language": value.language}
        if value.datatype == _STRING:
            return value.value
        if term.coercion != value.datatype.value:
            return {"@value": value.value, "@type": self.shortened(value.datatype)}
        return _plain(value)


def _kind(value: object) -> str:
    """What a property's values have in common: `@id`, `@language`, or a datatype."""
    if not isinstance(value, ox.Literal):
        return "@id"
    return "@language" if value.language else value.datatype.value


def _plain(literal: ox.Literal) -> object:
    """A number or truth value of JSON where it is written as XML Schema would, else the text."""
    text, datatype = literal.value, literal.datatype.value
    if datatype == _XSD + "boolean":
        return _BOOLEANS.get(text, text)
    if datatype == _XSD + "integer" and text.removeprefix("-").isascii():
        digits = text.removeprefix("-").isdigit()
        if digits and str(int(text)) == text and abs(int(text)) < _EXACT:
            return int(text)
    return text
