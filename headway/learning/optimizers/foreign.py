"""Any of Optax's transformations as the optimizer of a recipe, chosen by name."""

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from pydantic import Field

from headway.learning.optimizers.optimizer import (
    Declared,
    GradientTransformation,
    Group,
    Memory,
    Optimizer,
    chosen,
    rule_in_words,
)
from headway.learning.schedules.schedule import NonNegative, Schedule
from headway.learning.targets import at_least_float32
from headway.network.values import by_address, flatten, formed, nest, restacked, unstacked
from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.node import spec

Plain = bool | int | float | str | None
Settings = tuple[tuple[str, Plain | tuple[Plain, ...]], ...]


@spec
class Optax(Optimizer):
    """One of Optax's by name: `Optax("lamb", learning_rate=1e-3, settings=(("b1", 0.8),))` is optax.lamb(1e-3, b1=0.8).

    factory         a name in optax, `adafactor`, or in optax.contrib, `contrib.prodigy`, of what makes a transformation
    learning_rate   the argument of this name, a number or a schedule of the update's index; None: it is not given
    settings        the other arguments, name and value; they are structure: another value compiles anew

    The state is {"count": updates made, "optax": its own}, in float32 even where parameters are narrower. The copies
    of a repeated layer are given to it one by one, as layers of their own.
    Weight decay is what the transformation makes of its own arguments: it may reach biases too.
    """

    factory: Annotated[str, Field(pattern=r"^(contrib\.)?[a-z]\w*$")]
    _: KW_ONLY
    learning_rate: NonNegative | Schedule | None = None
    settings: Settings = ()

    def __post_init__(self) -> None:
        factory = factory_of(self.factory)
        expect_arguments(factory, self.settings, () if self.learning_rate is None else ("learning_rate",))
        try:
            jax.eval_shape(self._sample_update, 0.1)
        except Exception as error:
            came = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise HeadwayError("factory", "must make a transformation that needs gradients and parameters alone",
                               f"{self.factory}, {came}", "Choose another, or other settings.") from None  # fmt: skip

    def _sample_update(self, rate: Any) -> Any:
        """An update of an array of each usual number of dimensions, at any rate: what tracing it raises, all would."""
        theirs = self._made((lambda index: rate) if isinstance(self.learning_rate, Schedule) else rate)
        sample = {"w": jnp.ones((2, 2)), "b": jnp.ones(2)}
        state = theirs.init(sample)
        if any(jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) for leaf in jax.tree.leaves(state)):
            raise TypeError("its state holds a random key, which no checkpoint takes")
        return theirs.update(sample, state, sample)[0]

    def _made(self, rate: Any) -> Any:
        """Optax's transformation with this learning rate, a number or a function."""
        given = {} if self.learning_rate is None else {"learning_rate": rate}
        return factory_of(self.factory)(**given, **dict(self.settings))

    def transformation(self, declared: Declared = None) -> GradientTransformation:
        theirs = self._made(self.rate if isinstance(self.learning_rate, Schedule) else self.learning_rate)

        def init(params: Any) -> Memory:
            state = theirs.init(as_optax_takes_them(params))
            return {"count": jnp.zeros((), jnp.int32), "optax": nest(by_address(state))}

        def update(gradients: Any, state: Memory, params: Any = None) -> tuple[Any, Memory]:
            like = gradients if params is None else params
            g, p = (None if tree is None else as_optax_takes_them(tree) for tree in (gradients, params))
            arrays, form = flatten(state["optax"]), jax.eval_shape(theirs.init, as_optax_takes_them(like))
            updates, after = theirs.update(g, formed(arrays, form), p)
            updates = jax.tree.map(lambda u, p: u.astype(jnp.result_type(p)), restacked(updates, like), like)
            return updates, {"count": state["count"] + 1, "optax": nest(by_address(after))}

        return GradientTransformation(init, update)

    def groups(self, declared: Mapping[str, Any], among: Collection[str] | None = None) -> tuple[Group, ...]:
        return (Group.of(rule_in_words(self), "", chosen(declared, among)),)

    def title(self) -> str:
        return f"optax.{self.factory}"


def as_optax_takes_them(tree: Any) -> Any:
    """Parameters or gradients in float32 at least, each layer's apart."""
    return jax.tree.map(at_least_float32, unstacked(tree))


def factory_of(name: str) -> Callable[..., Any]:
    """What a name in optax or optax.contrib stands for."""
    contrib, _, last = name.rpartition(".")
    try:
        module = importlib.import_module(f"optax.{contrib}" if contrib else "optax")
    except ModuleNotFoundError:
        raise HeadwayError("factory", "needs Optax, which is not installed", name, "pip install optax") from None
    known = [n for n, value in vars(module).items() if n[0].islower() and inspect.isfunction(value)]
    if last not in known:
        raise HeadwayError("factory", f"no function in {module.__name__}", last, did_you_mean(last, known))
    found: Callable[..., Any] = getattr(module, last)
    return found


def expect_arguments(factory: Callable[..., Any], settings: Settings, given: tuple[str, ...]) -> None:
    """Refuse arguments that the factory does not have, that come twice, or that it needs and are not given."""
    parameters = inspect.signature(factory).parameters
    names = [*given, *(name for name, _ in settings)]
    for i, name in enumerate(names):
        if name not in parameters:
            where = "learning_rate" if name in given else "settings"
            raise HeadwayError(where, f"{factory.__name__} has no such argument", name, did_you_mean(name, parameters))
        if name in names[:i]:
            raise HeadwayError("settings", "an argument must not be given twice", name)
    required = [n for n, p in parameters.items() if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    for name in required:
        if name not in names:
            fix = "Give learning_rate=…." if name == "learning_rate" else f'Give settings=(("{name}", …),).'
            raise HeadwayError("settings", f"{factory.__name__} needs {name}", None, fix)
