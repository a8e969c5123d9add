"""Modules of other libraries and plain functions as layers, under their own parameters' names.

A module comes from a factory: Python code, which is no data. In a recipe that is saved it stands as a name,
`package.module:function`, of a module that has been imported (`--import package.module`); no file makes
Headway import anything, or call what makes no module. Where nothing is saved the function itself will do.
"""

import inspect
import sys
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.optimizers.foreign import Settings
from headway.network.initialization import Fans, Initializer, Shape
from headway.network.layer import Context, Layer, Parameter, Params, State
from headway.network.values import by_address, flatten, formed, nest
from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import spec

Factory = Annotated[str, Field(pattern=r"^[\w.]+:[\w.]+$")] | Callable[..., Any]
EXAMPLES = 2
"""How many examples a module is shown to learn its shapes: batch statistics of a single one may not exist."""


@dataclass(frozen=True, repr=False)
class Adapter(Layer):
    """A layer that another library computes. A kind says how a module begins and how it is called.

    Parameters and state are nested under the module's own names, `0/Dense_0/kernel`; arrays of two or more
    dimensions decay. First values are those of the module's own initialization, by the key of the layer.
    What goes on inside is not watched layer by layer: to the signals the module is one layer.
    """

    factory: Factory

    def __post_init__(self) -> None:
        named(self.factory, "factory")

    def begin(self, key: jax.Array, x: jax.Array) -> tuple[Any, Any]:
        """The module's own first parameters and state, as trees of its own form."""
        raise NotImplementedError

    def run(self, params: Any, state: Any, x: jax.Array, context: Context) -> tuple[jax.Array, Any]:
        """The module's outputs for a batch, and its state afterwards."""
        raise NotImplementedError

    @property
    def has_parameters(self) -> bool:
        return True

    def shape(self, inputs: Shape) -> Shape:
        params, state = self._forms(inputs)
        x = jax.ShapeDtypeStruct((EXAMPLES, *inputs), float)  # type: ignore[no-untyped-call]
        y, _ = self._tried(lambda p, s, x: self.run(p, s, x, Context()), inputs, params, state, x)
        return tuple(y.shape[1:])

    def declare(self, inputs: Shape, following: Layer | None = None) -> dict[str, Any]:
        flat = by_address(self._forms(inputs)[0])
        if "" in flat:
            raise HeadwayError("factory", "must keep parameters under names", "one array alone", 'Use {"w": array}.')
        return nest({a: Parameter(tuple(leaf.shape), init=_Own(self, inputs, a), decays=leaf.ndim >= 2, shares_key=True)
                     for a, leaf in flat.items()})  # fmt: skip

    def state(self, inputs: Shape) -> State:
        return nest(by_address(self.begin(jax.random.key(0), jnp.zeros((EXAMPLES, *inputs)))[1]))

    def apply_with_state(self, params: Params, state: State, x: jax.Array, context: Context) -> tuple[jax.Array, State]:
        form, kept = self._forms(x.shape[1:])
        params = jax.tree.map(lambda p: context.cast(p) if p.ndim > 1 else p, params)
        y, after = self.run(formed(flatten(params), form), formed(flatten(state), kept), x, context)
        return y, nest(by_address(after))

    def flops(self, inputs: Shape) -> int:
        """As XLA counts them before it optimizes."""
        params, state = self._forms(inputs)
        x = jax.ShapeDtypeStruct((1, *inputs), float)  # type: ignore[no-untyped-call]
        lowered: Any = jax.jit(lambda p, s, x: self.run(p, s, x, Context())[0]).lower(params, state, x)
        return int((lowered.cost_analysis() or {}).get("flops", 0))

    def _forms(self, inputs: Shape) -> tuple[Any, Any]:
        """Parameters and state without their values."""
        x = jnp.zeros((EXAMPLES, *inputs))
        forms: tuple[Any, Any] = self._tried(lambda key: self.begin(key, x), inputs, jax.random.key(0))
        return forms

    def _tried(self, function: Callable[..., Any], inputs: Shape, *arguments: Any) -> Any:
        """What a function of the module's gives, without its values; whatever it raises is said of these inputs."""
        try:
            return jax.eval_shape(function, *arguments)
        except HeadwayError:
            raise
        except Exception as error:
            came = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise HeadwayError("factory", f"the module must take inputs of shape {inputs}", came) from None


