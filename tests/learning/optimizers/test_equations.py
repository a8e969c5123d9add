"""Every optimizer beside its equations, written as the books have them, one array at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from headway.learning.optimizers.adaptive import AdamW, Lion, RMSProp
from headway.learning.optimizers.optimizer import apply_updates
from headway.learning.optimizers.sgd import SGD
from headway.learning.schedules.compose import Warmup
from headway.learning.schedules.decay import Cosine

rng = np.random.default_rng(0)
THETA = {"w": rng.normal(size=(3, 4)), "b": np.linspace(-1, 2, 4)}
SCHEDULE = Warmup(10, then=Cosine(0.05, steps=90))


def rate(i):
    """SCHEDULE, as the book writes it."""
    return 0.05 * i / 10 if i < 10 else 0.05 * (1 + np.cos(np.pi * (i - 10) / 90)) / 2


def close(a, b, **tolerance):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


def textbook_sgd(theta, g, s, t):
    return theta - 0.01 * g


def textbook_momentum(theta, g, s, t):
    s["v"] = 0.9 * s["v"] + g
    return theta - 0.01 * s["v"]


def textbook_nesterov(theta, g, s, t):
    s["v"] = 0.9 * s["v"] + g
    return theta - 0.01 * (g + 0.9 * s["v"])


def textbook_adamw(theta, g, s, t):
    s["m"] = 0.9 * s["m"] + 0.1 * g
    s["v"] = 0.99 * s["v"] + 0.01 * g**2
    m_hat = s["m"] / (1 - 0.9**t)
    v_hat = s["v"] / (1 - 0.99**t)
    decay = 0.1 if theta.ndim == 2 else 0.0
    return theta - rate(t - 1) * (m_hat / (np.sqrt(v_hat) + 1e-6) + decay * theta)


def textbook_rmsprop(theta, g, s, t):
    s["v"] = 0.95 * s["v"] + 0.05 * g**2
    s["u"] = 0.8 * s["u"] + g / (np.sqrt(s["v"]) + 1e-6)
    return theta - rate(t - 1) * s["u"]


def textbook_lion(theta, g, s, t):
    d = np.sign(0.8 * s["m"] + 0.2 * g)
    s["m"] = 0.95 * s["m"] + 0.05 * g
    decay = 0.1 if theta.ndim == 2 else 0.0
    return theta - rate(t - 1) * (d + decay * theta)


@pytest.mark.parametrize(
    ("optimizer", "textbook"),
    [
        (SGD(0.01), textbook_sgd),
        (SGD(0.01, momentum=0.9), textbook_momentum),
        (SGD(0.01, momentum=0.9, nesterov=True), textbook_nesterov),
        (AdamW(SCHEDULE, b2=0.99, eps=1e-6, weight_decay=0.1), textbook_adamw),
        (RMSProp(SCHEDULE, smoothing=0.95, momentum=0.8, eps=1e-6), textbook_rmsprop),
        (Lion(SCHEDULE, b1=0.8, b2=0.95, weight_decay=0.1), textbook_lion),
    ],
    ids=["sgd", "momentum", "nesterov", "adamw", "rmsprop", "lion"],
)
def test_a_hundred_steps_agree_with_the_textbook_line_by_line(optimizer, textbook):
    with jax.enable_x64(True):
        theta = {name: np.asarray(p, float) for name, p in THETA.items()}
        state = {name: {"m": 0 * p, "v": 0 * p, "u": 0 * p} for name, p in theta.items()}
        wide = jax.tree.map(jnp.asarray, theta)
        transformation = optimizer.transformation()
        memory = transformation.init(wide)
        update = jax.jit(transformation.update)
        for t in range(1, 101):
            g = {name: np.sin(3 * p) + p for name, p in theta.items()}
            updates, memory = update({name: jnp.sin(3 * p) + p for name, p in wide.items()}, memory, wide)
            wide = apply_updates(wide, updates)
            theta = {name: textbook(p, g[name], state[name], t) for name, p in theta.items()}
        close(wide, theta, rtol=1e-10, atol=1e-12)
        assert memory["count"] == 100
        for moment in memory.keys() - {"count"}:
            close(memory[moment], {name: s[moment] for name, s in state.items()}, rtol=1e-9, atol=1e-12)
