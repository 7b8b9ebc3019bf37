"""Exports: whole, in their form, the same bytes each time, and right where checked by hand."""

import csv
import io
import os
import random
import re
import xml.etree.ElementTree as ET
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyoxigraph as ox
import pytest
from lxml import etree

from rokgraph.errors import QueryError, SettingError
from rokgraph.exports import export_queries, write_csv
from rokgraph.library import SavedQuery, saved_queries
from rokgraph.snapshot import Snapshot, load_built_in
from rokgraph.stratml import NAMESPACE, identifier, to_stratml
from rokgraph.tables import Table, items, table, to_csv
from running import ROOT
from test_cli import rokgraph
from test_docs import blocks

PAGE = (ROOT / "docs" / "reference" / "exports.md").read_text()
QUERIES = [*export_queries(ROOT), *saved_queries(ROOT, "exports/stratml")]
NAMES = [saved.name for saved in QUERIES]
BY_CLASS = [saved for saved in QUERIES if "class" in saved.expect]
ICT_ACT = "Special Act on Promotion of ICT, Vitalization of Convergence Thereof, Etc."
FACETS = (
    *("responsible", "involved", "start_year", "due_year", "aims", "technologies", "sectors"),
    *("target_groups", "places", "targets", "budget", "law", "law_by_technology", "outcome"),
)

Row = dict[str, str]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_built_in(ROOT)


@pytest.fixture(scope="module")
def policies(snapshot: Snapshot) -> dict[str, Row]:
    [saved] = saved_queries(ROOT, "exports")
    rows = read(to_csv(table(snapshot, saved.text)))
    return {row["notation"] or "whole": row for row in rows}


@pytest.fixture(scope="module")
def plan(snapshot: Snapshot) -> ET.Element:
    return ET.fromstring(to_stratml(snapshot, ROOT))


def read(content: bytes) -> list[Row]:
    """A reader of its own: Python's, in strict mode."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def csv_of(snapshot: Snapshot, name: str) -> list[Row]:
    [saved] = [saved for saved in QUERIES if saved.name == name]
    return read(to_csv(table(snapshot, saved.text)))


def exported(snapshot: Snapshot, folder: Path) -> dict[str, bytes]:
    written = {path.name: path.read_bytes() for path in write_csv(snapshot, ROOT, folder)}
    return written | {"plan": to_stratml(snapshot, ROOT)}


def shuffled(snapshot: Snapshot) -> Snapshot:
    quads = list(snapshot.store)
    random.shuffle(quads)
    store = ox.Store()
    store.extend(quads)
    return Snapshot(store, snapshot.summary)


def members(snapshot: Snapshot, name: str) -> set[str]:
    prefix, _, local = name.partition(":")
    of_class = ox.NamedNode(snapshot.summary.prefixes[prefix] + local)
    a = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    found = snapshot.store.quads_for_pattern(None, a, of_class, None)
    return {quad.subject.value for quad in found if isinstance(quad.subject, ox.NamedNode)}


# The queries


@pytest.mark.parametrize("saved", QUERIES, ids=NAMES)
def test_the_header_says_what_the_query_gives(snapshot: Snapshot, saved: SavedQuery) -> None:
    for texts in (saved.title, saved.description):
        assert texts.keys() == {"en", "ko"}
        assert re.search("[가-힣]", texts["ko"])
        assert not re.search("[가-힣]", texts["en"])
    assert "export" in saved.tags
    found = table(snapshot, saved.text)
    assert list(found.columns) == saved.expect["columns"]
    assert len(found.rows) == saved.expect.get("rows", len(found.rows)) > 0


@pytest.mark.parametrize("saved", QUERIES, ids=NAMES)
def test_the_prefixes_are_ours_and_each_is_used(snapshot: Snapshot, saved: SavedQuery) -> None:
    declared = dict(re.findall(r"^PREFIX ([a-z-]+): <(\S+)>$", saved.text, re.MULTILINE))
    assert declared.items() <= snapshot.summary.prefixes.items()
    assert list(declared) == sorted(declared)
    code = re.sub(r"""<[^<>\s]*>|#[^\n]*|"[^"\n]*"|PREFIX \S+""", " ", saved.text)
    assert set(re.findall(r"([a-z-]+):", code)) == declared.keys()


