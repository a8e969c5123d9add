import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.bundled import Digits
from headway.data.dataset import Data
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.regularization import Dropout
from headway.network.activations import SELU, Identity, ReLU, Sigmoid, Softmax, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten, MaxPool
from headway.network.dense import Dense
from headway.network.initialization import GlorotUniform, HeNormal
from headway.network.layer import Context, Layer, apply, initialize
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.network.values import flatten
from headway.spec.edit import Wrap, edit, new_address
from headway.spec.error import HeadwayError
from headway.spec.node import spec, walk
from headway.training.job import mistakes, prepare
from headway.training.recipe import Recipe

BODY = Sequential((LayerNorm(), Dense(7), Tanh(), Dense(4)))
HE, GLOROT = HeNormal(), GlorotUniform()


@pytest.mark.parametrize("scale", [1.0, 0.25, 0.0, -2.0])
def test_residual_adds_its_input_to_the_scaled_body(scale, key, rng):
    block, x = Residual(BODY, scale=scale), jnp.array(rng.normal(size=(3, 4)), jnp.float32)
    params, _ = initialize(block, (4,), key)
    assert list(flatten(params)) == [f"body/{n}" for n in ("0/g", "0/b", "1/w", "1/b", "3/w", "3/b")]
    np.testing.assert_allclose(apply(block, params, x)[0], x + scale * apply(BODY, params["body"], x)[0], rtol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_residual_gradient_is_identity_plus_body_gradient(scale, key, rng):
    """‖J_{x + s F} − s J_F − I‖ = 0, and ∂L/∂x = ∂L/∂y + s J_Fᵀ ∂L/∂y."""
    with jax.enable_x64(True):
        params, _ = initialize(Residual(BODY), (4,), key, jnp.float64)
        x, upstream = jnp.array(rng.normal(size=(2, 1, 4)))

        def jacobian(layer, params):
            return jax.jacobian(lambda x: apply(layer, params, x[None])[0][0])(x[0])

        body = jacobian(BODY, params["body"])
        difference = jacobian(Residual(BODY, scale=scale), params) - scale * body - np.eye(4)
        assert np.linalg.norm(difference) < 1e-14
        _, back = jax.vjp(lambda x: apply(Residual(BODY, scale=scale), params, x)[0], x)
        np.testing.assert_allclose(back(upstream)[0], upstream + scale * upstream @ body, rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.0])
def test_with_a_projection_value_and_gradient_are_those_of_skip_plus_scaled_body(scale, key, rng):
    """y = P(x) + s F(x), and ∂L/∂x = (J_P + s J_F)ᵀ ∂L/∂y."""
    body, skip = Sequential((LayerNorm(), Dense(7), Tanh(), Dense(3))), Dense(3, bias=False)
    with jax.enable_x64(True):
        block, x = Residual(body, scale=scale, skip=skip), jnp.array(rng.normal(size=(1, 4)))
        params, _ = initialize(block, (4,), key, jnp.float64)
        assert list(params) == ["body", "skip"]
        w, upstream = params["skip"]["w"], jnp.array(rng.normal(size=(1, 3)))
        y, back = jax.vjp(lambda x: apply(block, params, x)[0], x)
        beside, back_body = jax.vjp(lambda x: apply(body, params["body"], x)[0], x)
        np.testing.assert_allclose(y, x @ w + scale * beside, rtol=1e-12)
        np.testing.assert_allclose(back(upstream)[0], upstream @ w.T + scale * back_body(upstream)[0], rtol=1e-12)


def test_a_skip_written_as_identity_is_the_default(key, rng):
    plain, written, x = Residual(BODY), Residual(BODY, skip=Identity()), jnp.array(rng.normal(size=(3, 4)), jnp.float32)
    params, _ = initialize(plain, (4,), key)
    np.testing.assert_array_equal(apply(plain, params, x)[0], apply(written, params, x)[0])
    assert "skip" not in repr(plain)
    assert dict(walk(plain)).keys() == dict(walk(written)).keys() - {"skip"}


