"""The OpenAPI document: the routes of the framework, those outside it, a path for each question.

Rule: what stands outside is told in `openapi.yaml`, what a question takes in its own file.

See https://spec.openapis.org/oas/v3.1.0
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from rokgraph import __version__
from rokgraph.library import SavedQuery, saved_queries
from rokgraph.parameters import LANGUAGES, LONGEST, Parameter
from rokgraph.web import conditional
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.members import Members
from rokgraph.web.problems import HttpProblem
from rokgraph.web.renderings import OFFERED, PATH, SNIPPETS

if TYPE_CHECKING:
    from fastapi import FastAPI

ADDRESS = "/openapi.json"
_METHODS = "GET, HEAD, OPTIONS"
_FIXED = Path(__file__).parent / "openapi.yaml"
_DIGITS = 10**18 - 1  # what an integer of ours holds


class OpenApi:
    """The ASGI application at `/openapi.json`."""

    def __init__(self, service: Service, rest: "Callable[[], FastAPI]") -> None:
        """Tell of the routes of what `rest` makes, those in `openapi.yaml`, and the questions."""
        self._service, self._rest, self._members = service, rest, Members(service)
        self._saved = saved_queries(service.engine.settings.root, "questions")
        self._document: dict[str, Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"The document is for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        if self._document is None:
            self._document = await self._made(exchange)
        base_url = self._service.base_url(exchange.scope, exchange.headers)
        document = self._document | {"servers": [{"url": base_url}]}
        body = json.dumps(document, ensure_ascii=False).encode()
        headers = {
            "content-type": "application/json",
            "vary": "Accept-Encoding",
            "cache-control": "public, max-age=60",
        }
        digest = self._service.engine.summary.digest
        await exchange.represent(
            headers, conditional.base_tag(digest, __version__, ADDRESS, base_url), "json", body
        )

    async def _made(self, exchange: Exchange) -> dict[str, Any]:
        """The document without the address of the server."""
        # in a thread: it takes a tenth of a second
        text = _FIXED.read_text(encoding="utf-8")
        fixed = await asyncio.to_thread(yaml.safe_load, text)
        made = await asyncio.to_thread(_of_framework, self._rest)
        made["components"] = fixed["components"]
        paths = made["paths"] | fixed["paths"]
        by_suffix = {
            each["name"]: each for each in _parameters(paths[f"{PATH}{{name}}.{{suffix}}"])
        }
        by_suffix["name"]["schema"]["enum"] = [saved.name for saved in self._saved]
        by_suffix["suffix"]["schema"]["enum"] = [*OFFERED]
        _named(paths["/graph-store"], "graph")["schema"]["enum"] = [
            *filter(None, self._service.engine.summary.graphs)
        ]
        _named(fixed["x-question"], "format")["schema"]["enum"] = [*OFFERED]
        _named(fixed["x-question"], "snippet")["schema"]["enum"] = [*SNIPPETS]
        for saved in self._saved:
            own = [await self._told(exchange, wanted) for wanted in saved.parameters.values()]
            paths[PATH + saved.name] = {"get": _question(saved, own, fixed["x-question"])}
        return made | {"paths": paths}

    async def _told(self, exchange: Exchange, wanted: Parameter) -> dict[str, Any]:
        """A parameter as OpenAPI has it."""
        schema: dict[str, Any]
        if wanted.kind == "iri":
            members = await self._members.of(exchange, wanted.of or "")
            schema = {"type": "string", "enum": [member.short for member in members]}
        elif wanted.kind == "number":
            low, high = (-_DIGITS if wanted.low is None else wanted.low), wanted.high or _DIGITS
            schema = {"type": "integer" if wanted.integer else "number"}
            schema |= {"minimum": int(low), "maximum": int(high)}
        elif wanted.kind == "year":
            schema = {"type": "string", "pattern": "^[0-9]{4}$"}
        elif wanted.kind == "string":
            schema = {"type": "string", "maxLength": LONGEST}
        else:
            schema = {"type": "string", "enum": [*(wanted.choices or LANGUAGES)]}
        if wanted.default is None and "enum" in schema:
            schema["enum"].append("")
        description = wanted.description.get("en", "")
        if wanted.kind == "iri":
            description += f" ({wanted.of}: a full IRI or the key is taken as well)"
        told: dict[str, Any] = {
            "name": wanted.name,
            "in": "query",
            "description": description,
            "schema": schema,
        }
        if wanted.default is not None:
            number = schema["type"] == "integer"
            schema["default"] = int(wanted.default) if number else wanted.default
            told["example"] = schema["default"]
        return told


def _question(
    saved: SavedQuery, own: list[dict[str, Any]], common: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        **common,
        "operationId": f"question-{saved.name}",
        "summary": saved.title["en"],
        "description": saved.description.get("en", ""),
        "parameters": [*own, *common["parameters"]],
        "x-title-ko": saved.title["ko"],
        "x-keywords": list(saved.tags),
    }


def _parameters(path: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = path.get("get", path)["parameters"]
    return found


def _named(path: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in _parameters(path) if each["name"] == name)


def _of_framework(rest: "Callable[[], FastAPI]") -> dict[str, Any]:
    """What the framework says of its own routes."""
    from fastapi.openapi.utils import get_openapi  # noqa: PLC0415 - late, as all of it

    application = rest()
    return get_openapi(
        title=application.title, version=application.version, routes=application.routes
    )
