"""The tests of FOOPS! and OOPS!, offline: all named, each finding its fault, and the score."""

import json
from pathlib import Path

import pyoxigraph as ox
import pytest

from rokgraph.errors import SourceError
from rokgraph.fair import assess, elsewhere
from rokgraph.library import SavedQuery, saved_queries
from rokgraph.snapshot import Snapshot, load_built_in
from running import ROOT, Server
from test_cli import rokgraph
from test_ontology import HANGUL, planted, rows

ONT = "<https://w3id.org/rokgraph/ont>"

# The tests of FOOPS! as of April 2026, and the 41 pitfalls of OOPS!.
FOOPS = {
    "CN1", "DOC1", "FIND1", "FIND2", "FIND3", "FIND3BIS", "HTTP1", "OM1", "OM2", "OM3", "OM4.1",
    "OM4.2", "OM5.1", "OM5.2", "PURL1", "RDF1", "URI1", "URI2", "VER1", "VER2", "VOC1", "VOC2",
    "VOC3", "VOC4",
}  # fmt: skip
OOPS = {f"P{number:02}" for number in range(1, 42)}

# The faults that stay, and what they cost.
SCORE = (56, 61)
ACCEPTED = {"FOOPS! OM3", "OOPS! P04", "OOPS! P11", "OOPS! P13"}

# For each query a fault to add to the ontology, or, after "-", statements to take out of it.
PLANTED: dict[str, str] = {
    "find1-prefix": f"- {ONT} <http://purl.org/vocab/vann/preferredNamespacePrefix>",
    "http1-open-protocol": "<urn:ont> owl:versionIRI <urn:ont/2>",
    "om1-minimum-metadata": f"- {ONT} <http://purl.org/dc/terms/title>",
    "om2-recommended-metadata": f"- {ONT} <http://purl.org/dc/terms/bibliographicCitation>",
    "om3-detailed-metadata": f"- {ONT} <http://purl.org/dc/terms/publisher>",
    "om4-1-licence": f"- {ONT} <http://purl.org/dc/terms/license>",
    "om5-1-basic-provenance": f"- {ONT} <http://purl.org/dc/terms/creator>",
    "om5-2-full-provenance": f"- {ONT} <http://purl.org/dc/terms/issued>",
    "p02-synonyms-as-classes": "rok:Strategy skos:exactMatch rok:Task",
    "p04-unconnected-terms": "rok:Pillar a owl:Class",
    "p06-cycles": "rok:PlanElement rdfs:subClassOf rok:Task",
    "p07-two-in-one": "rok:TaskOrMeasure a owl:Class ; rdfs:label 'Task or measure'@en",
    "p10-no-disjointness": "rok:Pillar a owl:Class",
    "p11-no-domain-or-range": "rok:besides a owl:ObjectProperty ; rdfs:domain rok:Task",
    "p13-no-inverse": "rok:besides a owl:ObjectProperty",
    "p20-annotations-misused": "rok:Pillar rdfs:label 'Pillar'@en ; skos:definition 'One.'@en",
    "p21-miscellaneous-class": "rok:OtherElement a owl:Class",
    "p22-naming-conventions": "rok:plan_part a owl:Class",
    "p24-recursive-definition": "rok:Task rdfs:subClassOf rok:Task",
    "p26-symmetric-with-inverse": "rok:hasAim a owl:SymmetricProperty",
    "p28-wrong-symmetric": "rok:hasAim a owl:SymmetricProperty",
    "p29-wrong-transitive": "rok:hasAim a owl:TransitiveProperty",
    "p33-chain-of-one": "rok:inTask owl:propertyChainAxiom ( rok:elementOf )",
    "p36-file-extension": "<https://w3id.org/rokgraph/ont.owl#Task> a owl:Class",
    "p38-no-declaration": "rok:Pillar rdfs:isDefinedBy <https://w3id.org/rokgraph/other>",
    "p39-ambiguous-namespace": f"<https://w3id.org/rokgraph/Task> rdfs:isDefinedBy {ONT}",
    "purl1-persistent-iri": "<https://example.org/ont> owl:versionIRI <https://example.org/ont/2>",
    "uri2-consistent-ids": "rok:Pillar rdfs:isDefinedBy <https://w3id.org/rokgraph/other>",
    "ver1-version-iri": f"- {ONT} <http://www.w3.org/2002/07/owl#versionIRI>",
    "voc1-metadata-vocabularies": f"- {ONT} <http://purl.org/dc/terms/> <http://purl.org/vocab/vann/>",
    "voc2-vocabularies-reused": "- * <http://www.w3.org/2000/01/rdf-schema#subPropertyOf>",
}  # fmt: skip


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_built_in(ROOT)


def queries() -> list[SavedQuery]:
    return saved_queries(ROOT, "fair")


def named(query: SavedQuery) -> str:
    return query.name


