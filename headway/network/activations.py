"""Activations: the nonlinearity between layers, without which depth adds nothing.

Every value and gradient is finite for every finite input, also where the plain formula overflows, and a
NaN that comes in goes out, so that it is found where it arose. At a kink the gradient is the one from the
left unless the kind says otherwise.
"""

import math
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.initialization import HeNormal, Initializer, LeCunNormal, Shape
from headway.network.layer import Activation
from headway.network.recompute import again
from headway.spec.error import HeadwayError
from headway.spec.node import Number, spec

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@spec
class Identity(Activation):
    """f(x) = x: the activation of a linear unit, as before a regression loss."""

    def function(self, x: jax.Array) -> jax.Array:
        return x


@spec
class ReLU(Activation):
    """ReLU(x) = max(0, x). Its gradient is 0 for x < 0, 1 for x > 0, and by convention 0 at x = 0.

    Nair & Hinton 2010.
    """

    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        return jnp.where(x <= 0, 0, x)


@spec
class LeakyReLU(Activation):
    """f(x) = x for x > 0, slope · x otherwise (also for the gradient at 0): no unit dies (Maas et al. 2013)."""

    slope: Annotated[Number, Field(ge=0)] = 0.01
    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        return jnp.where(x <= 0, self.slope * x, x)


@spec
class ELU(Activation):
    """f(x) = x for x > 0, alpha (e^x - 1) otherwise; gradient alpha at 0 (Clevert et al. 2016)."""

    alpha: Annotated[Number, Field(ge=0)] = 1.0
    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        return jnp.where(x <= 0, self.alpha * _expm1_below(x), x)


@spec
class SELU(Activation):
    """f(x) = scale · ELU(x, alpha) with the constants that hold mean 0 and variance 1 (Klambauer et al. 2017).

    It does so after weights of variance 1 / fan_in: LeCun normal.
    """

    initializer: ClassVar[Initializer] = LeCunNormal()

    def function(self, x: jax.Array) -> jax.Array:
        return SELU_SCALE * jnp.where(x <= 0, SELU_ALPHA * _expm1_below(x), x)


@spec
class GELU(Activation):
    """GELU(x) = x Φ(x), Φ(x) = (1 + erf(x / √2)) / 2 the normal distribution function (Hendrycks & Gimpel 2016)."""

    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        # 1 + erf(z) = erfc(-z), which keeps its digits where erf(z) is close to -1.
        return again(lambda x: x / 2 * jax.lax.erfc(-x * math.sqrt(0.5)))(x)


@spec
class TanhGELU(Activation):
    """GELU by the formula x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), within 0.0005 of x Φ(x)."""

    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        @again
        def gelu(x: jax.Array) -> jax.Array:
            # Beyond 10 the tanh is ±1 in every precision; the cube of what lies beyond could overflow.
            z = jnp.clip(x, -10, 10)
            # (1 + tanh u) / 2 = σ(2u), which keeps its digits where tanh u is close to -1.
            return x * jax.lax.logistic(2 * math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))

        return gelu(x)


@spec
class SiLU(Activation):
    """SiLU(x) = x σ(x) (Elfwing et al. 2018)."""

    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        return again(lambda x: x * jax.lax.logistic(x))(x)


@spec
class Swish(Activation):
    """f(x) = x σ(beta x): x / 2 at beta 0, SiLU at 1, close to ReLU for large beta (Ramachandran et al. 2017)."""

    beta: Number = 1.0
    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        return again(lambda x: x * jax.lax.logistic(self.beta * x))(x)


@spec
class Tanh(Activation):
    """tanh(x) in (-1, 1); saturates for |x| > 3."""

    limits: ClassVar[tuple[float, float]] = (-1, 1)

    def function(self, x: jax.Array) -> jax.Array:
        return jnp.tanh(x)


@spec
class Sigmoid(Activation):
    """σ(x) = 1 / (1 + e^-x) in (0, 1); saturates for |x| > 5, gradient at most 1/4."""

    limits: ClassVar[tuple[float, float]] = (0, 1)

    def function(self, x: jax.Array) -> jax.Array:
        return jax.lax.logistic(x)


@spec
class HardSigmoid(Activation):
    """f(x) = min(1, max(0, x/6 + 1/2)): σ in three straight pieces. Gradient 0 at the kinks x = ±3."""

    limits: ClassVar[tuple[float, float]] = (0, 1)

    def function(self, x: jax.Array) -> jax.Array:
        return jnp.where(x <= -3, 0, jnp.where(x >= 3, 1, x / 6 + 0.5))


@spec
class Softsign(Activation):
    """f(x) = x / (1 + |x|) in (-1, 1); saturates as 1/x, far later than tanh (Bergstra et al. 2009)."""

    limits: ClassVar[tuple[float, float]] = (-1, 1)

    def function(self, x: jax.Array) -> jax.Array:
        return x / (1 + jnp.abs(x))


@spec
class Softplus(Activation):
    """f(x) = log(1 + e^x): a smooth ReLU whose derivative is σ(x) (Dugas et al. 2000)."""

    initializer: ClassVar[Initializer] = HeNormal()

    def function(self, x: jax.Array) -> jax.Array:
        return jnp.logaddexp(x, 0)


@spec
class Softmax(Activation):
    """f(x)_i = e^{x_i} / Σ_j e^{x_j} over the last dimension: positive, sums to 1 (Bridle 1990).

    A loss from logits applies it itself: a network trained with one ends without Softmax.
    """

    def shape(self, inputs: Shape) -> Shape:
        if not inputs:
            raise HeadwayError("", "Softmax needs a dimension of classes", "shape ()", "Put Dense before it.")
        return inputs

    def function(self, x: jax.Array) -> jax.Array:
        # The largest logit becomes 0, so that no exponential overflows; the quotient does not change.
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        e = jnp.exp(wide - jax.lax.stop_gradient(wide.max(axis=-1, keepdims=True)))
        return (e / e.sum(axis=-1, keepdims=True)).astype(x.dtype)

    def flops(self, inputs: Shape) -> int:
        return 5 * math.prod(inputs)


def _expm1_below(x: jax.Array) -> jax.Array:
    """e^x - 1 for x ≤ 0; 0 above, where the exponential would overflow in the branch that is not taken."""
    return jnp.expm1(jnp.where(x <= 0, x, 0))
