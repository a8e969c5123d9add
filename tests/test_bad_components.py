# ruff: noqa: E501 (a table of cases)
"""Wrong uses of every component, from the command line: each gets one message that says where and how to mend it."""

import json
import re
from pathlib import Path

import pytest

from tests.test_bad_input import dense, groups, headway, network, recipe


def part(kind: str, **fields: object) -> dict[str, object]:
    """A part of a recipe as JSON."""
    return {"kind": f"headway/{kind}"} | fields


def of(kind: str, **fields: object) -> dict[str, object]:
    """Data from this source."""
    return part("Data", source=part(kind, **fields))


def on_iris(*layers: dict[str, object], **changes: object) -> dict[str, object]:
    """The recipe on iris, 4 features and 3 classes, with these layers before the last one."""
    return recipe(network=network(*layers, dense(3)), **changes)


def on_images(*layers: dict[str, object]) -> dict[str, object]:
    """A recipe on images (8, 8, 1) with these layers first."""
    return recipe(network=network(*layers, part("Flatten"), dense(10)), data=of("Digits", shape="image"))


def on_tokens(*layers: dict[str, object], **changes: object) -> dict[str, object]:
    """A recipe on strings of 12 tokens, 0 to 6, with these layers behind an embedding of width 6."""
    first, source = part("Embedding", vocabulary=7, width=6), of("CopyTask", length=6, symbols=6, examples=200)
    return recipe(**{"network": network(first, *layers, dense(7)), "data": source} | changes)


def rated(kind: str, **fields: object) -> dict[str, object]:
    """The recipe on iris, of 5 updates, with this schedule."""
    return recipe(optimizer=part("SGD", learning_rate=part(kind, **fields)))


def judged(kind: str, **fields: object) -> dict[str, object]:
    """The recipe on iris with this metric."""
    return recipe(evaluation=part("Evaluation", metrics=[part(kind, **fields)]))


