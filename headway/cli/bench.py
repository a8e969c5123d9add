"""What Headway can do, measured from the command line: bench."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from headway.cli.command import AsJson, Counter, app
from headway.doctor.faults.sets import SetName
from headway.spec.error import HeadwayError


@app.command()
def bench(
    *,
    doctor: Annotated[bool, typer.Option("--doctor", help="The doctor, on recipes whose faults are known.")] = False,
    outcome: Annotated[bool, typer.Option("--outcome", help="With --doctor: cure a base of each fault.")] = False,
    name: Annotated[SetName, typer.Option("--set", help="On which recipes.")] = "tuning",
    only: Annotated[list[str], typer.Option(help="A program, or a fault on all its bases. Repeatable.")] = [],  # noqa: B006
    workers: Annotated[int, typer.Option(help="How many processes.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="A folder; by default runs/doctor-SET, or runs/outcome-SET.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what lies in the folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at recipes whose faults are known, and at healthy ones; store every verdict, and say how many are right.

    With --outcome faulty ones are cured, and every cure is held against the known fix and against random remedies.
    """
    from headway.training.compilation import use_compilation_cache

    if not doctor:
        raise HeadwayError("bench", "must be told what to try", fix="Try: headway bench --doctor")
    use_compilation_cache()
    folder = out or Path("runs") / f"{'outcome' if outcome else 'doctor'}-{name}"
    record, text = (cured if outcome else looked_at)(name, only, folder, resume, workers)
    print(json.dumps(record, indent=2, ensure_ascii=False) if as_json else text)


Told = tuple[dict[str, Any], str]
"""A result as plain values, and as text."""


def looked_at(name: str, only: list[str], folder: Path, resume: bool, workers: int) -> Told:
    """The verdicts on the programs of a set; they are left in the folder, with the programs."""
    from headway.doctor.faults.bench import VERDICTS, Exam, bench, look, programs
    from headway.doctor.faults.score import write_programs
    from headway.report.doctor_bench import as_lines, bench_record, bench_text
    from headway.training.checkpoint import write_durably

    chosen, exam = programs(name, only), Exam(look, VERDICTS, doctors_code("bench"))
    rows = bench(exam, chosen, folder, resume=resume, workers=workers, tell=Counter(len(chosen), "programs"))
    write_programs(chosen, folder)
    record = bench_record(name, chosen, rows, exam.code)
    write_durably(folder / "result.json", as_lines(record).encode())
    return record, bench_text(record)


def cured(name: str, only: list[str], folder: Path, resume: bool, workers: int) -> Told:
    """The outcome of the cures of faults, one base each; it is left in the folder."""
    from headway.doctor.faults.bench import Exam, bench
    from headway.doctor.faults.outcome import CURES, one_a_fault, treat
    from headway.report.doctor_bench import as_lines
    from headway.report.outcome import outcome_record, outcome_text
    from headway.training.checkpoint import write_durably

    chosen, exam = one_a_fault(name, only), Exam(treat, CURES, doctors_code("outcome"))
    rows = bench(exam, chosen, folder, resume=resume, workers=workers, tell=Counter(len(chosen), "cures"))
    record = outcome_record(name, chosen, rows, exam.code)
    write_durably(folder / "result.json", as_lines(record).encode())
    return record, outcome_text(record)


def doctors_code(file: str) -> str:
    """The hash of the code that looks at the programs, or cures them."""
    from headway.claims.evidence import PACKAGE, code_from

    return code_from(PACKAGE / "doctor" / "faults" / f"{file}.py")
