"""The runs of a proof with Headway: two networks on the same seeds, as one sweep. A process of its own, so all cold."""

import json
import sys
from typing import Any

import numpy as np

ARMS = ("as it is", "with LayerNorm")
WIDTH, CLASSES, BATCH = 100, 10, 100
PEAK, WARM, DECAY = 1e-2, 0.05, 0.1


def proof(examples: dict[str, Any], epochs: int, seeds: int) -> dict[str, list[float]]:
    """Held-out loss at the end of training, by arm and seed."""
    import headway as hw

    data = hw.arrays(examples["x"], examples["y"], validation=None, standardize=False,
                     test=(examples["held_x"], examples["held_y"]))  # fmt: skip
    plain = (hw.Dense(WIDTH), hw.ReLU(), hw.Dense(WIDTH), hw.ReLU(), hw.Dense(CLASSES))
    norm = hw.LayerNorm()
    networks = (plain, (plain[0], norm, plain[1], plain[2], norm, *plain[3:]))
    recipe = hw.Recipe(
        hw.Sequential(plain),
        loss=hw.CrossEntropy(),
        optimizer=hw.AdamW(hw.Warmup(hw.Fraction(WARM), then=hw.Cosine(PEAK)), weight_decay=DECAY),
        batch_size=BATCH,
        length=hw.Epochs(epochs),
        evaluation=hw.Evaluation(hw.Epochs(epochs)),
    )
    over = {"network": [hw.Sequential(layers) for layers in networks], "seed": range(seeds)}
    found = hw.sweep(recipe, over, data=data)
    return {arm: cell.measured("test", "loss") for arm, cell in zip(ARMS, found.cells(), strict=True)}


if __name__ == "__main__":
    print(json.dumps(proof(dict(np.load(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]))))
