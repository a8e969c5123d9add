"""The search: what is tried, refused and pruned; and that it finds what compiling everything finds."""

import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

import headway.spec.json as spec_json
from headway.data.dataset import Data
from headway.data.sequences import Zipf
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import AdamW
from headway.models.transformer import language_model
from headway.network.recompute import RecomputeAll, RecomputeBut
from headway.plan import search as searching
from headway.plan.collectives import Collective
from headway.plan.compiled import Compiled
from headway.plan.devices import Device
from headway.plan.search import Booked, candidates, edits, meshes, ranked, recomputes, search, seconds
from headway.report.searched import options, search_text
from headway.scale.local import virtual
from headway.scale.strategy import REPLICATED
from headway.training.named import named
from headway.training.recipe import Recipe

DEVICE = Device(
    "own", memory=1e12, operations=1e12, bandwidth=1e12, link=1e10, neighbours=2, network=1e9, reported="own"
)
MODEL = Recipe(
    language_model(64, width=64, heads=4, blocks=4), data=Data(Zipf(64, time=32, examples=16), test=None),
    loss=CrossEntropy(), optimizer=AdamW(1e-3), batch_size=4, watch=None,
)  # fmt: skip
MLP = named("digits-mlp").recipe
ALL = """
import json, sys
from headway.plan.compiled import here
from headway.spec.json import from_dict
json.dump([here(*map(from_dict, pair)) for pair in json.load(sys.stdin)], sys.stdout)
"""


def key(plan):
    return plan.recipe, plan.mesh


@pytest.fixture(scope="module")
def everything():
    """Every candidate on 4 devices → what the compiler says of it."""
    plans, _ = candidates(MODEL, Booked(4, DEVICE))
    asked = json.dumps([[spec_json.to_dict(one) for one in key(plan)] for plan in plans])
    done = subprocess.run([sys.executable, "-c", ALL], input=asked, env=os.environ | virtual(4), text=True,
                          capture_output=True, check=True, timeout=500)  # fmt: skip
    found = {}
    for plan, told in zip(plans, json.loads(done.stdout), strict=True):
        lists = (one | {"sides": one["sides"] and tuple(one["sides"])} for one in told["collectives"])
        told["collectives"] = tuple(Collective(**one) for one in lists)
        found[key(plan)] = Compiled(warnings=(), **told)
    return found


def looked_up(made, asked):
    """In place of the compiler: what it said before; what is asked of it is noted."""

    def with_compiled(plan, *, vendor=False):
        asked.append(plan)
        return replace(plan, made=made[key(plan)])

    return with_compiled


ROOMS = (0.1, 0.25, 0.5, 0.75, 1.0)
SPEEDS = ((1e10, 1e9), (1e10, 1e10), (1e9, 1e8), (1e11, 1e9))


def test_a_search_finds_what_compiling_every_candidate_finds(everything, monkeypatch):
    """For devices on which from a tenth of them to all of them fit, with links of several speeds."""
    plans, refused = candidates(MODEL, Booked(4, DEVICE))
    peaks = sorted(one.peak for one in everything.values())
    for room, (link, network) in itertools.product(ROOMS, SPEEDS):
        device = replace(DEVICE, memory=1.11 * peaks[int(room * (len(peaks) - 1))], link=link, network=network)
        own, asked = [replace(one, device=device) for one in plans], []
        best = ranked([one for one in (replace(one, made=everything[key(one)]) for one in own) if one.fits])[0]
        monkeypatch.setattr(searching, "candidates", lambda *_, own=own: (own, refused))
        monkeypatch.setattr(searching, "with_compiled", looked_up(everything, asked))
        found = search(MODEL, Booked(4, device))
        assert key(found.fitting[0]) == key(best), device
        assert len(asked) < len(plans)


def test_every_mesh_is_tried_once_with_tensor_within_a_machine():
    found = [(one.data, one.fsdp, one.tensor) for one in meshes(Booked(8, DEVICE))]
    assert sorted(found) == [(1, 4, 2), (1, 8, 1), (2, 2, 2), (2, 4, 1), (4, 1, 2), (4, 2, 1), (8, 1, 1)]
    assert all(one.strategy == REPLICATED and one.fsdp == 1 for one in meshes(Booked(8, DEVICE, REPLICATED)))


def test_a_network_without_copies_recomputes_nothing():
    but = replace(MODEL, recompute=RecomputeBut(("Dense",)))
    assert recomputes(MLP) == [None]
    assert recomputes(MODEL) == [None, RecomputeAll()]
    assert recomputes(but) == [but.recompute, None, RecomputeAll()]


