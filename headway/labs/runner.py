"""Runs a learner's file in a process of its own, within limits, and writes what its names hold as JSON.

Called as `python -P -m headway.labs.runner FILE REQUEST REPLY`, a request being {"names": {name: calls}, "memory": …}.
"""

import json
import sys
import traceback
from pathlib import Path
from typing import Any

PLAIN = (bool, int, float, str, type(None))


def main(file: str, request: str, reply: str) -> None:
    """Run the file; the reply has its values, or the line at which it failed and the error."""
    asked = json.loads(request)
    limit_memory(asked["memory"])
    try:
        names = executed(Path(file))
        found: dict[str, Any] = {"values": {n: value_of(names, n, calls) for n, calls in asked["names"].items()}}
    except MemoryError:
        found = {"memory": True}
    except (Exception, SystemExit) as error:
        found = {"line": line_of(error, file), "error": f"{type(error).__name__}: {error}".strip(": ")}
    Path(reply).write_text(json.dumps(found), encoding="utf-8")


def limit_memory(limit: int) -> None:
    """Ask the system to refuse more memory than this, where it can."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def executed(path: Path) -> dict[str, Any]:
    """The names that the file leaves behind."""
    names: dict[str, Any] = {"__name__": "answer", "__file__": str(path)}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    return names


def value_of(names: dict[str, Any], name: str, calls: list[list[float]]) -> Any:
    """What a name holds; of a function, what it returns for each call."""
    found = names.get(name)
    return [plain(found(*arguments)) for arguments in calls] if calls and callable(found) else plain(found)


def plain(value: Any) -> Any:
    """The value in JSON: arrays and tuples as lists, specs as objects, what else there is as the name of its type."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "kind"):
        from headway.spec.json import to_dict

        return to_dict(value)
    return {"type": type(value).__name__}


def line_of(error: BaseException, file: str) -> int | None:
    """The last line of the learner's file on the way to the error."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None


if __name__ == "__main__":
    main(*sys.argv[1:])
