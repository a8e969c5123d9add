"""Evidence: what an arm came to, in a file named by the hash of its content, and the hash of the code it reached."""

import ast
import functools
import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from headway.spec.error import HeadwayError

PACKAGE = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "evidence"


@dataclass(frozen=True)
class Evidence:
    """One arm of a design, measured.

    design     `module.name` of a design in `headway.claims.designs`
    numbers    metric → values, one a seed
    notes      what was tuned: the point chosen, and all that were tried
    code       the hash of the code that the arm reached, see `code_of`
    made_on    versions, processor, cores, and the day
    """

    design: str
    arm: str
    seeds: list[int]
    numbers: dict[str, list[float]]
    notes: dict[str, Any]
    code: str
    seconds: float
    made_on: dict[str, Any]

    @property
    def digest(self) -> str:
        """The hash of the content."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]

    @property
    def stale(self) -> bool:
        """Whether the code that was reached has changed since."""
        return self.code != code_of(self.design)

    def save(self, folder: Path = FOLDER) -> Path:
        """Write it, in the place of what was known of this arm on seeds that begin alike."""
        from headway.training.checkpoint import write_durably

        path = folder / self.design / f"{self.digest}.json"
        before = [old for old, known in files(folder, self.design)
                  if (known.arm, known.seeds[0]) == (self.arm, self.seeds[0]) and old != path]  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode())
        for old in before:
            old.unlink()
        return path


def files(folder: Path, design: str) -> list[tuple[Path, Evidence]]:
    """What is stored of a design; a file whose content has another hash than its name is refused."""
    found = []
    for path in sorted((folder / design).glob("*.json")):
        try:
            evidence = Evidence(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise HeadwayError(str(path), "must be evidence as it was stored", error, "Run the claim again.") from None
        if evidence.digest != path.stem:
            raise HeadwayError(str(path), "must have the content that it is named for", evidence.digest,
                               "Run the claim again; evidence is not edited.")  # fmt: skip
        found.append((path, evidence))
    return found


def stored(design: str, first: int = 0, folder: Path = FOLDER) -> dict[str, Evidence]:
    """Arm → its evidence on the seeds from `first` on."""
    return {known.arm: known for _, known in files(folder, design) if known.seeds[0] == first}


def numbers_of(found: Mapping[str, Evidence]) -> dict[str, dict[str, list[float]]]:
    """Arm → metric → values."""
    return {arm: evidence.numbers for arm, evidence in found.items()}


def made_here() -> dict[str, Any]:
    """Where and when: versions, processor, cores, day."""
    cores, day = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(), datetime.now(UTC)
    return {"versions": versions(), "processor": processor(), "cores": cores, "day": day.date().isoformat()}


def versions(*packages: str) -> dict[str, str]:
    """The versions of Headway, JAX and these packages, NumPy unless others are named, and of Python."""
    found = {name: version(name) for name in ("headway", "jax", *(packages or ("numpy",)))}
    return found | {"python": platform.python_version()}


def processor() -> str:
    """The name of the processor, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


@functools.cache
def code_of(design: str) -> str:
    """The hash of the code of a design and of all code of the package that this imports; comments do not count."""
    seen: dict[str, str] = {}
    waiting = [f"headway/claims/designs/{design.partition('.')[0]}.py"]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen[here], imported = _read(here)
            waiting += imported
    return hashlib.sha256(json.dumps(sorted(seen.items())).encode()).hexdigest()[:12]


@functools.cache
def _read(path: str) -> tuple[str, tuple[str, ...]]:
    """A file's code without comments and docstrings, and the files of the package that it imports anywhere in it."""
    tree = ast.parse((PACKAGE.parent / path).read_text())
    names = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    paths = (f"{name.replace('.', '/')}.py" for name in names if name.startswith("headway."))
    return ast.dump(without_docstrings(tree)), tuple(path for path in paths if (PACKAGE.parent / path).exists())


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The code alone: what it says of itself does not change what it computes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)] or [ast.Pass()]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
