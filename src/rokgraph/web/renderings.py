"""The answer to one question as a page, as a workbook, and as code that asks for it.

Rule: makes bytes of what it is given; asks for nothing but names.
"""

import asyncio
import json
from dataclasses import dataclass
from types import MappingProxyType

from rokgraph import __version__, formats
from rokgraph.curies import short_iri
from rokgraph.library import SavedQuery, without_header
from rokgraph.parameters import LANGUAGES
from rokgraph.snapshot import Summary
from rokgraph.web.arguments import Arguments
from rokgraph.web.exchange import Exchange
from rokgraph.web.members import Members
from rokgraph.web.negotiation import HTML
from rokgraph.web.templating import render
from rokgraph.workbook import MEDIA_TYPE, workbook

PATH = "/queries/"
SNIPPETS = MappingProxyType(
    {"curl": "curl", "python": "Python", "r": "R", "javascript": "JavaScript"}
)
# What a question is answered in, the most wanted first: short name, which is the suffix, and types.
OFFERED = MappingProxyType(
    {
        **{entry.name: entry.media_types for entry in formats.RESULT_FORMATS},
        "html": (HTML,),
        "xlsx": (MEDIA_TYPE,),
        "rq": ("application/sparql-query",),
    }
)


@dataclass(frozen=True, slots=True)
class Rendering:
    """One question as it is asked: with which arguments, under which address of the service."""

    saved: SavedQuery
    arguments: Arguments
    summary: Summary
    base_url: str

    @property
    def path(self) -> str:
        """The address of the question without a format, on this service."""
        return PATH + self.saved.name

    @property
    def part(self) -> dict[str, object]:
        """Which part of the rows is asked for, as it stands in an address."""
        return {"limit": self.arguments.limit, "offset": self.arguments.offset or None}

    def snippet(self, language: str) -> bytes:
        """Code that asks for the same and prints it; `language` is one of `SNIPPETS`."""
        base = self.base_url + self.path
        code = render(
            f"snippets/{language}.j2",
            title=self.saved.title["en"],
            url=self.arguments.url(base, **self.part),
            csv=self.arguments.url(base + ".csv", **self.part),
        )
        return code + b"\n"

    async def page(
        self, results: bytes, total: int, text: str, of: tuple[Exchange, Members]
    ) -> bytes:
        """The page: the question, its parameters, the rows of `results` (JSON), of `total`."""
        document = json.loads(results)
        return render(
            "question.html",
            title=self.saved.title["en"],
            digest=self.summary.digest,
            saved=self.saved,
            path=self.path,
            parameters=[await self._shown(name, of) for name in self.saved.parameters],
            variables=document["head"]["vars"],
            rows=document["results"]["bindings"],
            total=total,
            offset=self.arguments.offset,
            links=self.arguments.links(self.path, total),
            formats=[
                (name, self.arguments.url(f"{self.path}.{name}", **self.part))
                for name in OFFERED
                if name != "html"
            ],
            query=without_header(text),
            snippets=[(label, self.snippet(name).decode()) for name, label in SNIPPETS.items()],
        )

    async def workbook(self, results: bytes, total: int, text: str, version: str) -> bytes:
        """The workbook of the rows of `results` (JSON); `version` is that of the dataset."""
        saved = self.saved
        about = [
            ("title", saved.title["en"]),
            ("제목", saved.title["ko"]),
            ("description", saved.description.get("en", "")),
            ("설명", saved.description.get("ko", "")),
            *((f"parameter {name}", str(term)) for name, term in self.arguments.terms.items()),
            ("rows in all", str(total)),
            ("rows before these", str(self.arguments.offset)),
            ("dataset", f"sha256:{self.summary.digest}"),
            ("dataset version", version),
            ("software", f"rokgraph {__version__}"),
            ("query", text),
        ]
        # In a thread: a large one takes a second, and others are waiting.
        return await asyncio.to_thread(workbook, results, about)

    async def _shown(self, name: str, of: tuple[Exchange, Members]) -> dict[str, object]:
        """A parameter as the form of the page shows it."""
        wanted = self.saved.parameters[name]
        value = self.arguments.given.get(name, wanted.default or "")
        options: list[tuple[str, str]] = []
        if wanted.kind == "iri":
            exchange, members = of
            options = [(m.short, m.label) for m in await members.of(exchange, wanted.of or "")]
            if name in self.arguments.terms:
                value = short_iri(self.arguments.terms[name].value, self.summary.prefixes)
        elif wanted.kind in ("choice", "language"):
            options = [(choice, choice) for choice in wanted.choices or LANGUAGES]
        if options and wanted.default is None:
            options = [("", "*"), *options]
        return {"parameter": wanted, "value": value, "options": options}
