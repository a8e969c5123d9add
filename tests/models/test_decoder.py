"""Decoders of published models have the parameters that their authors count, and see nothing of what follows."""

import math

import jax
import numpy as np
import pytest

from headway.models.decoder import gpt2, llama
from headway.network.layer import Layer, apply, initialize
from headway.network.values import flatten
from headway.training.named import EVERY
from headway.training.recipe import Recipe

PUBLISHED = {
    "lm-124m": 124_439_808,  # Radford et al. 2019, as `GPT2LMHeadModel.from_pretrained("gpt2")` counts
    "lm-1b": 1_100_048_384,  # TinyLlama-1.1B
    "lm-7b": 6_738_415_616,  # Llama-2-7B
    "lm-70b": 68_976_648_192,  # Llama-2-70B
    "lm-10m": 10_081_600,  # ours
}


def parameters(recipe: Recipe) -> int:
    assert recipe.data is not None
    declared = recipe.network.declare((recipe.data.source.time,))  # type: ignore[attr-defined]
    return sum(math.prod(parameter.shape) for parameter in flatten(declared).values())


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_model_has_the_parameters_that_are_published(name: str) -> None:
    assert parameters(EVERY[name].recipe) == PUBLISHED[name]
    assert f"{PUBLISHED[name]:,}" in EVERY[name].about


@pytest.mark.parametrize(
    "network",
    [gpt2(7, width=8, heads=2, blocks=2, time=12), llama(7, width=8, heads=4, blocks=2, hidden=16, key_heads=2)],
    ids=["gpt2", "llama"],
)
def test_scores_of_a_token_know_what_came_before_and_nothing_of_what_follows(network: Layer) -> None:
    params, state = initialize(network, (12,), jax.random.key(0))
    x = np.random.default_rng(0).integers(0, 7, (1, 12))
    changed = x.copy()
    changed[0, 6] = (x[0, 6] + 1) % 7
    before, after = (apply(network, params, tokens, state)[0] for tokens in (x, changed))
    np.testing.assert_allclose(before[:, :6], after[:, :6], atol=1e-6)
    assert np.abs(before[:, 6:] - after[:, 6:]).max(axis=-1).min() > 1e-6
