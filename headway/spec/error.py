"""The one form of every error: where, what must hold, what came, and how to fix it."""

import difflib
from collections.abc import Iterable

MANY, NEAREST = 60, 5
"""From how many names on a list of all says nothing, and how many are told then."""


class HeadwayError(ValueError):
    """A mistake in what the user gave, said so that it can be mended.

    `where` is an address such as `network/2/units`; a container that passes an error on puts its own
    segment in front with `under`.
    """

    def __init__(self, where: str, must: str, got: object = None, fix: str = "") -> None:
        super().__init__(where, must, got, fix)
        self.where, self.must, self.got, self.fix = where, must, got, fix

    def __str__(self) -> str:
        came = "" if self.got is None else f"; got {self.got}"
        end = f" {self.fix}" if self.fix else ""
        return f"{self.where + ': ' if self.where else ''}{self.must}{came}.{end}"

    def under(self, segment: str) -> "HeadwayError":
        """The same error, seen from the container that holds this part at `segment`."""
        return HeadwayError(join_address(segment, self.where), self.must, self.got, self.fix)


def join_address(*parts: str) -> str:
    """Join segments with "/", leaving out the empty ones: `join_address("", "2", "w") == "2/w"`."""
    return "/".join(part for part in parts if part)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean 'units'?` where one of `known` is close, else the list of what there is, of many the nearest."""
    known = sorted(known)
    short = {name.rpartition("/")[2].lower(): name for name in known}
    close = difflib.get_close_matches(word, known, n=1) or [
        short[hit] for hit in difflib.get_close_matches(word.rpartition("/")[2].lower(), short, n=1)
    ]
    if close:
        return f"Did you mean {close[0]!r}?"
    if len(known) > MANY:
        return f"The nearest of {len(known)}: {', '.join(difflib.get_close_matches(word, known, n=NEAREST, cutoff=0))}."
    return f"Known: {', '.join(known) or 'none'}."
