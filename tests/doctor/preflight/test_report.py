"""The report, and the checks whose levels have a closed form: chance, memory, dead units."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import headway as hw
from headway.doctor.preflight.foreign import take_apart
from headway.doctor.preflight.overfit import lowered, memorize, squashed
from headway.doctor.preflight.report import NAMES
from headway.doctor.preflight.seen import Check

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(64, 8)).astype(np.float32)
Y = DRAW.integers(0, 5, 64)
W = (DRAW.normal(size=(8, 5)) / 4).astype(np.float32)


def each(logits, y):
    return jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, y[:, None], -1)[:, 0]


def linear(params, batch):
    return jnp.mean(each(batch["x"] @ params["w"], batch["y"]))


def check(function=linear, params=None, batch=None, **options):
    return hw.check(function, {"w": W} if params is None else params, batch or {"x": X, "y": Y}, **options)


def test_a_report_has_every_check_in_causal_order_and_finds_it_by_name():
    report = check()
    assert tuple(found.name for found in report.checks) == NAMES
    assert report.ok
    assert report.failed == ()
    assert report["chance"].verdict == "passed"
    with pytest.raises(hw.HeadwayError, match="Did you mean 'gradients'"):
        report["gradient"]


def test_a_report_prints_each_check_on_a_line_and_what_to_do_about_failures():
    report = check(lambda p, b: jnp.mean(each(b["x"] @ jax.lax.stop_gradient(p["w"]) + p["b"], b["y"])),
                   {"w": W, "b": jnp.zeros(5)})  # fmt: skip
    lines = str(report).splitlines()
    assert lines[0] == "1 of 9 checks failed: gradients"
    assert len(lines) == 1 + len(NAMES) + 2
    at = next(i for i, line in enumerate(lines) if line.startswith("failed"))
    assert "w: the gradient is exactly 0" in lines[at]
    assert [line.split()[0] for line in lines[at + 1 : at + 3]] == ["expected", "fix"]


def test_many_places_are_counted():
    assert "a, b, c, d and 2 more: " in str(Check("finite", "failed", "NaN", where=tuple("abcdef")))


def test_what_needs_a_finite_scalar_is_not_seen_without_one():
    report = check(lambda p, b: each(b["x"] @ p["w"], b["y"]))
    assert {found.verdict for found in report.checks[1:]} == {"not seen"}
    assert "float32[64]" in report["scalar"].measured


@pytest.mark.parametrize(("scale", "verdict"), [(1.0, "passed"), (30.0, "failed")])
@pytest.mark.parametrize("unit", [1.0, 64.0, 1e-6])
def test_the_first_loss_is_held_against_chance_in_its_own_unit(scale, unit, verdict):
    report = check(lambda p, b: unit * linear(p, b), {"w": scale * W}, classes=5)
    first = unit * float(linear({"w": scale * W}, {"x": X, "y": Y}))
    assert report["chance"].verdict == verdict
    assert f"{first:.4g} at initialization, {first / (unit * np.log(5)):.3g} × chance" in report["chance"].measured


def test_the_number_of_classes_is_read_off_zero_weights():
    assert "ln 5 = 1.609" in check()["chance"].measured


def test_a_regression_and_a_trained_network_are_not_held_against_classes():
    def squared(params, batch):
        return jnp.mean((batch["x"] @ params["w"] - batch["y"][:, None]) ** 2)

    assert check(squared, {"w": 30 * W}, {"x": X, "y": X[:, 0]})["chance"].verdict == "not seen"
    x, y = X[:32], X[:32, 0] + 0.1 * X[32:, 0]
    report = check(squared, {"w": np.linalg.lstsq(x, y, rcond=None)[0][:, None]}, {"x": x, "y": y})
    assert (report["chance"].verdict, report["overfit"].verdict) == ("not seen", "not seen")
    assert "trained before" in report["overfit"].measured
    assert report.ok


def test_a_share_is_counted_from_chance_where_that_is_lower_and_from_zero_never_upwards():
    assert lowered(8.0, 2.0, 0.5) == 1.0
    assert lowered(2.0, 8.0, 0.5) == 1.0
    assert lowered(-4.0, 2.0, 0.5) == -6.0


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_bounds_of_a_squeezed_cross_entropy_are_those_of_the_corners_of_the_cube(classes):
    corners = jnp.array(list(itertools.product((0.0, 1.0), repeat=classes)))
    losses = each(corners, jnp.zeros(len(corners), int))
    assert float(losses.min()) == pytest.approx(np.log(np.e + classes - 1) - 1, rel=1e-5)
    assert float(losses.max()) == pytest.approx(np.log1p((classes - 1) * np.e), rel=1e-5)


@pytest.mark.parametrize("squeeze", [jax.nn.softmax, jax.nn.sigmoid, lambda z: z, lambda z: 0.1 * z, norm := jnp.sinh])
def test_only_squeezed_outputs_are_called_so(squeeze):
    y = np.argmax(X @ W, 1)
    subject = take_apart(lambda p, b: jnp.mean(each(squeeze(b[0] @ p), b[1])), jnp.asarray(W), (X, y))
    assert squashed(subject, memorize(subject, 200), 5) == (squeeze in (jax.nn.softmax, jax.nn.sigmoid))


def relu_net(params, batch):
    return jnp.mean(each(jax.nn.relu(batch["x"] @ params["a"] + params["b"]) @ params["c"], batch["y"]))


@pytest.mark.parametrize("off", [0, 10, 16, 20])
def test_the_share_of_dead_units_is_that_of_the_biases_far_below_zero(off):
    params = {
        "a": DRAW.normal(size=(8, 20)),
        "b": np.where(np.arange(20) < off, -99.0, 0.0),
        "c": np.tile(W.T, 4).T[:20],
    }
    report = check(relu_net, jax.tree.map(lambda leaf: leaf.astype(np.float32), params))
    assert report["dead units"].verdict == ("failed" if off > 14 else "passed")
    assert (f"{off / 20:.0%} of 20 units" in report["dead units"].measured) == (off > 0)
    assert report["dead units"].where == (("b",) if off > 14 else ())


def test_a_unit_that_gets_no_input_is_not_dead():
    zeros = X * (np.arange(8) < 2)
    report = check(relu_net, {"a": W.T.copy().T, "b": jnp.zeros(5), "c": jnp.eye(5)}, {"x": zeros, "y": Y})
    assert report["dead units"].verdict == "passed"


def test_a_saturated_loss_gives_no_gradient_and_says_that_nothing_depends_on_it():
    report = check(lambda p, b: jnp.minimum(linear(p, b), 0.01))
    assert report["gradients"].where == ("w",)
    assert "does not depend on it" in report["gradients"].measured
    assert report["overfit"].verdict == "not seen"


@pytest.mark.parametrize(("steps", "verdict"), [(10, "not seen"), (400, "passed")])
def test_more_steps_see_more(steps, verdict):
    separable = {"x": X, "y": np.argmax(X @ W, 1)}
    slow = check(lambda p, b: linear({"w": p["w"] / 4}, b), {"w": W}, separable, steps=steps)
    assert slow["overfit"].verdict == verdict
