"""What parameters are before training: draws whose variance keeps signals at the same scale.

Fans: a weight that sums `fan_in` inputs into each output and is read by `fan_out` outputs.
Sources: LeCun et al. 1998; Glorot & Bengio 2010; He et al. 2015; Saxe et al. 2014.
"""

import math
from typing import Annotated

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.spec.error import HeadwayError
from headway.spec.node import Spec, spec

Shape = tuple[int, ...]
Fans = tuple[int, int]
Positive = Annotated[float, Field(gt=0)]


class Initializer(Spec):
    """Draws one parameter: `draw(key, shape, fans, dtype)` gives an array of that shape and dtype."""

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        raise NotImplementedError


@spec
class HeNormal(Initializer):
    """w ~ N(0, gain / fan_in), gain 2: keeps the variance through layers of ReLU (He et al. 2015)."""

    gain: Positive = 2.0

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return normal(key, shape, self.gain / fans[0], dtype)


@spec
class HeUniform(Initializer):
    """w ~ U(-a, a) with variance gain / fan_in, gain 2 (He et al. 2015)."""

    gain: Positive = 2.0

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return uniform(key, shape, self.gain / fans[0], dtype)


@spec
class GlorotNormal(Initializer):
    """w ~ N(0, 2 / (fan_in + fan_out)): a compromise of both directions (Glorot & Bengio 2010)."""

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return normal(key, shape, 2 / (fans[0] + fans[1]), dtype)


@spec
class GlorotUniform(Initializer):
    """w ~ U(-a, a), a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return uniform(key, shape, 2 / (fans[0] + fans[1]), dtype)


@spec
class LeCunNormal(Initializer):
    """w ~ N(0, 1 / fan_in): keeps the variance through linear layers and SELU (LeCun et al. 1998)."""

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return normal(key, shape, 1 / fans[0], dtype)


@spec
class LeCunUniform(Initializer):
    """w ~ U(-a, a) with variance 1 / fan_in (LeCun et al. 1998)."""

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return uniform(key, shape, 1 / fans[0], dtype)


@spec
class Orthogonal(Initializer):
    """gain × a matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014).

    A parameter of more than two dimensions is drawn as a matrix of shape (everything but the last, last).
    """

    gain: Positive = 1.0

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        if len(shape) < 2:
            raise HeadwayError("", "Orthogonal needs a parameter of two dimensions or more", f"shape {shape}")
        return (self.gain * jax.nn.initializers.orthogonal()(key, shape, jnp.float32)).astype(dtype)


@spec
class Normal(Initializer):
    """w ~ N(0, spread²), whatever the fans."""

    spread: Positive = 0.01

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return normal(key, shape, self.spread**2, dtype)


@spec
class Uniform(Initializer):
    """w ~ U(-limit, limit), whatever the fans."""

    limit: Positive = 0.05

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return uniform(key, shape, self.limit**2 / 3, dtype)


@spec
class Constant(Initializer):
    """w = value in every place. A constant weight matrix makes all units of a layer learn the same."""

    value: float

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return jnp.full(shape, self.value, dtype)


@spec
class Zeros(Initializer):
    """w = 0: right for biases, wrong for the weights of hidden layers."""

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        return jnp.zeros(shape, dtype)


# Drawn in float32 and then cast: every precision starts from the same weights, rounded.
def normal(key: jax.Array, shape: Shape, variance: float, dtype: jnp.dtype) -> jax.Array:
    """Draws from N(0, variance)."""
    return (math.sqrt(variance) * jax.random.normal(key, shape, jnp.float32)).astype(dtype)


def uniform(key: jax.Array, shape: Shape, variance: float, dtype: jnp.dtype) -> jax.Array:
    """Draws from U(-a, a) with a = sqrt(3 variance)."""
    a = math.sqrt(3 * variance)
    return jax.random.uniform(key, shape, jnp.float32, -a, a).astype(dtype)
