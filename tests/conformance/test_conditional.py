"""Conditions, caching, content codings, and the answers that the server keeps.

Rule: how often a query was evaluated is read off the metrics, not off the clock.

See https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests and
https://www.rfc-editor.org/rfc/rfc9111
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from conformance import wire
from conformance.wire import Running

SELECT = "SELECT * { ?s a ?o } ORDER BY ?s ?o LIMIT 50"
CONSTRUCT = "CONSTRUCT { ?s a ?o } { ?s a ?o } LIMIT 50"
LARGE = "SELECT * { ?s ?p ?o }"
SMALL = "ASK {}"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
VOLATILE = {
    "NOW": "NOW()",
    "RAND": "RAND()",
    "UUID": "UUID()",
    "STRUUID": "STRUUID()",
    "BNODE": "BNODE()",
    "small letters": "rand()",
    "space before the bracket": "RAND \n ( )",
    "comment before the bracket": "RAND # why not\n ()",
    "in an expression": "STRLEN(STR(RAND()))",
}


def ask(server: Running, query: str, method: str = "GET", **headers: str) -> httpx.Response:
    """Ask with these headers; `_` stands for `-` in their names."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.request(method, "/sparql", params={"query": query}, headers=named)


def misses(server: Running) -> int:
    """How many answers have been made."""
    return int(server.metric("rokgraph_cache_misses"))


# -- entity tags ---------------------------------------------------------------------------


@pytest.mark.parametrize("query", [SELECT, CONSTRUCT, LARGE, SMALL])
def test_every_representation_has_a_strong_tag(server: Running, query: str) -> None:
    """A 200 has an ETag; it is strong, and the same as long as the answer is the same.

    https://www.rfc-editor.org/rfc/rfc9110#name-etag
    """
    tags = {ask(server, query).headers["etag"] for _ in range(3)}
    [tag] = tags
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert ask(server, query, "HEAD").headers["etag"] == tag


def test_each_representation_has_its_own_tag(server: Running) -> None:
    """Another format, another coding, another query, another dataset: another tag.

    https://www.rfc-editor.org/rfc/rfc9110#name-etag
    """
    tags = [
        ask(server, SELECT, accept=accept, accept_encoding=coding).headers["etag"]
        for accept in ("application/sparql-results+json", "application/sparql-results+xml",
                       "text/csv", "text/tab-separated-values", "text/html")
        for coding in ("identity", "gzip", "zstd")
    ]  # fmt: skip
    tags += [ask(server, query).headers["etag"] for query in (CONSTRUCT, SMALL, SELECT + " ")]
    tags.append(
        server.client.get(
            "/sparql", params={"query": SELECT, "default-graph-uri": "http://example.org/"}
        ).headers["etag"]
    )
    assert len(set(tags)) == len(tags)


def test_a_tag_depends_on_the_base_iri(server: Running) -> None:
    """The same query under another host has other IRIs, and another tag.

    https://www.rfc-editor.org/rfc/rfc9110#name-etag
    """
    query = "SELECT ?x { VALUES ?x { <a> } }"
    one, two = (ask(server, query, host=host) for host in ("one.example", "two.example"))
    assert one.headers["etag"] != two.headers["etag"]
    assert (b"//one.example/a" in one.content, b"//two.example/a" in two.content) == (True, True)


def test_a_tag_depends_on_the_data(server: Running, behind: Running, small: Running) -> None:
    """Another dataset has other tags; the same in another process has the same.

    https://www.rfc-editor.org/rfc/rfc9110#name-etag
    """
    asked = (server, behind, small)
    tags = [ask(one, LARGE, host="example.org").headers["etag"] for one in asked]
    assert tags[0] == tags[1] != tags[2]


BLANK = (LARGE, "CONSTRUCT { ?s ?p [] } { ?s ?p ?o } LIMIT 9", "DESCRIBE ?s { ?s ?p [] } LIMIT 9")


TEMPLATE = "blank nodes of a template have other names each time (evaluation.py)"


@pytest.mark.parametrize(
    "query",
    [
        BLANK[0],
        pytest.param(BLANK[1], marks=pytest.mark.xfail(reason=TEMPLATE)),
        BLANK[2],
    ],
)
def test_the_same_tag_is_the_same_bytes(server: Running, behind: Running, query: str) -> None:
    """8.8.1: a strong tag changes whenever the bytes of the body do: what two processes give the
    same tag is the same, down to the names of blank nodes.

    https://www.rfc-editor.org/rfc/rfc9110#name-weak-versus-strong
    """
    one, two = (ask(asked, query, host="example.org") for asked in (server, behind))
    assert one.headers.get("etag", 1) != two.headers.get("etag", 2) or one.content == two.content


