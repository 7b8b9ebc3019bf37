"""Class diagrams as numbers: where boxes, arrows and words stand.

Rule: geometry only; no HTML and no RDF.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BOX_WIDTH, BOX_HEIGHT = 176, 50
_GAP, _ROW = 196, 98
_MARGIN, _ABOVE = 12, 46
_PORT = 12  # arrows leave below the middle of a side and enter above it
_TRUNK = 20  # how far from its box an arrow turns
_ASIDE = 40  # how far from the left side upright arrows stand
_LINE = 15
_NARROW, _WIDE = 7.0, 12.5  # advance widths in px at 13 px


@dataclass(frozen=True, slots=True)
class Node:
    """A box to be placed: its name, the lines in it, column and row from 0."""

    name: str
    lines: tuple[str, ...]
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two boxes by name; with a label a property, without one a superclass."""

    start: str
    end: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A box with its upper left corner in px and the baselines of its lines."""

    name: str
    x: int
    y: int
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Path:
    """An arrow: SVG path data, whether it leads to a superclass, its words and their anchor."""

    path: str
    is_super: bool
    words: tuple[tuple[int, int, str], ...]
    anchor: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A diagram, `width` by `height` px."""

    width: int
    height: int
    boxes: tuple[Placed, ...]
    paths: tuple[Path, ...]


def draw(nodes: Sequence[Node], edges: Sequence[Edge]) -> Drawing:
    """Place boxes on a grid and lead arrows between them at right angles.

    Edges between the same boxes become one arrow with several words; edges that name a box which
    is not there are left out.
    """
    placed = {node.name: _placed(node) for node in nodes}
    labels: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for edge in edges:
        if edge.start in placed and edge.end in placed:
            labels[edge.start, edge.end, not edge.label].append(edge.label)
    paths = [
        _path(placed[start], placed[end], [] if is_super else words, is_super)
        for (start, end, is_super), words in labels.items()
    ]
    width = max(box.x for box in placed.values()) + BOX_WIDTH + _MARGIN
    height = max(box.y for box in placed.values()) + BOX_HEIGHT + _MARGIN
    return Drawing(width, height, tuple(placed.values()), tuple(paths))


def _placed(node: Node) -> Placed:
    x = _MARGIN + node.column * (BOX_WIDTH + _GAP)
    y = _ABOVE + node.row * _ROW
    first = y + (BOX_HEIGHT - _LINE * (len(node.lines) - 1)) // 2 + 5
    lines = tuple((first + at * (_LINE + 3), line) for at, line in enumerate(node.lines))
    return Placed(node.name, x, y, lines)


def _path(start: Placed, end: Placed, words: list[str], is_super: bool) -> Path:
    if start is end:
        return _loop(start, words)
    if start.x == end.x:
        return _vertical(start, end, words, is_super)
    sign = 1 if end.x > start.x else -1
    from_x = start.x + (BOX_WIDTH if sign > 0 else 0)
    to_x = end.x + (0 if sign > 0 else BOX_WIDTH)
    middle = BOX_HEIGHT // 2
    if is_super:  # many lead to one: they meet before it
        from_y, to_y = start.y + middle, end.y + middle
        turn = to_x - sign * 2 * _TRUNK
    else:
        from_y, to_y = start.y + middle + _PORT, end.y + middle - _PORT
        turn = from_x + sign * _TRUNK
    path = f"M{from_x} {from_y}H{turn}V{to_y}H{to_x}"
    at = to_x - sign * _TRUNK // 2
    return Path(path, is_super, _stack(at, to_y, words), "end" if sign > 0 else "start")


def _vertical(start: Placed, end: Placed, words: list[str], is_super: bool) -> Path:
    x = start.x + _ASIDE
    down = end.y > start.y
    from_y, to_y = start.y + (BOX_HEIGHT if down else 0), end.y + (0 if down else BOX_HEIGHT)
    base = (from_y + to_y) // 2 + _LINE * len(words) // 2
    return Path(f"M{x} {from_y}V{to_y}", is_super, _stack(x + 8, base, words), "start")


def _loop(box: Placed, words: list[str]) -> Path:
    left, right, top = box.x + 2 * _ASIDE, box.x + BOX_WIDTH - _ASIDE, box.y - 18
    path = f"M{left} {box.y}V{top}H{right}V{box.y}"
    return Path(path, is_super=False, words=_stack(left, top, words), anchor="start")


def _stack(x: int, y: int, words: list[str]) -> tuple[tuple[int, int, str], ...]:
    """Words one above the other, the last one just above `y`."""
    last = len(words) - 1
    return tuple((x, y - 5 - _LINE * (last - at), word) for at, word in enumerate(words))


def width_of(text: str) -> float:
    """About how wide a text is, in px, at the size of the words."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return _WIDE * wide + _NARROW * (len(text) - wide)


def wrapped(words: str, width: float) -> tuple[str, ...]:
    """The words in lines of at most `width` px; a word that is wider has a line of its own."""
    lines: list[str] = []
    for word in words.split():
        if lines and width_of(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines)


def outlines(drawing: Drawing) -> Mapping[str, tuple[int, int, int, int]]:
    """Of each box left, top, right and bottom, by name."""
    return {
        box.name: (box.x, box.y, box.x + BOX_WIDTH, box.y + BOX_HEIGHT) for box in drawing.boxes
    }
