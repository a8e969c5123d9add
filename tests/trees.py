"""Toy kinds that use every sort of field, and random trees of them and of real layers."""

from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Literal

from hypothesis import strategies as st
from pydantic import Field

from headway.network.activations import ReLU, Tanh
from headway.network.compose import Sequential
from headway.network.dense import Dense
from headway.network.initialization import Constant, HeNormal
from headway.spec.node import Count, Number, Spec, spec


@dataclass(frozen=True, repr=False)
class Brick(Spec):
    """An interface with fields that every brick has."""

    name: str | None = field(default=None, kw_only=True)
    tag: int = field(default=0, kw_only=True)


@spec
class Stone(Brick):
    """A leaf with data and structure."""

    size: Annotated[int, Field(ge=0)]
    _: KW_ONLY
    weight: Annotated[Number, Field(gt=0)] = 1.0
    age: Count | None = None
    colour: Literal["grey", "red"] = "grey"
    rough: bool = False


@spec
class Wall(Brick):
    """A container: bricks in its first field, one brick beside them, more bricks, and plain tuples."""

    bricks: tuple[Brick, ...] = ()
    _: KW_ONLY
    roof: Brick | None = None
    extra: tuple[Brick, ...] = ()
    shape: tuple[int, ...] = ()
    load: Annotated[Number, Field(gt=0)] | Brick = 0.5


@spec
class Beam(Brick):
    """A wrapper with one part."""

    body: Brick


names = st.sampled_from([None, None, None, "a", "b"])
positive = st.floats(1e-300, 1e300)
stones = st.builds(
    Stone,
    st.integers(0, 3),
    name=names,
    weight=positive,
    age=st.none() | st.integers(0, 9),
    colour=st.sampled_from(["grey", "red"]),
    rough=st.booleans(),
)


def families(part: st.SearchStrategy[Spec], least: int = 0) -> st.SearchStrategy[tuple[Spec, ...]]:
    """Up to four parts of which no two share a name."""
    return st.lists(part, min_size=least, max_size=4, unique_by=lambda p: p.name or object()).map(tuple)


bricks = st.recursive(
    stones,
    lambda brick: (
        st.builds(
            Wall,
            families(brick),
            name=names,
            roof=st.none() | brick,
            extra=families(brick),
            shape=st.lists(st.integers(0, 3), max_size=2).map(tuple),
            load=positive | brick,
        )
        | st.builds(Beam, brick, name=names)
    ),
    max_leaves=6,
)
layers = st.recursive(
    st.builds(
        Dense,
        st.integers(1, 3),
        name=names,
        bias=st.booleans(),
        init=st.sampled_from([None, HeNormal(), HeNormal(1.5), Constant(-0.1)]),
    )
    | st.builds(ReLU, name=names)
    | st.builds(Tanh, name=names),
    lambda layer: st.builds(Sequential, families(layer, least=1), name=names),
    max_leaves=8,
)
walls = st.builds(Wall, families(bricks), roof=st.none() | bricks, extra=families(bricks), load=positive | bricks)
trees = walls | bricks | layers
