"""The claims of the map on the command line: show, run."""

import json
from typing import Annotated

import typer

from headway.cli.command import AsJson, Counter, app
from headway.cli.map import ShowByDefault
from headway.spec.error import HeadwayError

Ids = Annotated[list[str] | None, typer.Argument(help="Numbers such as R11; all, where none is given.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="A second look, on seeds that nobody had seen.")]

claims = typer.Typer(
    cls=ShowByDefault, help="What the map says, and what was measured: `claims` for all verdicts, `claims R11` for one."
)
app.add_typer(claims, name="claims")


@claims.command()
def show(ids: Ids = None, *, fresh: Fresh = False, as_json: AsJson = False) -> None:
    """Show stored verdicts; of a single claim also its design, numbers and picture. Runs nothing."""
    from headway.claims.catalog import chosen, design
    from headway.claims.run import known_of
    from headway.claims.second import FRESH
    from headway.report.claim import claim_record, claim_text, verdict_table

    seen = known_of(chosen(ids or []), FRESH if fresh else 0)
    if as_json:
        print(json.dumps([claim_record(*one) for one in seen], indent=2, ensure_ascii=False))
    elif len(seen) == 1:
        (claim, verdict, evidence) = seen[0]
        print(claim_text(claim, verdict, evidence, "" if claim.pending else design(claim.design).says))
    else:
        print(verdict_table(seen))


@claims.command()
def run(
    ids: Ids = None,
    *,
    tier: Annotated[str, typer.Option(help="quick: directions in seconds, nothing stored. full: verdicts.")] = "full",
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Measure what is not stored for the code as it is, arm by arm; broken off, it goes on where it was."""
    from headway.claims.catalog import chosen
    from headway.claims.claim import points
    from headway.claims.run import missing, needed, quick
    from headway.claims.run import run as run_claims
    from headway.claims.second import FRESH
    from headway.training.compilation import use_compilation_cache

    if tier not in ("quick", "full"):
        raise HeadwayError("--tier", "must be quick or full", tier)
    use_compilation_cache()
    wanted = chosen(ids or [])
    if tier == "quick":
        numbers = quick(wanted)
        said = {claim.id: "points its way" if points(claim, numbers[claim.design]) else "does not point its way"
                for claim in wanted if not claim.pending}  # fmt: skip
    else:
        first = FRESH if fresh else 0
        counter = Counter(len(missing(needed(wanted), first)), "arms")
        verdicts = run_claims(wanted, first=first, tell=counter)
        said = {id: f"{verdict.word}: {verdict.because}" for id, verdict in verdicts.items()}
    print(
        json.dumps(said, indent=2, ensure_ascii=False) if as_json else "\n".join(f"{k}  {v}" for k, v in said.items())
    )
