"""A learner's file under limits, and answers held against the truth and against mistakes."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from headway.labs.catalog import lab
from headway.labs.grading import Asked, Mistake, alike, check, distinct, judged, malformed, seed_of
from headway.labs.lab import Grade, Part
from headway.labs.questions import written
from headway.spec.error import HeadwayError

BROKEN = {
    "an endless loop": ("while True:\n    pass", r"must come to its end within 3 s; .*a loop that does not end"),
    "a memory hog": ("import numpy\nx = numpy.ones(10**12)", r"must do with 3 GiB of memory.*that grows"),
    "a crash": ("\nx = 1 / 0", r"line 3: must run to its end; got ZeroDivisionError: division by zero. See .*python "),
    "an error in a function called": ("def f():\n    return missing\nf()", r"line 3: .*NameError: .*missing"),
    "no Python": ("z1 = [1, 2", r"line 2: must be Python; got '\[' was never closed"),
    "an exit": ("import sys\nsys.exit('done')", r"line 3: must run to its end; got SystemExit: done"),
    "a hard exit": ("import os\nos._exit(3)", r"must run to its end; got a process that ended with the code 3"),
    "a missing library": ("import nosuchthing", r"line 2: .*ModuleNotFoundError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_does_not_run_is_one_message(case, tmp_path):
    source, message = BROKEN[case]
    path = tmp_path / "answer.py"
    path.write_text(f"SEED = 1\n{source}\n")
    started = time.monotonic()
    with pytest.raises(HeadwayError, match=message):
        check(lab("1"), path, seconds=3)
    assert time.monotonic() - started < 30


def test_what_the_file_starts_ends_with_it(tmp_path):
    path, mark = tmp_path / "answer.py", tmp_path / "mark"
    child = f"import time; time.sleep(2); open({str(mark)!r}, 'w')"
    path.write_text(f"SEED = 1\nimport subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {child!r}])\n")
    check(lab("1"), path)
    time.sleep(2.5)
    assert not mark.exists()


def test_what_is_graded_ends_with_the_command_that_is_interrupted(tmp_path):
    mark, path = tmp_path / "pid", tmp_path / "labs" / "forward-pass" / "answer.py"
    path.parent.mkdir(parents=True)
    loop = f"import os\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\nwhile True: pass"
    path.write_text(f"SEED = 1\n{loop}\n")
    command = subprocess.Popen([sys.executable, "-m", "headway.cli", "learn", "1", "--check"], cwd=tmp_path)
    while not (mark.exists() and mark.read_text()) and command.poll() is None:
        time.sleep(0.05)
    command.send_signal(signal.SIGINT)
    assert command.wait(30) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


@pytest.mark.parametrize(("source", "message"), [
    ("", "must hold the line SEED"),
    ("SEED = 'a'", "must hold the line SEED"), ("SEED = -1", "must hold the line SEED"),
    ("SEED = True", "must hold the line SEED"), ("x = \x00", "must be Python"),
])  # fmt: skip
def test_a_file_without_its_seed_is_refused(source, message, tmp_path):
    (tmp_path / "answer.py").write_text(source)
    with pytest.raises(HeadwayError, match=message):
        seed_of(tmp_path / "answer.py")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "answer.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HeadwayError, match="readable text file"):
        seed_of(tmp_path / "answer.py")


def test_what_the_file_prints_and_reads_is_nobodys_business(tmp_path):
    path = tmp_path / "answer.py"
    path.write_text("SEED = 1\nprint('x' * 10**6)\ntry: input()\nexcept EOFError: pass\n")
    assert check(lab("1"), path).points == 0


FORMS = {
    "nothing": (None, [1.0, 2.0], "Nothing is here yet"),
    "another shape": ([1.0, 2.0, 3.0], [1.0, 2.0], r"numbers of shape \[2\]; got shape \[3\]"),
    "a ragged list": ([[1], [1, 2]], [[1.0], [2.0]], r"numbers of shape \[2, 1\]; got \[\[1\], \[1, 2\]\]"),
    "a text for a number": ("3", 3.0, 'a number; got "3"'),
    "yes for a number": (True, 1.0, "a number; got true"),
    "a list for a number": ([3.0], 3.0, r"a number; got \[3.0\]"),
    "another type": ({"type": "set"}, 3.0, "a number; got a value of type set"),
    "a number for a text": (3, "adam", "a text.*; got 3"),
    "not finite": (float("nan"), 3.0, "not finite"),
    "very long": ("x" * 1000, [1.0], "…"),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_value_of_the_wrong_form_is_told_what_is_asked(case):
    value, truth, message = FORMS[case]
    assert re.search(message, malformed(value, truth))
    assert judged(value, Asked("a", truth)).points == 0


def test_an_answer_is_right_within_rounding_and_words_whatever_their_case():
    assert alike(3.1416, np.pi)
    assert not alike(3.15, np.pi)
    assert alike([100.0, 0.05], [100.0, 0.0])
    assert alike(" Adam ", "adam")
    assert judged(2.0, Asked("a", 2.0)) == Part("a", 1, 1)


def test_a_mistake_is_told_by_its_value_and_any_other_by_none():
    asked = Asked("a", 2.0, (Mistake(4.0, "squared"), Mistake(-2.0, "sign")), "otherwise")
    assert [judged(value, asked).hint for value in (4.0, -2.0, 7.0)] == ["squared", "sign", "otherwise"]


def test_numbers_are_distinct_where_no_mistake_gives_the_truth_or_what_another_gives():
    assert distinct([Asked("a", 2.0, (Mistake(4.0, ""), Mistake(-2.0, "")))])
    assert not distinct([Asked("a", 2.0, (Mistake(2.001, ""),))])
    assert not distinct([Asked("a", 2.0, (Mistake(4.0, ""), Mistake(4.001, "")))])


def test_a_grade_adds_up():
    grade = Grade((Part("a", 1, 1), Part("b", 0, 2, "try again")))
    assert (grade.points, grade.of, grade.solved, grade.hints) == (1, 3, False, ("try again",))


@pytest.mark.parametrize("value", [3, 2.5, [[1.0, -2.0]], "word", True, np.array([[1, 2]])])
def test_a_value_is_written_as_the_python_that_gives_it(value):
    assert json.dumps(eval(written(value))) == json.dumps(value.tolist() if isinstance(value, np.ndarray) else value)


def test_an_answer_is_judged_by_the_answers_before_it():
    task = lab("1").draw(3)
    own = {blank.name: eval(blank.solution.partition(" = ")[2]) for blank in task.blanks}
    own["z1"] = (np.array(own["z1"]) + 1).tolist()
    own["h1"] = np.maximum(own["z1"], 0).tolist()
    points = {part.name: part.points for part in task.grade(own).parts}
    assert (points["z1"], points["h1"], points["z2"]) == (0, 1, 0)
    assert (points["p"], points["loss"]) == (1, 1)