RECIPES = {
    "a residual body of another rank": (on_iris(part("Residual", body=part("Conv", channels=4))), r"network/0/body: Conv takes .*got shape \(4,\). Put"),
    "a projection that ends elsewhere": (on_iris(part("Residual", body=dense(4), skip=dense(5))), r"network/0/skip: .*got \(4,\) → \(5,\). End both"),
    "a residual without a body": (on_iris(part("Residual")), r"network/0/body: a value is required. Write Residual\(body"),
    "a concatenated body that changes positions": (on_images(part("Concatenate", body=part("Flatten"))), r"network/0/body: Concatenate needs .*\(8, 8, 1\) → \(64,\). Take"),
    "no branches": (on_iris(part("Branch", branches=[])), "network/0/branches: needs at least one branch"),
    "branches that cannot be added": (on_iris(part("Branch", branches=[dense(4), dense(5)])), r"network/0/1: Sum needs .*\(5,\). End it in \(4,\), or join by Concatenation"),
    "branches that cannot be joined": (on_images(part("Branch", branches=[part("Flatten"), dense(4)], join=part("Concatenation"))), "network/0/1: Concatenation needs .*Bring both"),
    "a repeated body that changes shape": (on_iris(part("Repeat", body=dense(5), times=3)), r"network/0/\*: Repeat needs a body that keeps its shape; got \(4,\) → \(5,\). End"),
    "a body repeated no times": (on_iris(part("Repeat", body=dense(4), times=0)), "network/0/times: must be greater than or equal to 1; got 0"),
    "an embedding of amounts": (on_iris(part("Embedding", vocabulary=5, width=4)), "network/0: Embedding takes token ids; got inputs that are amounts. Say"),
    "an embedding of too few": (on_tokens(network=network(part("Embedding", vocabulary=5, width=6), dense(7))), "network/0/vocabulary: must be at least the data's 7 tokens; got 5. Set vocabulary=7"),
    "positions of what has none": (on_iris(part("LearnedPositions", length=4)), r"network/0: LearnedPositions takes sequences .*got shape \(4,\). Put"),
    "positions for shorter sequences": (on_tokens(part("LearnedPositions", length=3)), "network/1: has 3 positions; got a sequence of 12. Set length=12"),
    "sine and cosine of odd features": (on_tokens(dense(5), part("SinusoidalPositions")), r"network/2: SinusoidalPositions needs an even .*\(12, 5\). Give it 6"),
    "heads that do not divide": (on_tokens(part("MultiHeadAttention", heads=4)), "network/1: 4 heads must share .*got 6 features. Give it 8"),
    "rotary positions in odd heads": (on_tokens(part("MultiHeadAttention", heads=2, rotary=part("Rotary"))), "network/1/rotary: .*even number of features; got 3. Give 2 heads 8"),
    "rotary positions of base 0": (on_tokens(part("MultiHeadAttention", heads=3, rotary=part("Rotary", base=0))), "network/1/rotary/base: must be greater than 0; got 0"),
    "attention in a flat input": (on_iris(part("MultiHeadAttention", heads=2)), r"network/0: MultiHeadAttention takes sequences .*got shape \(4,\). Put"),
    "a feed-forward of width 0": (on_iris(part("FeedForward", hidden=0)), "network/0/hidden: must be greater than or equal to 1; got 0"),
    "an activation with weights": (on_iris(part("FeedForward", hidden=4, activation=dense(4))), "network/0/activation: must be an instance of Activation; got Dense"),
    "half a unit": (on_iris(part("SwiGLU", hidden=4.5)), "network/0/hidden: must be a valid integer; got 4.5"),
    "a tied body of another width": (on_tokens(network=part("TiedEmbedding", body=dense(5), vocabulary=7, width=6)), r"network/body: TiedEmbedding needs .*6 features.*got \(12, 6\) → \(12, 5\). Leave"),
    "a tied table of too few": (on_tokens(network=part("TiedEmbedding", body=part("ReLU"), vocabulary=4, width=6)), "network/vocabulary: must be at least .*7 tokens; got 4. Set vocabulary=7"),
    "a mask of amounts": (on_iris(part("Masked", body=dense(4), padding=0)), "network/0: Masked takes token ids; got inputs that are amounts"),
    "padding that no token is": (on_tokens(network=network(part("Masked", body=part("Embedding", vocabulary=7, width=6), padding=50), dense(7))), "network/0/padding: must be one of the data's token ids 0 to 6; got 50"),
    "recurrence in a flat input": (on_iris(part("Recurrent", units=4)), r"network/0: Recurrent takes \(time, features\); got shape \(4,\). Put"),
    "gates in a flat input": (on_iris(part("GRU", units=4)), r"network/0: GRU takes \(time, features\); got shape \(4,\). Put"),
    "recurrence of no units": (on_tokens(part("GRU", units=0)), "network/1/units: must be greater than or equal to 1; got 0"),
    "the last of what has no time": (on_iris(part("Last"), part("Last")), r"network/1: Last takes \(time, …\); got shape \(\). Put"),
    "running statistics that never move": (on_iris(part("BatchNorm", momentum=1.5)), "network/0/momentum: must be less than 1; got 1.5"),
    "statistics of one example": (on_iris(part("BatchNorm"), batch_size=16, accumulate=16), r"network/0: BatchNorm needs at least 2 values .*got 1 in a batch of shape \(1, 4\). Set"),
    "a norm with no epsilon": (on_iris(part("LayerNorm", epsilon=0)), "network/0/epsilon: must be greater than 0; got 0"),
    "a norm with a negative epsilon": (on_iris(part("RMSNorm", epsilon=-1.0)), "network/0/epsilon: must be greater than 0; got -1.0"),
    "groups that do not divide": (on_iris(part("GroupNorm", groups=3)), "network/0/groups: must divide the 4 channels; got 3"),
    "everything dropped": (on_iris(part("Dropout", rate=1.0)), "network/0/rate: must be less than 1; got 1.0"),
    "every branch dropped": (on_iris(part("Residual", body=network(part("StochasticDepth", rate=1.0)))), "network/0/body/0/rate: must be less than 1; got 1.0"),
    "negative noise": (on_iris(part("Noise", scale=-0.1)), "network/0/scale: must be greater than or equal to 0; got -0.1"),
    "a reward for large weights": (recipe(penalties=[part("L1", strength=-1.0)]), "penalties/0/strength: must be greater than or equal to 0; got -1.0"),
    "a penalty on nothing": (recipe(penalties=[part("L2", strength=1e-3, only=["5/w"])]), "penalties/0/only: a pattern must match .*got '5/w'. Close to it: 2/w"),
    "more smoothing than labels": (recipe(loss=part("CrossEntropy", smoothing=1.5)), "loss/smoothing: must be less than or equal to 1; got 1.5"),
    "a mix of negative amount": (recipe(augment=[part("Mixup", alpha=-1.0)]), "augment/0/alpha: must be greater than 0; got -1.0"),
    "a mix of tokens": (on_tokens(augment=[part("Mixup")]), "augment/0: Mixup alters amounts; got token ids 0 to 6. Take"),
    "a shift of flat rows": (recipe(augment=[part("Shift", pixels=1)]), r"augment/0: Shift takes .*got shape \(4,\). Give"),
    "a roll of flat rows": (recipe(augment=[part("Roll", pixels=1)]), r"augment/0: Roll takes .*got shape \(4,\). Give"),
    "a flip of flat rows": (recipe(augment=[part("Flip")]), r"augment/0: Flip takes .*got shape \(4,\). Give"),
    "an erasure in flat rows": (recipe(augment=[part("Erase", size=2)]), r"augment/0: Erase takes .*got shape \(4,\). Give"),
    "more than half a turn": (recipe(augment=[part("Rotate", degrees=200.0)]), "augment/0/degrees: must be less than or equal to 180; got 200.0"),
    "scaled token ids": (on_tokens(augment=[part("Scale", spread=0.1)]), "augment/0: Scale alters amounts; got token ids 0 to 6. Take"),
    "noise of no width": (recipe(augment=[part("CorrelatedNoise", scale=0.1, width=0.0)]), "augment/0/width: must be greater than 0; got 0.0"),
    "a negative norm": (recipe(clip=part("ClipByNorm", limit=-1.0)), "clip/limit: must be greater than or equal to 0; got -1.0"),
    "no limit": (recipe(clip=part("ClipByValue")), r"clip/limit: a value is required. Write ClipByValue\(limit"),
    "a limit in words": (recipe(clip=part("ClipLayersByNorm", limit="one")), "clip/limit: must be a valid number; got 'one'"),
    "a ratio to less than nothing": (recipe(clip=part("ClipByRatio", eps=-1.0)), "clip/eps: must be greater than or equal to 0; got -1.0"),
    "RMSProp with a field of another": (recipe(optimizer=part("RMSProp", learning_rate=0.1, b1=0.9)), "optimizer/b1: no such field"),
    "Lion that forgets nothing": (recipe(optimizer=part("Lion", learning_rate=0.1, b1=1.0)), "optimizer/b1: must be less than 1; got 1.0"),
    "an unknown one among Optax's own": (recipe(optimizer=part("Optax", factory="contrib.adamm", learning_rate=0.1)), "optimizer/factory: no function in optax.contrib; got adamm. Did you mean"),
    "groups without rules": (recipe(optimizer=groups()), r"optimizer/rules: must have at least 1 item; got \(\)"),
    "an optimizer for nothing": (recipe(optimizer=groups(part("Assigned", patterns="head/*", optimizer=part("Lion")))), r"optimizer/rules/0/patterns: .*got 'head/\*'. There is: 0/w"),
    "a rule that changes nothing": (recipe(optimizer=groups(part("Adjusted", patterns="0/*"))), "optimizer/rules/0/rate_factor: must be given, or weight_decay"),
    "an average that never moves": (recipe(average=part("EMA", decay=1.0)), "average/decay: must be less than 1; got 1.0"),
    "micro-batches that do not divide": (recipe(accumulate=5), "accumulate: must divide the batch_size of 16; got 5. Micro-batches"),
    "an exponential without an end": (rated("Exponential", peak=0.1), r"optimizer/learning_rate/final: a value is required. Write Exponential\(final"),
    "a line of no updates": (rated("Linear", peak=0.1, steps=0), "optimizer/learning_rate/steps: must be greater than or equal to 1"),
    "a polynomial that rises": (rated("Polynomial", peak=0.1, power=-1.0), "optimizer/learning_rate/power: must be greater than or equal to 0; got -1.0"),
    "no room for a stable rate": (rated("WarmupStableDecay", peak=0.1, warm=4, decay=4), r"optimizer/learning_rate/decay: .*must fit into 4 updates; got 4 \+ 4. Train longer"),
    "a peak behind the end": (rated("OneCycle", peak=0.1, warm=9, steps=5), "optimizer/learning_rate/warm: the peak must come .*got 9. Train longer"),
    "more restarts than updates": (rated("Restarts", peak=0.1, cycles=50), "optimizer/learning_rate/cycles: each needs two updates .*got 50. Train longer"),
    "too few boundaries": (rated("Piecewise", schedules=[part("ConstantRate", rate=0.1)] * 2, boundaries=[]), "optimizer/learning_rate/boundaries: 2 schedules need 1"),
    "drops that do not increase": (rated("Step", initial=0.1, drops=[3, 2]), r"optimizer/learning_rate/drops: must increase; got \(3, 2\)"),
    "more than the whole": (rated("Warmup", steps=part("Fraction", part=1.5), then=0.1), "optimizer/learning_rate/steps/part: must be less than or equal to 1; got 1.5"),
    "an exception that matches nothing": (recipe(precision=part("Float16", exceptions=["5"])), "precision/exceptions: a pattern must match .*got '5'. There is"),
    "recomputing without copies": (recipe(recompute=part("RecomputeAll")), "recompute: works copy by copy .*got a network without one. Write Repeat"),
    "a tag that no layer has": (on_iris(part("Repeat", body=dense(4), times=2), recompute=part("RecomputeBut", tags=["GRU"])), r"recompute/tags: a tag must be .*got 'GRU'. Known: 0/\*, Dense"),
    "no tags": (on_iris(part("Repeat", body=dense(4), times=2), recompute=part("RecomputeBut", tags=[])), "recompute/tags: must have at least 1 item; got"),
    "a mesh where a precision belongs": (recipe(precision=part("Mesh", data=2)), "precision: must be an instance of Precision; got Mesh"),
    "a mesh of no devices": (recipe(precision=part("Mesh", data=0)), "precision/data: must be greater than or equal to 1; got 0"),
    "a module that Python has not": (on_tokens(data=of("StdlibText", modules=["heapqq"])), "heapqq: no such module of one file. Did you mean 'heapq'"),
    "windows of one byte": (on_tokens(data=of("StdlibText", time=1)), "data/source/time: must be greater than or equal to 2; got 1"),
    "a text that is not there": (on_tokens(data=of("TextFiles", paths=["absent.txt"])), "absent.txt: no such file. Looked in"),
    "no texts": (on_tokens(data=of("TextFiles", paths=[])), "data/source/paths: must have at least 1 item; got"),
    "a text of nothing": (on_tokens(data=of("TextFiles", paths=["empty.txt"])), "text: needs two tokens or more"),
    "more strings than there are": (on_tokens(data=of("CopyTask", length=2, symbols=2, examples=500)), "data/source/examples: there are 4 strings .*got 500. Ask for fewer"),
    "addition modulo 1": (on_tokens(data=of("ModularAddition", p=1)), "data/source/p: must be greater than or equal to 2; got 1"),
    "bits per byte of flowers": (judged("BitsPerByte"), r"evaluation/metrics/0: BitsPerByte needs bytes .*got inputs \(4,\). Use Perplexity"),
    "the first five of three": (judged("TopK", k=5), "evaluation/metrics/0/k: must be at most the 3 classes; got 5"),
    "a watch of every update but none": (recipe(watch=part("Watch", every=0)), "watch/every: must be greater than or equal to 1; got 0"),
    "a module that was not imported": (on_iris(part("Linen", factory="no_such.models:Net")), "network/0/factory: .*imported; got 'no_such.models:Net'. Add --import no_such"),
    "a command of the system for a module": (on_iris(part("Linen", factory="os:system", settings=[["command", "touch owned"]])), "network/0/factory: must name what is defined in a module of yours; got 'os:system', of posix"),
    "a command that hides in a module": (on_iris(part("Equinox", factory="headway.training.manifest:subprocess.run")), "network/0/factory: must name .*of subprocess"),
    "a function without a beginning": (on_iris(part("Function", factory="json:dumps")), r"network/0/init: a value is required. Write Function\(init"),
}  # fmt: skip


