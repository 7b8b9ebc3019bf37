"""What stands around the content of every page.

Rule: the same on every page; knows the reader's language and the address, nothing of the content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode

from rokgraph.snapshot import Summary
from rokgraph.web.http import PAGE, Scope
from rokgraph.web.language import LANGUAGES, PARAMETER, asked, chosen, words
from rokgraph.web.templating import render

# Key of the words and address of each entry of the menu.
MENU = (
    ("overview", "/"),
    ("tasks", "/tasks"),
    ("laws", "/laws"),
    ("deadlines", "/timeline"),
    ("figures", "/figures"),
    ("questions", "/queries/"),
    ("data", "/data/"),
)
# A page differs with these headers, whatever it shows.
_VARY = ("Accept-Language", "Cookie")
_YEAR = 365 * 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class Frame:
    """The reader's language, the address of the page (path, and query without the language).

    `digest` is that of the dataset, `dataset` what answers call it, `size` its number of triples;
    `named`: the address itself named the language.
    """

    language: str
    path: str
    query: str
    digest: str
    dataset: str
    size: int
    named: bool = False

    @classmethod
    def of(cls, scope: Scope, headers: Mapping[str, str], summary: Summary) -> "Frame":
        """The frame for a request to a service of that dataset."""
        query: bytes = scope.get("query_string", b"")
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        rest = urlencode([pair for pair in pairs if pair[0] != PARAMETER])
        path = quote(scope["path"], safe="/:@!$&'()*+,;=-._~%")
        return cls(
            chosen(query, headers),
            path,
            rest,
            summary.digest,
            summary.name,
            summary.size,
            named=asked(query) is not None,
        )

    def address(self, language: str) -> str:
        """The address of the same page in a language."""
        rest = f"{self.query}&" if self.query else ""
        return f"{self.path}?{rest}{PARAMETER}={language}"

    def headers(self, others: Mapping[str, str]) -> dict[str, str]:
        """The headers of the page: those and its language, and what is to be remembered."""
        vary = filter(None, (others.get("vary"), *_VARY))
        found = {"cache-control": "public, max-age=60", **others, **PAGE}
        found |= {"content-language": self.language, "vary": ", ".join(vary)}
        if self.named:
            cookie = f"{PARAMETER}={self.language}; Path=/; Max-Age={_YEAR}; SameSite=Lax"
            found["set-cookie"] = cookie
            found["cache-control"] = found["cache-control"].replace("public", "private")
        return found

    def page(self, template: str, **values: object) -> bytes:
        """The page of a template, around it what every page has; UTF-8.

        `t` is the words of the page, `common` those of all pages; `section` is the key of the
        entry of the menu that the page belongs to.
        """
        known = {
            "frame": self,
            "lang": self.language,
            "languages": LANGUAGES,
            "menu": MENU,
            "common": words(self.language, "common"),
            "t": words(self.language, template.removesuffix(".html").rpartition("/")[2]),
            "section": None,
        }
        return render(template, **{**known, **values})
