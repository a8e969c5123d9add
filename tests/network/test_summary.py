import itertools

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

from headway.learning.regularization import Dropout
from headway.network.activations import ReLU, Softmax, Tanh
from headway.network.attention import MultiHeadAttention
from headway.network.branch import Branch, Concatenate, Concatenation, Product
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import AveragePool, Conv, Flatten, GlobalAveragePool, MaxPool
from headway.network.dense import Dense
from headway.network.feedforward import FeedForward
from headway.network.layer import Layer, Parameter, apply, initialize
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.network.summary import Row, neuron, summary
from headway.spec.error import HeadwayError
from headway.spec.node import spec

NET = Sequential(
    (
        Sequential((Conv(8, name="conv"), ReLU(), MaxPool()), name="stem"),
        Flatten(),
        Dense(16, name="hidden"),
        Dropout(0.5),
        Tanh(),
        Dense(3, bias=False),
    )
)


def compiled_flops(layer: Layer, inputs) -> float:
    params, _ = initialize(layer, inputs, jax.random.key(0))
    program = jax.jit(lambda p, x: apply(layer, p, x)[0]).lower(params, jnp.ones((1, *inputs)))
    return program.compile().cost_analysis()["flops"]


def test_rows_and_totals_are_those_counted_by_hand():
    found = summary(NET, (8, 8, 2))
    assert found.rows == (
        Row("stem/conv", "Conv(8, name='conv')", (8, 8, 8), 512, 8, 3 * 3 * 2 * 8 + 8, 512 * (2 * 18 + 1), 2048),
        Row("stem/1", "ReLU()", (8, 8, 8), 0, 0, 0, 512, 2048),
        Row("stem/2", "MaxPool()", (4, 4, 8), 0, 0, 0, 128 * 3, 512),
        Row("1", "Flatten()", (128,), 0, 0, 0, 0, 512),
        Row("hidden", "Dense(16, name='hidden')", (16,), 16, 16, 128 * 16 + 16, 16 * 257, 64),
        Row("3", "Dropout(0.5)", (16,), 0, 0, 0, 0, 64),
        Row("4", "Tanh()", (16,), 0, 0, 0, 16, 64),
        Row("5", "Dense(3, bias=False)", (3,), 3, 3, 48, 3 * 32, 12),
    )
    assert (found.depth, found.width, found.neurons) == (3, 16, 512 + 16 + 3)
    assert (found.parameters, found.parameter_bytes) == (152 + 2064 + 48, 4 * 2264)
    assert found.flops == sum(row.flops for row in found.rows) == NET.flops((8, 8, 2))
    assert found.activation_bytes == 2048 + 2048 + 512 + 512 + 64 + 64 + 64 + 12


def test_parameters_are_those_that_initialization_makes(key):
    params, _ = initialize(NET, (8, 8, 2), key, jnp.bfloat16)
    found = summary(NET, (8, 8, 2), jnp.bfloat16)
    assert found.parameters == sum(p.size for p in jax.tree.leaves(params))
    assert found.parameter_bytes == sum(p.nbytes for p in jax.tree.leaves(params))
    assert found.activation_bytes == summary(NET, (8, 8, 2)).activation_bytes / 2


@pytest.mark.parametrize(
    ("layer", "inputs", "share"),
    [
        (Dense(32), (64,), 1.01),
        (Dense(32, bias=False), (5, 64), 1.01),
        (Conv(16, padding="valid"), (12, 12, 8), 1.05),
        (Conv(16, kernel=5, stride=2, padding=1), (40, 4), 1.05),
        (Conv(16, groups=4, padding="valid"), (12, 12, 8), 1.05),
        (AveragePool(2), (8, 8, 4), 1.7),
        (GlobalAveragePool(), (8, 8, 4), 1.05),
        (ReLU(), (8, 8, 4), 2.01),
        (Softmax(), (100,), 1.4),
        (LayerNorm(), (5, 64), 1.2),
        (Residual(Dense(64), scale=0.5), (64,), 1.01),
    ],
    ids=repr,
)
def test_flops_agree_with_the_compilers_count(layer, inputs, share):
    """XLA counts as we do but for what it adds (comparisons, divisions per axis, a difference taken twice in a fused
    loop) or counts apart (exponentials)."""
    ours, theirs = layer.flops(inputs), compiled_flops(layer, inputs)
    assert 1 / share <= theirs / ours <= share


