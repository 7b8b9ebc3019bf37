"""The cost of a start and of a request, counted: a busy machine counts as an idle one does."""

import pytest
from bench import cost

from running import missing

_GROWTH = 1.25  # a quarter more, and somebody must look


@pytest.fixture(scope="module")
def counted() -> dict[str, int]:
    return cost.costs()


@pytest.mark.parametrize("name", ["start", "repeat", "agent", "unseen", "posted"])
def test_it_costs_no_quarter_more(counted: dict[str, int], name: str) -> None:
    """`python bench/cost.py --write` keeps what it costs now; say in the commit why it grew."""
    kept = cost.kept()
    if not kept:
        missing(f"the costs on Python {cost.VERSION} (python bench/cost.py --write)")
    assert counted[name] <= _GROWTH * kept[name]


def test_what_is_kept_is_what_it_costs(counted: dict[str, int]) -> None:
    """A cost that fell by a quarter is to be kept, or the guard guards nothing."""
    assert all(counted[name] * _GROWTH >= count for name, count in cost.kept().items())
