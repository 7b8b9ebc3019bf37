"""The queries that are measured: files of `queries/bench`, each with values that vary.

Rule: a query is a file; values come from the graph that is asked, by chance with a seed.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from bench import words
from bench.answers import RESULTS, TRIPLES
from rokgraph.library import SavedQuery, saved_queries, without_header
from rokgraph.parameters import Parameter, bound, term

SMALL, SCAN, ROWS, STREAM = "mix", "scan", "rows", "stream"
_TRIES = 4  # draws for each text, since some are the same
_EMPTY = ox.Store()


@dataclass(frozen=True, slots=True)
class Request:
    """One query as it is asked: its kind (the name of its file), its text, the form it wants."""

    kind: str
    text: str
    accept: str

    @property
    def described(self) -> bool:
        """Whether it is a DESCRIBE, whose answer is the server's choice in part."""
        return self.kind == "describe"

    @property
    def joined(self) -> bool:
        """Whether it joins texts, which the standard does in any order."""
        return "GROUP_CONCAT" in self.text


def bench_requests(
    root: Path, members: Mapping[str, tuple[str, ...]], several: int, seed: int = 1
) -> dict[str, list[Request]]:
    """Requests by tag: `mix`, `scan`, `rows` and `stream`.

    Of each kind at most `several`, no two the same; the kinds take turns. `members` are those of
    a class that a parameter may be, by local name of the class.
    """
    found: dict[str, list[list[Request]]] = {}
    for query in saved_queries(root, "bench"):
        chance = random.Random(f"{seed} {query.name}")  # noqa: S311 - no secret
        number = several if query.tags[0] == SMALL else 1
        texts = [*dict.fromkeys(_texts(query, members, _TRIES * number, chance))][:number]
        requests = [_request(query.name, text) for text in texts]
        found.setdefault(query.tags[0], []).append(requests)
    return {tag: list(_in_turn(kinds)) for tag, kinds in found.items()}


def question_requests(root: Path) -> list[Request]:
    """The questions of analysts, each with its defaults."""
    found = saved_queries(root, "questions")
    return [_request(query.name, without_header(query.text)) for query in found]


def _request(kind: str, text: str) -> Request:
    graph = isinstance(_EMPTY.query(text), ox.QueryTriples)
    return Request(kind, text, TRIPLES if graph else RESULTS)


def _texts(
    query: SavedQuery, members: Mapping[str, tuple[str, ...]], draws: int, chance: random.Random
) -> Iterator[str]:
    text = without_header(query.text)
    yield text
    choices = {name: _choices(wanted, members) for name, wanted in sorted(query.parameters.items())}
    for _ in range(draws if choices else 0):
        values = {
            name: term(query.parameters[name], chance.choice(known), known, {})
            for name, known in choices.items()
        }
        yield bound(text, values)


def _choices(wanted: Parameter, members: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if wanted.kind == "iri":
        return members[(wanted.of or "").partition(":")[2]]
    return tuple(map(str, words.YEARS)) if wanted.kind == "year" else ("en", "ko")


def _in_turn(kinds: list[list[Request]]) -> Iterator[Request]:
    """One of each kind, then the next of each: so many of each, whatever part is asked."""
    most = max(map(len, kinds))
    for number in range(most):
        for requests in kinds:
            yield requests[number % len(requests)]
