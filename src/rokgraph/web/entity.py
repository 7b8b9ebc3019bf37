"""The page of one thing, put together: its facts in blocks, each with where it comes from.

Rule: rows and a `Resource` go in, what a template walks comes out; nothing is asked here, no
number is made, and no HTML.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rokgraph.resource import NAMED_BY, NAMING, Fact, Name, Property, Resource, Shown
from rokgraph.vocab import CONFIDENCE, GRAPH, ONT, RDF_TYPE, RDFS_COMMENT
from rokgraph.web.graph_names import UNSTATED, graph_name
from rokgraph.web.signposting import local

_ALL, _FIRST = 12, 8  # longer lists than the one show as many as the other; the rest is folded
_SPANS = 3  # as many are shown beside a fact
_SOURCE, _INFERRED = GRAPH + "source", GRAPH + "inferred"
_DATED = (GRAPH + "outcomes", GRAPH + "legislation")  # graphs whose things say as of when
_HAS_TARGET = "http://www.w3.org/ns/oa#hasTarget"  # from a note on the text to what it is on
_AS_OF = ONT + "assertedAsOf"
# What leads to spans of the text has a block of its own.
_SPANNING = frozenset(
    ONT + name for name in ("citation", "passage", "mention", "headerCitation", "anchor")
)
_LEADING = (
    "http://purl.org/dc/terms/description",
    "http://www.w3.org/2004/02/skos/core#definition",
    RDFS_COMMENT.value,
)


class Texts(dict[str, str]):
    """One solution: variable to the text of its value; empty where it is not bound."""

    def __missing__(self, key: str) -> str:
        """A variable that is not bound has no text."""
        return ""


Rows: TypeAlias = Sequence[Texts]


@dataclass(frozen=True, slots=True)
class Chip:
    """A graph that holds a fact: what it is called on a page, where it leads.

    `inferred`: it holds what the text does not say but what follows from it or is read into it.
    """

    name: str
    address: str
    inferred: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A fact and where it comes from.

    `spans` state it; `notes` say why it stands here; `values` are the numbers of its other end;
    `own` is the row that has the confidence and the day of the thing itself.
    """

    fact: Fact
    chips: tuple[Chip, ...]
    spans: tuple[Texts, ...]
    notes: tuple[Texts, ...]
    values: tuple[Texts, ...]
    own: Texts

    @property
    def bare(self) -> bool:
        """Whether its other end has no name, but numbers or parts that tell what it is."""
        return bool(self.values) and not self.fact.name.language


@dataclass(frozen=True, slots=True)
class Line:
    """A property with its facts: the first ones, those that are folded, how many as a query says.

    `count` is empty where nobody counted.
    """

    property: Property
    count: str
    first: tuple[Told, ...]
    rest: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Lines under one heading."""

    name: Name
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """A thing as its page has it: names, classes, blocks, and what points at it beyond those.

    `lead` is what it says of itself in the reader's language, else in another; None if nothing.
    """

    thing: Resource
    names: tuple[Told, ...]
    kinds: tuple[Told, ...]
    lead: Name | None
    blocks: tuple[Block, ...]
    pointing: tuple[Line, ...]


@dataclass(slots=True)
class Grounds:
    """What facts rest on: the rows about one thing of the queries named like the fields."""

    spans: Rows = ()
    notes: Rows = ()
    links: Rows = ()
    values: Rows = ()
    _spans: Mapping[tuple[str, ...], list[Texts]] = field(init=False)
    _notes: Mapping[tuple[str, ...], list[Texts]] = field(init=False)
    _values: Mapping[tuple[str, ...], list[Texts]] = field(init=False)
    _counts: Mapping[tuple[str, str], str] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the rows by what they are about."""
        self._spans = _grouped(self.spans, "other")
        self._notes = _grouped(self.notes, "subject", "property", "object")
        self._values = _grouped(self.values, "other")
        self._counts = {(row["property"], row["inverse"]): row["n"] for row in self.links}

    def count(self, one: Property) -> str:
        """How many facts the property has, as a query counted them."""
        return self._counts.get((one.iri, "true" if one.inverse else "false"), "")

    def of(self, subject: str, value: str) -> tuple[Texts, ...]:
        """The spans that state a link: those of its object that stand within one of its subject.

        Else those of the subject: what is said of a thing is supported by what the thing cites.
        """
        own, others = self._spans.get((subject,), []), self._spans.get((value,), [])
        inside = [span for span in others if any(_within(span, outer) for outer in own)]
        return (*(inside or own)[:_SPANS],)

    def notes_on(self, subject: str, predicate: str, value: str) -> tuple[Texts, ...]:
        """The readings and attestations of a statement."""
        return (*self._notes.get((subject, predicate, value), ()),)

    def values_of(self, thing: str) -> tuple[Texts, ...]:
        """The numbers of a thing."""
        return (*self._values.get((thing,), ()),)


