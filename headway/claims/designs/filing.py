"""Where the hierarchy files concepts, against what the map, the classes and the demonstrations know of them."""

import functools
import inspect
import re
from types import ModuleType
from typing import NamedTuple

from headway.claims.design import Exact, Measures
from headway.concepts.catalog import deep_learning, resolved
from headway.concepts.course import Entry
from headway.concepts.graph import Concept
from headway.demonstrations import (
    activation,
    architecture,
    context,
    gradient,
    loss,
    normalization,
    optimization,
    regularization,
    scale,
    schedule,
    skip,
)
from headway.learning.losses import Loss
from headway.learning.optimizers.optimizer import Optimizer
from headway.learning.schedules.schedule import Schedule
from headway.network.layer import Activation
from headway.network.normalization import Normalization
from headway.network.residual import Residual
from headway.spec.error import HeadwayError

DEMONSTRATIONS: tuple[ModuleType, ...] = (
    activation, architecture, context, gradient, loss, normalization, optimization, regularization, scale, schedule,
    skip,
)  # fmt: skip
MAP = deep_learning()


class Subject(NamedTuple):
    """What a heading of the hierarchy speaks of.

    group     the group of the drawing with the same subject
    concept   the concept that the heading names, of which its entries may be kinds; "" where they may not
    kind      the class of everything of that kind; None where there is none
    """

    group: str
    concept: str = ""
    kind: type | None = None


SUBJECTS = {
    "NETWORK ARCHITECTURE": Subject("architecture"),
    "ACTIVATION FUNCTIONS": Subject("activation", "activation-function", Activation),
    "LOSS FUNCTIONS": Subject("loss", "loss-function", Loss),
    "GRADIENT FLOW": Subject("gradient"),
    "OPTIMIZATION": Subject("optimization", "optimizer", Optimizer),
    "LR SCHEDULING": Subject("schedule", "lr-schedule", Schedule),
    "REGULARIZATION": Subject("regularization", "regularization"),
    "NORMALIZATION": Subject("normalization", "normalization", Normalization),
    "RESIDUAL CONNECTIONS": Subject("skip", "residual-connection", Residual),
    "TRAINING AT SCALE": Subject("scale", "large-scale-training"),
}
COMPARED = {"Pre-LN vs Post-LN": ("headway.models.transformer.pre_ln", "headway.models.transformer.post_ln")}
"""Entry of the hierarchy that is no concept of the map → the names of its code."""


def name_of(heading: str, entry: str) -> str:
    """How the arm of an entry is called."""
    return f"{heading} / {entry}"


def filed(heading: str, entry: Entry) -> Measures:
    """What is known of an entry of the hierarchy, 1 for yes and 0 for no, and counts."""
    concept = None if entry.concept is None else MAP.concept(entry.concept)
    subject, names = SUBJECTS[heading], COMPARED[entry.title] if concept is None else concept.api
    code = [leads(name) for name in names]
    measures = {
        "names": 1.0 if concept else len(re.split(r" vs ", entry.title)),
        "on the map": concept is not None and not concept.proposed,
        "code": bool(code) and None not in code,
        "demonstrated": concept is not None and demonstrated(concept),
        "group": concept is not None and concept.group == subject.group,
        "a failure": concept is not None and concept.type == "failure",
        "headings": sum(entry.title == other.title for one in MAP.hierarchy for other in one.entries),
    }
    if subject.kind is not None:
        kind = subject.kind
        measures["kind"] = bool(code) and all(inspect.isclass(part) and issubclass(part, kind) for part in code)
    if concept is not None and subject.concept:
        measures["drawn below"] = drawn_below(subject.concept, concept)
    return {name: float(value) for name, value in measures.items()}


def leads(name: str) -> object | None:
    """The code of a dotted name, or the name itself where it is a field without a value; None for none."""
    try:
        part = resolved(name)
    except HeadwayError:
        return None
    return name if part is None else part


def demonstrated(concept: Concept) -> bool:
    """Whether a demonstration has the concept's name."""
    return any(hasattr(part, concept.name.replace("-", "_")) for part in DEMONSTRATIONS)


def drawn_below(above: str, concept: Concept) -> bool:
    """Whether an edge of the drawing says that a concept is a kind, technique or variant of the one above."""
    return any(edge.pair == (above, concept.name) and MAP.relation(edge.relation).family == "taxonomy"
               for edge in MAP.edges)  # fmt: skip


def prevented() -> Measures:
    """What the objects of `prevents` are: of Regularization → Loss Landscape, and of all other statements."""
    objects = {edge.pair: MAP.concept(edge.target).type for edge in MAP.edges if MAP.word(edge) == "prevents"}
    here = objects.pop(("regularization", "loss-landscape"))
    failures = [type == "failure" for type in objects.values()]
    return {
        "a failure": float(here == "failure"),
        "others": len(failures),
        "others that are": sum(failures) / len(failures),
    }


DESIGNS = {
    "hierarchy": Exact(
        "Every entry of the hierarchy under its heading. `names`: things that its title names; `on the map`, `code`, "
        "`demonstrated`: whether it is a concept of the source's drawing, whether all names of its code lead to code, "
        "whether there is a demonstration; `group`: whether the drawing has it in the group of the heading's subject; "
        "`kind`: whether its code is of the class that the heading names; `drawn below`: whether the drawing has it as "
        "a kind of what the heading names; `a failure`: whether its type is that; `headings`: under how many it is.",
        {
            name_of(heading.title, entry.title): functools.partial(filed, heading.title, entry)
            for heading in MAP.hierarchy
            for entry in heading.entries
        },
    ),
    "types": Exact(
        "Statements with `prevents`, by the types of concepts on the map. `a failure`: whether the Loss Landscape is "
        "one; `others`: other statements of the relation; `others that are`: the share whose object is one.",
        {"prevents": prevented},
    ),
}