def test_the_table_is_plain_aligned_text():
    lines = str(summary(NET, (8, 8, 2))).splitlines()
    assert lines[0].split() == ["address", "layer", "output", "neurons", "parameters", "FLOPs", "bytes"]
    assert lines[2].split("  ")[0] == "stem/conv"
    assert lines[2].endswith("18,944  2,048")
    assert lines[-2].split() == ["total", "531", "2,264", f"{NET.flops((8, 8, 2)):,}", "5,324"]
    assert lines[-1] == "input (8, 8, 2), depth 3, width 16, 9,056 bytes of parameters"
    assert len({len(line) for line in lines[1:-2]}) == 1
    assert all(line.isascii() for line in lines)
    assert str(summary(Dense(3), (2,))).splitlines()[2].startswith(".  ")


def test_a_container_with_parameters_of_its_own_has_a_row_that_counts_only_these():
    @spec
    class Scaled(Layer):
        """y = s body(x)."""

        body: Layer

        def parts(self, inputs):
            return [("body", self.body, inputs)]

        def shape(self, inputs):
            return self.body.shape(inputs)

        def parameters(self, inputs):
            return {"s": Parameter((7,), decays=False)}

        def flops(self, inputs):
            return 11 + self.body.flops(inputs)

    rows = summary(Sequential((Scaled(Dense(3)),)), (2,)).rows
    assert [(r.address, r.layer, r.parameters, r.flops, r.neurons) for r in rows] == [
        ("0", "Scaled", 7, 11, 0),
        ("0/body", "Dense(3)", 9, 15, 3),
    ]


def test_a_residual_counts_its_addition_and_norms_and_skips_add_no_depth():
    body = Sequential((LayerNorm(), Dense(4), ReLU(), Dense(4)))
    found = summary(Sequential((Residual(body, name="block"), LayerNorm(), Dense(2))), (5, 4))
    assert [(r.address, r.layer, r.parameters, r.flops, r.units) for r in found.rows] == [
        ("block", "Residual", 0, 2 * 20, 0),
        ("block/body/0", "LayerNorm()", 8, 7 * 20, 0),
        ("block/body/1", "Dense(4)", 20, 5 * 4 * 9, 4),
        ("block/body/2", "ReLU()", 0, 20, 0),
        ("block/body/3", "Dense(4)", 20, 5 * 4 * 9, 4),
        ("1", "LayerNorm()", 8, 7 * 20, 0),
        ("2", "Dense(2)", 10, 5 * 2 * 9, 2),
    ]
    assert (found.depth, found.shortest, found.width, found.neurons) == (3, 1, 4, 2 * 20 + 10)


def deep(layers, width=4):
    return Sequential((Dense(width), ReLU()) * layers)


@pytest.mark.parametrize(
    ("network", "shortest", "longest"),
    [
        (deep(3), 3, 3),
        (Residual(deep(3)), 0, 3),
        (Residual(deep(3), skip=Dense(4)), 1, 3),
        (Residual(Dense(4), skip=deep(2)), 1, 2),
        (Sequential((Dense(4), *[Residual(deep(2))] * 9, Dense(2))), 2, 20),
        (Branch((deep(2), deep(5), ReLU())), 0, 5),
        (Branch((deep(2), deep(5)), join=Concatenation()), 2, 5),
        (Sequential((Concatenate(deep(2)), Concatenate(Dense(4)))), 0, 3),
        (Branch((Residual(deep(4)), deep(3)), join=Product()), 0, 4),
        (Residual(Sequential((LayerNorm(), ReLU()))), 0, 0),
        (Sequential((Dense(4), Repeat(Residual(deep(2)), times=9), Dense(2))), 2, 20),
        (Sequential((MultiHeadAttention(2), FeedForward(8))), 2, 2),
    ],
    ids=repr,
)
def test_depth_is_the_longest_path_from_input_to_output_in_layers_with_weights(network, shortest, longest):
    """Counted by hand, and by networkx on the graph whose arrows are the layers, each as long as its weights."""
    found = summary(network, (5, 4))
    assert (found.shortest, found.depth) == (shortest, longest)
    graph, ends = nx.MultiDiGraph(), itertools.count()

    def drawn(layer, inputs, start):
        """Draw the ways through a layer that begin at `start`; returns where they end."""
        end = next(ends)
        match layer:
            case Sequential() | Repeat():
                for _, part, received in layer.parts(inputs):
                    start = drawn(part, received, start)
                end = start
            case Residual() | Branch() | Concatenate():
                for _, part, received in layer.parts(inputs):
                    graph.add_edge(drawn(part, received, start), end, weight=0)
                if isinstance(layer, Concatenate) or (isinstance(layer, Residual) and layer.skip is None):
                    graph.add_edge(start, end, weight=0)
            case _:
                weighs = isinstance(layer, Dense | MultiHeadAttention | FeedForward)
                graph.add_edge(start, end, weight=int(weighs))
        return end

    start = next(ends)
    end = drawn(network, (5, 4), start)
    assert nx.shortest_path_length(graph, start, end, weight="weight") == shortest
    assert nx.dag_longest_path_length(nx.DiGraph(longest_arrows(graph)), weight="weight") == longest


