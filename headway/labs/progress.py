"""Progress: which labs were tried and solved, in a file that lies beside the learner's answers."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from headway.labs.lab import Grade, Lab
from headway.spec.error import HeadwayError
from headway.spec.json import text_of
from headway.training.checkpoint import write_durably

FILE = "progress.json"


@dataclass(frozen=True)
class Tried:
    """What came of a lab so far: how often it was graded, the best grade, and whether it was ever solved."""

    tries: int = 0
    points: int = 0
    of: int = 0
    solved: bool = False

    def after(self, grade: Grade) -> "Tried":
        """This, with one more grade."""
        best = max(self.points, grade.points)
        return Tried(self.tries + 1, best, grade.of, self.solved or grade.solved)


def progress(folder: Path) -> dict[str, Tried]:
    """Lab → what came of it, for the labs of this folder that were graded."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        return {name: Tried(**said) for name, said in json.loads(text_of(path)).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise HeadwayError(str(path), "must be progress as it was stored", error, "Take the file away.") from None


def remember(folder: Path, lab: Lab, grade: Grade) -> Tried:
    """Add a grade to the progress of a folder."""
    known = progress(folder)
    known[lab.name] = known.get(lab.name, Tried()).after(grade)
    text = json.dumps({name: asdict(tried) for name, tried in known.items()}, indent=1)
    write_durably(folder / FILE, f"{text}\n".encode())
    return known[lab.name]


def write_task(lab: Lab, folder: Path, seed: int, *, overwrite: bool = False) -> Path:
    """The learner's file of a lab, written with what lies beside it; one that is there stays unless told."""
    place = folder / lab.name
    files = {place / name: text for name, text in lab.files(seed).items()}
    there = [path for path in files if path.exists()]
    if there and not overwrite:
        raise HeadwayError(str(there[0]), "is there already, perhaps with answers of yours", None,
                           f"To grade it: headway learn {lab.name} --check. To begin anew: --overwrite.")  # fmt: skip
    place.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return place / "answer.py"


def solution_of(lab: Lab, folder: Path, seed: int, *, anyway: bool = False) -> str:
    """The reference answers to a task, once it is solved, or if told."""
    if not anyway and not progress(folder).get(lab.name, Tried()).solved:
        raise HeadwayError(lab.name, "is not solved yet", None,
                           f"First: headway learn {lab.name} --check. To see it all the same: --anyway.")  # fmt: skip
    return lab.solution(seed)
