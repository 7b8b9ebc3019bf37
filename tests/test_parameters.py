"""Parameters: a value becomes a term or is refused, and a term never breaks out of its place."""

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokgraph.curies import full_iri
from rokgraph.errors import ParameterError
from rokgraph.library import SavedQuery, saved_queries
from rokgraph.parameters import LONGEST, Parameter, bound, parameter, places, term
from rokgraph.snapshot import Snapshot, load_built_in
from rokgraph.vocab import RDF_TYPE
from running import ROOT

XSD = "http://www.w3.org/2001/XMLSchema#"
PREFIXES = {"task": "https://w3id.org/rokgraph/id/task/", "e": "https://e.org/"}
MEMBERS = ("https://w3id.org/rokgraph/id/task/1-2", "https://w3id.org/rokgraph/id/task/1-3")
TASK = parameter("task", {"type": "iri", "of": "rok:Task"})
YEAR = parameter("year", {"type": "year"})
NUMBER = parameter("n", {"type": "number", "integer": True, "min": 0, "max": 10})
DECIMAL = parameter("n", {"type": "number", "min": "0.5"})
CHOICE = parameter("c", {"type": "choice", "of": ["due by", "in"]})
LANGUAGE = parameter("l", {"type": "language"})
STRING = parameter("s", {"type": "string"})
QUESTIONS = saved_queries(ROOT, "questions")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_built_in(ROOT)


def solutions(store: ox.Store, text: str) -> ox.QuerySolutions:
    found = store.query(text)
    assert isinstance(found, ox.QuerySolutions)
    return found


def made(wanted: Parameter, value: str) -> str:
    return str(term(wanted, value, MEMBERS, PREFIXES))


@pytest.mark.parametrize(
    ("wanted", "value", "written"),
    [
        (TASK, "https://w3id.org/rokgraph/id/task/1-2", f"<{MEMBERS[0]}>"),
        (TASK, "task:1-3", f"<{MEMBERS[1]}>"),
        (TASK, "1-2", f"<{MEMBERS[0]}>"),
        (YEAR, "2024", f'"2024"^^<{XSD}gYear>'),
        (NUMBER, "7", f'"7"^^<{XSD}integer>'),
        (DECIMAL, "0.75", f'"0.75"^^<{XSD}decimal>'),
        (CHOICE, "due by", '"due by"'),
        (LANGUAGE, "ko", '"ko"'),
        (STRING, 'a"b', r'"a\"b"'),
    ],
)
def test_a_good_value_becomes_a_term(wanted: Parameter, value: str, written: str) -> None:
    assert made(wanted, value) == written


@pytest.mark.parametrize(
    ("wanted", "value", "told"),
    [
        (TASK, "9-9", "is nothing of the class rok:Task. It takes: task:1-2; task:1-3."),
        (TASK, "e:1-2", "is nothing of the class rok:Task"),
        (TASK, "", "is nothing of the class rok:Task"),
        (YEAR, "24", "is no year of four digits"),
        (YEAR, "\uff12\uff10\uff12\uff14", "is no year of four digits"),
        (YEAR, "2024\n", "is no year of four digits"),
        (NUMBER, "1.5", "is no integer. It takes: at least 0; at most 10."),
        (NUMBER, "11", "is out of bounds. It takes: at least 0; at most 10."),
        (NUMBER, "-1", "is out of bounds"),
        (NUMBER, "1e1", "is no integer"),
        (NUMBER, "٣", "is no integer"),
        (DECIMAL, "0.4", "is out of bounds"),
        (DECIMAL, "NaN", "is no decimal number"),
        (CHOICE, "IN", "is none of the values. It takes: due by; in."),
        (LANGUAGE, "fr", "is none of the values. It takes: en; ko."),
        (STRING, "x" * (LONGEST + 1), "is longer than 200 characters"),
    ],
)
def test_a_bad_value_is_refused_and_told_why(wanted: Parameter, value: str, told: str) -> None:
    with pytest.raises(ParameterError) as refused:
        made(wanted, value)
    assert str(refused.value).startswith(f"The parameter {wanted.name!r}: ")
    assert told in str(refused.value)


