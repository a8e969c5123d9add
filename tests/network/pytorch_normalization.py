"""What PyTorch's norms give in float64, forward and backward: the file pytorch_normalization.npz beside this script.

Made with PyTorch 2.13.0 by `python tests/network/pytorch_normalization.py`; the tests only read the file.
Arrays are channels-last: x [2 batches, batch, height, width, channels]. The gradients are those of sum(sin(y)) for
the second batch. BatchNorm sees both batches; `running/…` are its statistics after them, `eval/y` is made with these.
"""

from pathlib import Path

import numpy as np
import torch

EPSILON, MOMENTUM, GROUPS = 1e-3, 0.9, 3


def channels_first(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 3, 1, 2)


def figures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x, g, b = rng.normal(1.0, 2.0, size=(2, 4, 3, 2, 6)), rng.normal(size=6), rng.normal(size=6)
    found = {"x": x, "g": g, "b": b}
    norms = {
        "LayerNorm": torch.nn.LayerNorm(6, eps=EPSILON, dtype=torch.float64),
        "RMSNorm": torch.nn.RMSNorm(6, eps=EPSILON, dtype=torch.float64),
        "GroupNorm": torch.nn.GroupNorm(GROUPS, 6, eps=EPSILON, dtype=torch.float64),
        "BatchNorm": torch.nn.BatchNorm2d(6, eps=EPSILON, momentum=1 - MOMENTUM, dtype=torch.float64),
    }
    for name, norm in norms.items():
        with torch.no_grad():
            for parameter, value in zip(norm.parameters(), (g, b), strict=False):
                parameter.copy_(torch.tensor(value))
        turned = name in ("GroupNorm", "BatchNorm")
        for batch in x:
            norm.zero_grad()
            leaf = torch.tensor(batch, requires_grad=True)
            y = norm(channels_first(leaf)).permute(0, 2, 3, 1) if turned else norm(leaf)
            torch.sin(y).sum().backward()
        found |= {f"{name}/y": y.detach().numpy(), f"{name}/x": leaf.grad.numpy()}
        found |= {f"{name}/{p}": v.grad.numpy() for p, v in zip("gb", norm.parameters(), strict=False)}
    batch_norm = norms["BatchNorm"].eval()
    y = batch_norm(channels_first(torch.tensor(x[0]))).permute(0, 2, 3, 1)
    running = {"mean": batch_norm.running_mean, "variance": batch_norm.running_var}
    return found | {"eval/y": y.detach().numpy()} | {f"running/{k}": v.numpy() for k, v in running.items()}


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **figures())
