"""Claims of the group Network Architecture: what networks are made of, and what their parts are good for."""

from dataclasses import replace

from headway.claims.claim import Claim, Limit
from headway.claims.condition import Alike, Bounded, Differs, Dose, Level

EXACT = 1e-10
"""Rounding in float64."""
POWER = 1e-3
"""How far a power measured over a factor of ten may be from a whole number: lower powers have not died out there."""
STUCK = 0.2
"""The share of runs that would have to be started again: one in five is a nuisance."""
LAYER = 0.5
"""Of a layer, on average over seeds: half of them have their best readouts a layer apart."""
ON_XOR = "one hidden layer of ReLU units as drawn by He et al., the four points of XOR, Adam"
NETWORKS = ("mlp", "residual convnet", "transformer block")


def _none(metric: str, *arms: str) -> tuple[Bounded, ...]:
    return tuple(Bounded(metric, arm=arm, high=0) for arm in arms)


NEURON = Claim(
    "R02", says="Layer —contains→ Neuron", check="structural", design="architecture.units",
    needs=(Bounded("by hand", arm="tanh", high=EXACT), *_none("others", "tanh"),
           Bounded("itself", arm="tanh", low=1e-3)),
    limits=(
        Limit("layers without weights, such as pooling, contain none", shown_by=_none("neurons", "pooling")[0]),
        Limit("with softmax as its activation no unit stands alone",
              shown_by=Bounded("others", arm="softmax", low=1e-3)),
    ),
)  # fmt: skip
WIDTH = Claim(
    "R04", says="Neural Network —has→ Width", check="experiment", design="capacity.random labels",
    needs=(Bounded("units", arm="width 16", low=16, high=16), Bounded("units", arm="width 64", low=64, high=64),
           Dose("accuracy", along=("width 4", "width 16", "width 64", "width 256"), by=0.5)),
    control=(Level("accuracy", arm="width 4", high=0.5),),
    sham=(Alike("accuracy", arm="placebo", than="width 16", within=0.05),),
    counterexample=Limit("where all is known by heart already: four times as many as 64 units add nothing",
                         shown_by=Alike("accuracy", arm="width 256", than="width 64", within=0.05)),
    scope="200 points of 20 normal numbers, ten random labels; one layer of ReLU units, Adam, 300 epochs",
    remark="A number of the layer that can be read off its weights, and with which what it can learn by heart grows.",
)  # fmt: skip
SOLVED, UNSOLVED = 0.95, 0.5
"""Shares of symbols said again: all but a few, and far from all where chance is an eighth."""