@dataclass(frozen=True)
class _Own(Initializer):
    """The first value that the module itself gives the parameter at an address."""

    module: Adapter
    inputs: Shape
    address: str

    def draw(self, key: jax.Array, shape: Shape, fans: Fans, dtype: jnp.dtype) -> jax.Array:
        params, _ = self.module.begin(key, jnp.zeros((EXAMPLES, *self.inputs)))
        return jnp.asarray(by_address(params)[self.address], dtype)


@spec
class Linen(Adapter):
    """A module of Flax Linen: the module itself, or a factory that makes it of `settings`, arguments by name.

    A name stands for a module or its class. What the module's call names `train` or `training` is true in training,
    `deterministic` and `use_running_average` in evaluation. Collections other than "params", such as "batch_stats",
    are the layer's state. Its random numbers in training are drawn by one key for the batch, that of the first example.
    """

    factory: Factory
    _: KW_ONLY
    settings: Settings = ()

    def begin(self, key: jax.Array, x: jax.Array) -> tuple[Any, Any]:
        module = self._module()
        variables = dict(module.init({"params": key, "dropout": key}, x, **flags(module, "eval")))
        return variables.pop("params", {}), variables

    def run(self, params: Any, state: Any, x: jax.Array, context: Context) -> tuple[jax.Array, Any]:
        module, training = self._module(), context.mode == "train"
        rngs = {"dropout": context.example_keys()[0]} if training and context.keys is not None else None
        changing = list(state) if training else []
        y, after = module.apply(
            {"params": params, **state}, x, rngs=rngs, mutable=changing, **flags(module, context.mode)
        )
        return y, {**state, **after}

    def _module(self) -> Any:
        import flax.linen

        made = named(self.factory, "factory")
        if isinstance(made, flax.linen.Module) and not self.settings:
            return made
        if isinstance(self.factory, str) and not (inspect.isclass(made) and issubclass(made, flax.linen.Module)):
            raise HeadwayError("factory", "must name a module of Flax Linen", repr(self.factory))
        return made(**dict(self.settings))


@spec
class NNX(Adapter):
    """A module of Flax NNX: `factory(rngs=…, **settings)` makes it.

    Its `Param`s are parameters and its `BatchStat`s the layer's state; other variables are refused, but for the keys of
    its random numbers. It is put into training mode in training, evaluation mode in evaluation. Its random numbers in
    training are drawn by one key for the batch, that of the first example.
    """

    factory: Factory
    _: KW_ONLY
    settings: Settings = ()

    def begin(self, key: jax.Array, x: jax.Array) -> tuple[Any, Any]:
        from flax import nnx

        _, *parts = nnx.split(self._module(key), nnx.Param, nnx.BatchStat, nnx.RngState, ...)
        params, state, _, rest = parts
        if others := ", ".join(by_address(nnx.to_pure_dict(rest))):
            raise HeadwayError("factory", "must keep parameters, batch statistics and keys alone", others)
        return nnx.to_pure_dict(params), nnx.to_pure_dict(state)

    def run(self, params: Any, state: Any, x: jax.Array, context: Context) -> tuple[jax.Array, Any]:
        from flax import nnx

        module = self._module(jax.random.key(0))
        if context.mode == "train" and nnx.state(module, nnx.RngState):
            module = self._module(context.example_keys()[0])
        for kind, values in ((nnx.Param, params), (nnx.BatchStat, state)):
            held = nnx.state(module, kind)
            nnx.replace_by_pure_dict(held, values)
            nnx.update(module, held)
        module.train() if context.mode == "train" else module.eval()
        return module(x), nnx.to_pure_dict(nnx.state(module, nnx.BatchStat))

    def _module(self, key: jax.Array) -> Any:
        from flax import nnx

        return taking("rngs", named(self.factory, "factory"))(rngs=nnx.Rngs(key), **dict(self.settings))


