"""The sham: a network that computes the same, trained along another path, so that only chance differs."""

import jax
import jax.numpy as jnp

from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.layer import Activation, Layer, Params
from headway.spec.node import children

NOISE = 1e-6
SHIFT = 1_000_000
"""How far the sham's seed for order and dropout is from the seed of its pair."""


def sham(network: Layer, params: Params, key: jax.Array) -> Params:
    """Parameters of the same function up to rounding: hidden units permuted, weights × (1 + 1e-6 · N(0, 1)).

    Its differences from the network it stands beside are those of two paths of training, and not all zero.
    """
    permuting, noisy = jax.random.split(key)
    permuted = permute_units(network, params, permuting)
    leaves, tree = jax.tree.flatten(permuted)
    keys = jax.random.split(noisy, max(1, len(leaves)))
    noise = [1 + NOISE * jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=False)]
    changed = [(leaf * n).astype(leaf.dtype) for leaf, n in zip(leaves, noise, strict=True)]
    return jax.tree.unflatten(tree, changed)


def permute_units(network: Layer, params: Params, key: jax.Array) -> Params:
    """The hidden units of dense layers in another order: the network's function is the same.

    The units between two dense layers of one `Sequential` are permuted where only activations lie between them:
    columns of the first w, entries of its b, rows of the second w. Other layers keep their parameters as they are.
    """
    changed = dict(params)
    for number, (name, child) in enumerate(children(network).items()):
        if isinstance(child, Layer) and name in changed:
            changed[name] = permute_units(child, changed[name], jax.random.fold_in(key, number))
    if isinstance(network, Sequential):
        for number, (one, other) in enumerate(_neighbours(network)):
            own = jax.random.fold_in(key, len(changed) + number)
            order = jax.random.permutation(own, changed[one]["w"].shape[-1])
            changed[one] = {name: value[..., order] for name, value in changed[one].items()}
            changed[other] = changed[other] | {"w": changed[other]["w"][..., order, :]}
    return changed


def _neighbours(network: Sequential) -> list[tuple[str, str]]:
    """Addresses of dense layers that follow each other with nothing but activations between."""
    found, last = [], None
    for name, layer in children(network).items():
        if isinstance(layer, Dense):
            if last is not None:
                found.append((last, name))
            last = name
        elif not (isinstance(layer, Activation) and _equivariant(layer)):
            last = None
    return found


def _equivariant(activation: Activation) -> bool:
    """Whether permuting the inputs permutes the outputs alike, as elementwise functions do, and softmax."""
    x = jnp.array([[0.3, -1.2, 2.0]])
    return bool(jnp.allclose(activation.function(x)[:, ::-1], activation.function(x[:, ::-1])))
