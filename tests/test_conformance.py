"""What holds of every kind: one battery, run over all that the package registers."""

import dataclasses
import functools
from types import UnionType
from typing import Any, Union, get_origin

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.data.augment import Augmentation
from headway.learning.clipping import Clip
from headway.learning.losses import Loss
from headway.learning.optimizers.optimizer import Optimizer
from headway.network.initialization import Initializer
from headway.network.layer import Context, Layer, apply, initialize
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.spec.node import Spec, field_names
from headway.spec.numbers import join, split
from kinds import ALL, examples, input_shapes, inputs, ready, variants, work

BROKEN = {"ge": int | float, "gt": int | float, "le": int | float, "lt": int | float, "pattern": str, "min_length": str}
every_kind = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)


def of(*interfaces: type[Spec]) -> Any:
    """The kinds of these interfaces."""
    return pytest.mark.parametrize("cls", [c for c in ALL if issubclass(c, interfaces)], ids=lambda cls: cls.__name__)


def close(a: Any, b: Any, tolerance: float = 1e-5) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), a, b)


def bounds(cls: type[Spec], name: str) -> list[tuple[str, Any]]:
    """The declared constraints of a field, `("ge", 0)`, `("lt", 1)`, its own or of a member of its union."""
    schema = cls.__pydantic_fields__[name]
    found, waiting = [], [*schema.metadata, schema.annotation]
    while waiting:
        part = waiting.pop()
        waiting += [*getattr(part, "metadata", ()), *getattr(part, "__metadata__", ())]
        waiting += part.__args__ if isinstance(part, UnionType) or get_origin(part) is Union else ()
        found += [
            (rule, getattr(part, rule)) for rule in BROKEN if not isinstance(getattr(part, rule, None), None | type)
        ]
    return found


@every_kind
def test_a_kind_is_documented_and_takes_one_value_without_a_name(cls: type[Spec]) -> None:
    first, _, rest = (cls.__doc__ or "").partition("\n")
    assert first.endswith((".", ":")), f"the docstring's first line must stand alone; got {first!r}"
    assert not rest or rest.startswith("\n"), "a blank line must follow the docstring's first line"
    positional = [f.name for f in dataclasses.fields(cls) if f.init and not f.kw_only]
    assert len(positional) <= 1, f"the fields after the first must be keyword-only: {positional}"


@every_kind
def test_json_brings_back_an_equal_spec(cls: type[Spec]) -> None:
    for node in examples(cls):
        back = loads(dumps(node))
        assert back == node
        assert type(back) is cls
        assert dumps(back) == dumps(node)


@every_kind
def test_equal_specs_hash_equal_and_compile_once(cls: type[Spec]) -> None:
    traces = []

    @functools.partial(jax.jit, static_argnums=0)
    def program(node: Spec, x: jax.Array) -> jax.Array:
        traces.append(node)
        return x

    for node in examples(cls):
        traces.clear()
        again = dataclasses.replace(node)
        assert again is not node
        assert hash(again) == hash(node)
        program(node, jnp.zeros(())), program(again, jnp.zeros(()))
        assert len(traces) == 1


@every_kind
def test_a_mistake_gives_the_standard_message(cls: type[Spec]) -> None:
    node = examples(cls)[0]
    fields = {name: getattr(node, name) for name in field_names(cls)}
    first = next(iter(fields), "field")
    with pytest.raises(HeadwayError, match=rf"^{cls.__name__}\.{first}_: no such field\. ") as caught:
        cls(**fields, **{f"{first}_": 1})
    assert not fields or f"Did you mean '{first}'?" in str(caught.value)
    for name in fields:
        with pytest.raises(HeadwayError, match=rf"^{cls.__name__}\.{name}.*; got .*object"):
            cls(**fields | {name: object()})


