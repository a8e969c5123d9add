"""Claims of the group LR Scheduling: how the learning rate runs, and what for."""

import math
from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Level, Some

EXACT = 1e-9
"""The tolerance of a rate in float64: the rows ask for it."""
LOSS = 0.01
"""Validation loss on digits: what a better network is chosen by."""
TENTH = 0.1
"""log10: a quarter more loss."""
WARMUPS = ("warmup", "warmup, then cosine", "warmup, stable, decay", "one cycle")
"""Every schedule of the package that begins with a warm-up."""
THREEFOLD = math.log10(3)
"""A rate that may be three times as high: a difference that one would notice when a rate is chosen by hand."""
SAVED = 0.2
"""Nats: a tenth of the loss of a guess among eight symbols."""
KEPT = 0.1
"""Nats of entropy: a tenth of what attention over a few keys has at most."""
LESS = 0.05
"""log10 of a loss: an eighth of it, which a longer run would have to make up for."""
COPYING = "Copy task, 4 blocks of width 16, 200 updates of Adam with cosine decay, rates 0.001 to 0.1; warm-up of 40"
WARMUP = Claim(
    "X05",
    says="Warmup —stabilizes→ Early Training",
    check="experiment",
    design="transformers.placement",
    needs=(
        Level("saved at 0.01", arm="Post-LN", low=SAVED),
        Level("saved at 0.001", arm="Post-LN", high=SAVED),
        Level("gain", arm="Post-LN", low=THREEFOLD),
    ),
    control=(Level("highest", arm="Post-LN", high=-1.25),),
    sham=(Alike("gain", arm="sham", than="Post-LN", within=THREEFOLD),),
    limits=(
        Limit("Pre-LN gains less than a factor of three in rate", shown_by=Level("gain", arm="Pre-LN", high=THREEFOLD)),
    ),
    scope=f"{COPYING}; Post-LN",
)
CLAIMS = (
    Claim(
        "R26", says="Learning Rate —controlled by→ LR Schedule", check="experiment", design="descent.schedules",
        needs=(Bounded("apart", arm="cosine", high=EXACT),
               Differs("log10 loss", arm="noisy cosine", than="noisy constant", by=-TENTH),
               Differs("validation loss", arm="digits cosine", than="digits constant", by=-LOSS)),
        control=(Differs("log10 loss", arm="noisy constant", than="quiet constant", by=1.0),),
        sham=(Alike("train loss", arm="digits sham", than="digits constant", within=2 * LOSS),),
        counterexample=Limit("the noisy quadratic with the cosine at a peak that is best for itself: it ends lower",
                             shown_by=Differs("log10 loss", arm="noisy cosine of its own peak", than="noisy constant",
                                              by=-TENTH)),
        scope="SGD on a quadratic of eight curvatures with normal noise, 300 updates; an MLP 64-32-10 on digits",
        remark="The rate is what the schedule says. That it helps was to hold at the peak that is best for a constant "
               "rate; there a cosine goes half as far, and the flat directions are left behind.",
    ),
    Claim(
        "R27", says="LR Schedule —includes→ Warmup", check="identity", design="schedules.traces",
        needs=tuple(condition for arm in WARMUPS for condition in (
            Bounded("apart", arm=arm, high=EXACT), Bounded("first", arm=arm, high=0.05),
            Bounded("fall before the peak", arm=arm, high=0.0), Bounded("top", arm=arm, low=1 - EXACT))),
        remark="All rise without a fall from at most a twentieth of the peak: one cycle from 1/25, the others from 0.",
    ),
    Claim(
        "R28", says="LR Schedule —includes→ Cosine Decay", check="identity", design="schedules.traces",
        needs=(Bounded("apart", arm="cosine", high=EXACT),
               Bounded("last", arm="cosine", low=0.01 - EXACT, high=0.01 + EXACT)),
        remark="The last update of a run has exactly the final rate.",
    ),
    Claim(
        "R29", says="LR Schedule —includes→ Step Decay", check="identity", design="schedules.traces",
        needs=(Bounded("apart", arm="step", high=EXACT), Bounded("changes", arm="step", low=2.0, high=2.0)),
        remark="The update whose index is that of a drop is the first with the new rate.",
    ),
    Claim(
        "F32", says="Cosine Decay → Smooth Reduction", check="identity", design="schedules.traces",
        needs=(Bounded("largest step", arm="cosine", high=0.02), Bounded("largest rise", arm="cosine", high=0.0),
               Bounded("last", arm="cosine", low=0.01 - EXACT, high=0.01 + EXACT)),
        control=(Bounded("largest step", arm="step", low=0.5),),
        remark="Of 100 updates none changes the rate by more than π/2 hundredths of the peak.",
    ),
    Claim(
        "F33", says="Step Decay → Fixed Reduction Points", check="experiment", design="quadratics.noise",
        needs=(Level("only at drops", arm="drops", low=1.0), Level("first fall", arm="drops", low=1.5, high=2.5),
               Level("second fall", arm="drops", low=1.5, high=2.5)),
        control=(Differs("log2 floor", arm="rate 0.1, batch 1", than="rate 0.025, batch 1", by=1.0),),
        sham=tuple(Alike(f"{which} fall", arm="drops sham", than="drops", within=0.5) for which in ("first", "second")),
        counterexample=Limit("gradients without noise leave no floor: a drop of the rate only slows the descent"),
        scope="SGD on a quadratic of eight curvatures from 0.1 to 1, normal noise, the rate a quarter at each drop",
        remark="Where the loss has settled, a quarter of the rate leaves a quarter of the loss.",
    ),
    Claim(
        "F34", says="One-Cycle → Increase then Decrease", check="identity", design="schedules.traces",
        needs=(Bounded("turns", arm="one cycle", low=1.0, high=1.0), Bounded("apart", arm="one cycle", high=EXACT)),
        remark="The rate alone cycles here; that momentum runs the other way, as its authors have it, is not built.",
    ),
    WARMUP,
    replace(WARMUP, id="F31", says="Warmup → Stabilize Early Training"),
    Claim(
        "C05", says="Warmup ↔ essential for training: stabilizes attention", check="experiment",
        design="transformers.placement",
        needs=(Level("works", arm="Post-LN", high=0.1), Level("works", arm="Pre-LN", high=0.1),
               Level("entropy kept", arm="Post-LN", low=KEPT)),
        control=(Level("best accuracy with warm-up", arm="Post-LN", low=0.9),),
        sham=(Alike("best accuracy", arm="sham", than="Post-LN", within=0.1),),
        counterexample=Limit("Pre-LN, which trains at some rate without one",
                             shown_by=Level("works", arm="Pre-LN", low=0.9)),
        scope=COPYING,
    ),
    Claim(
        "C09", says="LR Schedule ↔ training runs: warmup + decay", check="experiment", design="scheduled.factorial",
        needs=(Differs("test loss", arm="warm-up and decay", than="constant", by=-LESS),
               Differs("train loss", arm="warm-up and decay", than="constant", by=-LESS),
               Some((Differs("test loss", arm="warm-up", than="constant", by=-LESS),
                     Differs("test loss", arm="warm-up and decay", than="decay", by=-LESS))),
               Some((Differs("test loss", arm="decay", than="constant", by=-LESS),
                     Differs("test loss", arm="warm-up and decay", than="warm-up", by=-LESS)))),
        control=(Level("test loss", arm="constant", high=-0.3),),
        sham=(Alike("test loss", arm="sham", than="constant", within=LESS),),
        counterexample=Limit("a warm-up alone does nothing to the loss",
                             shown_by=Alike("test loss", arm="warm-up", than="constant", within=LESS)),
        scope="Digits, 2 dense layers of width 32, 400 updates of SGD with momentum, rate tuned for each schedule",
    ),
)  # fmt: skip