@spec
class Equinox(Adapter):
    """A module of Equinox, which takes one example: `factory(key, **settings)` makes it, and it is mapped over a batch.

    Arrays of real numbers are its parameters. In evaluation it is put into inference mode; in training a
    module whose call takes a `key` gets one for each example. `eqx.nn.State` is not supported.
    """

    factory: Factory
    _: KW_ONLY
    settings: Settings = ()

    def begin(self, key: jax.Array, x: jax.Array) -> tuple[Any, Any]:
        import equinox

        return equinox.filter(self._module(key), equinox.is_inexact_array), {}

    def run(self, params: Any, state: Any, x: jax.Array, context: Context) -> tuple[jax.Array, Any]:
        import equinox

        fixed = equinox.filter(self._module(jax.random.key(0)), equinox.is_inexact_array, inverse=True)
        module = equinox.nn.inference_mode(equinox.combine(params, fixed), context.mode == "eval")
        if context.mode == "train" and context.keys is not None and "key" in inspect.signature(module).parameters:
            return jax.vmap(lambda x, key: module(x, key=key))(x, context.example_keys()), state
        return jax.vmap(module)(x), state

    def _module(self, key: jax.Array) -> Any:
        return taking("key", named(self.factory, "factory"))(key=key, **dict(self.settings))


@spec
class Function(Adapter):
    """A plain function, `factory(params, x)`, of a batch x; `init(key, x)` gives its first parameters by name.

    Parameters that are at hand begin as they are: `init=lambda key, x: params`.
    """

    factory: Factory
    _: KW_ONLY
    init: Factory

    def __post_init__(self) -> None:
        Adapter.__post_init__(self)
        named(self.init, "init")

    def begin(self, key: jax.Array, x: jax.Array) -> tuple[Any, Any]:
        return named(self.init, "init")(key, x), {}

    def run(self, params: Any, state: Any, x: jax.Array, context: Context) -> tuple[jax.Array, Any]:
        return named(self.factory, "factory")(params, x), state


def named(factory: str | Callable[..., Any], where: str) -> Any:
    """What a factory's name stands for in the modules that have been imported; a function stands for itself."""
    if not isinstance(factory, str):
        return factory
    module, _, path = factory.partition(":")
    if module not in sys.modules:
        raise HeadwayError(where, "must be of a module that has been imported", repr(factory),
                           f"Add --import {module}, or import {module} first.")  # fmt: skip
    place: Any = sys.modules[module]
    for name in path.split("."):
        if not hasattr(place, name):
            raise HeadwayError(where, f"no such name in {module}", name, did_you_mean(name, vars(place)))
        place = getattr(place, name)
        home = place.__name__ if inspect.ismodule(place) else str(getattr(place, "__module__", None))
        if inspect.ismodule(place) or home.partition(".")[0] in sys.stdlib_module_names:
            raise HeadwayError(where, "must name what is defined in a module of yours", f"{factory!r}, of {home}",
                               "A recipe must not call Python's own functions.")  # fmt: skip
    return place


def taking(argument: str, factory: Callable[..., Any]) -> Callable[..., Any]:
    """The factory, which must name this argument: what does not was not written to make a module."""
    try:
        called: Any = factory.__init__ if inspect.isclass(factory) else factory  # a metaclass may hide its arguments
        known = [name for name in inspect.signature(called).parameters if name != "self"]
    except (TypeError, ValueError):
        known = []
    if argument not in known:
        raise HeadwayError("factory", f"must take {argument}=", f"{factory!r}", f"Arguments: {', '.join(known)}.")
    return factory


def flags(module: Any, mode: str) -> dict[str, bool]:
    """The arguments by which a Linen module is told whether it trains."""
    training = {"train": True, "training": True, "deterministic": False, "use_running_average": False}
    taken = inspect.signature(type(module).__call__).parameters
    return {name: yes == (mode == "train") for name, yes in training.items() if name in taken}
