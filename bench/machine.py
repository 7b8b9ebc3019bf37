"""The machine and its processes: what they are, and how much memory they hold.

Rule: reads /proc; knows nothing of SPARQL. See https://docs.kernel.org/filesystems/proc.html
"""

import os
import platform
import re
import threading
import time
from pathlib import Path
from typing import Self

_MB = 1024.0  # kB
_PAUSE = 0.05  # seconds
_TICKS = os.sysconf("SC_CLK_TCK")


def described() -> dict[str, str]:
    """Processor, memory and system, in words."""
    model = _found("/proc/cpuinfo", "model name") or platform.machine()
    return {
        "processor": f"{os.cpu_count()} x {model}",
        "memory": f"{int(_found('/proc/meminfo', 'MemTotal').split()[0]) / 1024**2:.0f} GB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "load": f"{os.getloadavg()[0]:.1f} at the start",
    }


def _found(path: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.+)$", _text(Path(path)), re.MULTILINE)
    return found[1] if found else ""


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    return [pid, *(each for child in children(pid) for each in family(child))]


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are there."""
    tasks = Path(f"/proc/{pid}/task").glob("*")
    return [int(child) for task in tasks for child in _text(task / "children").split()]


def own(pid: int) -> float:
    """Memory of one process in MB, what it shares counted by part (PSS)."""
    return _size(f"/proc/{pid}/smaps_rollup", "Pss")


def proportional(pid: int) -> float:
    """Memory of a process and its descendants in MB, what they share counted once (PSS)."""
    return sum(_size(f"/proc/{each}/smaps_rollup", "Pss") for each in family(pid))


def resident(pid: int) -> float:
    """Memory of one process in MB (RSS)."""
    return _size(f"/proc/{pid}/status", "VmRSS")


def _size(path: str, name: str) -> float:
    return int((_found(path, name) or "0").split()[0]) / _MB


def settle(pid: int, most: float = 20.0) -> None:
    """Wait until a process and its descendants do nothing any more, at most so many seconds."""
    end, before = time.monotonic() + most, processor(pid)
    while time.monotonic() < end:
        time.sleep(_PAUSE)
        now = processor(pid)
        if now - before <= 1 / _TICKS:
            return
        before = now


def processor(pid: int) -> float:
    """Processor time of a process and its descendants so far, those ended included, in seconds."""
    texts = (_text(Path(f"/proc/{each}/stat")).rpartition(")")[2].split() for each in family(pid))
    return sum(sum(map(int, fields[11:15])) for fields in texts) / _TICKS


class Peak:
    """The most memory that one process holds while something is done, in MB above what it held."""

    def __init__(self, pid: int) -> None:
        """Watch that process."""
        self._pid, self._ending = pid, threading.Event()
        self._before = self._most = resident(pid)
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ending.set()
        self._watch.join()

    @property
    def extra(self) -> float:
        """MB above what the process held before."""
        return max(0.0, self._most - self._before)

    def _look(self) -> None:
        while not self._ending.is_set():
            self._most = max(self._most, resident(self._pid))
            time.sleep(0.005)
