"""From a baseline to a target, as numbers: where the two dots and the line between them stand.

Rule: geometry only; no HTML and no RDF.
"""

from dataclasses import dataclass

WIDTH, HEIGHT = 180, 24
_END = 8  # px from the sides to the ends of the scale
_NEAR = 14  # px that two dots need so that both are seen


@dataclass(frozen=True, slots=True)
class Range:
    """Two dots on a scale of their own from 0: x of the baseline, None for none, and of the target.

    `left` and `right` are the ends of the scale; `apart` says whether the dots can be told apart.
    """

    left: float
    right: float
    baseline: float | None
    target: float

    @property
    def apart(self) -> bool:
        """Whether the two dots do not touch."""
        return self.baseline is not None and abs(self.baseline - self.target) >= _NEAR


def span(baseline: float | None, target: float) -> Range:
    """The range from a baseline to a target, neither below 0; the larger ends the scale."""
    left, right = _END, WIDTH - _END
    most = max(baseline or 0, target)

    def x(value: float) -> float:
        return round(left + (value / most if most else 0) * (right - left), 1)

    return Range(left, right, None if baseline is None else x(baseline), x(target))
