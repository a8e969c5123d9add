"""Ctrl-C and SIGTERM during a run: a flag is set, and read where the loop comes up for air."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, ClassVar

REASONS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
PAUSED = tuple(REASONS.values())
"""Reasons after which a run can go on."""


class Interruption:
    """Within it, the first Ctrl-C or SIGTERM only sets `reason`; the second acts as it always does.

    Outside the main thread, where Python delivers no signals, it changes nothing; nor within `whole_or_nothing`.
    """

    wanted: ClassVar[bool] = True

    def __init__(self) -> None:
        self.reason = ""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interruption":
        if self.wanted and threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._set) for number in REASONS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _set(self, number: int, frame: FrameType | None) -> None:
        self.reason = REASONS[signal.Signals(number)]
        signal.signal(number, self._before[signal.Signals(number)])


@contextmanager
def whole_or_nothing() -> Iterator[None]:
    """Within it Ctrl-C and SIGTERM act as they always do: for runs that are worth nothing when they are cut short."""
    before, Interruption.wanted = Interruption.wanted, False
    try:
        yield
    finally:
        Interruption.wanted = before
