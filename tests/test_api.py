"""The dataset for people who program: what is asked, what comes back, what is refused."""

import csv
import pickle
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyoxigraph as ox
import pytest
from rdflib import RDFS, Literal, URIRef

import rokgraph
from rokgraph.errors import ParameterError, QueryError, QuerySyntaxError, SettingError, SourceError
from rokgraph.snapshot import load_built_in
from rokgraph.values import Blank, Iri, Text, python_value
from running import ROOT

TASK = "https://w3id.org/rokgraph/id/task/1-2"
XSD = "http://www.w3.org/2001/XMLSchema#"


@pytest.fixture(scope="module")
def graph() -> rokgraph.Dataset:
    return rokgraph.load()


def test_the_dataset_says_what_it_is(graph: rokgraph.Dataset) -> None:
    snapshot = load_built_in(ROOT)
    assert graph.digest == f"sha256:{snapshot.summary.digest}"
    assert graph.version == "2026.1"
    assert graph.graphs == snapshot.summary.graphs
    assert len(graph) == sum(graph.graphs.values())
    assert graph.digest in repr(graph)


def test_an_import_loads_nothing() -> None:
    code = (
        "import rokgraph, sys; rokgraph.load;"
        "print({'rdflib', 'pandas', 'polars', 'uvicorn', 'mcp'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_the_questions_are_all_there(graph: rokgraph.Dataset) -> None:
    names = {path.stem for path in (ROOT / "queries" / "questions").glob("*.rq")}
    assert {question.name for question in graph.questions} == names
    due = next(question for question in graph.questions if question.name == "due-in-2024")
    assert due.title["ko"]
    assert due.description["en"]
    assert due.parameters["year"].kind == "year"


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in (ROOT / "queries" / "questions").glob("*.rq"))
)
def test_a_question_by_name_has_the_expected_rows(graph: rokgraph.Dataset, name: str) -> None:
    rows = graph.query(name)
    with (ROOT / "tests" / "expected" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        columns, *expected = csv.reader(file)
    assert list(rows.columns) == columns
    assert len(rows) == len(expected)
    texts = [[getattr(t, "value", "") if t else "" for t in row] for row in rows.terms]
    assert sorted(texts) == sorted(expected)


def test_rows_are_tuples_and_dictionaries_of_python_values(graph: rokgraph.Dataset) -> None:
    rows = graph.query("days-from-announcement-to-law")
    law, announced, promulgated, _, days, _ = rows[0]
    assert law == "Metaverse Special Act"
    assert isinstance(law, Text)
    assert law.language == "en"
    assert isinstance(announced, date)
    assert isinstance(promulgated, date)
    assert promulgated - announced == timedelta(days=517)
    assert days == 517
    assert [row["daysToForce"] for row in rows.dicts()] == [183, 366, 366]
    assert [row[0] for row in rows[1:]] == [row[0] for row in list(rows)[1:]]
    assert repr(rows).startswith("<3 rows of proposalLabel")


def test_parameters_change_the_answer(graph: rokgraph.Dataset) -> None:
    assert len(graph.query("due-in-2024")) == 6
    assert graph.query("due-in-2024", year=2024).terms == graph.query("due-in-2024").terms
    later = graph.query("due-in-2024", year=2025)
    assert len(later) == 4
    assert later.terms != graph.query("due-in-2024").terms
    name = "laws-that-touch-a-task"
    short, whole = (graph.query(name, task=task) for task in ("task:1-2", TASK))
    assert short.terms == whole.terms == graph.query(name).terms
    assert graph.query(name, task="task:2-1").terms != short.terms


@pytest.mark.parametrize(
    ("question", "given", "told"),
    [
        ("due-in-2024", {"year": "soon"}, "no year"),
        ("due-in-2024", {"yaer": 2024}, "'yaer'.*no such.*year"),
        ("laws-that-touch-a-task", {"task": "task:9-9"}, "task:1-1"),
        ("laws-that-touch-a-task", {"task": "x } DROP ALL #"}, "nothing of the class"),
    ],
)
def test_a_wrong_parameter_is_told(
    graph: rokgraph.Dataset, question: str, given: dict[str, object], told: str
) -> None:
    with pytest.raises(ParameterError, match=told):
        graph.query(question, **given)


def test_what_cannot_be_asked_is_told(graph: rokgraph.Dataset) -> None:
    with pytest.raises(QueryError, match="Near to it: due-in-2024"):
        graph.query("due-in-2042")
    with pytest.raises(QuerySyntaxError) as caught:
        graph.query("SELECT *\n{ ?s ?p }")
    assert caught.value.line == 2
    with pytest.raises(QueryError, match="no SELECT"):
        graph.query("ASK {}")
    with pytest.raises(QueryError, match="no ASK"):
        graph.ask("SELECT * {}")
    with pytest.raises(QueryError, match="no CONSTRUCT"):
        graph.construct("ASK {}")
    with pytest.raises(QueryError, match="parameters"):
        graph.query("SELECT * {}", year=2024)
    with pytest.raises(QueryError):
        graph.query("INSERT DATA { <urn:a> <urn:b> <urn:c> }")


def test_ask(graph: rokgraph.Dataset) -> None:
    assert graph.ask(f"ASK {{ <{TASK}> ?p ?o }}") is True
    assert graph.ask("ASK { <urn:nobody> ?p ?o }") is False


def test_the_dialect_is_that_of_the_endpoint(graph: rokgraph.Dataset) -> None:
    star = graph.query("SELECT * { VALUES (?b ?a) { (1 2) } }")
    assert star.columns == ("b", "a")
    assert graph.query("SELECT (<urn:no-such-function>(1) AS ?x) {}")[0] == (None,)


def test_a_description_in_three_shapes(graph: rokgraph.Dataset) -> None:
    triples = graph.describe("task:1-2")
    assert triples[0].subject is not None
    assert list(triples[:2]) == list(triples)[:2]
    assert len(set(triples)) == len(triples) > 50
    assert list(graph.describe(TASK)) == list(triples)
    made = triples.to_rdflib()
    assert len(made) == len(triples)
    assert (URIRef(TASK), RDFS.label, Literal("Sufficient digital resources", lang="en")) in made
    assert dict(made.namespaces())["task"] == URIRef("https://w3id.org/rokgraph/id/task/")
    again = ox.parse(triples.to_text().encode(), format=ox.RdfFormat.TURTLE)
    assert {quad.triple for quad in again} == set(triples)
    assert len(graph.describe("urn:nobody")) == 0
    with pytest.raises(SettingError, match="neither"):
        graph.describe("no such thing")
    with pytest.raises(SettingError, match="neither"):
        graph.describe("task:1> ?p ?o } #")
    with pytest.raises(SettingError, match="format"):
        triples.to_text("word")


def test_a_construction(graph: rokgraph.Dataset) -> None:
    triples = graph.construct(
        "PREFIX rok: <https://w3id.org/rokgraph/ont#>"
        "CONSTRUCT { ?t rok:notation ?n } WHERE { ?t a rok:Task ; rok:notation ?n }"
    )
    assert len(triples) == 18
    assert repr(triples) == "<18 triples>"


def test_data_frames(graph: rokgraph.Dataset) -> None:
    rows = graph.query("days-from-announcement-to-law")
    pandas, polars = rows.to_pandas(), rows.to_polars()
    assert list(pandas.columns) == list(polars.columns) == list(rows.columns)
    assert list(pandas["daysToForce"]) == polars["daysToForce"].to_list() == [183, 366, 366]
    assert pandas["daysToForce"].dtype == "int64"
    assert polars["announced"].to_list() == [date(2022, 9, 28)] * 3
    assert polars["proposalLabel"].to_list() == [row[0] for row in rows]


def test_a_frame_of_gaps_and_mixed_kinds(graph: rokgraph.Dataset) -> None:
    rows = graph.query('SELECT ?x ?y { VALUES (?x ?y) { (1 UNDEF) ("a" 2.5) (<urn:a> UNDEF) } }')
    assert list(rows) == [(1, None), ("a", Decimal("2.5")), ("urn:a", None)]
    assert rows.to_pandas()["y"].isna().tolist() == [True, False, True]
    assert rows.to_polars().shape == (3, 2)
    none = graph.query("SELECT ?x { FILTER(false) }")
    assert none.to_pandas().shape == (0, 1)
    assert none.to_polars().shape == (0, 1)


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_missing_package_is_told(
    graph: rokgraph.Dataset, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    rows = graph.query("SELECT ?x { VALUES ?x { 1 } }")
    with pytest.raises(SettingError, match=rf"pip install 'rokgraph\[{name}\]'"):
        getattr(rows, f"to_{name}")()


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "own.trig"
    path.write_text("<urn:a> <urn:b> 1 . <urn:g> { <urn:a> <urn:b> 2 }")
    return path


def test_data_of_ones_own(given: Path) -> None:
    own = rokgraph.load(given)
    assert own.graphs == {"": 1, "urn:g": 1}
    assert own.version is None
    assert list(own.query("SELECT ?x { ?s ?p ?x }")) == [(1,)]
    union = rokgraph.load(str(given), union=True)
    assert sorted(union.query("SELECT ?x { ?s ?p ?x }")) == [(1,), (2,)]
    with pytest.raises(SourceError):
        rokgraph.load(given.with_name("none.ttl"))


@pytest.mark.parametrize(
    ("text", "datatype", "expected"),
    [
        ("12", "integer", 12),
        ("+7", "unsignedByte", 7),
        ("1_000", "integer", "1_000"),
        ("٣", "integer", "٣"),
        ("0.10", "decimal", Decimal("0.10")),
        ("1e3", "decimal", "1e3"),
        ("1e3", "double", 1000.0),
        ("-INF", "double", float("-inf")),
        ("infinity", "double", "infinity"),
        ("true", "boolean", True),
        ("0", "boolean", False),
        ("TRUE", "boolean", "TRUE"),
        ("2024-02-29", "date", date(2024, 2, 29)),
        ("2023-02-29", "date", "2023-02-29"),
        ("2024-02-29Z", "date", "2024-02-29Z"),
        ("20240229", "date", "20240229"),
        ("2024-01-02T03:04:05Z", "dateTime", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024", "gYear", 2024),
        ("P1DT2H", "dayTimeDuration", timedelta(days=1, hours=2)),
        ("-PT0.5S", "dayTimeDuration", timedelta(seconds=-0.5)),
        ("P", "dayTimeDuration", "P"),
        ("P999999999999D", "dayTimeDuration", "P999999999999D"),
        ("P1Y", "yearMonthDuration", "P1Y"),
        ("ab01", "hexBinary", "ab01"),
        ("12", "string", "12"),
    ],
)
def test_literals_become_values_where_they_are_well_formed(
    text: str, datatype: str, expected: object
) -> None:
    value = python_value(ox.Literal(text, datatype=ox.NamedNode(XSD + datatype)))
    assert value == expected
    assert type(value) is type(expected)


def test_other_terms() -> None:
    iri = python_value(ox.NamedNode("urn:a"))
    assert iri == "urn:a"
    assert isinstance(iri, Iri)
    assert isinstance(python_value(ox.BlankNode("b")), Blank)
    assert python_value(None) is None
    text = python_value(ox.Literal("가", language="ko"))
    assert isinstance(text, Text)
    assert pickle.loads(pickle.dumps(text)).language == "ko"
    triple = ox.Triple(ox.NamedNode("urn:a"), ox.NamedNode("urn:b"), ox.Literal("c"))
    assert python_value(triple) == ("urn:a", "urn:b", "c")
