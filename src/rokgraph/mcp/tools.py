"""The tools: what an assistant may ask.

Rule: reads only; an error is a sentence that the assistant can act on, anything else is a bug.

The docstring of a tool is what the assistant is told of it.
See https://modelcontextprotocol.io/specification/latest/server/tools
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeAlias

import pyoxigraph as ox
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from rokgraph.asking import filled, question
from rokgraph.errors import QueryError, RokgraphError
from rokgraph.library import SavedQuery
from rokgraph.mcp.answers import (
    Citation,
    Description,
    Fact,
    Found,
    Ground,
    Question,
    Questions,
    Results,
    Search,
    Span,
    Table,
    Writer,
)
from rokgraph.mcp.dataset import Dataset
from rokgraph.query import Kind, Query

_LONGEST_TURTLE = 100_000  # bytes: more is no help to a model
_LANGUAGE = "en"

Node: TypeAlias = Annotated[
    str, Field(description="An IRI, a CURIE such as task:1-2, or a key such as task/1-2")
]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=1000, description="Rows at most")]

NOTE = (
    "start and end count Unicode code points from 0 in the text whose SHA-256 is source_sha256; "
    "sha256 is that of the span. The dataset holds positions, not the words: do not quote the "
    "release from here."
)


class Tools:
    """The tools over one dataset."""

    def __init__(self, dataset: Dataset) -> None:
        """Take the dataset."""
        self._dataset = dataset

    async def list_questions(
        self,
        language: Annotated[str, Field(description="en or ko", pattern="^(en|ko)$")] = _LANGUAGE,
    ) -> Questions:
        """The saved questions about the Digital Strategy of Korea, each checked by a test.

        Look here first; run one with run_question.
        """
        found = [_told(saved, language) for saved in self._dataset.questions]
        return Questions(**self._stamp(), questions=found)

    async def run_question(
        self,
        name: Annotated[str, Field(description="Name of the question, as list_questions has it")],
        parameters: Annotated[
            dict[str, str | int | float] | None, Field(description="Its parameters, by name")
        ] = None,
        limit: Limit = 100,
    ) -> Table:
        """Answer a saved question; without parameters, with its defaults."""
        with _told_errors():
            dataset = self._dataset
            saved = question(dataset.questions, name)
            prefixes = dataset.summary.prefixes
            query = filled(saved, parameters or {}, dataset.members, prefixes)
            return await self._table(query, limit)

    async def sparql(
        self,
        query: Annotated[str, Field(description="A SPARQL 1.1 query; declare its prefixes")],
        limit: Limit = 100,
    ) -> Table:
        """Answer a SPARQL query: SELECT, ASK, CONSTRUCT or DESCRIBE; there is no update.

        The default graph is the union of all graphs. Put a pattern in GRAPH ?graph { … } to see
        which graph each fact stands in. SERVICE is off. A query that runs too long is stopped.
        The resource rokgraph://model explains classes, properties and graphs.
        """
        with _told_errors():
            return await self._table(Query(query), limit)

    async def describe(self, node: Node, limit: Limit = 200) -> Description:
        """All that is said of a node, each fact with the graph that it stands in."""
        with _told_errors():
            dataset = self._dataset
            iri = dataset.full(node)
            asked = dataset.page("facts", "assistants", node=str(ox.NamedNode(iri)))
            rows = Results(await dataset.body(asked)).bindings
            if not rows:
                raise QueryError(f"Nothing is known of {iri}.")
            writer = Writer(dataset.summary.prefixes)
            facts = [
                Fact(
                    property=writer.short(row["property"]["value"]),
                    value=writer.cell(row["value"]),
                    name=_value(row, "name"),
                    inverse=row["inverse"]["value"] == "true",
                    origin=dataset.origin(_value(row, "graph")),
                )
                for row in rows[:limit]
            ]
            return Description(
                **self._stamp(),
                iri=iri,
                curie=writer.short(iri),
                facts=facts,
                total=len(rows),
                truncated=len(rows) > limit,
                prefixes=writer.used,
            )

    async def search(
        self,
        text: Annotated[str, Field(description="A name or code, in English or Korean")],
        limit: Annotated[int, Field(ge=1, le=100, description="Hits at most")] = 10,
    ) -> Search:
        """Find tasks, laws, organisations, technologies, terms and so on by name or code."""
        with _told_errors():
            hits = self._dataset.index.search(text)
            short = self._dataset.index.curie
            found = [
                Found(
                    iri=hit.thing.iri,
                    curie=hit.thing.curie,
                    labels=hit.thing.labels,
                    types=[short(iri) for iri in hit.thing.types],
                    matched=hit.match.text,
                    score=hit.score,
                )
                for hit in hits[:limit]
            ]
            return Search(**self._stamp(), hits=found, total=len(hits))

    async def cite(self, node: Node) -> Citation:
        """What supports a node: spans of the release with their digests.

        And the grounds, readings and attestations, of what is said of it that is not in the text.
        """
        with _told_errors():
            dataset = self._dataset
            iri = dataset.full(node)
            term = str(ox.NamedNode(iri))
            spans = await dataset.rows(dataset.page("citations", node=term))
            asked = dataset.page("grounds", "assistants", node=term)
            grounds = Results(await dataset.body(asked)).bindings
            if not spans and not grounds:
                raise QueryError(f"Nothing is cited for {iri}. The tool describe tells of it.")
            writer = Writer(dataset.summary.prefixes)
            return Citation(
                **self._stamp(),
                iri=iri,
                spans=[
                    Span(
                        role=span["role"],
                        start=int(span["start"]),
                        end=int(span["end"]),
                        sha256=span["digest"],
                        source_sha256=span["document"],
                    )
                    for span in spans
                ],
                grounds=[self._ground(row, writer) for row in grounds],
                note=NOTE,
            )

    def _ground(self, row: dict[str, Any], writer: Writer) -> Ground:
        about = _value(row, "property")
        return Ground(
            kind=row["kind"]["value"],
            property=about and writer.short(about),
            value=writer.cell(row.get("value")),
            why=row["why"]["value"],
            source=_value(row, "source"),
            confidence=_value(row, "confidence"),
            origin=self._dataset.origin(_value(row, "graph")),
        )

    async def _table(self, query: Query, limit: int) -> Table:
        begun = time.monotonic()
        kind, body = await self._dataset.answer(query)
        taken = time.monotonic() - begun
        if kind is Kind.GRAPH and len(body) > _LONGEST_TURTLE:
            raise QueryError(
                f"The triples take {len(body)} bytes, more than {_LONGEST_TURTLE}: ask for fewer."
            )
        table = Table(**self._stamp())
        table.graphs = await self._dataset.origins(query, kind, body, taken)
        if kind is Kind.GRAPH:
            table.turtle = body.decode()
            return table
        results = Results(body)
        writer = Writer(self._dataset.summary.prefixes)
        table.boolean, table.columns = results.boolean, results.columns
        table.rows = [
            [writer.cell(row.get(name)) for name in results.columns]
            for row in results.bindings[:limit]
        ]
        table.total = len(results.bindings)
        table.truncated = table.total > limit
        table.prefixes = writer.used
        return table

    def _stamp(self) -> dict[str, Any]:
        dataset = self._dataset
        return {"dataset": f"sha256:{dataset.summary.digest}", "version": dataset.version}


@contextmanager
def _told_errors() -> Iterator[None]:
    """Errors that a person may see are errors that the assistant may read."""
    try:
        yield
    except RokgraphError as error:
        raise ToolError(str(error)) from None


def _value(row: dict[str, Any], name: str) -> str | None:
    term = row.get(name)
    return None if term is None else str(term["value"])


def _told(saved: SavedQuery, language: str) -> Question:
    def said(texts: dict[str, str]) -> str:
        return texts.get(language) or texts.get(_LANGUAGE, "")

    return Question(
        name=saved.name,
        title=said(saved.title),
        description=said(saved.description),
        tags=list(saved.tags),
        parameters={
            name: {
                key: value
                for key, value in (
                    ("type", wanted.kind),
                    ("of", wanted.of),
                    ("choices", list(wanted.choices)),
                    ("default", wanted.default),
                    ("description", said(wanted.description)),
                )
                if value
            }
            for name, wanted in saved.parameters.items()
        },
    )
