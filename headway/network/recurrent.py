"""Recurrence: one layer applied along a sequence, its output at each time an input at the next."""

from dataclasses import KW_ONLY, dataclass
from typing import Annotated, ClassVar

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.network.dense import product
from headway.network.initialization import GlorotUniform, Initializer, Orthogonal, Shape
from headway.network.layer import Context, Layer, Parameter, Params, bias, expect_features
from headway.spec.error import HeadwayError
from headway.spec.node import spec


@dataclass(frozen=True, repr=False)
class Recurrence(Layer):
    """h_t = next(x_t u + b, h_{t-1} v, h_{t-1}) from h_0 = 0, the state h after every time: a kind defines `next`.

    Shapes: x [batch, time, inputs], y = h [batch, time, units]; for each gate u [inputs, units], v [units, units],
    b [units]. All of x u is one matrix product; only what needs h is in the loop. Backpropagation multiplies by
    (dh_t / dh_{t-1})ᵀ at every step: an orthogonal v starts with all its singular values 1 (Saxe et al. 2014).
    `reverse=True` reads from the last time to the first. `Last()` behind it takes the last state alone.
    Inside `Masked` padding is passed over: the state stays as it was.
    """

    units: Annotated[int, Field(ge=1)]
    _: KW_ONLY
    reverse: bool = False
    init: Initializer = GlorotUniform()  # noqa: RUF009 (a frozen spec)
    recurrent_init: Initializer = Orthogonal()  # noqa: RUF009 (a frozen spec)

    casts_parameters: ClassVar[bool] = True
    gates: ClassVar[tuple[str, ...]] = ("",)
    """What the names of each gate's parameters end with."""
    biases: ClassVar[tuple[str, ...]] = ()
    """Names of the biases [units] beside those of the gates."""
    work: ClassVar[int]
    """Operations of `next` for each unit at each time."""

    def next(self, params: Params, xu: jax.Array, hv: jax.Array, h: jax.Array) -> jax.Array:
        """The next state [batch, units], of x_t u + b and h_{t-1} v [batch, gates · units], and h_{t-1}."""
        raise NotImplementedError

    def shape(self, inputs: Shape) -> Shape:
        if len(inputs) != 2:
            raise HeadwayError("", f"{type(self).__name__} takes (time, features)", f"shape {inputs}",
                               "Put the features last; a single one is a dimension of size 1.")  # fmt: skip
        return (inputs[0], self.units)

    def parameters(self, inputs: Shape) -> dict[str, Parameter]:
        d, n = inputs[-1], self.units
        found = {}
        for gate in self.gates:
            found[f"u{gate}"] = Parameter((d, n), init=self.init, fans=(d, n))
            found[f"v{gate}"] = Parameter((n, n), init=self.recurrent_init, fans=(n, n))
            found[f"b{gate}"] = bias(n, axis="features")
        return found | {name: bias(n, axis="features") for name in self.biases}

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        u, v, b = (jnp.concatenate([params[name + gate] for gate in self.gates], axis=-1) for name in "uvb")
        expect_features(len(u), x, context)
        xu = context.cast(product(x.reshape(-1, x.shape[-1]), context.cast(u)) + b)
        in_time = xu.reshape(*x.shape[:2], -1).swapaxes(0, 1)

        mask = context.mask_of(x)
        real = None if mask is None else mask.T[..., None]

        def step(h: jax.Array, now: tuple[jax.Array, jax.Array | None]) -> tuple[jax.Array, jax.Array]:
            xu, real = now
            # Cast at every time: the gradient of v is the sum over all of them.
            new = context.cast(self.next(params, xu, h @ context.cast(v), h))
            h = new if real is None else jnp.where(real, new, h)
            return h, h

        _, y = jax.lax.scan(step, jnp.zeros((x.shape[0], self.units), xu.dtype), (in_time, real), reverse=self.reverse)
        return y.swapaxes(0, 1)

    def flops(self, inputs: Shape) -> int:
        gate = 2 * (inputs[-1] + self.units) + 1
        return inputs[0] * self.units * (len(self.gates) * gate + self.work)


@spec
class Recurrent(Recurrence):
    """h_t = tanh(x_t u + h_{t-1} v + b), the plain recurrent layer (Elman 1990).

    The derivative of tanh is at most 1, so that with an orthogonal v the gradient fades over time but does not grow.
    """

    work: ClassVar[int] = 2

    def next(self, params: Params, xu: jax.Array, hv: jax.Array, h: jax.Array) -> jax.Array:
        return jnp.tanh(xu + hv)


@spec
class GRU(Recurrence):
    """h_t = z ⊙ h_{t-1} + (1 - z) ⊙ n: a gate z keeps the state, or lets the new one n in (Cho et al. 2014).

    r = σ(x u_r + h v_r + b_r)              reset
    z = σ(x u_z + h v_z + b_z)              keep
    n = tanh(x u_n + b_n + r ⊙ (h v_n + c))

    c [units] is the bias that r switches off with the state, as in cuDNN, PyTorch and Flax; Cho et al. reset h
    before its product with v_n. Where z is 1 the gradient passes unchanged.
    """

    gates: ClassVar[tuple[str, ...]] = ("_r", "_z", "_n")
    biases: ClassVar[tuple[str, ...]] = ("c",)
    work: ClassVar[int] = 12

    def next(self, params: Params, xu: jax.Array, hv: jax.Array, h: jax.Array) -> jax.Array:
        (x_r, x_z, x_n), (h_r, h_z, h_n) = (jnp.split(part, 3, axis=-1) for part in (xu, hv))
        r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
        n = jnp.tanh(x_n + r * (h_n + params["c"]))
        return z * h + (1 - z) * n


@spec
class Last(Layer):
    """y = x_T, what stands at the last time: [batch, time, …] → [batch, …].

    Inside `Masked` it is the last time that is not padding; 0 where all is padding.
    """

    def shape(self, inputs: Shape) -> Shape:
        if not inputs:
            raise HeadwayError("", "Last takes (time, …)", "shape ()", "Put it behind a layer that keeps the time.")
        return inputs[1:]

    def apply(self, params: Params, x: jax.Array, context: Context) -> jax.Array:
        mask = context.mask_of(x)
        if mask is None:
            return x[:, -1]
        at = last_place(mask).reshape(*mask.shape, *[1] * (x.ndim - 2))
        return jnp.where(at, x, 0).sum(axis=1)


def last_place(mask: jax.Array) -> jax.Array:
    """True at the last True of each row of [batch, time], nowhere else."""
    behind = jnp.cumsum(mask[:, ::-1], axis=1)[:, ::-1]
    return mask & (behind == 1)
