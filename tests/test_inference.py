"""The inferred graph: rebuilt byte for byte, and equal to the roll-ups of the inventory."""

from pathlib import Path

import pyoxigraph as ox
import yaml

from rokgraph.inference import infer
from rokgraph.snapshot import load_built_in
from running import ROOT

ROK = "https://w3id.org/rokgraph/ont#"
IDENTIFIER = ox.NamedNode("http://purl.org/dc/terms/identifier")

ROLLED_UP = {
    "technologies": ("touchesTechnology", "tech-"),
    "sectors": ("touchesSector", "sector-"),
    "beneficiaries": ("touchesBeneficiary", "ben-"),
    "places": ("touchesPlace", "place-"),
    "forums": ("touchesForum", "forum-"),
    "laws": ("touchesLegislation", "law-"),
    "bodies": ("touchesOrganisation", "org-"),
}

# The inventory has "lead: private sector" beside its links; who leads is involved.
LED = {("task-1-5", "bodies"), ("measure-1-5-platform", "bodies")}


def test_the_files_are_what_the_queries_give() -> None:
    files = infer(ROOT)
    assert set((ROOT / "data" / "inferred").glob("*.ttl")) == set(files)
    for path, content in files.items():
        assert path.read_bytes() == content, f"{path.name} is stale: run `make infer`"


def test_nothing_inferred_is_asserted_elsewhere() -> None:
    store = load_built_in(ROOT).store
    inferred = ox.NamedNode("https://w3id.org/rokgraph/graph/inferred")
    for quad in store.quads_for_pattern(None, None, None, inferred):
        found = store.quads_for_pattern(quad.subject, quad.predicate, quad.object)
        assert len(list(found)) == 1, quad


def test_roll_ups_equal_those_of_the_inventory(shared: Path) -> None:
    inventory = yaml.safe_load((shared / "source" / "inventory.yaml").read_text())
    store = load_built_in(ROOT).store
    by_id = {
        quad.object.value: quad.subject
        for quad in store.quads_for_pattern(None, IDENTIFIER, None)
        if isinstance(quad.object, ox.Literal)
    }
    names = {subject: name for name, subject in by_id.items()}
    wrong = []
    for section in ("tasks", "measures"):
        for entry in inventory[section]:
            for key, (local, _) in ROLLED_UP.items():
                expected = set(entry.get("rollup", {}).get(key, ()))
                found = {
                    names[quad.object]  # type: ignore[index]
                    for quad in store.quads_for_pattern(
                        by_id[entry["id"]], ox.NamedNode(ROK + local), None
                    )
                }
                if (entry["id"], key) in LED:
                    expected |= {"org-private-sector"}
                if found != expected:
                    wrong.append((entry["id"], key, sorted(found ^ expected)))
    print(wrong)
    assert wrong == []
