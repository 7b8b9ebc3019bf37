"""The W3C's SPARQL tests, 1.0 to 1.2, asked of a real server.

Rule: a test passes, or stands in `w3c_exceptions.toml` with the reason why not; never both.

One server serves the data of all tests: each file is a named graph of its own, and a test chooses
its dataset by `default-graph-uri` and `named-graph-uri`, which are then the whole dataset. This is
exact: what GRAPH ?g ranges over is what the test names, and a file that a test uses as its default
graph is a graph apart, so it shares no blank node with the same file under its own name. A server
for each of the 200 datasets would take some minutes to say the same. That it is the same is seen
from the second half of each test: the query again, its text untouched, in this process, on a store
that holds the dataset of the test and nothing else, in its own default graph.

Results are compared term by term up to the names of blank nodes. A result that differs from the
expected one only in how numbers and times are written is counted apart: the engine keeps values.

Not run, for they test what this endpoint is not or what other tests of ours see to: updates, the
protocol, service descriptions, entailment regimes, federation.

The figures: .venv/bin/pytest tests/conformance/test_w3c.py -s
"""

import contextlib
import csv
import io
import tarfile
import threading
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pytest

from rokgraph import formats
from rokgraph.dialect import has_dataset_clause
from rokgraph.errors import QuerySyntaxError, RokgraphError
from rokgraph.evaluation import evaluate
from rokgraph.query import Query
from rokgraph.snapshot import Snapshot, Summary
from rokgraph.tokens import tokens
from running import ROOT, Server, missing, run_server

VERSIONS = {
    "1.0": "sparql10/manifest.ttl",
    "1.1": "sparql11/manifest-all.ttl",
    "1.2": "sparql12/manifest.ttl",
}
NOT_RUN = {
    "entailment",
    "graph-store-protocol",
    "protocol",
    "service",
    "service-description",
    "syntax-fed",
}
EXCEPTIONS = Path(__file__).with_name("w3c_exceptions.toml")

SITE = "https://w3c.github.io/rdf-tests/sparql/"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
QT = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
RS = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

RESULTS = {
    ".srx": ox.QueryResultsFormat.XML,
    ".srj": ox.QueryResultsFormat.JSON,
    ".tsv": ox.QueryResultsFormat.TSV,
}

Row = tuple[object, ...]


@dataclass(frozen=True)
class Case:
    """A test: `kind` is evaluation, csv, positive or negative (syntax)."""

    iri: str
    kind: str
    query: Path
    default: tuple[Path, ...]
    named: tuple[Path, ...]
    expected: Path | None
    lax: bool


@dataclass(frozen=True)
class Table:
    """An answer: what it is, its columns, its rows; a graph has three columns."""

    kind: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    ordered: bool = False


# -- manifests -----------------------------------------------------------------------------


class Graph:
    """A file of triples to be asked one step at a time."""

    def __init__(self, path: Path) -> None:
        form = formats.data_format(path)
        assert form is not None
        assert isinstance(form.native, ox.RdfFormat)
        self.triples = [
            quad.triple
            for quad in ox.parse(path.read_bytes(), format=form.native, base_iri=iri_of(path))
        ]
        self._objects: dict[tuple[object, str], list[object]] = defaultdict(list)
        for triple in self.triples:
            self._objects[triple.subject, triple.predicate.value].append(triple.object)

    def all(self, subject: object, predicate: str) -> list[object]:
        return list(self._objects.get((subject, predicate), ()))

    def first(self, subject: object, predicate: str) -> object:
        return next(iter(self.all(subject, predicate)), None)

    def subjects(self, predicate: str) -> list[object]:
        return [subject for subject, name in self._objects if name == predicate]

    def members(self, head: object) -> Iterator[object]:
        while getattr(head, "value", "") != RDF + "nil":
            yield self.first(head, RDF + "first")
            head = self.first(head, RDF + "rest")


def iri_of(path: Path) -> str:
    return SITE + path.as_posix().rpartition("/sparql/")[2]