FEATURES = Claim(
    "R05", says="Depth —enables→ Hierarchical Features", check="experiment", design="depth.features",
    needs=(*(Bounded("pieces", arm=f"sawtooth {layers}", low=2**layers) for layers in (1, 2, 4, 8)),
           Bounded("pieces", arm="one layer", high=17),
           Level("lead", arm="trained", low=LAYER), Differs("lead", arm="trained", than="untrained", by=LAYER),
           Differs("rise", arm="trained", than="untrained", by=0.05)),
    control=(Level("whole", arm="trained", low=0.9), Level("part", arm="trained", low=0.9)),
    sham=(Alike("rise", arm="sham", than="trained", within=0.05),),
    counterexample=Limit("depth without training does not: the whole cannot be read behind any layer",
                         shown_by=Level("whole", arm="untrained", high=0.9)),
    scope="four hidden layers of 32 ReLU units that learn a parity of parities",
)  # fmt: skip
CLAIMS = (
    NEURON, FEATURES,
    replace(FEATURES, id="F04", says="Depth → Hierarchical Feature Learning"),
    Claim(
        "F02", says="Neural Network → Neurons (Weighted Sum + Bias)", check="identity", design="architecture.units",
        needs=NEURON.needs,
        limits=(Limit("a bias is optional: without one a unit is a weighted sum alone",
                      shown_by=_none("biases", "no bias")[0]),),
        counterexample=NEURON.limits[0],
    ),
    Claim(
        "R01", says="Neural Network —composed of→ Layer", check="structural", design="architecture.composition",
        needs=(*_none("orphans", *NETWORKS), *_none("owned twice", *NETWORKS),
               *(Bounded("one by one", arm=arm, high=EXACT) for arm in NETWORKS)),
    ),
    Claim(
        "R06", says="Layer —uses→ Activation Function", check="experiment", design="xor.learned",
        needs=(Bounded("from one map", arm="no activation", high=1e-5),
               Bounded("accuracy", arm="no activation", high=0.75), Bounded("accuracy", arm="width 32", low=1),
               Differs("accuracy", arm="width 32", than="no activation", by=0.2),
               Differs("loss", arm="width 32", than="no activation", by=-0.5)),
        control=(Level("loss", arm="no activation", low=0.69),),
        sham=(Alike("loss", arm="one layer", than="no activation", within=0.01),),
        counterexample=Limit("a network of two units, which is often stuck with it too",
                             shown_by=Level("stuck", arm="width 2", low=STUCK)),
        scope=ON_XOR, remark="Without it three layers are one, as their product shows; the last layer has none.",
    ),
    Claim(
        "N13", says="Overparameterization —removes→ bad local minima", check="experiment", design="xor.learned",
        needs=(Dose("stuck", along=("width 2", "width 4", "width 8", "width 32"), by=-STUCK),
               Level("stuck", arm="width 32", high=0.05), Differs("loss", arm="width 32", than="width 2", by=-0.05)),
        control=(Level("stuck", arm="width 2", low=STUCK), Level("still falling", arm="width 2", high=1e-3)),
        sham=(Alike("stuck", arm="width 2 sham", than="width 2", within=STUCK / 2),
              Alike("loss", arm="width 2 sham", than="width 2", within=0.025)),
        counterexample=Limit("units that begin dead are stuck at any width",
                             shown_by=Level("stuck", arm="dead", low=1)),
        scope=ON_XOR,
    ),
    Claim(
        "F01", says="Neural Network → Layers (Linear + Activation)", check="structural",
        design="architecture.composition",
        needs=(Bounded("alternates", arm="mlp", low=1),),
        limits=tuple(Limit(f"a {arm} is made of other layers too", shown_by=_none("alternates", arm)[0])
                     for arm in NETWORKS[1:]),
        remark="An example of a network, no definition.",
    ),
    Claim(
        "F03", says="Neural Network → Parameters (Weights, Biases)", check="structural",
        design="architecture.composition",
        needs=_none("neither", "mlp"),
        limits=tuple(Limit(f"a {arm} has the scales and shifts of its norms too",
                           shown_by=Bounded("neither", arm=arm, low=1)) for arm in NETWORKS[1:]),
        remark="The list is not complete.",
    ),
    Claim(
        "R03", says="Neural Network —has→ Depth", check="structural", design="architecture.ways",
        needs=tuple(Bounded(metric, arm=arm, low=-POWER, high=POWER)
                    for arm in ("1 layers", "2 layers", "7 layers", "8 layers", "residual blocks")
                    for metric in ("longest", "shortest"))
        + tuple(Bounded("reported", arm=f"{depth} layers", low=depth, high=depth) for depth in (1, 2, 7, 8)),
        limits=(Limit("a feed-forward layer counts as one, and has two weighted sums in a row",
                      shown_by=Bounded("longest", arm="feed-forward", low=1 - POWER, high=1 + POWER)),),
        remark="With residual connections there are several ways: the longest counts, and the shortest is told too.",
    ),
    WIDTH,
    replace(WIDTH, id="F05", says="Width → Capacity per Layer"),
    Claim(
        "C10", says="Network Architecture ↔ Model capabilities", check="convention", design="copying.architectures",
        needs=(Level("accuracy", arm="attention", low=SOLVED), Level("accuracy", arm="mlp", high=UNSOLVED),
               Level("accuracy", arm="convolution of 3", high=UNSOLVED)),
        control=tuple(Bounded("parameters", arm=arm, low=24_000, high=27_000)
                      for arm in ("attention", "mlp", "convolution of 3", "convolution of 17")),
        scope="strings of eight symbols of eight, said again behind as many blanks; about 25,000 parameters, Adam",
        remark="What decides is how far a network sees. A convolution of 17 places, which reaches the whole string, "
               "and a hidden layer over all of it can say a string of fixed length again too.",
    ),
    Claim(
        "C11", says="Training ↔ Model behavior: prompting patterns emerge", check="convention",
        design="copying.emergence",
        needs=(Level("at the end", arm="trained", low=SOLVED), Level("in a tenth", arm="trained", low=0.4)),
        control=(Level("at first", arm="trained", high=0.2),),
        scope="a causal transformer of two blocks, strings of eight random symbols, 1,000 updates of Adam",
        remark="Sharp is four times as steep as a straight line: two fifths of the rise in a tenth of the updates.",
    ),
)  # fmt: skip
