"""Numbers, layers, networks and edits in words short enough for a line."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from headway.learning.schedules.schedule import Epochs
from headway.network.compose import Sequential
from headway.network.layer import Layer
from headway.spec.edit import Edit, Set
from headway.spec.node import field_names
from headway.training.recipe import Recipe

HUGE = 1e6
"""From here on a number is written with its power of ten."""


def places_for(smallest: float) -> int:
    """Decimal places that show the smallest effect of interest with two digits."""
    return max(0, 1 - math.floor(math.log10(smallest))) if smallest > 0 else 2


def fixed(value: float, places: int) -> str:
    """`0.19`, `−0.07`, `3.4e+38`, `not finite`; what rounds to 0 has no sign."""
    if not math.isfinite(value):
        return "not finite"
    text = f"{value:.1e}" if abs(value) >= HUGE else f"{value:.{places}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−", int(value < 0))


def signed(value: float, places: int) -> str:
    """`+0.19`, `−0.07`, `0.00`."""
    text = fixed(value, places)
    return f"+{text}" if value > 0 and text[0].isdigit() and float(text) != 0 else text


def short(value: float) -> str:
    """A number with four digits."""
    return f"{value:.4g}".replace("-", "−", int(value < 0)) if math.isfinite(value) else "not finite"


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def listed(addresses: Sequence[str], noun: str = "layers") -> str:
    """`network/3, network/5, … (19 layers)`: a few in full."""
    if len(addresses) <= 3:
        return ", ".join(addresses)
    return f"{addresses[0]}, {addresses[1]}, … ({len(addresses)} {noun})"


def layers_in_words(addresses: Sequence[str]) -> str:
    """`network/2 to network/32 (16 layers)`, addresses inside a network as addresses in its recipe.

    Fields of the recipe, and columns, classes and parts of the data, are named as they are: `column 4 to column 7 (4)`.
    """
    whole = [f"network/{address}" if _is_inside(address) else address or "network" for address in addresses]
    noun = " layers" * all(map(_is_inside, addresses))
    return ", ".join(whole) if len(whole) <= 3 else f"{whole[0]} to {whole[-1]} ({len(whole)}{noun})"


def _is_inside(address: str) -> bool:
    """Whether a place that a finding names is an address inside the network."""
    first, deeper, _ = address.partition("/")
    return first.isdigit() or (bool(deeper) and first not in field_names(Recipe))


def network_in_words(network: Layer) -> str:
    """`Flatten, 20 × (Dense(32), Sigmoid), Dense(10)`: a sequence with what repeats said once."""
    if not isinstance(network, Sequential):
        return repr(network)
    names, found, at = [repr(layer).removesuffix("()") for layer in network.layers], list[str](), 0
    while at < len(names):
        period, times = max(((p, _repeats(names, at, p)) for p in range(1, 6)), key=lambda pt: (pt[0] * pt[1], -pt[0])
                            if pt[1] > 1 else (1, -pt[0]))  # fmt: skip
        part = ", ".join(names[at : at + period])
        found.append(part if times == 1 else f"{times} × {part}" if period == 1 else f"{times} × ({part})")
        at += period * times
    return ", ".join(found)


def _repeats(names: list[str], at: int, period: int) -> int:
    """How often the `period` names from `at` on stand one after the other."""
    times = 1
    while names[at : at + period] == names[at + times * period : at + (times + 1) * period] != []:
        times += 1
    return times


def edits_in_words(edits: Iterable[Edit]) -> list[str]:
    """One sentence for all edits that differ only in their place: `remove network/4, network/6, … (19 layers)`."""
    places: dict[Edit, list[str]] = {}
    for one in edits:
        part: Any = one
        places.setdefault(replace(part, at=""), []).append(part.at)
    found = []
    for bare, at in places.items():
        shown: Any = bare
        found.append(replace(shown, at=listed(at, "fields" if isinstance(bare, Set) else "layers")).sentence())
    return found


def rate_in_words(recipe: Recipe) -> str:
    """The learning rate: a number, or the schedule, or that the optimizer does not tell."""
    rate = recipe.optimizer.main_rate()
    return f"{rate:.3g}" if isinstance(rate, float | int) else "of its own" if rate is None else repr(rate)


def training_in_words(recipe: Recipe) -> str:
    """`CrossEntropy; AdamW, learning rate 0.001; batches of 64, 10 epochs; seed 0`."""
    length = f"{recipe.length.count:g} epochs" if isinstance(recipe.length, Epochs) else f"{recipe.length} updates"
    loss, optimizer = repr(recipe.loss).removesuffix("()"), recipe.optimizer.title()
    rate = rate_in_words(recipe)
    return f"{loss}; {optimizer}, learning rate {rate}; batches of {recipe.batch_size}, {length}; seed {recipe.seed}"
