"""The story of a cure: what was trained, why it does not learn, what was tried, what is proven, and where it lies."""

import numpy as np

from headway.concepts.graph import Map
from headway.doctor.cure import Cure
from headway.doctor.proof import CONTROL, ORIGINAL, SHAM, Proof
from headway.doctor.remedies.bundle import Ablation
from headway.doctor.remedies.catalog import AGAINST, REFUSES, by_hand
from headway.doctor.remedies.random import RANDOM
from headway.doctor.verdict import ELIMINATED, Verdict
from headway.report.findings import finding_in_words, others
from headway.report.neighbourhood import decades, statements
from headway.report.plot import text_levels
from headway.report.section import Picture, Rows, Section, as_text
from headway.report.wording import (
    capital,
    edits_in_words,
    fixed,
    joined,
    network_in_words,
    places_for,
    rate_in_words,
    short,
    signed,
    training_in_words,
)

LEAST = 1e-45
"""What stands for a gradient of 0 in a logarithm that is shown."""
COLUMNS = ("arm", "rate", "loss", "better by", "level", "p", "flow", "verdict")


def story(cure: Cure, subject: Map) -> str:
    """The report for a terminal, the same for the same cure: numbers of it only, no times."""
    return as_text(sections(cure, subject))


def sections(cure: Cure, subject: Map) -> list[Section]:
    """The report: a part is there where there is something to say of it."""
    found = [
        Section(headline(cure), _the_run(cure)),
        Section("The diagnosis", _diagnosis(cure)),
        *others(cure.diagnosis),
    ]
    if cure.proof is not None:
        found.append(Section("The trial", _trial(cure.proof)))
        found.append(Section("The cure" if cure.cured else "No cure", _cure(cure, cure.proof)))
    if cure.diagnosis.cause is not None:
        found.append(Section("On the map", _map(cure, subject)))
    return found


def headline(cure: Cure) -> str:
    """What came out, in one sentence."""
    causes = cure.diagnosis.causes
    if not causes:
        return "Healthy: it learns" if cure.diagnosis.learns else "It does not learn, and no known cause was found"
    named = capital(joined([cause.cause for cause in causes]))
    if cure.proof is None:
        none = not any(cause.id in AGAINST for cause in causes) or any(cause.id in REFUSES for cause in causes)
        return f"{named} found, {'no remedy known' if none else 'nothing tried yet'}"
    best = cure.proof.best
    return f"{named} found, and a remedy proven: {best}" if best else f"{named} found, no remedy proven"


def _the_run(cure: Cure) -> list[str | Rows | Picture]:
    recipe, diagnosis, results = cure.recipe, cure.diagnosis, cure.before.results
    split = "test" if "test" in results else diagnosis.split
    measured = joined([f"{name} {short(value)}" for name, value in results[split].items()])
    learns = "It learns" if diagnosis.learns else "It does not learn"
    return [
        Rows([
            ("network", network_in_words(recipe.network)),
            ("data", repr(recipe.data.source).removesuffix("()") if recipe.data else "handed over"),
            ("training", training_in_words(recipe)),
        ]),
        f"{learns}: its best {diagnosis.split} loss is {short(diagnosis.loss or 0.0)}, that of the best constant "
        f"prediction {short(diagnosis.constant or 0.0)}. On the {split} set: {measured}.",
    ]  # fmt: skip


def _diagnosis(cure: Cure) -> list[str | Rows | Picture]:
    cause = cure.diagnosis.cause
    if cause is None and cure.diagnosis.learns:
        return ["Healthy: the network learns, and no rule found anything that keeps it from learning.", _flow(cure)]
    if cause is None:
        return ["No rule found what keeps it from learning. Rules that are not written yet see nothing.", _flow(cure)]
    hands = [f"By hand: {said}" for said in by_hand(cure.diagnosis).values()]
    return [*(finding_in_words(one, one.cause) for one in cure.diagnosis.causes), *hands, _flow(cure)]


