import json
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from documents import BREAD, seed
from hypothesis import assume, given, settings

from headway.concepts.audit import CHECKS, COLUMNS, audit, counts
from headway.concepts.catalog import deep_learning
from headway.concepts.checks.facts import facts_of
from headway.concepts.document import parse
from headway.concepts.graph import Concept, Edge, Map, Relation
from headway.concepts.vocabulary import normal, spelled, vocabulary
from headway.concepts.writing import document_of
from maps import maps

DOUGH, ROW = "| Dough | 5 | 1 | 6 |", "| Yeast | Dough | raises | Strong |"
ARROW = "    YEAST -->|raises| DOUGH\n"

PLANTED = {
    "total of concepts": [("Concepts:** 7", "Concepts:** 8")],
    "total of relationships": [("Relationships:** 9", "Relationships:** 10")],
    "drawn twice": [("DOUGH[Dough]", "DOUGH[Dough]\n        AGAIN[Dough]")],
    "drawn twice ": [(ARROW, 2 * ARROW), ("ships:** 9", "ships:** 10"), (DOUGH, "| Dough | 6 | 1 | 7 |")],
    "row repeated": [(ROW, f"{ROW}\n{ROW}")],
    "only in the matrix": [(ROW, f"{ROW}\n| Oven | Yeast | kills | Strong |"), ("ships:** 9", "ships:** 10")],
    "only in the drawing": [(ROW + "\n", "")],
    "another relation": [("| Dough | raises |", "| Dough | lifts |")],
    "several spellings": [("| Water | Dough | part of |", "| Water | Dough | Part-Of |")],
    "several titles": [("| Dough | Flour and", "| Doughs | Flour and")],
    "not drawn": [("| Gluten | Protein", "| Salt | Protein")],
    "left out": [("- Bread, Yeast", "- Bread")],
    "left out ": [("| Oven | A hot box |\n", "")],
    "stands twice": [("| Oven | A hot box |\n", "| Oven | A hot box |\n| Oven | A box |\n")],
    "stands twice ": [("│   ├── Dough\n", "│   ├── Dough\n│   ├── Dough\n")],
    "in another group": [("│   ├── Water\n│   └── Y", "│   └── Y"),
                         ("│   ├── Dough\n", "│   ├── Dough\n│   ├── Water\n")],
    "no such group": [("subgraph Baking", "subgraph B[Baking]"), ("└── BAKING", "└── OVEN")],
    "degrees": [("| Gluten | 2 | 1 | 3 |", "| Gluten | 1 | 2 | 3 |")],
    "sum of connections": [("| Gluten | 2 | 1 | 3 |", "| Gluten | 2 | 1 | 4 |")],
    "outside its band as stated": [("(3–5)", "(4–5)")],
    "outside its band as counted": [("(1 to 2", "(2 to 2")],
    "no edge": [("Yeast -> Dough", "Yeast -> Gluten -> Dough")],
    "against an edge": [("Flour → Gluten →", "Gluten → Flour →")],
    "stop not drawn": [("Flour → Gluten", "Flour → Kneading → Gluten")],
    "stop twice": [("Yeast -> Dough", "Yeast -> Yeast -> Dough")],
    "passed over": [("Oven → Dough → Bread", "Oven → Bread")],
    "reasons for other stops": [("**Dough:** It", "**Gluten:** It")],
    "no earlier pathway": [("Prerequisites:** Pathway 1", "Prerequisites:** Pathways 1-2")],
    "line not read": [("## Centrality\n", "## Centrality\n\nCounted by hand.\n")],
}  # fmt: skip


def bread(*changes: tuple[str, str]):
    text = BREAD
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return parse(text)


def found(what: str, document, known=None):
    return [one for one in audit(document, known) if one.what == what]


def drawn(*edges: str):
    """A document that is only a drawing."""
    return parse("# M\n## Mermaid\n```mermaid\ngraph TD\n" + "\n".join(edges) + "\n```\n")


def test_a_document_that_agrees_with_itself_has_no_finding():
    assert audit(bread()) == ()


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_error_is_found_and_nothing_else(what):
    assert {one.what for one in audit(bread(*PLANTED[what]))} == {what.strip()}
    assert len(audit(bread(*PLANTED[what]))) == (2 if what == "no such group" else 1)


