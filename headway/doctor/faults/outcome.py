"""The outcome of cures: how often what the doctor prescribes restores what a fault took, beside random remedies."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from headway.doctor.budget import Budget
from headway.doctor.case import Case
from headway.doctor.cure import Cure, cure
from headway.doctor.faults.bench import programs
from headway.doctor.faults.catalog import Program
from headway.doctor.faults.measure import HARM, loaded, runs_of, skill
from headway.doctor.faults.score import share
from headway.doctor.faults.sources import Rescaled, RescaledTargets
from headway.doctor.proof import CONTROL
from headway.doctor.remedies.catalog import computes
from headway.doctor.remedies.random import RANDOM, everyday_edits, random_remedies
from headway.doctor.remedies.remedy import RATE_ALONE
from headway.doctor.trial import Arm, Bench, Trial, prove_on, tune, yardstick
from headway.spec.edit import edit
from headway.training.recipe import Recipe

CURES = "cures.jsonl"
SECONDS = 60.0
"""What a cure may take of processor time, from the first run to the proof: so it ends alike beside other work."""
RESTORED = 0.8
"""The share of the gap between the faulty recipe and the known fix that counts as restored."""
FRESH = 1000
"""How far the seeds on which a cured recipe is judged are from the base's: none of them tuned or proved anything."""
NO_EDIT = "no edit can"
"""What is said of a fault of the examples that takes away what no recipe brings back."""
Row = Mapping[str, Any]


def one_a_fault(set: str, only: Sequence[str] = ()) -> tuple[Program, ...]:
    """Every fault on the first base of the set where it does harm; with `only`, the programs that are named."""
    ill = [one for one in programs(set, only) if not one.healthy]
    if only:
        return tuple(ill)
    first: dict[str, Program] = {}
    for one in ill:
        first.setdefault(one.id.partition("@")[0], one)
    return tuple(first.values())


def fix(program: Program) -> Recipe | None:
    """The known fix: the base; on the program's own examples where these say less than the base's.

    None where nothing but the examples is at fault. Those in another unit say as much as before.
    """
    base, data = program.base.recipe, program.recipe.data
    assert base.data is not None
    assert data is not None
    source = data.source
    while source != base.data.source and isinstance(source, Rescaled | RescaledTargets):
        source = source.source
    if source == base.data.source:
        return base
    size = min(base.batch_size, program.recipe.batch_size)
    fixed = replace(base, data=replace(base.data, source=data.source), batch_size=size)
    return None if fixed == program.recipe else fixed


def treat(program: Program) -> dict[str, Any]:
    """The cure of a program within SECONDS, and as many random remedies in the same trial: the row of `outcome`.

    how      proven · not proven · nothing offered · called healthy; NO_EDIT: then nothing else is told
    remedy   the arm that is proven to cure, of the doctor's `arms`
    random   the random remedy with the least held-out loss of as many arms; it needs no proof
    skill    1 − loss / the best constant's, all on the same fresh seeds: as it is (faulty), with the known fix (fix),
             cured by the doctor (cured), by the random remedy and by the tuned rate alone (random, rate)
    """
    fixed = fix(program)
    if fixed is None:
        return {"how": NO_EDIT}
    known = {"faulty": _reached(program, program.recipe), "fix": _reached(program, fixed)}
    if known["fix"] - max(0.0, known["faulty"]) < HARM:
        return {"how": NO_EDIT}
    jax.clear_caches()  # type: ignore[no-untyped-call]  # what was compiled for one after the other fills the memory
    found = cure(program.recipe, budget=Budget.begun(SECONDS, "processor"))
    proof = found.proof
    arms = [name for name in proof.remedies if not name.startswith(RANDOM) and name in proof.arms] if proof else []
    drawn, control = _drawn(found, len(set(arms) - {RATE_ALONE.name}))
    chance = min(drawn, key=lambda arm: float(np.mean(arm.losses)))
    best = proof.arms[proof.best] if proof and proof.best else None
    reached = {"cured": best and _reached(program, best.recipe), "random": _reached(program, chance.recipe),
               "rate": _reached(program, control.recipe)}  # fmt: skip
    return {
        "how": _how(found), "said": [cause.id for cause in found.diagnosis.causes], "remedy": best and best.name,
        "arms": len(arms), "random": chance.name, "skill": known | reached,
    }  # fmt: skip