def _flow(cure: Cure) -> Picture:
    """Gradient flow as bars, before and after on one scale."""
    portraits = {"before": cure.before} | ({"after": cure.after} if cure.after else {})
    logs = {name: [float(np.log10(max(g, LEAST))) if np.isfinite(g) else np.nan for _, g, _ in portrait.flow]
            for name, portrait in portraits.items()}  # fmt: skip
    every = [value for values in logs.values() for value in values if np.isfinite(value)]
    if not every:
        return Picture("flow")
    low, high = min(every), max(every)
    lines = [f"{name:<7} {text_levels(values, low, high)}" for name, values in logs.items()]
    return Picture("flow", "\n".join([
        f"log10 ‖dL/dh‖ behind each layer, from the input to the output: {fixed(low, 1)} to {fixed(high, 1)}", *lines,
    ]))  # fmt: skip


def _trial(proof: Proof) -> list[str | Rows | Picture]:
    rules, places = proof.trial, places_for(proof.smallest)
    looks = f" Arms without hope are dropped after {joined([str(n) for n in rules.looks])} seeds." * bool(rules.looks)
    reasons: dict[str, list[str]] = {}
    for name, reason in proof.refused.items():
        reasons.setdefault(reason, []).append(name)
    refused = [f"Not tried: {joined(names)}: {reason}" for reason, names in reasons.items()]
    if proof.budget and not proof.verdicts:
        return [*_budget(proof), *refused]
    return [
        f"Stated before: {rules.seeds} seeds an arm, paired; judged by {proof.split} loss at the end of training. "
        f"Proven is what is better than the tuned control by at least {fixed(proof.smallest, places)} "
        f"({rules.smallest:.0%} of the best constant's loss), by interval and sign test, at an error of "
        f"{rules.alpha:g} over all arms.{looks}",
        Rows(arms(proof), COLUMNS, "lrrlrrrl", breaks=(0,)),
        Picture("effects"),
        " ".join([*LEGEND, *_eliminated(proof)]),
        *_budget(proof),
        *refused,
    ]


def _budget(proof: Proof) -> list[str]:
    """What time there was, what it was spent on, and where it ended."""
    if proof.budget is None:
        return []
    given, rules = proof.budget, proof.trial
    told = (
        f"Budget: {given.seconds:.0f} s, of which {given.spent:.0f} s were spent. A run was estimated at "
        f"{given.costs.run:.2g} s, what is new in an arm at {given.costs.compile:.2g} s to compile: so there are "
        f"{len(rules.factors)} factors on {rules.tuning_seeds} tuning seeds, {rules.randoms} random edits, "
        f"{rules.seeds} seeds."
    )
    return [told, *([f"{capital(given.ended)}."] if given.ended else [])]


LEGEND = (
    "rate: factor on the learning rate, tuned for each arm. loss: mean ± standard deviation over the seeds.",
    "better by: than the tuned control (learning-rate-alone: than as it is), and the interval of confidence 1 − level.",
    "p: sign test. flow: change of ‖dL/dh‖ from the output to the input in decades per 10 layers.",
    "sham: the control again by another path of chance. A random edit has no reason:",
    "one that is proven may truly help, but is not offered.",
)


def _eliminated(proof: Proof) -> list[str]:
    seeds = {len(verdict.differences) for verdict in proof.verdicts.values() if verdict.word == ELIMINATED}
    return [f"Eliminated arms ran {joined([str(count) for count in sorted(seeds)])} seeds."] if seeds else []


def arms(proof: Proof) -> list[tuple[str, ...]]:
    """A row of text for every arm: what it is held against, remedies from the best on, sham, random edits."""
    rows = [_arm(proof, name) for name in (ORIGINAL, CONTROL, *arm_order(proof))]
    first = next((i for i, row in enumerate(rows) if row[0].startswith(RANDOM)), None)
    if first is not None:
        rows.insert(first, ("random edits:", *[""] * (len(COLUMNS) - 1)))
    return [(f"· {row[0].removeprefix(RANDOM)}" if row[0].startswith(RANDOM) else row[0], *row[1:]) for row in rows]


def arm_order(proof: Proof) -> list[str]:
    """The judged arms: remedies, the sham, random edits, each from the least loss on."""

    def place(name: str) -> tuple[int, float]:
        kind = 3 if name.startswith(RANDOM) else 2 if name == SHAM else 1
        return kind, float(np.mean(proof.arms[name].losses))

    return sorted(proof.verdicts, key=place)