def longest_arrows(graph):
    """Of several arrows between two points the longest."""
    return [
        (a, b, {"weight": max(w["weight"] for w in graph[a][b].values())})
        for a, b in {(a, b) for a, b, _ in graph.edges}
    ]


def test_a_dense_neuron_is_its_weights_bias_sum_and_activation(key, rng):
    params, _ = initialize(NET, (8, 8, 2), key)
    params["hidden"]["b"] = jnp.arange(16.0)
    x = jnp.array(rng.normal(size=(5, 8, 8, 2)), jnp.float32)
    unit = neuron(NET, params, "hidden", 3, x)
    h = apply(Sequential(NET.layers[:2]), params, x)[0]
    np.testing.assert_array_equal(unit.weights, params["hidden"]["w"][:, 3])
    assert unit.bias == 3
    np.testing.assert_allclose(unit.weighted_sum, h @ unit.weights + unit.bias, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(unit.activation, np.tanh(unit.weighted_sum), rtol=1e-5)


def test_a_conv_neuron_has_a_kernel_and_a_sum_at_every_position(key, rng):
    params, _ = initialize(NET, (8, 8, 2), key)
    x = jnp.array(rng.normal(size=(2, 8, 8, 2)), jnp.float32)
    unit = neuron(NET, params, "stem/conv", 5, x)
    assert unit.weights.shape == (3, 3, 2)
    centre = (np.asarray(x)[:, 2:5, 3:6] * np.asarray(unit.weights)).sum((1, 2, 3))
    np.testing.assert_allclose(unit.weighted_sum[:, 3, 4], centre, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(unit.activation, np.maximum(unit.weighted_sum, 0))


@pytest.mark.parametrize(
    ("network", "address", "f"),
    [
        (Dense(4), "", lambda z: z),
        (Sequential((Dense(4),)), "0", lambda z: z),
        (Sequential((Dense(4), Dense(4), ReLU())), "0", lambda z: z),
        (Sequential((Sequential((Dense(4),)), Tanh(), ReLU())), "0/0", np.tanh),
        (Sequential((Dense(4), Sequential((Dropout(0.3), Tanh())))), "0", np.tanh),
        (Sequential((Residual(Dense(3)), Tanh())), "0/body", lambda z: z),
        (Sequential((Dense(4), Residual(Sequential((Tanh(), Dense(4)))))), "0", np.tanh),
    ],
)
def test_the_activation_is_that_of_the_layer_the_sum_meets_unchanged(network, address, f, key):
    params, _ = initialize(network, (3,), key)
    unit = neuron(network, params, address, 1, jnp.array([[1.0, -2, 0.5], [0, 1, 2]]))
    np.testing.assert_allclose(unit.activation, f(np.asarray(unit.weighted_sum)), rtol=1e-5)


def test_a_neuron_without_bias_has_none_and_one_that_does_not_exist_is_refused(key):
    params, _ = initialize(NET, (8, 8, 2), key)
    x = jnp.ones((1, 8, 8, 2))
    assert neuron(NET, params, "5", 0, x).bias is None
    with pytest.raises(HeadwayError, match=r"^hiden: no layer with weights is here\. Did you mean 'hidden'\?"):
        neuron(NET, params, "hiden", 0, x)
    for index in (16, -1):
        with pytest.raises(HeadwayError, match=rf"^hidden: has the units 0 to 15; got {index}"):
            neuron(NET, params, "hidden", index, x)
