"""What the tests of the doctor share: one sick network, cured once."""

import pytest

from headway.data.bundled import Wine
from headway.data.dataset import Data
from headway.doctor import cure as cures
from headway.doctor.trial import Trial
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.network.activations import Sigmoid
from headway.training.recipe import Evaluation, Recipe

SICK = Recipe(
    mlp((8,) * 5, 3, activation=Sigmoid()),
    data=Data(Wine(), validation=0.3, test=0.1),
    loss=CrossEntropy(),
    optimizer=Adam(2e-3),
    batch_size=16,
    length=60,
    evaluation=Evaluation(20),
)
TRIAL = Trial(factors=(1.0, 3.0), tuning_seeds=1, randoms=1)


@pytest.fixture(scope="session")
def told():
    """What the cure said it was doing."""
    return []


@pytest.fixture(scope="session")
def cured(tmp_path_factory, told):
    """The cure of the sick network, and its folder; norms, which take longest to compile, are not tried."""
    folder, offered = tmp_path_factory.mktemp("cure") / "runs", cures.remedies
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cures, "remedies", lambda *a: [one for one in offered(*a) if "normalization" not in one.name])
        return cures.cure(SICK, trial=TRIAL, out=folder, tell=told.append), folder
