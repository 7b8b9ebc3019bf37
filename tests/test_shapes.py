"""Every rule has examples on both sides, two validators agree on each, and the data conforms.

`python -m tests.test_shapes` prints the table of rules; so does `pytest -s tests/test_shapes.py`.
"""

import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pyoxigraph as ox
import pyshacl
import pytest
import shacl
from rdflib import Graph
from rich.console import Console
from rich.table import Table

from rokgraph import validation

ROOT = Path(__file__).parents[1]
SHAPES = ROOT / "shapes"
EXAMPLES = SHAPES / "examples"
RULE_FILES = ("core", "quality", "codelists")

SH = "http://www.w3.org/ns/shacl#"
ROK = "https://w3id.org/rokgraph/ont#"
SHAPE = "https://w3id.org/rokgraph/shapes#"
RDF_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")

# What the second validator cannot judge, and why: rule -> reason. shacl 0.3.4 judges all of them,
# sh:sparql included; a rule named here must still have examples, judged by pySHACL alone.
NOT_JUDGED: dict[str, str] = {}

# Left out of the pages on purpose: types and labels head a page; the rest is said another way.
NOT_SHOWN = {
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#topConceptOf",  # says what skos:inScheme says
    "http://www.w3.org/ns/oa#motivatedBy",  # always oa:assessing
    ROK + "withinElement",  # the closure of elementOf
    ROK + "inStrategy",  # for a strategy, task or measure: itself or what elementOf leads to
    ROK + "inTask",
    ROK + "inMeasure",
}


class Found(NamedTuple):
    """What one validator says of one graph: rule, severity and focus node of each result."""

    conforms: bool
    results: frozenset[tuple[str, str, str]]

    @property
    def rules(self) -> set[str]:
        return {rule for rule, _, _ in self.results}

    @property
    def violated(self) -> set[str]:
        return {rule for rule, severity, _ in self.results if severity == "violation"}


def read(*paths: Path) -> ox.Store:
    store = ox.Store()
    for path in paths:
        store.extend(
            ox.Quad(quad.subject, quad.predicate, quad.object)
            for quad in ox.parse(
                path=str(path), format=ox.RdfFormat.TURTLE, rename_blank_nodes=True
            )
        )
    return store


@cache
def shapes() -> ox.Store:
    return read(*(SHAPES / f"{name}.ttl" for name in RULE_FILES))


@cache
def pages() -> ox.Store:
    return read(SHAPES / "pages.ttl")


@cache
def whole() -> ox.Store:
    """All data and the ontology as one graph, as `rokgraph check` sees it."""
    return read(*sorted([*(ROOT / "data").rglob("*.ttl"), *(ROOT / "ontology").glob("*.ttl")]))


def text_of(store: ox.Store) -> str:
    triples = (quad.triple for quad in store)
    return ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES).decode()


@cache
def shapes_graph() -> Graph:
    return validation.read_shapes(quad.triple for quad in shapes())


@cache
def second_shapes() -> shacl.Shapes:
    return shacl.Shapes.from_text(text_of(shapes()), "ntriples")


def by_pyshacl(data: ox.Store) -> Found:
    report = validation.judge(data, shapes_graph())
    results = {(found.rule, found.severity, found.focus) for found in report.results}
    return Found(report.conforms, frozenset(results))


def by_shacl(data: str, form: str) -> Found:
    results = {
        (
            (found.root_shape or "").strip("<>").removeprefix(SHAPE),
            found.severity.lower(),
            found.focus_node.strip("<>"),
        )
        for found in second_shapes().validate_text(data, form).results
    }
    return Found(not any(severity == "violation" for _, severity, _ in results), frozenset(results))


def select(store: ox.Store, query: str) -> list[ox.QuerySolution]:
    found = store.query(
        query, prefixes={"sh": SH, "rdfs": "http://www.w3.org/2000/01/rdf-schema#"}
    )
    assert isinstance(found, ox.QuerySolutions)
    return list(found)


def local(term: object) -> str:
    assert isinstance(term, ox.NamedNode)
    return term.value.rpartition("#")[2]


@cache
def rules() -> dict[str, str]:
    """Rule -> English label, in the order of the files."""
    text = "".join((SHAPES / f"{name}.ttl").read_text() for name in RULE_FILES)
    found = re.findall(r'^shape:([\w-]+) a sh:NodeShape ;\n    rdfs:label "([^"]+)"@en', text, re.M)
    return dict(found)


