"""Build the documentation: the map with its verdicts, a page for every concept, then the site in `site/`.

`python docs/build.py` writes `map.md`, the table in `claims.md`, `seed-audit.md`, `concepts/*.md`, and the verdicts by
which the doctor weighs remedies; and runs MkDocs over the folder. `--pages` leaves out the site, `--map` the pages of
the concepts too.
"""

import dataclasses
import inspect
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headway.claims.second import looked_again
from headway.concepts.audit import CHECKS, audit
from headway.concepts.catalog import deep_learning, resolved
from headway.concepts.checks.finding import Inconsistency
from headway.concepts.document import parse
from headway.concepts.graph import Concept, Edge, Map
from headway.concepts.markdown import table_lines
from headway.concepts.pathways import prerequisites, visited_by
from headway.concepts.writing import write
from headway.doctor.faults.sets import LOOKED_AT
from headway.doctor.remedies.catalog import VERDICTS
from headway.doctor.rules.catalog import RULES
from headway.doctor.rules.rule import Rule
from headway.report.concept import neighbourhood
from headway.report.demonstration import Demonstration, demonstrations
from headway.report.doctor_bench import rule_rates
from headway.report.measured import measured_map
from headway.report.verdicts import second_text, seen, verdicts_text
from headway.spec.node import Spec, is_concrete

DOCS = Path(__file__).parent
PAGES, RULE_PAGES = DOCS / "concepts", DOCS / "rules"
RESULTS = DOCS.parent / "benchmarks/results"
SEED = DOCS.parent / "../shared/seed/concept-map-lesson-5.md"
BLOCK = r"(?<=<!-- {0}: `make map` -->\n).*?(?=<!-- end of the {0} -->)"


def written() -> dict[str, str]:
    """The pages about the map and its claims by name; the audit of the seed only where the seed is here."""
    known, page = seen(), (DOCS / "claims.md").read_text()
    for name, text in (("verdicts", verdicts_text(known)), ("second look", second_text(looked_again()))):
        page = re.sub(BLOCK.format(name), lambda _, text=text: f"\n{text}\n\n", page, flags=re.DOTALL)
    made = {"map.md": write(measured_map(deep_learning(), known)), "claims.md": page}
    return made | ({"seed-audit.md": seed_audit(SEED.read_text(), made["map.md"])} if SEED.exists() else {})


def seed_audit(seed: str, ours: str) -> str:
    """What the audit finds in the seed and in our map, finding by finding, and what this map does about it."""
    found, left = (audit(parse(text), deep_learning()) for text in (seed, ours))
    there, here = (Counter(one.what for one in part) for part in (found, left))
    answers = tomllib.loads((DOCS / "seed-audit.toml").read_text())
    checks = [check for check in CHECKS if check.what in there | here]
    rows = [(f"[{c.what}](#{c.what.replace(' ', '-')})", c.kind, there[c.what], here[c.what]) for c in checks]
    parts = [
        "# The seed, audited",
        "Headway's map began with a document, the *seed*. `headway map audit` reads such documents and says where they "
        "disagree with themselves. Below is what it says of the seed, beside what it says of [our map](map.md), and "
        "what was done about it. Made by `make map`; [the form](seed-form.md) tells how a document is read.",
        "\n".join(table_lines(("finding", "kind", "in the seed", "in our map"), rows)),
        f"Together {len(found)} in the seed and {len(left)} in our map.",
    ]
    for one in checks:
        lines = [f"- {finding_line(each)}" for each in found if each.what == one.what]
        parts += [f"## {one.what}", one.meaning, *filter(None, ["\n".join(lines)]), f"Here: {answers[one.what]}"]
    return "\n\n".join(parts) + "\n"


def finding_line(one: Inconsistency) -> str:
    """A finding on one line."""
    line = f", line {one.line}" if one.line else ""
    pairs = (("stated", one.stated), ("counted", one.counted))
    numbers = ", ".join(f"{name} {value}" for name, value in pairs if value is not None)
    return f"{one.section}{line}: {'. '.join(filter(None, (numbers, ', '.join(one.where))))}"


def page(subject: Map, concept: Concept, demonstration: Demonstration | None) -> str:
    """The page of a concept: definition, code with its equations, demonstration, what it is checked by, neighbours."""
    group = next((group.title for group in subject.groups if group.name == concept.group), "what the subject touches")
    also = f" · also called {', '.join(concept.aliases)}" if concept.aliases else ""
    learned = [link(subject, name) for name in prerequisites(subject, concept.name)[:-1]]
    paths = [path.title for path in visited_by(subject, concept.name)]
    parts = [
        f"# {concept.title}",
        f"*{concept.type}, {group}{also}*",
        f"{concept.definition} ({concept.source})",
        *section("In the code", [entry for name in concept.api for entry in described(name)] or [f"{concept.code}."]),
        *section("Demonstration", shown(demonstration) if demonstration else []),
        *section("Checked by", ["\n".join(checked(test) for test in concept.checked_by)]),
        *section("On the map", ["\n".join(f"- {statement(subject, e)}" for e in neighbourhood(subject, concept))]),
        *section("Learn first", [" → ".join(learned)] if learned else []),
        *section("On the pathways", [", ".join(paths)] if paths else []),
    ]
    return "\n\n".join(parts) + "\n"


def section(title: str, parts: list[str]) -> list[str]:
    """A heading and what stands below it; nothing where there is nothing."""
    kept = [part for part in parts if part]
    return [f"## {title}", *kept] if kept else []


