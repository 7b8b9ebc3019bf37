"""The ontology as people read it: each term with everything that is known of it.

Rule: made of the answers to queries/ontology; asks nothing and knows no HTTP.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import pyoxigraph as ox

from rokgraph import vocab
from rokgraph.curies import short_iri
from rokgraph.terms import (
    Arrow,
    Box,
    Concept,
    Reference,
    Reused,
    Rule,
    Term,
    Terminology,
    Text,
)
from rokgraph.turtle import write_turtle

# The saved queries whose answers are needed, by file name.
QUERIES = (
    "about", "arrows", "boxes", "class-examples", "property-examples", "reused", "rules",
    "schemes", "seen", "terms", "uses",
)  # fmt: skip

_SHOWN = 6  # triples of an example, its classes aside
Value: TypeAlias = ox.NamedNode | ox.Literal
Row: TypeAlias = Mapping[str, Value | None]
Answers: TypeAlias = Mapping[str, Sequence[Row]]

_KINDS = {"Class": "class", "ObjectProperty": "object", "DatatypeProperty": "data"}
_TRAITS = "Functional", "InverseFunctional", "Transitive", "Symmetric", "Asymmetric", "Irreflexive"


def terminology(answers: Answers, prefixes: Mapping[str, str]) -> Terminology:
    """The terminology from the answers to `QUERIES`, by name; `prefixes`: prefix to namespace."""
    return _Reader(answers, prefixes).read()


class _Reader:
    """Reads the answers; `_said` is what the ontology says of each term, by local name."""

    def __init__(self, answers: Answers, prefixes: Mapping[str, str]) -> None:
        self._answers, self._prefixes = answers, prefixes
        self._labels: dict[str, dict[str, str]] = defaultdict(dict)
        self._said: dict[str, dict[str, list[Value]]] = {}
        for row in answers["terms"]:
            said = self._said.setdefault(_iri(row, "term"), defaultdict(list))
            said[_local(_iri(row, "property"))].append(_value(row, "value"))
        for iri, said in self._said.items():
            self._labels[iri] = dict(_text(said["label"]))
        for row in answers["reused"]:
            self._labels[_iri(row, "term")] = {
                "en": _iri(row, "english"), "ko": _iri(row, "korean"),
            }  # fmt: skip
        self._pointing = self._inverted()

    def read(self) -> Terminology:
        """Everything."""
        rules, uses, seen = self._rules(), self._uses(), self._seen()
        examples = self._examples()
        return Terminology(
            about=self._about(),
            terms=tuple(
                self._term(iri, rules[iri], uses[iri], seen, examples.get(iri, ""))
                for iri in sorted(self._said)
            ),
            schemes=self._schemes(),
            reused=self._reused(),
            boxes=tuple(
                Box(
                    int(_iri(row, "diagram")),
                    int(_iri(row, "column")),
                    int(_iri(row, "row")),
                    self._reference(_iri(row, "class")),
                )
                for row in self._answers["boxes"]
            ),
            arrows=tuple(
                Arrow(int(_iri(row, "diagram")), _iri(row, "from"), _iri(row, "to"),
                      self._reference(_iri(row, "property")))
                for row in self._answers["arrows"]
            ),
        )  # fmt: skip

    def _reference(self, iri: str) -> Reference:
        return Reference(iri, short_iri(iri, self._prefixes), self._labels.get(iri, {}))

    def _references(self, iris: Iterable[str]) -> tuple[Reference, ...]:
        found = (self._reference(iri) for iri in iris)
        return tuple(sorted(found, key=lambda reference: reference.name))

    def _inverted(self) -> dict[tuple[str, str], list[str]]:
        """By property and value, the terms of ours of which it is said."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for iri, said in self._said.items():
            for name, values in said.items():
                for value in values:
                    found[name, value.value].append(iri)
        return found

    def _term(
        self,
        iri: str,
        rules: tuple[Rule, ...],
        uses: tuple[tuple[str, int], ...],
        seen: Mapping[tuple[str, str], tuple[tuple[Reference, int], ...]],
        example: str,
    ) -> Term:
        said, types = self._said[iri], {_local(v.value) for v in self._said[iri]["type"]}
        kind = next((_KINDS[name] for name in _KINDS if name in types), "annotation")
        sub = "subClassOf" if kind == "class" else "subPropertyOf"
        inverse = {v.value for v in said["inverseOf"]} | {*self._pointing["inverseOf", iri]}
        return Term(
            iri=iri,
            key=_local(iri),
            name=short_iri(iri, self._prefixes),
            kind=kind,
            label=_text(said["label"]),
            definition=_text(said["definition"]),
            note=_text(said["scopeNote"]),
            traits=tuple(name for name in _TRAITS if f"{name}Property" in types),
            derived=any(value.value == "true" for value in said["isDerived"]),
            above=self._references(value.value for value in said[sub]),
            below=self._references(self._pointing[sub, iri]),
            domain=self._references(value.value for value in said["domain"]),
            range=self._references(value.value for value in said["range"]),
            inverse=self._references(inverse),
            close=self._references(value.value for value in said["closeMatch"]),
            related=self._references(value.value for value in said["relatedMatch"]),
            domain_of=self._references(self._pointing["domain", iri]),
            range_of=self._references(self._pointing["range", iri]),
            seen_domain=seen.get((iri, "domain"), ()),
            seen_range=seen.get((iri, "range"), ()),
            uses=uses,
            rules=rules,
            example=example,
        )

    def _about(self) -> tuple[tuple[Reference, tuple[tuple[str, str, Text], ...]], ...]:
        found: dict[str, dict[Value, dict[str, str]]] = defaultdict(dict)
        for row in self._answers["about"]:
            labels = found[_iri(row, "property")].setdefault(_value(row, "value"), {})
            label = row["label"]
            if isinstance(label, ox.Literal):
                labels[label.language or ""] = label.value
        return tuple(
            (
                self._reference(property_),
                tuple((v.value, getattr(v, "language", "") or "", labels)
                      for v, labels in values.items()),
            )
            for property_, values in found.items()
        )  # fmt: skip

    def _rules(self) -> Mapping[str, tuple[Rule, ...]]:
        found: dict[str, dict[str, tuple[str, dict[str, str]]]] = defaultdict(dict)
        for row in self._answers["rules"]:
            name, message = _local(_iri(row, "shape")), _value(row, "message")
            severity = _local(_iri(row, "severity")).lower()
            _, messages = found[_iri(row, "term")].setdefault(name, (severity, {}))
            language = getattr(message, "language", "") or ""
            messages[language] = message.value.removeprefix(name).strip()
        listed = {
            iri: tuple(Rule(name, *told) for name, told in rules.items())
            for iri, rules in found.items()
        }
        return defaultdict(tuple, listed)

    def _uses(self) -> Mapping[str, tuple[tuple[str, int], ...]]:
        found: dict[str, tuple[tuple[str, int], ...]] = defaultdict(tuple)
        for row in self._answers["uses"]:
            found[_iri(row, "term")] += ((_graph(row), int(_iri(row, "count"))),)
        return found

    def _seen(self) -> Mapping[tuple[str, str], tuple[tuple[Reference, int], ...]]:
        found: dict[tuple[str, str], tuple[tuple[Reference, int], ...]] = defaultdict(tuple)
        for row in self._answers["seen"]:
            class_ = self._reference(_iri(row, "class"))
            found[_iri(row, "term"), _iri(row, "end")] += ((class_, int(_iri(row, "count"))),)
        return found

    def _examples(self) -> dict[str, str]:
        """The example of each term as Turtle, without the prefixes."""
        found: dict[str, dict[ox.Triple, None]] = defaultdict(dict)
        for row in self._answers["class-examples"]:
            triple = _triple(row["subject"], row["predicate"], row["object"])
            triples = found[_iri(row, "term")]
            if len(triples) < _SHOWN or triple.predicate == vocab.RDF_TYPE:
                triples[triple] = None
        for row in self._answers["property-examples"]:
            triples = found[_iri(row, "term")]
            triples[_triple(row["subject"], row["term"], row["value"])] = None
        return {
            iri: write_turtle(triples, self._prefixes).decode() for iri, triples in found.items()
        }

    def _schemes(self) -> tuple[Concept, ...]:
        said: dict[tuple[str, str], dict[str, list[Value]]] = {}
        for row in self._answers["schemes"]:
            concept = row["concept"]
            at = _iri(row, "scheme"), concept.value if concept is not None else ""
            of = said.setdefault(at, defaultdict(list))
            of[_local(_iri(row, "property"))].append(_value(row, "value"))
        for (_, iri), of in said.items():
            self._labels[iri] = dict(_text(of["prefLabel"]))
        concepts: dict[str, tuple[Concept, ...]] = defaultdict(tuple)
        for (scheme, iri), of in said.items():
            if iri:
                broader = self._references(value.value for value in of["broader"])
                texts = _text(of["prefLabel"]), _text(of["definition"])
                concepts[scheme] += (Concept(iri, _local(iri), *texts, broader),)
        return tuple(
            Concept(scheme, _local(scheme), _text(of["label"]), _text(of["description"]), (),
                    concepts[scheme])
            for (scheme, iri), of in said.items() if not iri
        )  # fmt: skip

    def _reused(self) -> tuple[Reused, ...]:
        found: dict[str, tuple[str, list[tuple[str, str, int]]]] = {}
        for row in self._answers["reused"]:
            home = row["home"].value if row["home"] is not None else ""
            _, uses = found.setdefault(_iri(row, "term"), (home, []))
            if row["use"] is not None:
                uses.append((_iri(row, "use"), _graph(row), int(_iri(row, "count"))))
        return tuple(
            Reused(self._reference(iri), home, tuple(uses)) for iri, (home, uses) in found.items()
        )


def _value(row: Row, name: str) -> Value:
    value = row[name]
    assert value is not None  # noqa: S101 - the query binds it
    return value


def _iri(row: Row, name: str) -> str:
    return _value(row, name).value


def _graph(row: Row) -> str:
    return _iri(row, "graph").removeprefix(vocab.GRAPH)


def _triple(subject: Value | None, predicate: Value | None, value: Value | None) -> ox.Triple:
    assert isinstance(subject, ox.NamedNode)  # noqa: S101 - the query binds it
    assert isinstance(predicate, ox.NamedNode)  # noqa: S101 - as above
    assert value is not None  # noqa: S101 - as above
    return ox.Triple(subject, predicate, value)


def _local(iri: str) -> str:
    return iri.replace("#", "/").rpartition("/")[2]


def _text(values: Iterable[Value]) -> Text:
    return {value.language or "": value.value for value in values if isinstance(value, ox.Literal)}
