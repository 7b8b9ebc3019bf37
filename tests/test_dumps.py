"""Dumps hold the whole dataset, the same bytes each time, and say so."""

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pyoxigraph as ox
import pytest
from rdflib import Dataset

from rokgraph.dumps import CHECKSUMS, dumps, write_dumps
from rokgraph.jsonld import jsonld
from rokgraph.snapshot import load_built_in, load_given
from running import ROOT

PREFIXES = {"ex": "http://example.org/", "xsd": "http://www.w3.org/2001/XMLSchema#"}


def canonical(dataset: ox.Dataset) -> ox.Dataset:
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("dumps")
    assert list(write_dumps(load_built_in(ROOT), ROOT, made))
    return made


def test_all_that_is_planned_is_written_and_nothing_else(folder: Path) -> None:
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {dump.path for dump in dumps(ROOT)}
    lines = (folder / CHECKSUMS).read_text().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert sums.keys() == written - {CHECKSUMS}
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_files_read_in_another_order_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """In another process, with another seed for hashes, from a copy written in reverse."""
    root = tmp_path / "root"
    for name in ("ontology", "data", "shapes", "queries"):
        copytree(ROOT / name, root / name)
    again = tmp_path / "again"
    subprocess.run(
        [sys.executable, "-m", "rokgraph", "build", "--output", str(again)],
        env={"ROKGRAPH_ROOT": str(root), "PYTHONHASHSEED": "4711", "LC_ALL": "C"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert (again / CHECKSUMS).read_bytes() == (folder / CHECKSUMS).read_bytes()


def test_gzip_tells_neither_time_nor_system(folder: Path) -> None:
    for path in folder.glob("*.gz"):
        content = path.read_bytes()
        # no name, time 0, best compression, system unknown: https://www.rfc-editor.org/rfc/rfc1952
        assert content[:10] == bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255])
        assert gzip.decompress(content) == path.with_suffix("").read_bytes()


# rdflib uses what it deprecates itself
@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
def test_the_json_ld_dump_means_the_dataset_to_two_parsers(folder: Path) -> None:
    expected = canonical(ox.Dataset(ox.parse(path=folder / "rokgraph.nq")))
    written = folder / "rokgraph.jsonld"
    assert canonical(ox.Dataset(ox.parse(path=written))) == expected
    read = Dataset()
    read.parse(str(written), format="json-ld")
    found = read.serialize(format="nquads")
    assert canonical(ox.Dataset(ox.parse(found, format=ox.RdfFormat.N_QUADS))) == expected


def test_the_context_alone_is_that_of_the_dump(folder: Path) -> None:
    document = json.loads((folder / "rokgraph.jsonld").read_text())
    context = json.loads((folder / "context.jsonld").read_text())
    assert document["@context"] == context["@context"]
    assert context["@context"]["rok"] == "https://w3id.org/rokgraph/ont#"
    assert context["@context"]["rdfs:label"] == {
        "@id": "http://www.w3.org/2000/01/rdf-schema#label",
        "@container": "@language",
    }
    node = next(
        node
        for graph in document["@graph"]
        if graph["@id"] == "graph:source"
        for node in graph["@graph"]
        if node["@id"] == "task:1-2"
    )
    assert node["rdfs:label"]["en"] == "Sufficient digital resources"
    assert node["rok:ordinal"] == 2


@pytest.mark.parametrize(
    "data",
    [
        'ex:a ex:p "1"^^xsd:integer, "01"^^xsd:integer, "-0"^^xsd:integer .',
        'ex:a ex:p 9007199254740993, 5, -5 . ex:b ex:p "x" .',
        'ex:a ex:p true, "1"^^xsd:boolean .',
        'ex:a ex:p "a"@en, "b"@en, "c"@ko .',
        'ex:a ex:p "a"@en, "b" . ex:b ex:p ex:c .',
        'ex:a ex:p ex:b, [ ex:q "x" ], <urn:x:y>, <http://example.org/> .',
        'ex:a a ex:C, [] ; ex:p "1.50"^^xsd:decimal, "1E0"^^xsd:double, "\u0661"^^xsd:integer .',
        'ex:a ex:p "2022"^^xsd:gYear . ex:b ex:p "2022-01"^^xsd:gYearMonth .',
        "GRAPH ex:g { ex:a ex:p ( 1 2 ) } GRAPH _:g { ex:a ex:p ex:b }",
        'GRAPH ex:g { ex:a ex:p "x" } ex:a ex:p "x", "y" .',
        'ex:a <http://example.org/q//r> <http://example.org///x> ; ex:p "</script>" .',
    ],
)
def test_json_ld_means_what_was_written(data: str) -> None:
    head = "".join(f"PREFIX {prefix}: <{space}>\n" for prefix, space in PREFIXES.items())
    quads = list(ox.parse(head + data, format=ox.RdfFormat.TRIG))
    written, _ = jsonld(quads, PREFIXES)
    back = ox.Dataset(ox.parse(written, format=ox.RdfFormat.JSON_LD))
    assert canonical(back) == canonical(ox.Dataset(quads))


def test_what_json_ld_cannot_carry_is_left_out(tmp_path: Path) -> None:
    data = tmp_path / "data.nt"
    data.write_text("<http://a> <http://b> <<( <http://c> <http://d> <http://e> )>> .\n")
    written = [path.name for path in write_dumps(load_given([data]), ROOT, tmp_path / "out")]
    assert written == [
        "rokgraph.nq", "rokgraph.nq.gz", "rokgraph.trig", "rokgraph.trig.gz", "rokgraph.ttl",
        "rokgraph.ttl.gz", CHECKSUMS,
    ]  # fmt: skip
