"""Claims of the hierarchy: under which heading it files a concept; and the statement whose types do not fit."""

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Bounded, Condition

DESIGN = "filing.hierarchy"
NAMES_A_KIND = ("ACTIVATION FUNCTIONS", "LOSS FUNCTIONS", "RESIDUAL CONNECTIONS")
"""Headings that name things: what stands there must be one. The others name a subject, to which it must belong."""
HAS_A_KIND = (*NAMES_A_KIND, "OPTIMIZATION", "LR SCHEDULING", "NORMALIZATION")
HAS_A_CONCEPT = (*HAS_A_KIND, "REGULARIZATION", "TRAINING AT SCALE")


def filed(id: str, entry: str, heading: str, remark: str = "") -> Claim:
    """A concept of the map under a heading: every one is asked the same, so that the answers tell them apart."""
    arm = f"{heading} / {entry}"
    needed = ["group", "on the map", "code", "demonstrated", *(["kind"] if heading in NAMES_A_KIND else [])]
    limits = [
        Limit("it stands under two headings", shown_by=Bounded("headings", arm=arm, low=2)),
        Limit("it is a failure, no part of what it is filed with", shown_by=_yes("a failure", arm)),
    ]
    if heading in HAS_A_KIND and heading not in NAMES_A_KIND:
        limits.append(Limit("it belongs to the subject but is none of its kind", shown_by=_no("kind", arm)))
    if heading in HAS_A_CONCEPT:
        limits.append(Limit("the drawing hangs it on something else", shown_by=_no("drawn below", arm)))
    return Claim(id, says=_says(entry, heading), check="structural", design=DESIGN,
                 needs=tuple(_yes(name, arm) for name in needed), limits=tuple(limits), remark=remark)  # fmt: skip


def undrawn(id: str, entry: str, heading: str, remark: str) -> Claim:
    """An entry that is no concept of the map, so that no group says where it belongs: its code is asked."""
    arm = f"{heading} / {entry}"
    kind = (_yes("kind", arm),) if heading in ("LR SCHEDULING", "RESIDUAL CONNECTIONS") else ()
    return Claim(
        id, says=_says(entry, heading), check="structural", design=DESIGN,
        needs=(Bounded("names", arm=arm, high=1), _yes("code", arm), *kind),
        limits=(Limit("only the hierarchy has it", shown_by=_no("on the map", arm)),),
        remark=remark,
    )  # fmt: skip


def _says(entry: str, heading: str) -> str:
    return f"{entry} —filed under→ {heading}"


def _yes(metric: str, arm: str) -> Condition:
    return Bounded(metric, arm=arm, low=1)


def _no(metric: str, arm: str) -> Condition:
    return Bounded(metric, arm=arm, high=0)


CLAIMS = (
    filed("H01", "Neural Network", "NETWORK ARCHITECTURE"),
    filed("H02", "Depth", "NETWORK ARCHITECTURE"),
    filed("H03", "Width", "NETWORK ARCHITECTURE"),
    filed("H04", "ReLU", "ACTIVATION FUNCTIONS"),
    filed("H05", "GELU", "ACTIVATION FUNCTIONS"),
    filed("H06", "Swish/SiLU", "ACTIVATION FUNCTIONS"),
    filed("H07", "Softmax", "ACTIVATION FUNCTIONS", "In the role of an output or inside attention: see R10."),
    filed("H08", "Cross-Entropy", "LOSS FUNCTIONS"),
    filed("H09", "Mean Squared Error", "LOSS FUNCTIONS"),
    filed("H10", "Loss Landscape", "LOSS FUNCTIONS",
          "It is no kind of loss, but a loss as a function of the parameters."),
    filed("H11", "Backpropagation", "GRADIENT FLOW"),
    filed("H12", "Vanishing Gradient", "GRADIENT FLOW", "What goes wrong with the flow, beside what it consists of."),
    filed("H13", "Exploding Gradient", "GRADIENT FLOW", "What goes wrong with the flow, beside what it consists of."),
    filed("H14", "Gradient Highway", "GRADIENT FLOW",
          "Filed twice; the drawing has it with the skip connections, and it has no code of its own."),
    filed("H15", "SGD", "OPTIMIZATION"),
    filed("H16", "Momentum", "OPTIMIZATION", "The drawing hangs it on SGD: it is a part of an optimizer, not one."),
    filed("H17", "Adam", "OPTIMIZATION"),
    filed("H18", "AdamW", "OPTIMIZATION", "An optimizer that the drawing hangs on Adam alone."),
    filed("H19", "Learning Rate", "OPTIMIZATION", "Every optimizer uses one; it is none."),
    filed("H20", "Warmup", "LR SCHEDULING", "A phase that goes before any other schedule."),
    filed("H21", "Cosine Decay", "LR SCHEDULING"),
    filed("H22", "Step Decay", "LR SCHEDULING"),
    undrawn("H23", "One-Cycle", "LR SCHEDULING", "A schedule in code; a concept that was added."),
    filed("H24", "Weight Decay (L2)", "REGULARIZATION"),
    filed("H25", "Dropout", "REGULARIZATION"),
    filed("H26", "Data Augmentation", "REGULARIZATION"),
    filed("H27", "Early Stopping", "REGULARIZATION"),
    undrawn("H28", "Label Smoothing", "REGULARIZATION", "A field of the loss in code; a concept that was added."),
    filed("H29", "Batch Normalization", "NORMALIZATION"),
    filed("H30", "Layer Normalization", "NORMALIZATION"),
    undrawn("H31", "Pre-LN vs Post-LN", "NORMALIZATION",
            "A comparison of two placements, of which the map has one; no concept."),
    filed("H32", "Skip Connection", "RESIDUAL CONNECTIONS",
          "The other way round: a residual connection is one kind of skip connection (R40)."),
    undrawn("H33", "Residual Learning", "RESIDUAL CONNECTIONS", "What residual connections are for; it was added."),
    filed("H34", "Gradient Highway", "RESIDUAL CONNECTIONS",
          "Filed twice; it is what a residual connection creates (R41), no kind of one."),
    filed("H35", "Data Parallelism", "TRAINING AT SCALE"),
    filed("H36", "Model Parallelism", "TRAINING AT SCALE"),
    filed("H37", "Mixed Precision", "TRAINING AT SCALE"),
    filed("H38", "Gradient Checkpointing", "TRAINING AT SCALE"),
    Claim(
        "R30", says="Regularization —prevents→ Loss Landscape", check="ill-typed", design="filing.types",
        needs=(Bounded("a failure", arm="prevents", high=0),
               Bounded("others that are", arm="prevents", low=1)),
        control=(Bounded("others", arm="prevents", low=2),),
        remark="What is prevented is a failure; the landscape is there for every network and loss.",
    ),
)  # fmt: skip
