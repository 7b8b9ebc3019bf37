"""A server like any other, whose HTTP process counts the instructions that its Python executes.

Rule: counts what is executed, not what time it takes, so that a busy machine says the same.

Run it as `rokgraph serve` is run: `python bench/counted.py FILE serve --port 8000`. On SIGUSR1 it
writes the number of bytecode instructions since its start to FILE, for the thread that serves.
"""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from rokgraph.cli import main

_count = 0


def _trace(frame: FrameType, event: str, _: Any) -> Any:
    global _count  # noqa: PLW0603 - a cell would cost as much as what is counted
    if event == "opcode":
        _count += 1
    else:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
    return _trace


def _tell(*_: object) -> None:
    path = Path(sys.argv[1])
    part = path.with_suffix(".part")
    part.write_text(str(_count), encoding="ascii")
    part.replace(path)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _tell)
    sys.settrace(_trace)
    sys.exit(main(sys.argv[2:]))
