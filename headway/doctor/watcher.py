"""A watcher: what anybody's training loop does, measured in two lines and looked at by the rules."""

import json
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from headway.doctor.case import Case
from headway.doctor.diagnose import Diagnosis, diagnose
from headway.doctor.history_file import history_of
from headway.learning.clipping import global_norm
from headway.network.values import by_address
from headway.signals.statistics import LEARNED
from headway.spec.error import HeadwayError
from headway.training.record import History, Standing

AT_ONCE = 100
"""How many updates wait on the device before their numbers are fetched: none of them is waited for."""
SIZES = ("silent", *LEARNED)
_norm = jax.jit(global_norm)


def watch(out: Path | str | None = None, *, every: int = 10) -> "Watcher":
    """A watcher to be called once an update; see `Watcher`.

    out     a new `.jsonl` file for the history; without one it is kept in memory only
    every   of how many updates one measures the layers
    """
    return Watcher(out, every)


class Watcher:
    """Called once an update with what the loop has at hand, before the parameters are replaced:

        watcher = hw.watch("history.jsonl")
        for batch in batches:
            loss, gradients = jax.value_and_grad(loss_fn)(params, batch)
            watcher(loss, params, gradients)
            updates, state = optimizer.update(gradients, state, params)
            params = optax.apply_updates(params, updates)
        print(watcher.diagnosis().cause)

    Parameters and gradients are alike pytrees; a layer is all leaves of one parent, the layers in the order of their
    names, numbers in names counted. Either may be left out, and what needs it is not seen. An update is what parameters
    differ by from one call to the next. Nothing is waited for: numbers stay on the device until a hundred updates are
    over.
    """

    def __init__(self, out: Path | str | None, every: int) -> None:
        if every < 1:
            raise HeadwayError("every", "must be at least 1 update", every)
        if out is not None and Path(out).exists():
            raise HeadwayError("out", "must be a new file", str(out))
        self.out, self.every, self.step = None if out is None else Path(out), every, 0
        self.rows: list[dict[str, Any]] = []
        self.waiting: list[dict[str, Any]] = []
        self.sample: tuple[dict[str, Any], Any, Any] | None = None

    def __call__(self, loss: Any, params: Any = None, gradients: Any = None, *, learning_rate: Any = None) -> None:
        """One update: its loss, and what else is at hand."""
        if isinstance(loss, jax.core.Tracer):
            raise HeadwayError("watcher", "must be called outside jax.jit", "a traced loss",
                               "Return the loss from the compiled step, and call it in the loop.")  # fmt: skip
        self.step += 1
        row: dict[str, Any] = {"step": self.step, "loss": loss, "learning_rate": learning_rate}
        if params is not None and self.sample is not None:
            sampled, *before = self.sample
            sampled["sizes"], sampled["alignment"] = _sizes(params, *before)
            self.sample = None
        if params is not None and (self.step - 1) % self.every == 0:
            row["layers"] = tuple(layers(params))
            # Copies: the loop may hand its own buffers over to the next step.
            self.sample = row, *jax.tree.map(jnp.copy, (params, gradients))
            row["gradient_norm"] = None if gradients is None else _norm(gradients)
        self.waiting.append(row)
        if len(self.waiting) >= AT_ONCE and self.sample is None:
            self.fetch()

    def judged(self, split: str = "validation", **measures: float) -> None:
        """What an evaluation after the last update gave: `watcher.judged("validation", loss=0.4, accuracy=0.9)`."""
        self.fetch()
        self._store({"step": max(1, self.step)} | {f"{split}/{name}": float(value) for name, value in measures.items()})

    def fetch(self) -> None:
        """Fetch what waits on the device."""
        done, self.waiting = self.waiting, []
        for row in done:
            addresses, sizes = row.pop("layers", ()), np.asarray(row.pop("sizes", ()))
            told: dict[str, Any] = {name: float(value) for name, value in row.items() if value is not None}
            told["step"] = row["step"]
            for address, values in zip(addresses, sizes, strict=False):
                told |= {f"{address}:{n}": float(v) for n, v in zip(SIZES, values, strict=True) if np.isfinite(v)}
            self._store({name: value for name, value in told.items() if not np.isnan(value) or name == "loss"})

    def _store(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        if self.out is not None:
            with open(self.out, "a") as lines:
                lines.write(json.dumps(row) + "\n")

    @property
    def history(self) -> History:
        """What was measured so far."""
        self.fetch()
        return history_of(self.rows)

    def diagnosis(self) -> Diagnosis:
        """What the rules say of it: those that need a recipe or data see nothing."""
        return diagnose(case_of(self.history))


def case_of(history: History) -> Case:
    """The case of a history alone; it ended at a number that is not finite where the last losses are none."""
    losses = history.columns()["loss"]
    if not len(losses):
        return Case(history=history)
    wrong = np.flatnonzero(~np.isfinite(losses))
    # Of updates whose loss was not told it is NaN as well, but then one that was told comes behind.
    step = int(wrong[0]) if len(wrong) and not np.isfinite(losses[wrong[0] :]).any() else len(losses)
    if step == len(losses):
        return Case(history=history, standing=Standing(step))
    message = f"The loss of update {step + 1} is not finite."
    return Case(history=history, standing=Standing(step, reason="non-finite", message=message))


def layers(tree: Any) -> dict[str, list[Any]]:
    """Layer → its leaves of a pytree: those with one parent, a matrix among them, in the order of their names.

    Numbers in names are counted: `Dense_10` comes behind `Dense_9`. Where no leaf is a matrix, all are layers.
    """
    found: dict[str, list[Any]] = {}
    for address, leaf in sorted(by_address(tree).items(), key=lambda pair: _natural(pair[0])):
        if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating):
            found.setdefault(address.rpartition("/")[0], []).append(leaf)
    return {a: leaves for a, leaves in found.items() if any(leaf.ndim > 1 for leaf in leaves)} or found


def _natural(address: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", address)]


@jax.jit
def _norms(tree: Any) -> jax.Array:
    """‖·‖ of every layer."""
    return jnp.stack([global_norm(leaves) for leaves in layers(tree).values()])


@jax.jit
def _sizes(after: Any, params: Any, gradients: Any) -> tuple[jax.Array, jax.Array]:
    """SIZES of every layer, NaN where no gradient was given; and the cosine between dL/dθ and the update."""
    unknown = jnp.full(len(layers(params)), jnp.nan)
    changes = jax.tree.map(jnp.subtract, after, params)
    if gradients is None:
        return jnp.stack([unknown, _norms(params), unknown, _norms(changes)], -1), unknown[0]
    silent = jnp.stack([_silent(leaves) for leaves in layers(gradients).values()])
    moving = [leaf for leaves in layers(changes).values() for leaf in leaves]
    along = [leaf for leaves in layers(gradients).values() for leaf in leaves]
    product = sum(jnp.vdot(g.astype(jnp.float32), c.astype(jnp.float32)) for g, c in zip(along, moving, strict=True))
    alignment = product / (global_norm(along) * global_norm(moving))
    return jnp.stack([silent, _norms(params), _norms(gradients), _norms(changes)], -1), alignment


def _silent(leaves: list[Any]) -> jax.Array:
    """The share of a layer's units, last indices of its matrices, whose gradient is exactly 0."""
    matrices = [leaf for leaf in leaves if leaf.ndim > 1]
    if not matrices:
        return jnp.zeros(())
    return jnp.stack(
        [jnp.mean(jnp.all(leaf == 0, axis=range(leaf.ndim - 1)), dtype=jnp.float32) for leaf in matrices]
    ).max()
