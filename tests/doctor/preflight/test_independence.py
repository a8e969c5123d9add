"""Sums over rows told from everything else: closed forms, and random functions with a coupling of known size."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.doctor.preflight.foreign import take_apart
from headway.doctor.preflight.independence import corner, coupling, divisions, independent, mixed, ordered

ROWS = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)


def found(function, batch=ROWS):
    subject = take_apart(function, 1.0, batch)
    return coupling(subject, subject.weights, subject.rounding(subject.weights, subject.groups()[0]))


def test_the_mixed_difference_of_a_product_of_two_rows_is_the_product_of_their_differences():
    subject = take_apart(lambda p, x: p * x[0, 0] * x[1, 0] + jnp.sum(x), 1.0, ROWS)
    group = next(iter(divisions(12)))
    made = mixed(np.array([corner(subject, subject.weights, group, subject.columns)]))
    half = np.roll(np.arange(12), 6)
    assert made[0] == pytest.approx(np.prod([ROWS[half[i], 0] - ROWS[i, 0] for i in (0, 1)]), rel=1e-4)


@pytest.mark.parametrize("count", [2, 3, 8, 31, 32])
def test_the_divisions_part_all_neighbours_and_leave_no_group_empty(count):
    groups = list(divisions(count))
    assert all(0 < group.sum() < count for group in groups)
    pairs = {(i, k) for group in groups for i in range(count) for k in range(i) if group[i] != group[k]}
    assert all((i + 1, i) in pairs for i in range(count - 1))


@given(st.integers(0, 10**6), st.floats(-6, 6), st.booleans())
def test_a_sum_over_rows_is_one_whatever_its_unit_and_place(seed, power, places):
    draw = np.random.default_rng(seed)
    a, b = draw.normal(size=(3, 5)), draw.normal(size=(12, 1)) if places else 1.0
    made = found(lambda p, x: p * 10**power * jnp.mean(b * jnp.tanh(x @ a) ** 2))
    assert made.form == "a sum or mean over the rows"
    assert made.together <= made.rounding < made.alone


@given(st.integers(0, 10**6), st.floats(-2, 1))
def test_a_coupling_of_one_percent_and_more_is_found(seed, power):
    a = np.random.default_rng(seed).normal(size=(3, 5))
    made = found(lambda p, x: p * jnp.mean(jnp.tanh(x @ a + 10**power * jnp.mean(x @ a, 0)) ** 2))
    assert made.form == ""
    assert independent(made).verdict == "failed"


@pytest.mark.parametrize(
    ("function", "form"),
    [
        (lambda p, x: p * jnp.sqrt(jnp.mean(x**2)), "a root of a sum or mean over the rows"),
        (lambda p, x: p * jnp.exp(jnp.mean(x)), "an exponential of a sum or mean over the rows"),
        (lambda p, x: p * jnp.sum(x[:, 0] * x[:, 1] ** 2) / jnp.sum(x[:, 1] ** 2), "a weighted mean over the rows"),
        (lambda p, x: p * jnp.mean(x) / jnp.std(x[:, 1]), ""),
        (lambda p, x: p * jnp.mean(x) * jnp.mean(x[:, 1]), ""),
        (lambda p, x: p * jnp.max(x), ""),
    ],
)
def test_forms_of_a_loss_are_told_apart(function, form):
    assert found(function).form == form


def test_integer_rows_are_swapped_like_any_other():
    tokens = np.arange(12)[:, None] % 5
    assert found(lambda p, t: p * jnp.mean(jnp.sin(t))).form == "a sum or mean over the rows"
    assert found(lambda p, t: p * jnp.mean(jnp.sin(t * jnp.roll(t, 1, 0))), tokens).form == ""


def test_the_leaf_through_which_rows_act_is_named():
    batch = {"x": ROWS, "y": ROWS[:, 0]}
    made = found(lambda p, b: p * jnp.mean((b["x"][:, 0] - b["x"][:, 1].mean() - b["y"]) ** 2), batch)
    assert made.columns == ("batch/x",)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda p, x: p * jnp.mean((x - x.mean(0)) ** 4), "a statistic of the batch"),
        (lambda p, x: p * jnp.mean((x - jnp.roll(x, 1, 0)) ** 2), "look for a roll"),
    ],
)
def test_a_statistic_of_the_batch_is_told_from_a_shift_by_the_order_of_the_rows(function, said):
    assert said in independent(found(function)).fix


def test_one_row_equal_rows_and_a_constant_loss_show_nothing():
    for function, rows in (
        (lambda p, x: p * jnp.mean(x), ROWS[:1]),
        (lambda p, x: p * jnp.mean(x), 0 * ROWS),
        (lambda p, x: p, ROWS),
    ):
        made = found(function, rows)
        assert (independent(made).verdict, ordered(made).verdict) == ("not seen", "not seen")