def _arm(proof: Proof, name: str) -> tuple[str, ...]:
    arm, verdict, places = proof.arms[name], proof.verdicts.get(name), places_for(proof.smallest)
    seeds = len(verdict.differences) if verdict else len(arm.losses)
    losses = arm.losses[:seeds]
    loss = f"{fixed(float(np.mean(losses)), places)} ± {fixed(float(np.std(losses, ddof=1)), places)}"
    told = (name, f"{arm.factor:g}", loss)
    if verdict is None:
        return *told, "", "", "", decades(arm.decades), ""
    lost = decades(arm.decades[:seeds])
    return *told, effect(verdict, places), f"{verdict.level:.4f}", f"{verdict.p:.3f}", lost, verdict.word


def effect(verdict: Verdict, places: int) -> str:
    """`+2.11 [+2.08, +2.14]`."""
    low, high = (signed(value, places) for value in (verdict.low, verdict.high))
    return f"{signed(verdict.effect, places)} [{low}, {high}]"


def _cure(cure: Cure, proof: Proof) -> list[str | Rows | Picture]:
    if cure.cured is None or cure.after is None:
        tried = [name for name in proof.verdicts if name in proof.remedies and not name.startswith(RANDOM)]
        nearest = max(tried, key=lambda name: proof.verdicts[name].effect, default=None)
        if nearest is None or (proof.budget and proof.budget.ended):
            return [capital(f"{proof.budget.ended}.") if proof.budget else "No remedy could be tried."]
        shown = effect(proof.verdicts[nearest], places_for(proof.smallest))
        return [f"No remedy is proven; nearest came {nearest}: {shown}. The recipe stays as it is."]
    remedy = proof.remedies[proof.best or proof.proven[0]]
    edits = edits_in_words(remedy.edits) or ["nothing but the learning rate"]
    rate = f"{rate_in_words(cure.recipe)} → {rate_in_words(cure.cured)}"
    facts = [("remedy", remedy.name), ("reason", remedy.reason), ("cost", remedy.cost),
             ("refuted by", remedy.refuted_by), ("the map", remedy.doubt),
             *(("edit" * (i == 0), text) for i, text in enumerate(edits)), ("learning rate", rate),
             ("network now", network_in_words(cure.cured.network))]  # fmt: skip
    after, also = cure.after.results, proof.proven[1:]
    for split, values in cure.before.results.items():
        changes = [f"{name} {short(value)} → {short(after[split][name])}" for name, value in values.items()]
        facts.append((split, ", ".join(changes)))
    return [
        Rows([fact for fact in facts if fact[1]]),
        Picture("curves"),
        *([f"Also proven: {joined(also)}."] if also else []),
        *([_ablation(proof.ablation, places_for(proof.smallest))] if proof.ablation else []),
    ]


def _ablation(found: Ablation, places: int) -> str:
    """Which parts of the bundle are needed, and what each left out costs."""
    steps = [f"without {one.without} {fixed(one.loss, places)}{' (left out)' * one.stays_out}" for one in found.steps]
    return f"Of all repairs together, loss {fixed(found.whole, places)}: {joined(steps)}. Kept: {joined(found.kept)}."


def _map(cure: Cure, subject: Map) -> list[str | Rows | Picture]:
    cause = cure.diagnosis.cause
    found = statements(cure, subject)
    if cause is None or not found:
        return [f"{subject.title} has no edge at {cause.concept if cause else 'it'}."]
    concepts = dict.fromkeys(one.concept for one in cure.diagnosis.causes)
    defined = [f"{one.title}: {one.definition}" for one in subject.concepts if one.name in concepts]
    rows = [(one.text, text) for one in found for text in one.notes or ("not measured here",)]
    rows = [(text if i == 0 or rows[i - 1][0] != text else "", said) for i, (text, said) in enumerate(rows)]
    told = "Measured here: held-out loss, and the change of ‖dL/dh‖ in decades per 10 layers, control → remedy."
    return [*defined, Picture("map"), Rows(rows), *([told] if cure.proof else [])]
