"""The room that validates: node shapes over the merged graph give a validation report.

Rule: only this room imports pySHACL and rdflib, and only when it is called; nothing is inferred.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import pyoxigraph as ox

from rokgraph import sources
from rokgraph.errors import RokgraphError
from rokgraph.snapshot import Snapshot, graph_iri

if TYPE_CHECKING:
    from rdflib import Graph

Severity: TypeAlias = Literal["violation", "warning", "info"]

_Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple
_Facts: TypeAlias = Mapping[_Term, Mapping[str, list[_Term]]]

_SH = "http://www.w3.org/ns/shacl#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SEVERITIES: tuple[Severity, ...] = ("violation", "warning", "info")
_SEVERITY = {f"{_SH}{name.capitalize()}": name for name in _SEVERITIES}
_REPEATS = {_SH + "zeroOrMorePath": "*", _SH + "oneOrMorePath": "+", _SH + "zeroOrOnePath": "?"}
_COPIED = ("focusNode", "resultSeverity", "sourceConstraintComponent", "value")
_PREFIXES = {
    "sh": _SH,
    "rdf": _RDF,
    "rok": "https://w3id.org/rokgraph/ont#",
    "shape": "https://w3id.org/rokgraph/shapes#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


class ShapesError(RokgraphError):
    """The shapes are no well-formed SHACL; the sentence says what is wrong.

    See https://www.w3.org/TR/shacl/#ill-formed
    """


@dataclass(frozen=True, slots=True)
class Result:
    """One validation result, in plain words.

    `rule` is the local name of the node shape that asks for it (of the owner, if a property shape
    does), `path` an IRI or a SPARQL property path, `message` the English one.
    See https://www.w3.org/TR/shacl/#results-validation-result
    """

    rule: str
    severity: Severity
    focus: str
    path: str | None
    value: str | None
    message: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """The outcome: whether there is no violation, the results, worst first, and the same as RDF.

    `graph` is a sh:ValidationReport in Turtle, the same bytes for the same results. Its
    sh:conforms is that of the standard, where a warning counts too.
    See https://www.w3.org/TR/shacl/#validation-report
    """

    conforms: bool
    results: tuple[Result, ...]
    graph: bytes


def report_on(snapshot: Snapshot, root: Path) -> ValidationReport:
    """Validate what is asserted in a snapshot by its shapes, by those of `root` if it has none.

    Raises ShapesError if the shapes are ill-formed.
    """
    return validate(_merged(snapshot), _shapes(snapshot, root))


def _merged(snapshot: Snapshot) -> ox.Store:
    """What is asserted, as one graph: SHACL sees no graph names.

    The shapes themselves stay out, and so does what is inferred: the rules judge what people
    write, before any reasoning.
    """
    left_out = {graph_iri("shapes"), graph_iri("inferred")}
    merged = ox.Store()
    merged.bulk_extend(
        ox.Quad(quad.subject, quad.predicate, quad.object)
        for quad in snapshot.store
        if quad.graph_name not in left_out
    )
    return merged


def _shapes(snapshot: Snapshot, root: Path) -> list[ox.Triple]:
    shapes = graph_iri("shapes")
    quads = list(snapshot.store.quads_for_pattern(None, None, None, shapes))
    if quads:
        return [quad.triple for quad in quads]
    # foreign data comes without shapes: ours are taken
    wanted = [source for source in sources.built_in(root) if source.graph == shapes.value]
    return [quad.triple for quad in sources.load(wanted)]


def validate(data: ox.Store, shapes: Iterable[ox.Triple]) -> ValidationReport:
    """Validate all triples of `data`, as one graph, by `shapes`.

    Nothing is inferred: a class counts as another only where `data` says rdfs:subClassOf.
    See https://www.w3.org/TR/shacl/#validation-definition

    Raises ShapesError if the shapes are ill-formed.
    """
    return judge(data, read_shapes(shapes))


def read_shapes(shapes: Iterable[ox.Triple]) -> "Graph":
    """The shapes graph in the form that pySHACL works on, to be used again and again.

    See https://www.w3.org/TR/shacl/#shapes-graph
    """
    from rdflib import Graph  # noqa: PLC0415 - the rule of this room

    return Graph().parse(data=ox.serialize(shapes, format=ox.RdfFormat.N_TRIPLES), format="nt")


def judge(data: ox.Store, shapes: "Graph") -> ValidationReport:
    """Validate as `validate` does, by shapes read before.

    Raises ShapesError if the shapes are ill-formed.
    """
    return _concluded(_run(data, shapes), shapes)


def _concluded(report: "Graph", shapes: "Graph") -> ValidationReport:
    found = _facts(report)
    owners = _owners(shapes)
    nodes = [node for facts in found.values() for node in facts.get(_SH + "result", ())]
    ranked = sorted(((_result(found, node, owners), node) for node in nodes), key=_rank)
    results = tuple(result for result, _ in ranked)
    triples = _report(found, [node for _, node in ranked], owners)
    return ValidationReport(
        conforms=all(result.severity != "violation" for result in results),
        results=results,
        graph=ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=_PREFIXES) or b"",
    )


def _run(data: ox.Store, shapes: "Graph") -> "Graph":
    import pyshacl  # noqa: PLC0415 - the rule of this room
    from pyshacl.errors import ReportableRuntimeError  # noqa: PLC0415
    from pyshacl.graph_abstraction import OxigraphDataGraph  # noqa: PLC0415
    from rdflib import Graph  # noqa: PLC0415

    class Merged(OxigraphDataGraph):
        def __bool__(self) -> bool:
            """True at once: pySHACL asks for each failed part, and would count all triples."""
            return True

    try:
        _, found, text = pyshacl.validate(Merged(data), shacl_graph=shapes, inplace=True)
    except ReportableRuntimeError as error:
        raise ShapesError(str(error.message)) from error
    if not isinstance(found, Graph):
        raise ShapesError(text)
    return found


def _facts(graph: "Graph") -> _Facts:
    """The triples of a graph by subject and predicate, in the engine's own terms."""
    facts: dict[_Term, dict[str, list[_Term]]] = {}
    lines = graph.serialize(format="nt", encoding="utf-8")
    for quad in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES):
        own = facts.setdefault(quad.subject, {})
        own.setdefault(quad.predicate.value, []).append(quad.object)
    return facts


