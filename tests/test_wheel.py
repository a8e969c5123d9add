"""The built wheel is the package: it installs with pip and works without the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
USE = """
import pathlib, headway, jax, jax.numpy as jnp
network = headway.Sequential((headway.Dense(3), headway.ReLU(), headway.Dense(2)))
params, state = headway.initialize(network, (4,), jax.random.key(0))
print(headway.apply(network, params, jnp.ones((5, 4)))[0].shape, pathlib.Path(headway.__file__).parent.parent)
"""


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT), cwd=place)
    (made,) = place.glob("*.whl")
    return made


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = (p for p in (ROOT / "headway").rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    assert held == {p.relative_to(ROOT).as_posix() for p in files}


def test_the_wheel_announces_its_command_its_kinds_and_its_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (entries,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    text = archive.read(entries).decode()
    assert "[console_scripts]\nheadway = headway.cli.__main__:main" in text
    assert "[headway.kinds]\nheadway = " in text
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


def test_the_installed_wheel_runs_a_network_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(wheel),
        cwd=tmp_path,
    )
    assert run(sys.executable, "-c", USE, cwd=elsewhere, PYTHONPATH=str(site)).split() == ["(5,", "2)", str(site)]
    told = run(sys.executable, "-m", "headway.cli", "--help", cwd=elsewhere, PYTHONPATH=str(site))
    assert "train" in told
