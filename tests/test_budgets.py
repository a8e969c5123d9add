"""Budgets keep chapters short. Raising one needs a reason in the same change."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = sorted((ROOT / "headway").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
ALL = SOURCE + TESTS + sorted(p for part in ("examples", "benchmarks") for p in (ROOT / part).rglob("*.py"))

FILE_LINES = 300
FUNCTION_LINES = 40
PARAMETERS = 6
TESTS_PER_SOURCE = 0.6
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "handler"}
TEXT = {".py", ".pyi", ".md", ".toml", ".json", ".txt", ".html", ".js", ".css", ".csv", ""}
OUTSIDE = re.compile(r"(?<![\w./~$])/(?:home|root|work|Users|mnt|opt|srv|tmp|var)/[\w.]|(?<![\w.])(?:\.\./)+[\w.-]*")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", ALL, ids=name)
def test_a_file_fits_its_budget(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= FILE_LINES, (
        f"{name(path)}: {lines} lines, the budget is {FILE_LINES}. Make it a folder of sections."
    )


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many values a caller may give. The options of a command are its page of help: nobody passes them by place."""
    if any(ast.unparse(decorator).startswith("app.command") for decorator in function.decorator_list):
        return 0
    taken = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return len([a for a in taken if a.arg not in ("self", "cls", "_")])


@pytest.mark.parametrize("path", SOURCE, ids=name)
def test_a_function_fits_its_budget(path: Path) -> None:
    over = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > FUNCTION_LINES or parameters(node) > PARAMETERS:
                over.append(f"{name(path)}:{node.lineno} {node.name}: {lines} lines, {parameters(node)} parameters")
    assert not over, f"the budget is {FUNCTION_LINES} lines and {PARAMETERS} parameters: " + "; ".join(over)


def test_tests_keep_up_with_the_source() -> None:
    source, tests = (sum(len(p.read_text().splitlines()) for p in paths) for paths in (SOURCE, TESTS))
    assert tests >= TESTS_PER_SOURCE * source, (
        f"{tests} lines of tests for {source} of source; {TESTS_PER_SOURCE} × are due"
    )


@pytest.mark.parametrize("path", SOURCE, ids=name)
def test_a_module_is_named_for_what_it_holds(path: Path) -> None:
    words = set(re.split(r"[_/.]", name(path)))
    assert not words & VAGUE, f"{name(path)}: {words & VAGUE} says nothing. Name the file for its subject."


def test_tests_mirror_the_package() -> None:
    mirrored = {p.parent.relative_to(ROOT / "tests").as_posix() for p in TESTS} - {"."}
    parts = {p.parent.relative_to(ROOT / "headway").as_posix() for p in SOURCE}
    assert mirrored <= parts, f"tests without a part of the package: {sorted(mirrored - parts)}"


def test_no_file_names_a_path_outside_the_project() -> None:
    """`../shared` is the exception; any other path must lead to a place inside."""
    parts = ("headway", "tests", "docs", "examples", "benchmarks", "golden", ".ci")
    paths = [p for p in ROOT.iterdir() if p.is_file() and p.name != ".git"]  # a file in a linked work tree
    paths += [p for part in parts for p in (ROOT / part).rglob("*")]
    for path in (p for p in paths if p.is_file() and p.suffix in TEXT and p != Path(__file__)):
        for match in OUTSIDE.finditer(path.read_text()):
            inside = (path.parent / match[0]).resolve().is_relative_to(ROOT)
            shared = match[0].startswith("../shared")
            assert inside or shared, f"{name(path)}: {match[0]!r} leads out of the project"