def test_a_restart_with_blank_nodes_has_other_tags(tmp_path: Path) -> None:
    """8.8.1: of given data with blank nodes, whose names are others after a restart, the tags are
    others too.

    https://www.rfc-editor.org/rfc/rfc9110#name-weak-versus-strong
    """
    path = tmp_path / "blank.ttl"
    path.write_text("<a:s> <a:p> [ <a:p> 1 ], [ <a:p> 2 ] .")
    bodies: dict[str, bytes] = {}
    for _ in range(2):
        with wire.run("--data", str(path), "--base-url", "http://example.org") as running:
            for query in BLANK:
                answer = ask(running, query)
                tag = answer.headers.get("etag", "")
                assert not tag or bodies.setdefault(tag, answer.content) == answer.content


# -- If-None-Match -------------------------------------------------------------------------

MATCHING = ["{tag}", "W/{tag}", '"other", {tag}', '{tag},"other"', 'W/"a" , W/{tag}', "*", " * "]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("condition", MATCHING)
@pytest.mark.parametrize("query", [SELECT, LARGE, SMALL, CONSTRUCT])
def test_if_none_match_with_the_tag_is_304(
    server: Running, query: str, condition: str, method: str
) -> None:
    """13.1.2: a tag that matches, in a list, weak or not, or `*`, is 304 on GET and HEAD.

    https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
    """
    tag = ask(server, query).headers["etag"]
    answer = ask(server, query, method, if_none_match=condition.format(tag=tag).strip())
    assert answer.status_code == 304
    assert answer.content == b""


@pytest.mark.parametrize("condition", ['"other"', 'W/"other", "more"', "other", "", "**", '""'])
def test_if_none_match_with_another_tag_is_200(server: Running, condition: str) -> None:
    """13.1.2: a tag that does not match changes nothing.

    https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
    """
    answer = ask(server, SELECT, if_none_match=condition)
    assert answer.status_code == 200
    assert answer.content


def test_the_tag_of_another_representation_does_not_match(server: Running) -> None:
    """13.1.2: the tag of another format or coding is no reason for 304.

    https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
    """
    csv = ask(server, SELECT, accept="text/csv").headers["etag"]
    assert ask(server, SELECT, accept="text/turtle, */*", if_none_match=csv).status_code == 200
    coded = ask(server, SELECT, accept_encoding="gzip").headers["etag"]
    for coding in ("identity", "zstd"):
        assert ask(server, SELECT, accept_encoding=coding, if_none_match=coded).status_code == 200


@pytest.mark.parametrize("accept", ["*/*", "text/csv", BROWSER])
@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_304_has_the_headers_of_the_200(
    server: Running, accept: str, coding: str, method: str
) -> None:
    """15.4.5: 304 has ETag, Cache-Control, Vary and Date of the 200, and no body.

    https://www.rfc-editor.org/rfc/rfc9110#name-304-not-modified
    """
    first = ask(server, SELECT, accept=accept, accept_encoding=coding)
    assert first.status_code == 200
    again = ask(
        server, SELECT, method, accept=accept, accept_encoding=coding,
        if_none_match=first.headers["etag"],
    )  # fmt: skip
    assert again.status_code == 304
    for name in ("etag", "cache-control", "vary", "rokgraph-dataset"):
        assert again.headers[name] == first.headers[name]
    assert "date" in again.headers
    assert "content-length" not in again.headers
    assert again.content == b""


@pytest.fixture(scope="module")
def forgetful() -> Iterator[Running]:
    """A server that keeps no answer."""
    with wire.run(ROKGRAPH_CACHE="0") as running:
        yield running


def test_a_304_needs_no_evaluation(forgetful: Running) -> None:
    """A client that has the answer costs no evaluation, even where nothing is kept.

    https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
    """
    tag = ask(forgetful, SELECT).headers["etag"]
    before = misses(forgetful)
    for _ in range(3):
        assert ask(forgetful, SELECT, if_none_match=tag).status_code == 304
    assert misses(forgetful) == before
    assert ask(forgetful, SELECT).status_code == 200
    assert misses(forgetful) == before + 1


def test_a_post_is_not_conditional(server: Running) -> None:
    """13.1.2: 304 is for GET and HEAD; a POST is answered.

    https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
    """
    headers = {"content-type": "application/sparql-query"}
    tag = server.client.post("/sparql", content=SELECT, headers=headers).headers["etag"]
    for condition in (tag, "*"):
        answer = server.client.post(
            "/sparql", content=SELECT, headers={**headers, "if-none-match": condition}
        )
        assert answer.status_code == 200


def test_a_refusal_has_no_tag(server: Running) -> None:
    """A condition is looked at only where the answer would be 2xx; a refusal has no tag.

    https://www.rfc-editor.org/rfc/rfc9110#name-evaluation-of-preconditions
    """
    answer = ask(server, "ASK {", if_none_match="*")
    assert answer.status_code == 400
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


