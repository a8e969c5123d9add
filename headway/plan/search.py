"""The search for the mesh, the recompute and the micro-batches with the least planned time of an update.

Every mesh of the devices is tried with every recompute and every number of micro-batches: what cannot run is refused,
what cannot fit is left out as traced, and the fastest of the rest are compiled, whose figures decide.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from headway.data.dataset import Dataset
from headway.network.compose import expect_copies
from headway.network.recompute import Recompute, RecomputeAll
from headway.plan.devices import Device
from headway.plan.held import Held
from headway.plan.links import reach
from headway.plan.plan import MARGIN, Plan, traced, with_compiled
from headway.plan.vendor import expect_compiler
from headway.scale.mesh import Mesh
from headway.scale.strategy import ZERO_3, Strategy
from headway.spec.error import HeadwayError
from headway.training.job import expect_mesh, prepare
from headway.training.recipe import Recipe

COMPILED = 4
"""How many that fit are compiled, unless told otherwise."""
KEPT = 0.75
"""The share of traced activations below which no compiler is expected to come: what needs more than fits is pruned."""


@dataclass(frozen=True)
class Booked:
    """Devices of one kind, and what is divided on them along which side."""

    count: int
    device: Device
    strategy: Strategy = ZERO_3


@dataclass(frozen=True)
class Found:
    """What a search found; a candidate is a plan, with its own recipe and mesh.

    fitting   with the figures that decide, the fastest first: compiled, or traced where nothing was to be compiled
    large     that the compiler says do not fit
    waiting   that were not compiled, the fastest as traced first
    refused   what must hold → of how many it does not
    pruned    how many do not fit as traced, or keep more than one that does not on the same mesh
    """

    fitting: tuple[Plan, ...] = ()
    large: tuple[Plan, ...] = ()
    waiting: tuple[Plan, ...] = ()
    refused: dict[str, int] = field(default_factory=dict)
    pruned: int = 0

    @property
    def tried(self) -> int:
        """How many candidates there were."""
        return sum(map(len, (self.fitting, self.large, self.waiting))) + sum(self.refused.values()) + self.pruned


def search(
    recipe: Recipe,
    booked: Booked,
    *,
    compile: int = COMPILED,
    vendor: bool = False,
    told: Callable[[Plan], None] = lambda _: None,
) -> Found:
    """The fastest ways to compute the recipe's update on these devices: data × fsdp × tensor, recompute, accumulate.

    compile   until so many fit, the fastest as traced are compiled; 0: none, the traced figures decide
    vendor    by the compiler of the devices' vendor, which is to be installed; else by that of a CPU
    told      called with every plan that was compiled

    The time of an update is the sum of the parts of `Plan.seconds`, as if nothing went on beside anything else.
    """
    if vendor:
        expect_compiler(booked.device, booked.count)
    plans, refused = candidates(recipe, booked)
    queue = ranked([one for one in plans if may_fit(one)])
    pruned = len(plans) - len(queue)
    if not compile:
        traced_fit = tuple(one for one in queue if one.fits)
        return Found(traced_fit, refused=refused, pruned=pruned + len(queue) - len(traced_fit))
    fitting, large = list[Plan](), list[Plan]()
    while queue and len(fitting) < compile:
        made = with_compiled(queue.pop(0), vendor=vendor)
        told(made)
        if made.fits:
            fitting.append(made)
            continue
        large.append(made)
        left = [one for one in queue if not keeps_more(one, made)]
        pruned, queue = pruned + len(queue) - len(left), left
    return Found(tuple(ranked(fitting)), tuple(large), tuple(queue), refused, pruned)


def candidates(recipe: Recipe, booked: Booked) -> tuple[list[Plan], dict[str, int]]:
    """All that can run, as traced; and what must hold → of how many it does not. Traced once for all meshes."""
    found, refused, arrays = list[Plan](), Counter[str](), dict[Mesh, tuple[Held, ...]]()
    data, grids = prepare(recipe, anyway=True).dataset, [*meshes(booked)]
    for part in recipes(recipe):
        reasons = {mesh: _reason(part, data, mesh) for mesh in grids}
        running = [mesh for mesh, reason in reasons.items() if not reason]
        refused += Counter(filter(None, reasons.values()))
        try:
            update = traced(part, data) if running else None
        except HeadwayError as error:
            refused[_shortly(error)] += len(running)
            continue
        for mesh in running:
            assert update is not None
            plan = update.on(mesh, booked.device, arrays.get(mesh))
            arrays[mesh] = plan.arrays
            found.append(plan)
    return found, dict(refused.most_common())


def meshes(booked: Booked) -> Iterator[Mesh]:
    """data × fsdp × tensor devices, `tensor` within a machine; `fsdp` where the strategy divides anything along it."""
    for tensor in divisors(booked.count):
        for fsdp in divisors(booked.count // tensor):
            mesh = Mesh(booked.count // tensor // fsdp, fsdp=fsdp, tensor=tensor, strategy=booked.strategy)
            near = reach(["tensor"], mesh.sizes, booked.device.neighbours).machines == 1
            if near and (fsdp == 1 or _divides(booked.strategy)):
                yield mesh


def recipes(recipe: Recipe) -> Iterator[Recipe]:
    """The recipe with every recompute and in every number of micro-batches: the update is the same, to rounding."""
    for recompute in recomputes(recipe):
        for accumulate in divisors(recipe.batch_size):
            yield replace(recipe, recompute=recompute, accumulate=accumulate)


def recomputes(recipe: Recipe) -> list[Recompute | None]:
    """That of the recipe, none, and where the network repeats a block all of it."""
    try:
        expect_copies(recipe.network, RecomputeAll())
    except HeadwayError:
        return [None]
    return list(dict.fromkeys([recipe.recompute, None, RecomputeAll()]))


def divisors(number: int) -> list[int]:
    """From 1 to the number itself."""
    return [n for n in range(1, number + 1) if number % n == 0]


def ranked(plans: list[Plan]) -> list[Plan]:
    """The fastest first; of equals, that which needs the least memory."""
    return sorted(plans, key=lambda one: (seconds(one), one.peak))


def seconds(plan: Plan) -> float:
    """Of an update, as if nothing went on beside anything else."""
    return sum(plan.seconds.values())


def may_fit(plan: Plan) -> bool:
    """Whether the device has room for what any program must hold: the state, and most activations, were `tensor` to
    divide them all."""
    assert plan.device is not None
    least = plan.states + KEPT * plan.activations / plan.mesh.tensor
    return least * (1 + MARGIN) <= plan.device.memory


def keeps_more(plan: Plan, other: Plan) -> bool:
    """Whether it keeps as much as the other or more, on the same mesh."""
    return plan.mesh == other.mesh and plan.activations >= other.activations


def edits(recipe: Recipe, found: Plan) -> dict[str, object]:
    """Field → value: what of the recipe is to be changed for this plan."""
    names = ("accumulate", "recompute")
    return {name: getattr(found.recipe, name) for name in names if getattr(found.recipe, name) != getattr(recipe, name)}


def _divides(strategy: Strategy) -> bool:
    return any(side == "fsdp" for rules in (strategy.parameters, strategy.gradients, strategy.optimizer)
               for _, side in rules)  # fmt: skip


def _reason(recipe: Recipe, data: Dataset, mesh: Mesh) -> str:
    """Why the recipe cannot run on this mesh; nothing where it can."""
    try:
        expect_mesh(recipe, data, mesh)
    except HeadwayError as error:
        return _shortly(error)
    return ""


def _shortly(error: HeadwayError) -> str:
    """`mesh: must divide the n examples`: the same for all numbers."""
    return re.sub(r"\d[\d,]*", "n", f"{error.where}: {error.must}")
