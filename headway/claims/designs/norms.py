"""What normalization does to a batch: means and variances beside NumPy's, and which rows see each other."""

from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from headway.claims.design import Exact, Measures
from headway.models.transformer import Placement, post_ln, pre_ln, transformer_block
from headway.network.dense import Dense
from headway.network.initialization import Zeros
from headway.network.layer import Context, Layer, State, apply, initialize
from headway.network.normalization import BatchNorm, LayerNorm, Normalization

Array = np.ndarray
Axes = tuple[int, ...]
Mode = Literal["train", "eval"]
EXAMPLES, SIDE, CHANNELS, WIDTH, TIME = 16, 5, 6, 8, 6
KEY = jax.random.key(0)


def images() -> Array:
    """A batch [examples, height, width, channels], its mean and size different in every channel and example."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(EXAMPLES, SIDE, SIDE, CHANNELS)) * rng.uniform(1, 5, size=CHANNELS)
    return (x * rng.uniform(0.5, 2, size=(EXAMPLES, 1, 1, 1)) + rng.normal(size=CHANNELS)).astype(np.float32)


def rows() -> Array:
    """A batch [examples, features]."""
    return images()[:, 0, 0]


def output(layer: Layer, x: Array, mode: Mode, state: State | None = None) -> Array:
    """The output for a batch, in training or evaluation, with parameters as they are first."""
    return np.asarray(_output(layer, mode, jnp.asarray(x), state))


@partial(jax.jit, static_argnums=(0, 1))
def _output(layer: Layer, mode: Mode, x: jax.Array, state: State | None) -> jax.Array:
    params, first = initialize(layer, x.shape[1:], KEY)
    return apply(layer, params, x, state or first, Context(mode))[0]


def moments(norm: Normalization, x: Array, axes: Axes, others: Axes) -> Measures:
    """How far means are from 0 and variances from 1 over the axes that are said, and over others; and y from NumPy."""
    y = output(norm, x, "train").astype(np.float64)
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + norm.epsilon)
    return {
        "mean": float(np.abs(y.mean(axes)).max()), "variance": float(np.abs(y.var(axes) - 1).max()),
        "other mean": float(np.abs(y.mean(others)).max()), "apart": float(np.abs(y - expected).max()),
    }  # fmt: skip


def seen(norm: Normalization, mode: Mode) -> Measures:
    """How far a row's output moves when all the other rows of its batch become others."""
    x = rows()
    changed = np.concatenate([x[:1], 3 * x[1:] + 1])
    return {"moved": float(np.abs(output(norm, x, mode)[0] - output(norm, changed, mode)[0]).max())}


def running() -> Measures:
    """How far the running mean and variance after four batches are from the weighted mean over batches by formula."""
    norm, rng = BatchNorm(), np.random.default_rng(1)
    params, state = initialize(norm, (CHANNELS,), KEY)
    batches = [rng.normal(size=(EXAMPLES, CHANNELS)).astype(np.float32) * (k + 1) + k for k in range(4)]
    for x in batches:
        state = apply(norm, params, jnp.asarray(x), state, Context("train"))[1]
    weights = 0.1 * 0.9 ** np.arange(4)[::-1] / (1 - 0.9**4)
    mean = sum(w * x.mean(0) for w, x in zip(weights, batches, strict=True))
    variance = sum(w * x.var(0, ddof=1) for w, x in zip(weights, batches, strict=True))
    apart = max(np.abs(state["mean"] - mean).max(), np.abs(state["variance"] - variance).max())
    expected = (batches[0] - mean) / np.sqrt(variance + norm.epsilon)
    used = np.abs(output(norm, batches[0], "eval", state) - expected).max()
    return {"apart": float(apart), "output apart": float(used)}


def pair() -> Measures:
    """How far |y| is from 1 in a batch of two: in training no more than a sign is left of each number."""
    return {"from a sign": float(np.abs(np.abs(output(BatchNorm(), 10 * rows()[:2], "train")) - 1).max())}


def placed(placement: Placement) -> Measures:
    """What a sublayer that gives 0 leaves of x: how far the output is from x, and from x normalized, in NumPy."""
    x = rows()
    y = output(placement(Dense(CHANNELS, init=Zeros())), x, "train")
    normalized = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    return {"from x": float(np.abs(y - x).max()), "from normalized": float(np.abs(y - normalized).max())}


def leak(norm: Normalization, mode: Mode) -> Measures:
    """How far the output at a time moves when later tokens change, in a block of causal attention with this norm."""
    block = transformer_block(2, 2 * WIDTH, placement=partial(pre_ln, norm=norm), causal=True)
    x = np.random.default_rng(0).normal(size=(4, TIME, WIDTH)).astype(np.float32)
    later = x.copy()
    later[:, TIME // 2 :] = 2 * x[:, TIME // 2 :] + 1
    moved = np.abs(output(block, x, mode) - output(block, later, mode))
    return {"before": float(moved[:, : TIME // 2].max()), "after": float(moved[:, TIME // 2 :].max())}


DESIGNS = {
    "moments": Exact(
        "Norms as they are first, scale 1 and shift 0, on 16 examples in float32. `mean`, `variance`: how far means "
        "are from 0 and variances from 1 over the axes of the kind; `other mean`: the same over the other axes; "
        "`apart`: y from NumPy's, of `running` the running statistics; `moved`: what other rows do to a row; `before`, "
        "`after`: what changed tokens do to the outputs before and behind them in a causal block.",
        {
            "batchnorm": partial(moments, BatchNorm(), rows(), (0,), (1,)),
            "batchnorm of images": partial(moments, BatchNorm(), images(), (0, 1, 2), (3,)),
            "layernorm": partial(moments, LayerNorm(), rows(), (1,), (0,)),
            "layernorm of images": partial(moments, LayerNorm(), images(), (3,), (0, 1, 2)),
            "other rows, batchnorm": partial(seen, BatchNorm(), "train"),
            "other rows, batchnorm evaluated": partial(seen, BatchNorm(), "eval"),
            "other rows, layernorm": partial(seen, LayerNorm(), "train"),
            "running": running, "pair": pair,
            "pre-ln": partial(placed, pre_ln), "post-ln": partial(placed, post_ln),
            "leak, batchnorm": partial(leak, BatchNorm(), "train"),
            "leak, batchnorm evaluated": partial(leak, BatchNorm(), "eval"),
            "leak, layernorm": partial(leak, LayerNorm(), "train"),
        },
    ),
}  # fmt: skip
