"""Short labs on foundations: a pass forward and back, what activations are for, the gradient along a chain."""

from typing import Any

import numpy as np

from headway.labs.lab import Lab
from headway.labs.questions import Numbers, Question, Questions


def two_units(rng: np.random.Generator) -> Numbers:
    """Numbers with which one unit is on and the other off."""
    while True:
        x, W, b = rng.integers(1, 4, 2), rng.choice([-3, -2, -1, 1, 2, 3], (2, 2)), rng.integers(-2, 3, 2)
        if sorted(x @ W + b > 0) == [False, True]:
            v = rng.choice([-3, -2, 2, 3], 2)
            return {"x": x, "W": W, "b": b, "v": v, "c": int(rng.integers(-2, 3)), "t": int(rng.integers(-9, 10))}


BACKWARD = Lab(
    "backward-pass", "Forward and back by hand",
    "Work out a forward and a backward pass of a small network on paper",
    """\
A network of two units takes two inputs to one number, and is told by t what it should have been:

    z = x W + b    h = ReLU(z)    y = h · v + c    L = ½ (y − t)²

Work out the values, then the gradients from the loss back. dv stands for dL/dv, and so on.""",
    Questions(two_units, (
        Question("h", "the outputs of the units, [2]", lambda x, W, b: np.maximum(x @ W + b, 0), {
            "ReLU is missing: of the two sums one is below 0.": lambda x, W, b: x @ W + b,
            "The weights are taken by rows: unit j has column j of W.": lambda x, W, b: np.maximum(x @ W.T + b, 0),
            "The bias is missing.": lambda x, W: np.maximum(x @ W, 0),
        }),
        Question("y", "the output of the network", lambda h, v, c: h @ v + c, {
            "The bias c is missing.": lambda h, v: h @ v,
            "This is the mean of the products: a unit takes their sum.": lambda h, v, c: h @ v / 2 + c,
        }),
        Question("dy", "dL/dy", lambda y, t: y - t, {
            "The sign is wrong: L grows with y where y is above t.": lambda y, t: t - y,
            "The factor ½ takes the 2 of the square away.": lambda y, t: 2 * (y - t),
            "This is the loss: its slope is asked for.": lambda y, t: (y - t) ** 2 / 2,
        }),
        Question("dv", "dL/dv, [2]", lambda dy, h: dy * h, {
            "y = h · v: what multiplies v is h, not v.": lambda dy, v: dy * v,
            "This is dy/dv: times dL/dy by the chain rule.": lambda h: h,
        }),
        Question("dz", "dL/dz, [2]", lambda dy, v, h: dy * v * (np.asarray(h) > 0), {
            "A unit that is off passes nothing back: the slope of ReLU there is 0.": lambda dy, v: dy * v,
            "The slope of ReLU is 1 or 0, not its value.": lambda dy, v, h: dy * v * h,
        }),
        Question("dW", "dL/dW, [2, 2]", lambda x, dz: np.outer(x, dz), {
            "The entries are in each other's places: row i belongs to input i.": lambda x, dz: np.outer(dz, x),
            "What multiplies W is x: here it is missing.": lambda dz: np.outer(np.ones(2), dz),
        }),
        Question("dx", "dL/dx, [2]", lambda dz, W: W @ dz, {
            "On the way back it is Wᵀ: input i sums over row i of W.": lambda dz, W: dz @ W,
        }),
    )),
    claims=("R02", "R16", "F18"),
)  # fmt: skip


def two_layers(rng: np.random.Generator) -> Numbers:
    """Two square layers without an activation, and two levels for the corners of a square."""
    low = int(rng.integers(0, 3))
    return {
        "W1": rng.integers(-3, 4, (2, 2)), "b1": rng.integers(1, 4, 2), "W2": rng.integers(-3, 4, (2, 2)),
        "b2": rng.integers(1, 4, 2), "low": low, "high": low + int(rng.integers(3, 8)),
    }  # fmt: skip


def xor_error(low: float, high: float) -> float:
    """The least mean squared error of a linear model at the corners of a square, opposite ones of one level."""
    corners = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
    targets = np.array([low, high, high, low], float)
    made = corners @ np.linalg.lstsq(corners, targets, rcond=None)[0]
    return float(np.mean((made - targets) ** 2))


