import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rates import exactly, lengths, rates

from headway.learning.schedules.compose import Piecewise, Warmup
from headway.learning.schedules.decay import Cosine


def test_a_warm_up_climbs_a_line_in_float64():
    i = np.arange(1000)
    with jax.enable_x64(True):
        rising = 0.2 + (0.7 - 0.2) * i / 1000
        np.testing.assert_allclose(Warmup(1000, then=0.7, start=0.2).value(i), rising, rtol=1e-14)


@settings(deadline=None, max_examples=50)
@given(lengths, st.data(), rates, rates)
def test_warmup_and_cosine_are_exact_at_both_ends_of_any_run(updates, data, peak, final):
    warm = data.draw(st.integers(1, updates - 2))
    schedule = Warmup(warm, then=Cosine(peak, final=final), start=final).resolved(updates, 100)
    exactly(schedule, 0, final)
    exactly(schedule, warm, peak)
    exactly(schedule, updates - 1, final)
    exactly(schedule, updates + 1000, final)


def test_a_member_of_a_composition_begins_anew():
    parts = Piecewise((Cosine(1.0), Cosine(2.0)), boundaries=(50,)).resolved(100, 10)
    for index, rate in [(0, 1.0), (49, 0.0), (50, 2.0), (99, 0.0)]:
        exactly(parts, index, rate)
