"""The proof: remedies, a sham and random remedies, all held against a tuned control under rules stated before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from headway.data.dataset import Dataset
from headway.doctor.remedies.random import RANDOM, random_remedies
from headway.doctor.remedies.remedy import RATE_ALONE, Remedy
from headway.doctor.trial import Arm, Bench, Trial, prove_on, tune
from headway.doctor.verdict import ELIMINATED, PROVEN, Verdict, hopeless, interval, sign_p, spent, verdicts
from headway.spec.edit import edit
from headway.spec.error import HeadwayError
from headway.spec.json import from_dict, to_dict
from headway.training.job import prepare
from headway.training.recipe import Recipe

ORIGINAL, CONTROL, SHAM = "as it is", "tuned control", "sham"


@dataclass(frozen=True)
class Proof:
    """What a trial came to.

    recipe      the recipe that is to be cured
    split       what the arms were judged on, by held-out loss
    constant    the loss there of the best constant prediction
    smallest    the smallest effect of interest, in units of the loss
    remedies    what was tried, by the name of its arm; random remedies are called "random: …"
    arms        every arm by name: "as it is", "tuned control", "sham", and one a remedy
    verdicts    on every arm but the two that the others are held against
    refused     arms that cannot be computed, and why
    """

    recipe: Recipe
    trial: Trial
    split: str
    constant: float
    smallest: float
    remedies: dict[str, Remedy]
    arms: dict[str, Arm]
    verdicts: dict[str, Verdict]
    refused: dict[str, str]

    @property
    def proven(self) -> list[str]:
        """The remedies that are proven, the least mean loss first; a sham or a random edit is no remedy.

        Not by effect: that of the learning rate alone is measured from another arm than all others.
        """
        named = [n for n, v in self.verdicts.items() if v.word == PROVEN and n in self.remedies]
        meant = [name for name in named if not name.startswith(RANDOM)]
        return sorted(meant, key=lambda name: float(np.mean(self.arms[name].losses)))

    def record(self) -> dict[str, Any]:
        """The proof as plain values for JSON; `Proof.of` reads them."""
        return {
            "recipe": to_dict(self.recipe),
            "trial": to_dict(self.trial),
            "split": self.split,
            "constant": self.constant,
            "smallest": self.smallest,
            "remedies": {name: to_dict(remedy) for name, remedy in self.remedies.items()},
            "arms": {name: vars(arm) | {"recipe": to_dict(arm.recipe)} for name, arm in self.arms.items()},
            "verdicts": {name: asdict(verdict) for name, verdict in self.verdicts.items()},
            "refused": self.refused,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Proof":
        """The proof that `record` wrote."""
        arms = {}
        for name, values in record["arms"].items():
            tried = {float(factor): loss for factor, loss in values["tried"].items()}
            arms[name] = Arm(**values | {"recipe": from_dict(values["recipe"]), "tried": tried})
        read: dict[str, Any] = {name: from_dict(record[name]) for name in ("recipe", "trial")}
        remedies = {name: from_dict(remedy) for name, remedy in record["remedies"].items()}
        found = {name: Verdict(**verdict | {"differences": tuple(verdict["differences"])})
                 for name, verdict in record["verdicts"].items()}  # fmt: skip
        return cls(**dict(record) | read | {"remedies": remedies, "arms": arms, "verdicts": found})


def prove(
    recipe: Recipe,
    remedies: Sequence[Remedy],
    *,
    trial: Trial = Trial(),  # noqa: B008 (a frozen spec)
    data: Dataset | None = None,
    tell: Callable[[str], object] = lambda doing: None,
) -> Proof:
    """Try remedies on paired runs beside a sham and random remedies, and say which are proven: see docs/proof.md.

    Each arm gets the learning rate that suits it, from the same grid; then all run on the same seeds and are
    judged by held-out loss at the end of training. `tell` is called with what is being done.
    """
    loaded = data if data is not None else prepare(recipe, anyway=True).dataset
    bench = Bench.of(recipe, loaded)
    drawn = random_remedies(recipe, loaded.input_shape, trial.randoms, trial.draw)
    named = {remedy.name: remedy for remedy in (*remedies, *drawn)}
    arms, refused = _arms(recipe, named, loaded)
    for name, arm in arms.items():
        if name not in (ORIGINAL, SHAM, RATE_ALONE.name):
            tell(f"tuning the learning rate of {name}")
            tune(arm, bench, trial)
    arms[SHAM] = replace(arms[SHAM], recipe=arms[CONTROL].recipe, factor=arms[CONTROL].factor)
    if RATE_ALONE.name in arms:
        arms[RATE_ALONE.name] = arms[CONTROL]
    smallest = trial.smallest * bench.constant
    return Proof(recipe, trial, bench.split, bench.constant, smallest, named, arms,
                 run_arms(arms, bench, trial, tell), refused)  # fmt: skip


def _arms(recipe: Recipe, remedies: Mapping[str, Remedy], data: Dataset) -> tuple[dict[str, Arm], dict[str, str]]:
    """An arm for the recipe as it is, the control, the sham and each remedy; and why some cannot be built."""
    arms, refused = {name: Arm(name, recipe) for name in (ORIGINAL, CONTROL, SHAM)}, {}
    for name, remedy in remedies.items():
        try:
            edited = edit(recipe, *remedy.edits).spec
            prepare(edited, data, anyway=True)
            arms[name] = Arm(name, edited)
        except HeadwayError as error:
            refused[name] = str(error)
    return arms, refused


def run_arms(arms: Mapping[str, Arm], bench: Bench, trial: Trial, tell: Callable[[str], object]) -> dict[str, Verdict]:
    """Run all arms stage by stage, drop the hopeless ones after each look, and judge those that are left."""
    smallest, going, dropped = trial.smallest * bench.constant, dict(arms), dict[str, Verdict]()
    first, done, used = arms[ORIGINAL].recipe.seed, 0, 0.0
    for stage in (*trial.looks, trial.seeds):
        for name, arm in going.items():
            if name == RATE_ALONE.name:  # its runs are those of the tuned control
                continue
            tell(f"seeds {done + 1} to {stage} of {name}")
            prove_on(arm, bench, range(first + done, first + stage), as_sham=name == SHAM)
        done, level = stage, spent(trial.alpha, stage / trial.seeds) - used
        used += level
        if stage < trial.seeds:
            for name in [name for name in going if name not in (ORIGINAL, CONTROL, SHAM)]:
                differences = _differences(arms, name)
                if hopeless(differences, smallest, level):
                    dropped[name] = _eliminated(differences, smallest, level)
                    del going[name]
    left = {name: _differences(arms, name) for name in going if name not in (ORIGINAL, CONTROL)}
    return verdicts(left, smallest, level, len(arms) - 2) | dropped


def _differences(arms: Mapping[str, Arm], name: str) -> tuple[float, ...]:
    """Held-out loss of what the arm is held against minus its own: the tuned control; of the rate alone, as it is."""
    against = arms[ORIGINAL if name == RATE_ALONE.name else CONTROL].losses
    return tuple(a - b for a, b in zip(against, arms[name].losses, strict=False))


def _eliminated(differences: tuple[float, ...], smallest: float, level: float) -> Verdict:
    low, high = interval(differences, level)
    return Verdict(
        differences, float(np.mean(differences)), low, high, sign_p(differences, smallest), level, ELIMINATED
    )
