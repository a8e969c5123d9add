"""What Headway can do, measured from the command line: bench."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from headway.cli.command import AsJson, Counter, app
from headway.spec.error import HeadwayError


@app.command()
def bench(
    *,
    doctor: Annotated[bool, typer.Option("--doctor", help="The doctor, on recipes whose faults are known.")] = False,
    name: Annotated[Literal["tuning", "reporting"], typer.Option("--set", help="On which recipes.")] = "tuning",
    only: Annotated[list[str], typer.Option(help="A program, or a fault on all its bases. Repeatable.")] = [],  # noqa: B006
    workers: Annotated[int, typer.Option(help="How many processes.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="A folder; by default runs/doctor-SET.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what lies in the folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at recipes whose faults are known, and at healthy ones; store every verdict, and say how many are right."""
    from headway.doctor.faults.bench import bench as look_at
    from headway.doctor.faults.bench import programs
    from headway.doctor.faults.score import write_programs
    from headway.report.doctor_bench import as_lines, bench_record, bench_text
    from headway.training.checkpoint import write_durably
    from headway.training.compilation import use_compilation_cache

    if not doctor:
        raise HeadwayError("bench", "must be told what to try", fix="Try: headway bench --doctor")
    use_compilation_cache()
    chosen, folder = programs(name, only), out or Path("runs") / f"doctor-{name}"
    counter = Counter(len(chosen), "programs")
    verdicts = look_at(chosen, folder, code=doctors_code(), resume=resume, workers=workers, tell=counter)
    write_programs(chosen, folder)
    record = bench_record(name, chosen, verdicts, doctors_code())
    write_durably(folder / "result.json", as_lines(record).encode())
    print(json.dumps(record, indent=2, ensure_ascii=False) if as_json else bench_text(record))


def doctors_code() -> str:
    """The hash of the code that looks at the programs."""
    from headway.claims.evidence import PACKAGE, code_from

    return code_from(PACKAGE / "doctor" / "faults" / "bench.py")
