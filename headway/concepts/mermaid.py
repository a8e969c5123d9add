"""Mermaid text of a graph, written so that no label can break it, and read with the line of every mistake.

Written: ids of our own (`n1`, `n2`, …), every label quoted, characters that Mermaid or its Markdown could take for
their own as entities. Read: `graph` and `flowchart` with nodes of any shape, subgraphs, chains of edges, comments.
"""

import html
import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from headway.concepts.graph import Map
from headway.spec.error import HeadwayError

HEADER = re.compile(r"(?:graph|flowchart)(?:\s+(TB|TD|BT|RL|LR))?\s*;?")
SUBGRAPH = re.compile(r"subgraph\s+(?:(?P<id>\w\S*?)\s*\[(?P<label>.*)\]|(?P<title>.+))")
NODE = re.compile(r"\s*(\w+(?:[-.]\w+)*)")
SHAPES = ("((( )))", "(( ))", "([ ])", "[[ ]]", "[( )]", "{{ }}", "[/ /]", "[ ]", "( )", "{ }", "> ]")
CLASS = re.compile(r":::\w+")
LINK = re.compile(
    r'\s*[<ox]?(?:(?:--|==|-\.)\s+(?P<inner>"[^"]*"|[^\s>].*?)\s+(?:--+|==+|\.+-)|--+|==+|-\.+-|~~~)[>ox]?\s*'
    r'(?:\|\s*(?P<outer>"[^"]*"|[^|]*?)\s*\|)?'
)
IGNORED = re.compile(r"(?:classDef|class|style|linkStyle|click|direction|accTitle|accDescr)\s")
ENTITY = re.compile(r"#(\w+);")
SPECIAL = re.compile(r'["#<>&`\\%{}|:;*_~]|^[\d+-]')


class MermaidEdge(NamedTuple):
    """An arrow from one id to another, with the word on it, which may be empty."""

    source: str
    word: str
    target: str


class MermaidGroup(NamedTuple):
    """A subgraph: its title, and the ids of the nodes in it."""

    title: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class MermaidGraph:
    """A drawing: id → label of every node, subgraphs, edges, all in the order of the text."""

    nodes: dict[str, str]
    groups: tuple[MermaidGroup, ...]
    edges: tuple[MermaidEdge, ...]
    direction: str = "TD"

    def titled(self) -> tuple[list[str], list[tuple[str, list[str]]], list[tuple[str, str, str]]]:
        """Nodes, groups and edges by their labels, sorted: what stays the same whatever the ids are."""
        label = self.nodes
        return (
            sorted(label.values()),
            sorted((group.title, sorted(label[node] for node in group.nodes)) for group in self.groups),
            sorted((label[edge.source], edge.word, label[edge.target]) for edge in self.edges),
        )


def drawn(subject: Map) -> Map:
    """The part of a map that its source drew: edges from the graph or of no stated provenance, and their ends.

    What only a matrix has or what is proposed is left out, and so are hierarchy and paths, which may speak of it.
    """
    edges = tuple(edge for edge in subject.edges if "graph" in edge.provenance or not edge.provenance)
    ends = {name for edge in edges for name in edge.pair}
    shown = {one.name for one in subject.concepts if one.name in ends or (one.group and not one.proposed)}
    return Map(
        subject.title,
        subject=subject.subject,
        groups=subject.groups,
        relations=subject.relations,
        edges=edges,
        concepts=tuple(
            replace(concept, requires=tuple(name for name in concept.requires if name in shown))
            for concept in subject.concepts
            if concept.name in shown
        ),
    )


def mermaid_of(subject: Map) -> MermaidGraph:
    """The drawing of a map: a node for each concept, a subgraph for each group."""
    members = {group.name: [c.name for c in subject.concepts if c.group == group.name] for group in subject.groups}
    return MermaidGraph(
        {concept.name: concept.title for concept in subject.concepts},
        tuple(MermaidGroup(group.title, tuple(members[group.name])) for group in subject.groups),
        tuple(MermaidEdge(edge.source, subject.word(edge), edge.target) for edge in subject.edges),
    )


def write_mermaid(graph: MermaidGraph) -> str:
    """The text of a drawing, with generated ids and quoted labels."""
    grouped = [node for group in graph.groups for node in group.nodes]
    loose = [node for node in graph.nodes if node not in set(grouped)]
    ids = {node: f"n{i}" for i, node in enumerate([*grouped, *loose], 1)}
    lines = [f"graph {graph.direction}"]
    for i, group in enumerate(graph.groups, 1):
        lines += [f"    subgraph g{i}[{_quoted(group.title)}]"]
        lines += [f"        {ids[node]}[{_quoted(graph.nodes[node])}]" for node in group.nodes]
        lines += ["    end"]
    lines += [f"    {ids[node]}[{_quoted(graph.nodes[node])}]" for node in loose]
    for source, word, target in graph.edges:
        lines += [f"    {ids[source]} -->{f'|{_quoted(word)}|' if word else ''} {ids[target]}"]
    return "\n".join(lines) + "\n"


def _quoted(label: str) -> str:
    return f'"{SPECIAL.sub(lambda found: f"#{ord(found[0])};", label)}"'


