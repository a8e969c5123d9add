"""A rule: a test for one cause, which parts of a case it needs, and where it is from."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Literal

from headway.doctor.before import Before
from headway.doctor.case import Case, Known
from headway.doctor.finding import Finding, Seen

Look = Callable[[Known], Seen]
Stage = Literal["data and pairing", "initialization and scale", "first steps", "trend"]
STAGES: tuple[Stage, ...] = ("data and pairing", "initialization and scale", "first steps", "trend")
"""In causal order: what comes first can bring about what comes later."""
PAIRING = (
    "data-faults labels-shuffled no-signal output-loss-mismatch unscaled-features unscaled-targets loss-reduction "
    "gradient-sign"
)
INITIAL = (
    "initial-symmetry initial-scale missing-nonlinearity unreached-parameters examples-mixed schedule-length batch-size"
)
FLOW = "over-regularised dying-relu vanishing-gradient exploding-gradient saturation unstable-start"
TREND = "learning-rate-high learning-rate-low oscillation non-finite too-few-steps"
"""Ids of rules whose causes bring about most of what is seen later, by stage."""
BEFORE = {"recipe", "dataset", *(name for name, part in vars(Before).items() if isinstance(part, cached_property))}
"""The parts of a case that are there before anything is trained."""


@dataclass(frozen=True)
class Rule:
    """A test for one cause.

    id        what it is called in reports, to be suppressed by, and its page's name
    cause     what it looks for, in words
    concept   the concept on the map that the cause belongs to
    needs     parts of a `Case` without any of which it says "not seen"; `signals:silent` is one statistic of its
              signals, `outset|alignment` either part
    follows   ids of rules whose causes bring this one about: where one is found, this is only noticed
    look      the test; its docstring says what is looked at, why, and the paper or book that it is from
    """

    id: str
    cause: str
    concept: str
    stage: Stage
    needs: tuple[str, ...]
    follows: tuple[str, ...]
    look: Look

    def __call__(self, case: Case) -> Finding:
        """What the rule says of a case."""
        lacking = [name.removeprefix("signals:") for name in self.needs if not known(case, name)]
        seen = Seen("not seen", (f"Not measured: {', '.join(lacking)}.",)) if lacking else self.look(case)
        return Finding(**asdict(seen), id=self.id, cause=self.cause, concept=self.concept)

    @property
    def preflight(self) -> bool:
        """Whether it can be asked before anything is trained."""
        return all(BEFORE & set(need.split("|")) for need in self.needs)


def known(case: Case, need: str) -> bool:
    """Whether a case has this part, or this statistic of its signals, or one of several."""
    if "|" in need:
        return any(known(case, one) for one in need.split("|"))
    part, _, statistic = need.partition(":")
    return case.measured(statistic) if statistic else getattr(case, part) is not None


def rule(id: str, cause: str, *, concept: str, stage: Stage, needs: str, follows: str = "") -> Callable[[Look], Rule]:
    """Make a rule of the function below; `needs` and `follows` are names with spaces between."""
    return lambda look: Rule(id, cause, concept, stage, tuple(needs.split()), tuple(follows.split()), look)
