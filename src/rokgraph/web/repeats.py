"""Whole responses kept for requests that come again byte for byte.

Rule: a response is here only if it depends on nothing but its key; what is told of each answer
anew (its id, its time) is not kept.

The dataset does not change while it is served, so what a strong tag names never expires. Such a
request is answered where its head is read, before there is an application or a task for it.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from rokgraph.web.heads import Told

# The URL, and what else of the head an answer may depend on.
Key: TypeAlias = tuple[bytes, Told]

LARGEST = 64 * 1024  # bytes of a body; a longer one might have to wait for its reader
_OVERHEAD = 1024  # bytes of an entry without its texts, roughly
_ANEW = frozenset(("rokgraph-query", "server-timing", "content-length"))


def lines_of(headers: Mapping[str, str]) -> bytes:
    """The lines of a head, but for those that are told anew."""
    lines = (f"{name}: {value}\r\n" for name, value in headers.items() if name not in _ANEW)
    return "".join(lines).encode("latin-1")


def head_of(headers: Mapping[str, str], body: bytes) -> bytes:
    """These lines, and the one that tells how long the body is."""
    return lines_of(headers) + b"content-length: %d\r\n" % len(body)


@dataclass(frozen=True, slots=True)
class Repeated:
    """A response: its head but for what is told anew, its body, and what is counted of it.

    `line` is the rest of its line in the log.
    """

    head: bytes
    body: bytes
    form: str
    line: str


class Repeats:
    """Least recently asked for go first."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes."""
        self._limit = limit
        self._kept: OrderedDict[Key, Repeated] = OrderedDict()
        self.size = 0

    def get(self, key: Key) -> Repeated | None:
        """The response to such a request, if it is kept."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Key, kept: Repeated) -> None:
        """Keep a response of status 200, unless it is too large."""
        if key not in self._kept and len(kept.body) <= LARGEST:
            self._kept[key] = kept
            self.size += _size(key, kept)
            while self.size > self._limit:
                self.size -= _size(*self._kept.popitem(last=False))


def _size(key: Key, kept: Repeated) -> int:
    url, told = key
    return len(url) + sum(map(len, told)) + len(kept.head) + len(kept.body) + _OVERHEAD
