"""The runs of a proof in PyTorch, one after the other: two networks on the same seeds, eager, with the fused AdamW."""

import json
import math
import sys
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.proof import ARMS, BATCH, CLASSES, DECAY, PEAK, WARM, WIDTH


def proof(examples: dict[str, Any], epochs: int, seeds: int) -> dict[str, list[float]]:
    """Held-out loss at the end of training, by arm and seed.

    Batches by index from a permutation of tensors in memory; the rate of a step is written into the optimizer.
    """
    x, y, held_x, held_y = (torch.from_numpy(examples[name]) for name in ("x", "y", "held_x", "held_y"))
    return {arm: [trained(arm, seed, (x, y.long()), epochs, (held_x, held_y.long())) for seed in range(seeds)]
            for arm in ARMS}  # fmt: skip


def trained(arm: str, seed: int, examples: Any, epochs: int, held_out: Any) -> float:
    """One run: AdamW, a warm-up and a cosine decay, judged once at its end."""
    torch.manual_seed(seed)
    model, (x, y) = network(x_size=examples[0].shape[1], normalized=arm == ARMS[1]), examples
    optimizer = torch.optim.AdamW(model.parameters(), PEAK, weight_decay=DECAY, fused=True)
    updates, step = epochs * math.ceil(len(x) / BATCH), 0
    for _ in range(epochs):
        for indices in torch.randperm(len(x)).split(BATCH):
            optimizer.param_groups[0]["lr"] = rate(step, updates)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[indices]), y[indices]).backward()
            optimizer.step()
            step += 1
    with torch.no_grad():
        return float(nn.functional.cross_entropy(model(held_out[0]), held_out[1]))


def rate(step: int, updates: int) -> float:
    """Up along a line, then down along half a cosine."""
    warm = round(WARM * updates)
    if step < warm:
        return PEAK * step / warm
    return PEAK * (1 + math.cos(math.pi * (step - warm) / max(1, updates - warm - 1))) / 2


def network(x_size: int, normalized: bool) -> nn.Sequential:
    """Two hidden layers with ReLU; normalized: LayerNorm in front of each."""
    layers: list[nn.Module] = []
    for fan_in in (x_size, WIDTH):
        layers += [nn.Linear(fan_in, WIDTH), *([nn.LayerNorm(WIDTH)] if normalized else []), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, CLASSES))


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[4]))
    print(json.dumps(proof(dict(np.load(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]))))
