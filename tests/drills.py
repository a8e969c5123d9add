"""Long drills: results stored with the hash of the code they are about, and work that can be gone on with."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "accept"


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
