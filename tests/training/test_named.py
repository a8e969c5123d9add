"""The named recipes: their text in the repository, and the band that each result must fall in."""

from pathlib import Path

import pytest

import headway.spec.json as spec_json
from headway.spec.error import HeadwayError
from headway.training.named import RECIPES, named
from headway.training.train import train

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("name", RECIPES)
def test_a_named_recipe_is_the_text_in_golden(name):
    """A changed default shows in review: write the file anew with `python -m tests.training.test_named`."""
    assert spec_json.loads((GOLDEN / f"{name}.json").read_text()) == RECIPES[name].recipe
    assert (GOLDEN / f"{name}.json").read_text() == spec_json.dumps(RECIPES[name].recipe)


def test_golden_holds_no_other_recipe():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_the_result_of_a_named_recipe_falls_in_its_band(name):
    entry = RECIPES[name]
    result = train(entry.recipe).results["test"][entry.metric]
    print(f"{name}: {entry.metric} {result:.4f}")
    assert entry.low <= result <= entry.high


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(HeadwayError, match="Did you mean 'mnist1d-cnn'"):
        named("mnist-cnn")


if __name__ == "__main__":
    for name, entry in RECIPES.items():
        (GOLDEN / f"{name}.json").write_text(spec_json.dumps(entry.recipe))
