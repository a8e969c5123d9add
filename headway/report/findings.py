"""What the rules found, for a person: causes first, then what is noticed, ruled out and not seen."""

from headway.doctor.diagnose import Diagnosis
from headway.doctor.finding import Finding
from headway.report.section import Rows, Section, as_text
from headway.report.wording import capital, joined, layers_in_words


def findings_text(diagnosis: Diagnosis) -> str:
    """The report for a terminal."""
    return as_text(findings(diagnosis))


def findings(diagnosis: Diagnosis) -> list[Section]:
    """A section for each cause found, and those for the rest."""
    found = [Section(f"{capital(one.cause)} ({one.id})", [finding_in_words(one)]) for one in diagnosis.causes]
    none = Section("Nothing found", ["No rule found anything that keeps it from learning."])
    return [*(found or [none]), *others(diagnosis)]


def others(diagnosis: Diagnosis) -> list[Section]:
    """What was noticed, each with its evidence, and all that was ruled out or not seen in a row of ids each."""
    noticed = [(one.id, finding_in_words(one)) for one in diagnosis.findings if one.verdict == "noticed"]
    rest = [(word, joined([one.id for one in diagnosis.findings if one.verdict == word]))
            for word in ("ruled out", "not seen")]  # fmt: skip
    parts = {"Noticed": noticed, "Also looked at": [row for row in rest if row[1]]}
    return [Section(title, [Rows(rows)]) for title, rows in parts.items() if rows]


def finding_in_words(finding: Finding, name: str = "") -> str:
    """Where, in how many samples, and by what evidence; before the first update there are no samples."""
    first, last = finding.steps
    where = f"at {layers_in_words(finding.where)}" if finding.where else ""
    seen = f"in {finding.confidence:.0%} of the samples, updates {first} to {last}" if last else ""
    head = ", ".join(part for part in (name, where, seen) if part)
    return " ".join([*([f"{capital(head)}."] if head else []), *finding.evidence])
