"""Evaluation: every value right in each format, and what is mended, on datasets made for it."""

import contextlib
import csv
import io
import json
import warnings
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

import httpx
import pyoxigraph as ox
import pytest
import rdflib
from hypothesis import given
from hypothesis import strategies as st
from rdflib.query import Result

from rokgraph import formats
from rokgraph.errors import NotAcceptable, QueryError, QuerySyntaxError
from rokgraph.evaluation import ask, evaluate
from rokgraph.query import Kind, Query
from rokgraph.snapshot import Snapshot, Summary
from running import Server

XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
EX = "http://example.org/"
PREFIXES = {"ex": EX, "xsd": XSD, "xml": "http://example.org/xml#", "": "http://example.org/empty#"}

TEXTS = {
    "newline": "a\nb", "carriage return": "a\rb", "both": "a\r\nb\r\n", "tab": "a\tb\t",
    "quotes": "\"'\"", "backslash": "a\\nb\\", "markup": "<a>&amp;]]></a>", "comma": "a,b;c",
    "blanks": "  a  b ", "only blanks": "   ", "empty": "", "한글": '디지털 전략, "한국"',
    "astral": "👾\U0010fffd", "delete": "a\x7fb", "next line": "a\x85b\u2028c", "formula": "=1+1",
    "blank node": "_:b0", "iri": "http://example.org/", "percent": "100%20", "combining": "e\u0301",
}  # fmt: skip
CONTROLS = {
    "U+0000": "\0",
    "U+0001": "a\x01b",
    "U+0008": "\b",
    "U+000C": "a\fb",
    "U+FFFF": "\uffff",
}
TYPED = {
    "integer past 64 bits": ("123456789012345678901234567890", XSD + "integer"),
    "least 64-bit integer": ("-9223372036854775808", XSD + "integer"),
    "decimal": ("-1.000000000000000001", XSD + "decimal"),
    "decimal past 128 bits": ("1234567890123456789012345678901234567890.5", XSD + "decimal"),
    "infinity": ("-INF", XSD + "double"),
    "not a number": ("NaN", XSD + "double"),
    "float": ("1.5", XSD + "float"),
    "boolean": ("true", XSD + "boolean"),
    "leap day": ("2024-02-29", XSD + "date"),
    "date and time": ("2023-09-25T09:00:00.123+09:00", XSD + "dateTime"),
    "year before Christ": ("-0044", XSD + "gYear"),
    "month": ("2025-06", XSD + "gYearMonth"),
    "duration": ("P1Y2M3DT4H", XSD + "duration"),
    "ill-typed": ("a lot", XSD + "integer"),
    "of no known type": ("5,5", EX + "type"),
    "HTML": ("<p>a</p>", RDF + "HTML"),
}
TAGGED = {"Korean": ("전략", "ko"), "script": ("策略", "zh-hant"), "region": ("colour", "en-gb")}

LITERALS = {
    **{name: ox.Literal(text) for name, text in TEXTS.items()},
    **{name: ox.Literal(v, datatype=ox.NamedNode(t)) for name, (v, t) in TYPED.items()},
    **{name: ox.Literal(text, language=tag) for name, (text, tag) in TAGGED.items()},
}
RTL = ox.Literal("مرحبا", language="ar", direction=ox.BaseDirection.RTL)

# What rdflib reads them as: a dataset without named graphs is also a graph.
GRAPHS = {
    "turtle": "turtle", "ntriples": "nt", "rdfxml": "xml", "jsonld": "json-ld",
    "nquads": "nt", "trig": "turtle",
}  # fmt: skip


def snapshot(triples: Iterable[ox.Triple | ox.Quad] = (), *, union: bool = False) -> Snapshot:
    store = ox.Store()
    for triple in triples:
        store.add(triple if isinstance(triple, ox.Quad) else ox.Quad(*triple))
    return Snapshot(store, Summary("", {}, PREFIXES, union))


def answer(
    data: Snapshot,
    text: str,
    form: str = "json",
    default_graphs: tuple[str, ...] | None = None,
    named_graphs: tuple[str, ...] | None = None,
) -> bytes:
    output = io.BytesIO()
    query = Query(
        text,
        EX + "sparql",
        result_format=form if formats.result_format(form) else None,
        graph_format=form if formats.graph_format(form) else None,
        default_graphs=default_graphs,
        named_graphs=named_graphs,
    )
    evaluate(data, query, lambda kind, name: output)
    return output.getvalue()


