"""Every saved query, asked through another engine, has the answer that it has here.

Rule: what differs stands in `upstream.toml` with its reason, and must differ.
"""

import contextlib
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from elsewhere import ENGINES, Elsewhere
from rokgraph import evaluation
from rokgraph.errors import RokgraphError
from rokgraph.library import saved_query
from rokgraph.query import Kind, Query
from rokgraph.survey import surveyed
from rokgraph.upstream import Upstream
from running import ROOT

# Asked by pages, programs and exports; those of other folders are asked of data here only.
FOLDERS = ("assistants", "catalogue", "exports", "ontology", "pages", "questions", "reconcile",
           "search", "views")  # fmt: skip
QUERIES = [path for folder in FOLDERS for path in sorted((ROOT / "queries" / folder).rglob("*.rq"))]
KNOWN = tomllib.loads((Path(__file__).parent / "upstream.toml").read_text())
THING = "<https://w3id.org/rokgraph/id/task/1-2>"
_PARTS = re.compile(r" ?[|;] ")  # what GROUP_CONCAT puts between values that come in any order


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT / "queries").with_suffix(""))


Asked = tuple[str, Upstream, Elsewhere]


@contextlib.contextmanager
def standing(engine: str, timeout: float) -> Iterator[Asked]:
    """An endpoint of the engine that holds the built-in graph, and who asks it."""
    with contextlib.closing(Elsewhere(engine)) as elsewhere:
        loaded = elsewhere.holding()
        graphs = json.loads(loaded.variables.get("ROKGRAPH_UPSTREAM_GRAPHS", "[]"))
        given = {"url": loaded.url, "user": None, "password": None, "graphs": graphs, "rows": None,
                 "version": "x", "timeout": timeout}  # fmt: skip
        with contextlib.closing(surveyed(given, ROOT)) as asks:
            yield engine, asks, elsewhere


@pytest.fixture(scope="module", params=ENGINES)
def upstream(request: pytest.FixtureRequest) -> Iterator[Asked]:
    with standing(request.param, 60.0) as found:
        yield found


def asked(path: Path) -> Query:
    saved = saved_query(path)
    # a saved question has its values in its text; those of pages are given from outside
    names = saved.parameters if path.parent.name in ("assistants", "pages") else ()
    bindings = tuple((name, THING) for name in names)
    return Query(saved.text, graph_format="ntriples", bindings=bindings)


def found(kind: Kind, body: bytes) -> Counter[object]:
    """What an answer holds, in no order; blank nodes have no names."""
    if kind is Kind.GRAPH:
        quads = ox.parse(body, format=ox.RdfFormat.N_TRIPLES)
        return Counter({tuple(map(plain, quad.triple)): 1 for quad in quads})
    rows = ox.parse_query_results(body, format=ox.QueryResultsFormat.JSON)
    if isinstance(rows, ox.QueryBoolean):
        return Counter([bool(rows)])
    return Counter(tuple(map(plain, row)) for row in rows)


def plain(term: object) -> object:
    """A term without what engines are known to rewrite; docs/reference/upstream.md lists it."""
    if isinstance(term, ox.BlankNode):
        return "a blank node"
    if not isinstance(term, ox.Literal):
        return str(term)
    text, kind = term.value, term.datatype.value.rpartition("#")[2]
    if kind == "boolean":
        text = {"true": "1", "false": "0"}.get(text, text)
    if kind in ("boolean", "decimal", "double", "integer"):
        text, kind = f"{float(text):.9g}", "number"
    return (*sorted(_PARTS.split(text)), (term.language or "").lower(), kind)


@pytest.mark.parametrize("path", QUERIES, ids=name_of)
def test_a_saved_query_has_the_same_answer_elsewhere(upstream: Asked, path: Path) -> None:
    engine, _, elsewhere = upstream
    reason = KNOWN[engine].get(name_of(path))
    hangs = reason is not None and reason.startswith("hangs")
    # what hangs an endpoint gets one of its own
    with standing(engine, 20.0) if hangs else contextlib.nullcontext(upstream) as (_, asks, _):
        told = difference(asks, elsewhere, asked(path))
    if reason is None:
        assert told is None
    else:
        assert told is not None, "it is the same by now: take it out of upstream.toml"


def difference(asks: Upstream, elsewhere: Elsewhere, query: Query) -> str | None:
    """How the answer elsewhere differs from the one here; None if it is the same."""
    ours, theirs = io.BytesIO(), io.BytesIO()
    kind = evaluation.evaluate(elsewhere.holding().snapshot, query, lambda *_: ours)
    try:
        assert asks.forward(query, lambda *_: theirs) is kind
    except RokgraphError as error:
        return str(error)
    here, there = found(kind, ours.getvalue()), found(kind, theirs.getvalue())
    if here == there:
        return None
    missing, more = here - there, there - here
    example = next(iter(missing | more))
    return f"{missing.total()} rows are missing, {more.total()} too many, such as {example}"


def test_what_differs_is_a_query_and_is_told() -> None:
    page = (ROOT / "docs" / "reference" / "upstream.md").read_text()
    names = {name_of(path) for path in QUERIES}
    rows = set()
    for engine in ENGINES:
        assert set(KNOWN[engine]) <= names
        assert all(KNOWN[engine].values())
        rows |= {f"| `{name}` | {reason} |" for name, reason in KNOWN[engine].items()}
    assert not KNOWN["oxigraph"]  # as the page says
    part = page.partition("### The saved queries")[2].partition("###")[0]
    assert {line for line in part.splitlines() if line.startswith("| `")} == rows
