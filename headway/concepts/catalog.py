"""Maps as files to write by hand, TOML or JSON, every mistake named by file and place; and the map of deep learning.

A map is one file, or a folder with `map.toml` and further files that hold concepts: those in `dough.toml` belong to
the group `dough` if the map has it. The fields are described in docs/map-files.md.
"""

import dataclasses
import functools
import importlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from headway.concepts.course import Advice, Connection, CriticalPath, Entry, Heading, Neighbour, Pathway, Stop
from headway.concepts.graph import Concept, Edge, Group, Map, Relation
from headway.spec.error import HeadwayError, did_you_mean, join_address
from headway.spec.json import read
from headway.spec.node import Spec, field_names

FORMAT = 1
Table = dict[str, Any]
Words = Mapping[str, Concept]
S = TypeVar("S", bound=Spec)


@functools.cache
def deep_learning() -> Map:
    """The map of deep learning that comes with Headway."""
    return load_map(Path(__file__).parent / "maps" / "deep-learning")


def load_map(path: Path | str) -> Map:
    """The map in a `.toml` or `.json` file, or in a folder of TOML files."""
    path = Path(path)
    header = path / "map.toml" if path.is_dir() else path
    tables, homes = _table(read(header), str(header)), dict[str, Path]()
    if path.is_dir():
        for file in sorted(path.glob("*.toml"), key=_in_order_of(tables.get("groups"))):
            if file != header:
                _add_concepts(tables, file, homes)
    try:
        return map_of(tables)
    except HeadwayError as error:
        beginning, _, rest = error.where.partition("/")
        file = homes.get(rest.partition("/")[0], header) if beginning == "concepts" else header
        raise HeadwayError(f"{file}, {error.where}", error.must, error.got, error.fix) from None


def _in_order_of(groups: Any) -> Callable[[Path], tuple[int, str]]:
    order = list(groups) if isinstance(groups, dict) else []
    return lambda file: (order.index(file.stem) if file.stem in order else len(order), file.name)


def _add_concepts(tables: Table, file: Path, homes: dict[str, Path]) -> None:
    """Put the concepts of one file of a folder into the map, in the group that the file is named for."""
    part, group = _table(read(file), str(file)), {"group": file.stem} if file.stem in tables.get("groups", {}) else {}
    for name in part.keys() - {"concepts"}:
        raise HeadwayError(f"{file}, {name}", "must stand in map.toml; a file beside it holds concepts alone")
    known = _table(tables.setdefault("concepts", {}), "concepts")
    for name, concept in _table(part.get("concepts", {}), f"{file}, concepts").items():
        where = f"{file}, concepts/{name}"
        if name in known:
            raise HeadwayError(where, "stands in another file too", str(homes.get(name, "map.toml")), "Remove one.")
        homes[name] = file
        known[name] = group | _table(concept, where)


def map_of(tables: Mapping[str, Any]) -> Map:
    """The map in tables as a file holds them."""
    given = dict(tables)
    if given.pop("format", FORMAT) != FORMAT:
        raise HeadwayError("format", f"must be {FORMAT}", tables["format"], "A newer Headway may read it.")
    rows = {name: dict(_table(row, f"concepts/{name}"))
            for name, row in _table(given.pop("concepts", {}), "concepts").items()}  # fmt: skip
    relations = tuple(_relations(given.pop("relations", {})))
    edges = [
        _edge(edge, name, f"concepts/{name}/edges/{i}", relations)
        for name, row in rows.items()
        for i, edge in enumerate(_list(row.pop("edges", []), f"concepts/{name}/edges"))
    ]
    concepts = tuple(_made(Concept, row, f"concepts/{name}", name=name) for name, row in rows.items())
    words = {word: concept for concept in concepts for word in concept.words}
    parts = {name: tuple(reader(given.pop(name), words)) for name, reader in READERS.items() if name in given}
    return _made(Map, given, "", concepts=concepts, edges=tuple(edges), relations=relations, **parts)


