"""A map for a person: the overview of a subject, and one concept with everything the map says of it."""

from typing import Any

from headway.concepts.centrality import MEANING, bridges, centrality, components
from headway.concepts.graph import Concept, Edge, Map
from headway.concepts.pathways import critical_path, prerequisites, required_by, unvisited, visited_by
from headway.report.table import table

TOP = 10


def overview(subject: Map) -> dict[str, Any]:
    """The map in numbers: what it holds, how it hangs together, its critical path, what no path visits."""
    groups = [(group.name, group.title) for group in subject.groups]
    members = {title: [c for c in subject.concepts if c.group == name] for name, title in groups}
    loose = [concept for concept in subject.concepts if concept.group is None]
    counted = ("concepts", "edges", "relations", "groups", "pathways")
    return {
        "title": subject.title,
        "subject": subject.subject,
        "counts": {name: len(getattr(subject, name)) for name in counted},
        "groups": [{"group": title, "concepts": len(held), "code": sum(bool(c.api) for c in held)}
                   for title, held in [*members.items(), *([("(none)", loose)] if loose else [])]],
        "centrality": [vars(row) | {"total": row.total, "band": row.band} for row in centrality(subject)],
        "bridges": [{"edge": said(subject, bridge.edge), "cut": list(bridge.cut)} for bridge in bridges(subject)],
        "components": [list(part) for part in components(subject)],
        "critical_path": list(critical_path(subject)) if subject.goal else [],
        "on_no_path": list(unvisited(subject)),
    }  # fmt: skip


def overview_text(subject: Map) -> str:
    """The overview as text."""
    seen, titles = overview(subject), {concept.name: concept.title for concept in subject.concepts}
    with_code = any(concept.api for concept in subject.concepts)
    groups = [(row["group"], row["concepts"], *([row["code"]] if with_code else [])) for row in seen["groups"]]
    measures = ("incoming", "outgoing", "total", "band", "betweenness", "pagerank")
    top = [(titles[row["concept"]], *(row[name] for name in measures)) for row in seen["centrality"][:TOP]]
    ties = [f"  {row['edge']}: {len(row['cut'])} concepts" for row in seen["bridges"] if len(row["cut"]) > 1]
    parts, cut, left = len(seen["components"]), len(seen["bridges"]), seen["on_no_path"]
    blocks = [
        f"{subject.title}: {subject.subject}",
        ", ".join(f"{number} {name}" for name, number in seen["counts"].items()),
        table(("group", "concepts", *(["with code"] if with_code else [])), groups),
        table(("concept", "in", "out", "total", "band", "betweenness", "PageRank"), top),
        "\n".join(f"{name}: {meaning}" for name, meaning in MEANING.items()),
        f"{parts} component{'s' * (parts != 1)}. {cut} of {len(subject.edges)} edges are bridges"
        + (", of which these cut off more than one concept:" if ties else "."),
        "\n".join(ties),
        seen["critical_path"] and f"critical path: {' → '.join(titles[name] for name in seen['critical_path'])}",
        left and f"on no path: {', '.join(titles[name] for name in left)}",
    ]
    return "\n\n".join(block for block in blocks if block)


def described(subject: Map, word: str) -> dict[str, Any]:
    """One concept, by name, title or alias, with its code, neighbours, prerequisites and places."""
    concept = subject.concept(word)
    entries = [(heading, entry) for heading in subject.hierarchy for entry in heading.entries]
    return {
        "name": concept.name,
        "title": concept.title,
        "type": concept.type,
        "group": next((group.title for group in subject.groups if group.name == concept.group), None),
        "aliases": list(concept.aliases),
        "definition": concept.definition,
        "role": concept.role,
        "source": concept.source,
        "api": list(concept.api),
        "code": code(subject, concept),
        "requires": list(concept.requires),
        "required_by": list(required_by(subject, concept.name)),
        "learn_first": list(prerequisites(subject, concept.name))[:-1],
        "edges": [
            {"statement": said(subject, edge), "strength": edge.strength, "where": list(edge.provenance),
             "claim": edge.claim}
            for edge in neighbourhood(subject, concept)
        ],
        "hierarchy": [f"{heading.title} / {entry.title}{': ' * bool(entry.facts)}{'; '.join(entry.facts)}"
                      for heading, entry in entries if entry.concept == concept.name],
        "paths": [path.title for path in visited_by(subject, concept.name)],
        "elsewhere": [f"{neighbour.title}: {one.there} ({one.implication})" for neighbour in subject.neighbours
                      for one in neighbour.connections if concept.name in one.concepts],
    }  # fmt: skip


def described_text(subject: Map, word: str) -> str:
    """One concept as text."""
    seen, titles = described(subject, word), {concept.name: concept.title for concept in subject.concepts}
    rows = [(e["statement"], e["strength"], ", ".join(e["where"]), e["claim"]) for e in seen["edges"]]
    kept = [i for i in range(4) if any(row[i] for row in rows)]
    facts = {
        "role": seen["role"],
        "also": ", ".join(seen["aliases"]),
        "source": seen["source"],
        "code": seen["code"],
        "requires": ", ".join(titles[name] for name in seen["requires"]),
        "required by": ", ".join(titles[name] for name in seen["required_by"]),
        "learn first": " → ".join(titles[name] for name in seen["learn_first"]),
        "hierarchy": " · ".join(seen["hierarchy"]),
        "paths": ", ".join(seen["paths"]),
        "elsewhere": " · ".join(seen["elsewhere"]),
    }
    width = max(map(len, facts)) + 2
    header = ("statement", "strength", "where", "claim")
    blocks = [
        f"{seen['title']} ({', '.join(filter(None, (seen['type'], seen['group'])))})",
        seen["definition"],
        "\n".join(f"{name:<{width}}{text}" for name, text in facts.items() if text),
        rows and table([header[i] for i in kept], [[row[i] for i in kept] for row in rows]),
    ]
    return "\n\n".join(block for block in blocks if block)


def neighbourhood(subject: Map, concept: Concept) -> list[Edge]:
    """The edges at a concept: first those that end there, then those that begin there."""
    into = [edge for edge in subject.edges if edge.target == concept.name]
    return into + [edge for edge in subject.edges if edge.source == concept.name != edge.target]


def said(subject: Map, edge: Edge) -> str:
    """`ReLU —solves→ Vanishing Gradient`."""
    word = subject.word(edge)
    return f"{subject.concept(edge.source).title} —{word}→ {subject.concept(edge.target).title}"


def code(subject: Map, concept: Concept) -> str:
    """Where the concept's code is, "planned" or why there is none; nothing for a subject that has no code at all."""
    return concept.code if any(each.api for each in subject.concepts) else ""
