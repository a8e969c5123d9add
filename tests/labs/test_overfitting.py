"""The budget against overfitting: what each change costs, and that the recipe overfits where the curves say so."""

from dataclasses import replace

import numpy as np
import pytest

from headway.labs.overfitting import (
    BUDGET,
    DECAY,
    FEATURES,
    LAYERS,
    PRICES,
    RATE,
    TRAINING,
    VALIDATION,
    bought,
    curves,
    examples,
    losses,
    recipe_of,
    spent,
    unseen,
)  # fmt: skip
from headway.learning.optimizers.adaptive import AdamW
from headway.learning.penalties import L2
from headway.learning.regularization import Dropout, Noise
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.spec.edit import InsertAfter, Set
from headway.spec.json import to_dict
from headway.training.recipe import EarlyStopping

PLAIN = recipe_of(1)
CHANGES = {
    "weight decay or a penalty": replace(PLAIN, penalties=(L2(0.1),)),
    "learning rate": replace(PLAIN, optimizer=AdamW(RATE / 2, weight_decay=DECAY)),
    "width": replace(PLAIN, network=Sequential((Dense(8), *LAYERS[1:]))),
    "dropout": replace(PLAIN, network=Sequential((*LAYERS[:2], Dropout(0.5), LAYERS[2]))),
    "noise": replace(PLAIN, network=Sequential((Noise(1.0), *LAYERS))),
    "early stopping": replace(PLAIN, stopping=EarlyStopping(3)),
}


@pytest.mark.parametrize("name", PRICES)
def test_each_change_has_its_price(name):
    assert spent(PLAIN) == {}
    assert spent(CHANGES[name]) == {name: PRICES[name]}


def test_not_everything_can_be_bought():
    assert sum(PRICES.values()) > BUDGET >= max(PRICES.values())


def test_the_recipe_learns_the_training_set_by_heart_and_the_validation_loss_turns():
    found = curves(PLAIN, examples(1))
    steps, train, held_out = found.T
    assert train[-1] < 0.01
    assert held_out[-1] > 1.5 * held_out.min()
    assert steps[held_out.argmin()] < steps[-1] / 2
    assert losses(PLAIN, examples(1)).splitlines()[-1].split()[0] == str(int(steps[-1]))


def test_the_third_split_shares_no_example_with_what_there_is_to_train_on():
    data, new = examples(1), unseen(1)
    assert (len(data.train), len(data.validation), data.test) == (TRAINING, VALIDATION, None)
    seen = np.concatenate([data.train.x, data.validation.x])
    assert not (new.x[:, None, :FEATURES] == seen[None]).all(axis=2).any()


def test_early_stopping_with_a_little_decay_is_another_way_within_the_budget():
    made = [Set("stopping", value=EarlyStopping(3)), Set("optimizer/weight_decay", value=1.0)]
    assert [part.points for part in bought(1, [to_dict(one) for one in made])] == [1, 2]


def test_dropout_alone_goes_the_right_way_and_is_not_enough():
    part = bought(1, [to_dict(InsertAfter("network/1", new=Dropout(0.8)))])[1]
    assert part.points < 2
    assert "The loss is" in part.hint
