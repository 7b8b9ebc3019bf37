"""Load on a server: wrk asks as fast as it is answered, for a short while.

Rule: open-source wrk does the asking; what it counts is checked before it counts.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from bench.mix import Request
from bench.wire import target

SCRIPT = Path(__file__).with_name("requests.lua")
SHORT = 0.97  # of the bytes that so many right answers have; heads differ by some digits


class NoWrk(Exception):
    """The load generator is not installed."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What came of some seconds of load; times in seconds, `fault` in words or ""."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    fault: str

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def version() -> str:
    """The version of wrk.

    Raises NoWrk where it is not installed.
    """
    if shutil.which("wrk") is None:
        raise NoWrk("wrk is not here; on Debian: apt-get install wrk")
    told = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)  # noqa: S607 - of the system
    return (told.stdout + told.stderr).split()[1]


def write_requests(path: Path, requests: Sequence[Request], prefix: str) -> None:
    """The file that the script of wrk reads."""
    lines = (f"{one.accept}\t{target(prefix, one.text)}\n" for one in requests)
    path.write_text("".join(lines))


def press(url: str, file: Path, load: tuple[int, int], *, fresh: str | None, start: int) -> Slice:
    """Load on a server with the requests of a file, from the one of that number.

    `load` is connections and seconds. With `fresh`, no two texts are the same, and none is that of
    a load with another `fresh`.
    """
    connections, seconds = load
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(SCRIPT)]
    given = [str(file), "repeat" if fresh is None else "fresh", fresh or "-", str(start)]
    done = subprocess.run(
        ["wrk", *options, url, "--", *given],  # noqa: S607 - of the system
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 120,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    refused, broken = told.pop("refused"), told.pop("broken")
    faults = [f"{refused} refused" if refused else "", f"{broken} broken off" if broken else ""]
    return Slice(**told, fault=", ".join(filter(None, faults)))


def short(found: Slice, lengths: Sequence[int], start: int, connections: int) -> str:
    """Whether fewer bytes came than that many right answers have, in words; "" if not.

    `lengths` are those of the answers on the wire, in the order of the requests. As many as there
    are connections may have been asked and not answered; at worst they are the longest.
    """
    first = start % len(lengths)
    asked = sorted(islice(cycle(lengths), first, first + found.requests + connections))
    expected = sum(asked[: found.requests])
    return f"{found.bytes} bytes of {expected}" if found.bytes < SHORT * expected else ""
