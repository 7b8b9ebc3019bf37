"""Beside the reconciliation service: suggestions while one types, properties, previews, views.

Rule: looks up in the index and in the schema; evaluates nothing.

See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/#suggest-services
"""

from collections.abc import Awaitable, Callable, Iterable

from rokgraph.reconciliation import LONGEST, as_type, description, identifier, is_entity
from rokgraph.search import Index, Thing
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import SECURITY, Receive, Scope, Send
from rokgraph.web.lookup import Lookup
from rokgraph.web.problems import HttpProblem
from rokgraph.web.reconciling import (
    FRESH,
    answer_json,
    check_method,
    parameters,
    tag_base,
    unreadable,
    whole,
)
from rokgraph.web.templating import render

_METHODS = "GET, HEAD, OPTIONS"
_SUGGESTED = 20
_PROPOSED = 50
_FURTHEST = 1000

_Part = Callable[[Exchange, dict[str, str]], Awaitable[None]]


class Suggestions:
    """The ASGI application below `/reconcile`."""

    def __init__(self, service: Service, lookup: Lookup) -> None:
        """Look up here."""
        self._service, self._lookup = service, lookup
        self._parts: dict[str, _Part] = {
            "suggest/entity": self._suggest_entity,
            "suggest/type": self._suggest_type,
            "suggest/property": self._suggest_property,
            "properties": self._propose,
            "preview": self._preview,
            "view": self._view,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        part = self._parts.get(exchange.scope["path"].removeprefix("/reconcile/"))
        if part is None:
            raise HttpProblem(404, "address", "Not found", "The service has no such part.")
        check_method(exchange, _METHODS)
        await part(exchange, parameters(exchange.scope["query_string"]))

    async def _suggest_entity(self, exchange: Exchange, given: dict[str, str]) -> None:
        index = await self._lookup.index()
        prefix = given.get("prefix", "")
        direct = index.thing(prefix)
        hits = index.search(direct.iri if direct else _short(prefix))
        found: list[dict[str, object]] = [
            {
                "id": identifier(hit.thing),
                "name": hit.thing.name,
                "description": description(hit.thing, index),
                "notable": [as_type(known) for known in index.kinds(hit.thing)[:1]],
            }
            for hit in hits
            if is_entity(hit.thing)
        ]
        await self._suggest(exchange, given, found)

    async def _suggest_type(self, exchange: Exchange, given: dict[str, str]) -> None:
        index = await self._lookup.index()
        found = index.of_classes(_short(given.get("prefix", "")))
        await self._suggest(exchange, given, _named(found))

    async def _suggest_property(self, exchange: Exchange, given: dict[str, str]) -> None:
        schema = await self._lookup.schema()
        hits = schema.index.search(_short(given.get("prefix", "")))
        await self._suggest(exchange, given, _named(hit.thing for hit in hits))

    async def _suggest(
        self, exchange: Exchange, given: dict[str, str], found: list[dict[str, object]]
    ) -> None:
        """A part of the suggestions.

        See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/#suggest-services
        """
        skipped = whole(given, "cursor", 0, _FURTHEST)
        result = {"result": found[skipped : skipped + _SUGGESTED]}
        await answer_json(exchange, result, exchange.scope["path"], given)

    async def _propose(self, exchange: Exchange, given: dict[str, str]) -> None:
        """The properties that things of a class have, to extend a table by.

        See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/#data-extension-property-proposals
        """
        index, schema = await self._lookup.index(), await self._lookup.schema()
        name = given.get("type", "")
        limit = whole(given, "limit", _PROPOSED, _FURTHEST)
        iri = index.of_class(name)
        found = _named(schema.of(iri, limit)) if iri else []
        proposal = {"type": name, "limit": limit, "properties": found}
        await answer_json(exchange, proposal, "properties", name, limit)

    async def _preview(self, exchange: Exchange, given: dict[str, str]) -> None:
        """A small page that fits into a frame of a client."""
        index = await self._lookup.index()
        thing = _thing(index, given)
        policy = SECURITY["content-security-policy"]
        headers = {
            **FRESH,
            **{name: value for name, value in SECURITY.items() if name != "x-frame-options"},
            # to be framed is what it is for
            "content-security-policy": policy.replace(
                "frame-ancestors 'none'", "frame-ancestors *"
            ),
            "content-type": "text/html; charset=utf-8",
        }
        page = render(
            "preview.html", thing=thing, kinds=index.kinds(thing)[:2],
            url="/" + identifier(thing),
        )  # fmt: skip
        base = tag_base(exchange, "preview", thing.iri)
        await exchange.represent(headers, base, "html", page)

    async def _view(self, exchange: Exchange, given: dict[str, str]) -> None:
        """To the page of a thing: an identifier has a slash, which proxies refuse in a path."""
        thing = _thing(await self._lookup.index(), given)
        await exchange.respond(303, {**FRESH, "location": "/" + identifier(thing)})


def _named(found: Iterable[Thing]) -> list[dict[str, object]]:
    return [{**as_type(one), "description": " · ".join(one.labels.values())} for one in found]


def _thing(index: Index, given: dict[str, str]) -> Thing:
    """The thing that `?id=` names; raises HttpProblem (404) if there is none."""
    thing = index.thing(given.get("id", ""))
    if thing is None:
        name = given.get("id", "")[:LONGEST]
        raise HttpProblem(404, "no-thing", "No such thing", f"Nothing has the identifier {name!r}.")
    return thing


def _short(prefix: str) -> str:
    if len(prefix) > LONGEST:
        raise unreadable(f"A prefix may have {LONGEST} characters.")
    return prefix