# -- Cache-Control -------------------------------------------------------------------------


@pytest.mark.parametrize("query", [SELECT, CONSTRUCT, LARGE, SMALL])
def test_an_answer_may_be_kept_by_caches(server: Running, query: str) -> None:
    """An answer says how long it may be used without asking again.

    https://www.rfc-editor.org/rfc/rfc9111#name-cache-control
    """
    assert ask(server, query).headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize("name", VOLATILE)
@pytest.mark.parametrize("accept", ["*/*", BROWSER])
def test_a_volatile_answer_is_not_stored(server: Running, name: str, accept: str) -> None:
    """Answers of NOW, RAND, UUID, STRUUID and BNODE are stored by nobody and have no tag.

    https://www.rfc-editor.org/rfc/rfc9111#name-no-store-2
    """
    query = f"SELECT ({VOLATILE[name]} AS ?x) {{}}"
    for condition in ("", "*"):
        answer = ask(server, query, accept=accept, if_none_match=condition)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@pytest.mark.parametrize("name", ["NOW", "RAND", "UUID", "STRUUID", "comment before the bracket"])
def test_a_volatile_answer_is_another_each_time(server: Running, name: str) -> None:
    """Each request for a volatile answer is evaluated.

    https://www.w3.org/TR/sparql11-query/#func-rand
    """
    query = f"SELECT ({VOLATILE[name]} AS ?x) {{}}"
    assert len({ask(server, query).content for _ in range(3)}) == 3


@pytest.mark.parametrize("query", ["SELECT ?now ?rand {}", "ASK { <a:now> <a:uuid> ?bnode }"])
def test_a_name_alone_makes_no_answer_volatile(server: Running, query: str) -> None:
    """Variables and IRIs with these names are names.

    https://www.rfc-editor.org/rfc/rfc9111#name-no-store-2
    """
    assert "etag" in ask(server, query).headers


# -- content codings -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("gzip;q=0.9, zstd;q=0.1", "gzip"),
        ("zstd;q=0, gzip;q=0.001", "gzip"),
        ("GZIP", "gzip"),
        ("*", "zstd"),
        ("zstd;q=0, *", "gzip"),
        ("gzip;q=0, zstd;q=0", None),
        ("*;q=0", None),
        ("identity", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("br, deflate", None),
        ("", None),
        ("gzip;q=x", None),
    ],
)
def test_the_coding_is_the_one_wanted_most(
    server: Running, accept: str, coding: str | None
) -> None:
    """12.5.3: gzip and zstd by q-value, q=0 and `*`; none where none is wanted.

    https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding
    """
    request = wire.get(SELECT, f"Accept-Encoding: {accept}")
    answer = wire.reply(server.talk(request))
    assert answer.headers.get("content-encoding") == coding
    plain = ask(server, SELECT, host="localhost").content
    assert wire.decoded(answer.body, coding) == plain
    if coding:
        assert len(answer.body) < len(plain) / 3
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("query", [LARGE, CONSTRUCT])
@pytest.mark.parametrize("accept", ["*/*", BROWSER])
def test_a_coded_answer_is_the_same_answer(
    server: Running, query: str, coding: str, accept: str
) -> None:
    """8.4: what comes coded is, decoded, what comes plain: whole, streamed, or as a page.

    https://www.rfc-editor.org/rfc/rfc9110#name-content-encoding
    """
    headers = (f"Accept: {accept}", f"Accept-Encoding: {coding}")
    answer = wire.reply(server.talk(wire.get(query, *headers), seconds=20))
    assert answer.headers["content-encoding"] == coding
    plain = wire.reply(server.talk(wire.get(query, f"Accept: {accept}"), seconds=20))
    assert "content-encoding" not in plain.headers
    assert wire.decoded(answer.body, coding) == plain.body


@pytest.mark.parametrize("query", [SMALL, "SELECT * { ?s ?p ?o } LIMIT 1"])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_small_answer_is_not_coded(server: Running, query: str, coding: str) -> None:
    """Below 1 kB a coding is not worth it; the tag is that of the plain answer.

    https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding
    """
    answer = ask(server, query, accept_encoding=coding)
    assert len(answer.content) < 1024
    assert "content-encoding" not in answer.headers
    assert answer.headers["etag"] == ask(server, query).headers["etag"]
    again = ask(server, query, accept_encoding=coding, if_none_match=answer.headers["etag"])
    assert again.status_code == 304


# -- the answers that are kept -------------------------------------------------------------


