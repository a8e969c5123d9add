"""Other tools on the doctor's benchmark: what is written in PyTorch, what their checks are taken for, and the page."""

import jax
import numpy as np
import pytest

from benchmarks.doctor import tools_page
from benchmarks.tools import FASTER, MEANT, model_of, rows_of, unwritten, verdict
from headway.doctor.faults.bench import programs
from headway.doctor.faults.catalog import faulty
from headway.doctor.faults.score import manifest_row, score
from headway.doctor.rules.catalog import RULES
from headway.models.mlp import mlp
from headway.network.activations import Tanh
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.layer import apply, initialize
from headway.network.normalization import BatchNorm
from headway.network.values import flatten

KNOWN = {one.id: one for one in faulty()}


def test_stacks_of_dense_layers_are_written_and_what_has_no_counterpart_is_not():
    for fault in ("weights-0", "climbing", "frozen-weights", "softmax-twice", "batchnorm-of-pairs", "dropout-0.97"):
        assert unwritten(KNOWN[f"{fault}@digits-mlp"].recipe) == ""
    assert unwritten(KNOWN["climbing@copy-transformer"].recipe) == "network"
    assert unwritten(KNOWN["weights-tiny@digits-cnn"].recipe) == "network"
    assert unwritten(KNOWN["l2-of-1@wine-mlp"].recipe) == "penalties"


def test_a_check_is_taken_for_causes_that_are_in_the_benchmark():
    assert {cause for causes in MEANT.values() for cause in causes} <= {rule.id for rule in RULES}
    assert not any(name.startswith(FASTER) for name in MEANT)


def test_what_only_warns_alarms_where_warnings_count():
    said = [("initial_loss", False), ("gradient_flow", True), ("TA402", False)]
    assert verdict(said, warnings=False) == {
        "healthy": False, "causes": ["unreached-parameters", "dying-relu", "initial-symmetry"],
        "checks": ["gradient_flow"],
    }  # fmt: skip
    assert verdict(said, warnings=True)["causes"][:2] == ["initial-scale", "output-loss-mismatch"]
    assert verdict([("output_varies", False)], warnings=False) == {"healthy": True, "causes": [], "checks": []}
    assert verdict([("TA404", True)], warnings=False) == {"healthy": False, "causes": [], "checks": ["TA404"]}


def test_a_tool_that_breaks_on_a_program_has_missed_it_and_goes_on_with_the_next():
    chosen = [KNOWN["weights-0@wine-mlp"], *programs("tuning", ["as-it-is@wine-mlp"])]

    def tool(job):
        if job.recipe == chosen[0].recipe:
            raise ValueError("no such layer")
        return [("overfit_batch", False)]

    rows = rows_of(tool, chosen)
    assert rows[""][0] == {"id": "weights-0@wine-mlp", "error": "ValueError: no such layer"}
    found = {word: score([manifest_row(one) for one in chosen], said)["all"] for word, said in rows.items()}
    assert [found[word]["broken"] for word in rows] == [1, 1]
    assert [found[word]["specificity"]["hits"] for word in rows] == [1, 0]


def test_the_page_sets_tools_beside_the_doctor_on_the_same_programs():
    row = {"id": "a", "known": ["dying-relu"], "healthy": False, "causes": ["dying-relu"]}
    other = {"id": "b", "known": [], "healthy": False, "causes": ["plateau"]}
    figures = score([{"id": "a", "healthy": False, "causes": ["dying-relu"], "family": "f", "base": "b"}], [])
    record = {"versions": {"torch": "2"}, "tuning": {
        "of": 2, "figures": {"torchtest2": figures["all"]}, "baselines": {"always alarm": figures["always alarm"]},
        "programs": {"a": {}},
    }}  # fmt: skip
    page = tools_page(record, {"tuning": {"programs": [row, other]}})
    assert "1 of the 2 programs of the tuning set are written in PyTorch:" in page
    lines = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    assert "100%" in lines["the doctor"]
    assert lines["the doctor"].count("–") == 1, "no healthy program is among these"
    assert "100%" not in lines["torchtest2"]


@pytest.mark.parametrize("network", [
    mlp((8, 5), 3, activation=Tanh()), Sequential((Flatten(), Dense(6, bias=False), BatchNorm(), Dense(2))),
])  # fmt: skip
def test_a_network_gives_in_pytorch_what_it_gives_here(network):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    params, state = initialize(network, (4,), jax.random.key(0))
    theirs = model_of(network, {name: np.asarray(value) for name, value in flatten(params).items()}).eval()
    with torch.no_grad():
        given = theirs(torch.from_numpy(x)).numpy()
    assert given == pytest.approx(np.asarray(apply(network, params, x, state)[0]), abs=1e-3)
