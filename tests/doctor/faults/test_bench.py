"""The benchmark: what is in it, that it can be broken off, and that an error in one program stops nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

import headway.doctor.faults.bench as benching
from headway.cli.bench import doctors_code
from headway.cli.command import app
from headway.doctor.faults.bases import SETS
from headway.doctor.faults.bench import VERDICTS, Exam, attempted, bench, left_out, look, mark, programs
from headway.doctor.faults.catalog import faulty, program
from headway.doctor.faults.healthy import healthy
from headway.doctor.faults.measure import MARGIN, stored, twin
from headway.doctor.faults.score import read_rows
from headway.doctor.faults.sets import LOOKED_AT, SetName
from headway.report.doctor_bench import as_lines, bench_page, bench_record, bench_text, rule_rates
from headway.spec.error import HeadwayError
from headway.spec.json import dumps, loads
from headway.training.job import prepare

CHOSEN = (
    program("weights-0@wine-mlp"),
    program("rate-hundredfold@wine-mlp"),
    *programs("tuning", ["as-it-is@wine-mlp"]),
)


LOOK = Exam(look, VERDICTS, "c")


def well(program):
    return {"healthy": True, "causes": []}


def timeless(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    return folder, bench(LOOK, CHOSEN, folder)


def test_a_bench_that_was_broken_off_ends_like_one_that_was_not(whole, tmp_path):
    _, verdicts = whole
    lines = (whole[0] / VERDICTS).read_text().splitlines(keepends=True)
    (tmp_path / VERDICTS).write_text(lines[0] + lines[1][:25])
    seen = []
    resumed = bench(LOOK, CHOSEN, tmp_path, resume=True, tell=lambda row: seen.append(row["id"]))
    assert seen == [one.id for one in CHOSEN[1:]]
    assert timeless(resumed) == timeless(verdicts) == timeless(read_rows(tmp_path / VERDICTS))


def test_verdicts_of_other_code_or_of_another_recipe_are_made_again(tmp_path):
    bench(Exam(well, VERDICTS, "c"), CHOSEN, tmp_path)
    for code, changed in (("c", 0), ("d", 3), ("d", 0)):
        seen = []
        bench(Exam(well, VERDICTS, code), CHOSEN, tmp_path, resume=True, tell=seen.append)
        assert len(seen) == changed
    other = replace(CHOSEN[0], recipe=replace(CHOSEN[0].recipe, seed=9))
    assert mark(other, "c") != mark(CHOSEN[0], "c") != mark(CHOSEN[0], "d")
    with pytest.raises(HeadwayError, match="--resume"):
        bench(LOOK, CHOSEN, tmp_path)


def test_a_base_is_called_healthy_and_a_program_that_breaks_stops_nothing(whole):
    _, verdicts = whole
    assert verdicts[2]["healthy"]
    broken = replace(CHOSEN[0], recipe=replace(CHOSEN[0].recipe, data=None))
    assert "data" in attempted(look, broken)["error"]


def test_the_record_holds_a_row_a_program_and_is_told_as_text_and_as_a_page(whole):
    record = bench_record("tuning", CHOSEN, whole[1], "c")
    assert json.loads(as_lines(record)) == json.loads(json.dumps(record))
    assert [row["id"] for row in record["programs"]] == [one.id for one in CHOSEN]
    assert "2 faulty recipes and 1 healthy one" in bench_text(record)
    assert bench_page([record]).count("\n| ") > 10


def test_a_rule_is_counted_where_its_cause_is_the_one_and_where_it_is_not():
    rows = [
        {"known": ["leakage"], "causes": ["leakage"]}, {"known": ["leakage"], "causes": []},
        {"known": ["imbalance", "leakage"], "causes": ["leakage"]},  # a second name counts neither for nor against
        {"known": ["imbalance"], "causes": ["imbalance", "leakage"]}, {"known": [], "causes": ["leakage"]},
        {"known": [], "causes": []}, {"known": [], "error": "broken"},
    ]  # fmt: skip
    said = rule_rates({"set": "tuning", "programs": rows}, "leakage")
    assert said.endswith("in 1 of the 2 programs whose cause it is, in 1 of the 1 faulty ones that have another, "
                         "in 1 of the 3 healthy ones.")  # fmt: skip
    assert "programs whose cause" not in rule_rates({"set": "tuning", "programs": rows}, "no-signal")
    for name in SETS:
        told = rule_rates({"set": name, "programs": rows, "made on": {"day": "2001-02-03"}}, "leakage")
        assert ("the reporting set until it was looked at, once, on 2001-02-03" in told) == (name in LOOKED_AT)


def test_the_sets_are_those_named_and_the_newest_is_for_reporting():
    assert tuple(SETS) == get_args(SetName) == ("tuning", *LOOKED_AT, "reporting")


@pytest.mark.parametrize("name", SETS)
def test_every_program_kept_was_measured_to_be_what_it_is_said_to_be(name):
    seen, kept = stored(name), programs(name)
    for one in kept:
        measured = seen[one.id]
        lost = measured.against - sum(measured.skills) / 3
        if one.healthy:
            assert lost <= MARGIN, one.id
        elif one.harm == "loss":
            assert lost >= 0.1 or measured.cut >= 2, one.id
    assert {one.id for one in left_out(name)} == {one.id for one in (*faulty(name), *healthy(name))} - {
        k.id for k in kept
    }


def test_the_benchmark_is_as_large_as_it_says():
    kept = [one for name in SETS for one in programs(name)]
    assert len({one.recipe for one in kept}) == len(kept)
    for name in SETS:
        ill = [one for one in kept if one.base.set == name and not one.healthy]
        assert len({one.id.partition("@")[0] for one in ill}) >= 30
        assert len({one.base.id for one in kept if one.base.set == name}) >= 6
    assert sum(one.healthy for one in kept) >= 150


def test_every_healthy_recipe_is_one_value_that_can_be_computed_without_being_told_anyway():
    loaded = {}
    for one in healthy():
        assert loads(dumps(one.recipe)) == one.recipe
        if one.recipe.data not in loaded:
            loaded[one.recipe.data] = one.recipe.data.load()
        prepare(one.recipe, loaded[one.recipe.data])


def test_a_leak_is_held_against_the_same_examples_without_it():
    leak = program("leakage@friedman-mlp")
    assert len(leak.recipe.data.source.load().x) == 4 * len(twin(leak).data.source.load().x)
    assert twin(program("weights-0@wine-mlp")) == program("weights-0@wine-mlp").base.recipe


def test_the_code_looked_at_by_is_hashed_with_the_rules():
    assert len(doctors_code("bench")) == len(doctors_code("outcome")) == 12


def test_the_command_stores_verdicts_programs_and_a_result_and_asks_for_what_to_try(monkeypatch, tmp_path):
    monkeypatch.setattr(benching, "look", well)
    words = ["bench", "--doctor", "--only", "weights-0@wine-mlp", "--only", "as-it-is@wine-mlp", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "never one" in done.output
    kept = json.loads((tmp_path / "result.json").read_text())
    assert kept["score"]["all"]["recall"]["hits"] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.jsonl", "recipes", "result.json", VERDICTS}
    for wrong, says in ((["bench"], "what to try"), (["bench", "--doctor", "--only", "wine"], "no program")):
        with pytest.raises(HeadwayError, match=says):
            CliRunner().invoke(app, wrong, catch_exceptions=False, standalone_mode=False)


def test_a_word_that_no_program_is_near_shows_the_nearest_faults():
    with pytest.raises(HeadwayError, match=r"The nearest of \d+: ([\w-]+, ){4}[\w-]+\.$"):
        programs("tuning", ["xyzzy"])
    with pytest.raises(HeadwayError, match="Did you mean 'weights-0'"):
        programs("tuning", ["weights0"])
    with pytest.raises(HeadwayError, match="Did you mean 'weights-0@wine-mlp'"):
        programs("tuning", ["weights0@wine-mlp"])


def running(pid):
    """Whether a process computes still; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for the children of a process")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_stays_behind_a_bench_that_is_stopped(tmp_path, sent):
    command = ["bench", "--doctor", "--only", "weights-0", "--workers", "2", "--out", str(tmp_path / "out")]
    bench = subprocess.Popen(
        [sys.executable, "-m", "headway.cli", *command], env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    listed = Path(f"/proc/{bench.pid}/task/{bench.pid}/children")
    begun, workers = time.monotonic(), []
    try:
        while len(workers) < 3 and time.monotonic() < begun + 60:  # two workers, and one that tracks what they share
            time.sleep(0.05)
            workers = listed.read_text().split()
        assert len(workers) == 3
        bench.send_signal(sent)
        bench.wait(10)
        while any(map(running, workers)) and time.monotonic() < begun + 120:
            time.sleep(0.05)
        assert not any(map(running, workers))
    finally:
        for pid in filter(running, [str(bench.pid), *workers]):
            os.kill(int(pid), signal.SIGKILL)