def holding(literal: ox.Literal) -> Snapshot:
    return snapshot([ox.Triple(ex("s"), ex("p"), literal)])


def ex(name: str) -> ox.NamedNode:
    return ox.NamedNode(EX + name)


@contextlib.contextmanager
def as_written() -> Iterator[None]:
    """rdflib without its own normalising of literals."""
    before = rdflib.NORMALIZE_LITERALS
    rdflib.NORMALIZE_LITERALS = False
    try:
        yield
    finally:
        rdflib.NORMALIZE_LITERALS = before


def plain(term: object) -> tuple[str, str, str]:
    """A literal as text, language and datatype, of either library."""
    if isinstance(term, ox.Literal):
        return term.value, term.language or "", term.datatype.value
    assert isinstance(term, rdflib.Literal)
    default = RDF + "langString" if term.language else XSD + "string"
    return str(term), (term.language or "").lower(), str(term.datatype or default)


# -- values --------------------------------------------------------------------------------


def cells(data: bytes, form: str) -> list[object]:
    """The values of a result of one column, read by what is not the engine."""
    if form == "tsv":  # its values are terms of Turtle
        _, *lines = data.decode().split("\n")[:-1]
        return [read(f"<s> <p> {line} .".encode(), "turtle") for line in lines]
    return [row[0] for row in Result.parse(io.BytesIO(data), format=form)]  # type: ignore[index]


