"""Generation against a plain loop over the network, the text of a run that knows one line, and what is refused."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.dataset import Data, arrays
from headway.data.text import TextFiles
from headway.learning.losses import CrossEntropy
from headway.learning.metrics import BitsPerByte
from headway.learning.optimizers.adaptive import AdamW
from headway.models.transformer import sequence_classifier, tied_language_model
from headway.network.attention import MultiHeadAttention
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.embedding import Embedding
from headway.network.layer import apply
from headway.network.recurrent import GRU
from headway.spec.error import HeadwayError
from headway.training.generate import generate, generate_text
from headway.training.recipe import Evaluation, Recipe
from headway.training.train import train

NETWORK = tied_language_model(5, width=8, heads=2, blocks=1)


def trained(network, x, y, tokens, **fields):
    recipe = Recipe(network, loss=CrossEntropy(), optimizer=AdamW(1e-2), length=1, batch_size=4)
    data = arrays(
        x, y, tokens=tokens, classes=tuple(map(str, range(tokens if y.ndim > 1 else 2))), validation=None, test=None
    )
    return train(replace(recipe, **fields), data=data)


@pytest.fixture(scope="module")
def run():
    tokens = np.random.default_rng(0).integers(0, 5, (8, 7))
    return trained(NETWORK, tokens[:, :-1], tokens[:, 1:], 5)


@pytest.mark.parametrize("prompt", [[3], [1, 4, 2], [0, 1, 2, 3, 4, 0, 1, 2]], ids=["one", "some", "more than fit"])
def test_near_0_it_is_the_most_likely_token_of_a_network_that_sees_the_last_six(run, prompt):
    expected = list(prompt)
    for _ in range(7):
        z, _ = apply(run.recipe.network, run.params, jnp.asarray([expected[-6:]], jnp.int32))
        expected.append(int(z[0, -1].argmax()))
    assert generate(run, prompt, 7, temperature=1e-6).tolist() == expected[len(prompt) :]


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_tokens_come_as_often_as_the_softmax_says(run, temperature):
    """The first token over 2,000 seeds: a binomial's standard deviation is at most 0.011."""
    z, _ = apply(run.recipe.network, run.params, jnp.asarray([[3]], jnp.int32))
    p = np.asarray(jax.nn.softmax(z[0, 0] / temperature))
    first = [int(generate(run, [3], 1, temperature=temperature, seed=seed)[0]) for seed in range(2000)]
    np.testing.assert_allclose(np.bincount(first, minlength=5) / 2000, p, atol=0.045)


def test_the_seed_alone_decides_and_a_longer_text_begins_as_the_shorter(run):
    long = generate(run, [1], 12, seed=4)
    np.testing.assert_array_equal(generate(run, [1], 12, seed=4), long)
    assert not np.array_equal(generate(run, [1], 12, seed=5), long)
    np.testing.assert_array_equal(generate(run, [1], 5, seed=4), long[:5])


def test_a_network_that_has_read_one_line_goes_on_with_it(tmp_path):
    line = "for x in range(n):\n"
    (tmp_path / "a.txt").write_text(line * 60)
    data = Data(TextFiles((str(tmp_path / "a.txt"),), time=16), validation=0.1, test=0.1)
    network = tied_language_model(256, width=16, heads=2, blocks=1)
    recipe = Recipe(network, data=data, loss=CrossEntropy(), optimizer=AdamW(1e-2), batch_size=16, length=150,
                    evaluation=Evaluation(150, metrics=(BitsPerByte(),)))  # fmt: skip
    run = train(recipe)
    assert run.results["test"]["bits per byte"] < 0.7
    assert generate_text(run, "for x in ", 29, temperature=0.1) == "range(n):\nfor x in range(n):\n"


@pytest.mark.parametrize(
    ("prompt", "settings", "message"),
    [
        ([], {}, "prompt: must be one token or more to go on from"),
        ([[1, 2]], {}, r"prompt: must be one token or more.*; got shape \(1, 2\)"),
        ([1, 5], {}, r"prompt\[1\]: must be one of the token ids 0 to 4; got 5"),
        ([1], {"length": 0}, "length: must be 1 or more; got 0"),
        ([1], {"temperature": 0.0}, "temperature: must be above 0; got 0.0. Near 0 the most likely"),
        ([1], {"temperature": float("nan")}, "temperature: must be above 0; got nan"),
    ],
)
def test_what_cannot_be_gone_on_from_is_refused(run, prompt, settings, message):
    with pytest.raises(HeadwayError, match=message):
        generate(run, prompt, **{"length": 3} | settings)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (MultiHeadAttention(1), r"^1: a network that generates must not look ahead; got MultiHeadAttention\(1\)"),
        (GRU(4, reverse=True), "^1: a network that generates must not look ahead"),
    ],
)
def test_a_network_that_looks_ahead_cannot_generate(layer, message):
    tokens = np.random.default_rng(0).integers(0, 5, (8, 7))
    run = trained(Sequential((Embedding(5, width=4), layer, Dense(5))), tokens[:, :-1], tokens[:, 1:], 5)
    with pytest.raises(HeadwayError, match=message):
        generate(run, [1], 3)


def test_a_classifier_and_other_tokens_than_bytes_write_no_text(run):
    tokens = np.random.default_rng(0).integers(0, 5, (8, 7))
    classifier = trained(sequence_classifier(5, 2, width=8, heads=2, blocks=1), tokens, np.arange(8) % 2, 5)
    with pytest.raises(HeadwayError, match=r"run: must be of a language model: .*; got \(7,\) → \(2,\)"):
        generate(classifier, [1], 3)
    with pytest.raises(HeadwayError, match="run: must be of a network of 256 bytes to write text; got 5 tokens"):
        generate_text(run, "a", 3)
