"""Networks composed of layers: one after the other."""

from typing import Any

import jax

from headway.network.initialization import Shape
from headway.network.layer import Activation, Context, Layer, Params, State, call, shape_of
from headway.spec.error import HeadwayError
from headway.spec.node import children, spec


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

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        found = {}
        for i, (key, layer) in enumerate(self._items()):
            if declared := layer.declare(inputs, activation_after(self.layers[i + 1 :], following)):
                found[key] = declared
            inputs = layer.shape(inputs)
        return found

    def state(self, inputs: Shape) -> State:
        found = {}
        for key, layer in self._items():
            if state := layer.state(inputs):
                found[key] = state
            inputs = layer.shape(inputs)
        return found

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
    """The activation that the output of a layer meets first, past layers without parameters of their own."""
    for layer in layers:
        if isinstance(layer, Activation):
            return layer
        if children(layer) or type(layer).parameters is not Layer.parameters:
            return None
    return following
