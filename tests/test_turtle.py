"""The stable Turtle form."""

import random

import pyoxigraph as ox
import pytest

from rokgraph.turtle import write_turtle

PREFIXES = {
    "rok": "https://w3id.org/rokgraph/ont#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "task": "https://w3id.org/rokgraph/id/task/",
    "passage": "https://w3id.org/rokgraph/id/passage/",
    "technology": "https://w3id.org/rokgraph/def/technology/",
    "unit-of": "https://w3id.org/rokgraph/def/unit/",
    "unused": "https://example.org/unused#",
}


def triples_of(turtle: str | bytes) -> list[ox.Triple]:
    head = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    text = turtle.decode() if isinstance(turtle, bytes) else head + turtle
    return [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]


def written(turtle: str) -> str:
    return write_turtle(triples_of(turtle), PREFIXES).decode()


def subjects(text: str) -> list[str]:
    return [block.split()[0] for block in text.split("\n\n")[1:]]


def test_the_whole_form() -> None:
    text = written(
        """
        task:1-10 a rok:Task .
        task:1-2 rok:ordinal 2 ; rok:aboutTechnology technology:data, technology:ai ;
            dcterms:identifier "task-1-2" ; skos:prefLabel "x"@en ; a rok:Task ;
            rdfs:label "충분한 디지털 자원"@ko, "Sufficient digital resources"@en .
        """
    )
    assert (
        text
        == """\
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix rok: <https://w3id.org/rokgraph/ont#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix task: <https://w3id.org/rokgraph/id/task/> .
@prefix technology: <https://w3id.org/rokgraph/def/technology/> .

task:1-2 a rok:Task ;
    rdfs:label "Sufficient digital resources"@en, "충분한 디지털 자원"@ko ;
    skos:prefLabel "x"@en ;
    dcterms:identifier "task-1-2" ;
    rok:aboutTechnology technology:ai, technology:data ;
    rok:ordinal 2 .

task:1-10 a rok:Task .
"""
    )


def test_subjects_stand_in_natural_order() -> None:
    names = ["task:1-10", "passage:p11158", "task:1-2", "passage:p916", "task:01-2", "task:2-1"]
    assert subjects(written("".join(f"{name} a rok:Task .\n" for name in names))) == [
        "passage:p916",
        "passage:p11158",
        "task:01-2",
        "task:1-2",
        "task:1-10",
        "task:2-1",
    ]


def test_objects_stand_in_natural_order_iris_before_literals() -> None:
    text = written('task:1-1 rok:x "b", passage:p10, 10, 9, "a", passage:p9, "z"@en, "a"@ko .')
    assert 'task:1-1 rok:x passage:p9, passage:p10, 9, 10, "a", "b", "z"@en, "a"@ko .' in text


def test_only_used_prefixes_are_written_datatypes_included() -> None:
    text = written('task:1-1 rok:year "2022"^^xsd:gYear ; rok:x "rdf:type", <urn:a:b>, 5, true .')
    names = [line.split()[1] for line in text.splitlines() if line.startswith("@prefix")]
    assert names == ["rok:", "task:", "xsd:"]


def test_the_longest_namespace_wins() -> None:
    prefixes = {**PREFIXES, "def": "https://w3id.org/rokgraph/def/"}
    [triple] = triples_of("technology:ai rok:unit unit-of:person .")
    text = write_turtle([triple], prefixes).decode()
    assert "technology:ai rok:unit unit-of:person ." in text
    assert "@prefix def:" not in text


