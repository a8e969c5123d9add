"""What the edit of each remedy does to a recipe: addresses and numbers."""

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.augment import Shift
from headway.data.bundled import Diabetes, Digits, Iris
from headway.data.dataset import Data
from headway.doctor.case import Case
from headway.learning.losses import CrossEntropy, MeanSquaredError, ProbabilityCrossEntropy
from headway.learning.optimizers.adaptive import Adam, AdamW
from headway.learning.optimizers.sgd import SGD
from headway.learning.penalties import L2
from headway.learning.regularization import Dropout
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine
from headway.learning.schedules.schedule import Epochs, Fraction
from headway.models.mlp import mlp
from headway.models.transformer import language_model, post_ln, pre_ln
from headway.network.activations import ELU, GELU, Identity, LeakyReLU, ReLU, Softmax, Tanh
from headway.network.compose import Repeat, Sequential
from headway.network.convolution import Flatten, GlobalAveragePool
from headway.network.dense import Dense
from headway.network.initialization import Normal, Zeros
from headway.network.layer import apply, initialize
from headway.network.normalization import BatchNorm, LayerNorm
from headway.network.rescale import Rescale
from headway.network.residual import Residual
from headway.spec.edit import edit
from headway.training.named import named
from headway.training.recipe import Recipe
from headway.training.record import Standing
from tests.doctor.remedies.cases import diagnosed, offered, remedies

PLAIN = Recipe(mlp((8, 8), 3), data=Data(Iris()), loss=CrossEntropy(), optimizer=SGD(0.1), batch_size=16, length=20)
BODY = Sequential((Dense(8), ReLU()))
SUMS = replace(PLAIN, network=Sequential((Dense(8), Repeat(Residual(BODY), times=9), Dense(3))))
POST = named("copy-post-ln").recipe


def after(recipe, cause, name):
    """The recipe after a remedy against a cause."""
    return edit(recipe, *offered(recipe, cause)[name].edits).spec


def test_branches_are_scaled_by_one_over_the_root_of_how_many_there_are():
    cured = after(SUMS, "exploding-gradient", "branches-scaled")
    assert cured.network.layers[1].body == Residual(BODY, scale=0.333)
    half = replace(SUMS, network=Sequential((Dense(8), Repeat(Residual(BODY, scale=0.5), times=9), Dense(3))))
    assert "branches-scaled" not in offered(half, "exploding-gradient")


def test_scaled_branches_keep_the_signal_where_sums_doubled_it():
    x = jax.random.normal(jax.random.key(1), (200, 4))

    def grown(recipe):
        params, state = initialize(recipe.network, (4,), jax.random.key(0))
        middle = Sequential(recipe.network.layers[:2])
        return float(jnp.std(apply(middle, params, x, state)[0]))

    before, cured = grown(SUMS), grown(after(SUMS, "exploding-gradient", "branches-scaled"))
    assert before > 2**9**0.5 * cured / 4
    assert cured < 8


def test_branches_that_end_in_weights_begin_at_zero_and_no_others():
    ends_in_dense = replace(SUMS, network=Sequential((Dense(8), Residual(Sequential((ReLU(), Dense(8)))), Dense(3))))
    cured = after(ends_in_dense, "exploding-gradient", "branches-zero")
    assert cured.network.layers[1].body == Sequential((ReLU(), Dense(8, init=Zeros())))
    assert "branches-zero" not in offered(SUMS, "exploding-gradient")


def test_a_norm_stands_in_front_of_what_each_branch_adds():
    cured = after(SUMS, "exploding-gradient", "norm-in-branches")
    assert cured.network.layers[1].body == Residual(Sequential((LayerNorm(), BODY)))
    assert "norm-in-branches" not in offered(cured, "exploding-gradient")


@pytest.mark.parametrize(("name", "by"), [("leaky-relu", LeakyReLU(0.1)), ("elu", ELU()), ("gelu", GELU())])
def test_every_hidden_relu_gets_a_slope_below_zero(name, by):
    nested = replace(PLAIN, network=Sequential((Dense(8), Rescale((1.0,), shift=(-8.0,)), ReLU(), BODY, Dense(3))))
    assert after(nested, "dying-relu", name).network == Sequential(
        (Dense(8), Rescale((1.0,), shift=(-8.0,)), by, Sequential((Dense(8), by)), Dense(3))
    )


def test_chosen_weights_become_those_that_suit_what_follows():
    drawn = replace(PLAIN, network=Sequential((Dense(8, init=Normal(3.0)), ReLU(), Dense(3, init=Normal(2.0)))))
    assert after(drawn, "initial-scale", "default-weights").network == Sequential((Dense(8), ReLU(), Dense(3)))
    assert "default-weights" not in offered(PLAIN, "initial-scale")


