"""What to learn, in order: the way to a concept, a pathway as a whole, and the routes between two concepts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headway.concepts.course import Pathway
from headway.concepts.graph import Map
from headway.concepts.pathways import concepts_of, course, prerequisites, routes
from headway.report.concept import said
from headway.report.table import table
from headway.spec.error import HeadwayError, did_you_mean

SECONDS = Path(__file__).parents[1] / "demonstrations" / "seconds.json"
"""Concept → seconds that its demonstration took: written by `python -m benchmarks.demonstrations`."""


def way(subject: Map, goal: str, known: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What to learn for a goal, each concept after what it requires, without what is known and what that requires."""
    done = set(prerequisites(subject, *known)) if known else set[str]()
    return lessons(subject, [name for name in prerequisites(subject, goal) if name not in done])


def lessons(subject: Map, names: Sequence[str]) -> list[dict[str, Any]]:
    """Concepts with what they require and the time of their demonstrations."""
    seconds = json.loads(SECONDS.read_text())["seconds"] if SECONDS.exists() else {}
    return [
        {"concept": name, "title": subject.concept(name).title, "requires": list(subject.concept(name).requires),
         "seconds": seconds.get(name)}
        for name in names
    ]  # fmt: skip


def way_text(subject: Map, goal: str, known: Sequence[str] = ()) -> str:
    """The way to a goal as text."""
    steps, title = way(subject, goal, known), subject.concept(goal).title
    if not steps:
        return f"{title}: nothing is left to learn; you know it."
    behind = f", knowing {', '.join(subject.concept(word).title for word in known)}" if known else ""
    return f"To {title}{behind}, in this order:\n\n{lesson_table(subject, steps)}"


def lesson_table(subject: Map, steps: Sequence[dict[str, Any]]) -> str:
    """Lessons as a table, with their time in all."""
    rows = [(number, step["title"], ", ".join(subject.concept(name).title for name in step["requires"]) or "–",
             step["seconds"], f"headway demo {step['concept']}") for number, step in enumerate(steps, 1)]  # fmt: skip
    whole = sum(step["seconds"] or 0 for step in steps)
    note = f"\n\n{len(steps)} concepts; their demonstrations take {whole:.0f} s in all." if whole else ""
    return table(("", "concept", "requires", "seconds", "demonstration"), rows) + note


def pathway(subject: Map, word: str) -> tuple[int, Pathway]:
    """The pathway of this number or title, and its number."""
    titles = {path.title.casefold(): number for number, path in enumerate(subject.pathways, 1)}
    number = int(word) if word.isdigit() else titles.get(word.casefold(), 0)
    if not 1 <= number <= len(subject.pathways):
        near = did_you_mean(word.casefold(), titles)
        listed = ", ".join(f"{n} {path.title}" for n, path in enumerate(subject.pathways, 1)) or "none"
        fix = near if "?" in near else f"There are: {listed}."
        raise HeadwayError("path", "no pathway of this number or title", word, fix)
    return number, subject.pathways[number - 1]


def pathway_record(subject: Map, word: str) -> dict[str, Any]:
    """A pathway as plain values."""
    number, path = pathway(subject, word)
    return {
        "number": number, "title": path.title, "goal": path.goal, "after": list(path.after),
        "outside": list(path.outside), "stops": [stop.title for stop in path.stops],
        "beside": [name for name in concepts_of(path) if name in path.also],
        "course": lessons(subject, course(subject, path)), "assessment": path.assessment,
        "command": f"headway learn {number}",
    }  # fmt: skip


def pathway_text(subject: Map, word: str) -> str:
    """A pathway as a whole: its goal, what it builds on, its stops, all that it takes, and its assessment."""
    seen = pathway_record(subject, word)
    facts = [f"{name}: {', '.join(seen[key])}" for name, key in (("After", "after"), ("Outside knowledge", "outside"))
             if seen[key]]  # fmt: skip
    head = "\n".join([f"{seen['goal']}.", *facts, f"Stops: {' → '.join(seen['stops'])}"])
    end = f"Assessment: {seen['assessment']}.\n{seen['command']}"
    return "\n\n".join([f"{seen['number']}. {seen['title']}", head, lesson_table(subject, seen["course"]), end])


def route_text(subject: Map, start: str, end: str) -> str:
    """The shortest routes between two concepts; a step against its arrow stands in brackets."""
    found = routes(subject, start, end)
    if not found:
        return "No statement of the map connects them, directly or through others."
    lines = ["; ".join(said(subject, step.edge) if step.forward else f"({said(subject, step.edge)})" for step in route)
             for route in found]  # fmt: skip
    return "\n".join(lines)
