"""Real data at hand without a download: digits, iris, wine, breast cancer, diabetes, and MNIST-1D."""

import contextlib
import importlib.metadata
import importlib.util
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from headway.data.dataset import Source, Table
from headway.data.schema import Array
from headway.spec.node import spec

Tens = Annotated[int, Field(ge=10, multiple_of=10)]
DIGITS = tuple("0123456789")


@spec
class Digits(Source):
    """1,797 handwritten digits of 8×8 pixels in [0, 1]: flat rows [64], or images [8, 8, 1].

    Source: UCI optical recognition of handwritten digits (its test set), Alpaydin & Kaynak 1998; the pixels
    0 … 16 of the original are divided by 16. `enlarge=2` makes every pixel four: images of 16×16.
    """

    _: KW_ONLY
    shape: Literal["flat", "image"] = "flat"
    enlarge: Annotated[int, Field(ge=1)] = 1

    def load(self) -> Table:
        pixels, y = _digits()
        images = np.kron(pixels.reshape(-1, 8, 8) / 16, np.ones((1, self.enlarge, self.enlarge)))
        x = images[..., None] if self.shape == "image" else images.reshape(len(images), -1)
        return Table(x, y.astype(int), classes=DIGITS, one_unit=True)


@spec
class Iris(Source):
    """150 flowers of three species by four lengths in cm (Fisher 1936)."""

    def load(self) -> Table:
        return _table("iris")


@spec
class Wine(Source):
    """178 wines of three growers by 13 chemical measures (Forina et al. 1991)."""

    def load(self) -> Table:
        return _table("wine")


@spec
class BreastCancer(Source):
    """569 tumours, malignant or benign, by 30 measures of their cells' nuclei (Street et al. 1993)."""

    def load(self) -> Table:
        return _table("breast_cancer")


@spec
class Diabetes(Source):
    """442 patients by 10 measures; the target is the disease's progress a year on (Efron et al. 2004).

    The measures are in their own units: the scaled ones of scikit-learn have seen the test rows.
    """

    def load(self) -> Table:
        return _table("diabetes", scaled=False)


@spec
class MNIST1D(Source):
    """Signals of 40 samples [40, 1], one for each digit: 4,000 to learn from and 1,000 to test (Greydanus 2020).

    `examples` are drawn with `seed`; the first four fifths are for training, the rest is the test set, as in
    the paper's frozen data (5,000, seed 42). With `test_examples` the test set is that many new examples of the
    generator, drawn with seed + 1 and put on the same scale. `shuffled` permutes the 40 samples in all
    examples alike, which takes away what a convolution could use. What was drawn once is read from
    `cache_folder()` from then on.
    """

    examples: Tens = 5000
    _: KW_ONLY
    shuffled: bool = False
    test_examples: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**32 - 1)] = 42

    def load(self) -> Table:
        drawn = _signals(self.examples, self.seed)
        x, y, cut = drawn["x"], drawn["y"], self.examples * 4 // 5
        test_x, test_y = x[cut:], y[cut:]
        if self.test_examples is not None:
            fresh = _signals(-(-self.test_examples // 10) * 10, self.seed + 1)
            test_x, test_y = fresh["x"][: self.test_examples], fresh["y"][: self.test_examples]
        order = drawn["order"] if self.shuffled else np.arange(40)

        def ready(signals: Array) -> Array:
            scaled: Array = (signals[:, order] - x.mean()) / x.std()
            return scaled[:, :, None]

        return Table(ready(x[:cut]), y[:cut], test_x=ready(test_x), test_y=test_y, classes=DIGITS)


def cache_folder() -> Path:
    """Where computed data is kept between runs: `$XDG_CACHE_HOME/headway`, by default `~/.cache/headway`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if os.path.isabs(root) else Path.home() / ".cache") / "headway"


def cached(name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The arrays of the cache file `name`.npz; made, and kept there, where there is no whole such file.

    A file is written aside and then renamed, so that processes at the same time see a whole file or none.
    """
    path = cache_folder() / f"{name}.npz"
    broken = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)
    with contextlib.suppress(*broken), open(path, "rb") as file, np.load(file) as kept:
        return dict(kept)
    arrays = make()
    # The cache only saves time: a disk that is full or read-only must not stop a run.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as aside:
            np.savez(Path(aside, path.name), **arrays)
            os.replace(Path(aside, path.name), path)
    return arrays


def _signals(examples: int, seed: int) -> dict[str, Array]:
    """The package's raw signals x [n, 40] with labels y [n], and its order of samples for the shuffled variant."""
    version = importlib.metadata.version("mnist1d")
    return cached(f"mnist1d-{version}-{examples}-{seed}", lambda: _draw_signals(examples, seed))


def _draw_signals(examples: int, seed: int) -> dict[str, Array]:
    """As `mnist1d.data.make_dataset` draws them, before it scales them by their own mean and spread."""
    from mnist1d.data import get_dataset_args, get_templates
    from mnist1d.transform import transform

    templates, settings = get_templates(), get_dataset_args()
    with _global_numpy_seed(seed):
        y = np.repeat(templates["y"], examples // 10)
        x = np.stack([transform(templates["x"][label], templates["t"], settings)[0] for label in y])
        batch, order = np.random.permutation(examples), np.random.permutation(40)
    return {"x": x[batch], "y": y[batch], "order": order}


@contextlib.contextmanager
def _global_numpy_seed(seed: int) -> Iterator[None]:
    """NumPy's global generator, which the package draws from, at `seed`; afterwards as it was."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)


def _digits() -> tuple[Array, Array]:
    """Pixels 0 … 16 [n, 64] and labels [n], from scikit-learn's file: importing the package takes a second."""
    found = importlib.util.find_spec("sklearn")
    for folder in (found.submodule_search_locations or ()) if found else ():
        if (file := Path(folder, "datasets", "data", "digits.csv.gz")).is_file():
            rows = np.loadtxt(file, delimiter=",")
            return rows[:, :-1], rows[:, -1]
    record = _sklearn("digits")
    return record.data, record.target


def _sklearn(name: str, **options: bool) -> Any:
    """The record that scikit-learn's loader gives."""
    import sklearn.datasets

    return getattr(sklearn.datasets, f"load_{name}")(**options)


def _table(name: str, **options: bool) -> Table:
    """A table of scikit-learn's, with its names."""
    record = _sklearn(name, **options)
    classes = tuple(str(c) for c in record.target_names) if "target_names" in record else None
    return Table(record.data, record.target, classes=classes, feature_names=tuple(str(f) for f in record.feature_names))
