import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from jax.flatten_util import ravel_pytree
from scipy.special import expit

from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.learning.optimizers.descent import decaying
from headway.learning.optimizers.optimizer import apply_updates
from headway.network.activations import ReLU
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant, HeNormal
from headway.network.layer import apply, initialize
from headway.network.recurrent import GRU, Last, Recurrent
from headway.network.summary import neuron, summary
from headway.spec.error import HeadwayError

both = pytest.mark.parametrize("kind", [Recurrent, GRU])


def some(kind, rng, inputs=3, units=4, dtype=np.float64):
    """Parameters with no zeros among them, the biases included."""
    declared = kind(units).parameters((1, inputs))
    return {name: rng.normal(scale=0.7, size=p.shape).astype(dtype) for name, p in declared.items()}


def recurrent_step(p, x, h):
    return np.tanh(x @ p["u"] + h @ p["v"] + p["b"])


def gru_step(p, x, h):
    r, z = (expit(x @ p[f"u_{g}"] + h @ p[f"v_{g}"] + p[f"b_{g}"]) for g in "rz")
    n = np.tanh(x @ p["u_n"] + p["b_n"] + r * (h @ p["v_n"] + p["c"]))
    return z * h + (1 - z) * n


@pytest.mark.parametrize(("kind", "step"), [(Recurrent, recurrent_step), (GRU, gru_step)])
@pytest.mark.parametrize("reverse", [False, True])
def test_every_state_is_that_of_a_loop_over_the_equation(kind, step, reverse, rng):
    with jax.enable_x64(True):
        params, x = some(kind, rng), rng.normal(size=(5, 7, 3))
        h, states = np.zeros((5, 4)), {}
        for t in reversed(range(7)) if reverse else range(7):
            states[t] = h = step(params, x[:, t], h)
        y, _ = apply(kind(4, reverse=reverse), params, x)
        np.testing.assert_allclose(y, np.stack([states[t] for t in range(7)], axis=1), rtol=1e-12, atol=1e-14)


def flax_cell(kind, params):
    """The cell of Flax, and our parameters under its names."""
    if kind is Recurrent:
        return linen.SimpleCell(4), {"i": {"kernel": params["u"], "bias": params["b"]}, "h": {"kernel": params["v"]}}
    gates = {f"i{g}": {"kernel": params[f"u_{g}"], "bias": params[f"b_{g}"]} for g in "rzn"}
    gates |= {f"h{g}": {"kernel": params[f"v_{g}"]} for g in "rzn"}
    return linen.GRUCell(4), gates | {"hn": gates["hn"] | {"bias": params["c"]}}


@both
def test_outputs_and_gradients_are_those_of_flax_with_the_same_weights(kind, rng):
    params, x = some(kind, rng, dtype=np.float32), rng.normal(size=(5, 6, 3)).astype(np.float32)

    def flax(params, x):
        cell, theirs = flax_cell(kind, params)
        return linen.RNN(cell).apply({"params": {"cell": theirs}}, x)

    y, back = jax.vjp(lambda p, x: apply(kind(4), p, x)[0], params, x)
    expected, expected_back = jax.vjp(flax, params, x)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    for ours, flaxs in zip(jax.tree.leaves(back(jnp.cos(y))), jax.tree.leaves(expected_back(jnp.cos(y))), strict=True):
        np.testing.assert_allclose(ours, flaxs, rtol=1e-3, atol=1e-4)


@both
def test_every_gradient_through_time_agrees_with_finite_differences(kind, rng):
    """From the last state back to the first input, number by number, in float64."""
    with jax.enable_x64(True):
        network, x = Sequential((kind(2), Last())), rng.normal(size=(1, 6, 2))
        values = ({"0": some(kind, rng, 2, 2)}, x)
        f = jax.jit(lambda p, x: jnp.sum(apply(network, p, x)[0] * jnp.array([1.0, -0.5])))
        flat, unflatten = ravel_pytree(values)
        steps = 1e-6 * np.eye(len(flat))
        slopes = [(f(*unflatten(flat + s)) - f(*unflatten(flat - s))) / 2e-6 for s in steps]
        gradient, _ = ravel_pytree(jax.grad(f, argnums=(0, 1))(*values))
        np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-9)


@both
def test_a_state_depends_on_nothing_later(kind, rng):
    params, x = some(kind, rng, dtype=np.float32), rng.normal(size=(2, 6, 3)).astype(np.float32)
    changed = x.copy()
    changed[:, 4:] += 1
    for reverse, same in ((False, slice(0, 4)), (True, slice(6, None))):
        a, b = (np.asarray(apply(kind(4, reverse=reverse), params, part)[0]) for part in (x, changed))
        np.testing.assert_array_equal(a[:, same], b[:, same])
        assert (a[:, 4:] != b[:, 4:]).all()


@both
def test_recurrent_weights_start_orthogonal_gate_by_gate_and_biases_at_0(kind, key):
    params, _ = initialize(Sequential((kind(6), ReLU())), (9, 3), key)
    for name, value in params["0"].items():
        if name.startswith("v"):
            np.testing.assert_allclose(value.T @ value, np.eye(6), atol=1e-5)
        elif name.startswith("u"):
            assert 0 < np.abs(value).max() <= (6 / (3 + 6)) ** 0.5
        else:
            np.testing.assert_array_equal(value, 0)
    other, _ = initialize(kind(6, init=HeNormal(), recurrent_init=Constant(0.5)), (9, 3), key)
    assert all((value == 0.5).all() for name, value in other.items() if name.startswith("v"))
    assert {name[0] for name in decaying(kind(6).declare((9, 3)))} == {"u", "v"}


