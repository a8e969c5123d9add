"""What the rules found, for a person: causes first, then what is noticed, ruled out and not seen."""

from headway.doctor.diagnose import Diagnosis
from headway.doctor.finding import Finding
from headway.report.section import Rows, Section, as_text
from headway.report.story import capital
from headway.report.wording import joined, layers_in_words


def findings_text(diagnosis: Diagnosis) -> str:
    """The report for a terminal."""
    return as_text(findings(diagnosis))


def findings(diagnosis: Diagnosis) -> list[Section]:
    """A section for each cause found, one for what was noticed, and one for the rest."""
    found = [Section(f"{capital(one.cause)} ({one.id})", [told(one)]) for one in diagnosis.causes]
    noticed = [(one.id, told(one)) for one in diagnosis.findings if one.verdict == "noticed"]
    rest = [(word, joined([one.id for one in diagnosis.findings if one.verdict == word]))
            for word in ("ruled out", "not seen")]  # fmt: skip
    return [
        *(found or [Section("Nothing found", ["No rule found anything that keeps it from learning."])]),
        *([Section("Noticed", [Rows(noticed)])] if noticed else []),
        Section("Also looked at", [Rows([row for row in rest if row[1]])]),
    ]


def told(finding: Finding) -> str:
    """Where, when, how surely, and by what evidence."""
    first, last = finding.steps
    where = f"At {layers_in_words(finding.where)}. " if finding.where else ""
    when = f" Updates {first} to {last}, {finding.confidence:.0%} of the samples." if last else ""
    return f"{where}{' '.join(finding.evidence)}{when}"
