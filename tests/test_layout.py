"""The README's tree is the code's contents page: complete, true, and in the order of the imports.

`python tests/test_layout.py --write` brings the tree up to date: purposes are copied from the files, new
files are put below what they import. The order is otherwise kept as the README has it.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "headway"
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=```text\n)headway/.*?\n(?=```)", re.DOTALL)
LINE = re.compile(r"(?P<indent> *)(?P<name>\S+)(?: +(?P<purpose>.+))?")
WRITE = "Run `make tree`."


def files() -> list[str]:
    """Every module of the package, as a path from the project, packages' own `__init__.py` apart."""
    return sorted(p.relative_to(ROOT).as_posix() for p in PACKAGE.rglob("*.py") if p.name != "__init__.py")


def folders() -> list[str]:
    return sorted(p.parent.relative_to(ROOT).as_posix() + "/" for p in PACKAGE.rglob("__init__.py"))


def purpose(path: str) -> str:
    """The first docstring line of a file; of a folder, that of its `__init__.py`."""
    source = ROOT / path / "__init__.py" if path.endswith("/") else ROOT / path
    return (ast.get_docstring(ast.parse(source.read_text())) or "").partition("\n")[0]


def tree() -> dict[str, str]:
    """Path → purpose, in the order of the README's tree."""
    found: dict[str, str] = {}
    above: list[str] = []
    block = BLOCK.search(README.read_text())
    for line in block[0].splitlines() if block else ():
        match = LINE.fullmatch(line)
        assert match, f"README.md, the tree: cannot read the line {line!r}"
        above = above[: len(match["indent"]) // 2]
        path = "".join(above) + match["name"]
        found[path] = match["purpose"] or ""
        if path.endswith("/"):
            above.append(match["name"])
    return found


def imports(path: str) -> dict[str, int]:
    """The files of the package that a file imports, anywhere in it, with the line of the import."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        match node:
            case ast.Import(names):
                # The package itself is its public names: demonstrations, below all of them, show these.
                modules = [name.name for name in names if (name.name, name.asname) != ("headway", "hw")]
            case ast.ImportFrom(module=module, names=names, level=0) if module:
                modules = [f"{module}.{name.name}" for name in names]
            case ast.ImportFrom():
                pytest.fail(f"{path}:{node.lineno}: relative import. Write the whole name: from headway.… import …")
            case _:
                continue
        found |= {resolved(module): node.lineno for module in modules if module.split(".")[0] == "headway"}
    return found


def resolved(module: str) -> str:
    """The file that defines `headway.part.file.name`: the longest beginning that is a module."""
    parts = module.split(".")
    while parts and not (ROOT / "/".join(parts)).with_suffix(".py").is_file():
        parts.pop()
    return "/".join(parts) + ".py" if parts else module


def arranged(folder: str, order: list[str]) -> list[str]:
    """The folder's entries and theirs, each below what it imports, otherwise as in `order`."""
    parts = {p for p in files() + folders() if p.startswith(folder) and p != folder}
    entries = [p for p in parts if "/" not in p.removeprefix(folder).rstrip("/")]
    waiting = sorted(entries, key=lambda p: (order.index(p) if p in order else len(order), p))
    needs = {e: {n for f in files() if f.startswith(e) for n in imports(f) if not n.startswith(e)} for e in entries}
    done: list[str] = []
    while waiting:
        free = (e for e in waiting if not any(n.startswith(w) for n in needs[e] for w in waiting if w != e))
        entry = next(free, waiting[0])  # in a cycle no order is right: the tests name the import
        waiting.remove(entry)
        done += [entry, *(arranged(entry, order) if entry.endswith("/") else [])]
    return done


def rendered() -> str:
    """The tree as the README should show it."""
    listed = ["headway/", *arranged("headway/", list(tree()))]
    names = [(p.rstrip("/").count("/"), p.rstrip("/").rpartition("/")[2] + "/" * p.endswith("/")) for p in listed]
    left = ["  " * depth + name for depth, name in names]
    width = max(map(len, left)) + 2
    return "".join(f"{name:<{width}}{purpose(p)}".rstrip() + "\n" for name, p in zip(left, listed, strict=True))


def test_the_tree_lists_every_file_and_nothing_else() -> None:
    missing = sorted({*files(), *folders()} - set(tree()))
    gone = sorted(set(tree()) - {*files(), *folders()})
    assert (missing, gone) == ([], []), f"not in the tree: {missing}; in the tree but not there: {gone}. {WRITE}"


@pytest.mark.parametrize("path", [*folders(), *files()])
def test_the_purpose_in_the_tree_is_the_first_docstring_line(path: str) -> None:
    said = purpose(path)
    assert said.endswith("."), f"{path}: the first docstring line is the file's purpose, one sentence; got {said!r}"
    assert tree().get(path) == said, f"{path}: the tree says {tree().get(path)!r}. {WRITE}"


@pytest.mark.parametrize("path", files())
def test_imports_only_look_up_the_page(path: str) -> None:
    order = list(tree())
    above = order[: order.index(path)] if path in order else order
    for target, line in imports(path).items():
        assert target in above, f"{path}:{line}: imports {target}, which is no file above. Move it up the page."


def test_only_demonstrations_go_through_the_public_names() -> None:
    through = {path for path in files() for node in ast.walk(ast.parse((ROOT / path).read_text()))
               if isinstance(node, ast.Import) and any(name.asname == "hw" for name in node.names)}  # fmt: skip
    assert {path.rpartition("/")[0] for path in through} == {"headway/demonstrations"}


@pytest.mark.parametrize("folder", [f for f in folders() if f != "headway/"])
def test_a_package_file_holds_a_docstring_alone(folder: str) -> None:
    body = ast.parse((ROOT / folder / "__init__.py").read_text()).body
    assert len(body) == 1, f"{folder}__init__.py: holds the docstring that says the folder's purpose, nothing else"


def test_the_tree_is_as_make_tree_writes_it() -> None:
    assert BLOCK.search(README.read_text())[0] == rendered(), WRITE


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    README.write_text(BLOCK.sub(lambda _: rendered(), README.read_text()))
