"""One thing as a page tells of it: its facts, ordered as the shapes of pages say.

Rule: rows of saved queries go in, a `Resource` comes out; no RDF is read and no HTML written.

See https://www.w3.org/TR/shacl/#nonValidation for sh:name, sh:order and sh:group.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from rokgraph.curies import short_iri
from rokgraph.vocab import GRAPH, RDF_TYPE, RDFS_LABEL, SKOS_PREF_LABEL

# A solution as SPARQL's JSON writes it: variable to type, value, language, datatype.
Solution: TypeAlias = dict[str, dict[str, str]]

_INFERRED = GRAPH + "inferred"
_TITLE = "http://purl.org/dc/terms/title"
NAMING = (RDFS_LABEL.value, SKOS_PREF_LABEL.value, _TITLE)
_LAST = float("inf")


@dataclass(frozen=True, slots=True)
class Name:
    """A name in English or, lacking that, whatever there is; `korean` is empty if there is none.

    `language` is the tag of `text`, empty where it has none.
    """

    text: str
    language: str = ""
    korean: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a page shows a property: under which heading, at which place, by which name."""

    name: Name
    group: Name
    place: tuple[float, float]


_MORE = Name("More", "en", "그 밖의 것")
_UNNAMED = Name("without a name", "en", "이름 없음")
NAMED_BY = Name("What points here", "en", "이것을 가리키는 것")


@dataclass(slots=True)
class Fact:
    """The other end of a statement. `iri` is None for a literal or a blank node.

    `start` and `end` are code points of `source`, for a passage; `graphs` are the IRIs of the
    named graphs that hold the statement.
    """

    iri: str | None
    name: Name
    graphs: list[str] = field(default_factory=list)
    number: str = ""
    datatype: str = ""
    start: str = ""
    end: str = ""
    source: str = ""
    ordinal: float = _LAST

    @property
    def rank(self) -> tuple[float, float, str]:
        """Its place among its like: by ordinal, by position in the text, by name."""
        start = float(self.start) if self.start else _LAST
        return self.ordinal, start, self.name.text.casefold()


@dataclass(slots=True)
class Property:
    """A property of a thing, or of others that point at it, with all its facts."""

    iri: str
    inverse: bool
    shown: Shown
    facts: list[Fact]


@dataclass(slots=True)
class Group:
    """Properties under one heading."""

    name: Name
    properties: list[Property]


@dataclass(slots=True)
class Resource:
    """One thing: its IRI, name and short name, its classes (stated before inferred), its facts."""

    iri: str
    name: Name
    short: str
    classes: list[Fact]
    groups: list[Group]

    def parts(self) -> list[str]:
        """The IRIs, each once, of what it points at by its own IRI and a hash."""
        ends = (
            fact.iri
            for group in self.groups
            for one in group.properties
            if not one.inverse
            for fact in one.facts
        )
        return [*dict.fromkeys(iri for iri in ends if iri and iri.startswith(self.iri + "#"))]


@dataclass(frozen=True, slots=True)
class Entry:
    """A term of a vocabulary: its IRI, its name, what it means (None if that is not said)."""

    iri: str
    name: Name
    note: Name | None


class Terms:
    """How properties are shown and called, and the short names of IRIs."""

    def __init__(
        self, shown: Iterable[Solution], names: Iterable[Solution], prefixes: Mapping[str, str]
    ) -> None:
        """Take the rows of shown-properties.rq and term-names.rq, and prefixes by prefix."""
        self._prefixes = prefixes
        labels: dict[str, list[dict[str, str]]] = {}
        for row in names:
            labels.setdefault(row["term"]["value"], []).append(row["label"])
        self._names = {term: _name(found) for term, found in labels.items()}
        self._shown = _all_shown(shown)

    def short(self, iri: str) -> str:
        """The IRI with a prefix if there is one for it, else the whole of it."""
        return short_iri(iri, self._prefixes)

    def called(self, iri: str) -> Name:
        """The label of a class, property or graph; else its short name."""
        return self._names.get(iri) or Name(self.short(iri))

    def shown(self, iri: str, *, inverse: bool) -> Shown:
        """Where a page shows the property: as the shapes say, else after all those."""
        found = self._shown.get((iri, inverse))
        if found is not None:
            return found
        group, place = (NAMED_BY, 1.0) if inverse else (_MORE, 0.0)
        return Shown(self.called(iri), group, (_LAST, place))

    def resource(self, iri: str, rows: Iterable[Solution]) -> Resource:
        """The thing of which these are the rows of facts.rq."""
        properties = _by_property(rows, self)
        label = Name(self.short(iri))
        for naming in reversed(NAMING):
            if found := properties.get((naming, False)):
                label = _preferred([fact.name for fact in found.values()])
        types = properties.pop((RDF_TYPE.value, False), {})
        groups: dict[Name, list[Property]] = {}
        listed = [
            Property(name, inverse, self.shown(name, inverse=inverse), _sorted(facts))
            for (name, inverse), facts in properties.items()
        ]
        listed.sort(key=lambda one: (one.shown.place, one.shown.name.text.casefold(), one.iri))
        for one in listed:
            groups.setdefault(one.shown.group, []).append(one)
        return Resource(
            iri,
            label,
            self.short(iri),
            sorted(types.values(), key=lambda fact: (fact.graphs == [_INFERRED], fact.name.text)),
            [Group(name, found) for name, found in groups.items()],
        )

    def entries(self, rows: Iterable[Solution]) -> list[Entry]:
        """The terms, by IRI, of which these are the rows of terms-of-document.rq."""
        found: dict[str, list[Solution]] = {}
        for row in rows:
            found.setdefault(row["term"]["value"], []).append(row)
        entries = []
        for iri in sorted(found):
            labels = [row["label"] for row in found[iri] if "label" in row]
            notes = [row["note"] for row in found[iri] if "note" in row]
            name = _name(labels) if labels else Name(self.short(iri))
            entries.append(Entry(iri, name, _name(notes) if notes else None))
        return entries