def test_no_two_titles_are_the_same() -> None:
    titles = [title for saved in QUERIES for title in saved.title.values()]
    assert len(titles) == len(set(titles))


# The tables


@pytest.mark.parametrize("saved", BY_CLASS, ids=lambda saved: saved.name)
def test_each_member_of_a_class_has_its_one_row(snapshot: Snapshot, saved: SavedQuery) -> None:
    rows = csv_of(snapshot, saved.name)
    iris = [row["iri"] for row in rows]
    assert len(iris) == len(set(iris))
    assert set(iris) == members(snapshot, saved.expect["class"])


def test_the_plan_is_whole(snapshot: Snapshot) -> None:
    counts = {name: len(csv_of(snapshot, name)) for name in ("strategies", "tasks", "measures")}
    assert counts == {"strategies": 5, "tasks": 18, "measures": 40}
    assert len(csv_of(snapshot, "actions")) == 159
    assert [row["notation"] for row in csv_of(snapshot, "tasks")][:7] == [
        *("I-1", "I-2", "I-3", "I-4", "I-5", "I-6", "II-1")
    ]


def test_known_cells_of_the_tables(snapshot: Snapshot) -> None:
    budgets = {row["iri"].rpartition("/")[2]: row for row in csv_of(snapshot, "budgets")}
    assert budgets["ai-semiconductor"]["amount"] == "1020000000000"
    assert budgets["ai-semiconductor"]["basis"] == "Total over the period"
    assert budgets["ai-semiconductor"]["citations"] == "3067-3148"
    targets = {row["iri"].rpartition("/")[2]: row for row in csv_of(snapshot, "targets")}
    saas = targets["saas-companies"]
    assert (saas["comparator"], saas["number"], saas["unit"]) == ("More than", "2000", "Company")
    assert (saas["task"], saas["due_year"], saas["baseline"]) == ("I-2", "2027", "")
    assert targets["internet-video-fund"]["baseline_year"] == "2022"
    assert targets["database-types"]["baseline_year"] == ""
    [span] = [row for row in csv_of(snapshot, "citations") if row["start"] == "3067"]
    assert span["end"] == "3148"
    assert span["sha256"].startswith("50ecbb06")
    assert len(items(span["supports"])) == 2
    [lead] = [row for row in csv_of(snapshot, "links") if row["link"] == "is led by"]
    assert (lead["thing_en"], lead["graph"]) == ("Private sector", "source")


def test_a_link_is_told_once_and_its_graph_is_named(snapshot: Snapshot) -> None:
    rows = csv_of(snapshot, "links")
    told = [(row["element"], row["link"], row["thing"]) for row in rows]
    assert len(told) == len(set(told))
    graphs = {name.rpartition("/")[2] for name in snapshot.summary.graphs}
    assert {row["graph"] for row in rows} <= graphs
    for row in rows:
        assert (row["graph"] == "interpretation") >= (row["link"] == "is within the remit of")


# The policy table


def test_the_policy_table_has_the_strategy_and_its_18_tasks(
    snapshot: Snapshot, policies: dict[str, Row]
) -> None:
    tasks = [row["notation"] for row in csv_of(snapshot, "tasks")]
    assert list(policies) == ["whole", *tasks]
    assert [row["level"] for row in policies.values()] == ["Strategy document", *["Task"] * 18]
    for row in policies.values():
        assert row["name_en"]
        assert row["name_ko"]
        assert row["citations"]


