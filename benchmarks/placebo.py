"""Sham proofs: how often a proof calls a sham proven, and how often it finds an effect that was planted.

The runs are made by what `prove` makes them with, and judged by the same rules. `make accept` runs the drill;
its summary is in `benchmarks/results/accept/placebo.json`, the differences are beside it in `placebo.csv`, and
the block in `docs/proof.md` is made from the summary.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import headway.doctor.trial
from benchmarks.report import marks, put
from headway.data.bundled import Wine
from headway.data.dataset import Data
from headway.doctor.faults.score import clopper_pearson
from headway.doctor.proof import CONTROL, ORIGINAL, run_arms
from headway.doctor.sham import SHIFT
from headway.doctor.trial import Arm, Bench, Outcome, Trial, prove_on, tune
from headway.doctor.verdict import PROVEN, Verdict
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.training.recipe import Recipe

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/proof.md"
BLOCK = marks("placebo")
RECIPE = Recipe(
    mlp((8, 8), 3),
    data=Data(Wine(), validation=0.4, test=None),
    loss=CrossEntropy(),
    optimizer=Adam(1e-2),
    batch_size=16,
    length=40,
)
RULES = {"as stated": Trial(randoms=0), "smallest effect 0": Trial(randoms=0, smallest=1e-9)}
TRIAL = RULES["as stated"]
SHAMS = [f"sham {number}" for number in (1, 2, 3, 4)]
PLANTED = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
APART = 1000
"""The proofs' first seeds are that far apart, so that no two share a run."""


def sham_proof(bench: Bench, number: int) -> dict[str, Any]:
    """One proof's runs: held-out loss, seed by seed, of a control at its tuned rate and of four shams beside it."""
    control = Arm(CONTROL, replace(RECIPE, seed=APART * number))
    tune(control, bench, TRIAL)
    seeds = range(control.recipe.seed, control.recipe.seed + TRIAL.seeds)
    prove_on(control, bench, seeds)
    arms = [control]
    for nth, name in enumerate(SHAMS, 1):
        arms.append(Arm(name, control.recipe))
        # A proof has one sham; further ones draw their order of examples from seeds of their own.
        with mock.patch.object(headway.doctor.trial, "SHIFT", nth * SHIFT):
            prove_on(arms[-1], replace(bench, known={}), seeds, as_sham=True)  # what was run is known by one shift
    return {"proof": number, "factor": control.factor, "losses": {arm.name: arm.losses for arm in arms}}


def sham_proofs(count: int, log: Path) -> list[dict[str, Any]]:
    """The runs of `count` proofs; each is a line in `log`, and those that are there already are not made again."""
    log.touch()
    whole = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")][:count]
    log.write_text("".join(whole))
    assert RECIPE.data is not None
    bench = Bench.of(RECIPE, RECIPE.data.load())
    for number in range(len(whole), count):
        with open(log, "a") as lines:
            lines.write(json.dumps(sham_proof(bench, number) | {"constant": bench.constant}) + "\n")
    return [json.loads(line) for line in log.read_text().splitlines()]


@dataclass(frozen=True)
class Made:
    """In place of a recipe and of the bench: runs that were made before."""

    losses: Sequence[float] = ()
    constant: float = 0.0
    seed: int = 0

    def outcomes(self, lanes: Sequence[tuple["Made", int]], *, as_sham: bool = False) -> list[Outcome]:
        """What the runs of these seeds came to."""
        return [Outcome(recipe.losses[seed], None) for recipe, seed in lanes]


def judged(proof: dict[str, Any], trial: Trial, planted: float = 0.0) -> dict[str, Verdict]:
    """The verdicts of a proof, looks included, with `planted` times the smallest effect put into the first sham."""
    losses = proof["losses"] | {ORIGINAL: proof["losses"][CONTROL]}
    effect = planted * trial.smallest * proof["constant"]
    losses[SHAMS[0]] = [loss - effect for loss in losses[SHAMS[0]]]
    arms: Any = {name: Arm(name, Made(values)) for name, values in losses.items()}  # type: ignore[arg-type]
    bench: Any = Made(constant=proof["constant"])
    return run_arms(arms, bench, trial, lambda doing: None)


