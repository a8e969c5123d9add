"""Designs: what the quick tier of the claims leaves out, since it has no direction."""

import pytest

from headway.claims.design import Arm, Swept, Trained
from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.training.recipe import Evaluation, Recipe

RECIPE = Recipe(
    mlp((8,), 10), data=Data(Digits()), loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=64, length=5,
    evaluation=Evaluation(5),
)  # fmt: skip
DESIGNS = {
    "trained": Trained(
        "", {"arm": Arm(RECIPE), "sham": Arm(RECIPE, sham=True)}, lambda run: {"loss": run.results["train"]["loss"]}
    ),
    "swept": Swept(
        "", {"arm": RECIPE}, {"optimizer/learning_rate": (0.1,)},
        lambda runs: {"loss": runs[0].results["train"]["loss"]}, shams={"sham": "arm"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DESIGNS)
def test_a_sham_begins_where_its_arm_does_and_goes_another_way(kind):
    arm, sham = (DESIGNS[kind].measure(name, range(2), "full").numbers["loss"] for name in ("arm", "sham"))
    for one, other in zip(arm, sham, strict=True):
        assert one != other
        assert abs(one - other) < 0.2
