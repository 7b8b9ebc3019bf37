"""What the front and the workers say to each other: small frames on a socket pair.

Rule: bytes only; knows neither queries nor HTTP.

A frame is one byte that says what it is, four bytes of length (big endian), and the payload.
"""

import json
import socket
import struct
from collections import deque
from enum import IntEnum
from functools import lru_cache

HEADER = struct.Struct("!BI")

# A chunk of an answer: large enough to make frames cheap, small enough to bound memory.
CHUNK = 256 * 1024
_READ = 64 * 1024


class Tag(IntEnum):
    """What a frame is."""

    QUERY = 1  # front to worker: Query.to_bytes
    BEGIN = 2  # worker to front: JSON {kind, format}; data follows
    DATA = 3
    END = 4
    WHOLE = 5  # worker to front: a whole small answer: JSON header, a newline, the body
    FAULT = 6  # worker to front: JSON {error, message, …}
    SETUP = 7  # front to zygote: JSON
    READY = 8  # zygote to front: JSON summary of the snapshot
    FORK = 9  # front to zygote: make a worker of the descriptor that comes along
    FORK_OPEN = 12  # likewise, of a worker that may call the endpoints the settings list
    FORKED = 10  # zygote to front: JSON {pid}
    DIED = 11  # zygote to front: JSON {pid, status}


_TAGS = {int(tag): tag for tag in Tag}


def pack(tag: Tag, payload: bytes = b"") -> bytes:
    """One frame."""
    return HEADER.pack(tag, len(payload)) + payload


def pack_json(tag: Tag, values: object) -> bytes:
    """One frame of JSON."""
    return pack(tag, json.dumps(values).encode())


class Splitter:
    """Bytes as they come in, frames as they are complete; DATA piece by piece, as it comes."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._buffer = bytearray()
        self._missing = 0  # bytes of a DATA frame whose beginning was given away

    def feed(self, data: bytes) -> list[tuple[Tag, bytes]]:
        """The frames that `data` completes."""
        if not self._missing and not self._buffer and len(data) >= HEADER.size:
            tag, length = HEADER.unpack_from(data)
            if len(data) == HEADER.size + length:  # as most come
                return [(_TAGS[tag], data[HEADER.size :])]
        found: list[tuple[Tag, bytes]] = []
        if self._missing:
            piece = data[: self._missing]
            self._missing -= len(piece)
            found.append((Tag.DATA, piece))
            data = data[len(piece) :]
        rest = self._buffer
        if rest:
            rest += data
        at, source = 0, rest or data  # most come whole, and need no copy
        size = len(source)
        while size - at >= HEADER.size:
            tag, length = HEADER.unpack_from(source, at)
            end = at + HEADER.size + length
            if end > size and tag != Tag.DATA:
                break
            found.append((_TAGS[tag], bytes(source[at + HEADER.size : end])))
            self._missing = max(0, end - size)
            at = min(end, size)
        if source is data:
            rest += data[at:]
        else:
            del rest[:at]
        return found


def receive(connection: socket.socket) -> tuple[Tag, bytes] | None:
    """The next frame from a blocking socket; None when the other side is gone."""
    header = _exactly(connection, HEADER.size)
    if header is None:
        return None
    tag, length = HEADER.unpack(header)
    payload = _exactly(connection, length)
    return None if payload is None else (Tag(tag), payload)


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        count = connection.recv_into(view[got:])
        if not count:
            return None
        got += count
    return bytes(buffer)


class Receiver:
    """Frames from a blocking socket, as many as there are in one call of the system."""

    def __init__(self, connection: socket.socket) -> None:
        """Read that socket, and nobody else may."""
        self._connection = connection
        self._splitter = Splitter()
        self._found: deque[tuple[Tag, bytes]] = deque()

    def next(self) -> tuple[Tag, bytes] | None:
        """The next frame; None when the other side is gone."""
        while not self._found:
            data = self._connection.recv(_READ)
            if not data:
                return None
            self._found.extend(self._splitter.feed(data))
        return self._found.popleft()


@lru_cache(maxsize=64)
def _header(kind: str, form: str) -> bytes:
    return json.dumps({"kind": kind, "format": form}).encode()


class AnswerWriter:
    """The stream that an engine writes an answer to: one frame if it is small, else many."""

    def __init__(self, connection: socket.socket) -> None:
        """Write to a blocking socket."""
        self._connection = connection
        self._header = b""
        self._buffer = bytearray()
        self._begun = False

    def open(self, kind: str, form: str) -> "AnswerWriter":
        """Begin an answer of that kind in that format; the stream is for the engine."""
        self._header = _header(kind, form)
        self._buffer.clear()
        self._begun = False
        return self

    def write(self, data: bytes) -> int:
        """Take bytes; send them on when there are enough."""
        self._buffer += data
        if len(self._buffer) >= CHUNK:
            self._send_data()
            self._buffer.clear()
        return len(data)

    def flush(self) -> None:
        """Nothing: chunks are sent when they are full, and the last by `finish`."""

    def finish(self) -> None:
        """Send what is left and say that the answer is complete."""
        if self._begun:
            self._send_data()
            self._connection.sendall(pack(Tag.END))
        else:
            self._connection.sendall(pack(Tag.WHOLE, self._header + b"\n" + self._buffer))

    def _send_data(self) -> None:
        head = b"" if self._begun else pack(Tag.BEGIN, self._header)
        self._begun = True
        head += HEADER.pack(Tag.DATA, len(self._buffer))
        sent = self._connection.sendmsg((head, self._buffer))
        # the head is a few bytes, and goes as a whole
        with memoryview(self._buffer) as view:
            self._connection.sendall(view[sent - len(head) :])
