"""The page of the query editor: empty, with an answer, with a refusal.

Rule: makes the page of what it is given; the query stands in a plain form, and the script that
turns it into an editor is there or not.
"""

import json
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlencode

from rokgraph import formats
from rokgraph.library import saved_queries, saved_query, without_header
from rokgraph.query import Kind
from rokgraph.web.answering import about_dataset
from rokgraph.web.cache import Kept
from rokgraph.web.cells import cells
from rokgraph.web.citation import citation
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.language import words
from rokgraph.web.listing import groups
from rokgraph.web.lookup import Lookup
from rokgraph.web.problems import Draw
from rokgraph.web.request import Asked
from rokgraph.web.templating import render

PATH = "/sparql"
_SHOWN = 500  # rows on a page
_VENDOR = Path(__file__).parent / "static" / "vendor" / "yasqe.min.js"
_LANGUAGES = MappingProxyType(
    {"curl": "curl", "python": "Python", "r": "R", "javascript": "JavaScript"}
)
_ACCEPT = {
    Kind.SOLUTIONS: "text/csv",
    Kind.BOOLEAN: "application/sparql-results+json",
    Kind.GRAPH: "text/turtle",
}


class Editor:
    """The pages at `/sparql` of one server."""

    def __init__(self, service: Service, lookup: Lookup) -> None:
        """Offer the questions that are files now."""
        self._service, self._lookup = service, lookup
        queries = service.engine.settings.root / "queries"
        self._questions = saved_queries(queries.parent, "questions")
        self._views = saved_queries(queries.parent, "views")
        self._about = saved_query(queries / "views" / "about-dataset.rq").text
        self._first = without_header(saved_query(queries / "pages" / "first.rq").text)
        self.scripted = _VENDOR.exists()

    def blank(self, exchange: Exchange, name: str | None) -> bytes:
        """The page without an answer: the query of that name in it, else a first one."""
        known = (*self._questions, *self._views)
        saved = next((one for one in known if one.name == name), None)
        text = self._first if saved is None else without_header(saved.text)
        return self._page(exchange, Asked(text, None, None, None, None), saved=saved)

    async def answered(self, exchange: Exchange, asked: Asked, kept: Kept | None) -> bytes:
        """The page with the answer to what was asked; None for one that is too large."""
        text = asked.text or ""
        kind = Kind.SOLUTIONS if kept is None else kept.kind
        table = formats.GRAPH_FORMATS if kind is Kind.GRAPH else formats.RESULT_FORMATS
        base = self._service.base_url(exchange.scope, exchange.headers)
        found = await self._found(kept)
        return self._page(
            exchange,
            asked,
            answer={"kind": "large" if kept is None else kind.value, **found},
            links=[(entry.name, _address(asked, entry.name)) for entry in table],
            of=_address(asked, "json"),
            snippets=_snippets(base + PATH, text, kind),
            cited=citation(
                _words(exchange)["cited"],
                base + _address(asked),
                await about_dataset(exchange, self._about),
                exchange.frame.dataset,
            ),
        )

    def refused(self, exchange: Exchange, asked: Asked) -> Draw:
        """What makes the page that tells why what was asked was not answered."""

        def draw(told: Mapping[str, object]) -> bytes:
            line, column = told.get("line") or 0, told.get("column") or 0
            assert isinstance(line, int)  # noqa: S101 - as the members of a problem are
            assert isinstance(column, int)  # noqa: S101
            place = _place(asked.text or "", line, column) if line else None
            return self._page(exchange, asked, refusal=told, place=place)

        return draw

    async def _found(self, kept: Kept | None) -> dict[str, object]:
        """What an answer holds, as the page shows it."""
        if kept is None:
            return {}
        if kept.kind is Kind.GRAPH:
            return {"text": kept.body.decode()}
        document = json.loads(kept.body)
        if kept.kind is Kind.BOOLEAN:
            return {"yes": document["boolean"]}
        solutions, names = document["results"]["bindings"], await self._lookup.names()
        prefixes = self._service.engine.summary.prefixes
        return {
            "variables": document["head"]["vars"],
            "rows": cells(solutions[:_SHOWN], names, prefixes),
            "total": len(solutions),
            "shown": _SHOWN,
        }

    def _page(self, exchange: Exchange, asked: Asked, **values: object) -> bytes:
        text = asked.text or ""
        nothing = dict.fromkeys(("saved", "answer", "refusal", "place", "cited"))
        return exchange.frame.page(
            "query.html",
            title=_words(exchange)["title"],
            section="questions",
            query=text,
            graphs=_graphs(asked),
            height=min(max(text.count("\n") + 2, 5 if values.get("answer") else 10), 22),
            groups=groups(self._questions),
            scripted=self.scripted,
            endpoint=self._service.base_url(exchange.scope, exchange.headers) + PATH,
            **{**nothing, **values},
        )


def _words(exchange: Exchange) -> Mapping[str, str]:
    return words(exchange.frame.language, "query")


def _address(asked: Asked, form: str | None = None) -> str:
    """Where it is answered, in that format or as a client likes."""
    pairs = [("query", asked.text or ""), *_graphs(asked)]
    return f"{PATH}?{urlencode([*pairs, ('format', form)] if form else pairs)}"


def _graphs(asked: Asked) -> list[tuple[str, str]]:
    """The graphs that are asked, as parameters of the protocol.

    See https://www.w3.org/TR/sparql11-protocol/#dataset
    """
    named = (("default-graph-uri", asked.default_graphs), ("named-graph-uri", asked.named_graphs))
    return [(name, graph) for name, graphs in named for graph in graphs or ()]


def _place(text: str, line: int, column: int) -> dict[str, object]:
    """A place in a query: its line, what stands before and at it there, and a caret below."""
    lines = text.split("\n")
    shown = lines[line - 1] if line <= len(lines) else ""
    before = shown[: column - 1]
    return {
        "line": line,
        "column": column,
        "above": lines[line - 2] if line > 1 else None,
        "text": shown,
        "caret": "".join(_blank(sign) for sign in before) + "^",
    }


def _blank(sign: str) -> str:
    """A blank as wide as a sign in a font of one width."""
    return sign if sign == "\t" else "  " if unicodedata.east_asian_width(sign) in "WF" else " "


def _snippets(endpoint: str, text: str, kind: Kind) -> Sequence[tuple[str, str]]:
    """Code that asks the same: the name of its language, and its text."""
    lines = [json.dumps(line, ensure_ascii=False) for line in text.splitlines(keepends=True)]
    values = {
        "endpoint": endpoint,
        "lines": lines,
        "quoted": shlex.quote("query=" + text),
        "accept": _ACCEPT[kind],
        "rows": kind is Kind.SOLUTIONS,
    }
    return [
        (label, render(f"snippets/query/{name}.j2", **values).decode())
        for name, label in _LANGUAGES.items()
    ]
