"""The named recipes: their text in the repository, and the band that each result must fall in."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

import headway.spec.json as spec_json
from headway.data.dataset import Data
from headway.data.markov import markov_bits
from headway.data.text import StdlibText
from headway.learning.metrics import BitsPerByte
from headway.learning.optimizers.adaptive import AdamW
from headway.models.transformer import tied_language_model
from headway.spec.error import HeadwayError
from headway.training.interruption import whole_or_nothing
from headway.training.manifest import manifest
from headway.training.named import EVERY, RECIPES, named
from headway.training.recipe import Evaluation
from headway.training.train import train
from tests.drills import stored

LONG = ("stdlib-lm", "lm-10m")
"""Trained in minutes: their full length is an accept drill."""
GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("name", EVERY)
def test_a_named_recipe_is_the_text_in_golden(name):
    """A changed default shows in review: write the file anew with `python -m tests.training.test_named`."""
    assert spec_json.loads((GOLDEN / f"{name}.json").read_text()) == EVERY[name].recipe
    assert (GOLDEN / f"{name}.json").read_text() == spec_json.dumps(EVERY[name].recipe)


def test_golden_holds_no_other_recipe():
    assert {path.stem for path in GOLDEN.glob("*.json")} - {"claims"} == set(EVERY)


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in LONG])
def test_the_result_of_a_named_recipe_falls_in_its_band(name):
    entry = RECIPES[name]
    result = train(entry.recipe).results["test"][entry.metric]
    print(f"{name}: {entry.metric} {result:.4f}")
    assert entry.low <= result <= entry.high


def test_a_short_language_model_knows_more_than_how_often_each_byte_comes():
    """On files that are held out whole: below the 8 bits of a uniform guess, and below those of counting bytes."""
    source = StdlibText(
        ("argparse", "ast", "csv", "cmd", "heapq", "inspect", "pprint", "queue", "shlex", "typing"), time=32
    )
    recipe = replace(
        RECIPES["stdlib-lm"].recipe,
        network=tied_language_model(256, width=32, heads=2, blocks=1),
        data=Data(source, validation=0.2, test=0.2),
        optimizer=AdamW(1e-2),
        length=100,
        evaluation=Evaluation(100, metrics=(BitsPerByte(),), batch_size=256),
    )
    run = train(recipe)
    assert run.results["test"]["bits per byte"] < markov_bits(run.data(), order=0)["test"] < 8


@pytest.mark.accept
@pytest.mark.parametrize("name", LONG)
def test_the_language_model_beats_a_markov_model_of_order_2_on_files_it_never_saw(name):
    entry = RECIPES[name]
    found = stored(name, lambda: language_model_drill(name))
    print(found)
    assert entry.low <= found["bits"]["test"] <= entry.high
    assert found["bits"]["test"] < found["markov"]["2"]["test"] < found["markov"]["0"]["test"] < 8


def language_model_drill(name):
    """The named recipe trained in full, and what counting makes of the same bytes."""
    started = time.monotonic()
    with whole_or_nothing():
        run = train(RECIPES[name].recipe)
    return {
        "bits": {split: values["bits per byte"] for split, values in run.results.items()},
        "markov": {str(order): markov_bits(run.data(), order) for order in (0, 1, 2, 3)},
        "seconds": round(time.monotonic() - started),
        "updates": run.standing.step,
        "manifest": {name: manifest(run.recipe, run.data())[name] for name in ("versions", "data", "seed", "machine")},
    }


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(HeadwayError, match="Did you mean 'mnist1d-cnn'"):
        named("mnist-cnn")


if __name__ == "__main__":
    for name, entry in EVERY.items():
        (GOLDEN / f"{name}.json").write_text(spec_json.dumps(entry.recipe))
