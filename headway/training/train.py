"""Train a recipe, from first weights that it draws or that are at hand, or go on with a run that was stopped."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headway.data.dataset import Dataset
from headway.scale.mesh import Mesh
from headway.spec.error import HeadwayError
from headway.training.callbacks import Callback
from headway.training.checkpoint import Fit, filled
from headway.training.compilation import use_compilation_cache
from headway.training.interruption import PAUSED
from headway.training.job import Job, prepare
from headway.training.loop import Loop
from headway.training.recipe import Recipe
from headway.training.record import History, RunFolder, Standing
from headway.training.run import PARTS, Run, Values, flat_values
from headway.training.sharded import library
from headway.training.step import first_shapes, initial_state, on_mesh, values_of


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
    return begun(prepare(recipe, data, anyway=anyway, mesh=mesh), out, callbacks)


def fine_tune(
    recipe: Recipe,
    weights: Run | Values,
    *,
    data: Dataset | None = None,
    out: Path | str | None = None,
    callbacks: tuple[Callback, ...] = (),
    anyway: bool = False,
) -> Run:
    """Train a network that begins from these weights: the best of a run, or values {"params", "network"}.

    `load_weights` gives them from a file. Strict: all that is missing, extra, reshaped or of another dtype is listed in
    one error. The rest is as in `train`; a folder keeps the weights too, so that it is resumed as exactly.
    """
    use_compilation_cache()
    job = prepare(recipe, data, anyway=anyway)
    template = first_values(job)
    found, wanted = flat_values(weights), flat_values(template)
    fit = Fit.of(found, wanted)
    if not fit:
        raise HeadwayError("weights", "must be exactly the arrays of the recipe's network", fit,
                           "Load them with load_weights(path, template, names={…}).")  # fmt: skip
    start = {part: filled(template[part], {a: np.asarray(array) for a, array in found.items()}) for part in PARTS}
    return begun(replace(job, start=start), out, callbacks)


def first_values(job: Job) -> dict[str, Any]:
    """The shapes and dtypes of the parameters and the network state that a job begins with."""
    state = first_shapes(job)
    return {part: state[part] for part in PARTS}


def begun(job: Job, out: Path | str | None, callbacks: tuple[Callback, ...]) -> Run:
    """The run of a job from its first update on."""
    if out is not None:
        expect_writable(job)
    folder = RunFolder.create(out, job.recipe, job.dataset, job.start) if out is not None else None
    state = initial_state(job.update, job.dataset.input_shape, job.start)
    return Loop(job, state, Standing(), History(), folder, callbacks).run()


def expect_writable(job: Job) -> None:
    """Refuse a run whose checkpoints could not be written, before it makes an update."""
    if job.update.mesh is not None and job.update.mesh.devices > 1:
        library()


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
    expect_writable(job)
    job = replace(job, start=store.start(first_values(job)))
    state = initial_state(job.update, job.dataset.input_shape, job.start)
    saved = store.restore({"state": state, "best": values_of(state)})
    if saved is None:
        return Loop(job, state, Standing(), History(), store, callbacks).run()
    arrays, standing, history = saved
    arrays = on_mesh(job.update, arrays, job.dataset.input_shape)
    loop = Loop(job, arrays["state"], standing, history, store, callbacks)
    loop.best = arrays["best"]
    return loop.run()
