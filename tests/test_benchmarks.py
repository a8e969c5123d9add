"""The benchmarks' arithmetic, statistics and page; that they measure is seen by `make bench`."""

import dataclasses
import os

import jax
import numpy as np
import pytest
import scipy.stats

from benchmarks.measure import LIMIT, Worker, environment_in, systems_for
from benchmarks.ours import Headway
from benchmarks.peers.equinox import Equinox
from benchmarks.ratios import Ratio, paired_ratio
from benchmarks.report import COLD_START, PAGE, fastest_peer, memory_ratio, newest, page
from benchmarks.worker import loss_of
from benchmarks.workloads import WORKLOADS
from headway.network.embedding import SinusoidalPositions
from headway.network.layer import apply


@pytest.fixture(scope="module")
def systems():
    small = {"batches": 2}
    return {name: Headway(dataclasses.replace(w, **small)) for name, w in WORKLOADS.items()}


@pytest.mark.parametrize("name", WORKLOADS)
def test_headway_has_the_parameters_that_the_workload_says(name, systems):
    assert systems[name].parameters == WORKLOADS[name].parameters()


@pytest.mark.parametrize("name", ["small", "middle"])
def test_the_arithmetic_of_an_update_is_what_xla_counts(name, systems):
    """XLA also counts activations and the loss: a few in a hundred on networks this small."""
    system, workload = systems[name], WORKLOADS[name]
    x, y = (part[: workload.batch] for part in system.examples[:2])
    update = system.job.update

    def loss(params):
        return update.loss(apply(update.network, params, x)[0], y)

    counted = jax.jit(jax.grad(loss)).lower(system.state["params"]).cost_analysis()["flops"]
    assert workload.flops() == pytest.approx(counted, rel=0.03)


def test_the_workload_is_learned(systems):
    system, workload = systems["small"], dataclasses.replace(WORKLOADS["small"], batches=2)
    before = loss_of(system, workload)
    system.train(40)
    assert system.step == 80
    assert loss_of(system, workload) < 0.5 * before


def test_what_slows_down_a_whole_round_does_not_touch_the_ratio(rng):
    rounds = rng.uniform(1, 10, 15)
    ratio = paired_ratio(0.3 * rounds, rounds)
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((0.3, 0.3, 0.3))


def test_the_interval_is_the_percentile_bootstrap_of_scipy(rng):
    ours, theirs = rng.lognormal(size=(2, 31))
    ratio = paired_ratio(ours, theirs)
    expected = scipy.stats.bootstrap((ours / theirs,), np.median, method="percentile", rng=1).confidence_interval
    assert ratio.median == np.median(ours / theirs)
    assert (ratio.low, ratio.high) == pytest.approx((expected.low, expected.high), rel=0.05)


@pytest.mark.parametrize(
    ("bar", "verdict"), [(0.5, "met"), (0.40, "met"), (0.35, "not resolved below 0.400"), (0.1, "missed")]
)
def test_a_bar_is_met_by_the_whole_interval(bar, verdict):
    assert Ratio(0.3, 0.2, 0.4).verdict(bar) == verdict


def test_scikit_learn_sits_out_the_convolutions():
    assert set(systems_for(WORKLOADS["small"])) - set(systems_for(WORKLOADS["cnn"])) == {"scikit-learn"}


def test_equinox_trains_the_same_transformer():
    workload = dataclasses.replace(WORKLOADS["transformer"], width=16, blocks=2, time=8, batches=2)
    system = Equinox(workload)
    assert system.parameters == workload.parameters()
    before = loss_of(system, workload)
    system.train(20)
    assert loss_of(system, workload) < 0.95 * before


def test_the_positions_of_the_peers_are_those_of_headway():
    workload = WORKLOADS["transformer"]
    zeros = np.zeros((1, workload.time, workload.width), np.float32)
    ours, _ = apply(SinusoidalPositions(), {}, zeros)
    np.testing.assert_allclose(ours[0], workload.positions(), atol=1e-5)


def test_nine_of_ten_tokens_follow_from_the_one_before():
    x, y = WORKLOADS["transformer"].examples()
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    pairs = np.zeros((256, 256), int)
    np.add.at(pairs, (x, y), 1)
    assert pairs.max(axis=1).sum() / x.size == pytest.approx(0.9, abs=0.01)


def test_a_worker_says_how_long_a_block_took_and_how_much_memory(tmp_path):
    worker = Worker("Headway", "small", environment_in(str(tmp_path)))
    try:
        assert worker.start["parameters"] == 15_210
        answer = worker.run()
    finally:
        worker.end()
    assert 0 < answer["seconds"] < 60
    assert 50 * 2**20 < answer["peak"] < 2 * 2**30


def test_a_worker_that_fails_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="ended without an answer"):
        Worker("Headway", "small", {"PATH": os.environ["PATH"]})


def test_the_page_is_made_from_the_newest_result():
    assert PAGE.read_text() == page(newest()), "Run `python -m benchmarks report`."


def test_a_workload_without_a_result_is_said_to_have_none():
    _, result = newest()["small"]
    row = next(line for line in page({"small": ("a trial", result)}).splitlines() if "Transformer" in line)
    assert "not yet measured" in row


@pytest.mark.parametrize("name", newest())
def test_the_newest_result_of_a_workload_holds_every_system(name):
    _, result = newest()[name]
    if name == COLD_START:
        assert len(result[name]) == 5
        return
    found = result["workloads"][name]
    assert set(found["systems"]) == {*systems_for(WORKLOADS[name]), "PyTorch compiled"} - {LIMIT}
    assert {len(s["seconds"]) for s in found["systems"].values()} == {len(found["product_seconds"])}
    assert len(found["product_seconds"]) >= 7
    assert fastest_peer(found) != "Headway"
    if name in ("small", "middle", "cnn"):
        assert memory_ratio(found)[1] > 0.5
