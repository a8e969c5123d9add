"""A lab grades what an answer does: a task, an answer with a mistake that people make, and the right one."""

import tempfile
from pathlib import Path

from headway.labs.catalog import lab
from headway.labs.grading import check

backward = lab("backward-pass")
answer = Path(tempfile.mkdtemp()) / "answer.py"
answer.write_text(backward.files(seed=7)["answer.py"])
print(answer.read_text())

solved = """
import numpy as np

x, W, v = np.array(x), np.array(W), np.array(v)
h = np.maximum(x @ W + b, 0)
y = h @ v + c
dy = y - t
dv = dy * h
dz = dy * v * (h > 0)
dW = np.outer(x, dz)
dx = dz @ W  # the mistake: on the way back it is the transposed matrix
"""
answer.write_text(answer.read_text() + solved)
grade = check(backward, answer)
print(f"{grade.points} of {grade.of} points", *grade.hints, sep="\n")
assert grade.hints == ("On the way back it is Wᵀ: input i sums over row i of W.",)

answer.write_text(answer.read_text() + "dx = W @ dz\n")
assert check(backward, answer).solved
