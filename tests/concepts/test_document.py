import re
from dataclasses import replace

import pytest
from documents import BREAD, seed
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.concepts.audit import audit
from headway.concepts.document import parse
from headway.concepts.markdown import blocks, read_table, sections, table_lines
from headway.concepts.notation import bounds, bounds_text, names, names_text, stops, tree
from headway.concepts.sections import (
    Advice,
    Branch,
    Connection,
    CriticalPath,
    Definition,
    Header,
    Neighbour,
    Other,
    Pathway,
    Rank,
    Reason,
    Statement,
)
from headway.spec.error import HeadwayError


def small(section: str, body: str) -> str:
    return f"# Map\n\n## {section}\n\n{body}\n"


def test_the_small_document_says_what_a_reader_finds_in_it():
    document = parse(BREAD)
    assert document.notes == ()
    assert document.header == Header("Concept Map: Bread", "a baker", "Food", "2026-01-01", 7, 9)
    drawing = document.drawing
    assert drawing.groups == ("Ingredients", "Dough Work", "Baking")
    assert [(node.title, node.group) for node in drawing.nodes] == [
        ("Flour", 0), ("Water", 0), ("Yeast", 0), ("Dough", 1), ("Gluten", 1), ("Oven", 2), ("Bread", 2)]  # fmt: skip
    assert [(arrow.source, arrow.word, arrow.target) for arrow in drawing.arrows][:3] == [
        (0, "forms", 4), (1, "forms", 4), (0, "part of", 3)]  # fmt: skip
    assert [branch.title for depth, branch in document.hierarchy.walk() if depth == 1] == [
        "INGREDIENTS",
        "DOUGH WORK",
        "BAKING",
    ]
    assert document.hierarchy.children[0].children[2] == Branch("Yeast", (Branch("Lives"), Branch("Makes Gas")))
    assert document.matrix[1] == Statement("Water", "Gluten", "forms", "Medium")
    assert [(band.title, band.low, band.high, band.named) for band in document.bands] == [
        ("High Centrality", 6, None, ()), ("Medium Centrality", 3, 5, ()),
        ("Low Centrality", 1, 2, ("Flour", "Water", "Oven", "Bread", "Yeast"))]  # fmt: skip
    assert document.bands[0].rows == (Rank("Dough", 5, 1, 6, role="**Centre**"),)
    assert document.pathways == (
        Pathway("Structure", ("Flour", "Gluten", "Dough"), 1, "Know what holds a loaf",
                ("Patience", "tools (bowl, scale)"), "Stretches a window"),
        Pathway("Rise", ("Yeast", "Dough", "Bread"), 2, "Know what lifts it", ("Pathway 1",), "Bakes one"),
    )  # fmt: skip
    reasons = (Reason("Water", "It joins"), Reason("Dough", "It is shaped"), Reason("Bread", "It is the goal"))
    assert document.critical == (CriticalPath("Least to know", ("Water", "Dough", "Bread"), "In three steps:", reasons),
                                 CriticalPath("With heat", ("Oven", "Dough", "Bread")))  # fmt: skip
    connection = Connection("Gluten", "Protein", "Water makes it stretch")
    assert document.neighbours == (Neighbour("Chemistry", ("Concept", "There", "Implication"), (connection,)),)
    assert document.definitions[3] == Definition("Dough", "Flour and water | mixed")
    assert document.advice == (Advice("First", ("Knead by hand", "Bake often")),)
    assert (document.footer, document.others) == ("Of our own", ())


