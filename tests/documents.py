"""A small document of the form that agrees with itself, random documents, and random maps."""

import re
from pathlib import Path

import pytest
from hypothesis import strategies as st

from headway.concepts.course import Advice, Connection, CriticalPath, Entry, Heading, Neighbour, Pathway, Stop
from headway.concepts.document import READERS, Document
from headway.concepts.graph import Concept, Edge, Group, Map, Relation
from headway.concepts.sections import Advice as Study
from headway.concepts.sections import (
    Arrow,
    Band,
    Branch,
    Definition,
    Drawing,
    Header,
    Node,
    Other,
    Rank,
    Reason,
    Statement,
)
from headway.concepts.sections import Connection as Linked
from headway.concepts.sections import CriticalPath as Critical
from headway.concepts.sections import Neighbour as Lesson
from headway.concepts.sections import Pathway as Way
from headway.concepts.vocabulary import spelled

SEED = Path(__file__).parent.parent / "../shared/seed/concept-map-lesson-5.md"

BREAD = """# Concept Map: Bread

**Source:** a baker
**Subject Area:** Food
**Date Generated:** 2026-01-01
**Total Concepts:** 7
**Total Relationships:** 9

---

## 1. Visual concept map (Mermaid)

```mermaid
graph LR
    subgraph I["Ingredients"]
        FLOUR[Flour]
        WATER[Water]
        YEAST[Yeast]
    end
    subgraph W[Dough Work]
        DOUGH[Dough]
        GLUTEN("Gluten")
    end
    subgraph Baking
        OVEN[Oven]
        BREAD[Bread]
    end
    %% what holds it together
    FLOUR -->|forms| GLUTEN
    WATER -->|"forms"| GLUTEN
    FLOUR -->|part of| DOUGH
    WATER -->|part of| DOUGH
    YEAST -->|raises| DOUGH
    GLUTEN -->|holds| DOUGH
    DOUGH -->|becomes| BREAD
    OVEN -->|bakes| BREAD
    OVEN -->|warms| DOUGH
```

## 2. Concept HIERARCHY

```
BREAD
├── INGREDIENTS
│   ├── Flour
│   │   └── Ground Grain
│   ├── Water
│   └── Yeast
│       ├── Lives
│       └── Makes Gas
├── DOUGH WORK
│   ├── Dough
│   └── Gluten
│       └── Stretches
└── BAKING
    ├── Oven
    └── Bread
```

## Relationship Matrix

| From | To | Type | Strength |
|---|---|---|---|
| Flour | Gluten | forms | Strong |
| Water | Gluten | forms | Medium |
| Flour | Dough | part of | Strong |
| Water | Dough | part of | Strong |
| Yeast | Dough | raises | Strong |
| Gluten | Dough | holds | Strong |
| Dough | Bread | becomes | Strong |
| Oven | Bread | bakes | Strong |
| Oven | Dough | warms | Weak |

## Centrality

**High Centrality (6+ connections):**
| Concept | Incoming | Outgoing | Total | Role |
|---|---|---|---|---|
| Dough | 5 | 1 | 6 | **Centre** |

### Medium Centrality (3–5)
| Concept | In | Out | Degree |
|---|---|---|---|
| Gluten | 2 | 1 | 3 |

**Low Centrality (1 to 2 connections)**
- Flour, Water, Oven
- Bread, Yeast

## Learning Pathways

### Pathway 1: Structure
**Goal:** Know what holds a loaf
**Sequence:** Flour → Gluten →
Dough
**Prerequisites:** Patience, tools (bowl, scale)
**Assessment:** Stretches a window

### Pathway 2: Rise
- **Goal:** Know what lifts it
- **Sequence:** Yeast -> Dough -> Bread
- **Prerequisites:** Pathway 1
- **Assessment:** Bakes one

## Critical Path Analysis

**Least to know:**
```
Water → Dough →
Bread
```

**Rationale:** In three steps:
1. **Water:** It joins
2. **Dough:** It is shaped
3. **Bread:** It is the goal

**With heat:** Oven → Dough → Bread

## Cross-Lesson Connections

### To Chemistry
| Concept | There | Implication |
|---|---|---|
| Gluten | Protein | Water makes it stretch |

## Concept Definitions

| Concept | Definition |
|---|---|
| Flour | Ground grain |
| Water | What dissolves |
| Yeast | A fungus that makes gas |
| Dough | Flour and water \\| mixed |
| Gluten | A net of protein |
| Oven | A hot box |
| Bread | Baked dough |

## Study Recommendations

### First
1. Knead by hand
2. Bake often

---

*Of our own*
"""


def seed() -> str:
    """The text of the seed; the test is skipped where the file is absent."""
    if not SEED.exists():
        pytest.skip("the seed document is not here: ../shared/seed/concept-map-lesson-5.md")
    return SEED.read_text(encoding="utf-8")


def titles(extra: str = "") -> st.SearchStrategy[str]:
    """Titles of a word or two, with characters that need care."""
    alphabet = "abcxyzéß∇07 &'\"<>;%" + extra
    return st.text(alphabet, min_size=1, max_size=9).map(lambda t: " ".join(t.split())).filter(lambda t: t.strip())


