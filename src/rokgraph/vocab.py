"""The terms that the code itself names.

Rule: nothing but IRIs; a term that only data, shapes or queries use is not here.
"""

from pyoxigraph import NamedNode

BASE = "https://w3id.org/rokgraph/"
ONT = BASE + "ont#"
ID = BASE + "id/"
GRAPH = BASE + "graph/"
DATASET = NamedNode(BASE + "dataset")

RDF_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
RDF_REIFIES = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#reifies")
RDF_SUBJECT = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#subject")
RDF_PREDICATE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#predicate")
RDF_OBJECT = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#object")
RDFS_LABEL = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
RDFS_COMMENT = NamedNode("http://www.w3.org/2000/01/rdf-schema#comment")
SKOS_PREF_LABEL = NamedNode("http://www.w3.org/2004/02/skos/core#prefLabel")
DCAT_VERSION = NamedNode("http://www.w3.org/ns/dcat#version")
DCTERMS_DATE = NamedNode("http://purl.org/dc/terms/date")
DCTERMS_IDENTIFIER = NamedNode("http://purl.org/dc/terms/identifier")

XSD_ANY_URI = NamedNode("http://www.w3.org/2001/XMLSchema#anyURI")
XSD_DATE = NamedNode("http://www.w3.org/2001/XMLSchema#date")
XSD_DECIMAL = NamedNode("http://www.w3.org/2001/XMLSchema#decimal")
XSD_GYEAR = NamedNode("http://www.w3.org/2001/XMLSchema#gYear")
XSD_INTEGER = NamedNode("http://www.w3.org/2001/XMLSchema#integer")
HAD_PRIMARY_SOURCE = NamedNode("http://www.w3.org/ns/prov#hadPrimarySource")
PROV_ENTITY = NamedNode("http://www.w3.org/ns/prov#Entity")
PROV_GENERATED_BY = NamedNode("http://www.w3.org/ns/prov#wasGeneratedBy")
PROV_DERIVED_FROM = NamedNode("http://www.w3.org/ns/prov#wasDerivedFrom")
PROV_USED = NamedNode("http://www.w3.org/ns/prov#used")
SPDX_CHECKSUM = NamedNode("http://spdx.org/rdf/terms#checksum")
SPDX_CHECKSUM_CLASS = NamedNode("http://spdx.org/rdf/terms#Checksum")
SPDX_ALGORITHM = NamedNode("http://spdx.org/rdf/terms#algorithm")
SPDX_SHA256 = NamedNode("http://spdx.org/rdf/terms#checksumAlgorithm_sha256")
SPDX_VALUE = NamedNode("http://spdx.org/rdf/terms#checksumValue")
XSD_HEX_BINARY = NamedNode("http://www.w3.org/2001/XMLSchema#hexBinary")
MAPPING_JUSTIFICATION = NamedNode("https://w3id.org/sssom/mapping_justification")

SCHEMA_KEYWORDS = NamedNode("https://schema.org/keywords")
SCHEMA_TARGET = NamedNode("https://schema.org/target")

SH_DECLARE = NamedNode("http://www.w3.org/ns/shacl#declare")
SH_EXECUTABLE = NamedNode("http://www.w3.org/ns/shacl#SPARQLExecutable")
SH_SELECT_EXECUTABLE = NamedNode("http://www.w3.org/ns/shacl#SPARQLSelectExecutable")
SH_SELECT = NamedNode("http://www.w3.org/ns/shacl#select")
SH_PREFIXES = NamedNode("http://www.w3.org/ns/shacl#prefixes")
SH_PREFIX = NamedNode("http://www.w3.org/ns/shacl#prefix")
SH_NAMESPACE = NamedNode("http://www.w3.org/ns/shacl#namespace")

OA_HAS_SELECTOR = NamedNode("http://www.w3.org/ns/oa#hasSelector")
OA_START = NamedNode("http://www.w3.org/ns/oa#start")
OA_END = NamedNode("http://www.w3.org/ns/oa#end")
CITATION = NamedNode(ONT + "citation")
PASSAGE = NamedNode(ONT + "passage")
MENTION = NamedNode(ONT + "mention")
SELECTION_SHA256 = NamedNode(ONT + "selectionSha256")
SOURCE_SHA256 = NamedNode(ONT + "sourceSha256")
ATTESTATION = NamedNode(ONT + "Attestation")
EVIDENCE = NamedNode(ONT + "evidence")
CONFIDENCE = NamedNode(ONT + "confidence")
CONFIRMED = NamedNode(BASE + "def/confidence/confirmed")
