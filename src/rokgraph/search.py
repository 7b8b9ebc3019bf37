"""The search index: names and codes of everything, in English and Korean.

Rule: rows go in once, then it only answers; knows no HTTP and no RDF store.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from rokgraph.curies import short_iri
from rokgraph.likeness import (
    ABBREVIATED,
    SHARE,
    Folded,
    folded,
    is_abbreviation,
    is_syllable,
    nearest,
    worth_of,
)
from rokgraph.pairs import Pairs
from rokgraph.vocab import BASE

_MOST_CODES = 150  # that begin like a query
# What an exact match of a field is worth; other ways of matching are worth less.
_NAMES = {"label": 100.0, "title": 98.0, "alternative": 97.0, "printed": 97.0, "short": 97.0}
_CODES = {
    "number": 95.0,
    "notation": 95.0,
    "curie": 95.0,
    "iri": 95.0,
    "identifier": 94.0,
    "key": 94.0,
}
_CODE_PREFIX = 65.0
_SIGNS = 0.5  # what signs that differ cost
_WEIGHT = 15.0  # what the lightest class costs
_PLAIN_WEIGHT = 0.5  # of a class that has none
_MAIN = 0.7  # weight of the lightest main class
EXACT = 93.5  # what an exact match is worth at least, its class aside


class Row(NamedTuple):
    """A solution of `queries/search/index.rq`; `lang` is empty for what has no language."""

    iri: str
    field: str
    text: str
    lang: str = ""


@dataclass(slots=True)
class Thing:
    """Something that can be found.

    `labels` maps a language tag to its name; `weight` is from 0 to 1.
    """

    iri: str
    curie: str
    labels: dict[str, str] = field(default_factory=dict)
    types: list[str] = field(default_factory=list)
    weight: float = -1.0

    @property
    def name(self) -> str:
        """Its English name, else its Korean one, else its CURIE."""
        return self.labels.get("en") or self.labels.get("ko") or self.curie


@dataclass(frozen=True, slots=True)
class Match:
    """Where a query met a thing: the field and its text.

    `worth` is from 0 to 100, the class of the thing aside.
    """

    field: str
    text: str
    lang: str
    worth: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A thing that was found; `score` is from 0 to 100, its class taken into account."""

    thing: Thing
    match: Match
    score: float


@dataclass(frozen=True, slots=True)
class _Text:
    thing: Thing
    field: str
    text: str
    lang: str
    folded: Folded


