"""How quick the service is meant to be, beside its peers, and how quick it was.

Rule: bounds stand here and nowhere else; a test asserts none of them, since machines differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.record import FRESH, REPEATED, WHOLE, WHOLE_REPEATED, Measured, ratio

US, REFERENCE = "rokgraph", "oxigraph"
_HOP = 0.00015  # seconds that a request may take beside its evaluation
_FEWEST = 5  # times of a kind from which its median counts


@dataclass(frozen=True, slots=True)
class Aim:
    """What is aimed at: in words, how it is measured, the bound and whether it is a lower one."""

    words: str
    measure: Callable[[Measured], float | None]
    bound: float
    lower: bool
    unit: str

    def told(self, value: float) -> str:
        """What was reached, and whether that is the aim."""
        good = value >= self.bound if self.lower else value <= self.bound
        return f"{value:.2f}{self.unit}: {'yes' if good else 'no'}"


def _beside(peer: str, sort: tuple[str, int]) -> Callable[[Measured], float | None]:
    def measure(found: Measured) -> float | None:
        ours = found.named(US)
        return None if ours is None else ratio(ours, found.named(peer), sort)

    return measure


def _slowest(found: Measured) -> float | None:
    """The worst of all queries: how many in-process calls its median is, without the hop."""
    ours = found.named(US)
    if ours is None:
        return None
    shares = [
        (median(times) - _HOP) / median(found.engine[kind])
        for kind, times in ours.times.items()
        if len(times) >= _FEWEST
    ]
    return max(shares, default=None)


def _streaming(found: Measured) -> float | None:
    ours = found.named(US)
    return None if ours is None else ours.stream


def _start(found: Measured) -> float | None:
    ours = found.named(US)
    return ours.start if ours and found.dataset.built_in else None


AIMS = (
    *(
        Aim(
            f"{words}, 32 connections: at least {bound:g} times {peer}",
            _beside(peer, (sort, 32)),
            bound,
            lower=True,
            unit="",
        )
        for words, sort, peer, bound in (
            ("new queries", FRESH, REFERENCE, 0.75),
            ("new queries, 10,000 rows among them", WHOLE, REFERENCE, 0.75),
            ("exact repeats", REPEATED, REFERENCE, 3.0),
            ("exact repeats, 10,000 rows among them", WHOLE_REPEATED, REFERENCE, 3.0),
            ("new queries", FRESH, "virtuoso", 4.0),
            ("new queries", FRESH, "fuseki", 4.0),
            ("new queries", FRESH, "rdflib-endpoint", 30.0),
        )
    ),
    Aim(
        "median of every query: at most 2.5 in-process calls and 0.15 ms",
        _slowest,
        2.5,
        lower=False,
        unit=" calls",
    ),
    Aim(
        "500,000 rows streamed: at most 64 MB more in the HTTP process",
        _streaming,
        64.0,
        lower=False,
        unit=" MB",
    ),
    Aim("start to first answer: at most 1.5 s", _start, 1.5, lower=False, unit=" s"),
)
