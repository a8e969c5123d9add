"""A repeated block against a Sequential of the same blocks, which is computed one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.landscape.directions import random_direction
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.descent import decaying
from headway.learning.optimizers.foreign import Optax
from headway.learning.regularization import Dropout
from headway.network.activations import Identity, ReLU, Softmax, Tanh
from headway.network.compose import Repeat, Sequential, last_address, stacked
from headway.network.context import Context
from headway.network.dense import Dense
from headway.network.initialization import GlorotUniform, HeNormal, Orthogonal
from headway.network.layer import apply, initialize
from headway.network.normalization import BatchNorm, LayerNorm
from headway.network.residual import Residual
from headway.network.summary import neuron, summary
from headway.network.values import carried, flatten, unstacked
from headway.signals.probe import empty_slots, watched
from headway.spec.edit import InsertAfter, Remove, Replace, Set, Wrap, edit
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.spec.select import get
from headway.training.job import Update
from headway.training.step import Batch, initial_state, update_once

BLOCK = Sequential((ReLU(), Dense(4), BatchNorm(), Dropout(0.3)))
TURN = Sequential((Dense(4, init=Orthogonal()), Residual(Tanh(), scale=0.5)), name="turn")
PAIRS = {
    "one layer": (Repeat(Dense(4), times=3), Sequential((Dense(4),) * 3)),
    "one copy": (Repeat(BLOCK, times=1), Sequential((BLOCK,))),
    "blocks with state and dropout": (Repeat(BLOCK, times=4), Sequential((BLOCK,) * 4)),
    "nothing to learn": (Repeat(Dropout(0.2), times=3), Sequential((Dropout(0.2),) * 3)),
    "repeated in repeated": (
        Repeat(Sequential((Repeat(BLOCK, times=3), TURN)), times=2),
        Sequential((Sequential((Sequential((BLOCK,) * 3), TURN)),) * 2),
    ),
    "named, before an activation": (
        Sequential((Repeat(Dense(4, name="in"), times=2, name="a"), Repeat(Dense(4), times=2), ReLU())),
        Sequential((Sequential((Dense(4),) * 2, name="a"), Sequential((Dense(4),) * 2), ReLU())),
    ),
}  # fmt: skip
pair = pytest.mark.parametrize("name", PAIRS)


def close(ours, theirs, **tolerance):
    assert set(ours) == set(theirs)
    for address, value in ours.items():
        np.testing.assert_allclose(value, theirs[address], err_msg=address, **tolerance)


def framed(name):
    """Both networks between a first and a last layer, whose own weights must not depend on what is between."""
    return tuple(Sequential((Dense(4, name="first"), body, Dense(2, name="last"))) for body in PAIRS[name])


@pair
def test_the_first_weights_are_bit_for_bit_those_of_the_blocks_in_a_row(name, key):
    repeated, row = (initialize(network, (3,), key) for network in framed(name))
    for ours, theirs in zip(repeated, row, strict=True):
        ours, theirs = flatten(unstacked(ours)), flatten(theirs)
        assert set(ours) == set(theirs)
        for address, value in ours.items():
            np.testing.assert_array_equal(value, theirs[address], err_msg=address)


@pair
def test_outputs_states_and_gradients_are_those_of_the_blocks_in_a_row(name, key):
    with jax.enable_x64(True):
        repeated, row = framed(name)
        values, keys = initialize(repeated, (3,), key, jnp.float64), jax.random.split(key, 6)
        x = jax.random.normal(key, (6, 3), jnp.float64)

        def run(network, values):
            def loss(params, x):
                y, state = apply(network, params, x, values[1], Context("train", keys))
                return jnp.sum(jnp.sin(y)), (y, state)

            return jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(values[0], x)

        (_, (y, state)), (theta, dx) = run(repeated, values)
        (_, (z, after)), (expected, dz) = run(row, tuple(map(unstacked, values)))
        np.testing.assert_allclose(y, z, rtol=1e-12)
        np.testing.assert_allclose(dx, dz, rtol=1e-10, atol=1e-13)
        close(flatten(unstacked(theta)), flatten(expected), rtol=1e-10, atol=1e-13)
        close(flatten(unstacked(state)), flatten(after), rtol=1e-12)


@pytest.mark.parametrize("name", ["blocks with state and dropout", "repeated in repeated", "one copy"])
def test_probes_in_the_scan_measure_every_copy_as_they_do_in_a_row(name, key):
    networks, x = framed(name), jax.random.normal(key, (8, 3))
    batch = Batch(x, jnp.arange(8) % 2, jax.random.split(key, 8))
    found, addresses = [], watched(networks[1], (3,))
    assert watched(networks[0], (3,)) == addresses
    for network in networks:
        update = Update(network, loss=CrossEntropy(), optimizer=AdamW(), clip=None, batch_size=8, seed=3)
        state, slots = initial_state(update, (3,)), empty_slots(len(addresses))
        found.append(jax.jit(lambda s, u=update, slots=slots: update_once(u, s, batch, slots)[1]["signals"])(state))
    np.testing.assert_allclose(*found, rtol=2e-4, atol=1e-6)


@pair
def test_weights_go_to_the_copies_and_back_unchanged(name, key):
    network, _ = framed(name)
    for values in initialize(network, (3,), key):
        jax.tree.map(np.testing.assert_array_equal, stacked(network, unstacked(values)), values)


def test_a_tap_without_a_scan_of_its_own_sees_every_copy_and_may_change_it(key):
    network = Repeat(Sequential((Dense(2), Tanh())), times=3)
    params, _ = initialize(network, (2,), key)
    seen = []

    def tap(address, value):
        seen.append(address)
        return value * 0 if address == "1/0" else value

    y, _ = apply(network, params, jnp.ones((1, 2)), context=Context(tap=tap))
    assert seen == ["0/0", "0/1", "0", "1/0", "1/1", "1", "2/0", "2/1", "2", ""]
    np.testing.assert_array_equal(y, np.zeros((1, 2)))


def test_a_copy_in_front_of_another_starts_for_the_activation_that_it_meets():
    """The last of the copies meets no activation, all others meet the next copy's."""
    declared = Repeat(Sequential((ReLU(), Dense(4))), times=3).declare((4,))["*"]["1"]["w"]
    assert [copy.init for copy in declared.copies] == [HeNormal(), HeNormal(), GlorotUniform()]
    assert (declared.shape, declared[0].shape, declared[0].fans) == ((3, 4, 4), (4, 4), (4, 4))
    assert Repeat(Sequential((Dropout(0.1), Tanh())), times=2).meets(ReLU()) == Tanh()


