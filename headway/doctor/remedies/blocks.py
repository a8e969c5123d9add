"""What remedies look for in a network: hidden blocks, residual branches, norms behind a sum, and both of its ends."""

from itertools import pairwise
from typing import NamedTuple

from headway.network.compose import Sequential, last_address
from headway.network.convolution import Conv
from headway.network.dense import Dense
from headway.network.initialization import Shape
from headway.network.layer import Activation, Layer
from headway.network.normalization import Normalization
from headway.network.residual import Residual
from headway.network.values import COPY
from headway.spec.edit import Edit, Set
from headway.spec.error import HeadwayError, join_address
from headway.spec.node import Spec, children, walk
from headway.spec.select import get


class Block(NamedTuple):
    """A dense layer and the activation right behind it: the addresses of both, and both themselves.

    keeps_shape    whether the dense layer has as many units as inputs
    """

    at: str
    activation_at: str
    dense: Dense
    activation: Activation
    keeps_shape: bool


def hidden_blocks(network: Layer, inputs: Shape, address: str = "") -> list[Block]:
    """Every dense layer that has its activation right behind it, but for one that ends the network."""
    shapes, last, found = dict(received(network, inputs, address)), last_address(network, address), []
    for container, node in walk(network, address):
        members = [(join_address(container, key), part) for key, part in children(node).items()]
        for (at, dense), (behind, activation) in pairwise(members if isinstance(node, Sequential) else ()):
            if isinstance(dense, Dense) and isinstance(activation, Activation) and behind != last:
                keeps = shapes[at.replace(COPY, "0")][-1:] == (dense.units,)  # every copy gets what the first does
                found.append(Block(at, behind, dense, activation, keeps))
    return found


def received(network: Layer, inputs: Shape, address: str = "") -> list[tuple[str, Shape]]:
    """The shape that each layer receives, by address; of one that is repeated, each copy."""
    found = [(address, inputs)]
    for key, child, shape in network.parts(inputs):
        found += received(child, shape, join_address(address, key))
    return found


def activations(network: Layer, address: str = "") -> list[tuple[str, Activation]]:
    """Every activation but one that ends the network."""
    last = last_address(network, address)
    return [(at, part) for at, part in walk(network, address) if isinstance(part, Activation) and at != last]


def weighted(network: Layer, address: str = "") -> list[tuple[str, Dense | Conv]]:
    """Every dense and convolutional layer."""
    return [(at, part) for at, part in walk(network, address) if isinstance(part, Dense | Conv)]


def branches(network: Layer, address: str = "") -> list[tuple[str, Residual]]:
    """Every residual connection."""
    return [(at, part) for at, part in walk(network, address) if isinstance(part, Residual)]


def depth_of(network: Layer, inputs: Shape) -> int:
    """How many residual connections an example passes, every copy of what is repeated counted."""
    inside = sum(depth_of(child, shape) for _, child, shape in network.parts(inputs))
    return inside + isinstance(network, Residual)


class Norm(NamedTuple):
    """A sum x + F(x) with a norm right behind it: the addresses of both, and the norm."""

    branch_at: str
    norm_at: str
    norm: Normalization


def norms_behind_sums(network: Layer, address: str = "") -> list[Norm]:
    """Every residual connection with a norm right behind it: Post-LN, the way around is normalized too."""
    found = []
    for container, node in walk(network, address):
        members = [(join_address(container, key), part) for key, part in children(node).items()]
        for (at, branch), (behind, norm) in pairwise(members if isinstance(node, Sequential) else ()):
            if isinstance(branch, Residual) and isinstance(norm, Normalization):
                found.append(Norm(at, behind, norm))
    return found


def ends(network: Layer, address: str = "") -> tuple[str, Spec]:
    """The layer that makes the output, and where it stands."""
    at = last_address(network, address)
    return at, get(network, at.removeprefix(address).lstrip("/"))


def widened(block: Block) -> Edit:
    """Twice the units of a dense layer."""
    return Set(f"{block.at}/units", value=2 * block.dense.units)


def fits(network: Layer, inputs: Shape) -> bool:
    """Whether the network can be computed: the body of a skip, or a repeated one, must keep its shape."""
    try:
        network.shape(inputs)
    except HeadwayError:
        return False
    return True
