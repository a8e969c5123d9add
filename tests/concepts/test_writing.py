import re

import pytest
from documents import BREAD, documents, maps, seed
from hypothesis import given, settings

from headway.concepts.course import Pathway, Stop
from headway.concepts.document import Document, parse
from headway.concepts.graph import Concept, Edge, Group, Map, Relation
from headway.concepts.sections import Advice, Band, CriticalPath, Header, Statement
from headway.concepts.sections import Pathway as Way
from headway.concepts.writing import document_of, write
from headway.spec.error import HeadwayError

TEA = Map(
    "Tea",
    subject="Drinks",
    groups=(Group("things", title="Things"),),
    relations=(Relation("makes", word="makes", family="effect"),),
    concepts=tuple(
        Concept(name, title=name.capitalize(), type="component", group="things", definition=f"What {name} is.")
        for name in ("water", "leaf", "tea", "cup")
    ),
    edges=(Edge("water", relation="makes", target="tea", strength="Strong"),
           Edge("leaf", relation="makes", target="tea", strength="Weak")),
    pathways=(Pathway((Stop("Water"), Stop("Tea")), title="Brewing", goal="Brew", assessment="Drinks it"),
              Pathway((Stop("Tea"),), title="Tasting", goal="Taste", after=("Brewing",), outside=("a tongue",),
                      assessment="Names it")),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(documents)
def test_every_document_reads_back_as_it_was_written(document):
    assert parse(write(document)) == document


@settings(max_examples=50, deadline=None)
@given(maps())
def test_the_document_of_every_map_reads_back_without_a_note(subject):
    document = document_of(subject)
    again = parse(write(document))
    assert again == document
    assert again.notes == ()
    assert write(again) == write(document)


@pytest.mark.parametrize("text", [BREAD, seed], ids=["bread", "seed"])
def test_a_document_by_another_hand_reads_back_as_it_was_understood(text):
    document = parse(text() if callable(text) else text)
    assert parse(write(document)) == document


def test_the_document_of_a_map_counts_and_ranks_all_it_holds():
    document = document_of(TEA, date="2026-01-01")
    assert document.header == Header("Concept Map: Tea", "", "Drinks", "2026-01-01", 4, 2)
    assert document.matrix == (Statement("Water", "Tea", "makes", "Strong"), Statement("Leaf", "Tea", "makes", "Weak"))
    assert [(band.title, band.low, band.high, band.named) for band in document.bands] == [
        ("Low Centrality", 1, 2, ("Tea", "Water", "Leaf")), ("Isolated Centrality", 0, 0, ("Cup",))]  # fmt: skip
    assert [(way.number, way.prerequisites) for way in document.pathways] == [(1, ()), (2, ("Pathway 1", "a tongue"))]
    assert [branch.title for _, branch in document.hierarchy.walk()] == ["Tea", "Things", "Water", "Leaf", "Tea", "Cup"]
    assert [one.text for one in document.definitions] == [
        f"What {name} is." for name in ("water", "leaf", "tea", "cup")
    ]


def test_the_written_document_has_the_sections_of_the_form_in_their_order():
    headings = re.findall(r"^## (.*)$", write(parse(BREAD)), re.MULTILINE)
    assert headings == re.findall(r"^## (.*)$", seed(), re.MULTILINE)


def test_a_section_that_says_nothing_is_not_written():
    assert re.findall(r"^#+ .*$", write(document_of(Map("Nothing", subject="-", concepts=()))), re.MULTILINE) == [
        "# Concept Map: Nothing", "## Visual Concept Map (Mermaid)", "## Concept Hierarchy"]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (Document(Header("A"), pathways=(Way("W", ("a → b",)),)), "pathways"),
        (Document(Header("A"), critical=(CriticalPath("C", ("a", "")),)), "arrow"),
        (Document(Header("A"), matrix=(Statement("a", "", "is"),)), "to"),
        (Document(Header("A"), matrix=(Statement("a", "two\nlines", "is"),)), "cells"),
        (Document(Header("A"), advice=(Advice("", ("x",)), Advice("", ("y",)))), "advice"),
        (Document(Header("A"), bands=(Band("B", 1, 2, named=("a\\", "b")),)), "bands"),
        (Document(Header("A\n## B"), matrix=(Statement("a", "b", "is"),)), "header"),
    ],
)  # fmt: skip
def test_what_would_not_read_back_is_refused_by_its_place(document, place):
    with pytest.raises(HeadwayError, match=place) as error:
        write(document)
    assert "must read back as it is written" in str(error.value)
