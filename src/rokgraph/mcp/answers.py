"""What the tools answer with: short for a model to read, and unambiguous.

Rule: every answer carries the digest and the version of the dataset that it came from.
"""

import json
from typing import Any, TypeAlias

from pydantic import BaseModel, Field

from rokgraph.curies import short_iri

Cell: TypeAlias = str | int | float | bool | dict[str, str] | None

_XSD = "http://www.w3.org/2001/XMLSchema#"
_NUMBERS = {_XSD + name for name in ("integer", "decimal", "double", "float")}
_BOOLEAN = _XSD + "boolean"
_STRING = _XSD + "string"


class Stamped(BaseModel):
    """The part that all answers share."""

    dataset: str = Field(description="Digest of the dataset, sha256:…")
    version: str | None = Field(description="Version of the dataset, by date")


class Origin(BaseModel):
    """A graph and how its facts came about."""

    graph: str = Field(description="The graph, as a CURIE")
    basis: str = Field(
        description="stated (by the release), reading (ours), confirmed by others, later "
        "(learned after the release), inferred, match, definition, rule, about the dataset"
    )


class Question(BaseModel):
    """A saved question."""

    name: str
    title: str
    description: str
    tags: list[str]
    parameters: dict[str, dict[str, Any]]


class Questions(Stamped):
    """The saved questions."""

    questions: list[Question]


class Table(Stamped):
    """The answer of a query: rows, or a truth value, or triples."""

    columns: list[str] = Field(default=[], description="Names of the columns")
    rows: list[list[Cell]] = Field(
        default=[],
        description="Cells: numbers, truth values and plain texts as they are; {iri: CURIE}; "
        "{text, language}; {value, datatype}; null where there is no value",
    )
    total: int = Field(default=0, description="Number of rows of the whole answer")
    truncated: bool = Field(default=False, description="Whether rows were left off")
    boolean: bool | None = Field(default=None, description="Answer of an ASK query")
    turtle: str | None = Field(default=None, description="Answer of a CONSTRUCT or DESCRIBE query")
    graphs: list[Origin] | None = Field(
        default=None,
        description="The graphs without which the answer would be another one; null: not known",
    )
    prefixes: dict[str, str] = Field(default={}, description="Namespaces of the CURIEs")


class Fact(BaseModel):
    """A statement about the node, or, if `inverse`, one that points at it."""

    property: str
    value: Cell
    name: str | None = Field(description="English name of the value")
    inverse: bool
    origin: Origin | None


class Description(Stamped):
    """What is said of a node."""

    iri: str
    curie: str
    facts: list[Fact]
    total: int = Field(description="Number of facts, those left off included")
    truncated: bool
    prefixes: dict[str, str]


class Found(BaseModel):
    """Something that a search found."""

    iri: str
    curie: str
    labels: dict[str, str] = Field(description="Name by language")
    types: list[str]
    matched: str = Field(description="The text that matched")
    score: float = Field(description="From 0 to 100")


class Search(Stamped):
    """What a search found, the best first."""

    hits: list[Found]
    total: int


class Span(BaseModel):
    """A span of the release."""

    role: str
    start: int = Field(description="First code point, from 0")
    end: int = Field(description="Code point after the last")
    sha256: str = Field(description="SHA-256 of the UTF-8 bytes of the span")
    source_sha256: str = Field(description="SHA-256 of the text that the positions count in")


class Ground(BaseModel):
    """Why something is said that the release does not state."""

    kind: str
    property: str | None
    value: Cell
    why: str
    source: str | None
    confidence: str | None
    origin: Origin | None


class Citation(Stamped):
    """What supports a node: spans of the release, and grounds for what is not in it."""

    iri: str
    spans: list[Span]
    grounds: list[Ground]
    note: str


class Results:
    """The results of a query in SPARQL's JSON, read.

    See https://www.w3.org/TR/sparql11-results-json/
    """

    def __init__(self, body: bytes) -> None:
        """Parse the body."""
        values = json.loads(body)
        self.boolean: bool | None = values.get("boolean")
        self.columns: list[str] = values["head"].get("vars", [])
        self.bindings: list[dict[str, Any]] = values.get("results", {}).get("bindings", [])

    def texts(self) -> list[dict[str, str]]:
        """The rows as bare values; what has no value is left out."""
        return [{name: str(term["value"]) for name, term in row.items()} for row in self.bindings]


class Writer:
    """Cells with short names of IRIs; remembers which prefixes it used."""

    def __init__(self, prefixes: dict[str, str]) -> None:
        """Take the dataset's prefixes."""
        self._prefixes = prefixes
        self.used: dict[str, str] = {}

    def short(self, iri: str) -> str:
        """The CURIE of an IRI, or the IRI."""
        short = short_iri(iri, self._prefixes)
        if short != iri:
            prefix = short.partition(":")[0]
            self.used[prefix] = self._prefixes[prefix]
        return short

    def cell(self, term: dict[str, Any] | None) -> Cell:
        """A term of SPARQL's JSON as a cell."""
        if term is None:
            return None
        value = term["value"]
        if term["type"] == "uri":
            return {"iri": self.short(value)}
        if term["type"] != "literal":  # a blank node or a triple term
            told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            return {term["type"]: told}
        if "xml:lang" in term:
            return {"text": value, "language": term["xml:lang"]}
        datatype = term.get("datatype", _STRING)
        if datatype == _STRING:
            return str(value)
        plain = _plain(value, datatype)
        return {"value": value, "datatype": self.short(datatype)} if plain is None else plain


def _plain(value: str, datatype: str) -> int | float | bool | None:
    """A number or truth value as JSON has it; None where JSON cannot say it as it is."""
    if datatype == _BOOLEAN and value in ("true", "false"):
        return value == "true"
    if datatype in _NUMBERS:
        try:
            number = json.loads(value, parse_constant=str)
        except ValueError:
            return None
        return number if isinstance(number, int | float) and not isinstance(number, bool) else None
    return None
