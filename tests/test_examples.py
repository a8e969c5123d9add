"""Every example runs, is short, and asserts what it claims; the one in the README prints what the README says."""

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
NUMBER = re.compile(r"\d+\.\d+")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_asserts_its_claim(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = path.read_text()
    assert len(source.splitlines()) < 80
    assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source)))
    runpy.run_path(str(path), run_name="__main__")


def test_the_readme_shows_the_first_example_with_its_real_output(capsys):
    readme = (ROOT / "README.md").read_text()
    code, output = re.search(
        r"```python\n(import headway as hw\n.*?)```\n+```text\n(.*?)```", readme, re.DOTALL
    ).groups()
    example = (ROOT / "examples" / "01_train.py").read_text()
    assert code.strip() in example
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert NUMBER.sub("#", printed).split() == NUMBER.sub("#", output).split()
    for ours, shown in zip(NUMBER.findall(printed), NUMBER.findall(output), strict=True):
        assert float(ours) == pytest.approx(float(shown), abs=0.02)


def test_the_readme_shows_the_second_example():
    readme = (ROOT / "README.md").read_text()
    shown = re.search(r"```python\n(@spec\n.*?)```", readme, re.DOTALL).group(1)
    assert shown.strip() in (ROOT / "examples" / "02_own_layer.py").read_text()
    assert len(shown.strip().splitlines()) <= 25
