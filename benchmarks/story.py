"""The story on the README's first screen: `python -m benchmarks.story` runs the demo's cure and stores what came out.

`python -m benchmarks.story FOLDER` takes the cure that `headway cure digits-sigmoid20` left in a folder instead. The
record is stored in `docs/story/cure.json`; the README's block and its picture are made from it.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from headway.claims.evidence import versions
from headway.concepts.catalog import deep_learning
from headway.doctor.cure import Cure, cure
from headway.report.figures import gradient_flow
from headway.report.picture import on_white
from headway.report.story import story
from headway.training.named import named

ROOT = Path(__file__).parents[1]
RECORD, PICTURE, README = ROOT / "docs/story/cure.json", ROOT / "docs/story/gradient-flow.svg", ROOT / "README.md"
BLOCK = re.compile(r"(?<=<!-- the story: `make story` -->\n).*?(?=<!-- end of the story -->)", re.DOTALL)
NAME = "digits-sigmoid20"


def measure() -> dict[str, Any]:
    """The record of the demo's cure, run now."""
    return {"versions": versions()} | cure(named(NAME).recipe, tell=lambda doing: print(doing, flush=True)).record()


def block(record: dict[str, Any]) -> str:
    """What stands in the README: the command, the picture, the story, the versions."""
    measured_with = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return "\n".join([
        "![‖dL/dh‖ behind each layer, before the cure and after](docs/story/gradient-flow.svg)",
        "",
        "```text",
        f"$ headway cure {NAME}",
        "",
        story(Cure.of(record), deep_learning()) + "```",
        "",
        f"From the stored run [docs/story/cure.json](docs/story/cure.json): {measured_with}.",
        "",
    ])  # fmt: skip


def picture(record: dict[str, Any]) -> str:
    """The picture that stands in the README."""
    return on_white(gradient_flow(Cure.of(record)))


def written(readme: str, record: dict[str, Any]) -> str:
    """The README with the block of this record."""
    assert BLOCK.search(readme), "README.md has lost the marks of the story"
    return BLOCK.sub(lambda _: block(record), readme, count=1)


if __name__ == "__main__":
    found = json.loads((Path(sys.argv[1]) / "cure.json").read_text()) if sys.argv[1:] else measure()
    RECORD.write_text(json.dumps(found, ensure_ascii=False) + "\n")
    PICTURE.write_text(picture(found))
    README.write_text(written(README.read_text(), found))
