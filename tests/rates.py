"""What the tests of schedules share: any length and rate, and rates that are right to the last bit."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from hypothesis import strategies as st

from headway.learning.schedules.schedule import Schedule
from headway.spec.numbers import join, split

lengths = st.integers(3, 2**24)
rates = st.floats(0.0009765625, 10, width=32)


@functools.partial(jax.jit, static_argnames="structure")
def compiled(structure: Schedule, numbers: Any, index: int) -> jax.Array:
    return join(structure, numbers).value(index)


def exactly(schedule: Schedule, index: int, rate: Any) -> None:
    """The rate at this index, plain and compiled with its numbers as data."""
    assert schedule.value(index) == compiled(*split(schedule), index) == jnp.float32(rate)
