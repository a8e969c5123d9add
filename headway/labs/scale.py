"""Short labs on scale: what devices hold, what sixteen bits lose, and what recomputing saves."""

import numpy as np

from headway.labs.lab import Lab
from headway.labs.questions import Numbers, Question, Questions


def devices(rng: np.random.Generator) -> Numbers:
    """Parameters in millions, a batch, and how many devices share them."""
    return {"parameters": 10 * int(rng.integers(10, 90)), "batch": int(rng.choice([512, 1024])),
            "devices": int(rng.choice([4, 8]))}  # fmt: skip


PARALLEL = Lab(
    "data-or-model-parallel", "Data or model divided",
    "Say what each device holds when the data is divided, and what when the model is",
    """\
A network of so many million `parameters`, 4 bytes each, is trained on batches of `batch` examples by so many `devices`.
Divide the data: each device has the whole network and a part of the batch, and gradients are averaged by a ring
all-reduce, in which each device sends its gradients, less one part in `devices`, twice. Or divide the model: each
device has a part of every weight, and all of them see the whole batch. Count weights alone, in millions of bytes.""",
    Questions(devices, (
        Question("data_weights", "weights on a device where the data is divided, MB",
                 lambda parameters: 4.0 * parameters, {
            "Every device has the whole network: only the batch is divided.": lambda parameters, devices:
                4 * parameters / devices,
            "These are parameters: each has 4 bytes.": lambda parameters: parameters,
        }),
        Question("data_examples", "examples of a batch that a device sees there",
                 lambda batch, devices: batch / devices, {
            "The batch is what is divided.": lambda batch: batch,
        }),
        Question("data_sent", "what a device sends for every update there, MB",
                 lambda parameters, devices: 2 * (devices - 1) / devices * 4 * parameters, {
            "A ring goes round twice: once to sum, once to hand the sums out.": lambda parameters, devices:
                (devices - 1) / devices * 4 * parameters,
            "In a ring a device sends to its neighbour alone, part by part.": lambda parameters, devices:
                4 * parameters * (devices - 1),
            "Its own part a device need not send: it is (devices − 1) / devices of it.": lambda parameters:
                8 * parameters,
        }),
        Question("model_weights", "weights on a device where the model is divided, MB",
                 lambda parameters, devices: 4 * parameters / devices, {
            "Each device has its part of every weight, not all of it.": lambda parameters: 4 * parameters,
            "These are parameters: each has 4 bytes.": lambda parameters, devices: parameters / devices,
        }),
        Question("model_examples", "examples of a batch that a device sees there", lambda batch: 1.0 * batch, {
            "The model is divided, not the batch.": lambda batch, devices: batch / devices,
        }),
    )),
    claims=("R44", "R45", "C06", "F50", "F51"),
)  # fmt: skip


def sixteen_bits(rng: np.random.Generator) -> Numbers:
    """A weight and steps too small for it in bfloat16, and a gradient too small for float16."""
    exponent = int(rng.choice([-2, -1, 1, 2, 3]))
    return {
        "w": float(2.0**exponent * rng.choice([1.25, 1.5, 1.75])),
        "step": float(2.0**exponent * rng.choice([1e-3, 2e-3])),
        "updates": int(rng.choice([100, 200])), "g": float(f"{10 ** rng.uniform(-8, -6):.2g}"),
        "parameters": 10 * int(rng.integers(10, 90)),
    }  # fmt: skip


def spacing(w: float, bits: int) -> float:
    """How far numbers of so many bits behind the point lie apart around w."""
    return float(2.0 ** (np.floor(np.log2(w)) - bits))


def power_above(ratio: float) -> float:
    return float(2 ** np.ceil(np.log2(ratio)))


