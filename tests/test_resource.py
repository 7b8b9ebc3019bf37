"""One thing as a page tells of it: names, order, groups."""

from rokgraph.resource import Name, Solution, Terms
from rokgraph.vocab import GRAPH, RDF_TYPE, RDFS_LABEL

E = "http://example.org/"
PREFIXES = {"ex": E, "rdfs": "http://www.w3.org/2000/01/rdf-schema#"}


def iri(value: str) -> dict[str, str]:
    return {"type": "uri", "value": value}


def text(value: str, language: str = "") -> dict[str, str]:
    return {"type": "literal", "value": value} | ({"xml:lang": language} if language else {})


def shown(name: str, group: str, order: str, *, inverse: str = "false") -> list[Solution]:
    return [
        {
            "property": iri(E + name), "inverse": text(inverse), "name": text(label, language),
            "order": text(order), "groupName": text(f"Group {group}", language),
            "groupOrder": text(group),
        }
        for label, language in ((name.title(), "en"), (f"{name}-ko", "ko"))
    ]  # fmt: skip


def fact(name: str, value: dict[str, str], **more: dict[str, str]) -> Solution:
    return {"property": iri(E + name), "value": value, **more}


TERMS = Terms(
    [*shown("late", "2", "1"), *shown("early", "1", "9"), *shown("first", "1", "2"),
     *shown("early", "2", "5", inverse="true")],
    [{"term": iri(E + "other"), "label": text("Other", "en")}],
    PREFIXES,
)  # fmt: skip


def test_properties_stand_in_the_order_of_the_shapes() -> None:
    rows = [fact(name, text("x")) for name in ("unknown", "late", "other", "early", "first")]
    rows += [fact(name, iri(E + "a"), inverse=text("true")) for name in ("early", "other")]
    resource = TERMS.resource(E + "thing", rows)
    told = [(g.name.text, [p.shown.name.text for p in g.properties]) for g in resource.groups]
    assert told == [
        ("Group 1", ["First", "Early"]),
        ("Group 2", ["Late", "Early"]),
        ("More", ["ex:unknown", "Other"]),
        ("What points here", ["Other"]),
    ]
    assert resource.groups[0].properties[0].shown.name.korean == "first-ko"


def test_many_rows_of_a_fact_are_one_fact() -> None:
    rows = [
        fact("first", iri(E + "a"), graph=iri(GRAPH + graph), label=text(label, language))
        for graph in ("source", "context")
        for label, language in (("이름", "ko"), ("Name", "en"), ("Nom", "fr"))
    ]
    [only] = TERMS.resource(E + "thing", rows).groups[0].properties[0].facts
    assert only.name == Name("Name", "en", "이름")
    assert only.graphs == [GRAPH + "source", GRAPH + "context"]


def test_facts_stand_by_number_then_position_then_name() -> None:
    rows = [
        fact("first", iri(E + "b")),
        fact("first", iri(E + "a")),
        fact("first", iri(E + "q"), start=text("100"), end=text("110")),
        fact("first", iri(E + "p"), start=text("20"), end=text("30")),
        fact("first", iri(E + "z"), ordinal=text("1")),
    ]
    facts = TERMS.resource(E + "thing", rows).groups[0].properties[0].facts
    assert [one.name.text for one in facts] == ["ex:z", "ex:p", "ex:q", "ex:a", "ex:b"]


def test_the_name_is_the_english_label_else_what_there_is() -> None:
    def named(*labels: tuple[str, str]) -> Name:
        rows = [{"property": iri(RDFS_LABEL.value), "value": text(*label)} for label in labels]
        return TERMS.resource(E + "thing", rows).name

    assert named(("이름", "ko"), ("Name", "en")) == Name("Name", "en", "이름")
    assert named(("이름", "ko")) == Name("이름", "ko")
    assert named(("Name", "")) == Name("Name")
    assert named(("Nom", "fr")) == Name("Nom", "fr")
    assert named() == Name("ex:thing")


def test_classes_that_are_stated_come_before_those_inferred() -> None:
    rows: list[Solution] = [
        {"property": iri(RDF_TYPE.value), "value": iri(E + name), "graph": iri(GRAPH + graph)}
        for name, graph in (("a", "inferred"), ("b", "source"))
    ]
    resource = TERMS.resource(E + "thing", rows)
    assert [one.iri for one in resource.classes] == [E + "b", E + "a"]
    assert resource.groups == []


def test_parts_are_named_by_the_thing_and_a_hash() -> None:
    part = E + "thing#part"
    rows = [fact("first", iri(part)), fact("late", iri(part)), fact("late", iri(E + "thing2#x"))]
    rows.append(fact("late", iri(E + "thing#towards"), inverse=text("true")))
    assert TERMS.resource(E + "thing", rows).parts() == [part]
