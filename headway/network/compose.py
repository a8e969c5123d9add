"""Networks composed of layers: one after the other."""

from typing import Any

import jax

from headway.network.initialization import Shape
from headway.network.layer import Context, Layer, Params, State, call, shape_of
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import children, segment, spec


@spec
class Sequential(Layer):
    """y = layer_n(… layer_1(x)). Children are addressed by index or name: `0`, `1`, `stem`."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise HeadwayError("layers", "needs at least one layer", "()")
        children(self)

    def shape(self, inputs: Shape) -> Shape:
        for key, layer in self._items():
            inputs = shape_of(layer, key, inputs)
        return inputs

    def parts(self, inputs: Shape) -> list[tuple[str, Layer, Shape]]:
        found = []
        for key, layer in self._items():
            found.append((key, layer, inputs))
            inputs = shape_of(layer, key, inputs)
        return found

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        found = {
            key: layer.declare(received, activation_after(self.layers[i + 1 :], following))
            for i, (key, layer, received) in enumerate(self.parts(inputs))
        }
        return {key: declared for key, declared in found.items() if declared}

    def meets(self, following: Layer | None) -> Layer | None:
        return activation_after(self.layers, following)

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        new_state = {}
        for key, layer in self._items():
            x, new = call(layer, key, (params, state), x, context)
            if new:
                new_state[key] = new
        return x, new_state

    def _items(self) -> list[tuple[str, Layer]]:
        return [(key, layer) for key, layer in children(self).items() if isinstance(layer, Layer)]


def activation_after(layers: tuple[Layer, ...], following: Layer | None) -> Layer | None:
    """The activation that the input of a row of layers meets first, past layers without parameters of their own."""
    for layer in reversed(layers):
        following = layer.meets(following)
    return following


def last_address(network: Layer, address: str = "") -> str:
    """Where the layer stands that makes the output."""
    if not isinstance(network, Sequential):
        return address
    key = segment(network.layers[-1], len(network.layers) - 1)
    return last_address(network.layers[-1], join_address(address, key))
