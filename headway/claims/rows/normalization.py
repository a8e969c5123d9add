"""Claims of the group Normalization: over what it normalizes, where it stands, and what that does to training."""

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Bounded

NEAR = 1e-4
"""How far means may be from 0 and variances from 1 in float32, beside an epsilon of 1e-5."""
SAME = 1e-6
"""Float32 numbers of about 1 that are so near are equal."""
MOVED = 1e-2
"""Outputs of size 1 that move so far depend on what was changed."""


def normalizes(arm: str) -> tuple[Bounded, ...]:
    """Mean 0 and variance 1 over the axes of the kind, and not over the others."""
    return (
        Bounded("mean", arm=arm, high=NEAR), Bounded("variance", arm=arm, high=NEAR),
        Bounded("apart", arm=arm, high=NEAR), Bounded("other mean", arm=arm, low=MOVED),
    )  # fmt: skip


OVER_BATCH = normalizes("batchnorm") + normalizes("batchnorm of images")
OVER_FEATURES = normalizes("layernorm") + normalizes("layernorm of images")
CLAIMS = (
    Claim(
        "R36", says="Normalization —variant→ BatchNorm", check="identity", design="norms.moments", needs=OVER_BATCH,
        remark="In training every channel has mean 0 and variance 1 over the batch and all positions.",
    ),
    Claim(
        "R37", says="Normalization —variant→ LayerNorm", check="identity", design="norms.moments", needs=OVER_FEATURES,
        remark="Every position of every example has mean 0 and variance 1 over its features.",
    ),
    Claim(
        "R38", says="LayerNorm —placement→ Pre-LN", check="identity", design="norms.moments",
        needs=(Bounded("from x", arm="pre-ln", high=0.0), Bounded("from normalized", arm="post-ln", high=NEAR)),
        control=(Bounded("from x", arm="post-ln", low=MOVED),),
        remark="Around a sublayer that gives 0 Pre-LN is x itself, Post-LN the normalized x.",
    ),
    Claim("F40", says="Batch Normalization → Normalize Over Batch", check="identity", design="norms.moments",
          needs=OVER_BATCH),
    Claim(
        "F41", says="Batch Normalization → Running Stats at Inference", check="identity", design="norms.moments",
        needs=(Bounded("moved", arm="other rows, batchnorm evaluated", high=0.0),
               Bounded("apart", arm="running", high=1e-5), Bounded("output apart", arm="running", high=1e-5)),
        control=(Bounded("moved", arm="other rows, batchnorm", low=MOVED),),
        counterexample=Limit("a batch of two in training: of each number no more than a sign is left",
                             shown_by=Bounded("from a sign", arm="pair", high=NEAR)),
        remark="The running statistics are the weighted mean over batches that undoes its start at 0.",
    ),
    Claim("F43", says="Layer Normalization → Normalize Over Features", check="identity", design="norms.moments",
          needs=OVER_FEATURES),
    Claim(
        "F44", says="Layer Normalization → Batch-Independent", check="identity", design="norms.moments",
        needs=(Bounded("moved", arm="other rows, layernorm", high=0.0),),
        control=(Bounded("moved", arm="other rows, batchnorm", low=MOVED),),
    ),
    Claim(
        "N09", says="BatchNorm over tokens —violates→ causality", check="identity", design="norms.moments",
        needs=(Bounded("before", arm="leak, batchnorm", low=MOVED), Bounded("before", arm="leak, layernorm", high=0.0)),
        control=(Bounded("after", arm="leak, layernorm", low=MOVED),),
        limits=(Limit("in evaluation, by running statistics, nothing leaks",
                      shown_by=Bounded("before", arm="leak, batchnorm evaluated", high=0.0)),),
        remark="In training an output sees the tokens behind it; then it is judged where it cannot.",
    ),
)  # fmt: skip