words, cells = titles(), titles("|\\(/")
stops = st.lists(titles("|/+#"), min_size=1, max_size=4).map(tuple)
counts = st.integers(0, 2000)


def some(elements: st.SearchStrategy, least: int = 0) -> st.SearchStrategy:
    return st.lists(elements, min_size=least, max_size=3).map(tuple)


@st.composite
def drawings(draw) -> Drawing:
    """Nodes in the order of their groups, those of none last."""
    groups = draw(some(words))
    homes = draw(st.lists(st.sampled_from([*range(len(groups)), None]), min_size=1, max_size=5))
    ordered = sorted(homes, key=lambda home: len(groups) if home is None else home)
    place = st.integers(0, len(homes) - 1)
    nodes = tuple(Node(draw(titles("|[]{}()#`")), home) for home in ordered)
    return Drawing(groups, nodes, draw(some(st.builds(Arrow, place, st.just("") | words, place))), "LR")


def branches(depth: int = 3) -> st.SearchStrategy[Branch]:
    return st.builds(Branch, words, some(branches(depth - 1)) if depth else st.just(()))


@st.composite
def bands(draw) -> Band:
    low = draw(st.integers(0, 9))
    high = draw(st.none() | st.integers(low, 2 * low + 1))
    measures = draw(some(st.sampled_from(["PageRank", "Betweenness", "Reach"]).map(str)))
    rank = st.builds(Rank, cells, counts, counts, counts, st.tuples(*[cells for _ in measures]), cells)
    rows = draw(some(rank, 1 if measures else 0))
    return Band(draw(words), low, high, measures, rows, draw(some(titles(",|/"))))


documents = st.builds(
    Document,
    st.builds(Header, words, words, words, words, st.none() | counts, st.none() | counts),
    drawings(),
    st.none() | branches(),
    some(st.builds(Statement, cells, cells, cells, *[st.just("") | cells] * 4)),
    some(bands()),
    some(st.builds(Way, words, stops, st.none() | counts, st.just("") | words, some(titles(",")), words)),
    some(st.builds(Critical, words, stops, st.just("") | words, some(st.builds(Reason, words, words)))),
    some(st.builds(Lesson, words, st.tuples(cells, cells, cells), some(st.builds(Linked, cells, cells, cells)))),
    some(st.builds(Definition, cells, cells)),
    some(st.builds(Study, words, some(words, 1))),
    some(st.builds(Other, words.map("Annex {}".format), words)),
    st.just("") | words,
    st.dictionaries(st.sampled_from(sorted(READERS)), some(words, 1).map("\n\n".join), max_size=3),
)


NAME = re.compile(r"c\d")


@st.composite
def maps(draw) -> Map:
    """Maps whose titles differ in more than spelling."""
    no_name = titles("|()/-,").filter(lambda title: not NAME.fullmatch(title.casefold()))
    shown = draw(st.lists(no_name, min_size=1, max_size=7, unique_by=spelled))
    names = [f"c{i}" for i in range(len(shown))]
    groups = tuple(
        Group(f"g{i}", title=title) for i, title in enumerate(draw(st.lists(words, max_size=3, unique=True)))
    )
    relations = tuple(Relation(f"r{i}", word=f"{draw(words)} {i}", family="effect") for i in range(2))
    home = st.none() | st.sampled_from([group.name for group in groups]) if groups else st.none()
    concepts = tuple(
        Concept(
            name, title=title, type=draw(st.sampled_from(["method", "failure"])), group=draw(home), definition=title
        )
        for name, title in zip(names, shown, strict=True)
    )
    one = st.sampled_from(names)
    edges = draw(st.lists(st.tuples(one, st.sampled_from(["r0", "r1"]), one), max_size=12, unique=True))
    here = st.builds(lambda i: Stop(shown[int(i[1:])], concepts=(i,)), one)
    entry = st.builds(lambda i, facts: Entry(shown[int(i[1:])], concept=i, facts=facts), one, some(words))
    entries = st.lists(entry, max_size=3, unique_by=lambda e: e.title).map(tuple)
    lines = st.lists(words, max_size=2, unique=True)
    ways = draw(lines)
    connections = some(st.builds(Connection, words, there=cells, implication=cells))
    return Map(
        draw(words), subject=draw(words), concepts=concepts, groups=groups, relations=relations,
        edges=tuple(Edge(a, relation=r, target=b) for a, r, b in edges),
        hierarchy=tuple(Heading(draw(entries), title=title) for title in draw(lines)),
        pathways=tuple(Pathway(draw(some(here, 1)), title=title, goal=draw(words), after=tuple(ways[:i]),
                               outside=draw(some(words)), assessment=draw(words)) for i, title in enumerate(ways)),
        critical=tuple(CriticalPath(path, title="Least", reasons=draw(st.sampled_from([(), ("why",) * len(path)])))
                       for path in draw(st.lists(some(here, 1), max_size=1))),
        neighbours=tuple(Neighbour(draw(connections), title=title) for title in draw(lines)),
        advice=tuple(Advice(draw(some(words, 1)), title=title) for title in draw(lines)),
    )  # fmt: skip
