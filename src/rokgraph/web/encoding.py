"""Content codings: which one a client takes, and bytes in it.

Rule: fast levels for answers, and a coding only where it is worth the while.

See https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding
"""

import zlib
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Protocol

import zstandard

# Below this a coding costs more than it saves.
WORTHWHILE = 1024
LEVEL = 1
PAGES = 6  # a page is small, and worth a millisecond more
_GZIP = 16 + zlib.MAX_WBITS


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


@lru_cache(maxsize=256)
def coding(accept: str | None) -> str:
    """`zstd`, `gzip` or `identity`, whichever the client takes and we like best."""
    if not accept:
        return "identity"
    quality: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        value = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    value = float(parameter[2:])
                except ValueError:
                    value = 0.0
        quality[name] = value
    anything = quality.get("*", 0.0)
    offered = {name: quality.get(name, anything) for name in ("zstd", "gzip")}
    best = max(offered, key=lambda name: offered[name])
    refused = quality.get("identity", 0.001)
    return best if offered[best] > 0 and offered[best] >= refused else "identity"


def encode(body: bytes, name: str, level: int = LEVEL) -> bytes:
    """The body in that coding, by a level of its library; the fast one for what nobody keeps."""
    if name == "identity":
        return body
    compressor = _compressor(name, level)
    return compressor.compress(body) + compressor.flush()


async def encode_stream(chunks: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
    """The chunks in that coding."""
    if name == "identity":
        async for chunk in chunks:
            yield chunk
        return
    compressor = _compressor(name)
    async for chunk in chunks:
        if part := compressor.compress(chunk):
            yield part
    yield compressor.flush()


def _compressor(name: str, level: int = LEVEL) -> _Compressor:
    if name == "gzip":
        return zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    return zstandard.ZstdCompressor(level=level).compressobj()