def described(thing: Resource, grounds: Grounds, language: str) -> Described:
    """The thing as its page has it, for a reader of that language."""
    telling = _Telling(thing, grounds, language)
    properties = [(group.name, one) for group in thing.groups for one in group.properties]
    naming = [one for _, one in properties if one.iri in NAMING and not one.inverse]
    lead, said = _lead(properties, language)
    blocks: dict[Name, list[Line]] = {}
    pointing = []
    for group, one in properties:
        if one in naming or (one.iri in _SPANNING and not one.inverse):
            continue
        line = telling.line(one, said)
        if group == NAMED_BY:
            pointing.append(line)
        elif line.first:
            blocks.setdefault(group, []).append(line)
    return Described(
        thing,
        tuple(_different(told for one in naming for told in telling.line(one).first)),
        telling.kinds(),
        lead,
        tuple(Block(name, (*lines,)) for name, lines in blocks.items()),
        (*pointing,),
    )


class _Telling:
    """Facts of one thing, told with their grounds."""

    def __init__(self, thing: Resource, grounds: Grounds, language: str) -> None:
        self._thing, self._grounds, self._language = thing, grounds, language
        facts = [
            (one, fact) for group in thing.groups for one in group.properties for fact in one.facts
        ]
        # other ends of what is stated, by direction: what is inferred back rests on the same
        self._stated = {
            (fact.iri, one.inverse) for one, fact in facts if fact.iri and _SOURCE in fact.graphs
        }
        self._is_note = any(kind.iri == ONT + "Discrepancy" for kind in thing.classes)
        self._own = Texts()
        for one, fact in facts:
            if not one.inverse and one.iri == CONFIDENCE.value:
                self._own |= _named(fact.name, "confidence")
            elif not one.inverse and one.iri == _AS_OF:
                self._own["asOf"] = fact.name.text

    def line(self, one: Property, said: Name | None = None) -> Line:
        """A property; `said` is shown elsewhere and left out."""
        facts = [fact for fact in one.facts if said is None or fact.name is not said]
        facts.sort(key=lambda fact: not fact.iri and fact.name.language not in ("", self._language))
        told = [self._told(one, fact) for fact in facts]
        first = len(told) if len(told) <= _ALL else _FIRST
        return Line(one, self._grounds.count(one), (*told[:first],), (*told[first:],))

    def kinds(self) -> tuple[Told, ...]:
        """The classes."""
        shown = Shown(Name(""), Name(""), (0, 0))
        return self.line(
            Property(RDF_TYPE.value, inverse=False, shown=shown, facts=self._thing.classes)
        ).first

    def _told(self, one: Property, fact: Fact) -> Told:
        value = fact.iri or fact.name.text
        ends = (value, self._thing.iri) if one.inverse else (self._thing.iri, value)
        spans: tuple[Texts, ...] = ()
        if _SOURCE in fact.graphs:
            spans = self._grounds.of(*ends)
        elif _INFERRED in fact.graphs and (fact.iri, not one.inverse) in self._stated:
            spans = self._grounds.of(*reversed(ends))
        note = self._is_note or (one.inverse and one.iri == _HAS_TARGET)
        dated = not one.inverse and any(graph in _DATED for graph in fact.graphs)
        return Told(
            fact,
            tuple(chip(graph, self._language, note=note) for graph in fact.graphs),
            () if fact.start else spans,
            self._grounds.notes_on(ends[0], one.iri, ends[1]),
            self._grounds.values_of(fact.iri) if fact.iri else (),
            self._own if dated and one.iri not in (CONFIDENCE.value, _AS_OF) else Texts(),
        )


def chip(graph: str, language: str, *, note: bool) -> Chip:
    """A graph as a page names it in short; `note`: it holds a note of ours on the text."""
    name = graph_name(graph, language, note=note)
    return Chip(name, local(graph), note or graph in UNSTATED)


def _grouped(rows: Rows, *columns: str) -> dict[tuple[str, ...], list[Texts]]:
    """The rows by what stands in some of their columns."""
    found: defaultdict[tuple[str, ...], list[Texts]] = defaultdict(list)
    for row in rows:
        found[tuple(row[column] for column in columns)].append(row)
    return dict(found)


def _within(inner: Texts, outer: Texts) -> bool:
    return int(outer["start"]) <= int(inner["start"]) and int(inner["end"]) <= int(outer["end"])


def _named(name: Name, stem: str) -> Texts:
    """A name as a row has it."""
    return Texts({f"{stem}En": name.text, f"{stem}Ko": name.korean})


def _lead(
    properties: Iterable[tuple[Name, Property]], language: str
) -> tuple[Name | None, Name | None]:
    """What the thing says of itself, and the same if it need not be said again."""
    by_property = {one.iri: one.facts for _, one in properties if not one.inverse}
    for leading in _LEADING:
        found = {fact.name.language: fact.name for fact in by_property.get(leading, ())}
        if found:
            name = found.get(language) or next(iter(found.values()))
            return name, name
    return None, None


def _different(told: Iterable[Told]) -> Iterable[Told]:
    """Each name once, with the graphs of all that say it: those of the first are enough."""
    seen: set[tuple[str, str]] = set()
    for one in told:
        key = one.fact.name.text, one.fact.name.language
        if key not in seen:
            seen.add(key)
            yield one
