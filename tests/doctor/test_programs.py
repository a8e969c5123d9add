"""Programs that Headway did not write: the pre-flight and the watcher name the fault, and the healthy twin has none."""

import pytest
from doctor.programs import PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_planted_fault_is_named(name):
    run, right = PROGRAMS[name]
    assert right & set(run(True).named)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_healthy_twin_has_nothing_to_find(name):
    assert PROGRAMS[name][0](False).named == []
