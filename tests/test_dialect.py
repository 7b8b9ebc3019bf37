"""The layer between SPARQL and the engine: what is a token, what is mended, how faults are told."""

import re
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokgraph import complaints, dialect
from rokgraph.errors import QuerySyntaxError
from rokgraph.tokens import tokens
from running import ROOT

PREFIXES = {
    "rok": "https://w3id.org/rokgraph/ont#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
}
EMPTY = ox.Store()

# Pieces of queries, with all that can hide a keyword.
PIECES = st.sampled_from(
    [
        "TRUE", "False", "true", "FROM", "from", "NAMED", "COUNT", "SUM(", "group_concat(",
        "(", ")", "{", "}", "SELECT", "*", "DESCRIBE", "?TRUE", "$from", "_:TRUE", "TRUE:",
        ":FROM", "from:a.b", "a:b\\-c", "a:%20b", "@en-TRUE", "@ar--rtl", "?한글", "나라:도시",
        '"TRUE"', "'from'", '"""a"FROM""b"""', "'''it's TRUE'''", '"a\\"TRUE"',
        '"\\u0022FROM"', "<http://e/TRUE>", "<#FROM>", "#TRUE\n", "# FROM", "\n", " ", "\t",
        ".", ";", ",", "1", "1.5e-3", ".5", "7.", "^^", "&&", "||", "|", "<", "<=", ">", "<<(",
        ")>>", "<<", "{|", "|}", "a.b.c", "…", "\\", '"', "'", '"""',
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.lists(PIECES, max_size=12).map(" ".join)


def complaint(text: str) -> str | None:
    try:
        EMPTY.query(text, base_iri="http://example.org/sparql")
    except SyntaxError as error:
        return error.msg
    except RuntimeError:
        return None
    return None


def fault(text: str) -> QuerySyntaxError:
    message = complaint(text)
    assert message is not None
    return complaints.syntax_error(message, text, PREFIXES, complaint)


def kinds(text: str) -> list[tuple[str | None, str]]:
    return [(t.lastgroup, t[0]) for t in tokens(text) if t.lastgroup != "space"]


# -- tokens --------------------------------------------------------------------------------


def test_tokens_are_the_longest_terminals() -> None:
    assert kinds("SELECT?x{?x a:b.c.#d\n<p>/:q*'it''s'@en--ltr,1.5e3,7.}") == [
        ("word", "SELECT"), ("variable", "?x"), ("sign", "{"), ("variable", "?x"),
        ("name", "a:b.c"), ("sign", "."), ("iri", "<p>"), ("sign", "/"), ("name", ":q"),
        ("sign", "*"), ("string", "'it'"), ("string", "'s'"), ("language", "@en--ltr"),
        ("sign", ","), ("number", "1.5e3"), ("sign", ","), ("number", "7"), ("sign", "."),
        ("sign", "}"),
    ]  # fmt: skip


@given(TEXTS)
def test_tokens_stand_one_after_the_other(text: str) -> None:
    joined = "".join(token[0] for token in tokens(text))
    assert text.startswith(joined)


@pytest.mark.parametrize("path", sorted((ROOT / "queries").rglob("*.rq")), ids=lambda p: p.stem)
def test_our_own_queries_are_read_to_their_end(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "".join(token[0] for token in tokens(text)) == text


def test_a_long_run_of_dotted_words_is_read_once() -> None:
    text = "SELECT * { ?s ?p " + "a.b." * 50_000 + "FROM }"
    assert dialect.has_dataset_clause(text) is False


# -- FROM ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM <http://example.org/g> { ?s ?p ?o }",
        "SELECT * from named <http://example.org/g> { ?s ?p ?o }",
        "PREFIX from: <http://example.org/> SELECT *FROM from:g{}",
        "# FROM\nSELECT ?s\nFROM<g>{ ?s ?p 'FROM' }",
        "SELECT ('a' AS ?x)FROM <g> {}",
        "DESCRIBE <x> FROM <g>",
    ],
)
def test_from_is_a_dataset_clause(text: str) -> None:
    assert dialect.has_dataset_clause(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?s ?p ?o }",
        "SELECT * { ?s ?p 'FROM <g>' }",
        'SELECT * { ?s ?p """a " FROM <g>""" }',
        "SELECT * { ?s ?p '''it's FROM <g>''' }",
        "SELECT * { ?s ?p 'it\\'s FROM <g>' }",
        "SELECT * { ?s <http://example.org/?a=FROM> ?o }",
        "SELECT * { ?s ?p ?o } # FROM <g>",
        "SELECT ?from { ?from ?p $FROM }",
        "PREFIX from: <http://example.org/> SELECT * { from:from :from ?o }",
        "SELECT * { _:from ?p 'a'@from }",
        "SELECT * { ?s :from\\-from ?o ; :%46from 1 }",
    ],
)
def test_from_elsewhere_is_none(text: str) -> None:
    assert not dialect.has_dataset_clause(text)


