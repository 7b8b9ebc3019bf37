"""The page of a thing: what each fact rests on, what is odd, what came of it, what is next."""

import gzip
import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import html

from rokgraph.web.branches import NARROW, WIDE, Branch, Leaf, draw, wrapped
from running import Server

DSK, G20 = "/doc/id/document/dsk.html", "/doc/id/event/g20-summit.html"
HEAVIEST = ("id/source/msit-eng-742", "id/strategy/1", "def/confidence/confirmed", "ont%23Citation")
ON_THE_WIRE = 60_000  # bytes
WARM = 0.05  # seconds


def read(server: Server, path: str, language: str = "en") -> html.HtmlElement:
    joined = "&" if "?" in path else "?"
    answer = server.client.get(f"{path}{joined}lang={language}", headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text[:300]
    return html.document_fromstring(answer.content)


def said(found: list[html.HtmlElement]) -> list[str]:
    return [" ".join(one.text_content().split()) for one in found]


def line(page: html.HtmlElement, name: str) -> list[html.HtmlElement]:
    """The facts of a property by its name."""
    found = page.xpath(f'//dl//div[dt[normalize-space()="{name}"]]//li')
    assert found, name
    return list(found)


def test_the_path_leads_from_the_strategy_to_the_thing(server: Server) -> None:
    page = read(server, "/doc/id/action/saas-companies.html")
    assert page.xpath('//nav[@class="crumbs"]//a/@href') == [
        "/", "/id/strategy/1", "/id/task/1-2", "/id/measure/1-2-software",
    ]  # fmt: skip
    assert said(page.xpath('//nav[@class="crumbs"]//*[@aria-current]')) == [
        "SaaS company fostering"
    ]


@pytest.mark.parametrize(
    ("language", "own", "other", "kind"),
    [
        ("en", "Sufficient digital resources", "충분한 디지털 자원 확보", "Task"),
        ("ko", "충분한 디지털 자원 확보", "Sufficient digital resources", "세부과제"),
    ],
)
def test_the_heading_is_in_the_language_of_the_reader(
    server: Server, language: str, own: str, other: str, kind: str
) -> None:
    page = read(server, "/doc/id/task/1-2.html", language)
    [heading] = page.xpath("//h1")
    [small] = heading.xpath("small")
    assert (heading.text, small.text) == (own, other)
    assert small.get("lang") == ("ko" if language == "en" else "en")
    assert said(page.xpath('//p[@class="eyebrow"]/a')) == [kind]


def test_each_kind_of_fact_says_what_it_rests_on(server: Server) -> None:
    page = read(server, "/doc/id/task/1-2.html")
    [part_of] = line(page, "Part of")  # stated: the span of the task, not that of the strategy
    assert part_of.xpath('.//a[@class="span"]/@href') == ["/id/passage/p2442-2545"]
    assert part_of.xpath('.//a[contains(@class, "chip stated")]/@href') == ["/graph/source"]
    first = line(page, "Consists of")[0]  # inferred from what its parts state
    assert first.xpath('.//a[@class="span"]/@href') == ["/id/passage/p2547-2974"]
    assert first.xpath('.//a[contains(@class, "chip inferred")]/@href') == ["/graph/inferred"]
    [remit] = line(page, "Within the remit of (our reading)")
    assert remit.xpath('.//a[contains(@class, "chip inferred")]/@href') == ["/graph/interpretation"]
    assert remit.xpath('.//a[@class="graph"]/@href') == ["/id/reading/1-2-remit-msit"]
    assert not remit.xpath('.//a[@class="span"]')
    assert "Probable" in remit.text_content()
    korean = line(page, "Name")[1]
    assert "/graph/context" in korean.xpath(".//a/@href")


def test_what_the_law_says_has_its_confidence_and_day(server: Server) -> None:
    page = read(server, "/doc/id/act/kr-20676.html")
    [force] = line(page, "In force from")
    assert said([force]) == ["22 Jan 2026 law Confirmed as of 19 Feb 2026"]


def test_every_fact_of_the_query_stands_on_the_page(server: Server) -> None:
    for key in ("task/1-2", "target/saas-companies", "act/kr-20676"):
        page = read(server, f"/doc/id/{key}.html")
        prefix, _, name = key.partition("/")
        asked = server.client.get("/queries/thing-facts.json", params={"thing": f"{prefix}:{name}"})
        text, links = page.text_content(), set(page.xpath("//a/@href"))
        dates = set(page.xpath("//time/@datetime")) | set(page.xpath("//data/@value"))
        for row in asked.json()["results"]["bindings"]:
            value = row["value"]
            if value["type"] == "uri":
                local = value["value"].replace("https://w3id.org/rokgraph/", "/")
                assert local in links, local
            elif value.get("datatype", "").endswith("boolean"):
                continue
            else:
                assert value["value"] in text or value["value"] in dates, value


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (DSK, "19 tasks announced, 18 headings printed"),
        (G20, "G20 summit dated November 2023"),
        ("/doc/id/action/emergency-rapid-reporting.html", "911 in place of 119"),
    ],
)
def test_a_discrepancy_stands_before_the_facts(server: Server, path: str, name: str) -> None:
    page = read(server, path)
    notes = said(page.xpath('//div[@class="note"][following::h2[@id="glance"]]'))
    assert any(note.startswith(name) for note in notes), notes


