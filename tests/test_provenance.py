"""The graph of provenance tells of what is there, the same on any machine."""

import hashlib
from pathlib import Path
from shutil import copytree

import pyoxigraph as ox
import pytest

from rokgraph.provenance import provenance
from rokgraph.snapshot import canonical_nquads, load_built_in
from rokgraph.vocab import DCTERMS_IDENTIFIER
from running import ROOT

SPDX = "http://spdx.org/rdf/terms#"
PROV = "http://www.w3.org/ns/prov#"
GRAPH = "https://w3id.org/rokgraph/graph/"
FILE = ROOT / "data" / "provenance" / "files.ttl"


@pytest.fixture(scope="module")
def told() -> ox.Store:
    store = ox.Store()
    store.load(path=str(FILE), format=ox.RdfFormat.TURTLE)
    return store


def value(store: ox.Store, subject: ox.NamedNode, *path: str) -> str:
    node: object = subject
    for step in path:
        assert isinstance(node, ox.NamedNode)
        found = next(store.quads_for_pattern(node, ox.NamedNode(step), None))
        node = found.object
    assert isinstance(node, ox.NamedNode | ox.Literal)
    return node.value


def test_the_file_is_what_the_others_give() -> None:
    assert provenance(ROOT) == {FILE: FILE.read_bytes()}


def test_each_graph_but_itself_is_told_with_its_step_and_digest(told: ox.Store) -> None:
    built = load_built_in(ROOT)
    for name in built.summary.graphs:
        graph = ox.NamedNode(name)
        if name == GRAPH + "provenance":
            assert next(told.quads_for_pattern(graph, None, None), None) is None
            continue
        content = ox.Store()
        content.extend(built.store.quads_for_pattern(None, None, None, graph))
        digest = hashlib.sha256(canonical_nquads(content)).hexdigest()
        assert value(told, graph, SPDX + "checksum", SPDX + "checksumValue") == digest
        assert value(told, graph, PROV + "wasGeneratedBy").startswith(
            "https://w3id.org/rokgraph/id/step/"
        )


def test_each_file_has_the_digest_of_its_bytes(told: ox.Store) -> None:
    named = list(told.quads_for_pattern(None, DCTERMS_IDENTIFIER, None))
    paths = {quad.object.value for quad in named if isinstance(quad.object, ox.Literal)}
    on_disk = {
        path.relative_to(ROOT).as_posix()
        for folder in ("data", "ontology", "shapes")
        for path in (ROOT / folder).rglob("*.ttl")
        if "examples" not in path.parts and path != FILE
    }
    assert on_disk <= paths
    for quad in named:
        assert isinstance(quad.subject, ox.NamedNode)
        assert isinstance(quad.object, ox.Literal)
        digest = hashlib.sha256((ROOT / quad.object.value).read_bytes()).hexdigest()
        assert value(told, quad.subject, SPDX + "checksum", SPDX + "checksumValue") == digest


def test_another_word_in_a_file_is_another_digest_of_its_graph_and_no_other(tmp_path: Path) -> None:
    for folder in ("data", "ontology", "shapes", "queries"):
        copytree(ROOT / folder, tmp_path / folder)
    before = next(iter(provenance(tmp_path).values())).decode().splitlines()
    outcomes = tmp_path / "data" / "outcomes" / "outcomes.ttl"
    outcomes.write_text(outcomes.read_text().replace("Digital Inclusion Act: enacted", "Enacted"))
    after = next(iter(provenance(tmp_path).values())).decode().splitlines()
    changed = [one for one, other in zip(before, after, strict=True) if one != other]
    assert len(changed) == 2  # the file and its graph
