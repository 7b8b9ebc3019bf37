"""The answer to one question as a page, as a workbook, and as code that asks for it.

Rule: makes bytes of what it is given; asks for nothing but names.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from rokgraph import __version__, formats
from rokgraph.curies import short_iri
from rokgraph.library import SavedQuery, without_header
from rokgraph.parameters import LANGUAGES
from rokgraph.snapshot import Summary
from rokgraph.web.arguments import Arguments
from rokgraph.web.cells import Cells, Names, cells, telling
from rokgraph.web.citation import Citation
from rokgraph.web.exchange import Exchange
from rokgraph.web.frame import Frame
from rokgraph.web.language import words
from rokgraph.web.members import Member, Members
from rokgraph.web.negotiation import HTML
from rokgraph.web.plots import Bars, Timeline, bars, timeline
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

# The same as a page offers them: what analysts open first.
_TAKEN = ("csv", "xlsx", "json", "xml", "tsv", "rq")


class Figure(NamedTuple):
    """A drawing; of bars also column and value of each, group by group, and their unit."""

    plot: Bars | Timeline | None
    told: list[list[tuple[str, str]]]
    unit: str


@dataclass(frozen=True, slots=True)
class Rendering:
    """One question as it is asked: with which arguments, under which address of the service.

    `total` is how many rows it has in all.
    """

    saved: SavedQuery
    arguments: Arguments
    summary: Summary
    base_url: str
    frame: Frame
    total: int = 0

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
        self,
        results: bytes,
        text: str,
        names: Names,
        cited: Citation,
        of: tuple[Exchange, Members],
    ) -> bytes:
        """The page: the question, its parameters, the rows of `results` (JSON), of `total`."""
        document, language = json.loads(results), self.frame.language
        found = cells(document["results"]["bindings"], names, self.summary.prefixes)
        return self.frame.page(
            "question.html",
            title=self.saved.title[language],
            section="questions",
            saved=self.saved,
            path=self.path,
            parameters=[await self._shown(name, names, of) for name in self.saved.parameters],
            variables=telling(document["head"]["vars"], found),
            rows=found,
            figure=_figure(self.saved, found, language),
            total=self.total,
            first=self.arguments.offset + 1,
            last=self.arguments.offset + len(found),
            links=self.arguments.links(self.path, self.total),
            of=self.arguments.url(f"{self.path}.json", **self.part),
            formats=[
                (name, self.arguments.url(f"{self.path}.{name}", **self.part)) for name in _TAKEN
            ],
            query=without_header(text),
            snippets=[(label, self.snippet(name).decode()) for name, label in SNIPPETS.items()],
            cited=cited,
        )

    async def workbook(self, results: bytes, text: str, version: str) -> bytes:
        """The workbook of the rows of `results` (JSON); `version` is that of the dataset."""
        saved = self.saved
        about = [
            ("title", saved.title["en"]),
            ("제목", saved.title["ko"]),
            ("description", saved.description.get("en", "")),
            ("설명", saved.description.get("ko", "")),
            *((f"parameter {name}", str(term)) for name, term in self.arguments.terms.items()),
            ("rows in all", str(self.total)),
            ("rows before these", str(self.arguments.offset)),
            ("dataset", self.summary.name),
            ("dataset version", version),
            ("software", f"rokgraph {__version__}"),
            ("query", text),
        ]
        # In a thread: a large one takes a second, and others are waiting.
        return await asyncio.to_thread(workbook, results, about)

    async def _shown(
        self, name: str, names: Names, of: tuple[Exchange, Members]
    ) -> dict[str, object]:
        """A parameter as the form of the page shows it."""
        wanted = self.saved.parameters[name]
        value = self.arguments.given.get(name, wanted.default or "")
        options: list[tuple[str, str]] = []
        if wanted.kind == "iri":
            exchange, members = of
            if wanted.of:
                found = await members.of(exchange, wanted.of)
                options = [(member.short, self._named(member, names)) for member in found]
            if name in self.arguments.terms:
                value = short_iri(self.arguments.terms[name].value, self.summary.prefixes)
        elif wanted.kind == "choice":
            options = [(choice, choice) for choice in wanted.choices]
        elif wanted.kind == "language":
            common = words(self.frame.language, "common")
            options = [(language, common[language]) for language in LANGUAGES]
        return {"parameter": wanted, "value": value, "options": options}

    def _named(self, member: Member, names: Names) -> str:
        """What a form calls a member of a class: its name in the reader's language, its CURIE."""
        name = names.get(member.iri)
        told = name and (getattr(name, self.frame.language) or name.en or name.ko)
        return f"{told} ({member.short})" if told else member.label


def _figure(saved: SavedQuery, rows: Sequence[Cells], language: str) -> Figure:
    """What the view of a query draws of these rows."""
    wanted = saved.figure
    if "when" in wanted:
        lanes = [
            (_label(row, wanted["label"], language), row[wanted["when"]].value)
            for row in rows
            if wanted["when"] in row
        ]
        return Figure(timeline(lanes), [], "")
    pairs = wanted.get("pairs") or [(wanted.get("label", []), *wanted.get("value", []))]
    told: list[tuple[str, list[tuple[str, str]]]] = []
    for row in rows:
        for label, *columns in pairs:
            values = [(name, row[name].value) for name in columns if name in row]
            told.append(
                (_label(row, [label] if isinstance(label, str) else label, language), values)
            )
    plot = bars([(label, [float(value) for _, value in values]) for label, values in told])
    return Figure(plot, [values for _, values in told], wanted.get("unit", ""))


def _label(row: Cells, columns: Sequence[str], language: str) -> str:
    return " · ".join(row[name].told(language) for name in columns if name in row)
