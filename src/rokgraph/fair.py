"""How the ontology does in the tests of FOOPS! and OOPS!, as far as queries can say.

Rule: each test is a saved query whose rows are faults; what needs the network or a person is
named and not counted.

See https://w3id.org/foops/ and https://oops.linkeddata.es/catalogue.jsp
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox
import yaml

from rokgraph.curies import short_iri
from rokgraph.errors import SourceError
from rokgraph.library import SavedQuery, saved_queries
from rokgraph.snapshot import Snapshot

_TAG = re.compile(r"(foops|oops)-([a-z]+)([0-9].*)")


@dataclass(frozen=True, slots=True)
class Assessed:
    """One test: its name, such as `FOOPS OM1`, and how many of its points are met.

    `title` maps a language tag to text; `faults` are rows in words; `accepted` says why the
    faults stay, empty where they shall not.
    """

    name: str
    title: dict[str, str]
    met: int
    points: int
    faults: tuple[str, ...]
    accepted: dict[str, str]

    @property
    def passed(self) -> bool:
        """No fault, or a reason for each."""
        return not self.faults or bool(self.accepted)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A test that no query can answer; `by` is `server`, `network` or `judgement`."""

    name: str
    title: dict[str, str]
    by: str


def assess(snapshot: Snapshot, root: Path) -> list[Assessed]:
    """Ask every query of `root` that has the tag of a test; one result a test, by name.

    Raises SourceError for a query whose header cannot be read.
    """
    tests: dict[str, list[SavedQuery]] = defaultdict(list)
    for saved in (*saved_queries(root, "fair"), *saved_queries(root, "checks")):
        for tag in saved.tags:
            if _TAG.fullmatch(tag):
                tests[tag].append(saved)
    return [_assessed(tag, tests[tag], snapshot) for tag in sorted(tests, key=_order)]


def elsewhere(root: Path) -> list[Elsewhere]:
    """The tests that no query can answer, by name.

    Raises SourceError for a file that cannot be read.
    """
    path = root / "queries" / "fair" / "elsewhere.yaml"
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = [Elsewhere(_name(entry["id"]), entry["title"], entry["by"]) for entry in entries]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise SourceError(path, f"no list of tests: {error}") from None
    return sorted(found, key=lambda test: test.name)


def _assessed(tag: str, queries: list[SavedQuery], snapshot: Snapshot) -> Assessed:
    met = points = 0
    faults: list[str] = []
    accepted: dict[str, str] = {}
    for saved in queries:
        rows = [*_rows(saved, snapshot)]
        worth = int(saved.expect.get("points", 1))
        points += worth
        met += max(0, worth - len(rows))
        faults += rows
        if rows:
            accepted = saved.expect.get("accepted", {})
    return Assessed(_name(tag), queries[0].title, met, points, tuple(faults), accepted)


def _rows(saved: SavedQuery, snapshot: Snapshot) -> Iterator[str]:
    rows = snapshot.store.query(saved.text)
    assert isinstance(rows, ox.QuerySolutions)  # noqa: S101 - tests hold every query to it
    for row in rows:
        yield " ".join(_shown(term, snapshot) for term in row)


def _shown(term: object, snapshot: Snapshot) -> str:
    if isinstance(term, ox.NamedNode):
        return short_iri(term.value, snapshot.summary.prefixes)
    return str(getattr(term, "value", ""))


def _name(tag: str) -> str:
    return tag.replace("-", " ", 1).upper().replace("OOPS ", "OOPS! ")


def _order(tag: str) -> tuple[str, str]:
    found = _TAG.fullmatch(tag)
    assert found is not None  # noqa: S101 - asked before
    return found[1], f"{found[2]} {found[3]:>5}"
