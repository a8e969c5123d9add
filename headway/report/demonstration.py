"""Demonstrations by concept: the lines that run, as a script that stands alone, and what they print."""

import ast
import importlib
import inspect
import io
import pkgutil
import textwrap
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass

import numpy as np

PARTS = "headway.demonstrations"
IMPORTS = {
    "jax": "import jax",
    "jnp": "import jax.numpy as jnp",
    "np": "import numpy as np",
    "hw": "import headway as hw",
}


@dataclass(frozen=True)
class Demonstration:
    """A few lines that show one concept.

    about    what they show, one sentence
    code     the lines, with the imports they need
    """

    about: str
    code: str

    def run(self) -> str:
        """What the lines print, arrays with four digits."""
        out = io.StringIO()
        with redirect_stdout(out), np.printoptions(precision=4, suppress=True):
            exec(compile(self.code, "demonstration", "exec"), {})
        return out.getvalue()


def demonstrations() -> dict[str, Demonstration]:
    """Concept → its demonstration, in the order of the files."""
    found = {}
    for part in pkgutil.iter_modules(importlib.import_module(PARTS).__path__, f"{PARTS}."):
        module = importlib.import_module(part.name)
        for name, function in vars(module).items():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                found[name.replace("_", "-")] = Demonstration(inspect.getdoc(function) or "", code(function))
    return found


def code(function: Callable[[], None]) -> str:
    """The lines of a function without its docstring, as a script with the imports they use."""
    source = textwrap.dedent(inspect.getsource(function))
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.FunctionDef)
    lines = "\n".join(source.splitlines()[definition.body[1].lineno - 1 :])
    used = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}
    imports = [line for name, line in IMPORTS.items() if name in used]
    return "\n".join([*imports, "", textwrap.dedent(lines).replace("  # fmt: skip", "")])
