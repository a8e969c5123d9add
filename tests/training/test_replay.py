"""A run made again: the weights of the run itself, bit for bit, at its start, its best update and its end."""

import jax
import numpy as np
import pytest

import headway.training.replay as training_replay
from headway.network.layer import initialize
from headway.spec.error import HeadwayError
from headway.training.chunk import Chunk
from headway.training.replay import replay
from headway.training.step import _key
from headway.training.train import train
from tests.training.test_loop import RECIPE


def same(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def test_a_replay_passes_the_weights_of_the_run():
    run = train(RECIPE)
    best, last = run.standing.best_step, run.standing.step
    at_best, at_end, again = replay(RECIPE, [best, last, last])
    same(at_best, run.values)
    same(at_end, run.final)
    same(again, run.final)


def test_before_the_first_update_the_weights_are_the_initial_ones():
    start = replay(RECIPE, [0])[0]
    params, state = jax.jit(lambda key: initialize(RECIPE.network, RECIPE.data.load().input_shape, key))(
        _key(RECIPE, "initialization")
    )
    same(start, {"params": params, "network": state})


@pytest.mark.parametrize(
    ("steps", "message"),
    [([], "from 0 on"), ([-1], "from 0 on"), ([3, 2], "do not fall"), ([10**6], "the updates of the run; got 1000000")],
)
def test_updates_that_a_run_does_not_have_are_refused(steps, message):
    with pytest.raises(HeadwayError, match=rf"steps: .*{message}"):
        replay(RECIPE, steps)


def test_a_run_that_does_not_get_that_far_says_why(monkeypatch):
    def broken(job, state, examples, begin, length):
        return Chunk(state, np.zeros((0, 3)), None, "Update 1 was not made: the loss is not finite.")

    monkeypatch.setattr(training_replay, "compute", broken)
    with pytest.raises(HeadwayError, match=r"the run must get that far; got Update 1 was not made"):
        replay(RECIPE, [20])
