"""The declaration of a learned array: its shape, its first values, and whether it decays."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any

import jax

from headway.network.initialization import Fans, Initializer, Shape, Zeros
from headway.spec.error import HeadwayError


@dataclass(frozen=True)
class Parameter:
    """The declaration of one learned array.

    `init=None` takes the default for the activation that follows. `decays` says whether weight decay
    touches it unless a pattern says otherwise: weights do, biases and the parameters of norms do not.
    `shares_key` says that it draws by its layer's key, which another library's `init` takes, not by one of its own.
    `copies` are the declarations of a repeated layer's copies, whose arrays are stacked to one of `shape`.
    `axes` are names of the last dimensions, by which the array can be divided among devices.
    """

    shape: Shape
    _: KW_ONLY
    init: Initializer | None = None
    fans: Fans = (1, 1)
    decays: bool = True
    shares_key: bool = False
    copies: tuple["Parameter", ...] = ()
    axes: tuple[str, ...] = ()

    def __getitem__(self, index: int) -> "Parameter":
        """The declaration of one copy, as an index into the stacked array gives its values."""
        return self.copies[index]

    def draw(self, key: jax.Array, dtype: Any) -> jax.Array:
        """A first array."""
        if self.init is None:
            raise HeadwayError("", "has no initialization yet", "init=None", "Ask the layer's `declare` for it.")
        return self.init.draw(key, self.shape, self.fans, dtype)

    def each(self, address: str) -> Iterator[tuple[str, "Parameter"]]:
        """The parameter at `3/*/w` copy by copy, with the address of each: `3/0/w`, `3/1/w`, …; else itself."""
        for i, copy in enumerate(self.copies):
            yield from copy.each(address.replace("*", str(i), 1))
        if not self.copies:
            yield address, self


def bias(units: int, init: Initializer = Zeros(), axis: str = "out") -> Parameter:  # noqa: B008 (a frozen spec)
    """The declaration of a bias: one number a unit, zero at first, never decayed by default."""
    return Parameter((units,), init=init, fans=(units, units), decays=False, axes=(axis,))