def _owners(shapes: "Graph") -> dict[str, str]:
    """Blank property shapes, by label, and the IRI of the node shape that each belongs to.

    See https://www.w3.org/TR/shacl/#property
    """
    from rdflib import BNode, URIRef  # noqa: PLC0415

    parents = {part: shape for shape, part in shapes[: URIRef(_SH + "property") :]}
    owners = {}
    for part, owner in parents.items():
        while isinstance(owner, BNode) and owner in parents:
            owner = parents[owner]  # noqa: PLW2901 - climbs
        owners[str(part)] = str(owner)
    return owners


def _rank(pair: tuple[Result, _Term]) -> tuple[int, list[str]]:
    result = pair[0]
    return _SEVERITIES.index(result.severity), [value or "" for value in astuple(result)]


def _result(found: _Facts, node: _Term, owners: Mapping[str, str]) -> Result:
    path, value = _one(found, node, "resultPath"), _one(found, node, "value")
    severity = _one(found, node, "resultSeverity")
    return Result(
        rule=_rule(found, node, owners).rpartition("#")[2],
        severity=_SEVERITY.get(_plain(severity), "violation"),
        focus=_plain(_one(found, node, "focusNode")),
        path=None if path is None else _path_text(found, path),
        value=None if value is None else _plain(value),
        message=_messages(found, node)[0].value,
    )


def _path_text(found: _Facts, path: _Term) -> str:
    return path.value if isinstance(path, ox.NamedNode) else _path(found, path)


def _one(found: _Facts, node: _Term, name: str) -> _Term | None:
    values = found[node].get(_SH + name)
    return values[0] if values else None


