"""Transformers: what is counted, what a block without its sublayer is, and what a position may see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import headway as hw
from headway.models.transformer import (
    language_model,
    post_ln,
    pre_ln,
    sequence_classifier,
    tied_language_model,
    transformer_block,
)
from headway.network.layer import apply, initialize
from headway.network.normalization import LayerNorm
from headway.network.values import flatten, nest
from headway.signals.probe import empty_slots, watched
from headway.training.job import Update
from headway.training.step import Batch, initial_state, update_once


def without_sublayers(params):
    """The parameters with everything 0 that lies in attention or feed-forward."""
    kept = {
        address: value if address.endswith(("g", "/b")) else 0 * value for address, value in flatten(params).items()
    }
    return nest(kept)


def normalized(x):
    x = np.asarray(x, np.float64)
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


@pytest.mark.parametrize("d", [8, 32])
def test_a_block_has_12_d_squared_and_13_d_parameters(d):
    params, _ = initialize(transformer_block(4, 4 * d), (5, d), jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 12 * d * d + 13 * d


def test_a_pre_ln_block_whose_sublayers_give_nothing_is_the_identity_and_a_post_ln_block_normalizes():
    x = jax.random.normal(jax.random.key(1), (2, 5, 8)) * 3 + 1
    for placement, expected in ((pre_ln, np.asarray(x)), (post_ln, normalized(normalized(x)))):
        block = transformer_block(2, 32, placement=placement)
        params, _ = initialize(block, (5, 8), jax.random.key(0))
        y, _ = apply(block, without_sublayers(params), x)
        np.testing.assert_allclose(y, expected, rtol=0, atol=0 if placement is pre_ln else 1e-5)


@pytest.mark.parametrize("placement", [pre_ln, post_ln])
def test_the_output_of_a_classifier_comes_out_of_a_norm_once(placement):
    network = sequence_classifier(7, 3, width=8, heads=2, blocks=2, placement=placement)
    assert network.shape((6,)) == (3,)
    last = network.layers[-3] if placement is pre_ln else network.layers[-3].body.layers[-1].layers[-1]
    assert isinstance(last, LayerNorm)


@pytest.mark.parametrize("model", [language_model, tied_language_model])
@pytest.mark.parametrize("placement", [pre_ln, post_ln])
def test_a_language_model_sees_nothing_of_what_follows(placement, model):
    network = model(11, width=8, heads=2, blocks=2, placement=placement)
    tokens = jax.random.randint(jax.random.key(2), (1, 6), 0, 11)
    params, _ = initialize(network, (6,), jax.random.key(0))
    before = apply(network, params, tokens)[0]
    assert before.shape == (1, 6, 11)
    after = apply(network, params, tokens.at[0, 4:].set((tokens[0, 4:] + 1) % 11))[0]
    np.testing.assert_array_equal(before[0, :4], after[0, :4])
    assert not np.array_equal(before[0, 4], after[0, 4])


def test_the_program_of_32_blocks_is_as_long_as_that_of_8_and_hardly_longer_than_that_of_4():
    """What is compiled does not grow with depth: neither the update nor the first weights. Signals add a little.

    Four blocks are no loop, and need nothing that carries values through one.
    """

    def lines(blocks, watching):
        network = sequence_classifier(8, 3, width=16, heads=2, blocks=blocks)
        update = Update(network, loss=hw.CrossEntropy(), optimizer=hw.AdamW(), clip=None, batch_size=4, seed=0)
        slots = empty_slots(len(watched(network, (6,), jnp.int32)) if watching else 0)
        batch = Batch(jnp.zeros((4, 6), jnp.int32), jnp.arange(4) % 3)
        state = jax.eval_shape(lambda: initial_state(update, (6,)))
        first = jax.jit(lambda key: initialize(network, (6,), key)).lower(jax.random.key(0))
        program = jax.jit(lambda state: update_once(update, state, batch, slots)).lower(state)
        return [lowered.as_text().count("\n") for lowered in (first, program)]

    assert lines(32, watching=False) == lines(8, watching=False)
    assert lines(32, watching=False)[1] < 1.2 * lines(4, watching=False)[1]
    assert lines(32, watching=True)[1] < 1.5 * lines(4, watching=True)[1]


def test_a_classifier_learns_which_of_two_tokens_stands_first():
    """Order matters: without places the two classes are the same bags of tokens."""
    rng = np.random.default_rng(0)
    x = np.stack([rng.permutation([0, 1, 2, 3]) for _ in range(400)])
    y = np.array([list(row).index(0) < list(row).index(1) for row in x]).astype(int)
    recipe = hw.Recipe(
        sequence_classifier(4, 2, width=16, heads=2, blocks=1), loss=hw.CrossEntropy(), optimizer=hw.AdamW(3e-3),
        batch_size=50, length=hw.Epochs(30), evaluation=hw.Evaluation(metrics=(hw.Accuracy(),)),
    )  # fmt: skip
    run = hw.train(recipe, data=hw.arrays(x, y, tokens=4))
    assert run.results["test"]["accuracy"] > 0.95
    assert jnp.isfinite(run.results["test"]["loss"])
