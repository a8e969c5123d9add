"""What PyTorch gives on padded sequences in float64, forward and backward: the file pytorch_sequences.npz beside this.

Made with PyTorch 2.13.0 by `python tests/network/pytorch_sequences.py`; the tests only read the file.
x [batch, time, width] has sequences of the lengths `length`, padded on the right. Weights act from the right, as in
y = x w. The gradients are those of the sum of sin(y) over what is not padding; of the cross-entropy, its own.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

HEADS, WIDTH, UNITS, CLASSES = 2, 4, 3, 5
LENGTH = np.array([5, 2, 4])


def attention(x: torch.Tensor, real: torch.Tensor, causal: bool) -> dict[str, np.ndarray]:
    """`MultiheadAttention` with a padding mask: q, k and v are columns of one matrix."""
    layer = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, dtype=torch.float64)
    torch.nn.init.normal_(layer.in_proj_bias)
    torch.nn.init.normal_(layer.out_proj.bias)
    later = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), diagonal=1) if causal else None
    leaf = x.clone().requires_grad_()
    y, _ = layer(leaf, leaf, leaf, key_padding_mask=~real, attn_mask=later, need_weights=False)
    torch.sin(y[real]).sum().backward()
    found = {"y": y, "x": leaf.grad, "wo": layer.out_proj.weight.T, "bo": layer.out_proj.bias}
    found |= {"dwo": layer.out_proj.weight.grad.T, "dbo": layer.out_proj.bias.grad}
    for i, name in enumerate("qkv"):
        at = slice(i * WIDTH, (i + 1) * WIDTH)
        found |= {f"w{name}": layer.in_proj_weight[at].T, f"b{name}": layer.in_proj_bias[at]}
        found |= {f"dw{name}": layer.in_proj_weight.grad[at].T, f"db{name}": layer.in_proj_bias.grad[at]}
    return {name: value.detach().numpy() for name, value in found.items()}


def gru(x: torch.Tensor) -> dict[str, np.ndarray]:
    """A GRU over packed sequences: its state behind the last place of each that is not padding."""
    layer = torch.nn.GRU(WIDTH, UNITS, batch_first=True, dtype=torch.float64)
    packed = pack_padded_sequence(x, torch.tensor(LENGTH), batch_first=True, enforce_sorted=False)
    _, last = layer(packed)
    found = {"u": layer.weight_ih_l0.T, "v": layer.weight_hh_l0.T, "b": layer.bias_ih_l0, "c": layer.bias_hh_l0}
    return {name: value.detach().numpy() for name, value in (found | {"last": last[0]}).items()}


def cross_entropy(rng: np.random.Generator, real: torch.Tensor) -> dict[str, np.ndarray]:
    """The mean over all places but those of the label −100."""
    z = torch.tensor(rng.normal(size=(*real.shape, CLASSES)), requires_grad=True)
    labels = torch.tensor(rng.integers(0, CLASSES, real.shape)).masked_fill(~real, -100)
    loss = functional.cross_entropy(z.flatten(0, 1), labels.flatten(), label_smoothing=0.1)
    loss.backward()
    found = {"z": z, "labels": labels, "loss": loss, "dz": z.grad}
    return {name: value.detach().numpy() for name, value in found.items()}


def figures() -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(len(LENGTH), LENGTH.max(), WIDTH)))
    real = torch.tensor(np.arange(LENGTH.max()) < LENGTH[:, None])
    parts = {"attention": attention(x, real, False), "causal": attention(x, real, True), "gru": gru(x)}
    parts["cross_entropy"] = cross_entropy(rng, real)
    found = {f"{part}/{name}": value for part, values in parts.items() for name, value in values.items()}
    return found | {"x": x.numpy(), "length": LENGTH}


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **figures())
