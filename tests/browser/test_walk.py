"""Every page in a browser: both languages, three widths and paper, dark and light, without scripts.

What is tried, so that a walk takes three minutes and not an hour:

- each page in each language, loaded once at 1280 pixels with scripts on; then narrowed to 768 and
  360 and put on paper, for a style sheet asks the width again and nothing else does;
- axe-core at 1280 and 360 in the light, and in the dark at 1280 what it says of colours;
- the same page loaded at 360 with scripts off: the same words but for the buttons of scripts;
- things, one of each class, share one template: each is loaded in both languages and tried at
  1280 and 360, but axe-core sees it once, at 360, in the one language and the other by turns.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from addresses import FIXED, LANGUAGES, Address, entities, questions
from browser.watching import Watched
from running import Server

WIDE, MIDDLE, NARROW, PAPER = 1280, 768, 360, 700  # pixels; A4 between its margins
_Pictured = Callable[[str], Path | None]
_Reader = tuple[str, bool]  # the language, and whether scripts run
_TALLEST = 4000  # pixels of a picture
_INTERFACE = ".site-head, .skip, .languages"


@pytest.fixture(scope="module")
def watched(reader: Callable[..., BrowserContext], server: Server) -> dict[_Reader, Watched]:
    """A page under watch for each language, with scripts and without."""
    return {
        (language, scripts): Watched(reader(language, scripts=scripts), server)
        for language in LANGUAGES
        for scripts in (True, False)
    }


def _sound(one: Watched, language: str) -> list[str]:
    """What is wrong with a page whatever it is about."""
    page, faults = one.page, []
    if page.get_attribute("html", "lang") != language:
        faults.append(f"its language is {page.get_attribute('html', 'lang')}")
    headings = page.locator("h1").all_inner_texts()
    if len(headings) != 1 or not headings[0].strip():
        faults.append(f"its headings are {headings}")
    return faults


def _asked(one: Watched) -> list[str]:
    """What went wrong while a page was open."""
    return [f"console: {told}" for told in one.errors] + [f"asks {url}" for url in one.abroad]


def _wider(one: Watched, width: int) -> list[str]:
    pixels = one.widen(width)
    return [f"at {width}: {pixels} pixels wider than the window"] if pixels > 0 else []


def _keep(one: Watched, place: Path | None) -> None:
    """Keep a picture of the page, of a long one its beginning: to draw all takes a minute."""
    if place is not None:
        window = one.page.viewport_size
        assert window is not None
        height = one.page.evaluate("document.documentElement.scrollHeight")
        one.page.set_viewport_size({"width": window["width"], "height": min(height, _TALLEST)})
        one.page.screenshot(path=place)
        one.page.set_viewport_size(window)


def _paper(one: Watched) -> list[str]:
    one.page.emulate_media(media="print", color_scheme="light")
    faults = _wider(one, PAPER)
    shown = one.page.locator(_INTERFACE)
    if any(shown.nth(index).is_visible() for index in range(shown.count())):
        faults.append("on paper: the menu is printed")
    if not one.page.locator(".printed").is_visible():
        faults.append("on paper: it does not say where it is from")
    return faults


def _judge(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", [*FIXED, *questions()], ids=str)
def test_a_page_is_for_everybody(
    watched: dict[_Reader, Watched], axe: str, pictured: _Pictured, address: Address, language: str
) -> None:
    one, told = watched[language, True], f"{address.name}-{language}"
    one.open(address, WIDE)
    faults = _sound(one, language)
    words = one.words()
    for width in (WIDE, MIDDLE, NARROW):
        faults += _wider(one, width)
        if width != MIDDLE:
            faults += [f"at {width}: {fault}" for fault in one.violations(axe)]
            _keep(one, pictured(f"{told}-{width}"))
    one.widen(WIDE)
    one.page.emulate_media(color_scheme="dark")
    faults += [f"in the dark: {fault}" for fault in one.violations(axe, colours=True)]
    _keep(one, pictured(f"{told}-dark"))
    faults += _paper(one)
    _keep(one, pictured(f"{told}-paper"))
    faults += _asked(one)

    plain = watched[language, False]
    plain.open(address, NARROW)
    faults += [f"without scripts: {fault}" for fault in _sound(plain, language) + _asked(plain)]
    if plain.words() != words:
        faults.append("without scripts: it says something else")
    _judge(faults)


@pytest.mark.parametrize("turn", range(len(entities())), ids=[one.name for one in entities()])
def test_a_thing_is_for_everybody(
    watched: dict[_Reader, Watched], axe: str, pictured: _Pictured, turn: int
) -> None:
    address, faults = entities()[turn], []
    for language in LANGUAGES:
        one = watched[language, True]
        one.open(address, WIDE)
        found = _sound(one, language) + _wider(one, WIDE) + _wider(one, NARROW)
        if language == LANGUAGES[turn % len(LANGUAGES)]:
            found += one.violations(axe)
            _keep(one, pictured(f"{address.name}-{language}-{NARROW}"))
        faults += [f"{language}: {fault}" for fault in found + _asked(one)]
    _judge(faults)
