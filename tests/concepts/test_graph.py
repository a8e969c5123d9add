"""A map holds together: every name is declared, titles are unique, nothing requires itself."""

from dataclasses import replace

import pytest

from headway.concepts.course import Entry, Heading, Pathway, Stop
from headway.concepts.graph import Concept, Edge, Group, Map, Relation
from headway.spec.error import HeadwayError
from headway.spec.node import walk
from headway.spec.select import get, select


def concept(name: str, *requires: str, **fields: object) -> Concept:
    return Concept(
        name, **{"title": name.upper(), "type": "component", "definition": "d", "requires": requires} | fields
    )


MAP = Map(
    "Letters",
    subject="The alphabet",
    groups=(Group("vowels", title="Vowels"),),
    relations=(Relation("precedes", word="precedes", family="mechanism", aliases=("comes before",)),),
    concepts=(concept("a", group="vowels", aliases=("Alpha", "α")), concept("b", "a"), concept("c", "b", "a")),
    edges=(Edge("a", relation="precedes", target="b"),),
)


@pytest.mark.parametrize("word", ["a", "A", " alpha ", "ALPHA", "α"])
def test_a_concept_is_found_by_name_title_or_alias_whatever_the_case(word):
    assert MAP.concept(word) is MAP.concepts[0]


@pytest.mark.parametrize("word", ["precedes", "Comes before"])
def test_a_relation_is_found_by_name_word_or_alias(word):
    assert MAP.relation(word) is MAP.relations[0]


def test_an_unknown_name_is_answered_with_what_comes_close():
    with pytest.raises(HeadwayError, match=r"^concept: no concept of this name; got 'Alhpa'\. Did you mean 'alpha'\?"):
        MAP.concept("Alhpa")
    with pytest.raises(HeadwayError, match=r"relation: .*'preceeds'.*Did you mean 'precedes'"):
        MAP.relation("preceeds")


def test_every_part_of_a_map_has_an_address_even_where_concepts_are_named_like_fields():
    odd = replace(MAP, concepts=(*MAP.concepts, concept("groups"), concept("title"), concept("edges")))
    assert [address for address, _ in select(odd, Concept)] == [f"concepts/{c.name}" for c in odd.concepts]
    assert get(odd, "concepts/title").title == "TITLE"
    assert len(dict(walk(odd))) == 1 + 6 + 1 + 1 + 1


def test_where_there_is_no_code_a_concept_says_why():
    assert concept("a", api=("math.pi", "math.e")).code == "math.pi, math.e"
    assert concept("a").code == "planned"
    assert concept("a", type="context").code == "no code of its own"


HEADING = Heading((Entry("X", concept="x"),), title="H")
PATH = Pathway((Stop("X", concepts=("x",)),), title="P", goal="g", assessment="a")
BAD = {
    "an undeclared group": ({"concepts": (concept("a", group="vowel"),)}, "concepts/a/group.*Did you mean 'vowels'"),
    "an undeclared prerequisite": ({"concepts": (concept("a", "z"),), "edges": ()}, "concepts/a/requires.*'z'.*Known"),
    "an edge to nowhere": ({"edges": (Edge("b", relation="precedes", target="d"),)}, "concepts/b/edges.*declared.*'d'"),
    "an undeclared relation": ({"edges": (Edge("b", relation="precede", target="a"),)}, "concepts/b/edges.*'precedes'"),
    "an edge twice": ({"edges": MAP.edges * 2}, "edges.*once each; got a precedes b"),
    "a name twice": ({"concepts": (*MAP.concepts, concept("a"))}, "concepts/a.*'a', which is also a"),
    "an alias that is a title": ({"concepts": (*MAP.concepts, concept("d", aliases=("b",)))}, "concepts/d.*'b'.*also"),
    "a title twice, in another case": ({"concepts": (*MAP.concepts, concept("d", title="c"))}, "concepts/d.*'c'.*also"),
    "a relation's word twice": ({"relations": (*MAP.relations, Relation("x", word="Precedes", family="effect"))},
                                "relations/x.*'precedes'"),
    "a group twice": ({"groups": MAP.groups * 2}, "groups.*once each; got vowels"),
    "a heading of an unknown concept": ({"hierarchy": (HEADING,)}, "hierarchy/H/X.*'x'"),
    "a path through an unknown concept": ({"pathways": (PATH,)}, "paths/P/X.*'x'"),
    "a goal that is no concept": ({"goal": "z"}, "goal.*declared in the map; got 'z'"),
    "something that requires itself": ({"concepts": (concept("a", "a"),), "edges": ()},
                                        "concepts/a/requires: nothing may require itself; got a → a"),
    "a circle": ({"concepts": (concept("a", "c"), concept("b", "a"), concept("c", "b"))},
                 r"requires: nothing may require itself; got (a → c → b → a|b → a → c → b|c → b → a → c)\."),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_hold_together_is_refused_at_its_place(case):
    change, message = BAD[case]
    with pytest.raises(HeadwayError, match=message):
        replace(MAP, **change)


TYPED = replace(
    MAP,
    concepts=(*MAP.concepts, concept("ill", type="failure")),
    relations=(Relation("prevents", word="prevents", family="effect", range=("failure",), aliases=("cures",)),),
    edges=(),
)


def test_a_statement_joins_what_its_relation_can_join_or_says_why_it_stands_there():
    def stated(target, **more):
        return replace(TYPED, edges=(Edge("a", relation="prevents", target=target, **more),))

    assert stated("ill").word(stated("ill", word="cures").edges[0]) == "cures"
    message = r"concepts/a/edges: the range of prevents is failure; got b, a component, in 'a prevents b'\. Or say why"
    with pytest.raises(HeadwayError, match=message):
        stated("b")
    assert stated("b", why="a thing cannot be prevented").edges[0].why


@pytest.mark.parametrize("title", ["", " a", "a ", "a\nb", "a\x00b", "a\u2028b", "a\uffff"])
def test_a_title_is_one_line_of_text(title):
    with pytest.raises(HeadwayError, match=r"Group\.title"):
        Group("a", title=title)


@pytest.mark.parametrize("remark", ["a\nb", "\x07"])
def test_a_remark_may_be_empty_but_has_no_control_characters(remark):
    assert concept("a", source="").source == ""
    with pytest.raises(HeadwayError, match=r"Concept\.source: must stand on one line"):
        concept("a", source=remark)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a--b", "ä"])
def test_a_name_is_lower_case_letters_digits_and_single_hyphens(name):
    with pytest.raises(HeadwayError, match=r"Group\.name"):
        Group(name, title="x")
