"""The reconciliation service, by its protocol (version 0.2), over real HTTP.

See https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/
"""

import json
import re
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from running import Server, missing

# As tables of others name ministries: names of 2022 and of 2025, both languages, some misspelt.
MINISTRIES = {
    "Ministry of Science and ICT": "msit",
    "Ministry of Sciense and ICT": "msit",
    "과학기술정보통신부": "msit",
    "과학기술 정보통신부": "msit",
    "과기정통부": "msit",
    "Ministry of Economy and Finance": "moef",
    "기획재정부": "moef",
    "재정경제부": "moef-2025",
    "기획예산처": "budget-2026",
    "Minstry of Enviroment": "me",
    "기후에너지환경부": "me-2025",
    "Ministry of the Interior and Safety": "mois",
    "행정안전뷰": "mois",
    "Ministry of Trade, Industry & Energy": "motie",
    "산업통상부": "motie-2025",
    "Ministry of Employment and Labour": "moel",
    "Ministry of Land Infrastructure Transport": "molit",
    "농식품부": "mafra",
    "여성가족부": "mogef",
    "성평등가족부": "mogef-2025",
    "Statistics Korea": "kostat",
    "국가데이터처": "kostat-2025",
}
SURE = {"Ministry of Science and ICT", "기획재정부", "재정경제부", "국가데이터처", "여성가족부"}


def post(server: Server, **parts: object) -> httpx.Response:
    form = {name: json.dumps(part, ensure_ascii=False) for name, part in parts.items()}
    return server.client.post("/reconcile", data=form)


def one(server: Server, **query: object) -> list[dict[str, Any]]:
    answer = post(server, queries={"q0": query})
    assert answer.status_code == 200
    result: list[dict[str, Any]] = answer.json()["q0"]["result"]
    return result


def manifest(server: Server) -> dict[str, Any]:
    document: dict[str, Any] = server.client.get("/reconcile").json()
    return document


def test_the_manifest(server: Server) -> None:
    answer = server.client.get("/reconcile")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    document = answer.json()
    assert document["versions"] == ["0.2"]
    assert all(isinstance(document[key], str) for key in ("name", "identifierSpace", "schemaSpace"))
    assert {"id": "org:Organization", "name": "Organization"} in document["defaultTypes"]
    assert "{{id}}" in document["view"]["url"]
    assert "{{id}}" in document["preview"]["url"]
    assert isinstance(document["preview"]["width"], int)
    assert isinstance(document["preview"]["height"], int)
    assert set(document["suggest"]) == {"entity", "property", "type"}
    assert document["batchSize"] >= 10
    addresses = re.findall(r"http://127[^\"]*", answer.text)
    assert addresses
    assert all(address.startswith(server.url) for address in addresses)


def test_a_batch_is_answered_as_the_protocol_says(server: Server) -> None:
    batch = {"a": {"query": "MSIT"}, "b": {"query": "zzqxv"}, "q 2": {"query": "AI", "limit": 3}}
    answer = post(server, queries=batch)
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert set(document) == set(batch)
    assert document["b"] == {"result": []}
    assert len(document["q 2"]["result"]) == 3
    for result in document.values():
        scores = [found["score"] for found in result["result"]]
        assert scores == sorted(scores, reverse=True)
        for found in result["result"]:
            assert isinstance(found["id"], str)
            assert found["name"]
            assert isinstance(found["score"], float)
            assert 0 <= found["score"] <= 100
            assert isinstance(found["match"], bool)
            assert all(set(kind) == {"id", "name"} for kind in found["type"])
            for feature in found["features"]:
                assert isinstance(feature["id"], str)
                assert isinstance(feature["value"], (bool, int, float))
    again = server.client.get("/reconcile", params={"queries": json.dumps(batch)})
    assert again.json() == document


def test_identifiers_make_iris(server: Server) -> None:
    found = one(server, query="기획재정부")[0]
    iri = manifest(server)["identifierSpace"] + found["id"]
    assert iri == "https://w3id.org/rokgraph/id/organisation/moef"


