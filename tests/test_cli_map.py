"""`headway map` from the outside."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headway.concepts.catalog import deep_learning, load_map
from headway.concepts.document import parse
from headway.concepts.mermaid import mermaid_of, parse_mermaid
from tests.test_bad_input import headway

BREAD = Path(__file__).parent.parent / "examples" / "maps" / "bread.toml"


@pytest.fixture
def run(capsys, monkeypatch):
    """The command line in this process: what it prints, where it ends well."""

    def ran(*words: str) -> str:
        code, out, error = headway(capsys, monkeypatch, "map", *words)
        assert (code, error) == (0, "")
        return out

    return ran


@pytest.mark.parametrize("words", [(), ("relu",), ("export",), ("export", "--format", "graphml"), ("audit", "m.md"),
                                   ("build", str(BREAD))])  # fmt: skip
def test_the_map_needs_no_jax(words, tmp_path):
    (tmp_path / "m.md").write_text("# T\n\n## Relationship Matrix\n\n| From Concept | To Concept | Relationship Type |"
                                   "\n|---|---|---|\n| A | B | uses |\n")  # fmt: skip
    script = f"import sys\nfrom headway.cli.__main__ import main\nsys.argv = ['headway', 'map', *{words}]\n"
    script += "try: main()\nexcept SystemExit as end: assert not end.code\n"
    script += "assert not {'jax', 'jaxlib', 'matplotlib', 'sklearn'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_without_a_concept_it_is_the_overview(run):
    assert run().startswith("Deep Learning: ")
    assert run("--json") == run("show", "--json")
    assert json.loads(run("--json"))["counts"]["edges"] == len(deep_learning().edges)


def test_a_concept_is_one_word_or_several_and_options_stand_anywhere(run):
    assert run("vanishing", "gradient") == run("Vanishing Gradient") == run("show", "vanishing-gradient")
    assert json.loads(run("relu", "--json"))["api"] == ["headway.network.activations.ReLU"]
    assert run("--map", str(BREAD), "rise") == run("rise", "--map", str(BREAD))
    assert run("rise", "--map", str(BREAD)).startswith("Fermentation (practice")


def test_help_names_the_commands_and_what_is_done_without_one(run):
    text = run("--help")
    assert all(word in text for word in ("show", "export", "audit", "build", "CONCEPT"))


def test_export_writes_to_a_file_or_standard_output(run, tmp_path):
    text = run("export")
    assert parse_mermaid(text).titled() == mermaid_of(deep_learning()).titled()
    assert run("export", "--out", str(tmp_path / "m.mmd")) == ""
    assert (tmp_path / "m.mmd").read_text(encoding="utf-8") == text


def test_what_is_exported_as_json_is_a_map_to_show(run, tmp_path):
    run("export", "--format", "json", "--map", str(BREAD), "--out", str(tmp_path / "m.json"))
    assert load_map(tmp_path / "m.json") == load_map(BREAD)
    assert run("--map", str(tmp_path / "m.json")) == run("--map", str(BREAD))


@pytest.mark.parametrize("file", sorted(BREAD.parent.glob("*.toml")), ids=lambda file: file.stem)
def test_the_document_of_a_map_is_audited_and_its_totals_are_right(run, file, tmp_path):
    run("build", str(file), "--out", str(tmp_path / "m.md"))
    document, subject = parse((tmp_path / "m.md").read_text(encoding="utf-8")), load_map(file)
    assert (document.header.concepts, document.header.relationships) == (len(subject.concepts), len(subject.edges))
    audited = json.loads(run("audit", str(tmp_path / "m.md"), "--map", str(file), "--json"))
    assert audited["counts"]["nodes"] == len(subject.concepts)
    assert not [finding for finding in audited["findings"] if finding["kind"] in ("count", "reading")]


def test_without_a_file_the_document_is_that_of_deep_learning_with_what_was_measured(run):
    document = parse(run("build"))
    (relu,) = (row for row in document.matrix if row.claim == "R11")
    assert (relu.source, relu.target, relu.strength) == ("ReLU", "Vanishing Gradient", "Strong")
    assert relu.verdict.startswith("conditional: ")
    assert re.fullmatch(r"decades of .*: [\d.]+ \[[\d.]+, [\d.]+\]", relu.measured)


def test_an_audit_in_words_names_line_and_place(run, tmp_path):
    text = run("build", str(BREAD)).replace("**Total Concepts:** 13", "**Total Concepts:** 14")
    (tmp_path / "m.md").write_text(text, encoding="utf-8")
    told = run("audit", str(tmp_path / "m.md"))
    assert "total of concepts (stated 14, counted 13)" in told
    assert told.rstrip().endswith(f"inconsistencies in {tmp_path / 'm.md'}.")


MAP = 'title = "T"\nsubject = "S"\n[relations]\nuses = "mechanism"\n'
CONCEPT = '[concepts.{0}]\ntitle = "{0}"\ntype = "method"\ndefinition = "d"\n'
TWO = MAP + CONCEPT.format("ab") + CONCEPT.format("cd")
FILES = {
    "an unknown prerequisite": (TWO + 'requires = ["abc"]', r"m\.toml, concepts/cd/requires: .*'abc'. Did you mean"),
    "a circle": (TWO + 'requires = ["cd"]', r"m\.toml, concepts/cd/requires: nothing may require itself; got cd → cd"),
    "no TOML": (MAP + "[concepts", r"m\.toml: must be valid TOML"),
    "a title twice": (TWO.replace('title = "cd"', 'title = "AB"'), r"m\.toml, concepts/cd: must share no .*'ab'"),
    "a concept twice": (TWO + CONCEPT.format("ab"), r"m\.toml: must be valid TOML.*concepts.*ab"),
    "an edge to nowhere": (TWO + 'edges = ["uses abd"]', r"m\.toml, concepts/cd/edges: .*'abd'. Did you mean 'ab'"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("words", [("--map", "m.toml"), ("build", "m.toml")], ids=lambda words: words[0])
def test_a_wrong_map_is_one_message_and_exit_code_2(case, words, capsys, monkeypatch, tmp_path):
    text, message = FILES[case]
    monkeypatch.chdir(tmp_path)
    Path("m.toml").write_text(text, encoding="utf-8")
    code, out, error = headway(capsys, monkeypatch, "map", *words)
    assert (code, out) == (2, "")
    assert re.search(message, error), error
    assert error.count("\n") == 1


WORDS = {
    ("relux",): "concept: no concept of this name; got 'relux'. Did you mean 'relu'?",
    ("export", "--format", "mermade"): "format: no such format; got 'mermade'. Did you mean 'mermaid'?",
    ("export", "--out", "no/such/folder/m.mmd"): "--out: must be a file that can be written",
    ("--map", "none.toml"): "none.toml: must be a readable text file in UTF-8",
    ("build", "map.yaml"): "map.yaml: a spec is read from a file that ends in .json or .toml",
    ("audit", "none.md"): "headway: none.md: must be a readable text file in UTF-8",
    ("audit", "empty.md"): "empty.md, line 1: ",
    ("audit", "binary.md"): "headway: binary.md: must be a readable text file in UTF-8",
}  # fmt: skip


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_wrong_word_is_one_message_and_exit_code_2(words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("empty.md").write_text("")
    Path("binary.md").write_bytes(b"\xff\xfe\x00")
    code, out, error = headway(capsys, monkeypatch, "map", *words)
    assert (code, out) == (2, "")
    assert WORDS[words] in error
    assert error.count("\n") == 1
