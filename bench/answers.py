"""Answers of any server in one form, so that they can be compared.

Rule: what may differ between right answers is listed in `DIFFERENCES`; anything else is wrong.

Rows are a multiset, graphs are compared up to the names of blank nodes (RDFC-1.0).
See https://www.w3.org/TR/sparql11-results-json/ and https://www.w3.org/TR/rdf-canon/
"""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeAlias

import pyoxigraph as ox

DIFFERENCES = (
    "numbers are equal by value: 1, 1.0 and 1e0; the datatype may be another numeric one",
    "booleans are equal by value: true and 1",
    "a string with the datatype xsd:string is one without",
    "language tags differ in no case of letters",
    "`typed-literal` in JSON is `literal`, as Virtuoso writes it",
    "names of blank nodes do not count",
    "DESCRIBE holds at least the triples with the thing as subject; a server may tell more",
    "GROUP_CONCAT joins in any order; it is a plain string, to Oxigraph one in a language",
    "rdflib-endpoint answers DESCRIBE in RDF/XML under the name of another media type",
)
RESULTS = "application/sparql-results+json"
TRIPLES = "application/n-triples"

_XSD = "http://www.w3.org/2001/XMLSchema#"
_STRINGS = {"", f"{_XSD}string", "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"}
_EXACT = {"integer", "decimal", "int", "long", "short", "byte", "nonNegativeInteger"}
_EXACT |= {"positiveInteger", "unsignedInt", "unsignedLong", "negativeInteger"}

Term: TypeAlias = tuple[str, ...]
Row: TypeAlias = tuple[tuple[str, Term], ...]
Triple: TypeAlias = tuple[Term, ...]


class Unreadable(Exception):
    """An answer that is in no form that was asked for."""


@dataclass(frozen=True)
class Answer:
    """What a query was answered with: rows, yes or no, or triples."""

    rows: Counter[Row] | None = None
    columns: frozenset[str] = frozenset()
    boolean: bool | None = None
    triples: frozenset[Triple] | None = None

    @property
    def size(self) -> int:
        """Rows or triples; 1 or 0 for yes and no."""
        if self.rows is not None:
            return self.rows.total()
        return int(bool(self.boolean)) if self.triples is None else len(self.triples)


def read(body: bytes, media_type: str) -> Answer:
    """The answer that a body holds.

    Raises Unreadable for a media type or a body that cannot be read.
    """
    try:
        if media_type == RESULTS:
            return _results(json.loads(body))
        if b"<rdf:RDF" in body[:500]:
            return _graph(body, ox.RdfFormat.RDF_XML)
        form = ox.RdfFormat.from_media_type(media_type)
        if form is None:
            raise Unreadable(f"{media_type or 'no media type'}: {body[:200]!r}")
        return _graph(body, form)
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise Unreadable(f"{media_type}: {error}") from None


def difference(
    expected: Answer, got: Answer, *, described: bool = False, joined: bool = False
) -> str:
    """What is wrong with an answer, in words; "" if it is right.

    `described`: of a DESCRIBE, which may tell more. `joined`: with GROUP_CONCAT, so that texts are
    equal if they have the same characters.
    """
    if expected.boolean is not None or got.boolean is not None:
        told = f"{got.boolean} instead of {expected.boolean}"
        return "" if expected.boolean == got.boolean else told
    if expected.rows is not None and got.rows is not None:
        if expected.columns != got.columns:
            return f"columns {sorted(got.columns)} instead of {sorted(expected.columns)}"
        ours, theirs = (
            (_loose(expected.rows), _loose(got.rows)) if joined else (expected.rows, got.rows)
        )
        return _counted(ours - theirs, theirs - ours, "rows")
    if expected.triples is not None and got.triples is not None:
        more = Counter() if described else Counter(got.triples - expected.triples)
        return _counted(Counter(expected.triples - got.triples), more, "triples")
    return "another kind of answer"


def _loose(rows: Counter[Row]) -> Counter[Row]:
    """Rows whose texts have no language, and their characters in order."""
    found: Counter[Row] = Counter()
    for row, count in rows.items():
        found[tuple((name, _sorted(value)) for name, value in row)] += count
    return found


def _sorted(value: Term) -> Term:
    return ("text", "".join(sorted(value[1]))) if value[0] == "text" else value


def _counted(missing: Counter[Any], more: Counter[Any], noun: str) -> str:
    if not missing and not more:
        return ""
    example = next(iter(missing or more))
    counts = f"{missing.total()} {noun} missing, {more.total()} too many"
    return f"{counts}, such as {example!s:.200}"


def _results(content: dict[str, Any]) -> Answer:
    if "boolean" in content:
        return Answer(boolean=bool(content["boolean"]))
    columns = frozenset(content["head"]["vars"])
    rows: Counter[Row] = Counter(
        tuple(sorted((name, _of_json(value)) for name, value in row.items()))
        for row in content["results"]["bindings"]
    )
    return Answer(rows=rows, columns=columns)


def _of_json(value: dict[str, str]) -> Term:
    if value["type"] == "uri":
        return ("iri", value["value"])
    if value["type"] == "bnode":
        return ("blank",)
    return literal(value["value"], value.get("datatype", ""), value.get("xml:lang", ""))


@lru_cache(maxsize=100_000)
def literal(text: str, datatype: str = "", language: str = "") -> Term:
    """A literal in the form in which equal ones are the same."""
    if language:
        return ("text", text, language.lower())
    if datatype in _STRINGS:
        return ("text", text)
    name = datatype.removeprefix(_XSD)
    try:
        if name in _EXACT:
            return ("number", str(Decimal(text).normalize()))
        if name in ("double", "float"):
            return ("number", str(Decimal(repr(float(text))).normalize()))
    except (InvalidOperation, ValueError):
        return ("literal", text, datatype)
    if name == "boolean":
        return ("number", {"true": "1", "false": "0"}.get(text, text))
    return ("literal", text, datatype)


def _graph(body: bytes, form: ox.RdfFormat) -> Answer:
    quads = ox.Dataset(ox.parse(body, format=form))
    if b"_:" in body or b"[" in body or b"nodeID" in body:
        quads.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    triples = ((quad.subject, quad.predicate, quad.object) for quad in quads)
    return Answer(triples=frozenset(tuple(map(_of_term, triple)) for triple in triples))


def _of_term(term: Any) -> Term:
    if isinstance(term, ox.Literal):
        return literal(term.value, term.datatype.value, term.language or "")
    return ("iri" if isinstance(term, ox.NamedNode) else "blank", str(term))
