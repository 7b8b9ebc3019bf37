"""Link headers that lead a program from a document to its other forms, its licence and its maker.

Rule: knows addresses and relations, nothing of what is behind them.

See https://signposting.org/FAIR/ (level 1) and https://www.rfc-editor.org/rfc/rfc8288
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from rokgraph.formats import GRAPH_FORMATS
from rokgraph.vocab import BASE

HTML_TYPE = "text/html"
_ABOUT_PAGE = "https://schema.org/AboutPage"
# What may stand in the path of a URL as it is: https://www.rfc-editor.org/rfc/rfc3986#section-3.3
_PLAIN = "/:@!$&'()*+,;=-._~%"

# Suffix to the short name and media type of the form that it asks for.
FORMS = {
    ".html": ("html", HTML_TYPE),
    **{entry.suffixes[0]: (entry.name, entry.media_type) for entry in GRAPH_FORMATS},
}


@dataclass(frozen=True, slots=True)
class Link:
    """A link as a header or an element of a page has it; `media_type` is empty if unknown."""

    address: str
    relation: str
    media_type: str = ""

    def __str__(self) -> str:
        """As in a Link header."""
        kind = f'; type="{self.media_type}"' if self.media_type else ""
        return f'<{self.address}>; rel="{self.relation}"{kind}'


def url_path(path: str) -> str:
    """A path as it stands in a URL."""
    return quote(path, safe=_PLAIN)


def local(iri: str) -> str:
    """Where a link on a page leads: to this server for an IRI of ours; empty if nowhere."""
    if iri.startswith(BASE):
        path, hash_, fragment = iri.removeprefix(BASE).partition("#")
        return "/" + url_path(path) + hash_ + fragment
    return iri if iri.startswith(("http://", "https://")) else ""


@dataclass(frozen=True, slots=True)
class Signs:
    """What the links of a document are made of.

    `path` is the document's path without suffix; `iri` what it is about; `kinds` the classes of
    schema.org that this is of; `licence` and `maker` are empty if unknown; `collection` is the
    path of what it belongs to; `items` are (path, media type) of what it describes the content of.
    """

    path: str
    iri: str
    kinds: tuple[str, ...] = ()
    licence: str = ""
    maker: str = ""
    collection: str = ""
    items: tuple[tuple[str, str], ...] = ()

    def links(self, base: str, form: str) -> Iterator[Link]:
        """The links of the document in that form, on the server at that URL."""
        here = base + self.path
        yield Link(self.iri, "cite-as")
        for suffix, (name, media_type) in FORMS.items():
            if name != form:
                also = " describedby item" if form == "html" else ""
                yield Link(here + suffix, "alternate" + also, media_type)
        if form == "html":
            for kind in (_ABOUT_PAGE, *self.kinds):
                yield Link(kind, "type")
            for path, media_type in self.items:
                yield Link(base + path, "item", media_type)
            if self.collection and self.collection != self.path:
                yield Link(base + self.collection, "collection", HTML_TYPE)
        else:
            # the page is where a program that came by this form finds the rest
            yield Link(here, "collection describes", HTML_TYPE)
        if self.licence:
            yield Link(self.licence, "license")
        if self.maker:
            yield Link(self.maker, "author")


def link_header(links: Iterable[Link]) -> str:
    """The value of a Link header; what is not ASCII stays out of headers."""
    return ", ".join(text for text in map(str, links) if text.isascii())
