"""Reconciliation: which of our things a name in somebody's table means, and how sure that is.

Rule: queries, candidates and values as the protocol has them; knows no HTTP and asks no engine.

See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from rapidfuzz import fuzz

from rokgraph.likeness import folded
from rokgraph.search import EXACT, Hit, Index, Match, Row, Thing
from rokgraph.vocab import BASE, ID

LONGEST = 200  # letters of a name
BATCH = 50  # queries at once
_MOST = 100  # candidates of one query
_LOOKED_AT = 10  # candidates whose properties are compared
_NAME_WEIGHT = 2.0  # a name counts as much as two properties
_SAME = 90.0  # of 100: from here on a value counts as the one asked for
_PLAIN_TYPES = {"integer": "int", "decimal": "float", "double": "float", "float": "float"}

_Short = Annotated[str, Field(max_length=LONGEST)]
Term: TypeAlias = Mapping[str, str]  # as SPARQL's JSON writes it


class _Entity(BaseModel):
    id: _Short


_Value: TypeAlias = bool | int | float | _Short | _Entity


class _Property(BaseModel):
    pid: _Short
    v: _Value | Annotated[list[_Value], Field(max_length=10)]

    @property
    def values(self) -> list[_Value]:
        return self.v if isinstance(self.v, list) else [self.v]

    @property
    def texts(self) -> list[str]:
        """The values as text; of a thing, its identifier."""
        return [_plain(value) for value in self.values]


class Asked(BaseModel):
    """One reconciliation query.

    See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/#structure-of-a-reconciliation-query
    """

    model_config = ConfigDict(extra="ignore")

    query: Annotated[str, Field(min_length=1, max_length=LONGEST)] | None = None
    type: _Short | Annotated[list[_Short], Field(max_length=20)] = []
    limit: Annotated[int, Field(ge=1)] = _LOOKED_AT
    properties: Annotated[list[_Property], Field(max_length=10)] = []
    type_strict: Literal["any", "should", "all"] | None = None

    @model_validator(mode="after")
    def _something(self) -> "Asked":
        if self.query is None and not self.properties:
            raise ValueError("at least one of 'query' and 'properties' must be given")
        return self

    @property
    def types(self) -> list[str]:
        """The classes as the client names them."""
        return [self.type] if isinstance(self.type, str) else self.type

    @property
    def most(self) -> int:
        """How many candidates to answer with."""
        return min(self.limit, _MOST)

    @property
    def looked_at(self) -> int:
        """How many candidates to find."""
        return max(self.most, _LOOKED_AT) if self.properties else self.most


class _Named(BaseModel):
    id: _Short


class Extension(BaseModel):
    """A data extension query: values of these properties of these things.

    See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/#data-extension-queries
    """

    model_config = ConfigDict(extra="ignore")

    ids: Annotated[list[_Short], Field(max_length=200)]
    properties: Annotated[list[_Named], Field(max_length=20)]


Batch = TypeAdapter(dict[str, Asked])
Values: TypeAlias = Mapping[tuple[str, str], list[tuple[Term, Term | None]]]


class Schema:
    """The properties of each class, from the rows of `queries/reconcile/properties.rq`."""

    def __init__(self, rows: Iterable[Mapping[str, Term]], prefixes: Mapping[str, str]) -> None:
        """Take the rows, and the table of prefixes (prefix to namespace)."""
        self._by_class: dict[str, list[str]] = defaultdict(list)
        named = set()
        for row in rows:
            self._by_class[row["class"]["value"]].append(row["property"]["value"])
            for lang in ("en", "ko"):
                text = row[lang]["value"] if lang in row else row["property"]["value"]
                named.add(Row(row["property"]["value"], "label", text, lang))
        self.index = Index(sorted(named), prefixes)

    def of(self, iri: str, most: int) -> list[Thing]:
        """The properties that things of a class have, the most frequent first."""
        return [self.index.things[found] for found in self._by_class.get(iri, ())[:most]]

    def property(self, given: str) -> Thing | None:
        """The property of an IRI or a CURIE; None if no thing has it."""
        return self.index.thing(given)


def identifier(thing: Thing) -> str:
    """The identifier of a thing: its IRI relative to the identifier space."""
    return thing.iri.removeprefix(BASE)


def is_entity(thing: Thing) -> bool:
    """Whether a thing is something to match with, and no term or graph."""
    return thing.iri.startswith((ID, BASE + "def/"))


def found_by_name(index: Index, asked: Asked, types: Iterable[str]) -> list[Hit]:
    """The things whose names or codes meet the query, the best first."""
    query = asked.query or ""
    direct = index.thing(query)
    name = direct.iri if direct else query
    hits = index.search(name, types=types)
    return [hit for hit in hits if is_entity(hit.thing)][: asked.looked_at]


def given_by_properties(
    asked: Asked, iris: Iterable[str], types: Iterable[str], index: Index
) -> list[Hit]:
    """The things among `iris` that are of one of the classes; those that come often first."""
    wanted = set(types)
    often = Counter(iri for iri in iris if iri in index.things)
    things = [index.things[iri] for iri, _ in often.most_common()]
    fitting = [one for one in things if is_entity(one) and (not wanted or wanted & set(one.types))]
    none = Match("", "", "", 0.0)
    return [Hit(thing, none, 0.0) for thing in fitting[: asked.looked_at]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A thing that a query may mean. Scores are from 0 to 100."""

    thing: Thing
    score: float
    certain: bool
    features: dict[str, float]
    lang: str = ""


