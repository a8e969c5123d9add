"""Maps are read from files and written back; a mistake in a file is named by file and place."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given

from headway.concepts.catalog import deep_learning, load_map, map_of, tables_of
from headway.concepts.course import Stop
from headway.concepts.graph import Map
from headway.spec.error import HeadwayError
from maps import maps

MAPS = Path(__file__).parents[2] / "examples" / "maps"
SMALL = {
    "title": "Bread",
    "subject": "Baking",
    "groups": {"dough": "Dough"},
    "relations": {"can-become": "effect", "is-a": {"word": "is", "family": "taxonomy"}},
    "concepts": {
        "flour": {"title": "Flour", "type": "component", "group": "dough", "definition": "Ground grain.",
                  "edges": ["can-become loaf", {"relation": "is-a", "target": "loaf", "claim": "R2"}]},
        "loaf": {"title": "Loaf", "type": "component", "definition": "Baked.", "requires": ["flour"],
                 "aliases": ["Bread"]},
    },
    "hierarchy": {"DOUGH": {"Flour": ["Ground"], "Bread": [], "Salt": [], "flour (wheat)": {"concept": "flour"}}},
    "pathways": [{"title": "First", "goal": "g", "assessment": "a",
                  "stops": ["flour", "Bread", {"title": "Rest"}, {"title": "All", "concepts": ["flour", "loaf"]}]}],
}  # fmt: skip


def changed(**fields: object) -> dict[str, object]:
    return json.loads(json.dumps(SMALL)) | fields


def flour(**fields: object) -> dict[str, object]:
    tables = changed()
    tables["concepts"]["flour"] |= fields
    return tables


def test_short_forms_say_what_their_long_forms_say():
    bread = map_of(SMALL)
    assert [(r.name, r.word, r.family) for r in bread.relations] == [
        ("can-become", "can become", "effect"), ("is-a", "is", "taxonomy")]  # fmt: skip
    assert [(e.source, e.relation, e.target, e.claim) for e in bread.edges] == [
        ("flour", "can-become", "loaf", ""), ("flour", "is-a", "loaf", "R2")]  # fmt: skip
    (heading,) = bread.hierarchy
    assert [(e.title, e.concept) for e in heading.entries] == [
        ("Flour", "flour"), ("Bread", "loaf"), ("Salt", None), ("flour (wheat)", "flour")]  # fmt: skip
    assert bread.pathways[0].stops == (
        Stop("Flour", concepts=("flour",)), Stop("Bread", concepts=("loaf",)),
        Stop("Rest"), Stop("All", concepts=("flour", "loaf")),
    )  # fmt: skip


@given(maps())
def test_every_map_is_written_and_read_back(subject):
    tables = json.loads(json.dumps(tables_of(subject)))
    assert map_of(tables) == subject
    assert tables_of(map_of(tables)) == tables


@pytest.mark.parametrize("file", sorted(MAPS.glob("*.toml")), ids=lambda file: file.stem)
def test_the_example_maps_are_read_and_come_back_as_json(file, tmp_path):
    subject = load_map(file)
    assert len(subject.concepts) > 5
    (tmp_path / "map.json").write_text(json.dumps(tables_of(subject)), encoding="utf-8")
    assert load_map(tmp_path / "map.json") == subject


def test_the_map_of_deep_learning_comes_back():
    assert map_of(tables_of(deep_learning())) == deep_learning()


HEADER = 'title = "T"\nsubject = "S"\n[groups]\nlast = "Last"\nfirst = "First"\n'
CONCEPT = '[concepts.{0}]\ntitle = "{0}"\ntype = "method"\ndefinition = "d"\n'


def folder(place: Path, **files: str) -> Path:
    for name, text in files.items():
        (place / f"{name}.toml").write_text(text, encoding="utf-8")
    return place


def test_a_folder_holds_a_file_for_each_group_in_the_order_of_the_groups(tmp_path):
    place = folder(tmp_path, map=HEADER, first=CONCEPT.format("a"), last=CONCEPT.format("b"), other=CONCEPT.format("c"))
    assert [(c.name, c.group) for c in load_map(place).concepts] == [("b", "last"), ("a", "first"), ("c", None)]


def test_a_concept_may_state_another_group_than_its_file(tmp_path):
    place = folder(tmp_path, map=HEADER, first=CONCEPT.format("a") + 'group = "last"\n')
    assert load_map(place).concepts[0].group == "last"


FOLDERS = {
    "an unknown prerequisite": (CONCEPT.format("a") + 'requires = ["bb"]', r"first\.toml, concepts/a/requires.*'bb'"),
    "a missing definition": ('[concepts.a]\ntitle = "A"\ntype = "method"', r"first\.toml, concepts/a/definition: must"),
    "a circle": (CONCEPT.format("a") + 'requires = ["a"]', r"first\.toml, concepts/a/requires: nothing may require"),
    "more than concepts": ('title = "A"', r"first\.toml, title: must stand in map\.toml"),
    "a concept of another file": (CONCEPT.format("b"), r"last\.toml, concepts/b: stands in another file.*first\.toml|"
                                  r"first\.toml, concepts/b: stands in another file.*last\.toml"),
    "text that is not TOML": ("a = = 1", r"first\.toml: must be valid TOML \(.*line 1"),
    "concepts that are no table": ("concepts = 3", r"first\.toml, concepts: must be a table; got 3"),
    "a concept that is no table": ("[concepts]\na = 3", r"first\.toml, concepts/a: must be a table; got 3"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDERS)
def test_a_mistake_in_a_folder_names_the_file(case, tmp_path):
    text, message = FOLDERS[case]
    with pytest.raises(HeadwayError, match=message):
        load_map(folder(tmp_path, map=HEADER, first=text, last=CONCEPT.format("b")))


def test_a_folder_without_a_header_and_a_file_of_another_kind_are_named(tmp_path):
    with pytest.raises(HeadwayError, match=r"map\.toml: must be a readable text file"):
        load_map(tmp_path)
    (tmp_path / "map.yaml").write_text("title: T")
    with pytest.raises(HeadwayError, match=r"map\.yaml: .*\.json or \.toml"):
        load_map(tmp_path / "map.yaml")


FILES = {
    "an unknown field": (flour(titel="x"), r"concepts/flour/titel: no such field\. Did you mean 'title'"),
    "an unknown field of the map": (changed(edges=[]), r"m\.json, edges: no such field"),
    "a name given twice over": (flour(name="x"), "concepts/flour/name: no such field"),
    "an unknown type": (flour(type="thing"), "concepts/flour/type: must be 'component', .*; got 'thing'"),
    "a number for a title": (flour(title=3), "concepts/flour/title.*string; got 3"),
    "text for a list": (flour(requires="loaf"), r"concepts/flour/requires: must be a list; got 'loaf'. Write: \["),
    "a number in a list": (flour(aliases=["a", 3]), r"concepts/flour/aliases.*string; got 3"),
    "an edge to nowhere": (flour(edges=["can-become lof"]), "concepts/flour/edges.*'lof'. Did you mean 'loaf'"),
    "an edge of an unknown relation": (
        flour(edges=["can-becom loaf"]),
        "concepts/flour/edges.*Did you mean 'can-become'",
    ),
    "an edge without a target": (flour(edges=["can-become"]), "concepts/flour/edges/0/target"),
    "an edge without a relation": (flour(edges=[{"target": "loaf"}]), "concepts/flour/edges/0/relation: must be given"),
    "an edge with a source": (flour(edges=[{"source": "loaf"}]), "concepts/flour/edges/0/source: no such field"),
    "edges that are no list": (flour(edges="can-become loaf"), "concepts/flour/edges: must be a list"),
    "an alias that another has": (
        flour(aliases=["loaf"]),
        "concepts/loaf: must share no .*'loaf', which is also flour",
    ),
    "a circle": (
        flour(requires=["loaf"]),
        "requires: nothing may require itself; got (flour → loaf → flour|loaf → .*)",
    ),
    "an undeclared group": (flour(group="doug"), "concepts/flour/group.*Did you mean 'dough'"),
    "an unknown family": (changed(relations={"is-a": "kind"}), "relations/is-a/family.*'taxonomy'"),
    "a stop that is no concept": (
        changed(pathways=[{"stops": ["Flower"]}]),
        "pathways/0/stops/0.*'Flower'. Did you mean 'flour'",
    ),
    "a path without a goal": (changed(pathways=[{"title": "T", "stops": []}]), "pathways/0/goal: must be given"),
    "an entry of an unknown concept": (changed(hierarchy={"A": {"B": {"concept": "c"}}}), "hierarchy/A/B.*'c'"),
    "a heading that is no table": (changed(hierarchy={"A": ["B"]}), "hierarchy/A: must be a table"),
    "a newer format": (changed(format=2), "format: must be 1; got 2. A newer Headway"),
    "no title": ({"subject": "S"}, r"m\.json, title: must be given"),
    "a list": ([], r"m\.json: must be a table"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_mistake_in_a_file_names_its_place(case, tmp_path):
    tables, message = FILES[case]
    (tmp_path / "m.json").write_text(json.dumps(tables), encoding="utf-8")
    with pytest.raises(HeadwayError, match=message) as caught:
        load_map(tmp_path / "m.json")
    assert str(caught.value).startswith(str(tmp_path / "m.json"))


def test_a_map_may_be_as_small_as_its_title():
    assert map_of({"title": "T", "subject": "S"}) == Map("T", subject="S", concepts=())


def test_the_map_in_the_documentation_is_read_and_its_mistake_gives_the_message_shown(tmp_path):
    page = (MAPS.parents[1] / "docs" / "map-files.md").read_text(encoding="utf-8")
    text, message = re.search(r"```toml\n(.*?)```", page, re.S)[1], re.search(r"headway: bread\.toml, (.*)", page)[1]
    (tmp_path / "bread.toml").write_text(text, encoding="utf-8")
    assert len(load_map(tmp_path / "bread.toml").edges) == 2
    (tmp_path / "bread.toml").write_text(text.replace('["flour"]', '["flower"]'), encoding="utf-8")
    with pytest.raises(HeadwayError) as caught:
        load_map(tmp_path / "bread.toml")
    assert str(caught.value) == f"{tmp_path / 'bread.toml'}, {message}"
