"""The simulator of docs/reference/sizing.md says what the formulas say, where there are some."""

import math
import random
from statistics import fmean

import pytest
from bench.queueing import House, Kind, Seen, fewest, simulate
from bench.sizing import MARK, PAGE, needed, written

# chance with a seed: the same numbers each time, a few hundredths from those of the formulas
REQUESTS, NEAR = 100_000, 0.05
SECONDS = 0.01


def exponential(number: int = 20_000) -> list[float]:
    """Times with the quantiles of the exponential distribution, and exactly its mean."""
    found = [-math.log(1 - (at + 0.5) / number) for at in range(number)]
    scale = SECONDS / fmean(found)
    return [scale * each for each in found]


def mean(seen: Seen, kind: str = "all") -> float:
    return fmean(seen.seconds[kind])


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_process_with_exponential_times(load: float) -> None:
    """M/M/1: seconds within are distributed exponentially, with mean 1 / (mu - lambda)."""
    rate, service = load / SECONDS, 1 / SECONDS
    seen = simulate([Kind("all", 1, exponential())], rate, House(1, 1), REQUESTS)
    within = 1 / (service - rate)
    assert mean(seen) == pytest.approx(within, rel=NEAR)
    for part in (0.5, 0.95, 0.99):
        assert seen.percentile(part, "all") == pytest.approx(-math.log(1 - part) * within, rel=0.1)
    assert seen.busy["front"] == pytest.approx(load, rel=NEAR)
    assert seen.busy["quick"] == seen.busy["slow"] == 0


def test_one_process_with_two_kinds() -> None:
    """M/G/1: the mean wait by Pollaczek and Khinchine, the same for both kinds."""
    kinds = [Kind("short", 0.9, [0.001]), Kind("long", 0.1, [0.02])]
    rate = 0.7 / (0.9 * 0.001 + 0.1 * 0.02)
    second = 0.9 * 0.001**2 + 0.1 * 0.02**2
    wait = rate * second / (2 * (1 - 0.7))
    seen = simulate(kinds, rate, House(1, 1), REQUESTS)
    assert mean(seen, "short") == pytest.approx(0.001 + wait, rel=NEAR)
    assert mean(seen, "long") == pytest.approx(0.02 + wait, rel=NEAR)


@pytest.mark.parametrize("workers", [2, 4])
def test_several_workers_with_exponential_times(workers: int) -> None:
    """M/M/c: the mean wait by Erlang's formula C."""
    offered = 0.75 * workers
    rate = offered / SECONDS
    last = offered**workers / math.factorial(workers) / (1 - 0.75)
    waits = last / (sum(offered**n / math.factorial(n) for n in range(workers)) + last)
    within = SECONDS + waits * SECONDS / (workers * (1 - 0.75))
    seen = simulate([Kind("all", 1, [0.0], exponential())], rate, House(1, workers), REQUESTS)
    assert mean(seen) == pytest.approx(within, rel=NEAR)
    assert seen.busy["quick"] == pytest.approx(0.75, rel=NEAR)


def test_the_replica_with_the_fewest_is_better_than_one_by_chance_and_worse_than_one_queue() -> (
    None
):
    rate = 0.75 * 4 / SECONDS
    kinds = [Kind("all", 1, exponential())]
    found = mean(simulate(kinds, rate, House(4, 1), REQUESTS))
    one_queue = mean(simulate([Kind("all", 1, [0.0], exponential())], rate, House(1, 4), REQUESTS))
    assert one_queue < found < 1 / (1 / SECONDS - rate / 4) * 0.75


def test_slow_work_leaves_its_worker_to_others() -> None:
    """A worker is lost to quick ones for the budget only; slow ones wait for each other."""
    kinds = [Kind("quick", 0.99, [0.0], [0.001]), Kind("slow", 0.01, [0.0], [2.0])]
    rate = 20.0
    shared = simulate(kinds, rate, House(1, 1), 20_000)
    apart = simulate(kinds, rate, House(1, 1, slow=1, budget=0.1), 20_000)
    assert shared.percentile(0.99, "quick") > 1
    assert apart.percentile(0.99, "quick") < 0.11
    assert min(apart.seconds["slow"]) == pytest.approx(2.0)
    # who finds the place taken waits, and begins anew
    again = [each for each in apart.seconds["slow"] if each > 2.11]
    assert again
    assert apart.busy["slow"] == pytest.approx(rate * 0.01 * 1.9, rel=0.3)


def test_where_the_search_begins() -> None:
    kinds = [Kind("kept", 0.8, [0.001]), Kind("new", 0.2, [0.001], [0.01, 0.5])]
    house = House(1, 2, slow=1, budget=0.1)
    # front: 1 of 1; workers: 0.2 x 0.055 of 2; slow: 0.2 x 0.2 of 1, each at most half at work
    assert fewest(kinds, 100, house, 0.5) == math.ceil(100 * 0.2 * 0.2 / 0.5)
    assert fewest(kinds[:1], 1_000, house, 0.5) == 2
    assert fewest(kinds, 0.1, house, 0.5) == 1


def test_what_is_needed_keeps_to_the_goal() -> None:
    chance = random.Random(1)
    work = [chance.uniform(0.001, 0.06) for _ in range(50)]
    kinds = [Kind("kept", 0.8, [0.0002]), Kind("new question", 0.2, [0.0004], work)]
    number, seen = needed(kinds, 1_000, 20_000)
    assert seen.percentile(0.99, "kept", "new question") <= 0.1
    assert max(seen.busy.values()) < 0.9
    few = House(max(1, number // 2), 2, 1, 0.1)
    worse = simulate(kinds, 1_000, few, 20_000)
    assert worse.percentile(0.99, "kept", "new question") > seen.percentile(
        0.99, "kept", "new question"
    )


def test_what_is_printed_takes_the_place_of_what_was() -> None:
    page = PAGE.read_text()
    once = written(page, "| one |")
    assert once.count("| one |") == 1
    assert once.split(MARK[0])[0] == page.split(MARK[0])[0]
    assert once.split(MARK[1])[1] == page.split(MARK[1])[1]
    assert written(once, "| two |").count("| one |") == 0
    assert written(written(once, "| two |"), "| one |") == once
