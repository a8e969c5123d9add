"""A claim of your own: what would support it is written first, then ten paired seeds are run and judged."""

import headway as hw
from headway.claims.claim import Claim, verdict
from headway.claims.condition import Alike, Differs, Level
from headway.claims.design import Arm, Trained
from headway.report.claim import measured, picture


def recipe(activation: hw.Layer) -> hw.Recipe:
    """One hidden layer with this activation, on two circles around each other."""
    return hw.Recipe(
        hw.Sequential((hw.Dense(16), activation, hw.Dense(2))),
        data=hw.Data(hw.Circles(400)),
        loss=hw.CrossEntropy(),
        optimizer=hw.SGD(0.1, momentum=0.9),
        batch_size=32,
        length=300,
        evaluation=hw.Evaluation(100, metrics=(hw.Accuracy(),)),
    )


design = Trained(
    "Two circles, a hidden layer of 16 units, 300 updates. `accuracy`: on points not seen.",
    {
        "linear": Arm(recipe(hw.Identity())),
        "ReLU": Arm(recipe(hw.ReLU())),
        # Begins where ReLU does, up to a millionth, and draws other batches: all that differs is chance.
        "sham": Arm(recipe(hw.ReLU()), sham=True),
    },
    lambda run: {"accuracy": run.results["test"]["accuracy"]},
)
claim = Claim(
    "N99",
    says="ReLU —separates→ circles",
    check="experiment",
    design="my.circles",
    needs=(Differs("accuracy", arm="ReLU", than="linear", by=0.2),),
    control=(Level("accuracy", arm="linear", high=0.7),),
    sham=(Alike("accuracy", arm="sham", than="ReLU", within=0.1),),
    scope="one hidden layer of 16 units",
)

numbers = {arm: design.measure(arm, range(10), "full").numbers for arm in design.names}
found = verdict(claim, numbers)
print(picture("accuracy", {arm: values["accuracy"] for arm, values in numbers.items()}))
for judged in (*found.needs, *found.control, *found.sham):
    print(f"{judged.said}: {judged.answer}, {measured(judged)}")
print(f"{claim.says}: {found.word}")
assert found.word == "supported"
