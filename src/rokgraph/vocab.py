"""The terms that the code itself names.

Rule: nothing but IRIs; a term that only data, shapes or queries use is not here.
"""

from pyoxigraph import NamedNode

BASE = "https://w3id.org/rokgraph/"
ONT = BASE + "ont#"
ID = BASE + "id/"
GRAPH = BASE + "graph/"

RDF_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
RDF_REIFIES = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#reifies")
RDFS_LABEL = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
SKOS_PREF_LABEL = NamedNode("http://www.w3.org/2004/02/skos/core#prefLabel")
DCTERMS_IDENTIFIER = NamedNode("http://purl.org/dc/terms/identifier")

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
