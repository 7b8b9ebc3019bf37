"""The plan in the Strategy Markup Language, StratML Part 2, which planners and portals exchange.

Rule: the queries of `queries/exports/stratml` say what is told; here it gets its place in the XML.

Strategies are goals; tasks and measures are objectives, which do not nest in StratML: the sequence
indicator and a line of other information say where a measure belongs. A date in StratML is a day,
so years are told in descriptions. Element order is that of the schema of 16 February 2016.
See https://stratml.us/references/PerformancePlanOrReport20160216.xsd
"""

import io
import uuid
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from rokgraph.errors import SettingError
from rokgraph.library import saved_queries
from rokgraph.snapshot import Snapshot
from rokgraph.tables import items, table
from rokgraph.writing import XmlStream

NAMESPACE = "urn:ISO:std:iso:17469:tech:xsd:PerformancePlanOrReport"

Row = dict[str, str]

# What is told in lines of other information: the words before it, the column it is in.
_OF_PLAN = (
    ("Korean name", "name_ko"),
    ("Also called", "other_names"),
    ("Targets of the whole", "targets"),
    ("Outside the numbered strategies", "outside"),
    ("Rights", "rights"),
    ("IRI", "iri"),
)
_OF_ELEMENT = (
    ("Korean name", "name_ko"),
    ("Part of", "within_name"),
    ("Actions", "actions"),
    ("Technologies", "technologies"),
    ("Sectors", "sectors"),
    ("Laws", "laws"),
    ("Budgets", "budgets"),
    ("IRI", "iri"),
)
_OF_INDICATOR = (("Where the text is odd", "discrepancies"), ("IRI", "iri"))


def to_stratml(snapshot: Snapshot, root: Path) -> bytes:
    """The plan as an XML document in UTF-8, the same bytes for the same dataset.

    Raises SettingError for a dataset that does not hold one plan with strategies, SourceError for
    a query whose header is wrong, QueryError for text that XML cannot carry.
    """
    found = {
        saved.name: table(snapshot, saved.text).rows
        for saved in saved_queries(root, "exports/stratml")
    }
    goals = [row for row in found["elements"] if not row["goal"]]
    if len(found["plan"]) != 1 or not goals:
        raise SettingError("StratML tells of one plan with its goals, and the data hold none such")
    [plan] = found["plan"]
    document = ET.Element("PerformancePlanOrReport", {"xmlns": NAMESPACE, "Type": "Strategic_Plan"})
    _add(document, "Name", plan["name"])
    _add(document, "Description", _line("Stated goals", plan["goals"]))
    made_from = f"\nDataset: sha256:{snapshot.summary.digest}"
    _add(document, "OtherInformation", _lines(plan, _OF_PLAN) + made_from)
    core = ET.SubElement(document, "StrategicPlanCore")
    _add_organization(core, plan)
    if plan["vision"]:
        vision = ET.SubElement(core, "Vision")
        _add(vision, "Description", plan["vision_text"])
        _add(vision, "Identifier", identifier(plan["vision"]))
    _Objectives(found).add_to(core, goals)
    _add_administration(document, plan)
    return _written(document)


def identifier(iri: str) -> str:
    """An xsd:ID for a thing: the UUID of its IRI, after an underline since an ID begins so.

    See https://www.rfc-editor.org/rfc/rfc9562#section-5.5
    """
    return f"_{uuid.uuid5(uuid.NAMESPACE_URL, iri)}"