def described(name: str) -> list[str]:
    """A dotted name of the API, how it is called, and its docstring, which holds the equation and its source."""
    found = resolved(name)
    found = found.look if isinstance(found, Rule) else found
    if not (inspect.isclass(found) or inspect.isroutine(found) or inspect.ismodule(found)):
        return described(name.rpartition(".")[0])  # a field, told by its class
    if inspect.ismodule(found):
        kinds = [kind for kind in vars(found).values() if is_kind(kind) and kind.__module__ == found.__name__]
        lines = [f"- `{kind.__name__}`: {(kind.__doc__ or '').splitlines()[0]}" for kind in kinds]
        return [f"`{name}`: {inspect.getdoc(found)}", "\n".join(lines)]
    called = str(inspect.signature(found)) if inspect.isroutine(found) else ""
    fields = dataclasses.fields(found) if dataclasses.is_dataclass(found) else ()
    names = ", ".join(f.name for f in fields if f.init and f.name != "name")
    called = f"({names})" if inspect.isclass(found) else re.sub(r"headway\.[\w.]*\.", "", called)
    return [f"`{name}{called}`", f"```text\n{inspect.getdoc(found)}\n```"]


def is_kind(part: object) -> bool:
    """True for a class of specs that can be made."""
    return inspect.isclass(part) and issubclass(part, Spec) and is_concrete(part)


def shown(demonstration: Demonstration) -> list[str]:
    """What a demonstration shows, its lines, and what they print."""
    about, code, out = demonstration.about, demonstration.code, demonstration.run()
    return [about, f"```python\n{code.rstrip()}\n```", "It prints, arrays rounded to four digits:",
            f"```text\n{out.rstrip()}\n```"]  # fmt: skip


def checked(test: str) -> str:
    """A test as the sentence that it is."""
    path, _, name = test.partition("::")
    return f"- *{name.removeprefix('test_').replace('_', ' ')}* (`{path}`)"


def statement(subject: Map, edge: Edge) -> str:
    """A statement of the map, both ends linked."""
    word = subject.word(edge)
    claim = f" ({edge.claim})" if edge.claim else ""
    return f"{link(subject, edge.source)} {word} {link(subject, edge.target)}{claim}"


def link(subject: Map, name: str) -> str:
    return f"[{subject.concept(name).title}]({name}.md)"


def contents(subject: Map) -> str:
    """The list of all pages, by group."""
    groups = [(group.title, group.name) for group in subject.groups] + [("What the subject touches", None)]
    parts = ["# Concepts", "A page for every concept of [the map](../map.md), made by `make docs`."]
    for title, name in groups:
        members = [concept for concept in subject.concepts if concept.group == name]
        parts += [f"## {title}", "\n".join(f"- {link(subject, c.name)}: {c.definition}" for c in members)]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Every generated page by its name."""
    subject, shows = deep_learning(), demonstrations()
    made = {f"{c.name}.md": page(subject, c, shows.get(c.name)) for c in subject.concepts}
    return made | {"index.md": contents(subject)}


def rule_pages() -> dict[str, str]:
    """A page for every rule of the doctor, and their list in causal order."""
    subject = deep_learning()
    rows = [(f"[{rule.id}]({rule.id}.md)", rule.cause, rule.stage, concept_link(subject, rule)) for rule in RULES]
    index = ["# Rules", "What the doctor looks for, in causal order; [how](../decisions/0013-the-doctor.md).",
             "\n".join(table_lines(("rule", "cause", "stage", "concept"), rows))]  # fmt: skip
    tuned, *held = (RESULTS / f"doctor-{name}.json" for name in ("tuning", "reporting", *reversed(LOOKED_AT)))
    newest = [path for path in held if path.exists()][:1]
    measured = [json.loads(path.read_text()) for path in (tuned, *newest) if path.exists()]
    pages = {f"{rule.id}.md": rule_page(subject, rule, measured) for rule in RULES}
    return pages | {"index.md": "\n\n".join(index) + "\n"}


def rule_page(subject: Map, rule: Rule, measured: Sequence[Mapping[str, Any]]) -> str:
    """What a rule looks at and why, with its source; what it needs; what brings its cause about; how often it is right.

    measured    what the benchmark of the doctor came to, set by set
    """
    needs = ", ".join(" or ".join(f"`{one}`" for one in need.split("|")) for need in rule.needs)
    after = f" Where {' or '.join(rule.follows)} is found, this one can follow from it, and is only noticed." * bool(
        rule.follows
    )
    before = " It is asked before anything is trained, too." * rule.preflight
    return "\n\n".join([
        f"# {rule.id}", f"*{rule.cause}, {rule.stage}, {concept_link(subject, rule)}*", inspect.getdoc(rule.look) or "",
        f"It needs {needs}; without it, it says *not seen*.{before}{after}",
        *(rule_rates(record, rule.id) for record in measured),
        f"Code: `{rule.look.__module__}.{rule.look.__name__}`.",
    ]) + "\n"  # fmt: skip


def concept_link(subject: Map, rule: Rule) -> str:
    """The concept of the map that a rule's cause belongs to, linked."""
    return f"[{subject.concept(rule.concept).title}](../concepts/{rule.concept}.md)"


def site() -> None:
    """The pages of the folder as a site."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    build(load_config(str(DOCS.parent / "mkdocs.yml"), strict=True))


if __name__ == "__main__":
    for name, text in written().items():
        (DOCS / name).write_text(text)
    VERDICTS.write_text(json.dumps({id: known.verdict.word for id, known in seen().items()}, indent=1) + "\n")
    if "--map" not in sys.argv[1:]:
        for folder, made in ((PAGES, pages()), (RULE_PAGES, rule_pages())):
            folder.mkdir(exist_ok=True)
            for name, text in made.items():
                (folder / name).write_text(text)
    if not {"--map", "--pages"} & set(sys.argv[1:]):
        site()
