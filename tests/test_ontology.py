"""The ontology, its alignments and prefixes, and the checks that must return nothing."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

import owlrl
import pyoxigraph as ox
import pytest
import reasonable
from rdflib import BNode, Graph, Literal, Namespace, URIRef
from rdflib import term as rdflib_term
from rdflib.collection import Collection
from rdflib.namespace import (
    DCTERMS,
    FOAF,
    ORG,
    OWL,
    PROV,
    RDF,
    RDFS,
    SDO,
    SH,
    SKOS,
    TIME,
    VANN,
    XSD,
    DefinedNamespace,
)
from rdflib.term import Node

from rokgraph.library import SavedQuery, saved_queries

ROOT = Path(__file__).parents[1]
ONTOLOGY = ROOT / "ontology"
BASE = "https://w3id.org/rokgraph/"
HOME = URIRef(BASE + "ont")
ROK = Namespace(BASE + "ont#")
# Where owlrl reports a contradiction.
OWLRL_ERROR = URIRef("http://www.daml.org/2002/03/agents/agent-ont#ErrorMessage")

KINDS = {OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty}
HANGUL = re.compile("[가-힣]")

# The vocabularies whose terms rdflib lists in full.
LISTED: dict[str, type[DefinedNamespace]] = {
    str(space): space
    for space in (DCTERMS, FOAF, ORG, OWL, PROV, RDF, RDFS, SDO, SH, SKOS, TIME, VANN, XSD)
}
# Terms of the others, each looked up in its vocabulary.
LOOKED_UP = {
    "http://data.europa.eu/eli/ontology#LegalResource",
    "http://data.europa.eu/m8g/PublicEvent",
    "http://data.europa.eu/m8g/ReferenceFramework",
    "http://metadata.un.org/sdg/ontology#Goal",
    "http://metadata.un.org/sdg/ontology#Target",
    "http://qudt.org/schema/qudt/QuantityValue",
    "http://purl.org/ontology/bibo/status",
    "http://purl.org/ontology/bibo/status/published",
    "http://www.w3.org/ns/oa#Annotation",
    "http://www.w3.org/ns/oa#SpecificResource",
    "https://schema.org/StatisticalVariable",  # newer than rdflib's list
}

# For each check the faults that it must find, in TriG with our own prefixes.
PLANTED: dict[str, tuple[str, ...]] = {
    "alignment-without-attestation": (
        "graph:alignments { place:korea skos:exactMatch wd:Q1 }",
        # An attestation of the same match lacks the date, or is of another match.
        """graph:alignments {
             place:korea skos:exactMatch wd:Q1 .
             attestation:x a rok:Attestation ;
               rdf:subject place:korea ; rdf:predicate skos:exactMatch ; rdf:object wd:Q1 ;
               rok:evidence 'A list' ; sssom:mapping_justification semapv:ManualMappingCuration
           }""",
        """graph:alignments {
             place:korea skos:exactMatch wd:Q1 .
             attestation:x a rok:Attestation ; dcterms:date '2026-11-23'^^xsd:date ;
               rdf:subject place:korea ; rdf:predicate skos:closeMatch ; rdf:object wd:Q1 ;
               rok:evidence 'A list' ; sssom:mapping_justification semapv:ManualMappingCuration
           }""",
        "graph:alignments { wd:Q884 skos:closeMatch wd:Q1 }",
        "graph:alignments { place:korea skos:broadMatch place:busan }",
    ),
    "background-beyond-labels": (
        "graph:background { skos:exactMatch rdfs:subPropertyOf skos:closeMatch }",
        "graph:background { place:korea rdfs:label 'Corea'@en }",
    ),
    "blank-node-resource": (
        "graph:source { task:1-2 rok:period [ a time:Instant ] }",
        "graph:concepts { technology:ai skos:related [ skos:notation 'x' ] }",
        "graph:catalogue { [] a rok:Citation }",
        "graph:source { [] rok:citation passage:p1-2 }",
    ),
    "class-never-used": ("graph:ontology { rok:Pillar a owl:Class }",),
    "context-without-attestation": (
        "graph:context { organisation:x rdfs:label 'A name'@en }",
        "graph:context { organisation:msit rok:legalBase act:kr-18475 }",
        # Named, but how sure it is stands nowhere.
        "graph:context { target:x rok:deadline instant:2027 ; prov:hadPrimarySource <urn:x> }",
        "graph:context { document:dsk rok:hasTarget target:x . target:x a rok:Target }",
        # An attestation of another value.
        """graph:context {
             organisation:x rdfs:label 'A name'@en .
             attestation:x a rok:Attestation ;
               rdf:subject organisation:x ; rdf:predicate rdfs:label ; rdf:object 'A name'@ko
           }""",
    ),
    "dangling-iri": (
        "graph:source { task:1-2 rok:hasAim aim:nowhere }",
        "graph:context { organisation:msit org:classification org-kind:nowhere }",
    ),
    "derived-property-asserted": (
        "graph:source { task:1-2 rok:hasElement measure:1-2-ai }",
        "graph:interpretation { task:1-2 rok:touchesTechnology technology:ai }",
    ),
    "forbidden-axiom": (
        "graph:ontology { rok:Place owl:equivalentClass schema:Place }",
        "graph:ontology { rok:amount owl:equivalentProperty schema:amount }",
        "graph:shapes { <https://w3id.org/rokgraph/shapes> owl:imports <http://www.w3.org/ns/oa> }",
    ),
    "foreign-term-as-subject": (
        "graph:ontology { skos:exactMatch rdfs:subPropertyOf skos:closeMatch }",
    ),
    "foreign-term-without-label": (
        "graph:source { task:1-2 dcterms:coverage 'x' }",
        "graph:source { task:1-2 a schema:Recipe }",
        "graph:source { discrepancy:x rok:aboutProperty dcterms:coverage }",
        "graph:background { dcterms:title rdfs:label 'Another'@en }",
        """graph:source { task:1-2 dcterms:coverage 'x' }
           graph:background { dcterms:coverage rdfs:label 'Coverage'@en }""",
    ),
    "inverse-disagrees": (
        "graph:ontology { rok:aimOf rdfs:domain rok:Target }",
        "graph:ontology { rok:aimOf rdfs:range rok:Target }",
        "graph:ontology { rok:hasAim rdfs:domain rok:Target }",
        "graph:ontology { rok:hasAim rdfs:range rok:Target }",
        "graph:ontology { rok:besides owl:inverseOf rok:besides }",
    ),
    "interpretation-without-reading": (
        "graph:interpretation { task:99-1 rok:withinRemitOf organisation:msit }",
        "graph:interpretation { task:99-1 rdfs:label organisation:msit }",
        """graph:interpretation {
             task:99-1 rok:withinRemitOf organisation:msit .
             reading:x a rok:Reading ;
               rdf:subject task:99-1 ; rdf:predicate rok:involves ; rdf:object organisation:msit
           }""",
        # A reading elsewhere is none.
        """graph:interpretation { task:99-1 rok:withinRemitOf organisation:msit }
           graph:context {
             reading:x a rok:Reading ; rdf:subject task:99-1 ;
               rdf:predicate rok:withinRemitOf ; rdf:object organisation:msit
           }""",
    ),
    "korean-in-source": ("graph:source { task:1-2 rdfs:label '충분한 디지털 자원'@ko }",),
    "korean-label-twice": (
        """graph:context { task:99-1 rdfs:label '공식 이름'@ko }
           graph:interpretation { task:99-1 rdfs:label '우리 번역'@ko }""",
    ),
    "match-outside-alignments": (
        "graph:context { place:korea skos:exactMatch wd:Q884 }",
        "graph:concepts { technology:ai skos:broadMatch <http://eurovoc.europa.eu/1> }",
    ),
    "n-01-later-facts-in-source": (
        "graph:source { outcome:x a rok:Outcome }",
        "graph:source { outcome:x rok:outcomeOf proposal:ai-framework-act }",
        "graph:source { task:1-2 dcterms:date '2024-04-18'^^xsd:date }",
        "graph:source { task:1-2 dcterms:date '2022-09-29T00:00:00Z'^^xsd:dateTime }",
        "graph:source { organisation:msit skos:exactMatch wd:Q33366149 }",
    ),
    "n-02-outside-named-graphs": ("task:1-2 rdfs:label 'adrift'@en .",),
    "n-03-lead-without-citation": ("graph:source { action:x rok:ledBy organisation:msit }",),
    "n-04-graph-not-described": (
        "graph:nowhere { task:1-2 rdfs:label 'Task'@en }",
        """graph:nowhere { task:1-2 rdfs:label 'Task'@en }
           graph:catalogue {
             graph:nowhere dcterms:title 'Nowhere'@en ; prov:wasAttributedTo agent:rokgraph
           }""",
    ),
    "n-05-triple-in-two-graphs": (
        """graph:source { task:99-1 rok:aboutTechnology technology:ai }
           graph:interpretation { task:99-1 rok:aboutTechnology technology:ai }""",
    ),
    "n-06-uncited-in-source": (
        "graph:source { aim:x a rok:Aim }",
        "graph:source { target:x a rok:Target ; rok:evidence 'A report' }",
    ),
    "n-07-later-facts-outside-their-graphs": (
        "graph:source { act:kr-18475 eli:number '18475' }",
        "graph:context { act:kr-18475 eli:in_force eli:InForce-inForce }",
        "graph:legislation { outcome:x rok:outcomeOf proposal:ai-framework-act }",
        "graph:context { task:1-2 rok:withinRemitOf organisation:msit }",
    ),
    "announced-law-without-outcome": (
        "graph:source { proposal:x a rok:LegislativeProposal }",
        "graph:source { action:x rok:establishes organisation:x }",
        "graph:source { target:x a rok:Target . action:x rok:hasTarget target:x }",
    ),
    "property-never-used": (
        "graph:ontology { rok:besides a owl:ObjectProperty }",
        "graph:ontology { rok:weight a owl:DatatypeProperty }",
        # A derived property is excused only until something has been inferred.
        """graph:ontology { rok:besides a owl:ObjectProperty ; rok:isDerived true }
           graph:inferred { task:99-1 rok:withinElement document:dsk }""",
    ),
    "same-as": ("graph:alignments { place:korea owl:sameAs wd:Q884 }",),
    "schema-org-over-http": (
        "graph:catalogue { <http://schema.org/> dcterms:title 'schema.org'@en }",
        "graph:source { task:1-2 <http://schema.org/name> 'x' }",
        "graph:source { task:1-2 a <http://schema.org/Project> }",
        "graph:ontology { <urn:x> sh:namespace 'http://schema.org/'^^xsd:anyURI }",
    ),
    "several-domains-or-ranges": (
        "graph:ontology { rok:hasAim rdfs:domain rok:Target }",
        "graph:ontology { rok:hasAim rdfs:range rok:Target }",
    ),
    "shared-label": (
        "graph:ontology { rok:Pillar rdfs:label 'strategy'@en }",
        "graph:ontology { rok:Pillar rdfs:label '세부과제'@ko }",
    ),
    "term-without-definition": (
        "graph:ontology { rok:Pillar a owl:Class ; skos:definition 'One.'@en }",
        "graph:ontology { rok:Pillar a owl:Class ; skos:definition '하나이다.'@ko }",
        "graph:ontology { rok:Task skos:definition 'Another one.'@en }",
    ),
    "term-without-home": (
        "graph:ontology { rok:Pillar a owl:Class }",
        "graph:ontology { rok:Pillar rdfs:isDefinedBy <https://w3id.org/rokgraph/ont#> }",
    ),
    "term-without-label": (
        "graph:ontology { rok:Pillar a owl:Class ; rdfs:label 'Pillar'@en }",
        "graph:ontology { rok:Pillar a owl:Class ; rdfs:label '기둥'@ko }",
        "graph:ontology { rok:Task rdfs:label 'Assignment'@en }",
    ),
    "undefined-term": (
        "graph:source { task:1-2 a rok:Tsak }",
        "graph:source { task:1-2 rok:lable 'x'@en }",
        "graph:source { discrepancy:x rok:aboutProperty rok:nothing }",
        "graph:ontology { rok:Pillar rdfs:label 'Pillar'@en }",
    ),
    "unexpected-language": (
        "graph:source { task:1-2 rdfs:label 'Tâche'@fr }",
        "graph:source { task:1-2 rdfs:label 'Task'@en-GB }",
    ),
}

# Contradictions: each name is that of the node in which the fault shows.
CONTRADICTIONS: dict[str, str] = {
    "one-thing-of-two-kinds": "<urn:one-thing-of-two-kinds> a rok:Task, rok:Measure .",
    "system-and-action": "<urn:system-and-action> a rok:ImplementationSystem, rok:Project .",
    "note-and-table": "<urn:note-and-table> a rok:Footnote, rok:Table .",
    "kind-by-range": "<urn:x> rok:hasAim <urn:kind-by-range> . <urn:kind-by-range> a rok:Budget .",
    "up-and-down": (
        "<urn:up-and-down> rok:elementOf <urn:y> . <urn:y> rok:elementOf <urn:up-and-down> ."
    ),
    "inside-itself": "<urn:inside-itself> rok:withinPlace <urn:inside-itself> .",
}


@pytest.fixture(scope="module")
def ontology() -> Graph:
    graph = Graph()
    for path in sorted(ONTOLOGY.glob("*.ttl")):
        graph.parse(path)
    return graph


@pytest.fixture(scope="module")
def terms(ontology: Graph) -> list[URIRef]:
    subjects = {s for s in ontology.subjects() if isinstance(s, URIRef) and s.startswith(ROK)}
    return sorted(subjects)


@pytest.fixture(scope="module")
def store() -> ox.Store:
    """The dataset as it is served: every folder a named graph."""
    store = ox.Store()
    files = [(path, "ontology") for path in ONTOLOGY.glob("*.ttl")]
    files += [(path, "shapes") for path in (ROOT / "shapes").glob("*.ttl")]
    for folder in (ROOT / "data").iterdir():
        files += [(path, folder.name) for path in folder.rglob("*.ttl")]
    for path, name in files:
        graph = ox.NamedNode(BASE + "graph/" + name)
        for quad in ox.parse(path=path, rename_blank_nodes=True):
            store.add(ox.Quad(quad.subject, quad.predicate, quad.object, graph))
    return store


@pytest.fixture(scope="module")
def everything() -> Graph:
    """Ontology and data as one graph of rdflib."""
    graph = Graph()
    for path in chain(sorted(ONTOLOGY.glob("*.ttl")), sorted((ROOT / "data").rglob("*.ttl"))):
        graph.parse(path)
    return graph


@pytest.fixture(scope="module")
def closed(everything: Graph) -> Graph:
    return closure(everything)


@pytest.fixture(scope="module")
def prefixes(ontology: Graph) -> dict[str, str]:
    return {
        str(ontology.value(node, SH.prefix)): str(ontology.value(node, SH.namespace))
        for node in ontology.subjects(RDF.type, SH.PrefixDeclaration)
    }


def checks() -> list[SavedQuery]:
    return saved_queries(ROOT, "checks")


def named(query: SavedQuery) -> str:
    return query.name


def all_queries() -> list[Path]:
    return sorted((ROOT / "queries").rglob("*.rq"))


# ---------------------------------------------------------------------------------- the files


@pytest.mark.parametrize("path", sorted(ONTOLOGY.glob("*.ttl")), ids=lambda path: path.name)
def test_both_parsers_read_the_same_triples(path: Path) -> None:
    assert len(Graph().parse(path)) == len(set(ox.parse(path=path)))


def test_the_ontology_describes_itself(ontology: Graph) -> None:
    assert (HOME, RDF.type, OWL.Ontology) in ontology
    for property_ in (DCTERMS.title, DCTERMS.description):
        languages = Counter(text_language(text) for text in ontology.objects(HOME, property_))
        assert languages == {"en": 1, "ko": 1}, property_
    version = ontology.value(HOME, OWL.versionInfo)
    assert ontology.value(HOME, OWL.versionIRI) == URIRef(f"{HOME}/{version}")
    licence = URIRef("https://creativecommons.org/licenses/by/4.0/")
    assert (HOME, DCTERMS.license, licence) in ontology
    assert (HOME, VANN.preferredNamespacePrefix, Literal("rok")) in ontology
    assert (HOME, VANN.preferredNamespaceUri, Literal(str(ROK))) in ontology
    for property_ in (DCTERMS.creator, DCTERMS.created):
        assert (HOME, property_, None) in ontology, property_


def test_only_the_disjointness_axioms_need_blank_nodes(ontology: Graph) -> None:
    heads = {s for s in ontology.subjects() if isinstance(s, BNode)}
    lists = {s for s in heads if (s, RDF.first, None) in ontology}
    axioms = set(ontology.subjects(RDF.type, OWL.AllDisjointClasses))
    assert heads == lists | axioms


# ---------------------------------------------------------------------------------- the terms


def test_every_term_is_of_one_kind(ontology: Graph, terms: list[URIRef]) -> None:
    kinds = {term: KINDS & set(ontology.objects(term, RDF.type)) for term in terms}
    assert {term: kind for term, kind in kinds.items() if len(kind) != 1} == {}


def test_classes_and_properties_are_told_apart_by_their_names(
    ontology: Graph, terms: list[URIRef]
) -> None:
    for term in terms:
        name = term.removeprefix(str(ROK))
        is_class = (term, RDF.type, OWL.Class) in ontology
        pattern = r"[A-Z][A-Za-z]+" if is_class else r"[a-z][A-Za-z]+(256)?"
        assert re.fullmatch(pattern, name), name


def test_no_text_carries_the_tag_of_the_other_language(ontology: Graph) -> None:
    for subject, property_, text in ontology:
        if isinstance(text, Literal) and text.language:
            says_korean = HANGUL.search(text) is not None
            assert says_korean == (text.language == "ko"), (subject, property_, text)


def test_definitions_are_sentences(ontology: Graph, terms: list[URIRef]) -> None:
    for term in terms:
        for text in chain(
            ontology.objects(term, SKOS.definition), ontology.objects(term, SKOS.scopeNote)
        ):
            assert str(text).endswith("."), (term, text)
            assert str(text) == str(text).strip(), (term, text)


def test_a_derived_property_says_what_it_comes_from(ontology: Graph) -> None:
    derived = set(ontology.subjects(ROK.isDerived, Literal(True)))
    assert derived == set(ontology.subjects(SKOS.scopeNote))
    for term in derived:
        notes = {text_language(note): str(note) for note in ontology.objects(term, SKOS.scopeNote)}
        assert notes.keys() == {"en", "ko"}, term
        origin = set(re.findall(r"rok:[A-Za-z]+", notes["en"]))
        assert origin, term
        assert origin == set(re.findall(r"rok:[A-Za-z]+", notes["ko"])), term


def test_one_direction_is_asserted_and_its_inverse_derived(ontology: Graph) -> None:
    derived = set(ontology.subjects(ROK.isDerived, Literal(True)))
    for inverse, property_ in ontology.subject_objects(OWL.inverseOf):
        assert inverse in derived, inverse
        assert property_ not in derived, property_


def test_data_and_object_properties_keep_to_their_ranges(ontology: Graph) -> None:
    for property_ in ontology.subjects(RDF.type, OWL.DatatypeProperty):
        range_ = ontology.value(property_, RDFS.range)
        assert is_datatype(range_), property_
    for property_ in ontology.subjects(RDF.type, OWL.ObjectProperty):
        assert not is_datatype(ontology.value(property_, RDFS.range)), property_


def test_transitive_properties_keep_to_owl_2_dl(ontology: Graph) -> None:
    """Nothing transitive, and nothing above it or inverse to it, is functional and the like."""
    complex_: set[Node] = set(ontology.subjects(RDF.type, OWL.TransitiveProperty))
    assert complex_ == {ROK.withinElement}
    for property_ in tuple(complex_):
        complex_ |= above(ontology, property_, RDFS.subPropertyOf)
        complex_.update(ontology.subjects(OWL.inverseOf, property_))
        complex_.update(ontology.objects(property_, OWL.inverseOf))
    for kind in (
        OWL.FunctionalProperty,
        OWL.InverseFunctionalProperty,
        OWL.AsymmetricProperty,
        OWL.IrreflexiveProperty,
    ):
        assert not complex_ & set(ontology.subjects(RDF.type, kind)), kind


def test_every_class_is_kept_apart_from_the_others(ontology: Graph) -> None:
    """All but the abstract one stand in a disjointness axiom, or under a class that does."""
    apart = set(chain.from_iterable(disjoint_classes(ontology)))
    assert all(str(member).startswith(ROK) for member in apart)
    for class_ in ontology.subjects(RDF.type, OWL.Class):
        if class_ != ROK.PlanElement:
            assert above(ontology, class_, RDFS.subClassOf) & apart, class_


def test_reused_terms_exist_in_their_vocabularies(ontology: Graph) -> None:
    used = {
        term
        for triple in ontology
        for term in triple
        if isinstance(term, URIRef) and not term.startswith(BASE)
    }
    used.discard(URIRef("https://creativecommons.org/licenses/by/4.0/"))
    missing = {
        term
        for term in used
        if str(term) not in LOOKED_UP
        and not any(term.startswith(space) and term in LISTED[space] for space in LISTED)
    }
    assert missing == set()


def test_alignments_are_loose_matches_of_our_classes(ontology: Graph) -> None:
    matches = Graph().parse(ONTOLOGY / "alignments.ttl")
    for class_, match, other in matches:
        assert match in (SKOS.closeMatch, SKOS.relatedMatch), match
        assert (class_, RDF.type, OWL.Class) in ontology, class_
        assert not str(other).startswith(BASE), other
        assert (class_, RDFS.subClassOf, other) not in ontology, (class_, other)


# ------------------------------------------------------------------------------- the prefixes


def test_each_prefix_stands_for_one_namespace_and_has_an_iri(ontology: Graph) -> None:
    table = URIRef(BASE + "prefixes")
    declared = set(ontology.objects(table, SH.declare))
    assert declared == set(ontology.subjects(RDF.type, SH.PrefixDeclaration))
    names = [str(ontology.value(node, SH.prefix)) for node in declared]
    spaces = [str(ontology.value(node, SH.namespace)) for node in declared]
    assert len(set(names)) == len(set(spaces)) == len(declared)
    assert {str(node) for node in declared} == {f"{table}#{name}" for name in names}


def test_everything_of_ours_can_be_shortened(store: ox.Store, prefixes: dict[str, str]) -> None:
    spaces = set(prefixes.values())
    ours = {
        term.value
        for quad in store
        for term in (quad.subject, quad.object)
        if isinstance(term, ox.NamedNode) and term.value.startswith((BASE + "id/", BASE + "def/"))
    }
    # A concept scheme is named by its folder, so it has no short name of its own.
    assert {iri for iri in ours if iri + "/" not in spaces and folder(iri) not in spaces} == set()


def test_files_use_the_prefixes_of_the_table(prefixes: dict[str, str]) -> None:
    declaration = re.compile(r"^\s*(?:@prefix|PREFIX)\s+([\w-]*):\s*<([^>]*)>", re.MULTILINE)
    paths = chain(
        (ROOT / "data").rglob("*.ttl"),
        (ROOT / "shapes").glob("*.ttl"),
        (ONTOLOGY / name for name in ("rokgraph.ttl", "alignments.ttl")),
        all_queries(),
    )
    wrong = {
        (path.name, name, space)
        for path in paths
        for name, space in declaration.findall(path.read_text(encoding="utf-8"))
        if prefixes.get(name) != space
    }
    assert wrong == set()


# --------------------------------------------------------------------------------- the checks


def test_every_check_has_a_planted_fault_and_the_other_way_round() -> None:
    assert [query.name for query in checks()] == sorted(PLANTED)


@pytest.mark.parametrize("query", checks(), ids=named)
def test_the_header_speaks_both_languages(query: SavedQuery) -> None:
    for texts in (query.title, query.description):
        assert texts.keys() == {"en", "ko"}
        assert HANGUL.search(texts["ko"])
        assert not HANGUL.search(texts["en"])
    assert query.tags


@pytest.mark.parametrize("query", checks(), ids=named)
def test_the_check_returns_nothing(query: SavedQuery, store: ox.Store) -> None:
    assert rows(store, query) == set()


@pytest.mark.parametrize("query", checks(), ids=named)
def test_the_check_also_returns_nothing_on_the_union_of_all_graphs(
    query: SavedQuery, store: ox.Store
) -> None:
    assert rows(store, query, union=True) == set()


@pytest.mark.parametrize(
    ("query", "fault"),
    [(query, fault) for query in checks() for fault in PLANTED.get(query.name, ())],
    ids=lambda value: value.name if isinstance(value, SavedQuery) else "",
)
def test_the_check_finds_the_planted_fault(
    query: SavedQuery, fault: str, store: ox.Store, prefixes: dict[str, str]
) -> None:
    before = rows(store, query)
    with planted(store, fault, prefixes):
        assert rows(store, query) - before
    assert rows(store, query) == before


def test_saved_text_names_no_term_that_does_not_exist(terms: list[URIRef]) -> None:
    """Queries, and the SPARQL inside shapes, which no query over the data can look into."""
    known = {term.removeprefix(str(ROK)) for term in terms}
    for path in chain(all_queries(), (ROOT / "shapes").glob("*.ttl")):
        used = set(re.findall(r"\brok:([A-Za-z][A-Za-z0-9]*)", path.read_text(encoding="utf-8")))
        assert used <= known, path.name


# ------------------------------------------------------------------------------ the reasoning
#
# owlrl takes over half a minute for the whole and says it when something contradicts itself;
# `reasonable` takes half a second and says nothing. So the whole is closed by `reasonable` and
# searched for contradictions here, and owlrl judges the ontology with a sample that holds every
# property and every class.


def test_the_closure_of_everything_holds_no_contradiction(closed: Graph) -> None:
    assert contradictions(closed) == {}


def test_owlrl_finds_no_error_in_a_sample(everything: Graph, ontology: Graph) -> None:
    graph = sample(everything) + logic(ontology)
    assert owlrl_errors(graph) == []


def test_both_searches_find_planted_contradictions(ontology: Graph) -> None:
    axioms = logic(ontology)
    axioms.parse(data=f"@prefix rok: <{ROK}> . " + " ".join(CONTRADICTIONS.values()))
    assert {f"urn:{name}" for name in CONTRADICTIONS} <= {
        str(node) for node in contradictions(closure(axioms))
    }
    errors = owlrl_errors(axioms)
    assert {name for name in CONTRADICTIONS if not any(name in error for error in errors)} == set()


def test_two_values_of_a_functional_property_are_a_contradiction(ontology: Graph) -> None:
    """OWL would quietly make one thing of the two."""
    faults = """
        <urn:two-parents> rok:elementOf <urn:a>, <urn:b> .
        <urn:two-numbers> rok:ordinal 1, 2 .
    """
    graph = logic(ontology).parse(data=f"@prefix rok: <{ROK}> . {faults}")
    found = {str(node) for node in contradictions(closure(graph))}
    assert {"urn:two-parents", "urn:two-numbers"} <= found


def test_no_class_is_only_guessed_from_a_property(everything: Graph, closed: Graph) -> None:
    """Domains and ranges say nothing of a node that the data does not say itself."""
    stated = defaultdict[Node, set[Node]](set)
    for node, class_ in everything.subject_objects(RDF.type):
        stated[node] |= above(everything, class_, RDFS.subClassOf)
    checked = {ORG.Organization, SKOS.Concept, FOAF.Person, TIME.Instant}
    guessed = {
        (str(node), str(class_))
        for node, class_ in closed.subject_objects(RDF.type)
        if (str(class_).startswith(ROK) or class_ in checked) and class_ not in stated[node]
    }
    assert guessed == set()


def test_literals_have_the_datatype_of_the_range(everything: Graph) -> None:
    ranges = {
        property_: everything.value(property_, RDFS.range)
        for property_ in everything.subjects(RDF.type, OWL.DatatypeProperty)
    }
    for subject, property_, value in everything:
        if isinstance(value, Literal):
            assert not value.ill_typed, (subject, property_, value)
        range_ = ranges.get(property_)
        if range_ is None or range_ == RDFS.Literal:
            continue
        assert isinstance(value, Literal), (subject, property_, value)
        if range_ == RDF.langString:
            assert value.language, (subject, property_, value)
        else:
            # A plain literal is a string.
            assert (value.datatype or XSD.string) == range_, (subject, property_, value)
            assert not value.language, (subject, property_, value)


# -------------------------------------------------------------------------------------- tools


def text_language(text: Node) -> str | None:
    assert isinstance(text, Literal)
    return text.language


def is_datatype(range_: Node | None) -> bool:
    return range_ in (RDF.langString, RDFS.Literal) or str(range_).startswith(str(XSD))


def above(graph: Graph, term: Node, property_: URIRef) -> set[Node]:
    """The term itself and all that it is below."""
    return {other for other in graph.transitive_objects(term, property_) if other is not None}


def folder(iri: str) -> str:
    return iri.rpartition("/")[0] + "/"


def rows(store: ox.Store, query: SavedQuery, *, union: bool = False) -> set[tuple[str, ...]]:
    found = store.query(query.text, use_default_graph_as_union=union)
    assert isinstance(found, ox.QuerySolutions)
    return {tuple(str(value) for value in row) for row in found}


@contextmanager
def planted(store: ox.Store, fault: str, prefixes: dict[str, str]) -> Iterator[None]:
    head = "".join(f"@prefix {name}: <{space}> . " for name, space in prefixes.items())
    quads = [
        quad
        for quad in ox.parse(head + fault, format=ox.RdfFormat.TRIG, rename_blank_nodes=True)
        if quad not in store
    ]
    assert quads, "the fault is in the dataset already"
    store.extend(quads)
    try:
        yield
    finally:
        for quad in quads:
            store.remove(quad)


def disjoint_classes(graph: Graph) -> Iterator[list[Node]]:
    for axiom in graph.subjects(RDF.type, OWL.AllDisjointClasses):
        members = graph.value(axiom, OWL.members)
        assert members is not None
        yield list(Collection(graph, members))


def logic(graph: Graph) -> Graph:
    """The triples from which something follows: no labels, definitions, prefixes or matches."""
    kept = Graph()
    for subject, property_, value in graph:
        if property_ in (RDF.type, RDF.first, RDF.rest, RDFS.domain, RDFS.range) or property_ in (
            RDFS.subClassOf,
            RDFS.subPropertyOf,
            OWL.inverseOf,
            OWL.members,
        ):
            kept.add((subject, property_, value))
    return kept


def sample(graph: Graph, size: int = 3) -> Graph:
    """The first few triples of each property and members of each class, and their types."""
    triples = [
        triple for triple in graph if not str(triple[0]).startswith((str(HOME), BASE + "prefixes"))
    ]
    by_kind = defaultdict[tuple[Node, Node | None], list[tuple[Node, Node, Node]]](list)
    for triple in sorted(triples):
        subject, property_, value = triple
        if isinstance(subject, URIRef):
            by_kind[property_, value if property_ == RDF.type else None].append(triple)
    kept = Graph()
    for alike in by_kind.values():
        for subject, property_, value in islice(alike, size):
            kept.add((subject, property_, value))
            for node in (subject, value):
                for class_ in graph.objects(node, RDF.type):
                    kept.add((node, RDF.type, class_))
    return kept


def closure(graph: Graph) -> Graph:
    reasoner = reasonable.PyReasoner()
    reasoner.from_graph(graph)
    closed = Graph()
    for triple in reasoner.reason():
        closed.add(triple)
    return closed


def owlrl_errors(graph: Graph) -> list[str]:
    closed = Graph()
    closed += graph
    # owlrl changes how rdflib reads literals, for the whole process: undo it, keys of its own too
    before = dict(rdflib_term._toPythonMapping)
    try:
        owlrl.DeductiveClosure(owlrl.OWLRL_Semantics).expand(closed)
    finally:
        rdflib_term._toPythonMapping.clear()
        rdflib_term._toPythonMapping.update(before)
    return sorted(
        str(message)
        for error in closed.subjects(RDF.type, OWLRL_ERROR)
        for message in closed.objects(error)
        if isinstance(message, Literal)
    )


def contradictions(closed: Graph) -> dict[Node, str]:
    """The nodes in which a closure contradicts the axioms that we use, and how.

    See https://www.w3.org/TR/owl2-profiles/#Reasoning_in_OWL_2_RL_and_RDF_Graphs_using_Rules,
    rules cax-adc, prp-asyp, prp-irp, cls-nothing2. Beyond OWL, two nodes must not become one.
    """
    found: dict[Node, str] = {}
    for members in disjoint_classes(closed):
        kinds = Counter(chain.from_iterable(set(closed.subjects(RDF.type, m)) for m in members))
        found |= {node: "of two disjoint classes" for node, n in kinds.items() if n > 1}
    for property_ in closed.subjects(RDF.type, OWL.AsymmetricProperty):
        for one, other in closed.subject_objects(property_):
            if (other, property_, one) in closed:
                found[one] = f"{property_} in both directions"
    for property_ in closed.subjects(RDF.type, OWL.IrreflexiveProperty):
        found |= {
            one: f"{property_} to itself"
            for one, other in closed.subject_objects(property_)
            if one == other
        }
    for property_ in closed.subjects(RDF.type, OWL.FunctionalProperty):
        found |= {
            node: f"more than one {property_}"
            for node, n in Counter(distinct_subjects(closed, property_)).items()
            if n > 1
        }
    found |= dict.fromkeys(closed.subjects(RDF.type, OWL.Nothing), "member of nothing")
    found |= {
        one: f"same as {other}" for one, other in closed.subject_objects(OWL.sameAs) if one != other
    }
    return found


def distinct_subjects(graph: Graph, property_: Node) -> Iterable[Node]:
    return (subject for subject, _ in set(graph.subject_objects(property_)))