def parse_mermaid(text: str) -> MermaidGraph:
    """The drawing in a Mermaid text; `%%` lines and styles are passed over, a mistake names its line."""
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        try:
            reader.read(line.strip(), number)
        except HeadwayError as error:
            raise error.under(f"line {number}") from None
    return reader.finished()


@dataclass
class _Reader:
    """What was read so far: `open` holds the subgraphs around the line that comes next, by id and line."""

    direction: str = ""
    nodes: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    group: dict[str, str] = field(default_factory=dict)
    edges: list[MermaidEdge] = field(default_factory=list)
    open: list[tuple[str, int]] = field(default_factory=list)

    def read(self, line: str, number: int) -> None:
        if not line or line.startswith("%%"):
            return
        if not self.direction:
            header = HEADER.fullmatch(line)
            if not header:
                raise HeadwayError("", "a drawing begins with its kind", repr(line), "Write: graph TD")
            self.direction = header[1] or "TD"
        elif line.startswith("subgraph"):
            self.begin(line, number)
        elif line.rstrip(";") == "end":
            if not self.open:
                raise HeadwayError("", "`end` closes a subgraph, and none is open")
            self.open.pop()
        elif not IGNORED.match(line):
            self.chains(line)

    def begin(self, line: str, number: int) -> None:
        found = SUBGRAPH.fullmatch(line.rstrip(";"))
        if not found:
            raise HeadwayError("", "a subgraph has a title", repr(line), 'Write: subgraph g1["Title"]')
        title = _label(found["label"] or found["title"])
        name = found["id"] or f"subgraph {len(self.titles) + 1}"
        self.titles[name] = title
        self.open.append((name, number))

    def chains(self, rest: str) -> None:
        """`A --> B & C --> D; E`: nodes between links."""
        sources, rest = self.several(rest)
        while rest:
            if rest.startswith(";"):
                rest = rest[1:].lstrip()
                sources, rest = self.several(rest) if rest else ([], "")
                continue
            link = LINK.match(rest)
            if not link:
                raise HeadwayError("", "a node is followed by an arrow", repr(rest), 'Write: n1 -->|"word"| n2')
            word = _label(link["inner"] or link["outer"] or "")
            targets, rest = self.several(rest[link.end() :])
            self.edges += [MermaidEdge(a, word, b) for a in sources for b in targets]
            sources = targets

    def several(self, rest: str) -> tuple[list[str], str]:
        """`A & B`: the ids, and the text after them."""
        name, rest = self.node(rest)
        if not rest.startswith("&"):
            return [name], rest
        others, rest = self.several(rest[1:])
        return [name, *others], rest

    def node(self, rest: str) -> tuple[str, str]:
        """`A["label"]`: the id, and the text after it."""
        found = NODE.match(rest)
        if not found or found[1] == "end":
            raise HeadwayError("", "a node has an id of letters and digits that is not `end`", repr(rest.strip()),
                               'Write: n1["any label"]')  # fmt: skip
        name, rest = found[1], rest[found.end() :]
        if name in self.titles and name not in self.nodes:
            raise HeadwayError("", "an edge joins nodes, not whole subgraphs", name)
        self.nodes.setdefault(name, name)
        if self.open:
            self.group.setdefault(name, self.open[-1][0])
        shape = next((shape.split() for shape in SHAPES if rest.startswith(shape.split()[0])), None)
        if shape:
            self.nodes[name], rest = _labelled(rest, *shape)
        return name, CLASS.sub("", rest, count=1).lstrip() if CLASS.match(rest) else rest.lstrip()

    def finished(self) -> MermaidGraph:
        if not self.direction:
            raise HeadwayError("line 1", "a drawing begins with its kind", "no text", "Write: graph TD")
        if self.open:
            raise HeadwayError(f"line {self.open[-1][1]}", "a subgraph is closed by a line `end`", self.open[-1][0])
        groups = {name: [node for node, group in self.group.items() if group == name] for name in self.titles}
        return MermaidGraph(
            self.nodes,
            tuple(MermaidGroup(self.titles[name], tuple(nodes)) for name, nodes in groups.items()),
            tuple(self.edges),
            self.direction,
        )


def _labelled(rest: str, begin: str, end: str) -> tuple[str, str]:
    """The label at the start of `["label"] …`, and the text after it."""
    quoted = re.match(rf'{re.escape(begin)}\s*("[^"]*")\s*{re.escape(end)}', rest)
    bare = re.match(rf"{re.escape(begin)}([^\"()\[\]{{}}]+?){re.escape(end)}", rest)
    found = quoted or bare
    if not found:
        raise HeadwayError("", "a label closes its bracket, and stands in quotes if it has brackets in it", repr(rest),
                           f'Write: n1{begin}"label"{end}, with #quot; for a quote in it.')  # fmt: skip
    return _label(found[1]), rest[found.end() :]


def _label(written: str) -> str:
    """What a label shows: without quotes, line breaks as spaces, entities as their characters."""
    text = written.strip()
    for mark in '"`':
        text = text[1:-1] if len(text) > 1 and text[0] == text[-1] == mark else text
    return ENTITY.sub(_character, re.sub(r"\s*<br\s*/?>\s*", " ", text)).strip()


def _character(entity: re.Match[str]) -> str:
    code = f"&#{entity[1]};" if entity[1].isdigit() else f"&{entity[1]};"
    return html.unescape(code) if html.unescape(code) != code else entity[0]