def cases(folder: Path, manifest: Path) -> Iterator[Case]:
    """The tests of a manifest and of those it includes."""
    if manifest.parent.name in NOT_RUN:
        return
    graph = Graph(manifest)
    for subject in graph.subjects(MF + "include"):
        for included in graph.members(graph.first(subject, MF + "include")):
            yield from cases(folder, file_of(folder, included))
    for subject in graph.subjects(MF + "entries"):
        for test in graph.members(graph.first(subject, MF + "entries")):
            kind = kind_of([text_of(entry) for entry in graph.all(test, RDF + "type")])
            action = graph.first(test, MF + "action")
            query = graph.first(action, QT + "query") or action
            if kind and not text_of(query).endswith(".ru"):
                result = graph.first(test, MF + "result")
                yield Case(
                    text_of(test),
                    kind,
                    file_of(folder, query),
                    tuple(sorted(file_of(folder, e) for e in graph.all(action, QT + "data"))),
                    tuple(sorted(file_of(folder, e) for e in graph.all(action, QT + "graphData"))),
                    file_of(folder, result) if result else None,
                    graph.first(test, MF + "resultCardinality") is not None,
                )


def kind_of(types: Iterable[str]) -> str | None:
    names = {name.removeprefix(MF).removesuffix("11") for name in types}
    kinds = {
        "QueryEvaluationTest": "evaluation",
        "CSVResultFormatTest": "csv",
        "PositiveSyntaxTest": "positive",
        "NegativeSyntaxTest": "negative",
    }
    return next((kind for name, kind in kinds.items() if name in names), None)


def text_of(term: object) -> str:
    assert isinstance(term, (ox.NamedNode, ox.Literal, ox.BlankNode)), term
    return term.value


def file_of(folder: Path, term: object) -> Path:
    return folder / text_of(term).removeprefix(SITE)


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests, unpacked."""
    archive = shared / "w3c" / "sparql-tests.tar.gz"
    if not archive.exists():
        missing("the archive of the W3C's SPARQL tests")
    target = tmp_path_factory.mktemp("w3c")
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    return target / "sparql"


@pytest.fixture(scope="module")
def suite(folder: Path) -> dict[str, list[Case]]:
    """The tests of each version of SPARQL."""
    return {version: list(cases(folder, folder / path)) for version, path in VERSIONS.items()}


# -- datasets ------------------------------------------------------------------------------


def as_default(path: Path) -> str:
    """The name of the graph that is a file in the part of a default graph."""
    return iri_of(path) + "#default"


def quads(path: Path, graph: ox.NamedNode | ox.DefaultGraph) -> Iterator[ox.Quad]:
    """The quads of a file, those of its default graph put into `graph`."""
    form = formats.data_format(path)
    assert form is not None
    assert isinstance(form.native, ox.RdfFormat)
    for quad in ox.parse(
        path.read_bytes(), format=form.native, base_iri=iri_of(path), rename_blank_nodes=True
    ):
        own = isinstance(quad.graph_name, ox.DefaultGraph)
        yield ox.Quad(quad.subject, quad.predicate, quad.object, graph) if own else quad


@cache
def names_in(path: Path) -> tuple[str, ...]:
    """The named graphs of a file that is a dataset."""
    if path.suffix not in (".trig", ".nq"):
        return ()
    own = ox.NamedNode("urn:own")
    return tuple(sorted({text_of(quad.graph_name) for quad in quads(path, own)} - {own.value}))


def chosen_by_query(case: Case) -> list[Path]:
    """The files that FROM and FROM NAMED name, for a test that gives no data."""
    if case.default or case.named:
        return []
    text = case.query.read_text(encoding="utf-8")
    return [path for path in case.query.parent.glob("*.ttl") if f"<{path.name}>" in text]


def dataset_of(case: Case) -> ox.Store:
    """A store that holds the dataset of a test."""
    store = ox.Store()
    for path in case.default:
        store.extend(quads(path, ox.DefaultGraph()))
    for path in (*case.named, *chosen_by_query(case)):
        store.add_graph(ox.NamedNode(iri_of(path)))
        store.extend(quads(path, ox.NamedNode(iri_of(path))))
    return store


def parameters_of(case: Case) -> dict[str, list[str]]:
    """The parameters of the protocol that choose the dataset of a test."""
    if has_dataset_clause(case.query.read_text(encoding="utf-8")):
        return {}
    inside = [name for path in case.default for name in names_in(path)]
    return {
        "default-graph-uri": [*map(as_default, case.default)] or ["urn:none"],
        "named-graph-uri": [*map(iri_of, case.named), *inside],
    }


@pytest.fixture(scope="module")
def endpoint(
    suite: dict[str, list[Case]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server of all the data."""
    every = [case for tests in suite.values() for case in tests]
    default = {path for case in every for path in case.default}
    named = {path for case in every for path in (*case.named, *chosen_by_query(case))}
    path = tmp_path_factory.mktemp("data") / "all.nq"
    with path.open("wb") as output:
        for graphs, name in ((default, as_default), (named, iri_of)):
            for file in sorted(graphs):
                ox.serialize(quads(file, ox.NamedNode(name(file))), output, ox.RdfFormat.N_QUADS)
    with run_server("--data", str(path)) as server:
        threading.Thread(target=drain, args=(server,), daemon=True).start()
        yield server


