"""An endpoint that does whatever a test tells it to, and remembers what it was asked.

Rule: real HTTP over a real socket; only what it says is made up.
"""

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

JSON = "application/sparql-results+json"
N_TRIPLES = "application/n-triples"
TRUE = b'{"head":{},"boolean":true}'
NO_ROWS = b'{"head":{"vars":["x"]},"results":{"bindings":[]}}'
ROW = b'{"x":{"type":"literal","value":"%d"}}'
TRIPLE = b"<a:s> <a:p> <a:%d> .\n"


def solutions(number: int) -> bytes:
    rows = b",".join(ROW % n for n in range(number))
    return b'{"head":{"vars":["x"]},"results":{"bindings":[' + rows + b"]}}"


class Odd(http.server.ThreadingHTTPServer):
    """An endpoint that answers as it is told to, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.asked: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        self.left = threading.Event()
        self.at_once = self.most_at_once = 0
        self.engine = "Odd/1.0"
        self.answer: Callable[[Asked], None] = Asked.plainly
        self.connections = 0
        self.away = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/odd?x=y"

    def handle_error(self, request: object, client_address: object) -> None:
        """Its clients may leave."""


class Asked(http.server.BaseHTTPRequestHandler):
    """One connection to it."""

    protocol_version = "HTTP/1.1"
    server: Odd

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.path == "/odd?x=y"
        self.form = parse_qs(body.decode(), keep_blank_values=True)
        self.server.asked.append(self.form)
        self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
        self.server.at_once += 1
        self.server.most_at_once = max(self.server.at_once, self.server.most_at_once)
        try:
            if self.query == "ASK {}":
                self.send(500 if self.server.away else 200, TRUE)
            else:
                self.server.answer(self)
        finally:
            self.server.at_once -= 1

    @property
    def query(self) -> str:
        return self.form["query"][0]

    def plainly(self) -> None:
        asks = "ASK" in self.query
        self.send(200, TRUE if asks else NO_ROWS)

    def send(self, status: int, body: bytes, kind: str = JSON, **headers: str) -> None:
        self.send_response_only(status)
        self.send_header("Server", self.server.engine)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def replying(status: int, body: bytes, kind: str = JSON, **headers: str) -> Callable[[Asked], None]:
    return lambda asked: asked.send(status, body, kind, **headers)


def hanging_up(asked: Asked) -> None:
    asked.close_connection = True
    asked.connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def run_odd() -> Iterator[Odd]:
    """One that answers plainly until it is told otherwise."""
    with Odd() as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever, args=(0.05,))
        thread.start()
        yield endpoint
        endpoint.shutdown()
        thread.join()
