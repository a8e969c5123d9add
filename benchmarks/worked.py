"""Worked examples, from symptom to proven cure: `python -m benchmarks.worked` writes a page of each in `docs/worked/`.

The pages and the README's first screen are made from the stored cures of five named recipes, `docs/story/NAME.json`.
`python -m benchmarks.worked digits-dead-relu` cures that recipe first and stores what came out, `all` all five.
"""

import re
import sys
from dataclasses import dataclass
from os.path import relpath

from benchmarks import story
from headway.concepts.catalog import deep_learning
from headway.concepts.markdown import table_lines
from headway.doctor.cure import Cure
from headway.report.figures import effects, gradient_flow, loss_curves
from headway.report.page import CAPTIONS
from headway.report.picture import on_white
from headway.report.section import Picture, Rows, Section
from headway.report.story import effect, headline, sections
from headway.report.wording import capital, network_in_words, places_for
from headway.spec.node import field_names
from headway.training.recipe import Recipe

PAGES = story.ROOT / "docs/worked"
DEEP = 5
"""With more layers than these a page shows the gradient's way through them."""


@dataclass(frozen=True)
class Worked:
    """A worked example: the recipe's name, the page's title, the example that runs, and what to look at."""

    name: str
    title: str
    example: str
    about: str


WORKED = (
    Worked(
        "digits-sigmoid20", "A vanishing gradient: twenty layers of sigmoid", "17_vanishing_gradient",
        "A sigmoid's slope is 1/4 at most, and backpropagation multiplies one such slope for every layer: what comes "
        "through to the first of them moves nothing. The loss says only that the network does no better than a guess; "
        "the gradient behind each layer says why.",
    ),
    Worked(
        "digits-residual-unscaled", "An exploding gradient: a deep residual network that nothing scales",
        "18_exploding_gradient",
        "Each block adds to its input a branch as large as the input itself, so that every sum has twice the variance "
        "of the one before: forward the signal grows with depth, backward the gradient does. Each layer alone is "
        "initialized as it should be; it is the sums that need a scale.",
    ),
    Worked(
        "digits-dead-relu", "Dying ReLU: units that are never on", "19_dead_units",
        "A ReLU that gives 0 for every example has a slope of 0 for every example: no gradient reaches the weights "
        "before it, and nothing will wake it. Here all units are shifted below 0 from the start.",
    ),
    Worked(
        "copy-post-ln", "A Post-LN transformer at a high rate, without a warm-up", "20_post_ln",
        "With the norms behind the residual sums the gradient at the start is far larger near the output than near "
        "the input, and the first updates at a high rate spoil the weights. A lower rate, a warm-up and norms inside "
        "the branches are all known against it; the trial tries each at its own best rate, and says which is more "
        "than a lower rate alone.",
    ),
    Worked(
        "digits-noisy150", "Overfitting: 150 digits, a fifth of their labels wrong", "21_overfitting",
        "The network learns its few examples by heart, the wrong labels too, and the held-out loss rises far above "
        "that of knowing nothing. What fits the examples less is tried, each at its own best rate: so a remedy must be "
        "more than slower training, which by itself stops earlier on the same way.",
    ),
)  # fmt: skip


def pages() -> dict[str, str]:
    """Every page and picture by its name, made from the stored records."""
    records = {one.name: story.stored(one.name) for one in WORKED}
    made = {"index.md": contents({name: Cure.of(record) for name, record in records.items()})}
    for one in WORKED:
        cure = Cure.of(records[one.name])
        made[f"{one.name}.md"] = page(one, cure, story.measured_with(records[one.name]))
        made |= {f"{one.name}-{name}.svg": on_white(svg) for name, svg in pictures(cure).items()}
    return made


