"""A function in ONNX, the form that runtimes outside of JAX read: jax2onnx converts it, onnxruntime runs it here."""

import functools
import importlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import jax
import jax.export
import jax.extend
import numpy as np

from headway.spec.error import HeadwayError
from headway.training.checkpoint import write_durably


@dataclass(frozen=True)
class Onnx:
    """A model in ONNX that makes of one array `x` [examples, …] of this dtype one array `y` [examples, …].

    Making one needs `pip install "headway[onnx]"`; the file needs any runtime of ONNX, and nothing of Headway.
    """

    code: bytes
    dtype: str

    @classmethod
    def of(cls, function: Callable[[jax.Array], jax.Array], shape: Sequence[int | None], dtype: str) -> "Onnx":
        """A function of one array of this shape; where the first dimension is None, for any number of examples."""
        rows = jax.export.symbolic_shape("examples")[0] if shape[0] is None else shape[0]
        taken: Any = jax.ShapeDtypeStruct((rows, *shape[1:]), dtype)  # type: ignore[no-untyped-call]
        # ONNX has no platforms: where one has its own way to compute something, the way of all others is taken.
        with patch.object(jax.lax, "platform_dependent", lambda *x, default, **_: default(*x)):
            traced = jax.extend.core.jaxpr_as_fun(jax.make_jaxpr(function)(taken))
        with _unchanged(jax.numpy, jax.nn, jax.lax), _quiet("jax2onnx", "onnx_ir"):
            convert = _needed("jax2onnx").to_onnx
            try:
                made = convert(lambda x: traced(x)[0], [taken], input_names=["x"], output_names=["y"])
            except Exception as error:  # whatever a converter of so many operations raises
                raise HeadwayError("network", "must be known to jax2onnx in all its operations", error,
                                   "Export it as StableHLO, to another file than ….onnx.") from error  # fmt: skip
        return cls(made.SerializeToString(), dtype)

    def save(self, path: Path | str) -> None:
        """Write the model to a file, whole or not at all."""
        write_durably(Path(path), self.code)

    def __call__(self, x: Any) -> np.ndarray:
        """What onnxruntime computes on the CPU."""
        session = self._session
        try:
            outputs: list[np.ndarray] = session.run(None, {"x": np.asarray(x, self.dtype)})
        except Exception as error:  # onnxruntime's errors have no class in common
            raise HeadwayError("x", f"must be what the model in ONNX can take, not {list(np.shape(x))}",
                               str(error).splitlines()[0],
                               "If that is for the number of examples, export it with batch=….") from error  # fmt: skip
        return outputs[0]

    @functools.cached_property
    def _session(self) -> Any:
        runtime = _needed("onnxruntime")
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # fatal errors alone: the others are raised
        return runtime.InferenceSession(self.code, options, providers=["CPUExecutionProvider"])


def _needed(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise HeadwayError("export", f"ONNX needs {package}", error, 'pip install "headway[onnx]"') from None


@contextmanager
def _unchanged(*modules: ModuleType) -> Iterator[None]:
    """Give functions of these modules back that jax2onnx leaves its own in the place of, as of `jnp.cumsum`."""
    before = [dict(vars(module)) for module in modules]
    try:
        yield
    finally:
        for module, names in zip(modules, before, strict=True):
            for name, value in names.items():
                if vars(module).get(name) is not value:
                    setattr(module, name, value)


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Without the warnings of these libraries."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
