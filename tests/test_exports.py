"""`import headway` costs nothing and offers every public name."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import headway
from headway.spec.node import Spec, is_concrete

HEAVY = ("jax", "jaxlib", "numpy", "pydantic", "typer", "rich", "sklearn", "pyarrow", "matplotlib", "safetensors")


def modules() -> list[str]:
    """Every module of the package, folders apart."""
    return [m.name for m in pkgutil.walk_packages(headway.__path__, "headway.") if not m.ispkg]


def specs() -> dict[str, str]:
    """Name → module of every kind and every interface that the package defines."""
    found = {}
    for module in modules():
        for name, value in vars(importlib.import_module(module)).items():
            if inspect.isclass(value) and issubclass(value, Spec) and value.__module__ == module and name[0] != "_":
                found[name] = module
    return found


def test_import_headway_loads_nothing_but_the_standard_library() -> None:
    code = f"import headway, sys; print([m for m in {HEAVY} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]", f"`import headway` loads {loaded}; import these inside the function that uses them"


def test_every_kind_and_interface_is_exported() -> None:
    # The parts of a map (Group, Stop, …) and of claims (Level, Some, …) have names too plain to stand at the top, and
    # nobody trains on purpose with what faults are made of.
    plain = ("headway.concepts.", "headway.claims.", "headway.doctor.faults.")
    missing = [f"from {module} import {name} as {name}" for name, module in specs().items()
               if name not in headway.__all__ and not module.startswith(plain)]  # fmt: skip
    assert not missing, "add to headway/__init__.pyi:\n" + "\n".join(missing)


def test_headway_kinds_imports_the_module_of_every_kind() -> None:
    code = "import headway.kinds, sys; print(*(m for m in sys.modules if m.startswith('headway.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    kinds = [(name, module) for name, module in specs().items() if is_concrete(vars(sys.modules[module])[name])]
    missing = {f"import {module}" for _, module in kinds if module not in loaded}
    assert not missing, "add to headway/kinds.py:\n" + "\n".join(sorted(missing))


@pytest.mark.parametrize("name", headway.__all__)
def test_a_public_name_is_what_its_module_defines_and_is_documented(name: str) -> None:
    value = getattr(headway, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        home = f"from {value.__module__} import {name} as {name}"
        assert value is getattr(importlib.import_module(value.__module__), name)
        assert headway._MODULES[name] == value.__module__, f"headway/__init__.pyi must say: {home}"
        said = (inspect.getdoc(value) or "").partition("\n")[0]
        assert said.endswith((".", ":")), f"{name}: the docstring's first line must be a sentence; got {said!r}"


def test_no_public_name_hides_a_part_of_the_package() -> None:
    parts = {m.name for m in pkgutil.iter_modules(headway.__path__)}
    assert not parts & set(headway.__all__)


def test_dir_lists_the_public_names_and_an_unknown_one_is_an_attribute_error() -> None:
    assert set(headway.__all__) <= set(dir(headway))
    assert len(set(headway.__all__)) == len(headway.__all__)
    with pytest.raises(AttributeError, match="Densee"):
        headway.Densee
