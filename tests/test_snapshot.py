"""The snapshot: one digest whatever the order, and faults told by place."""

import random
import shutil
from pathlib import Path

import pyoxigraph as ox
import pytest

from rokgraph import sources
from rokgraph.errors import SourceError
from rokgraph.snapshot import canonical_nquads, dataset_digest, load_built_in, load_given
from running import ROOT


def test_two_builds_in_shuffled_file_order_have_one_digest() -> None:
    files = sources.built_in(ROOT)
    digests = set()
    for seed in range(2):
        random.Random(seed).shuffle(files)
        digests.add(dataset_digest(sources.load(files)))
    assert digests == {load_built_in(ROOT).summary.digest}


def test_the_digest_is_that_of_the_whole_dataset_canonicalised() -> None:
    store = load_built_in(ROOT).store
    dataset = ox.Dataset(store)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    lines = (ox.serialize(dataset, format=ox.RdfFormat.N_QUADS) or b"").splitlines(keepends=True)
    assert canonical_nquads(store) == b"".join(sorted(lines))


def test_one_statement_more_is_another_digest() -> None:
    snapshot = load_built_in(ROOT)
    snapshot.store.add(
        ox.Quad(ox.BlankNode(), ox.NamedNode("http://a"), ox.Literal("b"), ox.DefaultGraph())
    )
    assert dataset_digest(snapshot.store) != snapshot.summary.digest


def test_each_folder_is_a_graph_with_its_count() -> None:
    summary = load_built_in(ROOT).summary
    folders = {path.name for path in (ROOT / "data").iterdir() if path.is_dir()}
    names = {iri.rpartition("/")[2] for iri in summary.graphs}
    assert names == folders | {"ontology", "shapes"}
    assert all(summary.graphs.values())
    assert summary.prefixes["rok"] == "https://w3id.org/rokgraph/ont#"


def test_a_bad_file_is_told_by_path_line_column_and_text(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "ontology", tmp_path / "ontology")
    folder = tmp_path / "data" / "source"
    folder.mkdir(parents=True)
    bad = folder / "bad.ttl"
    bad.write_text("@prefix a: <http://x/> .\na:b a:c 1 ;\n  zzz:q 1 .\n")
    with pytest.raises(SourceError) as caught:
        load_built_in(tmp_path)
    error = caught.value
    assert (error.path, error.line, error.column) == (bad, 3, 3)
    assert "zzz:" in error.reason
    assert error.text == "  zzz:q 1 ."


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.doc", "", "unknown format"),
        ("x.nt", "nonsense", "IRI"),
        ("x.rdf", "<rdf", "x.rdf"),
        ("x.jsonld", "{", "x.jsonld:1"),
        ("x.ttl.gz", "not gzip", "gzip"),
    ],
)
def test_given_files_that_cannot_be_used(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(SourceError, match=says):
        load_given([path])


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        load_given([tmp_path / "nowhere.nt"])
    with pytest.raises(SourceError, match="no RDF file"):
        load_given([tmp_path])


def test_blank_nodes_of_two_files_stay_apart(tmp_path: Path) -> None:
    for name in ("a.nt", "b.nt"):
        (tmp_path / name).write_text("_:x <http://p> <http://o> .\n")
    assert len(load_given([tmp_path]).store) == 2
