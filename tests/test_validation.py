"""The room that validates: results in plain words, in a fixed order, and as a report in RDF."""

import subprocess
import sys

import pyoxigraph as ox
import pytest

from rokgraph.validation import ShapesError, ValidationReport, validate

SH = "http://www.w3.org/ns/shacl#"
PREFIXES = """
@prefix ex: <https://example.org/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix shape: <https://w3id.org/rokgraph/shapes#> .
"""
NAMED = """
shape:Z-01 a sh:NodeShape ;
    sh:targetClass ex:Ship ;
    sh:property [
        sh:path ex:name ; sh:minCount 1 ;
        sh:message "Z-01 이름이 없다"@ko, "Z-01 no name"@en ] .
"""


def told(shapes: str, data: str, *, graph: str | None = None) -> ValidationReport:
    store = ox.Store()
    into = ox.NamedNode(graph) if graph else None
    store.load(PREFIXES + data, format=ox.RdfFormat.TURTLE, to_graph=into)
    parsed = ox.parse(PREFIXES + shapes, format=ox.RdfFormat.TURTLE)
    return validate(store, [quad.triple for quad in parsed])


def report_store(report: ValidationReport) -> ox.Store:
    store = ox.Store()
    store.load(report.graph, format=ox.RdfFormat.TURTLE)
    return store


def test_data_without_fault_conforms_and_has_no_results() -> None:
    report = told(NAMED, 'ex:a a ex:Ship ; ex:name "Ark" .')
    assert report.conforms
    assert report.results == ()
    assert b"sh:conforms true" in report.graph


def test_a_property_shape_is_told_by_the_rule_that_owns_it() -> None:
    (result,) = told(NAMED, "ex:a a ex:Ship .").results
    assert result.rule == "Z-01"
    assert result.severity == "violation"
    assert result.focus == "https://example.org/a"
    assert result.path == "https://example.org/name"
    assert result.value is None


def test_the_english_message_comes_first() -> None:
    (result,) = told(NAMED, "ex:a a ex:Ship .").results
    assert result.message == "Z-01 no name"


def test_a_property_shape_within_a_property_shape_is_told_by_the_outermost() -> None:
    shapes = """shape:Z-02 a sh:NodeShape ; sh:targetClass ex:Ship ; sh:property [
        sh:path ex:master ; sh:property [ sh:path ex:name ; sh:minCount 1 ] ] ."""
    (result,) = told(shapes, "ex:a a ex:Ship ; ex:master ex:m .").results
    assert (result.rule, result.focus) == ("Z-02", "https://example.org/m")


def test_a_warning_conforms_here_and_not_by_the_standard() -> None:
    shapes = NAMED.replace("sh:minCount", "sh:severity sh:Warning ; sh:minCount")
    report = told(shapes, "ex:a a ex:Ship .")
    assert report.conforms
    assert [result.severity for result in report.results] == ["warning"]
    assert b"sh:conforms false" in report.graph


def test_results_come_worst_first_then_by_rule_and_focus() -> None:
    shapes = "".join(
        f"""shape:{rule} a sh:NodeShape ; sh:targetClass ex:Ship ; sh:severity sh:{severity} ;
            sh:message "{rule}"@en ; sh:not [ sh:class ex:Ship ] .\n"""
        for rule, severity in [("A-1", "Info"), ("B-1", "Violation"), ("A-2", "Warning")]
    )
    results = told(shapes, "ex:b a ex:Ship . ex:a a ex:Ship .").results
    assert [(found.rule, found.focus[-1]) for found in results] == [
        ("B-1", "a"), ("B-1", "b"), ("A-2", "a"), ("A-2", "b"), ("A-1", "a"), ("A-1", "b"),
    ]  # fmt: skip


def test_a_literal_value_is_told_by_its_text() -> None:
    shapes = NAMED.replace("sh:minCount 1", "sh:datatype xsd:string")
    (result,) = told(shapes, 'ex:a a ex:Ship ; ex:name "Ark"@en .').results
    assert result.value == "Ark"