def test_technologies_and_sectors_as_the_release_has_them(policies: dict[str, Row]) -> None:
    assert items(policies["I-1"]["technologies"]) == [
        *("5G and 6G communication", "AI semiconductors", "Artificial intelligence"),
        *("Cybersecurity", "Metaverse", "Quantum technology"),
    ]
    assert policies["I-1"]["sectors"] == policies["I-1"]["budget"] == ""
    assert {"Agriculture", "Fisheries"} <= set(items(policies["II-3"]["sectors"]))
    assert items(policies["I-2"]["target_groups"]) == ["SaaS companies"]


def test_law_as_the_release_has_it_and_what_became_of_it(policies: dict[str, Row]) -> None:
    assert items(policies["V-3"]["law"]) == [
        "Artificial Intelligence Framework Act (proposed)",
        "Cyber Security Framework Act (proposed)",
        "Data Framework Act (named as existing)",
        "Digital Inclusion Act (proposed)",
        "Digital Society Framework Act (proposed)",
        "Framework Act on Intelligent Informatization (considered for integration)",
        "Metaverse Special Act (proposed)",
        f"{ICT_ACT} (considered for integration)",
    ]
    assert items(policies["III-2"]["law"]) == ["Bill of Digital Rights (proposed)"]
    assert policies["I-1"]["law"] == ""
    assert "Metaverse Special Act (name of the law: Metaverse)" in items(
        policies["I-1"]["law_by_technology"]
    )
    enacted = [each for each in items(policies["V-3"]["outcome"]) if "enacted into law" in each]
    assert len(enacted) == 3
    assert any("Digital Inclusion Act" in each and "2025-01-21" in each for each in enacted)
    assert not any("unknown" in row["outcome"] for row in policies.values())


def test_amounts_are_listed_with_their_basis_and_never_added(policies: dict[str, Row]) -> None:
    basis = "total over the period; from 2022; until 2026"
    assert items(policies["I-2"]["budget"]) == [
        f"AI semiconductor core technology budget: 1020000000000 KRW; {basis}",
        f"Next-generation AI fundamental technology budget: 301800000000 KRW; {basis}",
    ]
    assert len(items(policies["whole"]["budget"])) == 3


def test_a_target_that_the_release_lacks_says_so(
    snapshot: Snapshot, policies: dict[str, Row]
) -> None:
    told = [each for each in items(policies["whole"]["targets"]) if "reported by others" in each]
    assert len(told) == len([row for row in csv_of(snapshot, "targets") if not row["citations"]])
    assert not any("reported by" in policies[task]["targets"] for task in list(policies)[1:])


def test_a_body_has_its_basis(policies: dict[str, Row]) -> None:
    assert policies["whole"]["responsible"] == "Ministry of Science and ICT (announced it)"
    for row in policies.values():
        for body in items(row["responsible"]):
            assert re.search(r" \((stated|announced it|reading of remit)\)$", body)


def test_years_are_years_and_gaps_are_empty(policies: dict[str, Row]) -> None:
    for row in policies.values():
        for column in ("start_year", "due_year"):
            assert re.fullmatch(r"(20\d\d)?", row[column])
        assert row.keys() >= set(FACETS)
    assert (policies["I-2"]["start_year"], policies["I-2"]["due_year"]) == ("2022", "2027")
    assert policies["V-4"]["due_year"] == policies["V-4"]["start_year"] == ""


# The form of CSV


def test_csv_is_as_rfc_4180_has_it(snapshot: Snapshot, tmp_path: Path) -> None:
    for path in write_csv(snapshot, ROOT, tmp_path):
        content = path.read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf")
        assert content.endswith(b"\r\n")
        rows = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
        assert len({len(row) for row in rows}) == 1
        assert not any(cell != cell.strip() for row in rows for cell in row)


def test_no_value_holds_what_joins_values(snapshot: Snapshot) -> None:
    for quad in snapshot.store:
        if isinstance(quad.object, ox.Literal):
            assert " | " not in quad.object.value


