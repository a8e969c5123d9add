import jax
import jax.numpy as jnp
import pytest
from hypothesis import given

from headway.spec.node import field_names, walk
from headway.spec.numbers import join, split
from trees import Stone, Wall, trees


def test_numbers_leave_with_their_addresses_and_structure_stays():
    wall = Wall((Stone(1, weight=2.0), Stone(2, name="key", age=7)), roof=Stone(3), load=0.25, shape=(1, 2))
    structure, numbers = split(wall)
    assert numbers == {"0/weight": 2.0, "key/weight": 1.0, "key/age": 7, "roof/weight": 1.0, "load": 0.25}
    assert (structure.shape, structure.bricks[0].size, structure.bricks[0].age) == ((1, 2), 1, None)


@given(trees)
def test_join_is_the_inverse_of_split(tree):
    structure, numbers = split(tree)
    assert join(structure, numbers) == tree


@given(trees)
def test_specs_that_differ_only_in_numbers_have_equal_structures(tree):
    structure, numbers = split(tree)
    other = join(structure, {at: value + 1 for at, value in numbers.items()})
    assert split(other)[0] == structure
    assert hash(split(other)[0]) == hash(structure)


@given(trees)
def test_a_structure_has_the_parts_of_the_spec(tree):
    structure, _ = split(tree)
    assert [(at, type(node)) for at, node in walk(structure)] == [(at, type(node)) for at, node in walk(tree)]


def test_other_structure_is_another_structure():
    alone, aged, larger = (split(stone)[0] for stone in (Stone(1), Stone(1, age=2), Stone(2)))
    assert len({alone, aged, larger}) == 3


def test_a_truth_value_is_structure():
    assert "rough" not in split(Stone(1, rough=True))[1]
    assert split(Stone(1, rough=True))[0].rough is True
    assert "rough" in field_names(Stone)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_changing_a_number_compiles_nothing_and_keeps_the_dtype(dtype):
    compiled = []

    def step(structure, numbers, x):
        compiled.append(structure)
        wall = join(structure, numbers)
        return x * wall.load + wall.bricks[0].weight

    jitted = jax.jit(step, static_argnums=0)
    x = jnp.ones(2, dtype)
    for load, weight in ((0.5, 1.0), (0.25, 2.0), (4.0, 0.5)):
        y = jitted(*split(Wall((Stone(1, weight=weight),), load=load)), x)
        assert y.dtype == dtype
        assert y.tolist() == [load + weight] * 2
    assert len(compiled) == 1
    jitted(*split(Wall((Stone(2),))), x)
    assert len(compiled) == 2
