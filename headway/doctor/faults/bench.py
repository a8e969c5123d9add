"""The doctor tried on programs whose causes are known: each looked at before, trained under watch, and diagnosed."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, NamedTuple

from headway.doctor.cure import under_watch, whole
from headway.doctor.diagnose import diagnose, preflight
from headway.doctor.faults.catalog import Program, faulty
from headway.doctor.faults.healthy import healthy
from headway.doctor.faults.measure import fingerprint, keeps, stored
from headway.doctor.faults.score import read_rows
from headway.spec.error import HeadwayError, did_you_mean
from headway.training.checkpoint import write_durably
from headway.training.job import prepare
from headway.training.train import train

VERDICTS = "verdicts.jsonl"
PER_PROCESS = 20
"""About how many programs a process looks at."""
Trying = Callable[[Program], dict[str, Any]]


class Exam(NamedTuple):
    """What is done with each program, the file its rows are kept in, and the hash of the code that does it.

    trying   gives a row but for the program's id; a function of a module, so that another process finds it
    """

    trying: Trying
    file: str
    code: str


def programs(set: str, only: Sequence[str] = ()) -> tuple[Program, ...]:
    """The programs of a set that were measured to be what they are said to be; of these those whose id begins so."""
    known = (*faulty(set), *healthy(set))
    if only:
        return tuple(dict.fromkeys(one for word in only for one in _named(word, known)))
    seen = stored(set)
    return tuple(one for one in known if one.id in seen and keeps(one, seen[one.id]))


def left_out(set: str) -> tuple[Program, ...]:
    """The programs of a set that are none of the benchmark: faults that do no harm, recipes that are not as good."""
    kept = {one.id for one in programs(set)}
    return tuple(one for one in (*faulty(set), *healthy(set)) if one.id not in kept)


def look(program: Program) -> dict[str, Any]:
    """What the doctor says of a program, as a verdict for `score`.

    before    the causes found before anything is trained
    noticed   ids of what is so and does no harm
    """
    job = prepare(program.recipe, anyway=True)
    before = preflight(program.recipe, job.dataset)
    run = whole(train(under_watch(program.recipe, job.updates), data=job.dataset, anyway=True))
    found = diagnose(run)
    return {
        "healthy": found.healthy, "causes": [cause.id for cause in found.causes],
        "before": [cause.id for cause in before.causes],
        "noticed": [finding.id for finding in found.findings if finding.verdict == "noticed"],
        "loss": found.loss, "constant": found.constant,
    }  # fmt: skip


def attempted(trying: Trying, program: Program) -> dict[str, Any]:
    """The row of a program. What goes wrong is its "error", and stops nothing."""
    started = time.monotonic()
    try:
        made = trying(program)
    except Exception as error:  # whatever it is, the program counts as not diagnosed, or not cured
        made = {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"id": program.id, **made, "seconds": round(time.monotonic() - started, 2)}


def bench(
    exam: Exam,
    chosen: Sequence[Program],
    folder: Path,
    *,
    resume: bool = False,
    workers: int = 1,
    tell: Callable[[object], object] = lambda row: None,
) -> list[dict[str, Any]]:
    """The rows of all programs, in their order; each is a line of the exam's file as soon as it is there.

    With `resume` those in the file stay that were made with this code of the recipe as it is.
    """
    path = folder / exam.file
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists() and not resume:
        raise HeadwayError(str(folder), "must be a new folder", f"{exam.file} in it", "Go on with --resume.")
    marks = {one.id: mark(one, exam.code) for one in chosen}
    done = {row["id"]: row for row in (read_rows(path) if path.exists() else []) if row["mark"] == marks.get(row["id"])}
    write_durably(path, "".join(json.dumps(row) + "\n" for row in done.values()).encode())
    missing = [one for one in chosen if one.id not in done]
    with open(path, "a") as lines:
        for row in _tried(exam.trying, missing, workers):
            done[row["id"]] = row | {"mark": marks[row["id"]]}
            lines.write(json.dumps(done[row["id"]]) + "\n")
            lines.flush()
            tell(row)
    return [done[one.id] for one in chosen]


def mark(program: Program, code: str) -> str:
    """The hashes of the code and of the recipe: what a verdict depends on."""
    return f"{code} {fingerprint(program.recipe)}"


def _tried(trying: Trying, missing: Sequence[Program], workers: int) -> Iterator[dict[str, Any]]:
    if workers == 1 and len(missing) <= PER_PROCESS:
        yield from (attempted(trying, one) for one in missing)
        return
    # Processes of their own: one that has computed with JAX must not be forked, and one that compiles hundreds of
    # programs runs out of room for their code.
    for first in range(0, len(missing), workers * PER_PROCESS):
        with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_parent) as pool:
            some = missing[first : first + workers * PER_PROCESS]
            waiting = [pool.submit(_by_id, trying, one.base.set, one.id) for one in some]
            for future in as_completed(waiting):
                yield future.result()


def _end_with_parent() -> None:
    """From now on this process ends when the one that started it is gone, however that one was stopped."""

    def wait() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _by_id(trying: Trying, set: str, id: str) -> dict[str, Any]:
    """A program cannot be sent to another process, its id can."""
    return attempted(trying, programs(set, (id,))[0])


def _named(word: str, known: Iterable[Program]) -> list[Program]:
    """The programs of a whole id, or of a fault on all its bases."""
    known = list(known)
    found = [one for one in known if one.id == word or one.id.startswith(f"{word}@")]
    if not found:
        names = {one.id if "@" in word else one.id.partition("@")[0] for one in known}
        raise HeadwayError("--only", "no program of this id", repr(word), did_you_mean(word, names))
    return found