def test_text_is_quoted_and_lists_are_in_order() -> None:
    awkward = 'a "quoted", broken\r\nline'
    content = to_csv(Table(("a", "b"), ({"a": awkward, "b": ""},)))
    assert read(content) == [{"a": awkward, "b": ""}]
    query = 'SELECT ?a ?none { VALUES ?a { "1736-1773 | 456-603 | b | a10 | a9" } }'
    empty = Snapshot(ox.Store(), load_built_in(ROOT).summary)
    [row] = table(empty, query).rows
    assert row == {"a": "456-603 | 1736-1773 | a9 | a10 | b", "none": ""}


def test_the_bytes_are_the_same_however_the_data_came(snapshot: Snapshot, tmp_path: Path) -> None:
    first = exported(snapshot, tmp_path / "1")
    for number in ("2", "3"):
        assert exported(shuffled(snapshot), tmp_path / number) == first


# StratML


def q(*names: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{name}" for name in names)


def text(element: ET.Element, name: str) -> str:
    return element.findtext(q(name)) or ""


# Children in the order of the schema of 2016-02-16: ? optional, * any number.
ORDER = {
    "PerformancePlanOrReport": "Name Description? OtherInformation? StrategicPlanCore "
    "AdministrativeInformation? Submitter?",
    "StrategicPlanCore": "Organization* Vision? Mission? Value* Goal Goal*",
    "Organization": "Name? Acronym? Identifier? Description? Stakeholder*",
    "Vision": "Description? Identifier?",
    "Goal": "Name Description Identifier? SequenceIndicator? Stakeholder* OtherInformation? "
    "Objective*",
    "Objective": "Name? Description? Identifier? SequenceIndicator? Stakeholder* "
    "OtherInformation? PerformanceIndicator*",
    "Stakeholder": "Name Description? Role*",
    "Role": "Name Description? RoleType*",
    "PerformanceIndicator": "SequenceIndicator? MeasurementDimension UnitOfMeasurement "
    "Identifier? Relationship* MeasurementInstance* OtherInformation?",
    "MeasurementInstance": "TargetResult* ActualResult*",
    "TargetResult": "StartDate? EndDate? NumberOfUnits? Descriptor? Description?",
    "ActualResult": "StartDate? EndDate? NumberOfUnits? Descriptor? Description?",
    "Descriptor": "DescriptorName? DescriptorValue?",
    "AdministrativeInformation": "Identifier? StartDate? EndDate? PublicationDate? Source?",
    "Submitter": "Identifier? GivenName? Surname? PhoneNumber? EmailAddress?",
}


def test_each_element_has_the_children_that_the_schema_allows(plan: ET.Element) -> None:
    for element in plan.iter():
        name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        children = "".join(child.tag.removeprefix(f"{{{NAMESPACE}}}") + " " for child in element)
        if name not in ORDER:
            assert not children, name
            assert (element.text or "").strip() == element.text, name
            continue
        pattern = re.sub(r"(\w+)([?*]?) ?", r"(\1 )\2", ORDER[name])
        assert re.fullmatch(pattern, children), f"{name}: {children}"


def test_values_are_of_their_types(plan: ET.Element) -> None:
    assert plan.get("Type") == "Strategic_Plan"
    allowed = {
        "StakeholderTypeType": {"Person", "Organization", "Generic_Group"},
        "PerformanceIndicatorType": {"Quantitative", "Qualitative"},
        "Type": {"Strategic_Plan"},
    }
    for element in plan.iter():
        for name, value in element.attrib.items():
            assert value in allowed[name]
        content = element.text or ""
        if element.tag in {q("StartDate"), q("EndDate"), q("PublicationDate")}:
            assert date.fromisoformat(content).isoformat() == content
        elif element.tag == q("NumberOfUnits"):
            assert Decimal(content).is_finite()
        elif element.tag == q("RoleType"):
            assert content in {"Performer", "Beneficiary"}
        elif element.tag == q("Identifier"):
            assert re.fullmatch(r"_[0-9a-f-]{36}", content)


def test_identifiers_are_unique_and_come_from_the_iris(plan: ET.Element) -> None:
    found = [element.text for element in plan.iter(q("Identifier"))]
    assert len(found) == len(set(found))
    for tag in ("Goal", "Objective", "PerformanceIndicator"):
        for element in plan.iter(q(tag)):
            iri = text(element, "OtherInformation").rpartition("IRI: ")[2]
            assert text(element, "Identifier") == identifier(iri)


def test_the_document_holds_the_whole_plan(plan: ET.Element) -> None:
    goals = plan.findall(q("StrategicPlanCore", "Goal"))
    assert [text(goal, "SequenceIndicator") for goal in goals] == ["I", "II", "III", "IV", "V"]
    sequence = [text(element, "SequenceIndicator") for element in plan.iter(q("Objective"))]
    assert len(sequence) == len(set(sequence)) == 58
    tasks = [each for each in sequence if "." not in each]
    assert len(tasks) == 18
    assert sequence[:4] == ["I-1", "I-1.1", "I-1.2", "I-2"]
    for goal in goals:
        for objective in goal.iter(q("Objective")):
            number = text(objective, "SequenceIndicator")
            assert number.partition("-")[0] == text(goal, "SequenceIndicator")
            above = re.search(
                r"^Part of: (\S+) ", text(objective, "OtherInformation"), re.MULTILINE
            )
            assert (above[1] if above else number) == number.partition(".")[0]


def test_who_and_when(plan: ET.Element) -> None:
    [organization] = plan.iter(q("Organization"))
    assert text(organization, "Name") == "Ministry of Science and ICT"
    assert text(organization, "Acronym") == "MSIT"
    [vision] = plan.iter(q("Vision"))
    assert text(vision, "Description") == "Digital Korea as an example for the world"
    [administration] = plan.iter(q("AdministrativeInformation"))
    assert text(administration, "PublicationDate") == "2022-09-28"
    assert text(administration, "Source").startswith("https://www.msit.go.kr/eng/")
    assert not list(plan.iter(q("StartDate")))  # the release states no day


def indicators(plan: ET.Element) -> dict[str, ET.Element]:
    return {
        text(element, "OtherInformation").rpartition("/id/")[2]: element
        for element in plan.iter(q("PerformanceIndicator"))
    }


def test_targets_of_tasks_and_measures_are_all_there(snapshot: Snapshot, plan: ET.Element) -> None:
    inside = {row["iri"] for row in csv_of(snapshot, "targets") if row["task"]}
    numbers = {key: e for key, e in indicators(plan).items() if key.startswith("target/")}
    assert {f"https://w3id.org/rokgraph/id/{key}" for key in numbers} == inside
    saas = numbers["target/saas-companies"]
    [wanted] = saas.iter(q("TargetResult"))
    assert text(saas, "UnitOfMeasurement") == "Company"
    assert text(wanted, "NumberOfUnits") == "2000"
    assert text(wanted, "Description") == "more than 2000; due 2027"


def test_outcomes_are_actual_results(snapshot: Snapshot, plan: ET.Element) -> None:
    act = indicators(plan)["proposal/digital-inclusion-act"]
    [result] = act.iter(q("ActualResult"))
    assert text(result, "EndDate") == "2025-01-21"
    assert result.findtext(q("Descriptor", "DescriptorValue")) == "Enacted into law"
    assert "as of 2026-02-19; confidence: confirmed" in text(result, "Description")
    known = [row for row in csv_of(snapshot, "outcomes") if row["status"] != "Unknown"]
    told = [text(result, "Description") for result in plan.iter(q("ActualResult"))]
    outside = text(plan, "OtherInformation")
    for row in known:
        here = [each for each in told if each.startswith(f"{row['label_en']}; as of")]
        assert len(here) == 1 or row["label_en"] in outside, row["iri"]
    assert not any("not looked up" in each for each in told)


def test_a_second_parser_reads_the_same_text(snapshot: Snapshot, plan: ET.Element) -> None:
    other = etree.fromstring(to_stratml(snapshot, ROOT))
    assert ["".join(each.itertext()) for each in other.iter()] == [
        "".join(each.itertext()) for each in plan.iter()
    ]
    assert "R&D" in "".join(plan.itertext())


def test_the_document_is_valid_by_the_published_schema(snapshot: Snapshot) -> None:
    copy = os.environ.get("ROKGRAPH_STRATML_XSD")
    if not copy:
        pytest.skip("ROKGRAPH_STRATML_XSD names no copy of the StratML schema")
    schema = etree.XMLSchema(etree.parse(copy))
    schema.assertValid(etree.fromstring(to_stratml(snapshot, ROOT)))


def changed(snapshot: Snapshot, subject: str, label: str) -> Snapshot:
    other = shuffled(snapshot)
    node = ox.NamedNode(f"https://w3id.org/rokgraph/id/{subject}")
    named = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
    for quad in list(other.store.quads_for_pattern(node, named, None, None)):
        if isinstance(quad.object, ox.Literal) and quad.object.language == "en":
            other.store.remove(quad)
            literal = ox.Literal(label, language="en")
            other.store.add(ox.Quad(node, named, literal, quad.graph_name))
    return other


def test_text_is_escaped_and_what_xml_cannot_carry_is_refused(snapshot: Snapshot) -> None:
    awkward = "<Goal> & ]]> \"'"
    document = etree.fromstring(to_stratml(changed(snapshot, "task/1-1", awkward), ROOT))
    assert document.findtext(f".//{q('Objective')}/{q('Name')}") == awkward
    with pytest.raises(QueryError):
        to_stratml(changed(snapshot, "task/1-1", "bell \x07"), ROOT)


def test_data_without_a_plan_is_told_in_a_sentence(snapshot: Snapshot) -> None:
    with pytest.raises(SettingError, match="one plan"):
        to_stratml(Snapshot(ox.Store(), snapshot.summary), ROOT)


# The command and its page


def test_the_commands_of_the_page_run_and_write_what_it_lists(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    [block] = blocks(PAGE, "sh")
    for line in block.splitlines():
        words = line.partition("#")[0].split()[1:]
        words[-1] = str(tmp_path / words[-1])
        answer = rokgraph(*words)
        assert answer.returncode == 0, answer.stderr
        assert words[-1] in answer.stdout
    assert (tmp_path / "strategy.xml").read_bytes() == to_stratml(snapshot, ROOT)
    written = {path.name for path in (tmp_path / "tables").iterdir()}
    assert written == {f"{saved.name}.csv" for saved in export_queries(ROOT)}
    assert written == set(re.findall(r"`([\w-]+\.csv)`", PAGE))


def test_the_page_tells_each_column_of_the_policy_table() -> None:
    [saved] = saved_queries(ROOT, "exports")
    section = PAGE.partition("## The policy table")[2].partition("\n## ")[0]
    told = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)))
    assert ["iri", *told] == saved.expect["columns"]


def test_stratml_goes_to_standard_output_if_no_file_is_named(snapshot: Snapshot) -> None:
    answer = rokgraph("export", "stratml")
    assert answer.stdout == to_stratml(snapshot, ROOT).decode()


@pytest.mark.parametrize("form", ["csv", "stratml"])
def test_a_place_that_cannot_be_written_is_told_in_a_sentence(form: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = rokgraph("export", form, "--output", tmp_path / "file" / "below")
    assert answer.returncode == 2
    assert "rokgraph: cannot write: " in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_form_has_to_be_named() -> None:
    answer = rokgraph("export")
    assert answer.returncode == 2
    assert "FORM" in answer.stderr


def test_exports_can_be_made_from_a_dump(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = tmp_path / "dump.nq"
    snapshot.store.dump(dump, format=ox.RdfFormat.N_QUADS)
    monkeypatch.setenv("ROKGRAPH_DEFAULT_GRAPH", "union")
    answer = rokgraph("export", "csv", "--data", dump, "--output", tmp_path / "csv")
    assert answer.returncode == 0, answer.stderr
    for saved in export_queries(ROOT):
        made = (tmp_path / "csv" / f"{saved.name}.csv").read_bytes()
        assert made == to_csv(table(snapshot, saved.text))
