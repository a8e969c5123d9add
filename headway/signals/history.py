"""The signals of a run: for each sampled update and each watched layer, its statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headway.signals.statistics import STATISTICS
from headway.spec.error import HeadwayError, did_you_mean


@dataclass(frozen=True)
class Signals:
    """What probes measured.

    addresses    the watched layers, in the order of computation
    steps        [samples], the update that each sample was taken in, 1 for the first
    values       [samples, addresses, len(STATISTICS)]
    """

    addresses: tuple[str, ...]
    steps: np.ndarray
    values: np.ndarray

    def __getitem__(self, statistic: str) -> np.ndarray:
        """One statistic [samples, addresses]."""
        if statistic not in STATISTICS:
            raise HeadwayError("signals", "no such statistic", statistic, did_you_mean(statistic, STATISTICS))
        return self.values[..., STATISTICS.index(statistic)]

    def update_size(self, samples: slice) -> float | None:
        """‖Δθ‖ / ‖θ‖, the median of these samples and of the layers with weights; None where none is told."""
        weight, update = self["weight"][samples], self["update"][samples]
        told = np.isfinite(update) & (weight > 0)
        return float(np.median(update[told] / weight[told])) if told.any() else None

    def __len__(self) -> int:
        return len(self.steps)

    def columns(self) -> dict[str, np.ndarray]:
        """The form of a table: `step`, and `ADDRESS:STATISTIC` for each of both."""
        found = {"step": self.steps}
        for i, address in enumerate(self.addresses):
            found |= {f"{address}:{name}": self.values[:, i, j] for j, name in enumerate(STATISTICS)}
        return found

    @classmethod
    def of(cls, steps: Any, addresses: Sequence[str], values: Any) -> "Signals":
        """Signals of plain numbers, also of none."""
        shape = (len(steps), len(addresses), len(STATISTICS))
        return cls(tuple(addresses), np.asarray(steps, int), np.asarray(values, np.float32).reshape(shape))

    @classmethod
    def from_columns(cls, columns: Mapping[str, Sequence[float]]) -> "Signals":
        """The inverse of `columns`."""
        addresses = list(dict.fromkeys(name.rpartition(":")[0] for name in columns if name != "step"))
        values = [[columns[f"{address}:{name}"] for name in STATISTICS] for address in addresses]
        return cls.of(columns["step"], addresses, np.moveaxis(np.asarray(values, np.float32), -1, 0))

    @classmethod
    def joined(cls, parts: Sequence["Signals"]) -> "Signals":
        """Samples of the same layers, one after the other."""
        if not parts:
            return cls.of([], [], [])
        steps, values = (np.concatenate([getattr(part, name) for part in parts]) for name in ("steps", "values"))
        return cls(parts[0].addresses, steps, values)
