"""Headway trains neural networks, tells you why one is not learning, and proves the cure.

Public names load on first use (PEP 562). `__init__.pyi` is the one list of them: editors and type checkers
read it as types, this file reads which module each comes from.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

with open(__file__ + "i") as _stub:
    _MODULES = {line.split()[-1]: line.split()[1] for line in _stub if line.startswith("from headway.")}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'headway' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
