"""The manifest of a run: what it depends on beside its recipe."""

import hashlib
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from headway.data.dataset import Dataset
from headway.training.recipe import Recipe


def manifest(recipe: Recipe, dataset: Dataset) -> dict[str, Any]:
    """What a run depends on beside its recipe."""
    packages = ("headway", "jax", "jaxlib", "numpy")
    devices = jax.devices()
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "device": {"platform": devices[0].platform, "kind": devices[0].device_kind, "count": len(devices)},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "data": dataset.fingerprint,
        "start": None,
        "seed": recipe.seed,
        "git": git_state(),
        "command": sys.argv,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def fingerprint(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def git_state() -> dict[str, Any] | None:
    """The commit of the folder one stands in and whether it has changes; None outside a repository."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None
