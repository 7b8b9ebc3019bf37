"""The catalogue: what the dataset is, how large it is and where to get it, in VoID and DCAT.

Rule: counts and facts come from the queries of `queries/catalogue`, files and formats from the
tables that serve; nothing is counted here, and only addresses depend on who asks.

See https://www.w3.org/TR/void/, https://www.w3.org/TR/vocab-dcat-3/ and
https://semiceu.github.io/DCAT-AP/releases/3.0.1/
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias, cast

import pyoxigraph as ox

from rokgraph import formats
from rokgraph.description import format_iri
from rokgraph.dumps import Dump
from rokgraph.publication import Publication, Published
from rokgraph.snapshot import Summary
from rokgraph.vocab import BASE, DATASET, RDF_TYPE, SPDX_SHA256, XSD_HEX_BINARY
from rokgraph.writing import stable

PREFIXES = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "void": "http://rdfs.org/ns/void#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

_Term: TypeAlias = ox.NamedNode | ox.Literal
_Pair: TypeAlias = tuple[str, _Term | str]
_Triples: TypeAlias = Iterator[ox.Triple]

_EU = "http://publications.europa.eu/resource/authority/"
_IANA = "https://www.iana.org/assignments/media-types/"
_GZIP = _IANA + "application/gzip"
_PROTOCOL = "https://www.w3.org/TR/sparql11-protocol/"
_KEPT = 8  # documents: a client can ask under any host
# What is said of the dataset and holds for its catalogue and its service as well.
_SHARED = ("publisher", "license", "rights", "accessRights")
_CATALOGUE_WORDS = {
    "title": {"en": "Catalogue of rokgraph", "ko": "rokgraph 카탈로그"},
    "description": {
        "en": "The dataset that this server publishes, its files and its query service.",
        "ko": "이 서버가 공개하는 데이터셋과 그 파일, 질의 서비스.",
    },
}
_SERVICE_WORDS = {
    "title": {"en": "SPARQL endpoint", "ko": "SPARQL 엔드포인트"},
    "description": {
        "en": "Answers SPARQL 1.1 queries over the dataset.",
        "ko": "데이터셋에 대한 SPARQL 1.1 질의에 답한다.",
    },
}
_GIVEN_WORDS = {
    "title": {"en": "Given data", "ko": "주어진 데이터"},
    "description": {
        "en": "Data that this server was started with; they say nothing of themselves.",
        "ko": "이 서버를 시작할 때 주어진 데이터. 스스로에 대한 설명이 없다.",
    },
}


class Catalogue:
    """The catalogue of one snapshot, to be written for any address of the service.

    `dataset` is the IRI of the dataset, for given data one made of their digest.
    """

    def __init__(
        self,
        described: Iterable[ox.Triple],
        summary: Summary,
        publication: Publication,
        contact: str | None = None,
    ) -> None:
        """Take what the queries of `queries/catalogue` found, the dumps, and whom to ask."""
        self.publication, self._contact_address = publication, contact
        self.dataset = DATASET.value
        found = list(described)
        titled = _iri("dcterms:title")
        if not any(each.subject == DATASET and each.predicate == titled for each in found):
            self.dataset = f"{BASE}given/{summary.digest}/dataset"
            found = [_renamed(triple, self.dataset) for triple in found]
            found += _said(self.dataset, None, *_worded(_GIVEN_WORDS))
        self._described = tuple(found)
        self._facts = _facts(found)
        self._written = lru_cache(maxsize=_KEPT)(self._serialised)

    def values(self, node: str, name: str) -> list[_Term]:
        """What is said of a node by the property of that short name, in order."""
        return self._facts.get((node, _iri(name).value), [])

    def document(self, base: str, form: str) -> bytes:
        """The whole catalogue for a service at that URL, in the graph format of that name."""
        return self._written(base, form, bool(self.publication.published))

    def _serialised(self, base: str, form: str, _: bool) -> bytes:
        found = formats.graph_format(form) or formats.GRAPH_FORMATS[0]
        triples = sorted(dict.fromkeys(self.triples(base)), key=str)
        native = cast("ox.RdfFormat", found.native)
        return stable(triples, native, PREFIXES)

    def triples(self, base: str) -> _Triples:
        """The catalogue for a service at that URL, without a slash at its end."""
        yield from self._described
        yield from self._of_dataset(base)
        yield from self._of_catalogue(base)
        yield from self._of_service(base)
        for dump in self.forms:
            yield from self._of_distribution(base, dump)

    def url(self, base: str, path: str) -> str:
        """Where a dump is to be had: an address that means the same bytes for ever."""
        return f"{base}/data/{self.publication.version}/{path}"

    @property
    def forms(self) -> list[Dump]:
        """The files that are forms of the data."""
        kinds = ("text/csv", "application/xml")
        planned = self.publication.planned
        return [dump for dump in planned if dump.is_rdf or dump.media_type in kinds]

    def _of_dataset(self, base: str) -> _Triples:
        about = f"{base}/.well-known/void"
        yield from _said(about, "void:DatasetDescription", ("foaf:primaryTopic", self.dataset))
        yield from _said(
            self.dataset,
            "dcat:Dataset",
            ("rdf:type", _iri("void:Dataset")),
            ("void:sparqlEndpoint", f"{base}/sparql"),
            ("void:openSearchDescription", f"{base}/opensearch.xml"),
            # the IRI that is looked up comes behind it
            ("void:uriLookupEndpoint", f"{base}/search?q="),
            ("dcat:landingPage", f"{base}/catalogue"),
            *(
                ("void:feature", format_iri(entry.native.iri))
                for entry in (*formats.GRAPH_FORMATS, *formats.DATASET_FORMATS)
            ),
            *(("dcat:distribution", self._distribution(dump)) for dump in self.forms),
            *(("void:dataDump", self.url(base, dump.path)) for dump in self.forms if dump.is_rdf),
        )
        yield from _said(f"{base}/catalogue", "foaf:Document")
        yield from self._contact(self.dataset)

    def _of_catalogue(self, base: str) -> _Triples:
        yield from _said(
            self.dataset.removesuffix("dataset") + "catalogue",
            "dcat:Catalog",
            *_worded(_CATALOGUE_WORDS),
            ("foaf:homepage", f"{base}/"),
            ("dcat:dataset", self.dataset),
            ("dcat:service", self.dataset + "#sparql"),
            ("dcat:themeTaxonomy", _EU + "data-theme"),
            *self._as_dataset(*_SHARED, "language", "spatial"),
        )
        yield from _said(f"{base}/", "foaf:Document")

    def _of_service(self, base: str) -> _Triples:
        keywords = self.values(self.dataset, "dcat:keyword")
        themes = self.values(self.dataset, "dcat:theme")
        yield from _said(
            self.dataset + "#sparql",
            "dcat:DataService",
            *_worded(_SERVICE_WORDS),
            ("dcat:endpointURL", f"{base}/sparql"),
            # without a query the endpoint describes itself
            ("dcat:endpointDescription", f"{base}/sparql"),
            ("dcat:servesDataset", self.dataset),
            ("dcterms:conformsTo", _PROTOCOL),
            *(("dcat:keyword", value) for value in keywords),
            *(("dcat:theme", value) for value in themes),
            *self._as_dataset(*_SHARED),
        )
        title = ox.Literal("SPARQL 1.1 Protocol", language="en")
        yield from _said(_PROTOCOL, "dcterms:Standard", ("dcterms:title", title))
        yield from self._contact(self.dataset + "#sparql")

    def _of_distribution(self, base: str, dump: Dump) -> _Triples:
        url, node = self.url(base, dump.path), self._distribution(dump)
        media, kind = _IANA + dump.media_type, f"{_EU}file-type/{dump.kind}"
        yield from _said(
            node,
            "dcat:Distribution",
            *_worded({"title": dump.title, "description": dump.title}),
            ("dcat:accessURL", url),
            ("dcat:downloadURL", url),
            ("dcat:mediaType", media),
            ("dcterms:format", kind),
            ("dcatap:availability", _EU + "planned-availability/AVAILABLE"),
            *self._as_dataset("license", "rights"),
        )
        yield from _said(media, "dcterms:MediaType")
        yield from _said(kind, "dcterms:MediaTypeOrExtent")
        if dump.gzipped:
            yield from _said(node, "dcat:Distribution", ("dcat:compressFormat", _GZIP))
            yield from _said(_GZIP, "dcterms:MediaType")
        known = self.publication.published.get(dump.path)
        if known is not None:
            yield from _measured(node, known)

    def _distribution(self, dump: Dump) -> str:
        return f"{BASE}data/{self.publication.version}/{dump.path}"

    def _as_dataset(self, *names: str) -> Iterator[_Pair]:
        """What is said of the dataset by those terms of Dublin Core."""
        for name in names:
            for value in self.values(self.dataset, f"dcterms:{name}"):
                yield f"dcterms:{name}", value

    def _contact(self, node: str) -> _Triples:
        """Whom to ask, where the operator says so."""
        if self._contact_address is None:
            return
        kind, address = self.dataset + "#contact", self._contact_address
        yield from _said(node, None, ("dcat:contactPoint", kind))
        names = {"mailto": "hasEmail", "tel": "hasTelephone"}
        name = names.get(address.partition(":")[0], "hasURL")
        yield from _said(kind, "vcard:Kind", (f"vcard:{name}", address))


def _measured(node: str, known: Published) -> _Triples:
    """Length and checksum.

    See https://www.w3.org/TR/vocab-dcat-3/#Class:Checksum
    """
    size = ox.Literal(str(known.size), datatype=_iri("xsd:nonNegativeInteger"))
    checksum = node + "#sha256"
    yield from _said(node, None, ("dcat:byteSize", size), ("spdx:checksum", checksum))
    value = ox.Literal(known.sha256, datatype=XSD_HEX_BINARY)
    algorithm = ("spdx:algorithm", SPDX_SHA256)
    yield from _said(checksum, "spdx:Checksum", algorithm, ("spdx:checksumValue", value))


def _said(node: str, kind: str | None, *pairs: _Pair) -> _Triples:
    """Triples about a node: its class, then each property with a term or the IRI of one."""
    subject = ox.NamedNode(node)
    if kind:
        yield ox.Triple(subject, RDF_TYPE, _iri(kind))
    for name, value in pairs:
        yield ox.Triple(
            subject, _iri(name), ox.NamedNode(value) if isinstance(value, str) else value
        )


def _iri(name: str) -> ox.NamedNode:
    prefix, _, local = name.partition(":")
    return ox.NamedNode(PREFIXES[prefix] + local)


def _worded(words: Mapping[str, Mapping[str, str]]) -> Iterator[_Pair]:
    for name, texts in words.items():
        for language, text in texts.items():
            yield f"dcterms:{name}", ox.Literal(text, language=language)


def _renamed(triple: ox.Triple, name: str) -> ox.Triple:
    """The triple with the name of given data where the queries put that of ours."""

    def new(term: ox.NamedNode) -> ox.NamedNode:
        iri = term.value
        if iri != DATASET.value and not iri.startswith(DATASET.value + "#"):
            return term
        return ox.NamedNode(name + iri.removeprefix(DATASET.value))

    subject, value = cast("ox.NamedNode", triple.subject), triple.object
    value = new(value) if isinstance(value, ox.NamedNode) else value
    return ox.Triple(new(subject), triple.predicate, value)


def _facts(triples: Iterable[ox.Triple]) -> dict[tuple[str, str], list[_Term]]:
    facts: dict[tuple[str, str], list[_Term]] = {}
    for triple in sorted(triples, key=str):
        subject, value = cast("ox.NamedNode", triple.subject), triple.object
        if isinstance(value, (ox.NamedNode, ox.Literal)):
            facts.setdefault((subject.value, triple.predicate.value), []).append(value)
    return facts