# -- TRUE and FALSE ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT (TRUE AS ?t) (False AS ?f) {}", "SELECT (true AS ?t) (false AS ?f) {}"),
        ("ASK { ?s ?p TRUE.FILTER(TRUE&&tRuE) }", "ASK { ?s ?p true.FILTER(true&&true) }"),
        ("ASK { ?s ?p 'TRUE', \"FALSE\", '''TRUE''' }", None),
        ("ASK { ?s <TRUE> ?TRUE } # TRUE", None),
        ("PREFIX TRUE: <x> ASK { TRUE:TRUE :FALSE 'a'@TRUE, _:TRUE }", None),
        ("ASK { ?s ?p \\TRUE }", None),
    ],
)
def test_booleans_are_lowered_and_nothing_else(text: str, expected: str | None) -> None:
    assert dialect.lower_booleans(text) == (expected or text)


@given(TEXTS)
def test_lowering_moves_nothing(text: str) -> None:
    lowered = dialect.lower_booleans(text)
    assert len(lowered) == len(text)
    assert lowered.lower() == text.lower()
    assert dialect.lower_booleans(lowered) == lowered
    for before, after in zip(tokens(text), tokens(lowered), strict=True):
        assert before.span() == after.span()
        assert before[0] == after[0] or after[0] in ("true", "false")


# -- aggregates ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("SELECT (COUNT(COUNT(*)) AS ?c) {}", 15),
        ("SELECT (sum ( 1 + ( max(?x) ) ) AS ?c) { ?x ?p ?o }", 21),
        ("SELECT (GROUP_CONCAT(STR(AVG(?x))) AS ?c) { ?x ?p ?o }", 26),
    ],
)
def test_an_aggregate_in_an_aggregate_is_a_fault(text: str, column: int) -> None:
    found = dialect.misuse(text)
    assert found is not None
    assert (found.line, found.column) == (1, column)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT (COUNT(*) AS ?c) (SUM(?x) + MAX(?x) AS ?s) { ?s ?p ?x }",
        "SELECT (SUM(?n) AS ?s) { { SELECT (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?s } }",
        "SELECT (COUNT(EXISTS { { SELECT (SUM(?x) AS ?y) { ?s ?p ?x } } }) AS ?c) {}",
        "SELECT (COUNT('SUM(?x)') AS ?c) { ?s ?count ?x } # MAX(COUNT(*))",
    ],
)
def test_aggregates_beside_each_other_are_none(text: str) -> None:
    assert dialect.misuse(text) is None


