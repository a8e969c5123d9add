"""What every command shares: the application, options in common, and recipes named on the command line."""

import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.spec.error import HeadwayError, did_you_mean
from headway.training.interruption import REASONS

if TYPE_CHECKING:
    from headway.scale.mesh import Mesh
    from headway.spec.edit import Edit
    from headway.training.recipe import Recipe

EXIT_CODES = """Exit codes: 0 done · 1 a defect of Headway · 2 bad input · 3 the loss or a weight was not finite ·
4 it does not learn, or would not, and no remedy is proven · 5 a lab is not solved yet ·
6 another process of the job is gone · 130 stopped by Ctrl-C and saved · 143 stopped by SIGTERM and saved."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Headway trains neural networks, tells you why one is not learning, and proves the cure.",
    epilog=EXIT_CODES,
)
What = Annotated[str, typer.Argument(help="The name of a recipe (see `headway recipes`) or a .json or .toml file.")]
Sets = Annotated[list[str], typer.Option("--set", help="Change a field: optimizer.learning_rate=3e-4. Repeatable.")]
Modules = Annotated[list[str], typer.Option("--import", help="A module that defines kinds of yours. Repeatable.")]
Sides = Annotated[
    str, typer.Option("--mesh", help="The devices, as data=2,fsdp=4,tensor=2: sides that are left out are 1.")
]
How = Annotated[
    str, typer.Option("--strategy", help="What is divided: replicated, zero-1, zero-2, zero-3, sequence, or a file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
debugging = False
SELDOM = (50_000, 20, 20)
"""When Python looks for garbage in circles: at its own thresholds a fifth of a short command's time goes into that."""


@app.callback()
def options(debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False) -> None:
    """Options before the command."""
    global debugging
    debugging = debug


class Counter:
    """How much of some work is over, on a terminal's last line: `3 of 40 runs`."""

    def __init__(self, whole: int, noun: str) -> None:
        self.over, self.whole, self.noun = 0, whole, noun

    def __call__(self, done: object) -> None:
        self.over += 1
        if sys.stderr.isatty():
            end = "\r" if self.over < self.whole else "\n"
            print(f"{self.over} of {self.whole} {self.noun}", end=end, file=sys.stderr)


def recipe_of(what: str, sets: list[str], imports: list[str]) -> "Recipe":
    """The recipe by name or from a file, with fields changed by `address=value`."""
    from headway.spec.edit import edit
    from headway.spec.json import load
    from headway.training.named import named
    from headway.training.recipe import Recipe

    import_modules(imports)
    recipe = load(Path(what)) if Path(what).suffix in (".json", ".toml") else named(what).recipe
    if not isinstance(recipe, Recipe):
        raise HeadwayError(what, "must hold a Recipe", type(recipe).__name__)
    if not sets:
        return recipe
    edited: Recipe = edit(recipe, *(edit_of(text, recipe) for text in sets)).spec
    return edited


def edit_of(text: str, recipe: "Recipe") -> "Edit":
    """`optimizer.learning_rate=3e-4` as the edit that sets the field, or replaces the layer, at this address."""
    from headway.spec.edit import Replace, Set
    from headway.spec.node import Spec
    from headway.spec.select import fields

    at, sign, given = text.partition("=")
    if not sign:
        raise HeadwayError("--set", "must be ADDRESS=VALUE", text, "Try: --set optimizer.learning_rate=3e-4")
    address, value = at.replace(".", "/"), value_of(given)
    if isinstance(value, Spec) and address not in fields(recipe):
        return Replace(address, by=value)
    return Set(address, value=value)


def mesh_of(sides: str, strategy: str) -> "Mesh | None":
    """`data=2,fsdp=4` and the name of a strategy, or a JSON file of one, as a mesh; None where both are empty."""
    from headway.scale.mesh import AXES, Mesh
    from headway.scale.strategy import STRATEGIES, Strategy
    from headway.spec.json import load

    if not sides and not strategy:
        return None
    sizes = dict[str, int]()
    for pair in filter(None, sides.split(",")):
        axis, _, size = pair.partition("=")
        if axis not in (known := (*AXES, "parts_in_flight")) or not size.isdigit():
            raise HeadwayError("--mesh", f"must be SIDE=NUMBER,… with {', '.join(known)}", pair,
                               "Try: --mesh data=2,fsdp=4")  # fmt: skip
        sizes[axis] = int(size)
    if Path(strategy).suffix == ".json":
        found = load(Path(strategy))
        if not isinstance(found, Strategy):
            raise HeadwayError(strategy, "must hold a Strategy", type(found).__name__)
        return Mesh(**sizes, strategy=found)
    if strategy and strategy not in STRATEGIES:
        raise HeadwayError("--strategy", f"must be a .json file or one of {', '.join(STRATEGIES)}", strategy,
                           did_you_mean(strategy, STRATEGIES))  # fmt: skip
    return Mesh(**sizes, strategy=STRATEGIES[strategy or "zero-3"])


def value_of(text: str) -> Any:
    """`0.1`, `true`, `[1, 2]`, `{"kind": …}` as JSON; anything else is a string."""
    from headway.spec.json import from_value

    try:
        return from_value(json.loads(text))
    except json.JSONDecodeError:
        return text


def import_modules(names: list[str]) -> None:
    """Import the modules that define the user's own kinds."""
    import importlib

    if names:
        sys.path.append("")  # the current folder, last: a file in it must not stand in for a library
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise HeadwayError("--import", "must name a module that can be imported", f"{name}: {error}") from None


def run() -> None:
    """Run the command; mistakes of the user are one message, without a traceback."""
    gc.set_threshold(*SELDOM)
    try:
        with stopped_at_once():
            code = app(standalone_mode=False)
    except HeadwayError as error:
        if debugging:
            raise
        print(f"headway: {error}", file=sys.stderr)
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except Exception as error:
        if debugging:
            raise
        found, alone = mistake(error), left_alone(error)
        print(f"headway: {alone or found or f'a defect: {error!r}. --debug shows where.'}", file=sys.stderr)
        code = 6 if alone else 2 if found else 1
    if code in (1, 2, 6) and "jax" in sys.modules:
        from headway.scale.processes import leave

        leave(code)
    gc.freeze()  # else Python looks through all that is left once more, which is to go anyway
    sys.exit(code)


@contextmanager
def stopped_at_once() -> Iterator[None]:
    """Within it Ctrl-C and SIGTERM end the program with 130 and 143, but where a run takes them over to save itself.

    Python would raise an exception instead, which an import that is under way can swallow: nobody would stop. Files are
    written whole or not at all, so none is left half.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda got, _: os._exit(128 + got)) for number in REASONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def left_alone(error: Exception) -> str:
    """What to say where the job has lost another process; else nothing."""
    if "jax" not in sys.modules:
        return ""
    from headway.scale.processes import lost

    return "another process of this job is gone; start all again, and go on with --resume." if lost(error) else ""


def mistake(error: Exception) -> object:
    """What the user did wrong where a word of the command is refused, or a file by the system; else None."""
    if isinstance(error, OSError) and error.filename is not None:
        return HeadwayError(str(error.filename), "must be a place that can be read or written", error.strerror)
    asked = getattr(error, "message", "").partition("Input should ")[2]
    if not asked:
        return error.format_message() if hasattr(error, "format_message") else None
    name, words = error.param.opts[-1], [part for word in sys.argv for part in word.split("=", 1)]  # type: ignore[attr-defined]
    given = [value for word, value in pairwise(words) if word == name]
    return HeadwayError(name, f"must {asked}", given[-1] if given else None)
