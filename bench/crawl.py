"""Every IRI of ours in the data, dereferenced: each answers, in every form, with the same triples.

Rule: asks as a client would, over HTTP only; what a page links to is checked, not assumed.

For each IRI: 303 to a document, or 200 where it is one; the page names it; Turtle and JSON-LD by
`Accept`, N-Triples and RDF/XML by suffix, are the same triples (blank nodes by RDFC-1.0) and speak
of it. Links of pages that lead to an IRI of ours must lead to one that the data has. The exit code
is 1 if anything is not so.

Run it: `python bench/crawl.py`, or with `--url` of a server that runs; `--sample 30` takes thirty
of each class of sixty or more and the others whole.
"""
# ruff: noqa: T201 - it prints

import argparse
import contextlib
import hashlib
import re
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx
import pyoxigraph as ox

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from running import run_server

BASE = "https://w3id.org/rokgraph/"
BY_SUFFIX = {
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".rdf": ox.RdfFormat.RDF_XML,
}
BY_ACCEPT = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/ld+json": ox.RdfFormat.JSON_LD,
}
KINDS = ("id", "def", "graph", "dataset", "mappings", "ont", "shapes", "prefixes")
SERVICES = {BASE + "sparql"}  # named in the data, and no document
SEEDS = ("/", "/doc/dataset")
WHOLE = 60  # classes with fewer members are taken whole
LISTING = """
SELECT DISTINCT ?iri ?class WHERE {
  { ?iri ?p ?o } UNION { ?s ?q ?iri } UNION { GRAPH ?iri { ?a ?b ?c } }
  FILTER(isIRI(?iri) && STRSTARTS(STR(?iri), "https://w3id.org/rokgraph/"))
  OPTIONAL { ?iri a ?class }
}
"""


class _Page(HTMLParser):
    """Addresses that a page links to, and the names of its places."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: set[str] = set()
        self.places: set[str] = set()
        self.headings = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what an element says."""
        values = dict(attrs)
        self.headings += tag == "h1"
        if tag == "a" and values.get("href"):
            self.addresses.add(values["href"] or "")
        if values.get("id"):
            self.places.add(values["id"] or "")


