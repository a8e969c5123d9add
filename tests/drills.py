"""Drills: what processes of their own print, and long ones, stored with the hash of the code they are about."""

import functools
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "accept"


@functools.cache  # tests of a module need not run one after the other, and its fixtures are then made again
def printed(module: str, *words: str) -> Any:
    """What a module prints as JSON, run in a process of its own: virtual devices must be there before JAX starts."""
    done = subprocess.run([sys.executable, "-m", module, *words], cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def apart(a: Any, b: Any) -> float:
    """The largest difference of two trees of arrays; NaN where one has a NaN and the other none."""
    pairs = [(np.asarray(x), np.asarray(y)) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)]
    return float(np.max([np.abs(np.where(same(x, y), 0, x - y)).max(initial=0) for x, y in pairs]))


def same(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where two arrays have the same number, or neither has one."""
    found: np.ndarray = (x == y) | (np.isnan(x) & np.isnan(y)) if x.dtype.kind == "f" else x == y
    return found


def code_hash() -> str:
    """SHA-256 over the package's source: another hash, another drill."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "headway").rglob("*.py")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def workshop(name: str) -> Path:
    """A folder that a drill of this code goes on in after it was broken off."""
    folder = ROOT / ".accept" / f"{name}-{code_hash()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stored(name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of a drill: the one stored for this code, else `work()`, stored."""
    path = RESULTS / f"{name}.json"
    if path.exists() and (found := json.loads(path.read_text()))["code"] == code_hash():
        return found
    result = {"code": code_hash()} | work()
    RESULTS.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    return result