@pytest.mark.parametrize(
    "given",
    ["id/organisation/moef", "organisation:moef", "https://w3id.org/rokgraph/id/organisation/moef"],
)
def test_an_identifier_finds_its_thing(server: Server, given: str) -> None:
    first = one(server, query=given)[0]
    assert (first["id"], first["match"]) == ("id/organisation/moef", True)
    suggested = server.client.get("/reconcile/suggest/entity", params={"prefix": given}).json()
    assert suggested["result"][0]["id"] == "id/organisation/moef"


def test_ministries(server: Server) -> None:
    names = list(MINISTRIES)
    assert len(names) >= 20
    batch = {str(n): {"query": name, "type": "org:Organization"} for n, name in enumerate(names)}
    document = post(server, queries=batch).json()
    wrong = {}
    for number, name in enumerate(names):
        found = document[str(number)]["result"]
        first = found[0]["id"] if found else None
        sure = bool(found) and found[0]["match"]
        print(f"{name:<44} {MINISTRIES[name]:<14} {first} {found and found[0]['score']} {sure}")
        if first != f"id/organisation/{MINISTRIES[name]}":
            wrong[name] = first
        if name in SURE:
            assert sure, name
        if name in ("Minstry of Enviroment", "행정안전뷰", "과기정통부"):
            assert not sure, name
    assert wrong == {}


def test_names_that_two_things_share_are_no_match(server: Server) -> None:
    found = one(server, query="디지털포용법")
    assert {"id/act/kr-20672", "id/proposal/digital-inclusion-act"} <= {e["id"] for e in found[:2]}
    assert not any(entry["match"] for entry in found)
    only = one(server, query="디지털포용법", type="rok:LegislativeProposal")[0]
    assert (only["id"], only["match"]) == ("id/proposal/digital-inclusion-act", True)


@pytest.mark.parametrize("kind", ["eli:LegalResource", "LegalResource", ["eli:LegalResource"]])
def test_a_type_restricts(server: Server, kind: object) -> None:
    found = one(server, query="Digital Inclusion Act", type=kind, type_strict="any")
    assert found[0]["id"] == "id/act/kr-20672"
    assert all("eli:LegalResource" in [kind["id"] for kind in entry["type"]] for entry in found)


def test_properties_count(server: Server) -> None:
    plain = one(server, query="Digital Inclusion")
    right = one(server, query="Digital Inclusion", properties=[{"pid": "eli:number", "v": "20672"}])
    assert right[0]["id"] == "id/act/kr-20672"
    assert [entry["id"] for entry in plain] != []
    features = {feature["id"]: feature["value"] for feature in right[0]["features"]}
    assert features["property eli:number"] == 100
    assert features["name"] == next(e["score"] for e in plain if e["id"] == right[0]["id"])
    wrong = one(server, query="디지털포용법", properties=[{"pid": "eli:number", "v": "1"}])
    assert not any(entry["match"] for entry in wrong)


def test_a_property_that_nothing_has_is_met_by_nothing(server: Server) -> None:
    wanted = [{"pid": "P1", "v": 1}]
    found = one(server, query="기획재정부", properties=wanted)[0]
    assert (found["id"], found["match"]) == ("id/organisation/moef", False)
    assert {"id": "property P1", "value": 0.0} in found["features"]
    assert one(server, properties=wanted) == []


