"""The dataset behind the tools: queries through the engine, and what is read once at the start.

Rule: every query runs in a process that can be killed, none can call another endpoint, and an
answer past its bound is refused.
"""

import asyncio
import contextlib
import hashlib
from pathlib import Path

from rokgraph.asking import classes, members_query
from rokgraph.curies import full_iri
from rokgraph.dialect import has_dataset_clause
from rokgraph.engine import Answer, Engine
from rokgraph.errors import Busy, QueryError, SettingError, SourceError
from rokgraph.library import saved_queries, saved_query
from rokgraph.mcp.answers import Origin, Results, Writer
from rokgraph.query import Kind, Query
from rokgraph.search import EXACT, Index, Row
from rokgraph.settings import Settings

LONGEST = 4 * 1024 * 1024  # bytes of an answer
_PROMPT = 0.3  # seconds: only of a query that is answered so soon it is asked what it rests on
_ENOUGH = 1.5  # seconds for finding that out

MODEL = Path("docs", "reference", "model.md")
ONTOLOGY = Path("ontology", "rokgraph.ttl")


class Dataset:
    """One dataset, its engine and its saved questions."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """Over an engine that is prepared; the files that resources show are read now.

        Raises SourceError for a file that cannot be read.
        """
        self.engine, self.summary = engine, engine.summary
        self.root = settings.root
        self.questions = saved_queries(self.root, "questions")
        self.model, self.ontology = (_text(self.root / path) for path in (MODEL, ONTOLOGY))
        self.version: str | None = None
        self.index: Index
        self.members: dict[str | None, tuple[str, ...]] = {}
        self._bases: dict[str, str] = {}

    async def open(self) -> None:
        """Start the engine and ask it, once, what the tools need to know.

        Raises RokgraphError where it cannot answer.
        """
        await self.engine.start()
        found = await self.rows(self.page("dataset"))
        self.version = found[0]["version"] if found else None
        for row in await self.rows(self.page("graphs", "assistants")):
            self._bases[row["graph"]] = row["basis"]
        answered = Results(await self.body(self.page("index", "search")))
        self.index = Index(
            (
                Row(
                    row["iri"]["value"],
                    row["field"]["value"],
                    row["text"]["value"],
                    row["text"].get("xml:lang", ""),
                )
                for row in answered.bindings
            ),
            self.summary.prefixes,
        )
        for of in {of for saved in self.questions for of in classes(saved)}:
            listing = members_query(self.root, of, self.summary.prefixes)
            self.members[of] = tuple(row["member"] for row in await self.rows(listing))

    def page(self, name: str, folder: str = "pages", **nodes: str) -> Query:
        """A saved query of ours; `nodes` are variables and terms as N-Triples writes them."""
        saved = saved_query(self.root / "queries" / folder / f"{name}.rq")
        return Query(saved.text, bindings=tuple(nodes.items()))

    async def rows(self, query: Query) -> list[dict[str, str]]:
        """The rows of a query as bare values."""
        return Results(await self.body(query)).texts()

    async def body(self, query: Query, seconds: float | None = None) -> bytes:
        """The answer as bytes."""
        return (await self.answer(query, seconds))[1]

    async def answer(self, query: Query, seconds: float | None = None) -> tuple[Kind, bytes]:
        """The answer of a query: its kind and bytes, by the deadline of the settings at most.

        Raises what the engine raises, and QueryError for an answer longer than `LONGEST`.
        """
        answer = await self.engine.answer(query, seconds)
        return answer.kind, await _whole(answer)

    async def origins(
        self, query: Query, kind: Kind, body: bytes, seconds: float
    ) -> list[Origin] | None:
        """The graphs without which the answer would be another one; None where that is not known.

        It is not known where an answer has several grounds and stands without any one of them.
        `seconds` is what the answer took: only a quick query is asked again, once without each
        graph in turn. A query that names its graphs itself says which they are.
        """
        graphs = [iri for iri in self.summary.graphs if iri]
        if not self.summary.union or seconds > _PROMPT or has_dataset_clause(query.text):
            return None
        again = query._replace(graph_format="ntriples")
        found = []
        try:
            async with asyncio.timeout(_ENOUGH):
                if kind is Kind.GRAPH:
                    body = await self.body(again, _ENOUGH)
                for left_out in graphs:
                    rest = tuple(graph for graph in graphs if graph != left_out)
                    without = again._replace(default_graphs=rest, named_graphs=rest)
                    if _print(kind, await self.body(without, _ENOUGH)) != _print(kind, body):
                        found.append(left_out)
        except (TimeoutError, Busy, QueryError):
            return None
        return [origin for graph in found if (origin := self.origin(graph)) is not None] or None

    def origin(self, graph: str | None) -> Origin | None:
        """How the facts of a graph came about; None for none."""
        if graph is None:
            return None
        short = Writer(self.summary.prefixes).short(graph)
        return Origin(graph=short, basis=self._bases.get(graph, "given"))

    def full(self, node: str) -> str:
        """The IRI that an IRI, a CURIE or a key such as `task/1-2` names.

        Raises QueryError for anything else.
        """
        thing = self.index.thing(node) or self.index.thing(f"id/{node}")
        if thing is not None:
            return thing.iri
        with contextlib.suppress(SettingError):
            return full_iri(node, self.summary.prefixes)
        hits = self.index.search(node)[:1]
        if hits and hits[0].match.worth >= EXACT:
            return hits[0].thing.iri
        near = ", ".join(hit.thing.curie for hit in self.index.search(node)[:5])
        told = f" Near to it: {near}." if near else " The tool search finds things by name."
        raise QueryError(f"{node[:100]!r} is no IRI, CURIE or key that is known.{told}")


def _print(kind: Kind, body: bytes) -> bytes:
    """The answer whatever the order of its rows or triples, in few bytes."""
    if kind is Kind.GRAPH:
        parts = sorted(body.splitlines())
    else:
        results = Results(body)
        parts = sorted(str(sorted(row.items())).encode() for row in results.bindings)
        parts.append(str(results.boolean).encode())
    return hashlib.sha256(b"\n".join(parts)).digest()


async def _whole(answer: Answer) -> bytes:
    """All of an answer, which is stopped where it grows too long."""
    if answer.body is not None:
        return answer.body
    assert answer.chunks is not None  # noqa: S101 - an answer has either
    pieces, length = [], 0
    async with contextlib.aclosing(answer.chunks) as chunks:  # type: ignore[type-var]
        async for piece in chunks:
            pieces.append(piece)
            length += len(piece)
            if length > LONGEST:
                raise QueryError(
                    f"The answer is longer than {LONGEST >> 20} MiB: ask for less with LIMIT."
                )
    return b"".join(pieces)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(path, str(error)) from None