def differences(proof: dict[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """Held-out loss of the control minus that of each sham, seed by seed."""
    for name in SHAMS:
        pairs = zip(proof["losses"][CONTROL], proof["losses"][name], strict=True)
        yield name, [control - sham for control, sham in pairs]


def summarized(proofs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many proofs call a sham proven, by rules, and how many the arm with an effect planted, by its size."""
    smallest = TRIAL.smallest * proofs[0]["constant"]
    spread = np.std([d for proof in proofs for _, d in differences(proof)], axis=1, ddof=1)
    wrong = {
        name: sum(any(v.word == PROVEN for v in judged(proof, trial).values()) for proof in proofs)
        for name, trial in RULES.items()
    }
    right = [sum(judged(proof, TRIAL, size)[SHAMS[0]].word == PROVEN for proof in proofs) for size in PLANTED]
    return {
        "proofs": len(proofs),
        "shams": len(SHAMS),
        "seeds": TRIAL.seeds,
        "alpha": TRIAL.alpha,
        "constant": proofs[0]["constant"],
        "loss": float(np.mean([proof["losses"][CONTROL] for proof in proofs])),
        "smallest": smallest,
        "spread": float(np.median(spread)) / smallest,
        "false": {name: {"proven": k, "upper": clopper_pearson(k, len(proofs), 0.05)[1]} for name, k in wrong.items()},
        "power": [
            {"planted": size, "proven": k, "interval": clopper_pearson(k, len(proofs))}
            for size, k in zip(PLANTED, right, strict=True)
        ],
    }


def allowed(result: dict[str, Any]) -> float:
    """The stated error rate α plus its sampling error over n proofs: α + 1.96 √(α (1 − α) / n)."""
    alpha, n = result["alpha"], result["proofs"]
    return float(alpha + 1.96 * np.sqrt(alpha * (1 - alpha) / n))


def write_differences(proofs: Iterable[dict[str, Any]], path: Path) -> None:
    """A row for each sham of each proof."""
    with open(path, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["proof", "arm", *(f"seed {i}" for i in range(TRIAL.seeds))])
        for proof in proofs:
            table.writerows([proof["proof"], name, *(f"{d:.6g}" for d in row)] for name, row in differences(proof))


def block(result: dict[str, Any] | None) -> str:
    """What the page says of the drill."""
    if result is None:
        return "The drill has not been run for this code: `make accept`.\n"
    n, false = result["proofs"], result["false"]
    lines = [
        f"{n} proofs, each of {result['shams']} shams beside a control at its tuned rate, {result['seeds']} pairs",
        f"each, on Wine: an MLP 13-8-8-3, 40 updates, held-out loss {result['loss']:.3f}, best constant",
        f"{result['constant']:.3f}, smallest effect {result['smallest']:.3f}. The standard deviation of a sham's",
        f"differences is {result['spread']:.2f} × the smallest effect (median).",
        "",
        "| proofs that call a sham proven | of | share | upper 95 % bound | allowed |",
        "|---|---|---|---|---|",
        *(f"| {name}: {row['proven']} | {n} | {row['proven'] / n:.1%} | {row['upper']:.1%} | {allowed(result):.1%} |"
          for name, row in false.items()),
        "",
        "Bounds are Clopper & Pearson's (1934). Allowed is α + 1.96 √(α (1 − α) / n): the stated rate plus its",
        "sampling error. With an effect planted into one of the four (its losses lowered by so much), that one is",
        "called proven in",
        "",
        "| planted, in smallest effects | share of proofs | 95 % interval |",
        "|---|---|---|",
        *(f"| {row['planted']:g} | {row['proven'] / n:.1%} | {row['interval'][0]:.1%} to {row['interval'][1]:.1%} |"
          for row in result["power"]),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def write_block(result: dict[str, Any] | None) -> None:
    """Bring the page up to date."""
    PAGE.write_text(put(PAGE.read_text(), BLOCK, block(result)))
