"""The dataset in the words of schema.org, for search engines that look for datasets.

Rule: says what the catalogue says, and nothing else.

See https://schema.org/Dataset
"""

from typing import Any

from rokgraph.catalogue import Catalogue


def schema_org(catalogue: Catalogue, base: str) -> dict[str, Any]:
    """A schema.org Dataset in JSON-LD, for a service at that URL without a slash at its end."""
    node = catalogue.dataset
    titles, texts = (
        _by_language(catalogue, "dcterms:title"),
        _by_language(catalogue, "dcterms:description"),
    )
    document: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "@id": node,
        "name": titles.get("en", ""),
        "alternateName": [text for tag, text in titles.items() if tag != "en"],
        "description": texts.get("en", ""),
        "url": f"{base}/catalogue",
        "identifier": node,
        "version": _first(catalogue, "dcat:version"),
        "license": _first(catalogue, "dcterms:license"),
        "keywords": [each.value for each in catalogue.values(node, "dcat:keyword")],
        "inLanguage": sorted(titles),
        "temporalCoverage": _period(catalogue),
        "spatialCoverage": [
            {"@type": "Place", "@id": each.value}
            for each in catalogue.values(node, "dcterms:spatial")
        ],
        "creator": _agents(catalogue, "dcterms:creator"),
        "publisher": _agents(catalogue, "dcterms:publisher"),
        "isAccessibleForFree": True,
        "includedInDataCatalog": {"@type": "DataCatalog", "url": f"{base}/catalogue"},
        "distribution": list(_downloads(catalogue, base)),
    }
    return {name: value for name, value in document.items() if value not in ("", [])}


def _by_language(catalogue: Catalogue, name: str) -> dict[str, str]:
    values = catalogue.values(catalogue.dataset, name)
    return {getattr(each, "language", None) or "": each.value for each in values}


def _first(catalogue: Catalogue, name: str) -> str:
    return next((each.value for each in catalogue.values(catalogue.dataset, name)), "")


def _period(catalogue: Catalogue) -> str:
    """First and last year. See https://schema.org/temporalCoverage ."""
    period = _first(catalogue, "dcterms:temporal")
    years = [
        each.value
        for name in ("dcat:startDate", "dcat:endDate")
        for each in (catalogue.values(period, name) if period else ())
    ]
    return "/".join(years)


def _agents(catalogue: Catalogue, name: str) -> list[dict[str, str]]:
    found = []
    for agent in catalogue.values(catalogue.dataset, name):
        names = catalogue.values(agent.value, "foaf:name")
        english = [each.value for each in names if getattr(each, "language", None) == "en"]
        told = {"@type": "Organization", "@id": agent.value}
        found.append(told | ({"name": english[0]} if english else {}))
    return found


def _downloads(catalogue: Catalogue, base: str) -> list[dict[str, Any]]:
    published = catalogue.publication.published
    found = []
    for dump in catalogue.forms:
        entry = {
            "@type": "DataDownload",
            "name": dump.title["en"],
            "encodingFormat": dump.content_type.partition(";")[0],
            "contentUrl": catalogue.url(base, dump.path),
        }
        known = published.get(dump.path)
        if known is not None:
            entry |= {"contentSize": f"{known.size} B", "sha256": known.sha256}
        found.append(entry)
    return found
