"""The author of one generated plan: chance, what has been read of the source, what it cites.

Rule: all chance of a plan comes from here.
"""

import random
from dataclasses import dataclass, field

from bench import words
from bench.statements import Fact, a, facts, names, text, thing, typed

SOURCE_LENGTH = 200_000  # characters; the passages of a plan end before
LAST_YEAR = words.YEARS[-1]


@dataclass
class Author:
    """Who writes the plan of that number, announced in the year `issued`."""

    number: int
    chance: random.Random
    issued: int
    read: int = 0  # characters of the source up to the last passage
    tasks: int = 0
    technologies: list[tuple[str, tuple[str, str]]] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The document that the plan is read from."""
        return thing("source", f"p{self.number}")

    @property
    def agency(self) -> str:
        """The body that the plan has of its own."""
        return thing("organisation", f"p{self.number}-agency")

    def likely(self, share: float) -> bool:
        """True in so many cases of one."""
        return self.chance.random() < share

    def year(self, first: int) -> int:
        """A year from `first`, five later at most."""
        return min(LAST_YEAR, first + self.chance.randrange(6))

    def ministry(self) -> str:
        """One of the ministries."""
        return thing("organisation", self.chance.choice(tuple(words.MINISTRIES)))

    def cited(self, lines: list[str]) -> Fact:
        """The citation of the next passage, which is added to the lines."""
        start = self.read + self.chance.randrange(1, 40)
        self.read = end = start + self.chance.randrange(20, 80)
        key = f"p{self.number}-{start}-{end}"
        passage, selector = thing("passage", key), thing("selector", key)
        lines += facts(
            passage,
            a("rok:Citation"),
            ("oa:hasSelector", selector),
            ("oa:hasSource", self.source),
            ("rok:selectionSha256", typed(f"{self.chance.getrandbits(256):064x}", "hexBinary")),
        )
        lines += facts(
            selector,
            a("oa:TextPositionSelector"),
            ("oa:start", typed(start, "nonNegativeInteger")),
            ("oa:end", typed(end, "nonNegativeInteger")),
        )
        return "rok:citation", passage


def identified(key: str, english: str, korean: str) -> tuple[Fact, ...]:
    """The names and the identifier of a node."""
    return (*names(english, korean), ("dcterms:identifier", text(key)))
