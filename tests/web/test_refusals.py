"""The page that the types of problem documents lead to."""

import re

import pytest

from rokgraph.web.pages.refusals import PROBLEMS
from running import ROOT, Server

RAISED = re.compile(r'\b([45]\d\d),\s*"([a-z-]+)"')
REFUSED = [
    ("/sparql?query=SELECT", {}),
    ("/id/nothing", {"accept": "application/json"}),
    ("/sparql?query=ASK{}", {"accept": "image/png"}),
    ("/queries/nothing", {}),
    ("/tasks?year=never", {}),
    ("/nowhere", {}),
]


def test_the_page_tells_of_every_problem_that_the_code_names() -> None:
    named = set()
    for path in (ROOT / "src" / "rokgraph" / "web").rglob("*.py"):
        if path.name != "refusals.py":
            named |= {(name, int(status)) for status, name in RAISED.findall(path.read_text())}
    assert named == set(PROBLEMS)


@pytest.mark.parametrize(("path", "headers"), REFUSED)
def test_the_type_of_a_problem_leads_to_its_row(
    server: Server, path: str, headers: dict[str, str]
) -> None:
    told = server.client.get(path, headers=headers).json()["type"]
    space, _, name = told.partition("#")
    assert space == "https://w3id.org/rokgraph/problems"
    page = server.client.get("/problems")
    assert page.status_code == 200
    assert f'<tr id="{name}">' in page.text
