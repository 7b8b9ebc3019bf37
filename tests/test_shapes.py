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
from rdflib import Graph, URIRef
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
    written = ox.serialize((quad.triple for quad in store), format=ox.RdfFormat.N_TRIPLES)
    assert written is not None
    return written.decode()


@cache
def shapes_graph() -> Graph:
    return validation.read_shapes(quad.triple for quad in shapes())


@cache
def second_shapes() -> shacl.Shapes:
    return shacl.Shapes.from_text(text_of(shapes()), "ntriples")


def by_pyshacl(data: ox.Store) -> Found:
    report = validation.judge(data, shapes_graph())
    return found_in(report)


def found_in(report: validation.ValidationReport) -> Found:
    results = {(found.rule, found.severity, told(found.focus)) for found in report.results}
    return Found(report.conforms, frozenset(results))


def told(focus: str) -> str:
    """Focus nodes as both validators tell them; a blank node or literal has no common name."""
    return focus if focus.startswith("http") else "no IRI"


def by_shacl(data: str, form: str) -> Found:
    results = {
        (
            (found.root_shape or "").strip("<>").removeprefix(SHAPE),
            found.severity.lower(),
            told(found.focus_node.strip("<>")),
        )
        for found in second_shapes().validate_text(data, form).results
    }
    return Found(not any(severity == "violation" for _, severity, _ in results), frozenset(results))


def select(store: ox.Store, query: str) -> list[ox.QuerySolution]:
    found = store.query(query, prefixes={"sh": SH, "rdfs": "http://www.w3.org/2000/01/rdf-schema#"})
    assert isinstance(found, ox.QuerySolutions)
    return list(found)


def local(term: object) -> str:
    assert isinstance(term, ox.NamedNode)
    return term.value.rpartition("#")[2]


@cache
def rules() -> dict[str, str]:
    """Rule -> English label, in the order of the files."""
    text = "".join((SHAPES / f"{name}.ttl").read_text() for name in RULE_FILES)
    found = re.findall(
        r'^shape:([\w-]+) a sh:NodeShape ;\n    rdfs:label "([^"]+)"@en', text, re.MULTILINE
    )
    return dict(found)


