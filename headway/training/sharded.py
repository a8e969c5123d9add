"""Checkpoints of a state that lies on several devices: each writes its parts while training goes on.

Orbax writes them, in folders `step-000001200` that appear when they are whole. Any mesh and any number of processes
reads them back.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from headway.network.values import flatten, nest
from headway.spec.error import HeadwayError
from headway.training.checkpoint import Fit, filled


def library() -> Any:
    """Orbax, which plain Headway does without; to be asked for before a run that will need it has begun."""
    try:
        import orbax.checkpoint as orbax
    except ImportError:
        raise HeadwayError("mesh", "needs Orbax for the checkpoints of several devices", "none installed",
                           "pip install 'headway[scale]'") from None  # fmt: skip
    return orbax


class ShardedCheckpoints:
    """The checkpoints of a run in a folder that all processes see; of them the last `keep` stay."""

    def __init__(self, folder: Path, keep: int | None = None) -> None:
        orbax = library()
        self.args = orbax.args
        options = orbax.CheckpointManagerOptions(max_to_keep=keep, step_prefix="step", step_format_fixed_length=9,
                                                 create=True)  # fmt: skip
        handlers = {"state": orbax.StandardCheckpointHandler(), "progress": orbax.JsonCheckpointHandler()}
        self.manager = orbax.CheckpointManager(folder.absolute(), options=options, item_handlers=handlers)

    @property
    def latest(self) -> int:
        """The step of the newest checkpoint that is whole; −1 where there is none."""
        found = self.manager.latest_step()
        return -1 if found is None else int(found)

    def save(self, step: int, arrays: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
        """Begin to write a checkpoint of nested arrays and plain values; the one before it is finished first."""
        state = self.args.StandardSave(nest(flatten(arrays)))
        self.manager.save(step, args=self.args.Composite(state=state, progress=self.args.JsonSave(dict(progress))))

    def wait(self) -> None:
        """Until what was begun is on the disk."""
        self.manager.wait_until_finished()

    def load(self, template: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The newest checkpoint, its arrays laid out as those of `template`, which it must hold exactly."""
        step, wanted = self.latest, flatten(template)
        found = flatten(self.manager.item_metadata(step)["state"].tree)
        fit = Fit.of(found, wanted)
        if not fit:
            raise HeadwayError(str(self.manager.directory), f"step {step} must hold the arrays of this recipe", fit,
                               "The recipe and the checkpoint do not belong together.")  # fmt: skip
        shape: Any = jax.ShapeDtypeStruct
        due = nest({a: shape(w.shape, w.dtype, sharding=w.sharding) for a, w in wanted.items()})
        args = self.args.Composite(state=self.args.StandardRestore(due), progress=self.args.JsonRestore())
        came = self.manager.restore(step, args=args)
        return filled(template, flatten(came["state"])), dict(came["progress"])
