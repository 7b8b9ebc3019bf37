"""The data against the inventory of the press release, entry by entry and key by key.

Rule: what the inventory holds is in the data, in the graph it belongs to, and graph `source` holds
nothing else. The mapping below is written from the modelling contract, not from the data.

The inventory is looked for at `$ROKGRAPH_SHARED/source/inventory.yaml`, else beside the checkout.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pyoxigraph as ox
import pytest
import yaml

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("ROKGRAPH_SHARED") or ROOT.parent / "shared")
BASE = "https://w3id.org/rokgraph/"

PREFIXES = {
    "id": BASE + "id/",
    "def": BASE + "def/",
    "rok": BASE + "ont#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "prov": "http://www.w3.org/ns/prov#",
    "org": "http://www.w3.org/ns/org#",
    "time": "http://www.w3.org/2006/time#",
    "oa": "http://www.w3.org/ns/oa#",
    "eli": "http://data.europa.eu/eli/ontology#",
    "cv": "http://data.europa.eu/m8g/",
    "unit": "http://qudt.org/vocab/unit/",
    "foaf": "http://xmlns.com/foaf/0.1/",
}

# An IRI is a short name; a literal is its text and its tag: @en, a datatype, "number" or "span".
Literal: TypeAlias = tuple[str, str]
Value: TypeAlias = str | Literal
Facts: TypeAlias = dict[tuple[str, str], set[Value]]

# One printed title is 14 words long; the limit on copied text is 12. The passage cited has it.
SHORTENED = {
    "law-ict-special": "Special Act on Promotion of ICT, Vitalization of Convergence Thereof, Etc."
}

SPAN_PREDICATES = {
    "rok:citation",
    "rok:passage",
    "rok:mention",
    "rok:headerCitation",
    "rok:anchor",
}
NUMBERS = {
    "xsd:integer",
    "xsd:decimal",
    "xsd:positiveInteger",
    "xsd:nonNegativeInteger",
}

# ---------------------------------------------------------------- what is not compared, and why

IGNORED = {
    ("*", "evidence"): "words to find the span by; the span is compared",
    ("legal_instruments", "named_in"): "compared by test_instruments_are_named_where_the_links_say",
    ("legal_instruments", "type"): "of acts in force only: the class says it",
    ("organisations", "role"): "said by links: announcedBy, reviewedBy, heldAt, rok:mentions",
    ("persons", "activities"): "said by links: chairedBy, announcedBy, keynoteBy",
    ("forums", "named_in"): "compared by test_forums_are_used_where_the_inventory_says",
}

# ---------------------------------------------------------------- the contract

CLASSES = {
    "strategies": "rok:Strategy",
    "tasks": "rok:Task",
    "measures": "rok:Measure",
    "initiatives": "rok:Action",
    "aims": "rok:Aim",
    "tables": "rok:Table",
    "footnotes": "rok:Footnote",
    "budgets": "rok:Budget",
    "targets": "rok:Target",
    "timing_expressions": "rok:TimingExpression",
    "enumerations": "rok:Enumeration",
    "organisations": "org:Organization",
    "persons": "foaf:Person",
    "places": "rok:Place",
    "source_notes": "rok:Discrepancy",
    "implementation_system": "rok:ImplementationSystem",
    "licence": "dcterms:LicenseDocument",
}
# Beyond the class: what a node may be besides.
ALSO = {
    "rok:Action": {"rok:Project"},
    "org:Organization": {"cv:PublicOrganisation"},
}
TYPED = {  # section -> (what goes from the front of the id, the type in the IRI)
    "strategies": ("strategy-", "strategy"),
    "tasks": ("task-", "task"),
    "measures": ("measure-", "measure"),
    "initiatives": ("", "action"),
    "aims": ("aim-", "aim"),
    "tables": ("table-", "table"),
    "footnotes": ("fn-", "footnote"),
    "budgets": ("budget-", "budget"),
    "targets": ("target-", "target"),
    "timing_expressions": ("time-", "timing"),
    "enumerations": ("enum-", "enumeration"),
    "organisations": ("org-", "organisation"),
    "persons": ("person-", "person"),
    "places": ("place-", "place"),
    "forums": ("forum-", "forum"),
    "source_notes": ("note-", "discrepancy"),
}
CONCEPTS = {
    "technologies": ("tech-", "technology", "rok:Technology"),
    "sectors": ("sector-", "sector", "rok:Sector"),
    "beneficiaries": ("ben-", "beneficiary", "rok:BeneficiaryGroup"),
}
NAMED = {
    "policy-digital-strategy-of-korea": "document/dsk",
    "policy-new-york-initiative": "initiative/new-york",
    "policy-digital-platform-government": "initiative/digital-platform-government",
    "announcement": "event/strategy-announcement",
    "initiative-announcement": "event/initiative-announcement",
    "keynote-address": "event/keynote-address",
    "forum-emergency-economic-meeting": "event/emergency-economic-meeting",
    "forum-digital-vision-forum": "event/digital-vision-forum",
    "implementation-system": "implementation/system",
    "licence-kogl-1": "licence/kogl-1",
    "law-digital-society-framework": "proposal/digital-society-framework-act",
    "law-ai-framework": "proposal/ai-framework-act",
    "law-metaverse-special": "proposal/metaverse-special-act",
    "law-cyber-security-framework": "proposal/cyber-security-framework-act",
    "law-digital-inclusion": "proposal/digital-inclusion-act",
    "law-bill-of-digital-rights": "proposal/bill-of-digital-rights",
    "law-self-driving-ship-framework": "proposal/self-driving-ship-framework",
    "law-data-framework": "act/kr-18475",
    "law-intelligent-informatization": "act/kr-17344",
    "law-ict-special": "act/kr-ict-special-act",
}
PROPOSED_BY = {
    "law-digital-society-framework": "enact-digital-society-framework-act",
    "law-ai-framework": "five-digital-economy-acts",
    "law-metaverse-special": "five-digital-economy-acts",
    "law-cyber-security-framework": "five-digital-economy-acts",
    "law-digital-inclusion": "five-digital-economy-acts",
    "law-bill-of-digital-rights": "bill-of-digital-rights",
    "law-self-driving-ship-framework": "self-driving-ship-legal-framework",
}
INSTRUMENT_TYPES = {"act": "act", "charter": "charter", "unnamed-framework": "framework"}
CONSIDERED = "existing-considered-for-integration"
STATEMENT_KINDS = {"aim", "vision", "goal", "characterisation", "proposal", "structure"}
TEXT_KINDS = {"title", "navigation", "attachment", "contact"}
COMPARATORS = {"eq": "exactly", "ge": "at-least", "gt": "more-than", "multiply": "multiple-of"}
UNITS = {
    "supercomputers": "def:unit/supercomputer",
    "companies": "def:unit/company",
    "people": "def:unit/person",
    "times current curriculum": "def:unit/times-current-curriculum",
    "hours": "unit:HR",
    "KRW": "unit:CCY_KRW",
    "areas": "def:unit/area",
    "times current number": "def:unit/times-current-number",
    "hubs": "def:unit/hub",
    "businesses": "def:unit/business",
    "types": "def:unit/type",
    "devices": "def:unit/device",
    "places": "def:unit/place",
    "startups": "def:unit/startup",
}
BASES = {
    "total over period": "total-over-period",
    "fund size in the target year (annual or stock not stated)": "fund-size",
}
FORUM_KINDS = {
    "summit": "summit",
    "ministerial": "ministerial",
    "bilateral-dialogue": "dialogue",
    "bilateral-committee": "joint-committee",
    "exhibition": "exhibition",
}
ORGANISATION_CLASSES = {
    "actor-group": "rok:ActorGroup",
    "division": "org:OrganizationalUnit",
    "alliance": "org:OrganizationalCollaboration",
}
STATE_BODIES = {
    "org-msit",
    "org-ict-committee",
    "org-digital-tf",
    "org-mediation-tf",
    "org-digital-order-tf",
    "org-regulatory-strategy-meeting",
    "org-regulation-deliberation",
    "org-economy-regulation-tf",
    "org-administration",
}
POSTS = {
    "person-lee-jong-ho": ("post/minister-of-science-and-ict", "Minister of Science and ICT"),
    "person-yoon-suk-yeol": ("post/president", "President of Korea"),
}
ESTABLISHED = {
    "digital-delegation": "org-digital-delegation",
    "digital-export-pioneering-group": "org-export-group",
    "digital-talent-alliance": "org-talent-alliance",
    "mediation-task-force": "org-mediation-tf",
    "digital-strategy-task-force": "org-digital-tf",
    "digital-order-task-force": "org-digital-order-tf",
}
LINKS = {
    "concernsTechnology": "rok:aboutTechnology",
    "concernsSector": "rok:inSector",
    "benefits": "rok:benefits",
    "involvesBody": "rok:involves",
    "atPlace": "rok:takesPlaceIn",
    "namesForum": "rok:usesForum",
    "lawConcernsTechnology": "rok:concernsTechnology",
    "partOf": "rok:elementOf",
    "underBody": "org:subOrganizationOf",
    "hasParticipant": "rok:hasParticipant",
    "implements": "rok:implementsInitiative",
    "announcedAt": "rok:announcedAt",
    "announcedBy": "rok:announcedBy",
    "relatedEvent": "rok:relatedEvent",
    "heads": "org:headOf",
    "promotes": "rok:promotes",
    "mentions": "rok:mentions",
    "organisedBy": "rok:convenedBy",
}
INVERSE_LINKS = {"chaired": "rok:chairedBy", "reviews": "rok:reviewedBy"}
FIELDS = {  # lists on an initiative that repeat its links
    "technologies": "rok:aboutTechnology",
    "sectors": "rok:inSector",
    "beneficiaries": "rok:benefits",
    "bodies": "rok:involves",
    "places": "rok:takesPlaceIn",
    "forums": "rok:usesForum",
}
LAW_LINKS = ("rok:proposesLegislation", "rok:citesAct", "rok:considersIntegrating")
OUTSIDE_KNOWLEDGE = {"note-911", "note-g20-date"}
# What a node of graph source may say that no key of the inventory says.
FREE = {
    "rok:aboutProperty",  # the property a discrepancy is about
    "foaf:page",
    "dcterms:language",
}


# ---------------------------------------------------------------- the inventory, read attentively


class Entry(dict[str, Any]):
    """A mapping that remembers which of its keys were read."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__({key: wrap(value) for key, value in given.items()})
        self.unread = set(given)

    def __getitem__(self, key: str) -> Any:
        self.unread.discard(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.unread.discard(key)
        return super().get(key, default)

    def forgotten(self) -> Iterator[str]:
        """Paths of keys that nobody read."""
        for key, value in self.items():
            if key in self.unread:
                yield key
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Entry) and key not in self.unread:
                    yield from (f"{key}.{inner}" for inner in each.forgotten())


