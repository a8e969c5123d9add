"""The form of a remedy: an edit of a recipe, the edge of the map it follows, its reason, cost and refutation."""

from dataclasses import KW_ONLY
from typing import NamedTuple

from headway.data.dataset import Dataset
from headway.doctor.case import Case
from headway.doctor.finding import Finding
from headway.doctor.remedies.blocks import Block, hidden_blocks
from headway.network.initialization import Shape
from headway.spec.edit import Edit
from headway.spec.node import Spec, spec
from headway.training.recipe import Recipe


@spec
class Remedy(Spec):
    """An edit of a recipe that may cure it.

    edits     what changes; none where only the learning rate is tuned, which every arm of a proof does
    edge      the edge of the map it follows, (source, relation, target); none for a random one
    reason    why it may help
    cost      what it costs
    refuted_by   what would show that it is not for its reason that it helps, or that it does not
    causes    ids of the rules whose causes it is offered against
    doubt     what the map's own measurements say against its edge; empty where they do not
    parts     of several remedies in one: their names
    """

    edits: tuple[Edit, ...]
    _: KW_ONLY
    name: str
    edge: tuple[str, ...] = ()
    reason: str = ""
    cost: str = ""
    refuted_by: str = ""
    causes: tuple[str, ...] = ()
    doubt: str = ""
    parts: tuple[str, ...] = ()


class Patient(NamedTuple):
    """What a chapter of remedies looks at: a recipe with its data, what was measured, and what one rule found."""

    recipe: Recipe
    data: Dataset
    finding: Finding
    case: Case

    @property
    def inputs(self) -> Shape:
        """The shape of one example."""
        return self.data.input_shape

    @property
    def blocks(self) -> list[Block]:
        """The hidden dense layers with their activations."""
        return hidden_blocks(self.recipe.network, self.inputs, "network")


RATE_ALONE = Remedy(
    (),
    name="learning-rate-alone",
    edge=("optimizer", "uses", "learning-rate"),
    reason="A rate that does not suit the network looks like many other faults: rule it out first.",
    cost="nothing",
    refuted_by="The recipe at its best rate is no better than as it is.",
)
NOTHING = "nothing"
NORM = "two parameters a unit, about 8 operations an activation"