def test_a_projection_changes_stride_and_channels_and_is_counted_and_tapped(key):
    """2 · outputs for scale and sum, and the two convolutions; the 1 × 1 projection of He et al. 2016, option B."""
    block = Residual(Conv(8, stride=2, bias=False), skip=Conv(8, kernel=1, stride=2, bias=False))
    assert block.shape((6, 6, 4)) == (3, 3, 8)
    assert block.flops((6, 6, 4)) == 3 * 3 * 8 * (2 + 2 * 9 * 4 + 2 * 4)
    params, _ = initialize(block, (6, 6, 4), key)
    seen = {}
    apply(block, params, jnp.ones((2, 6, 6, 4)), context=Context(tap=lambda a, y: seen.setdefault(a, y)))
    assert {address: y.shape for address, y in seen.items()} == dict.fromkeys(("body", "skip", ""), (2, 3, 3, 8))


def test_twenty_sigmoid_layers_pass_the_gradient_on_only_with_skips(key, rng):
    """σ' ≤ 1/4: without skips the first layer's gradient is smaller than the last one's by many powers of ten."""
    block, x = Sequential((Dense(16, name="dense"), Sigmoid())), jnp.array(rng.normal(size=(8, 16)), jnp.float32)

    def share(block, address):
        network = Sequential((block,) * 20)
        params, _ = initialize(network, (16,), key)
        gradients = flatten(jax.grad(lambda p: apply(network, p, x)[0][:, 0].mean())(params))
        first, last = (jnp.linalg.norm(gradients[f"{i}/{address}/w"]) for i in (0, 19))
        return first / last

    assert share(block, "dense") < 1e-10
    assert share(Residual(block), "body/dense") > 1e-2


def test_a_scale_of_one_over_the_root_of_the_depth_holds_the_variance(key, rng):
    """Linear bodies that keep the variance: the mean square grows (1 + scale²) times a block, e at most with 1/√n."""
    n, x = 16, jnp.array(rng.normal(size=(64, 256)), jnp.float32)
    for scale in (1.0, n**-0.5):
        network = Sequential(tuple(Residual(Dense(256), scale=scale) for _ in range(n)))
        params, _ = initialize(network, (256,), key)
        growth = float(jnp.mean(apply(network, params, x)[0] ** 2) / jnp.mean(x**2))
        assert growth == pytest.approx((1 + scale**2) ** n, rel=0.15)


@pytest.mark.parametrize(
    ("network", "inputs", "message"),
    [
        (Residual(Dense(64)), (32,), r"^body: Residual needs a body that keeps its shape; got \(32,\) → \(64,\)\. End"),
        (Sequential((ReLU(), Residual(Flatten(name="flat")))), (4, 2), r"^1/body: Residual .*; got \(4, 2\) → \(8,\)"),
        (Sequential((Residual(Conv(2, stride=2)),)), (4, 2), r"^0/body: Residual .* End it in \(4, 2\), or take what"),
        (Residual(Residual(Dense(3), name="inner")), (2,), r"^body/body: Residual needs"),
        (Sequential((Residual(Sequential((ReLU(), MaxPool()))),)), (6,), r"^0/body/1: MaxPool takes \(length"),
        (Residual(Dense(64)), (32,), r"or give a skip= that ends in \(64,\)\.$"),
        (Residual(Dense(64), skip=Dense(63)), (32,), r"^skip: Residual adds it to the body, which makes "
         r"\(32,\) → \(64,\); got \(32,\) → \(63,\)\. End both in the same shape, such as \(64,\)"),
        (Sequential((Residual(Conv(2, stride=2), skip=Conv(2)),)), (4, 2), r"^0/skip: Residual .*; got \(4, 2\) → \(4"),
        (Residual(Dense(3), skip=Identity()), (2,), r"^skip: Residual .*; got \(2,\) → \(2,\)"),
        (Residual(Dense(3), skip=Sequential((MaxPool(),))), (6,), r"^skip/0: MaxPool takes \(length"),
    ],
)  # fmt: skip
def test_a_body_that_changes_the_shape_is_refused_by_address(network, inputs, message, key):
    for ask in (
        lambda: network.shape(inputs),
        lambda: initialize(network, inputs, key),
        lambda: apply(network, {}, jnp.ones((2, *inputs))),
    ):
        with pytest.raises(HeadwayError, match=message):
            ask()


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((Dense(4), Residual(Sequential((ReLU(), Dense(4)))), Dense(2)), {"0": HE, "1/body/1": GLOROT, "2": GLOROT}),
        ((Residual(Dense(4)), ReLU()), {"0/body": HE}),
        ((Residual(Sequential((Dense(4), LayerNorm()))), LayerNorm(), ReLU()), {"0/body/0": HE}),
        ((Dense(4), Residual(Dense(4)), ReLU()), {"0": GLOROT, "1/body": HE}),
        ((Dense(4), Residual(Dropout(0.1)), ReLU()), {"0": HE}),
        ((Residual(Sequential((ReLU(), Dense(3))), skip=Dense(3)), ReLU()), {"0/body/1": HE, "0/skip": HE}),
        ((Dense(4), Residual(Sequential((ReLU(), Dense(3))), skip=Dense(3))),
         {"0": HE, "1/body/1": GLOROT, "1/skip": GLOROT}),
    ],
)  # fmt: skip
def test_weights_start_as_they_would_without_the_skip(layers, expected):
    declared = flatten(Sequential(layers).declare((4,)))
    assert {address.removesuffix("/w"): p.init for address, p in declared.items() if p.decays} == expected