def wrap(value: Any) -> Any:
    if isinstance(value, dict):
        return Entry(value)
    if isinstance(value, list):
        return [wrap(each) for each in value]
    return value


# ---------------------------------------------------------------- the data


def short(iri: str) -> str:
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def value_of(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> Value:
    assert isinstance(term, ox.NamedNode | ox.Literal), f"neither IRI nor literal: {term}"
    if isinstance(term, ox.NamedNode):
        return short(term.value)
    if term.language:
        return (term.value, "@" + term.language)
    datatype = short(term.datatype.value)
    if datatype in NUMBERS:
        return (f"{Decimal(term.value).normalize():f}", "number")
    return (term.value, datatype)


class Data:
    """All named graphs, as facts: (subject, predicate) -> values."""

    def __init__(self, root: Path) -> None:
        self.graphs: dict[str, Facts] = {}
        self.datatypes: dict[tuple[str, str], set[str]] = defaultdict(set)
        for path in sorted(root.glob("*/**/*.ttl")):
            graph = path.relative_to(root).parts[0]
            facts = self.graphs.setdefault(graph, defaultdict(set))
            for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
                assert isinstance(quad.subject, ox.NamedNode), f"{path}: blank node"
                key = (short(quad.subject.value), short(quad.predicate.value))
                facts[key].add(value_of(quad.object))
                if isinstance(quad.object, ox.Literal):
                    self.datatypes[key].add(short(quad.object.datatype.value))
        self._spans: dict[str, tuple[int, int]] = {}
        source = self.graphs.get("source", {})
        for (subject, predicate), values in source.items():
            if predicate == "oa:hasSelector":
                selector = str(next(iter(values)))
                ends = [source[selector, f"oa:{end}"] for end in ("start", "end")]
                start, end = (int(next(iter(each))[0]) for each in ends)
                self._spans[subject] = (start, end)

    def get(self, subject: str, predicate: str, graph: str = "source") -> set[Value]:
        found = self.graphs.get(graph, {}).get((subject, predicate), set())
        if predicate in SPAN_PREDICATES:
            return {span(self._spans.get(str(each), (-1, -1))) for each in found}
        return found

    def spans(self, subject: str, predicate: str = "rok:citation") -> list[tuple[int, int]]:
        found = self.graphs["source"].get((subject, predicate), set())
        return [self._spans[str(each)] for each in found]

    def instances(self, *classes: str, graph: str = "source") -> set[str]:
        return {
            subject
            for (subject, predicate), values in self.graphs.get(graph, {}).items()
            if predicate == "rdf:type" and values & set(classes)
        }


def span(given: Iterable[int]) -> Literal:
    start, end = given
    return (f"{start}-{end}", "span")


def en(text: str) -> Literal:
    return (text, "@en")


def string(text: str) -> Literal:
    return (text, "xsd:string")


def number(value: float) -> Literal:
    return (f"{Decimal(value).normalize():f}", "number")


def boolean(value: object) -> Literal:
    return ("true" if value else "false", "xsd:boolean")


def year(value: int) -> Literal:
    return (str(value), "xsd:gYear")


# ---------------------------------------------------------------- what the inventory expects


class Walk:
    """A walk over the inventory that writes down which facts the data must hold."""

    def __init__(self, inventory: dict[str, Any], data: Data) -> None:
        self.data = data
        self.inventory = {
            section: wrap(entries) if isinstance(entries, list | dict) else entries
            for section, entries in inventory.items()
        }
        self.expected: dict[str, Facts] = {"source": defaultdict(set), "context": defaultdict(set)}
        # Words of our own: they must be there, in English, once; people judge what they say.
        self.own_words: set[tuple[str, str, str]] = set()
        self.problems: dict[str, list[str]] = {section: [] for section in inventory}
        self.nodes = {
            each["id"]: self.node(section, each)
            for section, entries in inventory.items()
            if isinstance(entries, list)
            for each in entries
            if "id" in each
        }
        for table in inventory["tables"]:
            for column in table["columns"]:
                key = column["id"].removeprefix("table-").replace("-col-", "-")
                self.nodes[column["id"]] = f"id:column/{key}"
        self.entries: dict[str, dict[str, Any]] = {
            each["id"]: each
            for entries in inventory.values()
            if isinstance(entries, list)
            for each in entries
            if "id" in each
        }
        for section in self.problems:
            walk = getattr(self, section)
            walk(self.inventory[section])

    @staticmethod
    def node(section: str, entry: dict[str, Any]) -> str:
        key: str = entry["id"]
        if key in NAMED:
            return "id:" + NAMED[key]
        if section == "statements":
            kind = "statement" if entry["kind"] in STATEMENT_KINDS else "text"
            return f"id:{kind}/{key}"
        if section in CONCEPTS:
            front, scheme, _ = CONCEPTS[section]
            return f"def:{scheme}/{key.removeprefix(front)}"
        front, kind = TYPED[section]
        return f"id:{kind}/{key.removeprefix(front)}"

    # ---- writing down

    def want(self, subject: str, predicate: str, *values: Value, graph: str = "source") -> None:
        self.expected[graph][subject, predicate].update(values)

    def words(self, subject: str, predicate: str, graph: str = "source") -> None:
        self.own_words.add((graph, subject, predicate))

    def check(self, section: str, entry: str, fact: object, what: str) -> None:
        if not fact:
            self.problems[section].append(f"{entry}: {what}")

    def basics(self, section: str, entry: Entry, *classes: str, graph: str = "source") -> str:
        """Class, identifier, label and citation, which every entry has."""
        subject = self.nodes[entry["id"]]
        wanted = classes or (CLASSES[section],)
        self.want(subject, "rdf:type", *wanted, graph=graph)
        self.want(subject, "dcterms:identifier", string(entry["id"]), graph=graph)
        if "label" in entry:
            label = SHORTENED.get(entry["id"], entry["label"])
            self.want(subject, "rdfs:label", en(label), graph=graph)
        self.want(subject, "rok:citation", span(entry["span"]), graph=graph)
        return subject

    def element(self, section: str, entry: Entry, parent: str, ordinal: int) -> str:
        subject = self.basics(section, entry)
        self.want(subject, "rok:elementOf", parent)
        self.want(subject, "rok:ordinal", number(ordinal))
        if "passage_span" in entry:
            self.want(subject, "rok:passage", span(entry["passage_span"]))
        return subject

    def instant(self, position: Literal) -> str:
        """A shared instant: a year, a month or a day without a year."""
        text, datatype = position
        subject = "id:instant/" + text.removeprefix("--")
        predicate = {
            "xsd:gYear": "time:inXSDgYear",
            "xsd:gYearMonth": "time:inXSDgYearMonth",
            "xsd:gMonthDay": "rok:inMonthDay",
        }[datatype]
        self.want(subject, "rdf:type", "time:Instant")
        self.want(subject, predicate, position)
        return subject

    def dated(self, key: str, kind: str, predicate: str, position: Value, timing: str) -> str:
        """A period that is one stated day or month."""
        subject = f"id:period/{key}"
        self.want(subject, "rdf:type", "time:Instant")
        self.want(subject, predicate, position)
        self.want(subject, "rok:timingKind", f"def:timing-kind/{kind}")
        self.want(subject, "rok:citation", span(self.entries[timing]["span"]))
        return subject

    def interval(self, key: str, kind: str, at: list[int], entry: dict[str, Any]) -> str:
        """A period with a beginning, an end, both, or a duration."""
        subject = f"id:period/{key}"
        self.want(subject, "rdf:type", "time:ProperInterval")
        self.want(subject, "rok:timingKind", f"def:timing-kind/{kind}")
        self.want(subject, "rok:citation", span(at))
        if entry.get("start"):
            self.want(subject, "time:hasBeginning", self.instant(year(entry["start"])))
        if entry.get("end"):
            self.want(subject, "time:hasEnd", self.instant(year(entry["end"])))
        for years in (entry.get("years"), entry.get("relative_years")):
            if years:
                self.want(subject, "time:hasXSDDuration", (f"P{years}Y", "xsd:duration"))
        return subject

    # ---- sections, in the order of the inventory

    def counts(self, counts: Entry) -> None:
        data, inv = self.data, self.inventory
        actions = data.instances("rok:Action")
        timings = data.instances("rok:TimingExpression")
        proposals = data.instances("rok:LegislativeProposal")
        acts = data.instances("eli:LegalResource")
        named = {s for s in data.instances("org:Organization") if self.says(s, "rok:isNamed", True)}
        footnotes = data.instances("rok:Footnote")

        def per_strategy(level: int, kind: str) -> dict[str, int]:
            tally = Counter(
                str(notation[0])
                for each in data.instances(kind)
                for notation in data.get(self.above(each, level), "rok:notation")
            )
            return dict(tally)

        found = {
            "strategies": len(data.instances("rok:Strategy")),
            "task_headings": len(data.instances("rok:Task")),
            "tasks_announced_in_text": self.one("id:document/dsk", "rok:announcedTaskCount"),
            "task_headings_per_strategy": per_strategy(1, "rok:Task"),
            "measures": len(data.instances("rok:Measure")),
            "measures_per_strategy": per_strategy(2, "rok:Measure"),
            "tasks_without_measure": [
                task
                for task, node in self.nodes.items()
                if node in data.instances("rok:Task")
                and not any(
                    node in data.get(each, "rok:elementOf")
                    for each in data.instances("rok:Measure")
                )
            ],
            "initiatives": len(actions),
            "of_which_table_items": sum(
                bool(data.get(each, "rok:statedIn") & data.instances("rok:TableColumn"))
                for each in actions
            ),
            "of_which_parts_of_another_initiative": sum(
                bool(data.get(each, "rok:elementOf") & actions) for each in actions
            ),
            "initiatives_with_timing": sum(bool(data.get(a, "rok:period")) for a in actions),
            "initiatives_without_timing": sum(not data.get(a, "rok:period") for a in actions),
            "aims": len(data.instances("rok:Aim")),
            "tables": len(data.instances("rok:Table")),
            "table_columns": len(data.instances("rok:TableColumn")),
            "table_items": sum(
                bool(data.get(each, "rok:statedIn") & data.instances("rok:TableColumn"))
                for each in actions
            ),
            "budgets": len(data.instances("rok:Budget")),
            "targets": len(data.instances("rok:Target")),
            "timing_expressions": len(timings),
            "timing_expressions_by_kind": dict(
                Counter(
                    str(kind).rpartition("/")[2]
                    for each in timings
                    for kind in data.get(each, "rok:timingKind")
                )
            ),
            "enumerations": len(data.instances("rok:Enumeration")),
            "technologies": len(data.instances("rok:Technology", graph="concepts")),
            "legal_instruments": len(proposals | acts),
            "legal_instruments_named": sum(
                not self.says(each, "rok:isNamed", False) for each in proposals | acts
            ),
            "acts": len(acts)
            + sum(
                "def:instrument-type/act" in data.get(each, "rok:instrumentType")
                for each in proposals
            ),
            "soft_norms": sum(
                self.says(each, "rok:setsNorm", True)
                and not data.get(each, "rok:proposesLegislation")
                for each in actions
            ),
            "organisations_named": len(named),
            "actor_groups_unnamed": len(data.instances("org:Organization") - named),
            "ministries_named": sum(
                "def:org-kind/ministry" in data.get(each, "org:classification") for each in named
            ),
            "persons": len(data.instances("foaf:Person")),
            "forums": len(inv["forums"]),
            "forums_international": len(data.instances("rok:InternationalForum"))
            + self.says("id:event/digital-vision-forum", "rok:isInternational", True),
            "places": len(data.instances("rok:Place")),
            "sectors": len(data.instances("rok:Sector", graph="concepts")),
            "beneficiaries": len(data.instances("rok:BeneficiaryGroup", graph="concepts")),
            "footnotes": len(footnotes),
            "footnotes_orphan": sum(self.says(each, "rok:isOrphan", True) for each in footnotes),
            "policies": len(data.instances("rok:StrategyDocument", "rok:PolicyInitiative")),
            "statements": sum(
                bool(data.get(self.nodes[each["id"]], "rdf:type")) for each in inv["statements"]
            ),
            "source_notes": sum(
                1
                for graph in ("source", "context")
                for each in data.instances("rok:Discrepancy", graph=graph)
                if data.get(each, "dcterms:identifier", graph)
            ),
            "links": len(inv["links"]),
        }
        for key in counts:
            wanted = counts[key]
            if isinstance(wanted, Entry):
                wanted.unread.clear()  # compared as a whole
            self.check(
                "counts",
                key,
                key in found and found[key] == wanted,
                f"{found.get(key)} != {wanted}",
            )

    def says(self, subject: str, predicate: str, value: bool) -> bool:
        return boolean(value) in self.data.get(subject, predicate)

    def one(self, subject: str, predicate: str) -> int | None:
        found = self.data.get(subject, predicate)
        return int(next(iter(found))[0]) if len(found) == 1 else None

    def above(self, subject: str, levels: int) -> str:
        for _ in range(levels):
            subject = str(next(iter(self.data.get(subject, "rok:elementOf")), ""))
        return subject

    def meta(self, meta: Entry) -> None:
        subject = "id:source/msit-eng-742"
        self.want(subject, "rdf:type", "rok:SourceDocument")
        self.words(subject, "rdfs:label")
        self.want(subject, "rok:sourceSha256", (meta["sha256"], "xsd:hexBinary"))
        self.want(subject, "dcat:byteSize", number(meta["bytes"]))
        self.want(subject, "rok:characterCount", number(meta["characters"]))
        self.want(subject, "dcterms:license", "id:licence/kogl-1")
        self.want(subject, "dcterms:publisher", "id:organisation/msit")
        # The rest explains the inventory itself.
        meta.unread -= {"source", "offsets", "timing", "links", "rollup", "units", "via"}

    def headings_report(self, report: Entry) -> None:
        dsk = "id:document/dsk"
        self.want(dsk, "rok:announcedTaskCount", number(report["announced"]))
        self.check(
            "headings_report", "counted", report["counted"] == len(self.inventory["tasks"]), "tasks"
        )
        tally = Counter(
            each["number"].partition("-")[0] for each in self.entries.values() if "number" in each
        )
        for strategy, tasks in dict(report["per_strategy"]).items():
            # The strategy itself has a number, too.
            report["per_strategy"].get(strategy)
            self.check("headings_report", strategy, tally[strategy] == tasks + 1, "tasks")
        for task, label in dict(report["headings"]).items():
            report["headings"].get(task)
            self.want(self.nodes[task], "rdfs:label", en(label))
        report.unread.discard("note")  # points to a source note

    def statements(self, entries: list[Entry]) -> None:
        for entry in entries:
            key, kind = entry["id"], entry["kind"]
            if kind in STATEMENT_KINDS:
                subject = self.basics("statements", entry, "rok:Statement")
                self.want(subject, "dcterms:type", f"def:statement-kind/{kind}")
                about = "initiative/new-york" if kind == "proposal" else "document/dsk"
                self.want(subject, "rok:statementAbout", f"id:{about}")
            elif kind in TEXT_KINDS:
                subject = self.basics("statements", entry, "rok:TextPart")
                self.want(subject, "dcterms:type", f"def:text-part-kind/{kind}")
                self.want(subject, "rok:partOfText", "id:source/msit-eng-742")
            else:
                subject = self.basics("statements", entry, "rok:Event")
                event_kind = {"event": "announcement", "speech": "speech"}[kind]
                self.want(subject, "dcterms:type", f"def:event-kind/{event_kind}")
            if kind == "event":
                timing, period = {
                    "announcement": ("time-01", "strategy-announcement"),
                    "initiative-announcement": ("time-02", "initiative-announcement"),
                }[key]
                day = (f"--{entry['month']:02}-{entry['day']:02}", "xsd:gMonthDay")
                at = self.dated(period, "month-day", "rok:inMonthDay", day, timing)
                self.want(subject, "rok:period", at)
            if kind == "speech":
                self.want(subject, "rok:keynoteBy", self.nodes[entry["speaker"]])
                self.want(subject, "rok:partOfEvent", self.nodes[entry["forum"]])
                # The speech was given at the forum, on its day.
                self.want(subject, "rok:period", "id:period/digital-vision-forum")
            if kind == "structure":
                dsk = "id:document/dsk"
                self.want(dsk, "rok:announcedStrategyCount", number(entry["strategies"]))
                self.want(dsk, "rok:announcedTaskCount", number(entry["tasks"]))
                self.want(dsk, "rok:citation", span(entry["span"]))
            if kind == "contact":
                self.want(subject, "rok:mentions", "id:organisation/msit-pr")
        meeting = "id:event/emergency-economic-meeting"
        self.want("id:event/strategy-announcement", "rok:partOfEvent", meeting)

    def policies(self, entries: list[Entry]) -> None:
        events = {
            "policy-digital-strategy-of-korea": "strategy-announcement",
            "policy-new-york-initiative": "initiative-announcement",
        }
        for entry in entries:
            key = entry["id"]
            document = key == "policy-digital-strategy-of-korea"
            kind = "rok:StrategyDocument" if document else "rok:PolicyInitiative"
            subject = self.basics("policies", entry, kind)
            for name in entry.get("alt", []):
                self.want(subject, "skos:altLabel", en(name))
            if "announced" in entry:
                period = f"id:period/{events[key]}"
                self.want(subject, "rok:period", period)
                self.want(period, "rok:inMonthDay", (entry["announced"], "xsd:gMonthDay"))
                self.want(subject, "rok:announcedAt", f"id:event/{events[key]}")
            if "announced_at" in entry:
                self.want(subject, "rok:announcedAt", self.nodes[entry["announced_at"]])
            if "announced_by" in entry:
                self.want(subject, "rok:announcedBy", self.nodes[entry["announced_by"]])
            if "implements" in entry:
                self.want(subject, "rok:implementsInitiative", self.nodes[entry["implements"]])
            if "stated_strategies" in entry:
                count = number(entry["stated_strategies"])
                self.want(subject, "rok:announcedStrategyCount", count)
            if "stated_tasks" in entry:
                self.want(subject, "rok:announcedTaskCount", number(entry["stated_tasks"]))

    def strategies(self, entries: list[Entry]) -> None:
        for entry in entries:
            subject = self.element("strategies", entry, "id:document/dsk", entry["order"])
            self.want(subject, "rok:notation", string(entry["number"]))
            for task in entry["tasks"]:
                self.want(self.nodes[task], "rok:elementOf", subject)
            # The printed title: the label, but for capitals and the shape of the apostrophe.
            found = {
                str(value[0]).replace("\u2019", "'").lower()
                for value in self.data.get(subject, "rok:sourceLabel")
            }
            same = found == {entry["label"].lower()}
            self.check("strategies", entry["id"], same, f"printed title {found}")
            self.own_words.add(("source", subject, "rok:sourceLabel"))

    def tasks(self, entries: list[Entry]) -> None:
        places = []
        for entry in entries:
            parent = self.nodes[entry["parent"]]
            subject = self.element("tasks", entry, parent, entry["order_in_strategy"])
            places.append((entry["order"], entry["parent"], entry["order_in_strategy"]))
            self.want(subject, "rok:notation", string(entry["number"]))
            for measure in entry.get("measures", []):
                self.want(self.nodes[measure], "rok:elementOf", subject)
            for table in entry.get("tables", []):
                self.want(self.nodes[table], "rok:attachedTo", subject)
            self.rollup("tasks", entry, subject)
        in_order = [place[0] for place in sorted(places, key=lambda place: place[1:])]
        self.check("tasks", "order", in_order == list(range(1, 19)), "across the document")

    def measures(self, entries: list[Entry]) -> None:
        siblings: Counter[str] = Counter()
        for entry in sorted(entries, key=lambda each: int(each["order"])):
            siblings[entry["parent"]] += 1
            parent = self.nodes[entry["parent"]]
            subject = self.element("measures", entry, parent, siblings[entry["parent"]])
            self.want(subject, "rok:sourceLabel", en(entry["name_in_text"]))
            for footnote in entry.get("footnotes", []):
                self.want(self.nodes[footnote], "rok:attachedTo", subject)
            for table in entry.get("tables", []):
                self.want(self.nodes[table], "rok:attachedTo", subject)
            self.rollup("measures", entry, subject)

    def implementation_system(self, entries: list[Entry]) -> None:
        for entry in entries:
            # It stands behind the five strategies.
            subject = self.element("implementation_system", entry, "id:document/dsk", 6)
            self.rollup("implementation_system", entry, subject)

    def rollup(self, section: str, entry: Entry, subject: str) -> None:
        """The links of everything within the element, gathered from the data."""
        within, size = {subject}, 0
        while len(within) > size:
            size = len(within)
            within |= {
                each
                for (each, predicate), parents in self.data.graphs["source"].items()
                if predicate == "rok:elementOf" and parents & within
            }
        rollup = entry.get("rollup", Entry({}))
        for field, predicates in {
            **{field: (predicate,) for field, predicate in FIELDS.items()},
            "laws": LAW_LINKS,
        }.items():
            found = {v for s in within for p in predicates for v in self.data.get(s, p)}
            wanted = {self.nodes[each] for each in rollup.get(field, [])}
            self.check(
                section, entry["id"], found == wanted, f"rollup of {field}: {found ^ wanted}"
            )

    def initiatives(self, entries: list[Entry]) -> None:
        siblings: Counter[str] = Counter()
        for entry in sorted(entries, key=lambda each: (each["span"][0], -each["span"][1])):
            parent = entry.get("part_of", entry["parent"])
            if "part_of" in entry:
                whole = self.entries[entry["part_of"]]
                same = whole["parent"] == entry["parent"]
                self.check("initiatives", entry["id"], same, "its whole is in another measure")
            siblings[parent] += 1
            subject = self.element("initiatives", entry, self.nodes[parent], siblings[parent])
            via = entry["via"]
            if via.startswith("fn-"):
                self.want(subject, "rok:statedIn", self.nodes[via])
            elif via != "text":
                self.check("initiatives", entry["id"], via == entry["table"], "table")
                column = f"{entry['table']}-{entry['column']}"
                self.want(subject, "rok:statedIn", self.nodes[column])
            if "timing" in entry:
                self.timing(entry["id"], subject, entry["timing"])
            if "modality" in entry:
                self.want(subject, "rok:modality", f"def:modality/{entry['modality']}")
            if entry.get("norm"):
                self.want(subject, "rok:setsNorm", boolean(True))
            if "lead" in entry:
                leaders = {"private sector": "id:organisation/private-sector"}
                self.want(subject, "rok:ledBy", leaders[entry["lead"]])
            if "hub_no" in entry:
                self.want(subject, "rok:position", number(entry["hub_no"]))
            if entry.get("note"):
                self.words(subject, "rdfs:comment")
            for field, predicate in FIELDS.items():
                for each in entry.get(field, []):
                    self.want(subject, predicate, self.nodes[each])
            for law in entry.get("laws", []):
                self.want(subject, self.law_link(law), self.nodes[law])
            if entry["id"] in ESTABLISHED:
                body = self.nodes[ESTABLISHED[entry["id"]]]
                self.want(subject, "rok:establishes", body)

    def law_link(self, law: str) -> str:
        if law in PROPOSED_BY:
            return "rok:proposesLegislation"
        considered = self.entries[law]["status"] == CONSIDERED
        return "rok:considersIntegrating" if considered else "rok:citesAct"

    def timing(self, key: str, subject: str, timing: Entry) -> None:
        period = f"id:period/{key}"
        self.want(subject, "rok:period", period)
        if timing["kind"] == "in":
            self.want(period, "rdf:type", "time:Instant")
            self.want(period, "time:inXSDgYear", year(timing["year"]))
            self.want(period, "rok:timingKind", "def:timing-kind/in")
            self.want(period, "rok:citation", span(timing["span"]))
        else:
            self.interval(key, timing["kind"], timing["span"], timing)
        self.want(period, "rok:timingScope", f"def:timing-scope/{timing['scope']}")
        self.want(period, "rok:scopeIsCertain", boolean(timing["certain"]))
        # The printed text stands on the timing expression of the same span.
        printed = {
            each["text"]
            for each in self.entries.values()
            if str(each["id"]).startswith("time-")
            and each["span"] == timing["span"]
            and key in each["attached_to"]
        }
        self.check("initiatives", key, printed == {timing["text"]}, "no such timing expression")

    def aims(self, entries: list[Entry]) -> None:
        for entry in entries:
            subject = self.basics("aims", entry)
            self.want(self.nodes[entry["of"]], "rok:hasAim", subject)

    def tables(self, entries: list[Entry]) -> None:
        for entry in entries:
            subject = self.basics("tables", entry)
            self.want(subject, "rok:partOfText", "id:source/msit-eng-742")
            self.want(subject, "rok:attachedTo", self.nodes[entry["parent"]])
            self.want(subject, "rok:headerCitation", span(entry["header_span"]))
            self.want(subject, "rok:rowCount", number(entry["rows"]))
            if "timing_context" in entry:
                context = entry["timing_context"]
                self.words(subject, "rdfs:comment")
                said = " ".join(str(v[0]) for v in self.data.get(subject, "rdfs:comment"))
                good = context["text"] in said and context["applies"].startswith("measure text;")
                self.check("tables", entry["id"], good, "the comment lacks the timing context")
            for position, column in enumerate(entry["columns"], 1):
                node = self.nodes[column["id"]]
                self.want(node, "rdf:type", "rok:TableColumn")
                self.want(node, "dcterms:identifier", string(column["id"]))
                self.want(node, "rdfs:label", en(column["label"]))
                self.want(node, "rok:headerCitation", span(column["header_span"]))
                self.want(node, "rok:partOfText", subject)
                self.want(node, "rok:position", number(position))
                for item in column["items"]:
                    self.want(self.nodes[item], "rok:statedIn", node)
                column.unread.discard("evidence")

    def budgets(self, entries: list[Entry]) -> None:
        for entry in entries:
            subject = self.basics("budgets", entry)
            self.owned("budgets", entry, "rok:hasBudget")
            self.want(subject, "rok:amount", number(entry["amount"]))
            self.want(subject, "rok:currency", {"KRW": "unit:CCY_KRW"}[entry["currency"]])
            basis = BASES[entry["basis"]]
            self.want(subject, "rok:amountBasis", f"def:amount-basis/{basis}")
            if "start" in entry:
                at = self.entries[entry["of"]]["timing"]["span"]
                period = self.interval(entry["id"], "range", at, entry)
                self.want(subject, "rok:period", period)
            if "baseline" in entry:
                base = entry["baseline"]
                self.want(subject, "rok:baselineAmount", number(base["amount"]))
                self.want(subject, "rok:baselineTime", self.instant(year(base["year"])))
            if "target" in entry:
                target = entry["target"]
                self.want(subject, "rok:amount", number(target["amount"]))
                self.want(subject, "rok:period", self.instant(year(target["year"])))

    def owned(self, section: str, entry: Entry, predicate: str) -> None:
        self.want(self.nodes[entry["of"]], predicate, self.nodes[entry["id"]])
        owner = self.entries[entry["of"]]
        same = entry["parent"] in (entry["of"], owner["parent"])
        self.check(section, entry["id"], same, "its owner is elsewhere")

    def targets(self, entries: list[Entry]) -> None:
        for entry in entries:
            key = entry["id"].removeprefix("target-")
            subject = self.basics("targets", entry)
            self.owned("targets", entry, "rok:hasTarget")
            indicator, unit = f"id:indicator/{key}", UNITS[entry["unit"]]
            self.want(subject, "rok:ofIndicator", indicator)
            self.want(indicator, "rdf:type", "rok:Indicator")
            self.want(indicator, "rok:unit", unit)
            self.words(indicator, "rdfs:label")
            value = f"id:quantity/{key}"
            self.want(subject, "rok:targetValue", value)
            self.quantity(value, entry["value"], COMPARATORS[entry["comparator"]], unit, entry)
            if "baseline" in entry:
                base = entry["baseline"]
                self.want(subject, "rok:baseline", f"{value}-baseline")
                self.quantity(f"{value}-baseline", base["value"], "exactly", unit, entry)
                if base["year"]:
                    at = self.instant(year(base["year"]))
                    self.want(f"{value}-baseline", "rok:asOf", at)
            if "deadline" in entry:
                self.want(subject, "rok:deadline", self.instant(year(entry["deadline"])))
            if "start" in entry:
                at = self.entries[entry["of"]]["timing"]["span"]
                period = self.interval(f"target-{key}", "open-start", at, entry)
                self.want(subject, "rok:period", period)
            if "year" in entry:
                self.want(subject, "rok:period", self.instant(year(entry["year"])))
            if "expansion" in entry:
                more = entry["expansion"]
                period = self.interval(f"{key}-expansion", "relative", more["span"], more)
                self.want(subject, "rok:expansionPeriod", period)
                texts = {e["text"] for e in self.entries.values() if e["span"] == more["span"]}
                self.check("targets", entry["id"], texts == {more["text"]}, "expansion")

    def quantity(
        self, subject: str, value: float, comparator: str, unit: str, entry: Entry
    ) -> None:
        self.want(subject, "rdf:type", "rok:Quantity")
        self.want(subject, "rok:numericValue", number(value))
        self.want(subject, "rok:comparator", f"def:comparator/{comparator}")
        self.want(subject, "rok:unit", unit)
        self.want(subject, "rok:citation", span(entry["span"]))

    def timing_expressions(self, entries: list[Entry]) -> None:
        for entry in entries:
            key, kind = entry["id"].removeprefix("time-"), entry["kind"]
            subject = self.basics("timing_expressions", entry)
            self.want(subject, "rdfs:label", en(entry["text"]))
            self.want(subject, "rok:timingKind", f"def:timing-kind/{kind}")
            for each in entry["attached_to"]:
                self.want(subject, "rok:attachedTo", self.nodes[each])
            if kind in ("open-start", "by", "range", "relative"):
                denoted = self.interval(f"expression-{key}", kind, entry["span"], entry)
                entry.get("start"), entry.get("end")
            elif kind == "in":
                denoted = self.instant(year(entry["year"]))
            elif kind == "month":
                month = f"{entry['year']}-{entry['month']:02}"
                denoted = self.instant((month, "xsd:gYearMonth"))
            elif kind == "month-day":
                day = f"--{entry['month']:02}-{entry['day']:02}"
                denoted = self.instant((day, "xsd:gMonthDay"))
            else:
                self.check("timing_expressions", entry["id"], kind == "vague", kind)
                continue
            self.want(subject, "rok:denotes", denoted)

    def enumerations(self, entries: list[Entry]) -> None:
        for entry in entries:
            key = entry["id"].removeprefix("enum-")
            subject = self.basics("enumerations", entry)
            self.want(subject, "rok:enumeratedIn", self.nodes[entry["parent"]])
            self.want(subject, "rok:isExhaustive", boolean(entry["exhaustive"]))
            if "stated_count" in entry:
                self.want(subject, "rok:statedCount", number(entry["stated_count"]))
            if "ordered" in entry:
                self.want(subject, "rok:isOrdered", boolean(entry["ordered"]))
            if entry.get("note"):
                self.words(subject, "rdfs:comment")
            for position, member in enumerate(entry.get("members", []), 1):
                if member in self.nodes:
                    self.want(subject, "prov:hadMember", self.nodes[member])
                    continue
                node = f"id:member/{key}-{position}"
                self.want(subject, "prov:hadMember", node)
                self.want(node, "rdf:type", "rok:EnumerationMember")
                self.want(node, "rdfs:label", en(member))
                self.want(node, "rok:position", number(position))

    def technologies(self, entries: list[Entry]) -> None:
        self.concepts("technologies", entries)

    def sectors(self, entries: list[Entry]) -> None:
        self.concepts("sectors", entries)

    def beneficiaries(self, entries: list[Entry]) -> None:
        self.concepts("beneficiaries", entries)

    def concepts(self, section: str, entries: list[Entry]) -> None:
        """Where a concept is named is in graph source; what it is, in graph concepts."""
        _, scheme, kind = CONCEPTS[section]
        for entry in entries:
            key = entry["id"]
            subject = self.nodes[key]
            self.want(subject, "rok:citation", span(entry["span"]))
            for at in entry["mentions"]:
                self.want(subject, "rok:mention", span(at))
            wanted: dict[str, set[Value]] = {
                "rdf:type": {kind, "skos:Concept"},
                "skos:inScheme": {f"def:{scheme}"},
                "dcterms:identifier": {string(key)},
                "skos:prefLabel": {en(entry["label"])},
                "skos:altLabel": {en(name) for name in entry.get("alt", [])},
                "skos:broader": {self.nodes[each] for each in [entry.get("broader")] if each},
            }
            if "tier" in entry:
                wanted["rok:technologyTier"] = {f"def:technology-tier/{entry['tier']}"}
            for predicate, values in wanted.items():
                found = {
                    value
                    for value in self.data.get(subject, predicate, "concepts")
                    if not (isinstance(value, tuple) and value[1] == "@ko")
                }
                # Other names may be added; one class, scheme, label, tier and parent may not.
                good = found >= values if predicate == "skos:altLabel" else found == values
                self.check(section, key, good, f"{predicate} {found} != {values}")

    def legal_instruments(self, entries: list[Entry]) -> None:
        for entry in entries:
            key, status = entry["id"], entry["status"]
            if key in PROPOSED_BY:
                subject = self.basics("legal_instruments", entry, "rok:LegislativeProposal")
                kind = INSTRUMENT_TYPES[entry["type"]]
                self.want(subject, "rok:instrumentType", f"def:instrument-type/{kind}")
                period = f"id:period/{PROPOSED_BY[key]}"
                self.want(subject, "rok:period", period)
                if "start" in entry:
                    self.want(period, "time:hasBeginning", self.instant(year(entry["start"])))
                if "end" in entry:
                    self.want(period, "time:hasEnd", self.instant(year(entry["end"])))
                if "year" in entry:
                    self.want(period, "time:inXSDgYear", year(entry["year"]))
            else:
                subject = self.basics("legal_instruments", entry, "eli:LegalResource")
            self.want(subject, "rok:nameIsTentative", boolean(entry["tentative_name"]))
            if status == CONSIDERED:
                considering = "id:action/framework-act-integration"
                self.want(considering, "rok:considersIntegrating", subject)
            else:
                self.want(subject, "rok:statedStatus", f"def:instrument-status/{status}")
            if "enacted" in entry:
                at = self.instant((str(entry["enacted"]), "xsd:gYearMonth"))
                self.want(subject, "rok:statedEnactment", at)
            if entry.get("unnamed"):
                self.want(subject, "rok:isNamed", boolean(False))
            if "short_label" in entry:
                self.want(subject, "skos:altLabel", en(entry["short_label"]))
            if "group" in entry:
                self.want(self.nodes[entry["group"]], "prov:hadMember", subject)
            if "note" in entry:
                # The footnote without an anchor: a reading, not a statement.
                note = entry["note"]
                found = self.data.get(
                    "id:footnote/25-framework-act", "rok:attachedTo", "interpretation"
                )
                good = "fn-25" in note and subject in found
                self.check("legal_instruments", key, good, "no reading of footnote 25")
            for technology in entry.get("concerns_tech", []):
                concerned = {
                    value
                    for graph in ("source", "interpretation")
                    for value in self.data.get(subject, "rok:concernsTechnology", graph)
                }
                self.check(
                    "legal_instruments", key, self.nodes[technology] in concerned, technology
                )

    def soft_norms(self, entries: list[Entry]) -> None:
        for entry in entries:
            subject = self.nodes[entry["initiative"]]
            self.want(subject, "rok:setsNorm", boolean(True))
            self.want(subject, "rdfs:label", en(entry["label"]))
            self.want(subject, "rok:citation", span(entry["span"]))

    def organisations(self, entries: list[Entry]) -> None:
        for entry in entries:
            key, kind = entry["id"], entry["type"]
            classes = ["org:Organization"]
            if kind in ORGANISATION_CLASSES:
                classes.append(ORGANISATION_CLASSES[kind])
            if key in STATE_BODIES:
                classes.append("cv:PublicOrganisation")
            subject = self.basics("organisations", entry, *classes)
            self.want(subject, "org:classification", f"def:org-kind/{kind}")
            self.want(subject, "rok:isNamed", boolean(entry["named"]))
            for name in entry.get("alt", []):
                self.want(subject, "skos:altLabel", en(name))
            if "part_of" in entry:
                self.want(subject, "org:subOrganizationOf", self.nodes[entry["part_of"]])
            for member in entry.get("members", []):
                self.want(subject, "rok:hasParticipant", self.nodes[member])
            if "tentative_name" in entry:
                self.want(subject, "rok:nameIsTentative", boolean(entry["tentative_name"]))
            if "conditional" in entry:
                modality = {"if needed": "conditional-if-needed"}[entry["conditional"]]
                self.want(subject, "rok:modality", f"def:modality/{modality}")
            if entry.get("planned"):
                self.want(subject, "rok:modality", "def:modality/planned")
            if "planned_start" in entry:
                at = self.instant(year(entry["planned_start"]))
                self.want(subject, "rok:plannedStart", at)
            if "led_by" in entry:
                self.want(subject, "rok:organisationLedBy", self.nodes[entry["led_by"]])
            if entry.get("note"):
                self.words(subject, "rdfs:comment")

    def persons(self, entries: list[Entry]) -> None:
        for entry in entries:
            post, label = POSTS[entry["id"]]
            subject = self.basics("persons", entry)
            self.want(subject, "org:holds", f"id:{post}")
            self.want(f"id:{post}", "rdf:type", "org:Post")
            self.want(f"id:{post}", "rdfs:label", en(label))
            self.want(f"id:{post}", "org:postIn", self.nodes[entry["organisation"]])
            self.want(f"id:{post}", "rok:citation", span(entry["span"]))
            same = re.sub(r"[()]", "", entry["role"]) == label
            self.check("persons", entry["id"], same, entry["role"])

    def forums(self, entries: list[Entry]) -> None:
        timings = {
            "forum-emergency-economic-meeting": "time-01",
            "forum-digital-vision-forum": "time-03",
        }
        for entry in entries:
            key, kind = entry["id"], entry["type"]
            places = [self.nodes[each] for each in entry.get("place", [])]
            organisers = entry.get("organiser", [])
            if key in timings:
                subject = self.basics("forums", entry, "rok:Event")
                self.want(subject, "dcterms:type", f"def:event-kind/{kind}")
                self.want(subject, "rok:isInternational", boolean(entry["international"]))
                self.want(subject, "rok:takesPlaceIn", *places)
                at = self.dated(
                    subject.rpartition("/")[2],
                    "month-day",
                    "rok:inMonthDay",
                    (entry["date"], "xsd:gMonthDay"),
                    timings[key],
                )
                self.want(subject, "rok:period", at)
            else:
                subject = self.basics("forums", entry, "rok:InternationalForum")
                self.check("forums", key, entry["international"] is True, "international")
                self.want(subject, "rok:forumKind", f"def:forum-kind/{FORUM_KINDS[kind]}")
                if places:
                    self.want(subject, "rok:hasParty", *places)
                if "date" in entry:
                    self.summit(entry, subject)
            if "ordinal" in entry:
                self.want(subject, "rok:sessionNumber", number(entry["ordinal"]))
            if "chair" in entry:
                self.want(subject, "rok:chairedBy", self.nodes[entry["chair"]])
            if "host" in entry:
                self.want(subject, "rok:heldAt", self.nodes[entry["host"]])
            if isinstance(organisers, str):
                # Not linked in the text: read off the name of the summit.
                found = self.data.get(subject, "rok:convenedBy", "interpretation")
                self.check("forums", key, found == {self.nodes[organisers]}, "organiser")
            else:
                for each in organisers:
                    self.want(subject, "rok:convenedBy", self.nodes[each])

    def summit(self, entry: Entry, series: str) -> None:
        """The date belongs to one meeting, not to the series."""
        subject = "id:event/g20-summit"
        month = (str(entry["date"]), "xsd:gYearMonth")
        self.want(subject, "rdf:type", "rok:Event")
        self.want(subject, "dcterms:type", "def:event-kind/summit")
        self.want(subject, "rok:inSeries", series)
        self.want(subject, "rok:isInternational", boolean(True))
        self.want(subject, "rok:citation", span(entry["span"]))
        at = self.dated("g20-summit", "month", "time:inXSDgYearMonth", month, "time-81")
        self.want(subject, "rok:period", at)
        self.words(subject, "rdfs:label")

    def places(self, entries: list[Entry]) -> None:
        for entry in entries:
            subject = self.basics("places", entry)
            self.want(subject, "dcterms:type", f"def:place-kind/{entry['type']}")
            for name in entry.get("alt", []):
                self.want(subject, "skos:altLabel", en(name))
            if isinstance(entry["mentions"], int):
                self.want(subject, "rok:mentionCount", number(entry["mentions"]))
            else:
                for at in entry["mentions"]:
                    self.want(subject, "rok:mention", span(at))
            if "within" in entry:
                whole = self.nodes[entry["within"]]
                if entry["within_basis"] == "stated":
                    self.want(subject, "rok:withinPlace", whole)
                else:
                    self.reading("places", entry["id"], subject, "rok:withinPlace", whole)

    def reading(
        self, section: str, key: str, subject: str, predicate: str, value: str
    ) -> str | None:
        """A triple in graph interpretation with a reading that stands for it."""
        there = value in self.data.get(subject, predicate, "interpretation")
        self.check(section, key, there, f"{predicate} {value} is not in graph interpretation")
        here = value in self.data.get(subject, predicate)
        self.check(section, key, not here, f"{predicate} {value} is in graph source")
        for each in self.data.instances("rok:Reading", graph="interpretation"):
            about = tuple(
                self.data.get(each, f"rdf:{part}", "interpretation")
                for part in ("subject", "predicate", "object")
            )
            if about == ({subject}, {predicate}, {value}):
                reasons = {
                    text[1]
                    for text in self.data.get(each, "rok:reason", "interpretation")
                    if isinstance(text, tuple) and text[0].strip()
                }
                self.check(section, key, reasons == {"@en", "@ko"}, f"{each}: reasons {reasons}")
                by = self.data.get(each, "prov:wasAttributedTo", "interpretation")
                self.check(section, key, by == {"id:agent/rokgraph"}, f"{each}: attributed {by}")
                sure = self.data.get(each, "rok:confidence", "interpretation")
                self.check(section, key, len(sure) == 1, f"{each}: confidence {sure}")
                return each
        self.check(section, key, False, f"{predicate} {value} has no reading")
        return None

    def footnotes(self, entries: list[Entry]) -> None:
        for entry in entries:
            subject = self.basics("footnotes", entry)
            self.want(subject, "rok:partOfText", "id:source/msit-eng-742")
            self.want(subject, "rok:marker", string(entry["marker"]))
            self.want(subject, "rok:attachedTo", self.nodes[entry["attached_to"]])
            self.want(subject, "rok:isOrphan", boolean(entry["orphan"]))
            if "attached_term" in entry:
                for term in entry["attached_term"].split("|"):
                    self.want(subject, "rok:attachedTerm", en(term))
            for at in entry.get("marker_spans", []):
                self.want(subject, "rok:anchor", span(at))

    def licence(self, entries: list[Entry]) -> None:
        for entry in entries:
            subject = self.basics("licence", entry)
            self.want(subject, "rok:fullName", en(entry["full_name"]))
            self.want(subject, "rok:obligation", en(entry["obligation"]))
            self.words(subject, "rdfs:comment")
            said = " ".join(str(v[0]) for v in self.data.get(subject, "rdfs:comment"))
            self.check("licence", entry["id"], entry["applies_to"] in said, "applies_to")

    def source_notes(self, entries: list[Entry]) -> None:
        for entry in entries:
            graph = "context" if entry["id"] in OUTSIDE_KNOWLEDGE else "source"
            subject = self.basics("source_notes", entry, "rok:Discrepancy", graph=graph)
            kind = f"def:discrepancy-kind/{entry['kind']}"
            self.want(subject, "dcterms:type", kind, graph=graph)
            self.want(subject, "oa:motivatedBy", "oa:assessing", graph=graph)
            found = self.data.get(subject, "oa:hasTarget", graph)
            wanted = {self.nodes[each] for each in entry["about"]}
            self.check("source_notes", entry["id"], found >= wanted, f"target {wanted - found}")
            self.words(subject, "rdfs:label", graph)
            if entry["note"]:
                self.words(subject, "rdfs:comment", graph)
            if entry["recommendation"]:
                self.words(subject, "rok:treatment", graph)
            if graph == "context":
                evidence = self.data.get(subject, "prov:hadPrimarySource", graph)
                self.check("source_notes", entry["id"], evidence, "no evidence")

    def links(self, entries: list[Entry]) -> None:
        for entry in entries:
            relation, basis = entry["rel"], entry["basis"]
            subject, value = self.nodes[entry["from"]], self.nodes[entry["to"]]
            name = f"{entry['from']} {relation} {entry['to']}"
            if relation == "gaveKeynoteAt":
                speech = "id:event/keynote-address"
                self.want(speech, "rok:keynoteBy", subject)
                self.want(speech, "rok:partOfEvent", value)
            elif relation in INVERSE_LINKS:
                self.want(value, INVERSE_LINKS[relation], subject)
            elif relation == "concernsLaw":
                self.want(subject, self.law_link(entry["to"]), value)
            elif relation == "heldAt":
                place = "rok:takesPlaceIn" if value.startswith("id:place/") else "rok:heldAt"
                self.want(subject, place, value)
            elif basis == "name-of-law":
                reading = self.reading("links", name, subject, LINKS[relation], value)
                cited = self.data.get(reading or "", "rok:citation", "interpretation")
                self.check("links", name, cited == {span(entry["span"])}, "the reading cites")
            else:
                self.want(subject, LINKS[relation], value)
            self.link_span(name, entry, subject, value)

    def link_span(self, name: str, entry: Entry, subject: str, value: str) -> None:
        """Where a link is worded follows from the citations on both its ends."""
        start, end = entry["span"]
        relation, basis = entry["rel"], entry["basis"]

        def inside(spans: Iterable[tuple[int, int]]) -> bool:
            return any(low <= start and end <= high for low, high in spans)

        if (
            relation in LINKS
            and LINKS[relation] in (*FIELDS.values(),)
            and relation != "namesForum"
        ):
            if value.startswith(("def:", "id:place/")):
                named = (start, end) in self.data.spans(value, "rok:mention")
                self.check("links", name, named, "the span is no mention of the object")
            own = inside(self.data.spans(subject))
            self.check("links", name, own == (basis == "explicit"), "basis and citation differ")
            if not own:
                measure = self.nodes[self.entries[entry["from"]]["parent"]]
                around = inside(self.data.spans(measure, "rok:passage"))
                self.check("links", name, around, "not in the passage of the measure")
        else:
            cited = [
                at
                for (each, predicate), _ in self.data.graphs["source"].items()
                if predicate == "rok:citation"
                for at in self.data.spans(each)
            ]
            self.check("links", name, inside(cited), "no citation covers the span")


# ---------------------------------------------------------------- the comparison


@pytest.fixture(scope="module")
def inventory() -> dict[str, Any]:
    path = SHARED / "source" / "inventory.yaml"
    if not path.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is not here")
        pytest.skip("skipped: the inventory is not here")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(ROOT / "data")


@pytest.fixture(scope="module")
def walk(inventory: dict[str, Any], data: Data) -> Walk:
    return Walk(inventory, data)


def report(problems: list[str]) -> None:
    print(*problems, sep="\n")
    assert not problems


def all_facts(walk: Walk) -> list[tuple[str, str, str, set[Value]]]:
    return [
        (graph, subject, predicate, wanted)
        for graph, facts in walk.expected.items()
        for (subject, predicate), wanted in facts.items()
    ]


def test_every_entry_is_in_its_graph(walk: Walk) -> None:
    report(
        [
            f"{graph}: {subject} {predicate} lacks {sorted(map(str, missing))}"
            for graph, subject, predicate, wanted in all_facts(walk)
            if (missing := wanted - walk.data.get(subject, predicate, graph))
        ]
    )


def test_graph_source_says_nothing_else(walk: Walk) -> None:
    expected = walk.expected["source"]
    more = []
    for subject, predicate in sorted(walk.data.graphs["source"]):
        if subject.startswith(("id:passage/", "id:selector/")) or predicate in FREE:
            continue  # test_citations.py has them
        if ("source", subject, predicate) in walk.own_words:
            continue
        found = walk.data.get(subject, predicate)
        extra = found - expected.get((subject, predicate), set())
        if predicate == "rdf:type":
            extra -= {also for kind in found for also in ALSO.get(str(kind), set())}
        if predicate == "oa:hasTarget" and subject.startswith("id:discrepancy/"):
            continue  # at least the nodes of the note, which is checked on the way
        if extra:
            more.append(f"{subject} {predicate} {sorted(map(str, extra))}")
    report(more)


def test_own_words_are_there_once_in_english(walk: Walk) -> None:
    report(
        [
            f"{graph}: {subject} {predicate} {sorted(map(str, found))}"
            for graph, subject, predicate in sorted(walk.own_words)
            for found in [walk.data.get(subject, predicate, graph)]
            if [value[1] for value in found if isinstance(value, tuple) and value[0].strip()]
            != ["@en"]
        ]
    )


def test_what_was_compared_on_the_way(walk: Walk) -> None:
    report([f"{section}: {each}" for section, found in walk.problems.items() for each in found])


def test_every_key_is_compared_or_ignored_for_a_reason(walk: Walk) -> None:
    report(
        [
            f"{section}: {dict(entry).get('id')} {key}"
            for section, entries in walk.inventory.items()
            for entry in (entries if isinstance(entries, list) else [entries])
            for key in entry.forgotten()
            if ("*", key) not in IGNORED and (section, key) not in IGNORED
        ]
    )


def test_no_identifier_beyond_the_inventory(walk: Walk) -> None:
    found = Counter(
        str(value[0])
        for graph in ("source", "context", "concepts")
        for (_, predicate), values in walk.data.graphs.get(graph, {}).items()
        if predicate == "dcterms:identifier"
        for value in values
    )
    report([f"{key}: {n} times" for key, n in found.items() if n > 1 or key not in walk.nodes])
    report([key for key in walk.nodes if key not in found])


def test_no_node_beyond_the_inventory(walk: Walk) -> None:
    expected = {s for s, p in walk.expected["source"] if p == "rdf:type"}
    found = {
        subject
        for subject, predicate in walk.data.graphs["source"]
        if predicate == "rdf:type" and not subject.startswith(("id:passage/", "id:selector/"))
    }
    report(sorted(found ^ expected))


def test_exact_numbers_of_the_counted_classes(data: Data) -> None:
    counted = {
        "rok:StrategyDocument": 1,
        "rok:PolicyInitiative": 2,
        "rok:Strategy": 5,
        "rok:Task": 18,
        "rok:Measure": 40,
        "rok:Action": 159,
        "rok:Aim": 32,
        "rok:Target": 18,
        "rok:Indicator": 18,
        "rok:Quantity": 21,
        "rok:Budget": 3,
        "rok:LegislativeProposal": 7,
        "eli:LegalResource": 3,
        "rok:InternationalForum": 6,
        "rok:Event": 6,
        "rok:Place": 22,
        "rok:Enumeration": 24,
        "rok:Footnote": 27,
        "rok:Table": 3,
        "rok:TableColumn": 9,
        "rok:TimingExpression": 81,
        "org:Organization": 29,
        "foaf:Person": 2,
        "org:Post": 2,
        "rok:SourceDocument": 1,
        "rok:ImplementationSystem": 1,
        "rok:Discrepancy": 54,
    }
    found = {kind: len(data.instances(kind)) for kind in counted}
    report([f"{kind}: {found[kind]} != {n}" for kind, n in counted.items() if found[kind] != n])
    assert len(data.instances("rok:Discrepancy", graph="context")) == 3
    assert data.instances("rok:Project") <= data.instances("rok:Action")


# ---------------------------------------------------------------- what the source must not say


def test_no_year_on_the_september_events(data: Data) -> None:
    events = [
        "strategy-announcement",
        "initiative-announcement",
        "keynote-address",
        "emergency-economic-meeting",
        "digital-vision-forum",
    ]
    for event in events:
        periods = data.get(f"id:event/{event}", "rok:period")
        assert len(periods) == 1
        for node in (f"id:event/{event}", *map(str, periods)):
            tags = {
                value[1]
                for (subject, _), values in data.graphs["source"].items()
                if subject == node
                for value in values
                if isinstance(value, tuple)
            }
            assert not tags & {"xsd:gYear", "xsd:gYearMonth", "xsd:date", "xsd:dateTime"}, node
        days = {str(v[0]) for p in periods for v in data.get(str(p), "rok:inMonthDay")}
        assert days <= {"--09-28", "--09-21"}
        assert days
    for (subject, predicate), values in data.graphs["source"].items():
        tags = {value[1] for value in values if isinstance(value, tuple)}
        assert not tags & {"xsd:date", "xsd:dateTime"}, (subject, predicate)


def test_no_nineteenth_task(data: Data) -> None:
    assert data.get("id:document/dsk", "rok:announcedTaskCount") == {("19", "number")}
    assert len(data.instances("rok:Task")) == 18
    tasks = {
        subject
        for facts in data.graphs.values()
        for subject, _ in facts
        if subject.startswith("id:task/")
    }
    assert tasks == data.instances("rok:Task")


def test_no_ministry_leads_an_element(data: Data) -> None:
    leads = {
        (subject, value)
        for (subject, predicate), values in data.graphs["source"].items()
        if predicate == "rok:ledBy"
        for value in values
    }
    assert leads == {
        ("id:action/autonomous-platform-organizations", "id:organisation/private-sector")
    }
    ministries = {
        each
        for each in data.instances("org:Organization")
        if "def:org-kind/ministry" in data.get(each, "org:classification")
    }
    assert ministries == {"id:organisation/msit"}


def test_no_korean_text_in_source(data: Data) -> None:
    korean = [
        (subject, value)
        for (subject, _), values in data.graphs["source"].items()
        for value in values
        if isinstance(value, tuple)
        and value[1] not in {"@en", "number", "span"}
        and value[1].startswith("@")
    ]
    assert not korean


def test_money_and_quantities_are_decimals(data: Data) -> None:
    for (subject, predicate), datatypes in data.datatypes.items():
        if predicate in ("rok:amount", "rok:baselineAmount", "rok:numericValue"):
            assert datatypes == {"xsd:decimal"}, subject


def test_source_has_no_date_and_context_has(data: Data) -> None:
    source = "id:source/msit-eng-742"
    assert not data.get(source, "dcterms:issued")
    assert data.get(source, "dcterms:issued", "context") == {("2022-09-28", "xsd:date")}
    attested = [
        each
        for each in data.instances("rok:Attestation", graph="context")
        if data.get(each, "rdf:subject", "context") == {source}
        and data.get(each, "rdf:predicate", "context") == {"dcterms:issued"}
        and data.get(each, "rdf:object", "context") == {("2022-09-28", "xsd:date")}
    ]
    assert len(attested) == 1


def test_supercomputers_are_doubted_from_outside_the_text(data: Data) -> None:
    note = "id:discrepancy/six-supercomputers"
    assert "rok:Discrepancy" in data.get(note, "rdf:type", "context")
    assert "id:target/supercomputers" in data.get(note, "oa:hasTarget", "context")
    assert data.get(note, "prov:hadPrimarySource", "context")
    assert not data.get(note, "dcterms:identifier", "context")


def test_instruments_are_named_where_the_links_say(walk: Walk) -> None:
    for entry in walk.inventory["legal_instruments"]:
        measures = {
            str(measure)
            for (subject, predicate), values in walk.data.graphs["source"].items()
            if predicate in LAW_LINKS and walk.nodes[entry["id"]] in values
            for measure in walk.data.get(subject, "rok:elementOf")
        }
        assert measures == {walk.nodes[each] for each in entry["named_in"]}, entry["id"]


def test_forums_are_used_where_the_inventory_says(walk: Walk) -> None:
    for entry in walk.inventory["forums"]:
        if "named_in" in entry:
            measures = {
                str(measure)
                for (subject, predicate), values in walk.data.graphs["source"].items()
                if predicate == "rok:usesForum" and walk.nodes[entry["id"]] in values
                for measure in walk.data.get(subject, "rok:elementOf")
            }
            assert measures == {walk.nodes[entry["named_in"]]}, entry["id"]


def test_possible_integration_is_read_for_the_proposal(walk: Walk) -> None:
    proposal = "id:proposal/digital-society-framework-act"
    for act in ("id:act/kr-17344", "id:act/kr-ict-special-act"):
        assert walk.reading("links", proposal, proposal, "rok:considersIntegrating", act)
    assert not walk.data.get(proposal, "rok:considersIntegrating")


def test_concepts_in_use_exist(data: Data) -> None:
    known = {subject for subject, _ in data.graphs.get("concepts", {})}
    used = {
        value
        for graph in ("source", "interpretation", "context")
        for (_, predicate), values in data.graphs.get(graph, {}).items()
        for value in {predicate, *values}
        if isinstance(value, str) and value.startswith("def:")
    }
    report(sorted(used - known))


def test_nodes_in_use_exist(data: Data) -> None:
    """Graph source stands on its own, but for the concepts."""
    known = {subject for subject, predicate in data.graphs["source"] if predicate == "rdf:type"}
    used = {
        (subject, value)
        for (subject, _), values in data.graphs["source"].items()
        for value in values
        if isinstance(value, str) and value.startswith("id:")
    }
    report([f"{subject} -> {value}" for subject, value in sorted(used) if value not in known])


def test_no_triple_stands_in_two_graphs(data: Data) -> None:
    owners: dict[tuple[str, str, Value], set[str]] = defaultdict(set)
    for graph, facts in data.graphs.items():
        for (subject, predicate), values in facts.items():
            for value in values:
                owners[subject, predicate, value].add(graph)
    report([f"{fact}: {graphs}" for fact, graphs in owners.items() if len(graphs) > 1])
