"""Evidence: what an arm came to, in a file named by the hash of its content, and the hash of the code it reached."""

import ast
import functools
import hashlib
import json
import os
import platform
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from headway.spec.error import HeadwayError

PACKAGE = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "evidence"
PROGRAM = (".py", ".pyi", ".pyc")
JUDGED_BY = ("jax", "numpy")
"""The libraries whose major version counts."""


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
        """Whether the code that was reached has changed since, or the major version of a library."""
        then, now = self.made_on.get("versions", {}), versions()
        return self.code != code_of(self.design) or any(
            major(then[name]) != major(now[name]) for name in JUDGED_BY if name in then
        )

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
    found = {name: _version(name) for name in ("headway", "jax", *(packages or ("numpy",)))}
    return found | {"python": platform.python_version()}


@functools.cache
def _version(package: str) -> str:
    """The version of an installed package, looked up once: every piece of evidence asks for it."""
    return metadata.version(package)


def major(number: str) -> str:
    """The part of a version that changes when a library breaks with what was: 2 of 2.4.0, and 0.10 of 0.10.2."""
    first, _, rest = number.partition(".")
    return first if first != "0" else f"0.{rest.partition('.')[0]}"


def processor() -> str:
    """The name of the processor, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def code_of(design: str) -> str:
    """The hash of a design's code and of all that it reaches."""
    return code_from(PACKAGE / "claims" / "designs" / f"{design.partition('.')[0]}.py")


@functools.cache
def code_from(page: Path) -> str:
    """The hash of a file's code, of all that it imports of the package, and of the files that these name beside them.

    Comments, docstrings and blank lines do not count, nor does the version of Python.
    """
    seen: dict[Path, str] = {}
    waiting = [page]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen[here], reached = _read(here)
            waiting += reached
    told = sorted((path.relative_to(PACKAGE).as_posix(), text) for path, text in seen.items())
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


@functools.cache
def _read(path: Path) -> tuple[str, tuple[Path, ...]]:
    """What counts of a file, and the files that it reaches: modules that it imports, and data in folders it names."""
    if path.suffix != ".py":
        return hashlib.sha256(path.read_bytes()).hexdigest(), ()
    text = path.read_text()
    parts = list(ast.walk(ast.parse(text)))
    words = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    folders = [path.parent / word for word in words if word.isidentifier() and (path.parent / word).is_dir()]
    data = (file for folder in folders for file in folder.rglob("*") if file.is_file() and file.suffix not in PROGRAM)
    return code_alone(text, parts), (*(file for part in parts for file in _imported(part)), *data)


def _imported(part: ast.AST) -> Iterator[Path]:
    """The files of a statement `from headway.a.b import c`: b where it is one, else b's own page, and c in it."""
    if isinstance(part, ast.ImportFrom) and (part.module or "").startswith("headway."):
        place = PACKAGE.joinpath(*str(part.module).split(".")[1:])
        inside = (place / f"{name.name}.py" for name in part.names)
        yield from (file for file in (place.with_suffix(".py"), place / "__init__.py", *inside) if file.exists())


def code_alone(text: str, parts: Iterable[ast.AST]) -> str:
    """The lines of a program, parsed into `parts`, without comments, docstrings and blank lines: what computes."""
    lines = text.splitlines()
    for node in parts:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (int(node.end_lineno or 0) - node.lineno + 1)
    for token in tokenize.generate_tokens(iter(f"{line}\n" for line in text.splitlines()).__next__):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip())
