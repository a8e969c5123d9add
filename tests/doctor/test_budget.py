"""What fits into a budget, by costs that are given and a clock that is told what time it is."""

from dataclasses import replace

import pytest

from headway.doctor import budget as budgets
from headway.doctor import proof as proofs
from headway.doctor.budget import Budget, Costs, fitting, thriftier
from headway.doctor.proof import SHAM, Proof, prove
from headway.doctor.remedies.remedy import RATE_ALONE, Remedy
from headway.doctor.trial import Trial
from headway.doctor.verdict import NOT_PROVEN, PROVEN
from headway.spec.edit import Set
from tests.doctor.test_proof import RECIPE, REMEDIES, Planted

MANY = (*(Remedy((Set("batch_size", value=2 + n),), name=f"remedy {n}") for n in range(6)), RATE_ALONE)


class Clock:
    """Time that passes only where a run is made: a second each, and two more for each new batch size."""

    def __init__(self):
        self.time, self.compiled = 100.0, set()

    def __call__(self, clock="wall"):
        return self.time


class Timed(Planted):
    """A planted bench on the clock; it keeps what it ran, as a real one does."""

    def __init__(self, clock, slower=1.0):
        super().__init__()
        self.clock, self.slower, self.kept = clock, slower, set()

    def run(self, recipe, seed, *, as_sham=False):
        if (recipe, seed, as_sham) not in self.kept:
            self.kept.add((recipe, seed, as_sham))
            self.clock.time += self.slower if len(self.runs) > 2 else 1.0
            if recipe.batch_size not in self.clock.compiled:
                self.clock.compiled.add(recipe.batch_size)
                self.clock.time += 2.0
        return super().run(recipe, seed, as_sham=as_sham)


@pytest.fixture
def timed(monkeypatch):
    def make(slower=1.0):
        clock = Clock()
        bench = Timed(clock, slower)
        monkeypatch.setattr(budgets, "now", clock)
        monkeypatch.setattr(proofs.Bench, "of", lambda recipe, data: bench)
        return bench

    return make


def test_costs_are_those_of_a_first_run_that_compiles_and_of_a_second():
    times = iter([0.0, 5.0, 6.5])
    assert Costs.of(lambda number: None, lambda: next(times)) == Costs(3.5, 1.5)


def test_what_was_compiled_before_counts_by_the_run_that_it_was_compiled_for():
    times = iter([0.0, 1.6, 3.0])
    assert Costs.of(lambda number: None, lambda: next(times), before=8.0) == Costs(
        pytest.approx(6.6), pytest.approx(1.4)
    )


def test_a_trial_costs_its_runs_one_after_the_other_and_what_is_new_to_compile():
    trial = Trial(factors=(0.5, 1.0, 2.0), tuning_seeds=2, randoms=1)
    a_tuned_arm = (3 + 1) * 2 + 10
    control, as_it_is, sham, after = a_tuned_arm, 10, 10, 1
    assert Costs(2.0, 1.0).whole(trial, 3) == control + as_it_is + sham + after + (3 + 1) * (a_tuned_arm + 2)


def test_thriftier_trials_keep_to_the_rules_and_cost_ever_less():
    trials = list(thriftier(Trial(20, looks=(5, 15), randoms=5)))
    assert trials[0] == Trial(20, looks=(5, 15), randoms=5)
    assert trials[-1] == Trial(10, looks=(5,), factors=(0.1, 1.0, 10.0), tuning_seeds=1, randoms=0)
    costs = [Costs(2.0, 1.0).whole(trial, 3) for trial in trials]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize(
    ("seconds", "kept", "randoms"), [(1e6, 6, 3), (250, 6, None), (120, 5, 0), (60, 1, 0), (40, 0, 0), (30, 0, 0)]
)
def test_the_first_remedies_are_kept_and_the_last_left_out(seconds, kept, randoms):
    chosen, trial = fitting(MANY, Trial(), Costs(2.0, 1.0), seconds)
    names = [one.name for one in chosen if one is not RATE_ALONE]
    assert names == [f"remedy {n}" for n in range(len(names))]
    assert len(names) == kept
    assert (RATE_ALONE in chosen) is (seconds > 30)  # the recipe as it is, the control and the sham alone: 35
    assert randoms is None or trial.randoms == randoms
    assert kept == 0 or Costs(2.0, 1.0).whole(trial, kept) <= seconds


def test_without_a_budget_the_trial_is_as_it_was_asked_for(timed):
    timed()
    found = prove(RECIPE, REMEDIES, trial=Trial(randoms=1))
    assert found.budget is None
    assert found.trial == Trial(randoms=1)


def test_a_proof_ends_within_its_budget_and_says_what_did_not_fit(timed):
    bench = timed()
    found = prove(RECIPE, (*REMEDIES, RATE_ALONE), trial=Trial(randoms=2), budget=60.0)
    assert found.verdicts["cure"].word == PROVEN
    assert found.refused == {"slight": "it does not fit into the budget", "poison": "it does not fit into the budget"}
    assert (found.budget.ended, found.trial.seeds) == ("", 10)
    assert found.budget.spent == bench.clock.time - 100 <= 60
    assert Proof.of(found.record()) == found


def test_where_runs_are_slower_than_estimated_it_stops_between_stages_and_nothing_is_proven(timed):
    timed(slower=3.0)
    found = prove(RECIPE, (*REMEDIES, RATE_ALONE), trial=Trial(randoms=0), budget=150.0)
    assert found.budget.ended.startswith("not proven: the budget ended before ")
    assert found.proven == []
    assert {verdict.word for verdict in found.verdicts.values()} <= {NOT_PROVEN, "eliminated"}
    assert Proof.of(found.record()) == found


def test_a_budget_for_no_remedy_at_all_tries_none(timed):
    bench = timed()
    found = prove(RECIPE, REMEDIES, budget=20.0)
    assert found.budget.ended == "not proven: the budget is too small for a single remedy"
    assert found.verdicts == {}
    assert bench.clock.time - 100 < 10


def test_a_budget_that_runs_already_counts_from_its_beginning(timed):
    bench = timed()
    begun = Budget.begun(90.0)
    bench.clock.time += 89
    assert prove(RECIPE, REMEDIES, budget=begun).budget.ended.startswith("not proven")
    assert not replace(begun, ended="").over("anything") or begun.left() <= 0


def test_a_budget_of_processor_time_does_not_run_while_nothing_is_computed(monkeypatch):
    walls, computed = iter([0.0, 50.0]), iter([3.0, 4.0])
    monkeypatch.setattr(budgets.time, "monotonic", lambda: next(walls))
    monkeypatch.setattr(budgets.time, "process_time", lambda: next(computed))
    assert Budget.begun(60.0).left() == 10.0
    assert Budget.begun(60.0, "processor").left() == 59.0


def test_the_sham_is_always_run(timed):
    timed()
    assert SHAM in prove(RECIPE, (*REMEDIES, RATE_ALONE), budget=90.0).verdicts
