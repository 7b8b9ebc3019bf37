"""The guides: what they show to be run is run, and prints what they show."""

import asyncio
import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from running import ROOT
from test_docs import blocks

GUIDE = ROOT / "docs" / "guide"


def test_the_python_of_the_guide_prints_what_it_shows() -> None:
    text = (GUIDE / "python.md").read_text(encoding="utf-8")
    namespace: dict[str, Any] = {}
    code, shown = blocks(text, "python"), blocks(text, "text")
    assert len(code) == len(shown) == 3
    for block, expected in zip(code, shown, strict=True):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(block, namespace)
        assert printed.getvalue() == expected


def test_what_the_guide_for_assistants_lists_is_there() -> None:
    text = (GUIDE / "assistants.md").read_text(encoding="utf-8")
    [block] = blocks(text, "json")
    command = json.loads(block)["mcpServers"]["rokgraph"]
    assert (Path(sys.executable).parent / command["command"]).exists()
    given = StdioServerParameters(
        command=str(Path(sys.executable).parent / command["command"]), args=command["args"]
    )

    async def look() -> None:
        async with Client(stdio_client(given)) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(tools)
            resources = {str(found.uri) for found in (await client.list_resources()).resources}
            named = set(re.findall(r"`(rokgraph://[\w/]+)`", text))
            assert named == {"rokgraph://model", "rokgraph://ontology"}
            assert named < resources

    asyncio.run(look())
