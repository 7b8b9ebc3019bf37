"""The terms of an answer as cells of a table for people.

Rule: a term in, what a page shows of it out; nothing is left out, rounded or counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias

from rokgraph.curies import short_iri
from rokgraph.web.signposting import local

_XSD = "http://www.w3.org/2001/XMLSchema#"
_NUMBERS = {
    _XSD + name
    for name in (
        "integer", "decimal", "double", "float", "int", "long", "short", "byte",
        "nonNegativeInteger", "positiveInteger", "unsignedInt", "unsignedLong",
    )
}  # fmt: skip
_DAYS = {_XSD + name for name in ("date", "gYear", "gYearMonth")}


class Name(NamedTuple):
    """What a thing is called; `kind` is class, property or thing, a name that lacks is empty."""

    kind: str
    en: str
    ko: str


Names: TypeAlias = Mapping[str, Name]
# A term as SPARQL's JSON writes it.
Solution: TypeAlias = Mapping[str, Mapping[str, str]]


class Cell(NamedTuple):
    """What a page shows of a term.

    `kind` is thing, number, day, blank or text; `lang` is the language of a text, empty for none;
    `name` and `short`, a CURIE or the IRI, are of things; `address` is where a link on a thing
    leads, empty for nowhere.
    """

    kind: str
    value: str
    lang: str = ""
    name: Name | None = None
    short: str = ""
    address: str = ""

    def told(self, language: str) -> str:
        """The words of it in that language, else in the other one, else its bare value."""
        if self.name is None:
            return self.short or self.value
        return getattr(self.name, language) or self.name.en or self.name.ko or self.short


Cells: TypeAlias = dict[str, Cell]


def cells(solutions: Iterable[Solution], names: Names, prefixes: Mapping[str, str]) -> list[Cells]:
    """The cells of solutions, by variable; what is not bound has none."""

    @cache
    def thing(iri: str) -> Cell:
        short = short_iri(iri, prefixes)
        return Cell("thing", iri, name=names.get(iri), short=short, address=local(iri))

    def cell(term: Mapping[str, str]) -> Cell:
        if term["type"] == "uri":
            return thing(term["value"])
        if term["type"] == "bnode":
            return Cell("blank", "_:" + term["value"])
        datatype = term.get("datatype", "")
        kind = "number" if datatype in _NUMBERS else "day" if datatype in _DAYS else "text"
        # of a quoted triple the value is no text
        return Cell(kind, str(term["value"]), term.get("xml:lang", ""))

    return [{name: cell(term) for name, term in row.items()} for row in solutions]


def telling(variables: Sequence[str], rows: Sequence[Cells]) -> list[str]:
    """The variables without those that only repeat what a thing of the same row is called."""
    return [name for name in variables if not _repeats(name, rows)]


def _repeats(name: str, rows: Sequence[Cells]) -> bool:
    filled = [row for row in rows if name in row]
    return bool(filled) and all(
        row[name].kind == "text"
        and any(row[name].value in one.name[1:] for one in row.values() if one.name is not None)
        for row in filled
    )
