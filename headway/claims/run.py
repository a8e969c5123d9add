"""Claims put to the test: arms that are missing or stale are measured and stored one by one, so it can be resumed."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from headway.claims.catalog import design
from headway.claims.claim import Claim, Verdict, verdict
from headway.claims.condition import Numbers
from headway.claims.evidence import FOLDER, Evidence, code_of, made_here, numbers_of, stored
from headway.spec.error import HeadwayError
from headway.training.interruption import whole_or_nothing

Work = tuple[str, str]
"""A design and an arm of it."""


def needed(claims: Iterable[Claim]) -> list[Work]:
    """The arms that these claims take numbers from, each once."""
    return list(dict.fromkeys((claim.design, arm) for claim in claims if not claim.pending for arm in claim.arms))


def missing(work: Iterable[Work], first: int = 0, folder: Path = FOLDER) -> list[Work]:
    """Those that are not stored for the code as it is."""
    work = list(work)
    arms = {name: stored(name, first, folder) for name in dict.fromkeys(name for name, _ in work)}
    return [(name, arm) for name, arm in work if (found := arms[name].get(arm)) is None or found.stale]


def measure(name: str, arm: str, first: int = 0) -> Evidence:
    """Measure one arm on its seeds, from `first` on."""
    made, started = design(name), time.monotonic()
    seeds = list(range(first, first + made.seeds))
    with whole_or_nothing():
        found = made.measure(arm, seeds, "full")
    seconds = round(time.monotonic() - started, 1)
    return Evidence(name, arm, seeds, found.numbers, found.notes, code_of(name), seconds, made_here())


def run(
    claims: Iterable[Claim],
    *,
    first: int = 0,
    folder: Path = FOLDER,
    tell: Callable[[Evidence], object] = lambda evidence: None,
) -> dict[str, Verdict]:
    """Measure and store what is missing, arm by arm, and give the verdict on each claim.

    first   the first of the seeds: others than 0 for a second look on fresh seeds
    tell    called with each arm when it is stored
    """
    claims = list(claims)
    lacking = missing(needed(claims), first, folder)
    for name, _ in lacking:  # what runs is the code as it is now, whatever is edited in the meantime
        design(name), code_of(name)
    for name, arm in lacking:
        evidence = measure(name, arm, first)
        evidence.save(folder)
        tell(evidence)
    return {one.claim.id: one.verdict for one in known_of(claims, first, folder)}


class Known(NamedTuple):
    """A claim, its verdict, and the evidence that gives it: arm → what it came to."""

    claim: Claim
    verdict: Verdict
    evidence: Mapping[str, Evidence]


def known_of(claims: Iterable[Claim], first: int = 0, folder: Path = FOLDER) -> list[Known]:
    """What is known of each claim on the seeds from `first` on; every design is read once, nothing is run."""
    claims = list(claims)
    arms = {name: stored(name, first, folder) for name in dict.fromkeys(claim.design for claim in claims) if name}
    found = [(claim, {arm: arms[claim.design][arm] for arm in claim.arms if arm in arms.get(claim.design, {})})
             for claim in claims]  # fmt: skip
    return [Known(claim, verdict_on(claim, evidence), evidence) for claim, evidence in found]


def verdict_on(claim: Claim, found: Mapping[str, Evidence]) -> Verdict:
    """The verdict that the evidence on its arms gives; "pending" where a number is not stored. Nothing is run."""
    absent = [arm for arm in claim.arms if arm not in found]
    if absent and not claim.pending:
        return Verdict("pending", f"not measured yet: {', '.join(absent)}")
    try:
        return verdict(claim, numbers_of(found))
    except HeadwayError as error:  # a metric that the claim has come to ask for since
        return Verdict("pending", f"not measured yet: {error.got}")


def quick(claims: Iterable[Claim]) -> dict[str, Numbers]:
    """Design → the numbers, on a few seeds, of the arms that tell which way a claim points. Nothing is stored."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for name, arm in needed(replace(claim, sham=(), limits=(), counterexample=None) for claim in claims):
        made = design(name)
        with whole_or_nothing():
            found.setdefault(name, {})[arm] = made.measure(arm, range(made.few), "quick").numbers
    return dict(found)
