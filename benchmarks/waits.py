"""How long one waits for the doctor: `python -m benchmarks.waits` times whole commands for a block of docs/proof.md.

A command is a process from its start to its end, imports included. Each is run once before, so that what it compiles
is in the cache; then in rounds, in an order drawn anew. The result is stored in `benchmarks/results/waits.json`.
"""

import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import machine, versions
from benchmarks.report import markdown, marks, put
from benchmarks.sweep import timed
from headway.doctor.faults.catalog import program
from headway.spec.json import save

ROOT = Path(__file__).parents[1]
RESULT, PAGE = ROOT / "benchmarks/results/waits.json", ROOT / "docs/proof.md"
BLOCK = marks("waits")
CHECKED = ("digits-mlp", "digits-cnn", "digits-sigmoid20", "digits-dead-relu")
CURED = ("digits-sigmoid20", "digits-dead-relu", "digits-noisy150")
RUINED = ("rate-hundredfold", "weights-0", "softmax-twice", "bottleneck", "decay-30", "few-updates")
CHECK, DOCTOR, BUDGET = 3.0, 60.0, 120.0
"""The seconds that a pre-flight, a diagnosis and a cure may take."""


class Wait(NamedTuple):
    """A command, how many rounds of it are made, and the seconds that it may take."""

    words: tuple[str, ...]
    rounds: int
    most: float


def waits(folder: Path) -> dict[str, Wait]:
    """All commands; recipes are ruined in the folder, each by one fault of the benchmark."""
    found = {f"headway check {name}": Wait(("check", name), 7, CHECK) for name in CHECKED}
    for fault in RUINED:
        save(folder / f"{fault}.json", program(f"{fault}@digits-mlp").recipe)
        words: tuple[str, ...] = ("doctor", str(folder / f"{fault}.json"), "--json", "--fail-on", "never")
        found[f"headway doctor {fault}.json"] = Wait(words, 3, DOCTOR)
    for name in CURED:
        words = ("cure", name, "--budget", f"{BUDGET:.0f}s", "--json", "--out")
        found[f"headway cure {name} --budget {BUDGET:.0f}s"] = Wait(words, 3, BUDGET)
    return found


def measure() -> dict[str, Any]:
    """Seconds of every command, round by round, and the first cause that each diagnosis named."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        known = waits(folder)
        causes = {name: first_cause(run(wait.words, folder)) for name, wait in known.items()}
        seconds: dict[str, list[float]] = {}
        for rounds in sorted({wait.rounds for wait in known.values()}, reverse=True):
            work = {name: wait.words for name, wait in known.items() if wait.rounds == rounds}
            commands = {name: functools.partial(run, words, folder) for name, words in work.items()}
            seconds |= timed(commands, rounds)
    right = {f"headway doctor {fault}.json": list(program(f"{fault}@digits-mlp").causes) for fault in RUINED}
    return {
        "seconds": seconds, "most": {name: wait.most for name, wait in known.items()},
        "causes": {name: causes[name] for name in right}, "right": right, "machine": machine(), "versions": versions(),
    }  # fmt: skip


def run(words: Sequence[str], folder: Path) -> str:
    """What a command says; a cure gets a folder of its own."""
    own = (tempfile.mkdtemp(dir=folder) + "/cure",) if words[-1] == "--out" else ()
    done = subprocess.run([sys.executable, "-m", "headway.cli", *words, *own], capture_output=True, text=True)
    assert done.returncode in (0, 4), done.stderr  # 4: there is a cause
    return done.stdout


def first_cause(said: str) -> str | None:
    """The id of the first finding that is found, of a diagnosis in JSON."""
    record = json.loads(said) if said.startswith("{") else {}
    findings = record.get("diagnosis", {}).get("findings", [])
    return next((one["id"] for one in findings if one["verdict"] == "found"), None)


def block(result: Mapping[str, Any]) -> str:
    """What stands in the page: the median of each command's seconds, the least and the most."""
    rows = []
    for name, seconds in result["seconds"].items():
        most, cause = result["most"][name], result["causes"].get(name)
        right = "" if name not in result["causes"] else f"{cause} {'✓' if cause in result['right'][name] else '✗'}"
        met = "✓" if np.median(seconds) <= most else "✗"
        rows.append((f"`{name}`", f"{np.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})",
                     f"{most:.0f} {met}", right))  # fmt: skip
    used = ", ".join(f"{name} {result['versions'][name]}" for name in ("headway", "jax"))
    return f"""
{markdown(("command", "seconds: median (least to most)", "may take", "first cause"), rows)}
Whole processes, what they compile in the cache. Each ruined recipe is `digits-mlp` with one fault of the benchmark.
{result["machine"]["cores"]} cores, {result["machine"]["processor"]}; {used}.

"""


def written(page: str, result: Mapping[str, Any]) -> str:
    """The page with the block of this result."""
    return put(page, BLOCK, block(result))


if __name__ == "__main__":
    RESULT.write_text(json.dumps(measure(), indent=1) + "\n")
    PAGE.write_text(written(PAGE.read_text(), json.loads(RESULT.read_text())))