def drain(server: Server) -> None:
    """Read what the server logs: a pipe that is full would stop it."""
    with contextlib.suppress(ValueError, OSError):
        for _ in server.process.stdout or ():
            pass


# -- answers -------------------------------------------------------------------------------


def expected_of(case: Case) -> Table:
    assert case.expected is not None
    path = case.expected
    if path.suffix in RESULTS:
        return replace(read(path.read_bytes(), path.suffix), ordered=is_ordered(case))
    if path.suffix == ".csv":
        return read_csv(path.read_text(encoding="utf-8"))
    graph = Graph(path)
    for triple in graph.triples:
        if triple.object == ox.NamedNode(RS + "ResultSet"):
            return result_set(graph, triple.subject)
    return Table("graph", ("s", "p", "o"), tuple({tuple(triple) for triple in graph.triples}))


def is_ordered(case: Case) -> bool:
    """Whether the outermost query says ORDER BY."""
    words = [token[0].lower() for token in tokens(case.query.read_text(encoding="utf-8"))]
    return "order" in words[len(words) - words[::-1].index("}") :]


def result_set(graph: Graph, head: object) -> Table:
    """A result in the vocabulary of the tests of SPARQL 1.0."""
    boolean = graph.first(head, RS + "boolean")
    if boolean is not None:
        return Table("boolean", (), ((text_of(boolean) == "true",),))
    columns = tuple(sorted(text_of(name) for name in graph.all(head, RS + "resultVariable")))
    rows: list[tuple[int, Row]] = []
    indexes = []
    for solution in graph.all(head, RS + "solution"):
        cells = {
            text_of(graph.first(binding, RS + "variable")): graph.first(binding, RS + "value")
            for binding in graph.all(solution, RS + "binding")
        }
        index = graph.first(solution, RS + "index")
        indexes.append(index)
        row = tuple(cells.get(name) for name in columns)
        rows.append((int(text_of(index)) if index else 0, row))
    rows.sort(key=lambda pair: pair[0])
    ordered = bool(rows) and None not in indexes
    return Table("solutions", columns, tuple(row for _, row in rows), ordered)


def read(data: bytes, suffix: str) -> Table:
    """An answer in a results format, its columns sorted by name."""
    if suffix == ".csv":
        return read_csv(data.decode())
    if suffix == ".nt":
        triples = {tuple(quad.triple) for quad in ox.parse(data, format=ox.RdfFormat.N_TRIPLES)}
        return Table("graph", ("s", "p", "o"), tuple(triples))
    answer = ox.parse_query_results(data, format=RESULTS[suffix])
    if isinstance(answer, ox.QueryBoolean):
        return Table("boolean", (), ((bool(answer),),))
    columns = tuple(sorted(variable.value for variable in answer.variables))
    return Table(
        "solutions", columns, tuple(tuple(row[name] for name in columns) for row in answer)
    )


def read_csv(text: str) -> Table:
    """CSV holds no types: cells are strings, blank nodes told by their form."""
    head, *rows = csv.reader(io.StringIO(text))
    cells = (
        tuple(ox.BlankNode(cell[2:]) if cell.startswith("_:") else cell for cell in row)
        for row in rows
    )
    return Table("csv", tuple(head), tuple(cells))


def wanted_suffix(case: Case) -> str:
    assert case.expected is not None
    if case.expected.suffix in (*RESULTS, ".csv"):
        return case.expected.suffix
    return ".nt" if expected_of(case).kind == "graph" else ".srj"


# -- comparison ----------------------------------------------------------------------------


def verdict(case: Case, got: Table) -> str:
    """`same`, `spelling` (the values are the same, not how they are written), or `other`."""
    expected = expected_of(case)
    if equal(expected, got, lax=case.lax):
        return "same"
    return "spelling" if equal(by_value(expected), by_value(got), lax=case.lax) else "other"


