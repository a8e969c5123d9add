"""The page of a cure: whole, alone, escaped, and the same bytes each time."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from headway.concepts.catalog import deep_learning
from headway.doctor.remedies.remedy import Remedy
from headway.report.page import page
from headway.report.section import Rows
from headway.report.story import sections
from tests.report.test_story import OUTCOMES, RECORD, refused, stored

VOID = {"meta", "br", "link", "img", "input"}
LOADS = {"script", "link", "img", "iframe", "object", "embed", "audio", "video", "source", "base", "form", "image"}


class Reader(HTMLParser):
    """Checks that tags close in order, and keeps tags, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text, self.titles = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)
        if self.open[-1:] in (["h1"], ["h2"]):
            self.titles.append(data)


def read(cure):
    return Reader(page(cure, deep_learning()))


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_page_is_whole_and_has_the_headings_and_cells_of_the_story(name):
    cure = OUTCOMES[name]()
    found, told = read(cure), sections(cure, deep_learning())
    assert found.open == []
    assert found.titles == [section.title for section in told]
    text = set(found.text)
    for part in (part for section in told for part in section.parts):
        cells = [cell for row in part.rows for cell in row] if isinstance(part, Rows) else [part]
        assert {cell for cell in cells if isinstance(cell, str) and cell} <= text


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_page_loads_nothing_and_is_small(name):
    text = page(OUTCOMES[name](), deep_learning())
    found = Reader(text)
    assert not LOADS & set(found.tags)
    assert not [value for key, value in found.attributes if key in ("src", "href", "xlink:href") and value[:1] != "#"]
    assert not re.search(r"@import|url\((?!#)", text)
    assert set(re.findall(r"https?://[^\"' <]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert len(text.encode()) < 400_000


def test_no_two_parts_of_the_page_share_an_id():
    ids = [value for key, value in read(stored()).attributes if key == "id"]
    assert len(ids) == len(set(ids))


def test_the_page_of_a_proven_cure_has_four_pictures_and_works_in_the_dark():
    text = page(stored(), deep_learning())
    assert text.count("<figure>") == text.count("</svg>") == 4
    assert "prefers-color-scheme: dark" in text


def test_another_process_writes_the_same_bytes():
    script = (
        "import json, sys\nfrom pathlib import Path\nfrom headway.concepts.catalog import deep_learning\n"
        "from headway.doctor.cure import Cure\nfrom headway.report.page import page\n"
        f"cure = Cure.of(json.loads(Path({str(RECORD)!r}).read_text()))\n"
        "sys.stdout.buffer.write(page(cure, deep_learning()).encode())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=True)
    assert done.stdout == page(stored(), deep_learning()).encode()


def test_every_value_is_escaped():
    text = page(refused(), deep_learning())
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;" in text


def test_a_remedy_of_any_name_is_escaped_in_tables_and_pictures():
    proof, name = stored().proof, "<script>alert(1)</script>"
    renamed = [{name if k == "residual" else k: v for k, v in part.items()}
               for part in (proof.arms, proof.verdicts, proof.remedies)]  # fmt: skip
    remedy = replace(proof.remedies["residual"], name=name)
    assert isinstance(remedy, Remedy)
    cure = replace(stored(), proof=replace(proof, arms=renamed[0], verdicts=renamed[1],
                                           remedies=renamed[2] | {name: remedy}))  # fmt: skip
    assert "script" not in read(cure).tags
