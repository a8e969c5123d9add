"""The same recipe on one device and on four, and what a large one would need of 256, before any is booked."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import headway as hw
from headway.plan.devices import DEVICES
from headway.plan.plan import plan
from headway.report.planned import plan_text

# A recipe says what is computed, a mesh says where: four virtual devices of this CPU come to the same loss as one.
iris = hw.edit(hw.named("iris").recipe, hw.Set("length", value=50)).spec
alone = hw.train(iris).results["test"]["loss"]
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "iris.json").write_text(hw.dumps(iris))
    words = ["-m", "headway.cli", "train", "iris.json", "--mesh", "data=4", "--out", "run"]
    four = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"}
    subprocess.run([sys.executable, *words], cwd=folder, env=os.environ | four, check=True, capture_output=True)
    together = json.loads(Path(folder, "run", "result.json").read_text())["values"]["test"]["loss"]
print(f"test loss on one device {alone:.6f}, on four {together:.6f}")
assert abs(alone - together) < 1e-4

# Llama 2 7B on 256 GPUs: every array of the training state is known to the byte, from a trace that takes seconds.
mesh = hw.Mesh(fsdp=256)
found = plan(hw.named("lm-7b").recipe, mesh, DEVICES["H100"], compile=False)
print(plan_text(found))
parameters = 6_738_415_616
assert sum(one.bytes for one in found.arrays if one.part == "params") == 4 * parameters / 256
assert found.fits
