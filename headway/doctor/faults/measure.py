"""What a program does, measured on three seeds: whether a fault does harm, and whether a healthy recipe is healthy."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headway.data.dataset import Dataset
from headway.doctor.baseline import constant_loss
from headway.doctor.faults.catalog import Program
from headway.doctor.faults.sources import Repeated
from headway.training.evaluate import judge
from headway.training.recipe import Recipe
from headway.training.run import Run
from headway.training.sweeps.sweep import sweep

HARM = 0.1
"""The share of the best constant's loss that a fault must cost, or must promise in vain."""
MARGIN = 0.05
"""The share of the best constant's loss by which a healthy recipe may fall behind what it is held against."""
WORST = -10.0
"""Skill is stored no lower: a loss of eleven times the best constant's is as bad as any."""
FOLDER = Path(__file__).parent / "measured"


@dataclass(frozen=True)
class Measured:
    """Three runs, one a seed. Skill is 1 − loss / that of the best constant output, on what is held out.

    skills    of the last weights
    best      of the best evaluation
    against   what they are held against: the base, for a leak the same examples without it, or scikit-learn
    cut       how many runs were cut short by a number that is not finite
    """

    skills: tuple[float, ...]
    best: tuple[float, ...]
    against: float
    cut: int

    @property
    def lost(self) -> float:
        """The mean skill that is missing."""
        return self.against - float(np.mean(self.skills))

    def harms(self, harm: str) -> bool:
        """Whether a fault costs at least HARM, in the mean and on the program's own seed, or promises so much too much.

        A fault that cuts most of the runs short does harm in any case.
        """
        own = self.against - self.skills[0]
        if harm == "promise":
            return min(-self.lost, -own) >= HARM
        return min(self.lost, own) >= HARM or 2 * self.cut > len(self.skills)

    @property
    def fine(self) -> bool:
        """Whether it comes within MARGIN of what it is held against, on no seed twice that far, and stays there."""
        falls = max(best - last for best, last in zip(self.best, self.skills, strict=True))
        return (
            not self.cut and self.lost <= MARGIN and self.against - min(self.skills) <= 2 * MARGIN and falls <= MARGIN
        )


def keeps(program: Program, measured: Measured) -> bool:
    """Whether a program is what it is said to be."""
    return measured.fine if program.healthy else measured.harms(program.harm)


def skills_of(recipe: Recipe, seeds: Iterable[int], split: str, dataset: Dataset) -> tuple[list[Run], list[float]]:
    """The runs of a recipe on these seeds, and the skill of their last weights."""
    runs = list(sweep(replace(recipe, watch=None), {"seed": tuple(seeds)}, data=dataset, anyway=True).runs)
    parts, outputs = dataset.splits(), recipe.network.shape(dataset.input_shape)
    constant = constant_loss(recipe.loss, outputs, parts["train"], parts[split])
    return runs, [_skill(judge(run.recipe, run.final, parts[split])["loss"], constant) for run in runs]


def measure(program: Program, load: Callable[[Recipe], Dataset], against: float | None = None) -> Measured:
    """Train a program on its base's seeds; `against` is what its skill is held against, None: measure the twin's."""
    recipe, seeds = program.recipe, program.base.seeds
    dataset = load(recipe)
    runs, skills = skills_of(recipe, seeds, program.split, dataset)
    constant = constant_loss(recipe.loss, recipe.network.shape(dataset.input_shape), dataset.train,
                             dataset.splits()["validation"])  # fmt: skip
    kept = (
        [_skill(run.results["validation"]["loss"], constant) for run in runs]
        if program.split == "validation"
        else skills
    )
    if program.rival:
        against = rival(recipe, dataset)
    elif against is None:
        other = twin(program)
        against = float(np.mean(skills_of(other, seeds, "validation", load(other))[1]))
    cut = sum(run.standing.reason == "non-finite" for run in runs)
    return Measured(tuple(skills), tuple(kept), against, cut)


def twin(program: Program) -> Recipe:
    """What a program is held against: its base, or where examples are repeated, itself with each of them once."""
    recipe = program.recipe
    if recipe.data is not None and isinstance(recipe.data.source, Repeated):
        return replace(recipe, data=replace(recipe.data, source=recipe.data.source.source))
    return program.base.recipe


def rival(recipe: Recipe, dataset: Dataset) -> float:
    """The skill of scikit-learn's logistic regression on the same examples."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    train, held = dataset.train, dataset.splits()["validation"]
    outputs = recipe.network.shape(dataset.input_shape)
    model = LogisticRegression(max_iter=2000).fit(train.x.reshape(len(train), -1), train.y)
    loss = log_loss(held.y, model.predict_proba(held.x.reshape(len(held), -1)), labels=model.classes_)
    return _skill(loss, constant_loss(recipe.loss, outputs, train, held))


def stored(name: str, folder: Path = FOLDER) -> dict[str, Measured]:
    """What was measured of the programs of a set, by id."""
    import json

    path = folder / f"{name}.json"
    found = json.loads(path.read_text())["programs"] if path.exists() else {}
    return {
        id: Measured(tuple(one["skills"]), tuple(one["best"]), one["against"], one["cut"]) for id, one in found.items()
    }


def record(measured: Mapping[str, Measured], versions: Mapping[str, Any]) -> dict[str, Any]:
    """What `stored` reads, as plain values."""
    return {"versions": dict(versions), "programs": {id: asdict(one) for id, one in sorted(measured.items())}}


def _skill(loss: float, constant: float) -> float:
    skill = 1 - loss / constant if math.isfinite(loss) else -math.inf
    return round(max(WORST, skill), 4)
