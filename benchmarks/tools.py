"""Other people's tools on the doctor's benchmark: those programs that can be written in PyTorch, and what they say.

`python -m benchmarks.tools` needs torch, torchtest2 and torch-audit. A network is written as the same
layers with the same first weights, on the same examples, with the same loss, batch and optimizer. torchtest2 looks at
the first batch, as it is meant to; torch-audit looks on while the program trains. Each alarm is one of its default
level: a check that fails, a finding of severity ERROR. With "warnings too" those of the level below count as well, but
for hints how to compute faster.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headway.doctor.faults.bases import SETS
from headway.doctor.faults.bench import attempted, programs
from headway.doctor.faults.catalog import Program
from headway.doctor.faults.oddities import Ascent
from headway.doctor.faults.score import manifest_row, score
from headway.learning.clipping import ClipByNorm
from headway.learning.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    MeanSquaredError,
    ProbabilityBinaryCrossEntropy,
    ProbabilityCrossEntropy,
)
from headway.learning.optimizers.adaptive import Adam, AdamW, RMSProp
from headway.learning.optimizers.groups import Frozen, Groups
from headway.learning.optimizers.sgd import SGD
from headway.learning.regularization import Dropout
from headway.network.activations import GELU, Identity, ReLU, Sigmoid, Softmax, Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.normalization import BatchNorm
from headway.network.values import flatten
from headway.training.checkpoint import write_durably
from headway.training.job import Job, prepare
from headway.training.recipe import Recipe
from headway.training.step import initial_state

RESULT = Path(__file__).parent / "results" / "doctor-tools.json"
LAYERS = (Flatten, Dense, BatchNorm, Dropout, ReLU, Tanh, Sigmoid, GELU, Softmax, Identity)
LOSSES = (CrossEntropy, BinaryCrossEntropy, MeanSquaredError, ProbabilityCrossEntropy, ProbabilityBinaryCrossEntropy)
OPTIMIZERS = (SGD, Adam, AdamW, RMSProp)
MEANT: dict[str, tuple[str, ...]] = {
    "output_finite": ("non-finite",), "loss": ("non-finite",), "output_varies": ("initial-symmetry", "dying-relu"),
    "initial_loss": ("initial-scale", "output-loss-mismatch", "unscaled-features"),
    "optimizer_coverage": ("unreached-parameters",), "frozen_params": ("unreached-parameters",),
    "gradient_flow": ("unreached-parameters", "dying-relu", "initial-symmetry"),
    "gradient_magnitude": ("exploding-gradient", "initial-scale", "non-finite"),
    "params_change": ("unreached-parameters", "dying-relu"), "input_dependency": ("unreached-parameters", "dying-relu"),
    "batch_independence": ("examples-mixed",),
    "overfit_batch": ("learning-rate-low", "learning-rate-high", "output-loss-mismatch", "underfitting",
                      "cannot-memorize", "gradient-sign"),
    "TA100": ("non-finite",), "TA102": ("exploding-gradient",), "TA103": ("dying-relu",),
    "TA104": ("unreached-parameters",), "TA105": ("dying-relu",), "TA301": ("unscaled-features",),
    "TA302": ("data-faults",), "TA304": ("small-batch-statistics", "batch-size"), "TA402": ("decay-groups",),
    "TA500": ("unreached-parameters",),
}  # fmt: skip
"""A check → the causes that its documentation says it catches, generously. Others name none of the benchmark's."""

FASTER = "TA2"
"""How the rules of torch-audit begin that say how to compute faster."""


def unwritten(recipe: Recipe) -> str:
    """Why a recipe is not written in PyTorch; empty where it is."""
    optimizer = _plain(recipe)
    layers = recipe.network.layers if isinstance(recipe.network, Sequential) else ()
    strange = [part for part in layers if not isinstance(part, LAYERS)] if layers else [recipe.network]
    others = {
        "penalties": recipe.penalties, "augment": recipe.augment, "accumulate": recipe.accumulate != 1,
        "clip": recipe.clip is not None and not isinstance(recipe.clip, ClipByNorm),
        "loss": type(recipe.loss) not in LOSSES or getattr(recipe.loss, "smoothing", None),
        "optimizer": type(optimizer) not in OPTIMIZERS or getattr(optimizer, "decay_only", None),
        "network": strange,
    }  # fmt: skip
    return ", ".join(name for name, there in others.items() if there)


