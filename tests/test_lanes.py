"""Queries that one worker has at once: each gets its own answer, whatever becomes of the others."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator

import httpx
import pytest

from running import Server, run_server
from test_engine import FOREVER, children, zygote_of

MANY = 60
LINGERING = "SELECT (COUNT(*) AS ?n) { { SELECT * { ?a ?b ?c } LIMIT 15 } { ?d ?e ?f } }"


@pytest.fixture
def one_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with one quick worker, so that queries meet in it."""
    monkeypatch.setenv("ROKGRAPH_WORKERS", "1")
    monkeypatch.setenv("ROKGRAPH_QUICK", "0.3")
    with run_server("--timeout", "20") as running:
        yield running


def numbered(number: int) -> str:
    return f"SELECT ({number} AS ?n) ?s {{ ?s ?p ?o }} LIMIT 3 # {time.monotonic_ns()}"


async def asked(client: httpx.AsyncClient, query: str) -> httpx.Response:
    headers = {"accept": "text/csv"}
    return await client.get("/sparql", params={"query": query}, headers=headers)


def right(answer: httpx.Response, number: int) -> bool:
    rows = answer.text.split("\r\n")[1:-1]
    return answer.status_code == 200 and [row.split(",")[0] for row in rows] == [str(number)] * 3


def connected(server: Server) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=MANY)
    return httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits)


def test_each_of_many_at_once_gets_its_own(one_worker: Server) -> None:
    """Refusals, large answers and clients that leave stand between them."""
    chance = random.Random(7)

    async def run() -> None:
        async with connected(one_worker) as client:
            waiting = []
            for number in range(200):
                kind = chance.choice(("fine", "fine", "fault", "large", "left"))
                query = {
                    "fault": f"SELECT * {{ # {number}",
                    "large": f"SELECT * {{ ?s ?p ?o }} LIMIT {5000 + number}",
                }.get(kind, numbered(number))
                task = asyncio.create_task(asked(client, query))
                if kind == "left":
                    asyncio.get_running_loop().call_later(chance.random() / 100, task.cancel)
                waiting.append((number, kind, task))
                if number % 20 == 0:
                    await asyncio.sleep(0.01)
            for number, kind, task in waiting:
                if kind == "left":
                    await asyncio.wait([task])
                    continue
                answer = await task
                if kind == "fault":
                    assert answer.status_code == 400
                elif kind == "large":
                    assert answer.text.count("\r\n") == 5001 + number
                else:
                    assert right(answer, number), answer.text

    asyncio.run(run())


def test_who_waits_behind_a_slow_query_goes_elsewhere(one_worker: Server) -> None:
    async def run() -> None:
        async with connected(one_worker) as client:
            await asked(client, "ASK {}")
            slow = asyncio.create_task(asked(client, FOREVER))
            await asyncio.sleep(0.005)
            begun = time.monotonic()
            answers = await asyncio.gather(*(asked(client, numbered(n)) for n in range(20)))
            assert all(right(answer, n) for n, answer in enumerate(answers))
            # as long as the slow one counts as quick, and no longer; not its twenty seconds
            assert time.monotonic() - begun < 5
            assert not slow.done()
            slow.cancel()
            await asyncio.wait([slow])

    asyncio.run(run())


def test_a_worker_that_dies_takes_nobody_along(one_worker: Server) -> None:
    async def run() -> None:
        async with connected(one_worker) as client:
            for _ in range(5):
                lingering = [
                    asyncio.create_task(asked(client, f"{LINGERING} # {time.monotonic_ns()}"))
                    for _ in range(4)
                ]
                quick = [asyncio.create_task(asked(client, numbered(n))) for n in range(20)]
                await asyncio.sleep(0.02)
                for pid in children(zygote_of(one_worker)):
                    os.kill(pid, signal.SIGKILL)
                answers = await asyncio.gather(*quick)
                assert all(right(answer, n) for n, answer in enumerate(answers))
                assert {task.status_code for task in await asyncio.gather(*lingering)} == {200}

    asyncio.run(run())


def test_of_many_long_answers_none_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for two at once: the others wait, begin later, and come whole."""
    monkeypatch.setenv("ROKGRAPH_WORKERS", "2")
    monkeypatch.setenv("ROKGRAPH_SLOW_WORKERS", "1")
    text = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 60000 # "

    async def run(server: Server) -> None:
        async with connected(server) as client:
            begun = [
                asyncio.create_task(asked(client, f"{text}{time.monotonic_ns()}"))
                for _ in range(14)
            ]
            await asyncio.sleep(0.3)
            between = [await asked(client, numbered(n)) for n in range(10)]
            wrong = [answer for n, answer in enumerate(between) if not right(answer, n)]
            assert not wrong, (wrong[0].status_code, wrong[0].text[:500])
            for answer in await asyncio.gather(*begun):
                assert answer.status_code == 200
                assert answer.text.count("\r\n") == 60_001

    with run_server("--timeout", "60") as server:
        asyncio.run(run(server))


def test_a_client_that_leaves_while_others_are_before_it_kills_nobody(one_worker: Server) -> None:
    async def run() -> None:
        async with connected(one_worker) as client:
            await asked(client, "ASK {}")
            [worker] = children(zygote_of(one_worker))
            text = f"{LINGERING} # {time.monotonic_ns()}"
            first = asyncio.create_task(asked(client, text))
            await asyncio.sleep(0.01)
            behind = asyncio.create_task(asked(client, numbered(1)))
            await asyncio.sleep(0.02)
            behind.cancel()
            last = asyncio.create_task(asked(client, numbered(2)))
            assert (await first).status_code == 200
            assert right(await last, 2)
            assert children(zygote_of(one_worker)) == [worker]

    asyncio.run(run())
