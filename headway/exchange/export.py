"""A trained network as a program of its own, in StableHLO or ONNX, that needs neither Headway nor the recipe."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np

from headway.exchange.onnx import Onnx
from headway.network.layer import apply
from headway.spec.error import HeadwayError
from headway.training.checkpoint import write_durably
from headway.training.run import Run

CODE, SIGNATURE = "program.mlirbc", "signature.json"


@dataclass(frozen=True)
class Program:
    """An exported network: called with raw inputs [examples, …] it gives outputs [examples, …].

    The file is a zip archive: the portable bytecode of StableHLO in `program.mlirbc`, and in `signature.json`
    the shapes and dtypes of input and output, null where any number of examples is taken.
    """

    code: bytes
    signature: dict[str, Any]

    @classmethod
    def of(cls, exported: jax.export.Exported) -> "Program":
        """The program that JAX has made."""
        described = {
            name: {"shape": [n if isinstance(n, int) else None for n in aval.shape], "dtype": str(aval.dtype)}
            for name, (aval,) in (("input", exported.in_avals), ("output", exported.out_avals))
        }
        version = {"calling_convention": exported.calling_convention_version, "platforms": list(exported.platforms)}
        return cls(exported.mlir_module_serialized, described | version)

    @classmethod
    def load(cls, path: Path | str) -> "Program":
        """The program in a file that `export` wrote."""
        try:
            with zipfile.ZipFile(path) as archive:
                return cls(archive.read(CODE), json.loads(archive.read(SIGNATURE)))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise HeadwayError(str(path), "must be a program that export wrote", error) from None

    def save(self, path: Path | str) -> None:
        """Write the program to a file, whole or not at all."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(CODE, self.code)
            archive.writestr(SIGNATURE, json.dumps(self.signature, indent=2))
        write_durably(Path(path), content.getvalue())

    @property
    def stablehlo(self) -> str:
        """The code as text."""
        return str(self._exported().mlir_module())

    def __call__(self, x: Any) -> np.ndarray:
        taken = self.signature["input"]
        rows, due = np.asarray(x, taken["dtype"]), taken["shape"]
        if rows.ndim != len(due) or any(n not in (None, came) for n, came in zip(due, rows.shape, strict=True)):
            raise HeadwayError("x", f"must have the shape {['n' if n is None else n for n in due]}", list(rows.shape))
        exported: Any = self._exported()
        return np.asarray(exported.call(rows))

    def _exported(self) -> jax.export.Exported:
        """What JAX calls: a program of this signature, with this code in the place of its own."""
        taken, given = self.signature["input"], self.signature["output"]

        def frame(x: jax.Array) -> jax.Array:
            return jnp.zeros((x.shape[0], *given["shape"][1:]), given["dtype"]) + x.sum().astype(given["dtype"])

        exported = lowered(frame, taken["shape"], taken["dtype"], tuple(self.signature["platforms"]))
        version = self.signature["calling_convention"]
        return dataclasses.replace(exported, mlir_module_serialized=self.code, calling_convention_version=version)


@dataclass(frozen=True)
class Parity:
    """How far the outputs of a program are from those of the run, and how large the largest of these is."""

    examples: int
    difference: float
    largest: float

    @classmethod
    def of(cls, made: np.ndarray, due: np.ndarray) -> "Parity":
        """Of equal outputs the difference is 0, also where both are NaN or the same infinity."""
        same = (made == due) | (np.isnan(made) & np.isnan(due))
        with np.errstate(invalid="ignore"):
            difference = np.where(same, 0.0, np.nan_to_num(np.abs(made - due), nan=np.inf))
        return cls(len(due), float(difference.max()), float(np.abs(due).max()))

    def __str__(self) -> str:
        if self.difference == 0:
            return f"bit-equal outputs on {self.examples} examples"
        return (
            f"outputs at most {self.difference:.2g} apart on {self.examples} examples, the largest {self.largest:.2g}"
        )


def export(
    run: Run, path: Path | str, *, examples: Any = None, batch: int | None = None, tolerance: float = 1e-5
) -> Parity:
    """Write a run's best network in evaluation mode, the scaling of raw inputs included, as a program of its own.

    path        the file: a model in ONNX if its name ends in `.onnx`, else a `Program`, StableHLO
    examples    raw inputs on which it must agree with the run; None: some that the run was tested on
    batch       how many examples it takes at once; None: any number
    tolerance   the largest difference of outputs, as a part of 1 or of the largest, at which it is written
    """
    x = (familiar_inputs(run) if examples is None else np.asarray(examples))[:batch]
    program = (onnx_of if Path(path).suffix == ".onnx" else program_of)(run, batch)
    parts = [part for part in (x[:1], x[1:]) if len(part)] if batch is None else [x]
    parity = Parity.of(np.concatenate([program(part) for part in parts]), run.outputs(x))
    if not parity.difference <= tolerance * max(1.0, parity.largest):
        raise HeadwayError("tolerance", f"the program must agree with the run to {tolerance:g}", parity,
                           "Set a larger tolerance if that is near enough.")  # fmt: skip
    program.save(path)
    return parity


def program_of(run: Run, batch: int | None = None) -> Program:
    """The program of a run's best network, for a batch of this size (None: of any)."""
    try:
        return Program.of(lowered(*evaluation(run, batch)))
    except TypeError as error:
        if batch is not None:
            raise
        raise HeadwayError("batch", "this network takes no open number of examples", error, "Set batch=….") from None


def onnx_of(run: Run, batch: int | None = None) -> Onnx:
    """A run's best network in ONNX, for a batch of this size (None: of any)."""
    return Onnx.of(*evaluation(run, batch))


def evaluation(run: Run, batch: int | None) -> tuple[Callable[[jax.Array], jax.Array], list[int | None], str]:
    """What a run's best network makes of raw inputs, as a function, and the shape and dtype that it takes."""
    network, values, schema = run.recipe.network, jax.tree.map(jnp.asarray, run.values), run.schema

    def outputs(x: jax.Array) -> jax.Array:
        if schema.scaling is not None:
            x = (x - jnp.asarray(schema.scaling.mean, x.dtype)) / jnp.asarray(schema.scaling.spread, x.dtype)
        return apply(network, values["params"], x, values["network"])[0]

    return outputs, [batch, *schema.input_shape], "float32" if schema.tokens is None else "int32"


def lowered(function: Any, shape: list[int | None], dtype: str, platforms: tuple[str, ...] | None = None) -> Any:
    """A function of one array as JAX exports it; where its first dimension is None, for any."""
    rows = jax.export.symbolic_shape("batch")[0] if shape[0] is None else shape[0]
    taken: Any = jax.ShapeDtypeStruct
    return jax.export.export(jax.jit(function), platforms=platforms)(taken((rows, *shape[1:]), dtype))


def familiar_inputs(run: Run) -> np.ndarray:
    """Raw inputs that the run was tested on, 256 at most; where there are none, validated or trained on."""
    splits, scaling = run.data().splits(), run.schema.scaling
    x = next(splits[name] for name in ("test", "validation", "train") if name in splits).x[:256]
    return x if scaling is None else (x * np.asarray(scaling.spread) + np.asarray(scaling.mean)).astype(np.float32)