def test_long_object_lists_get_a_line_each() -> None:
    text = written(
        "task:1-1 rok:mention " + ",".join(f"passage:p{n}" for n in range(900, 912)) + " ."
    )
    lines = text.splitlines()
    assert "task:1-1 rok:mention" in lines
    assert "        passage:p900," in lines
    assert lines[-1] == "        passage:p911 ."
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "value",
    [
        'a "quoted" word',
        "two\nlines\tand a tab",
        "back\\slash",
        "ends in a full stop ;\n .",
        "@prefix rok: <urn:x> .",
        "“curly” 2023∽ ※ 【\u2160】",
        "",
        " ",
    ],
)
def test_any_text_comes_back(value: str) -> None:
    node = ox.NamedNode(PREFIXES["task"] + "1-1")
    name = ox.NamedNode(PREFIXES["rok"] + "x")
    triples = [
        ox.Triple(node, name, ox.Literal(value)),
        ox.Triple(node, name, ox.Literal(value, language="en")),
    ]
    assert set(triples_of(write_turtle(triples, PREFIXES))) == set(triples)


@pytest.mark.parametrize("local", ["a/b", "a.b.", "a,b", "", "가나다", "-x", "a%20b", "a'b(c)"])
def test_any_name_comes_back(local: str) -> None:
    node = ox.NamedNode(PREFIXES["task"] + local)
    triples = [ox.Triple(node, ox.NamedNode(PREFIXES["rok"] + "x"), node)]
    assert triples_of(write_turtle(triples, PREFIXES)) == triples


@pytest.mark.parametrize(
    ("lexical", "datatype"),
    [
        ("301800000000.0", "decimal"),
        ("301800000000", "decimal"),
        ("2", "positiveInteger"),
        ("02", "integer"),
        ("1", "boolean"),
        ("--09-28", "gMonthDay"),
        ("P5Y", "duration"),
        ("1e6", "double"),
    ],
)
def test_lexical_forms_are_kept(lexical: str, datatype: str) -> None:
    node = ox.NamedNode(PREFIXES["task"] + "1-1")
    value = ox.Literal(lexical, datatype=ox.NamedNode(PREFIXES["xsd"] + datatype))
    triples = [ox.Triple(node, ox.NamedNode(PREFIXES["rok"] + "x"), value)]
    assert triples_of(write_turtle(triples, PREFIXES)) == triples


def test_input_order_and_repetition_do_not_matter() -> None:
    triples = triples_of(
        "".join(
            f'task:{a}-{b} a rok:Task ; rdfs:label "t {b}"@en ; rok:x {b}, passage:p{a}{b} .\n'
            for a in range(1, 6)
            for b in range(1, 13)
        )
    )
    once = write_turtle(triples, PREFIXES)
    for seed in range(5):
        shuffled = triples * 2
        random.Random(seed).shuffle(shuffled)
        assert write_turtle(shuffled, dict(reversed(PREFIXES.items()))) == once
    again = triples_of(once)
    assert set(again) == set(triples)
    assert write_turtle(again, PREFIXES) == once


def test_ends_in_one_newline() -> None:
    text = written("task:1-1 a rok:Task .")
    assert text.endswith(" .\n")
    assert not text.endswith("\n\n")
    assert "\t" not in text


def test_nothing_gives_an_empty_file() -> None:
    assert write_turtle([], PREFIXES) == b"\n"


def test_works_without_prefixes() -> None:
    triples = triples_of('task:1-1 a rok:Task ; rdfs:label "x"@en .')
    text = write_turtle(triples, {})
    assert b"@prefix" not in text
    assert set(triples_of(text)) == set(triples)


@pytest.mark.parametrize("turtle", ["[] a rok:Task .", "task:1-1 rok:x [] ."])
def test_blank_nodes_are_refused(turtle: str) -> None:
    with pytest.raises(TypeError, match="only IRIs and literals"):
        written(turtle)


def test_a_triple_inside_a_triple_is_refused() -> None:
    node = ox.NamedNode(PREFIXES["task"] + "1-1")
    inner = ox.Triple(node, node, node)
    with pytest.raises(TypeError, match="only IRIs and literals"):
        write_turtle([ox.Triple(node, node, inner)], PREFIXES)


def test_a_namespace_that_is_no_iri_is_refused() -> None:
    triples = triples_of("task:1-1 a rok:Task .")
    with pytest.raises(ValueError, match="IRI"):
        write_turtle(triples, {"bad": "not an iri"})