def _plain(term: _Term | None) -> str:
    """An IRI or the text of a literal as it is; anything else as N-Triples writes it."""
    return term.value if isinstance(term, ox.NamedNode | ox.Literal) else str(term)


def _rule(found: _Facts, node: _Term, owners: Mapping[str, str]) -> str:
    shape = _one(found, node, "sourceShape")
    if isinstance(shape, ox.BlankNode):
        return owners.get(shape.value, "")
    return _plain(shape)


def _messages(found: _Facts, node: _Term) -> list[ox.Literal]:
    """The messages, English first.

    See https://www.w3.org/TR/shacl/#message
    """
    texts = found[node].get(_SH + "resultMessage", [])
    literals = [text for text in texts if isinstance(text, ox.Literal)] or [ox.Literal("")]
    return sorted(literals, key=lambda text: (text.language != "en", str(text)))


def _path(found: _Facts, path: _Term) -> str:
    """A path as SPARQL writes it.

    See https://www.w3.org/TR/shacl/#property-paths
    """
    if path not in found or isinstance(path, ox.NamedNode):
        return str(path)
    ((predicate, values),) = [
        (predicate, values)
        for predicate, values in found[path].items()
        if predicate != _RDF + "rest"
    ]
    if predicate == _SH + "inversePath":
        return f"^{_path(found, values[0])}"
    if predicate in _REPEATS:
        return f"{_path(found, values[0])}{_REPEATS[predicate]}"
    members, sign = (values[0], "|") if predicate == _SH + "alternativePath" else (path, "/")
    return f"({sign.join(_path(found, part) for part in _members(found, members))})"


def _members(found: _Facts, node: _Term) -> list[_Term]:
    """The members of an RDF list."""
    members = []
    while node in found:
        members.append(found[node][_RDF + "first"][0])
        node = found[node][_RDF + "rest"][0]
    return members


def _report(found: _Facts, nodes: list[_Term], owners: Mapping[str, str]) -> list[ox.Triple]:
    """The report as RDF, in the order of `nodes`.

    The source shape is given by its rule: the blank node of a property shape means nothing outside
    the shapes. See https://www.w3.org/TR/shacl/#results-source-shape
    """
    report = ox.BlankNode("report")
    triples = [
        ox.Triple(report, ox.NamedNode(_RDF + "type"), _sh("ValidationReport")),
        ox.Triple(report, _sh("conforms"), ox.Literal(not nodes)),
    ]
    results = [ox.BlankNode(f"result{number}") for number in range(1, len(nodes) + 1)]
    triples += (ox.Triple(report, _sh("result"), result) for result in results)
    for node, result in zip(nodes, results, strict=True):
        triples.append(ox.Triple(result, ox.NamedNode(_RDF + "type"), _sh("ValidationResult")))
        for name in _COPIED:
            if (term := _one(found, node, name)) is not None:
                triples.append(ox.Triple(result, _sh(name), term))
        if rule := _rule(found, node, owners):
            triples.append(ox.Triple(result, _sh("sourceShape"), ox.NamedNode(rule)))
        if (path := _one(found, node, "resultPath")) is not None:
            own, copied = _copy(found, path, f"{result.value}path")
            triples += [ox.Triple(result, _sh("resultPath"), own), *copied]
        triples += (ox.Triple(result, _sh("resultMessage"), m) for m in _messages(found, node))
    return triples


def _copy(found: _Facts, term: _Term, label: str) -> tuple[_Term, list[ox.Triple]]:
    """A path and the triples it is made of, its blank nodes named after `label`."""
    if not isinstance(term, ox.BlankNode):
        return term, []
    node, triples = ox.BlankNode(label), []
    for predicate in sorted(found[term]):
        for number, value in enumerate(found[term][predicate]):
            own, copied = _copy(found, value, f"{label}{predicate[-1]}{number}")
            triples += [ox.Triple(node, ox.NamedNode(predicate), own), *copied]
    return node, triples


def _sh(name: str) -> ox.NamedNode:
    return ox.NamedNode(_SH + name)