def graph(data: bytes, form: str) -> rdflib.Graph:
    """A graph read by rdflib, which uses what it calls deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return rdflib.Graph().parse(data=data, format=form)


def read(data: bytes, form: str) -> object:
    """The only object in a graph."""
    [term] = graph(data, form).objects()
    return term


@pytest.mark.parametrize("form", ["json", "xml", "tsv"])
@pytest.mark.parametrize("name", LITERALS)
def test_a_result_carries_each_value(name: str, form: str) -> None:
    literal = LITERALS[name]
    data = answer(holding(literal), "SELECT ?o { ?s ?p ?o }", form)
    with as_written():
        [found] = cells(data, form)
    assert plain(found) == plain(literal)


@pytest.mark.parametrize("form", ["json", "xml", "tsv", "csv"])
@pytest.mark.parametrize("number", [5e-324, -1.7976931348623157e308, 0.1, 1e21, 123456789.125])
def test_a_result_carries_each_double_though_not_its_spelling(number: float, form: str) -> None:
    literal = ox.Literal(repr(number), datatype=ox.NamedNode(XSD + "double"))
    data = answer(holding(literal), "SELECT ?o { ?s ?p ?o }", form)
    text = data.decode().split()[1] if form == "csv" else str(cells(data, form)[0])
    assert float(text) == number


@pytest.mark.parametrize("name", [*LITERALS, *CONTROLS])
def test_csv_carries_each_text(name: str) -> None:
    literal = LITERALS.get(name) or ox.Literal(CONTROLS[name])
    data = answer(holding(literal), "SELECT ?o ?s { ?s ?p ?o }", "csv")
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert rows == [["o", "s"], [literal.value, EX + "s"]]
    assert data.endswith(b"\r\n")


@pytest.mark.parametrize("form", GRAPHS)
@pytest.mark.parametrize("name", LITERALS)
def test_a_graph_carries_each_value(name: str, form: str) -> None:
    literal = LITERALS[name]
    data = answer(holding(literal), "CONSTRUCT WHERE { ?s ?p ?o }", form)
    with as_written():
        found = read(data, GRAPHS[form])
    assert plain(found) == plain(literal)


@pytest.mark.parametrize("form", ["json", "tsv"])
@pytest.mark.parametrize("name", CONTROLS)
def test_a_result_that_is_not_xml_carries_control_characters(name: str, form: str) -> None:
    data = answer(holding(ox.Literal(CONTROLS[name])), "SELECT ?o { ?s ?p ?o }", form)
    if form == "json":
        assert json.loads(data)["results"]["bindings"][0]["o"]["value"] == CONTROLS[name]
    native = {"json": ox.QueryResultsFormat.JSON, "tsv": ox.QueryResultsFormat.TSV}[form]
    parsed = ox.parse_query_results(data, format=native)
    assert isinstance(parsed, ox.QuerySolutions)
    assert [row["o"] for row in parsed] == [ox.Literal(CONTROLS[name])]


@pytest.mark.parametrize("form", [form for form in GRAPHS if form != "rdfxml"])
@pytest.mark.parametrize("name", CONTROLS)
def test_a_graph_that_is_not_xml_carries_control_characters(name: str, form: str) -> None:
    data = answer(holding(ox.Literal(CONTROLS[name])), "CONSTRUCT WHERE { ?s ?p ?o }", form)
    assert str(read(data, GRAPHS[form])) == CONTROLS[name]


@pytest.mark.parametrize("form", ["xml", "rdfxml"])
@pytest.mark.parametrize("name", CONTROLS)
def test_xml_refuses_what_it_cannot_carry(name: str, form: str) -> None:
    text = "SELECT ?o { ?s ?p ?o }" if form == "xml" else "CONSTRUCT WHERE { ?s ?p ?o }"
    with pytest.raises(QueryError, match=f"XML cannot carry .* {name.replace('+', '[+]')}[.]"):
        answer(holding(ox.Literal(CONTROLS[name])), text, form)


@pytest.mark.parametrize("padding", range(8150, 8200))
def test_xml_is_looked_through_across_pieces(padding: int) -> None:
    many = holding(ox.Literal("x" * padding + "\uffff" + "y" * 20_000))
    with pytest.raises(QueryError, match=r"U\+FFFF"):
        answer(many, "SELECT ?o { ?s ?p ?o }", "xml")


def test_rdf_xml_refuses_a_property_it_cannot_name() -> None:
    for iri in (EX, EX + "123", EX + "a/", EX + "empty#"):
        data = snapshot([ox.Triple(ex("s"), ox.NamedNode(iri), ox.Literal("<a:b>"))])
        with pytest.raises(QueryError, match="RDF/XML cannot carry"):
            answer(data, "CONSTRUCT WHERE { ?s ?p ?o }", "rdfxml")
    answer(holding(ox.Literal("<ex: a>")), "CONSTRUCT WHERE { ?s ?p ?o }", "rdfxml")


def test_a_base_direction_is_in_each_format() -> None:
    data, query = holding(RTL), "SELECT ?o { ?s ?p ?o }"
    [row] = json.loads(answer(data, query))["results"]["bindings"]
    assert row["o"] == {
        "type": "literal", "value": RTL.value, "xml:lang": "ar", "its:dir": "rtl"
    }  # fmt: skip
    [literal] = ET.fromstring(answer(data, query, "xml")).findall(".//{*}literal")
    assert literal.get("{http://www.w3.org/2005/11/its}dir") == "rtl"
    assert answer(data, query, "tsv").decode() == f'?o\n"{RTL.value}"@ar--rtl\n'
    assert answer(data, query, "csv").decode() == f"o\r\n{RTL.value}\r\n"
    for form in GRAPHS:
        native = formats.graph_format(form)
        assert native is not None
        written = answer(data, "CONSTRUCT WHERE { ?s ?p ?o }", form)
        [quad] = ox.parse(written, format=native.native)  # type: ignore[arg-type]
        assert quad.object == RTL


@pytest.mark.parametrize("form", ["turtle", "ntriples", "rdfxml", "nquads", "trig"])
def test_a_triple_term_is_in_each_graph_format_but_one(form: str) -> None:
    term = ox.Triple(ex("a"), ex("b"), ox.Literal("c"))
    data = snapshot([ox.Triple(ex("s"), ox.NamedNode(RDF + "reifies"), term)])
    native = formats.graph_format(form)
    assert native is not None
    written = answer(data, "CONSTRUCT WHERE { ?s ?p ?o }", form)
    [quad] = ox.parse(written, format=native.native)  # type: ignore[arg-type]
    assert quad.object == term
    with pytest.raises(QueryError, match=r"RDF 1\.2 yet: ask for Turtle"):
        answer(data, "CONSTRUCT WHERE { ?s ?p ?o }", "jsonld")


def test_unbound_and_no_solutions_and_no_columns() -> None:
    empty = snapshot()
    nothing = {
        "json": b'{"head":{"vars":["x","y"]},"results":{"bindings":[]}}', "csv": b"x,y\r\n",
        "tsv": b"?x\t?y\n",
    }  # fmt: skip
    for form, expected in nothing.items():
        assert answer(empty, "SELECT ?x ?y { ?x ?p ?y }", form) == expected
    assert answer(empty, "SELECT ?x ?y {}", "csv") == b"x,y\r\n,\r\n"
    assert answer(empty, "SELECT ?x ?y {}", "tsv") == b"?x\t?y\n\t\n"
    assert json.loads(answer(empty, "SELECT * {}"))["results"]["bindings"] == [{}]


@pytest.mark.parametrize("form", ["turtle", "trig", "rdfxml"])
def test_only_prefixes_that_are_used_are_declared(form: str) -> None:
    data = answer(holding(ox.Literal(1)), "CONSTRUCT WHERE { ?s ?p ?o }", form).decode()
    assert "http://example.org/" in data
    assert "ex:p" in data
    assert "http://example.org/xml#" not in data
    assert answer(snapshot(), "CONSTRUCT WHERE { ?s ?p ?o }", "turtle") == b""


def test_the_formats_on_offer_are_listed() -> None:
    with pytest.raises(NotAcceptable, match="application/n-quads, application/trig"):
        answer(snapshot(), "DESCRIBE <x>", "csv")
    with pytest.raises(NotAcceptable, match=r"SELECT is answered in: .*text/csv"):
        answer(snapshot(), "SELECT * {}", "turtle")


# -- what is mended ------------------------------------------------------------------------


def rows(data: Snapshot, text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer(data, text, "csv").decode())))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT (TRUE AS ?t) (False AS ?f) {}", [["t", "f"], ["true", "false"]]),
        ("SELECT (<urn:f>(1) AS ?x) (COALESCE(<urn:f>(1), 2) AS ?y) {}", [["x", "y"], ["", "2"]]),
        ("SELECT (<urn:f>(<urn:g>(), TRUE) AS ?x) {}", [["x"], []]),
        ("SELECT ?x { VALUES ?x { 1 } FILTER(<urn:f>(?x)) }", [["x"]]),
        ("SELECT ?x { VALUES ?x { 1 } FILTER(!BOUND(?y) || <urn:f>(?x)) }", [["x"], ["1"]]),
        ("SELECT ?x { VALUES ?x { 2 1 } } ORDER BY <urn:f>(?x) ?x", [["x"], ["1"], ["2"]]),
        ("SELECT (SUM(<urn:f>(?x)) AS ?y) { VALUES ?x { 2 1 } }", [["y"], []]),
        ("SELECT * { VALUES (?z ?a) { (1 2) } BIND(<urn:f>(?a) AS ?b) }",
         [["z", "a", "b"], ["1", "2", ""]]),
        ("SELECT (LANG(GROUP_CONCAT(?x)) AS ?y) { VALUES ?x { 'a'@ko 'b'@ko } }", [["y"], []]),
        ("SELECT (1/0 AS ?x) {}", [["x"], []]),
    ],
)  # fmt: skip
def test_the_recommendation_is_kept(text: str, expected: list[list[str]]) -> None:
    assert rows(snapshot(), text) == expected


def test_unknown_functions_are_errors_up_to_a_number() -> None:
    def calling(number: int) -> str:
        return "SELECT " + " ".join(f"(<urn:f{n}>() AS ?x{n})" for n in range(number)) + " {}"

    assert rows(snapshot(), calling(32))[1] == [""] * 32
    with pytest.raises(QueryError, match="is not supported"):
        answer(snapshot(), calling(33))


def test_a_known_function_stays_known() -> None:
    text = f"SELECT (<{XSD}integer>('7') AS ?x) (<urn:f>() AS ?y) {{}}"
    assert rows(snapshot(), text) == [["x", "y"], ["7", ""]]


def test_faults_are_told_with_the_prefixes_of_the_snapshot() -> None:
    with pytest.raises(QuerySyntaxError, match=f"usually PREFIX ex: <{EX}>") as told:
        answer(snapshot(), "SELECT *\n{ ?s ex:p TRUE }")
    assert (told.value.line, told.value.column) == (2, 6)
    with pytest.raises(QuerySyntaxError, match="an aggregate in an aggregate"):
        answer(snapshot(), "SELECT (SUM(COUNT(?x)) AS ?y) { ?x ?p ?o }")
    with pytest.raises(QuerySyntaxError, match="line 1, column 10"):
        answer(snapshot(), "DESCRIBE ex:s")


def test_a_graph_must_have_an_absolute_iri() -> None:
    with pytest.raises(QueryError, match="not an absolute IRI"):
        answer(snapshot(), "ASK {}", default_graphs=("a graph",))


# -- DESCRIBE ------------------------------------------------------------------------------

LABEL = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
REIFIES = ox.NamedNode(RDF + "reifies")


def described(data: Snapshot, text: str, **dataset: tuple[str, ...]) -> list[str]:
    """The triples of a description, subject and object only, `_` for a blank node."""
    written = answer(data, text, "ntriples", **dataset)
    return sorted(
        f"{short(quad.subject)} {short(quad.object)}"
        for quad in ox.parse(written, format=ox.RdfFormat.N_TRIPLES)
    )


def short(term: object) -> str:
    return (
        "_" if isinstance(term, ox.BlankNode) else getattr(term, "value", "<<>>").rpartition("/")[2]
    )


def turtle(text: str) -> list[ox.Quad]:
    return list(ox.parse(f"@prefix : <{EX}> . {text}", format=ox.RdfFormat.TRIG))


def test_a_description_is_symmetric_and_labelled() -> None:
    data = snapshot(
        turtle(
            ":a :p :b, 'text' . :c :p :a . :x :p :c . :b :p :y . :a :p [ :q [ :r :d ] ] ."
            "[ :q [ :r :a ] ; :s 'whole' ] . :b <http://www.w3.org/2000/01/rdf-schema#label> 'B' ."
            ":c <http://www.w3.org/2004/02/skos/core#prefLabel> 'C', 'C'@ko ."
            ":x <http://www.w3.org/2000/01/rdf-schema#label> 'X' ."
        )
    )
    assert described(data, "PREFIX : <http://example.org/> DESCRIBE :a") == [
        "_ _", "_ _", "_ a", "_ d", "_ whole", "a _", "a b", "a text", "b B", "c C", "c C", "c a",
    ]  # fmt: skip


def test_what_reifies_a_statement_is_described_with_it() -> None:
    data = snapshot(turtle(":a :p :b {| :source [ :page 3 ] |} . :c :p :d {| :source :e |} ."))
    assert described(data, "DESCRIBE <a>") == ["_ 3", "_ <<>>", "_ _", "a b"]


def test_a_resource_that_is_only_mentioned_is_described() -> None:
    data = snapshot(turtle(":a :p :b . :a <http://www.w3.org/2000/01/rdf-schema#label> 'A' ."))
    assert described(data, "DESCRIBE <b>") == ["a A", "a b"]
    assert described(data, "DESCRIBE <none>") == []


def test_each_triple_comes_once() -> None:
    text = ":a :p :a, :b . :b :p :a, _:x, _:y . _:x :p _:y, :a . _:y :p _:x, _:y ."
    quads = [*turtle(text), *turtle(f"GRAPH :g {{ {text} }}")]
    data = snapshot(quads, union=True)
    for query in ("DESCRIBE <a> <b> <a>", "DESCRIBE * { ?s ?p ?o }", "DESCRIBE <b>"):
        written = answer(data, query, "ntriples").splitlines()
        assert len(written) == len(set(written))
    whole = answer(data, "DESCRIBE ?s { ?s ?p ?o }", "ntriples").splitlines()
    assert len(whole) == len({quad.triple for quad in data.store})


def test_what_is_described_is_named_or_found() -> None:
    data = snapshot(turtle(":a :n 1 . :b :n 2 . :c :n 3 . :d :n 4, 'not a node' ."))
    one = "DESCRIBE ?x <d> { ?x <n> ?n FILTER(?n < 3 && <urn:f>() || ?n < 3) } ORDER BY DESC(?n)"
    assert described(data, one) == ["a 1", "b 2", "d 4", "d not a node"]
    assert described(data, one + " LIMIT 1") == ["b 2", "d 4", "d not a node"]
    assert described(data, "DESCRIBE <a> { ?x <none> ?y }") == ["a 1"]
    assert described(data, "DESCRIBE ?n { ?x <n> ?n }") == []
    assert described(data, "BASE <http://example.org/x/> DESCRIBE <../c> # <a>\n") == ["c 3"]
    assert described(data, "DESCRIBE * { ?x <n> 1 }") == ["a 1"]


def test_a_description_is_of_the_dataset_that_is_asked() -> None:
    data = snapshot(turtle(":a :in 'default' . GRAPH :g { :a :in 'g' } GRAPH :h { :a :in 'h' }"))
    union = Snapshot(data.store, Summary("", {}, {}, union=True))
    assert described(data, "DESCRIBE <a>") == ["a default"]
    assert described(union, "DESCRIBE <a>") == ["a default", "a g", "a h"]
    for each in (data, union):
        assert described(each, "DESCRIBE <a> FROM <g>") == ["a g"]
        assert described(each, "DESCRIBE ?x FROM <g> FROM NAMED <h> { GRAPH ?y { ?x ?p ?o } }") == [
            "a g"
        ]
        assert described(each, "DESCRIBE <a> FROM NAMED <g>") == []
        assert described(each, "DESCRIBE <a> FROM <g>", default_graphs=(EX + "h",)) == ["a h"]
        assert described(each, "DESCRIBE <a>", named_graphs=(EX + "h",)) == []


@pytest.mark.parametrize("form", GRAPHS)
def test_a_description_is_written_in_each_format(form: str) -> None:
    data = snapshot(turtle(":a :p [ :q 1 ], 'x'@ko . :b :p :a ."))
    written = answer(data, "DESCRIBE <a>", form)
    assert len(graph(written, GRAPHS[form])) == 4


def test_a_description_is_a_graph_and_the_engine_can_be_asked_for_its_own() -> None:
    data = snapshot(turtle(":a :p 1 . :b :p :a ."))
    kinds: list[Kind] = []

    def output(kind: Kind, name: str) -> io.BytesIO:
        kinds.append(kind)
        return io.BytesIO()

    assert evaluate(data, Query("DESCRIBE <a>", EX), output) is Kind.GRAPH
    assert kinds == [Kind.GRAPH]
    assert isinstance(ask(data, Query("DESCRIBE <a>", EX)), ox.QueryTriples)


NODES = st.sampled_from([ex("a"), ex("b"), ex("c"), ex("d"), *map(ox.BlankNode, "uvwxyz")])
EDGES = st.builds(ox.Triple, NODES, st.sampled_from([ex("p"), LABEL]), NODES)


def by_definition(triples: set[ox.Triple]) -> set[ox.Triple]:
    """The description of :a, by the definition and not by the way it is found."""
    subjects: set[object] = {ex("a")}
    objects: set[object] = {ex("a")}
    while True:
        told = {t for t in triples if t.subject in subjects or t.object in objects}
        blank_objects = {t.object for t in told if t.subject in subjects} | {
            t.subject for t in told if t.object in objects
        }
        more = {node for node in blank_objects if isinstance(node, ox.BlankNode)}
        inward = {t.subject for t in told if t.object in objects}
        further = {node for node in inward if isinstance(node, ox.BlankNode)}
        if more <= subjects and further <= objects:
            break
        subjects |= more
        objects |= further
    mentioned = {t.object for t in told if t.subject in subjects}
    mentioned |= {t.subject for t in told if t.object in objects}
    labels = {
        t for t in triples
        if t.predicate == LABEL and t.subject in mentioned and isinstance(t.subject, ox.NamedNode)
    }  # fmt: skip
    return told | labels


@given(st.lists(EDGES, max_size=25))
def test_a_description_is_what_its_definition_says(edges: list[ox.Triple]) -> None:
    data = snapshot(edges)
    stored = {quad.triple for quad in data.store}
    written = answer(data, "DESCRIBE <a>", "ntriples")
    found = [quad.triple for quad in ox.parse(written, format=ox.RdfFormat.N_TRIPLES)]
    assert len(found) == len(set(found))
    assert set(found) == by_definition(stored)


# -- through a worker ----------------------------------------------------------------------


def test_a_worker_answers_alike(server: Server) -> None:
    task = "https://w3id.org/rokgraph/id/task/1-2"
    for form, media_type in (("trig", "application/trig"), ("nquads", "application/n-quads")):
        given_ = server.get(f"DESCRIBE <{task}>", accept=media_type)
        assert given_.headers["content-type"].partition(";")[0] == media_type
        native = formats.graph_format(form)
        assert native is not None
        triples = list(ox.parse(given_.content, format=native.native))  # type: ignore[arg-type]
        assert any(quad.object == ox.NamedNode(task) for quad in triples)
        assert any(
            quad.predicate == LABEL and quad.subject != ox.NamedNode(task) for quad in triples
        )
    bad = server.get("SELECT ?x { BIND('\\u0001' AS ?x) }", accept="application/sparql-results+xml")
    assert bad.status_code == 400
    assert "U+0001" in bad.json()["detail"]
    good = server.get("SELECT (<urn:f>() AS ?x) (TRUE AS ?y) {}")
    assert list(good.json()["results"]["bindings"][0]) == ["y"]
    undeclared = server.get("SELECT * { ?s rok:x ?o }").json()
    assert (undeclared["line"], undeclared["column"]) == (1, 15)
    assert "PREFIX rok: <https://w3id.org/rokgraph/ont#>" in undeclared["detail"]
    jsonld = server.get(
        "CONSTRUCT { <a> <b> <<( <a> <b> <c> )>> } {}", accept="application/ld+json"
    )
    assert jsonld.status_code == 400
    assert "RDF 1.2" in jsonld.json()["detail"]


def test_a_cut_answer_in_xml_is_never_whole(server: Server) -> None:
    text = (
        "SELECT ?x { { ?s ?p ?o BIND(CONCAT(STR(?s), STR(?p), STR(?o)) AS ?x) } UNION "
        "{ BIND('\\u0001' AS ?x) } }"
    )
    try:
        given_ = server.get(text, accept="application/sparql-results+xml")
    except httpx.RemoteProtocolError:
        return
    assert given_.status_code == 400


@pytest.mark.parametrize(
    "term", ["<http://example.org/a>", '"a b"@ko', '"1"^^<http://example.org/t>']
)
def test_a_variable_may_have_a_value_from_the_start(term: str) -> None:
    store = ox.Store()
    [quad] = ox.parse(f"<http://s> <http://p> {term} .".encode(), format=ox.RdfFormat.N_TRIPLES)
    store.extend([quad, ox.Quad(quad.subject, quad.predicate, ox.Literal("other"))])
    snapshot = Snapshot(store, Summary("0", {}, {}, union=False))
    query = Query("SELECT ?s ?o { ?s ?p ?o }", bindings=(("o", term),))
    rows = ask(snapshot, Query.from_bytes(query.to_bytes()))
    assert [row["o"] for row in rows] == [quad.object]  # type: ignore[union-attr]


def test_what_a_describe_describes_may_be_bound() -> None:
    store = ox.Store()
    store.load(b"<http://a> <http://p> 1 . <http://b> <http://p> 2 .", format=ox.RdfFormat.TURTLE)
    snapshot = Snapshot(store, Summary("0", {}, {}, union=False))
    out = io.BytesIO()
    query = Query("DESCRIBE ?x {}", graph_format="ntriples", bindings=(("x", "<http://b>"),))
    evaluate(snapshot, query, lambda *_: out)
    assert out.getvalue().count(b"\n") == 1
    assert b"<http://b>" in out.getvalue()


def test_a_variable_that_is_not_selected_cannot_be_bound() -> None:
    snapshot = Snapshot(ox.Store(), Summary("0", {}, {}, union=False))
    with pytest.raises(QueryError):
        ask(snapshot, Query("SELECT ?s { ?s ?p ?o }", bindings=(("o", "<http://a>"),)))
