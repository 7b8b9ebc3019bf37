"""Pictures as PNG, drawn by a process of their own within bounds.

Rule: the process that talks to clients draws nothing; a picture without the letters it needs is
none.
"""

import os
import subprocess
import sys
from functools import cache

from rokgraph.errors import RokgraphError
from rokgraph.worker import die_with_parent

_SECONDS = 30  # for one picture, on a busy machine
_PROBE = "--probe"
_NO_LETTERS = 3  # exit status
# Fonts with Hangul, the best first; a generic name would be some font without it.
FAMILIES = (
    "Pretendard, Noto Sans KR, Noto Sans CJK KR, NanumBarunGothic, NanumGothic, Malgun Gothic, "
    "Apple SD Gothic Neo, UnDotum, Baekmuk Dotum, sans-serif"
)
# Two syllables: drawn alike where the fonts of the system have no Hangul.
_SYLLABLES = ("가", "힣")
_LETTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
    f'<text x="4" y="32" font-size="30" font-family="{FAMILIES}">{{}}</text></svg>'
)


class CannotDraw(RokgraphError):
    """The picture cannot be drawn here; the sentence says why."""


@cache
def has_letters() -> bool:
    """Whether the fonts of this system have the letters of our pictures; asked once."""
    try:
        return _run(_PROBE).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def png(svg: bytes, width: int) -> bytes:
    """An SVG picture as PNG, so many pixels wide. Blocks.

    Raises CannotDraw where it takes too long or cannot be drawn.
    """
    try:
        done = _run(str(width), svg)
    except subprocess.TimeoutExpired:
        raise CannotDraw("The picture took too long to draw.") from None
    if done.returncode:
        raise CannotDraw("The picture could not be drawn.")
    return done.stdout


def _run(argument: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = (sys.executable, "-m", "rokgraph.raster", argument, str(os.getpid()))
    return subprocess.run(
        command, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        timeout=_SECONDS, check=False,
    )  # fmt: skip


def _drawn(svg: str, width: int | None = None) -> bytes:
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - only in the process that draws

    return svg_to_bytes(svg_string=svg, width=width)


def main() -> None:
    """Draw what comes in, or say whether the letters are there."""
    die_with_parent(int(sys.argv[2]))
    if sys.argv[1] == _PROBE:
        one, other = (_drawn(_LETTER.format(syllable)) for syllable in _SYLLABLES)
        sys.exit(_NO_LETTERS if one == other else 0)
    sys.stdout.buffer.write(_drawn(sys.stdin.buffer.read().decode(), int(sys.argv[1])))


if __name__ == "__main__":
    main()