def test_every_check_is_planted_or_tested_below():
    others = {"in pieces", "only tie", "no node of its own", "required by the map", "of another type",
              "not as in the map"}  # fmt: skip
    assert {what.strip() for what in PLANTED} | others == {check.what for check in CHECKS}


def test_the_page_on_the_form_has_every_check_with_its_meaning():
    page = (Path(__file__).parents[2] / "docs/seed-form.md").read_text(encoding="utf-8")
    rows = [f"| {check.what} | {check.kind} | {check.meaning} |" for check in CHECKS]
    assert re.findall(r"^\| .* \|$", page.partition("| finding | kind |")[2], re.MULTILINE)[: len(rows)] == rows


def test_a_finding_says_what_is_stated_what_is_counted_and_where():
    (one,) = audit(bread(*PLANTED["degrees"]))
    line = BREAD.split("\n").index("| Gluten | 2 | 1 | 3 |") + 1
    assert one.row() == ("Centrality", "degrees", "1/2/3", "2/1/3", line, "Gluten")
    assert len(one.row()) == len(COLUMNS)
    assert json.loads(json.dumps(one.to_dict())) == {
        "section": "Centrality", "kind": "count", "what": "degrees", "stated": "1/2/3", "counted": "2/1/3",
        "where": ["Gluten"], "line": line}  # fmt: skip
    (one,) = audit(bread(*PLANTED["no edge"]))
    assert (one.stated, one.counted, one.where) == ("Yeast → Gluten", "no path", ("Rise",))
    (one,) = audit(bread(*PLANTED["stop not drawn"]))
    assert (one.stated, one.counted) == ("Kneading", 2)
    (one,) = audit(bread(*PLANTED["passed over"]))
    assert (one.stated, one.where) == ("With heat: Bread", ("Dough",))


def test_parts_ties_and_words_without_a_node_are_found_in_a_drawing():
    pieces = drawn("a --> b --> c --> a", "d --> e", "f[F]")
    assert [(one.what, one.counted, one.where) for one in audit(pieces)] == [
        ("in pieces", 3, ("d", "e")), ("in pieces", 3, ("F",))]  # fmt: skip
    tied = drawn("a --> b --> c --> a --> g --> h", "c -->|only| d --> e --> f --> d")
    assert [(one.what, one.stated, one.where) for one in audit(tied)] == [
        ("only tie", "a → g", ("g", "h")), ("only tie", "c —only→ d", ("d", "e", "f"))]  # fmt: skip
    assert audit(drawn("a --> b --> c --> a", "c --> d", "d --> c", "d --> e --> f --> d")) == ()
    words = drawn("a[Red Wine] --> b[White Wine] --> c[Wine Cellar] --> a")
    assert [(one.what, one.stated, one.counted) for one in audit(words)] == [("no node of its own", "wine", 3)]
    assert audit(drawn("a[Red Wine] --> b[White Wine] --> c[Wine Cellar] --> a", "a --> d[Wine]")) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("Skip Connection", "skip-connections"), ("Loss", "losses"), ("Batch Norm", "BatchNorm"), ("ReLU", "RELUs"),
     ("Weight Decay", "Weight Decay (L2)"), ("Frequency", "frequencies"), ("a/b", "A b")],
)  # fmt: skip
def test_titles_that_differ_in_spelling_alone_mean_one_concept(one, other):
    assert normal(one) == normal(other)
    assert vocabulary(None, [one], None).key(other) == normal(one)


@pytest.mark.parametrize(("one", "other"), [("Layer", "LayerNorm"), ("Bias", "Base"), ("C++", "C#"), ("Loss", "Gloss")])
def test_titles_that_are_only_alike_mean_two(one, other):
    assert normal(one) != normal(other)


def test_a_title_of_several_parts_means_each_that_is_known():
    nodes = drawn("v[Vanishing Gradient]", "x[Exploding Gradient]", "N[Normalization]", "BN[BatchNorm]")
    names = vocabulary(nodes.drawing, [], None)
    assert names.shown(names.meaning("Vanishing/Exploding Gradients").concepts) == (
        "Vanishing Gradient",
        "Exploding Gradient",
    )
    assert names.shown(names.meaning("Normalization (BatchNorm, LayerNorm)").concepts) == ("Normalization", "BatchNorm")
    assert names.meaning("BN + LN").unknown == ("LN",)
    assert names.meaning("Gradient").concepts == ()


