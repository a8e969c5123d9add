import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rates import exactly, lengths, rates

from headway.learning.schedules.decay import Cosine, Exponential, Linear, Polynomial, Step
from headway.learning.schedules.schedule import Epochs, Fraction


def test_the_formulas_in_float64():
    i = np.arange(1000)
    with jax.enable_x64(True):
        cosine = 0.1 + (0.7 - 0.1) * (1 + np.cos(np.pi * i / 1000)) / 2
        np.testing.assert_allclose(Cosine(0.7, steps=1000, final=0.1).value(i), cosine, rtol=1e-14)
        s = i / 1000
        for schedule, formula in [
            (Linear(0.7, steps=1000, final=0.1), 0.7 + (0.1 - 0.7) * s),
            (Polynomial(0.7, steps=1000, final=0.1, power=0.9), 0.1 + (0.7 - 0.1) * (1 - s) ** 0.9),
            (Exponential(0.7, steps=1000, final=0.1), 0.7 * np.exp(s * np.log(0.1 / 0.7))),
        ]:
            np.testing.assert_allclose(schedule.value(i), formula, rtol=1e-13)


@settings(deadline=None, max_examples=50)
@given(lengths, rates, rates, st.sampled_from([Cosine, Linear, Polynomial, Exponential]))
def test_a_decay_is_exact_at_both_ends_of_any_run(updates, peak, final, kind):
    schedule = kind(peak, final=final).resolved(updates, 100)
    exactly(schedule, 0, peak)
    exactly(schedule, updates - 1, final)
    exactly(schedule, updates + 1000, final)


def test_an_exponential_falls_by_one_ratio_and_to_nothing_at_once():
    falling = Exponential(0.5, final=0.001).resolved(100, 10).value(np.arange(100))
    np.testing.assert_allclose(falling[1:] / falling[:-1], (0.001 / 0.5) ** (1 / 99), rtol=1e-5)
    np.testing.assert_array_equal(Exponential(0.5, steps=9, final=0.0).value(np.arange(4)), [0.5, 0, 0, 0])
    np.testing.assert_array_equal(Exponential(0.0, steps=9, final=0.5).value(np.arange(7, 11)), [0, 0, 0.5, 0.5])


def test_a_drop_takes_effect_at_its_own_index():
    schedule = Step(1.0, drops=(Epochs(2), Fraction(0.5)), factor=0.5).resolved(100, 20)
    assert schedule == Step(1.0, drops=(40, 50), factor=0.5)
    np.testing.assert_array_equal(schedule.value(np.array([0, 39, 40, 49, 50, 99])), [1, 1, 0.5, 0.5, 0.25, 0.25])
