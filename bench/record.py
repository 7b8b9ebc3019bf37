"""What is to be measured, and what came of it.

Rule: nothing here asks, times or judges; times are in seconds, memory in MB.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median

from bench.load import Slice
from bench.mix import Request
from bench.peers import Dataset, Endpoint

FRESH, REPEATED = "fresh", "repeated"
WHOLE, WHOLE_REPEATED = "whole", "whole-repeated"
CONNECTIONS = (1, 32)
SORTS = (
    *((sort, connections) for sort in (FRESH, REPEATED) for connections in CONNECTIONS),
    *((sort, CONNECTIONS[-1]) for sort in (WHOLE, WHOLE_REPEATED)),
)
_LARGE = "rows-10000"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is asked, and how long: `mix` and `whole` under load, `alone` one by one, `stream` once.

    `seconds` is the length of a slice of load; an answer may take `patience` seconds.
    """

    mix: Sequence[Request]
    alone: Sequence[Request]
    stream: Sequence[Request]
    rounds: int
    seconds: int
    patience: float = 120.0

    @cached_property
    def whole(self) -> list[Request]:
        """The mix with ten thousand rows as one more kind; empty where nobody asks for them."""
        large = next((one for one in self.alone if one.kind == _LARGE), None)
        kinds = len({one.kind for one in self.mix})
        if large is None:
            return []
        turns = (self.mix[at : at + kinds] for at in range(0, len(self.mix), kinds))
        return [one for turn in turns for one in (*turn, large)]

    def under_load(self, sort: tuple[str, int]) -> Sequence[Request]:
        """What is asked in that sort of load."""
        return self.whole if sort[0] in (WHOLE, WHOLE_REPEATED) else self.mix

    @property
    def timed(self) -> dict[str, list[Request]]:
        """Requests by kind."""
        found: dict[str, list[Request]] = {}
        for request in (*self.mix, *self.alone):
            found.setdefault(request.kind, []).append(request)
        return found


@dataclass
class Server:
    """A server while it is measured.

    `start` is from nothing to the first answer; `late` says that it is still at work on what
    nobody waits for; `absent` why it is not here; `wrong` what is wrong with the answers to a kind
    of query. `lengths` are those of its answers on the wire, in the order in which they were
    compared; `processor` is its processor time for an answer under load, by round; `front` is the
    memory of the process that speaks HTTP, `stream` what that takes beyond while it streams;
    `faults` came up while it was timed.
    """

    name: str
    version: str = ""
    at: Endpoint | None = None
    start: float = 0.0
    late: bool = False
    absent: str = ""
    wrong: dict[str, str] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)
    slices: dict[tuple[str, int], list[Slice]] = field(default_factory=dict)
    processor: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)
    memory: float = 0.0
    front: float = 0.0
    stream: float | None = None

    @property
    def port(self) -> int:
        """Its port; 0 if it is not here."""
        return self.at.port if self.at else 0

    @property
    def prefix(self) -> str:
        """The target of a query at it, up to the text."""
        return self.at.prefix if self.at else ""

    def fit(self, requests: Sequence[Request]) -> bool:
        """Whether it answered all of these kinds rightly."""
        return self.at is not None and not {one.kind for one in requests} & self.wrong.keys()

    def rates(self, sort: tuple[str, int]) -> list[float]:
        """Answers a second, by round."""
        return [one.rate for one in self.slices.get(sort, [])]


@dataclass
class Measured:
    """A dataset, what came of each server, and the engine without one.

    `kinds` are rows or triples of the first query of a kind; `engine` its times in-process, and
    `engine_mix` its calls a second by round.
    """

    dataset: Dataset
    servers: list[Server] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    compared: int = 0
    engine: dict[str, list[float]] = field(default_factory=dict)
    engine_mix: list[float] = field(default_factory=list)

    @property
    def here(self) -> list[Server]:
        """The servers that run."""
        return [server for server in self.servers if server.at is not None]

    def named(self, name: str) -> Server | None:
        """The server of that name, if it runs."""
        return next((server for server in self.here if server.name == name), None)


def ratio(server: Server, reference: Server | None, sort: tuple[str, int]) -> float | None:
    """Answers a second as a multiple of the reference's in the same round; None where not both."""
    theirs = reference.rates(sort) if reference else []
    found = [our / their for our, their in zip(server.rates(sort), theirs, strict=False) if their]
    return median(found) if found else None