def test_weight_decay_is_of_weights_whatever_axes_stacking_adds(key):
    network = Repeat(Sequential((Dense(4), LayerNorm())), times=3)
    declared, (params, _) = network.declare((4,)), initialize(network, (4,), key)
    assert decaying(declared) == ("*/0/w",)
    assert decaying(declared, ("**/g",)) == ("*/1/g",)
    sizes = [(group.addresses, group.size) for group in AdamW(weight_decay=0.1).groups(declared)]
    assert sizes == [(("*/0/w",), 48), (("*/0/b", "*/1/g", "*/1/b"), 36)]
    with pytest.raises(HeadwayError, match=r"must match something; got '1/0/w'\. Close to it: \*/0/w"):
        decaying(declared, ("1/0/w",))
    still = AdamW(1.0, weight_decay=0.5).transformation()
    updates, _ = still.update(jax.tree.map(jnp.zeros_like, params), still.init(params), params)
    changed = {address for address, update in flatten(updates).items() if jnp.any(update != 0)}
    assert changed == {"*/0/w"}


def test_what_looks_at_layers_one_by_one_sees_copies_of_weights_as_layers(key):
    """LAMB's ratio is one number a layer; a random direction is as long as each unit's weights."""
    params, _ = initialize(Sequential((Dense(4), Repeat(BLOCK, times=3))), (4,), key)
    gradients = jax.tree.map(jnp.cos, params)
    lamb = Optax("lamb", learning_rate=0.1).transformation()
    updates, _ = lamb.update(gradients, lamb.init(params), params)
    apart, g = unstacked(params), unstacked(gradients)
    close(flatten(unstacked(updates)), flatten(lamb.update(g, lamb.init(apart), apart)[0]), rtol=1e-6)
    close(flatten(unstacked(random_direction(params, key))), flatten(random_direction(apart, key)), rtol=1e-6)