@pytest.mark.parametrize(
    ("at", "by"),
    [(at, Residual(Identity())) for at in ("0", "2", "3", "tail/0", "tail/1")]
    + [(at, Residual(Identity(), name=at)) for at in ("act", "norm", "tail")],
)
def test_wrapping_moves_parameters_to_the_body_and_changes_no_first_weight(at, by, key, rng):
    tail = Sequential((Dense(4), SELU()), name="tail")
    network = Sequential((Dense(4), ReLU(name="act"), Dropout(0.5), Dense(4), LayerNorm(name="norm"), tail))
    edited = edit(network, Wrap(at, by=by, slot="body"))
    assert new_address(edited.moved, at) == f"{at}/body"
    (before, _), (after, _) = (initialize(net, (4,), key) for net in (network, edited.spec))
    moved = {new_address(edited.moved, address): value for address, value in flatten(before).items()}
    assert moved.keys() == flatten(after).keys()
    for address, value in flatten(after).items():
        np.testing.assert_array_equal(value, moved[address])

    def outputs(network, params):
        seen = {}
        context = Context("train", keys=jax.random.split(key, 3), tap=lambda a, y: seen.setdefault(a, y))
        apply(network, params, x, context=context)
        return seen

    x = jnp.array(rng.normal(size=(3, 4)), jnp.float32)
    np.testing.assert_array_equal(outputs(edited.spec, after)[f"{at}/body"], outputs(network, before)[at])


def test_state_and_random_keys_reach_the_body(key):
    @spec
    class Calls(Layer):
        """y = x; counts its calls in training."""

        def state(self, inputs):
            return {"calls": jnp.zeros((), jnp.int32)}

        def apply_with_state(self, params, state, x, context):
            return x, {"calls": state["calls"] + (context.mode == "train")}

    network, x = Sequential((Residual(Sequential((Calls(), Dropout(0.5)))),)), jnp.ones((4, 50))
    _, state = initialize(network, (50,), key)
    for calls in (1, 2):
        y, state = apply(network, {}, x, state, Context("train", keys=jax.random.split(key, 4)))
        assert state == {"0": {"body": {"0": {"calls": calls}}}}
    assert set(np.unique(y)) == {1.0, 3.0}
    assert initialize(Residual(Dense(2)), (2,), key)[1] == {}
    before = {"body": {"calls": 3}, "skip": {"calls": 5}}
    assert apply(Residual(Calls(), skip=Calls()), {}, x, before, Context("train"))[1] == {
        "body": {"calls": 4},
        "skip": {"calls": 6},
    }
    np.testing.assert_array_equal(apply(network, {}, x, state)[0], 2 * x)


def test_a_softmax_inside_a_last_body_is_not_taken_for_the_output():
    """x + softmax(…) are logits: a loss from logits may follow, which a bare Softmax must not."""
    recipe = Recipe(Sequential((Dense(10), Residual(Softmax()))), data=Data(Digits()), loss=CrossEntropy(),
                    optimizer=AdamW())  # fmt: skip
    assert mistakes(recipe) == []
    assert prepare(recipe).updates > 0
