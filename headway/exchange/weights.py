"""Weights in and out as safetensors, by address, with a strict report of what does not fit.

The names in a file are addresses, `0/w`, of parameters and of what else the network keeps, such as running
statistics. A file of another program has other names: `names` says what each stands for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from headway.spec.error import HeadwayError, did_you_mean
from headway.spec.select import match_addresses, matches
from headway.training.checkpoint import Fit, filled, read_arrays, save_arrays
from headway.training.run import PARTS, Run, Values, flat_values


@dataclass(frozen=True)
class Transposed:
    """The array at an address, stored with its axes in another order: ours is `np.transpose(theirs, axes)`.

    Without axes the order is turned round. A PyTorch convolution is `Transposed("0/w", (2, 3, 1, 0))`.
    """

    address: str
    axes: tuple[int, ...] | None = None


Names = Mapping[str, str | Transposed]


def save_weights(source: Run | Values, path: Path | str, *, names: Names | None = None) -> None:
    """Write the best weights of a run, or values {"params", "network"}, as one safetensors file.

    With `names` every array gets the name that stands for it; one without a name is an error.
    """
    flat = flat_values(source)
    named = {address: address for address in flat} if names is None else names
    known = {address_at(at) for at in named.values()}
    for address in known - flat.keys():
        raise HeadwayError("names", "must name what there is", address, did_you_mean(address, flat))
    for address in flat.keys() - known:
        raise HeadwayError("names", "must name every array", None, f"Name {address!r} too.")
    save_arrays(Path(path), {name: _theirs(flat[address_at(at)], at) for name, at in named.items()})


def load_weights(
    path: Path | str, template: Run | Values, *, names: Names | None = None, only: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """The values {"params", "network"} that a file holds, in the structure of `template`.

    Strict: all that is missing, extra, reshaped or of another dtype is listed in one error. With `only`,
    patterns of addresses, what matches is loaded, as strictly, and the rest is what the template holds.
    """
    found, wanted = _ours(path, names), flat_values(template)
    fit = _fit(found, wanted, only)
    if not fit:
        raise HeadwayError(str(path), "must hold exactly the arrays of this network", fit,
                           "Say what its names stand for: names={…}; or load a part: only=(…,).")  # fmt: skip
    loaded = wanted | {a: jnp.asarray(found[a]) for a in _chosen(wanted, only)}
    values = template.values if isinstance(template, Run) else template
    return {part: filled(values[part], loaded) for part in PARTS}


def compare_weights(
    path: Path | str, template: Run | Values, *, names: Names | None = None, only: tuple[str, ...] | None = None
) -> Fit:
    """How a file fits a network, without loading it: a report that is false where anything differs."""
    return _fit(_ours(path, names), flat_values(template), only)


def address_at(at: str | Transposed) -> str:
    """The address that a name stands for."""
    return at.address if isinstance(at, Transposed) else at


def _chosen(wanted: Mapping[str, Any], only: tuple[str, ...] | None) -> tuple[str, ...]:
    """The addresses that are loaded."""
    return tuple(wanted) if only is None else match_addresses(only, wanted, "only")


def _fit(found: Mapping[str, Any], wanted: Mapping[str, Any], only: tuple[str, ...] | None) -> Fit:
    chosen = _chosen(wanted, only)
    asked = {a: array for a, array in found.items() if only is None or any(matches(pattern, a) for pattern in only)}
    return Fit.of(asked, {a: wanted[a] for a in chosen})


def _ours(path: Path | str, names: Names | None) -> dict[str, np.ndarray]:
    """The arrays of a file by address; one whose name stands for nothing keeps its name."""
    here: dict[str, np.ndarray] = {}
    for name, array in read_arrays(Path(path)).items():
        at = (names or {}).get(name, name)
        if address_at(at) in here:
            raise HeadwayError("names", "two names must not stand for one address", address_at(at))
        try:
            here[address_at(at)] = np.transpose(array, at.axes) if isinstance(at, Transposed) else array
        except ValueError as error:
            raise HeadwayError(f"names/{name}", f"the axes must be those of {array.shape}", f"{at}, {error}") from None
    return here


def _theirs(array: Any, at: str | Transposed) -> Any:
    """An array of ours in the order of axes that the file has."""
    if not isinstance(at, Transposed):
        return array
    return np.transpose(array, None if at.axes is None else np.argsort(at.axes))