def examples(kind: str) -> list[Path]:
    return sorted(EXAMPLES.glob(f"*/{kind}-*.ttl"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@cache
def judged(path: Path) -> tuple[Found, Found]:
    """What pySHACL and the second validator say of an example."""
    return by_pyshacl(read(path)), by_shacl(path.read_text(), "turtle")


def rule_table() -> Table:
    """Every rule: its examples, and how many of them each validator judges as their name says."""
    table = Table("rule", "name", "valid", "invalid", "pySHACL", "shacl", box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for rule, name in rules().items():
        counts = {kind: sorted((EXAMPLES / rule).glob(f"{kind}-*.ttl")) for kind in KINDS}
        right = [0, 0]
        for kind, paths in counts.items():
            for path in paths:
                for number, found in enumerate(judged(path)):
                    right[number] += (rule in found.rules) == (kind == "invalid")
        of = sum(map(len, counts.values()))
        second = NOT_JUDGED.get(rule, f"{right[1]}/{of}")
        numbers = (len(counts["valid"]), len(counts["invalid"]), f"{right[0]}/{of}", second)
        table.add_row(rule, name, *map(str, numbers))
    return table


KINDS = ("valid", "invalid")


# --- every rule has examples ----------------------------------------------------------------------


def test_rules_are_the_node_shapes_of_the_rule_files() -> None:
    named = {local(row["shape"]) for row in select(shapes(), "SELECT ?shape { ?shape a sh:NodeShape }")}
    assert named == set(rules())


def test_every_rule_has_examples_and_every_folder_a_rule() -> None:
    folders = {kind: {path.parent.name for path in examples(kind)} for kind in KINDS}
    assert folders == {"valid": set(rules()), "invalid": set(rules())}
    stray = {path for path in EXAMPLES.rglob("*.*") if path not in {*examples("valid"), *examples("invalid")}}
    assert not stray


@pytest.mark.parametrize("path", examples("valid"), ids=name_of)
def test_a_valid_example_conforms(path: Path) -> None:
    found, _ = judged(path)
    assert path.parent.name not in found.rules
    assert found.conforms, found.results


@pytest.mark.parametrize("path", examples("invalid"), ids=name_of)
def test_an_invalid_example_breaks_its_rule_and_no_other(path: Path) -> None:
    rule = path.parent.name
    found, _ = judged(path)
    assert rule in found.rules
    assert found.violated <= {rule}, found.results


@pytest.mark.parametrize("path", [*examples("valid"), *examples("invalid")], ids=name_of)
def test_two_validators_agree_on_an_example(path: Path) -> None:
    first, second = judged(path)
    if path.parent.name in NOT_JUDGED:
        assert first != second, "the second validator can judge it after all"
    else:
        assert first == second


@pytest.mark.parametrize("path", examples("valid"), ids=name_of)
def test_a_valid_example_is_not_empty_for_its_rule(path: Path) -> None:
    data, rule = read(path), ox.NamedNode(SHAPE + path.parent.name)
    assert any(focus_nodes(data, rule)), "no node of this example is looked at"


def focus_nodes(data: ox.Store, rule: ox.NamedNode) -> Iterator[object]:
    """The nodes that the targets of a rule find; for a class as a target node, its members."""
    for quad in shapes().quads_for_pattern(rule, None, None):
        target = quad.object
        assert not isinstance(target, ox.Triple)
        if quad.predicate.value in {SH + "targetClass", SH + "targetNode"}:
            yield from (found.subject for found in data.quads_for_pattern(None, RDF_TYPE, target))
        elif quad.predicate.value in {SH + "targetSubjectsOf", SH + "targetObjectsOf"}:
            assert isinstance(target, ox.NamedNode)
            yield from data.quads_for_pattern(None, target, None)


def test_every_constraint_is_broken_by_some_example() -> None:
    """A property shape or SPARQL constraint that no example breaks may as well be absent."""
    ours = shapes_graph()
    asked = set(ours.objects(None, _sh("property"))) | set(ours.objects(None, _sh("sparql")))
    nested = {part for shape in asked for part in ours.objects(shape, _sh("qualifiedValueShape"))}
    inside = {
        part for part in asked for owner in ours.subjects(_sh("property"), part) if "#" not in owner
    }
    broken = set()
    for path in examples("invalid"):
        report = validation._run(read(path), ours)
        broken |= set(report.objects(None, _sh("sourceShape")))
        broken |= set(report.objects(None, _sh("sourceConstraint")))
    missing = asked - broken - nested - inside
    assert not missing, [list(ours.objects(node)) for node in missing]


def _sh(name: str) -> "URIRef":
    return URIRef(SH + name)
