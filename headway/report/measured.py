"""The map of deep learning as a document, beside what was measured of it: effects, verdicts, closures, commands."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, count, islice

from headway.claims.condition import Condition, Judged, Some
from headway.claims.run import Known
from headway.concepts import course
from headway.concepts.centrality import BANDS, MEANING
from headway.concepts.document import Document
from headway.concepts.graph import Edge, Map
from headway.concepts.pathways import concepts_of, critical_path, prerequisites
from headway.concepts.sections import Advice, Branch, CriticalPath, Neighbour, Pathway, Statement
from headway.concepts.writing import document_of
from headway.labs.catalog import LABS
from headway.report.verdicts import Seen
from headway.report.wording import joined, short

ADDED = "added"
"""What stands behind a concept that the hierarchy of the source does not file."""
FOOTER = "Written by `make map` from the map in headway/concepts/maps and the measurements in headway/claims/evidence"
MATRIX = """\
Every statement with its check. *Strength* is the word of the map's source; it is empty where the source does not rate \
the statement, and "proposed" where the source does not make it. *Measured* is the condition that decides, and what \
came out: a mean and its 95 % interval, or the worst value where it is exact. *Verdict* is what follows from it.

`headway claims R11` shows a claim with all its conditions and its picture; `headway claims` marks with a star what \
was measured on other code than yours. How verdicts come about, and how many of them chance may have made: \
[claims.md](claims.md)."""
HIERARCHY = f"""\
Behind each line of the source: the number of its claim, and the verdict. "{ADDED}" marks concepts of the map that the \
source files nowhere."""
LESSONS = "What follows is in words of this map; behind it the claim that looked into it, and the verdict."
PATHWAYS = """\
Prerequisites are pathways, and knowledge from outside of the map. The assessment is a command that writes a task and \
grades it. `headway path 3` shows a pathway with all that its concepts take for known."""
ADVICE = "Each recommendation is a command that can be run, and has the claims that answer it by measurement."


def measured_map(subject: Map, seen: Seen) -> Document:
    """The document of the map with what is known of its claims; its date is the day of the newest measurement."""
    days = (evidence.made_on["day"] for known in seen.values() for evidence in known.evidence.values())
    document = document_of(subject, date=max(days, default=""))
    return replace(
        document,
        hierarchy=_hierarchy(subject, seen),
        matrix=tuple(_statement(*pair, seen) for pair in zip(document.matrix, subject.edges, strict=True)),
        pathways=tuple(map(_pathway, document.pathways)),
        critical=tuple(_critical(subject, *pair) for pair in zip(document.critical, subject.critical, strict=True)),
        neighbours=_neighbours(subject, document.neighbours, seen),
        advice=tuple(Advice(part.title, tuple(_advice(said, seen) for said in part.items)) for part in document.advice),
        footer=FOOTER,
        remarks={"hierarchy": HIERARCHY, "matrix": MATRIX, "pathways": PATHWAYS, "neighbours": LESSONS,
                 "advice": ADVICE, "bands": _measures(), "critical": _closure(subject)},
    )  # fmt: skip


def _statement(row: Statement, edge: Edge, seen: Seen) -> Statement:
    """A row of the matrix with what was measured."""
    strength = edge.strength or ("proposed" if edge.provenance == ("proposed",) else "")
    if edge.claim not in seen:
        return replace(row, strength=strength, claim=edge.claim, verdict="pending" if edge.claim else "not claimed")
    known = seen[edge.claim]
    return replace(row, strength=strength, claim=edge.claim, measured=effect(known), verdict=told(known, edge))


def effect(known: Known) -> str:
    """The condition that decides, and what was measured of it: `loss of b is below that of a by 1: −2 [−3, −1.5]`."""
    found = deciding(known)
    if found is None:
        return ""
    condition, one = found
    if isinstance(condition, Some):
        return f"{one.said}: {one.low:g} hold, {one.high:g} may"
    ends = f" [{short(one.low)}, {short(one.high)}]" if one.low != one.high else ""
    return f"{one.said}: {short(one.value)}{ends}"


def deciding(known: Known) -> tuple[Condition, Judged] | None:
    """The condition on which a verdict rests: the first that is not met, else the first that compares two arms."""
    claim, verdict, _ = known
    needs = list(zip(claim.needs, verdict.needs, strict=False))  # none is judged where the claim is pending
    before = [*zip(claim.control, verdict.control, strict=False), *zip(claim.sham, verdict.sham, strict=False)]
    missed = [pair for pair in before if pair[1].answer != "yes"]
    missed += [pair for answer in ("no", "open") for pair in needs if pair[1].answer == answer]
    compared = [pair for pair in needs if pair[1].p is not None]
    return next(iter((*missed, *compared, *needs)), None)


def told(known: Known, edge: Edge) -> str:
    """A verdict with its condition, or with why the statement is wrong as worded and what says it better."""
    claim, verdict, _ = known
    short_of_it = verdict.because.partition(":")[0]
    why = {"conditional": verdict.because, "refuted": edge.why.rstrip(".") or short_of_it,
           "convention": short_of_it, "not applicable": short_of_it}  # fmt: skip
    said = f"{verdict.word}: {why[verdict.word]}" if verdict.word in why else verdict.word
    better = joined(claim.replaced_by or edge.replaced_by)
    return f"{said}; better said by {better}" if better else said


def _hierarchy(subject: Map, seen: Seen) -> Branch:
    """The hierarchy with a verdict behind every line, and with the concepts that its source files nowhere.

    Claims about places and facts are numbered as these stand: H01, H02, … and F01, F02, …
    """
    places, facts = _marks("H", seen), _marks("F", seen)
    groups = {concept.name: concept.group for concept in subject.concepts}
    headings = []
    for heading in subject.hierarchy:
        entries = []
        for entry in heading.entries:
            leaves = [f"{fact} ({', '.join(islice(facts, _statements_in(fact)))})" for fact in entry.facts]
            entries.append(Branch(f"{entry.title} ({next(places)})", tuple(map(Branch, leaves))))
        homes = [groups[entry.concept] for entry in heading.entries if entry.concept]
        headings.append(Branch(heading.title, (*entries, *_added(subject, max(homes, key=homes.count)))))
    return Branch(subject.title, (*headings, Branch(f"WHAT THE SUBJECT TOUCHES ({ADDED})", _added(subject, None))))


def _marks(part: str, seen: Seen) -> Iterator[str]:
    """The marks of the claims of one part, in their order."""
    return (_mark(f"{part}{number:02}", seen) for number in count(1))


def _statements_in(fact: str) -> int:
    """How many claims a line of the hierarchy makes: `Solutions: ReLU, Residuals, Init` is three."""
    return fact.count(",") + 1 if fact.startswith("Solutions:") else 1


def _added(subject: Map, group: str | None) -> tuple[Branch, ...]:
    """The concepts of a group that the hierarchy of the source neither files nor names."""
    entries = [entry for heading in subject.hierarchy for entry in heading.entries]
    filed = {entry.concept for entry in entries}
    named = [entry.title for entry in entries if entry.concept is None]
    return tuple(Branch(f"{concept.title} ({ADDED})") for concept in subject.concepts
                 if concept.group == group and concept.name not in filed
                 and not any(concept.title in title for title in named))  # fmt: skip


def _mark(id: str, seen: Seen) -> str:
    """`F07 refuted`; pending where there is no such claim yet."""
    return f"{id} {seen[id].verdict.word if id in seen else 'pending'}"


def _measures() -> str:
    """What the columns of the tables of centrality mean, and which bands there are."""
    bands = ", ".join(f"{name} from {least}" for name, least in BANDS.items() if least)
    columns = "\n".join(f"- {name}: {MEANING[name]}" for name in ("in", "out", "total", "betweenness", "PageRank"))
    return f"Bands go by all statements about a concept: {bands}. The role is what it is to the subject.\n\n{columns}"


def _pathway(path: Pathway) -> Pathway:
    """A pathway with the command of its assessment."""
    number = next(number for number, lab in enumerate(LABS, 1) if lab.teaches == path.assessment)
    return replace(path, assessment=f"{path.assessment}: `headway learn {number}`")


def _closure(subject: Map) -> str:
    """The computed critical path, in words."""
    titles = {concept.name: concept.title for concept in subject.concepts}
    *way, goal = (titles[name] for name in critical_path(subject))
    return f"""\
