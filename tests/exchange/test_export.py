"""Exported programs against the runs they were made of, and against StableHLO's own reader."""

import subprocess
import sys
import zipfile

import jax
import numpy as np
import pytest
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import stablehlo

from headway.data.schema import Scaling, Schema
from headway.exchange.export import Parity, Program, export, program_of
from headway.learning.losses import CrossEntropy
from headway.learning.optimizers.adaptive import Adam
from headway.models.convnet import residual_convnet
from headway.models.mlp import mlp
from headway.models.transformer import language_model
from headway.network.compose import Sequential
from headway.network.convolution import Flatten
from headway.network.dense import Dense
from headway.network.layer import Layer, initialize
from headway.network.normalization import GroupNorm
from headway.network.recurrent import GRU, Last
from headway.spec.error import HeadwayError
from headway.spec.node import spec
from headway.training.recipe import Recipe
from headway.training.record import History, Standing
from headway.training.run import Run
from tests.test_bad_input import headway

DRAWS = np.random.default_rng(0)


def run_of(network: Layer, shape: tuple[int, ...], tokens: int | None = None) -> Run:
    """A run of so many updates: none."""
    params, state = initialize(network, shape, jax.random.key(0))
    scaling = Scaling((0.3,), (1.7,)) if tokens is None else None
    schema = Schema(shape, network.shape(shape)[-1], ("a", "b", "c"), None, scaling, tokens)
    values = {"params": params, "network": state}
    recipe = Recipe(network, loss=CrossEntropy(), optimizer=Adam())
    return Run(recipe, schema, values, values, Standing(), History(), {})


MLP = run_of(mlp((8,), 3), (5,))
RAW = DRAWS.normal(1.0, 3.0, (9, 5))
RUNS = {
    "mlp": (MLP, RAW),
    "batch norm": (run_of(residual_convnet(8, 3, channels=4), (8, 8, 1)), DRAWS.normal(size=(4, 8, 8, 1))),
    "group norm": (run_of(Sequential((GroupNorm(2), Flatten(), Dense(2))), (5, 4)), DRAWS.normal(size=(4, 5, 4))),
    "recurrence": (run_of(Sequential((GRU(4), Last(), Dense(2))), (5, 3)), DRAWS.normal(size=(4, 5, 3))),
    "tokens": (run_of(language_model(7, width=8, heads=2, blocks=1), (6,), 7), DRAWS.integers(0, 7, (4, 6))),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_program_read_back_computes_what_the_run_computes_for_any_number_of_examples(tmp_path, name):
    run, x = RUNS[name]
    parity = export(run, tmp_path / "net.zip", examples=x)
    program = Program.load(tmp_path / "net.zip")
    for rows in (x, x[:1], np.concatenate([x, x])):
        np.testing.assert_allclose(program(rows), run.outputs(rows), rtol=1e-5, atol=2e-6)
    parts = np.concatenate([program(x[:1]), program(x[1:])])
    assert parity.difference == np.abs(parts - run.outputs(x)).max()
    assert program.signature["input"]["shape"] == [None, *run.schema.input_shape]


def test_the_code_in_the_archive_is_stablehlo_to_its_own_reader_and_no_other_file_is_needed(tmp_path):
    export(MLP, tmp_path / "net.zip", examples=RAW, batch=9)
    with zipfile.ZipFile(tmp_path / "net.zip") as archive:
        code = archive.read("program.mlirbc")
    with ir.Context() as context:
        module = stablehlo.deserialize_portable_artifact(context, code)
        assert str(module).count("stablehlo.dot_general") == 2
        assert "tensor<9x5xf32>" in str(module)
    assert "stablehlo.dot_general" in Program.load(tmp_path / "net.zip").stablehlo


def test_a_program_that_strays_too_far_is_not_written(tmp_path):
    class Astray:
        def __getattr__(self, name):
            return getattr(MLP, name)

        def outputs(self, x):
            return MLP.outputs(x) + 1e-3

    with pytest.raises(HeadwayError, match=r"tolerance: the program must agree .* to 1e-05; got .* 0\.001 apart"):
        export(Astray(), tmp_path / "net.zip", examples=RAW)
    assert not list(tmp_path.iterdir())
    assert 0.0009 < export(Astray(), tmp_path / "net.zip", examples=RAW, tolerance=0.1).difference < 0.0011


def test_parity_takes_equal_for_equal_and_a_nan_in_one_alone_for_the_worst():
    a = np.array([[1.0, np.inf, np.nan]])
    assert Parity.of(a, a).difference == 0
    assert str(Parity.of(a, a)) == "bit-equal outputs on 1 examples"
    assert Parity.of(a, np.array([[1.0, 2.0, 3.0]])).difference > 1e300
    assert Parity.of(np.array([[1.0]]), np.array([[1.5]])).difference == 0.5


def test_a_network_that_counts_its_examples_is_exported_for_so_many(tmp_path):
    @spec
    class Counted(Layer):
        """x divided by a number that has to be known: how many examples there are."""

        def apply(self, params, x, context):
            return x / float(len(x))

    run = run_of(Sequential((Counted(), Dense(3))), (5,))
    with pytest.raises(HeadwayError, match=r"batch: this network takes no open number of examples; got .*Set batch="):
        export(run, tmp_path / "net.zip", examples=RAW)
    assert export(run, tmp_path / "net.zip", examples=RAW, batch=9).examples == 9
    with pytest.raises(HeadwayError, match=r"x: must have the shape \[9, 5\]; got \[4, 5\]"):
        Program.load(tmp_path / "net.zip")(RAW[:4])


@pytest.mark.parametrize("x", [np.zeros((3, 4)), np.zeros(5), np.zeros((3, 5, 1))])
def test_inputs_of_another_shape_are_refused(x):
    with pytest.raises(HeadwayError, match=r"x: must have the shape \['n', 5\]; got \["):
        program_of(MLP)(x)


def test_what_is_no_program_is_refused(tmp_path):
    (tmp_path / "text.zip").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a", "b")
    for name in ("text.zip", "other.zip", "absent.zip"):
        with pytest.raises(HeadwayError, match=rf"{name}: must be a program that export wrote"):
            Program.load(tmp_path / name)


def test_the_command_exports_a_run_and_a_fresh_process_computes_its_outputs(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("train", "iris", "--set", "length=5", "--set", "evaluation.every=5", "--out", "run")
    assert headway(capsys, monkeypatch, *words)[0] == 0
    code, out, _ = headway(capsys, monkeypatch, "export", "run", "--out", "net.zip")
    assert code == 0
    assert "net.zip: " in out
    assert "examples" in out
    x = np.array([[5.1, 3.5, 1.4, 0.2], [6.0, 2.2, 5.0, 1.5]])
    script = f"from headway.exchange.export import Program; print(Program.load('net.zip')({x.tolist()}).tolist())"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    np.testing.assert_allclose(eval(printed), Run.load("run").outputs(x), rtol=1e-5, atol=1e-6)
    assert headway(capsys, monkeypatch, "export", "absent", "--out", "b.zip")[0] == 2
