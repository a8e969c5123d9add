"""Claims of the group Regularization: what fits the examples less, and others better."""

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Condition, Differs, Dose, Level, Some

CHANCE = 3.0
"""Standard deviations: of 300 fair draws one is further off."""
ENTROPY = 0.1
"""Nats: a fifth of the entropy of labels smoothed by 0.1 over ten classes."""
CALIBRATION = 0.01
"""Confidence that is wrong by one percent more."""
RATES = ("rate 0.1", "rate 0.5", "rate 0.8")
DIGITS = "150 digits, a fifth of them mislabelled, 128 ReLU units, SGD with momentum at a tuned rate, 200 epochs"
GAP = 0.12
"""Nats between training and held-out loss: three times 0.04, the spread of a placebo in the map's own runs."""
NATS = 0.1
"""A twentieth of the loss of a guess among ten classes: less would not pay for another setting."""
SHARE = 0.01
"""A point of accuracy: 13 of the 1,347 digits held out."""
OVERFITS = (Level("gap", arm="none", low=0.5), Level("rise", arm="none", low=NATS))
PLACEBO = (
    Alike("held-out loss", arm="placebo", than="none", within=NATS),
    Alike("gap", arm="placebo", than="none", within=GAP),
)
DECAYS = ("decay 0.001", "decay 0.01", "decay 0.03")
TECHNIQUES = ("dropout", "decay 0.01", "stopping", "augmentation", "smoothing")


def helps(arm: str) -> tuple[Condition, ...]:
    """The gap falls, and not because the training examples are fitted less and the others too."""
    return (Differs("gap", arm=arm, than="none", by=-GAP), Differs("held-out loss", arm=arm, than="none", by=-NATS))


def no_more_accurate(arm: str) -> Condition:
    """The held-out accuracy is the same, or lower."""
    return Some(
        (Alike("accuracy", arm=arm, than="none", within=SHARE), Differs("accuracy", arm=arm, than="none", by=-SHARE))
    )


STOPPING = Claim(
    "R33",
    says="Regularization —technique→ Early Stopping",
    check="experiment",
    design="overfitting.techniques",
    needs=helps("stopping"),
    control=OVERFITS,
    sham=PLACEBO,
    counterexample=Limit(
        "with right labels alone the validation loss hardly rises: there is nothing to stop for",
        shown_by=Level("rise", arm="noise 0", high=NATS),
    ),
    scope=f"{DIGITS}; patience 20, on 300 digits",
)
AUGMENTATION = Claim(
    "R34",
    says="Regularization —technique→ Data Augmentation",
    check="experiment",
    design="overfitting.techniques",
    needs=(*helps("augmentation"), Differs("shifted accuracy", arm="augmentation", than="none", by=0.05)),
    control=OVERFITS,
    sham=PLACEBO,
    scope=f"{DIGITS}; shifts by up to a pixel",
    limits=(
        Limit(
            "digits where they were are told less well: a pixel of eight does not keep what is said of them",
            shown_by=Differs("accuracy", arm="augmentation", than="none", by=-2 * SHARE),
        ),
    ),
)
CO_ADAPTATION = Claim(
    "X04",
    says="Dropout —prevents→ Co-adaptation",
    check="experiment",
    design="overfitting.techniques",
    needs=(
        Differs("log2 lost", arm="dropout", than="none", by=-1.0),
        Differs("lost", arm="dropout", than="none", by=-0.05),
    ),
    control=(Level("lost", arm="none", low=0.05),),
    sham=(Alike("log2 lost", arm="placebo", than="none", within=0.5),),
    limits=(
        Limit(
            "by their correlation the units go together no less",
            shown_by=Some(
                (
                    Alike("correlation", arm="dropout", than="none", within=0.02),
                    Differs("correlation", arm="dropout", than="none", by=0.02),
                )
            ),
        ),
    ),
    scope=f"{DIGITS}; dropout of a half of the units",
    remark="Asked is what half of the units are worth without the others, which is what dropout trains.",
)

