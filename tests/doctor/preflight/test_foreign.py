"""A foreign function taken apart: what is an error, what is left as it was, and the fit against Optax's Adam."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import headway as hw
from headway.doctor.preflight.foreign import fit, take_apart

BATCH = {"x": np.linspace(-1, 1, 40, dtype=np.float32)[:, None] ** np.arange(3), "y": np.arange(40.0)}
PARAMS = {"w": jnp.array([0.3, -0.2, 0.5]), "step": 7}


def loss(params, batch):
    return jnp.mean((batch["x"] @ params["w"] - batch["y"] / 40) ** 2)


def test_only_floating_point_leaves_may_learn_and_all_have_an_address():
    params = {"layers": [{"w": jnp.ones(2)}, (np.float32(1), 2.0)], "n": np.arange(3), "empty": jnp.ones((0, 2))}
    subject = take_apart(lambda p, b: jnp.sum(b) * p["layers"][1][1], params, jnp.ones((5, 1)))
    assert subject.addresses == ("layers/0/w", "layers/1/0", "layers/1/1")
    assert subject.fixed == ("empty", "n")
    assert subject.columns == ("batch",)


@pytest.mark.parametrize(("rows", "few", "groups"), [(1, 1, 1), (31, 31, 1), (33, 32, 1), (100, 32, 3), (999, 32, 8)])
def test_the_groups_of_rows_are_apart_and_spread_over_the_batch(rows, few, groups):
    subject = take_apart(lambda p, b: jnp.mean(p * b), 1.0, np.zeros(rows))
    found = subject.groups()
    assert (subject.few, len(found)) == (few, groups)
    assert len(np.unique(np.concatenate(found))) == few * groups
    assert max(map(max, found)) >= rows - max(1, rows // few) - 1


def test_sensitivity_is_the_largest_gradient_of_any_group_by_finite_differences():
    subject = take_apart(loss, PARAMS, BATCH)
    (found,) = subject.sensitivity(subject.weights)
    small, w = 1e-2, subject.weights[0]
    slopes = [
        [(subject.at_rows((w + step,), rows) - subject.at_rows((w - step,), rows)) / (2 * small)
         for step in small * np.eye(3)] for rows in subject.groups()
    ]  # fmt: skip
    np.testing.assert_allclose(found, np.max(np.abs(slopes), axis=0), rtol=1e-3)


@pytest.mark.parametrize("unit", [1.0, 1e-9])
def test_the_fit_is_optaxs_adam_on_gradients_divided_by_their_first_norm(unit):
    subject = take_apart(lambda p, b: unit * loss(p, b), PARAMS, BATCH)
    rows = subject.groups()[0]
    found = fit(subject, rows, 0.01, 25)
    optimizer, w = optax.adam(0.01), PARAMS["w"]
    state, few = optimizer.init(w), {"x": BATCH["x"][rows], "y": BATCH["y"][rows]}
    slope = jax.grad(lambda w: loss({"w": w}, few))
    size = jnp.linalg.norm(slope(w))
    for _ in range(25):
        updates, state = optimizer.update(slope(w) / size, state)
        w = w + updates
    np.testing.assert_allclose(found.weights[0], w, rtol=1e-4)
    assert found.updates == 25
    assert found.after == pytest.approx(unit * float(loss({"w": w}, few)), rel=1e-3)


def test_the_fit_moves_narrow_weights_by_less_than_their_spacing():
    params = jnp.full((2,), 100, jnp.bfloat16)
    subject = take_apart(lambda p, b: jnp.mean(b) * jnp.sum(p.astype(jnp.float32)), params, np.ones((4, 1), np.float32))
    found = fit(subject, np.arange(4), 0.01, 100)
    assert found.weights[0].dtype == jnp.bfloat16
    assert float(found.weights[0][0]) == pytest.approx(99, abs=0.5)


def test_rounding_grows_with_the_numbers_inside_and_scales_with_the_loss():
    def rounding(inside, unit):
        subject = take_apart(lambda p, b: unit * (jnp.mean(p * b + inside * p) - inside), 1.0, np.ones(8, np.float32))
        return subject.rounding(subject.weights, np.arange(8))

    assert 10 < rounding(1e3, 1) / rounding(1, 1) < 1e5
    assert rounding(1, 1e-6) == pytest.approx(1e-6 * rounding(1, 1), rel=0.5)


def raises(params, batch):
    raise KeyError("nothing here")


@pytest.mark.parametrize(
    ("function", "params", "batch", "where", "said"),
    [
        (loss, PARAMS, {"x": BATCH["x"], "y": BATCH["y"][:3]}, "batch", "'batch/y': 3"),
        (loss, PARAMS, {"x": BATCH["x"], "rate": 0.1}, "batch/rate", "first dimension"),
        (loss, PARAMS, {}, "batch", "no leaves"),
        (loss, PARAMS, {"x": np.zeros((0, 3)), "y": np.zeros(0)}, "batch", "needs a row"),
        (loss, {"w": 3, "v": "tanh"}, BATCH, "params", "floating-point"),
        (raises, PARAMS, BATCH, "loss_fn", "KeyError: 'nothing here'"),
        (lambda p, b: loss(p, b) if p["w"][0] > 0 else 0.0, PARAMS, BATCH, "loss_fn", "jax.lax.cond"),
        (lambda p, b: None, PARAMS, BATCH, "loss_fn", "0 arrays"),
        (lambda p, b: {"loss": loss(p, b), "l2": 0.0}, PARAMS, BATCH, "loss_fn", "2 arrays"),
    ],
)
def test_what_cannot_be_checked_is_an_error_with_its_place(function, params, batch, where, said):
    with pytest.raises(hw.HeadwayError) as caught:
        hw.check(function, params, batch)
    assert caught.value.where == where
    assert said in str(caught.value)


def test_an_error_of_the_function_keeps_its_traceback_and_names_its_line():
    with pytest.raises(hw.HeadwayError) as caught:
        hw.check(raises, PARAMS, BATCH)
    assert isinstance(caught.value.__cause__, KeyError)
    assert f"test_foreign.py:{raises.__code__.co_firstlineno + 1}" in str(caught.value)


@pytest.mark.parametrize("option", [{"classes": 1}, {"steps": 9}])
def test_a_number_too_small_is_an_error(option):
    with pytest.raises(hw.HeadwayError, match="must be at least"):
        hw.check(loss, PARAMS, BATCH, **option)


def test_nothing_is_changed_and_the_report_is_the_same_again():
    before = jax.tree.map(np.array, (PARAMS, BATCH))
    state = np.random.get_state()[1].copy()
    with jax.debug_nans(True):
        first, again = (hw.check(loss, PARAMS, BATCH) for _ in range(2))
        assert jax.config.jax_debug_nans
    assert first == again
    assert (np.random.get_state()[1] == state).all()
    jax.tree.map(np.testing.assert_array_equal, before, (PARAMS, BATCH))
