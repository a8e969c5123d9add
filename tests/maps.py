"""Random maps of random subjects, with titles that are hard to write down."""

from typing import Any

from hypothesis import strategies as st

from headway.concepts.course import Advice, Connection, CriticalPath, Entry, Heading, Neighbour, Pathway, Stop
from headway.concepts.graph import Concept, Edge, Group, Map, Relation

NASTY = (
    "end", "subgraph", "graph TD", "y = F(x) + x", 'a "quoted" word', "[x]", "{y}", "a|b", "#quot;", "&amp;",
    "<b>x</b>", "style: #x;", "%% remark", "%%{init: {}}%%", "`code`", "1. first", "- dash", "*a* _b_ ~~c~~", "a;b",
    "a\\nb", "x --> y", "∂y/∂x = ∂F/∂x + 1", "日本語", "# one", "a: b", "'''", '"""', "kind", "name", "edges", "é",
    "😀", "::: c", "A & B",
)  # fmt: skip
slugs = st.from_regex(r"[a-z0-9]{1,4}(-[a-z0-9]{1,2})?", fullmatch=True)
lines = st.sampled_from(NASTY) | st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9
)
remarks = st.just("") | lines
TYPES = ("component", "method", "quantity", "failure", "hyperparameter", "practice", "context")


def several(part: st.SearchStrategy[Any], most: int = 3, **options: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(part, max_size=most, **options).map(tuple)


def some(names: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return several(st.sampled_from(names), unique=True) if names else st.just(())


def one(names: list[str]) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(names) if names else st.none()


@st.composite
def relations_of(draw: st.DrawFn, name: str) -> Relation:
    """A relation whose word and aliases no other has."""
    word = draw(st.just(name.replace("-", " ")) | lines.map(lambda line: f"{line} {name}!"))
    family = draw(st.sampled_from(["taxonomy", "mechanism", "effect", "learning"]))
    return Relation(name, word=word, family=family, aliases=draw(several(lines.map(lambda x: f"also {x} {name}!"), 1)))


@st.composite
def maps(draw: st.DrawFn) -> Map:
    """A valid map: what it requires points backwards, every name is declared, edges stand in the order of concepts."""
    words = draw(st.lists(lines, min_size=1, max_size=9, unique_by=lambda line: line.casefold()))
    names = [f"c{i}" for i in range(draw(st.integers(1, len(words))))]
    words = [word for word in words if word.casefold() not in names] or ["one"]
    names = names[: len(words)]
    groups = [f"g{i}" for i in range(draw(st.integers(0, 3)))]
    relations = draw(st.lists(slugs, max_size=3, unique=True))
    concepts = [
        Concept(name, title=words[i], type=draw(st.sampled_from(TYPES)), definition=draw(lines), source=draw(remarks),
                aliases=tuple(words[len(names) :]) if i == 0 else (), group=draw(one(groups)),
                api=draw(several(lines, 1)), requires=draw(some(names[:i])))
        for i, name in enumerate(names)
    ]  # fmt: skip
    pairs = (
        draw(several(st.tuples(*map(st.sampled_from, (names, relations, names))), 8, unique=True)) if relations else ()
    )
    edges = [
        Edge(a, relation=r, target=b, strength=draw(remarks), provenance=draw(several(lines, 2)), claim=draw(remarks))
        for a, r, b in sorted(pairs, key=lambda pair: names.index(pair[0]))
    ]
    titles = lines | st.sampled_from(words + names)
    stops = several(st.builds(Stop, titles, concepts=some(names)))
    entries = several(st.builds(Entry, titles, concept=one(names), facts=several(lines)), unique_by=lambda e: e.title)
    connections = st.builds(Connection, titles, concepts=some(names), there=lines, implication=lines, claim=remarks)
    neighbours = st.builds(Neighbour, several(connections), title=lines, column=lines)
    paths = draw(st.lists(lines, max_size=4, unique=True))
    return Map(
        draw(lines), subject=draw(lines), source=draw(remarks), goal=draw(one(names)),
        concepts=tuple(concepts), edges=tuple(edges),
        groups=tuple(Group(name, title=f"{draw(lines)} {i}") for i, name in enumerate(groups)),
        relations=tuple(draw(relations_of(name)) for name in relations),
        hierarchy=draw(several(st.builds(Heading, entries, title=lines), unique_by=lambda h: h.title)),
        pathways=tuple(Pathway(draw(stops), title=t, goal=draw(lines), after=draw(several(lines, 1)),
                               outside=draw(several(lines, 1)), assessment=draw(lines)) for t in paths[:2]),
        critical=tuple(CriticalPath(draw(stops), title=t, reasons=draw(several(lines))) for t in paths[2:]),
        neighbours=draw(several(neighbours, unique_by=lambda n: n.title)),
        advice=draw(several(st.builds(Advice, several(lines), title=lines), unique_by=lambda a: a.title)),
    )  # fmt: skip