def test_a_note_of_ours_is_not_called_stated(server: Server) -> None:
    page = read(server, "/doc/id/target/saas-companies.html")
    [oddity] = line(page, "Known oddities")
    assert said(oddity.xpath('.//a[contains(@class, "chip")]')) == ["our note"]
    near = read(server, "/neighbourhood?of=target:saas-companies")
    [row] = near.xpath('//tbody/tr[td[normalize-space()="Known oddities"]]')
    assert "our note" in said([row])[0]


def test_what_is_odd_within_a_task_is_told_there(server: Server) -> None:
    page = read(server, "/doc/id/task/3-1.html")
    assert page.xpath(
        '//h2[@id="odd"]/following-sibling::details[1]//a[@href="/id/discrepancy/911"]'
    )


def test_outcomes_have_act_dates_evidence_and_day(server: Server) -> None:
    page = read(server, "/doc/id/task/5-3.html")
    [row] = page.xpath('//tr[td//a[@href="/id/outcome/digital-inclusion-act"]]')
    told = said([row])[0]
    for words in ("Enacted into law", "No. 20672", "21 Jan 2025", "22 Jan 2026", "Confirmed"):
        assert words in told
    assert "as of 19 Feb 2026" in told
    assert any(address.startswith("https://") for address in row.xpath(".//a/@href"))
    assert not read(server, "/doc/id/place/busan.html").xpath('//h2[@id="outcomes"]')


def test_what_points_here_is_counted_and_folded(server: Server) -> None:
    page = read(server, "/doc/id/source/msit-eng-742.html")
    number = page.xpath('//h2[@id="points"]/following-sibling::details/summary//data')[0]
    rows = server.client.get(number.get("data-of")).json()["results"]["bindings"]
    assert number.get("value") in {row["n"]["value"] for row in rows}
    assert not page.xpath('//h2[@id="points"]/following-sibling::details[@open]')


def test_the_aside_takes_the_thing_elsewhere(server: Server) -> None:
    page = read(server, "/doc/id/task/1-2.html")
    [identifier] = page.xpath("//aside//code[@data-copy]")
    assert (identifier.text, identifier.get("data-copied")) == (
        "https://w3id.org/rokgraph/id/task/1-2", "Copied",
    )  # fmt: skip
    for address in page.xpath("//aside//ul//a/@href"):
        assert server.client.get(address).status_code == 200, address
    assert page.xpath('//aside//a[@href="/trace?from=task:1-2"]')
    [bibtex] = page.xpath("//aside//pre/text()")
    assert "version = {2026.1}" in bibtex
    assert "url = {https://w3id.org/rokgraph/id/task/1-2}" in bibtex


def test_the_page_is_made_once_for_a_language(server: Server) -> None:
    path = "/doc/id/strategy/1.html"
    pages = {language: read(server, path, language).text_content() for language in ("en", "ko")}
    assert "At a glance" in pages["en"]
    assert "한눈에 보기" in pages["ko"]
    seconds = []
    for _ in range(20):
        begun = time.perf_counter()
        server.client.get(path, params={"lang": "ko"})
        seconds.append(time.perf_counter() - begun)
    assert sorted(seconds)[10] < WARM


@pytest.mark.parametrize("path", HEAVIEST)
def test_the_longest_pages_are_light(server: Server, path: str) -> None:
    page = server.client.get(f"/doc/{path}.html")
    assert len(gzip.compress(page.content)) < ON_THE_WIRE


# -- the words of the release ------------------------------------------------------------------


def test_without_a_copy_there_are_positions_and_digests_only(server: Server) -> None:
    page = read(server, "/doc/id/task/1-2.html")
    assert not page.xpath("//blockquote")
    assert "83e4d113c693652e481ded8321a8f280891dd74c74df14fb90d397631eb34519" in (
        page.text_content()
    )


