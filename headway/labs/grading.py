"""Grading: the learner's file run under limits, answers compared with the truth and with what mistakes would give."""

import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headway.labs.lab import Grade, Lab, Part, Task
from headway.spec.error import HeadwayError
from headway.spec.json import text_of
from headway.training.interruption import Interruption

SECONDS = 60.0
MEMORY = 3 * 2**30
EMPTY = "Nothing is here yet."
CLOSE = 1e-3
"""How far a number may be from the truth, as a part of it: what rounding by hand to four digits leaves."""


@dataclass(frozen=True)
class Mistake:
    """What an answer would be after a mistake that people make, and what to say then."""

    value: Any
    hint: str


@dataclass(frozen=True)
class Asked:
    """A value that is asked for, a number, numbers or a word, with the mistakes to be expected."""

    name: str
    truth: Any
    mistakes: tuple[Mistake, ...] = ()
    otherwise: str = "This is not what the task's numbers give."
    close: float = CLOSE


def check(lab: Lab, path: Path, seconds: float = SECONDS) -> Grade:
    """The grade of a learner's file. An error where it cannot be run, or does not come to an end."""
    task = lab.draw(seed_of(path))
    return task.grade(values_of(path, task, seconds))


def seed_of(path: Path) -> int:
    """The seed that the task was written for, as it stands in the file; the file is not run."""
    try:
        body = ast.parse(text_of(path)).body
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise HeadwayError(_place(path, line), "must be Python", getattr(error, "msg", error)) from None
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SEED":
            seed = node.value.value if isinstance(node.value, ast.Constant) else None
            if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0:
                return seed
    raise HeadwayError(str(path), "must hold the line SEED = … that it was written with", None,
                       "Put it back, or write the task anew with --overwrite.")  # fmt: skip


def values_of(path: Path, task: Task, seconds: float = SECONDS) -> dict[str, Any]:
    """What the names asked for hold after the file was run, in a process of its own."""
    request = {"names": {blank.name: blank.calls for blank in task.blanks}, "memory": MEMORY}
    with tempfile.TemporaryDirectory() as scratch:
        reply = Path(scratch) / "reply.json"
        words = [sys.executable, "-P", "-m", "headway.labs.runner", str(path.resolve()), json.dumps(request)]
        with subprocess.Popen([*words, str(reply)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, cwd=path.parent, start_new_session=True) as child:  # fmt: skip
            try:
                _wait(child, path, seconds)
            finally:
                _end(child)
        found = json.loads(reply.read_text(encoding="utf-8")) if reply.exists() else {}
    return _replied(found, path, child.returncode)


def _wait(child: subprocess.Popen[bytes], path: Path, seconds: float) -> None:
    """Wait for the learner's process, which is in a session of its own: Ctrl-C reaches this one alone."""
    last = time.monotonic() + seconds
    with Interruption() as interruption:
        while child.poll() is None:
            if interruption.reason:
                raise KeyboardInterrupt(interruption.reason)
            if time.monotonic() > last:
                raise HeadwayError(str(path), f"must come to its end within {seconds:g} s", "one that still ran",
                                   "Look for a loop that does not end.")  # fmt: skip
            time.sleep(0.02)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the learner's process, and whatever it has started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
    else:
        child.kill()


def _replied(found: dict[str, Any], path: Path, code: int) -> dict[str, Any]:
    if "values" in found:
        return dict(found["values"])
    if "error" in found:
        fix = f"See for yourself: python {path}"
        raise HeadwayError(_place(path, found["line"]), "must run to its end", found["error"], fix)
    if "memory" in found or code == -signal.SIGKILL:
        raise HeadwayError(str(path), f"must do with {MEMORY / 2**30:g} GiB of memory", "one that asked for more",
                           "Look for a list or an array that grows.")  # fmt: skip
    raise HeadwayError(str(path), "must run to its end", f"a process that ended with the code {code}")


def _place(path: Path, line: int | None) -> str:
    return str(path) if line is None else f"{path}, line {line}"


def judged(value: Any, asked: Asked) -> Part:
    """The part of the grade for one value: 1 point where it is true, else the hint for the mistake that gives it."""
    problem = malformed(value, asked.truth)
    if problem:
        return Part(asked.name, 0, 1, problem)
    if alike(value, asked.truth, asked.close):
        return Part(asked.name, 1, 1)
    hints = (mistake.hint for mistake in asked.mistakes if alike(value, mistake.value, asked.close))
    return Part(asked.name, 0, 1, next(hints, asked.otherwise))


def malformed(value: Any, truth: Any) -> str:
    """What is wrong with the form of a value, whatever it says; nothing where it can be compared."""
    if value is None:
        return EMPTY
    if isinstance(truth, str):
        return "" if isinstance(value, str) else f'This must be a text, as "{"…"}"; got {_named(value)}.'
    wanted = np.shape(truth)
    form = f"numbers of shape {list(wanted)}" if wanted else "a number"
    try:
        found = np.asarray(value, float)
    except (ValueError, TypeError):
        return f"This must be {form}; got {_named(value)}."
    if isinstance(value, str | bool) or found.shape != wanted:
        came = f"shape {list(found.shape)}" if wanted and found.shape else _named(value)
        return f"This must be {form}; got {came}."
    return "" if np.isfinite(found).all() else f"This must be {form}; got one that is not finite."


def _named(value: Any) -> str:
    """A value in few words: its type where it could not be read, else itself."""
    if isinstance(value, dict):
        return f"a value of type {value.get('type') or value.get('kind')}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


def alike(value: Any, other: Any, close: float = CLOSE) -> bool:
    """Whether two answers say the same: words but for their case, numbers within `close` of the larger of them all."""
    if isinstance(value, str) or isinstance(other, str):
        return str(value).strip().casefold() == str(other).strip().casefold()
    a, b = np.asarray(value, float), np.asarray(other, float)
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= close * max(np.abs(b).max(initial=0.0), 1e-12))


def distinct(asked: Sequence[Asked]) -> bool:
    """Whether no mistake gives the truth or what another mistake gives, so that each can be told by its value."""
    for one in asked:
        known = [one.truth, *(mistake.value for mistake in one.mistakes)]
        if any(alike(a, b, 10 * one.close) for i, a in enumerate(known) for b in known[:i] if not isinstance(a, str)):
            return False
    return True