def test_the_seed_is_read_without_a_line_left_over_and_counts_as_its_text_does():
    text = seed()
    document = parse(text)
    mermaid = text.split("```mermaid")[1].split("```")[0]
    tables = re.findall(r"^\|.*\|$", text, re.MULTILINE)
    assert document.notes == ()
    assert document.others == ()
    assert len(document.drawing.arrows) == mermaid.count("-->") == 48
    assert len(document.drawing.nodes) == len(re.findall(r"^\s+\w+\[.*\]$", mermaid, re.MULTILINE)) == 47
    assert len(document.drawing.groups) == mermaid.count("subgraph") == 10
    depths = [depth for depth, _ in document.hierarchy.walk()]
    assert [depths.count(depth) for depth in range(4)] == [
        1, len(re.findall(r"^[├└]── ", text, re.MULTILINE)), len(re.findall(r"^[│ ]   [├└]── ", text, re.MULTILINE)),
        len(re.findall(r"^[│ ]   [│ ]   [├└]── ", text, re.MULTILINE))] == [1, 10, 38, 52]  # fmt: skip
    assert len(document.matrix) == len([row for row in tables if row.endswith(("| Strong |", "| Medium |"))]) == 33
    assert [len(band.rows) for band in document.bands] == [5, 5, 0]
    assert len(document.bands[2].named) == text.split("(1-2 connections):**\n- ")[1].split("\n")[0].count(",") + 1 == 17
    assert [len(path.stops) for path in document.pathways] == [
        line.count("→") + 1 for line in text.splitlines() if line.startswith("**Sequence")] == [6, 6, 8, 5]  # fmt: skip
    assert [len(path.stops) for path in document.critical] == [5, 14]
    assert [len(neighbour.rows) for neighbour in document.neighbours] == [5, 4, 3]
    assert len(document.definitions) == text.split("One-Line Definition")[1].split("\n---")[0].count("\n|") - 1 == 24
    assert [len(advice.items) for advice in document.advice] == [3, 3, 3, 3]


@pytest.mark.parametrize(
    "name", ["## Relationship Matrix", "## 4. relationship matrix:", "##  IV  Matrix of Relations ##"]
)
def test_a_section_is_known_by_a_word_of_its_title(name):
    assert parse(BREAD.replace("## Relationship Matrix", name)) == parse(BREAD)


def test_sections_may_stand_in_any_order_and_be_absent():
    head, *parts = re.split(r"^(?=## )", BREAD.replace("\n---\n\n*Of our own*\n", ""), flags=re.MULTILINE)
    assert parse(head + "".join(reversed(parts))) == parse(head + "".join(parts))
    for i, part in enumerate(parts):
        alone = parse(head + part)
        assert sum(bool(value) for value in vars(alone).values()) == 2, f"section {i}: the header and itself"


def test_windows_line_ends_a_byte_order_mark_and_a_missing_last_line_end_change_nothing():
    assert parse("\ufeff" + BREAD.replace("\n", "\r\n")) == parse(BREAD.rstrip("\n")) == parse(BREAD)


def test_a_section_of_another_kind_is_kept_and_noted():
    text = BREAD.replace("## Study", "## Appendix\n\n| not | a table\n\n```\n## no heading\n```\n\n---\n\n## Study")
    document = parse(text)
    assert document.others == (Other("Appendix", "| not | a table\n\n```\n## no heading\n```"),)
    line = text.split("\n").index("## Appendix") + 1
    assert str(document.notes[0]).startswith(f"line {line}: not read: '## Appendix'; expected a section of the form")
    assert len(document.notes) == 1


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("**Source:**", "**Version:** 2"),
        ("```mermaid", "Drawn by hand:"),
        ("| From | To | Type | Strength |", "Most are strong."),
        ("**High Centrality", "**Remark:** counted twice"),
        ("### Pathway 1", "Four ways lead there."),
        ("**Goal:** Know what holds", "**Time:** two hours"),
        ("**Rationale:**", "1.5 hours suffice"),
        ("### To Chemistry", "See there."),
        ("| Concept | Definition |", "- **Salt:** a mineral"),
        ("1. Knead", "In this order!"),
    ],
)
def test_no_line_is_dropped_in_silence(before, line):
    document = parse(BREAD.replace(before, f"{line}\n\n{before}", 1))
    assert [note.text for note in document.notes] == [line]
    assert document == parse(BREAD)


def test_a_quote_that_opens_a_section_is_its_remark_and_elsewhere_it_is_noted():
    head = "| From | To | Type | Strength |"
    opened = parse(BREAD.replace(head, f"> Seen in\n> a kitchen.\n>\n> Twice.\n\n{head}"))
    assert opened.remarks == {"matrix": "Seen in\na kitchen.\n\nTwice."}
    assert opened.notes == ()
    assert replace(opened, remarks={}) == parse(BREAD)
    later = parse(BREAD.replace("1. Knead", "> In this order!\n\n1. Knead", 1))
    assert [note.text for note in later.notes] == ["> In this order!"]


