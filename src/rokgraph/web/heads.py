"""Heads of plain requests: what of them an answer depends on, and those that came before.

Rule: bytes are known only after the parser has read the same bytes and found nothing special.

Most clients send the same headers with each of their requests, so that only the URL is to be read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from rokgraph.web.encoding import coding
from rokgraph.web.http import Scope
from rokgraph.web.negotiation import Wanted, html_first, negotiate

# What an answer may depend on besides its URL, in the order of these places.
Told: TypeAlias = tuple[bytes, ...]
HOST, ACCEPT, CODING = range(3)
_PLACES = {
    name: place
    for place, name in enumerate((b"host", b"accept", b"accept-encoding", b"accept-language"))
}
# With one of these a request is not like the one before, or is not whole with its head.
_BARRING = frozenset(
    (
        b"cookie", b"if-none-match", b"if-match", b"if-modified-since", b"if-unmodified-since",
        b"if-range", b"range", b"authorization", b"content-length", b"transfer-encoding",
        b"expect", b"upgrade", b"connection",
    )
)  # fmt: skip

_METHOD = b"GET "
_BEGIN = _METHOD + b"/"
_END = b"\r\n\r\n"
# What may stand in a URL as it is sent; where there is something else, the parser looks.
_IN_URLS = bytes(set(range(0x21, 0x7F)) - {ord("#")})
_MOST = 512
_LONGEST = 4096  # bytes


def told_of(headers: Iterable[tuple[bytes, bytes]], scheme: str = "http") -> Told | None:
    """What the headers of a GET tell; None for one that must be looked at.

    Their names are in lower case, and they are what the last trusted proxy saw, as the scheme is.
    """
    found = [b"", b"", b"", b"", scheme.encode("ascii")]
    for name, value in headers:
        place = _PLACES.get(name)
        if place is not None:
            if found[place]:
                return None
            found[place] = value
        elif name in _BARRING and (name != b"connection" or value.lower() != b"keep-alive"):
            return None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Head:
    """All of a plain GET but its URL, and what follows from it for a query.

    `seen`: headers and scheme of its scope, and the client where the head may tell of another.
    `base_url`: that of the service. `wanted`: None where a page is wanted.
    """

    told: Told
    seen: Scope
    base_url: str
    wanted: Wanted | None
    coding: str

    @classmethod
    def of(cls, told: Told, seen: Scope, base_url: str) -> "Head":
        """Read what it wants."""
        accept = told[ACCEPT].decode("latin-1")
        wanted = None if html_first(accept) else negotiate(accept, None)
        return cls(told, seen, base_url, wanted, coding(told[CODING].decode("latin-1")))


class Heads:
    """The heads that came before, by their bytes."""

    def __init__(self) -> None:
        """Know none."""
        self._known: dict[bytes, Head] = {}

    def find(self, data: bytes, peer: bytes) -> tuple[bytes, Head] | None:
        """URL and head of a request that is nothing but a known head; None for any other.

        `peer` is who sent it, where the head means something else from another.
        """
        end = data.find(b" ", len(_METHOD))
        head = self._known.get(peer + data[end:] if peer else data[end:])
        if head is None or not data.startswith(_BEGIN):
            return None
        url = data[len(_METHOD) : end]
        return None if url.translate(None, _IN_URLS) else (url, head)

    def learn(self, data: bytes, peer: bytes, url: bytes, head: Head) -> None:
        """The parser has read `data`, or its beginning, as a request with that head."""
        begin = _METHOD + url
        alone = data.startswith(begin + b" ") and data.find(_END) == len(data) - len(_END)
        # an end of a line that is written otherwise may have been the end of the head
        plain = data.count(b"\n") == data.count(b"\r\n") and len(data) - len(begin) <= _LONGEST
        if alone and plain:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[peer + data[len(begin) :]] = head
