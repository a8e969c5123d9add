"""All faults, and the programs that they make of the bases: recipes, each with what is known of it."""

from dataclasses import dataclass

from headway.doctor.faults.bases import Base, bases
from headway.doctor.faults.families import examples, networks, training
from headway.doctor.faults.fault import Fault
from headway.spec.error import HeadwayError, did_you_mean
from headway.training.recipe import Recipe

FAULTS: tuple[Fault, ...] = (*examples.FAULTS, *networks.FAULTS, *training.FAULTS)


@dataclass(frozen=True)
class Program:
    """A recipe on the seed that it is looked at with, and what is known of it.

    causes    ids of the rules that name its cause rightly; none where it is healthy
    harm      what is spoiled, and on which split it shows: see `Fault`
    rival     whether a healthy one is held against scikit-learn in place of its base
    """

    id: str
    base: Base
    recipe: Recipe
    family: str
    causes: tuple[str, ...] = ()
    harm: str = "loss"
    split: str = "validation"
    rival: bool = False

    @property
    def healthy(self) -> bool:
        """Whether there is nothing wrong with it."""
        return not self.causes


def faulty(set: str | None = None) -> tuple[Program, ...]:
    """Every fault in every base that it is put into, of one set or of all."""
    known = {base.id: base for base in bases(set)}
    return tuple(
        Program(f"{fault.id}@{name}", known[name], fault.into(known[name].recipe), fault.family, fault.causes,
                fault.harm, fault.split)
        for fault in FAULTS for name in fault.on if name in known
    )  # fmt: skip


def program(id: str) -> Program:
    """One program by its id, `weights-0@wine-mlp`; an unknown one gets the nearest."""
    known = {one.id: one for one in faulty()}
    if id not in known:
        raise HeadwayError("program", "no program of this id", repr(id), did_you_mean(id, known))
    return known[id]
