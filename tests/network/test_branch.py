import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.regularization import Dropout
from headway.network.activations import Identity, ReLU, SiLU, Tanh
from headway.network.branch import Branch, Concatenate, Concatenation, Product, Sum
from headway.network.compose import Sequential
from headway.network.convolution import Conv, Flatten, MaxPool
from headway.network.dense import Dense
from headway.network.initialization import GlorotUniform, HeNormal
from headway.network.layer import Context, Layer, apply, initialize
from headway.network.recurrent import GRU
from headway.network.residual import Residual
from headway.network.summary import neuron, summary
from headway.network.values import flatten
from headway.spec.edit import Remove, Wrap, edit, new_address
from headway.spec.error import HeadwayError
from headway.spec.node import spec

HE, GLOROT = HeNormal(), GlorotUniform()
A, B = Sequential((Dense(4), Tanh())), Dense(4, name="gate")
WIDE = Sequential((Dense(3), ReLU()))


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        (Sum(), lambda a, b: a + b),
        (Product(), lambda a, b: a * b),
        (Concatenation(), lambda a, b: np.concatenate([a, b], axis=1)),
    ],
    ids=["sum", "product", "concatenation"],
)
def test_every_branch_gets_the_input_and_the_join_gets_their_outputs(join, expected, key, rng):
    branch, x = Branch((A, B), join=join), rng.normal(size=(5, 3)).astype(np.float32)
    params, _ = initialize(branch, (3,), key)
    w = {address: np.asarray(value) for address, value in flatten(params).items()}
    assert list(w) == ["0/0/w", "0/0/b", "gate/w", "gate/b"]
    a, b = np.tanh(x @ w["0/0/w"] + w["0/0/b"]), x @ w["gate/w"] + w["gate/b"]
    np.testing.assert_allclose(apply(branch, params, x)[0], expected(a, b), rtol=1e-5, atol=1e-6)


def test_known_layers_are_branches(key, rng):
    """Residual is a sum with the identity, Concatenate a concatenation with it, SiLU a product with its sigmoid."""
    body, x = Sequential((Dense(4), Tanh())), jnp.array(rng.normal(size=(3, 4)), jnp.float32)
    for layer, join in ((Residual(body), Sum()), (Concatenate(body), Concatenation())):
        params, _ = initialize(layer, (4,), key)
        y = apply(Branch((Identity(), body), join=join), {"1": params["body"]}, x)[0]
        np.testing.assert_array_equal(apply(layer, params, x)[0], y)
    gates = Branch((Identity(), Sequential((SiLU(),))), join=Product())
    np.testing.assert_allclose(apply(gates, {}, x)[0], x * x * jax.nn.sigmoid(x), rtol=1e-5)


def test_gradient_is_the_sum_over_branches_and_a_concatenation_passes_its_own_part(key, rng):
    """∂L/∂x = Σ J_iᵀ ∂L/∂y for Sum; for [x, F(x)] it is the first part of ∂L/∂y plus J_Fᵀ times the second."""
    with jax.enable_x64(True):
        x, upstream = jnp.array(rng.normal(size=3)), jnp.array(rng.normal(size=7))

        def jacobian(layer, params):
            return jax.jacobian(lambda x: apply(layer, params, x[None])[0][0])(x)

        def back(layer, params, upstream):
            return jax.vjp(lambda x: apply(layer, params, x[None])[0][0], x)[1](upstream)[0]

        params, _ = initialize(Branch((A, B)), (3,), key, jnp.float64)
        parts = jacobian(A, params["0"]) + jacobian(B, params["gate"])
        np.testing.assert_allclose(back(Branch((A, B)), params, upstream[:4]), upstream[:4] @ parts, rtol=1e-12)
        params, _ = initialize(Concatenate(A), (3,), key, jnp.float64)
        expected = upstream[:3] + upstream[3:] @ jacobian(A, params["body"])
        np.testing.assert_allclose(back(Concatenate(A), params, upstream), expected, rtol=1e-12)


