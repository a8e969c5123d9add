"""Bundles: repairs of several certain faults in one edit, and the smallest part of it that does as much."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headway.data.dataset import Dataset
from headway.doctor.remedies.remedy import Remedy
from headway.spec.edit import edit
from headway.spec.error import HeadwayError
from headway.training.job import prepare
from headway.training.recipe import Recipe

BUNDLE = "all-certain-repairs"


@dataclass(frozen=True)
class Step:
    """One part left out of a bundle: the mean loss of what remained, and whether it stayed out."""

    without: str
    loss: float
    stays_out: bool


@dataclass(frozen=True)
class Ablation:
    """What became of a proven bundle when its parts were left out in turn.

    whole      the mean held-out loss of the whole bundle
    steps      what was tried, in order
    smallest   the name of the arm with the smallest edit: that of the bundle where every part is needed
    kept       its parts
    """

    whole: float
    steps: tuple[Step, ...]
    smallest: str
    kept: tuple[str, ...]


def bundled(recipe: Recipe, parts: Sequence[Remedy], data: Dataset) -> Remedy | None:
    """The repairs in one edit, without what cannot be made together with those before it; None of fewer than 2."""
    joined: list[Remedy] = []
    for part in parts:
        if _computes(recipe, (*joined, part), data):
            joined.append(part)
    return together(BUNDLE, joined) if len(joined) > 1 else None


def together(name: str, parts: Sequence[Remedy]) -> Remedy:
    """Several remedies as one; an edit that two of them make is made once."""
    return Remedy(
        tuple(dict.fromkeys(one for part in parts for one in part.edits)),
        name=name,
        edge=parts[0].edge if len(parts) == 1 else (),
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts),
        cost="; ".join(dict.fromkeys(part.cost for part in parts)),
        refuted_by="The whole is no better than the recipe at its best rate: then none of these faults was what kept "
        "it from learning.",
        causes=tuple(dict.fromkeys(cause for part in parts for cause in part.causes)),
        parts=tuple(part.name for part in parts),
    )


def _computes(recipe: Recipe, parts: Sequence[Remedy], data: Dataset) -> bool:
    try:
        prepare(edit(recipe, *together(BUNDLE, parts).edits).spec, data, anyway=True)
    except HeadwayError:
        return False
    return True


Losses = Callable[[Remedy], Sequence[float] | None]
"""A remedy → the held-out losses of its arm on the seeds of the proof; None where it cannot be computed, or no more."""


def ablated(
    bundle: Remedy,
    parts: Mapping[str, Remedy],
    whole: Sequence[float],
    smallest: float,
    losses: Losses,
    proves: Callable[[Sequence[float]], bool],
) -> Ablation:
    """Leave out each part in turn, the last first, and keep it out where what remains is as good without it.

    As good: the mean held-out loss on the same seeds is above that of the whole bundle by no more than the smallest
    effect of interest, and what remains `proves` itself as the bundle did.
    """
    kept, steps, least = list(bundle.parts), list[Step](), bundle.name
    mean = float(np.mean(whole))
    for name in reversed(bundle.parts):
        rest = [part for part in kept if part != name]
        if not rest:
            break
        out = ", ".join(part for part in bundle.parts if part not in rest)
        without = together(f"{bundle.name} without {out}", [parts[part] for part in rest])
        made = losses(without)
        if made is None:
            continue
        loss = float(np.mean(made))
        steps.append(Step(name, loss, loss <= mean + smallest and proves(made)))
        if steps[-1].stays_out:
            kept, least = rest, without.name
    return Ablation(mean, tuple(steps), least, tuple(kept))