def test_titles_that_differ_only_in_parentheses_are_not_confused():
    names = vocabulary(drawn("a[Loss#40;hinge#41;]", 'b["Loss (squared)"]').drawing, [], None)
    assert not names.knows("Loss")
    assert names.shown([names.key("loss (Squared)")]) == ("Loss (squared)",)


KNOWN = Map(
    "Bread",
    subject="Food",
    concepts=(
        *(Concept(name, title=name.capitalize(), type="component", definition="-", requires=needs)
          for name, needs in {"grain": (), "flour": ("grain",), "water": (), "yeast": (), "gluten": ("flour", "water"),
                              "oven": ()}.items()),
        Concept("dough", title="Dough", aliases=("Mixture",), type="component", definition="-", requires=("gluten",)),
        Concept("bread", title="Bread", type="failure", definition="-", requires=("dough",)),
    ),
    relations=(Relation("raises", word="raises", family="effect", aliases=("lifts",)),
               Relation("bakes", word="bakes", family="effect"), Relation("warms", word="warms", family="effect")),
    edges=(Edge("yeast", relation="raises", target="dough"), Edge("bread", relation="bakes", target="oven")),
)  # fmt: skip


def test_a_known_map_tells_aliases_of_concepts_and_of_relations():
    assert found("not drawn", bread(("| Gluten | Protein", "| Mixture | Protein")), KNOWN) == []
    changed = bread(*PLANTED["another relation"])
    assert found("another relation", changed, KNOWN) == []
    assert [one.where for one in found("several spellings", changed, KNOWN)] == [("raises", "lifts")]


def test_what_a_critical_path_requires_by_the_known_map_is_named():
    least, heat = found("required by the map", bread(), KNOWN)
    assert (least.stated, least.where) == ("Least to know", ("Grain (not drawn)", "Flour", "Gluten"))
    assert (heat.stated, heat.where) == ("With heat", ("Grain (not drawn)", "Flour", "Water", "Gluten"))


def test_an_effect_on_another_type_than_all_its_others_is_found_by_the_known_types():
    assert found("of another type", bread(), KNOWN) == []
    more = "    YEAST -->|raises| GLUTEN\n    YEAST -->|raises| BREAD\n"
    (one,) = found("of another type", bread((ARROW, ARROW + more)), KNOWN)
    assert (one.where, one.stated, one.counted) == (("Yeast —raises→ Bread",), "a failure", "a component")


def test_a_statement_that_the_known_map_makes_otherwise_is_found():
    (one,) = found("not as in the map", bread(), KNOWN)
    assert (one.where, one.counted) == (("Oven —bakes→ Bread",), "Bread —bakes→ Oven")


@settings(max_examples=60, deadline=None)
@given(maps())
def test_a_document_made_of_a_map_counts_right(subject):
    titles = [spelled(concept.title) for concept in subject.concepts]
    assume(len(set(titles)) == len(titles))
    document = document_of(subject)
    findings = audit(document)
    assert [one for one in findings if one.kind == "count" or one.what.startswith("only in")] == []
    assert not {one.section for one in findings if one.what == "left out"} & {"Centrality", "Definitions"}
    made = counts(document)
    assert (made.nodes, made.edges) == (len(subject.concepts), len(subject.edges)) == (made.concepts, made.rows)
    assert made.repeated_rows == made.rows


def aliases() -> Map:
    """What the seed's titles mean where plain spelling does not tell."""
    told = {"Activation Function": ("Activation",), "Swish": ("Swish/SiLU", "SiLU"), "Mean Squared Error": ("MSE",),
            "BatchNorm": ("Batch Normalization",), "LayerNorm": ("Layer Normalization",), "Cosine Decay": ("Cosine",),
            "Residual Connection": ("Residuals",), "LR Schedule": ("Learning Rate Schedule",)}  # fmt: skip
    concepts = (Concept(f"c{i}", title=title, type="component", aliases=also, definition="-")
                for i, (title, also) in enumerate(told.items()))  # fmt: skip
    return Map("Aliases", subject="-", concepts=tuple(concepts))


