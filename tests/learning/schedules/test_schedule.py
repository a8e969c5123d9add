import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rates import exactly

from headway.learning.schedules.compose import Piecewise, Warmup
from headway.learning.schedules.cycles import OneCycle, Restarts, WarmupStableDecay
from headway.learning.schedules.decay import ConstantRate, Cosine, Exponential, Linear, Polynomial, Step
from headway.learning.schedules.schedule import Epochs, Fraction, Schedule, rate_at, times
from headway.spec.error import HeadwayError
from headway.spec.node import spec
from headway.spec.numbers import join, split

INDICES = np.arange(120)


PAIRS = [
    (ConstantRate(0.3), optax.constant_schedule(0.3)),
    (Cosine(0.4, steps=90, final=0.1), optax.cosine_decay_schedule(0.4, 90, alpha=0.25)),
    (Linear(0.4, steps=90, final=0.1), optax.linear_schedule(0.4, 0.1, 90)),
    (Polynomial(0.4, steps=90, final=0.1, power=3.0), optax.polynomial_schedule(0.4, 0.1, 3, 90)),
    (Exponential(0.4, steps=90, final=0.1), optax.exponential_decay(0.4, 90, 0.25, end_value=0.1)),
    (
        WarmupStableDecay(0.4, steps=100, warm=20, decay=30, final=0.1),
        optax.join_schedules(
            [optax.warmup_constant_schedule(0.0, 0.4, 20), optax.linear_schedule(0.4, 0.1, 30)],
            [70],
        ),
    ),
    (
        Restarts(0.4, final=0.1).resolved(105, 10),
        optax.join_schedules([optax.cosine_decay_schedule(0.4, n - 1, alpha=0.25) for n in (15, 30, 60)], [15, 45]),
    ),
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
        (Linear(0.1), Linear(0.1, steps=999)),
        (Polynomial(0.1, steps=Fraction(0.5)), Polynomial(0.1, steps=499)),
        (Exponential(0.1, final=0.01, steps=Epochs(4)), Exponential(0.1, final=0.01, steps=399)),
        (WarmupStableDecay(0.1), WarmupStableDecay(0.1, steps=999, warm=10, decay=100)),
        (
            Warmup(100, then=Restarts(0.1, cycles=2)),
            Warmup(100, then=Piecewise((Cosine(0.1, steps=299), Cosine(0.1, steps=599)), boundaries=(300,))),
        ),
        (Restarts(0.1, cycles=1), Piecewise((Cosine(0.1, steps=999),), boundaries=())),
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
        (
            WarmupStableDecay(0.1, warm=60, decay=50),
            r"decay: warm-up and decay must fit into 99 updates; got 60 \+ 50",
        ),
        (Restarts(0.1, cycles=7), "cycles: each needs two updates or more of the 100 there are; got 7. Train longer"),
        (Warmup(10, then=Restarts(0.1, cycles=30)), "then/cycles: each needs two updates or more of the 90"),
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
        (lambda: Restarts(0.1).value(0), r"Restarts: depends on the run; got Restarts\(0.1\). Call .resolved"),
        (lambda: Restarts(0.1, multiplier=0.5), "Restarts.multiplier: must be greater than or equal to 1; got 0.5"),
        (lambda: WarmupStableDecay(0.1, power=0.0), "WarmupStableDecay.power: must be greater than 0; got 0.0"),
        (lambda: Exponential(0.1), r"Exponential.final: a value is required. Write Exponential\(final=…\)"),
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
        (Polynomial(0.25, final=0.125, power=3.0), Polynomial(0.5, final=0.25, power=3.0)),
        (WarmupStableDecay(0.25, final=0.125), WarmupStableDecay(0.5, final=0.25)),
        (Restarts(0.25, final=0.125, multiplier=3.0), Restarts(0.5, final=0.25, multiplier=3.0)),
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
