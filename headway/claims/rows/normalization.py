"""Claims of the group Normalization: over what it normalizes, where it stands, and what that does to training."""

import math
from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Level, Some

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
THREEFOLD = math.log10(3)
"""A rate that may be three times as high: a difference that one would notice when a rate is chosen by hand."""
DECADE = 1.0
"""A factor of ten between the first block and the last: the smallest that would change what can be trained."""
SPIKE = SAVED = 0.2
"""Nats: a tenth of the loss of a guess among eight symbols."""
COPYING = "Copy task, 4 blocks of width 16, 200 updates of Adam with cosine decay, rates 0.001 to 0.1"
LOST = 0.02
"""Accuracy on digits: two of a hundred examples, more than two seeds of a network usually differ by."""
NORMS = ("BatchNorm", "LayerNorm")
IN_RATES = (
    "Digits, 2 and 8 dense layers of width 32, ReLU, 200 updates of SGD, batches of 64; rates half a decade apart"
)
BYTE = 0.05
"""Nats a byte, of about 2: what a language model is changed for."""
IN_CNNS = Claim(
    "X06", says="BatchNorm —best-for→ CNNs", check="convention", design="convnets.norms",
    needs=(Differs("accuracy", arm="BatchNorm 64", than="LayerNorm 64", by=LOST),
           Differs("accuracy", arm="BatchNorm 64", than="none 64", by=LOST)),
    control=(Level("accuracy", arm="none 64", low=0.5),),
    limits=(Limit("in batches of 4 it is worse than LayerNorm",
                  shown_by=Differs("accuracy", arm="BatchNorm 4", than="LayerNorm 4", by=-LOST)),
            Limit("in batches of 4 it is worse than no norm",
                  shown_by=Differs("accuracy", arm="BatchNorm 4", than="none 4", by=-LOST))),
    scope="MNIST-1D, three convolutions of 16 channels, 600 updates of SGD with momentum, rates tuned; batches of 64",
    remark="LayerNorm is that of convolutions: one group of all channels at all positions.",
)  # fmt: skip
IN_TRANSFORMERS = Claim(
    "X07", says="LayerNorm —best-for→ Transformers", check="convention", design="language.norms",
    needs=(Some((Differs("loss", arm="LayerNorm", than="BatchNorm", by=-BYTE),
                 Bounded("before", arm="BatchNorm in training", low=MOVED),
                 Bounded("alone", arm="BatchNorm in training", low=MOVED)), least=1),
           Bounded("before", arm="LayerNorm in training", high=0.0),
           Bounded("alone", arm="LayerNorm in training", high=1e-5)),
    control=(Level("loss", arm="LayerNorm", high=2.8),),
    limits=(
        Limit("of text not seen the loss with BatchNorm is as low or lower", shown_by=Some(
            (Alike("loss", arm="BatchNorm", than="LayerNorm", within=BYTE),
             Differs("loss", arm="BatchNorm", than="LayerNorm", by=-BYTE)))),
        Limit("as training computes it the loss with BatchNorm is lower: it sees the bytes to come",
              shown_by=Differs("as trained", arm="BatchNorm", than="LayerNorm", by=-BYTE)),
        Limit("in evaluation BatchNorm sees nothing to come",
              shown_by=Bounded("before", arm="BatchNorm in evaluation", high=0.0)),
        Limit("in evaluation BatchNorm gives a sequence alone the same outputs",
              shown_by=Bounded("alone", arm="BatchNorm in evaluation", high=1e-5)),
    ),
    scope="100 kB of Python, 2 causal Pre-LN blocks of width 32, 300 updates of AdamW at a tuned rate, batches of 16",
    remark="One of three things against BatchNorm is enough: a higher loss, outputs that see what is to come, outputs "
           "that depend on the rest of the batch.",
)  # fmt: skip
CLAIMS = (
    IN_CNNS, replace(IN_CNNS, id="F42", says="Batch Normalization → Best for CNNs"),
    IN_TRANSFORMERS, replace(IN_TRANSFORMERS, id="F45", says="Layer Normalization → Best for Transformers"),
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
    Claim(
        "R35", says="Normalization —stabilizes→ Neural Network", check="experiment", design="rates.normalization",
        needs=tuple(Differs(metric, arm=f"{norm} {depth}", than=f"none {depth}", by=THREEFOLD)
                    for depth in (2, 8) for norm in NORMS for metric in ("highest", "decades")),
        control=(Level("highest", arm="none 2", high=1.5), Level("highest", arm="none 8", high=1.5)),
        sham=(Alike("highest", arm="sham 2", than="none 2", within=THREEFOLD),),
        counterexample=Limit("LayerNorm behind a bias, inputs of spread 0.01: at rate 0.1 it does not train",
                             shown_by=Level("worst", arm="LayerNorm 2", high=0.5)),
        scope=IN_RATES,
        remark="`stabilizes` is taken as: a rate three times as high still trains, and more decades of rates do. "
               "BatchNorm does both at either depth; LayerNorm's gain is less than threefold.",
    ),
    Claim(
        "X02", says="Normalization —stabilizes→ Training", check="experiment", design="rates.normalization",
        needs=tuple(condition for norm in NORMS for condition in (
            Level("worst", arm=f"{norm} 2", low=0.9), Differs("worst", arm=f"{norm} 2", than="none 2", by=0.3),
            Level("worst", arm=f"{norm} 8", low=0.9), Differs("worst", arm=f"{norm} 8", than="none 8", by=0.3),
            Differs("decades at every scale", arm=f"{norm} 8", than="none 8", by=THREEFOLD))),
        control=(Level("worst", arm="none 2", high=0.5), Level("worst", arm="none 8", high=0.5)),
        sham=(Alike("worst", arm="sham 2", than="none 2", within=0.1),),
        counterexample=Limit("without the biases in front of it, whose gradient grows as 1 / σ, LayerNorm trains at "
                             "every scale too", shown_by=Level("worst", arm="LayerNorm without bias 2", low=0.9)),
        scope=f"{IN_RATES}; inputs of spread 0.01, 1 and 100 at rate 0.1",
        remark="BatchNorm takes a bias in front of it out, and its training does not depend on the scale. Behind "
               "LayerNorm it stays, and with inputs of spread 0.01 the first biases move so far that they drown them.",
    ),
    Claim(
        "N08", says="BatchNorm —requires→ batch size ≥ ~8", check="experiment", design="batches.sizes",
        needs=(Differs("accuracy", arm="BatchNorm 2", than="LayerNorm 2", by=-LOST),
               Differs("training accuracy", arm="BatchNorm 2", than="LayerNorm 2", by=-LOST),
               Differs("accuracy", arm="BatchNorm 4", than="LayerNorm 4", by=-LOST),
               Alike("accuracy", arm="BatchNorm 8", than="LayerNorm 8", within=LOST)),
        control=(Level("accuracy", arm="LayerNorm 2", low=0.8),
                 Alike("accuracy", arm="BatchNorm 32", than="LayerNorm 32", within=LOST)),
        sham=(Alike("accuracy", arm="sham 8", than="BatchNorm 8", within=LOST),),
        counterexample=Limit("on digits not seen it is as good in batches of 4 as LayerNorm",
                             shown_by=Alike("accuracy", arm="BatchNorm 4", than="LayerNorm 4", within=LOST)),
        scope="Digits, 2 dense layers of width 32, 1,000 updates whatever the batch, rate tuned for each",
        remark="It fails at batches of 2. At 4 it is as good as LayerNorm on examples not seen.",
    ),
    Claim(
        "R39", says="Pre-LN —improves→ Vanishing Gradient", check="experiment", design="placement.flow",
        needs=tuple(condition for init in ("default", "Xavier") for condition in (
            Level("boundary decades", arm=f"Post-LN {init} 24", high=-DECADE),
            Level("weight decades", arm=f"Post-LN {init} 24", high=-DECADE),
            Differs("boundary decades", arm=f"Pre-LN {init} 24", than=f"Post-LN {init} 24", by=DECADE),
            Level("boundary decades", arm=f"Pre-LN {init} 24", low=-DECADE))),
        sham=tuple(Alike(metric, arm="Post-LN default 24 sham", than="Post-LN default 24", within=DECADE / 10)
                   for metric in ("boundary decades", "weight decades")),
        limits=(Limit("with six blocks the gradient of Post-LN loses less than a decade",
                      shown_by=Level("boundary decades", arm="Post-LN default 6", low=-DECADE)),),
        scope="24 transformer blocks of width 32 as they are drawn, by Headway's defaults and by Glorot & Bengio 2010",
    ),
    Claim(
        "F46", says="Pre-LN vs Post-LN → Pre-LN More Stable", check="experiment", design="transformers.placement",
        needs=(Differs("highest", arm="Pre-LN", than="Post-LN", by=THREEFOLD),
               Differs("spike", arm="Pre-LN", than="Post-LN", by=-SPIKE)),
        control=(Level("highest", arm="Post-LN", high=-1.25), Level("best accuracy", arm="Pre-LN", low=0.9)),
        sham=(Alike("highest", arm="sham", than="Post-LN", within=THREEFOLD),),
        counterexample=Limit("with a warm-up Post-LN copies nine of ten too",
                             shown_by=Level("best accuracy with warm-up", arm="Post-LN", low=0.9)),
        scope=f"{COPYING}, no warm-up",
        remark="Without a warm-up Pre-LN copies nine of ten at rates up to 0.03, Post-LN in most seeds at none. At "
               "rate 0.01 the loss of Post-LN rises between batches hardly more.",
    ),
    Claim(
        "N18", says="Pre-LN —relaxes need for→ Warmup", check="experiment", design="transformers.placement",
        needs=(Differs("gain", arm="Pre-LN", than="Post-LN", by=-THREEFOLD),
               Differs("saved at 0.01", arm="Pre-LN", than="Post-LN", by=-SAVED)),
        control=(Level("gain", arm="Post-LN", low=0.25),),
        sham=(Alike("gain", arm="sham", than="Post-LN", within=THREEFOLD),),
        counterexample=Limit("at a rate of 0.001, where a warm-up saves Post-LN nothing either",
                             shown_by=Level("saved at 0.001", arm="Post-LN", high=SAVED)),
        scope=f"{COPYING}, a warm-up of 40 of them or none",
    ),
    Claim(
        "C02", says="LayerNorm/Pre-LN ↔ every sublayer: stability for attention", check="experiment",
        design="transformers.sublayers",
        needs=(Level("entropy", arm="norm on both", low=0.3),
               Differs("highest", arm="norm on both", than="norm on none", by=THREEFOLD),
               Differs("highest", arm="norm on both", than="norm on attention", by=THREEFOLD),
               Differs("highest", arm="norm on both", than="norm on feed-forward", by=THREEFOLD)),
        control=(Level("highest", arm="norm on none", high=-1.25),),
        sham=(Alike("highest", arm="sham", than="norm on both", within=THREEFOLD),),
        limits=(Limit("without any norm the attention does not collapse either",
                      shown_by=Level("entropy", arm="norm on none", low=0.3)),),
        scope=f"{COPYING}, no warm-up; one norm behind the last block in every arm",
    ),
)  # fmt: skip