def test_the_seed_counts_to_what_was_counted_by_script():
    made = asdict(counts(parse(seed()), aliases()))
    want = {"nodes": 47, "edges": 48, "groups": 10, "rows": 33, "repeated_rows": 21, "other_rows": 12, "lacking": 11,
            "concepts": 58, "pairs": 60, "definitions": 24, "headings": 10, "entries": 38, "distinct_entries": 37,
            "facts": 52, "connections": 12, "pathways": 4, "critical_paths": 2, "advice": 12}  # fmt: skip
    assert want.items() <= made.items()
    assert want.items() <= asdict(counts(parse(seed()))).items(), "plain spelling and the ids of the drawing suffice"


def test_the_findings_of_the_seed_are_those_counted_by_script():
    document = parse(seed())
    one = {what: found(what, document, aliases()) for what in {check.what for check in CHECKS}}
    assert [(f.stated, f.counted) for f in (*one["total of concepts"], *one["total of relationships"])] == [
        (32, 58), (48, 60)]  # fmt: skip
    assert {f.where[0]: f.counted for f in one["degrees"]} == {
        "Neural Network": "2/4/6", "Learning Rate": "1/1/2", "Layer": "1/2/3", "Optimizer": "0/4/4",
        "Backpropagation": "0/3/3", "Residual Connection": "0/3/3", "Regularization": "0/5/5",
        "Activation Function": "1/4/5"}  # fmt: skip
    assert [f.counted for f in one["outside its band as stated"]] == [4, 5, 5]
    assert {f.section: len(f.where) for f in one["not drawn"]} == {"Matrix": 11, "Hierarchy": 4, "Connections": 3}
    assert {f.section: len(f.where) for f in one["left out"]} == {
        "Hierarchy": 6, "Centrality": 20, "Paths": 15, "Definitions": 23}  # fmt: skip
    assert [(f.stated, f.where) for f in one["stands twice"]] == [
        ("Gradient Highway", ("GRADIENT FLOW", "RESIDUAL CONNECTIONS"))]  # fmt: skip
    assert ("can cause", "can-cause") in [f.where for f in one["several spellings"]]
    assert [f.stated for f in one["another relation"]] == ["placement-variant", "is-a"]
    assert [f.where for f in one["passed over"]] == [("Loss Function",)]
    assert [f.counted for f in one["only tie"] if f.stated == "Regularization —prevents→ Loss Landscape"] == [5]
    assert one["in pieces"] == one["line not read"] == []
    assert "gradient" in [f.stated for f in one["no node of its own"]]
    assert [f.counted for f in one["no edge"] if f.stated in ("Loss Function → Backpropagation", "Backpropagation → "
            "Optimizer")] == ["no path"] * 3  # fmt: skip


def test_the_map_of_deep_learning_tells_what_is_ill_typed_in_the_seed_and_what_its_least_path_requires():
    document = parse(seed())
    assert [one.where for one in found("of another type", document, deep_learning())] == [
        ("Regularization —prevents→ Loss Landscape",)]  # fmt: skip
    least = found("required by the map", document, deep_learning())[0]
    assert least.stated.startswith("Minimum Viable Understanding")
    assert "Loss Function" in least.where


def test_the_pathways_and_the_least_critical_path_of_the_seed_walk_its_edges_as_counted():
    steps = [step for step in facts_of(parse(seed()), aliases()).steps if not step.path.startswith("Expanded")]
    assert Counter(step.way for step in steps) == {"forward": 9, "backward": 2, "unlinked": 10, "undrawn": 4}


def test_twenty_one_nodes_of_the_seed_are_in_no_band_only_if_cosine_is_no_cosine_decay():
    document = parse(seed())
    (band,) = [one for one in found("left out", document, aliases()) if one.section == "Centrality"]
    assert {"Large-Scale Training", "Loss Function", "LR Schedule", "Depth"} <= set(band.where)
    titles = {node.title for node in document.drawing.nodes} - {"Mean Squared Error"}
    ranked = {row.concept for one in document.bands for row in one.rows} | set(document.bands[2].named)
    assert len(titles - ranked) == 21
    assert titles - ranked - set(band.where) == {"Cosine Decay"}
