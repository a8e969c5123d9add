"""Checkpoints: the whole state of a run on disk, complete or absent, and the newest one back.

A checkpoint is a folder `step-000001200` with `state.safetensors` (arrays by address) and `progress.json`.
It is written under another name and renamed when every byte is on the disk: a kill leaves no half of one.
"""

import errno
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from headway.network.initialization import Shape
from headway.network.values import flatten
from headway.spec.error import HeadwayError


def save_checkpoint(folder: Path, step: int, arrays: Mapping[str, Any], progress: Mapping[str, Any]) -> Path:
    """Write a checkpoint of nested `arrays` and plain values, finished atomically; returns its folder."""
    final, draft = folder / f"step-{step:09d}", folder / f".draft-{step:09d}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save_arrays(draft / "state.safetensors", arrays)
    write_durably(draft / "progress.json", json.dumps(dict(progress)).encode())
    if final.exists():
        shutil.rmtree(final)
    os.replace(draft, final)
    sync_folder(folder)
    return final


def load_checkpoint(path: Path, template: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a checkpoint, which must be exactly those of `template`, and its plain values."""
    arrays = load_arrays(path / "state.safetensors", template)
    return arrays, json.loads((path / "progress.json").read_text())


def checkpoints(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first."""
    return sorted(folder.glob("step-*"))


def step_of(checkpoint: Path) -> int:
    """The update after which a checkpoint was written."""
    return int(checkpoint.name.removeprefix("step-"))


def prune(folder: Path, keep: int, best_step: int) -> None:
    """Remove all checkpoints but the last `keep` and that of the best step; and drafts a kill left behind."""
    for draft in folder.glob(".draft-*"):
        shutil.rmtree(draft, ignore_errors=True)
    for old in checkpoints(folder)[:-keep]:
        if old.name != f"step-{best_step:09d}":
            shutil.rmtree(old)


DTYPES: dict[str, Any] = {"F16": np.float16, "BF16": jax.numpy.bfloat16, "F32": np.float32, "F64": np.float64,
                          "I8": np.int8, "I16": np.int16, "I32": np.int32, "I64": np.int64, "BOOL": np.bool_,
                          "U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64}  # fmt: skip
"""The dtypes of safetensors by its names for them: its own reader for NumPy knows no bfloat16."""


@dataclass(frozen=True)
class Fit:
    """How arrays that were found fit those that are wanted, by address. False where anything differs.

    reshaped, retyped   the shape or dtype found and the one wanted
    """

    missing: tuple[str, ...]
    extra: tuple[str, ...]
    reshaped: dict[str, tuple[Shape, Shape]]
    retyped: dict[str, tuple[str, str]]

    @classmethod
    def of(cls, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> "Fit":
        """Of arrays, or of what has their shapes and dtypes alone."""
        shapes = {a: (tuple(found[a].shape), tuple(wanted[a].shape)) for a in wanted if a in found}
        dtypes = {a: (str(found[a].dtype), str(wanted[a].dtype)) for a in wanted if a in found}
        return cls(
            tuple(a for a in wanted if a not in found),
            tuple(a for a in found if a not in wanted),
            {a: pair for a, pair in shapes.items() if pair[0] != pair[1]},
            {a: pair for a, pair in dtypes.items() if pair[0] != pair[1]},
        )

    def __bool__(self) -> bool:
        return not (self.missing or self.extra or self.reshaped or self.retyped)

    def __str__(self) -> str:
        said = [f"missing {a}" for a in self.missing] + [f"unexpected {a}" for a in self.extra]
        said += [f"{a} is {came}, not {due}" for a, (came, due) in (*self.reshaped.items(), *self.retyped.items())]
        return "; ".join(said) or "all fits"


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Nested arrays as one safetensors file, names = addresses, complete or absent."""
    from safetensors.numpy import save

    flat = {address: np.asarray(value, order="C") for address, value in flatten(arrays).items()}
    write_durably(path, save(flat))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file by name."""
    from safetensors import SafetensorError, deserialize

    try:
        found = dict(deserialize(path.read_bytes()))  # type: ignore[no-untyped-call]
    except (OSError, SafetensorError) as error:
        raise HeadwayError(str(path), "must be a readable safetensors file", str(error)) from None
    for name, array in found.items():
        if array["dtype"] not in DTYPES:
            raise HeadwayError(f"{path}/{name}", "must be of a dtype that is known here", array["dtype"])
    return {n: np.frombuffer(a["data"], DTYPES[a["dtype"]]).reshape(a["shape"]) for n, a in found.items()}


def load_arrays(path: Path, template: Mapping[str, Any]) -> dict[str, Any]:
    """Nested arrays from a safetensors file, in the structure of `template`.

    Strict: arrays that are missing, unexpected or of another shape or dtype are an error that lists them.
    """
    found, wanted = read_arrays(path), flatten(template)
    fit = Fit.of(found, wanted)
    if not fit:
        raise HeadwayError(str(path), "must hold the arrays of this recipe", fit,
                           "The recipe and the file do not belong together.")  # fmt: skip
    return filled(template, {a: jax.numpy.asarray(found[a]) for a in wanted})


def filled(template: Mapping[str, Any], flat: Mapping[str, Any], address: str = "") -> dict[str, Any]:
    """The nested form of `flat` with the empty dicts that `template` has."""
    return {
        name: filled(part, flat, f"{address}{name}/") if isinstance(part, Mapping) else flat[f"{address}{name}"]
        for name, part in template.items()
    }


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole, or not at all, whenever the machine stops."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    draft = path.with_name(f".{path.name}.draft")
    try:
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        if error.errno:  # told of the file that is meant, not of its draft
            error.filename = str(path)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can (Windows cannot and need not)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
