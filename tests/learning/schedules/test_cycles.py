import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rates import exactly, lengths, rates

from headway.learning.schedules.compose import Piecewise
from headway.learning.schedules.cycles import OneCycle, Restarts, WarmupStableDecay
from headway.learning.schedules.decay import Cosine


def test_the_formulas_in_float64():
    i = np.arange(1000)
    with jax.enable_x64(True):
        up = 0.028 + (0.7 - 0.028) * (1 - np.cos(np.pi * i[:300] / 300)) / 2
        down = 2.8e-6 + (0.7 - 2.8e-6) * (1 + np.cos(np.pi * (i[300:] - 300) / 700)) / 2
        cycle = OneCycle(0.7, steps=1000, warm=300).value(i)
        np.testing.assert_allclose(cycle, np.concatenate([up, down]), rtol=1e-10)
        stable = WarmupStableDecay(0.7, steps=1000, warm=100, decay=200, final=0.1, power=0.5).value(i)
        root = 0.1 + (0.7 - 0.1) * (1 - np.sqrt((i[800:] - 800) / 200))
        expected = np.concatenate([0.7 * i[:100] / 100, np.full(700, 0.7), root])
        np.testing.assert_allclose(stable, expected, rtol=1e-13)


def test_a_longer_run_goes_on_from_the_level_stretch_of_a_shorter_one():
    short, long = (WarmupStableDecay(0.7, warm=10, decay=20).resolved(updates, 10) for updates in (100, 200))
    np.testing.assert_array_equal(short.value(np.arange(80)), long.value(np.arange(80)))
    np.testing.assert_array_equal(short.value(np.arange(79, 100)), long.value(np.arange(179, 200)))


def test_warm_restarts_follow_the_paper():
    """η = final + (peak − final) · ½ (1 + cos(π T_cur / T_i)), T_i = 10, 20 and 40 epochs of 10 updates (SGDR)."""
    schedule = Restarts(0.7, final=0.1).resolved(700, 10)
    assert schedule == Piecewise(
        tuple(Cosine(0.7, steps=steps, final=0.1) for steps in (99, 199, 399)), boundaries=(100, 300)
    )
    t = np.concatenate([np.arange(length) / (length - 1) for length in (100, 200, 400)])
    with jax.enable_x64(True):
        expected = 0.1 + (0.7 - 0.1) * (1 + np.cos(np.pi * t)) / 2
        np.testing.assert_allclose(schedule.value(np.arange(700)), expected, rtol=1e-14)
    for index, rate in [(0, 0.7), (99, 0.1), (100, 0.7), (299, 0.1), (300, 0.7), (699, 0.1), (1000, 0.1)]:
        exactly(schedule, index, rate)


@settings(deadline=None, max_examples=50)
@given(lengths, rates)
def test_one_cycle_is_exact_at_start_peak_and_end_of_any_run(updates, peak):
    schedule = OneCycle(peak, start=0.5, final=0.25).resolved(updates, 100)
    exactly(schedule, 0, peak / 2)
    exactly(schedule, schedule.warm, peak)
    exactly(schedule, updates - 1, peak / 4)
    exactly(schedule, updates + 1000, peak / 4)


@settings(deadline=None, max_examples=50)
@given(lengths, st.data(), rates, rates)
def test_warmup_stable_decay_is_exact_at_every_corner_of_any_run(updates, data, peak, final):
    warm = data.draw(st.integers(0, updates - 2))
    decay = data.draw(st.integers(1, updates - 1 - warm))
    schedule = WarmupStableDecay(peak, warm=warm, decay=decay, final=final).resolved(updates, 100)
    exactly(schedule, 0, 0 if warm else peak)
    exactly(schedule, warm, peak)
    exactly(schedule, updates - 1 - decay, peak)
    exactly(schedule, updates - 1, final)
    exactly(schedule, updates + 1000, final)


@settings(deadline=None, max_examples=20)
@given(st.integers(60, 2**24), rates, rates, st.integers(1, 5), st.floats(1, 2))
def test_warm_restarts_are_exact_at_both_ends_of_every_cycle_of_any_run(updates, peak, final, cycles, multiplier):
    schedule = Restarts(peak, cycles=cycles, multiplier=multiplier, final=final).resolved(updates, 100)
    assert len(schedule.schedules) == cycles
    for begin in (0, *schedule.boundaries):
        assert schedule.value(begin) == jnp.float32(peak)
    for end in (*schedule.boundaries, updates):
        assert schedule.value(end - 1) == jnp.float32(final)