def test_a_warm_up_is_put_before_a_number_and_before_a_schedule_but_not_before_another():
    assert after(PLAIN, "unstable-start", "warm-up").optimizer.learning_rate == Warmup(Fraction(0.1), then=0.1)
    falling = replace(PLAIN, optimizer=Adam(Cosine(0.1)))
    cured = after(falling, "unstable-start", "warm-up")
    assert cured.optimizer.learning_rate == Warmup(Fraction(0.1), then=Cosine(0.1))
    assert "warm-up" not in offered(cured, "unstable-start")


def test_post_ln_becomes_pre_ln_with_the_norm_that_pre_ln_ends_in_and_keeps_the_weights_of_its_branches():
    cured = after(POST, "unstable-start", "pre-ln").network
    wanted = language_model(9, width=16, heads=2, blocks=6, placement=pre_ln)
    assert [type(layer) for layer in cured.layers] == [type(layer) for layer in wanted.layers]
    block, one = cured.layers[2].body, wanted.layers[2].body
    assert [part.layers[0] for part in block.layers] == list(one.layers)
    assert "pre-ln" not in offered(replace(POST, network=wanted), "unstable-start")


def test_a_post_ln_network_of_named_unlike_blocks_becomes_pre_ln_too():
    block = Sequential((Residual(Dense(8), name="sum"), LayerNorm(name="norm")), name="block")
    recipe = replace(PLAIN, network=Sequential((Dense(8), post_ln(Dense(8)), block, Dense(3, name="head"))))
    inner = Residual(Sequential((LayerNorm(), Dense(8))))
    assert after(recipe, "unstable-start", "pre-ln").network == Sequential(
        (Dense(8), Sequential((inner,)), Sequential((replace(inner, name="sum"),), name="block"), LayerNorm(),
         Dense(3, name="head"))
    )  # fmt: skip


def test_the_end_of_a_network_is_made_linear_or_its_loss_one_of_logits():
    softmax = replace(PLAIN, network=Sequential((Dense(3), Softmax())))
    assert after(softmax, "output-loss-mismatch", "remove-softmax").network == Sequential((Dense(3), Identity()))
    bare = replace(PLAIN, loss=ProbabilityCrossEntropy())
    assert after(bare, "output-loss-mismatch", "loss-of-logits").loss == CrossEntropy()
    right = replace(softmax, loss=ProbabilityCrossEntropy())
    assert offered(right, "output-loss-mismatch") == {}
    rectified = replace(PLAIN, network=Sequential((Dense(1), ReLU())), data=Data(Diabetes()), loss=MeanSquaredError())
    assert after(rectified, "output-loss-mismatch", "remove-relu").network == Sequential((Dense(1), Identity()))


def test_inputs_are_scaled_in_the_data_or_by_fixed_numbers_in_front():
    raw = replace(PLAIN, data=Data(Iris(), standardize=False))
    assert after(raw, "unscaled-features", "standardize").data == Data(Iris())
    fixed = after(raw, "unscaled-features", "rescaled-inputs").network
    x = raw.data.load().train.x
    scaled, _ = apply(Sequential(fixed.layers[:1]), {}, jnp.asarray(x))
    np.testing.assert_allclose(scaled, Data(Iris()).load().train.x, atol=1e-4)
    assert after(raw, "unscaled-features", "normalized-inputs").network.layers[0] == BatchNorm()


@pytest.mark.parametrize("network", [mlp((8,), 1), Dense(1)])
def test_outputs_get_the_units_of_the_targets(network):
    recipe = replace(PLAIN, network=network, data=Data(Diabetes()), loss=MeanSquaredError())
    last = after(recipe, "unscaled-targets", "rescaled-outputs").network.layers[-1]
    y = recipe.data.load().train.y
    np.testing.assert_allclose([*last.scale, *last.shift], [y.std(), y.mean()], rtol=1e-5)
    assert offered(PLAIN, "unscaled-targets") == {}


def test_a_decay_shrinks_e10_fold_over_the_run_or_ten_times_as_fast_as_it_did():
    plain = replace(PLAIN, optimizer=AdamW(0.01, weight_decay=None), length=200)
    strength = after(plain, "overfitting", "weight-decay").optimizer.weight_decay
    assert math.log(1 / (1 - 0.01 * strength)) * 200 == pytest.approx(10, rel=0.05)
    falling = replace(plain, optimizer=AdamW(Cosine(0.02), weight_decay=None))
    assert after(falling, "overfitting", "weight-decay").optimizer.weight_decay == pytest.approx(strength, rel=0.1)
    strong = replace(plain, optimizer=AdamW(0.01, weight_decay=3.0))
    assert after(strong, "overfitting", "weight-decay").optimizer.weight_decay == 30


def test_against_overfitting_units_rates_labels_and_places_are_changed_where_they_apply():
    images = replace(PLAIN, network=mlp((128,), 10), data=Data(Digits(shape="image")))
    assert after(images, "overfitting", "dropout").network == Sequential(
        (Flatten(), Dense(128), ReLU(), Dropout(0.5), Dense(10))
    )
    assert after(images, "overfitting", "a-quarter-of-the-units").network == mlp((32,), 10)
    assert after(images, "overfitting", "label-smoothing").loss == CrossEntropy(smoothing=0.1)
    assert after(images, "overfitting", "shifted-examples").augment == (Shift(1),)
    assert "shifted-examples" not in offered(replace(images, data=Data(Digits())), "overfitting")


