"""IRIs in their short form and back, by the dataset's own prefix table.

Rule: knows the table it is given, nothing else.

See https://www.w3.org/TR/curie/
"""

from collections.abc import Mapping

import pyoxigraph as ox

from rokgraph.errors import SettingError


def full_iri(given: str, prefixes: Mapping[str, str]) -> str:
    """An IRI from an IRI or a short form such as `task:1-2`; `prefixes` maps prefix to namespace.

    Raises SettingError if it is neither.
    """
    given = given.strip("<>")
    prefix, colon, local = given.partition(":")
    if colon and prefix in prefixes and not local.startswith("//"):
        given = prefixes[prefix] + local
    try:
        return ox.NamedNode(given).value
    except ValueError:
        raise SettingError(f"{given!r} is neither an IRI nor a known short form") from None


def short_iri(iri: str, prefixes: Mapping[str, str]) -> str:
    """The short form of an IRI by the longest namespace that fits, else the IRI."""
    fits = [name for name, space in prefixes.items() if iri.startswith(space) and iri != space]
    if not fits:
        return iri
    best = max(fits, key=lambda name: len(prefixes[name]))
    return f"{best}:{iri.removeprefix(prefixes[best])}"
