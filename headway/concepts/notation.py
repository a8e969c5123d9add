"""Small notations of a document, read and written: names between commas, stops between arrows, bounds, trees."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from headway.concepts.sections import Branch
from headway.spec.error import HeadwayError

DEEPEST = 50
ARROW = re.compile(r"\s*(?:→|-+>|=+>)\s*")
BOUNDS = re.compile(r"(.*?)\s*\(([^()]*\d[^()]*)\)")
RANGE = re.compile(r"(\d{1,9})\s*(?:(?P<more>\+)|(?:-|–|to)\s*(?P<high>\d{1,9}))?(?:\s+connections?)?")
BRANCH = re.compile(r"[\s│|]*?(?P<joint>[├└+`\\|](?:─+|-+)\s*|[-*+]\s+)(?P<title>.*)|[\s│|]*(?P<bare>.*)")


def whole(text: str, line: int) -> int:
    """A number of things, such as 32 or 1,024."""
    if not re.fullmatch(r"\d{1,9}|\d{1,3}(,\d{3}){1,2}", text, re.ASCII):
        raise HeadwayError(f"line {line}", "must be a whole number", repr(text), "Write digits alone, such as 32.")
    return int(text.replace(",", ""))


def names(text: str) -> tuple[str, ...]:
    r"""`A, B (c, d), E`: the names between commas, commas in parentheses apart; `\,` is a comma in a name."""
    found, depth = [""], 0
    for piece in re.findall(r"\\[,()]|.", text):
        depth = max(0, depth + (piece == "(") - (piece == ")"))
        if piece == "," and depth == 0:
            found.append("")
        else:
            found[-1] += piece[-1]
    return tuple(name.strip() for name in found if name.strip())


def names_text(given: Iterable[str]) -> str:
    """What `names` reads."""
    return ", ".join(re.sub("," if balanced(name) else "[,()]", r"\\\g<0>", name) for name in given)


def balanced(text: str) -> bool:
    """True where every parenthesis is closed, and none before it is opened."""
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


def stops(text: str, line: int) -> tuple[str, ...]:
    """`A → B → C`, also with `->` and over several lines."""
    found = tuple(ARROW.split(text.strip()))
    if not all(found):
        raise HeadwayError(f"line {line}", "a stop stands before and behind every arrow", repr(text), "Write: A → B")
    return tuple(" ".join(stop.split()) for stop in found)


def stops_text(given: Iterable[str]) -> str:
    """What `stops` reads."""
    return " → ".join(given)


def bounds(text: str, line: int) -> tuple[str, int | None, int | None]:
    """`High (6+ connections)`: the title before the parenthesis, and the lowest and highest number it allows."""
    found = BOUNDS.fullmatch(text)
    if not found:
        return text, None, None
    numbers = RANGE.fullmatch(found[2])
    low = int(numbers[1]) if numbers else 0
    high = None if not numbers or numbers["more"] else int(numbers["high"] or low)
    if not numbers or (high is not None and high < low):
        raise HeadwayError(
            f"line {line}", "a band states its bounds", repr(found[2]), "Write: (6+ connections) or (3-5)"
        )
    return found[1], low, high


def bounds_text(low: int | None, high: int | None) -> str:
    """What `bounds` reads behind the title."""
    if low is None:
        return ""
    return f" ({low}+ connections)" if high is None else f" ({low}{f'-{high}' if high != low else ''} connections)"


@dataclass
class _Grown:
    """A branch while the lines below it are still read."""

    column: int
    title: str
    line: int
    children: list["_Grown"] = field(default_factory=list)

    def branch(self) -> Branch:
        return Branch(self.title, tuple(child.branch() for child in self.children), self.line)


def tree(lines: Iterable[tuple[int, str]]) -> Branch | None:
    """A tree drawn with `├──`, with `|--`, or as a nested list; None where no line has a title.

    A line belongs to the nearest one above it whose title begins further to the left.
    """
    above: list[_Grown] = []
    for number, line in lines:
        parts = BRANCH.fullmatch(line.expandtabs(4).rstrip())
        said = "title" if parts and parts["joint"] else "bare"
        if parts and parts[said]:
            drawn = parts.start("joint") if (parts["joint"] or "-")[0] not in "-*" else None
            grown = _Grown(parts.start(said), parts[said], number)
            above = [*parents(above, grown, drawn), grown]
    return above[0].branch() if above else None


def parents(above: list[_Grown], new: _Grown, joint: int | None) -> list[_Grown]:
    """The branches from the root to the one that the new one, whose joint is drawn in this column, belongs to."""
    kept = [branch for branch in above if branch.column < new.column]
    beside = above[len(kept)].column if len(above) > len(kept) else new.column
    if above and not kept:
        raise HeadwayError(f"line {new.line}", "a hierarchy has one root", f"{above[0].title!r} and {new.title!r}",
                           "Put both below a title of the subject.")  # fmt: skip
    if new.column != beside or (kept and joint is not None and joint > kept[-1].column + 2):
        raise HeadwayError(f"line {new.line}", "a branch begins below the title that it belongs to, in line with the "
                           "branches beside it", repr(new.title), "Mend its indentation.")  # fmt: skip
    if len(kept) > DEEPEST:
        raise HeadwayError(f"line {new.line}", f"a hierarchy has at most {DEEPEST} levels", repr(new.title))
    if kept:
        kept[-1].children.append(new)
    return kept


def tree_lines(branch: Branch, before: str = "") -> Iterator[str]:
    """The tree drawn with lines: what `tree` reads."""
    if not before:
        yield branch.title
    for i, child in enumerate(branch.children):
        last = i == len(branch.children) - 1
        yield f"{before}{'└' if last else '├'}── {child.title}"
        yield from tree_lines(child, before + ("    " if last else "│   "))
