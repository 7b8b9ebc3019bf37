"""A file read once: what a parser wants of it, and what else is to be known of its bytes.

Rule: nobody reads a large file twice; knows nothing of what its syntax means.
"""

import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

_BLOCK = 1024 * 1024
_BLANK = b"_:"


class Reading:
    """One file while it is read.

    `blank` says, when it is read, whether what it holds has the two characters that begin a blank
    node in N-Triples and N-Quads, be it in a text. See https://www.w3.org/TR/n-triples/#BNodes
    """

    def __init__(self, advance: Callable[[int], None]) -> None:
        """Tell `advance` of the number of bytes of each block."""
        self._advance = advance
        self._digest = hashlib.sha256()
        self._last = b""
        self.blank = False

    @property
    def digest(self) -> str:
        """SHA-256 of the file as it lies there, packed or not, in lower-case hexadecimal."""
        return self._digest.hexdigest()

    @contextmanager
    def opened(self, path: Path) -> Iterator[IO[bytes]]:
        """The content of a file, unpacked if its name ends in `.gz`. Raises OSError."""
        with path.open("rb", buffering=0) as file:
            raw = io.BufferedReader(_Heard(file, self._read), _BLOCK)
            if path.suffix == ".gz":
                unpacked = gzip.GzipFile(fileobj=raw)
                yield _buffered(_Heard(cast("io.RawIOBase", unpacked), self._look))
            else:
                yield _buffered(_Heard(cast("io.RawIOBase", raw), self._look))
            while raw.read(_BLOCK):  # what a parser leaves belongs to the file as well
                pass

    def _read(self, block: memoryview) -> None:
        self._digest.update(block)
        self._advance(len(block))

    def _look(self, block: memoryview) -> None:
        content = bytes(block)
        if not self.blank:
            self.blank = _BLANK in content or self._last + content[:1] == _BLANK
        self._last = content[-1:] or self._last


def _buffered(heard: "_Heard") -> IO[bytes]:
    return cast("IO[bytes]", io.BufferedReader(heard, _BLOCK))


class _Heard(io.RawIOBase):
    """What is read, with somebody who hears each block of it."""

    def __init__(self, file: io.RawIOBase, hear: Callable[[memoryview], None]) -> None:
        self._file, self._hear = file, hear

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read what fits."""
        count = self._file.readinto(buffer) or 0
        self._hear(memoryview(buffer)[:count])
        return count
