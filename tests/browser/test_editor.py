"""The query editor as an analyst uses it: typed, completed, run, mended, opened, shared."""

import csv
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from running import ROOT, Server, missing

VENDOR = ROOT / "src" / "rokgraph" / "web" / "static" / "vendor"
ROK = "https://w3id.org/rokgraph/ont#"
BEGUN = f"PREFIX rok: <{ROK}>\nSELECT ?task ?number WHERE {{\n  ?task a rok:Task ; rok:ordi"
REST = " ?number }\nORDER BY ?task"
ASKED = f"{BEGUN}nal{REST}"
WRONG = "SELECT ?task WHERE {\n  ?task a ?class\n  nonsense here\n}"
EDITOR = "document.querySelector('.CodeMirror').CodeMirror"
VALUE = f"{EDITOR}.getValue()"
PATIENCE = 10  # seconds
ANSWER = "#answer table tbody tr"
_Reader = Callable[..., BrowserContext]


@pytest.fixture
def page(reader: _Reader) -> Page:
    """The editor, open and empty."""
    if not (VENDOR / "done").exists():
        missing("the script of the query editor (make assets)")
    page = reader("en").new_page()
    page.goto("/sparql")
    expect(page.locator(".CodeMirror")).to_be_visible()
    emptied(page)
    return page


def emptied(page: Page) -> None:
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")


def typed(page: Page, text: str) -> None:
    """Put a text into the editor as by pasting it: brackets are not closed by themselves."""
    page.keyboard.insert_text(text)


def held(page: Page) -> str:
    """The text in the editor."""
    return str(page.evaluate(VALUE))


def waited(page: Page, expression: str) -> Any:
    """The value of an expression once it has one; the policy of the page lets nothing poll it."""
    until = time.monotonic() + PATIENCE
    while not (value := page.evaluate(expression)):
        assert time.monotonic() < until, expression
        page.wait_for_timeout(50)
    return value


def asked(page: Page) -> str:
    """The query in the address of the page."""
    return parse_qs(urlsplit(page.url).query).get("query", [""])[0]


def answered(server: Server, query: str) -> int:
    """How many rows the endpoint answers."""
    return len(list(csv.reader(server.get(query, accept="text/csv").text.splitlines()))) - 1


def test_a_property_is_completed_and_the_query_run(page: Page, server: Server) -> None:
    typed(page, BEGUN)
    page.keyboard.press("Control+Space")
    # the only one there is may have been taken at once
    waited(page, f"document.querySelector('.CodeMirror-hints li') || {VALUE}.includes('ordinal')")
    if not held(page).endswith("ordinal"):
        expect(page.locator(".CodeMirror-hints li").first).to_contain_text("ordinal")
        page.keyboard.press("Enter")
    assert held(page) == f"{BEGUN}nal"
    typed(page, REST)
    assert held(page) == ASKED
    page.locator("#run").click()
    expect(page.locator(ANSWER).first).to_be_visible()
    assert " ".join(asked(page).split()) == " ".join(ASKED.split())
    assert page.locator(ANSWER).count() == answered(server, ASKED)


def test_the_keyboard_runs_a_query_and_leaves_the_editor(page: Page) -> None:
    typed(page, "ASK { ?s ?p ?o }")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#answer")).to_contain_text("Yes.")
    page.locator(".CodeMirror").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.CodeMirror')") is None


def test_an_error_is_marked_at_its_line_and_column(page: Page, server: Server) -> None:
    told = server.get(WRONG, accept="application/json").json()
    typed(page, WRONG)
    page.locator("#run").click()
    refusal = page.locator("#refusal")
    expect(refusal).to_be_visible()
    assert f"{told['line']}" in refusal.inner_text()
    mark, caret = (refusal.locator(f".place {tag}").inner_text() for tag in ("mark", "b"))
    assert mark.rstrip("\n") == WRONG.splitlines()[told["line"] - 1]
    assert caret.index("^") == told["column"] - 1
    assert held(page) == WRONG
    place = waited(page, f"{EDITOR}.getAllMarks()[0]?.find().from")
    assert (place["line"], place["ch"]) == (told["line"] - 1, told["column"] - 1)


def test_an_example_is_opened_and_run(page: Page, server: Server) -> None:
    text = (ROOT / "queries" / "questions" / "tasks-per-strategy.rq").read_text(encoding="utf-8")
    page.locator(".shelf a[href$='tasks-per-strategy']").click()
    expect(page.locator(".CodeMirror")).to_be_visible()
    assert "".join(line for line in text.splitlines() if not line.startswith("#+")).split() == (
        "".join(line for line in held(page).splitlines() if not line.startswith("#+")).split()
    )
    page.locator("#run").click()
    expect(page.locator(ANSWER).first).to_be_visible()
    assert page.locator(ANSWER).count() == answered(server, text)


def test_a_link_shows_the_same_to_somebody_else(page: Page, reader: _Reader) -> None:
    typed(page, ASKED)
    page.locator("#run").click()
    expect(page.locator(ANSWER).first).to_be_visible()
    other = reader("en").new_page()
    other.goto(page.url)
    assert held(other) == ASKED
    assert other.locator(ANSWER).all_inner_texts() == page.locator(ANSWER).all_inner_texts()


def test_without_scripts_it_is_a_form(reader: _Reader, server: Server) -> None:
    page = reader("en", scripts=False).new_page()
    page.goto("/sparql")
    page.locator("#query").fill(ASKED)
    page.locator("#run").click()
    assert page.locator("#query").input_value() == ASKED
    assert page.locator(ANSWER).count() == answered(server, ASKED)
