"""The scorer, held against verdicts written by hand and counted by hand."""

import json

import numpy as np
import pytest
from scipy.stats import binom

from headway.doctor.faults.catalog import program
from headway.doctor.faults.score import (
    clopper_pearson,
    confusion,
    figures,
    manifest_row,
    read_rows,
    score,
    write_programs,
)
from headway.spec.error import HeadwayError
from headway.spec.json import loads


def row(id: str, family: str, *causes: str, base: str = "a") -> dict:
    return {"id": id, "family": family, "base": base, "causes": list(causes), "healthy": not causes}


MANIFEST = [
    row("1", "rate", "high", "reLU"),
    row("2", "rate", "high", "reLU", base="b"),
    row("3", "labels", "shuffled"),
    row("4", "labels", "shuffled", base="b"),
    row("5", "healthy"),
    row("6", "healthy", base="b"),
    row("7", "healthy"),
]
VERDICTS = [
    {"id": "1", "healthy": False, "causes": ["reLU", "high"]},
    {"id": "2", "healthy": False, "causes": ["low", "high"]},
    {"id": "3", "healthy": True, "causes": []},
    {"id": "4", "error": "ValueError"},
    {"id": "5", "healthy": True, "causes": []},
    {"id": "6", "healthy": False, "causes": ["low"]},
]


def hits(found: dict) -> list[tuple[int, int]]:
    return [(found[name]["hits"], found[name]["of"]) for name in ("recall", "first cause", "any cause", "specificity")]


def test_figures_are_what_is_counted_by_hand():
    found = score(MANIFEST, VERDICTS)
    assert hits(found["all"]) == [(2, 4), (1, 4), (2, 4), (1, 3)]
    assert found["all"]["broken"] == 2


def test_what_is_left_out_is_counted_apart_and_the_healthy_stay_with_the_others():
    found = score(MANIFEST, VERDICTS)
    assert list(found)[:3] == ["note", "without a family", "without a base"]
    assert set(found["without a family"]) == {"rate", "labels"}
    assert hits(found["without a family"]["rate"]["others"]) == [(0, 2), (0, 2), (0, 2), (1, 3)]
    assert hits(found["without a family"]["rate"]["itself"]) == [(2, 2), (1, 2), (2, 2), (0, 0)]
    assert hits(found["without a base"]["b"]["others"]) == [(1, 2), (1, 2), (1, 2), (1, 2)]
    assert hits(found["without a base"]["b"]["itself"]) == [(1, 2), (0, 2), (1, 2), (0, 1)]


def test_the_baselines_alarm_always_and_never():
    found = score(MANIFEST, VERDICTS)
    assert hits(found["always alarm"]) == [(4, 4), (2, 4), (2, 4), (0, 3)]
    assert hits(found["never alarm"]) == [(0, 4), (0, 4), (0, 4), (3, 3)]


def test_families_are_confused_with_the_first_cause_named():
    assert score(MANIFEST, VERDICTS)["families"] == {
        "healthy": {"healthy": 1, "low": 1, "broken": 1},
        "labels": {"healthy": 1, "broken": 1},
        "rate": {"reLU": 1, "low": 1},
    }
    ill = [{**MANIFEST[0], "said": {"healthy": False, "causes": []}}]
    assert confusion(ill) == {"rate": {"no cause": 1}}


@pytest.mark.parametrize(("k", "n"), [(0, 20), (3, 20), (20, 20), (150, 170)])
def test_at_the_bounds_what_was_seen_or_more_extreme_has_a_chance_of_2_5_percent(k, n):
    low, high = clopper_pearson(k, n)
    assert low == 0 if k == 0 else binom.sf(k - 1, n, low) == pytest.approx(0.025)
    assert high == 1 if k == n else binom.cdf(k, n, high) == pytest.approx(0.025)


def test_no_programs_have_no_share():
    assert figures([])["recall"]["share"] is None


def test_a_verdict_of_no_program_is_refused():
    with pytest.raises(HeadwayError, match="in the manifest"):
        score(MANIFEST, [{"id": "8", "healthy": True, "causes": []}])


def test_programs_are_written_as_files_that_any_tool_can_read(tmp_path):
    chosen = [program("weights-0@wine-mlp"), program("softmax-twice@iris-tanh")]
    write_programs(chosen, tmp_path)
    rows = read_rows(tmp_path / "manifest.jsonl")
    assert rows == [manifest_row(one) for one in chosen]
    assert rows[0]["causes"] == ["initial-symmetry", "initial-scale"]
    assert [loads((tmp_path / row["recipe"]).read_text()) for row in rows] == [one.recipe for one in chosen]
    np.testing.assert_array_equal(rows[1]["seeds"], [100, 101, 102])


def test_a_line_that_was_not_written_to_its_end_does_not_count(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"id": "1"}) + '\n{"id": "2", "heal')
    assert read_rows(path) == [{"id": "1"}]
    path.write_text("nonsense\n")
    with pytest.raises(HeadwayError, match="JSON"):
        read_rows(path)
