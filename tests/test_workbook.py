"""Workbooks: cells by datatype, nothing that a program would run, the same bytes each time."""

import json
import time
from datetime import datetime
from io import BytesIO

import openpyxl
import pytest

from rokgraph.workbook import workbook

XSD = "http://www.w3.org/2001/XMLSchema#"
Cell = dict[str, str]


def literal(value: str, datatype: str = "") -> Cell:
    typed = {"datatype": XSD + datatype} if datatype else {}
    return {"type": "literal", "value": value, **typed}


def results(*cells: Cell | None) -> bytes:
    names = [f"v{number}" for number in range(len(cells))]
    row = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    return json.dumps({"head": {"vars": names}, "results": {"bindings": [row]}}).encode()


def read(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(content))


CELLS = [
    (literal("7", "integer"), 7, "n"),
    (literal("1.5", "decimal"), 1.5, "n"),
    (literal("2024", "gYear"), 2024, "n"),
    (literal("true", "boolean"), True, "b"),
    (literal("2024-02-29", "date"), datetime(2024, 2, 29), "d"),  # noqa: DTZ001 - has no zone
    (literal("2024-02-29T10:11:12", "dateTime"), datetime(2024, 2, 29, 10, 11, 12), "d"),  # noqa: DTZ001
    (literal("2024-02-29T10:11:12Z", "dateTime"), "2024-02-29T10:11:12Z", "s"),
    (literal("1850-01-01", "date"), "1850-01-01", "s"),
    (literal("1234567890123456789", "integer"), "1234567890123456789", "s"),
    (literal("NaN", "double"), "NaN", "s"),
    (literal("INF", "double"), "INF", "s"),
    (literal("seven", "integer"), "seven", "s"),
    (literal("P3D", "dayTimeDuration"), "P3D", "s"),
    (literal("=1+1"), "=1+1", "s"),
    (literal("https://example.org/"), "https://example.org/", "s"),
    ({"type": "literal", "value": "한국", "xml:lang": "ko"}, "한국", "s"),
    ({"type": "uri", "value": "urn:x"}, "urn:x", "s"),
]


@pytest.mark.parametrize(("cell", "value", "kind"), CELLS)
def test_a_cell_has_the_type_of_its_term(cell: Cell, value: object, kind: str) -> None:
    found = read(workbook(results(cell), []))["answer"]["A2"]
    assert (found.value, found.data_type, found.hyperlink) == (value, kind, None)


def test_an_iri_is_a_link() -> None:
    iri = "https://w3id.org/rokgraph/id/task/1-2"
    found = read(workbook(results({"type": "uri", "value": iri}), []))["answer"]["A2"]
    assert found.value == found.hyperlink.target == iri


def test_the_header_stays_in_view_and_an_empty_cell_is_empty() -> None:
    sheet = read(workbook(results(literal("x"), None), []))["answer"]
    assert sheet.freeze_panes == "A2"
    assert [[cell.value for cell in row] for row in sheet.rows] == [["v0", "v1"], ["x", None]]
    assert sheet["A1"].font.bold


def test_a_long_text_is_cut_where_a_cell_ends() -> None:
    found = read(workbook(results(literal("x" * 40000)), [("query", "y" * 40000)]))
    assert len(found["answer"]["A2"].value) == len(found["about"]["B1"].value) == 32767


def test_an_answer_without_columns_is_a_workbook_too() -> None:
    assert read(workbook(results(), [])).sheetnames == ["answer", "about"]


def test_the_same_answer_gives_the_same_bytes() -> None:
    one = workbook(results(literal("x")), [("a", "b")])
    time.sleep(2.1)  # the clock of an archive ticks every other second
    assert workbook(results(literal("x")), [("a", "b")]) == one
