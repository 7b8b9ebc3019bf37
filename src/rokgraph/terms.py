"""What is told of the ontology: terms, rules, concepts, boxes and arrows.

Rule: nouns only; who reads them from answers, and who shows them, is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Text: TypeAlias = Mapping[str, str]  # by language tag, "" where there is none


@dataclass(frozen=True, slots=True)
class Reference:
    """A term, ours or of others, as it is pointed to; `name` is its short form."""

    iri: str
    name: str
    label: Text


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of validation: its number, how severe a breach is, and what it says."""

    name: str
    severity: str
    message: Text


@dataclass(frozen=True, slots=True)
class Term:
    """A class or property of ours.

    `key` is its local name; `kind` is `class`, `object`, `data` or `annotation`. `above` and
    `below` are its super- and subclasses or -properties; `domain_of` and `range_of` the
    properties of a class. `seen_domain` and `seen_range` say where no domain or range is declared
    of which classes the data uses it, with numbers. `uses` counts by short name of the graph.
    `example` is Turtle.
    """

    iri: str
    key: str
    name: str
    kind: str
    label: Text
    definition: Text
    note: Text
    traits: tuple[str, ...]
    derived: bool
    above: tuple[Reference, ...]
    below: tuple[Reference, ...]
    domain: tuple[Reference, ...]
    range: tuple[Reference, ...]
    inverse: tuple[Reference, ...]
    close: tuple[Reference, ...]
    related: tuple[Reference, ...]
    domain_of: tuple[Reference, ...]
    range_of: tuple[Reference, ...]
    seen_domain: tuple[tuple[Reference, int], ...]
    seen_range: tuple[tuple[Reference, int], ...]
    uses: tuple[tuple[str, int], ...]
    rules: tuple[Rule, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept of a scheme, or a scheme with its concepts; `key` is the last part of its IRI."""

    iri: str
    key: str
    label: Text
    definition: Text
    broader: tuple[Reference, ...] = ()
    concepts: "tuple[Concept, ...]" = ()


@dataclass(frozen=True, slots=True)
class Reused:
    """A term of others; `uses` are its place in a triple, a graph and a number."""

    term: Reference
    home: str
    uses: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A class in a diagram, `column` and `row` counted from 0."""

    diagram: int
    column: int
    row: int
    term: Reference


@dataclass(frozen=True, slots=True)
class Arrow:
    """A property from one class of a diagram to another."""

    diagram: int
    start: str
    end: str
    term: Reference


@dataclass(frozen=True, slots=True)
class Terminology:
    """Everything that the documentation of the ontology tells.

    `about` are the statements of the ontology about itself: the property, and of each value its
    text, its language and the labels of what it names.
    """

    about: tuple[tuple[Reference, tuple[tuple[str, str, Text], ...]], ...]
    terms: tuple[Term, ...]
    schemes: tuple[Concept, ...]
    reused: tuple[Reused, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    def values(self, name: str) -> Text:
        """What the ontology says of itself by the property of that short name, by language."""
        for term, values in self.about:
            if term.name == name:
                return {language: text for text, language, _ in values}
        return {}