def test_every_test_of_the_catalogues_is_named(snapshot: Snapshot) -> None:
    here = {test.name for test in assess(snapshot, ROOT)}
    there = {test.name for test in elsewhere(ROOT)}
    assert here | there == {f"FOOPS! {name}" for name in FOOPS} | {f"OOPS! {name}" for name in OOPS}
    assert not here & there
    assert {test.by for test in elsewhere(ROOT)} == {"server", "network", "judgement"}


def test_the_score_is_what_it_is(snapshot: Snapshot) -> None:
    tests = assess(snapshot, ROOT)
    assert {test.name for test in tests if test.faults} == ACCEPTED
    for test in tests:
        assert test.passed, test
        assert test.met == test.points or test.accepted.keys() == {"en", "ko"}, test
    assert (sum(test.met for test in tests), sum(test.points for test in tests)) == SCORE


@pytest.mark.parametrize("query", queries(), ids=named)
def test_the_header_speaks_both_languages(query: SavedQuery) -> None:
    for texts in (query.title, query.description, query.expect.get("accepted", query.title)):
        assert texts.keys() == {"en", "ko"}
        assert HANGUL.search(texts["ko"])
        assert not HANGUL.search(texts["en"])


def test_every_query_has_a_planted_fault_and_the_other_way_round() -> None:
    assert [query.name for query in queries()] == sorted(PLANTED)


@pytest.mark.parametrize("query", queries(), ids=named)
def test_the_query_finds_the_planted_fault(query: SavedQuery, snapshot: Snapshot) -> None:
    fault = PLANTED[query.name]
    before = rows(snapshot.store, query)
    if not fault.startswith("- "):
        with planted(snapshot.store, f"graph:ontology {{ {fault} }}", snapshot.summary.prefixes):
            assert rows(snapshot.store, query) - before
        return
    taken = [quad for quad in snapshot.store if is_meant(quad, fault.split()[1:])]
    assert taken
    for quad in taken:
        snapshot.store.remove(quad)
    try:
        assert rows(snapshot.store, query) - before
    finally:
        snapshot.store.extend(taken)
    assert rows(snapshot.store, query) == before


def is_meant(quad: ox.Quad, words: list[str]) -> bool:
    """Whether a statement has that subject, `*` for any, and a property that begins like one."""
    subject, *properties = words
    return (
        quad.graph_name == ox.NamedNode("https://w3id.org/rokgraph/graph/ontology")
        and subject in ("*", str(quad.subject))
        and any(quad.predicate.value.startswith(word[1:-1]) for word in properties)
    )


def test_the_command_prints_a_table_and_the_score() -> None:
    ran = rokgraph("check", "--fair")
    assert ran.returncode == 0, ran.stderr
    lines = [line.rstrip() for line in ran.stdout.splitlines()]
    assert next(line for line in lines if "FOOPS! OM1 " in line).endswith("6/6")
    assert "accepted: DOI, logo" in next(line for line in lines if "FOOPS! OM3 " in line)
    assert "not offline: network" in next(line for line in lines if "FOOPS! URI1 " in line)
    assert lines[-1].startswith(f"{SCORE[0]} of {SCORE[1]} points")


def test_the_command_tells_json() -> None:
    told = json.loads(rokgraph("check", "--fair", "--format", "json").stdout)
    assert (told["met"], told["points"]) == SCORE
    assert {test["name"] for test in told["notOffline"]} >= {"FOOPS! URI1"}
    assert rokgraph("check", "--fair", "--format", "ttl").returncode == 2


def test_other_data_without_an_ontology_fails(tmp_path: Path) -> None:
    (tmp_path / "x.ttl").write_text("<urn:a> <urn:b> <urn:c> .")
    ran = rokgraph("check", "--fair", "--data", str(tmp_path))
    assert ran.returncode == 1
    assert "fault: " in ran.stdout


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "queries" / "fair").mkdir(parents=True)
    with pytest.raises(SourceError, match=r"elsewhere\.yaml"):
        elsewhere(tmp_path)


# -------------------------------------------------- what only a server can answer, asked of ours


def test_foops_cn1_content_negotiation(server: Server) -> None:
    for accept in ("text/html", "text/turtle", "application/rdf+xml", "application/ld+json"):
        answer = server.client.get("/ont", headers={"accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(accept)


def test_foops_doc1_documentation_in_html(server: Server) -> None:
    answer = server.client.get("/ont", headers={"accept": "text/html"})
    assert "rokgraph ontology" in answer.text


@pytest.mark.parametrize("path", ["/ont", "/ont/1.0.0"])
def test_foops_rdf1_available_in_rdf(server: Server, path: str) -> None:
    """Also what of URI1 and VER2 does not need the network: the paths of the IRIs answer."""
    answer = server.client.get(path, headers={"accept": "text/turtle"}, follow_redirects=True)
    triples = [quad.triple for quad in ox.parse(answer.content, format=ox.RdfFormat.TURTLE)]
    assert any(
        str(triple.subject) == ONT and triple.predicate.value.endswith("versionIRI")
        for triple in triples
    )
