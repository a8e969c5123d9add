"""The whole way from a sick network to a recipe that is proven better."""

import json
from dataclasses import replace
from types import SimpleNamespace

from headway.doctor import cure as cures
from headway.doctor.cure import SAMPLES, Cure, Portrait, cure
from headway.doctor.trial import Arm
from headway.learning.optimizers.adaptive import Adam
from headway.models.mlp import mlp
from headway.network.activations import Softmax
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Normal
from headway.signals.probe import Watch
from headway.spec.json import load
from headway.training.job import mistakes
from headway.training.run import Run
from headway.training.train import train
from tests.doctor.conftest import SICK, TRIAL


def test_the_sick_network_is_cured(cured):
    found, _ = cured
    assert found.diagnosis.cause.concept == "vanishing-gradient"
    assert found.cured == replace(found.proof.arms[found.proof.proven[0]].recipe, watch=SICK.watch)
    assert found.after.results["validation"]["loss"] < 0.5 * found.before.results["validation"]["loss"]
    assert train(found.cured).results == found.after.results
    decades = [portrait.flow[-1][1] / portrait.flow[0][1] for portrait in (found.before, found.after)]
    assert decades[0] > 100 * decades[1]


def test_the_folder_holds_both_runs_and_the_recipe(cured):
    found, folder = cured
    assert {path.name for path in folder.iterdir()} == {"before", "after", "cured.json"}
    assert load(folder / "cured.json") == found.cured
    for name, portrait in (("before", found.before), ("after", found.after)):
        run = Run.load(folder / name)
        assert Portrait.of(run) == portrait
        assert len(run.history.signals) == SAMPLES
        assert [step for step, _ in portrait.curve] == [20, 40, 60]
    assert [address for address, *_ in found.before.flow] == [str(i) for i in (2, 4, 6, 8, 10, 11)]


def test_it_says_what_it_does(cured, told):
    assert told[0] == "training the recipe as it is"
    assert "tuning the learning rate of residual" in told
    assert "seeds 1 to 5 of sham" in told
    assert told[-1] == "training the cured recipe"


def test_a_cure_is_read_back_as_it_was(cured):
    found, _ = cured
    assert Cure.of(json.loads(json.dumps(found.record()))) == found
    assert Cure.of(found.record()) == found


def test_a_healthy_network_is_left_alone():
    healthy = replace(SICK, network=mlp((8,), 3), optimizer=Adam(3e-2), watch=Watch(30))
    found = cure(healthy, trial=TRIAL)
    assert found.diagnosis.healthy
    assert (found.proof, found.cured, found.after) == (None, None, None)
    assert found.recipe == healthy
    assert Cure.of(json.loads(json.dumps(found.record()))) == found


def test_a_recipe_that_train_refuses_is_cured_all_the_same(monkeypatch):
    """A softmax before a loss of logits: the first remedy against it is an arm that train would not refuse."""
    softmax = replace(SICK, network=Sequential((*SICK.network.layers, Softmax())))
    assert mistakes(softmax)
    known = cures.remedies
    monkeypatch.setattr(cures, "remedies", lambda *a: known(*a)[:1])
    found = cure(softmax, trial=replace(TRIAL, randoms=0))
    assert found.diagnosis.cause.id == "output-loss-mismatch"
    (name,) = found.proof.remedies
    assert not mistakes(found.proof.arms[name].recipe)


def test_a_run_without_a_finite_update_has_a_portrait_without_flow():
    huge = Sequential((Dense(8, init=Normal(1e30)), Dense(3, init=Normal(1e30))))
    assert Portrait.of(train(replace(SICK, network=huge, watch=Watch(1)))).flow == []


def test_a_cure_that_scales_the_data_is_trained_on_the_scaled_data(monkeypatch):
    raw = replace(SICK, network=mlp((8,), 3), data=replace(SICK.data, standardize=False))
    best = replace(raw, data=SICK.data)
    proof = SimpleNamespace(best="standardize", arms={"standardize": Arm("standardize", best)})
    monkeypatch.setattr(cures, "remedies", lambda *a: [None])
    monkeypatch.setattr(cures, "prove", lambda *a, **settings: proof)
    assert cure(raw).after.results == train(best).results
