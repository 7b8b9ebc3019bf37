"""What a query gives programs: rows of Python values, triples, and other shapes of both.

Rule: pandas, polars and rdflib are imported when they are asked for.
"""

import importlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast, overload

import pyoxigraph as ox

from rokgraph import formats
from rokgraph.errors import SettingError
from rokgraph.values import Term, Value, python_value
from rokgraph.writing import write_graph

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import rdflib

Row: TypeAlias = tuple[Value, ...]


class Rows(Sequence[Row]):
    """The rows of an answer, in order: tuples of Python values, None where there is no value.

    What becomes of which term is said at `rokgraph.values.python_value`; `terms` keeps them as
    they are in RDF.
    """

    def __init__(self, columns: tuple[str, ...], solutions: list[Any]) -> None:
        """Take the names of the columns and the solutions of the engine."""
        self.columns = columns
        self.terms: list[tuple[Term | None, ...]] = [tuple(solution) for solution in solutions]
        self._rows = [tuple(map(python_value, row)) for row in self.terms]

    def __repr__(self) -> str:
        """Size and columns."""
        return f"<{len(self)} rows of {', '.join(self.columns)}>"

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...

    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        """A row by its number from 0, or some of them."""
        return self._rows[at]

    def __iter__(self) -> Iterator[Row]:
        """The rows in order."""
        return iter(self._rows)

    def dicts(self) -> list[dict[str, Value]]:
        """The rows as dictionaries, column to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self._rows]

    def to_pandas(self) -> "pd.DataFrame":
        """The rows as a data frame of pandas.

        Raises SettingError, which says what to install, where pandas is not installed.
        """
        module = _optional("pandas")
        return cast("pd.DataFrame", module.DataFrame(self._rows, columns=list(self.columns)))

    def to_polars(self) -> "pl.DataFrame":
        """The rows as a data frame of polars; a column of mixed kinds becomes one of objects.

        Raises SettingError, which says what to install, where polars is not installed.
        """
        module = _optional("polars")
        columns = {
            name: module.Series(name, _polar([row[at] for row in self._rows]), strict=False)
            for at, name in enumerate(self.columns)
        }
        return cast("pl.DataFrame", module.DataFrame(columns))


class Triples(Sequence[ox.Triple]):
    """Triples of pyoxigraph in the order in which they came, each once."""

    def __init__(self, triples: list[ox.Triple], prefixes: Mapping[str, str]) -> None:
        """Take the triples, and the prefixes that texts of them are written with."""
        self._triples, self._prefixes = list(dict.fromkeys(triples)), prefixes

    def __repr__(self) -> str:
        """Size."""
        return f"<{len(self)} triples>"

    def __len__(self) -> int:
        """Number of triples."""
        return len(self._triples)

    @overload
    def __getitem__(self, at: int) -> ox.Triple: ...

    @overload
    def __getitem__(self, at: slice) -> list[ox.Triple]: ...

    def __getitem__(self, at: int | slice) -> ox.Triple | list[ox.Triple]:
        """A triple by its number from 0, or some of them."""
        return self._triples[at]

    def __iter__(self) -> Iterator[ox.Triple]:
        """The triples in order."""
        return iter(self._triples)

    def to_text(self, form: str = "turtle") -> str:
        """The triples written in a format: its short name or media type.

        Raises SettingError for a format that there is none of.
        """
        found = formats.graph_format(form)
        if found is None:
            raise SettingError(f"unknown format {form!r}")
        stream = io.BytesIO()
        write_graph(self._triples, stream, found, dict(self._prefixes))
        return stream.getvalue().decode()

    def to_rdflib(self) -> "rdflib.Graph":
        """The triples as a graph of rdflib, which is imported now, with the dataset's prefixes."""
        from rdflib import Graph  # noqa: PLC0415 - it takes its time, and few ask for it

        graph = Graph(bind_namespaces="none")
        for prefix, space in self._prefixes.items():
            graph.bind(prefix, space)
        return graph.parse(data=self.to_text("ntriples"), format="nt")


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise SettingError(f"{name} is not installed: pip install 'rokgraph[{name}]'") from None


def _polar(column: list[Value]) -> list[Any]:
    """A column as polars takes it: it knows no subclasses of `str`."""
    return [str(value) if isinstance(value, str) else value for value in column]