def equal(expected: Table, got: Table, *, lax: bool) -> bool:
    if (expected.kind, expected.columns) != (got.kind, got.columns):
        return False
    if lax:  # REDUCED: https://www.w3.org/TR/sparql11-query/#modReduced
        most, count = Counter(expected.rows), Counter(got.rows)
        return count.keys() == most.keys() and all(count[row] <= most[row] for row in count)
    if len(expected.rows) != len(got.rows):
        return False
    if expected.ordered:
        naming: dict[object, object] | None = {}
        for ours, theirs in zip(expected.rows, got.rows, strict=True):
            naming = naming if naming is None else matched(ours, theirs, naming)
        return naming is not None
    return isomorphic(expected.rows, got.rows)


def isomorphic(ours: Sequence[Row], theirs: Sequence[Row]) -> bool:
    """Whether two bags of rows differ in the names of blank nodes only."""
    if Counter(map(shape, ours)) != Counter(map(shape, theirs)):
        return False
    alike: dict[object, list[Row]] = defaultdict(list)
    for row in theirs:
        alike[shape(row)].append(row)
    rows = sorted(ours, key=lambda row: (len(alike[shape(row)]), str(shape(row))))

    def extend(at: int, naming: dict[object, object], used: frozenset[int]) -> bool:
        if at == len(rows):
            return True
        for row in alike[shape(rows[at])]:
            if id(row) not in used:
                further = matched(rows[at], row, naming)
                if further is not None and extend(at + 1, further, used | {id(row)}):
                    return True
                if further == naming:
                    return False  # no name was chosen: another row would do no better
        return False

    return extend(0, {}, frozenset())


def matched(
    one: object, other: object, naming: dict[object, object]
) -> dict[object, object] | None:
    """The naming of blank nodes that makes `one` the `other`, if it can be extended so."""
    if isinstance(one, ox.BlankNode) and isinstance(other, ox.BlankNode):
        if one in naming or other in naming.values():
            return naming if naming.get(one) == other else None
        return {**naming, one: other}
    if isinstance(one, (tuple, ox.Triple)) and type(one) is type(other):
        further: dict[object, object] | None = naming
        for ours, theirs in zip(one, other, strict=True):
            further = further if further is None else matched(ours, theirs, further)
        return further
    return naming if one == other else None


def shape(term: object) -> object:
    """A term without the names of blank nodes."""
    if isinstance(term, ox.BlankNode):
        return "a blank node"
    if isinstance(term, (tuple, ox.Triple)):
        return tuple(map(shape, term))
    return term


def by_value(table: Table) -> Table:
    return Table(
        table.kind,
        table.columns,
        tuple(tuple(map(value, row)) for row in table.rows),
        table.ordered,
    )


