"""Recompute changes what is kept, never what is computed."""

import math
import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import headway as hw
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.models.decoder import gpt2, llama
from headway.models.transformer import transformer_block
from headway.network.activations import Identity, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.network.recompute import Offload, RecomputeAll, RecomputeBut
from headway.network.residual import Residual
from headway.signals.probe import empty_slots, watched
from headway.spec.error import HeadwayError
from headway.training.job import Update, prepare
from headway.training.residuals import Residual as Kept
from headway.training.residuals import kept_arrays, saved_residuals
from headway.training.step import Batch, batch, differentiate, initial_state

WAYS = (RecomputeAll(), RecomputeBut(("Dense",)), RecomputeBut(("Sequential", "Identity", "**/body/*")),
        Offload(), Offload(("Dense",)))  # fmt: skip
N, B, D = 6, 16, 32
"""Copies, examples in a batch, units."""
BODY = Sequential((Dense(D), Tanh()))
RECIPE = hw.Recipe(
    Sequential((Dense(D), Repeat(BODY, times=N), Dense(3))),
    loss=CrossEntropy(), optimizer=SGD(0.1), data=hw.Data(hw.Iris()), batch_size=B, length=3,
)  # fmt: skip


def gradients(network, inputs, recompute, x, slots=()):
    update = Update(
        network, loss=CrossEntropy(), optimizer=SGD(0.1), clip=None, batch_size=4, seed=0, recompute=recompute
    )
    state = initial_state(update, inputs)
    batch = Batch(x, jnp.arange(4) % 2, jax.random.split(jax.random.key(5), 4))
    return jax.jit(lambda state: differentiate(update, state, batch, slots))(state)


@pytest.mark.parametrize(("way", "nested"), [*((way, False) for way in WAYS), (RecomputeAll(), True)], ids=repr)
def test_loss_gradients_states_and_signals_stay_the_same_with_dropout(way, nested, key):
    """To rounding: the compiler may fuse the second computation otherwise than the first."""
    block = Sequential((Residual(Sequential((BatchNorm(), Dense(4), Tanh(), Dropout(0.4)))), Identity(), Dropout(0.2)))
    body = Sequential((Repeat(block, times=2), Dense(4))) if nested else block
    network = Sequential((Dense(4), Repeat(body, times=3), Dense(2)))
    x, slots = jax.random.normal(key, (4, 3)), empty_slots(len(watched(network, (3,))))
    plain, again = (gradients(network, (3,), recompute, x, slots) for recompute in (None, way))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-7), plain, again)


def test_a_transformers_gradients_stay_the_same_where_attention_is_kept(key):
    network = Sequential((Repeat(transformer_block(2, 16), times=3), hw.GlobalAveragePool(), Dense(2)))
    x = jax.random.normal(key, (4, 5, 8))
    plain, again = (gradients(network, (5, 8), way, x) for way in (None, RecomputeBut(("MultiHeadAttention",))))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-6), plain.gradients, again.gradients)


@pytest.mark.parametrize(
    ("recompute", "arrays"),
    [(None, 3), (RecomputeAll(), 1), (RecomputeBut(("Dense",)), 2), (RecomputeBut(("1/*/0", "1/*/1")), 2)],
    ids=repr,
)
def test_what_is_kept_of_the_copies_is_what_is_counted_by_hand(recompute, arrays):
    """y = tanh(x w + b): backward needs x and, by JAX's rule for tanh, y and 1 - y, of every copy; or x alone, from
    which the others follow; or x and x w + b."""
    found = saved_residuals(replace(RECIPE, recompute=recompute))
    assert [a for a in found.arrays if a.shape == (N, B, D)] == [Kept((N, B, D), "float32", arrays)]
    assert found.arrays[0].bytes == arrays * N * B * D * 4
    rest = sum(a.bytes for a in found.arrays[1:])
    assert rest == sum(a.bytes for a in saved_residuals(RECIPE).arrays[1:])
    assert found.bytes == found.arrays[0].bytes + rest


