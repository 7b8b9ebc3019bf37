"""The page `/trace`: every path of the graph is drawn and listed, with its basis and reason."""

import csv
import io
from collections.abc import Mapping
from itertools import pairwise

import pytest
from lxml import etree, html

from rokgraph.vocab import BASE
from rokgraph.web.language import LANGUAGES, words
from rokgraph.web.signposting import local
from rokgraph.web.tracing import BOX_WIDTH, Box, Link, trace
from running import Server

JSON = {"accept": "application/sparql-results+json"}
TRACES = f"""PREFIX rok: <{BASE}ont#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?trace ?task ?element ?technology ?proposal ?act ?strength ?strategy WHERE {{
  ?trace rok:traceTask ?task ; rok:traceElement ?element ; rok:traceBasis/skos:notation ?strength .
  ?task rok:elementOf ?strategy .
  OPTIONAL {{ ?trace rok:traceTechnology ?technology }}
  OPTIONAL {{ ?trace rok:traceProposal ?proposal }}
  OPTIONAL {{ ?trace rok:traceAct ?act }}
}}"""
STARTS = ("strategy:1", "strategy:5", "task:1-2", "measure:1-2-ai", "technology:npu",
          "proposal:metaverse-special-act", "act:kr-18475")  # fmt: skip


def page_at(server: Server, **given: str) -> html.HtmlElement:
    answer = server.client.get("/trace", params=given, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text[:300]
    return html.document_fromstring(answer.content)


@pytest.fixture(scope="module")
def traces(server: Server) -> list[dict[str, str]]:
    answer = server.get(TRACES, **JSON)
    found = answer.json()["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in found]


def long(short: str) -> str:
    prefix, _, key = short.partition(":")
    return f"{BASE}def/technology/{key}" if prefix == "technology" else f"{BASE}id/{prefix}/{key}"


def listed(page: html.HtmlElement) -> list[html.HtmlElement]:
    found: list[html.HtmlElement] = page.xpath("//table/tbody/tr")
    return found


def links(element: html.HtmlElement) -> set[str]:
    return set(element.xpath(".//a/@href"))


def through(traces: list[dict[str, str]], iri: str) -> set[str]:
    return {local(row["trace"]) for row in traces if iri in row.values()}


def test_without_a_start_it_is_the_first_strategy(server: Server) -> None:
    # the parts of the two pages that do not name their own address
    bare, named = (page_at(server, **given) for given in ({}, {"from": "strategy:1"}))
    for path in ("//h1", "//table", "//figure"):
        first, second = (page.xpath(path)[0] for page in (bare, named))
        first, second = (etree.tostring(part).partition(b"data-of")[0] for part in (first, second))
        assert first == second
    assert len(listed(bare)) == len(listed(named)) > 20


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("towards", ["law", "task"])
def test_every_path_through_the_start_is_listed_once(
    server: Server, traces: list[dict[str, str]], start: str, towards: str
) -> None:
    page = page_at(server, **{"from": start, "towards": towards})
    told = [href for row in listed(page) for href in links(row) if href.startswith("/id/trace/")]
    assert len(told) == len(set(told))
    wanted = through(traces, long(start))
    assert wanted
    assert set(told) == wanted


def test_a_technology_stands_for_narrower_ones_and_for_laws_that_name_it(server: Server) -> None:
    page = page_at(server, **{"from": "technology:ai"})
    rows = listed(page)
    assert any("/def/technology/hyperscale-ai" in links(row) for row in rows)
    assert any("/id/measure/5-3-legislation" in links(row) for row in rows)
    assert all("/id/act/kr-20676" in links(row) for row in rows)


def test_from_ai_to_the_act_that_governs_it_and_when(server: Server) -> None:
    """The answer stands above the table too, so that nobody has to scroll for it."""
    page = page_at(server, **{"from": "technology:ai", "lang": "en"})
    [end] = page.xpath("//ul[@class='ends']/li")
    assert end.xpath(".//data/@value") == ["20676"]
    assert end.xpath(".//time/@datetime") == ["2025-01-21", "2026-01-22"]
    heads = [head.text_content() for head in page.xpath("//table/thead//th")]
    told = dict(zip(heads, listed(page)[0].xpath("./td"), strict=True))
    assert told["No."].text_content() == "20676"
    assert told["In force"].xpath(".//time/@datetime") == ["2026-01-22"]


def test_stated_and_inferred_are_told_apart_and_each_has_its_reason(
    server: Server, traces: list[dict[str, str]]
) -> None:
    strength = {local(row["trace"]): row["strength"] for row in traces}
    said = words("en", "trace")
    for start in ("strategy:1", "strategy:3", "strategy:5"):
        for row in listed(page_at(server, **{"from": start, "lang": "en"})):
            [found] = [strength[href] for href in links(row) if href in strength]
            text = row.text_content()
            if found == "1":
                assert row.xpath(".//*[@class='stated']")
                assert said["reason_stated"] in text
                continue
            assert row.xpath(".//*[@class='inferred']")
            ending = "which is broader." if found == "3" else "so does the name of the law."
            assert ending in text
            assert any(href.startswith("/id/reading/") for href in links(row))


def test_every_row_has_its_span(server: Server) -> None:
    for start in ("strategy:1", "strategy:2", "strategy:5"):
        for row in listed(page_at(server, **{"from": start})):
            [span] = row.xpath(".//a[@class='span']/@href")
            assert server.client.get(span, follow_redirects=True).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("start", STARTS)
def test_picture_and_table_link_the_same_things(server: Server, start: str, language: str) -> None:
    page = page_at(server, **{"from": start, "lang": language})
    [drawing] = page.xpath("//svg")
    of = ["task", "measure", "action", "proposal", "act"]
    kinds = (*(f"/id/{kind}/" for kind in of), "/def/technology/")
    shown = {href for href in links(drawing) if href.startswith(kinds)}
    told = {href for row in listed(page) for href in links(row) if href.startswith(kinds)}
    told |= {href for href in page.xpath("//ul[@class='gaps']//a/@href")
             if href.startswith("/id/task/")}  # fmt: skip
    assert shown <= told
    assert {href for row in listed(page) for href in links(row) if href.startswith(kinds)} <= shown
    assert drawing.get("role") == "group"
    assert drawing.xpath("./title")
    for link in drawing.iter("a"):
        assert link.text_content().strip()


def test_dashed_lines_are_those_of_inferred_steps(server: Server) -> None:
    def dashed(start: str) -> list[str]:
        page = page_at(server, **{"from": start})
        return [str(name) for name in page.xpath("//svg/path/@class")]

    assert set(dashed("task:5-3")) == {"line"}  # all stated
    assert "line dashed" in dashed("task:1-3")


def test_a_task_without_a_law_is_a_gap_in_picture_and_list(server: Server) -> None:
    page = page_at(server, **{"from": "strategy:5", "lang": "en"})
    gaps = set(page.xpath("//ul[@class='gaps']/li/a/@href"))
    assert gaps == {"/id/task/5-1", "/id/task/5-4"}
    assert gaps <= links(page.xpath("//svg")[0])
    told = page.xpath("//svg")[0].text_content()
    assert told.count(words("en", "trace")["no_law"]) == 2


@pytest.mark.parametrize("start", ["task:3-3", "technology:quantum", "act:kr-21381"])
def test_where_nothing_leads_it_says_so(server: Server, start: str) -> None:
    page = page_at(server, **{"from": start, "lang": "en"})
    [note] = page.xpath("//p[@class='note']")
    assert note.text_content().startswith("No law named")
    assert not page.xpath("//svg")
    assert not listed(page)
    assert page.xpath("//select[@id='from']//option[@selected]/@value") == [long(start)]


def test_the_form_offers_what_has_paths(server: Server) -> None:
    page = page_at(server)
    offered = page.xpath("//select[@id='from']//option/@value")
    assert len(offered) == len(set(offered))
    for iri in offered:
        assert listed(page_at(server, **{"from": iri})), iri


def test_an_unknown_start_is_refused_by_name(server: Server) -> None:
    for given in ({"from": "task:9-9"}, {"towards": "nowhere"}):
        answer = server.client.get("/trace", params=given)
        assert answer.status_code == 422
        [fault] = answer.json()["errors"]
        assert fault["parameter"] in given


def test_the_csv_is_what_the_table_has(server: Server) -> None:
    page = page_at(server, **{"from": "task:1-2"})
    [address] = {href for href in page.xpath("//p[@class='foot']/a/@href") if ".csv" in href}
    found = list(csv.DictReader(io.StringIO(server.client.get(address).text)))
    assert len(found) == len(listed(page))
    assert {local(row["trace"]) for row in found} <= links(page.xpath("//table")[0])


def places(boxes: list[Box], joined: list[Link]) -> Mapping[str, tuple[int, int, int]]:
    drawn = trace(boxes, joined)
    return {box.name: (box.x, box.y, box.y + box.height) for box in drawn.boxes}


def test_boxes_of_a_column_do_not_touch_and_fit_the_picture() -> None:
    boxes = [Box(f"{column}-{at}", column, "a word " * (at % 5 + 1))
             for column in range(4) for at in range(3 + 4 * (column % 2))]  # fmt: skip
    joined = [Link("0-0", f"1-{at}") for at in range(7)] + [Link("1-2", "3-6"), Link("0-2", "3-0")]
    drawn = trace(boxes, joined)
    by_column: dict[int, list[tuple[int, int]]] = {}
    for box in drawn.boxes:
        by_column.setdefault(box.x, []).append((box.y, box.y + box.height))
        assert 0 <= box.x <= drawn.width - BOX_WIDTH
        assert 0 <= box.y <= drawn.height - box.height
    for spans in by_column.values():
        ordered = sorted(spans)
        assert all(upper[1] < lower[0] for upper, lower in pairwise(ordered))


def test_a_link_over_a_column_passes_between_its_boxes() -> None:
    boxes = [Box("a", 0, "a"), Box("b", 1, "b"), Box("c", 1, "c"), Box("d", 2, "d")]
    drawn = trace(boxes, [Link("a", "b"), Link("a", "c"), Link("a", "d", dashed=True)])
    [curve] = [curve for curve in drawn.curves if curve.dashed]
    level = int(curve.path.partition("H")[0].rpartition(" ")[2])
    for box in drawn.boxes:
        if box.name in "bc":
            assert not box.y <= level <= box.y + box.height


def test_the_first_column_keeps_its_order() -> None:
    boxes = [Box(name, 0, name) for name in "cab"] + [Box(name, 1, name) for name in "xyz"]
    found = places(boxes, [Link("c", "z"), Link("a", "y"), Link("b", "x")])
    assert sorted("abc", key=lambda name: found[name][1]) == ["c", "a", "b"]
    assert sorted("xyz", key=lambda name: found[name][1]) == ["z", "y", "x"]  # none cross