MIXED = Lab(
    "sixteen-bits", "What sixteen bits lose",
    "List what 16-bit arithmetic saves, and what has to stay in 32 bits for it",
    """\
bfloat16 has 7 bits behind the point, float16 has 10, float32 has 23: between 2^e and 2^(e+1) numbers lie 2^(e−bits)
apart, and a sum is rounded to the nearest. float16 is exact only down to 2^−14, its smallest normal number.""",
    Questions(sixteen_bits, (
        Question("apart", "how far numbers of bfloat16 lie apart around w", lambda w: spacing(w, 7), {
            "These are the bits of float16: bfloat16 has 7.": lambda w: spacing(w, 10),
            "These are the bits of float32: bfloat16 has 7.": lambda w: spacing(w, 23),
            "It depends on w: between 2^e and 2^(e+1) it is 2^(e−7).": lambda: 2.0**-7,
        }),
        Question("in_sixteen", "w after `step` was added `updates` times to a weight kept in bfloat16", lambda w: w, {
            "Each sum is rounded to the nearest: what is less than half as far as numbers lie apart is lost.":
                lambda w, step, updates: w + updates * step,
        }),
        Question("in_thirty_two", "the same where the weight is kept in float32, to four digits",
                 lambda w, step, updates: w + updates * step, {
            "Around w numbers of float32 lie a ten-millionth apart: the steps are kept.": lambda w: w,
        }),
        Question("loss_scale", "the smallest power of 2 by which the loss is multiplied so that g is normal in float16",
                 lambda g: power_above(2.0**-14 / g), {
            "This is the ratio itself: a power of 2 is exact, the next one above it.": lambda g: 2.0**-14 / g,
            "One less: with this g is still below 2^−14.": lambda g: power_above(2.0**-14 / g) / 2,
            "2^−24 is the smallest of all; below 2^−14 numbers lose bits already.": lambda g: power_above(2.0**-24 / g),
        }),
        Question("state", "MB for `parameters` million: weights and gradients in 16 bits, and in 32 bits a copy of\n"
                 "# the weights and Adam's two moments", lambda parameters: 16.0 * parameters, {
            "The copy of the weights in 32 bits is missing.": lambda parameters: 12 * parameters,
            "The gradients are missing.": lambda parameters: 14 * parameters,
            "Only weights and gradients are halved: the rest stays in 32 bits.": lambda parameters: 8 * parameters,
        }),
    )),
    claims=("R46", "X11", "F52", "F53", "N12"),
)  # fmt: skip


def a_run(rng: np.random.Generator) -> Numbers:
    """A depth that is a square, and another length of segments."""
    root = int(rng.choice([6, 8, 12]))
    return {"parameters": 10 * int(rng.integers(4, 30)), "layers": root**2, "each": int(rng.choice([30, 40, 70])),
            "segment": root // 2, "forward": float(rng.choice([0.3, 0.6, 1.2]))}  # fmt: skip


MEMORY = Lab(
    "recompute", "What recomputing saves, and costs",
    "Work out the memory of a run, what recomputing would save of it, and at what cost in time",
    """\
A network of `parameters` million, all in float32, is trained by Adam. Each of its `layers` keeps `each` MB of outputs
for the backward pass. Instead, keep what comes out of every `segment` layers, and compute a segment again, its outputs
kept, when the backward pass comes to it. A forward pass takes `forward` s, a backward pass twice that.""",
    Questions(a_run, (
        Question("state", "weights, gradients and Adam's moments, MB", lambda parameters: 16.0 * parameters, {
            "These are the weights alone.": lambda parameters: 4 * parameters,
            "The gradients are missing.": lambda parameters: 12 * parameters,
            "Adam has two moments for every weight.": lambda parameters: 8 * parameters,
        }),
        Question("kept", "outputs, where all are kept, MB", lambda layers, each: 1.0 * layers * each, {
            "This is one layer's.": lambda each: each,
        }),
        Question("kept_in_segments", "outputs at the most, in segments of `segment` layers, MB",
                 lambda layers, each, segment: (layers / segment + segment) * each, {
            "The segment that is computed again is kept meanwhile: its outputs count too.":
                lambda layers, each, segment: layers / segment * each,
            "What is kept between segments counts too.": lambda each, segment: segment * each,
        }),
        Question("best_segment", "the length of segments at which that is least", lambda layers: np.sqrt(layers), {
            "n/k + k is least where both are equal.": lambda layers: layers / 2,
            "Segments of one layer keep everything.": lambda: 1.0,
        }),
        Question("least", "outputs at the most with these segments, MB",
                 lambda layers, each: 2 * np.sqrt(layers) * each, {
            "There are two parts, of equal size here.": lambda layers, each: np.sqrt(layers) * each,
        }),
        Question("time", "seconds for a forward and a backward pass with recomputing", lambda forward: 4 * forward, {
            "The second forward pass, segment by segment, is missing.": lambda forward: 3 * forward,
            "Only the forward pass is computed again, once.": lambda forward: 6 * forward,
            "Each segment is computed again once, not twice.": lambda forward: 5 * forward,
        }),
    )),
    claims=("R47", "X12", "C07", "F54"),
)  # fmt: skip
LABS = (PARALLEL, MIXED, MEMORY)
