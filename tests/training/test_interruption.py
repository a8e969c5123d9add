"""Ctrl-C and SIGTERM: a run takes them over and ends whole, unless a part of a run is worth nothing."""

import signal

import pytest

from headway.training.interruption import Interruption, whole_or_nothing


@pytest.mark.usefixtures("ctrl_c")
def test_the_first_signal_sets_the_reason_and_the_second_acts_as_it_always_does():
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.reason == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c")
def test_what_is_worth_nothing_in_part_is_broken_off_at_once():
    with whole_or_nothing(), whole_or_nothing():
        pass
    with whole_or_nothing(), Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert interruption.reason == ""
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.reason == "interrupted"