@pytest.mark.parametrize(
    "value",
    ["Ministry", "부처", {"id": "def/org-kind/ministry", "name": "x"}, ["Ministry", "Ministry"]],
)
def test_properties_alone(server: Server, value: object) -> None:
    found = one(server, properties=[{"pid": "org:classification", "v": value}], limit=30)
    ids = {entry["id"] for entry in found}
    assert "id/organisation/moef" in ids
    assert "id/organisation/3gpp" not in ids


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"queries": "{"}, 400),
        ({"queries": "[]"}, 400),
        ({"queries": "null"}, 400),
        ({"queries": '{"q": {}}'}, 400),
        ({"queries": '{"q": {"query": ""}}'}, 400),
        ({"queries": '{"q": {"query": 1}}'}, 400),
        ({"queries": '{"q": {"query": "a", "limit": 0}}'}, 400),
        ({"queries": '{"q": {"query": "a", "limit": "x"}}'}, 400),
        ({"queries": '{"q": {"properties": []}}'}, 400),
        ({"extend": '{"ids": ["act:kr-20672"], "properties": [{"id": "no:thing"}]}'}, 400),
        ({"queries": '{"q": {"query": "a", "properties": [{"p": "x", "v": "y"}]}}'}, 400),
        ({"queries": json.dumps({"q": {"query": "x" * 201}})}, 400),
        ({"queries": json.dumps({str(n): {"query": "a"} for n in range(51)})}, 413),
        ({"queries": "[" * 100_000}, 400),
        ({"extend": "{}"}, 400),
        ({"extend": json.dumps({"ids": ["a"] * 201, "properties": []})}, 400),
        ({"extend": json.dumps({"ids": [], "properties": [{"id": "x> . <y"}]})}, 400),
        ({"queries": "{}", "extend": "{}"}, 400),
        ({}, 400),
        ({"callback": "f", "queries": "{}"}, 400),
    ],
)
def test_what_breaks_the_protocol_is_refused(
    server: Server, form: dict[str, str], status: int
) -> None:
    answer = server.client.post(
        "/reconcile", data=form, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(answer.content) < 4000


@pytest.mark.parametrize(
    "value", ['" } INSERT DATA { <a:a> <a:b> "x" } #', "\\", "\x00", "'''", "a\nb", "> <", "🙂"]
)
def test_values_are_terms_and_never_text_of_a_query(server: Server, value: str) -> None:
    answer = post(
        server,
        queries={
            "a": {"query": value},
            "b": {"properties": [{"pid": "rdfs:label", "v": value}]},
            "c": {"query": "AI", "properties": [{"pid": "rdfs:label", "v": {"id": value}}]},
        },
    )
    assert answer.status_code == 200
    assert answer.json()["b"] == {"result": []}
    rows = post(server, extend={"ids": [value], "properties": [{"id": "rdfs:label"}]}).json()[
        "rows"
    ]
    assert rows == {value: {"rdfs:label": []}}


def test_methods_and_bodies(server: Server) -> None:
    assert server.client.put("/reconcile").status_code == 405
    assert server.client.post("/reconcile", content=b"{}").status_code == 415
    json_body = server.client.post("/reconcile", json={"queries": {}})
    assert json_body.status_code == 415
    assert json_body.headers["accept-post"] == "application/x-www-form-urlencoded"
    long = server.client.post("/reconcile", data={"queries": "x" * 2_000_000})
    assert long.status_code == 413
    assert server.client.post("/reconcile/preview").status_code == 405
    assert server.client.get("/reconcile/nothing").status_code == 404
    options = server.client.options("/reconcile", headers={"origin": "https://refine.test"})
    assert options.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("kind", ["entity", "type", "property"])
def test_suggestions(server: Server, kind: str) -> None:
    suggest = manifest(server)["suggest"][kind]
    address = suggest["service_url"] + suggest["service_path"]
    typed, expected = {
        "entity": ("디지털포", "id/act/kr-20672"),
        "type": ("organ", "org:Organization"),
        "property": ("classif", "org:classification"),
    }[kind]
    answer = server.client.get(address, params={"prefix": typed})
    found = answer.json()["result"]
    assert expected in [entry["id"] for entry in found]
    assert all(entry["id"] and entry["name"] and entry["description"] for entry in found)
    rest = server.client.get(address, params={"prefix": typed, "cursor": "1"}).json()["result"]
    assert rest[: len(found) - 1] == found[1:]
    for bad in ("-1", "x", "9" * 5000):
        assert server.client.get(address, params={"prefix": "a", "cursor": bad}).status_code == 400
    assert server.client.get(address).json() == {"result": []}
    assert server.client.get(address, params={"prefix": "x" * 201}).status_code == 400


def test_the_view_leads_to_the_thing(server: Server) -> None:
    view = manifest(server)["view"]["url"].replace("{{id}}", quote("id/organisation/moef", safe=""))
    answer = server.client.get(view, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/id/organisation/moef"
    assert (
        server.client.get(manifest(server)["view"]["url"].replace("{{id}}", "x")).status_code == 404
    )


def test_the_preview_fits_into_a_frame(server: Server) -> None:
    address = manifest(server)["preview"]["url"].replace("{{id}}", quote("id/task/1-2", safe=""))
    answer = server.client.get(address)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "frame-ancestors *" in answer.headers["content-security-policy"]
    assert "x-frame-options" not in answer.headers
    assert "<script" not in answer.text
    assert "Sufficient digital resources" in answer.text
    assert "충분한 디지털 자원 확보" in answer.text
    assert server.client.get("/reconcile/preview?id=%3Cscript%3E").status_code == 404
    assert server.client.get("/reconcile/preview").status_code == 404


def test_properties_are_proposed_and_extend_a_table(server: Server) -> None:
    extend = manifest(server)["extend"]["propose_properties"]
    address = extend["service_url"] + extend["service_path"]
    proposed = server.client.get(address, params={"type": "eli:LegalResource", "limit": "9"}).json()
    assert proposed["type"] == "eli:LegalResource"
    assert len(proposed["properties"]) == 9
    assert server.client.get(address, params={"type": "no:thing"}).json()["properties"] == []
    pids = ["rdfs:label", "eli:number", "eli:date_publication", "eli:amends", "eli:in_force"]
    asked = {"ids": ["id/act/kr-20672", "act:kr-20676", "nothing"],
             "properties": [{"id": pid} for pid in pids]}  # fmt: skip
    document = post(server, extend=asked).json()
    assert [entry["id"] for entry in document["meta"]] == pids
    assert all(entry["name"] for entry in document["meta"])
    act = document["rows"]["id/act/kr-20672"]
    assert act["rdfs:label"] == [{"str": "Digital Inclusion Act"}, {"str": "디지털포용법"}]
    assert act["eli:number"] == [{"str": "20672"}]
    assert act["eli:date_publication"] == [{"date": "2025-01-21T00:00:00Z"}]
    amended = {entry["id"] for entry in act["eli:amends"]}
    assert amended == {"id/act/kr-17344", "id/act/kr-ict-special-act"}
    assert all(entry["name"] for entry in act["eli:amends"])
    assert act["eli:in_force"] == [{"str": "http://data.europa.eu/eli/ontology#InForce-inForce"}]
    assert document["rows"]["act:kr-20676"]["eli:number"] == [{"str": "20676"}]
    assert document["rows"]["nothing"] == {pid: [] for pid in pids}
    numbers = post(
        server, extend={"ids": ["task:1-2"], "properties": [{"id": "rok:ordinal"}]}
    ).json()["rows"]["task:1-2"]["rok:ordinal"]
    assert numbers == [{"int": 2}]


def test_answers_to_get_may_be_kept(server: Server) -> None:
    for path in (
        "/reconcile",
        "/reconcile/suggest/entity?prefix=AI",
        "/reconcile/preview?id=task:1-2",
    ):
        first = server.client.get(path)
        again = server.client.get(path, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304
        assert server.client.head(path).headers["etag"] == first.headers["etag"]
    first = post(server, queries={"q": {"query": "AI"}})
    form = {"queries": json.dumps({"q": {"query": "AI"}})}
    again = server.client.post(
        "/reconcile", data=form, headers={"if-none-match": first.headers["etag"]}
    )
    assert again.status_code == 200


@pytest.mark.filterwarnings("ignore")  # those of a client of others are its own business
def test_a_client_of_others_reconciles_a_table(server: Server) -> None:
    try:
        import pandas as pd  # noqa: PLC0415
        from reconciler import reconcile  # noqa: PLC0415
    except ImportError:
        missing("the client reconciler")
    names = list(MINISTRIES)
    table = pd.DataFrame({"ministry": names})
    found = reconcile(
        table["ministry"],
        type_id="org:Organization",
        top_res=1,
        reconciliation_endpoint=f"{server.url}/reconcile",
    )
    told = dict(zip(found["input_value"], found["id"], strict=True))
    assert told == {name: f"id/organisation/{key}" for name, key in MINISTRIES.items()}
    sure = set(found.loc[found["match"], "input_value"])
    assert sure >= SURE
    numbers = pd.DataFrame({"name": ["Digital Inclusion", "AI Act"], "number": ["20672", "20676"]})
    acts = reconcile(
        numbers["name"],
        property_mapping={"eli:number": numbers["number"]},
        reconciliation_endpoint=f"{server.url}/reconcile",
    )
    assert list(acts["id"]) == ["id/act/kr-20672", "id/act/kr-20676"]