LINEAR = Lab(
    "no-activation", "What is lost without activations",
    "Show what a network loses when its activation functions are taken out",
    """\
Two layers without an activation, y = (x W1 + b1) W2 + b2, are one layer, y = x W + b. Find it.

Then XOR: at the corners (0, 0) and (1, 1) the target is `low`, at (0, 1) and (1, 0) it is `high`. What is the smallest
mean squared error over the four corners that any depth of such layers can reach?""",
    Questions(two_layers, (
        Question("W", "the weights of the one layer, [2, 2]", lambda W1, W2: W1 @ W2, {
            "The order is wrong: x meets W1 first, x W1 W2.": lambda W1, W2: W2 @ W1,
            "One layer acts on what the other made: they multiply, they do not add.": lambda W1, W2: W1 + W2,
            "These are the products entry by entry: it is the product of the matrices.": lambda W1, W2: W1 * W2,
        }),
        Question("b", "its bias, [2]", lambda b1, W2, b2: b1 @ W2 + b2, {
            "b1 passes through the second layer too: it meets W2.": lambda b1, b2: b1 + b2,
            "b1 is lost: (x W1 + b1) W2 has the part b1 W2.": lambda b2: b2,
            "b1 is taken by the rows of W2: it is b1 W2.": lambda b1, W2, b2: W2 @ b1 + b2,
        }),
        Question("error", "the smallest mean squared error at the four corners", xor_error, {
            "No line separates the corners: an error of 0 takes an activation.": lambda: 0.0,
            "The best is the mean of both levels everywhere; this is how far it is off, not squared.":
                lambda low, high: (high - low) / 2,
            "This is the error of a model that gives the wrong level everywhere.": lambda low, high: (high - low) ** 2,
        }),
    )),
    claims=("R06",),
)  # fmt: skip


def sigmoid(z: Any) -> Any:
    """1 / (1 + e^−z)."""
    return 1 / (1 + np.exp(-z))


def outputs(h0: float, w: np.ndarray) -> np.ndarray:
    """h_k = σ(w_k h_(k−1)), one after the other."""
    h = [h0]
    for weight in w:
        h.append(float(sigmoid(weight * h[-1])))
    return np.array(h[1:])


CHAIN = Lab(
    "gradient-chain", "The gradient along a chain",
    "Follow the gradient of a small network from the loss back to the first weight",
    """\
Five layers of one unit each, h_k = σ(w_k h_(k−1)) with the sigmoid σ(z) = 1 / (1 + e^−z), and L = h_5.
Its slope is σ′ = σ (1 − σ). Follow the gradient from L back to h_0 and to the first weight.""",
    Questions(lambda rng: {"h0": float(rng.integers(1, 4)), "w": rng.choice([-2.0, -1.5, 0.5, 1.5, 2.0, 3.0], 5)}, (
        Question("h", "h_1 to h_5, [5]", outputs, {
            "These are sums w h: the sigmoid is missing.": lambda h0, w: h0 * np.cumprod(w),
            "Every layer starts from h0 here: it takes what the one before it made.": lambda h0, w: sigmoid(w * h0),
        }),
        Question("slopes", "σ′ in each layer, [5]", lambda h: h * (1 - h), {
            "This is the slope of tanh: σ′ = σ (1 − σ).": lambda h: 1 - h**2,
            "σ is applied once more: h is σ(z) already.": lambda h: sigmoid(h) * (1 - sigmoid(h)),
            "These are the values of σ, not its slopes.": lambda h: h,
        }),
        Question("factors", "dh_k / dh_(k−1) for each layer, [5]", lambda slopes, w: slopes * w, {
            "The weights are missing: z = w h, so that dz/dh = w.": lambda slopes: slopes,
            "The slopes are missing.": lambda w: w,
        }),
        Question("dh0", "dL/dh_0", lambda factors: np.prod(factors), {
            "The factors of a chain multiply: this is their sum.": lambda factors: np.sum(factors),
            "The first layer's factor is missing.": lambda factors: np.prod(factors[1:]),
        }),
        Question("dw1", "dL/dw_1", lambda factors, slopes, h0: np.prod(factors[1:]) * slopes[0] * h0, {
            "This is dL/dh_0: in the first layer it is dz/dw = h_0 that counts, not w.": lambda dh0: dh0,
            "What multiplies w_1 is h_0: it is missing.": lambda factors, slopes: np.prod(factors[1:]) * slopes[0],
        }),
        Question("decades", "log10 of |dL/dh_0|", lambda dh0: np.log10(np.abs(dh0)), {
            "The logarithm to base 10 is asked for.": lambda dh0: np.log(np.abs(dh0)),
            "The sign is wrong: below 1 the logarithm is negative.": lambda dh0: -np.log10(np.abs(dh0)),
        }),
    )),
    claims=("R16", "F19", "N01"),
)  # fmt: skip
LABS = (BACKWARD, LINEAR, CHAIN)
