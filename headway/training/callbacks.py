"""What happens during a run, as events, and the callbacks that show them to a person.

A callback is any function of one event. It is called where the compiled loop comes up for air: after a
chunk of updates, an evaluation, a checkpoint, and at both ends. Arrays in events are copies on the host.
"""

import dataclasses
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

import jax
import numpy as np

from headway.signals.history import Signals
from headway.training.step import MEASURES


@dataclass(frozen=True)
class Event:
    """Something that happened after `step` updates."""

    step: int

    def record(self) -> dict[str, Any]:
        """The event as plain values for the log."""
        return {"event": type(self).__name__.lower()} | dataclasses.asdict(self)


@dataclass(frozen=True)
class Started(Event):
    """A run begins, or goes on from a checkpoint, towards `updates` updates."""

    updates: int
    epoch: int


@dataclass(frozen=True)
class Advanced(Event):
    """A chunk of updates was made; `measures` has one row an update: what `names` says, MEASURES and more."""

    measures: np.ndarray
    examples_per_second: float
    signals: Signals
    names: tuple[str, ...] = MEASURES

    @property
    def first(self) -> int:
        """The number of the first of these updates."""
        return self.step - len(self.measures) + 1

    def record(self) -> dict[str, Any]:
        columns = {name: self.measures[:, i].tolist() for i, name in enumerate(self.names)}
        watched = {"addresses": self.signals.addresses, "steps": self.signals.steps.tolist(),
                   "values": self.signals.values.tolist()}  # fmt: skip
        return {"event": "advanced", "step": self.step, "first": self.first} | columns | {"signals": watched}


@dataclass(frozen=True)
class Measured(Event):
    """What the first chunk of updates took of memory, and what the compiler had said, in bytes: see `Taken`."""

    device: str
    predicted: int
    observed: int | None


@dataclass(frozen=True)
class Evaluated(Event):
    """The validation set (or, where there is none, the training set) was judged."""

    split: str
    values: dict[str, float]
    best: bool


@dataclass(frozen=True)
class Saved(Event):
    """A checkpoint was written."""

    path: str


@dataclass(frozen=True)
class Ended(Event):
    """The run is over: why, in a word and in a sentence, and which update the best weights are from."""

    reason: str
    message: str
    best_step: int


Callback = Callable[[Event], object]


class Progress:
    """Shows a run: a live bar on a terminal or in a notebook, in a plain log a line now and then.

    At the end it says how many programs were compiled in the process meanwhile, and how long that took.
    """

    def __init__(self, stream: TextIO | None = None, every_seconds: float = 2.0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.console = Console(file=stream or sys.stderr, soft_wrap=True)
        self.live = self.console.is_terminal or self.console.is_jupyter
        numbers = TextColumn("{task.fields[numbers]}")
        self.bar = Bar(BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), numbers, console=self.console)
        self.task = self.bar.add_task("", total=None, numbers="compiling")
        self.every, self.shown = every_seconds, time.monotonic()
        self.epoch, self.numbers, self.judged = 1, "", ""
        self.compiled: list[float] = []

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self.epoch = event.epoch
                jax.monitoring.register_event_duration_secs_listener(self._measured)
                if self.live:
                    self.bar.start()
                self.bar.update(self.task, total=event.updates, completed=event.step)
            case Advanced():
                loss, *_, rate = event.measures[-1][: len(MEASURES)]
                speed = f"{event.examples_per_second:,.0f} examples/s"
                self.numbers = f"epoch {event.step / self.epoch:.1f}  loss {loss:.4g}  rate {rate:.3g}  {speed}"
                self._show(event.step)
            case Evaluated():
                self.judged = "  ".join(f"{event.split} {name} {value:.4g}" for name, value in event.values.items())
                self._show(event.step)
            case Ended():
                if self.live:
                    self.bar.stop()
                jax.monitoring.unregister_event_duration_listener(self._measured)
                compiled = f"{len(self.compiled)} programs were compiled in {sum(self.compiled):.1f} s."
                self.console.print(f"{event.message} {compiled}", markup=False, highlight=False)

    def _measured(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            self.compiled.append(duration_secs)

    def _show(self, step: int) -> None:
        self.bar.update(self.task, completed=step, numbers=f"{self.numbers}  {self.judged}")
        if not self.live and time.monotonic() - self.shown >= self.every:
            self.shown = time.monotonic()
            task = self.bar.tasks[0]
            left = f"{task.time_remaining:.0f} s left" if task.time_remaining is not None else ""
            line = f"{task.percentage:3.0f} %  update {step}  {self.numbers}  {self.judged}  {left}"
            self.console.print(line, markup=False, highlight=False)