def _how(found: Cure) -> str:
    if found.proof is None:
        return "called healthy" if found.diagnosis.healthy else "nothing offered"
    return "proven" if found.proof.best else "not proven"


def _drawn(found: Cure, count: int) -> tuple[list[Arm], Arm]:
    """As many random remedies as the doctor tried, three at least, tuned and run like its own; and the control."""
    proof, recipe = found.proof, found.recipe
    trial = proof.trial if proof else Trial()
    data = loaded(recipe.data)
    bench = Bench.of(recipe, data)
    known = dict(proof.arms) if proof else {}

    def arm(name: str, made: Callable[[], Recipe]) -> Arm:
        if name not in known or not known[name].losses:
            known[name] = Arm(name, made())
            tune(known[name], bench, trial)
            prove_on(known[name], bench, range(recipe.seed, recipe.seed + trial.seeds))
        return known[name]

    inputs = data.input_shape
    pool = random_remedies(recipe, inputs, len(everyday_edits(recipe, inputs)), trial.draw)
    drawn = [one for one in pool if computes(recipe, one, Case.before(recipe, data))][: max(count, Trial().randoms)]
    made = [arm(one.name, lambda one=one: edit(recipe, *one.edits).spec) for one in drawn]  # type: ignore[misc]
    return made, arm(CONTROL, lambda: recipe)


def _reached(program: Program, recipe: Recipe) -> float:
    """The median skill of a recipe on fresh seeds, by the loss of the base or one in the same unit."""
    first = program.base.seeds[0] + FRESH
    by = yardstick(recipe.loss, program.base.recipe.loss)
    runs = runs_of(recipe, tuple(range(first, first + len(program.base.seeds))))
    return float(np.median([skill(run, loaded(recipe.data), run.final, by=by) for run in runs]))


def restores(row: Row, who: str) -> bool:
    """Whether `who` ("cured", "random", "rate") closes the gap by RESTORED.

    A faulty recipe that is worse than the best constant counts as that: what only ceases to be absurd restores nothing.
    """
    skill = row.get("skill", {})
    if skill.get(who) is None:
        return False
    from_here = max(0.0, skill["faulty"])
    return bool(skill[who] - from_here >= RESTORED * (skill["fix"] - from_here))


def outcome(rows: Sequence[Row]) -> dict[str, Any]:
    """All figures: of the cures that an edit can bring about, how many restore; beside random ones and the rate alone.

    how           what became of the cures
    restored      of all of them, those that restore, by who prescribes
    proven        of the doctor's proven remedies, those that restore
    pairs         programs by who restores them
    advantage     the doctor's share less that of random remedies
    without a family   the same without each family, and on it alone
    """
    judged = [row for row in rows if row.get("how") != NO_EDIT]
    families = dict.fromkeys(row["family"] for row in judged)
    return {
        **_figures(judged), "how": dict(Counter(row.get("how", "broken") for row in rows).most_common()),
        "without a family": {
            family: {"others": _figures([row for row in judged if row["family"] != family]),
                     "itself": _figures([row for row in judged if row["family"] == family])}
            for family in families
        },
    }  # fmt: skip


def _figures(judged: Sequence[Row]) -> dict[str, Any]:
    doctor, chance, rate = ([restores(row, who) for row in judged] for who in ("cured", "random", "rate"))
    pairs = Counter(zip(doctor, chance, strict=True))
    found = {"the doctor": share(doctor), "random remedies": share(chance), "the rate alone": share(rate)}
    return {
        "restored": found,
        "proven": share([hit for hit, row in zip(doctor, judged, strict=True) if row.get("how") == "proven"]),
        "pairs": {"both": pairs[True, True], "the doctor alone": pairs[True, False],
                  "random remedies alone": pairs[False, True], "neither": pairs[False, False]},
        "advantage": (sum(doctor) - sum(chance)) / len(judged) if judged else None,
    }  # fmt: skip
