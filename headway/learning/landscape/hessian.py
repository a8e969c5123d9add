"""The Hessian H = ∇²L without writing it out: its products with vectors, extreme eigenvalues and trace."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from headway.learning.landscape.surface import Function, as_argument, expect_loss
from headway.network.layer import Params
from headway.spec.error import HeadwayError


class Eigenvalues(NamedTuple):
    """Eigenvalues, and for each a bound: some eigenvalue of the matrix is that near. Both [k]."""

    values: np.ndarray
    errors: np.ndarray


class Estimate(NamedTuple):
    """A mean over random draws, and its standard error."""

    value: float
    error: float


def hessian_vector_product(f: Function, params: Params, v: Params) -> Params:
    """H v = d/dε ∇L(θ + ε v) at ε = 0: forward over reverse, at the cost of a few gradients (Pearlmutter 1994)."""
    if jax.tree.map(jnp.shape, v) != jax.tree.map(jnp.shape, params):
        raise HeadwayError("v", "must have the names and shapes of the parameters", jax.tree.map(jnp.shape, v))
    expect_loss(f, params)
    product: Params = _product(as_argument(f), params, v)
    return product


@jax.jit
def _product(f: Function, params: Params, v: Params) -> Params:
    return jax.jvp(jax.grad(f), (params,), (v,))[1]


def hessian_eigenvalues(
    f: Function, params: Params, k: int = 5, *, steps: int = 80, key: jax.Array | None = None
) -> tuple[Eigenvalues, Eigenvalues]:
    """The k highest eigenvalues of the Hessian, highest first, and the k lowest, lowest first, by Lanczos's method.

    `steps` products span the space in which they are sought, kept orthogonal in full (Golub & Van Loan 2013, ch.
    10); with as many steps as parameters all of H is in it. The error of a value λ with vector y of length 1 is
    ‖H y − λ y‖ and what rounding adds: that near is an eigenvalue. One further out can still be missed where the
    steps are few: the highest found is never above the highest there is, the lowest never below.
    """
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    if not 1 <= k <= min(steps, size):
        raise HeadwayError("k", f"must be 1 to {min(steps, size)}, the steps and the parameters", k)
    expect_loss(f, params)
    key = jax.random.key(0) if key is None else key
    values, errors = (np.asarray(a) for a in _lanczos(as_argument(f), params, key, k, min(steps, size)))
    return Eigenvalues(values[k:][::-1], errors[k:][::-1]), Eigenvalues(values[:k], errors[:k])


@functools.partial(jax.jit, static_argnames=("k", "steps"))
def _lanczos(f: Function, params: Params, key: jax.Array, k: int, steps: int) -> tuple[jax.Array, jax.Array]:
    """The k lowest and the k highest Ritz values, rising, and how far each is from an eigenvalue."""
    theta, _ = ravel_pytree(params)
    H, rounding = _flat_product(f, params), 10 * jnp.spacing(jnp.ones((), theta.dtype))

    def fresh(j: int | jax.Array) -> jax.Array:
        return jax.random.normal(jax.random.fold_in(key, j), theta.shape, theta.dtype)

    def orthogonal(w: jax.Array, V: jax.Array) -> jax.Array:
        for _ in range(2):  # once is not enough where little is left (Giraud et al. 2005)
            w = w - V.T @ (V @ w)
        return w

    def step(j: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        V, T = carry
        w = H(V[j])
        T = T.at[j, j].set(V[j] @ w)
        w = orthogonal(w, V)
        beta = jnp.linalg.norm(w)
        # Where nothing new is left, the space is closed under H: go on with a new vector, not coupled to it.
        closed = beta <= rounding * jnp.abs(T).max()
        w = orthogonal(jnp.where(closed, fresh(j + 1), w / jnp.where(closed, 1, beta)), V)
        beta = jnp.where(closed, 0, beta)
        T = T.at[j, j + 1].set(beta, mode="drop").at[j + 1, j].set(beta, mode="drop")
        return V.at[j + 1].set(w / jnp.linalg.norm(w), mode="drop"), T

    first = fresh(0)
    V = jnp.zeros((steps, theta.size), theta.dtype).at[0].set(first / jnp.linalg.norm(first))
    V, T = jax.lax.fori_loop(0, steps, step, (V, jnp.zeros((steps, steps), theta.dtype)))
    values, S = jnp.linalg.eigh(T)
    sought = jnp.array([*range(k), *range(steps - k, steps)])
    residual = jax.lax.map(lambda i: jnp.linalg.norm(H(S[:, i] @ V) - values[i] * (S[:, i] @ V)), sought)
    return values[sought], residual + rounding * jnp.abs(values).max()


def hessian_trace(f: Function, params: Params, samples: int = 100, *, key: jax.Array | None = None) -> Estimate:
    """tr H = E zᵀ H z over vectors z of random signs (Hutchinson 1990): the mean of `samples`, ± standard error.

    Each draw varies by 2 Σ_{i≠j} H_ij²: a diagonal Hessian needs one, and the error falls as 1/√samples.
    """
    if samples < 2:
        raise HeadwayError("samples", "must be at least 2, to know the error", samples)
    expect_loss(f, params)
    keys = jax.random.split(jax.random.key(0) if key is None else key, samples)
    draws = np.asarray(_draws(as_argument(f), params, keys), float)
    return Estimate(float(draws.mean()), float(draws.std(ddof=1) / np.sqrt(samples)))


@jax.jit
def _draws(f: Function, params: Params, keys: jax.Array) -> jax.Array:
    theta, _ = ravel_pytree(params)
    H = _flat_product(f, params)

    def one(key: jax.Array) -> jax.Array:
        z = jax.random.rademacher(key, theta.shape, theta.dtype)
        return z @ H(z)

    return jax.lax.map(one, keys)


def _flat_product(f: Function, params: Params) -> Callable[[jax.Array], jax.Array]:
    """v → H v for all parameters in one vector."""
    _, unravel = ravel_pytree(params)
    return lambda v: ravel_pytree(_product(f, params, unravel(v)))[0]