class Index:
    """What can be found; made once."""

    def __init__(self, rows: Iterable[Row], prefixes: Mapping[str, str]) -> None:
        """Take the rows and the table of prefixes (prefix to namespace)."""
        self.things: dict[str, Thing] = {}
        self.classes: dict[str, Thing] = {}
        self._prefixes = prefixes
        self._curies: dict[str, str] = {}
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._ends: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._texts: list[_Text] = []
        named = list(self._take(rows))
        # the weighty first: what there are too many of is cut at the end
        named.sort(key=lambda pair: -pair[0].weight)
        for thing, row in named:
            self._add(thing, row)
        self._codes = sorted(
            (text.folded.compact, number)
            for number, text in enumerate(self._texts)
            if text.field in _CODES
        )
        self._pairs = Pairs(
            {n: one.folded.compact for n, one in enumerate(self._texts) if one.field in _NAMES}
        )

    def curie(self, iri: str) -> str:
        """The short form of an IRI by the table of prefixes; the IRI itself if there is none."""
        return short_iri(iri, self._prefixes)

    def thing(self, given: str) -> Thing | None:
        """The thing of an IRI, a CURIE or an IRI relative to the base of ours."""
        for iri in (given, self._curies.get(given, ""), BASE + given):
            if iri in self.things:
                return self.things[iri]
        return None

    def of_class(self, given: str) -> str | None:
        """The IRI of the class of an IRI, a CURIE or a local name, letter case left out."""
        wanted = given.casefold()
        for iri, known in self.classes.items():
            curie = known.curie.casefold()
            if wanted in (iri.casefold(), curie, curie.rpartition(":")[2]):
                return iri
        return None

    def of_classes(self, query: str) -> list[Thing]:
        """The classes whose names meet a query, the best first."""
        return [hit.thing for hit in self._of_classes.search(query)]

    @cached_property
    def _of_classes(self) -> "Index":
        rows = [
            Row(iri, "label", text, lang)
            for iri, known in sorted(self.classes.items())
            for lang, text in (known.labels or {"": known.curie}).items()
        ]
        return Index(rows, self._prefixes)

    def kinds(self, thing: Thing) -> list[Thing]:
        """The classes of a thing, the weightiest first."""
        order = self._main_order
        ordered = sorted(thing.types, key=lambda iri: (order.get(iri, len(order)), iri))
        return [self.classes[iri] for iri in ordered]

    @cached_property
    def _main_order(self) -> dict[str, int]:
        return {known.iri: place for place, known in enumerate(self.main_classes)}

    @cached_property
    def main_classes(self) -> list[Thing]:
        """Classes whose things all weigh much, the weightiest first."""
        lightest: dict[str, float] = {}
        for thing in self.things.values():
            for iri in thing.types:
                lightest[iri] = min(lightest.get(iri, 1.0), thing.weight)
        found = [iri for iri, weight in lightest.items() if weight >= _MAIN]
        return [self.classes[iri] for iri in sorted(found, key=lambda iri: (-lightest[iri], iri))]

    def search(
        self, query: str, *, types: Iterable[str] = (), lang: str | None = None
    ) -> list[Hit]:
        """What matches, the best first; of each thing only its best text.

        `types`: IRIs of classes of which a thing must have one. `lang`: only texts in that
        language, and those in none. Exact names come before codes, then beginnings, words, parts
        of words and what resembles the query.
        """
        wanted = frozenset(types)
        best: dict[str, Hit] = {}
        for number, worth in self._matching(folded(query), query.strip().casefold()):
            text = self._texts[number]
            thing = text.thing
            if lang and text.lang not in ("", lang):
                continue
            if wanted and wanted.isdisjoint(thing.types):
                continue
            score = round(max(0.0, worth - _WEIGHT * (1 - thing.weight)), 1)
            known = best.get(thing.iri)
            if known is None or known.score < score:
                match = Match(text.field, text.text, text.lang, worth)
                best[thing.iri] = Hit(thing, match, score)
        return sorted(best.values(), key=lambda hit: (-hit.score, hit.thing.iri))

    def near(self, query: str, most: int) -> list[Thing]:
        """Things of main classes whose names are least unlike a query, at most so many."""
        asked = folded(query)
        main = {known.iri for known in self.main_classes}
        texts = {
            number: text.folded.compact
            for number, text in enumerate(self._texts)
            if text.field in _NAMES and not main.isdisjoint(text.thing.types)
        }
        found = (self._texts[number].thing for number in nearest(asked.compact, texts))
        return list({thing.iri: thing for thing in found}.values())[:most]

    # -- how it is made --------------------------------------------------------------------

    def _take(self, rows: Iterable[Row]) -> Iterator[tuple[Thing, Row]]:
        """Fill things and classes; yields the rows to be searched when all things are known."""
        kept: list[Row] = []
        weights: dict[str, float] = {}
        for row in rows:
            if row.field == "class label":
                known = self.classes.setdefault(row.iri, Thing(row.iri, self.curie(row.iri)))
                known.labels[row.lang] = row.text
            elif row.field == "weight":
                weights[row.iri] = max(weights.get(row.iri, 0.0), float(row.text))
            else:
                kept.append(row)
        named = {row.iri for row in kept if row.field != "class"}
        for row in sorted(kept):
            if row.iri not in named:
                continue
            thing = self.things.setdefault(row.iri, Thing(row.iri, self.curie(row.iri)))
            thing.weight = weights.get(row.iri, _PLAIN_WEIGHT)
            if row.field == "class":
                thing.types.append(row.text)
                self.classes.setdefault(row.text, Thing(row.text, self.curie(row.text)))
            else:
                if row.field == "label":
                    thing.labels.setdefault(row.lang, row.text)
                yield thing, row
        for thing in self.things.values():
            self._curies[thing.curie] = thing.iri
            yield thing, Row(thing.iri, "iri", thing.iri)
            yield thing, Row(thing.iri, "curie", thing.curie)
            yield thing, Row(thing.iri, "key", thing.curie.rpartition(":")[2])

    def _add(self, thing: Thing, row: Row) -> None:
        text = _Text(thing, row.field, row.text, row.lang, folded(row.text))
        compact, number = text.folded.compact, len(self._texts)
        self._texts.append(text)
        self._exact[compact].append(number)
        if row.field in _NAMES and compact and is_syllable(compact[-1]):
            self._ends[compact[0], compact[-1]].append(number)

    # -- how it answers --------------------------------------------------------------------

    def _matching(self, asked: Folded, raw: str) -> Iterator[tuple[int, float]]:
        """Numbers of texts and what each match is worth; a number may come twice."""
        compact, texts = asked.compact, self._texts
        if not compact:
            return
        for number in self._exact.get(compact, ()):
            text = texts[number]
            worth = _NAMES.get(text.field) or _CODES[text.field]
            # of two that differ only in signs, the one written like this
            yield number, worth - (text.text.casefold() != raw) * _SIGNS
        for number in self._codes_from(compact):
            yield number, _CODE_PREFIX + SHARE * len(compact) / len(texts[number].folded.compact)
        for number in self._pairs.found(compact) if asked.words else ():
            worth = worth_of(asked, texts[number].folded)
            if worth:
                yield number, worth
        for number in self._ends.get((compact[0], compact[-1]), ()):
            if is_abbreviation(compact, texts[number].folded.compact):
                yield number, ABBREVIATED

    def _codes_from(self, compact: str) -> Iterator[int]:
        """Codes that begin so."""
        start = bisect_left(self._codes, (compact, 0))
        for code, number in self._codes[start : start + _MOST_CODES]:
            if not code.startswith(compact):
                return
            if code != compact:
                yield number
