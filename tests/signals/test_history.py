"""Signals as a table: what goes in comes out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.signals.history import Signals
from headway.signals.statistics import STATISTICS
from headway.spec.error import HeadwayError

addresses = st.lists(st.sampled_from(["", "0", "1", "10", "2/body/0", "stem", "step"]), max_size=4, unique=True)


def made(addresses, steps, seed=0):
    values = np.random.default_rng(seed).normal(size=(len(steps), len(addresses), len(STATISTICS)))
    return Signals.of(steps, addresses, values)


def same(a, b):
    assert a.addresses == b.addresses
    assert (a.steps.dtype, a.values.dtype, a.values.shape) == (b.steps.dtype, b.values.dtype, b.values.shape)
    np.testing.assert_array_equal(a.steps, b.steps)
    np.testing.assert_array_equal(a.values, b.values)


@given(addresses, st.lists(st.integers(1, 10**6), max_size=5, unique=True).map(sorted))
def test_the_table_of_signals_holds_them_all(addresses, steps):
    signals = made(addresses, steps)
    columns = signals.columns()
    assert len(columns) == 1 + len(addresses) * len(STATISTICS)
    same(Signals.from_columns(columns), signals)
    same(Signals.from_columns({name: column.tolist() for name, column in columns.items()}), signals)
    for i, address in enumerate(addresses):
        np.testing.assert_array_equal(columns[f"{address}:gradient"], signals["gradient"][:, i])


@given(addresses, st.lists(st.integers(1, 9), max_size=9), st.data())
def test_parts_joined_are_the_whole(addresses, steps, data):
    whole = made(addresses, steps)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(steps)), max_size=4)))
    bounds = list(zip([0, *cuts], [*cuts, len(steps)], strict=True))
    same(Signals.joined([Signals(whole.addresses, whole.steps[a:b], whole.values[a:b]) for a, b in bounds]), whole)


def test_no_parts_are_no_signals():
    assert len(Signals.joined([])) == 0
    assert Signals.joined([])["gradient"].shape == (0, 0)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_is_called_by_its_name(name):
    signals = made(["0", "1"], [1, 51, 101])
    np.testing.assert_array_equal(signals[name], signals.values[:, :, STATISTICS.index(name)])


def test_an_unknown_statistic_gets_the_nearest():
    with pytest.raises(HeadwayError, match=r"no such statistic; got gradients\. Did you mean 'gradient'"):
        made(["0"], [1])["gradients"]
