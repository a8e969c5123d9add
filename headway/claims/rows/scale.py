"""Claims of the group Training at Scale: several devices, sixteen bits, and what is not kept."""

from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Level

EXACT = 1e-12
"""Gradients of about 1 in float64, by sums in another order."""
SAME = 1e-6
"""The same in float32."""
LOSS = 0.02
"""Validation loss on digits: what would make one choose the other precision."""
APART = 0.01
"""Gradients of about 1 that are so far apart are those of different batches."""
HALVES = (Bounded("apart", arm="halves", high=EXACT), Bounded("equal", arm="halves", low=1.0))
PARTS = (
    Limit("of unequal parts the mean of their means is not that of the batch",
          shown_by=Bounded("apart", arm="unequal parts", low=APART)),
    Limit("BatchNorm normalizes every part by itself",
          shown_by=Bounded("apart", arm="halves with batchnorm", low=APART)),
)  # fmt: skip
SPLIT = (
    Bounded("apart", arm="layers", high=0.0), Bounded("share", arm="layers", high=0.6),
    Bounded("apart", arm="weights", high=SAME), Bounded("share", arm="weights", high=0.6),
)  # fmt: skip
RECOMPUTED = Claim(
    "R47",
    says="Large-Scale Training —technique→ Gradient Checkpointing",
    check="experiment",
    design="memory.kept",
    needs=(
        Bounded("gradients apart", arm="recompute", high=SAME),
        Bounded("share", arm="recompute", high=0.3),
        Bounded("work", arm="recompute", low=1.1, high=1.6),
    ),
    limits=(Limit("an update takes more than 1.6 times as long", shown_by=Bounded("time", arm="recompute", low=1.6)),),
    scope="16 residual blocks of width 128 with dropout, 256 examples, on a CPU",
    remark="The backward pass makes the forward pass of every block once more: a third more multiply-adds. What that "
    "costs on a clock is a limit, since a clock is not the same twice.",
)
CLAIMS = (
    Claim(
        "R44", says="Large-Scale Training —technique→ Data Parallelism", check="identity", design="devices.parallel",
        needs=HALVES, limits=PARTS, remark="Parts of one size, of layers that treat every example alone.",
    ),
    Claim(
        "F50", says="Data Parallelism → Replicate Model, Split Data", check="identity", design="devices.parallel",
        needs=HALVES, limits=PARTS, remark="The copies stay equal to the bit; they are the model of the whole batch "
        "where the parts are of one size and every example is treated alone.",
    ),
    Claim(
        "R45", says="Large-Scale Training —technique→ Model Parallelism", check="identity", design="devices.parallel",
        needs=SPLIT, remark="Layers shared out give the same to the bit; divided weights sum in another order.",
    ),
    Claim("F51", says="Model Parallelism → Split Model Across GPUs", check="identity", design="devices.parallel",
          needs=SPLIT, remark="Shown on two virtual devices of a CPU."),
    Claim(
        "X10", says="Data Parallelism —enables→ Multi-GPU", check="ill-typed", design="devices.parallel",
        needs=(Bounded("refused", arm="more than there are", low=1.0), Bounded("apart", arm="layers", high=0.0),
               Bounded("share", arm="layers", high=0.6)),
        replaced_by=("F50",),
        remark="It is the other way round: data parallelism needs several devices, and these can be used without it.",
    ),
    Claim(
        "R46", says="Large-Scale Training —technique→ Mixed Precision", check="experiment", design="precision.training",
        needs=(Bounded("activations", arm="mlp in 16 bits", low=0.4, high=0.6),
               Alike("validation loss", arm="digits, bfloat16", than="digits, float32", within=LOSS)),
        control=(Level("validation loss", arm="digits, float32", high=0.5),),
        sham=(Alike("validation loss", arm="digits, sham", than="digits, float32", within=LOSS),),
        limits=(Limit("a transformer keeps more than 0.6: what norms and the softmax of attention need is float32",
                      shown_by=Bounded("activations", arm="transformer in 16 bits", low=0.6)),),
        scope="bfloat16 on a CPU; an MLP of 64 units on digits, 300 updates of Adam",
        remark="What a plain network keeps is about halved, and its loss is that of float32.",
    ),
    Claim(
        "X11", says="Mixed Precision —reduces→ Memory", check="experiment", design="memory.kept",
        needs=(Bounded("activations", arm="mlp in 16 bits", high=0.6),
               Bounded("activations", arm="transformer in 16 bits", high=0.8)),
        limits=(Limit("of the weights it makes more: float32 and a copy in 16 bits",
                      shown_by=Bounded("bytes a parameter", arm="mlp in 16 bits", low=5.0)),),
        scope="three layers of 128 units; four blocks of a transformer of width 32, sequences of 64",
        remark="It holds for activations, so for large batches and long sequences.",
    ),
    RECOMPUTED,
    replace(RECOMPUTED, id="F54", says="Gradient Checkpointing → Trade Compute for Memory"),
    Claim(
        "X12", says="Gradient Checkpointing —reduces→ Memory", check="experiment", design="memory.kept",
        needs=(*(Bounded("share", arm=arm, high=0.3) for arm in ("length 64", "length 256", "length 1024")),
               Bounded("compiled share", arm="recompute", high=0.5)),
        limits=(Limit("of a single block nothing is saved: what is computed again is held meanwhile",
                      shown_by=Bounded("compiled share", arm="recompute of one block", low=0.8)),),
        scope="16 blocks, of a transformer of width 32 and of a residual network of width 128",
    ),
    Claim(
        "C07", says="Gradient Checkpointing ↔ long sequences: memory", check="experiment", design="memory.kept",
        needs=(Bounded("slope cut", arm="lengths", low=5.0),),
        counterexample=Limit("a single block, of which nothing is saved",
                             shown_by=Bounded("compiled share", arm="recompute of one block", low=0.8)),
        scope="16 blocks of a causal transformer of width 32, sequences of 64 to 1,024",
        remark="What is kept grows with the square of the length without it, and with the length with it.",
    ),
    Claim(
        "C06", says="Large-Scale Training ↔ billion-parameter models: DP, MP, mixed precision", check="identity",
        design="memory.kept",
        needs=tuple(Bounded("of devices", arm=f"tensor {k}", low=0.99, high=1.01) for k in (1, 2, 4, 8)),
        limits=(Limit("data parallelism alone leaves all of it on every device",
                      shown_by=Bounded("over rule", arm="data 8", low=0.99)),
                Limit("mixed precision adds a copy of the weights to it",
                      shown_by=Bounded("bytes a parameter", arm="transformer in 16 bits", low=5.0))),
        scope="1.4 billion parameters, counted from what is declared",
        remark="Weights divided among k devices leave 1/k on each, 16 bytes a parameter in all. Sharing out the state "
               "of data parallelism too, as ZeRO does, is not built.",
    ),
    Claim(
        "F52", says="Mixed Precision → FP16/BF16 Compute", check="identity", design="precision.bits",
        needs=(Bounded("factors in 16 bits", arm="products, bfloat16", low=1.0),
               Bounded("factors in 16 bits", arm="products, float16", low=1.0),
               Bounded("small", arm="range of bfloat16", low=0.99, high=1.01)),
        control=(Bounded("factors in 16 bits", arm="products, float32", high=0.0),),
        limits=(Limit("float16 has no 1e-8: it needs a scaled loss, which the document does not name",
                      shown_by=Bounded("small", arm="range of float16", high=0.0)),),
        remark="All products of matrices are of 16-bit numbers; norms and softmax are float32.",
    ),
    Claim(
        "F53", says="Mixed Precision → FP32 Master Weights", check="identity", design="precision.bits",
        needs=(Bounded("weight", arm="weight in float32", low=-1e-3, high=1e-3),),
        control=(Bounded("weight", arm="weight in bfloat16", low=1.0),),
        remark="Of 1,000 updates of −0.001 a weight in bfloat16 keeps none: its numbers there are 1/256 apart.",
    ),
    Claim(
        "N12", says="FP16 —underflows→ needs Loss Scaling", check="identity", design="precision.bits",
        needs=(Bounded("gradient", arm="gradient, float16", high=0.0),
               Bounded("gradient", arm="gradient, float16 scaled", low=0.99, high=1.01)),
        counterexample=Limit("bfloat16, whose range is that of float32",
                             shown_by=Bounded("gradient", arm="gradient, bfloat16", low=0.99, high=1.01)),
    ),
    Claim(
        "N15", says="Gradient Accumulation —equals→ large batch (if normalised by token count)", check="identity",
        design="accumulation.parts",
        needs=(Bounded("apart", arm="by tokens", high=EXACT),),
        control=(Bounded("apart", arm="by micro-batches", low=APART),),
        limits=(Limit("BatchNorm normalizes every micro-batch by itself",
                      shown_by=Bounded("apart", arm="with batchnorm", low=APART)),),
        remark="Every token counts once, in layers that treat every sequence alone.",
    ),
)  # fmt: skip
