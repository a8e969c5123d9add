"""Every faulty recipe is one value that can be stored and computed, and differs from its base only where it says."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from headway.doctor.faults.bases import SETS, bases
from headway.doctor.faults.bench import programs
from headway.doctor.faults.catalog import FAULTS, faulty
from headway.doctor.faults.families.training import rate_of
from headway.doctor.rules.catalog import RULES
from headway.learning.optimizers.adaptive import Adam
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.spec.edit import flat
from headway.spec.json import dumps, loads
from headway.spec.node import field_names
from headway.training.job import prepare
from headway.training.recipe import Recipe

by_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)


def changed(a: Recipe, b: Recipe) -> set[str]:
    return {name for name in field_names(Recipe) if getattr(a, name) != getattr(b, name)}


@by_fault
def test_a_faulty_recipe_is_one_value_that_differs_from_its_base_where_its_edits_say(fault):
    known = {base.id: base.recipe for base in bases()}
    for name in fault.on:
        base = known[name]
        broken = fault.into(base)
        assert loads(dumps(broken)) == broken
        assert changed(base, broken) == {edit.at.partition("/")[0] for edit in flat(fault.breaks(base))}


def test_every_faulty_recipe_can_be_computed():
    loaded = {}
    for program in faulty():
        data = program.recipe.data
        if data not in loaded:
            loaded[data] = data.load()
        job = prepare(program.recipe, loaded[data], anyway=True)
        assert program.split in job.dataset.splits(), program.id


def test_faults_have_names_of_their_own_and_are_many_in_every_set():
    assert len({fault.id for fault in FAULTS}) == len(FAULTS) >= 30
    assert len({fault.family for fault in FAULTS}) >= 12
    for name in SETS:
        programs = faulty(name)
        assert len({program.recipe for program in programs}) == len(programs)
        assert {fault.id for fault in FAULTS} == {program.id.partition("@")[0] for program in programs}


def test_no_two_sets_share_data_with_their_targets_networks_or_seeds():
    sets = [bases(name) for name in SETS]
    assert min(map(len, sets)) >= 6
    for part in (lambda base: base.recipe.data.source, lambda base: base.recipe.network, lambda base: base.seeds):
        for one, other in combinations(sets, 2):
            assert not {part(base) for base in one} & {part(base) for base in other}
    assert len({type(base.recipe.data.source) for base in bases()}) >= 8


def test_every_cause_is_that_of_a_rule():
    known = {rule.id for rule in RULES}
    assert {cause for fault in FAULTS for cause in fault.causes} <= known


def test_every_cause_beyond_the_first_has_a_reason():
    for fault in FAULTS:
        assert fault.because.endswith(".") == (len(fault.causes) > 1), fault.id


def test_the_rate_of_an_optimizer_is_its_highest():
    assert rate_of(Adam(0.1)) == rate_of(Adam(Cosine(0.1))) == rate_of(Adam(Warmup(5, then=Cosine(0.1)))) == 0.1


@pytest.mark.parametrize("base", bases("reporting"), ids=lambda base: base.id)
def test_no_example_held_out_for_reporting_is_trained_on(base):
    data = base.recipe.data.load()
    seen = {row.tobytes() for row in data.train.x}
    assert not sum(row.tobytes() in seen for row in data.validation.x)


def test_programs_are_spread_over_the_bases_for_reporting():
    kept = programs("reporting")
    for one in (True, False):
        on = Counter(program.base.id for program in kept if program.healthy == one)
        assert max(on.values()) <= 0.2 * sum(on.values())
        assert one or (min(on.values()) >= 4 and len(on) == len(bases("reporting")))


def test_every_data_set_is_scaled_so_that_its_base_can_learn_it():
    for base in bases():
        data = base.recipe.data.load()
        if data.classes is None:
            assert (np.mean(data.train.y), np.std(data.train.y)) == pytest.approx((0, 1), abs=0.1), base.id
        assert replace(base.recipe, seed=0) in {replace(other.recipe, seed=0) for other in bases(base.set)}