def test_an_answer_is_made_once(server: Running) -> None:
    """The same question is evaluated once; afterwards the answer is at hand.

    https://www.rfc-editor.org/rfc/rfc9111#name-overview-of-cache-operation
    """
    query = f"{SELECT} # {time.time_ns()}"
    before, hits = misses(server), server.metric("rokgraph_cache_hits")
    answers = [ask(server, query) for _ in range(4)]
    assert misses(server) == before + 1
    assert server.metric("rokgraph_cache_hits") == hits + 3
    assert len({answer.content for answer in answers}) == 1
    kept = [server.entry(answer.headers["rokgraph-query"])["cache"] for answer in answers]
    # what came twice is kept whole as well, and found by the bytes of its request
    assert kept == ["miss", "hit", "repeat", "repeat"]


def test_another_format_is_another_answer(server: Running) -> None:
    """What is kept for one format is not sent for another.

    https://www.rfc-editor.org/rfc/rfc9111#name-calculating-cache-keys-with
    """
    query = f"{SELECT} # {time.time_ns()}"
    before = misses(server)
    for accept in ("text/csv", "application/sparql-results+xml", "text/csv"):
        answer = ask(server, query, accept=accept)
        assert answer.headers["content-type"].partition(";")[0] == accept
    assert misses(server) == before + 2


def test_what_is_kept_is_bounded_by_bytes(serve: Callable[..., Running]) -> None:
    """The answers that are kept stay below the bound; the oldest go first, too large ones never
    come in.

    https://www.rfc-editor.org/rfc/rfc9111#name-overview-of-cache-operation
    """
    bound = 200_000
    server = serve(ROKGRAPH_CACHE=str(bound))
    query = "SELECT * {{ ?s a ?o }} ORDER BY ?s LIMIT 30 OFFSET {}"
    for number in range(80):
        assert ask(server, query.format(number)).status_code == 200
        if number % 10 == 9:
            assert server.metric("rokgraph_cache_bytes") <= bound
    assert server.metric("rokgraph_cache_bytes") > bound / 2
    before = misses(server)
    ask(server, query.format(79))
    assert misses(server) == before
    ask(server, query.format(0))
    assert misses(server) == before + 1
    kept = server.metric("rokgraph_cache_bytes")
    assert len(ask(server, f"{SELECT}0").content) > bound / 8
    assert server.metric("rokgraph_cache_bytes") == kept


def test_nothing_is_kept_where_the_bound_is_zero(forgetful: Running) -> None:
    """ROKGRAPH_CACHE=0 keeps nothing.

    https://www.rfc-editor.org/rfc/rfc9111#name-overview-of-cache-operation
    """
    before = misses(forgetful)
    for _ in range(3):
        ask(forgetful, SELECT)
    assert misses(forgetful) == before + 3
    assert forgetful.metric("rokgraph_cache_bytes") == 0


def test_a_refusal_is_not_kept(patient: Running) -> None:
    """A query that ran out of time is evaluated again when it is asked again.

    https://www.rfc-editor.org/rfc/rfc9111#name-storing-responses-in-caches
    """
    query = wire.slow(0.7, time.time_ns())
    assert patient.post(query, timeout="0.2").status_code == 503
    assert patient.post(query).status_code == 200


# -- one evaluation for many ---------------------------------------------------------------


def test_identical_questions_at_once_are_evaluated_once(patient: Running) -> None:
    """Of the same question asked by many at once one is evaluated, and all get its answer.

    https://www.rfc-editor.org/rfc/rfc9111#name-overview-of-cache-operation
    """
    query = wire.slow(0.7, time.time_ns())
    before = misses(patient)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(patient, query), range(20)))
    assert misses(patient) == before + 1
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    ways = [patient.entry(answer.headers["rokgraph-query"])["cache"] for answer in answers]
    assert ways.count("miss") == 1


def test_those_who_wait_are_answered_if_the_first_leaves(patient: Running) -> None:
    """If the one whose question is evaluated leaves, those who wait for it are answered.

    https://www.rfc-editor.org/rfc/rfc9112#name-tear-down
    """
    query = wire.slow(0.7, time.time_ns())
    with ThreadPoolExecutor(3) as pool, patient.connect() as first:
        first.sendall(wire.get(query))
        time.sleep(0.2)
        waiting = [pool.submit(ask, patient, query, host="localhost") for _ in range(3)]
        time.sleep(0.2)
        first.close()
        assert [future.result().status_code for future in waiting] == [200] * 3


def test_who_waits_has_a_deadline_of_its_own(patient: Running) -> None:
    """A shorter deadline holds for who waits for another's evaluation, and for nobody else.

    https://www.rfc-editor.org/rfc/rfc9110#name-503-service-unavailable
    """
    query = wire.slow(1.2, time.time_ns())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(patient.post, query)
        time.sleep(0.2)
        assert patient.post(query, timeout="0.2").status_code == 503
        assert first.result().status_code == 200
