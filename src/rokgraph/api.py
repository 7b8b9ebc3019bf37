"""The dataset for people who program: `rokgraph.load()`, and then ask it.

Rule: no server and no other process; what is asked is evaluated here, by the same rules as there.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from rokgraph.asking import classes, filled, members_query
from rokgraph.asking import question as question_named
from rokgraph.curies import full_iri, short_iri
from rokgraph.errors import QueryError
from rokgraph.evaluation import answered
from rokgraph.library import SavedQuery, saved_queries, saved_query
from rokgraph.query import Query
from rokgraph.results import Rows, Triples
from rokgraph.settings import make_settings
from rokgraph.snapshot import Snapshot, load_built_in, load_given


def load(*paths: str | Path, union: bool | None = None) -> "Dataset":
    """The dataset of the package or checkout; with paths, that of those files and folders.

    `union`: whether queries see the union of all graphs as their default graph; None: as the
    settings say, which is yes for the built-in data and no for given files.

    Raises SourceError for a file that cannot be read or parsed.
    """
    settings = make_settings(
        data=tuple(map(Path, paths)) or None,
        default_graph=None if union is None else "union" if union else "own",
    )
    if settings.data:
        snapshot = load_given(settings.data, union=settings.union_default_graph)
    else:
        snapshot = load_built_in(settings.root, union=settings.union_default_graph)
    return Dataset(snapshot, settings.root)


class Dataset:
    """An RDF dataset in memory that answers questions and never changes; `load()` makes it.

    A query runs in this process until it is done: there is no deadline, since the engine cannot
    be stopped from inside. For a deadline, and for queries that others wrote, ask a server.
    """

    def __init__(self, snapshot: Snapshot, root: Path) -> None:
        """Take a snapshot, and the folder that holds the saved questions."""
        self._snapshot, self._root = snapshot, root

    def __repr__(self) -> str:
        """Size and digest."""
        summary = self._snapshot.summary
        return f"<Dataset of {summary.size} triples in {len(summary.graphs)} graphs, {self.digest}>"

    def __len__(self) -> int:
        """Number of triples, counted in each graph."""
        return self._snapshot.summary.size

    @property
    def digest(self) -> str:
        """The name of this very dataset: `sha256:` and 64 hexadecimal digits."""
        return f"sha256:{self._snapshot.summary.digest}"

    @cached_property
    def version(self) -> str | None:
        """The version by date that the catalogue in the dataset tells, None where it has none."""
        saved = saved_query(self._root / "queries" / "pages" / "dataset.rq")
        found = [row["version"] for row in self._rows(Query(saved.text)).dicts()]
        return str(found[0]) if found else None

    @property
    def graphs(self) -> dict[str, int]:
        """The IRI of each named graph, and how many triples it holds; `""` is the default graph."""
        return dict(self._snapshot.summary.graphs)

    @property
    def prefixes(self) -> dict[str, str]:
        """The prefixes that the dataset declares; every one may be used in `describe`."""
        return dict(self._snapshot.summary.prefixes)

    @cached_property
    def questions(self) -> list[SavedQuery]:
        """The saved questions: `name`, and `title`, `description` by language, `parameters`."""
        return saved_queries(self._root, "questions")

    def query(self, question: str, /, **parameters: object) -> Rows:
        """The rows of a SELECT query: its text, or the name of a saved question.

        `parameters` are those of the saved question, as text, number or year; an IRI may be short,
        such as `task:1-2`. There is no deadline: see the class.

        Raises QuerySyntaxError, ParameterError, and QueryError: also for a name that no question
        has, and for a query that is no SELECT.
        """
        return self._rows(self._query(question, parameters))

    def ask(self, text: str) -> bool:
        """Whether an ASK query holds. There is no deadline: see the class.

        Raises QuerySyntaxError and QueryError.
        """
        answer = answered(self._snapshot, Query(text))
        if not isinstance(answer, ox.QueryBoolean):
            raise QueryError("This is no ASK query: use query() or construct().")
        return bool(answer)

    def construct(self, question: str, /, **parameters: object) -> Triples:
        """The triples of a CONSTRUCT or DESCRIBE query: its text, or the name of a saved question.

        There is no deadline: see the class.

        Raises QuerySyntaxError, ParameterError and QueryError.
        """
        query = self._query(question, parameters)
        answer = answered(self._snapshot, query)
        if isinstance(answer, (ox.QuerySolutions, ox.QueryBoolean)):
            raise QueryError("This is no CONSTRUCT or DESCRIBE query: use query() or ask().")
        return Triples(_read(answer), self._snapshot.summary.prefixes)

    def describe(self, iri: str) -> Triples:
        """What is said of an IRI, or of a short form such as `task:1-2`; empty if nothing is.

        Raises SettingError for what is neither.
        """
        return self.construct(f"DESCRIBE {ox.NamedNode(self.full(iri))}")

    def full(self, iri: str) -> str:
        """The whole IRI of a short form such as `task:1-2`.

        Raises SettingError for what is neither an IRI nor a short form.
        """
        return full_iri(iri, self._snapshot.summary.prefixes)

    def short(self, iri: str) -> str:
        """The short form of an IRI, or the IRI where no prefix fits."""
        return short_iri(iri, self._snapshot.summary.prefixes)

    def _query(self, question: str, parameters: Mapping[str, object]) -> Query:
        if not _is_name(question):
            if parameters:
                raise QueryError("Only saved questions have parameters, and this is a query.")
            return Query(question)
        saved = question_named(self.questions, question)
        prefixes = self._snapshot.summary.prefixes
        given = {name: value for name, value in parameters.items() if value is not None}
        members = {
            of: tuple(
                str(row["member"])
                for row in self._rows(members_query(self._root, of, prefixes)).dicts()
            )
            for of in (classes(saved) if given else ())
        }
        return filled(saved, given, members, prefixes)

    def _rows(self, query: Query) -> Rows:
        answer = answered(self._snapshot, query)
        if not isinstance(answer, ox.QuerySolutions):
            raise QueryError("This is no SELECT query: use ask() or construct().")
        return Rows(tuple(variable.value for variable in answer.variables), _read(answer))


def _is_name(question: str) -> bool:
    """Whether this is the name of a question: no query is one word of letters and hyphens."""
    return question.replace("-", "").replace("_", "").isalnum()


def _read(answer: Any) -> list[Any]:
    """All of an answer, which is computed while it is read.

    Raises QueryError where that fails.
    """
    try:
        return list(answer)
    except RuntimeError as error:
        raise QueryError(f"The query cannot be evaluated: {error}") from None