def _all_shown(rows: Iterable[Solution]) -> dict[tuple[str, bool], Shown]:
    found: dict[tuple[str, bool], list[Solution]] = {}
    for row in rows:
        key = row["property"]["value"], row["inverse"]["value"] == "true"
        found.setdefault(key, []).append(row)
    return {
        key: Shown(
            _name([row["name"] for row in rows]),
            _name([row["groupName"] for row in rows]),
            (float(rows[0]["groupOrder"]["value"]), float(rows[0]["order"]["value"])),
        )
        for key, rows in found.items()
    }


# Type, value, language and datatype of a term.
_Term: TypeAlias = tuple[str, str, str, str]
_Facts: TypeAlias = dict[_Term, Fact]


def _by_property(rows: Iterable[Solution], terms: Terms) -> dict[tuple[str, bool], _Facts]:
    """The facts of each property and direction; one fact has many rows."""
    found: dict[tuple[str, bool], _Facts] = {}
    labels: dict[_Term, list[dict[str, str]]] = {}
    for row in rows:
        value = row["value"]
        term = (value["type"], value["value"], value.get("xml:lang", ""), value.get("datatype", ""))
        facts = found.setdefault((row["property"]["value"], "inverse" in row), {})
        if term not in facts:
            facts[term] = _fact(row)
            if term[3]:
                facts[term].datatype = terms.short(term[3])
        graph = row.get("graph", {}).get("value")
        if graph and graph not in facts[term].graphs:
            facts[term].graphs.append(graph)
        if "label" in row:
            labels.setdefault(term, []).append(row["label"])
    for facts in found.values():
        for term, fact in facts.items():
            if term in labels:
                fact.name = _name(labels[term])
            elif fact.iri is not None:
                fact.name = terms.called(fact.iri)
    return found


def _fact(row: Solution) -> Fact:
    """The fact of a row; how an IRI is called is seen when all rows are."""
    value = row["value"]
    if value["type"] == "literal":
        return Fact(None, Name(value["value"], value.get("xml:lang", "")))
    fact = Fact(value["value"] if value["type"] == "uri" else None, _UNNAMED)
    fact.number, fact.source = _value(row, "number"), _value(row, "source")
    fact.start, fact.end = _value(row, "start"), _value(row, "end")
    if "ordinal" in row:
        fact.ordinal = float(row["ordinal"]["value"])
    return fact


def _value(row: Solution, variable: str) -> str:
    return row[variable]["value"] if variable in row else ""


def _sorted(facts: _Facts) -> list[Fact]:
    return sorted(facts.values(), key=lambda fact: fact.rank)


def _name(labels: Iterable[dict[str, str]]) -> Name:
    """The name that labels give; there is at least one."""
    return _preferred([Name(label["value"], label.get("xml:lang", "")) for label in labels])


def _preferred(names: list[Name]) -> Name:
    """Of names in several languages the English one, with the Korean one beside it."""
    by_language = {name.language.partition("-")[0]: name.text for name in reversed(names)}
    korean = by_language.get("ko", "")
    for language in ("en", "", "ko"):
        if language in by_language:
            beside = korean if language != "ko" else ""
            return Name(by_language[language], language, beside)
    return names[0]