@cache
def value(term: object) -> object:
    """A literal as the engine writes its value; a number in CSV likewise."""
    if isinstance(term, ox.Literal):
        store = ox.Store()
        store.add(ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:p"), term))
        return next(iter(store)).object
    if isinstance(term, ox.Triple):
        return ox.Triple(*map(value, term))  # type: ignore[arg-type]
    if isinstance(term, str):
        try:
            return float(term)
        except ValueError:
            return term
    return term


# -- the three that are asked --------------------------------------------------------------


def over_http(case: Case, endpoint: Server) -> str:
    text = case.query.read_bytes().decode()
    if case.kind in ("evaluation", "csv"):
        text = f"BASE <{iri_of(case.query)}> {text}"
    answer = endpoint.client.post(
        "/sparql",
        content=text,
        params=parameters_of(case),
        headers={"content-type": "application/sparql-query", "accept": accept(case)},
    )
    if not answer.is_success:
        problem = answer.json()
        return "syntax" if "line" in problem else problem["detail"]
    if case.expected is None:
        return "parses"
    return verdict(case, read(answer.content, wanted_suffix(case)))


def accept(case: Case) -> str:
    if case.expected is None:
        return "*/*"
    form = {
        ".srx": "xml", ".srj": "json", ".tsv": "tsv", ".csv": "csv", ".nt": "ntriples"
    }[wanted_suffix(case)]  # fmt: skip
    found = formats.graph_format(form) if form == "ntriples" else formats.result_format(form)
    assert found is not None
    return found.media_type


def in_process(case: Case) -> str:
    snapshot = Snapshot(dataset_of(case), Summary("", {}, {}, union=False))
    text = case.query.read_bytes().decode()
    form = accept(case)
    query = Query(text, iri_of(case.query), result_format=form, graph_format=form)
    if case.expected is None:
        query = Query(text, iri_of(case.query))
    output = io.BytesIO()
    try:
        evaluate(snapshot, query, lambda *_: output)
    except QuerySyntaxError:
        return "syntax"
    except RokgraphError as error:
        return str(error)
    if case.expected is None:
        return "parses"
    return verdict(case, read(output.getvalue(), wanted_suffix(case)))


def engine_alone(case: Case) -> str:
    text = case.query.read_bytes().decode()
    try:
        answer = dataset_of(case).query(text, base_iri=iri_of(case.query))
        if case.expected is None:
            return "parses"
        found = formats.graph_format(accept(case)) or formats.result_format(accept(case))
        assert found is not None
        data = answer.serialize(format=found.native)  # type: ignore[arg-type]
    except SyntaxError:
        return "syntax"
    except (RuntimeError, ValueError) as error:
        return str(error)
    assert data is not None
    return verdict(case, read(data, wanted_suffix(case)))


# -- the tests -----------------------------------------------------------------------------


def passes(case: Case, outcome: str) -> bool:
    if case.kind in ("positive", "negative"):
        return outcome == ("parses" if case.kind == "positive" else "syntax")
    return outcome in ("same", "spelling")


@cache
def exceptions() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def outcomes(
    suite: dict[str, list[Case]], endpoint: Server
) -> Callable[[str], dict[str, list[tuple[Case, str]]]]:
    """What came of each test of a version, by who was asked; each is asked once."""

    @cache
    def asked(version: str) -> dict[str, list[tuple[Case, str]]]:
        return {
            "over HTTP": [(case, over_http(case, endpoint)) for case in suite[version]],
            "in process": [(case, in_process(case)) for case in suite[version]],
            "engine alone": [(case, engine_alone(case)) for case in suite[version]],
        }

    return asked


Outcomes = Callable[[str], dict[str, list[tuple[Case, str]]]]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("way", ["over HTTP", "in process"])
def test_each_test_passes_or_is_a_known_exception(
    outcomes: Outcomes, version: str, way: str
) -> None:
    """Each test passes, or fails as the list of exceptions says.

    https://www.w3.org/2009/sparql/docs/tests/
    """
    known = exceptions()
    found = outcomes(version)[way]
    failed = {case.iri: outcome for case, outcome in found if not passes(case, outcome)}
    ours = {case.iri for case, _ in found}
    assert failed.keys() == known["fails"].keys() & ours, failed
    spelled = {case.iri for case, outcome in found if outcome == "spelling"}
    assert spelled == known["spelling"].keys() & ours


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_engine_passes_alone_passes_here(outcomes: Outcomes, version: str) -> None:
    """What the engine passes alone passes here."""
    asked = outcomes(version)
    alone = {case.iri for case, outcome in asked["engine alone"] if passes(case, outcome)}
    here = {case.iri for case, outcome in asked["over HTTP"] if passes(case, outcome)}
    assert alone - here == set()


def test_each_exception_is_a_test_and_has_a_reason(suite: dict[str, list[Case]]) -> None:
    """Each exception is a test and has a reason."""
    every = {case.iri for tests in suite.values() for case in tests}
    for table in exceptions().values():
        assert table.keys() <= every
        assert all(table.values())


def test_the_figures_are_those_of_the_reference(outcomes: Outcomes) -> None:
    """The figures and the exceptions are those of docs/reference/sparql.md."""
    lines = []
    for version in VERSIONS:
        cells = [version]
        asked = outcomes(version)
        for kinds in (("evaluation",), ("csv",), ("positive", "negative")):
            here = [pair for pair in asked["over HTTP"] if pair[0].kind in kinds]
            alone = [pair for pair in asked["engine alone"] if pair[0].kind in kinds]
            cells += (
                f"{sum(passes(*pair) for pair in here)} of {len(here)}" if here else "none",
                f"{sum(passes(*pair) for pair in alone)}" if here else "none",
            )
        cells.insert(2, str(sum(pair[1] == "same" for pair in asked["over HTTP"]
                                if pair[0].kind == "evaluation")))  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    print("\n" + "\n".join(lines))
    reference = (ROOT / "docs" / "reference" / "sparql.md").read_text(encoding="utf-8")
    assert [line for line in lines if line not in reference] == []
    names = {iri.rpartition("#")[2] for iri in exceptions()["fails"]}
    assert [name for name in sorted(names) if name not in reference] == []