def _edge(edge: Any, source: str, where: str, relations: tuple[Relation, ...]) -> Edge:
    """`"solves vanishing-gradient"`, or a table with more to say; a relation's alias is the edge's own word for it."""
    if isinstance(edge, str):
        relation, _, target = edge.partition(" ")
        edge = {"relation": relation, "target": target.strip()}
    said = str(_table(edge, where).get("relation"))
    meant = next((one for one in relations if said in one.aliases), None)
    if meant is not None:
        edge = {"word": said.replace("-", " ")} | edge | {"relation": meant.name}
    return _made(Edge, edge, where, source=source)


def _groups(tables: Any, words: Words) -> Iterable[Group]:
    for name, title in _table(tables, "groups").items():
        yield _made(Group, {"title": title}, f"groups/{name}", name=name)


def _relations(tables: Any) -> Iterable[Relation]:
    for name, said in _table(tables, "relations").items():
        yield _relation(name, said)


def _relation(name: str, said: Any) -> Relation:
    """`can-cause = "effect"`: its family, its word being "can cause"; or a table with more to say."""
    table = {"family": said} if isinstance(said, str) else _table(said, f"relations/{name}")
    return _made(Relation, {"word": name.replace("-", " ")} | table, f"relations/{name}", name=name)


def _hierarchy(tables: Any, words: Words) -> Iterable[Heading]:
    for title, entries in _table(tables, "hierarchy").items():
        place = f"hierarchy/{title}"
        made = (_entry(name, said, words, f"{place}/{name}") for name, said in _table(entries, place).items())
        yield _made(Heading, {}, place, title=title, entries=tuple(made))


def _entry(title: str, said: Any, words: Words, where: str = "") -> Entry:
    """`"ReLU" = ["max(0, x)"]`: facts about the concept of this title, if there is one; or a table."""
    if isinstance(said, list):
        said = {"facts": said} | ({"concept": words[title.casefold()].name} if title.casefold() in words else {})
    return _made(Entry, said, where, title=title)


def _pathways(tables: Any, words: Words) -> Iterable[Pathway]:
    for i, table in enumerate(_list(tables, "pathways")):
        yield _made(Pathway, _with_stops(table, words, f"pathways/{i}"), f"pathways/{i}")


def _critical(tables: Any, words: Words) -> Iterable[CriticalPath]:
    for i, table in enumerate(_list(tables, "critical")):
        yield _made(CriticalPath, _with_stops(table, words, f"critical/{i}"), f"critical/{i}")


def _with_stops(table: Any, words: Words, where: str) -> Table:
    stops = _list(_table(table, where).get("stops", []), f"{where}/stops")
    return table | {"stops": [_stop(said, words, f"{where}/stops/{i}") for i, said in enumerate(stops)]}


def _stop(said: Any, words: Words, where: str = "") -> Stop:
    """`"ReLU"`: a concept by name, title or alias; or a table with any title and the concepts meant."""
    if not isinstance(said, str):
        return _made(Stop, said, where)
    if said.casefold() not in words:
        fix = f'{did_you_mean(said.casefold(), words)} For a stop that is no concept: {{ title = "…", concepts = [] }}'
        raise HeadwayError(where, "must be a concept", repr(said), fix)
    concept = words[said.casefold()]
    return Stop(concept.title if said == concept.name else said, concepts=(concept.name,))


def _neighbours(tables: Any, words: Words) -> Iterable[Neighbour]:
    for i, table in enumerate(_list(tables, "neighbours")):
        where = f"neighbours/{i}"
        rows = _list(_table(table, where).get("connections", []), f"{where}/connections")
        made = [_made(Connection, row, f"{where}/connections/{j}") for j, row in enumerate(rows)]
        yield _made(Neighbour, table | {"connections": made}, where)


def _advice(tables: Any, words: Words) -> Iterable[Advice]:
    for title, items in _table(tables, "advice").items():
        yield _made(Advice, {"items": items}, f"advice/{title}", title=title)


