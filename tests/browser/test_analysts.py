"""What a policy analyst comes for, done by clicking from the front page in four clicks at most.

A click is a click; typing into a search box and Enter is one, and so is choosing from a list.
What must be found is written here from the release and the acts, not read off the graph. The
paths taken are printed after a run.
"""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from browser.paths import PATHS
from running import ROOT

MOST = 4  # clicks
EXPECTED = ROOT / "tests" / "expected"
TRILLION = "1020000000000"


class Analyst:
    """A reader at the front page, whose clicks are counted and noted."""

    def __init__(self, page: Page, errand: str) -> None:
        self.page, self.errand = page, errand
        self.steps: list[str] = []
        page.goto("/")

    def click(self, target: Locator, told: str = "") -> None:
        """Click on what is seen; `told` where its own words say too little."""
        self.steps.append(told or " ".join((target.text_content() or "").split())[:40])
        target.click()
        self.page.wait_for_load_state()

    def menu(self, name: str) -> None:
        self.click(self.page.locator(".site-head nav").first.get_by_role("link", name=name))

    def search(self, words: str) -> None:
        box = self.page.locator(".find input")
        box.fill(words)
        box.press("Enter")
        self.page.wait_for_url("**/search*")
        self.steps.append(f"search “{words}”")

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=option)
        self.steps.append(f"{label}: {option}")

    def link(self, name: str | re.Pattern[str], *, within: str = "main") -> Locator:
        return self.page.locator(within).get_by_role("link", name=name).first

    def row(self, *texts: str, within: str = "main") -> Locator:
        """The first row of a table that has all of these texts."""
        found = self.page.locator(f"{within} tbody tr")
        for text in texts:
            found = found.filter(has_text=text)
        return found.first

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.page.url).path)


@pytest.fixture(scope="module")
def context(reader: Callable[..., BrowserContext]) -> BrowserContext:
    return reader("en")


@pytest.fixture
def analyst(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Analyst]:
    """A reader with an errand: the name of the test says which."""
    errand = request.node.name.removeprefix("test_").replace("_", " ")
    page = context.new_page()
    found = Analyst(page, errand)
    yield found
    page.close()
    PATHS.append((errand, tuple(found.steps)))
    assert len(found.steps) <= MOST, found.steps


def column(name: str, of: str) -> list[str]:
    """A column of an expected answer."""
    with (EXPECTED / f"{name}.csv").open(encoding="utf-8") as lines:
        return [row[of] for row in csv.DictReader(lines)]


def test_from_ai_to_the_act_that_governs_it_and_its_date_in_force(analyst: Analyst) -> None:
    analyst.search("AI")
    analyst.click(analyst.link("Artificial intelligence"))
    analyst.click(analyst.link(re.compile("^Trace")))
    analyst.click(analyst.link(re.compile("Act on the Development of Artificial Intelligence")))
    assert analyst.path.startswith("/doc/id/act/")
    expect(analyst.page.locator("main time[datetime='2026-01-22']").first).to_be_visible()


def test_everything_due_in_2024(analyst: Analyst) -> None:
    analyst.menu("Deadlines")
    analyst.choose("Year", "2024")
    analyst.click(analyst.page.get_by_role("button", name="Apply"))
    shown = analyst.page.locator("main table").first.inner_text()
    for label in column("due-in-2024", "actionLabel"):
        assert label in shown
    days = analyst.page.locator("main table").first.locator("td:first-child > time").all()
    assert {day.get_attribute("datetime") or "" for day in days} == {"2024"}


def test_which_promises_have_no_deadline(analyst: Analyst) -> None:
    analyst.menu("Deadlines")
    analyst.click(analyst.link("Promises without a deadline"))
    assert analyst.page.url.endswith("#gaps")
    gaps = analyst.page.locator("[aria-labelledby=gaps] table")
    expect(gaps).to_be_in_viewport()
    shown = gaps.inner_text()
    assert "R&D investment in six digital technologies\tAction\t2023" in shown  # a start only
    assert "Digital Strategy Task Force\tAction\tno year" in shown


