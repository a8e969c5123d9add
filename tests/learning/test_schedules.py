import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.learning.schedules import (
    ConstantRate,
    Cosine,
    Epochs,
    Fraction,
    OneCycle,
    Piecewise,
    Schedule,
    Step,
    Warmup,
    rate_at,
    times,
)
from headway.spec.error import HeadwayError
from headway.spec.node import spec
from headway.spec.numbers import join, split

INDICES = np.arange(120)
PAIRS = [
    (ConstantRate(0.3), optax.constant_schedule(0.3)),
    (Cosine(0.4, steps=90, final=0.1), optax.cosine_decay_schedule(0.4, 90, alpha=0.25)),
    (OneCycle(0.4, steps=100, warm=30), optax.cosine_onecycle_schedule(100, 0.4)),
    (Step(0.4, drops=(30, 31, 70), factor=0.5), optax.piecewise_constant_schedule(0.4, {30: 0.5, 31: 0.5, 70: 0.5})),
    (Warmup(20, then=0.4, start=0.1), optax.linear_schedule(0.1, 0.4, 20)),
    (Warmup(20, then=Cosine(0.4, steps=80)), optax.warmup_cosine_decay_schedule(0.0, 0.4, 20, 100)),
    (
        Piecewise((Step(0.2, drops=(10,)), Cosine(0.4, steps=30), ConstantRate(0.01)), boundaries=(40, 90)),
        optax.join_schedules(
            [optax.piecewise_constant_schedule(0.2, {10: 0.1}), optax.cosine_decay_schedule(0.4, 30), lambda i: 0.01],
            [40, 90],
        ),
    ),
]
every = pytest.mark.parametrize(("schedule", "oracle"), PAIRS, ids=lambda s: repr(s)[:40])


@functools.partial(jax.jit, static_argnames="structure")
def compiled(structure, numbers, index):
    return join(structure, numbers).value(index)


def exactly(schedule, index, rate):
    assert schedule.value(index) == compiled(*split(schedule), index) == jnp.float32(rate)


@every
def test_schedules_agree_with_optax(schedule, oracle):
    expected = [oracle(i) for i in INDICES]
    np.testing.assert_allclose([schedule.value(int(i)) for i in INDICES[::10]], expected[::10], rtol=2e-6, atol=1e-8)
    np.testing.assert_allclose(schedule.value(INDICES), expected, rtol=2e-6, atol=1e-8)


@every
def test_every_number_of_a_schedule_is_data(schedule, oracle):
    structure, numbers = split(schedule)
    traced = jax.jit(lambda numbers, i: join(structure, numbers).value(i))
    np.testing.assert_allclose(traced(numbers, INDICES), schedule.value(INDICES), rtol=1e-5, atol=1e-7)
    changed = {name: 2 * number for name, number in numbers.items()}
    np.testing.assert_allclose(traced(changed, INDICES), join(structure, changed).value(INDICES), rtol=1e-5, atol=1e-7)
    assert jnp.all(jnp.isfinite(traced({name: 0 * number for name, number in numbers.items()}, INDICES)))
    assert traced._cache_size() == 1


def test_the_formulas_in_float64():
    i = np.arange(1000)
    with jax.enable_x64(True):
        cosine = 0.1 + (0.7 - 0.1) * (1 + np.cos(np.pi * i / 1000)) / 2
        np.testing.assert_allclose(Cosine(0.7, steps=1000, final=0.1).value(i), cosine, rtol=1e-14)
        rising = 0.2 + (0.7 - 0.2) * i / 1000
        np.testing.assert_allclose(Warmup(1000, then=0.7, start=0.2).value(i), rising, rtol=1e-14)
        up = 0.028 + (0.7 - 0.028) * (1 - np.cos(np.pi * i[:300] / 300)) / 2
        down = 2.8e-6 + (0.7 - 2.8e-6) * (1 + np.cos(np.pi * (i[300:] - 300) / 700)) / 2
        cycle = OneCycle(0.7, steps=1000, warm=300).value(i)
        np.testing.assert_allclose(cycle, np.concatenate([up, down]), rtol=1e-10)


lengths = st.integers(3, 2**24)
rates = st.floats(0.0009765625, 10, width=32)


@settings(deadline=None, max_examples=50)
@given(lengths, st.data(), rates, rates)
def test_warmup_and_cosine_are_exact_at_both_ends_of_any_run(updates, data, peak, final):
    warm = data.draw(st.integers(1, updates - 2))
    schedule = Warmup(warm, then=Cosine(peak, final=final), start=final).resolved(updates, 100)
    exactly(schedule, 0, final)
    exactly(schedule, warm, peak)
    exactly(schedule, updates - 1, final)
    exactly(schedule, updates + 1000, final)


@settings(deadline=None, max_examples=50)
@given(lengths, rates)
def test_one_cycle_is_exact_at_start_peak_and_end_of_any_run(updates, peak):
    schedule = OneCycle(peak, start=0.5, final=0.25).resolved(updates, 100)
    exactly(schedule, 0, peak / 2)
    exactly(schedule, schedule.warm, peak)
    exactly(schedule, updates - 1, peak / 4)
    exactly(schedule, updates + 1000, peak / 4)


