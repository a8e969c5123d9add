"""The documentation is current and true: pages are as they are generated, their code runs, links lead somewhere."""

import ast
import functools
import importlib.util
import io
import re
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from headway.claims.catalog import chosen
from headway.concepts.audit import audit
from headway.concepts.catalog import deep_learning
from headway.concepts.document import parse
from headway.labs.catalog import LABS, lab
from headway.report.demonstration import demonstrations
from headway.report.path import pathway_record

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MAP = deep_learning()
CONCEPTS = [concept.name for concept in MAP.concepts]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?")
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
TEST = re.compile(r"tests/[\w/]+\.py::\w+")
WRITE = "Run `make docs`."


@functools.cache
def build():
    spec = importlib.util.spec_from_file_location("docs_build", DOCS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exists(test):
    """Whether `tests/file.py::test_name` is defined there."""
    path, _, function = test.partition("::")
    nodes = ast.parse((ROOT / path).read_text()).body if (ROOT / path).is_file() else []
    return function in [node.name for node in nodes if isinstance(node, ast.FunctionDef)]


@functools.cache
def written():
    return build().written()


@pytest.mark.parametrize("name", ["map.md", "claims.md", "seed-audit.md"])
def test_what_is_written_of_the_map_is_as_the_stored_evidence_has_it(name):
    if name not in written():
        pytest.skip("the seed lies beside the checkout, in ../shared, and is not here")
    assert written()[name] == (DOCS / name).read_text(), "Run `make map`."


def test_the_map_reads_back_and_its_audit_finds_nothing_that_is_miscounted_or_unread():
    document = parse((DOCS / "map.md").read_text())
    assert document.notes == ()
    assert {one.kind for one in audit(document, MAP)}.isdisjoint({"count", "reading"})
    assert (document.header.concepts, document.header.relationships) == (len(MAP.concepts), len(MAP.edges))
    assert [one.concept for one in document.definitions] == [concept.title for concept in MAP.concepts]
    assert all(row.verdict for row in document.matrix)


def test_what_the_audit_finds_is_answered_and_nothing_else():
    answers = tomllib.loads((DOCS / "seed-audit.toml").read_text())
    heads = re.findall(r"^## (.+)$", (DOCS / "seed-audit.md").read_text(), re.MULTILINE)
    assert sorted(answers) == sorted(heads)
    assert {one.what for one in audit(parse((DOCS / "map.md").read_text()), MAP)} <= set(answers)


KNOWN = {
    "learn": lambda words: [lab(word) for word in words],
    "claims": chosen,
    "path": lambda words: pathway_record(MAP, " ".join(words)),
}
"""Command → what looks up its words, and raises an error where there is no such thing."""


def test_every_command_on_the_map_names_what_there_is():
    text = (DOCS / "map.md").read_text()
    commands = [command.split() for command in re.findall(r"`headway ([^`]+)`", text)]
    for name, *words in commands:
        KNOWN[name](words)
    document = parse(text)
    advice = [item for part in document.advice for item in part.items]
    assert len(advice) == 12
    for item in (*advice, *(path.assessment for path in document.pathways)):
        assert "`headway learn " in item
    assert all("`headway claims " in item for item in advice)


def test_every_concept_has_a_page_and_no_page_is_left_over():
    assert {path.stem for path in (DOCS / "concepts").glob("*.md")} == {*CONCEPTS, "index"}, WRITE
    assert (DOCS / "concepts/index.md").read_text() == build().contents(MAP), WRITE


def test_every_rule_has_a_page_and_no_page_is_left_over():
    made = build().rule_pages()
    assert {path.name: path.read_text() for path in (DOCS / "rules").glob("*.md")} == made, WRITE


def test_a_demonstration_shows_a_concept_in_about_ten_lines():
    assert set(demonstrations()) <= set(CONCEPTS)
    for name, shows in demonstrations().items():
        lines = [line for line in shows.code.splitlines() if line and not line.startswith("import ")]
        assert len(lines) <= 12, f"{name}: {len(lines)} lines"
        assert shows.about.endswith("."), f"{name}: what it shows is one sentence"


@pytest.mark.parametrize("name", CONCEPTS)
def test_a_page_is_as_it_is_generated_and_its_code_prints_what_it_says(name):
    """Word for word; numbers that were measured may differ by what another processor rounds differently."""
    stored = (DOCS / f"concepts/{name}.md").read_text()
    made = build().page(MAP, MAP.concept(name), demonstrations().get(name))
    assert NUMBER.sub("#", made) == NUMBER.sub("#", stored), WRITE
    for now, then in zip(NUMBER.findall(made), NUMBER.findall(stored), strict=True):
        assert float(now) == pytest.approx(float(then), rel=0.05, abs=0.02), WRITE


@pytest.mark.parametrize("name", CONCEPTS)
def test_what_a_concept_is_checked_by_is_a_test(name):
    concept = MAP.concept(name)
    assert concept.checked_by or not concept.api, "name the tests with an independent oracle in `checked_by`"
    for test in concept.checked_by:
        assert exists(test), f"{test} is no test"


WRITTEN = sorted(path for path in DOCS.rglob("*.md") if path.parent.name not in ("concepts", "rules"))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_the_code_on_a_page_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in CODE.findall(path.read_text()):
        with redirect_stdout(io.StringIO()):
            exec(compile(block, path.name, "exec"), names)


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_a_test_named_on_a_page_exists(path):
    for test in TEST.findall(path.read_text()):
        assert exists(test), f"{path.name}: {test} is no test"


@pytest.mark.parametrize("path", [ROOT / "README.md", *WRITTEN], ids=lambda path: path.name)
def test_a_link_leads_somewhere(path):
    for target in LINK.findall(path.read_text()):
        assert "://" in target or (path.parent / target).exists(), f"{path.name}: {target} leads nowhere"


def test_the_page_of_the_labs_lists_every_lab():
    rows = [f"| {number} | `{one.name}` | {one.title}: " for number, one in enumerate(LABS, 1)]
    listed = [line for line in (DOCS / "labs.md").read_text().splitlines() if re.match(r"\| \d", line)]
    assert all(line.startswith(row) for line, row in zip(listed, rows, strict=True))
