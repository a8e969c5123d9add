"""The short labs hold what they teach: their truths against JAX, Optax, the library's own layers, and counting."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from headway.labs.catalog import lab
from headway.learning.schedules.cycles import WarmupStableDecay
from headway.learning.schedules.decay import Cosine
from headway.network.context import Context
from headway.network.layer import apply, initialize
from headway.network.normalization import BatchNorm, LayerNorm
from headway.spec.error import HeadwayError

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])


def drawn(name, seed):
    """The numbers of a task, and its true answers by name."""
    draw = lab(name).draw
    numbers = draw.numbers(seed)
    return numbers, {asked.name: asked.truth for asked in draw.asked(numbers)}


@SEEDS
def test_the_backward_pass_is_that_of_jax(seed):
    n, truth = drawn("backward-pass", seed)

    def loss(x, W, v):
        return (jax.nn.relu(x @ W + n["b"]) @ v + n["c"] - n["t"]) ** 2 / 2

    dx, dW, dv = jax.grad(loss, (0, 1, 2))(*(jnp.asarray(n[name], float) for name in ("x", "W", "v")))
    for name, gradient in (("dx", dx), ("dW", dW), ("dv", dv)):
        assert np.asarray(truth[name]) == pytest.approx(np.asarray(gradient), abs=1e-4)


@SEEDS
def test_two_linear_layers_are_one_and_xor_is_half_right_at_best(seed):
    n, truth = drawn("no-activation", seed)
    x = np.random.default_rng(0).normal(size=(5, 2))
    assert (x @ n["W1"] + n["b1"]) @ n["W2"] + n["b2"] == pytest.approx(x @ truth["W"] + truth["b"])
    assert truth["error"] == pytest.approx(((n["high"] - n["low"]) / 2) ** 2)


@SEEDS
def test_the_gradient_of_the_chain_is_that_of_jax(seed):
    n, truth = drawn("gradient-chain", seed)

    def chain(h, w):
        for weight in w:
            h = jax.nn.sigmoid(weight * h)
        return h

    dh, dw = jax.grad(chain, (0, 1))(n["h0"], jnp.asarray(n["w"]))
    assert (truth["dh0"], truth["dw1"]) == pytest.approx((float(dh), float(dw[0])), rel=1e-4)
    assert 10 ** truth["decades"] == pytest.approx(abs(float(dh)), rel=1e-4)


@SEEDS
def test_an_update_is_that_of_optax(seed):
    n, truth = drawn("sgd-adam-adamw", seed)
    w, g = jnp.float32(n["w"]), jnp.float32(n["g"])
    state = (optax.ScaleByAdamState(jnp.int32(n["t"] - 1), jnp.float32(n["m"]), jnp.float32(n["v"])),)
    for name, rule in (("adam", optax.adam(n["rate"])), ("adamw", optax.adamw(n["rate"], weight_decay=n["decay"]))):
        update, _ = rule.update(g, (*state, *rule.init(w)[1:]), w)
        assert truth[name] == pytest.approx(float(w + update), abs=1e-5)


@SEEDS
def test_the_schedules_are_those_of_the_library(seed):
    n, truth = drawn("three-schedules", seed)
    long = WarmupStableDecay(n["peak"], steps=n["long"], warm=n["warm"], decay=n["fall"])
    assert truth["rates_long"] == pytest.approx(np.asarray(long.value(jnp.asarray(n["at_long"]))), rel=1e-4)
    tuning = Cosine(n["peak"] / 10, steps=n["tuning"])
    assert truth["rates_tuning"] == pytest.approx(np.asarray(tuning.value(jnp.asarray(n["at_tuning"]))), rel=1e-4)
    assert truth["rates_short"].max() <= n["peak"]


@pytest.mark.parametrize("seed", range(12))
def test_a_rate_needs_a_warm_up_where_a_run_without_one_grows_and_one_with_it_does_not(seed):
    n, truth = drawn("when-warm-up", seed)

    def largest(rate, held_back):
        sizes = [1.0]
        for i in range(3 * n["settled"]):
            sharp = n["later"] + (n["first"] - n["later"]) * max(0, 1 - i / n["settled"])
            sizes.append(sizes[-1] * abs(1 - (0 if i < held_back else rate) * sharp))
        return max(sizes)

    grows = [largest(n["other"], held) > 1.001 for held in (0, n["settled"])]
    words = {(False, False): "never", (True, False): "warm-up", (True, True): "too high"}
    assert truth["other_needs"] == words[tuple(grows)]
    assert largest(n["rate"], truth["from_update"]) <= 1.001 < largest(n["rate"], truth["from_update"] - 1)
    assert largest(n["rate"], 0) >= truth["growth"] > 1


@SEEDS
def test_what_a_residual_network_multiplies_the_gradient_by_is_its_derivative(seed):
    n, truth = drawn("residual-depth", seed)

    def through(layer):
        def network(x):
            for _ in range(n["n"]):
                x = layer(x)
            return x

        return float(jax.grad(network)(1.0))

    assert truth["plain"] == pytest.approx(through(lambda x: n["a"] * x), rel=1e-4)
    assert truth["residual"] == pytest.approx(through(lambda x: x + n["a"] * x), rel=1e-4)
    assert truth["scaled"] == pytest.approx(through(lambda x: x + n["a"] * x / n["n"]), rel=1e-4)
    assert truth["limit"] == pytest.approx((1 + n["a"] / 1e6) ** 1e6, rel=1e-4)


@SEEDS
def test_the_norms_are_those_of_the_library(seed):
    n, truth = drawn("batchnorm-or-layernorm", seed)
    x = jnp.asarray(n["x"], jnp.float32)
    for name, norm, axis in (("layer", LayerNorm(), 1), ("batch", BatchNorm(), 0)):
        params, state = initialize(norm, (3,), jax.random.key(0))
        made, _ = apply(norm, params, x, state, context=Context("train"))
        assert truth[name] == pytest.approx(np.asarray(made), abs=1e-3)
        assert truth[name].std(axis=axis) == pytest.approx(1)
    with pytest.raises(HeadwayError, match=r"at least 2 values .* or use LayerNorm"):
        apply(BatchNorm(), params, x[:1], state, context=Context("train"))
    assert truth["for_one"] == "layernorm"


@SEEDS
def test_a_sum_of_independent_outputs_spreads_as_said(seed):
    n, truth = drawn("pre-or-post", seed)
    x = np.random.default_rng(0).normal(size=(n["n"] + 1, 100_000))
    assert truth["deviation_pre"] == pytest.approx(x.sum(axis=0).std(), rel=0.02)
    assert truth["skip_post"] == pytest.approx(1 / x[:2].sum(axis=0).std(), rel=0.02)


@SEEDS
def test_what_devices_hold_adds_up(seed):
    n, truth = drawn("data-or-model-parallel", seed)
    assert truth["model_weights"] * n["devices"] == truth["data_weights"] == 4 * n["parameters"]
    assert truth["data_examples"] * n["devices"] == truth["model_examples"] == n["batch"]
    part = truth["data_weights"] / n["devices"]
    sent = sum(part for _ in range(n["devices"] - 1)) + sum(part for _ in range(n["devices"] - 1))
    assert truth["data_sent"] == pytest.approx(sent)


@pytest.mark.parametrize("seed", range(8))
def test_sixteen_bits_lose_what_is_said(seed):
    n, truth = drawn("sixteen-bits", seed)
    w = jnp.asarray(n["w"], jnp.bfloat16)
    assert float(w) == n["w"]
    assert float(w + jnp.asarray(truth["apart"], jnp.bfloat16)) - n["w"] == truth["apart"]
    assert float(w + jnp.asarray(0.49 * truth["apart"], jnp.bfloat16)) == n["w"]
    kept, whole = w, jnp.float32(n["w"])
    for _ in range(n["updates"]):
        kept, whole = kept + jnp.asarray(n["step"], jnp.bfloat16), whole + jnp.float32(n["step"])
    assert float(kept) == truth["in_sixteen"]
    assert float(whole) == pytest.approx(truth["in_thirty_two"], rel=1e-4)
    least = float(np.finfo(np.float16).smallest_normal)
    assert n["g"] * truth["loss_scale"] >= least > n["g"] * truth["loss_scale"] / 2


@SEEDS
def test_no_other_segment_takes_less_memory(seed):
    n, truth = drawn("recompute", seed)
    taken = {k: (n["layers"] / k + k) * n["each"] for k in range(1, n["layers"] + 1)}
    assert truth["best_segment"] == min(taken, key=taken.get)
    assert truth["least"] == min(taken.values())
    assert truth["kept_in_segments"] == taken[n["segment"]]
    assert truth["time"] == n["forward"] + n["forward"] + 2 * n["forward"]