def _plain(recipe: Recipe) -> Any:
    """The optimizer without the sign or the frozen weights that are wrapped around it."""
    optimizer = recipe.optimizer
    frozen = isinstance(optimizer, Groups) and optimizer.rules == (Frozen("**/w"),)
    return optimizer.optimizer if frozen or isinstance(optimizer, Ascent) else optimizer  # type: ignore[attr-defined]


class Torch:
    """A recipe as a PyTorch program: model, loss, optimizer, and its batches in an order of their own."""

    def __init__(self, job: Job) -> None:
        import torch

        torch.manual_seed(job.recipe.seed)
        torch.set_num_threads(1)
        self.job, self.recipe = job, job.recipe
        start = flatten(initial_state(job.update, job.dataset.input_shape, job.start)["params"])
        self.model = model_of(self.recipe.network, {name: np.asarray(value) for name, value in start.items()})
        if isinstance(self.recipe.optimizer, Groups):
            for module in self.model:
                if isinstance(module, torch.nn.Linear):
                    module.weight.requires_grad_(False)
        self.x = torch.from_numpy(np.array(job.dataset.train.x, np.float32))
        y = np.array(job.dataset.train.y)
        self.y = torch.from_numpy(y.astype(np.float32) if y.dtype.kind == "f" else y.astype(np.int64))
        self.optimizer = self._optimizer()

    def _optimizer(self) -> Any:
        import torch

        known = _plain(self.recipe)
        rate = float(self.job.update.optimizer.rate(0))
        learning = [p for p in self.model.parameters() if p.requires_grad]
        decayed = [p for p in learning if p.ndim > 1]
        decay = float(known.weight_decay or 0.0)
        groups = [{"params": decayed, "weight_decay": decay},
                  {"params": [p for p in learning if p.ndim == 1], "weight_decay": 0.0}]  # fmt: skip
        groups = [group for group in groups if group["params"]]
        up = isinstance(self.recipe.optimizer, Ascent)
        if isinstance(known, SGD):
            return torch.optim.SGD(groups, rate, known.momentum or 0.0, nesterov=known.nesterov, maximize=up)
        if isinstance(known, RMSProp):
            return torch.optim.RMSprop(groups, rate, known.smoothing, known.eps, momentum=known.momentum or 0.0,
                                       maximize=up)  # fmt: skip
        kind = torch.optim.AdamW if isinstance(known, AdamW) else torch.optim.Adam
        return kind(groups, rate, (float(known.b1), float(known.b2)), known.eps, maximize=up)

    def loss(self, outputs: Any, targets: Any) -> Any:
        """The recipe's loss of a batch."""
        from torch.nn import functional

        loss, reduction = self.recipe.loss, self.recipe.loss.reduction
        if isinstance(loss, CrossEntropy):
            return functional.cross_entropy(outputs, targets, reduction=reduction)
        if isinstance(loss, ProbabilityCrossEntropy):
            return functional.nll_loss(outputs.clamp_min(1e-30).log(), targets, reduction=reduction)
        flat = outputs.reshape(targets.shape)
        if isinstance(loss, BinaryCrossEntropy):
            return functional.binary_cross_entropy_with_logits(flat, targets.float(), reduction=reduction)
        if isinstance(loss, ProbabilityBinaryCrossEntropy):
            return functional.binary_cross_entropy(flat.clamp(0, 1), targets.float(), reduction=reduction)
        return functional.mse_loss(flat, targets, reduction=reduction)

    def batch(self, step: int) -> tuple[Any, Any]:
        """A batch of its own for every update, drawn by the recipe's seed."""
        import torch

        drawn = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(self.recipe.seed * 100_003 + step))
        rows = drawn[: self.recipe.batch_size]
        return self.x[rows], self.y[rows]


