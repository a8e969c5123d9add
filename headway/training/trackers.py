"""Trackers: the numbers of a run handed on, as it goes, to TensorBoard, Weights & Biases, MLflow and their like."""

import importlib
from pathlib import Path
from typing import Any, Protocol

from headway.spec.error import HeadwayError
from headway.training.callbacks import Advanced, Ended, Evaluated, Event


class Log(Protocol):
    """How trackers take numbers: `wandb.init().log`, `mlflow.log_metrics`."""

    def __call__(self, numbers: dict[str, float], /, *, step: int) -> object: ...


class Track:
    """A callback that hands on what is measured: `callbacks=(Track(wandb.init().log),)`.

    Of every `every`-th update `train/loss`, `train/gradient_norm` and the other measures; of every evaluation
    `validation/loss` and the metrics. `step` counts updates; a run that is resumed goes on behind its newest
    checkpoint. The run's own folder holds all of it, tracked or not.
    """

    def __init__(self, log: Log, every: int = 1) -> None:
        if every < 1:
            raise HeadwayError("Track.every", "must be at least 1 update", every, "Leave it out for every update.")
        self.log, self.every = log, every

    def __call__(self, event: Event) -> None:
        match event:
            case Advanced():
                for step in range(-(-event.first // self.every) * self.every, event.step + 1, self.every):
                    row = event.measures[step - event.first].tolist()
                    self.log(labelled("train", dict(zip(event.names, row, strict=True))), step=step)
            case Evaluated():
                self.log(labelled(event.split, event.values), step=event.step)


class TensorBoard(Track):
    """A callback that writes a run for TensorBoard: `callbacks=(TensorBoard("runs/a/board"),)`.

    It needs tensorboardX, or PyTorch with tensorboard.
    """

    def __init__(self, folder: str | Path, every: int = 1) -> None:
        self.writer = summary_writer()(str(folder))
        super().__init__(self.write, every)

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if isinstance(event, Ended):
            self.writer.close()

    def write(self, numbers: dict[str, float], /, *, step: int) -> None:
        """Each number as a scalar of its own."""
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, step)


def labelled(split: str, numbers: dict[str, float]) -> dict[str, float]:
    """`train/loss` for the loss of the split train."""
    return {f"{split}/{name}": value for name, value in numbers.items()}


def summary_writer() -> Any:
    """The class that writes TensorBoard's files, from what is installed."""
    for package in ("tensorboardX", "torch.utils.tensorboard"):
        try:
            return importlib.import_module(package).SummaryWriter
        except ImportError:
            continue
    raise HeadwayError("TensorBoard", "needs a package that writes its files",
                       "neither tensorboardX nor PyTorch with tensorboard", "pip install tensorboardX")  # fmt: skip