# -- rewriting -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * { ?s ?p ?o }", "SELECT  ?s ?p ?o  { ?s ?p ?o }"),
        ("select distinct*{ ?b ?a 1 }", "select distinct ?b ?a { ?b ?a 1 }"),
        ("BASE <x>PREFIX a:<y>SELECT REDUCED * # ?a\n{ ?b ?a '?c' }",
         "BASE <x>PREFIX a:<y>SELECT REDUCED  ?b ?a  # ?a\n{ ?b ?a '?c' }"),
        ("SELECT * { ?q ?p 1 . { SELECT * { ?q ?p 1 } } }",
         "SELECT  ?q ?p  { ?q ?p 1 . { SELECT * { ?q ?p 1 } } }"),
        ("SELECT * { ?a ?b ?c }", None),
        ("SELECT ?b ?a { ?b ?a 1 { SELECT * { ?b ?a 1 } } }", None),
        ("SELECT (COUNT(*) AS ?n) { ?b ?a 1 }", None),
        ("ASK { { SELECT * { ?b ?a 1 } } }", None),
        ("CONSTRUCT { ?s ?p '*' } { ?s ?p ?o }", None),
    ],
)  # fmt: skip
def test_columns_come_in_the_order_of_the_text(text: str, expected: str | None) -> None:
    base = "http://example.org/"
    names = [name.value for name in getattr(EMPTY.query(text, base_iri=base), "variables", ())]
    put = dialect.rewritten(text, names)
    assert put == (expected or text)
    again = getattr(EMPTY.query(put, base_iri=base), "variables", ())
    assert sorted(name.value for name in again) == sorted(names)


def test_a_variable_that_is_not_seen_in_the_text_is_not_lost() -> None:
    assert "?a ?c ?b" in dialect.rewritten("SELECT * { ?a ?c ?x }", ["a", "b", "c"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(GROUP_CONCAT(?x) AS ?g)", "(STR(GROUP_CONCAT(?x)) AS ?g)"),
        ("(group_concat (DISTINCT STR(?x) ; SEPARATOR = ')') AS ?g)",
         "(STR(group_concat (DISTINCT STR(?x) ; SEPARATOR = ')')) AS ?g)"),
        ("(GROUP_CONCAT(?a) AS ?g) (GROUP_CONCAT(?b) AS ?h)",
         "(STR(GROUP_CONCAT(?a)) AS ?g) (STR(GROUP_CONCAT(?b)) AS ?h)"),
        ("('GROUP_CONCAT(?x)' AS ?g)", None),
    ],
)  # fmt: skip
def test_group_concat_becomes_a_plain_string(text: str, expected: str | None) -> None:
    whole = f"SELECT {text} {{ VALUES (?a ?b ?x) {{}} }}"
    put = dialect.rewritten(whole, ["g"])
    assert put == whole.replace(text, expected or text)
    assert complaint(put) is None


def test_what_needs_no_rewriting_is_seen_at_a_glance() -> None:
    for text in ("SELECT * {}", "select distinct * {}", "SELECT*{}", "SELECT (group_concat(1) AS"):
        assert dialect.rewritable(text)
    assert not dialect.rewritable("SELECT ?a (COUNT(*) AS ?n) { ?a <p>* ?b }")


# -- DESCRIBE ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named", "select", "graphs"),
    [
        ("DESCRIBE <x>", ("<x>",), None, None),
        ("PREFIX a: <y> describe a:b<x>a:", ("a:b", "<x>", "a:"), None, None),
        ("DESCRIBE ?x $y { ?x ?p ?y }", (), "SELECT ?x $y { ?x ?p ?y }", None),
        ("DESCRIBE * WHERE { ?x ?p 'DESCRIBE' } LIMIT 1", (),
         "SELECT * WHERE { ?x ?p 'DESCRIBE' } LIMIT 1", None),
        ("DESCRIBE ?x <y> FROM <g> FROM NAMED <h> FROM a:g { ?x ?p 1 }", ("<y>",),
         "SELECT ?x FROM <g> FROM NAMED <h> FROM a:g { ?x ?p 1 }", ("<g>", "a:g")),
        ("DESCRIBE <y> FROM NAMED <h>", ("<y>",), None, ()),
        ("DESCRIBE ?x ORDER BY ?x VALUES ?x { <a> <b> }", (),
         "SELECT ?x ORDER BY ?x VALUES ?x { <a> <b> }", None),
    ],
)  # fmt: skip
def test_a_description_says_what_is_described_by_what(
    text: str, named: tuple[str, ...], select: str | None, graphs: tuple[str, ...] | None
) -> None:
    found = dialect.description(text)
    assert found is not None
    assert (found.named, found.graphs) == (named, graphs)
    wanted = None if select is None else found.prologue + select
    assert (found.select and " ".join(found.select.split())) == wanted


