"""All measurements on demand by name, and the one call that takes them."""

from collections.abc import Callable

from headway.data.dataset import Dataset
from headway.doctor.on_demand.curvature import critical_sharpness, top_curvature
from headway.doctor.on_demand.fitting import permuted_labels, tiny_batch
from headway.doctor.on_demand.jacobians import jacobian_norms
from headway.doctor.on_demand.measured import TRAINS, Measured
from headway.doctor.on_demand.noise import gradient_noise_scale
from headway.doctor.on_demand.subject import Subject, Weights
from headway.spec.error import HeadwayError, did_you_mean
from headway.training.compilation import use_compilation_cache
from headway.training.recipe import Recipe
from headway.training.run import Run

MEASUREMENTS: dict[str, Callable[[Subject], Measured]] = {
    "jacobian-norms": jacobian_norms,
    "gradient-noise-scale": gradient_noise_scale,
    "critical-sharpness": critical_sharpness,
    "sharpness": top_curvature,
    "tiny-batch": tiny_batch,
    "permuted-labels": permuted_labels,
}


def measure(
    what: Run | Recipe, *names: str, data: Dataset | None = None, examples: int = 1024, weights: Weights = "last"
) -> dict[str, Measured]:
    """Measure a run at its last or best weights, or a recipe at its initial ones, on about so many training examples.

    names    jacobian-norms, gradient-noise-scale, critical-sharpness, sharpness, tiny-batch, permuted-labels; without
             one, all but the last, which trains. `tiny-batch` and `permuted-labels` begin from the initial weights
    data     the data set, where the recipe names none

    Each result has numbers, the evidence in sentences, and what to make of it. Nothing is stored.
    """
    for name in names:
        if name not in MEASUREMENTS:
            raise HeadwayError("measure", f"must be one of {', '.join(MEASUREMENTS)}", name,
                               did_you_mean(name, MEASUREMENTS))  # fmt: skip
    use_compilation_cache()
    subject = Subject.of(what, data, examples=examples, weights=weights)
    chosen = names or tuple(name for name in MEASUREMENTS if name not in TRAINS)
    return {name: MEASUREMENTS[name](subject) for name in chosen}
