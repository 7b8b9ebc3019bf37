"""The server of the Model Context Protocol, over standard input and output or over HTTP.

Rule: puts the parts together; offers nothing that writes, and opens no file that a client names.

See https://modelcontextprotocol.io/specification/latest
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.resources import TextResource
from mcp_types import ToolAnnotations
from starlette.applications import Starlette

from rokgraph import __version__
from rokgraph.engine import Engine
from rokgraph.mcp.dataset import Dataset
from rokgraph.mcp.tools import Tools
from rokgraph.settings import Settings
from rokgraph.web.server import run

PATH = "/mcp"
INSTRUCTIONS = """\
The Digital Strategy of Korea (2022) as a cited knowledge graph, and what came of it.
Begin with list_questions or search; use sparql for what they do not answer.
Every answer says which graphs it rests on. "stated" is what the press release says, "reading" is
what the editors read into it, "later" is what was learned afterwards: keep them apart when you
answer, and cite with the spans that the tool cite gives.
This is an independent research graph, not a government site.
"""


def serve_stdio(engine: Engine, settings: Settings) -> None:
    """Answer on standard input and output until the client hangs up; the engine is prepared."""
    dataset = Dataset(engine, settings)

    async def answer() -> None:
        async with _open(dataset):
            await make_server(dataset).run_stdio_async()

    anyio.run(answer)


def serve_http(engine: Engine, settings: Settings) -> None:
    """Answer by streamable HTTP until SIGINT or SIGTERM; the engine is prepared."""
    run(create_app(Dataset(engine, settings), settings), settings)


def create_app(dataset: Dataset, settings: Settings) -> Starlette:
    """The server as an ASGI application; its engine is started and closed with it."""
    app = make_server(dataset).streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=settings.max_query,
        host=settings.host,
    )
    sessions = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(given: Starlette) -> AsyncIterator[None]:
        async with _open(dataset), sessions(given):
            yield

    app.router.lifespan_context = lifespan
    return app


def make_server(dataset: Dataset) -> MCPServer:
    """The tools and resources over a dataset."""
    server: MCPServer = MCPServer(
        "rokgraph",
        title="Digital Strategy of Korea",
        version=str(__version__),
        instructions=INSTRUCTIONS,
        log_level="ERROR",
    )
    tools = Tools(dataset)
    harmless = ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    for tool in (
        tools.list_questions,
        tools.run_question,
        tools.search,
        tools.describe,
        tools.cite,
        tools.sparql,
    ):
        server.add_tool(tool, annotations=harmless)
    for resource in _resources(dataset):
        server.add_resource(resource)
    return server


def _resources(dataset: Dataset) -> list[TextResource]:
    made = [
        TextResource(
            uri="rokgraph://model",
            name="model",
            title="The data model",
            description="Classes, properties and graphs, for people who write SPARQL",
            mime_type="text/markdown",
            text=dataset.model,
        ),
        TextResource(
            uri="rokgraph://ontology",
            name="ontology",
            title="The ontology",
            description="Definitions of our classes and properties, in English and Korean",
            mime_type="text/turtle",
            text=dataset.ontology,
        ),
    ]
    made += (
        TextResource(
            uri=f"rokgraph://questions/{saved.name}",
            name=saved.name,
            title=saved.title.get("en"),
            description=saved.description.get("en"),
            mime_type="application/sparql-query",
            text=saved.text,
        )
        for saved in dataset.questions
    )
    return made


@asynccontextmanager
async def _open(dataset: Dataset) -> AsyncIterator[None]:
    try:
        await dataset.open()
        yield
    finally:
        await dataset.engine.close()
