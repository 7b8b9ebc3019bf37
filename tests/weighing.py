"""How much of a page goes over the wire: the page, its style sheets and its scripts.

Rule: what a browser would fetch with gzip at its first visit, nothing kept from before.
"""

import time
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin

import httpx
from lxml import html

from addresses import Address

_CODED = {"accept": "text/html", "accept-encoding": "gzip"}
_PATIENCE = 120  # seconds
_PARTS = (("link", "href", "stylesheet"), ("script", "src", None))


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes of the body on the wire: of the page itself, and of each part by its address."""

    page: int
    parts: dict[str, int]

    @property
    def total(self) -> int:
        """All of it."""
        return self.page + sum(self.parts.values())


def wire(client: httpx.Client, url: str) -> tuple[int, httpx.Response]:
    """The bytes of an answer's body as they come, and the answer."""
    with client.stream("GET", url, headers=_CODED) as answer:
        answer.read()
        return answer.num_bytes_downloaded, answer


def ready(client: httpx.Client, address: Address) -> None:
    """Wait for a page that is not there yet: the list of files, while they are made."""
    until = time.monotonic() + _PATIENCE
    while client.get(address.path, headers=_CODED).status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        assert time.monotonic() < until, f"{address} is not made"
        time.sleep(0.2)


def weigh(client: httpx.Client, address: Address, language: str) -> Weight:
    """The weight of a page in a language."""
    ready(client, address)
    url = address.url(language)
    size, answer = wire(client, url)
    assert answer.status_code == address.status, (url, answer.text[:300])
    document = html.document_fromstring(answer.content)
    parts: dict[str, int] = {}
    for tag, attribute, relation in _PARTS:
        for element in document.iter(tag):
            named = element.get(attribute)
            if named and relation in (None, element.get("rel")) and named not in parts:
                parts[named], found = wire(client, urljoin(url, named))
                assert found.is_success, named
    return Weight(size, parts)
