"""What a trained language model goes on with: one token after the other, each drawn from what the network says."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from headway.data.schema import token_ids
from headway.network.attention import MultiHeadAttention
from headway.network.layer import Context, Layer, apply
from headway.network.recurrent import Recurrence
from headway.scale.precision import Precision
from headway.spec.error import HeadwayError
from headway.spec.node import walk
from headway.spec.numbers import join, split
from headway.training.run import Run


def generate(run: Run, prompt: ArrayLike, length: int, *, temperature: float = 1.0, seed: int = 0) -> NDArray[np.int32]:
    """The `length` token ids that follow those of the prompt, drawn from softmax(z / temperature) one by one.

    A temperature below 1 prefers what is likely; near 0 the most likely always comes. The network sees as many tokens
    back as its training sequences had. The same seed draws the same tokens.
    """
    tokens, inputs = run.schema.tokens, run.schema.input_shape
    if tokens is None or len(inputs) != 1 or run.recipe.network.shape(inputs) != (*inputs, tokens):
        raise HeadwayError("run", "must be of a language model: token ids in, the next one's logits at every place",
                           f"{inputs} → {run.recipe.network.shape(inputs)}")  # fmt: skip
    expect_causal(run.recipe.network)
    given = np.asarray(prompt)
    if given.ndim != 1 or len(given) == 0:
        raise HeadwayError("prompt", "must be one token or more to go on from", f"shape {given.shape}")
    if length < 1:
        raise HeadwayError("length", "must be 1 or more", length)
    if not 0 < temperature < np.inf:
        raise HeadwayError("temperature", "must be above 0", temperature, "Near 0 the most likely token always comes.")
    window = np.zeros(inputs, np.int32)
    seen = token_ids(given, tokens, "prompt")[-len(window) :]
    window[: len(seen)] = seen
    structure, numbers = split(run.recipe.network)
    state = (jnp.asarray(window), len(seen), jax.random.key(seed))
    made = _generate((structure, run.recipe.precision), numbers, run.values, state, temperature, length)
    return np.asarray(made)


def generate_text(run: Run, prompt: str, length: int, *, temperature: float = 1.0, seed: int = 0) -> str:
    """The same for a network of bytes: the text of the `length` bytes that follow; what is no UTF-8 as �."""
    if run.schema.tokens != 256:
        raise HeadwayError("run", "must be of a network of 256 bytes to write text",
                           f"{run.schema.tokens} tokens" if run.schema.tokens else "inputs that are amounts",
                           "Train on StdlibText() or TextFiles(…).")  # fmt: skip
    made = generate(run, np.frombuffer(prompt.encode(), np.uint8), length, temperature=temperature, seed=seed)
    return made.astype(np.uint8).tobytes().decode("utf-8", errors="replace")


def expect_causal(network: Layer) -> None:
    """Refuse a network whose output at a place depends on what follows: nothing does yet."""
    for address, node in walk(network):
        match node:
            case MultiHeadAttention(causal=False):
                fix = "Set causal=True."
            case Recurrence(reverse=True):
                fix = "Set reverse=False."
            case _:
                continue
        raise HeadwayError(address, "a network that generates must not look ahead", node, fix)


@functools.partial(jax.jit, static_argnames=("structures", "length"))
def _generate(
    structures: tuple[Layer, Precision],
    numbers: Mapping[str, Any],
    values: Any,
    state: Any,
    temperature: Any,
    length: int,
) -> jax.Array:
    network, context = join(structures[0], numbers), Context(computes=structures[1].computes())

    def one(state: Any, nothing: None) -> Any:
        window, count, key = state
        key, own = jax.random.split(key)
        z, _ = apply(network, values["params"], window[None], values["network"], context)
        token = jax.random.categorical(own, z[0, count - 1].astype(jnp.float32) / temperature).astype(window.dtype)
        full = count == len(window)
        window = jnp.where(full, jnp.roll(window, -1), window)
        at = jnp.where(full, count - 1, count)
        return (window.at[at].set(token), at + 1, key), token

    return jax.lax.scan(one, state, length=length)[1]