def test_with_a_copy_the_words_are_those_of_the_digest(
    serve: Callable[..., Server], shared: Path
) -> None:
    copy = shared / "source" / "press-release.txt"
    page = read(serve("--release-text", str(copy)), "/doc/id/budget/ai-semiconductor.html", "ko")
    [quote] = page.xpath("//blockquote")
    assert quote.text_content() == copy.read_text("utf-8")[3067:3148]
    [digest] = quote.getparent().xpath(".//code/text()")
    assert hashlib.sha256(quote.text_content().encode()).hexdigest() == digest
    assert quote.get("lang") == "en"


def test_another_text_stops_the_start(serve: Callable[..., Server], tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("Another text.")
    with pytest.raises(RuntimeError, match="this is not the text that is cited: its SHA-256 is"):
        serve("--release-text", str(other))
    with pytest.raises(RuntimeError, match=r"No such file"):
        serve("--release-text", str(tmp_path / "none.txt"))


# -- the neighbourhood -------------------------------------------------------------------------


def test_the_picture_and_the_table_have_the_same_neighbours(server: Server) -> None:
    page = read(server, "/neighbourhood?of=task:1-2")
    table = set(page.xpath("//tbody//td[last()]/a/@href"))
    marks = {a.get("href") for a in page.xpath("//svg//a[*[local-name()='circle']]")}
    assert marks == table
    dashed = page.xpath("//svg//*[local-name()='circle'][contains(@class, 'dashed')]")
    rows = page.xpath('//tbody/tr[.//a[contains(@class, "chip inferred")]]')
    assert len(dashed) == len(rows) > 0
    remit = page.xpath('//tbody/tr[.//a[@href="/id/organisation/msit"]]')
    assert "our reading" in said(remit)[0]


def test_a_long_branch_leads_to_all_of_it(server: Server) -> None:
    page = read(server, "/neighbourhood?of=strategy:1", "ko")
    more = page.xpath('//svg//a[contains(@href, "by=rok:touchesTechnology")]/@href')
    assert len(more) == 1
    whole = read(server, more[0], "ko")
    assert len(whole.xpath("//svg//a")) == len(whole.xpath("//tbody/tr")) > 20
    assert not whole.xpath('//svg//a[contains(@href, "by=")]')


def test_each_neighbour_leads_on(server: Server) -> None:
    page = read(server, "/neighbourhood?of=https://w3id.org/rokgraph/id/budget/ai-semiconductor")
    for address in page.xpath("//svg//a/@href"):
        assert server.client.get(address).status_code == 200, address
    refused = server.client.get("/neighbourhood?of=nonsense")
    assert refused.status_code == 422
    lonely = read(server, "/neighbourhood?of=task:9-9")
    assert not lonely.xpath("//svg")


def test_nothing_is_drawn_twice_or_outside() -> None:
    leaves = [Leaf(f"A neighbour with a rather long name, number {n}", "en", "/") for n in range(9)]
    branches = [Branch(f"link {n}", n % 2 == 0, leaves) for n in range(6)]
    for narrow in (True, False):
        drawing = draw("The thing in the middle of it all", branches, narrow=narrow)
        assert drawing.width == (NARROW if narrow else WIDE)
        places = {(one.x, one.y) for one in drawing.leaves}
        assert len(places) == len(drawing.leaves) == 54
        assert all(0 < x < drawing.width and 0 < y < drawing.height for x, y in places)
        ends = [y for one in drawing.leaves for y, _ in one.words.lines]
        assert max(ends) < drawing.height


def test_the_line_to_what_is_inferred_is_dashed() -> None:
    leaves = [Leaf("a", "en", "/"), Leaf("b", "en", "/", inferred=True)]
    drawing = draw("it", [Branch("link", False, leaves)], narrow=True)
    assert [one.dashed for one in drawing.lines] == [False, False, True]
    drawing = draw("it", [Branch("link", False, leaves[1:])], narrow=True)
    assert [one.dashed for one in drawing.lines] == [True, True]


def test_a_long_name_is_cut_after_its_last_line() -> None:
    assert wrapped("one two three", 60, 2) == ("one two", "three")
    assert wrapped("one two three four five six", 60, 2) == ("one two", "three…")
    assert wrapped("", 60, 2) == ("",)


def test_nothing_of_a_page_needs_a_script_or_a_style(server: Server) -> None:
    for path in ("/doc/id/task/1-2.html", "/neighbourhood?of=task:1-2"):
        text = server.client.get(path).text
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=", text)
