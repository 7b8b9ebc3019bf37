"""The answer of a query as a table of plain cells, and a table as CSV.

Rule: the same dataset gives the same bytes: SPARQL leaves the order inside GROUP_CONCAT open, so
lists are put in order here.
"""

import csv
import io
import re
from dataclasses import dataclass

import pyoxigraph as ox

from rokgraph.snapshot import Snapshot

SEPARATOR = " | "

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, and rows that map each column to a cell; an empty cell is a gap."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def table(snapshot: Snapshot, text: str) -> Table:
    """The answer of the SELECT query `text`: terms as their bare values, lists in order.

    Raises what the engine raises: saved queries are held to be right by their tests.
    """
    union = snapshot.summary.union
    found = snapshot.store.query(text, use_default_graph_as_union=union)
    assert isinstance(found, ox.QuerySolutions)  # noqa: S101 - tests hold every file to it
    columns = tuple(variable.value for variable in found.variables)
    rows = tuple({column: _cell(row[column]) for column in columns} for row in found)
    return Table(columns, rows)


def to_csv(content: Table) -> bytes:
    """The table as CSV in UTF-8 with a header, lines ended by CRLF.

    See https://www.rfc-editor.org/rfc/rfc4180
    """
    output = io.StringIO(newline="")
    writer = csv.DictWriter(output, content.columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(content.rows)
    return output.getvalue().encode()


def items(cell: str) -> list[str]:
    """The items of a cell that holds a list; none where it is empty."""
    return cell.split(SEPARATOR) if cell else []


def _cell(term: object) -> str:
    if not isinstance(term, (ox.NamedNode, ox.Literal)):
        return ""
    return SEPARATOR.join(sorted(items(term.value), key=_natural))


def _natural(item: str) -> tuple[list[str | int], str]:
    """Numbers inside the item count as numbers, so that 456 comes before 1736."""
    parts = _DIGITS.split(item)
    return [int(part) if part.isdecimal() else part for part in parts], item