@every_kind
def test_a_field_out_of_range_gives_the_standard_message(cls: type[Spec]) -> None:
    node = examples(cls)[-1]
    for name in field_names(cls):
        value = getattr(node, name)
        for rule, bound in bounds(cls, name):
            if isinstance(value, BROKEN[rule]):
                bad = type(value)(bound + {"ge": -1, "le": 1}.get(rule, 0)) if BROKEN[rule] is not str else ""
                with pytest.raises(HeadwayError) as caught:
                    dataclasses.replace(node, **{name: bad})
                assert caught.value.where.startswith(f"{cls.__name__}.{name}")
                assert caught.value.must
                assert caught.value.got == repr(bad)


@every_kind
def test_a_changed_number_gives_what_a_spec_with_it_gives_without_compiling_again(cls: type[Spec]) -> None:
    for node in map(ready, examples(cls)):
        todo, traces = work(node), []
        if todo is None:
            continue
        function, arrays = todo

        @functools.partial(jax.jit, static_argnums=0)
        def program(structure: Spec, numbers: Any, *arrays: Any, function=function, traces=traces) -> Any:
            traces.append(structure)
            return function(join(structure, numbers), *arrays)

        expected = {variant: function(variant, *arrays) for variant in variants(node)}
        for variant, result in [*expected.items()] * 2:
            structure, numbers = split(variant)
            assert structure == split(node)[0], "a number must not change the structure"
            close(program(structure, numbers, *arrays), result)
        assert len(traces) == 1, f"{node}: compiled {len(traces)} times; numbers must be data"


@of(Layer, Clip, Optimizer, Initializer, Loss, Augmentation)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_dtype_is_kept_and_numbers_may_be_0(cls: type[Spec], dtype: Any) -> None:
    for node in map(ready, examples(cls)):
        function, arrays = work(node, dtype)
        if isinstance(node, Loss):
            function = jax.grad(function, argnums=1)

        @functools.partial(jax.jit, static_argnums=0)
        def program(structure: Spec, numbers: Any, *arrays: Any, function=function) -> Any:
            return function(join(structure, numbers), *arrays)

        for variant in variants(node):
            for leaf in jax.tree.leaves(program(*split(variant), *arrays)):
                assert leaf.dtype == dtype
                assert jnp.isfinite(leaf).all()


@of(Layer)
def test_shape_agrees_with_apply(cls: type[Layer]) -> None:
    for node in examples(cls):
        for shape in input_shapes(node):
            params, state = jax.eval_shape(functools.partial(initialize, node, shape), jax.random.key(0))
            x, keys = inputs(node, shape), jax.random.split(jax.random.key(0), 4)
            for context in (Context("train", keys=keys), Context("eval")):
                y, after = jax.eval_shape(functools.partial(apply, node, context=context), params, x, state)
                assert y.shape == (4, *node.shape(shape))
                assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, state)


@of(Layer, Loss)
def test_gradient_agrees_with_finite_differences(cls: type[Spec]) -> None:
    """In float64, along one direction through inputs and parameters: (f(x + h v) − f(x − h v)) / 2h = ∇f · v."""
    with jax.enable_x64(True):
        for node in examples(cls):
            function, arrays = work(node, jnp.float64)

            def f(arrays: Any, node: Spec = node, function: Any = function) -> jax.Array:
                y = function(node, *arrays)
                return jnp.sum(y * jnp.cos(jnp.arange(y.size)).reshape(y.shape))

            f, h = jax.jit(jax.value_and_grad(f)), 1e-6
            arrays = jax.tree.map(np.asarray, arrays)
            direction = jax.tree.map(lambda a: np.sin(7 * np.arange(a.size) + 1.0).reshape(a.shape), arrays)
            along = jax.tree.map(np.vdot, f(arrays)[1], direction)
            up, down = (jax.tree.map(lambda a, v, h=h: a + h * v, arrays, direction) for h in (h, -h))
            close(sum(jax.tree.leaves(along)), (f(up)[0] - f(down)[0]) / (2 * h), 1e-6)
