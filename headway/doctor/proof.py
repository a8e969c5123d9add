"""The proof: remedies, a sham and random remedies, all held against a tuned control under rules stated before."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from headway.data.dataset import Dataset
from headway.doctor.budget import Budget, Costs, fitting
from headway.doctor.remedies.bundle import BUNDLE, Ablation, Step, ablated
from headway.doctor.remedies.random import RANDOM, random_remedies
from headway.doctor.remedies.remedy import RATE_ALONE, Remedy
from headway.doctor.trial import Arm, Bench, Trial, prove_on, tune
from headway.doctor.verdict import ELIMINATED, NOT_PROVEN, PROVEN, Verdict, hopeless, interval, sign_p, spent, verdicts
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
    refused     arms that were not tried, and why
    ablation    what became of a proven bundle when its parts were left out
    budget      the time there was, None where there was no end to it
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
    ablation: Ablation | None = None
    budget: Budget | None = None

    @property
    def best(self) -> str | None:
        """The arm that cures: of those proven the one with the least mean loss, of a bundle its smallest part."""
        first = next(iter(self.proven), None)
        return self.ablation.smallest if self.ablation and first == BUNDLE else first

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
            "ablation": self.ablation and asdict(self.ablation),
            "budget": self.budget and asdict(self.budget) | {"costs": list(self.budget.costs)},
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
        ablation, budget = record.get("ablation"), record.get("budget")
        read["ablation"] = ablation and Ablation(**ablation | {
            "steps": tuple(Step(**step) for step in ablation["steps"]), "kept": tuple(ablation["kept"]),
        })  # fmt: skip
        read["budget"] = budget and Budget(**budget | {"costs": Costs(*budget["costs"])})
        return cls(**dict(record) | read | {"remedies": remedies, "arms": arms, "verdicts": found})


def prove(
    recipe: Recipe,
    remedies: Sequence[Remedy],
    *,
    trial: Trial = Trial(),  # noqa: B008 (a frozen spec)
    data: Dataset | None = None,
    tell: Callable[[str], object] = lambda doing: None,
    budget: float | Budget | None = None,
) -> Proof:
    """Try remedies on paired runs beside a sham and random remedies, and say which are proven: see docs/proof.md.

    Each arm gets the learning rate that suits it, from the same grid; then all run on the same seeds and are
    judged by held-out loss at the end of training. `tell` is called with what is being done. Within a `budget` of
    seconds as many of the remedies are tried, the first first, and as thoroughly, as fit.
    """
    loaded = data if data is not None else prepare(recipe, anyway=True).dataset
    bench = Bench.of(recipe, loaded)
    limit = Budget.begun(budget) if isinstance(budget, int | float) else budget
    kept, trial = within(recipe, remedies, trial, bench, limit) if limit else (list(remedies), trial)
    drawn = random_remedies(recipe, loaded.input_shape, trial.randoms, trial.draw) if kept or not limit else ()
    named = {remedy.name: remedy for remedy in (*kept, *drawn)}
    arms, refused = _arms(recipe, named, loaded)
    refused |= {one.name: "it does not fit into the budget" for one in remedies if one.name not in named}
    _tune_all(arms, refused, bench, trial, tell, limit)
    smallest = trial.smallest * bench.constant
    judged = run_arms(arms, bench, trial, tell, limit)
    found = Proof(recipe, trial, bench.split, bench.constant, smallest, named, arms, judged, refused, None, limit)
    if found.proven and named[found.proven[0]].parts:
        found = _smallest(found, {one.name: one for one in remedies}, bench, tell)
    if limit:
        limit.left()
    return found


def within(
    recipe: Recipe, remedies: Sequence[Remedy], trial: Trial, bench: Bench, limit: Budget
) -> tuple[list[Remedy], Trial]:
    """The remedies and the trial that fit into what is left, by what two runs of the recipe as it is cost."""
    limit.costs = Costs.of(lambda number: bench.outcomes([(recipe, recipe.seed + number)]), limit.now, limit.before)
    kept, trial = fitting(remedies, trial, limit.costs, limit.left())
    if remedies and not kept:
        limit.ended = "not proven: the budget is too small for a single remedy"
    return kept, trial


def _tune_all(
    arms: dict[str, Arm], refused: dict[str, str], bench: Bench, trial: Trial, tell: Callable[[str], object],
    limit: Budget | None,
) -> None:  # fmt: skip
    """Tune every arm that is tuned, the control first; what there is no time for is refused."""
    for name in [name for name in arms if name not in (ORIGINAL, SHAM, RATE_ALONE.name)]:
        doing = f"tuning the learning rate of {name}"
        if limit and limit.over(doing):
            if name != CONTROL:
                refused[name] = limit.ended
                del arms[name]
            continue
        tell(doing)
        tune(arms[name], bench, trial)
    arms[SHAM] = replace(arms[SHAM], recipe=arms[CONTROL].recipe, factor=arms[CONTROL].factor)
    if RATE_ALONE.name in arms:
        arms[RATE_ALONE.name] = arms[CONTROL]


def _smallest(found: Proof, parts: Mapping[str, Remedy], bench: Bench, tell: Callable[[str], object]) -> Proof:
    """The proof with its bundle ablated: what is left of it is an arm of its own, tuned, on the same seeds.

    It must pass the test of the bundle itself, at the bundle's level, beside being as good.
    """
    trial, arms, remedies, limit = found.trial, dict(found.arms), dict(found.remedies), found.budget
    bundle = remedies[found.proven[0]]
    seeds = range(found.recipe.seed, found.recipe.seed + trial.seeds)

    def losses(remedy: Remedy) -> list[float] | None:
        made, _ = _arms(found.recipe, {remedy.name: remedy}, bench.data)
        needed = limit.costs.compile + limit.costs.tuned(trial) if limit else 0.0
        if remedy.name not in made or (limit and limit.left() < needed):
            return None
        tell(remedy.name)
        arm = made[remedy.name]
        tune(arm, bench, trial)
        prove_on(arm, bench, seeds)
        arms[remedy.name], remedies[remedy.name] = arm, remedy
        return arm.losses

    def proves(made: Sequence[float]) -> bool:
        gains = [a - b for a, b in zip(arms[CONTROL].losses, made, strict=True)]
        level = found.verdicts[bundle.name].level
        return sign_p(gains, found.smallest) <= level / 2 and interval(gains, level)[0] > found.smallest

    ablation = ablated(bundle, parts, arms[bundle.name].losses, found.smallest, losses, proves)
    return replace(found, arms=arms, remedies=remedies, ablation=ablation)


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


def run_arms(
    arms: Mapping[str, Arm], bench: Bench, trial: Trial, tell: Callable[[str], object], limit: Budget | None = None
) -> dict[str, Verdict]:
    """Run all arms stage by stage, drop the hopeless ones after each look, and judge those that are left.

    Where the budget ends before a stage nothing is proven.
    """
    smallest, going, dropped = trial.smallest * bench.constant, dict(arms), dict[str, Verdict]()
    first, done, used = arms[ORIGINAL].recipe.seed, 0, 0.0
    for stage in (*trial.looks, trial.seeds):
        if limit and limit.over(f"seeds {done + 1} to {stage}"):
            return _open(arms, going, smallest, used) | dropped if done else {}
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


def _open(arms: Mapping[str, Arm], going: Iterable[str], smallest: float, level: float) -> dict[str, Verdict]:
    """Not proven, whatever the arms that are left have shown so far."""
    left = {name: _differences(arms, name) for name in going if name not in (ORIGINAL, CONTROL)}
    return {name: replace(_eliminated(d, smallest, level), word=NOT_PROVEN) for name, d in left.items()}


def _eliminated(differences: tuple[float, ...], smallest: float, level: float) -> Verdict:
    low, high = interval(differences, level)
    return Verdict(
        differences, float(np.mean(differences)), low, high, sign_p(differences, smallest), level, ELIMINATED
    )
