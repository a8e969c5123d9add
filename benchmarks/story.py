"""Cures of named recipes as they are stored, and the story on the README's first screen, which is one of them.

`python -m benchmarks.worked` runs cures, and writes the README's block and the pages of the worked examples.
"""

import json
import re
from pathlib import Path
from typing import Any

from benchmarks.report import put
from headway.claims.evidence import versions
from headway.concepts.catalog import deep_learning
from headway.doctor.cure import Cure, cure
from headway.report.story import story
from headway.training.named import named

ROOT = Path(__file__).parents[1]
RECORDS, README = ROOT / "docs/story", ROOT / "README.md"
NAME = "digits-sigmoid20"
RECORD, PICTURE = f"docs/story/{NAME}.json", f"docs/worked/{NAME}-flow.svg"
BLOCK = re.compile(r"(?<=<!-- the story: `make story` -->\n).*?(?=<!-- end of the story -->)", re.DOTALL)


def measure(name: str) -> None:
    """Cure a named recipe now, and store the record."""
    record = {"versions": versions()} | cure(named(name).recipe, tell=lambda doing: print(doing, flush=True)).record()
    (RECORDS / f"{name}.json").write_text(json.dumps(record, ensure_ascii=False) + "\n")


def stored(name: str) -> dict[str, Any]:
    """The record that is stored of a named recipe's cure."""
    return dict(json.loads((RECORDS / f"{name}.json").read_text()))


def measured_with(record: dict[str, Any]) -> str:
    """The versions of a record in words."""
    return ", ".join(f"{name} {number}" for name, number in record["versions"].items())


def block(record: dict[str, Any]) -> str:
    """What stands in the README: the command, the picture, the story, the versions."""
    return "\n".join([
        f"![‖dL/dh‖ behind each layer, before the cure and after]({PICTURE})",
        "",
        "```text",
        f"$ headway cure {NAME}",
        "",
        story(Cure.of(record), deep_learning()) + "```",
        "",
        f"From the stored run [{RECORD}]({RECORD}): {measured_with(record)}.",
        "",
    ])  # fmt: skip


def written(readme: str, record: dict[str, Any]) -> str:
    """The README with the block of this record."""
    return put(readme, BLOCK, block(record))