def examples(kind: str) -> list[Path]:
    return sorted(EXAMPLES.glob(f"*/{kind}-*.ttl"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@cache
def judged(path: Path) -> tuple[Found, Found]:
    """What pySHACL and the second validator say of an example."""
    report = validation._concluded(raw_report(path), shapes_graph())
    return found_in(report), by_shacl(path.read_text(), "turtle")


@cache
def raw_report(path: Path) -> Graph:
    """What pySHACL itself says of an example, with the blank nodes of the shapes."""
    return validation._run(read(path), shapes_graph())


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
    named = {
        local(row["shape"]) for row in select(shapes(), "SELECT ?shape { ?shape a sh:NodeShape }")
    }
    assert named == set(rules())


def test_every_rule_has_examples_and_every_folder_a_rule() -> None:
    folders = {kind: {path.parent.name for path in examples(kind)} for kind in KINDS}
    assert folders == {"valid": set(rules()), "invalid": set(rules())}
    known = {*examples("valid"), *examples("invalid")}
    stray = {path for path in EXAMPLES.rglob("*") if path.is_file() and path not in known}
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
    asked = {
        part
        for rule in rules()
        for name in ("property", "sparql")
        for part in ours.objects(URIRef(SHAPE + rule), URIRef(SH + name))
    }
    broken = set()
    for path in examples("invalid"):
        for name in ("sourceShape", "sourceConstraint"):
            broken |= set(raw_report(path).objects(None, URIRef(SH + name)))
    missing = [sorted(map(str, ours.objects(part))) for part in asked - broken]
    assert not missing


# --- the shapes themselves ------------------------------------------------------------------------


def test_the_shapes_are_well_formed() -> None:
    """Meta-SHACL: https://www.w3.org/TR/shacl/#shacl-shacl"""
    everything = Graph()
    for name in (*RULE_FILES, "pages"):
        everything.parse(SHAPES / f"{name}.ttl")
    conforms, _, text = pyshacl.validate(
        Graph(), shacl_graph=everything, meta_shacl=True, inplace=True
    )
    assert conforms, text


def test_every_rule_says_what_it_asks_and_why_in_both_languages() -> None:
    said: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    query = """SELECT ?shape ?term ?text {
        ?shape a sh:NodeShape ; ?term ?text . FILTER(isLiteral(?text)) }"""
    for row in select(shapes(), query):
        text = row["text"]
        assert isinstance(text, ox.Literal)
        said[local(row["shape"])].add((local(row["term"]), text.language))
    asked = {
        ("label", "en"),
        ("label", "ko"),
        ("comment", "en"),
        ("message", "en"),
        ("message", "ko"),
    }
    assert {rule: asked - words for rule, words in said.items() if asked - words} == {}


def test_every_message_begins_with_the_number_of_its_rule() -> None:
    query = """SELECT ?rule ?part ?message {
        ?rule a sh:NodeShape . ?rule (sh:property|sh:sparql)? ?part . ?part sh:message ?message }"""
    languages = defaultdict(set)
    for row in select(shapes(), query):
        message = row["message"]
        assert isinstance(message, ox.Literal)
        assert message.value.startswith(local(row["rule"]).removesuffix("-W") + " ")
        languages[row["part"]].add(message.language)
    assert all(found == {"en", "ko"} for found in languages.values())
    parts = {
        row["part"]
        for row in select(
            shapes(), "SELECT ?part { ?rule sh:property ?part . ?rule a sh:NodeShape }"
        )
    }
    assert parts <= set(languages), "a result shows the message of the property shape only"


def test_severity_stands_on_shapes_and_is_that_of_the_file() -> None:
    for name in RULE_FILES:
        store = read(SHAPES / f"{name}.ttl")
        assert not select(
            store, "SELECT ?node { ?rule sh:sparql ?node . ?node sh:severity ?severity }"
        )
        query = """SELECT ?rule ?part ?severity { ?rule a sh:NodeShape ; sh:property? ?part .
            OPTIONAL { ?part sh:severity ?given }
            BIND(COALESCE(?given, sh:Violation) AS ?severity) }"""
        by_rule = defaultdict(set)
        for row in select(store, query):
            by_rule[local(row["rule"])].add(local(row["severity"]))
        assert all(len(found) == 1 for found in by_rule.values()), by_rule
        wanted = {"Warning", "Info"} if name == "quality" else {"Violation"}
        assert set().union(*by_rule.values()) <= wanted


def test_prefixes_are_those_of_the_prefix_table() -> None:
    query = "SELECT ?prefix ?space { ?declaration sh:prefix ?prefix ; sh:namespace ?space }"
    table = {
        (row["prefix"], row["space"])
        for row in select(read(ROOT / "ontology" / "prefixes.ttl"), query)
    }
    ours = {(row["prefix"], row["space"]) for row in select(shapes(), query)}
    assert ours
    assert ours <= table
    used = "\n".join(
        str(row["query"]) for row in select(shapes(), "SELECT ?query { ?node sh:select ?query }")
    )
    assert {prefix.value for prefix, _ in ours if isinstance(prefix, ox.Literal)} == set(
        re.findall(
            r"(?<![\w:/<?$-])([a-z][a-z-]*):[A-Za-z]", re.sub(r'\\?"https?:[^"]*"', "", used)
        )
    )


def test_rules_for_plan_elements_reach_every_class_of_them() -> None:
    """Classes are listed one by one in the shapes; a new one must be listed too."""
    ontology = read(ROOT / "ontology" / "rokgraph.ttl")
    query = f"SELECT ?class {{ ?class rdfs:subClassOf+ <{ROK}PlanElement> }}"
    elements = {row["class"] for row in select(ontology, query)}
    assert len(elements) >= 7
    for rule in ("L-01", "C-01", "P-02", "M-03"):
        targets = {
            row["class"]
            for row in select(
                shapes(), f"SELECT ?class {{ <{SHAPE}{rule}> sh:targetClass ?class }}"
            )
        }
        assert elements <= targets, rule


def test_every_class_of_ours_is_named_by_a_rule() -> None:
    ontology = read(ROOT / "ontology" / "rokgraph.ttl")
    query = """SELECT ?class { ?class a <http://www.w3.org/2002/07/owl#Class> .
        FILTER(STRSTARTS(STR(?class), "%s")) }"""
    classes = {row["class"] for row in select(ontology, query % ROK)}
    targets = {
        row["class"]
        for row in select(shapes(), "SELECT ?class { ?rule sh:targetClass|sh:targetNode ?class }")
    }
    assert classes - targets == {ox.NamedNode(ROK + "PlanElement")}, "the abstract one only"


def test_every_concept_scheme_has_its_code_list_rule() -> None:
    schemes = {path.stem for path in (ROOT / "data" / "concepts").glob("*.ttl")}
    listed = re.findall(r"/def/([a-z-]+)/", (SHAPES / "codelists.ttl").read_text())
    assert schemes == set(listed)


# --- pages ----------------------------------------------------------------------------------------


def test_what_pages_show_is_named_grouped_and_ordered_in_both_languages() -> None:
    query = """SELECT ?shown (COUNT(DISTINCT ?path) AS ?paths) (COUNT(DISTINCT ?order) AS ?orders)
        (COUNT(DISTINCT ?group) AS ?groups) (GROUP_CONCAT(DISTINCT LANG(?name)) AS ?names)
        (GROUP_CONCAT(DISTINCT LANG(?description)) AS ?descriptions) {
            ?page a sh:NodeShape ; sh:property ?shown .
            OPTIONAL { ?shown sh:path ?path } OPTIONAL { ?shown sh:order ?order }
            OPTIONAL { ?shown sh:group ?group . ?group a sh:PropertyGroup ; sh:order ?place }
            OPTIONAL { ?shown sh:name ?name } OPTIONAL { ?shown sh:description ?description }
        } GROUP BY ?shown"""
    rows = select(pages(), query)
    assert len(rows) > 100
    for row in rows:
        assert [str(row[name]) for name in ("paths", "orders", "groups")] == [
            str(ox.Literal(1))
        ] * 3, row
        for name in ("names", "descriptions"):
            text = row[name]
            assert isinstance(text, ox.Literal)
            assert set(text.value.split()) == {"en", "ko"}, row


def test_pages_describe_and_never_constrain() -> None:
    described = {"path", "name", "description", "group", "order"}
    query = (
        "SELECT DISTINCT ?term { ?shown a sh:PropertyShape ; ?term ?value . FILTER(?term != <%s>) }"
    )
    assert {local(row["term"]) for row in select(pages(), query % RDF_TYPE.value)} == described
    live = "SELECT ?page { ?page a sh:NodeShape . FILTER NOT EXISTS { ?page sh:deactivated true } }"
    assert not select(pages(), live)


def test_two_properties_of_a_page_never_share_a_place() -> None:
    query = """SELECT ?page ?one ?two { ?page sh:property ?one, ?two . FILTER(STR(?one) < STR(?two))
        ?one sh:group ?group ; sh:order ?order . ?two sh:group ?group ; sh:order ?order }"""
    assert not select(pages(), query)


def test_every_property_that_the_data_uses_is_shown_somewhere() -> None:
    query = "SELECT ?class ?path { ?page sh:targetClass ?class ; sh:property/sh:path ?path }"
    shown = defaultdict(set)
    for row in select(pages(), query):
        shown[row["class"]].add(row["path"])
    classes = defaultdict(set)
    for quad in whole().quads_for_pattern(None, RDF_TYPE, None):
        classes[quad.subject].add(quad.object)
    missing = set()
    for quad in whole():
        ours = [found for found in classes[quad.subject] if found in shown]
        seen = {path for found in ours for path in shown[found]}
        if ours and quad.predicate not in seen and quad.predicate.value not in NOT_SHOWN:
            missing.add((str(ours[0]), str(quad.predicate)))
    assert not missing


def test_every_term_of_ours_that_rules_and_pages_name_exists() -> None:
    ontology = read(ROOT / "ontology" / "rokgraph.ttl")
    known = {quad.subject.value for quad in ontology if isinstance(quad.subject, ox.NamedNode)}
    for path in SHAPES.glob("*.ttl"):
        named = {ROK + name for name in re.findall(r"\brok:([A-Za-z0-9]+)", path.read_text())}
        assert named <= known, (path.name, named - known)


# --- the data -------------------------------------------------------------------------------------


def test_the_whole_data_conforms_and_two_validators_agree() -> None:
    first, second = by_pyshacl(whole()), by_shacl(text_of(whole()), "ntriples")
    assert first.conforms, sorted(found for found in first.results if found[1] == "violation")
    assert first == second


def test_the_whole_data_is_validated_in_seconds() -> None:
    """Loose, since machines differ: the shapes are to stay a hundred times faster than at first."""
    begun = time.perf_counter()
    validation.validate(whole(), [quad.triple for quad in shapes()])
    assert time.perf_counter() - begun < 60


def test_the_table_of_rules_tells_no_failure() -> None:
    table = rule_table()
    Console(file=sys.stdout, width=110).print(table)
    told = [list(column.cells) for column in table.columns]
    for valid, invalid, first, second in zip(*told[2:], strict=True):
        whole_number = int(str(valid)) + int(str(invalid))
        assert first == f"{whole_number}/{whole_number}"
        assert second == first or second in NOT_JUDGED.values()


if __name__ == "__main__":
    Console(width=110).print(rule_table())
