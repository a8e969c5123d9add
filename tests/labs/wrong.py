"""Plausible wrong answers to the labs that are judged by what they do: seed, what is given, and the hint due."""

from headway.labs.schedule import STEPS, peak_of
from headway.learning.optimizers.adaptive import Adam
from headway.learning.regularization import Dropout
from headway.learning.schedules.decay import Cosine
from headway.network.activations import ReLU, Sigmoid
from headway.spec.edit import InsertAfter, Remove, Replace, Set
from headway.spec.json import to_dict
from headway.training.recipe import EarlyStopping


def edits(*made):
    """Edits as a learner's file hands them over."""
    return {"edits": [to_dict(edit) for edit in made]}


def rates(function):
    """The rates that a function gives, as a learner's file hands them over."""
    return [function(step / STEPS) for step in range(STEPS)]


PEAK = peak_of(1)
WRONG = {
    "gradient-flow": [  # the seed 1 has sigmoid layers
        (1, {"cause": "dead units"}, "the zeros of a layer would be 1"),
        (1, {"cause": "the weather"}, "One of these is meant"),
        (1, {"evidence": "rise"}, "rise shows steps that are too long"),
        (1, {"cause": "saturating activation"}, "A cause counts together with the measurement"),
        (1, edits(Set("optimizer/learning_rate", value=1e-2)), r"still shrinks by \d\.\d decades"),
        (1, edits(Replace("network/2/*/1", by=ReLU()), Set("optimizer/learning_rate", value=1e-9)), "Gradients pass"),
        (1, edits(Remove("network/2")), "must keep its depth"),
        (1, edits(Set("length", value=100_000)), "length: must stay as it is"),
        (1, edits(Set("network/0/units", value=9)), "keeps its shape|units"),
        (1, {"edits": [3]}, "edits: must be edits in a tuple; got a value of type int"),
        (1, {"edits": {"type": "set"}}, 'spec is an object with a "kind"'),
        (1, edits(Replace("optimizer", by=Adam(0.5))), "loss on new examples"),
    ],
    "schedule": [
        (1, {"quadratic": rates(lambda t: 0.2)}, "still 0.2 at the end, let it fall"),
        (1, {"quadratic": rates(lambda t: 0.03 * (1 - t))}, "flat directions are still on their way"),
        (1, {"quadratic": rates(lambda t: 3.0)}, "It diverges.*a rate above 2"),
        (1, {"quadratic": rates(lambda t: t - 0.5)}, "At step 0 the rate is below 0"),
        (1, {"quadratic": [*rates(lambda t: 0.1)[1:], "a"]}, 'At step 199: This must be a number; got "a"'),
        (1, {"quadratic": rates(lambda t: [0.1])}, "At step 0: This must be a number"),
        (1, {"quadratic": 0.1}, r"numbers of shape \[200\]; got 0.1"),
        (1, {"quadratic": {"type": "dict"}}, "a value of type dict"),
        (1, {"quadratic": to_dict(ReLU())}, "must be a schedule or a function; got headway/ReLU"),
        (1, {"quadratic": to_dict(Cosine(0.01))}, "flat directions"),
        (1, {"copying": rates(lambda t: PEAK * (1 - t))}, "It lost in the first updates.*warm up"),
        (1, {"copying": rates(lambda t: PEAK if t > 0.97 else 1e-3 * t)}, "It lost at the end"),
        (1, {"copying": rates(lambda t: PEAK if 0.5 < t < 0.51 else 0)}, "below a tenth of the peak in 100%"),
        (1, {"copying": rates(lambda t: 1e-3)}, f"The highest rate must be {PEAK}; here it is 0.001"),
    ],
    "overfitting": [
        (1, {"turns": 300}, "where the training loss is lowest: look at validation"),
        (1, {"turns": 123}, "Overfitting begins where the validation loss is lowest"),
        (1, {"gap": 0.001}, "validation loss less training loss, at the last update"),
        (1, {"gap": "large"}, "must be a number"),
        (1, edits(Set("optimizer/weight_decay", value=100.0)), "this underfits. Less of it"),
        (1, edits(Set("optimizer/weight_decay", value=0.01)), "still learns the noise by heart: more of it"),
        (
            1,
            edits(InsertAfter("network/1", new=Dropout(0.5)), Set("stopping", value=EarlyStopping(3))),
            "dropout 2, early stopping 2: together 4, of 3",
        ),
        (1, edits(Set("length", value=20)), "length: must stay as it is"),
        (1, edits(Replace("network/1", by=Sigmoid())), "Dropout and Noise inserted, and other units"),
        (1, edits(Replace("optimizer", by=Adam(1e-2))), "optimizer: must stay AdamW"),
        (1, edits(Set("network/0/units", value=4096)), "must stay below"),
        (1, edits(Set("network/0/unit", value=8)), "unit"),
    ],
}
