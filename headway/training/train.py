"""Train a recipe, or go on with a run that was stopped."""

from pathlib import Path

from headway.data.dataset import Dataset
from headway.scale.mesh import Mesh
from headway.spec.error import HeadwayError
from headway.training.callbacks import Callback
from headway.training.compilation import use_compilation_cache
from headway.training.interruption import PAUSED
from headway.training.job import prepare
from headway.training.loop import Loop
from headway.training.recipe import Recipe
from headway.training.record import History, RunFolder, Standing
from headway.training.run import Run
from headway.training.step import initial_state, on_mesh, values_of


def train(
    recipe: Recipe,
    *,
    data: Dataset | None = None,
    out: Path | str | None = None,
    callbacks: tuple[Callback, ...] = (),
    anyway: bool = False,
    mesh: Mesh | None = None,
) -> Run:
    """Train a network; the run that comes back holds the best weights, however it ended.

    data        the data set, for a recipe that names none
    out         a new folder for the run; without one nothing is written
    callbacks   called with every event; `Progress()` shows the run
    anyway      train a recipe that is known to be wrong
    mesh        the devices to train on; None is one device
    """
    use_compilation_cache()
    job = prepare(recipe, data, anyway=anyway, mesh=mesh)
    folder = RunFolder.create(out, recipe, job.dataset) if out is not None else None
    state = initial_state(job.update, job.dataset.input_shape)
    return Loop(job, state, Standing(), History(), folder, callbacks).run()


def resume(
    folder: Path | str,
    *,
    data: Dataset | None = None,
    callbacks: tuple[Callback, ...] = (),
    mesh: Mesh | None = None,
) -> Run:
    """Go on with a run from its newest checkpoint, to the same end, bit for bit, as if never stopped.

    On another mesh than it was started on: to the same end up to rounding.
    """
    use_compilation_cache()
    store = RunFolder(folder)
    job = prepare(store.recipe(), data, anyway=True, mesh=mesh)
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
    state = on_mesh(job.update, arrays["state"], job.dataset.input_shape)
    loop = Loop(job, state, standing, history, store, callbacks)
    loop.best = arrays["best"]
    return loop.run()
