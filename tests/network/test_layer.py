import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.regularization import Dropout
from headway.network.activations import LeakyReLU, ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.context import Context, salt
from headway.network.convolution import AveragePool, Conv, Flatten
from headway.network.dense import Dense
from headway.network.initialization import Orthogonal
from headway.network.layer import Layer, Parameter, apply, bias, initialize, places
from headway.network.values import flatten
from headway.spec.error import HeadwayError
from headway.spec.node import spec
from headway.spec.numbers import join, split

BODY = (Conv(4, name="stem"), ReLU(name="act"), Flatten(name="flat"), Dense(5, name="hidden"), Tanh(name="tanh"),
        Dense(2, name="head"))  # fmt: skip


@pytest.mark.parametrize("place", range(1, 7))
@pytest.mark.parametrize("extra", [Dropout(0.5), LeakyReLU(0.1), Sequential((Dropout(0.1), ReLU()))], ids=repr)
def test_a_new_layer_without_parameters_leaves_all_weights_bit_equal(place, extra, key):
    before, _ = initialize(Sequential(BODY), (6, 2), key)
    # An activation in the place right after weights would change their default initialization.
    grown = (*BODY[:place], extra, *BODY[place:])
    follows = isinstance(BODY[place - 1], Conv | Dense) and not isinstance(extra, Dropout)
    after, _ = initialize(Sequential(grown), (6, 2), key)
    assert list(flatten(before)) == list(flatten(after))
    for address, value in flatten(before).items():
        if not (follows and address == f"{BODY[place - 1].name}/w"):
            np.testing.assert_array_equal(value, flatten(after)[address])


def test_a_new_layer_of_another_kind_leaves_the_weights_of_the_others_bit_equal(key):
    before, _ = initialize(Sequential((Dense(6, name="a"), ReLU(), Dense(3, name="b"))), (5, 2), key)
    grown = Sequential((Conv(2, name="new", kernel=1), Dense(6, name="a"), ReLU(), Dense(3, name="b")))
    after, _ = initialize(grown, (5, 2), key)
    for address, value in flatten(before).items():
        np.testing.assert_array_equal(value, flatten(after)[address])


def test_layers_of_one_kind_draw_different_weights_and_the_key_is_that_of_the_place(key):
    net = Sequential((Dense(3), Sequential((Dense(3), Dense(3)))))
    params, _ = initialize(net, (3,), key)
    first, second, third = params["0"]["w"], params["1"]["0"]["w"], params["1"]["1"]["w"]
    assert (first != second).all()
    assert (second != third).all()
    assert places(net)["1/0"] == "headway/Dense#1"
    own = jax.random.fold_in(key, salt("headway/Dense#1/w"))
    limit = np.sqrt(6 / 6)
    np.testing.assert_array_equal(second, jax.random.uniform(own, (3, 3), jnp.float32, -limit, limit))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_parameters_and_outputs_have_the_dtype_asked_for(dtype, key):
    net = Sequential((*BODY[:2], AveragePool(), *BODY[2:]))
    params, _ = initialize(net, (6, 2), key, dtype)
    assert {value.dtype for value in flatten(params).values()} == {jnp.dtype(dtype)}
    y = apply(net, params, jnp.ones((3, 6, 2), dtype))[0]
    assert y.dtype == dtype


def test_an_initialization_that_cannot_be_drawn_is_refused_by_address(key):
    @spec
    class Scale(Layer):
        """y = s x."""

        def parameters(self, inputs):
            return {"s": Parameter((inputs[-1],), init=Orthogonal())}

    with pytest.raises(HeadwayError, match=r"^1/s: Orthogonal needs a parameter of two dimensions .* got shape \(3,\)"):
        initialize(Sequential((ReLU(), Scale())), (3,), key)


def test_random_layers_without_keys_are_refused_by_address():
    with pytest.raises(HeadwayError, match=r"^1: this layer draws random numbers in training; got no keys"):
        apply(Sequential((ReLU(), Dropout(0.5))), {}, jnp.ones((2, 3)), context=Context(mode="train"))


def test_example_keys_differ_by_example_and_place_and_come_again():
    keys = jax.random.split(jax.random.key(0), 4)
    salts = {"a": salt("headway/Dropout#0"), "b": salt("headway/Dropout#1")}
    a, b, again = (
        jax.random.key_data(Context(keys=keys, address=at, salts=salts).example_keys()) for at in ("a", "b", "a")
    )
    np.testing.assert_array_equal(a, again)
    assert len({tuple(row) for row in np.concatenate([a, b]).tolist()}) == 8


def test_state_is_kept_by_address_and_returned_as_it_is_after_the_call(key):
    @spec
    class Counter(Layer):
        """y = x; counts its calls."""

        def state(self, inputs):
            return {"calls": jnp.zeros((), jnp.int32)}

        def apply_with_state(self, params, state, x, context):
            return x, {"calls": state["calls"] + (context.mode == "train")}

    net = Sequential((Dense(2), Sequential((ReLU(), Counter(name="count")), name="body")))
    params, state = initialize(net, (3,), key)
    for mode, calls in (("train", 1), ("eval", 1), ("train", 2)):
        state = apply(net, params, jnp.ones((1, 3)), state, Context(mode=mode))[1]
        assert state == {"body": {"count": {"calls": calls}}}


def test_a_network_whose_numbers_are_traced_runs_and_does_not_compile_again(key):
    traces = []

    @jax.jit
    def program(numbers, params, x, keys):
        traces.append(1)
        return apply(join(structure, numbers), params, x, context=Context(mode="train", keys=keys))[0]

    x, keys = jnp.linspace(-1, 1, 12).reshape(4, 3), jax.random.split(key, 4)
    for slope, rate in ((0.1, 0.5), (0.0, 0.0), (1.0, 0.9)):
        net = Sequential((Dense(8), LeakyReLU(slope), Dropout(rate)))
        structure, numbers = split(net)
        params, _ = initialize(net, (3,), key)
        expected = apply(net, params, x, context=Context(mode="train", keys=keys))[0]
        np.testing.assert_allclose(program(numbers, params, x, keys), expected, rtol=1e-5, atol=1e-6)
    assert len(traces) == 1


def test_a_bias_is_zero_at_first_and_never_decays():
    declared = bias(3)
    assert (declared.shape, declared.decays) == ((3,), False)
    np.testing.assert_array_equal(declared.init.draw(jax.random.key(0), (3,), declared.fans, jnp.float32), np.zeros(3))
