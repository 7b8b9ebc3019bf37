"""Every number on every page is what a query answers, asked again over HTTP.

A number stands in a `<data>` with the column it is from (`data-column`) and, on itself or on what
is around it, the address of the rows (`data-of`), or of RDF, where the column is a property. The
numbers of one row of a table must stand together in one solution, and that solution must be about
the thing that the row links to first.
"""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import urldefrag

import pytest
from lxml import html

from addresses import FIXED, LANGUAGES, Address, entities, questions
from rokgraph.web.signposting import local
from running import ROOT, Server
from weighing import ready

Solution = dict[str, str]
_JSON = {"accept": "application/sparql-results+json, application/ld+json;q=0.5"}
_SIZE = "SELECT (COUNT(*) AS ?size) WHERE { GRAPH ?g { ?s ?p ?o } }"
TEMPLATES = ROOT / "src" / "rokgraph" / "web" / "templates"
# What a template may not print: a number made there. `loop.index` is a position, and geometry.
_MADE = re.compile(r"{{[^{}]*(?:\|\s*(?:length|count|sum)\b|loop\.index0?\b|range\()[^{}]*}}")


def number(text: str) -> Decimal | str:
    """The value that a text stands for, so that 5 is 5.0; else the text."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def bound(results: Any) -> list[Solution]:
    """The solutions of a query."""
    return [
        {name: term["value"] for name, term in row.items()}
        for row in results["results"]["bindings"]
    ]


def described(graph: Any) -> list[Solution]:
    """The things that a graph describes: the catalogue says of itself what it counted."""
    return [
        {name: values[0]["@value"] for name, values in thing.items() if "@value" in values[0]}
        for thing in graph
    ]


class Asking:
    """The server and what it answered already."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._solutions: dict[str, list[Solution]] = {}

    def page(self, address: Address, language: str) -> html.HtmlElement:
        ready(self.server.client, address)
        answer = self.server.client.get(address.url(language), headers={"accept": "text/html"})
        assert answer.status_code == address.status, (address.path, answer.text[:300])
        return html.document_fromstring(answer.content)

    def solutions(self, of: str) -> list[Solution]:
        """The rows at an address on a page."""
        if of not in self._solutions:
            answer = self.server.client.get(of, headers=_JSON)
            assert answer.status_code == 200, (of, answer.text[:300])
            linked = answer.headers["content-type"].startswith("application/ld+json")
            self._solutions[of] = (described if linked else bound)(answer.json())
        return self._solutions[of]


@pytest.fixture(scope="module")
def asking(server: Server) -> Asking:
    return Asking(server)


def around(element: html.HtmlElement, tag: str) -> html.HtmlElement | None:
    """The nearest element of that name around this one."""
    return next(element.iterancestors(tag), None)


def address_of(element: html.HtmlElement) -> str | None:
    """The address of the rows that a number is from."""
    own: str | None = element.get("data-of")
    return own or next(
        (value for outer in element.iterancestors() if (value := outer.get("data-of"))), None
    )


def numbers(page: html.HtmlElement) -> Iterator[html.HtmlElement]:
    """The numbers of the content."""
    yield from page.xpath("//data[not(ancestor::footer)]")


def bare(page: html.HtmlElement) -> list[str]:
    """The cells of numbers whose number says not where it is from."""
    return [
        f"{text!r} stands bare in a cell of numbers"
        for cell in page.xpath("//td[contains(concat(' ', @class, ' '), ' num ')]")
        if not cell.findall(".//data")
        and re.fullmatch(r"[\d.,]*\d[\d.,]*\s*%?", text := cell.text_content().strip())
    ]


def agree(solution: Solution, wanted: list[tuple[str, str]]) -> bool:
    return all(
        column in solution and number(solution[column]) == number(value) for column, value in wanted
    )


@cache
def _addresses_of(iri: str) -> frozenset[str]:
    """Where links to a thing lead."""
    here = local(iri)
    return frozenset((iri, here, "/doc" + here))


def first_thing(row: html.HtmlElement, solutions: list[Solution]) -> frozenset[str] | None:
    """The addresses of the first thing in a row of a table that the solutions are about."""
    known = {
        place: _addresses_of(value)
        for solution in solutions
        for value in solution.values()
        if value.startswith("http")
        for place in _addresses_of(value)
    }
    for link in row.iter("a"):
        target = urldefrag(link.get("href") or "").url
        if target and target in known:
            return known[target]
    return None


def faults(asking: Asking, page: html.HtmlElement) -> list[str]:
    """What is wrong with the numbers of a page."""
    found = bare(page)
    rows: dict[tuple[html.HtmlElement, str], list[tuple[str, str]]] = {}
    for element in numbers(page):
        value, column, of = element.get("value"), element.get("data-column"), address_of(element)
        shown = f"{element.text_content()!r} ({column})"
        if not value or not column or not of:
            found.append(f"{shown} says not where it is from")
            continue
        solutions = asking.solutions(of)
        if not any(agree(solution, [(column, value)]) for solution in solutions):
            found.append(f"{shown} is not in {of}")
        elif (row := around(element, "tr")) is not None:
            rows.setdefault((row, of), []).append((column, value))
    for (row, of), wanted in rows.items():
        found += _row_faults(asking.solutions(of), row, wanted)
    return found


def _row_faults(
    solutions: list[Solution], row: html.HtmlElement, wanted: list[tuple[str, str]]
) -> list[str]:
    thing = first_thing(row, solutions)
    if thing is not None:
        solutions = [one for one in solutions if thing & set(one.values())]
    often = Counter(column for column, _ in wanted)
    once = [pair for pair in wanted if often[pair[0]] == 1]
    # a column that stands in a row more than once is of several solutions
    together = [[*once, pair] for pair in wanted if often[pair[0]] > 1] or [once]
    return [
        f"no solution has {pairs} together, of the row {row.text_content().split()[:12]}"
        for pairs in together
        if not any(agree(solution, pairs) for solution in solutions)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", [*FIXED, *questions()], ids=str)
def test_each_number_of_a_page_is_what_its_query_answers(
    asking: Asking, address: Address, language: str
) -> None:
    assert faults(asking, asking.page(address, language)) == []


@pytest.mark.parametrize("address", entities(), ids=str)
def test_each_number_of_a_thing_is_what_its_query_answers(asking: Asking, address: Address) -> None:
    for language in LANGUAGES:
        assert faults(asking, asking.page(address, language)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_foot_of_each_page_has_the_size_of_the_dataset(asking: Asking, language: str) -> None:
    size = asking.server.get(_SIZE, **_JSON).json()["results"]["bindings"][0]["size"]["value"]
    for address in FIXED:
        found = asking.page(address, language).xpath("//footer//data")
        assert [element.get("value") for element in found] == [size]
        assert [number(element.text_content().replace(",", "")) for element in found] == [
            number(size)
        ]


def test_pages_with_figures_have_numbers_at_all(asking: Asking) -> None:
    """What finds no number would find no fault."""
    named = {address.name: address for address in FIXED}
    for name in ("overview", "figures", "laws", "validation"):
        assert list(numbers(asking.page(named[name], "en"))), name


# Numbers that are made in a template all the same: (template, what it prints) and why.
_ALLOWED: dict[str, str] = {}


@pytest.mark.parametrize(
    "name", sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
)
def test_no_template_counts(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    made_here = [found[0] for found in _MADE.finditer(text)]
    assert [found for found in made_here if f"{name}: {found}" not in _ALLOWED] == []
