"""Many requests, few processors: how long they wait, by simulation.

Rule: knows times and shares, nothing of HTTP or SPARQL.

A replica is one process that speaks HTTP, which takes one request after the other, and workers
behind it. Work past a budget is slow: it leaves its worker to others and goes on in a place for
slow work, or begins anew when one is free, as `rokgraph.engine` has it. Requests come by chance (a
Poisson process), go to the replica with the fewest of them, and take times drawn from those that
were measured.
See https://simpy.readthedocs.io/ and, for what it is checked with,
https://en.wikipedia.org/wiki/M/G/1_queue and https://en.wikipedia.org/wiki/M/M/c_queue
"""

import math
import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy


@dataclass(frozen=True, slots=True)
class Kind:
    """Requests of one kind: their share of all, and measured times in seconds.

    `front` are those in the process that speaks HTTP, `work` those in a worker, none for an answer
    that is kept.
    """

    name: str
    share: float
    front: Sequence[float]
    work: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class House:
    """How many replicas, each with so many workers and places for slow work.

    `budget` is in seconds: work that takes longer is slow.
    """

    replicas: int
    quick: int
    slow: int = 1
    budget: float = math.inf


@dataclass(slots=True)
class Seen:
    """What came of it: seconds from coming to going by kind, and the share of time at work."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)

    def percentile(self, part: float, *kinds: str) -> float:
        """Seconds within which that part of the requests of those kinds is answered."""
        found = sorted(each for kind in kinds for each in self.seconds.get(kind, ()))
        return found[min(len(found) - 1, int(part * len(found)))] if found else 0.0


def simulate(
    kinds: Sequence[Kind], rate: float, house: House, requests: int, *, seed: int = 1
) -> Seen:
    """Let so many requests come, `rate` of them a second; the first tenth is not counted."""
    world = simpy.Environment()
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    replicas = [_Replica(world, house) for _ in range(house.replicas)]
    shares = [kind.share for kind in kinds]
    seen = Seen({kind.name: [] for kind in kinds})

    def one(
        replica: _Replica, kind: Kind, begun: float, *, counts: bool
    ) -> Generator[simpy.Event, Any, None]:
        front, work = chance.choice(kind.front), chance.choice(kind.work) if kind.work else 0.0
        yield from replica.answered(front, work)
        if counts:
            seen.seconds[kind.name].append(world.now - begun)

    def coming() -> Generator[simpy.Event, Any, None]:
        for number in range(requests):
            yield world.timeout(chance.expovariate(rate))
            [kind] = chance.choices(kinds, shares)
            least = min(replica.within for replica in replicas)
            replica = chance.choice([each for each in replicas if each.within == least])
            world.process(one(replica, kind, world.now, counts=number * 10 >= requests))

    coming_ = world.process(coming())
    world.run(until=coming_)
    # what is still within when the last one comes is at work for a part of its time only
    seen.busy = {
        name: min(
            1.0, sum(each.spent[name] for each in replicas) / (world.now * places * len(replicas))
        )
        for name, places in _places(house).items()
    }
    world.run()
    return seen


class _Replica:
    """One process that speaks HTTP, and what is behind it."""

    def __init__(self, world: simpy.Environment, house: House) -> None:
        self._world, self._budget = world, house.budget
        self._parts = {name: simpy.Resource(world, n) for name, n in _places(house).items()}
        self.spent = dict.fromkeys(self._parts, 0.0)
        self.within = 0

    def answered(self, front: float, work: float) -> Generator[simpy.Event, Any, None]:
        """One request with so many seconds in front and in a worker, from coming to going."""
        self.within += 1
        yield from self._served("front", front)
        if work:
            yield from self._served("quick", min(work, self._budget))
        if work > self._budget:
            slow = self._parts["slow"]
            at_once = slow.count < slow.capacity
            yield from self._served("slow", work - self._budget if at_once else work)
        self.within -= 1

    def _served(self, name: str, seconds: float) -> Generator[simpy.Event, Any, None]:
        with self._parts[name].request() as turn:
            yield turn
            yield self._world.timeout(seconds)
            self.spent[name] += seconds


def fewest(kinds: Sequence[Kind], rate: float, one: House, busy: float) -> int:
    """How many such replicas keep each part of them at most so `busy`, by the means alone.

    It is where a search begins: fewer cannot do, by the law of Little. `rate` is that of all these
    kinds together.
    """
    total = sum(kind.share for kind in kinds)
    needs = dict.fromkeys(_places(one), 0.0)
    for kind in kinds:
        coming = rate * kind.share / total
        needs["front"] += coming * _mean(kind.front)
        needs["quick"] += coming * _mean([min(each, one.budget) for each in kind.work])
        needs["slow"] += coming * _mean([max(0.0, each - one.budget) for each in kind.work])
    return max(
        1, *(math.ceil(needs[name] / (busy * places)) for name, places in _places(one).items())
    )


def _places(house: House) -> dict[str, int]:
    return {"front": 1, "quick": house.quick, "slow": house.slow}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
