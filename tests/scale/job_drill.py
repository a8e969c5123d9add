"""A run of several processes, or the next part of one: a program for `headway launch`, told what to do in words.

FOLDER SIDES STOP: the run of RECIPE in this folder, on a mesh of these sides (`-`: none), stopped at the first chance
after STOP updates (0: never) by a signal that one process alone gets.
"""

import signal
import sys
from pathlib import Path

from headway.cli.command import mesh_of
from headway.scale.launch import init
from headway.training.callbacks import Advanced
from headway.training.train import resume, train
from tests.scale.test_processes import RECIPE

if __name__ == "__main__":
    folder, sides, stop = Path(sys.argv[1]), sys.argv[2].replace("-", ""), int(sys.argv[3])
    init()

    def stopped(event) -> None:
        if stop and isinstance(event, Advanced) and event.step >= stop:
            signal.raise_signal(signal.SIGTERM)

    mesh = mesh_of(sides, "")
    if (folder / "recipe.json").exists():
        run = resume(folder, mesh=mesh, callbacks=(stopped,))
    else:
        run = train(RECIPE, out=folder, mesh=mesh, callbacks=(stopped,))
    print(run.standing.reason, run.standing.step)