def contents(cures: dict[str, Cure]) -> str:
    """The list of the examples: what was found, what is proven, and by how much."""
    rows = []
    for one in WORKED:
        cure = cures[one.name]
        causes = ", ".join(f"[{cause.id}](../rules/{cause.id}.md)" for cause in cure.diagnosis.causes)
        rows.append((f"[{one.title}]({one.name}.md)", causes, *_proven(cure)))
    header = ("example", "cause found", "remedy proven", "better by (held-out loss)")
    return "\n".join([
        "# Worked examples",
        "",
        "Five networks that do not learn, from the symptom to the proven cure, made by `python -m benchmarks.worked` "
        "from stored runs; do not edit. [How a cure is proven](../proof.md), [what is looked for](../rules/index.md).",
        "",
        *table_lines(header, rows),
    ]) + "\n"  # fmt: skip


def _proven(cure: Cure) -> tuple[str, str]:
    proof = cure.proof
    if proof is None or proof.best is None:
        return "none", ""
    return proof.best, effect(proof.verdicts[proof.best], places_for(proof.smallest))


def page(one: Worked, cure: Cure, measured_with: str) -> str:
    """The page of an example: its story section by section, with pictures, concepts and the recipe's change."""
    symptom, *rest = sections(cure, deep_learning())
    example = f"examples/{one.example}.py"
    lines = [f"# {one.title}", "", one.about, "",
             f"`headway cure {one.name}` does what is told here, [{example}]({relpath(story.ROOT / example, PAGES)}) a "
             "short part of it.", "", f"**{headline(cure)}.**", ""]  # fmt: skip
    files = {name: f"{one.name}-{name}.svg" for name in pictures(cure)}
    for section in (Section("The symptom", [*symptom.parts, Picture("curves")]), *rest):
        lines += [f"## {section.title}", ""]
        lines += concept_lines(cure) if section.title == "The diagnosis" else []
        for part in section.parts:
            lines += part_lines(part, {} if section.title == "The cure" else files)
        if section.title == "The cure" and cure.cured is not None:
            lines += ["```diff", *recipe_diff(cure.recipe, cure.cured), "```", ""]
    path = f"story/{one.name}.json"
    return "\n".join([*lines, f"From the stored run [docs/{path}](../{path}): {measured_with}.", ""])


def pictures(cure: Cure) -> dict[str, str]:
    """The pictures of a page by name."""
    made = {"curves": loss_curves(cure)}
    if len(cure.before.flow) > DEEP:
        made["flow"] = gradient_flow(cure)
    return made | ({"effects": effects(cure.proof)} if cure.proof and cure.proof.verdicts else {})


def concept_lines(cure: Cure) -> list[str]:
    """Each cause found with its page and the page of its concept."""
    subject = deep_learning()
    return [
        *(f"- {capital(one.cause)}: rule [{one.id}](../rules/{one.id}.md), concept "
          f"[{subject.concept(one.concept).title}](../concepts/{one.concept}.md)" for one in cure.diagnosis.causes),
        "",
    ]  # fmt: skip


def part_lines(part: str | Rows | Picture, files: dict[str, str]) -> list[str]:
    """A part of a section as Markdown, with an empty line behind it; a picture that has no file is left out."""
    match part:
        case str():
            return [plain(part), ""]
        case Rows():
            header = part.header or ("",) * len(part.rows[0])
            return [*table_lines(header, [[plain(cell) for cell in row] for row in part.rows]), ""]
    return [f"![{CAPTIONS[part.name]}]({files[part.name]})", ""] if part.name in files else []


def plain(text: str) -> str:
    """Text whose signs mean nothing in Markdown."""
    return re.sub(r"([*`<])", r"\\\1", text)


def recipe_diff(before: Recipe, after: Recipe) -> list[str]:
    """The fields of a recipe that change, as they were and as they are."""
    shown = {"network": network_in_words}
    lines = []
    for name in field_names(Recipe):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            lines += [f"{sign} {name}: {shown.get(name, repr)(value)}" for sign, value in (("-", old), ("+", new))]
    return lines


def write() -> None:
    """Write all pages and pictures, and bring the README up to date with its story."""
    PAGES.mkdir(exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text)
    story.README.write_text(story.written(story.README.read_text(), story.stored(story.NAME)))


if __name__ == "__main__":
    for name in [one.name for one in WORKED] if sys.argv[1:] == ["all"] else sys.argv[1:]:
        story.measure(name)
    write()
