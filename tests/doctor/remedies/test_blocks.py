"""Every remedy's edit makes a recipe that can be computed, and leaves alone what it does not mean to change."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.bundled import Iris
from headway.data.dataset import Data
from headway.doctor.remedies.blocks import depth_of, ends, hidden_blocks, norms_behind_sums
from headway.doctor.remedies.random import everyday_edits, random_remedies
from headway.learning.losses import BinaryCrossEntropy, CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.models.mlp import mlp
from headway.models.transformer import language_model, post_ln, pre_ln
from headway.network.activations import ReLU, Sigmoid, Softmax, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Conv, Flatten
from headway.network.dense import Dense
from headway.network.initialization import Constant, GlorotNormal, HeNormal, Normal
from headway.network.layer import apply
from headway.network.normalization import LayerNorm
from headway.network.residual import Residual
from headway.network.values import flatten
from headway.spec.edit import edit, new_address
from headway.spec.node import walk
from headway.training.job import prepare
from headway.training.named import RECIPES, named
from headway.training.recipe import Recipe
from headway.training.step import batch, initial_state, step
from tests.doctor.remedies.cases import offered as by_cause

SMALL = Normal(0.05)
NETWORKS = {
    "equal widths": mlp((6,) * 4, 3, activation=Sigmoid()),
    "other widths": mlp((7, 5, 9), 3, activation=Tanh()),
    "explicit weights": Sequential(
        (Dense(6, init=SMALL), Sigmoid(), Dense(6, init=GlorotNormal()), Sigmoid(), Dense(3, init=SMALL))
    ),
    "names": Sequential(
        (Dense(6, name="stem"), Tanh(name="bend"), Dense(6, name="trunk", init=SMALL), Tanh(), Dense(3, name="head"))
    ),
    "dropout between": Sequential((Dense(6), Sigmoid(), Dropout(0.2), Dense(6), Sigmoid(), Dropout(0.2), Dense(3))),
    "nested": Sequential(
        (Sequential((Dense(6), Tanh(), Dense(6), Tanh()), name="stem"), Residual(Sequential((Dense(6), Tanh()))),
         Dense(3))
    ),
    "repeated": Sequential((Dense(6), Repeat(Sequential((Dense(6), Sigmoid())), times=3), Dense(3))),
    "bare": Sequential((Dense(6, bias=False), Dense(6), Tanh(), Dense(3))),
}  # fmt: skip
KEEPS = {
    "equal widths": 3,
    "other widths": 0,
    "explicit weights": 1,
    "names": 1,
    "dropout between": 1,
    "nested": 2,
    "repeated": 1,
    "bare": 1,
}
OFFERED = {"relu-and-he", "residual", "normalization-after", "normalization-before", "learning-rate-alone"}
every = pytest.mark.parametrize("name", NETWORKS)


def recipe_of(network):
    return Recipe(network, data=Data(Iris()), loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=16, length=10)


def offered(recipe):
    return by_cause(recipe, "vanishing-gradient")


def weights(recipe):
    return initial_state(prepare(recipe).update, (4,))["params"]


def computed(job):
    """An update can be traced, and leaves the shapes as they are."""
    before = jax.eval_shape(lambda: initial_state(job.update, job.dataset.input_shape))
    drawn = batch(job, 0)
    after, _ = jax.eval_shape(lambda state: step(job.update, state, drawn), before)
    assert jax.tree.map(lambda a: a.shape, after) == jax.tree.map(lambda a: a.shape, before)


def kinds(recipe, kind):
    return [node for _, node in walk(recipe.network) if type(node) is kind]


@every
def test_every_remedy_trains(name):
    recipe = recipe_of(NETWORKS[name])
    found = offered(recipe)
    assert set(found) == OFFERED - ({"residual"} if not KEEPS[name] else set())
    for remedy in found.values():
        computed(prepare(edit(recipe, *remedy.edits).spec))
        assert remedy.reason, remedy.name
        assert len(remedy.edge) == 3, remedy.name


@every
def test_relu_and_he_change_every_hidden_activation_and_nothing_behind_it(name):
    recipe = recipe_of(NETWORKS[name])
    cured = edit(recipe, *offered(recipe)["relu-and-he"].edits).spec
    blocks = hidden_blocks(recipe.network, (4,))
    assert len(kinds(cured, ReLU)) == len(blocks)
    assert not kinds(cured, Tanh) + kinds(cured, Sigmoid)
    declared = cured.network.declare((4,))
    drawn = flatten(declared)
    assert sum(isinstance(next(p.each(a))[1].init, HeNormal) for a, p in drawn.items()) == len(blocks)
    assert cured.network.layers[-1] == recipe.network.layers[-1]


@pytest.mark.parametrize("name", [name for name, count in KEEPS.items() if count])
def test_residual_keeps_every_initial_weight_bit_for_bit_and_adds_the_input(name):
    recipe = recipe_of(NETWORKS[name])
    edited = edit(recipe, *offered(recipe)["residual"].edits)
    assert len(kinds(edited.spec, Residual)) - len(kinds(recipe, Residual)) == KEEPS[name]
    before, after = flatten(weights(recipe)), flatten(weights(edited.spec))
    moved = {a: new_address(edited.moved, f"network/{a}").removeprefix("network/") for a in before}
    assert set(moved.values()) == set(after)
    for old, new in moved.items():
        np.testing.assert_array_equal(before[old], after[new], err_msg=old)


def test_a_residual_block_is_its_input_and_the_activated_sum():
    network = Sequential((Dense(4), Sigmoid(), Dense(3)))
    recipe = recipe_of(network)
    cured = edit(recipe, *offered(recipe)["residual"].edits).spec.network
    params = weights(recipe)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 4)), jnp.float32)
    h = x + 1 / (1 + np.exp(-(x @ params["0"]["w"])))
    y, _ = apply(cured, {"0": {"body": {"0": params["0"]}}, "1": params["2"]}, x)
    np.testing.assert_allclose(y, h @ params["2"]["w"], rtol=1e-5, atol=1e-6)


@every
@pytest.mark.parametrize("where", ["normalization-after", "normalization-before"])
def test_normalization_stands_once_a_block_and_keeps_every_initial_weight(name, where):
    recipe = recipe_of(NETWORKS[name])
    edited = edit(recipe, *offered(recipe)[where].edits)
    assert len(kinds(edited.spec, LayerNorm)) == len(hidden_blocks(recipe.network, (4,)))
    before, after = flatten(weights(recipe)), flatten(weights(edited.spec))
    for old, value in before.items():
        np.testing.assert_array_equal(
            value, after[new_address(edited.moved, f"network/{old}").removeprefix("network/")]
        )
    for address, node in walk(edited.spec.network):
        if isinstance(node, Sequential):
            stands = [type(layer) for layer in node.layers]
            follows = Dense if where == "normalization-before" else (Tanh, Sigmoid)
            behind = [stands[i - 1] for i, kind in enumerate(stands) if kind is LayerNorm]
            assert all(issubclass(kind, follows) for kind in behind), address


def test_every_copy_of_a_repeated_block_is_cured_and_none_is_made_wider_than_its_input():
    recipe = recipe_of(NETWORKS["repeated"])
    assert [(block.at, block.keeps_shape) for block in hidden_blocks(recipe.network, (4,))] == [("1/*/0", True)]
    cured = edit(recipe, *offered(recipe)["residual"].edits).spec.network
    assert cured.layers[1] == Repeat(Sequential((Residual(Sequential((Dense(6), Sigmoid()))),)), times=3)
    assert "random: twice the width" not in {remedy.name for remedy in everyday_edits(recipe, (4,))}


def test_an_activation_that_ends_the_network_is_left_alone():
    network = Sequential((Dense(6), Sigmoid(), Dense(1), Sigmoid()))
    assert [block.at for block in hidden_blocks(network, (4,))] == ["0"]
    for last in (Sequential((Dense(4), Sigmoid())), Repeat(Sequential((Dense(4), Sigmoid())), times=2)):
        assert hidden_blocks(Sequential((last,)), (4,)) == []


def test_a_network_without_hidden_blocks_has_none_to_change():
    assert by_cause(recipe_of(Dense(3)), "vanishing-gradient") == {}
    convolutions = Sequential((Conv(2, kernel=3), Sigmoid(), Flatten(), Dense(3)))
    assert hidden_blocks(convolutions, (5, 5, 1)) == []


def test_every_copy_of_a_residual_block_counts():
    block = Residual(Sequential((Dense(6), Residual(Dense(6)))))
    assert depth_of(Sequential((Dense(6), Repeat(block, times=3), Residual(Dense(6)))), (4,)) == 7


def test_norms_behind_sums_are_those_of_post_ln():
    network = language_model(5, width=8, heads=2, blocks=2, placement=post_ln)
    found = [(one.branch_at, one.norm_at) for one in norms_behind_sums(network)]
    assert found == [("2/*/0/0", "2/*/0/1"), ("2/*/1/0", "2/*/1/1")]
    assert norms_behind_sums(language_model(5, width=8, heads=2, blocks=2, placement=pre_ln)) == []


def test_the_end_of_a_network_is_the_layer_that_makes_the_output():
    network = Sequential((Dense(3), Sequential((Dense(2), Softmax(name="shares")), name="head")))
    assert ends(network, "network") == ("network/head/shares", Softmax(name="shares"))
    assert ends(Dense(3), "network") == ("network", Dense(3))


@pytest.mark.parametrize("name", RECIPES)
def test_every_random_remedy_can_be_computed_on_the_named_recipes(name):
    recipe = named(name).recipe
    job = prepare(recipe)
    pool = everyday_edits(recipe, job.dataset.input_shape)
    assert len({remedy.name for remedy in pool}) == len(pool) > 3  # a proof draws three
    assert all(remedy.name.startswith("random: ") for remedy in pool)
    for remedy in pool:
        changed = edit(recipe, *remedy.edits).spec
        assert changed != recipe, remedy.name
        computed(prepare(changed, job.dataset))


def test_random_remedies_are_drawn_by_a_seed():
    recipe = recipe_of(mlp((6, 6), 3))
    draws = [random_remedies(recipe, (4,), 3, seed) for seed in range(6)]
    assert draws[0] == random_remedies(recipe, (4,), 3, 0)
    assert len(set(draws)) > 1
    assert all(len({r.name for r in draw}) == 3 for draw in draws)
    pool = everyday_edits(recipe, (4,))
    assert {r.name for seed in range(40) for r in random_remedies(recipe, (4,), 3, seed)} == {r.name for r in pool}
    assert len(random_remedies(recipe, (4,), 1000, 0)) == len(pool)
    assert random_remedies(recipe, (4,), 0, 0) == ()


def test_what_a_recipe_has_already_is_no_random_remedy():
    recipe = replace(recipe_of(mlp((6, 6), 3, activation=Tanh())), batch_size=1, optimizer=AdamW(weight_decay=0.1))
    pool = {remedy.name.removeprefix("random: ") for remedy in everyday_edits(recipe, (4,))}
    assert not pool & {"half the batch", "a quarter of the batch", "weight decay 0.1", "Tanh in place"}
    assert {"GELU in place", "clip at norm 1"} <= pool


@pytest.mark.parametrize(("parts", "sizes"), [(1, {6, 3}), (2, {6, 2}), (4, {4}), (12, set())])
def test_a_smaller_batch_has_as_many_micro_batches_of_at_least_one_example(parts, sizes):
    recipe = replace(recipe_of(mlp((6, 6), 3)), batch_size=12, accumulate=parts)
    edited = [edit(recipe, *remedy.edits).spec.batch_size for remedy in everyday_edits(recipe, (4,))]
    assert {size for size in edited if size != 12} == sizes


def test_random_remedies_of_a_recipe_with_every_choice_made():
    network = Sequential((Dense(6, init=Constant(0.1), name="a"), Tanh(name="t"), Dense(1)))
    recipe = Recipe(
        network, data=Data(Iris()), loss=BinaryCrossEntropy(), optimizer=AdamW(1e-3, decay_only=("**/w",)), batch_size=2
    )
    for remedy in everyday_edits(recipe, (4,)):
        assert edit(recipe, *remedy.edits).spec != recipe