def test_the_summary_counts_every_copy_and_says_it_once():
    body = Sequential((Residual(Dense(4)), ReLU()))
    found = summary(Sequential((Dense(4), Repeat(body, times=5), Dense(3))), (7, 2))
    alone = summary(Sequential((Dense(4), *body.layers * 5, Dense(3))), (7, 2))
    for name in ("depth", "width", "neurons", "parameters", "parameter_bytes", "flops", "activation_bytes"):
        assert getattr(found, name) == getattr(alone, name)
    assert [row.address for row in found.rows[1:4]] == ["1/0/0", "1/0/0/body", "1/0/1"]
    lines = str(found).splitlines()
    assert [line.split("  ")[0].strip() for line in lines[2:7]] == ["0", "1/*/0", "1/*/0/body", "1/*/1", "2"]
    assert "5 x Dense(4)" in lines[4]
    assert lines[4].split()[-3:] == ["100", f"{5 * 7 * 36:,}", f"{5 * 7 * 16:,}"]


def test_a_neuron_of_one_copy_is_found_at_its_address(key):
    network = Sequential((Repeat(Sequential((Dense(3), Tanh())), times=3), Dense(2)))
    params, _ = initialize(network, (3,), key)
    x, w = jax.random.normal(key, (5, 3)), params["0"]["*"]["0"]["w"]
    unit = neuron(network, params, "0/1/0", 2, x)
    np.testing.assert_allclose(unit.weighted_sum, jnp.tanh(x @ w[0]) @ w[1][:, 2], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(unit.activation, np.tanh(unit.weighted_sum), rtol=1e-5)
    with pytest.raises(HeadwayError, match=r"^0/\*/0: no layer with weights is here"):
        neuron(network, params, "0/*/0", 2, x)


NETWORK = Sequential((Dense(4), Repeat(Sequential((Dense(4), Tanh(), Dropout(0.2))), times=3, name="deep"), Dense(2)))


def test_an_edit_of_the_body_is_one_of_every_copy(key):
    done = edit(NETWORK, Wrap("deep/*/0", by=Residual(Identity()), slot="body"), Set("deep/*/2/rate", value=0.5),
                InsertAfter("deep/*/1", new=LayerNorm()), Set("deep/times", value=4))  # fmt: skip
    body = Sequential((Residual(Dense(4)), Tanh(), LayerNorm(), Dropout(0.5)))
    assert done.spec.layers[1] == Repeat(body, times=4, name="deep")
    assert (done.moved["deep/*/0"], done.moved["deep/*/2"], done.written_out) == ("deep/*/0/body", "deep/*/3", ())
    assert edit(NETWORK, Set("deep/*", value=Dense(4))).spec.layers[1] == Repeat(Dense(4), times=3, name="deep")
    params, _ = initialize(NETWORK, (3,), key)
    moved = flatten(carried(params, done))
    assert set(moved) == {"0/w", "0/b", "deep/*/0/body/w", "deep/*/0/body/b", "2/w", "2/b"}
    np.testing.assert_array_equal(moved["deep/*/0/body/w"], params["deep"]["*"]["0"]["w"])


def test_an_edit_of_one_copy_writes_all_out_and_carries_their_weights(key):
    done = edit(NETWORK, Remove("deep/1/1"), Set("deep/2/0/bias", value=True), InsertAfter("deep/0", new=ReLU()))
    block = NETWORK.layers[1].body
    assert done.spec.layers[1] == Sequential((block, ReLU(), Sequential((Dense(4), Dropout(0.2))), block), name="deep")
    assert done.written_out == ("deep",)
    assert (done.moved["deep/1/0"], done.moved["deep/1/1"], done.moved["deep/2/1"]) == ("deep/2/0", None, "deep/3/1")
    assert done.moved["deep/*/0"] is None
    params, _ = initialize(NETWORK, (3,), key)
    moved = carried(params, done)
    assert set(flatten(moved)) == set(flatten(initialize(done.spec, (3,), key)[0]))
    for copy, at in enumerate(("0", "2", "3")):
        np.testing.assert_array_equal(moved["deep"][at]["0"]["w"], params["deep"]["*"]["0"]["w"][copy])
    written = edit(NETWORK, Set("deep/0/2/rate", value=0.2))
    x = jax.random.normal(key, (5, 3))
    np.testing.assert_allclose(
        apply(written.spec, carried(params, written), x)[0], apply(NETWORK, params, x)[0], rtol=1e-5, atol=1e-6
    )


def test_of_repeated_layers_inside_one_another_only_what_is_on_the_way_is_written_out(key):
    inner = Repeat(Dense(3), times=2)
    network = Repeat(Sequential((inner, Tanh())), times=3)
    done = edit(network, Replace("1/0/1", by=ReLU()))
    copies = [Sequential((inner, Tanh()))] * 3
    copies[1] = Sequential((Sequential((Dense(3), ReLU())), Tanh()))
    assert done.spec == Sequential(tuple(copies))
    assert done.written_out == ("", "1/0")
    params, _ = initialize(network, (3,), key)
    assert set(flatten(carried(params, done))) == {f"{at}/{n}" for at in ("0/0/*", "1/0/0", "2/0/*") for n in "wb"}


def test_a_repeated_block_is_addressed_saved_and_compared_like_any_other():
    assert get(NETWORK, "deep/*/0") == get(NETWORK, "deep/2/0") == Dense(4)
    assert get(NETWORK, "deep/1/2/rate") == 0.2
    assert Set("deep/2/0/units", value=5).sentence(NETWORK) == "set deep/2/0/units: 4 → 5"
    assert loads(dumps(NETWORK)) == NETWORK
    assert last_address(Sequential((Dense(3), Repeat(Sequential((Dense(3), Softmax())), times=2)))) == "1/*/1"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Repeat(Dense(3), times=0), r"^Repeat\.times: must be greater than or equal to 1; got 0"),
        (lambda: Repeat(Dense(3), times=2.0), r"^Repeat\.times: must be a valid integer; got 2\.0"),
        (lambda: Repeat(Dense(3)), r"^Repeat\.times: a value is required\. Write Repeat\(times=…\)"),
        (lambda: Repeat((Dense(3), ReLU()), times=2), r"^Repeat\.body: must be an instance of Layer"),
        (lambda: Sequential((Dense(3), Repeat(Dense(4), times=2))).shape((2,)),
         r"^1/\*: Repeat needs a body that keeps its shape; got \(3,\) → \(4,\)\. End it in \(3,\), or"),
        (lambda: edit(NETWORK, Remove("deep/3/0")), r"^deep/3/0: there is nothing at this address"),
        (lambda: edit(NETWORK, Remove("deep/*")), r"^deep/\*: only a member of a tuple can be removed"),
        (lambda: edit(NETWORK, Replace("deep/*", by=GlorotUniform())), r"^deep/\*: must be an instance of Layer"),
        (lambda: edit(NETWORK, Remove("deep/1/1"), Remove("deep/*/0")), r"^deep/\*/0: there is nothing at this addr"),
        (lambda: edit(NETWORK, Wrap("0", by=Repeat(Identity(), times=2), slot="body")),
         r"^0/body: there is nothing at this address\. Known: \*"),
    ],
)  # fmt: skip
def test_mistakes_are_named(wrong, said):
    with pytest.raises(HeadwayError, match=said):
        wrong()
