"""The saved queries in groups, and those that a search finds.

Rule: knows their headers only; the first tag of a query is the group that it stands in.
"""

from collections.abc import Iterable, Mapping, Sequence

from rokgraph.library import SavedQuery


def found(
    saved: Iterable[SavedQuery], words: str, tags: Sequence[Mapping[str, str]] = ()
) -> list[SavedQuery]:
    """Those in whose title, description, tags or name, in any language, each of the words stands.

    `tags` are the words of the tags, a mapping for each language.
    """
    wanted = words.casefold().split()
    return [one for one in saved if all(word in _text(one, tags) for word in wanted)]


def _text(saved: SavedQuery, tags: Sequence[Mapping[str, str]]) -> str:
    spoken = (told.get(tag, "") for tag in saved.tags for told in tags)
    texts = (saved.name, *saved.title.values(), *saved.description.values(), *saved.tags, *spoken)
    return "\n".join(texts).casefold()


def groups(saved: Iterable[SavedQuery]) -> list[tuple[str, list[SavedQuery]]]:
    """The queries by their first tag, both in the order of the alphabet; what has none is last."""
    by_tag: dict[str, list[SavedQuery]] = {}
    for one in saved:
        by_tag.setdefault(next(iter(one.tags), ""), []).append(one)
    return sorted(by_tag.items(), key=lambda pair: (not pair[0], pair[0]))
