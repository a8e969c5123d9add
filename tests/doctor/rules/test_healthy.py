"""Healthy recipes: the pre-flight finds nothing in those that have a name, and in some that look suspicious."""

from dataclasses import replace

import pytest

from headway.doctor.diagnose import preflight
from headway.learning.optimizers.sgd import SGD
from headway.models.mlp import mlp
from headway.training.named import RECIPES

IRIS, DIGITS = RECIPES["iris"].recipe, RECIPES["digits-mlp"].recipe
SUSPICIOUS = {
    "one example a batch": replace(IRIS, batch_size=1, length=500),
    "raw lengths": replace(IRIS, data=replace(IRIS.data, standardize=False)),
    "pixels in [0, 1]": replace(DIGITS, data=replace(DIGITS.data, standardize=False)),
    "a high rate": replace(DIGITS, optimizer=SGD(1.0)),
    "a deep and narrow network": replace(DIGITS, network=mlp((12,) * 6, 10)),
}


@pytest.mark.parametrize("name", ["digits-mlp", "digits-cnn", "mnist1d-linear", "mnist1d-cnn", "iris", "diabetes"])
def test_in_named_recipes_nothing_is_found(name):
    found = preflight(RECIPES[name].recipe)
    assert [(one.id, one.evidence) for one in found.causes] == []
    assert all(one.verdict != "not seen" for one in found.findings)


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_in_recipes_that_look_suspicious_nothing_is_found(name):
    assert [(one.id, one.evidence) for one in preflight(SUSPICIOUS[name]).causes] == []
