"""What a page is made of.

Rule: a page is a query, a template, and a function from the one to the other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from rokgraph.web.pages.asked import Asked

# What a template is given; `title` is among it.
Values: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class View:
    """A page: its path, the query whose parameters are its own, its template, what makes it.

    `section` is the key of the entry of the menu that it belongs to, None for none; `files` says
    whether it tells of the dumps, which are made after the start.
    """

    path: str
    query: str
    template: str
    make: Callable[[Asked], Awaitable[Values]]
    section: str | None = None
    files: bool = False