def test_a_drop_takes_effect_at_its_own_index():
    schedule = Step(1.0, drops=(Epochs(2), Fraction(0.5)), factor=0.5).resolved(100, 20)
    assert schedule == Step(1.0, drops=(40, 50), factor=0.5)
    np.testing.assert_array_equal(schedule.value(np.array([0, 39, 40, 49, 50, 99])), [1, 1, 0.5, 0.5, 0.25, 0.25])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Cosine(0.1), Cosine(0.1, steps=999)),
        (Cosine(0.1, steps=Fraction(1.0)), Cosine(0.1, steps=999)),
        (Cosine(0.1, steps=Epochs(4)), Cosine(0.1, steps=399)),
        (Cosine(0.1, steps=2000), Cosine(0.1, steps=2000)),
        (Warmup(Epochs(0.5), then=Cosine(0.1)), Warmup(50, then=Cosine(0.1, steps=949))),
        (Warmup(Fraction(0.1), then=0.1), Warmup(100, then=0.1)),
        (OneCycle(0.1), OneCycle(0.1, steps=999, warm=300)),
        (
            Piecewise((Cosine(0.1), Warmup(Fraction(0.5), then=0.2)), boundaries=(Fraction(0.6),)),
            Piecewise((Cosine(0.1, steps=599), Warmup(200, then=0.2)), boundaries=(600,)),
        ),
    ],
    ids=repr,
)
def test_durations_are_resolved_by_the_run(given, expected):
    assert given.resolved(1000, 100) == expected
    assert expected.resolved(1000, 100) == expected


def test_a_member_of_a_composition_begins_anew():
    parts = Piecewise((Cosine(1.0), Cosine(2.0)), boundaries=(50,)).resolved(100, 10)
    for index, rate in [(0, 1.0), (49, 0.0), (50, 2.0), (99, 0.0)]:
        exactly(parts, index, rate)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Warmup(100, then=0.1), "steps: the warm-up must be shorter than the 100 updates there are; got 100 updates"),
        (Warmup(Epochs(11), then=0.1), "got 110 updates. Train longer"),
        (Warmup(99, then=Cosine(0.1)), "then/steps: a decay needs two updates or more; got 1"),
        (Step(0.1, drops=(50, 100)), "drops: must come before the end, update 100; got 100"),
        (Step(0.1, drops=(Epochs(5), Fraction(0.5))), r"drops: must increase; got \(50, 50\)"),
        (OneCycle(0.1, warm=99), "warm: the peak must come before the end of the cycle, update 99; got 99"),
        (Piecewise((ConstantRate(0.1), Warmup(60, then=0.1)), boundaries=(50,)), "1/steps: the warm-up"),
    ],
)
def test_what_does_not_fit_into_the_run_is_refused(schedule, message):
    with pytest.raises(HeadwayError, match=message):
        schedule.resolved(100, 10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step(0.1, drops=(30, 20)), r"drops: must increase; got \(30, 20\)"),
        (lambda: Piecewise((ConstantRate(0.1),), boundaries=(3,)), "1 schedules need 0 boundaries between them; got 1"),
        (lambda: Cosine(-0.1), "Cosine.peak: must be greater than or equal to 0; got -0.1"),
        (lambda: Cosine(0.1, steps=0), "Cosine.steps: must be greater than or equal to 1"),
        (lambda: Fraction(1.5), "Fraction.part: must be less than or equal to 1; got 1.5"),
        (lambda: Cosine(0.1).value(0), r"Cosine.steps: depends on the run; got None. Call .resolved"),
        (lambda: Warmup(Epochs(1), then=0.1).value(0), r"Warmup.steps: depends on the run; got Epochs\(1.0\)"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()


def test_a_plain_number_is_a_rate_too():
    assert rate_at(0.1, 7) == 0.1
    exactly(Step(0.1, drops=()), 7, rate_at(ConstantRate(0.1), 7))


@every
@pytest.mark.parametrize("factor", [0.1, 3.2])
def test_times_multiplies_the_rate_of_every_update(schedule, oracle, factor):
    expected = [factor * oracle(i) for i in INDICES]
    np.testing.assert_allclose(times(schedule, factor).value(INDICES), expected, rtol=3e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.25, 0.5),
        (Cosine(0.25, final=0.125), Cosine(0.5, final=0.25)),
        (OneCycle(0.25, start=0.5), OneCycle(0.5, start=0.5)),
        (Step(0.25, drops=(Epochs(3),), factor=0.5), Step(0.5, drops=(Epochs(3),), factor=0.5)),
        (Warmup(Fraction(0.1), then=Cosine(0.25), start=0.125), Warmup(Fraction(0.1), then=Cosine(0.5), start=0.25)),
        (Warmup(3, then=0.25), Warmup(3, then=0.5)),
    ],
    ids=repr,
)
def test_times_changes_the_rates_and_no_duration_or_ratio(rate, expected):
    assert times(rate, 2.0) == expected


@every
def test_one_time_is_the_same_schedule(schedule, oracle):
    assert times(schedule, 1.0) == schedule


def test_a_schedule_that_does_not_say_what_its_rates_are_is_not_multiplied():
    @spec
    class Own(Schedule):
        """A schedule of a user's."""

    with pytest.raises(HeadwayError, match=r"must say which of its fields are rates.*Give its class rates"):
        times(Own(), 2.0)