def candidates(
    asked: Asked,
    hits: list[Hit],
    properties: Mapping[str, str],
    values: Values,
) -> list[Candidate]:
    """The candidates for a query, the best first.

    `properties` maps the identifiers of properties that were given to IRIs; `values` has what the
    things found have, by thing and property.
    """
    found = []
    for hit in hits:
        features = {} if asked.query is None else {"name": hit.score}
        total, parts = (
            (0.0, 0.0) if asked.query is None else (hit.score * _NAME_WEIGHT, _NAME_WEIGHT)
        )
        certain = asked.query is None or hit.match.worth >= EXACT
        for wanted in asked.properties:
            has = values.get((hit.thing.iri, properties.get(wanted.pid, "")), [])
            alike = _alike(wanted, has)
            features[f"property {wanted.pid}"] = round(alike, 1)
            total, parts = total + alike, parts + 1
            certain = certain and alike >= _SAME
        score = round(total / parts, 1)
        found.append(Candidate(hit.thing, score, certain, features, hit.match.lang))
    return sorted(found, key=lambda one: (-one.score, one.thing.iri))


def as_json(found: list[Candidate], index: Index, most: int) -> list[dict[str, object]]:
    """Candidates as the protocol writes them; a match only if it is the one that is certain.

    See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/#reconciliation-query-responses
    """
    only = sum(one.certain for one in found) == 1
    return [
        {
            "id": identifier(one.thing),
            "name": one.thing.labels.get(one.lang) or one.thing.name,
            "description": description(one.thing, index),
            "type": [as_type(known) for known in index.kinds(one.thing)],
            "score": one.score,
            "features": [{"id": name, "value": value} for name, value in one.features.items()],
            "match": only and one.certain,
        }
        for one in found[:most]
    ]


def as_type(known: Thing) -> dict[str, str]:
    """A class or property as the protocol writes it."""
    return {"id": known.curie, "name": known.name}


def description(thing: Thing, index: Index) -> str:
    """What tells a thing from its namesakes: its class, its names, its CURIE."""
    kinds = [known.name for known in index.kinds(thing)[:1]]
    return " · ".join([*kinds, *dict.fromkeys(thing.labels.values()), thing.curie])


def value_as_json(term: Term, name: Term | None, index: Index) -> dict[str, object]:
    """A value as data extension writes it.

    See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/#data-extension-responses
    """
    text, kind = term["value"], term.get("datatype", "").rpartition("#")[2]
    thing = index.things.get(text) if term["type"] == "uri" else None
    if thing is not None and is_entity(thing):
        return {"id": identifier(thing), "name": thing.name}
    if kind == "date":
        return {"date": f"{text[:10]}T00:00:00Z"}
    try:
        if _PLAIN_TYPES.get(kind) == "int":
            return {"int": int(text)}
        if _PLAIN_TYPES.get(kind) == "float":
            return {"float": float(text)}
    except ValueError:
        pass
    return {"str": name["value"] if name and term["type"] == "bnode" else text}


def _alike(wanted: _Property, has: list[tuple[Term, Term | None]]) -> float:
    """How well values meet those asked for, from 0 to 100: of each the best, then the mean."""
    if not wanted.values:
        return 0.0
    return sum(
        max((_similarity(text, term, name) for term, name in has), default=0.0)
        for text in wanted.texts
    ) / len(wanted.texts)


def _similarity(text: str, term: Term, name: Term | None) -> float:
    value = term["value"]
    if text in (value, value.removeprefix(BASE)):
        return 100.0
    if _PLAIN_TYPES.get(term.get("datatype", "").rpartition("#")[2]):
        return 100.0 * (_number(text) is not None and _number(text) == _number(value))
    shown = value if name is None else name["value"]
    return fuzz.ratio(folded(text).compact, folded(shown).compact)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _plain(value: _Value) -> str:
    if isinstance(value, _Entity):
        return value.id
    return str(value).lower() if isinstance(value, bool) else str(value)