@pytest.mark.parametrize(("best", "offers"), [(6, True), (19, False), (0, False)])
def test_a_run_that_was_best_early_is_offered_to_stop_there(best, offers):
    standing = Standing(step=20, best=0.1, best_step=best, reason="finished")
    case = Case(PLAIN, PLAIN.data.load(), standing=standing)
    found = {one.name: one for one in remedies(case, diagnosed(("overfitting", 1.0)))}
    assert ("stop-at-best" in found) is offers
    if offers:
        assert edit(PLAIN, *found["stop-at-best"].edits).spec.length == best


def test_everything_that_holds_a_fit_back_is_taken_out():
    held = replace(
        PLAIN, network=Sequential((Dense(8), ReLU(), Dropout(0.9), Dense(3))), penalties=(L2(1.0),),
        optimizer=AdamW(0.1, weight_decay=1.0, decay_only=("**/w",)), loss=CrossEntropy(smoothing=0.5),
    )  # fmt: skip
    free = after(held, "over-regularised", "unregularized")
    assert free == replace(
        held, network=Sequential((Dense(8), ReLU(), Dropout(0.0), Dense(3))), penalties=(),
        optimizer=AdamW(0.1, weight_decay=None), loss=CrossEntropy(),
    )  # fmt: skip


def test_layers_that_nothing_parts_get_relu_between():
    linear = replace(PLAIN, network=Sequential((Dense(8), Dense(8), ReLU(), Dense(8), Dense(3))))
    assert after(linear, "missing-nonlinearity", "relu-between").network == Sequential(
        (Dense(8), ReLU(), Dense(8), ReLU(), Dense(8), ReLU(), Dense(3))
    )


def test_lengths_batches_schedules_and_optimizers():
    assert after(replace(PLAIN, length=90), "too-few-steps", "longer").length == 360
    assert after(PLAIN, "too-few-steps", "longer").length == 200, "20 updates are fewer than 4 times as many are enough"
    epochs = replace(PLAIN, length=Epochs(30))  # of 7 updates each
    assert after(epochs, "too-few-steps", "longer").length == Epochs(120)
    assert after(replace(PLAIN, length=Epochs(3)), "too-few-steps", "longer").length == Epochs(30)
    assert after(replace(PLAIN, batch_size=1), "batch-size", "larger-batch").batch_size == 32
    assert after(PLAIN, "batch-size", "larger-batch").batch_size == 64
    assert after(PLAIN, "batch-size", "smaller-batch").batch_size == 4
    parts = replace(PLAIN, batch_size=36, accumulate=3)
    assert after(parts, "batch-size", "larger-batch").batch_size == 105, "all 105 examples, in three equal parts"
    assert after(PLAIN, "oscillation", "cosine-decay").optimizer == SGD(Cosine(0.1))
    assert after(PLAIN, "plateau", "adam").optimizer == Adam(1e-3)
    short = replace(PLAIN, optimizer=SGD(Cosine(0.1, steps=5)))
    assert after(short, "schedule-length", "schedule-over-the-run").optimizer == SGD(Cosine(0.1))
    assert after(PLAIN, "non-finite", "clipping").clip.limit == 1
    chosen = replace(PLAIN, optimizer=AdamW(0.1, decay_only=("**/b",)))
    assert after(chosen, "decay-groups", "decay-weights-alone").optimizer == AdamW(0.1)


def test_norms_of_batches_become_norms_of_examples():
    mixed = replace(PLAIN, network=Sequential((Dense(8), BatchNorm(), ReLU(), Dense(3))))
    assert after(mixed, "small-batch-statistics", "layernorm-for-batchnorm").network == Sequential(
        (Dense(8), LayerNorm(), ReLU(), Dense(3))
    )


def test_what_is_identity_between_layers_becomes_relu():
    linear = replace(PLAIN, network=Sequential((Dense(8), Identity(), Dense(8), Tanh(), Dense(3), Identity())))
    assert after(linear, "missing-nonlinearity", "relu-between").network == Sequential(
        (Dense(8), ReLU(), Dense(8), Tanh(), Dense(3), Identity())
    )


def test_narrow_layers_get_32_units_and_wide_ones_twice_as_many():
    narrow = replace(PLAIN, network=mlp((2, 40), 3))
    assert after(narrow, "underfitting", "more-units").network == mlp((32, 80), 3)


def test_a_mean_over_places_gives_way_to_the_places():
    mean = replace(PLAIN, network=Sequential((GlobalAveragePool(), Dense(10))), data=Data(Digits(shape="image")))
    assert after(mean, "underfitting", "flattened").network == Sequential((Flatten(), Dense(10)))
