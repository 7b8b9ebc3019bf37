"""The documents agree with the dataset and with each other."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import yaml

from rokgraph.evaluation import ask
from rokgraph.query import Query
from rokgraph.snapshot import Snapshot, load_built_in
from rokgraph.vocab import GRAPH, ID, ONT, RDF_TYPE
from running import ROOT

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
MODEL = (ROOT / "docs" / "reference" / "model.md").read_text()
FLOORS = (ROOT / "docs" / "decisions" / "0007-floors-as-built.md").read_text()
BLOCK = re.compile(r"^```sparql\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A row `| class | what it is | example |` and a row `| graph | folder | …`.
EXAMPLE = re.compile(r"^\| `(\w+):(\w+)` \| [^|]+ \| `([\w-]+):([\w-]+)` \|$", re.MULTILINE)
GRAPH_ROW = re.compile(r"^\| `graph:(\w+)` \| `([\w/]+)` \|", re.MULTILINE)
KINDS = ("Class", "ObjectProperty", "DatatypeProperty", "AnnotationProperty")
QUERIES = [
    pytest.param(block, id=f"{path.relative_to(ROOT)}-{number}")
    for path in PAGES
    for number, block in enumerate(BLOCK.findall(path.read_text()), 1)
]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_built_in(ROOT)


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def rooms(floor: str) -> set[str]:
    return {room.strip().removeprefix("rokgraph.") for room in floor.split("|")}


def layers() -> list[set[str]]:
    """The floors as the import linter has them, highest first."""
    contract = project()["tool"]["importlinter"]["contracts"][0]
    return [rooms(floor) for floor in contract["layers"]]


@pytest.mark.parametrize("block", QUERIES)
def test_a_query_of_a_page_runs_and_finds_something(snapshot: Snapshot, block: str) -> None:
    answer = ask(snapshot, Query(block))
    found = [True] if isinstance(answer, ox.QueryBoolean) else list(answer)
    assert found


def test_there_are_queries() -> None:
    assert len(BLOCK.findall(MODEL)) >= 5


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_terms_and_links_of_a_page_exist(snapshot: Snapshot, path: Path) -> None:
    text = path.read_text()
    ontology = ox.NamedNode(GRAPH + "ontology")
    kinds = {ox.NamedNode(f"http://www.w3.org/2002/07/owl#{kind}") for kind in KINDS}
    for name in set(re.findall(r"\brok:(\w+)\b(?!-)", text)):
        declared = snapshot.store.quads_for_pattern(
            ox.NamedNode(ONT + name), RDF_TYPE, None, ontology
        )
        assert any(quad.object in kinds for quad in declared), name
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_each_graph_has_its_line_in_the_model(snapshot: Snapshot) -> None:
    told = dict(GRAPH_ROW.findall(MODEL))
    assert {GRAPH + name for name in told} == set(snapshot.summary.graphs)
    folders = {f"data/{entry.name}" for entry in (ROOT / "data").iterdir() if entry.is_dir()}
    assert set(told.values()) == folders | {"ontology", "shapes"}
    for name, folder in told.items():
        assert folder.rpartition("/")[2] == name


def test_each_example_of_the_model_is_of_its_class(snapshot: Snapshot) -> None:
    prefixes = snapshot.summary.prefixes
    rows = EXAMPLE.findall(MODEL)
    assert len(rows) >= 40
    for space, name, kind, key in rows:
        member = ox.NamedNode(prefixes[kind] + key)
        of_class = ox.NamedNode(prefixes[space] + name)
        found = snapshot.store.quads_for_pattern(member, RDF_TYPE, of_class, None)
        assert next(found, None), f"{kind}:{key} a {space}:{name}"


def test_each_thing_that_the_model_names_exists(snapshot: Snapshot) -> None:
    prefixes = snapshot.summary.prefixes
    for prefix, key in set(re.findall(r"(?<![\w?-])([a-z-]+):([a-z0-9][\w-]*)", MODEL)):
        if prefixes.get(prefix, "").startswith(ID):
            thing = ox.NamedNode(prefixes[prefix] + key)
            known = snapshot.store.quads_for_pattern(thing, None, None, None)
            assert next(known, None), f"{prefix}:{key}"


def test_the_turtle_of_the_model_is_in_the_graph(snapshot: Snapshot) -> None:
    head = "".join(f"PREFIX {p}: <{space}>\n" for p, space in snapshot.summary.prefixes.items())
    blocks = re.findall(r"^```turtle\n(.*?)^```", MODEL, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        for quad in ox.parse(head + block, format=ox.RdfFormat.TURTLE):
            asked = f"ASK {{ {quad.subject} {quad.predicate} {quad.object} }}"
            assert ask(snapshot, Query(asked)), asked


def test_versions_agree(snapshot: Snapshot) -> None:
    version = project()["project"]["version"]
    changes = (ROOT / "CHANGELOG.md").read_text()
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert re.findall(r"^## (\S+)", changes, re.MULTILINE)[0] == version == cited["version"]
    assert all(each["version"] == version for each in cited["references"])
    top = changes.split("\n## ")[1]
    assert f" - {cited['date-released']}\n" in top
    dataset = ox.NamedNode("https://w3id.org/rokgraph/dataset")
    stated = ox.NamedNode("http://www.w3.org/ns/dcat#version")
    [quad] = snapshot.store.quads_for_pattern(dataset, stated, None, None)
    assert isinstance(quad.object, ox.Literal)
    assert f"Data version {quad.object.value}." in top
    assert f"data version {quad.object.value}." in cited["abstract"]


def test_each_room_stands_on_one_floor() -> None:
    package = ROOT / "src" / "rokgraph"
    here = {path.stem for path in package.glob("*.py") if not path.stem.startswith("__")}
    here |= {path.parent.name for path in package.glob("*/__init__.py")}
    standing = [room for floor in layers() for room in floor]
    assert sorted(standing) == sorted(here)


def test_the_floors_are_told_as_they_are_held() -> None:
    told = re.findall(r"^\d+\. (.+)$", FLOORS, re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", floor)) for floor in told] == layers()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.name[:4]
)
def test_a_decision_has_its_parts_and_its_number(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {path.name[:4]} ")
    assert "\n\nStatus: " in text
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
