"""A history of any training loop as a file: JSON lines, or a Parquet table, read into what the rules look at.

A line or row is an update: `step`, and what is known of `loss`, `gradient_norm`, `clipped_norm`, `learning_rate`, and
`alignment`, the cosine between the gradient and the update: −1 is steepest descent, above 0 it ascends;
`validation/loss` (or any other split and measure) where it was judged; and of layers `ADDRESS:STATISTIC`, such as
`dense_1:silent`: see `headway.signals.statistics.STATISTICS`. Nothing but `step` is needed.
"""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headway.signals.history import Signals
from headway.signals.statistics import STATISTICS
from headway.spec.error import HeadwayError
from headway.training.record import History
from headway.training.step import MEASURES

Row = Mapping[str, Any]


def read_history(path: Path | str) -> History:
    """The history in a `.jsonl` or `.parquet` file. Errors: a row that is no mapping of numbers, or has no step."""
    path = Path(path)
    if path.suffix == ".parquet":
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(path).to_pylist()
    elif path.suffix == ".jsonl":
        rows = [_line(path, number, line) for number, line in enumerate(path.read_text().splitlines(), 1) if line]
    else:
        raise HeadwayError(str(path), "must be a .jsonl or .parquet file", path.suffix or "no suffix")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("step"), int) or row["step"] < 1:
            raise HeadwayError(f"{path}:{number}", "must hold a step of 1 or more", row if isinstance(row, dict) else
                               type(row).__name__, 'Write {"step": 1, "loss": 2.3}.')  # fmt: skip
    return history_of(rows)


def _line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise HeadwayError(f"{path}:{number}", "must be a line of JSON", error.msg) from None


def history_of(rows: Iterable[Row]) -> History:
    """The history that rows tell; several rows may tell of one step."""
    merged: dict[int, dict[str, float]] = {}
    for row in rows:
        numbers = {name: float(value) for name, value in row.items() if isinstance(value, int | float)}
        merged.setdefault(int(row["step"]), {}).update(numbers)
    history, steps = History(), sorted(merged)
    plain = (name for step in steps for name in merged[step] if name != "step" and "/" not in name and ":" not in name)
    history.names = tuple(dict.fromkeys((*MEASURES, *plain)))
    told = [step for step in steps if merged[step].keys() & set(history.names)]
    if told:
        table = np.full((told[-1], len(history.names)), np.nan, np.float32)
        for step in told:
            table[step - 1] = [merged[step].get(name, math.nan) for name in history.names]
        history.chunks.append(table)
    for step in steps:
        judged = [name for name in merged[step] if "/" in name and ":" not in name]
        for split in dict.fromkeys(name.partition("/")[0] for name in judged):
            values = {n.partition("/")[2]: merged[step][n] for n in judged if n.partition("/")[0] == split}
            history.evaluations.append({"step": step, "split": split} | values)
    history.samples.append(_signals(merged))
    return history


def _signals(merged: Mapping[int, Mapping[str, float]]) -> Signals:
    """The samples of layers, NaN for what was not measured."""
    known = {step: [n for n in row if n.rpartition(":")[2] in STATISTICS and ":" in n] for step, row in merged.items()}
    steps = sorted(step for step, names in known.items() if names)
    addresses = list(dict.fromkeys(name.rpartition(":")[0] for step in steps for name in known[step]))
    values = np.full((len(steps), len(addresses), len(STATISTICS)), np.nan, np.float32)
    for i, step in enumerate(steps):
        for name in known[step]:
            address, _, statistic = name.rpartition(":")
            values[i, addresses.index(address), STATISTICS.index(statistic)] = merged[step][name]
    return Signals.of(steps, addresses, values)
