"""A bare HTTP client on one connection: it takes the time, and little of it for itself.

Rule: nothing here judges an answer. See https://www.rfc-editor.org/rfc/rfc9112
"""

import re
import socket
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import quote

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_KIND = re.compile(rb"\r\ncontent-type:[ \t]*([^;\r\n]+)", re.IGNORECASE)
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_TAIL = len(_LAST_CHUNK)


class Refused(Exception):
    """No whole answer came."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, media type, body if it was kept, bytes on the wire, seconds it took."""

    status: int
    media_type: str
    body: bytes
    length: int
    seconds: float


def target(prefix: str, text: str) -> str:
    """The request target of a query by GET; `prefix` ends where the text begins."""
    return prefix + quote(text, safe="")


class Client:
    """A connection that is kept, and made anew where the server closed it."""

    def __init__(self, port: int, patience: float = 60.0) -> None:
        """To a server on this machine; `patience` is in seconds, for each part that comes."""
        self._port, self._patience = port, patience
        self._socket: socket.socket | None = None
        self._buffer = memoryview(bytearray(1 << 18))

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def get(self, path: str, accept: str, *, keep: bool = True) -> Reply:
        """Ask once; the body is forgotten as it comes unless it is to be kept.

        Raises Refused if no whole answer comes in time.
        """
        asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n".encode()
        fresh = self._socket is None
        try:
            return self._exchange(asked, keep=keep)
        except OSError as error:
            self.close()
            if fresh or isinstance(error, TimeoutError):
                raise Refused(str(error) or type(error).__name__) from None
        try:
            return self._exchange(asked, keep=keep)
        except OSError as error:
            self.close()
            raise Refused(str(error) or type(error).__name__) from None

    def _exchange(self, asked: bytes, *, keep: bool) -> Reply:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = time.perf_counter()
        self._socket.sendall(asked)
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += self._receive()
        head, _, rest = seen.partition(b"\r\n\r\n")
        head += b"\r\n"
        length, chunked = _LENGTH.search(head), _CHUNKED.search(head) is not None
        wanted = int(length[1]) if length else None
        parts, count, tail = [rest], len(rest), rest[-_TAIL:]
        while not (
            tail.endswith(_LAST_CHUNK) or rest == b"0\r\n\r\n" if chunked else count == wanted
        ):
            part = self._receive()
            tail = (tail + part)[-_TAIL:]
            count += len(part)
            if keep:
                parts.append(part)
        seconds = time.perf_counter() - begun
        kind = _KIND.search(head)
        body = b"".join(parts) if keep else b""
        return Reply(
            int(head.split(b" ", 2)[1]),
            kind[1].decode().strip() if kind else "",
            _unchunked(body) if chunked and keep else body,
            len(head) + 2 + count,
            seconds,
        )

    def _receive(self) -> bytes:
        assert self._socket is not None  # noqa: S101 - says it to the type checker
        got = self._socket.recv_into(self._buffer)
        if not got:
            raise ConnectionError("the connection was closed in the middle")
        return bytes(self._buffer[:got])


def _unchunked(data: bytes) -> bytes:
    body: list[bytes] = []
    at = 0
    while True:
        end = data.index(b"\r\n", at)
        size = int(data[at:end].partition(b";")[0], 16)
        if not size:
            return b"".join(body)
        body.append(data[end + 2 : end + 2 + size])
        at = end + 4 + size