def test_every_candidate_is_the_same_update_and_meets_one_fate():
    found = search(MODEL, Booked(4, DEVICE), compile=0)
    tried = len([*meshes(Booked(4, DEVICE))]) * 2 * 3  # recompute or not; 1, 2 or 4 micro-batches
    assert found.tried == tried
    assert len(found.fitting) == 14
    assert sum(found.refused.values()) == tried - 14
    assert [*map(seconds, found.fitting)] == sorted(map(seconds, found.fitting))
    assert {replace(one.recipe, accumulate=1, recompute=None) for one in found.fitting} == {MODEL}


def test_refusals_are_counted_by_what_must_hold():
    assert all("must divide the n examples of a micro-batch" in why or "of a batch" in why
               for why in candidates(MODEL, Booked(4, DEVICE))[1])  # fmt: skip


def test_what_cannot_fit_is_not_compiled():
    found = search(MODEL, Booked(4, replace(DEVICE, memory=1e3)))
    assert (found.fitting, found.large, found.waiting, found.pruned) == ((), (), (), 14)
    assert "None fits" in search_text(found, MODEL, ["own"])


def by_hand(peak, exchanged):
    return Compiled("cpu", peak, 0, 0, 0, (Collective("all-gather", ("fsdp",), 1, exchanged),), (), 1.0)


def test_compiled_figures_decide_and_what_keeps_more_than_too_much_is_left_out(monkeypatch):
    """By hand: the fastest as traced does not fit; of the others the last is the fastest."""
    asked = []

    def with_compiled(plan, *, vendor=False):
        asked.append(plan)
        return replace(plan, made=by_hand(2e12 if len(asked) == 1 else 1e6, int(1e12) >> len(asked)))

    monkeypatch.setattr(searching, "with_compiled", with_compiled)
    told = []
    found = search(MODEL, Booked(4, DEVICE), compile=3, told=told.append)
    traced = search(MODEL, Booked(4, DEVICE), compile=0).fitting
    more = [one for one in traced[1:] if one.mesh == traced[0].mesh and one.activations >= traced[0].activations]
    assert [key(one) for one in asked[:1]] == [key(traced[0])]
    assert len(told) == 4
    assert [len(found.fitting), len(found.large), found.pruned] == [3, 1, len(more)]
    assert found.tried == 30
    assert not {key(one) for one in more} & {key(one) for one in asked}
    assert [*map(seconds, found.fitting)] == sorted(map(seconds, found.fitting))


def test_the_best_is_told_as_a_command():
    found = search(replace(MODEL, accumulate=4), Booked(4, DEVICE), compile=0)
    best = found.fitting[0]
    changed = replace(best, recipe=replace(best.recipe, accumulate=2, recompute=RecomputeAll()))
    assert edits(MODEL, changed) == {"accumulate": 2, "recompute": RecomputeAll()}
    mesh = ",".join(f"{side}={size}" for side, size in best.mesh.sizes.items() if size > 1)
    assert options(changed, MODEL) == [
        "--mesh", mesh, "--set", "accumulate=2", "--set", 'recompute={"kind": "headway/RecomputeAll"}'
    ]  # fmt: skip
    said = search_text(found, MODEL, ["own.json", "--strategy", "zero-3"])
    assert f"the best: headway train own.json --strategy zero-3 --mesh {mesh}" in said
    assert "30 candidates: 14 fit as traced" in said


def command(*words):
    return subprocess.run([sys.executable, "-m", "headway.cli", "plan", "digits-mlp", *words], capture_output=True,
                          text=True, timeout=300)  # fmt: skip


def test_the_command_searches_and_compiles():
    done = command("--devices", "2xH100", "--search", "--compiled", "1", "--set", "batch_size=2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["compiled"] for one in found["fitting"]] == [True]
    assert found["fitting"][0]["fits"] is True
    assert found["fitting"][0]["update"] == pytest.approx(sum(found["fitting"][0]["seconds"].values()))
    assert found["waiting"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--devices", "8", "--search"],
            "--search: needs the memory and the speeds of a kind of devices; got --devices 8",
        ),
        (["--devices", "8xH100", "--compiled", "2"], "--compiled: is for a --search that compiles; got 2."),
        (["--devices", "8xH100", "--search", "--mesh", "data=8"], "--search: finds the mesh; got --mesh data=8."),
    ],
)
def test_what_cannot_be_searched_is_refused_with_the_fix(words, said):
    done = command(*words)
    assert done.returncode == 2
    assert said in done.stderr
