"""The whole way: train, diagnose, try the remedies, and hand over the recipe that is proven to be better."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headway.data.dataset import Dataset
from headway.doctor.budget import Budget
from headway.doctor.diagnose import Diagnosis, diagnose
from headway.doctor.finding import Finding
from headway.doctor.proof import Proof, prove
from headway.doctor.remedies.catalog import remedies
from headway.doctor.trial import Trial
from headway.signals.flow import flow
from headway.signals.probe import Watch
from headway.spec.json import from_dict, save, to_dict
from headway.training.interruption import PAUSED
from headway.training.job import prepare
from headway.training.recipe import Recipe
from headway.training.run import Run
from headway.training.train import train

SAMPLES = 20
"""About how many updates of a run are watched, at least."""


@dataclass(frozen=True)
class Portrait:
    """What a report shows of a run.

    results     loss and metrics of the best weights on every split
    curve       held-out loss by update
    flow        behind each layer with weights, the first first: its address, ‖dL/dh‖, and the signal of h, medians
    """

    results: dict[str, dict[str, float]]
    curve: list[tuple[int, float]]
    flow: list[tuple[str, float, float]]

    @classmethod
    def of(cls, run: Run) -> "Portrait":
        """The portrait of a run that was watched."""
        measured = flow(run.recipe.network, run.data().input_shape, run.history.signals)
        sizes = (
            np.median(values, axis=0).tolist() if len(values) else [] for values in (measured.gradient, measured.signal)
        )
        curve = [(row["step"], row["loss"]) for row in run.history.evaluations]
        return cls(run.results, curve, list(zip(measured.addresses, *sizes, strict=True)))


@dataclass(frozen=True)
class Cure:
    """What became of a recipe.

    before, after    the run of the recipe as it was, and of the cured one
    proof            None where no remedy was tried: the run is healthy, or no cause was found
    cured            the recipe of the proven remedy with the least held-out loss; None where none is proven
    """

    recipe: Recipe
    before: Portrait
    diagnosis: Diagnosis
    proof: Proof | None = None
    cured: Recipe | None = None
    after: Portrait | None = None

    def record(self) -> dict[str, Any]:
        """The cure as plain values for JSON; `Cure.of` reads them."""
        return {
            "recipe": to_dict(self.recipe),
            "before": asdict(self.before),
            "diagnosis": asdict(self.diagnosis),
            "proof": self.proof and self.proof.record(),
            "cured": self.cured and to_dict(self.cured),
            "after": self.after and asdict(self.after),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Cure":
        """The cure that `record` wrote, from JSON or not."""
        findings = tuple(
            Finding(**finding | {name: tuple(finding[name]) for name in ("where", "steps", "evidence")})
            for finding in record["diagnosis"]["findings"]
        )
        recipe: Any = from_dict(record["recipe"])
        cured: Any = record["cured"] and from_dict(record["cured"])
        return cls(
            recipe,
            _portrait(record["before"]),
            Diagnosis(**record["diagnosis"] | {"findings": findings}),
            record["proof"] and Proof.of(record["proof"]),
            cured,
            record["after"] and _portrait(record["after"]),
        )


def _portrait(record: Mapping[str, Any]) -> Portrait:
    curve, points = ([tuple(row) for row in record[name]] for name in ("curve", "flow"))
    return Portrait(record["results"], curve, points)


def cure(
    recipe: Recipe,
    *,
    trial: Trial = Trial(),  # noqa: B008 (a frozen spec)
    data: Dataset | None = None,
    out: Path | None = None,
    tell: Callable[[str], object] = lambda doing: None,
    budget: float | Budget | None = None,
) -> Cure:
    """Train the recipe as it is, name what keeps it from learning, prove remedies, and train the cured recipe.

    out     a new folder: the runs `before` and `after`, and the cured recipe as `cured.json`
    tell    called with what is being done
    budget  seconds for the whole of it: what does not fit is not tried, and said so; None: as long as it takes
    """
    limit = Budget.begun(budget) if isinstance(budget, int | float) else budget
    job = prepare(recipe, data, anyway=True)
    watched = under_watch(recipe, job.updates)
    tell("training the recipe as it is")
    run = whole(train(watched, data=job.dataset, out=out and out / "before", anyway=True))
    if limit:
        limit.before = limit.seconds - limit.left()
    found = Cure(recipe, Portrait.of(run), diagnose(run))
    offered = remedies(run, found.diagnosis)
    if not offered:
        return found
    proof = prove(watched, offered, trial=trial, data=job.dataset, tell=tell, budget=limit)
    if proof.best is None:
        return replace(found, proof=proof)
    best = proof.arms[proof.best].recipe
    tell("training the cured recipe")
    same = best.data == recipe.data
    after = whole(train(best, data=job.dataset if same else None, out=out and out / "after", anyway=True))
    cured = replace(best, watch=recipe.watch)
    if out is not None:
        save(out / "cured.json", cured)
    return replace(found, proof=proof, cured=cured, after=Portrait.of(after))


def under_watch(recipe: Recipe, updates: int) -> Recipe:
    """The recipe with its signals watched: as often as it says, and about SAMPLES times in `updates` at least."""
    often = max(1, updates // SAMPLES)
    return replace(recipe, watch=Watch(min(often, recipe.watch.every) if recipe.watch else often))


def whole(run: Run) -> Run:
    """The run, unless it was interrupted: half a run says nothing."""
    if run.standing.reason in PAUSED:
        raise KeyboardInterrupt(run.standing.message)
    return run
