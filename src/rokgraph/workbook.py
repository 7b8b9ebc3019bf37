"""The answer to a question as a workbook: one sheet of typed cells, one that says what it is.

Rule: the same answer gives the same bytes; a text is never taken for a formula or a link.

See https://ecma-international.org/publications-and-standards/standards/ecma-376/
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, cast

import pyoxigraph as ox
import xlsxwriter

from rokgraph.values import Iri, Value, python_value

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_LONGEST = 32767  # characters of a cell
_LONGEST_LINK = 2079  # characters of a link
_EXACT = 10**15  # from here on a cell does not hold a whole number as it is
_LINKS = 65000  # links of a sheet
_FIRST_DAY = date(1900, 3, 1)  # before it programs disagree about days
_MADE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # no clock in what is compared
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def workbook(results: bytes, about: Iterable[tuple[str, str]]) -> bytes:
    """The workbook of a SELECT's results, given in SPARQL's JSON.

    The sheet `answer` has a header row that stays in view, and cells by datatype: numbers, truth
    values, days, moments without a zone, years as numbers; IRIs are links. Everything else is
    text, whole numbers of more than 15 digits among it. The sheet `about` has the pairs of name
    and text.
    See https://www.w3.org/TR/sparql11-results-json/
    """
    output = BytesIO()
    book = xlsxwriter.Workbook(output, _OPTIONS)
    book.set_properties({"created": _MADE, "comments": "rokgraph"})
    bold = book.add_format({"bold": True, "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    solutions = ox.parse_query_results(results, format=ox.QueryResultsFormat.JSON)
    _answer(book, cast("ox.QuerySolutions", solutions), bold)
    sheet = book.add_worksheet("about")
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 100, wrapped)
    for row, (name, text) in enumerate(about):
        sheet.write_string(row, 0, name, bold)
        sheet.write_string(row, 1, text[:_LONGEST], wrapped)
    book.close()
    return output.getvalue()


def _answer(book: Any, solutions: ox.QuerySolutions, bold: Any) -> None:
    sheet = book.add_worksheet("answer")
    days = book.add_format({"num_format": "yyyy-mm-dd"})
    moments = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    formats = {"day": days, "moment": moments, "link": book.get_default_url_format()}
    columns = [variable.value for variable in solutions.variables]
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name, bold)
    count = links = 0
    for count, solution in enumerate(solutions, 1):
        for column, term in enumerate(solution):
            value = python_value(term)
            linked = isinstance(value, Iri) and _linkable(value) and links < _LINKS
            links += linked
            if not _cell(sheet, (count, column), value, formats, linked=linked) and term:
                text = term.value if hasattr(term, "value") else str(term)
                sheet.write_string(count, column, text[:_LONGEST])
    sheet.freeze_panes(1, 0)
    if columns:
        sheet.autofilter(0, 0, count, len(columns) - 1)
    sheet.autofit(480)


def _linkable(iri: str) -> bool:
    return iri.startswith(("http://", "https://")) and len(iri) <= _LONGEST_LINK


def _cell(
    sheet: Any, at: tuple[int, int], value: Value, formats: Mapping[str, Any], *, linked: bool
) -> bool:
    """Write a value that is more than a text; whether it was."""
    if linked:
        sheet.write_url(*at, value, formats["link"], string=value)
    elif isinstance(value, bool):
        sheet.write_boolean(*at, value)
    elif isinstance(value, int | float | Decimal) and -_EXACT < value < _EXACT:  # no NaN
        sheet.write_number(*at, float(value))
    elif isinstance(value, datetime):
        if value.tzinfo is not None or value.date() < _FIRST_DAY:
            return False
        sheet.write_datetime(*at, value, formats["moment"])
    elif isinstance(value, date) and value >= _FIRST_DAY:
        sheet.write_datetime(*at, value, formats["day"])
    else:
        return False
    return True