def test_orthogonal_recurrent_weights_carry_the_gradient_where_small_ones_lose_it(key):
    """Near 0 tanh is the identity: ∂h_T/∂x_1 is u vᵀ⁻¹, whose size an orthogonal v keeps over 60 steps."""
    x = jnp.zeros((1, 60, 8))

    def size(layer):
        params, _ = initialize(layer, (60, 8), key)
        first = jax.jacobian(lambda x: apply(layer, params, x)[0][0, -1])(x)[:, 0, 0]
        return np.linalg.norm(first) / np.linalg.norm(params["u"])

    assert size(Recurrent(8)) == pytest.approx(1, rel=1e-3)
    assert size(Recurrent(8, recurrent_init=HeNormal(gain=0.25))) < 1e-10


def test_an_open_gate_keeps_the_state_and_the_gradient(rng):
    """z = 1 copies h whatever comes; z = 0 and r = 0 forget it."""
    params, x = some(GRU, rng, dtype=np.float32), rng.normal(size=(2, 9, 3)).astype(np.float32)
    kept = params | {"u_z": 0 * params["u_z"], "v_z": 0 * params["v_z"], "b_z": params["b_z"] * 0 + 40}
    np.testing.assert_array_equal(apply(GRU(4), kept, x)[0], 0)
    shut = {name: 0 * kept[name] - (40 if name[0] == "b" else 0) for name in ("u_z", "v_z", "b_z")}
    shut |= {name.replace("z", "r"): value for name, value in shut.items()}
    expected = np.tanh(x @ params["u_n"] + params["b_n"])
    np.testing.assert_allclose(apply(GRU(4), params | shut, x)[0], expected, rtol=1e-4, atol=1e-5)


@both
def test_what_was_seen_first_is_learned_to_be_recalled_at_the_end(kind, rng):
    """The label is the sign of the first of 12 numbers, 11 more follow; chance is 0.5."""
    x = rng.normal(size=(128, 12, 1)).astype(np.float32)
    labels, network = jnp.array(x[:, 0, 0] > 0, jnp.int32), Sequential((kind(16), Last(), Dense(2)))
    adam = Adam(0.02).transformation()

    def step(values, _):
        params, state = values
        gradients = jax.grad(lambda p: CrossEntropy()(apply(network, p, x)[0], labels))(params)
        changes, state = adam.update(gradients, state, params)
        return (apply_updates(params, changes), state), None

    params, _ = initialize(network, (12, 1), jax.random.key(0))
    (params, _), _ = jax.lax.scan(step, (params, adam.init(params)), length=120)
    assert np.mean(np.argmax(apply(network, params, x)[0], axis=1) == labels) > 0.95


@both
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_low_precision_is_kept_through_the_loop(kind, dtype, rng):
    params = {name: value.astype(dtype) for name, value in some(kind, rng).items()}
    x = jnp.array(rng.normal(size=(2, 5, 3)), dtype)
    y = apply(kind(4), params, x)[0]
    assert y.dtype == dtype
    wide = apply(kind(4), {n: v.astype(np.float32) for n, v in params.items()}, x.astype(np.float32))[0]
    np.testing.assert_allclose(y.astype(np.float32), wide, atol=0.1)


def test_last_takes_the_last_time(rng):
    x = rng.normal(size=(3, 4, 2))
    np.testing.assert_array_equal(apply(Last(), {}, x)[0], x[:, -1])
    assert Last().shape((4,)) == ()
    assert Last().shape((4, 5, 6)) == (5, 6)


def test_work_is_counted(key):
    t, d, n = 7, 3, 4
    assert Recurrent(n).flops((t, d)) == t * n * (2 * d + 1 + 2 * n + 2)
    assert GRU(n).flops((t, d)) == t * n * (3 * (2 * d + 1 + 2 * n) + 12)
    assert summary(GRU(n), (t, d)).parameters == 3 * (d * n + n * n + n) + n
    params, _ = initialize(Recurrent(n), (t, d), key)
    with pytest.raises(HeadwayError, match="no layer with weights is here"):
        neuron(Recurrent(n), params, "", 0, jnp.zeros((1, t, d)))


@pytest.mark.parametrize(
    ("network", "inputs", "message"),
    [
        (Recurrent(3), (40,), r"^Recurrent takes \(time, features\); got shape \(40,\)\. Put the features last; a sin"),
        (Sequential((ReLU(), GRU(3))), (8, 8, 1), r"^1: GRU takes \(time, features\); got shape \(8, 8, 1\)"),
        (Sequential((GRU(3), Last(), GRU(3))), (8, 1), r"^2: GRU takes \(time, features\); got shape \(3,\)"),
        (Last(), (), r"^Last takes \(time, …\); got shape \(\)\. Put it"),
    ],
)
def test_what_is_no_sequence_is_refused_by_address(network, inputs, message, key):
    for ask in (network.shape, lambda inputs: initialize(network, inputs, key)):
        with pytest.raises(HeadwayError, match=message):
            ask(inputs)


def test_other_features_than_the_weights_take_are_refused(key):
    params, _ = initialize(GRU(3), (8, 2), key)
    with pytest.raises(HeadwayError, match=r"^the weights here take 2 features; got shape \(8, 5\)"):
        apply(GRU(3), params, jnp.ones((1, 8, 5)))
    with pytest.raises(HeadwayError, match=r"^GRU\.units"):
        GRU(0)