Computed beside them: the smallest set that holds the map's goal, {goal}, and all that its concepts take for known is \
{", ".join(way)}, {goal}. For each path below the same is computed, and where the path differs is said."""


def _critical(subject: Map, path: CriticalPath, meant: course.CriticalPath) -> CriticalPath:
    """A critical path, its rationale beside what the definitions of its concepts take for known."""
    stops, titles = concepts_of(meant), {concept.name: concept.title for concept in subject.concepts}
    closure = prerequisites(subject, *stops)
    missing = [titles[name] for name in closure if name not in stops]
    early = [f"{titles[a]} before {titles[b]}" for a, b in combinations(stops, 2)
             if a != b and b in prerequisites(subject, a)]  # fmt: skip
    said = [path.rationale, f"Computed: {' → '.join(titles[name] for name in closure)}."]
    said += [f"The path leaves out {joined(missing)}."] if missing else []
    said += [f"It puts {joined(early)}, which comes first in what is computed."] if early else []
    return replace(path, rationale=" ".join(said))


def _neighbours(subject: Map, tables: tuple[Neighbour, ...], seen: Seen) -> tuple[Neighbour, ...]:
    """The connections to other lessons with their verdicts."""
    found = []
    for table, lesson in zip(tables, subject.neighbours, strict=True):
        rows = (replace(row, implication=f"{row.implication} ({_mark(one.claim, seen)})")
                for row, one in zip(table.rows, lesson.connections, strict=True))  # fmt: skip
        found.append(replace(table, rows=tuple(rows)))
    return tuple(found)


def _advice(said: str, seen: Seen) -> str:
    """A recommendation with the lab that serves it and the claims that answer it, both as commands."""
    lab = next(lab for lab in LABS if lab.teaches == said)
    answers = ", ".join(_mark(id, seen) for id in lab.claims)
    return f"{said}: `headway learn {lab.name}`. Measured: {answers} (`headway claims {' '.join(lab.claims)}`)"