CLAIMS = (
    Claim(
        "F35", says="Weight Decay (L2) → Penalize Large Weights", check="identity", design="updates.rules",
        needs=(Bounded("apart", arm="decay and penalty in sgd", high=1e-10),
               Bounded("proportion", arm="decay and penalty in adam", low=3 - 1e-6, high=3 + 1e-6)),
        limits=(Limit("in Adam weight decay is not an L2 penalty",
                      shown_by=Bounded("apart", arm="decay and penalty in adam", low=0.01)),
                Limit("nor is it in SGD with momentum, whose velocity remembers a penalty",
                      shown_by=Bounded("apart", arm="decay and penalty in momentum", low=0.01))),
        remark="It takes from every weight in proportion to it. That it is an L2 penalty holds for plain SGD alone.",
    ),
    Claim(
        "F36", says="Dropout → Random Neuron Zeroing", check="identity", design="masks.dropout",
        needs=tuple(condition for arm in RATES for condition in (
            Bounded("zeros", arm=arm, low=-CHANCE, high=CHANCE), Bounded("mean", arm=arm, low=-CHANCE, high=CHANCE),
            Bounded("scale apart", arm=arm, high=1e-6), Bounded("evaluation", arm=arm, high=0.0))),
        remark="What is kept is scaled up: the expected output is that of evaluation.",
    ),
    Claim(
        "F39", says="Label Smoothing → Soften Hard Targets", check="experiment", design="smoothing.labels",
        needs=(Bounded("from optimum", arm="logits, smoothed labels", low=-1e-3, high=1e-3),
               Differs("entropy", arm="digits, smoothed labels", than="digits, hard labels", by=ENTROPY)),
        control=(Bounded("gap", arm="logits, hard labels", low=7.0),),
        sham=(Alike("entropy", arm="digits, sham", than="digits, hard labels", within=ENTROPY),),
        limits=(Limit("its confidence is further from its accuracy than with hard labels",
                      shown_by=Differs("calibration error", arm="digits, smoothed labels", than="digits, hard labels",
                                       by=CALIBRATION)),),
        scope="ε = 0.1, ten classes; an MLP 64-64-10 on digits, 400 updates of Adam",
        remark="It bounds the gap of logits to log((1 − 9ε/10) / (ε/10)), raises entropy, and is no calibration.",
    ),
    Claim(
        "N16", says="Dropout train/eval mode —changes→ outputs", check="identity", design="masks.dropout",
        needs=(Bounded("modes", arm="network with dropout", low=0.01),
               Bounded("seeds", arm="network with dropout", low=0.01)),
        control=(Bounded("modes", arm="network without", high=0.0),),
    ),
    Claim(
        "R31", says="Regularization —technique→ Dropout", check="experiment", design="overfitting.techniques",
        needs=helps("dropout"), control=OVERFITS, sham=PLACEBO, scope=f"{DIGITS}; dropout of 0.5",
        counterexample=Limit("a network too small for its data, which does not overfit: it misses the units it loses"),
    ),
    Claim(
        "R32", says="Regularization —technique→ Weight Decay", check="experiment", design="overfitting.techniques",
        needs=(Dose("gap", along=("none", *DECAYS), by=-GAP),
               Some(tuple(Differs("held-out loss", arm=arm, than="none", by=-NATS) for arm in DECAYS))),
        control=OVERFITS, sham=PLACEBO, scope=f"{DIGITS}; decays of 0.001 to 0.03",
        limits=(Limit("a decay of 0.001 does nothing that could be told",
                      shown_by=Alike("held-out loss", arm="decay 0.001", than="none", within=NATS)),),
    ),
    STOPPING,
    AUGMENTATION,
    Claim(
        "F37", says="Data Augmentation → Expand Training Distribution", check="experiment",
        design="overfitting.techniques",
        needs=(Differs("distance", arm="augmentation", than="none", by=-0.25),
               Differs("shifted accuracy", arm="augmentation", than="none", by=0.05)),
        control=(Level("shifted accuracy", arm="none", high=0.8),),
        sham=(Alike("shifted accuracy", arm="placebo", than="none", within=0.025),),
        limits=AUGMENTATION.limits, scope=f"{DIGITS}; shifts by up to a pixel",
        remark="Shifted digits lie nearer to the examples that are trained on; a pixel of grey is 1 / 16.",
    ),
    Claim(
        "F38", says="Early Stopping → Halt Before Overfitting", check="experiment", design="overfitting.stopping",
        needs=(*(condition for arm in ("patience 5", "patience 20", "patience 50") for condition in (
            Level("patiences apart", arm=arm, high=1.0), Level("regret", arm=arm, high=NATS / 2))),
            Level("made", arm="patience 5", high=0.9)),
        control=(Level("whole run's regret", arm="patience 20", low=NATS),),
        sham=(Alike("regret", arm="sham", than="patience 20", within=NATS / 2),
              Alike("patiences apart", arm="sham", than="patience 20", within=0.5)),
        limits=(Limit("two evaluations are too short a patience: a better loss was still to come",
                      shown_by=Level("regret", arm="patience 2", low=NATS / 2)),),
        scope=f"{DIGITS}; evaluated every two epochs on 300 digits",
    ),
    Claim(
        "X01", says="Regularization —prevents→ Overfitting", check="experiment", design="overfitting.techniques",
        needs=(Some(tuple(Differs("held-out loss", arm=arm, than="none", by=-NATS) for arm in TECHNIQUES), least=4),
               Some(tuple(Differs("gap", arm=arm, than="none", by=-GAP) for arm in TECHNIQUES), least=4)),
        control=OVERFITS, sham=PLACEBO, scope=f"{DIGITS}; dropout, decay of 0.01, stopping, shifts, smoothing of 0.1",
        limits=tuple(Limit(f"{arm}: the accuracy is no higher for it", shown_by=no_more_accurate(arm))
                     for arm in TECHNIQUES),
    ),
    Claim(
        "X03", says="Weight Decay —penalizes→ Large Weights", check="experiment", design="overfitting.techniques",
        needs=(Dose("log2 norm", along=("none", *DECAYS), by=-0.5),
               Dose("log2 large", along=("none", *DECAYS), by=-0.5)),
        control=(Level("growth", arm="none", low=0),),
        sham=(Alike("log2 norm", arm="placebo", than="none", within=0.1),
              Alike("log2 large", arm="placebo", than="none", within=0.1)),
        counterexample=Limit("in front of a normalization: the function does not depend on how large the weights are, "
                             "and their decay sets how far an update turns them"),
        scope=f"{DIGITS}; decays of 0.001 to 0.03",
    ),
    CO_ADAPTATION,
    Claim(
        "N14", says="Label noise + small n —cause→ Overfitting", check="experiment", design="overfitting.techniques",
        needs=(Dose("gap", along=("noise 0", "none", "noise 0.4"), by=GAP),
               Dose("rise", along=("noise 0", "none", "noise 0.4"), by=NATS),
               Differs("gap", arm="none", than="600 examples", by=GAP),
               Differs("rise", arm="none", than="600 examples", by=NATS)),
        control=OVERFITS, sham=PLACEBO,
        counterexample=Limit("a network too small to learn the wrong labels by heart: nothing of them is left to fit"),
        scope=f"{DIGITS}; no to two fifths of noise, 150 and 600 digits",
    ),
    Claim(
        "N17", says="Data leakage —fakes→ Generalization", check="experiment", design="generalization.leakage",
        needs=(Differs("validation", arm="leaking", than="apart", by=0.1),
               Alike("test", arm="leaking", than="apart", within=0.05)),
        control=(Level("test", arm="apart", low=0.45, high=0.55),),
        sham=(Alike("validation", arm="leaking sham", than="leaking", within=0.05),),
        counterexample=Limit("columns chosen by numbers alone, without the labels: here they fake nothing, "
                             "whatever examples they are chosen on"),
        scope="labels that nothing tells; columns chosen before the split, or after it",
    ),
    Claim(
        "N19", says="Metric choice —flips→ verdict (X04, R11, F39)", check="experiment",
        design="overfitting.techniques",
        needs=(Differs("log2 lost", arm="dropout", than="none", by=-1.0),
               *(limit.shown_by for limit in CO_ADAPTATION.limits if limit.shown_by is not None)),
        control=CO_ADAPTATION.control, sham=CO_ADAPTATION.sham,
        counterexample=Limit("early stopping: gap and held-out loss say the same of it",
                             shown_by=Some(helps("stopping"), least=2)),
        scope=f"{DIGITS}; of X04",
        remark="What the units are worth alone says that dropout keeps them from co-adapting, their correlation not.",
    ),
    Claim(
        "C12", says="Regularization ↔ Generalization: why models transfer", check="convention",
        design="generalization.transfer",
        needs=tuple(Differs("readout", arm=arm, than="none", by=SHARE) for arm in ("dropout", "decay")),
        control=(Differs("held-out loss", arm="dropout", than="none", by=-NATS),),
        scope=f"{DIGITS}; trained on 0 to 4, read out for 5 to 9",
    ),
)  # fmt: skip
