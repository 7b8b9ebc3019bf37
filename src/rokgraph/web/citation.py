"""How to cite a page: as APA has it and as BibTeX.

Rule: names the version of the dataset and its digest, so that what is cited can be fetched again.

See https://apastyle.apa.org/style-grammar-guidelines/references/examples/data-set-references
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SHORT = len("sha256:") + 12


@dataclass(frozen=True, slots=True)
class Citation:
    """The two forms, as plain text."""

    apa: str
    bibtex: str


def citation(title: str, url: str, about: Mapping[str, str], dataset: str) -> Citation:
    """The citation of the page at `url`.

    `about` has title, version, makerName and, where it is known, issued (`YYYY-MM-DD`) of the
    dataset; what it lacks is left out. `dataset` is what answers call it.
    """
    maker, version = about.get("makerName", "rokgraph"), about.get("version", "")
    year = about.get("issued", "")[:4] or "n.d."
    of = f"{about.get('title', 'rokgraph')}, version {version}" if version else "rokgraph"
    apa = f"{maker}. ({year}). {title} [Data set]. In {of} ({dataset[:_SHORT]}). {url}"
    key = re.sub(r"[^a-z0-9]+", "-", url.partition("//")[2].lower()).strip("-")[-60:]
    lines = {
        "author": f"{{{maker}}}",
        "title": f"{{{title}}}",
        "howpublished": of,
        "year": year if year.isdigit() else "",
        "version": version,
        "note": dataset,
        "url": url,
    }
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in lines.items() if value)
    return Citation(apa, f"@misc{{{key},\n{body}}}")
