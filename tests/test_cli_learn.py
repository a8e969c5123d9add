"""`headway learn` from the outside."""

import json

import pytest

from headway.labs.catalog import LABS, lab
from tests.test_bad_input import headway

ANSWER = "labs/forward-pass/answer.py"


@pytest.fixture
def learn(capsys, monkeypatch, tmp_path):
    """The command line in this process, in a folder of its own: exit code, what it prints, what it complains of."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: headway(capsys, monkeypatch, "learn", *words)


def test_a_lab_is_begun_failed_solved_and_then_shown(learn, tmp_path):
    code, out, _ = learn("1", "--seed", "7")
    assert (code, out) == (0, f"Trace a forward pass: fill in {ANSWER}, then: headway learn forward-pass --check\n")
    assert (tmp_path / ANSWER).read_text() == lab("1").files(7)["answer.py"]
    code, out, _ = learn("1", "--check")
    assert code == 5
    assert "Trace a forward pass: 0 of 5 points" in out
    assert "✗ loss  0/1  Nothing is here yet." in out
    code, out, error = learn("1", "--solution")
    assert (code, out) == (2, "")
    assert "forward-pass: is not solved yet. First: headway learn forward-pass --check. To see" in error
    assert learn("1", "--solution", "--anyway")[1] == lab("1").solution(7) + "\n"
    (tmp_path / ANSWER).write_text(lab("1").solution(7))
    code, out, _ = learn("forward-pass", "--check")
    assert code == 0
    assert "✓ loss  1/1\nSolved. The reference answers: headway learn forward-pass --solution\nWhat was " in out
    assert learn("1", "--solution")[1] == lab("1").solution(7) + "\n"
    assert "5/5, solved" in learn()[1]
    assert f"1 of {len(LABS)} solved, in any order." in learn()[1]


def test_what_was_written_stays_unless_told(learn, tmp_path):
    learn("1", "--seed", "7")
    (tmp_path / ANSWER).write_text("mine")
    code, _, error = learn("1", "--seed", "8")
    assert code == 2
    assert f"{ANSWER}: is there already, perhaps with answers of yours" in error
    assert (tmp_path / ANSWER).read_text() == "mine"
    assert learn("1", "--seed", "8", "--overwrite")[0] == 0
    assert "SEED = 8" in (tmp_path / ANSWER).read_text()


def test_progress_keeps_the_best_and_counts_the_tries(learn, tmp_path):
    learn("1", "--seed", "7")
    (tmp_path / ANSWER).write_text(lab("1").solution(7))
    learn("1", "--check")
    (tmp_path / ANSWER).write_text("SEED = 7")
    code, out, _ = learn("1", "--check", "--json")
    assert (code, json.loads(out)["parts"][0]["points"]) == (5, 0)
    tried = {one["lab"]: one for one in json.loads(learn("--json")[1])}
    assert tried["forward-pass"] == {"lab": "forward-pass", "title": "Trace a forward pass", "tries": 2, "points": 5,
                                     "of": 5, "solved": True}  # fmt: skip
    assert "tries" not in tried["schedule"]


def test_without_a_seed_the_task_is_any(learn, tmp_path):
    texts = set()
    for _ in range(3):
        learn("1", "--overwrite", "--folder", "mine")
        texts.add((tmp_path / "mine/forward-pass/answer.py").read_text())
    assert len(texts) > 1


@pytest.mark.parametrize(("words", "message"), [
    (("forwad-pass",), "lab: no such lab; got forwad-pass. Did you mean 'forward-pass'?"),
    (("99",), f"lab: no such lab; got 99. Numbers go from 1 to {len(LABS)}."),
    (("1", "--check"), f"{ANSWER}: is not there yet. Write it first: headway learn forward-pass"),
    (("--check",), "learn: needs a lab to grade or to show. Try: headway learn 1 --check"),
    (("1", "--seed", "-1"), "--seed"),
    (("1", "--folder", "file"), "must be a place that can be read or written"),
])  # fmt: skip
def test_bad_input_is_one_message(learn, tmp_path, words, message):
    (tmp_path / "file").write_text("")
    code, out, error = learn(*words)
    assert (code, out) == (2, "")
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("text", ["[]", "{", '{"forward-pass": {"points": 1, "more": 2}}', '{"forward-pass": 3}'])
def test_progress_that_was_spoiled_is_named(learn, tmp_path, text):
    (tmp_path / "labs").mkdir()
    (tmp_path / "labs/progress.json").write_text(text)
    code, _, error = learn()
    assert code == 2
    assert "labs/progress.json: must be progress as it was stored" in error
