"""Entity tags: made from what an answer depends on, compared with what a client has.

Rule: one representation, one tag.

See https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests
"""

import hashlib
import re

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def base_tag(digest: str, *parts: object) -> str:
    """What all representations of one answer share: the snapshot and the request."""
    return Begun(digest).base(b"\0".join(map(_plain, parts)))


class Begun:
    """What the tags of all answers from one snapshot begin with."""

    def __init__(self, digest: str, *parts: object) -> None:
        """Take in what they share."""
        self._digest = digest[:16]
        shared = b"".join(_plain(part) + b"\0" for part in parts)
        self._hasher = hashlib.blake2b(shared, digest_size=10)

    def base(self, request: bytes) -> str:
        """What all representations of the answer to one request share."""
        hasher = self._hasher.copy()
        hasher.update(request)
        return f"{self._digest}-{hasher.hexdigest()}"


def _plain(part: object) -> bytes:
    return part if isinstance(part, bytes) else repr(part).encode()


def tag(base: str, form: str, coding: str = "identity") -> str:
    """The strong entity tag of one representation."""
    return f'"{base}-{form}"' if coding == "identity" else f'"{base}-{form}-{coding}"'


def matches(condition: str | None, tags: set[str]) -> str | None:
    """The first of `tags` that an If-None-Match header names, by weak comparison; else None.

    `*` names none here: whether there is a representation is not known before it is made.
    """
    if not condition:
        return None
    return next((given for given in _TAG.findall(condition) if given in tags), None)


def any_matches(condition: str | None) -> bool:
    """Whether an If-None-Match header is `*`: any representation that exists."""
    return condition is not None and condition.strip() == "*"
