"""What a program does, measured on three seeds: whether a fault does harm, and whether a healthy recipe is healthy."""

import functools
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headway.data.dataset import Data, Dataset
from headway.doctor.baseline import constant_of
from headway.doctor.cure import whole
from headway.doctor.faults.catalog import Program
from headway.doctor.faults.score import read_rows
from headway.doctor.faults.sources import Repeated
from headway.learning.losses import Loss
from headway.training.checkpoint import write_durably
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
    recipe    the hash of the recipe
    """

    skills: tuple[float, ...]
    best: tuple[float, ...]
    against: float
    cut: int
    recipe: str

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


def measure(program: Program) -> Measured:
    """Train a program, and what it is held against, on its base's seeds."""
    seeds, (recipe, data) = program.base.seeds, (program.recipe, loaded(program.recipe.data))
    runs = runs_of(replace(recipe, watch=None), seeds)
    skills = tuple(skill(run, data, run.final, program.split) for run in runs)
    # The best weights are chosen on the validation set: of another split there is no best.
    best = (
        tuple(skill(run, data, run.values, program.split) for run in runs) if program.split == "validation" else skills
    )
    against = rival(recipe, data) if program.rival else mean_skill(twin(program), seeds)
    cut = sum(run.standing.reason == "non-finite" for run in runs)
    return Measured(skills, best, against, cut, fingerprint(recipe))


def skill(
    run: Run, data: Dataset, values: Mapping[str, Any], split: str = "validation", by: Loss | None = None
) -> float:
    """1 − loss / loss of the best constant output, of these values on a split, by the run's own loss or another."""
    recipe = replace(run.recipe, loss=by or run.recipe.loss)
    loss = judge(recipe, values, data.splits()[split])["loss"]
    return _against_constant(loss, recipe, data, split)


def rival(recipe: Recipe, data: Dataset) -> float:
    """The skill on the same examples of scikit-learn's logistic regression or random forest, whichever is better."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    train, held = data.train, data.splits()["validation"]
    losses = []
    for model in (LogisticRegression(max_iter=2000), RandomForestClassifier(300, min_samples_leaf=3, random_state=0)):
        model.fit(train.x.reshape(len(train), -1), train.y)
        losses.append(log_loss(held.y, model.predict_proba(held.x.reshape(len(held), -1)), labels=model.classes_))
    return _against_constant(min(losses), recipe, data, "validation")


def twin(program: Program) -> Recipe:
    """What a program is held against: its base, or where examples are repeated, itself with each of them once."""
    recipe = program.recipe
    if recipe.data is not None and isinstance(recipe.data.source, Repeated):
        return replace(recipe, data=replace(recipe.data, source=recipe.data.source.source))
    return program.base.recipe


def stored(name: str, folder: Path = FOLDER) -> dict[str, Measured]:
    """What was measured of the programs of a set, by id."""
    path = folder / f"{name}.jsonl"
    return {row["id"]: _read(row) for row in read_rows(path)} if path.exists() else {}


def measure_all(
    name: str, programs: Iterable[Program], folder: Path = FOLDER, tell: Callable[[Program], object] = lambda one: None
) -> None:
    """Measure the programs of a set of whose recipe nothing is stored; each is a line as soon as it is done."""
    known, wanted, path = stored(name, folder), list(programs), folder / f"{name}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    known = {one.id: known[one.id] for one in wanted
             if one.id in known and known[one.id].recipe == fingerprint(one.recipe)}  # fmt: skip
    write_durably(path, "".join(_line(id, one) for id, one in known.items()).encode())
    for one in wanted:
        if one.id not in known:
            with open(path, "a") as lines:
                lines.write(_line(one.id, measure(one)))
            tell(one)


def fingerprint(recipe: Recipe) -> str:
    """The hash of a recipe as it is printed, without what is as by default: a new field of a kind changes nothing."""
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]


def _line(id: str, measured: Measured) -> str:
    return json.dumps({"id": id} | asdict(measured)) + "\n"


def _read(row: Mapping[str, Any]) -> Measured:
    return Measured(tuple(row["skills"]), tuple(row["best"]), row["against"], row["cut"], row["recipe"])


def runs_of(recipe: Recipe, seeds: tuple[int, ...]) -> tuple[Run, ...]:
    """The runs on these seeds, each to its end."""
    made = sweep(recipe, {"seed": seeds}, data=loaded(recipe.data), anyway=True).runs
    return tuple(whole(run) for run in made)


@functools.lru_cache(256)
def mean_skill(recipe: Recipe, seeds: tuple[int, ...]) -> float:
    """The mean skill of the last weights on these seeds. Signals change nothing of what is learned: none are taken."""
    data = loaded(recipe.data)
    runs = runs_of(replace(recipe, watch=None), seeds)
    return round(float(np.mean([skill(run, data, run.final) for run in runs])), 4)


@functools.lru_cache(8)
def loaded(data: Data) -> Dataset:
    """The data set, loaded once."""
    return data.load()


def _against_constant(loss: float, recipe: Recipe, data: Dataset, split: str) -> float:
    constant = constant_of(recipe.loss, recipe.network, data, split)
    found = 1 - loss / constant if math.isfinite(loss) else -math.inf
    return round(max(WORST, found), 4)
