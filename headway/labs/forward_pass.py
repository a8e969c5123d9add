"""Trace a forward pass: every value of a small network between its inputs and its loss."""

import numpy as np

from headway.labs.lab import Lab
from headway.labs.questions import Numbers, Question, Questions

TEXT = """\
A network of two layers classifies two examples, one in each row of x, in three classes:

    z1 = x W1 + b1    h1 = ReLU(z1)    z2 = h1 W2 + b2    p = softmax(z2)
    loss = the mean over the examples of −ln p[example, its class]

Column j of W1 holds the weights of unit j. Work out every value below, on paper or with a few lines of Python, and
write the numbers in place of None; four digits will do. Each answer is judged by what follows from the one before it
as you wrote it, so that a slip costs once."""

NO_BIAS = "The bias b is not in it: it is added to every weighted sum."
TRANSPOSED = "The weights are taken by rows: unit j has column j of W, so that it is x W, not x Wᵀ."
MEAN = "This is the mean of the products: a unit takes their sum."
BEFORE = "The activation came before the sum: first the weighted sum of the inputs as they are, then ReLU."
FORGOTTEN = "This is made from z1: ReLU stands between z1 and the second layer."
AXIS = "The columns add up to 1: softmax is over the classes of one example, along each row."
NO_EXP = "These are shares of z2 itself: softmax takes the exponentials first."
ONE_EXP = "These are exponentials: each row is still to be divided by its sum."
SIGMOID = "This is the sigmoid of every number by itself: softmax weighs the classes against each other."
ABSOLUTE = "These are absolute values: ReLU makes 0 of what is negative."
SUM = "This is the sum over the examples: the loss is their mean."
SIGN = "The sign is wrong: −ln p is never below 0."
DECIMAL = "The logarithm is the natural one, ln."
WRONG_CLASS = "This is −ln of the largest probability: the loss looks at the class that the example has."


def given(rng: np.random.Generator) -> Numbers:
    """Whole and half numbers, small enough to calculate with; some units off, none for both examples."""
    return {
        "x": rng.integers(-3, 4, (2, 3)), "W1": weights(rng), "b1": rng.integers(-2, 3, 3),
        "W2": weights(rng) / 4, "b2": rng.integers(-2, 3, 3) / 2, "classes": rng.integers(0, 3, 2),
    }  # fmt: skip


def weights(rng: np.random.Generator) -> np.ndarray:
    """Weights of three units with three inputs, none of them 0."""
    return rng.choice([-2, -1, 1, 2], (3, 3))


def relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


def softmax(z: np.ndarray, axis: int = 1) -> np.ndarray:
    """e^z over its sum along an axis."""
    e = np.exp(z - z.max())
    return e / e.sum(axis=axis, keepdims=True)


def surprise(p: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """−ln of the probability of each example's class."""
    return -np.log(np.maximum(p[np.arange(2), np.asarray(classes, int)], 1e-30))


ASKS = (
    Question("z1", "what the first layer's units sum up to, [2, 3]", lambda x, W1, b1: x @ W1 + b1, {
        NO_BIAS: lambda x, W1: x @ W1,
        TRANSPOSED: lambda x, W1, b1: x @ W1.T + b1,
        BEFORE: lambda x, W1, b1: relu(x) @ W1 + b1,
        MEAN: lambda x, W1, b1: x @ W1 / 3 + b1,
    }),
    Question("h1", "the first layer's outputs, [2, 3]", lambda z1: relu(z1), {
        "Nothing has changed: ReLU makes 0 of what is negative.": lambda z1: z1,
        ABSOLUTE: lambda z1: np.abs(z1),
        SIGMOID: lambda z1: 1 / (1 + np.exp(-z1)),
    }),
    Question("z2", "what the second layer's units sum up to, [2, 3]", lambda h1, W2, b2: h1 @ W2 + b2, {
        NO_BIAS: lambda h1, W2: h1 @ W2,
        TRANSPOSED: lambda h1, W2, b2: h1 @ W2.T + b2,
        FORGOTTEN: lambda z1, W2, b2: z1 @ W2 + b2,
        MEAN: lambda h1, W2, b2: h1 @ W2 / 3 + b2,
    }),
    Question("p", "the probabilities of the classes, [2, 3]", lambda z2: softmax(z2), {
        AXIS: lambda z2: softmax(z2, axis=0),
        NO_EXP: lambda z2: z2 / z2.sum(axis=1, keepdims=True),
        ONE_EXP: lambda z2: np.exp(z2),
        SIGMOID: lambda z2: 1 / (1 + np.exp(-z2)),
    }),
    Question("loss", "the loss, one number", lambda p, classes: surprise(p, classes).mean(), {
        SUM: lambda p, classes: surprise(p, classes).sum(),
        SIGN: lambda p, classes: -surprise(p, classes).mean(),
        DECIMAL: lambda p, classes: surprise(p, classes).mean() / np.log(10),
        WRONG_CLASS: lambda p: -np.log(np.maximum(p.max(axis=1), 1e-30)).mean(),
    }),
)  # fmt: skip
LAB = Lab(
    "forward-pass", "Trace a forward pass",
    "Computes every intermediate value of a forward pass through several layers", TEXT, Questions(given, ASKS),
    claims=("R01", "R02", "R06"),
)  # fmt: skip