def test_a_dense_block_widens_by_its_growth_and_keeps_every_input(key, rng):
    """DenseNet: c + n k channels after n blocks of k, the first c of them the input, the next k what block 1 made."""
    block, x = Concatenate(Sequential((ReLU(), Conv(4)))), jnp.array(rng.normal(size=(2, 5, 5, 3)), jnp.float32)
    network = Sequential((block,) * 3)
    assert network.shape((5, 5, 3)) == (5, 5, 3 + 3 * 4)
    params, _ = initialize(network, (5, 5, 3), key)
    seen = {}
    y, _ = apply(network, params, x, context=Context(tap=lambda a, y: seen.setdefault(a, y)))
    np.testing.assert_array_equal(y[..., :3], x)
    for i, first in enumerate((3, 7, 11)):
        np.testing.assert_array_equal(y[..., first : first + 4], seen[f"{i}/body"])


@pytest.mark.parametrize(
    ("network", "inputs", "message"),
    [
        (Branch((Dense(3), Dense(4))), (2,), r"^1: Sum needs outputs of one shape, that of 0 being \(3,\); got "
                                            r"\(4,\)\. End it in \(3,\), or join by Concatenation"),
        (Branch((Dense(3), Dense(4, name="gate")), join=Product()), (2,), r"^gate: Product needs .* that of 0 being"),
        (Sequential((ReLU(), Branch((Conv(2), Conv(2, stride=2)), join=Concatenation()))), (4, 4, 1),
         r"^1/1: Concatenation needs outputs that differ from \(4, 4, 2\), that of 0, in the last dimension only; "
         r"got \(2, 2, 2\)\. Bring both"),
        (Branch((Identity(), Identity()), join=Concatenation()), (), r"^0: Concatenation needs a dimension of"),
        (Branch((Conv(2), Flatten()), join=Concatenation()), (4, 4, 1), r"^1: Concatenation .*; got \(16,\)"),
        (Branch((ReLU(), Sequential((MaxPool(),)))), (6,), r"^1/0: MaxPool takes \(length"),
        (Concatenate(Conv(2, stride=2)), (4, 1), r"^body: Concatenate needs a body that changes the last dimension only"
                                                 r"; got \(4, 1\) → \(2, 2\)\. Take"),
        (Sequential((Concatenate(Flatten(name="flat")),)), (4, 2), r"^0/body: Concatenate .*\(4, 2\) → \(8,\)"),
        (Concatenate(Identity()), (), r"^body: Concatenate needs a body that changes the last dimension only"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_join_are_refused_by_address(network, inputs, message, key):
    for ask in (
        lambda: network.shape(inputs),
        lambda: initialize(network, inputs, key),
        lambda: apply(network, {}, jnp.ones((2, *inputs))),
    ):
        with pytest.raises(HeadwayError, match=message):
            ask()


def test_a_branch_needs_branches_of_different_names_and_a_join():
    with pytest.raises(HeadwayError, match=r"^Branch/branches: needs at least one branch"):
        Branch(())
    with pytest.raises(HeadwayError, match=r"must not share a name; got a"):
        Branch((Dense(3, name="a"), ReLU(name="a")))
    with pytest.raises(HeadwayError, match=r"must not share a name; got join"):
        Branch((Dense(3, name="join"), ReLU()))
    with pytest.raises(HeadwayError, match=r"^Branch\.join: .*; got 'sum'"):
        Branch((Dense(3), ReLU()), join="sum")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((Branch((Dense(4), Dense(4))), ReLU()), {"0/0": HE, "0/1": HE}),
        ((Branch((WIDE, Dense(4)), join=Concatenation()), Tanh()), {"0/0/0": HE, "0/1": GLOROT}),
        ((Dense(4), Branch((ReLU(), ReLU()))), {"0": HE}),
        ((Dense(4), Branch((ReLU(), Tanh()))), {"0": GLOROT}),
        ((Dense(4), Branch((Dropout(0.1), Flatten())), ReLU()), {"0": HE}),
        ((Dense(4), Concatenate(Sequential((ReLU(), Dense(2)))), Dense(3)), {"0": HE, "1/body/1": GLOROT, "2": GLOROT}),
        ((Concatenate(Dense(4)), ReLU()), {"0/body": HE}),
    ],
)  # fmt: skip
def test_weights_start_as_the_activation_behind_each_branch_wants(layers, expected):
    declared = flatten(Sequential(layers).declare((4,)))
    assert {address.removesuffix("/w"): p.init for address, p in declared.items() if p.decays} == expected


@pytest.mark.parametrize("container", [lambda part: Branch((part, Identity())), Concatenate])
def test_state_and_random_keys_reach_the_branches(container, key):
    @spec
    class Tally(Layer):
        """y = x; counts its calls in training."""

        def state(self, inputs):
            return {"calls": jnp.zeros((), jnp.int32)}

        def apply_with_state(self, params, state, x, context):
            return x, {"calls": state["calls"] + (context.mode == "train")}

    network, x = container(Sequential((Tally(), Dropout(0.5)))), jnp.ones((4, 50))
    _, state = initialize(network, (50,), key)
    where = next(iter(state))
    for calls in (1, 2):
        y, state = apply(network, {}, x, state, Context("train", keys=jax.random.split(key, 4)))
        assert state == {where: {"0": {"calls": calls}}}
    assert set(np.unique(y)) == ({1.0, 3.0} if where == "0" else {0.0, 1.0, 2.0})


def test_taps_see_every_branch_before_the_join():
    seen = {}
    network = Branch((ReLU(), Sequential((ReLU(), Flatten()), name="b")), join=Concatenation())
    apply(network, {}, jnp.ones((2, 3)), context=Context(tap=lambda a, y: seen.setdefault(a, y)))
    assert {address: y.shape for address, y in seen.items()} == {
        "0": (2, 3), "b/0": (2, 3), "b/1": (2, 3), "b": (2, 3), "": (2, 6)
    }  # fmt: skip


def test_work_and_depth_are_counted_through_branches():
    network = Branch((A, B), join=Product())
    assert network.flops((3,)) == 2 * 4 * 7 + 4 + 4
    assert Branch((A, B), join=Concatenation()).flops((3,)) == 2 * 4 * 7 + 4
    assert Concatenate(WIDE).flops((3,)) == 3 * 7 + 3
    assert [row.address for row in summary(network, (3,)).rows] == ["", "0/0", "0/1", "gate"]
    assert summary(network, (3,)).parameters == 32


@pytest.mark.parametrize(
    "network",
    [
        Branch((Dense(2, name="unit"), ReLU())),
        Branch((Sequential((Dense(2, name="unit"),), name="unit"), Sequential((ReLU(), Dense(2))))),
        Residual(Dense(2), skip=ReLU()),
    ],
)
def test_an_activation_in_another_branch_is_not_taken_for_a_neurons_own(network, key):
    params, _ = initialize(network, (2,), key)
    address = next(a for a in flatten(params) if a.endswith("w")).removesuffix("/w")
    found = neuron(network, params, address, 0, jnp.array([[0.5, -1.0], [2.0, 0.3]]))
    np.testing.assert_array_equal(found.activation, found.weighted_sum)


def test_branches_are_edited_by_address():
    network = Sequential((Dense(4), Branch((Dense(4), ReLU(name="act")))))
    edited = edit(network, Wrap("1/act", by=Concatenate(Identity()), slot="body"), Remove("1/0"))
    assert edited.spec == Sequential((Dense(4), Branch((Concatenate(ReLU(name="act")),))))
    assert new_address(edited.moved, "1/act") == "1/0/body"


def test_two_recurrences_in_two_directions_are_branches(key, rng):
    """Bidirectional: the second half at time t is what a layer that reads the reversed sequence says at T − t."""
    network = Branch((GRU(3), GRU(3, reverse=True)), join=Concatenation())
    x = jnp.array(rng.normal(size=(2, 5, 4)), jnp.float32)
    params, _ = initialize(network, (5, 4), key)
    y, _ = apply(network, params, x)
    np.testing.assert_allclose(y[..., :3], apply(GRU(3), params["0"], x)[0], rtol=1e-6)
    backwards = apply(GRU(3), params["1"], x[:, ::-1])[0][:, ::-1]
    np.testing.assert_allclose(y[..., 3:], backwards, rtol=1e-5, atol=1e-6)