def refused(capsys, monkeypatch, *words: str) -> str:
    """What the command line says of bad input, after which it ends with code 2 and without a traceback."""
    code, out, err = headway(capsys, monkeypatch, *words)
    assert (code, out) == (2, "")
    assert err.startswith("headway: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert "a defect" not in err
    return err


@pytest.mark.parametrize("name", RECIPES)
def test_a_component_that_is_used_wrongly_is_refused_before_anything_is_trained(name, tmp_path, capsys, monkeypatch):
    document, expected = RECIPES[name]
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("")
    Path("wrong.json").write_text(json.dumps(document))
    assert re.search(expected, refused(capsys, monkeypatch, "train", "wrong.json", "--out", "run"))
    assert {path.name for path in tmp_path.iterdir()} == {"empty.txt", "wrong.json"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


COMMANDS = {
    "a landscape of no run": (("landscape", "."), "must be the folder of a run"),
    "a landscape of an unknown kind": (("landscape", "run", "--kind", "plain"), "--kind: must be one of .*got plain. Did you mean 'plane'"),
    "a plane between two runs": (("landscape", "run", "run"), "--kind: must be between for two runs; got plane"),
    "a landscape of two points": (("landscape", "run", "--points", "2"), "--points: must be greater than or equal to 3; got 2"),
    "a landscape of no examples": (("landscape", "run", "--examples", "0"), "--examples: must be greater than or equal to 1; got 0"),
    "a sweep over nothing": (("sweep", "iris"), "--over"),
    "a sweep without values": (("sweep", "iris", "--over", "seed"), "--over: must be ADDRESS=VALUE,VALUE; got seed. Try"),
    "a sweep over what is not there": (("sweep", "iris", "--over", "optimiser.learning_rate=0.1,0.2"), "optimiser/learning_rate: there is nothing at this address. Did you mean 'optimizer'"),
    "a sweep over a value out of range": (("sweep", "iris", "--over", "batch_size=16,0"), "batch_size: must be greater than or equal to 1; got 0.*"),
    "an axis twice": (("sweep", "iris", "--over", "seed=0:2", "--over", "seed=3:5"), "--over: an axis must be given once; got seed"),
    "a rate that falls": (("rate", "iris", "--low", "1", "--high", "0.1"), "low: must be above 0 and below high; got 1 and 0.1"),
    "a rate by one seed": (("rate", "iris", "--seeds", "1"), "seeds: an interval needs two seeds or more; got 1"),
    "a rate in few updates": (("rate", "iris", "--updates", "10"), "updates: a curve needs 60 updates or more; got 10"),
    "a trace of an example that is not there": (("trace", "iris", "--example", "100000"), "--example: must be below .*got 100000"),
    "a trace of a weight that is not there": (("trace", "iris", "--weight", "9/w[0, 0]"), r"weight: must be that of a Dense layer .*got 9/w\[0, 0\]. Did you mean"),
    "a trace of a run that is changed": (("trace", "run", "--set", "seed=1"), "--set: must not be given with a run"),
    "text by a network of flowers": (("generate", "run"), "run: must be of a network of 256 bytes .*got inputs that are amounts. Train on StdlibText"),
    "text of no length": (("generate", "run", "--length", "0"), "--length: must be greater than or equal to 1; got 0"),
    "text at temperature 0": (("generate", "run", "--temperature", "0"), "--temperature: must be greater than or equal to 0.000001; got 0"),
    "an export of no run": (("export", ".", "--out", "p.zip"), "must be the folder of a run"),
    "an export to nowhere": (("export", "run"), "--out"),
    "an export of no examples": (("export", "run", "--out", "p.zip", "--batch", "0"), "--batch: must be greater than or equal to 1; got 0"),
    "an export closer than can be": (("export", "run", "--out", "p.zip", "--tolerance", "-1"), "tolerance: the program must agree.*Set a larger"),
    "an export into a folder that is not there": (("export", "run", "--out", "absent/p.zip"), "absent/.*p.zip.*: must be a place that can be .*; got No such file"),
    "an export over a folder": (("export", "run", "--out", "."), ".: must be a place that can be .*; got Is a directory"),
    "a picture into a folder that is not there": (("landscape", "run", "--kind", "line", "--points", "3", "--out", "absent/p.svg"), "absent/p.svg: must be a place .*; got No such file"),
    "a picture of another kind": (("landscape", "run", "--kind", "line", "--points", "3", "--out", "p.jpg"), "p.jpg: a picture must be .svg or .png; got .jpg"),
    "a run inside a file": (("train", "iris", "--out", "run/recipe.json"), "run/recipe.json: must be a place .*; got Not a directory"),
    "a demonstration of what nobody shows": (("demo", "no such concept"), "no such concept"),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_with_wrong_words_or_a_wrong_run_gets_one_message(name, runs, capsys, monkeypatch):
    words, expected = COMMANDS[name]
    monkeypatch.chdir(runs)
    if not Path("run").exists():
        assert headway(capsys, monkeypatch, "train", "iris", "--set", "length=10", "--out", "run")[0] == 0
    err = refused(capsys, monkeypatch, *words)
    assert re.search(expected, err, re.DOTALL), err
