"""Which concepts a title in a document means: plain variants of spelling, and the aliases of a known map.

A title is taken as another spelling of one that is drawn if they differ only in case, plural, spaces, hyphens or what
stands in parentheses. Other names come from the drawing, where `MSE[Mean Squared Error]` says that MSE is one, and
from a known map. Nothing is guessed from likeness.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from headway.concepts.graph import Map
from headway.concepts.sections import Drawing

INSIDE = re.compile(r"\(([^()]*)\)")
BETWEEN = re.compile(r"\s*[/+&,]\s*|\s+(?:and|or|vs\.?|versus)\s+", re.IGNORECASE)
SPACE = re.compile(r"[\s\-‐-―_/.,'’]+")


def bare(title: str) -> str:
    """A title without what stands in parentheses."""
    return " ".join(INSIDE.sub(" ", title).split()) or title


def spelled(title: str) -> str:
    """A title without what may vary in spelling: `Skip-Connections` and `skip connection` are `skipconnection`."""
    words = SPACE.split(title.casefold().replace("(", " ").replace(")", " "))
    return "".join(singular(word) for word in words) or title.casefold()


def normal(title: str) -> str:
    """The spelling without what stands in parentheses."""
    return spelled(bare(title))


def singular(word: str) -> str:
    """A word without the ending of its plural: gradients, losses, frequencies."""
    if len(word) < 4 or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zes")) else word.removesuffix("s")


@dataclass(frozen=True)
class Meaning:
    """The concepts that a title means, by key, and the parts of it that mean none."""

    concepts: tuple[str, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """Spelling → key of a concept, and key → the title to show."""

    keys: Mapping[str, str]
    titles: Mapping[str, str]

    def key(self, title: str) -> str:
        """The key of the concept that this title as a whole means, be it known or not."""
        return self.keys.get(spelled(title)) or self.keys.get(normal(title), normal(title))

    def knows(self, title: str) -> bool:
        """True where the title as a whole means a concept."""
        return spelled(title) in self.keys or normal(title) in self.keys

    def meaning(self, title: str) -> Meaning:
        """What a title means, part by part: `Normalization (BatchNorm, LayerNorm)` is three concepts.

        What stands in parentheses counts where it is known, and is a remark where it is not. `Vanishing/Exploding
        Gradients` means `Vanishing Gradients` too.
        """
        parts = [title] if self.knows(title) else list(completed(BETWEEN.split(bare(title)), self))
        remarks = [part for inside in INSIDE.findall(title) for part in BETWEEN.split(inside) if self.knows(part)]
        known = dict.fromkeys(self.key(part) for part in [*parts, *remarks] if self.knows(part))
        unknown = [part for part in parts if not self.knows(part)]
        return Meaning(tuple(known), tuple(unknown) if known else (bare(title),))

    def of(self, title: str) -> tuple[str, ...]:
        """Keys of the concepts that a title means or, where it is not known, brings in."""
        return tuple(self.brought(title))

    def brought(self, title: str) -> dict[str, str]:
        """Key → title of every concept that a title means or brings in."""
        meaning = self.meaning(title)
        known = {key: self.titles.get(key, key) for key in meaning.concepts}
        return known | {normal(part): part for part in meaning.unknown}

    def shown(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The titles of concepts."""
        return tuple(self.titles.get(key, key) for key in keys)


def completed(parts: list[str], vocabulary: Vocabulary) -> Iterator[str]:
    """The parts, each with the last words of the last part where only so it is known."""
    words = parts[-1].split()
    for part in filter(None, parts):
        longer = (f"{part} {' '.join(words[i:])}" for i in range(1, len(words)))
        yield part if vocabulary.knows(part) else next((title for title in longer if vocabulary.knows(title)), part)


def vocabulary(drawing: Drawing | None, others: Iterable[str], known: Map | None) -> Vocabulary:
    """What the titles and ids of the nodes, the concepts of a known map, and further titles mean.

    A title that is drawn is a concept of its own, whatever the known map says.
    """
    nodes = drawing.nodes if drawing else ()
    titles: dict[str, str] = {}
    for node in nodes:
        titles.setdefault(spelled(node.title), node.title)
    keys = {key: key for key in titles}
    short = Counter(map(normal, titles.values()))
    for key, title in titles.items():
        if short[normal(title)] == 1:  # of Loss (hinge) and Loss (squared) neither is simply Loss
            keys.setdefault(normal(title), key)
    for concept in known.concepts if known else ():
        words = [spelled(word) for word in (concept.title, concept.name, *concept.aliases)]
        key = next((keys[word] for word in words if word in keys), words[0])
        titles.setdefault(key, concept.title)
        for word in words:
            keys.setdefault(word, key)
    for node in nodes:
        if node.id:
            keys.setdefault(spelled(node.id), spelled(node.title))
    made = Vocabulary(keys, titles)
    for title in others:
        for key, part in made.brought(title).items():
            keys.setdefault(key, key)
            titles.setdefault(key, part)
    return made
