"""The loop: chunks of compiled updates, and between them evaluation, stopping, checkpoints."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.scale.processes import agreed, leads, met, whole
from headway.scale.sharding import everywhere
from headway.training.callbacks import Advanced, Callback, Ended, Evaluated, Event, Measured, Saved, Started
from headway.training.chunk import Chunk, compute, longest, lowered
from headway.training.evaluate import judge, on_device
from headway.training.interruption import PAUSED, Interruption
from headway.training.job import Job, in_updates
from headway.training.memory import Taken, predicted, remember, rise
from headway.training.recipe import Seconds
from headway.training.record import History, RunFolder, Standing
from headway.training.run import Run
from headway.training.step import TrainingState, measured, values_of


class Loop:
    """One run in progress."""

    def __init__(
        self,
        job: Job,
        state: TrainingState,
        standing: Standing,
        history: History,
        folder: RunFolder | None,
        callbacks: tuple[Callback, ...],
    ) -> None:
        self.job, self.state, self.standing, self.history, self.folder = job, state, standing, history, folder
        self.best = self.kept_apart(values_of(state))
        self.callbacks = callbacks
        self.listeners: tuple[Callable[[Event], object], ...] = (history, *((folder,) if folder else ()), *callbacks)
        if not leads():
            self.callbacks, self.listeners = (), (history,)
        self.examples = everywhere(job.dataset.train.arrays, job.update.mesh)
        self.judged = "train" if job.dataset.validation is None else "validation"
        self.judge_on = everywhere(on_device(job.recipe, job.dataset.splits()[self.judged]), job.update.mesh)
        self.pace = 16  # updates in the next chunk, until we know how many fit in a second
        self.saved_at = time.monotonic()

    def run(self, interruption: Interruption | None = None) -> Run:
        """Update, judge, stop, save, until there is a reason to end. Runs side by side share an interruption."""
        self.begin()
        shared = nullcontext(interruption) if interruption else Interruption()
        with shared as interruption, self.told_if_broken():
            advance = self.measure if self.folder else self.advance
            while not self.standing.reason:
                self.consider(advance(self.room()), interruption)
                advance = self.advance
        return self.finish()

    def begin(self) -> None:
        """Say that the run begins, or goes on."""
        self.tell(Started(self.standing.step, self.job.updates, self.job.epoch))

    def room(self) -> int:
        """How many updates the next chunk may make."""
        return min(self.next_boundary() - self.standing.step, self.pace, longest(self.job))

    def advance(self, length: int) -> Chunk:
        """Make up to `length` updates; stop before one that is not finite."""
        started = time.monotonic()
        chunk = compute(self.job, self.state, self.examples, self.standing.step, length)
        self.take(chunk, length, time.monotonic() - started)
        return chunk

    def measure(self, length: int) -> Chunk:
        """Advance, and note what that takes of memory beside what the compiler says."""
        said = predicted(lowered(self.job, self.state, self.examples).compile())
        with rise() as found:
            chunk = self.advance(length)
        taken = Taken(jax.local_devices()[0].device_kind, said, found.bytes)
        self.tell(Measured(self.standing.step, **asdict(taken)))
        if leads():
            remember(taken)
        return chunk

    def take(self, chunk: Chunk, length: int, seconds: float) -> None:
        """Go on from where a chunk of up to `length` updates ended, which took so many seconds."""
        self.state, self.standing.step = chunk.state, self.standing.step + len(chunk.measures)
        self.pace = int(np.clip(length / seconds, 1, 8 * length))
        if len(chunk.measures):
            speed = len(chunk.measures) * self.job.recipe.batch_size / seconds
            self.tell(Advanced(self.standing.step, chunk.measures, speed, chunk.signals, measured(self.job.update)))

    def consider(self, chunk: Chunk, interruption: Interruption) -> None:
        """Judge, end, save: whatever is due after this chunk."""
        standing, job = self.standing, self.job
        if chunk.trouble:
            self.end("non-finite", chunk.trouble)
        elif standing.step % job.evaluate_every == 0 or standing.step == job.updates:
            self.evaluate()
        paused, overdue = self.heard(interruption)
        if standing.step == job.updates and not standing.reason:
            self.end("finished", f"All {job.updates} updates were made.")
        elif paused and not standing.reason:
            self.end(paused, f"The run was {paused} after update {standing.step}.")
        if self.checkpoint_due(overdue):
            self.save()

    def heard(self, interruption: Interruption) -> tuple[str, bool]:
        """Why the run is to pause, and whether the time for a checkpoint has come, of any process of the job.

        The pace is that of the fastest: all of them must compute the same chunks.
        """
        every, reasons = self.job.recipe.checkpoints.every, ("", *PAUSED)
        overdue = isinstance(every, Seconds) and time.monotonic() - self.saved_at >= every.count
        self.pace, reason, late = agreed(self.pace, reasons.index(interruption.reason), int(overdue))
        return reasons[reason], bool(late)

    def evaluate(self) -> None:
        """Judge the validation set; keep the weights if they are the best; stop if patience is out."""
        recipe, standing = self.job.recipe, self.standing
        values = judge(recipe, values_of(self.state), self.judge_on)
        value, stopping = values[recipe.evaluation.monitor], recipe.stopping
        least = stopping.least if stopping else 0.0
        best = self.judged == "train" or standing.best is None or recipe.evaluation.better(value, standing.best, least)
        standing.waited = 0 if best else standing.waited + 1
        if best:
            standing.best, standing.best_step = value, standing.step
            self.best = self.kept_apart(values_of(self.state))
        self.tell(Evaluated(standing.step, self.judged, values, best))
        if stopping and standing.waited >= stopping.patience:
            self.end("stopped early", f"No better {recipe.evaluation.monitor} for {standing.waited} evaluations.")

    def kept_apart(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values, in memory of their own where the state's is given away: see `compute`."""
        return values if self.job.update.mesh is None else jax.tree.map(jnp.copy, values)

    def end(self, reason: str, message: str) -> None:
        """Note why the run is over."""
        if self.standing.best is None:
            self.best, self.standing.best_step = values_of(self.state), self.standing.step
        self.standing.reason, self.standing.message = reason, message

    def next_boundary(self) -> int:
        """The next update after which something other than an update may happen."""
        every, step = self.job.recipe.checkpoints.every, self.standing.step
        stops = [self.job.evaluate_every]
        if self.folder and not isinstance(every, Seconds):
            stops.append(in_updates(every, self.job.epoch))
        return min(self.job.updates, *(step - step % stop + stop for stop in stops))

    def checkpoint_due(self, overdue: bool) -> bool:
        """True after an interruption, and as often as the recipe says; a run that is over needs none."""
        every, standing = self.job.recipe.checkpoints.every, self.standing
        if self.folder is None or standing.reason:
            return self.folder is not None and standing.reason in PAUSED
        if isinstance(every, Seconds):
            return overdue
        return standing.step % in_updates(every, self.job.epoch) == 0

    def save(self) -> None:
        """Write a checkpoint. One after an interruption does not remember it: the run will go on."""
        assert self.folder is not None
        standing = replace(self.standing, reason="", message="")
        path = self.folder.save(standing, {"state": self.state, "best": self.best}, self.job.recipe.checkpoints.keep)
        self.saved_at = time.monotonic()
        self.tell(Saved(standing.step, str(path)))

    def finish(self) -> Run:
        """Judge the best weights on every split, and hand the run over."""
        job, standing = self.job, self.standing
        results = {name: judge(job.recipe, self.best, examples) for name, examples in job.dataset.splits().items()}
        best, last = whole((self.best, values_of(self.state)))
        run = Run(job.recipe, job.dataset.schema, best, last, standing, self.history,
                  results, job.dataset, self.folder.path if self.folder else None, job.start)  # fmt: skip
        if self.folder:
            self.folder.wait()
            if leads():
                run.save(self.folder.path)
            met("the run is saved")
        where = f" The best weights are from update {standing.best_step}."
        self.tell(Ended(standing.step, standing.reason, standing.message + where, standing.best_step))
        return run

    @contextmanager
    def told_if_broken(self) -> Iterator[None]:
        """Let the callbacks end what they show when an error breaks the run off."""
        try:
            yield
        except BaseException as error:
            for callback in self.callbacks:
                callback(Ended(self.standing.step, "broken off", repr(error), self.standing.best_step))
            raise

    def tell(self, event: Event) -> None:
        """Let everybody who listens know."""
        for listener in self.listeners:
            listener(event)