def test_where_the_text_says_1_02_trillion_won(analyst: Analyst) -> None:
    analyst.menu("Budgets and targets")
    start, end = (column("where-an-amount-is-stated", name)[0] for name in ("start", "end"))
    row = analyst.row("KRW 1.02 trillion")
    analyst.click(row.locator("a.span").last, "characters …")
    assert analyst.path == f"/doc/id/passage/p{start}-{end}"


def test_download_that_table(analyst: Analyst, tmp_path: Path) -> None:
    analyst.menu("Budgets and targets")
    with analyst.page.expect_download() as begun:
        analyst.steps.append("CSV")
        analyst.link("CSV").click()
    place = tmp_path / begun.value.suggested_filename
    begun.value.save_as(place)
    assert place.suffix == ".csv"
    with place.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert TRILLION in {row["amount"] for row in rows}


def test_which_tasks_rest_on_the_metaverse_law(analyst: Analyst) -> None:
    analyst.menu("Laws")
    analyst.click(analyst.row("Metaverse").get_by_role("link", name=re.compile("tasks")))
    stated = analyst.row("V-3", "Legal framework for digital economy and society")
    assert "stated" in stated.inner_text()
    assert "inferred" in analyst.row("I-5", "Digital platform industry").inner_text()


def test_which_ministry_a_task_falls_to_and_whether_that_is_stated(analyst: Analyst) -> None:
    analyst.menu("Tasks")
    row = analyst.row("Super-gap technology in six major digital technologies")
    told = " ".join(row.inner_text().split())
    assert "stated: no lead named" in told
    assert "inferred: Ministry of Science and ICT" in told


def test_what_became_of_the_digital_inclusion_act(analyst: Analyst) -> None:
    analyst.menu("Laws")
    row = analyst.row("Digital Inclusion Act")
    assert "enacted" in row.inner_text().lower()
    for day in ("2025-01-21", "2026-01-22"):
        assert row.locator(f"time[datetime='{day}']").count(), day


def test_the_budget_for_ai_and_its_source(analyst: Analyst) -> None:
    analyst.menu("Budgets and targets")
    for amount in column("ai-research-budgets", "won")[:2]:
        expect(analyst.page.locator(f"main td data[value='{amount}']").first).to_be_visible()
    analyst.choose("Technology", "Artificial intelligence")
    analyst.click(analyst.page.get_by_role("button", name="Apply"))
    analyst.click(analyst.row("KRW 301.8 billion").locator("a.span").last, "characters …")
    assert analyst.path.startswith("/doc/id/passage/")


def test_cite_the_page_of_a_task(analyst: Analyst, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    analyst.menu("Tasks")
    analyst.click(analyst.link("Super-gap technology in six major digital technologies"))
    analyst.click(analyst.page.get_by_text("Cite this"))
    shown = analyst.page.locator("details.cite span[data-copy]")
    button = analyst.page.locator("details.cite").get_by_role("button", name="Copy", exact=True)
    analyst.click(button.first)
    copied = analyst.page.evaluate("navigator.clipboard.readText()")
    assert copied == shown.inner_text()
    apa = (
        r"The rokgraph team\. \((\d{4}|n\.d\.)\)\. Super-gap technology in six major digital "
        r"technologies \[Data set\]\. In .*, version \d{4}\.\d \(sha256:[0-9a-f]{12}\)\. "
        r"https://\S+/id/task/1-1"
    )
    assert re.fullmatch(apa, copied), copied
    expect(analyst.page.get_by_role("button", name="Copied")).to_be_visible()


def test_switch_to_korean_and_stay_in_it(analyst: Analyst) -> None:
    analyst.click(analyst.page.locator(".languages a[hreflang=ko]"))
    analyst.menu("과제")
    analyst.click(analyst.page.locator("main tbody th a").first)
    analyst.menu("시한")
    assert analyst.page.get_attribute("html", "lang") == "ko"
    assert "lang" not in parse_qs(urlsplit(analyst.page.url).query)
    analyst.page.go_back()
    assert analyst.page.get_attribute("html", "lang") == "ko"
    analyst.page.context.clear_cookies()  # for who comes next
