"""Answers before speed: each answer of each server against the engine's own.

Rule: judges and times nothing; a kind of query that is answered wrongly once is wrong.
"""

from contextlib import ExitStack
from functools import cached_property
from http import HTTPStatus

from bench.answers import Answer, Unreadable, difference, read
from bench.limit import Limit
from bench.mix import Request
from bench.record import Measured, Plan, Say, Server
from bench.wire import Client, Refused, target

_OFTEN = 50  # requests after which it says how far it is


class Expected:
    """What a request is to be answered with."""

    def __init__(self, body: bytes, request: Request) -> None:
        """Take the engine's own answer, as bytes of the form that the request wants."""
        self._body, self.request = body, request

    @cached_property
    def answer(self) -> Answer:
        """The answer, read when it is needed."""
        return read(self._body, self.request.accept)

    def fault(self, body: bytes, media_type: str) -> str:
        """What is wrong with a body, in words; "" if it is right.

        Raises Unreadable for one that cannot be read.
        """
        if body == self._body and media_type == self.request.accept:
            return ""
        got, asked = read(body, media_type), self.request
        return difference(self.answer, got, described=asked.described, joined=asked.joined)


def compare(found: Measured, plan: Plan, engine: Limit, say: Say) -> None:
    """Compare all answers; what is wrong is noted at the server, with the kind of query."""
    requests = [*plan.mix, *plan.alone]
    found.compared = len(requests)
    with ExitStack() as stack:
        clients = clients_of(stack, found, plan)
        for number, request in enumerate(requests):
            if number % _OFTEN == 0:
                say(f"{found.dataset.name}: comparing, {number} of {len(requests)}")
            expected = Expected(engine.body(request), request)
            if request.kind not in found.kinds:
                found.kinds[request.kind] = expected.answer.size
            for server in found.here:
                if request.kind in server.wrong:
                    server.lengths.append(0)
                    continue
                fault, length = _judged(server, clients[server.name], expected)
                server.lengths.append(length)
                if fault:
                    server.wrong[request.kind] = fault
                    say(f"{found.dataset.name}: {server.name}, {request.kind}: {fault}")


def _judged(server: Server, client: Client, expected: Expected) -> tuple[str, int]:
    """What is wrong with the answer of a server, "" if nothing, and its bytes on the wire."""
    request = expected.request
    try:
        reply = client.get(target(server.prefix, request.text), request.accept)
        if reply.status != HTTPStatus.OK:
            return f"status {reply.status}: {reply.body[:200]!r}", reply.length
        return expected.fault(reply.body, reply.media_type), reply.length
    except Unreadable as error:
        return str(error)[:300], 0
    except Refused as error:
        server.late = True
        return str(error)[:300], 0


def clients_of(stack: ExitStack, found: Measured, plan: Plan) -> dict[str, Client]:
    """A connection to each server, by its name; the stack closes them."""
    return {
        server.name: stack.enter_context(Client(server.port, plan.patience))
        for server in found.here
    }