def test_a_row_of_the_matrix_may_tell_its_claim_what_was_measured_and_the_verdict():
    head = "| From | To | Type | Measured | Claim | Verdict |\n|-|-|-|-|-|-|\n"
    (row,) = parse(small("Matrix", f"{head}| a | b | is | 3 [2, 4] | R1 | supported |")).matrix
    assert row == Statement("a", "b", "is", "", "R1", "3 [2, 4]", "supported")


def test_a_column_without_a_name_of_the_form_is_noted_or_kept_as_a_measure():
    noted = parse(small("Matrix", "| From | To | Type | Seen |\n|-|-|-|-|\n| a | b | is | 3 |"))
    assert "no columns but" in str(noted.notes[0])
    table = "| Node | In | Out | Total | PageRank |\n|-|-|-|-|-|\n| a | 1 | 2 | 3 | 0.25 |"
    band = parse(small("Centrality", f"**Some (3 connections):**\n{table}")).bands[0]
    assert (band.measures, band.rows) == (("PageRank",), (Rank("a", 1, 2, 3, ("0.25",)),))


@pytest.mark.parametrize(
    "drawn",
    [
        "Root\n├── A\n│   └── a: 1\n└── B\n    ├── b | c\n    └── d",
        "Root\n|-- A\n|   `-- a: 1\n\\-- B\n    +-- b | c\n    +-- d",
        "Root\n  A\n    a: 1\n  B\n    b | c\n    d",
        "- Root\n  - A\n    - a: 1\n  - B\n    - b | c\n    - d",
        "* Root\n\t* A\n\t\t* a: 1\n\t* B\n\t\t* b | c\n\t\t* d",
    ],
)
def test_a_tree_may_be_drawn_in_several_ways(drawn):
    want = Branch("Root", (Branch("A", (Branch("a: 1"),)), Branch("B", (Branch("b | c"), Branch("d")))))
    assert tree(enumerate(drawn.split("\n"), 1)) == want
    bullets = drawn.startswith(("-", "*"))
    assert parse(small("Hierarchy", drawn if bullets else f"```text\n{drawn}\n```")).hierarchy == want