def model_of(network: Any, params: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    """The network in PyTorch with these parameters, [inputs, outputs] turned round."""
    import torch
    from torch import nn

    plain: dict[type, Callable[[], Any]] = {
        Flatten: nn.Flatten, ReLU: nn.ReLU, Tanh: nn.Tanh, Sigmoid: nn.Sigmoid, GELU: nn.GELU, Identity: nn.Identity,
        Softmax: lambda: nn.Softmax(-1),
    }  # fmt: skip
    made = []
    for key, layer in network.members().items():
        own = {name.rpartition("/")[2]: torch.tensor(np.array(v)) for name, v in params.items()
               if name.startswith(f"{key}/")}  # fmt: skip
        if isinstance(layer, Dense):
            module: Any = nn.Linear(own["w"].shape[0], own["w"].shape[1], bias="b" in own)
            own = {"weight": own["w"].T} | ({"bias": own["b"]} if "b" in own else {})
        elif isinstance(layer, BatchNorm):
            module = nn.BatchNorm1d(len(own["g"]), momentum=1 - float(layer.momentum))
            own = {"weight": own["g"], "bias": own["b"]}
        else:
            module = nn.Dropout(layer.rate) if isinstance(layer, Dropout) else plain[type(layer)]()
        with torch.no_grad():
            for name, value in own.items():
                getattr(module, name).copy_(value)
        made.append(module)
    return nn.Sequential(*made)


def torchtest2(job: Job) -> list[tuple[str, bool]]:
    """The checks of torchtest2 that speak, and whether each fails."""
    import torchtest2 as tool

    made = Torch(job)
    x, y = made.batch(0)
    report = tool.check_model(made.model, x, y, loss_fn=made.loss, optimizer=made.optimizer)
    return [(one.name, str(one.status) == "FAIL") for one in report.results if str(one.status) in ("FAIL", "WARN")]


def torch_audit(job: Job) -> list[tuple[str, bool]]:
    """The findings of torch-audit on the whole of training, and whether each is an error."""
    import torch
    from torch_audit import audit_dynamic

    made = Torch(job)
    with audit_dynamic(made.model, optimizer=made.optimizer, every_n_steps=max(1, job.updates // 20)) as auditor:
        auditor.audit_static()
        auditor.audit_init()
        for step in range(job.updates):
            for group in made.optimizer.param_groups:
                group["lr"] = float(job.update.optimizer.rate(step))
            x, y = made.batch(step)
            made.optimizer.zero_grad()
            auditor.backward(made.loss(auditor.forward(x), y))
            if isinstance(job.recipe.clip, ClipByNorm):
                torch.nn.utils.clip_grad_norm_(made.model.parameters(), float(job.recipe.clip.limit))
            auditor.optimizer_step()
    found = [one for one in auditor.finish(report=False).findings
             if one.severity.name != "INFO" and not one.rule_id.startswith(FASTER)]  # fmt: skip
    return list(dict.fromkeys((one.rule_id, one.severity.name in ("ERROR", "FATAL")) for one in found))


def verdict(said: Iterable[tuple[str, bool]], warnings: bool) -> dict[str, Any]:
    """A row of the scorer's form: causes in the order in which they are named."""
    counted = [name for name, fails in said if fails or warnings]
    causes = dict.fromkeys(cause for name in counted for cause in MEANT.get(name, ()))
    return {"healthy": not counted, "causes": list(causes), "checks": counted}


def rows_of(
    tool: Callable[[Job], list[tuple[str, bool]]], chosen: Sequence[Program]
) -> dict[str, list[dict[str, Any]]]:
    """Verdicts of a tool, with its alarms alone and with its warnings."""
    found = [attempted(lambda one: {"said": tool(prepare(one.recipe, anyway=True))}, one) for one in chosen]
    return {
        word: [{"id": row["id"]} | ({"error": row["error"]} if "error" in row else verdict(row["said"], bool(word)))
               for row in found]
        for word in ("", ", warnings too")
    }  # fmt: skip


def said_of(sets: Sequence[str]) -> dict[str, Any]:
    """Figures of both tools on the programs that are written in PyTorch, set after set, with every verdict."""
    from importlib.metadata import version

    record: dict[str, Any] = {"versions": {name: version(name) for name in ("torch", "torchtest2", "torch-audit")}}
    for name in sets:
        every = programs(name)
        chosen = [one for one in every if not unwritten(one.recipe)]
        manifest = [manifest_row(one) for one in chosen]
        tools = {f"{tool.__name__.replace('_', '-')}{word}": rows
                 for tool in (torchtest2, torch_audit) for word, rows in rows_of(tool, chosen).items()}  # fmt: skip
        record[name] = {
            "of": len(every), "figures": {tool: score(manifest, rows)["all"] for tool, rows in tools.items()},
            "baselines": {key: score(manifest, ())[key] for key in ("always alarm", "never alarm")},
            "programs": {one.id: {tool: row for tool, rows in tools.items() for row in rows if row["id"] == one.id}
                         for one in chosen},
        }  # fmt: skip
    return record


if __name__ == "__main__":
    write_durably(RESULT, (json.dumps(said_of(sys.argv[1:] or list(SETS))) + "\n").encode())
