"""A server whose dumps are made."""

import time
from typing import Any

from running import Server

PATIENCE = 120  # seconds; on a busy machine queries come first


def made(server: Server) -> dict[str, Any]:
    """The index of the dumps, when they are made."""
    until = time.monotonic() + PATIENCE
    while True:
        answer = server.client.get("/data/", headers={"accept": "application/json"})
        if answer.status_code == 200:
            found: dict[str, Any] = answer.json()
            return found
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) < PATIENCE, answer.json()
        assert time.monotonic() < until, "the dumps are not made"
        time.sleep(0.2)
