"""A thing and what is next to it, as numbers: a box, a trunk, branches and their leaves.

Rule: geometry only; no HTML and no RDF. All lengths are px of the drawing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rokgraph.web.diagram import width_of

_BOX = 200  # the box of the thing is as wide, at least
_LINE, _LEAF, _HEADING, _GAP = 17, 25, 24, 10
_TRUNK, _STUB, _TICK, _DOT = 22, 18, 16, 5
_TEXT = _DOT + 8  # from the middle of a dot to its name
_TOP = 2
NARROW, WIDE = 300, 980  # the two widths of a drawing


@dataclass(frozen=True, slots=True)
class Leaf:
    """One neighbour: its name and its language, where its link leads, what the link rests on.

    `basis` is a word for that; `inferred`: the text does not say so, it follows or is read. `hue`
    is the number of its strategy, 0 for none; `dot`: it is a thing, not a link to more.
    """

    name: str
    language: str
    address: str
    basis: str = ""
    inferred: bool = False
    hue: int = 0
    dot: bool = True


@dataclass(frozen=True, slots=True)
class Branch:
    """A link with its neighbours; `left`: they point at the thing, not the thing at them."""

    name: str
    left: bool
    leaves: Sequence[Leaf]

    @property
    def inferred(self) -> bool:
        """Whether all of it is."""
        return all(leaf.inferred for leaf in self.leaves if leaf.dot)


@dataclass(frozen=True, slots=True)
class Words:
    """A text where it stands: `anchor` as SVG has it, a baseline for each line."""

    x: int
    anchor: str
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class PlacedLeaf:
    """A leaf with the middle of its dot and its words."""

    leaf: Leaf
    x: int
    y: int
    words: Words


@dataclass(frozen=True, slots=True)
class Line:
    """A line: SVG path data, and whether it is dashed."""

    path: str
    dashed: bool


@dataclass(slots=True)
class Drawing:
    """The picture, `width` by `height`: the box at (`x`, `y`), what is around it."""

    width: int
    height: int
    x: int
    y: int
    box_width: int
    box_height: int
    title: Words
    lines: list[Line] = field(default_factory=list)
    headings: list[Words] = field(default_factory=list)
    leaves: list[PlacedLeaf] = field(default_factory=list)


def draw(title: str, branches: Sequence[Branch], *, narrow: bool) -> Drawing:
    """Place a thing and its branches: all below it if narrow, else on both sides of it."""
    if narrow:
        return _below(title, branches)
    left = [branch for branch in branches if branch.left]
    right = [branch for branch in branches if not branch.left]
    room = (WIDE - _BOX) // 2
    drawing = _boxed(title, room, _TOP, _BOX)
    middle = drawing.box_height // 2 + _TOP
    ends = [middle + drawing.box_height // 2]
    for side, sign, edge in ((left, -1, room), (right, 1, room + _BOX)):
        if side:
            trunk = edge + sign * _TRUNK
            drawing.lines.append(Line(f"M{edge} {middle}H{trunk}", _all_inferred(side)))
            ends.append(_grow(drawing, side, (trunk, middle, sign), room - _TRUNK))
    drawing.height = max(ends) + _GAP
    return drawing


def _below(title: str, branches: Sequence[Branch]) -> Drawing:
    drawing = _boxed(title, 1, _TOP, NARROW - 2)
    start = drawing.y + drawing.box_height
    end = start
    if branches:
        end = _grow(drawing, branches, (12, start, 1), NARROW - 12, above=True)
    drawing.width, drawing.height = NARROW, end + _GAP
    return drawing


def _boxed(title: str, x: int, y: int, width: int) -> Drawing:
    lines = wrapped(title, width - 24, 3)
    height = _LINE * len(lines) + 18
    baselines = tuple((y + 22 + _LINE * at, line) for at, line in enumerate(lines))
    return Drawing(WIDE, 0, x, y, width, height, Words(x + 12, "start", baselines))


def _all_inferred(branches: Iterable[Branch]) -> bool:
    return all(branch.inferred for branch in branches)


def _grow(
    drawing: Drawing,
    branches: Sequence[Branch],
    trunk: tuple[int, int, int],
    room: int,
    *,
    above: bool = False,
) -> int:
    """Add branches along a trunk; return where they end.

    `trunk` is its x, the y at which it begins and the side on which the branches stand (1 right,
    -1 left); `room` is how wide the side is; `above`: the first branch stands below the beginning.
    """
    x, begin, sign = trunk
    y = begin + (_HEADING if above else 0)
    anchor = "start" if sign > 0 else "end"
    from_y = begin
    for branch in branches:
        stem = x + sign * _STUB
        drawing.lines.append(Line(f"M{x} {from_y}V{y}H{stem}", branch.inferred))
        drawing.headings.append(Words(stem + sign * 6, anchor, ((y + 4, branch.name),)))
        at = before = y  # where the next one may begin, and the height of the last dot
        for leaf in branch.leaves:
            lines = wrapped(leaf.name, room - _STUB - _TICK - _TEXT - 8, 2)
            next_y = at + _LEAF
            dot = stem + sign * _TICK
            path = f"M{stem} {before}V{next_y}H{dot - sign * _DOT}"
            drawing.lines.append(Line(path, leaf.inferred))
            baselines = tuple((next_y + 4 + _LINE * n, line) for n, line in enumerate(lines))
            words = Words(dot + sign * _TEXT, anchor, baselines)
            drawing.leaves.append(PlacedLeaf(leaf, dot, next_y, words))
            at, before = next_y + _LINE * (len(lines) - 1), next_y
        from_y, y = y, at + _HEADING + _GAP
    return y - _HEADING


def wrapped(text: str, width: float, most: int) -> tuple[str, ...]:
    """The text in at most so many lines of at most that width; an ellipsis where it is cut."""
    lines: list[str] = []
    for line in _lines(text, width):
        if len(lines) == most:
            lines[-1] = lines[-1].rstrip(" ,·") + "…"
            break
        lines.append(line)
    return tuple(lines) or ("",)


def _lines(text: str, width: float) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and width_of(longer) > width:
            yield line
            line = word
        else:
            line = longer
    if line:
        yield line
