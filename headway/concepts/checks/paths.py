"""Checks of how a subject is said to be learned: the steps of its paths, what they leave out, what they presuppose."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from headway.concepts.checks.facts import Facts
from headway.concepts.checks.finding import Found, check
from headway.concepts.sections import CriticalPath, Pathway
from headway.concepts.vocabulary import bare, normal

NUMBERS = re.compile(r"pathways?\s+(\d{1,9})(?:\s*(?:-|–|to|and|,)\s*(\d{1,9}))?", re.IGNORECASE)


@check("no edge", "path")
def no_edge(facts: Facts) -> Iterator[Found]:
    """A path goes from one stop to the next where the drawing has no edge; counted is the way that the arrows lead."""
    for step in facts.steps:
        if facts.nodes and step.way == "unlinked":
            way = " → ".join(step.route) or "no path"
            yield Found("Paths", (step.path,), f"{step.source} → {step.target}", way, step.line)


@check("against an edge", "path")
def against_an_edge(facts: Facts) -> Iterator[Found]:
    """A path goes from one stop to the next where the drawing has an edge the other way alone."""
    for step in facts.steps:
        if step.way == "backward":
            title = f"{step.source} → {step.target}"
            yield Found("Paths", (step.path,), title, f"{step.target} → {step.source}", step.line)


@check("stop not drawn", "path")
def stop_not_drawn(facts: Facts) -> Iterator[Found]:
    """A stop of a path is no node of the drawing; counted are the steps that lead through it."""
    for path in facts.paths:
        for stop in dict.fromkeys(path.stops):
            if facts.nodes and not facts.in_drawing(stop):
                steps = sum(stop in step for step in pairwise(path.stops))
                group = normal(stop) in map(normal, facts.document.drawing.groups if facts.document.drawing else ())
                yield Found("Paths", (path.title,), f"{stop} (a group)" if group else stop, steps, path.line)


@check("stop twice", "path")
def stop_twice(facts: Facts) -> Iterator[Found]:
    """A path comes to one stop twice."""
    for path in facts.paths:
        times = Counter(facts.names.key(stop) for stop in path.stops)
        for stop in dict.fromkeys(path.stops):
            if times[facts.names.key(stop)] > 1:
                yield Found("Paths", (path.title,), stop, times[facts.names.key(stop)], path.line)


@check("passed over", "path")
def passed_over(facts: Facts) -> Iterator[Found]:
    """A critical path leaves out the stop that all other paths, and at least two, put right before one of its stops."""
    for path in facts.document.critical:
        for stop in path.stops:
            leading = [earlier(facts, other, stop) for other in facts.paths if other is not path]
            before = [found for found in leading if found is not None]
            agreed = frozenset.intersection(*before) if len(before) > 1 else frozenset()
            if agreed and not agreed & {key for one in path.stops for key in facts.names.of(one)}:
                yield Found("Paths", facts.names.shown(sorted(agreed)), f"{path.title}: {stop}", line=path.line)


def earlier(facts: Facts, path: Pathway | CriticalPath, stop: str) -> frozenset[str] | None:
    """The concepts right before a stop that means the same; empty where it is the first, None where it is not there.

    What stands in parentheses is an example of a stop, and does not count.
    """
    meant = set(facts.names.of(bare(stop)))
    for before, at in pairwise(("", *path.stops)):
        if meant & set(facts.names.of(bare(at))):
            return frozenset(facts.names.of(bare(before))) if before else frozenset()
    return None


@check("reasons for other stops", "path")
def reasons_for_other_stops(facts: Facts) -> Iterator[Found]:
    """A critical path gives reasons, and not one for each of its stops in their order."""
    for path in facts.document.critical:
        given = tuple(reason.stop for reason in path.reasons if reason.stop)
        if given and [*map(facts.names.key, given)] != [*map(facts.names.key, path.stops)]:
            yield Found("Paths", (path.title,), ", ".join(given), ", ".join(path.stops), path.line)


@check("no earlier pathway", "path")
def no_earlier_pathway(facts: Facts) -> Iterator[Found]:
    """A pathway presupposes one that does not come before it."""
    numbers = [path.number for path in facts.document.pathways]
    for place, path in enumerate(facts.document.pathways):
        for text in path.prerequisites:
            for first, last in ((int(a), int(b or a)) for a, b in NUMBERS.findall(text)):
                named = {first, last, *(number for number in numbers if number and first <= number <= last)}
                missing = sorted(named - set(numbers[:place]))
                if missing:
                    shown = ", ".join(f"Pathway {number}" for number in missing)
                    yield Found("Paths", (path.title,), text, shown, path.line)


@check("required by the map", "path")
def required_by_the_map(facts: Facts) -> Iterator[Found]:
    """A critical path leaves out what, by the known map, its stops require; what the drawing lacks is marked."""
    for path in facts.document.critical if facts.known else ():
        reached = {key for stop in path.stops for key in facts.names.of(stop)}
        missing = [key for key in required(facts, reached) if key not in reached]
        if missing:
            where = (title if key in facts.nodes else f"{title} (not drawn)"
                     for key, title in zip(missing, facts.names.shown(missing), strict=True))  # fmt: skip
            yield Found("Paths", tuple(where), path.title, len(missing), path.line)


def required(facts: Facts, keys: set[str]) -> Iterator[str]:
    """What the concepts require by the known map, directly or not, in the order of the map."""
    concepts = {concept.name: concept for concept in facts.known.concepts} if facts.known else {}
    needed = {name for name, concept in concepts.items() if facts.names.key(concept.title) in keys}
    todo = list(needed)
    for name in todo:
        new = set(concepts[name].requires) - needed
        needed |= new
        todo += sorted(new)
    return (facts.names.key(concept.title) for name, concept in concepts.items() if name in needed)
