"""Checkpoints: the whole state of a run on disk, complete or absent, and the newest one back.

A checkpoint is a folder `step-000001200` with `state.safetensors` (arrays by address) and `progress.json`.
It is written under another name and renamed when every byte is on the disk: a kill leaves no half of one.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from headway.network.values import flatten, nest
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


def prune(folder: Path, keep: int, best_step: int) -> None:
    """Remove all checkpoints but the last `keep` and that of the best step; and drafts a kill left behind."""
    for draft in folder.glob(".draft-*"):
        shutil.rmtree(draft, ignore_errors=True)
    for old in checkpoints(folder)[:-keep]:
        if old.name != f"step-{best_step:09d}":
            shutil.rmtree(old)


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Nested arrays as one safetensors file, names = addresses, complete or absent."""
    from safetensors.numpy import save

    flat = {address: np.asarray(value, order="C") for address, value in flatten(arrays).items()}
    write_durably(path, save(flat))


def load_arrays(path: Path, template: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Nested arrays from a safetensors file, in the structure of `template` where one is given.

    Strict: arrays that are missing, unexpected or of another shape or dtype are an error that lists them.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        found = load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise HeadwayError(str(path), "must be a readable safetensors file", str(error)) from None
    if template is None:
        return nest(found)
    wanted = {address: (tuple(a.shape), str(a.dtype)) for address, a in flatten(template).items()}
    came = {address: (a.shape, str(a.dtype)) for address, a in found.items()}
    wrong = [f"missing {a}" for a in wanted.keys() - came.keys()]
    wrong += [f"unexpected {a}" for a in came.keys() - wanted.keys()]
    wrong += [f"{a} is {came[a]}, not {wanted[a]}" for a in wanted.keys() & came.keys() if wanted[a] != came[a]]
    if wrong:
        raise HeadwayError(str(path), "must hold the arrays of this recipe", "; ".join(sorted(wrong)),
                           "The recipe and the file do not belong together.")  # fmt: skip
    return _filled(template, {a: jax.numpy.asarray(found[a]) for a in flatten(template)})


def _filled(template: Mapping[str, Any], flat: Mapping[str, Any], address: str = "") -> dict[str, Any]:
    """The nested form of `flat` with the empty dicts that `template` has."""
    return {
        name: _filled(part, flat, f"{address}{name}/") if isinstance(part, Mapping) else flat[f"{address}{name}"]
        for name, part in template.items()
    }


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole, or not at all, whenever the machine stops."""
    draft = path.with_name(f".{path.name}.draft")
    with open(draft, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can (Windows cannot and need not)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
