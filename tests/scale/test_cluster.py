"""The files for clusters: they can be read, and what they run is understood."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from headway.cli.command import mesh_of
from headway.scale.launch import detect

FOLDER = Path(__file__).parents[2] / "docs/cluster"
FILES = sorted(FOLDER.iterdir())


def commands(text: str) -> list[list[str]]:
    """Every `headway train …` of a file, its words."""
    text = text.replace("srun --kill-on-bad-exit=1 $TRAIN", "headway train --mesh data=4,fsdp=8")
    return [shlex.split(line) for line in re.findall(r"headway train [^\n\"]*--(?:resume|out)[^\n]*", text)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_starts_a_run_and_goes_on_with_it_on_the_devices_that_it_books(path):
    found = commands(path.read_text())
    assert len(found) == 2
    for words in found:
        mesh = mesh_of(words[words.index("--mesh") + 1], "")
        assert mesh is not None
        assert mesh.devices == 32
    assert sum("--resume" in words for words in found) == sum("--out" in words for words in found) == 1


def test_the_shell_reads_the_slurm_file():
    done = subprocess.run(["bash", "-n", FOLDER / "slurm.sh"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    options = dict(re.findall(r"#SBATCH --([\w-]+)=(\S+)", (FOLDER / "slurm.sh").read_text()))
    assert int(options["nodes"]) * int(options["gpus-per-node"]) == 32


def test_the_pods_of_the_kubernetes_file_find_their_places():
    service, job = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())
    spec = job["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    environ = {one["name"]: one["value"] for one in container["env"]} | {"JOB_COMPLETION_INDEX": "3"}
    place = detect(environ)
    assert place is not None
    assert (place.processes, place.process) == (job["spec"]["completions"], 3)
    assert place.coordinator == f"{job['metadata']['name']}-0.{service['metadata']['name']}:12355"
    assert (spec["subdomain"], service["spec"]["clusterIP"]) == (service["metadata"]["name"], "None")
    assert service["spec"]["selector"]["job-name"] == job["metadata"]["name"]
    assert job["spec"]["parallelism"] * container["resources"]["limits"]["nvidia.com/gpu"] == 32


def test_the_skypilot_file_books_what_its_mesh_needs():
    task = yaml.safe_load((FOLDER / "skypilot.yaml").read_text())
    assert task["num_nodes"] * int(task["resources"]["accelerators"].partition(":")[2]) == 32
