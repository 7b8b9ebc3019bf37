"""A page is light: it opens on an old machine and a slow line."""

import pytest

from addresses import FIXED, LANGUAGES, Address, entities, every, questions
from rokgraph.web.pages.routes import VIEWS
from running import Server
from weighing import weigh

MOST = 60_000  # bytes on the wire, with style sheet and scripts


def test_every_page_has_a_place_in_the_list() -> None:
    assert set(VIEWS) <= {address.path.partition("?")[0] for address in FIXED}


def test_names_of_addresses_are_distinct() -> None:
    names = [address.name for address in every()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("address", [*FIXED, *questions()], ids=str)
def test_a_page_weighs_little(server: Server, address: Address) -> None:
    for language in LANGUAGES:
        weight = weigh(server.client, address, language)
        assert weight.parts, "a page without a style sheet is none of ours"
        if not address.edits:
            assert weight.total <= MOST, (language, weight)


def test_the_page_of_a_thing_weighs_little(server: Server) -> None:
    heavy = {
        (address.path, language): total
        for address in entities()
        for language in LANGUAGES
        if (total := weigh(server.client, address, language).total) > MOST
    }
    assert not heavy
