"""Models in ONNX, run by onnxruntime, against the runs they were made of, and read by ONNX's own checker."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest

from headway.exchange.export import export, onnx_of
from headway.exchange.onnx import Onnx
from headway.network.convolution import Conv
from headway.spec.error import HeadwayError
from headway.spec.node import walk
from headway.training.run import Run
from tests.exchange.test_export import MLP, RAW, RUNS
from tests.test_bad_input import headway

TOKENS, IDS = RUNS["tokens"]


@pytest.mark.parametrize("name", RUNS)
def test_onnxruntime_computes_what_the_run_computes(tmp_path, name):
    run, x = RUNS[name]
    batch = len(x) if run is TOKENS else None
    parity = export(run, tmp_path / "net.onnx", examples=x, batch=batch)
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    (taken,), (given,) = model.graph.input, model.graph.output
    assert [d.dim_value for d in taken.type.tensor_type.shape.dim] == [batch or 0, *run.schema.input_shape]
    assert (taken.name, given.name) == ("x", "y")
    made = onnx_of(run, batch)(x)
    np.testing.assert_allclose(made, run.outputs(x), rtol=1e-5, atol=2e-6)
    assert parity.difference == pytest.approx(np.abs(made - run.outputs(x)).max(), abs=1e-6)


def test_a_token_id_outside_of_the_vocabulary_gives_nan_and_not_the_row_of_another():
    model, x = onnx_of(TOKENS, 1), IDS[:1].copy()
    for foreign in (-1, TOKENS.schema.tokens):
        x[0, 0] = foreign
        assert np.isnan(model(x)).all()


def test_a_convolution_is_one_operation_and_not_the_patches_that_are_faster_on_a_cpu_here():
    run, _ = RUNS["batch norm"]
    operations = [node.op_type for node in onnx.load_from_string(onnx_of(run).code).graph.node]
    assert operations.count("Conv") == sum(isinstance(part, Conv) for _, part in walk(run.recipe.network))


def test_what_cannot_be_converted_or_run_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(
        HeadwayError, match=r"^x: must be what the model in ONNX can take, not .* export it with batch="
    ):
        export(TOKENS, tmp_path / "net.onnx", examples=IDS)
    with pytest.raises(HeadwayError, match=r"^x: must be what the model in ONNX can take, not \[3, 4\]"):
        onnx_of(MLP)(np.zeros((3, 4)))
    with pytest.raises(HeadwayError, match=r"^network: must be known to jax2onnx .* Export it as StableHLO"):
        Onnx.of(lambda x: jax.pure_callback(np.sort, x, x), [2, 3], "float32")
    assert not list(tmp_path.iterdir())


def test_a_way_of_one_platform_gives_place_to_the_way_of_all_others():
    def function(x):
        return jax.lax.platform_dependent(x, cpu=lambda x: x + 1, default=lambda x: x - 1)

    x = np.array([[1.0, 2.0]], np.float32)
    np.testing.assert_array_equal(Onnx.of(function, [None, 2], "float32")(x), x - 1)
    np.testing.assert_array_equal(function(jnp.asarray(x)), x + 1)


@pytest.mark.parametrize("package", ["jax2onnx", "onnxruntime"])
def test_where_a_package_is_missing_it_says_what_to_install(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(HeadwayError, match=rf'^export: ONNX needs {package}; .*pip install "headway\[onnx\]"'):
        onnx_of(MLP)(RAW)


def test_the_command_writes_onnx_where_the_file_is_named_so(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("train", "iris", "--set", "length=5", "--set", "evaluation.every=5", "--out", "run")
    assert headway(capsys, monkeypatch, *words)[0] == 0
    code, out, _ = headway(capsys, monkeypatch, "export", "run", "--out", "net.onnx")
    assert code == 0
    assert out.startswith("net.onnx: ")
    x = np.array([[5.1, 3.5, 1.4, 0.2], [6.0, 2.2, 5.0, 1.5]], np.float32)
    made = Onnx((tmp_path / "net.onnx").read_bytes(), "float32")(x)
    np.testing.assert_allclose(made, Run.load("run").outputs(x), rtol=1e-5, atol=1e-6)


def test_a_conversion_leaves_jax_as_it_was():
    """In a process of its own: jax2onnx puts its own `jnp.cumsum` in place when it is imported."""
    program = """
import jax, jax.numpy as jnp
from headway.exchange.onnx import Onnx
before = {module: dict(vars(module)) for module in (jnp, jax.nn, jax.lax)}
for _ in range(2):
    assert Onnx.of(lambda x: jnp.cumsum(x, axis=1), (None, 3), "float32")(jnp.ones((2, 3))).tolist() == [[1, 2, 3]] * 2
assert all(vars(module)[name] is value for module, names in before.items() for name, value in names.items())
assert jnp.cumsum(jnp.ones((2, 2)), 1).tolist() == [[1, 2], [1, 2]]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
