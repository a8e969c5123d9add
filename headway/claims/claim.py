"""A claim: one statement of the map, what is measured, and what its numbers would have to show; and the verdict."""

from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Literal

from pydantic import Field

from headway.claims.condition import Condition, Judged, Numbers
from headway.spec.error import HeadwayError
from headway.spec.node import Spec, spec

Check = Literal["structural", "identity", "experiment", "convention", "ill-typed"]
Word = Literal["supported", "conditional", "inconclusive", "refuted", "convention", "not applicable", "pending"]
Id = Annotated[str, Field(pattern=r"^[RXCFHN]\d\d$")]


@spec
class Limit(Spec):
    """A setting in which the claim fails, in words; and the condition that shows it, where one was measured."""

    said: str
    _: KW_ONLY
    shown_by: Condition | None = None


@spec
class Claim(Spec):
    """A statement of the map with its check, written down before the check is run.

    id              its number in the list of claims, such as R11
    says            the statement in the words of the document that made it
    check           structural (asked of the code), identity (exact, to a tolerance), experiment (control and treatment
                    on paired seeds), convention ("standard", "best": only a proxy can be measured), ill-typed (wrong
                    as worded)
    design          the name of the design whose arms are measured
    needs           what the numbers have to show; of an ill-typed claim, what shows that it is wrong
    control         manipulation checks: what must hold for the needs to mean anything
    sham            what must come out the same, since nothing was changed that matters
    limits          where it fails though its words cover it: any that is shown makes the verdict "conditional"
    counterexample  where it fails outside of its scope
    scope           width, depth, initialization, optimizer, data: what the verdict is about
    remark          what else there is to say: of a conditional one, the condition in words
    replaced_by     claims that say it right
    pending         why it cannot be measured yet
    """

    id: Id
    _: KW_ONLY
    says: str
    check: Check
    design: str = ""
    needs: tuple[Condition, ...] = ()
    control: tuple[Condition, ...] = ()
    sham: tuple[Condition, ...] = ()
    limits: tuple[Limit, ...] = ()
    counterexample: Limit | None = None
    scope: str = ""
    remark: str = ""
    replaced_by: tuple[Id, ...] = ()
    pending: str = ""

    def __post_init__(self) -> None:
        if not self.pending and not (self.design and self.needs):
            raise HeadwayError("needs", f"{self.id} needs a design and a condition", self.needs, "Or say why pending.")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All that is judged."""
        limits = (*self.limits, *([self.counterexample] if self.counterexample else []))
        shown = tuple(limit.shown_by for limit in limits if limit.shown_by is not None)
        return (*self.needs, *self.control, *self.sham, *shown)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms of the design whose numbers it takes."""
        return tuple(dict.fromkeys(arm for condition in self.conditions for arm in condition.arms()))


@dataclass(frozen=True)
class Verdict:
    """What the numbers say of a claim, why, and every condition as it was judged."""

    word: Word
    because: str
    needs: tuple[Judged, ...] = ()
    control: tuple[Judged, ...] = ()
    sham: tuple[Judged, ...] = ()
    limits: tuple[tuple[str, Judged], ...] = ()
    counterexample: Judged | None = None


def verdict(claim: Claim, numbers: Numbers) -> Verdict:
    """The verdict on a claim: a function of what was written down before and of what was measured.

    Where a manipulation check fails the claim was not put to the test: not applicable. Where the sham shows an effect
    nothing can be told: inconclusive. All needs met: supported, or conditional where a limit is shown; any not
    met: refuted. A convention is never more than that; an ill-typed claim is refuted by what shows it to be so.
    """
    if claim.pending:
        return Verdict("pending", claim.pending)
    needs, control, sham = ([c.judge(numbers) for c in part] for part in (claim.needs, claim.control, claim.sham))
    limits = [(limit.said, limit.shown_by.judge(numbers)) for limit in claim.limits if limit.shown_by is not None]
    word, because = _decided(claim, needs, control, sham, [said for said, one in limits if one.answer == "yes"])
    against = claim.counterexample.shown_by if claim.counterexample else None
    return Verdict(word, because, tuple(needs), tuple(control), tuple(sham), tuple(limits),
                   None if against is None else against.judge(numbers))  # fmt: skip


def _decided(
    claim: Claim, needs: list[Judged], control: list[Judged], sham: list[Judged], limits: list[str]
) -> tuple[Word, str]:
    missed = next((one for one in control if one.answer != "yes"), None)
    if missed is not None:
        return "not applicable", f"the control does not show it: not sure that {missed.said}"
    if (apart := next((one for one in sham if one.answer != "yes"), None)) is not None:
        return "inconclusive", f"the sham, which changes nothing, is not sure to: {apart.said}"
    failed = next((one for one in needs if one.answer == "no"), None)
    undecided = next((one for one in needs if one.answer == "open"), None)
    if claim.check == "convention":
        word = "the proxy fails" if failed else "the proxy is undecided" if undecided else "the proxy holds"
        return "convention", f"{word}: {(failed or undecided or needs[0]).said}"
    if claim.check == "ill-typed":
        return ("inconclusive", "what would show it wrong is not shown") if failed or undecided else \
            ("refuted", "as worded it is wrong")  # fmt: skip
    if failed:
        return "refuted", f"{failed.reason}: not {failed.said}"
    if undecided:
        return "inconclusive", f"open: {undecided.said}"
    return ("conditional", "; ".join(limits)) if limits else ("supported", needs[0].said)


def points(claim: Claim, numbers: Numbers) -> bool:
    """Whether a quick look points the way of the claim: its needs' direction, and the manipulation checks."""
    return all(condition.points(numbers) for condition in (*claim.needs, *claim.control))
