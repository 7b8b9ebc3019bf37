"""The reconciliation service: names in tables matched with our things, by OpenRefine and others.

Rule: speaks the protocol; names are looked up in the index, values are asked of the engine.

See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping

import pyoxigraph as ox
from pydantic import ValidationError

from rokgraph import __version__
from rokgraph.reconciliation import (
    BATCH,
    LONGEST,
    Asked,
    Batch,
    Extension,
    Schema,
    Values,
    as_json,
    as_type,
    candidates,
    found_by_name,
    given_by_properties,
    value_as_json,
)
from rokgraph.search import Hit, Index, Thing
from rokgraph.vocab import BASE, ONT
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send, body_of
from rokgraph.web.lookup import Lookup
from rokgraph.web.problems import HttpProblem
from rokgraph.web.reconciling import answer_json, check_method, parameters, unreadable

_METHODS = "GET, HEAD, POST, OPTIONS"
_PATH = "/reconcile"
_FORM = "application/x-www-form-urlencoded"
_WIDTH, _HEIGHT = 400, 160  # pixels of a preview


class Reconciliation:
    """The ASGI application at `/reconcile`."""

    def __init__(self, service: Service, lookup: Lookup) -> None:
        """Look up here, and ask the engine of this service."""
        self._service, self._lookup = service, lookup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        """Reconcile, extend, or tell what the service is."""
        check_method(exchange, _METHODS)
        given = parameters(await self._given(exchange))
        if "queries" in given and "extend" in given:
            raise unreadable("Give 'queries' or 'extend', not both.")
        if "queries" in given:
            await self._reconcile(exchange, given["queries"])
        elif "extend" in given:
            await self._extend(exchange, given["extend"])
        elif exchange.scope["method"] == "POST":
            raise unreadable("The form has neither 'queries' nor 'extend'.")
        else:
            index = await self._lookup.index()
            url = self._service.base_url(exchange.scope, exchange.headers) + _PATH
            await answer_json(exchange, _manifest(url, index), url)

    async def _given(self, exchange: Exchange) -> bytes:
        """The parameters of the URL and of a form in the body.

        Raises HttpProblem for a body that is none (415) or too long (413).
        """
        given: bytes = exchange.scope["query_string"]
        if exchange.scope["method"] != "POST":
            return given
        kind = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _FORM:
            headers = {"accept-post": _FORM}
            detail = f"POST a form, {_FORM}."
            raise HttpProblem(415, "media-type", "Unsupported media type", detail, headers)
        limit = self._service.engine.settings.max_query
        body = await body_of(exchange.receive, limit)
        if body is None:
            detail = f"A form may be {limit} bytes long."
            raise HttpProblem(413, "too-long", "The body is too long", detail)
        return b"&".join(filter(None, [given, body]))

    async def _reconcile(self, exchange: Exchange, text: str) -> None:
        try:
            batch = Batch.validate_json(text)
        except ValidationError as error:
            raise _invalid("queries", error) from None
        if len(batch) > BATCH:
            detail = f"{BATCH} queries may come at once, not {len(batch)}."
            raise HttpProblem(413, "too-long", "The batch is too large", detail)
        index = await self._lookup.index()
        known = await self._properties(batch.values())
        hits = {
            name: found_by_name(index, asked, self._classes(asked, index))
            if asked.query is not None
            else await self._having(asked, known, index)
            for name, asked in batch.items()
        }
        pairs = {
            (hit.thing.iri, known[wanted.pid])
            for name, asked in batch.items()
            for wanted in asked.properties
            if wanted.pid in known
            for hit in hits[name]
        }
        values = await self._values(pairs)
        results = {
            name: {
                "result": as_json(candidates(asked, hits[name], known, values), index, asked.most)
            }
            for name, asked in batch.items()
        }
        await answer_json(exchange, results, "queries", text)

    def _classes(self, asked: Asked, index: Index) -> list[str]:
        """The classes that a query names; those that there are not restrict nothing."""
        return [iri for name in asked.types if (iri := index.of_class(name))]

    async def _properties(self, queries: Iterable[Asked]) -> dict[str, str]:
        """The IRIs of the properties that queries name, by their identifiers there.

        One that nothing has is left out: no value meets it.
        """
        named = {wanted.pid for asked in queries for wanted in asked.properties}
        if not named:
            return {}
        schema = await self._lookup.schema()
        found = {pid: schema.property(pid) for pid in named}
        return {pid: one.iri for pid, one in found.items() if one}

    async def _having(self, asked: Asked, known: Mapping[str, str], index: Index) -> list[Hit]:
        """What has the values that a query without a name asks for."""
        wanted = [
            (known[one.pid], text)
            for one in asked.properties
            if one.pid in known
            for text in one.texts
        ]
        answers = await asyncio.gather(
            *(
                self._lookup.ask(
                    "reconcile",
                    "having",
                    property=str(ox.NamedNode(iri)),
                    text=str(ox.Literal(_value(text, index).lower())),
                )
                for iri, text in wanted
            )
        )
        iris = [row["iri"]["value"] for rows in answers for row in rows]
        return given_by_properties(asked, iris, self._classes(asked, index), index)

    async def _values(self, pairs: set[tuple[str, str]]) -> Values:
        """The values of properties, by thing and property."""
        found: Values = defaultdict(list)
        if not pairs:
            return found
        terms = " ".join(
            f"({ox.NamedNode(iri)} {ox.NamedNode(name)})" for iri, name in sorted(pairs)
        )
        rows = await self._lookup.ask(
            "reconcile", "values", f"\nVALUES (?iri ?property) {{ {terms} }}"
        )
        for row in rows:
            key = row["iri"]["value"], row["property"]["value"]
            found[key].append((row["value"], row.get("name")))
        return found

    async def _extend(self, exchange: Exchange, text: str) -> None:
        try:
            wanted = Extension.model_validate_json(text)
        except ValidationError as error:
            raise _invalid("extend", error) from None
        index, schema = await self._lookup.index(), await self._lookup.schema()
        known = {one.id: _property(schema, one.id) for one in wanted.properties}
        things = {given: index.thing(given) for given in wanted.ids}
        pairs = {
            (thing.iri, name.iri) for thing in things.values() if thing for name in known.values()
        }
        values = await self._values(pairs)
        rows: dict[str, dict[str, list[dict[str, object]]]] = {}
        for given, thing in things.items():
            rows[given] = {}
            for pid, name in known.items():
                has = values.get((thing.iri, name.iri), []) if thing else []
                shown = [value_as_json(term, called, index) for term, called in has]
                # a value that is a thing comes once for each of its names
                rows[given][pid] = [v for at, v in enumerate(shown) if v not in shown[:at]]
        meta = [{"id": pid, "name": name.name} for pid, name in known.items()]
        await answer_json(exchange, {"meta": meta, "rows": rows}, "extend", text)


def _manifest(url: str, index: Index) -> dict[str, object]:
    """What the service is.

    See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/#service-manifest
    """
    suggest = {
        kind: {"service_url": url, "service_path": f"/suggest/{kind}"}
        for kind in ("entity", "property", "type")
    }
    preview = {"url": f"{url}/preview?id={{{{id}}}}", "width": _WIDTH, "height": _HEIGHT}
    proposals = {"service_url": url, "service_path": "/properties"}
    return {
        "versions": ["0.2"],
        "name": "rokgraph: the Digital Strategy of Korea",
        "identifierSpace": BASE,
        "schemaSpace": ONT,
        "serviceVersion": __version__,
        "defaultTypes": [as_type(known) for known in index.main_classes],
        "view": {"url": f"{url}/view?id={{{{id}}}}"},
        "preview": preview,
        "suggest": suggest,
        "extend": {"propose_properties": proposals, "property_settings": []},
        "batchSize": BATCH,
    }


def _property(schema: Schema, pid: str) -> Thing:
    found = schema.property(pid)
    if found is None:
        raise unreadable(
            f"Nothing has the property {pid[:LONGEST]!r}; /suggest/property finds some."
        )
    return found


def _value(text: str, index: Index) -> str:
    """The IRI of a thing that is named by its identifier; else the text."""
    thing = index.thing(text)
    return thing.iri if thing else text


def _invalid(name: str, error: ValidationError) -> HttpProblem:
    """What is wrong with the JSON of a parameter: where, and what."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'the document'}: {fault['msg']}"[:200]
        for fault in faults[:5]
    )
    return unreadable(f"The parameter {name!r} is wrong: {told}.")