MATRIX, TERMS = "| From | To | Type |\n", "| Term | Meaning |\n|-|-|\n"
BAD = {
    "no title": ("", r"line 1: a document begins with its title.*# Concept Map"),
    "no section": ("# Map\n\ntext\n", "line 1: a concept map has sections"),
    "a section twice": (small("Matrix", "") + "## Matrix 2\n", "line 6: .*each section once.*line 3"),
    "a total in words": ("# M\n**Total Concepts:** many\n## Matrix\n", "line 2: must be a whole number; got 'many'"),
    "a total twice": ("# M\n**Source:** a\n**Source:** b\n## Matrix\n", "line 3: source must be said once"),
    "an open fence": (small("Hierarchy", "```\nA"), "line 5: what a fence opens must be closed"),
    "an open fence elsewhere": (small("Remarks", "```\n## Matrix"), "line 5: what a fence opens must be closed"),
    "a total beyond reason": ("# M\n**Total Concepts:** " + 5000 * "9", "line 2: must be a whole number"),
    "a hierarchy beyond reason": (
        small("Hierarchy", "```\n" + "\n".join(" " * i + "x" for i in range(2000)) + "\n```"),
        "line 57: a hierarchy has at most 50 levels",
    ),
    "two drawings": (small("Mermaid", "```mermaid\ngraph TD\n```\n```mermaid\n```"), "line 8: .*second block"),
    "a wrong arrow": (small("Mermaid", "```mermaid\ngraph TD\n  A[a] => B\n```"), "line 7.*an arrow"),
    "no kind of drawing": (small("Mermaid", "```mermaid\nA --> B\n```"), "line 6.*graph TD"),
    "two roots": (small("Hierarchy", "```\nA\n└── B\nC\n```"), "line 8: a hierarchy has one root.*'A' and 'C'"),
    "a level left out": (small("Hierarchy", "```\nA\n│   ├── B\n```"), "line 7: a branch begins below the title.*'B'"),
    "a branch out of line": (small("Hierarchy", "```\nA\n    B\n  C\n```"), "line 8: a branch begins.*indentation"),
    "a table without its rule": (small("Matrix", MATRIX + "| a | b | c |"), r"line 5: .*\|---\|---\|---\|"),
    "a short row": (small("Matrix", MATRIX + "|-|-|-|\n| a | b |"), "line 7: .*3 cells.*2 in"),
    "a column missing": (small("Matrix", "| From | Type |\n|-|-|"), "line 5: the table needs a column 'to'"),
    "an empty cell": (small("Matrix", MATRIX + "|-|-|-|\n| a | | c |"), "line 7: the column 'to' must not be"),
    "connections in words": (
        small("Centrality", "**B (3+):**\n| Concept | In | Out | Total |\n|-|-|-|-|\n| a | few | 1 | 2 |"),
        "line 8: must be a whole number; got 'few'",
    ),
    "bounds the wrong way": (small("Centrality", "**Some (5-3 connections):**"), "line 5: a band states its bounds"),
    "concepts without a band": (small("Centrality", "- a, b"), "line 5: concepts stand below the title of their band"),
    "a pathway without stops": (small("Pathways", "### Pathway 1: A\n**Goal:** g"), "line 5: a pathway has a sequence"),
    "an arrow to nowhere": (small("Pathways", "### A\n**Sequence:** a → → b"), "line 6: a stop stands before"),
    "a goal twice": (small("Pathways", "### A\n**Goal:** g\n\n**Goal:** h"), "line 8: goal must be said once"),
    "a critical path without stops": (small("Critical Path", "**MVU:**\n\n1. **a:** b"), "line 5: a critical path has"),
    "two columns of connections": (small("Connections", "### To A\n| a | b |\n|-|-|"), "line 6: .*three columns"),
    "an empty definition": (small("Definitions", TERMS + "| a | |"), "line 7: the column 'definition'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_mistake_in_the_form_names_its_line_and_the_remedy(text, message):
    with pytest.raises(HeadwayError, match=message):
        parse(text)


texts = st.text("ab (),\\|x", max_size=8).map(str.strip)


@given(st.lists(st.text("ab (),x", min_size=1, max_size=8).map(str.strip).filter(bool), min_size=1))
def test_names_between_commas_come_back(given_names):
    assert names(names_text(given_names)) == tuple(given_names)


@given(st.lists(st.lists(texts, min_size=3, max_size=3), max_size=3))
def test_cells_come_back_whatever_bars_they_hold(rows):
    rows = [[cell.rstrip("\\") for cell in row] for row in rows]
    lines = list(enumerate(table_lines(("a", "b", "c"), rows), 1))
    assert [list(row.cells) for row in read_table(lines).rows] == rows


@given(st.integers(0, 99), st.none() | st.integers(0, 99))
def test_bounds_come_back(low, more):
    high = None if more is None else low + more
    assert bounds(f"Some{bounds_text(low, high)}", 1) == ("Some", low, high)


def test_stops_may_be_joined_by_any_arrow():
    assert stops("a → b -> c --> d => e→f\n → g-h", 1) == ("a", "b", "c", "d", "e", "f", "g-h")


def test_a_line_goes_on_below_an_item_but_not_across_a_blank_one():
    (section,) = sections("1. one\n   and more\n\nafter\n- two\n- three")
    assert [(type(b).__name__, b.line, b.text) for b in blocks(section.lines)] == [
        ("Item", 1, "one and more"), ("Block", 4, "after"), ("Item", 5, "two"), ("Item", 6, "three")]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_happens_to_a_document_it_is_read_or_the_error_names_a_line(data):
    lines = BREAD.split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.sampled_from(lines) | st.text("|*#`-→├─ 1.:()[]\\ab", max_size=9))
        how = data.draw(st.sampled_from(["drop", "insert", "replace", "halve"]))
        lines[place : place + (how != "insert")] = {"drop": [], "halve": [lines[place][: len(lines[place]) // 2]]}.get(
            how, [other]
        )
    try:
        audit(parse("\n".join(lines)))
        where = "line 0"
    except HeadwayError as error:
        where = error.where
    assert re.match(r"line \d+", where)