@pytest.mark.parametrize(
    "text", ["SELECT ?describe {}", "ASK { ?s ?p 'DESCRIBE <x>' }", "# DESCRIBE <x>\nASK {}", ""]
)
def test_another_query_is_no_description(text: str) -> None:
    assert dialect.description(text) is None


# -- faults --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("SELECT * { ?s rok:x ?o }", 1, 15,
         "the prefix rok: is not declared; usually PREFIX rok: <https://w3id.org/rokgraph/ont#>"),
        ("PREFIX a: <x>\nSELECT *\n{ ?s a:b 1 ;\n  foo:b 3 }", 4, 3,
         "the prefix foo: is not declared"),
        ("SELECT ?x { FILTER(xsd:integer(?x) = true) }", 1, 20, "the prefix xsd: is not declared"),
        ("ASK { ?s :p 1 }", 1, 10, "the prefix : is not declared"),
        ("SELECT * WHERE {\n  ?s ?p ?o", 2, 11, "the query ends too early; expected one of "),
        ("SELECT * { ?s ?p ?o . FILTER(?x + ) }", 1, 35,
         "')' cannot stand here; expected an expression"),
        ("SELECT ?x { ?x a }", 1, 18, "'}' cannot stand here; expected one of a term"),
        ("SELECT ?x, ?y { ?x ?p ?y }", 1, 10, "',' cannot stand here; expected one of a variable"),
        ("SELEC * { ?s ?p ?o }", 1, 1, "'SELEC' cannot stand here"),
        ("SELECT ?x { ?x ?y ?z } LIMIT ten", 1, 30,
         "'ten' cannot stand here; expected a number"),
        ("SELECT * { ?한글 ?p ?o .\n ?x }", 2, 5, "'}' cannot stand here; expected a property"),
        ("SELECT * { ?s ?p 'abc }", 1, 18, "the string that begins here does not end"),
        ("SELECT * { ?s ?p “x” }", 1, 18, "'“x” }' cannot stand here; expected a term"),
        ("SELECT ?x { ?x ?y ?z }}", 1, 23,
         "'}' cannot stand here; the query is complete before it"),
        ("SELECT * WHERE { ?s ?p ?o } GROUP BY ?s", 1, 40, "SELECT * is not authorized"),
        ("ASK { BIND(1 AS ?x) BIND(2 AS ?x) }", 1, 35, "BIND is overriding an existing variable"),
        ("SELECT * { ?s ?p _:b . { ?s ?q _:b } }", 1, 32,
         "'_:b' cannot stand here: it breaks a rule of scope"),
        ("INSERT DATA { <a> <b> <c> }", 1, 1, "this is an update"),
        ("PREFIX rok <http://x> SELECT * {}", 1, 8,
         "'rok' cannot stand here; expected a prefix such as ex:"),
        ("SELECT ?x { FILTER NOT EXIST { ?x ?p 1 } }", 1, 24,
         "'EXIST' cannot stand here; expected a keyword such as EXISTS"),
        ("", 1, 1, "the query ends too early"),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_the_token_that_is_wrong(
    text: str, line: int, column: int, says: str
) -> None:
    error = fault(text)
    assert (error.line, error.column) == (line, column)
    assert error.reason.startswith(says)


@given(TEXTS)
def test_a_fault_is_readable(text: str) -> None:
    whole = f"SELECT * {{ {text} }}"
    if complaint(whole) is not None:
        error = fault(whole)
        _, _, expected = error.reason.partition("expected ")
        assert len(expected.split(", ")) <= 13
        assert len(error.reason) < 400
        assert not re.search(r"\.\.=|\\u\{|\[_\]", error.reason.replace(text, ""))
        assert 1 <= error.line <= whole.count("\n") + 1
        assert error.column >= 1


def test_a_complaint_without_a_place_is_handed_on() -> None:
    error = complaints.syntax_error("something else", "ASK {}", {}, complaint)
    assert (error.reason, error.line) == ("something else", 0)


def test_a_long_query_is_told_where_the_engine_stopped() -> None:
    error = fault("SELECT * { " + "?s ?p ?o . " * 10_000 + "?x }")
    assert error.line == 1
    assert error.column > 100_000