@pytest.mark.parametrize(
    ("path", "sparql"),
    [
        ("[ sh:inversePath ex:name ]", "^<N>"),
        ("[ sh:alternativePath ( ex:name ex:master ) ]", "(<N>|<M>)"),
        ("( ex:master [ sh:inversePath ex:name ] )", "(<M>/^<N>)"),
        ("[ sh:oneOrMorePath ex:name ]", "<N>+"),
        ("[ sh:zeroOrOnePath ( ex:master ex:name ) ]", "(<M>/<N>)?"),
        ("[ sh:zeroOrMorePath ex:name ]", "<N>*"),
    ],
)
def test_a_longer_path_is_told_as_in_sparql(path: str, sparql: str) -> None:
    shapes = NAMED.replace("sh:path ex:name ; sh:minCount 1", f"sh:path {path} ; sh:minCount 3")
    report = told(shapes, "ex:a a ex:Ship .")
    wanted = sparql.replace("N", "https://example.org/name").replace(
        "M", "https://example.org/master"
    )
    assert [result.path for result in report.results] == [wanted]
    again = report_store(report).query(
        f"PREFIX sh: <{SH}> ASK {{ ?result sh:resultPath ?path . ?path ?any ?part }}"
    )
    assert bool(again), "the report carries the path itself"


def test_the_report_is_a_shacl_report_with_both_messages() -> None:
    store = report_store(told(NAMED, "ex:a a ex:Ship ."))
    query = f"""PREFIX sh: <{SH}> SELECT ?focus ?shape ?component ?message WHERE {{
        ?report a sh:ValidationReport ; sh:conforms false ; sh:result ?result .
        ?result a sh:ValidationResult ; sh:focusNode ?focus ; sh:sourceShape ?shape ;
            sh:sourceConstraintComponent ?component ; sh:resultMessage ?message ;
            sh:resultSeverity sh:Violation }}"""
    rows = store.query(query)
    assert isinstance(rows, ox.QuerySolutions)
    found = {tuple(str(term) for term in row) for row in rows}
    common = (
        "<https://example.org/a>",
        "<https://w3id.org/rokgraph/shapes#Z-01>",
        f"<{SH}MinCountConstraintComponent>",
    )
    assert found == {(*common, '"Z-01 no name"@en'), (*common, '"Z-01 이름이 없다"@ko')}


def test_the_report_is_the_same_bytes_for_the_same_results() -> None:
    shapes = NAMED + NAMED.replace("Z-01", "Z-02").replace(
        "sh:path ex:name", "sh:path [ sh:alternativePath ( ex:name ex:master ) ]"
    )
    data = " ".join(f"ex:s{number} a ex:Ship ." for number in range(20))
    assert len({told(shapes, data).graph for _ in range(3)}) == 1


def test_named_graphs_count_as_one_graph() -> None:
    report = told(NAMED, "ex:a a ex:Ship .", graph="https://example.org/graph")
    assert [result.focus for result in report.results] == ["https://example.org/a"]


def test_a_subclass_counts_where_the_data_says_so() -> None:
    assert told(NAMED, "ex:a a ex:Tug .").results == ()
    assert told(NAMED, "ex:a a ex:Tug . ex:Tug rdfs:subClassOf ex:Ship .").results


def test_the_data_is_left_as_it_was() -> None:
    store = ox.Store()
    store.load(PREFIXES + "ex:a a ex:Ship .", format=ox.RdfFormat.TURTLE)
    before = set(store)
    shapes = ox.parse(PREFIXES + NAMED, format=ox.RdfFormat.TURTLE)
    validate(store, [quad.triple for quad in shapes])
    assert set(store) == before


@pytest.mark.parametrize(
    "fault",
    [
        "sh:property [ sh:minCount 1 ]",
        'sh:property [ sh:path ex:name ; sh:minCount "one" ]',
        "sh:sparql [ sh:message 'no query' ]",
        "sh:sparql [ sh:select 'SELECT $this WHERE { $this ?p ?o . MINUS { ?o ?q $this } }' ]",
    ],
)
def test_ill_formed_shapes_are_an_error_that_says_why(fault: str) -> None:
    shapes = f"shape:Z-03 a sh:NodeShape ; sh:targetClass ex:Ship ; {fault} ."
    with pytest.raises(ShapesError) as raised:
        told(shapes, "ex:a a ex:Ship .")
    assert str(raised.value)


def test_nothing_heavy_is_imported_before_it_is_called() -> None:
    code = """import sys, rokgraph.validation
print(sorted({"rdflib", "pyshacl"} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