class _Objectives:
    """Goals with all that stands below them."""

    def __init__(self, found: dict[str, tuple[Row, ...]]) -> None:
        self._objectives = _by(found["elements"], "goal")
        self._stakeholders = _by(found["stakeholders"], "element")
        self._indicators = _by(found["indicators"], "element")
        self._results = _by(found["results"], "of")

    def add_to(self, core: ET.Element, goals: Iterable[Row]) -> None:
        for row in goals:
            goal = ET.SubElement(core, "Goal")
            _add(goal, "Name", row["name"])
            # the schema wants one even where there is nothing to say
            ET.SubElement(goal, "Description").text = _line("Aims", row["aims"])
            self._add_element(goal, row)
            for each in self._objectives[row["iri"]]:
                objective = ET.SubElement(goal, "Objective")
                _add(objective, "Name", each["name"])
                _add(objective, "Description", _line("Aims", each["aims"]))
                self._add_element(objective, each)
                for indicator in self._indicators[each["iri"]]:
                    self._add_indicator(objective, indicator)

    def _add_element(self, parent: ET.Element, row: Row) -> None:
        _add(parent, "Identifier", identifier(row["iri"]))
        _add(parent, "SequenceIndicator", row["sequence"])
        for each in self._stakeholders[row["iri"]]:
            stakeholder = ET.SubElement(
                parent, "Stakeholder", {"StakeholderTypeType": each["type"]}
            )
            _add(stakeholder, "Name", each["name"])
            role = ET.SubElement(stakeholder, "Role")
            _add(role, "Name", each["role"])
            _add(role, "RoleType", each["role_type"])
        _add(parent, "OtherInformation", _lines(row, _OF_ELEMENT))

    def _add_indicator(self, objective: ET.Element, row: Row) -> None:
        indicator = ET.SubElement(
            objective, "PerformanceIndicator", {"PerformanceIndicatorType": row["type"]}
        )
        _add(indicator, "MeasurementDimension", row["dimension"])
        _add(indicator, "UnitOfMeasurement", row["unit"])
        _add(indicator, "Identifier", identifier(row["iri"]))
        instance = ET.SubElement(indicator, "MeasurementInstance")
        wanted = ET.SubElement(instance, "TargetResult")
        _add(wanted, "NumberOfUnits", row["number"])
        _add(wanted, "Description", row["description"])
        for each in self._results[row["iri"]]:
            result = ET.SubElement(instance, "ActualResult")
            _add(result, "EndDate", each["date"])
            descriptor = ET.SubElement(result, "Descriptor")
            _add(descriptor, "DescriptorName", "Status")
            _add(descriptor, "DescriptorValue", each["status"])
            _add(result, "Description", each["description"])
        _add(indicator, "OtherInformation", _lines(row, _OF_INDICATOR))


def _add_organization(core: ET.Element, plan: Row) -> None:
    if not plan["organisation"]:
        return
    organization = ET.SubElement(core, "Organization")
    _add(organization, "Name", plan["organisation_name"])
    _add(organization, "Acronym", plan["acronym"])
    _add(organization, "Identifier", identifier(plan["organisation"]))
    _add(organization, "Description", _line("Korean name", plan["organisation_name_ko"]))


def _add_administration(document: ET.Element, plan: Row) -> None:
    administration = ET.SubElement(document, "AdministrativeInformation")
    _add(administration, "Identifier", identifier(plan["iri"]))
    _add(administration, "PublicationDate", plan["published"])
    _add(administration, "Source", plan["source"])
    if plan["submitter"]:
        submitter = ET.SubElement(document, "Submitter")
        _add(submitter, "Identifier", identifier(plan["submitter"]))
        _add(submitter, "GivenName", plan["submitter_name"])


def _add(parent: ET.Element, name: str, text: str) -> None:
    """Put an element with text below `parent`; nothing where there is no text."""
    if text:
        ET.SubElement(parent, name).text = text


def _lines(row: Row, told: Iterable[tuple[str, str]]) -> str:
    return "\n".join(filter(None, (_line(words, row[column]) for words, column in told)))


def _line(words: str, cell: str) -> str:
    return f"{words}: {'; '.join(items(cell))}" if cell else ""


def _by(rows: Iterable[Row], column: str) -> defaultdict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def _written(document: ET.Element) -> bytes:
    ET.indent(document)
    output = io.BytesIO()
    stream = XmlStream(output)
    content = ET.tostring(document, encoding="utf-8", xml_declaration=True)
    stream.write(content + b"\n")
    return output.getvalue()