READERS: dict[str, Callable[[Any, Words], Iterable[Spec]]] = {
    "groups": _groups,
    "hierarchy": _hierarchy,
    "pathways": _pathways,
    "critical": _critical,
    "neighbours": _neighbours,
    "advice": _advice,
}


def resolved(name: str) -> object:
    """What a dotted name of code means, `headway.network.dense.Dense.units`. An error where it leads nowhere."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        try:
            return functools.reduce(getattr, parts[n:], module)
        except AttributeError as error:
            raise HeadwayError(name, "must lead to code", error) from None
    raise HeadwayError(name, "must lead to code", "no such module")


def tables_of(subject: Map) -> Table:
    """What a file says of a map. Read back, its edges stand in the order of its concepts."""
    words = {word: concept for concept in subject.concepts for word in concept.words}
    edges = {c.name: [_plain(e, "source") for e in subject.edges if e.source == c.name] for c in subject.concepts}
    tables = _plain(subject, "concepts", "edges", "relations", *READERS) | {
        "groups": {group.name: group.title for group in subject.groups},
        "relations": {r.name: r.family if r == _relation(r.name, r.family) else _plain(r, "name")
                      for r in subject.relations},
        "hierarchy": {heading.title: {
            entry.title: facts if entry == _entry(entry.title, facts, words) else _plain(entry, "title")
            for entry in heading.entries for facts in [list(entry.facts)]} for heading in subject.hierarchy},
        "pathways": [_plain(path) | {"stops": _short(path.stops, words)} for path in subject.pathways],
        "critical": [_plain(path) | {"stops": _short(path.stops, words)} for path in subject.critical],
        "neighbours": [_plain(n) | {"connections": [_plain(c) for c in n.connections]} for n in subject.neighbours],
        "advice": {advice.title: list(advice.items) for advice in subject.advice},
        "concepts": {c.name: _plain(c, "name") | ({"edges": edges[c.name]} if edges[c.name] else {})
                     for c in subject.concepts},
    }  # fmt: skip
    return {"format": FORMAT} | {name: value for name, value in tables.items() if value}


def _short(stops: tuple[Stop, ...], words: Words) -> list[Any]:
    """Each stop as the title alone where that says the same."""
    said = [stop.title if stop.title.casefold() in words else _plain(stop) for stop in stops]
    return [word if _stop(word, words) == stop else _plain(stop) for word, stop in zip(said, stops, strict=True)]


def _plain(node: Spec, *leave: str) -> Table:
    """The fields that differ from their defaults, tuples as lists."""
    usual = {f.name: f.default for f in dataclasses.fields(node)}  # type: ignore[arg-type]
    values = {name: getattr(node, name) for name in field_names(type(node)) if name not in leave}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if v != usual[k]}


def _made(cls: type[S], table: Any, where: str, **given: Any) -> S:
    """A part from its table: lists are tuples, and what is unknown or missing is named."""
    needed = [f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING]  # type: ignore[arg-type]
    _only([name for name in field_names(cls) if name not in given], _table(table, where), where)
    for name in needed:
        if name not in table and name not in given:
            raise HeadwayError(join_address(where, name), "must be given", None, f"Write: {name} = …")
    try:
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}, **given)
    except HeadwayError as error:
        place = error.where.removeprefix(cls.__name__).lstrip("./")
        wants_list = error.must == "must be a tuple"
        raise HeadwayError(join_address(where, place), "must be a list" if wants_list else error.must, error.got,
                           'Write: ["…"]' if wants_list else error.fix) from None  # fmt: skip


def _table(value: Any, where: str) -> Table:
    if not isinstance(value, dict):
        raise HeadwayError(where, "must be a table", repr(value))
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise HeadwayError(where, "must be a list", repr(value))
    return value


def _only(known: Iterable[str], table: Table, where: str) -> None:
    for name in table:
        if name not in (known := tuple(known)):
            raise HeadwayError(join_address(where, name), "no such field", None, did_you_mean(name, known))
