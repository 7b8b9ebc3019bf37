"""Whole responses kept for requests that come again byte for byte.

Rule: a response is here only if it depends on nothing but the headers that make its key; what is
told of each answer anew (its id, its time) is not kept.

The dataset does not change while it is served, so what a strong tag names never expires. Such a
request is answered where its head is read, before there is an application or a task for it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Key: TypeAlias = tuple[bytes, ...]

LARGEST = 64 * 1024  # bytes of a body; a longer one might have to wait for its reader
_OVERHEAD = 1024  # bytes of an entry without its texts, roughly
# Places in a key.
URL, HOST, ACCEPT, CODING = range(4)
_KEYED = {
    name: place
    for place, name in enumerate(
        (b"host", b"accept", b"accept-encoding", b"accept-language"), start=HOST
    )
}  # fmt: skip
# With one of these a request is not like the one before, or is not whole with its head.
_BARRING = frozenset(
    (
        b"cookie", b"if-none-match", b"if-match", b"if-modified-since", b"if-unmodified-since",
        b"if-range", b"range", b"authorization", b"content-length", b"transfer-encoding",
        b"expect", b"upgrade", b"connection",
    )
)  # fmt: skip
ANEW = frozenset(("rokgraph-query", "server-timing", "content-length"))


def key_of(url: bytes, headers: Iterable[tuple[bytes, bytes]], scheme: str = "http") -> Key | None:
    """What a GET is known by; None for one that must be looked at.

    Names of headers are in lower case, and are what the last trusted proxy saw, as the scheme is.
    """
    found = [url, b"", b"", b"", b"", scheme.encode("ascii")]
    for name, value in headers:
        place = _KEYED.get(name)
        if place is not None:
            if found[place]:
                return None
            found[place] = value
        elif name in _BARRING and (name != b"connection" or value.lower() != b"keep-alive"):
            return None
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Repeated:
    """A response: its head but for what is told anew, its body, and what is counted of it."""

    head: bytes
    body: bytes
    form: str
    format: str
    rows: int | None


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

    def put(
        self, key: Key, headers: Mapping[str, str], body: bytes, told: tuple[str, str, int | None]
    ) -> Repeated:
        """A response of status 200, kept if it is not too large.

        `told` is its form, its format and its rows.
        """
        lines = [f"{name}: {value}" for name, value in headers.items() if name not in ANEW]
        head = "\r\n".join((*lines, f"content-length: {len(body)}", "")).encode("latin-1")
        made = Repeated(head, body, *told)
        if key not in self._kept and len(body) <= LARGEST:
            self._kept[key] = made
            self.size += _size(key, made)
            while self.size > self._limit:
                self.size -= _size(*self._kept.popitem(last=False))
        return made

    def clear(self) -> None:
        """Keep nothing of what was."""
        self._kept.clear()
        self.size = 0


def _size(key: Key, kept: Repeated) -> int:
    return sum(map(len, key)) + len(kept.head) + len(kept.body) + _OVERHEAD