@dataclass
class Crawl:
    """What is found on the way."""

    client: httpx.Client
    known: set[str]
    failures: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    links: dict[str, set[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str, accept: str = "*/*") -> httpx.Response:
        """Ask once, without following."""
        answer = self.client.get(path, headers={"accept": accept})
        with self.lock:
            self.statuses[answer.status_code] += 1
        return answer

    def check(self, iri: str, terms: set[str]) -> None:
        """Dereference one IRI without a fragment, and look for its hash terms in what comes."""
        for fault in self._faults(iri, terms):
            with self.lock:
                self.failures.append(f"{iri}: {fault}")

    def _faults(self, iri: str, terms: set[str]) -> Iterator[str]:
        """What is wrong with the answers for an IRI, its page first."""
        path = "/" + quote(iri.removeprefix(BASE))
        first = self.get(path, "text/html")
        document = path
        if first.status_code == HTTPStatus.SEE_OTHER:
            document = first.headers["location"]
            first = self.get(document, "text/html")
        if first.status_code != HTTPStatus.OK or "text/html" not in first.headers["content-type"]:
            yield f"the page answers {first.status_code}, {first.headers.get('content-type')}"
            return
        if iri in SERVICES:
            return
        page = _Page(first.text)
        if page.headings != 1 or iri not in unescape(first.text):
            yield "the page does not name it, or has not one heading"
        with self.lock:
            self.links[iri] = found = {*self._ours(page.addresses)}
        for one in found - self.known:
            yield f"its page links to {one}, which is not in the data"
        for term in terms:
            if term.partition("#")[2] not in page.places:
                yield f"its page has no place for {term}"
        yield from self._faults_of_forms(document, {iri, *terms})

    def _faults_of_forms(self, document: str, iris: set[str]) -> Iterator[str]:
        """What is wrong with the RDF of a document, which is to speak of these IRIs."""
        asked = [(document, accept, form) for accept, form in BY_ACCEPT.items()]
        asked += [(document + suffix, "*/*", form) for suffix, form in BY_SUFFIX.items()]
        seen: set[frozenset[str]] = set()
        for address, accept, form in asked:
            answer = self.get(address, accept)
            kind = answer.headers.get("content-type", "")
            if answer.status_code != HTTPStatus.OK or form.media_type not in kind:
                yield f"{address} as {accept} answers {answer.status_code}, {kind}"
            else:
                seen.add(_canonical(answer.content, form))
        if len(seen) != 1:
            yield "its forms are not the same triples"
            return
        text = "\n".join(*seen)
        yield from (f"its RDF does not speak of {one}" for one in iris if f"<{one}>" not in text)

    def _ours(self, addresses: Iterable[str]) -> Iterator[str]:
        """The IRIs of ours that local addresses stand for."""
        for address in addresses:
            parts = urlsplit(address)
            kind = parts.path[1:].partition("/")[0]
            if not parts.netloc and not parts.query and kind in KINDS:
                hash_ = f"#{parts.fragment}" if parts.fragment else ""
                yield urljoin(BASE, unquote(parts.path[1:])) + hash_

    def reached(self) -> set[str]:
        """The IRIs that one gets to from the entries by links of pages."""
        ahead: set[str] = {BASE + "dataset"}
        for seed in SEEDS:
            ahead |= {*self._ours(_Page(self.get(seed, "text/html").text).addresses)}
        found: set[str] = set()
        while ahead:
            iri = ahead.pop()
            if iri not in found:
                found.add(iri)
                ahead |= self.links.get(iri.partition("#")[0], set())
        return found


def _canonical(content: bytes, form: ox.RdfFormat) -> frozenset[str]:
    """The triples as text, blank nodes by their canonical names."""
    dataset = ox.Dataset(ox.parse(content, format=form))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return frozenset(map(str, dataset))


def listed(client: httpx.Client) -> dict[str, set[str]]:
    """Every IRI of ours in the data, with its classes."""
    rows = client.post("/sparql", data={"query": LISTING}).raise_for_status().json()
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows["results"]["bindings"]:
        found[row["iri"]["value"]] |= {row["class"]["value"]} if "class" in row else set()
    return dict(found)


def sampled(iris: dict[str, set[str]], number: int) -> set[str]:
    """Small classes whole, `number` of each larger one: the same ones each time."""
    members: dict[str, list[str]] = defaultdict(list)
    for iri, classes in iris.items():
        for one in classes or {""}:
            members[one].append(iri)
    found: set[str] = set()
    for several in members.values():
        several.sort(key=lambda iri: hashlib.sha256(iri.encode()).digest())
        found |= {*several[: number if len(several) >= WHOLE else None]}
    return found


def main() -> int:
    """Crawl and report; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="a server that runs; without, one is started")
    parser.add_argument("--sample", type=int, default=0, help="of each large class, so many")
    parser.add_argument("--clients", type=int, default=4, help="requests at once")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = options.url or stack.enter_context(run_server()).url
        client = stack.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))
        iris = listed(client)
        wanted = sampled(iris, options.sample) if options.sample else {*iris}
        terms: dict[str, set[str]] = defaultdict(set)
        for iri in wanted:
            document, hash_, _ = iri.partition("#")
            terms[document] |= {iri} if hash_ else set()
        crawl = Crawl(client, {*iris})
        begun = time.monotonic()
        with ThreadPoolExecutor(options.clients) as pool:
            list(pool.map(lambda one: crawl.check(*one), sorted(terms.items())))
        seconds = time.monotonic() - begun
        reached = crawl.reached() & wanted
    requests = crawl.statuses.total()
    kinds = Counter(re.split("[/#]", iri.removeprefix(BASE))[0] for iri in wanted)
    print(f"{len(iris)} IRIs of ours in the data, {len(wanted)} dereferenced: {dict(kinds)}")
    print(f"{requests} requests in {seconds:.1f} s, {requests / seconds:.0f} a second")
    print(f"statuses {dict(crawl.statuses)}")
    print(f"{len(reached)} of them are reached by links from {' and '.join(SEEDS)}")
    print(f"{len(crawl.failures)} failures")
    print(*crawl.failures[:50], sep="\n")
    return 1 if crawl.failures or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