def test_of_many_values_the_first_are_told_and_how_many_there_are() -> None:
    many = tuple(f"https://e.org/{n:03}" for n in range(50))
    with pytest.raises(ParameterError, match=r"e:019; the first 20 of 50\.$") as refused:
        term(TASK, "x", many, PREFIXES)
    assert len(refused.value.allowed) == 50


def test_a_key_that_names_two_things_is_refused() -> None:
    two = ("https://e.org/a/x", "https://e.org/b#x")
    with pytest.raises(ParameterError, match=r"names more than one thing\. It takes: e:a/x; e:b#x"):
        term(TASK, "x", two, PREFIXES)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"type": "text"},
        {"type": "year", "of": "rok:Task"},
        {"type": "string", "minimum": 1},
    ],
)
def test_a_header_that_is_wrong_is_refused(header: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="parameter 'x'"):
        parameter("x", header)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=LONGEST))
def test_a_string_comes_out_as_it_went_in(value: str) -> None:
    text = 'SELECT ?s ?after { VALUES ?s { "old" } BIND("}" AS ?after) } # VALUES ?s { 1 }'
    put = bound(text, {"s": term(STRING, value, (), {})})
    [row] = solutions(ox.Store(), put)
    assert [row["s"].value, row["after"].value] == [value, "}"]


@given(st.text(max_size=40))
def test_nothing_but_a_member_becomes_an_iri(value: str) -> None:
    try:
        found = term(TASK, value, MEMBERS, PREFIXES)
    except ParameterError:
        return
    assert found.value in MEMBERS


def test_a_place_is_found_by_its_tokens_not_by_its_letters() -> None:
    text = (
        '#VALUES ?a { 1 }\nSELECT * { BIND("VALUES ?a { 2 }" AS ?b) values $a{3} VALUES (?c) {} }'
    )
    assert {name: text[start:end] for name, (start, end) in places(text).items()} == {"a": "3"}
    assert 'values $a{ "x" } VALUES (?c)' in bound(text, {"a": ox.Literal("x")})


def test_a_name_without_a_place_is_an_error() -> None:
    with pytest.raises(KeyError):
        bound("SELECT * { ?a ?b ?c }", {"a": ox.Literal("x")})


WITH = [saved for saved in QUESTIONS if saved.parameters]


def test_there_are_questions_of_every_type_with_parameters() -> None:
    kinds = {wanted.kind for saved in WITH for wanted in saved.parameters.values()}
    assert kinds == {"iri", "year", "language", "string", "number", "choice"}
    assert len(WITH) >= 6


@pytest.mark.parametrize("saved", WITH, ids=lambda saved: saved.name)
def test_the_default_of_the_header_is_what_stands_in_the_text(
    snapshot: Snapshot, saved: SavedQuery
) -> None:
    prefixes = snapshot.summary.prefixes
    head = "".join(f"PREFIX {p}: <{space}>\n" for p, space in prefixes.items())
    where = places(saved.text)
    for wanted in saved.parameters.values():
        assert wanted.description.keys() == {"en", "ko"}
        start, end = where[wanted.name]
        inner = saved.text[start:end]
        [row] = solutions(ox.Store(), f"{head} SELECT ?v {{ VALUES ?v {{ {inner} }} }}")
        if wanted.default is None:
            assert inner.strip() == "UNDEF"
            continue
        value = full_iri(wanted.default, prefixes) if wanted.kind == "iri" else wanted.default
        assert row["v"] == term(wanted, wanted.default, (value,), prefixes)
        if wanted.of:
            member, of = ox.NamedNode(value), ox.NamedNode(full_iri(wanted.of, prefixes))
            assert next(snapshot.store.quads_for_pattern(member, RDF_TYPE, of), None)
