"""What is looked up in this process: the search index, the properties of classes, names.

Rule: made of the rows of a saved query that the engine answers once; bounded by that query's LIMIT.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from rokgraph.errors import RokgraphError
from rokgraph.library import saved_query
from rokgraph.query import Query
from rokgraph.reconciliation import Schema, Term
from rokgraph.search import Index, Row
from rokgraph.web.cells import Name, Names
from rokgraph.web.exchange import Service

_AGAIN = 60.0  # seconds until what could not be made is tried again

Solutions = list[Mapping[str, Term]]
_Made = TypeVar("_Made")


@dataclass
class _Once(Generic[_Made]):
    """Made by the first who wants it; the others wait. A failure is told to all for a while."""

    make: Callable[[], Awaitable[_Made]]
    task: "asyncio.Task[_Made] | None" = None
    until: float = 0.0

    async def get(self) -> _Made:
        now = asyncio.get_running_loop().time()
        if self.task is None or (self.until and now > self.until):
            self.task, self.until = asyncio.ensure_future(self._made()), 0.0
        # whoever leaves does not take it away from the others
        return await asyncio.shield(self.task)

    async def _made(self) -> _Made:
        try:
            return await self.make()
        except RokgraphError:
            self.until = asyncio.get_running_loop().time() + _AGAIN
            raise


class Lookup:
    """Search index, schema and names of one server, each made when it is first wanted."""

    def __init__(self, service: Service) -> None:
        """Ask the engine of this service."""
        self._service = service
        self._index = _Once(self._make_index)
        self._schema = _Once(self._make_schema)
        self._names = _Once(self._make_names)
        self._begun: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Make the index ahead, so that the first search need not wait; needs a running loop.

        Not for data of others: it may be large, and may never be searched.
        """
        if not self._service.engine.settings.foreign:
            task = asyncio.create_task(self._ahead())
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)

    async def _ahead(self) -> None:
        with contextlib.suppress(RokgraphError):  # told to whoever searches
            await self._index.get()
            await self._names.get()

    async def index(self) -> Index:
        """The search index; raises what the engine raises."""
        return await self._index.get()

    async def schema(self) -> Schema:
        """The properties of classes; raises what the engine raises."""
        return await self._schema.get()

    async def names(self) -> Names:
        """What things are called, by IRI; nothing while it cannot be had: a page matters more."""
        try:
            return await self._names.get()
        except RokgraphError:
            return {}

    async def ask(self, folder: str, name: str, ending: str = "", **bound: str) -> Solutions:
        """The solutions of `queries/<folder>/<name>.rq`, `ending` put behind its text.

        `bound`: values of its variables, written as N-Triples. Raises what the engine raises.
        """
        engine = self._service.engine
        path = engine.settings.root / "queries" / folder / f"{name}.rq"
        query = Query(saved_query(path).text + ending, bindings=tuple(bound.items()))
        answer = await engine.answer(query)
        body = answer.body
        if body is None:
            assert answer.chunks is not None  # noqa: S101 - it is not whole
            async with contextlib.aclosing(answer.chunks) as chunks:  # type: ignore[type-var]
                body = b"".join([chunk async for chunk in chunks])
        solutions: Solutions = json.loads(body)["results"]["bindings"]
        return solutions

    async def _make_index(self) -> Index:
        found = await self.ask("search", "index")
        rows = [_row(solution) for solution in found]
        return await asyncio.to_thread(Index, rows, self._service.engine.summary.prefixes)

    async def _make_names(self) -> Names:
        names: dict[str, Name] = {}
        for row in await self.ask("pages", "names"):
            told = (row[key]["value"] if key in row else "" for key in Name._fields)
            names.setdefault(row["iri"]["value"], Name(*told))
        return names

    async def _make_schema(self) -> Schema:
        found = await self.ask("reconcile", "properties")
        return await asyncio.to_thread(Schema, found, self._service.engine.summary.prefixes)


def _row(solution: Mapping[str, Term]) -> Row:
    text = solution["text"]
    return Row(
        solution["iri"]["value"],
        solution["field"]["value"],
        text["value"],
        text.get("xml:lang", ""),
    )
