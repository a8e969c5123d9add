"""Train a recipe, or go on with a run that was stopped."""

from pathlib import Path

from headway.data.dataset import Dataset
from headway.spec.error import HeadwayError
from headway.training.callbacks import Callback
from headway.training.compilation import use_compilation_cache
from headway.training.interruption import PAUSED
from headway.training.job import prepare
from headway.training.loop import Loop
from headway.training.recipe import Recipe
from headway.training.record import History, RunFolder, Standing
from headway.training.run import Run
from headway.training.step import initial_state, values_of


def train(
    recipe: Recipe,
    *,
    data: Dataset | None = None,
    out: Path | str | None = None,
    callbacks: tuple[Callback, ...] = (),
    anyway: bool = False,
) -> Run:
    """Train a network; the run that comes back holds the best weights, however it ended.

    data        the data set, for a recipe that names none
    out         a new folder for the run; without one nothing is written
    callbacks   called with every event; `Progress()` shows the run
    anyway      train a recipe that is known to be wrong
    """
    use_compilation_cache()
    job = prepare(recipe, data, anyway=anyway)
    folder = RunFolder.create(out, recipe, job.dataset) if out is not None else None
    state = initial_state(job.update, job.dataset.input_shape)
    return Loop(job, state, Standing(), History(), folder, callbacks).run()


def resume(folder: Path | str, *, data: Dataset | None = None, callbacks: tuple[Callback, ...] = ()) -> Run:
    """Go on with a run from its newest checkpoint, to the same end, bit for bit, as if never stopped."""
    use_compilation_cache()
    store = RunFolder(folder)
    job = prepare(store.recipe(), data, anyway=True)
    if job.dataset.fingerprint != store.manifest()["data"]:
        raise HeadwayError("data", "must be the data the run was started with", "other data", "Give the same files.")
    result = store.result()
    if result is not None and result["reason"] not in PAUSED:
        return Run.load(folder, data=job.dataset)
    state = initial_state(job.update, job.dataset.input_shape)
    saved = store.restore({"state": state, "best": values_of(state)})
    if saved is None:
        return Loop(job, state, Standing(), History(), store, callbacks).run()
    arrays, standing, history = saved
    loop = Loop(job, arrays["state"], standing, history, store, callbacks)
    loop.best = arrays["best"]
    return loop.run()