@pytest.mark.parametrize(("tags", "arrays"), [((), 1), (("Dense",), 2)])
def test_what_waits_on_the_hosts_side_is_not_on_the_device(tags, arrays):
    """The inputs of the copies, and what the tags name, are put there; nothing of the copies is kept here."""
    recipe = replace(RECIPE, recompute=Offload(tags))
    found, rest = saved_residuals(recipe), saved_residuals(RECIPE).arrays[1:]
    assert not [a for a in found.arrays if a.shape == (N, B, D)]
    assert found.bytes == sum(a.bytes for a in rest)
    job = prepare(recipe)
    state, part = initial_state(job.update, job.dataset.input_shape), batch(job, 0)
    traced = str(jax.make_jaxpr(lambda state: differentiate(job.update, state, part).gradients)(state))
    assert len(re.findall(rf"f32<host>\[{N},{B},{D}\]", traced.split("scan[")[0])) == arrays


def test_the_compiler_agrees_with_what_is_no_longer_kept():
    plain, again = (saved_residuals(replace(RECIPE, recompute=way)) for way in (None, RecomputeAll()))
    assert plain.bytes - again.bytes == 2 * N * B * D * 4
    # A layer at work takes some of it back.
    assert plain.compiled - again.compiled >= 0.9 * (plain.bytes - again.bytes)


def test_a_micro_batch_keeps_its_own_share():
    whole, part = saved_residuals(RECIPE), saved_residuals(replace(RECIPE, accumulate=4))
    assert part.arrays[0] == Kept((N, B // 4, D), "float32", 3)
    assert 4 * part.arrays[0].bytes == whole.arrays[0].bytes


@pytest.mark.parametrize(
    ("network", "numbers"),
    [(gpt2(17, width=32, heads=4, blocks=3, time=7), 8 * 32 + 2 * 4 * 32),
     (llama(17, width=32, heads=4, blocks=3, hidden=24), 8 * 32 + 3 * 24)],
    ids=("gpt2", "llama"),
)  # fmt: skip
def test_a_block_in_16_bits_keeps_what_its_products_need_and_nothing_wider(network, numbers):
    """Of every place the inputs of both norms and what they make of them, q, k, v and heads, each as wide as the block;
    and of hidden units what goes into the activation, its gate, and what comes out. Left out: attention's weights."""
    blocks, examples, time = 3, 4, 7
    data = hw.Data(hw.Zipf(17, time=time, examples=8), validation=None, test=None)
    recipe = hw.Recipe(network, loss=CrossEntropy(), optimizer=SGD(0.1), data=data, batch_size=examples,
                       precision=hw.BFloat16())  # fmt: skip
    found = [a for a in kept_arrays(prepare(recipe))
             if math.prod(a.shape) % (blocks * examples * time) == 0 and a.shape[-1] not in (time, 1)]  # fmt: skip
    assert {a.dtype for a in found} == {"bfloat16"}
    assert sum(a.bytes for a in found) == 2 * blocks * examples * time * numbers


def test_the_report_is_a_line_an_array_and_what_the_compiler_says():
    found = saved_residuals(replace(RECIPE, recompute=RecomputeAll()))
    lines = str(found).splitlines()
    assert re.fullmatch(r"1 x float32\[6, 16, 32\] +12,288 bytes", lines[0])
    assert lines[-2].split() == ["kept", f"{found.bytes:,}", "bytes"]
    assert lines[-1].split() == ["compiled", f"{found.compiled:,}", "bytes"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(RECIPE, network=Sequential((Dense(3),)), recompute=RecomputeAll()),
         r"^recompute: works copy by copy of a Repeat; got a network without one\. Write Repeat\(block, times=…\)"),
        (replace(RECIPE, recompute=RecomputeBut(("Tahn",))),
         r"^recompute/tags: a tag must be the kind or match the address of a repeated layer; got 'Tahn'\. "
         r"Did you mean 'Tanh'\?"),
        (replace(RECIPE, recompute=Offload(("0",))), r"^recompute/tags: .* got '0'"),
    ],
)  # fmt: skip
def test_what_would_save_nothing_is_refused_unless_told_to_go_on(wrong, said):
    with pytest.raises(HeadwayError, match=said):
        prepare(wrong)
    assert prepare(wrong, anyway=True).update.recompute == wrong.recompute


@pytest.mark.parametrize("tags", [(), "Dense", ("Dense", 3)])
def test_tags_are_some_words(tags):
    with pytest.raises(HeadwayError, match=r"^RecomputeBut\.tags"):
        RecomputeBut(tags)
