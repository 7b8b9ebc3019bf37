"""The whole strategy in one picture: what is drawn is what the rows say, on any machine."""

import io
import itertools
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from lxml import html

from conformance.wire import run
from rokgraph import raster
from rokgraph.web.diagram import width_of
from rokgraph.web.language import LANGUAGES, words
from rokgraph.web.sheet import BOTTOM, HEIGHT, TOP, WIDTH, End, Link, Row, draw, wrapped
from running import Server

SVG = "{http://www.w3.org/2000/svg}"
FAMILIES = {"en": "En", "ko": "Ko"}


def rows(server: Server) -> list[dict[str, str]]:
    found = server.client.get("/queries/picture.json").json()["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in found]


def drawing(server: Server, language: str) -> ET.Element:
    answer = server.client.get(f"/picture.svg?lang={language}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    return ET.fromstring(answer.content)


def told(root: ET.Element) -> str:
    return " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_of_the_rows_is_drawn(server: Server, language: str) -> None:
    """Names may be parted into lines, so spaces are left out."""
    drawn = told(drawing(server, language)).replace(" ", "")
    tag = FAMILIES[language]
    for row in rows(server):
        for stem in ("strategy", "task", "end"):
            name = row.get(f"{stem}{tag}") or row.get(f"{stem}En", "")
            assert name.replace(" ", "") in drawn, name
        assert row["notation"] in drawn
    text = words(language, "picture")
    for key in ("heading", "solid", "dashed", "act", "announced", "no_law"):
        assert text[key].replace(" ", "") in drawn, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_source_date_and_licence_stand_in_the_picture(server: Server, language: str) -> None:
    drawn = told(drawing(server, language))
    assert {"en": "28 Sep 2022", "ko": "2022. 9. 28."}[language] in drawn
    assert "creativecommons.org/licenses/by/4.0/" in drawn
    assert server.client.get("/healthz").json()["dataset"][:12] in drawn
    assert {"en": "19 tasks announced", "ko": "19개 과제"}[language] in drawn


def test_every_link_is_drawn_solid_where_it_is_stated(server: Server) -> None:
    root = drawing(server, "en")
    curves = [path for path in root.iter(f"{SVG}path") if "C" in path.get("d", "")]
    links = {(row["task"], row["end"]): row["stated"] for row in rows(server) if "end" in row}
    assert len(curves) == len(links)
    dashed = [path for path in curves if path.get("stroke-dasharray")]
    assert len(dashed) == list(links.values()).count("false")
    assert 0 < len(dashed) < len(curves)


def test_tasks_without_a_law_say_so(server: Server) -> None:
    found = rows(server)
    lone = {row["task"] for row in found} - {r["task"] for r in found if r.get("kind") == "law"}
    assert lone
    assert told(drawing(server, "en")).count(words("en", "picture")["no_law"]) == len(lone)


def test_the_picture_needs_nothing_else(server: Server) -> None:
    answer = server.client.get("/picture.svg")
    for word in ("<style", "<script", "<image", "href=", "url(", "@import", "class="):
        assert word not in answer.text, word
    assert drawing(server, "en").get("viewBox") == "0 0 1600 900"
    again = server.client.get("/picture.svg", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_png_is_the_same_picture(server: Server, language: str) -> None:
    answer = server.client.get(f"/picture.png?lang={language}", headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert "content-encoding" not in answer.headers
    assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", io.BytesIO(answer.content[16:24]).read()) == (3200, 1800)
    again = server.client.get(
        f"/picture.png?lang={language}", headers={"if-none-match": answer.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    blank = raster.png(b'<svg xmlns="http://www.w3.org/2000/svg" width="1600" height="900"/>', 3200)
    assert len(answer.content) > 20 * len(blank)  # words are drawn


def test_without_letters_there_is_no_png_and_no_link_to_one(tmp_path: Path) -> None:
    fonts = tmp_path / "fonts.conf"
    fonts.write_text(f'<?xml version="1.0"?><fontconfig><dir>{tmp_path}</dir></fontconfig>')
    with run(FONTCONFIG_FILE=str(fonts)) as server:
        refused = server.client.get("/picture.png")
        assert refused.status_code == 503
        assert "font" in refused.json()["detail"]
        page = server.client.get("/picture", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "/picture.png" not in page.text
        assert "/picture.svg" in page.text


def test_what_is_no_picture_is_no_png() -> None:
    with pytest.raises(raster.CannotDraw):
        raster.png(b"not a picture", 100)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_tells_the_same_as_a_table(server: Server, language: str) -> None:
    answer = server.client.get(f"/picture?lang={language}", headers={"accept": "text/html"})
    page = html.fromstring(answer.text)
    [image] = page.xpath("//main//img")
    assert image.get("src") == f"/picture.svg?lang={language}"
    assert image.get("alt")
    shown = page.xpath("//main//tbody/tr")
    found = rows(server)
    assert len(shown) == len(found)
    for line, row in zip(shown, found, strict=True):
        links = [a.get("href") for a in line.iter("a")]
        assert row["task"].endswith(links[1])
        if "end" in row:
            assert row["end"].endswith(links[2])
            basis = "stated" if row["stated"] == "true" else "inferred"
            assert line.xpath(f".//span[@class='{basis}']"), row
    assert page.xpath("//a[@href='/queries/picture.csv']")


def test_the_picture_is_for_reading(server: Server) -> None:
    assert server.client.post("/picture.svg").status_code == 405
    assert server.client.get("/picture.gif").status_code == 404


# ------------------------------------------------------------------------------------ geometry


def a_sheet(bands: int, tasks: int, ends: int) -> Any:
    rows_ = [Row(f"t{b}-{n}", f"Task {b}-{n}", b) for b in range(bands) for n in range(tasks)]
    left = [End(f"l{n}", "A name of several words " * (1 + n % 2)) for n in range(ends)]
    right = [End(f"r{n}", f"Act {n}", filled=False) for n in range(3)]
    links = [
        Link(row.key, end.key, stated=n % 2 == 0)
        for n, (row, end) in enumerate(zip(rows_ * 2, itertools.cycle(left + right), strict=False))
    ]
    return draw([f"Band {n}" for n in range(bands)], rows_, left, right, links), links


@pytest.mark.parametrize(("bands", "tasks", "ends"), [(1, 1, 1), (5, 4, 30), (3, 8, 5), (5, 0, 2)])
def test_nothing_leaves_the_sheet_and_nothing_lies_on_another(
    bands: int, tasks: int, ends: int
) -> None:
    sheet, links = a_sheet(bands, tasks, ends)
    assert len(sheet.curves) == len(links)
    for column in (sheet.rows, sheet.left, sheet.right):
        lines = sorted(y for placed in column for y, _ in placed.lines)
        assert all(TOP <= y <= min(BOTTOM + 20, HEIGHT) for y in lines)
        assert all(below - above >= 12 for above, below in itertools.pairwise(lines))
    for above, below in itertools.pairwise(sheet.bands):
        assert above.y + above.height <= below.y
    for placed in (*sheet.left, *sheet.right):
        for _, line in placed.lines:
            reach = placed.x + (width_of(line) + 12) * (-1 if placed in sheet.left else 1)
            assert 0 <= reach <= WIDTH, line


def test_a_link_to_nowhere_is_left_out() -> None:
    sheet = draw(["B"], [Row("t", "T", 0)], [End("e", "E")], [], [Link("t", "no", stated=True)])
    assert sheet.curves == ()


def test_text_is_parted_at_spaces_only() -> None:
    assert wrapped("a bb ccc", 1000) == ("a bb ccc",)
    assert wrapped("Vitalization of Convergence", 60) == ("Vitalization", "of", "Convergence")
    assert wrapped("", 100) == ()
